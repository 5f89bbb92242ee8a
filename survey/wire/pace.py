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
