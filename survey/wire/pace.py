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
    """How many questions may be outstanding: at most `most`, and only as many as the way to the servers holds.

    By delay: when answers take longer than they did at best, questions queue somewhere, as many as come in the time by
    which they are late (Little's law). A server's buffer may hold no more than a hundred: the window widens while few
    queue, and narrows when many do, and when they are a good part of what is outstanding, for long ways have uneven
    delays. On a long way it doubles with every answer's journey until it first narrows, as TCP does (RFC 5681 §3.1).
    By loss: names whose servers are dead stay silent too, a percent or two of them in every survey, and they
    are all that is left in the end; so each fraction of a second is judged by itself, by its first attempts alone, and
    only when more than a tenth of them is lost, and not just a few, the network is rather full than the servers dead.
    Times are monotonic seconds.
    """

    _LEAST, _STEP, _QUEUE_LEAST, _QUEUE_MOST, _LOOK_S, _LOOK_N = 32, 8, 16, 40, 0.002, 32
    _LOST_LEAST, _LOST_SHARE = 20, 0.1
    _FORGET = 1.001
    """How fast the best delay is forgotten, per look: ways change."""

    __slots__ = (
        *("_best_s", "_heard", "_is_opening", "_looked_at", "_lost", "_most", "_room", "_sent", "_timeout_s"),
        *("_waited_s", "size"),
    )

    def __init__(self, most: int, timeout_s: float) -> None:
        self.size = min(most, 2 * self._LEAST)
        self._most = self._room = most
        self._timeout_s = timeout_s
        self._sent: dict[int, int] = {}
        self._lost: dict[int, int] = {}
        self._best_s = math.inf
        self._is_opening = True
        self._heard, self._waited_s, self._looked_at = 0, 0.0, -math.inf

    def heard(self, count: int, waited_s: float, now: float, outstanding: int) -> None:
        """Answers came, after so many seconds all together; so many questions were outstanding, theirs included."""
        self._heard += count
        self._waited_s += waited_s
        if self._heard < self._LOOK_N or now - self._looked_at < self._LOOK_S:
            return
        delay_s = self._waited_s / self._heard
        self._best_s = min(self._best_s * self._FORGET, delay_s)
        looked_s = now - self._looked_at
        queued = (delay_s - self._best_s) * self._heard / looked_s
        if queued > max(self._QUEUE_MOST, outstanding / 3):
            self._is_opening = False
            self.size = max(min(self._LEAST, self._room), self.size * 7 // 8)
        elif queued < max(self._QUEUE_LEAST, outstanding / 8) and outstanding + self._LEAST >= self.size:
            # Only a window that was full is too narrow.
            more = max(self._STEP, self.size // 16)
            if self._is_opening and delay_s > looked_s:
                more = max(more, self._heard)
            self.size = min(self._room, self.size + more)
        self._heard, self._waited_s, self._looked_at = 0, 0.0, now

    def sent(self, now: float, count: int) -> None:
        """First attempts went out."""
        slot = int(now / self._timeout_s * 2)
        self._sent[slot] = self._sent.get(slot, 0) + count

    def lost(self, asked_at: float) -> None:
        """A first attempt that went out then was not answered in time."""
        slot = int(asked_at / self._timeout_s * 2)
        self._lost[slot] = self._lost.get(slot, 0) + 1

    def judge(self, now: float) -> None:
        """Leave more or less room, by what went out long enough ago to have been answered."""
        ended = [slot for slot in self._sent if (slot + 1) / 2 * self._timeout_s + self._timeout_s < now]
        for slot in sorted(ended):
            sent, lost = self._sent.pop(slot), self._lost.pop(slot, 0)
            if lost >= self._LOST_LEAST and lost > self._LOST_SHARE * sent:
                self._is_opening = False
                self._room = max(min(self._LEAST, self._most), min(self._room, self.size) * 7 // 10)
            else:
                self._room = min(self._most, self._room + self._room // 8 + 1)
        self.size = min(self.size, self._room)
