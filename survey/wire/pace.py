"""How fast we may ask: a token bucket per server and per list.

A bucket never lets more than `rate` questions a second pass on average, and never more than a tenth of a second's
worth (at least one) at once, so that a list sees an even trickle and not a burst at every full second.
"""

from __future__ import annotations

import math


class Bucket:
    """A token bucket; `rate` in questions per second, None for no limit. Times are monotonic seconds."""

    __slots__ = ("_burst", "_filled_at", "_tokens", "rate")

    def __init__(self, rate: float | None, now: float) -> None:
        self.rate = rate
        self._burst = max(1.0, (rate or 0.0) / 10)
        self._tokens = 1.0
        self._filled_at = now

    def available(self, now: float) -> int:
        """How many questions may go out now; a very large number without a limit."""
        if self.rate is None:
            return 1 << 30
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        return int(self._tokens + 1e-9)

    def take(self, count: int) -> None:
        """Use up what `available` allowed."""
        if self.rate is not None:
            self._tokens -= count

    def ready_in(self) -> float:
        """Seconds until one question may go out, as of the last `available`; 0 when it may now."""
        if self.rate is None or self._tokens >= 1:
            return 0.0
        return (1 - self._tokens) / self.rate if self.rate > 0 else math.inf


class Window:
    """How many questions may be outstanding: `most`, less while many answers stay out, and slowly more again.

    Names whose servers are dead stay out too, a percent or two of them in every survey: only when more than a tenth of
    what was sent since the last look is lost, and not just a few, the network is rather full than the servers dead.
    """

    _LEAST, _LOST_LEAST, _LOST_SHARE = 32, 20, 0.1

    __slots__ = ("_lost", "_most", "_sent", "size")

    def __init__(self, most: int) -> None:
        self.size = self._most = most
        self._sent = self._lost = 0

    def judge(self, sent: int, lost: int) -> None:
        """Take in how many were sent in all, and how many more were lost since the last look."""
        self._lost += lost
        fresh = sent - self._sent
        if fresh < self.size and self._lost < self._LOST_LEAST:
            return
        if self._lost >= self._LOST_LEAST and self._lost > self._LOST_SHARE * fresh:
            self.size = max(min(self._LEAST, self._most), self.size * 7 // 10)
        else:
            self.size = min(self._most, self.size + self.size // 8 + 1)
        self._sent, self._lost = sent, 0
