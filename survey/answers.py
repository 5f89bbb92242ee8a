"""A lean decoder of DNS answers: A, AAAA, MX, CNAME and TXT by hand, every other type by dnspython.

It reads bytes that strangers sent, so it raises `Malformed` and nothing else, follows compression pointers only
backwards, and never trusts a record whose owner is not the question or the end of its alias chain. Formats: RFC 1035
§3.3 and §4.1, RFC 3596 (AAAA), RFC 6891 (extended RCODE). Names are text in lower case without a final dot; dots,
backslashes and bytes outside printable ASCII inside a label are escaped as RFC 1035 §5.1 does. What it accepts,
dnspython accepts and reads the same way: a test holds them side by side.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Container
from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from typing import NamedTuple

from .exchanges import AAAA, ANSWERED, CNAME, MX, NOERROR, NS, NXDOMAIN, PTR, SOA, TRUNCATED, TXT, A, Row
from .harmless import harmless
from .tables import Dns

_OPT = 41
A_IN = b"\0\1\0\1"
"""Type and class of a question about an address."""
_OWN_A = b"\xc0\x0c" + A_IN
"""How an A record begins that belongs to the name of the question."""
_OWN_SIZE, _OWN_MOST = 16, b"\x10"
"""How many octets such a record has, and how many of them are read by place."""
_OWN = struct.Struct(">6xI2x4B").unpack_from
"""Its TTL, and the octets of the address."""
_READ = frozenset((A, AAAA, CNAME, NS, PTR, MX, SOA, TXT))
_NAMING = frozenset((CNAME, NS, PTR, MX))
"""Types whose data end in one name."""
_ONE_QUESTION_NO_RECORD = b"\0\1\0\0"
_HEADER = struct.Struct(">6H").unpack_from
"""Id, flags, and how many questions and records of each section follow."""
_FIXED = struct.Struct(">HHIH").unpack_from
"""Type, class, TTL and size of the data: what follows a record's owner."""
_SIZES = [bytes((size,)) for size in range(64)]
_OCTETS = frozenset(map(str, range(256)))
"""How an IPv4 address may write an octet."""
NUMBERS = {part: _SIZES[len(part)] + part.encode() for part in {*_OCTETS, *"0123456789abcdef"}}
"""Octets and nibbles as labels."""
REMEMBERED = 1 << 14
"""So many messages of which is remembered what they say."""
_TEXT_MOST = 500
_CHAIN_MOST = 16
_PLAIN = re.compile(rb"[a-z0-9_-]+")
_WORDS = {"": Dns.PRESENT, "nxdomain": Dns.ABSENT, "nodata": Dns.ABSENT}
_RCODES = {1: "formerr", 2: "servfail", 4: "notimp", 5: "refused"}


class Malformed(ValueError):
    """The bytes are no DNS message that can be trusted."""


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


class Said(NamedTuple):
    """What one message with an answer section says about a question."""

    reason: str
    """Why it is no presence, as a machine word; empty when records came."""
    end: str
    """The canonical name: the end of the alias chain."""
    records: tuple[Record, ...]
    """What that name owns of the type that was asked for."""
    is_loose: bool
    """Whether the chain ends at an alias whose target the message says nothing about, neither records nor a denial."""


@lru_cache(maxsize=1 << 14)
def label_text(raw: bytes) -> str:
    """One label as text: in lower case, escaped as RFC 1035 §5.1 does."""
    lower = raw.lower()
    if _PLAIN.fullmatch(lower):
        return lower.decode("ascii")
    parts = []
    for byte in lower:
        if byte in b'".;\\@$()':
            parts.append("\\" + chr(byte))
        elif 0x20 < byte < 0x7F:
            parts.append(chr(byte))
        else:
            parts.append(f"\\{byte:03d}")
    return "".join(parts)


_Known = dict[int, tuple[str, int]]
"""Names of one message by the offset where they stand, with their length on the wire: most are pointed to again."""


def _name(message: bytes, at: int, known: _Known) -> tuple[str, int]:
    """The name at an offset and the offset behind it."""
    try:
        # Most names are one label in front of one that was read already.
        behind = at + 1 + message[at]
        if (
            at + 1 < behind < at + 65
            and message[behind] >= 192
            and (found := known.get((message[behind] & 63) << 8 | message[behind + 1])) is not None
            and found[0] != "."
            and found[1] + behind - at <= 255
        ):
            name = f"{label_text(message[at + 1 : behind])}.{found[0]}", found[1] + behind - at
            known[at] = name
            return name[0], behind + 2
    except IndexError:
        raise Malformed("a name runs over the end") from None
    return _long_name(message, at, known)


