"""A lean decoder of DNS messages: A, AAAA, MX, CNAME and TXT by hand, every other type by dnspython.

It reads bytes that strangers sent, so it raises `Malformed` and nothing else. Formats: RFC 1035 §3.3 and §4.1, RFC 3596
(AAAA), RFC 6891 (extended RCODE), RFC 8914 (extended errors). What it accepts, dnspython accepts and reads the same
way: a test holds them side by side.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from .exchanges import AAAA, CNAME, MX, NS, PTR, SOA, TXT, A
from .harmless import harmless
from .names import A_IN, SIZES, Known, Malformed, label_text, long_name_at, name_at

_OPT = 41
_EXTENDED_ERROR = 15
_OWN_WORDS = {3: "stale", 19: "stale", **dict.fromkeys((4, 15, 16, 17, 18), "filtered")}
"""Extended errors (RFC 8914 §4) by which a resolver says that it gives something else than there is now."""
_OWN_A = b"\xc0\x0c" + A_IN
"""How an A record begins that belongs to the name of the question."""
_OWN_SIZE, _OWN_MOST = 16, b"\x10"
"""How many octets such a record has, and how many of them are read by place."""
_OWN = struct.Struct(">6xI2x4B").unpack_from
"""Its TTL, and the octets of the address."""
_READ = frozenset((A, AAAA, CNAME, NS, PTR, MX, SOA, TXT))
_NAMING = frozenset((CNAME, NS, PTR, MX))
"""Types whose data end in one name."""
_HEADER = struct.Struct(">6H").unpack_from
"""Id, flags, and how many questions and records of each section follow."""
_FIXED = struct.Struct(">HHIH").unpack_from
"""Type, class, TTL and size of the data: what follows a record's owner."""
_TEXT_MOST = 500


class Record(NamedTuple):
    """One record of the answer section; `value` is None for types that the survey does not read."""

    owner: str
    type: int
    ttl: int
    value: str | bytes | tuple[int, str] | None


class Answer(NamedTuple):
    """One decoded message: header facts and the answer section."""

    rcode: int
    authoritative: bool
    truncated: bool
    recursion_available: bool
    records: tuple[Record, ...]
    negative_ttl: int | None
    """TTL of the denial (RFC 2308 §5: the lesser of the SOA's TTL and its MINIMUM); None without an SOA."""
    has_referral: bool
    """NS records in the authority section: without an SOA beside them, another server is meant (RFC 2308 §2.2)."""
    disowned: str = ""
    """What the resolver says itself against its answer: stale, or filtered (forged, blocked and censored too)."""


@lru_cache(maxsize=1 << 8)
def decode(message: bytes) -> Answer:
    """Decode one message; rooms look at the same one several times in a row. Raises Malformed."""
    found = _own_addresses(message)
    return found if found is not None else decode_anew(message)


def decode_anew(message: bytes) -> Answer:
    """The same record by record."""
    at, whole = 12, len(message)
    if whole < at:
        raise Malformed("shorter than a header")
    _, flags, questions, *counts = _HEADER(message)
    if flags & 0x7800:
        raise Malformed("not an answer to a query")
    known: Known = {}
    for _ in range(questions):
        _, at = long_name_at(message, at, known)
        at += 4
        if at > whole:
            raise Malformed("the question runs over the end")
    records: list[Record] = []
    negative_ttl: int | None = None
    has_referral = False
    rcode = flags & 15
    has_opt, disowned = False, ""
    for section, count in enumerate(counts):
        for _ in range(count):
            # Most owners are a pointer to a name that was read already, or the root.
            if (
                at + 1 < whole
                and message[at] >= 192
                and (found := known.get((message[at] & 63) << 8 | message[at + 1]))
            ):
                owner, at = found[0], at + 2
                if (
                    section
                    and message[at : at + 4] == A_IN
                    and message[at + 8 : at + 10] == b"\0\4"
                    and at + 14 <= whole
                ):
                    # Addresses beside an answer need only be well formed.
                    at += 14
                    continue
            elif at < whole and not message[at]:
                owner, at = ".", at + 1
            else:
                owner, at = name_at(message, at, known)
            end = at + 10
            if end > whole:
                raise Malformed("a record runs over the end")
            type_, klass, ttl, size = _FIXED(message, at)
            at, end = end, end + size
            if end > whole:
                raise Malformed("a record's data runs over the end")
            if type_ == _OPT:
                if section != 2 or owner != "." or has_opt:
                    raise Malformed("a misplaced OPT record")
                has_opt = True
                rcode |= (ttl >> 24) << 4
                disowned = _own_word(message, at, end)
            elif section == 0:
                value = _value(message, at, end, type_, klass, known)
                records.append(Record(owner, type_, 0 if ttl & 0x80000000 else ttl, value))
            elif type_ == SOA and section == 1:
                _, place = name_at(message, at, known)
                _, place = name_at(message, place, known)
                if place + 20 != end:
                    raise Malformed("an SOA record of the wrong length")
                negative_ttl = min(ttl, int.from_bytes(message[end - 4 : end], "big"))
            elif type_ != A or klass != 1 or size != 4:
                has_referral |= type_ == NS and section == 1
                _check(message, at, size, klass, type_, known)
            at = end
    if at != whole:
        raise Malformed("bytes behind the end")
    authoritative, truncated, recursion = bool(flags & 0x400), bool(flags & 0x200), bool(flags & 0x80)
    return Answer(rcode, authoritative, truncated, recursion, tuple(records), negative_ttl, has_referral, disowned)


