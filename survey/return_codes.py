"""Return codes of blocklists: `data/codes.csv`, one row per code or family of codes of one list.

No common code table exists (RFC 5782 §2.3): each zone says what its own numbers mean. A row matches exactly, as a list,
a range, a pattern or one bit of the last octet, and says a category and what kind of meaning it has: a listing, mere
information, a whitelisting, or an error. Codes marked partly or weakly open relay are not open relay here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from .edited import Place, read_places
from .tables import HEADLINE_CATEGORIES

MEANINGS = ("listing", "information", "whitelist", "error")
CATEGORIES = HEADLINE_CATEGORIES | {
    *("dynamic_policy", "network_escalation", "reputation", "tor_exit", "bulk_mailer", "informational"),
    *("whitelist", "error"),
}
CODE_COLUMNS = (
    *("zone", "code", "match", "category", "meaning_kind", "is_open_relay", "meaning", "sources", "confidence"),
)


@dataclass(frozen=True, slots=True)
class Code:
    """One return code, or a family of them, of one list."""

    zone: str
    code: str
    match: str
    category: str
    meaning_kind: str
    is_open_relay: bool
    meaning: str
    sources: str = ""
    confidence: str = ""
    fits: Callable[[str], bool] = field(default=lambda _: False, repr=False, compare=False)
    """Whether an address 127.x.y.z carries this code."""

    def __reduce__(self) -> tuple[Callable[..., Code], tuple[object, ...]]:
        """How a code travels to another process: as it is written, to be read again there."""
        written = (self.zone, self.code, self.match, self.category, self.meaning_kind, self.is_open_relay)
        return _again, (*written, self.meaning, self.sources, self.confidence)


def _again(
    zone: str,
    code: str,
    match: str,
    category: str,
    kind: str,
    is_open_relay: bool,
    meaning: str,
    sources: str,
    confidence: str,
) -> Code:
    fits = MATCHERS[match](code)
    return Code(zone, code, match, category, kind, is_open_relay, meaning, sources, confidence, fits)


def query_error(zone: str) -> Code:
    """What 127.255.255.x means everywhere: an error (Spamhaus' convention, which others took over)."""
    return Code(zone, "127.255.255.0/24", "pattern", "error", "error", False, "query error range")


def has_every_bit(codes: Sequence[Code], address: str) -> bool:
    """Whether every bit set in the last octet is one that these bit masks know."""
    known = sum({int(code.code.removeprefix("bit ")) for code in codes})
    return not int(address.rpartition(".")[2]) & ~known


def load_codes(path: Path) -> dict[str, tuple[list[Code], Place]]:
    """The codes of every zone, with the place of the zone's first row. Raises CatalogueError."""
    found: dict[str, tuple[list[Code], Place]] = {}
    for place in read_places(path, CODE_COLUMNS):
        found.setdefault(place.text("zone"), ([], place))[0].append(_code(place))
    return found


def _code(place: Place) -> Code:
    match, written = place.text("match"), place.text("code")
    try:
        fits = MATCHERS[match](written)
    except KeyError:
        raise place.wrong(
            "match", "an unknown way to match", f"write one of: {', '.join(MATCHERS)}", "一致方法の語が違います"
        ) from None
    except ValueError as error:
        raise place.wrong(
            "code", f"the code cannot be read: {error}", "write it as 127.0.0.2", "コードを読めません"
        ) from None
    return Code(
        zone=place.text("zone"),
        code=written,
        match=match,
        category=place.one_of("category", sorted(CATEGORIES)),
        meaning_kind=place.one_of("meaning_kind", MEANINGS),
        is_open_relay=place.one_of("is_open_relay", ("yes", "no")) == "yes",
        meaning=place.text("meaning"),
        sources=place.text("sources"),
        confidence=place.text("confidence"),
        fits=fits,
    )


def _inside(text: str) -> int:
    number = int(IPv4Address(text.strip()))
    if number >> 24 != 127:
        raise ValueError(f"{text} lies outside 127/8")
    return number


def _exact(written: str) -> Callable[[str], bool]:
    return _members([written])


def _members(written: Sequence[str]) -> Callable[[str], bool]:
    numbers = frozenset(map(_inside, written))
    return lambda address: int(IPv4Address(address)) in numbers


def _range(written: str) -> Callable[[str], bool]:
    low, high = map(_inside, written.split("-"))
    if low > high:
        raise ValueError("the range ends before it begins")
    return lambda address: low <= int(IPv4Address(address)) <= high


def _mask(written: str) -> Callable[[str], bool]:
    bit = int(written.removeprefix("bit "))
    if bit not in (1, 2, 4, 8, 16, 32, 64, 128):
        raise ValueError("a bit mask names one bit of the last octet: bit 1, 2, 4 … 128")
    return lambda address: address.startswith("127.0.0.") and bool(int(address.rpartition(".")[2]) & bit)


def _pattern(written: str) -> Callable[[str], bool]:
    """`127.0.x.0`, `127.0.{2-20}.{0-3}`, `127.255.255.0/24`: x is any octet, {a-b} a span."""
    if written.endswith("/24"):
        written = written.removesuffix(".0/24") + ".x"
    spans = []
    for octet in re.findall(r"\{[^}]*\}|[^.]+", written):
        low, _, high = octet.strip("{}").partition("-") if octet.startswith("{") else (octet, "", octet)
        spans.append((0, 255) if octet == "x" else (int(low), int(high or low)))
    if len(spans) != 4 or spans[0] != (127, 127):
        raise ValueError("a pattern has four octets and begins with 127")
    return lambda address: all(
        low <= int(octet) <= high for octet, (low, high) in zip(address.split("."), spans, strict=True)
    )


MATCHERS: Mapping[str, Callable[[str], Callable[[str], bool]]] = {
    "exact": _exact,
    "range": _range,
    "list": lambda written: _members(written.split(",")),
    "bitmask": _mask,
    "pattern": _pattern,
    "other": lambda _: lambda address: address.startswith("127."),
}