def _long_name(message: bytes, at: int, known: _Known) -> tuple[str, int]:
    """The same label by label."""
    labels: list[str] = []
    after = -1
    length, lowest = 1, at
    starts = [(at, 0, 0)]
    try:
        while True:
            size = message[at]
            if size == 0:
                at += 1
                break
            if size < 64:
                raw = message[at + 1 : at + 1 + size]
                if len(raw) != size:
                    raise Malformed("a label runs over the end")
                length += size + 1
                labels.append(label_text(raw))
                at += 1 + size
            elif size >= 192:
                target = (size & 63) << 8 | message[at + 1]
                if after < 0:
                    after = at + 2
                if target >= lowest:
                    raise Malformed("a compression pointer does not point backwards")
                if (found := known.get(target)) is not None:
                    if not labels:
                        return found[0], after
                    if found[0] != ".":
                        labels.append(found[0])
                    length += found[1] - 1
                    break
                starts.append((target, len(labels), length - 1))
                at = lowest = target
            else:
                raise Malformed("a label has a reserved length")
    except IndexError:
        raise Malformed("a name runs over the end") from None
    if length > 255:
        raise Malformed("a name is longer than 255 octets")
    text = ".".join(labels) or "."
    for start, skipped, before in starts:
        known[start] = (".".join(labels[skipped:]) or ".") if skipped else text, length - before
    return text, after if after >= 0 else at


@lru_cache(maxsize=1 << 8)
def decode(message: bytes) -> Answer:
    """Decode one message; rooms look at the same one several times in a row. Raises Malformed."""
    found = _own_addresses(message)
    return found if found is not None else _decode(message)


def _decode(message: bytes) -> Answer:
    """The same record by record."""
    at, whole = 12, len(message)
    if whole < at:
        raise Malformed("shorter than a header")
    _, flags, questions, *counts = _HEADER(message)
    if flags & 0x7800:
        raise Malformed("not an answer to a query")
    known: _Known = {}
    for _ in range(questions):
        _, at = _long_name(message, at, known)
        at += 4
        if at > whole:
            raise Malformed("the question runs over the end")
    records: list[Record] = []
    negative_ttl: int | None = None
    has_referral = False
    rcode = flags & 15
    has_opt = False
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
                owner, at = _name(message, at, known)
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
                _check_options(message, at, end)
            elif section == 0:
                value = _value(message, at, end, type_, klass, known)
                records.append(Record(owner, type_, 0 if ttl & 0x80000000 else ttl, value))
            elif type_ == SOA and section == 1:
                _, place = _name(message, at, known)
                _, place = _name(message, place, known)
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
    return Answer(rcode, authoritative, truncated, recursion, tuple(records), negative_ttl, has_referral)


def _own_addresses(message: bytes) -> Answer | None:
    """An answer that holds nothing but addresses (A) of the very name that was asked for; None for every other.

    They are read by place; whatever else stands in the message is nearly always what stood in the one before.
    """
    if message[4:7] != b"\0\1\0" or not b"\0" < message[7:8] <= _OWN_MOST:
        return None
    if (parts := _without_labels(message)) is None:
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
    rcode, authoritative, truncated, recursion, _, negative_ttl, has_referral = beside
    return Answer(rcode, authoritative, truncated, recursion, tuple(records), negative_ttl, has_referral)


@lru_cache(maxsize=1 << 12)
def _beside(header: bytes, sizes: bytes, count: int, rest: bytes) -> Answer | None:
    """A message with so many addresses of the question's name, but for the addresses; None when it cannot be read.

    What follows the answer section can point to names in front of it, so their lengths count, but not their letters;
    what points into the addresses is left to be read as a whole.
    """
    records = (_OWN_A + b"xxxx" + b"\0\4" + b"xxxx") * count
    try:
        found = _decode(b"\0\0" + header + _blind(sizes) + b"\0" + A_IN + records + rest)
    except Malformed:
        return None
    return found._replace(records=())