def _own_addresses(message: bytes) -> Answer | None:
    """An answer that holds nothing but addresses (A) of the very name that was asked for; None for every other.

    They are read by place; whatever else stands in the message is nearly always what stood in the one before.
    """
    if message[4:7] != b"\0\1\0" or not b"\0" < message[7:8] <= _OWN_MOST:
        return None
    if (parts := without_labels(message)) is None:
        return None
    header, sizes, rest = parts
    count = header[5]
    end = 4 + _OWN_SIZE * count
    if rest[:4] != A_IN or len(rest) < end:
        return None
    for at in range(4, end, _OWN_SIZE):
        if rest[at : at + 6] != _OWN_A or rest[at + 10 : at + 12] != b"\0\4":
            return None
    beside = _beside(header, sizes, count, rest[end:])
    if beside is None:
        return None
    at, labels = 13, []
    for size in sizes:
        labels.append(label_text(message[at : at + size]))
        at += size + 1
    owner = ".".join(labels) or "."
    records = []
    for at in range(4, end, _OWN_SIZE):
        ttl, a, b, c, d = _OWN(rest, at)
        records.append(Record(owner, A, 0 if ttl & 0x80000000 else ttl, f"{a}.{b}.{c}.{d}"))
    return beside._replace(records=tuple(records))


@lru_cache(maxsize=1 << 12)
def _beside(header: bytes, sizes: bytes, count: int, rest: bytes) -> Answer | None:
    """A message with so many addresses of the question's name, but for the addresses; None when it cannot be read.

    What follows the answer section can point to names in front of it, so their lengths count, but not their letters;
    what points into the addresses is left to be read as a whole.
    """
    records = (_OWN_A + b"xxxx" + b"\0\4" + b"xxxx") * count
    try:
        found = decode_anew(b"\0\0" + header + blind(sizes) + b"\0" + A_IN + records + rest)
    except Malformed:
        return None
    return found._replace(records=())


def _value(
    message: bytes, at: int, end: int, type_: int, klass: int, known: Known
) -> str | bytes | tuple[int, str] | None:
    if klass != 1:
        _check(message, at, end - at, klass, type_, known)
        return None
    if type_ == A:
        if end - at != 4:
            raise Malformed("an A record without four octets")
        return f"{message[at]}.{message[at + 1]}.{message[at + 2]}.{message[at + 3]}"
    if type_ == AAAA:
        if end - at != 16:
            raise Malformed("an AAAA record without sixteen octets")
        return str(ip_address(message[at:end]))
    if type_ in _NAMING:
        start = at + 2 if type_ == MX else at
        if start >= end:
            raise Malformed("a name is missing")
        name, after = name_at(message, start, known)
        if after != end:
            raise Malformed("a name does not fill its record")
        return (message[at] << 8 | message[at + 1], name) if type_ == MX else name
    if type_ == SOA:
        primary, after = name_at(message, at, known)
        mailbox, after = name_at(message, after, known)
        if after + 20 != end:
            raise Malformed("an SOA record of the wrong length")
        return f"{primary} {mailbox}"
    if type_ == TXT:
        parts = []
        if at == end:
            raise Malformed("a TXT record without a string")
        while at < end:
            size = message[at]
            if at + 1 + size > end:
                raise Malformed("a TXT string runs over its record")
            parts.append(message[at + 1 : at + 1 + size])
            at += 1 + size
        return b"".join(parts)
    _check(message, at, end - at, klass, type_, known)
    return None


def _own_word(message: bytes, at: int, end: int) -> str:
    """What the options of an OPT record (RFC 6891 §6.1.2) say against the answer, in one word."""
    said = ""
    while at + 4 <= end:
        code, size = message[at] << 8 | message[at + 1], message[at + 2] << 8 | message[at + 3]
        if code == _EXTENDED_ERROR:
            if size < 2:
                raise Malformed("an extended error without its number")
            said = said or _OWN_WORDS.get(int.from_bytes(message[at + 4 : at + 6], "big"), "")
        at += 4 + size
    if at != end:
        raise Malformed("an EDNS option runs over its record")
    return said


def _check(message: bytes, at: int, size: int, klass: int, type_: int, known: Known) -> None:
    """Let dnspython say whether a record that we do not read is well formed."""
    if klass == 1 and type_ in _READ:
        _value(message, at, at + size, type_, klass, known)
        return
    # Seldom needed, and slow to load.
    from .records import check  # noqa: PLC0415

    check(klass, type_, message, at, size)


def without_labels(message: bytes) -> tuple[bytes, bytes, bytes] | None:
    """What is left of a message when its id and its question's letters are taken out; None when there is no end of it.

    Most answers say "no", and nearly all of these are equal but for the letters of the question.
    """
    at, sizes = 12, bytearray()
    most = len(message) - 5
    while at <= most:
        size = message[at]
        if size == 0:
            return message[2:12], bytes(sizes), message[at + 1 :]
        if size > 63:
            return None
        sizes.append(size)
        at += size + 1
    return None


def blind(sizes: bytes) -> bytes:
    """Labels of these sizes, whose letters cannot be taken for lengths."""
    return b"".join([SIZES[size] + b"x" * size for size in sizes])


def txt_text(raw: bytes, most: int = _TEXT_MOST) -> str:
    """A stranger's text made harmless: at most `most` characters, what could do anything made visible."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return harmless(text, most)


def forget() -> None:
    """Let go of every message that is remembered."""
    decode.cache_clear()
    _beside.cache_clear()
