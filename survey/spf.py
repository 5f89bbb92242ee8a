"""One SPF record, read: its terms in order, and every error with its reason.

Rules: RFC 7208 §3.1 (7-bit ASCII), §4.5 (what is a record), §4.6.1 and §12 (the grammar), §5 (mechanisms), §6
(modifiers), §7.1 (macros). Nothing here asks, and nothing is raised: a stranger's record is data, and a malformed one
is kept as such. A record with an error anywhere says nothing (§4.6): that is for its reader to obey.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

Network = IPv4Network | IPv6Network

_VERSION = re.compile(rb"v=spf1(?= |$)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_MECHANISM = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9]*)((?:[:/].*)?)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?")
_CIDR = re.compile(r"/(0|[1-9][0-9]{0,2})")
_MACRO = r"%(?:\{[slodipvhSLODIPVH](?:0*[1-9][0-9]*)?[rR]?[.+,/_=-]*\}|[%_-])"
_MACRO_STRING = re.compile(rf"(?:{_MACRO}|[\x21-\x24\x26-\x7e])*")
_ENDS_IN_MACRO = re.compile(rf"(?:{_MACRO}|[\x21-\x24\x26-\x7e])*{_MACRO}")
_TOP_LABEL = re.compile(r"[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9]")
_QNUMS = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.|$)){4}")
_TAKES_DOMAIN = frozenset({"a", "mx", "ptr", "include", "exists"})
_NEEDS_DOMAIN = frozenset({"include", "exists"})


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism or modifier. `domain` is None where the record's own domain is meant; prefixes are in bits."""

    text: str
    name: str
    qualifier: str = ""
    """+ - ~ or ? of a mechanism; empty for a modifier."""
    domain: str | None = None
    network: Network | None = None
    prefix4: int = 32
    prefix6: int = 128

    @property
    def has_macro(self) -> bool:
        return self.domain is not None and "%" in self.domain


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its text, its terms in order, and (term, reason) of what is malformed."""

    text: str
    terms: tuple[Term, ...]
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def all(self) -> str | None:
        """The qualifier of `all`; None where there is none."""
        return next((term.qualifier for term in self.terms if term.name == "all"), None)

    @property
    def redirect(self) -> Term | None:
        """The redirection that counts: none beside `all` (§6.1)."""
        return None if self.all else next((term for term in self.terms if term.name == "redirect"), None)

    @property
    def mechanisms(self) -> tuple[Term, ...]:
        """The mechanisms in front of `all`: those behind it are never tested (§5.1)."""
        found = [term for term in self.terms if term.qualifier]
        names = [term.name for term in found]
        return tuple(found[: names.index("all")] if "all" in names else found)


class _Wrong(Exception):
    """A term that is not of the grammar, in one machine word."""


def is_record(text: bytes) -> bool:
    """Whether a TXT record is an SPF record: "v=spf1", and then a space or nothing (§4.5)."""
    return _VERSION.match(text) is not None


@lru_cache(maxsize=1 << 14)
def parse(raw: bytes) -> Record:
    """One record that `is_record`; what is malformed stands in `errors`, with the term as it was written."""
    text = raw.decode("latin-1")
    terms: list[Term] = []
    errors: list[tuple[str, str]] = []
    for written in text[6:].split(" "):
        if not written:
            continue
        try:
            term = _term(written)
        except _Wrong as wrong:
            errors.append((written, str(wrong)))
            continue
        if term.name in ("redirect", "exp") and any(one.name == term.name for one in terms):
            errors.append((written, "repeated_modifier"))
            continue
        terms.append(term)
    return Record(text, tuple(terms), tuple(errors))


def _term(written: str) -> Term:
    if any(not 0x21 <= ord(char) <= 0x7E for char in written):
        raise _Wrong("bad_character")
    if (found := _MODIFIER.fullmatch(written)) is not None:
        return _modifier(written, found[1].lower(), found[2])
    if (found := _MECHANISM.fullmatch(written)) is None:
        raise _Wrong("no_term")
    qualifier, name, rest = found[1] or "+", found[2].lower(), found[3]
    if name == "all":
        if rest:
            raise _Wrong("bad_argument")
        return Term(written, name, qualifier)
    if name in ("ip4", "ip6"):
        return Term(written, name, qualifier, network=_network(name, rest))
    if name not in _TAKES_DOMAIN:
        raise _Wrong("unknown_mechanism")
    prefix4, prefix6 = 32, 128
    if name in ("a", "mx"):
        rest, prefix4, prefix6 = _without_cidr(rest)
    if not rest:
        if name in _NEEDS_DOMAIN:
            raise _Wrong("missing_domain")
        return Term(written, name, qualifier, None, None, prefix4, prefix6)
    if not rest.startswith(":"):
        raise _Wrong("bad_prefix" if name in ("a", "mx") else "bad_argument")
    return Term(written, name, qualifier, _domain_spec(rest[1:]), None, prefix4, prefix6)


def _modifier(written: str, name: str, value: str) -> Term:
    if name in ("redirect", "exp"):
        return Term(written, name, domain=_domain_spec(value))
    if _MACRO_STRING.fullmatch(value) is None:
        raise _Wrong("bad_macro")
    return Term(written, name)


def _without_cidr(rest: str) -> tuple[str, int, int]:
    """What stands in front of a dual-cidr-length, and its two lengths."""
    tail = len(rest)
    while tail and (rest[tail - 1].isdigit() or rest[tail - 1] == "/"):
        tail -= 1
    # Digits at the end belong to a length only behind a slash: mx2, a:host.example2.
    slash = rest.find("/", tail)
    if slash < 0:
        return rest, 32, 128
    found = _DUAL_CIDR.fullmatch(rest, slash)
    if found is None:
        raise _Wrong("bad_prefix")
    prefix4, prefix6 = int(found[1] or 32), int(found[2] or 128)
    if prefix4 > 32 or prefix6 > 128:
        raise _Wrong("bad_prefix")
    return rest[:slash], prefix4, prefix6


def _network(name: str, rest: str) -> Network:
    """The network of ip4 and ip6; bits behind the prefix are of no matter."""
    if not rest.startswith(":"):
        raise _Wrong("bad_network")
    address, slash, _ = rest[1:].partition("/")
    bits = 32 if name == "ip4" else 128
    if slash:
        found = _CIDR.fullmatch(rest, 1 + len(address))
        if found is None or int(found[1]) > bits:
            raise _Wrong("bad_prefix")
        bits = int(found[1])
    try:
        if name == "ip4":
            if _QNUMS.fullmatch(address) is None:
                raise _Wrong("bad_network")
            return IPv4Network((int(IPv4Address(address)), bits), strict=False)
        if "%" in address:
            raise _Wrong("bad_network")
        return IPv6Network((int(IPv6Address(address)), bits), strict=False)
    except AddressValueError:
        raise _Wrong("bad_network") from None


def _domain_spec(written: str) -> str:
    """A domain-spec: a macro-string that ends in a top label or in a macro (§7.1)."""
    if not written:
        raise _Wrong("missing_domain")
    if _MACRO_STRING.fullmatch(written) is None:
        raise _Wrong("bad_macro")
    if written.endswith(("}", "%", "_", "-")) and _ENDS_IN_MACRO.fullmatch(written) is not None:
        return written
    front, dot, top = written.removesuffix(".").rpartition(".")
    if not dot or _TOP_LABEL.fullmatch(top) is None:
        raise _Wrong("bad_domain")
    return f"{front}.{top}"