def _value(
    message: bytes, at: int, end: int, type_: int, klass: int, known: _Known
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
        name, after = _name(message, start, known)
        if after != end:
            raise Malformed("a name does not fill its record")
        return (message[at] << 8 | message[at + 1], name) if type_ == MX else name
    if type_ == SOA:
        primary, after = _name(message, at, known)
        mailbox, after = _name(message, after, known)
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


def _check_options(message: bytes, at: int, end: int) -> None:
    """Walk the options of an OPT record (RFC 6891 §6.1.2)."""
    while at < end:
        at += 4 + (message[at + 2] << 8 | message[at + 3]) if at + 4 <= end else end
    if at != end:
        raise Malformed("an EDNS option runs over its record")


def _check(message: bytes, at: int, size: int, klass: int, type_: int, known: _Known) -> None:
    """Let dnspython say whether a record that we do not read is well formed."""
    if klass == 1 and type_ in _READ:
        _value(message, at, at + size, type_, klass, known)
        return
    # Seldom needed, and slow to load.
    import dns.exception  # noqa: PLC0415
    import dns.rdata  # noqa: PLC0415

    try:
        dns.rdata.from_wire(klass, type_, message, at, size)  # type: ignore[arg-type]
    except (dns.exception.DNSException, ValueError, IndexError, KeyError, AttributeError) as error:
        raise Malformed(f"a record of type {type_} cannot be read: {type(error).__name__}") from None


def chain(answer: Answer, name: str, type_: int) -> tuple[str, tuple[Record, ...]]:
    """Follow the aliases in an answer: the canonical name, and the records of the wanted type that it owns.

    Records of unrelated owners, and of other classes than IN, are ignored. Raises Malformed on an alias loop.
    """
    seen = {name}
    ours = [record for record in answer.records if record.value is not None]
    while True:
        records = tuple(dict.fromkeys(r for r in ours if r.owner == name and r.type == type_))
        if records or type_ == CNAME:
            return name, records
        aliases = {str(r.value) for r in ours if r.owner == name and r.type == CNAME}
        if not aliases:
            return name, ()
        name = min(aliases)
        if len(aliases) > 1 or name in seen or len(seen) > _CHAIN_MOST:
            raise Malformed("an alias that loops or has two targets")
        seen.add(name)


def word(row: Row | None, name: str, type_: int) -> Dns:
    """What one exchange says, in the data dictionary's words."""
    if row is None:
        return Dns.NOT_ASKED
    # Whatever is neither presence nor denial is silence: a referral, a contradiction, records of somebody else.
    return _WORDS.get(_said(row, name, type_), Dns.SILENT)


def reason(row: Row) -> str:
    """What the silence or absence of one exchange looked like, as a machine word; empty when records came."""
    return _said(row, row.name, row.type)


def denies(message: bytes) -> bool:
    """Whether an answer without any record says that there is none: what `word` calls absent."""
    if message[4:8] != _ONE_QUESTION_NO_RECORD or message[3] & 15 not in (NOERROR, NXDOMAIN):
        return False
    parts = _without_labels(message)
    return parts is not None and _denied(*parts) in ("nxdomain", "nodata")


def _said(row: Row, name: str, type_: int) -> str:
    if row.outcome != ANSWERED:
        return TRUNCATED if row.outcome == TRUNCATED else row.outcome
    if len(row.answer) >= 12 and (rcode := row.answer[3] & 15) not in (NOERROR, NXDOMAIN):
        return _RCODES.get(rcode, f"rcode_{rcode}")
    if row.answer[4:8] == _ONE_QUESTION_NO_RECORD and (why := _denial(row.answer)) is not None:
        return why
    return said(row.answer, name, type_).reason


@lru_cache(maxsize=1 << 8)
def _denial(message: bytes) -> str | None:
    """What an answer without records says; whoever reads tables meets the same few again and again."""
    parts = _without_labels(message)
    return None if parts is None else _denied(*parts)


@lru_cache(maxsize=REMEMBERED)
def said(message: bytes, name: str, type_: int) -> Said:
    """What a message with answers says about a question; what cannot be read says nothing.

    What was asked a moment ago is read for the tables next.
    """
    try:
        answer = decode(message)
        if _are_own(answer.records, name, type_):
            end, records = name, answer.records
            if len(records) > 1:
                records = tuple(dict.fromkeys(records))
            if answer.rcode == NOERROR:
                return Said("", end, records, False)
        else:
            end, records = chain(answer, name, type_)
    except Malformed:
        return Said("malformed", name, (), False)
    is_loose = not (records or end == name or answer.rcode == NXDOMAIN or answer.negative_ttl is not None)
    return Said(_reason(answer, name, type_, end, records), end, records, is_loose)


def _are_own(records: tuple[Record, ...], name: str, type_: int) -> bool:
    """Whether there are records, all of the very name and type: most answers are so."""
    for owner, kind, _, value in records:
        if kind != type_ or owner != name or value is None:
            return False
    return bool(records)


def _reason(answer: Answer, name: str, type_: int, end: str, records: tuple[Record, ...]) -> str:
    if answer.rcode > 15:
        return f"rcode_{answer.rcode}"
    if records:
        # A name that does not exist and has records: one of the two is a lie.
        return "contradiction" if answer.rcode == NXDOMAIN else ""
    if any(record.type == type_ for record in answer.records):
        # Records of somebody else, or of another class, are neither an answer nor a denial.
        return "foreign_records"
    if answer.rcode == NXDOMAIN:
        return "nxdomain"
    if end != name and answer.negative_ttl is None:
        # An authoritative server that knows only the alias has not said what lies behind it.
        return "unfinished_chain"
    if answer.has_referral and answer.negative_ttl is None:
        return "referral"
    return "nodata"


def _without_labels(message: bytes) -> tuple[bytes, bytes, bytes] | None:
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


def _blind(sizes: bytes) -> bytes:
    """Labels of these sizes, whose letters cannot be taken for lengths."""
    return b"".join([_SIZES[size] + b"x" * size for size in sizes])


@lru_cache(maxsize=1 << 14)
def _denied(header: bytes, sizes: bytes, rest: bytes) -> str:
    """What an answer without records says, whatever its question's letters are.

    A name that points into the midst of one of the question's labels is read as malformed here.
    """
    try:
        answer = _decode(b"\0\0" + header + _blind(sizes) + b"\0" + rest)
    except Malformed:
        return "malformed"
    if answer.rcode > 15:
        return f"rcode_{answer.rcode}"
    if answer.rcode == NXDOMAIN:
        return "nxdomain"
    return "referral" if answer.has_referral and answer.negative_ttl is None else "nodata"


@lru_cache(maxsize=1 << 10)
def encode_name(text: str) -> bytes:
    """A name in wire form, with its final zero. Raises Malformed on what cannot be a name."""
    if text in (".", ""):
        return b"\0"
    if "\\" not in text and text.isascii():
        labels = text.lower().removesuffix(".").encode("ascii").split(b".")
    else:
        labels = _unescaped(text)
    if not 0 < min(map(len, labels)) <= max(map(len, labels)) < 64:
        raise Malformed(f"a label is empty or longer than 63 octets in {text[:80]!r}")
    wire = b"".join([_SIZES[len(label)] + label for label in labels]) + b"\0"
    if len(wire) > 255:
        raise Malformed("a name is longer than 255 octets")
    return wire


def _unescaped(text: str) -> list[bytes]:
    labels, label, i = [], bytearray(), 0
    if not text.isascii():
        raise Malformed("a name with letters outside ASCII; encode it as A-label first")
    while i < len(text):
        char = text[i]
        if char == ".":
            labels.append(bytes(label))
            label = bytearray()
        elif char == "\\":
            digits = text[i + 1 : i + 4]
            if len(digits) == 3 and digits.isdigit():
                if int(digits) > 255:
                    raise Malformed("an escape above 255")
                label.append(int(digits))
                i += 3
            elif i + 1 < len(text) and not text[i + 1].isdigit():
                label.append(ord(text[i + 1]))
                i += 1
            else:
                raise Malformed("an unfinished escape")
        else:
            label.append(ord(char))
        i += 1
    if label:
        labels.append(bytes(label))
    return [one.lower() for one in labels]


@lru_cache(maxsize=1 << 16)
def reverse_name(address: str) -> str:
    """What stands in front of a list's zone: reversed octets (RFC 5782 §2.1) or 32 reversed nibbles (§2.4)."""
    return ".".join(_reversed(address))


@lru_cache(maxsize=1 << 16)
def reverse_wire(address: str) -> bytes:
    """The same as labels in wire form, without a final zero."""
    return b"".join([NUMBERS[part] for part in _reversed(address)])


def _reversed(address: str) -> list[str]:
    if ":" in address:
        return [*reversed(socket.inet_pton(socket.AF_INET6, address).hex())]
    octets = address.split(".")
    if len(octets) != 4 or not all(map(_OCTETS.__contains__, octets)):
        # This says what is wrong.
        octets = str(IPv4Address(address)).split(".")
    octets.reverse()
    return octets


def zone_of(name: str, zones: Container[str]) -> str | None:
    """The list that a question belongs to, by the labels after the reversed address; None for any other name."""
    for labels in (4, 32):
        parts = name.split(".", labels)
        if len(parts) > labels and parts[labels] in zones:
            return parts[labels]
    return None


def txt_text(raw: bytes, most: int = _TEXT_MOST) -> str:
    """A stranger's text made harmless: at most `most` characters, what could do anything made visible."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return harmless(text, most)


def forget() -> None:
    """Let go of everything that is remembered of messages and names: it stands scattered in the way of what follows."""
    for one in (label_text, decode, said, _beside, _denied, _denial, encode_name, reverse_name, reverse_wire):
        one.cache_clear()
