"""Names, as text and on the wire; and addresses as the names that lists are asked about.

Names are text in lower case without a final dot; dots, backslashes and bytes outside printable ASCII inside a label are
escaped as RFC 1035 §5.1 does. What strangers sent raises `Malformed` and nothing else, and compression pointers are
followed only backwards.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Container
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

A_IN = b"\0\1\0\1"
"""Type and class of a question about an address."""
SIZES = [bytes((size,)) for size in range(64)]
_HEADER_SIZE = 12
"""Octets of a message in front of which no name begins."""
_OCTETS = frozenset(map(str, range(256)))
"""How an IPv4 address may write an octet."""
NUMBERS = {part: SIZES[len(part)] + part.encode() for part in {*_OCTETS, *"0123456789abcdef"}}
"""Octets and nibbles as labels."""
_PLAIN = re.compile(rb"[a-z0-9_-]+")


class Malformed(ValueError):
    """The bytes are no DNS message that can be trusted."""


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


Known = dict[int, tuple[str, int]]
"""Names of one message by the offset where they stand, with their length on the wire: most are pointed to again."""


def name_at(message: bytes, at: int, known: Known) -> tuple[str, int]:
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
    return long_name_at(message, at, known)


def long_name_at(message: bytes, at: int, known: Known) -> tuple[str, int]:
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
                if not _HEADER_SIZE <= target < lowest:
                    raise Malformed("a compression pointer does not point backwards to a name")
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
    wire = b"".join([SIZES[len(label)] + label for label in labels]) + b"\0"
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


def as_asked(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An address as lists are asked about it: an IPv4-mapped IPv6 address is the IPv4 address that it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


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


def forget() -> None:
    """Let go of every name that is remembered."""
    for one in (label_text, encode_name, reverse_name, reverse_wire):
        one.cache_clear()
