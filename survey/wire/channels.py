"""What waits to be asked, and whose turn it is. No socket: what may go out is decided here, and carried elsewhere.

A question waits in the queue of its *channel*, a list's zone or the resolvers themselves, which has its own pace and
perhaps a limit of its day.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Iterable, Iterator

from .pace import Bucket
from .queries import Again, GivenUp, Half


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
        """Ask once more: a test or a name in front of what was never asked, for others wait for its end.

        A list is asked again behind everything else: what stays silent would hold its place in the window while others
        wait, and in the end all that is silent can be waited for together.
        """
        if again.half.round:
            self.urgent.appendleft(again)
        elif self.zone:
            self.queue.append(again)
        else:
            self.queue.appendleft(again)

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


class Channels:
    """Channels by their zones. The resolvers themselves are zone "", and `rate` is the ceiling of each (None: none)."""

    def __init__(self, resolvers: int, rate: float | None) -> None:
        now = time.monotonic()
        self._buckets = [Bucket(rate, now) for _ in range(resolvers)]
        self._is_limited = rate is not None
        self._by_zone: dict[str, Channel] = {}
        self._channels: deque[Channel]
        """The same; first, whose turn is next."""
        self._later: list[tuple[float, int, Channel, Again]] = []
        self._later_n = 0
        self._given_up: list[GivenUp] = []
        self.spent: set[str] = set()
        """Zones whose daily limit is used up."""
        self.open_channel("", b"\0")

    def open_channel(
        self,
        zone: str,
        wire: bytes,
        rate: float | None = None,
        blank: tuple[bytes, bytes] | None = None,
        *,
        left: int | None = None,
        reserve: int = 0,
    ) -> None:
        """A queue for one zone. `wire` is the zone with its final zero; `blank` hides a key, given in lower case.

        `left` is how many packets may go to the zone today (None: no limit), `reserve` how many of these are kept for
        health rounds. When the rest is used up, what waits is dropped and the zone stands in `spent`.
        """
        everyone = tuple(range(len(self._buckets)))
        self._by_zone[zone] = Channel(zone, wire, rate, blank, left, reserve, everyone)
        self._channels = deque(self._by_zone.values())

    def allow(self, zone: str, servers: Iterable[int]) -> None:
        """Ask a zone through these resolvers only, by their places in `resolvers`."""
        self._by_zone[zone].servers = tuple(sorted(servers))

    def sent_to(self, zone: str) -> int:
        """How many packets went out for a zone."""
        return self._by_zone[zone].sent

    def ask(self, zone: str, halves: Iterable[Half], *, is_urgent: bool = False) -> None:
        """Put questions into a channel's queue, or before it; zone "" is the resolver itself."""
        channel = self._by_zone[zone]
        # Questions of one length go out in one call.
        by_length: list[Half] = sorted(halves, key=_length)
        (channel.urgent if is_urgent else channel.queue).extend(by_length)

    def drop(self, zone: str) -> int:
        """Forget what waits for a zone; how much it was. What is already out comes back."""
        dropped = self._by_zone[zone].clear()
        self._later = [entry for entry in self._later if entry[2].zone != zone]
        heapq.heapify(self._later)
        return dropped

    def queued(self) -> int:
        """Questions that were asked and are not out."""
        return sum(channel.waiting() for channel in self._by_zone.values()) + len(self._later)

    def least_s(self, to_lists: int = 0, to_resolver: int = 0) -> float:
        """How long what waits takes at least, at the paces that are allowed, in seconds.

        `to_lists` more questions will go to each list, and `to_resolver` more to the resolvers themselves.
        """
        longest, queued = 0.0, to_resolver
        for channel in self._by_zone.values():
            waiting = channel.waiting() + (to_lists if channel.zone else 0)
            queued += waiting
            if channel.bucket.rate:
                longest = max(longest, waiting / channel.bucket.rate)
        rates = [bucket.rate for bucket in self._buckets]
        total = sum(rate for rate in rates if rate is not None)
        return longest if None in rates or not total else max(longest, queued / total)

    def _put_back(self, channel: Channel, again: Again, at: float | None = None) -> None:
        """Ask once more, at once or at a time that comes."""
        if at is None:
            channel.put_back(again)
        else:
            self._later_n += 1
            heapq.heappush(self._later, (at, self._later_n, channel, again))

    def _resume_later(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            _, _, channel, again = heapq.heappop(self._later)
            channel.put_back(again)

    def _turns(self) -> Iterator[Channel]:
        """Whose turn it is, one after the other; whoever stops listening lets the next turn begin behind the last.

        Channels take turns, so that no list waits behind another's long queue: burst by burst, or, where it is the
        resolvers' pace that limits, with equal shares in what it allows. Where no pace limits resolvers, they come
        first: what they answer leads to everything else. Only what is tested or has a pace of its own goes before
        them; it takes little, and that in time.
        """
        channels, resolvers = self._channels, self._by_zone[""]
        if resolvers.queue and not self._is_limited:
            for channel in channels:
                if channel.urgent or channel.bucket.rate is not None:
                    yield channel
            yield resolvers
        for _ in range(len(channels)):
            channels.rotate(-1)
            yield channels[-1]
        # A whole turn: another begins the next one.
        channels.rotate(-1)

    def _share(self, room: int, now: float) -> int:
        """How many questions one channel may send in a turn."""
        if not self._is_limited:
            return room
        allowed = sum(bucket.available(now) for bucket in self._buckets)
        return max(1, allowed // max(1, sum(1 for channel in self._channels if channel.line())))

    def _within_limit(self, channel: Channel, count: int) -> int:
        """How many may go out under the daily limit; at its end everything but health rounds is dropped."""
        left = channel.left or 0
        if left - count >= channel.reserve:
            return count
        if left > channel.reserve and not channel.urgent:
            return left - channel.reserve
        if channel.queue:
            self.spent.add(channel.zone)
            channel.queue.clear()
        while len(channel.urgent) > max(0, left):
            half = _half(channel.urgent.pop())
            self._given_up.append(GivenUp(half.text + channel.text, half.type, half.round, channel.zone))
        return min(count, len(channel.urgent))


def _length(half: Half) -> int:
    return len(half.wire)


def _half(entry: Half | Again) -> Half:
    return entry if isinstance(entry, Half) else entry.half
