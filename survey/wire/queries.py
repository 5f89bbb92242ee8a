"""What the wire is asked, questions as halves in front of a channel's suffix, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..exchanges import WireRow

HEADER_EDNS = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
HEADER_PLAIN = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
"""EDNS0 with a UDP payload size of 1232 octets (DNS flag day 2020)."""


@dataclass(slots=True)
class Half:
    """The part of a question in front of its channel's suffix; one half serves every list it is asked of.

    Nobody changes one. It is not frozen all the same: making a frozen one takes three times as long.
    """

    text: str
    wire: bytes
    """Labels with their lengths, without the final zero."""
    type: int
    pass_number: int
    round: int
    attempt: int = 1
    server: int = -1
    """The only resolver that may be asked; -1 for whichever is next."""


class Again(NamedTuple):
    """A question that is asked once more."""

    half: Half
    attempt: int
    has_edns: bool


class GivenUp(NamedTuple):
    """A question that has used up its tries in this pass without a usable answer."""

    name: str
    type: int
    round: int
    channel: str


class Batch(NamedTuple):
    """What happened since the last batch: every exchange, and what of it somebody has to look at."""

    rows: list[WireRow]
    heard: list[tuple[str, WireRow]]
    """With their channels: whatever came in health rounds, and of the survey what settles a question; of lists' answers
    only those that hold records."""
    denials: dict[str, int]
    """How many answers of each list held none."""
    given_up: list[GivenUp]
