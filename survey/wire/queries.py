"""What the wire is asked: questions as halves in front of a channel's suffix, channels, and what comes of them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from ..exchanges import WireRow
from .pace import Bucket

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


class Channel:
    """One queue with its own pace: a list's zone, or the resolver."""

    __slots__ = (
        *("_tails", "blank", "bucket", "left", "queue", "reserve", "sent", "servers", "text", "urgent", "wire", "zone"),
    )

    def __init__(
        self,
        zone: str,
        wire: bytes,
        rate: float | None,
        blank: tuple[bytes, bytes] | None,
        left: int | None,
        reserve: int,
        servers: tuple[int, ...],
    ) -> None:
        self.zone = zone
        self.text = f".{zone}" if zone else ""
        self.wire = wire
        self.bucket = Bucket(rate, time.monotonic())
        self.blank = blank
        self.left, self.reserve, self.servers = left, reserve, servers
        self.queue: deque[Half | Again] = deque()
        self.urgent: deque[Half | Again] = deque()
        """What goes before the queue: questions of health rounds."""
        self.sent = 0
        self._tails: dict[int, bytes] = {}

    def line(self) -> deque[Half | Again]:
        """What goes out next; empty when nothing waits."""
        return self.urgent or self.queue

    def waiting(self) -> int:
        """How many questions wait."""
        return len(self.urgent) + len(self.queue)

    def put_back(self, again: Again) -> None:
        """Ask once more, in front of what was never asked: others may wait for its end."""
        (self.urgent if again.half.round else self.queue).appendleft(again)

    def clear(self) -> int:
        """Forget what waits; how much it was."""
        dropped = self.waiting()
        self.urgent.clear()
        self.queue.clear()
        return dropped

    def tail(self, type_: int) -> bytes:
        """What follows a half on the wire: the zone, the type, and class IN."""
        if (found := self._tails.get(type_)) is None:
            found = self._tails[type_] = self.wire + type_.to_bytes(2, "big") + b"\0\1"
        return found

    def count(self, packets: int) -> None:
        """Packets went out: the channel's pace, its count, and what is left of its day."""
        self.sent += packets
        self.bucket.take(packets)
        if self.left is not None:
            self.left -= packets
