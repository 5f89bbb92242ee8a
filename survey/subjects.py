"""What people write when they mean a server: words of a line, read as names, addresses and ranges.

Lines come from mails, web pages, spreadsheets and zone files: full-width letters, addresses of web pages and mailboxes,
ports, trailing dots, bullets, quotes, Japanese sentences around a name. `read_words` takes a line apart and says of
every word what it is read as, what had to be taken off it, or why it cannot be used; a word is never guessed at when
it could mean something else. Names become A-labels in lower case without a final dot (RFC 5890, IDNA2008 with UTS 46).

A range is a network (192.0.2.0/24), a span (192.0.2.1-192.0.2.20, 192.0.2.1-20) or 192.0.2.*; of IPv4 it holds at most
256 addresses, of IPv6 it is no wider than a /48.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, NamedTuple

import idna

from .names import Malformed, as_asked, encode_name

RANGE_MOST, IPV6_PREFIX_LEAST = 256, 48
_LINE_MOST, _WORD_MOST = 20_000, 300

_ADDRESS = r"[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]*"
_SPAN = re.compile(rf"({_ADDRESS})\s*[-~\u2010-\u2015\u301c\u2212\u30fc]\s*({_ADDRESS}|[0-9]{{1,3}})(?![\w.:-])")
_SPLIT = re.compile(r"[\s,;、，；|｜<>()\[\]{}\"'`“”‘’「」『』【】〔〕・=]+")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_TOP = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")
_INSIDE = re.compile(r"[A-Za-z0-9_@:./*-]*[.:][A-Za-z0-9_@:./*-]*")
_PREFIX = re.compile(r"(?:ip4|ip6|ipv4|ipv6|ip|mx|a|aaaa|host|include|redirect|address|mailto)[:：](?!//)", re.I)
_PORT = re.compile(r"(?<=[\w.\]]):[0-9]{1,5}$")
_PATH = re.compile(r"(://[^\s/?#,;、，。；|<>\"'「」]+)[/?#][^\s,;、，。；|<>\"'「」]*")
"""What follows the host in a web address: it may hold names of its own, which nobody asked about."""
_IDEOGRAPHIC = re.compile(r"(?<=[0-9A-Za-z])[。｡](?=[0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Subject:
    """What one word means: a name, an address, or a range with its first and last address."""

    kind: Literal["name", "address", "range"]
    text: str
    first: IPv4Address | IPv6Address | None = None
    last: IPv4Address | IPv6Address | None = None

    @property
    def is_ipv6(self) -> bool:
        return isinstance(self.first, IPv6Address)

    def covers(self, address: str) -> bool:
        """Whether an address is this one, or lies in this range."""
        found = ip_address(address)
        if isinstance(self.first, IPv4Address) and isinstance(self.last, IPv4Address):
            return isinstance(found, IPv4Address) and self.first <= found <= self.last
        if isinstance(self.first, IPv6Address) and isinstance(self.last, IPv6Address):
            return isinstance(found, IPv6Address) and self.first <= found <= self.last
        return False

    @property
    def size(self) -> int:
        """How many addresses it holds; a name holds none."""
        return 0 if self.first is None or self.last is None else int(self.last) - int(self.first) + 1

    def addresses(self) -> Iterator[str]:
        """Every address of an address or an IPv4 range; of an IPv6 range none, they cannot be counted off."""
        if self.kind == "address":
            yield self.text
        elif isinstance(self.first, IPv4Address) and isinstance(self.last, IPv4Address):
            yield from (str(IPv4Address(number)) for number in range(int(self.first), int(self.last) + 1))


class Word(NamedTuple):
    """One word of a line: what it means, or why it cannot be used (`reason`), and what was taken off it (`note`).

    Without a subject and a reason it is text beside the others. Reasons and notes are machine words.
    """

    written: str
    subject: Subject | None
    reason: str | None = None
    note: str | None = None


def read_words(line: str) -> list[Word]:
    """Every word of a line. A line that is not blank has at least one word. Raises nothing."""
    if len(line) > _LINE_MOST:
        return [Word(line[:_WORD_MOST], None, "line_too_long")]
    text = unicodedata.normalize("NFKC", _IDEOGRAPHIC.sub(".", line)).replace("。", " ")
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Cs", "Co"))
    text = re.sub(r"(?<=[^\x00-\x7f]):", " ", text)
    text = _PATH.sub(r"\1", re.sub(r"\]:[0-9]{1,5}(?![0-9])", "] ", text))
    words: list[Word] = []
    at = 0
    for found in _SPAN.finditer(text):
        if (span := _span(found[1], found[2])) is not None:
            words += _split(text[at : found.start()])
            words.append(span._replace(written=found[0].strip()))
            at = found.end()
    words += _split(text[at:])
    meant = [word for word in words if word.subject is not None or word.reason is not None]
    if meant or not line.strip():
        return words
    return [Word(line.strip()[:_WORD_MOST], None, "no_subject")]


def _split(text: str) -> list[Word]:
    return [_word(word) for word in _SPLIT.split(text) if word.strip("-*#/\\:.") or word == "::"]


def _word(word: str) -> Word:
    if len(word) > _WORD_MOST:
        return Word(word[:_WORD_MOST], None, "word_too_long")
    if word.isascii():
        return _ascii(word)
    whole = _ascii(word, is_idn=True) if _is_pure(word) else Word(word, None)
    inside = [] if whole.subject is not None else [_ascii(part) for part in _INSIDE.findall(word)]
    usable = [part for part in inside if part.subject is not None]
    if len(usable) == 1:
        return usable[0]._replace(written=word, note=usable[0].note or "out_of_text")
    if whole.subject is not None:
        return whole
    return Word(word, None, "two_in_a_word" if len(usable) > 1 else "bad_name" if inside else None)


def _is_pure(word: str) -> bool:
    """Whether every label is all letters of one kind: 日本語.jp is one name, サーバはmail.example.jp is a sentence."""
    labels = [label for label in re.split(r"[.@/:]", word) if label]
    has_both = any(not label.isascii() and re.search(r"[A-Za-z0-9]", label) for label in labels)
    return not has_both and not any(char in "：／" for char in word)


def _ascii(word: str, *, is_idn: bool = False) -> Word:
    """A word without text around it: a name, an address, a network; or why it is none."""
    text, note = word, None
    if prefix := _PREFIX.match(text):
        text = text[prefix.end() :]
        note = "mail_address" if prefix[0].lower() == "mailto:" else None
    if "://" in text:
        text, note = text.partition("://")[2], "web_address"
        text = re.split(r"[/?#]", text, maxsplit=1)[0].rpartition("@")[2]
    elif "@" in text:
        text, note = text.rpartition("@")[2], "mail_address"
    text = text.strip("[]").rstrip(".!?/\\")
    if (network := _network(text)) is not None:
        return network._replace(written=word, note=network.note or note)
    if "/" in text:
        text, note = text.partition("/")[0], note or "web_address"
    if text.count(":") == 1 and _PORT.search(text):
        text, note = _PORT.sub("", text), note or "port"
        if (network := _network(text)) is not None:
            return network._replace(written=word, note=network.note or note)
    if text.startswith("*."):
        text, note = text[2:], "wildcard_cut"
    return _name(word, text.removeprefix(".").rstrip("."), note, is_idn=is_idn)


def _name(word: str, text: str, note: str | None, *, is_idn: bool) -> Word:
    name = text.lower()
    if is_idn:
        try:
            name, note = idna.encode(name, uts46=True).decode(), note or "idn"
        except (idna.IDNAError, UnicodeError):
            return Word(word, None, "bad_name")
    labels = name.split(".")
    is_meant = ("." in name and re.search(r"[a-z]", name) is not None) or note in ("mail_address", "web_address")
    if len(labels) < 2:
        return Word(word, None, "one_label" if is_meant else None)
    if re.fullmatch(r"[0-9.]+(/[0-9.]*)?", text):
        has_zeros = any(len(label) > 1 and label.startswith("0") for label in labels)
        reason = "leading_zeros" if len(labels) == 4 and has_zeros else "bad_address"
        return Word(word, None, reason if len(labels) > 3 else None)
    if not is_meant:
        return Word(word, None)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return Word(word, None, "bad_name")
    if not _TOP.fullmatch(labels[-1]):
        return Word(word, None, "bad_top_level")
    try:
        encode_name(name)
    except Malformed:
        return Word(word, None, "bad_name")
    return Word(word, Subject("name", name), None, note)


def _network(text: str) -> Word | None:
    """An address or a network; a Word that says why where it is one that cannot be taken; None where it is neither."""
    if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){2}\.\*", text):
        text = text.replace("*", "0/24")
    place, slash, length = text.partition("/")
    place = place.partition("%")[0]
    try:
        address = ip_address(place)
    except ValueError:
        is_meant = place.count(":") > 1 and re.fullmatch(r"[0-9A-Fa-f:.]+", place)
        return Word(text, None, "bad_address") if is_meant else None
    if not slash:
        address = as_asked(address)
        return Word(text, Subject("address", str(address), address, address))
    try:
        found = ip_network(f"{address}/{length}", strict=False)
    except ValueError:
        return Word(text, None, "bad_range")
    if found.num_addresses == 1:
        return Word(text, Subject("address", str(address), address, address))
    is_wide = found.prefixlen < IPV6_PREFIX_LEAST if isinstance(found, IPv6Network) else len_of(found) > RANGE_MOST
    if is_wide:
        return Word(text, None, "range_too_wide")
    note = None if address == found.network_address else "range_around"
    return Word(text, Subject("range", str(found), found[0], found[-1]), None, note)


def len_of(network: object) -> int:
    """How many addresses a network holds."""
    return int(getattr(network, "num_addresses", 0))


def _span(first: str, last: str) -> Word | None:
    """A span of addresses; None where its ends are none."""
    try:
        begin = ip_address(first)
        end = ip_address(f"{first.rpartition('.')[0]}.{last}" if last.isdigit() else last)
    except ValueError:
        return None
    if isinstance(begin, IPv4Address) and isinstance(end, IPv4Address):
        count, most = int(end) - int(begin) + 1, RANGE_MOST
    elif isinstance(begin, IPv6Address) and isinstance(end, IPv6Address):
        count, most = int(end) - int(begin) + 1, 1 << (128 - IPV6_PREFIX_LEAST)
    else:
        return Word("", None, "mixed_families")
    if count < 1:
        return Word("", None, "range_backwards")
    if count > most:
        return Word("", None, "range_too_wide")
    if count == 1:
        return Word("", Subject("address", str(begin), begin, begin))
    return Word("", Subject("range", f"{begin}-{end}", begin, end))
