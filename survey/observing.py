"""Observing: one sitting does the passes that are not finished, one after the other.

Before anything else each resolver is asked for names that do not exist. What is committed is known; what was cut off
within a pass goes on where it stopped; and a second pass waits until what the first one saw has left every cache.

An observer of a part of the register does that part's share of one pass: whatever else it must know comes with it.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field

from . import blocklists, usage
from .answers import word
from .catalogue import Blocklist
from .errors import ResolverError
from .evidence import Archive
from .exchanges import FIRST_RECHECK, A, Exchanges, Row
from .keeping import SHARD
from .names import encode_name, zone_of
from .opt_outs import OptOuts
from .passes import Pass
from .runs import finished_rounds, trusted
from .sitting import ROUNDS, Brief, Progress, Recorder, Sitting, stored_zone
from .tables import Dns
from .wire.dns import DnsWire


@dataclass(slots=True)
class Past:
    """What an observer goes on from: what was heard so far, by pass; its last health round; and the void lists."""

    rows: dict[int, list[Row]] = field(default_factory=dict)
    round: int = 0
    void: frozenset[str] = frozenset()
    """Zones as they are kept."""


def void_lists(archive: Archive | None, selected: Sequence[Blocklist]) -> frozenset[str]:
    """The lists that failed a health round anywhere in the run, by their zones as they are kept."""
    if archive is None:
        return frozenset()
    stored = {one.zone: stored_zone(one) for one in selected}
    rounds = Exchanges(trusted(archive, "round > 0"))
    conditions = blocklists.health(list(selected), rounds, finished_rounds(archive.marks()), stored)
    return frozenset(stored[zone] for zone, one in conditions.items() if one.void and one.rounds)


def past_of(
    archive: Archive | None,
    part: int,
    void: frozenset[str],
    needed: Callable[[Row], Row | None] = lambda row: row,
) -> Past:
    """What the observer of a part goes on from; of part 0, which is the whole register, everything in evidence.

    `needed` says what of an exchange must be remembered; None: nothing.
    """
    found: dict[int, list[Row]] = defaultdict(list)
    last = part * ROUNDS
    if archive is not None:
        own = f"id > {part * SHARD} AND id < {(part + 1) * SHARD}"
        last = max((row.round for row in archive.rows(f"round > 0 AND {own}")), default=last)
        for row in trusted(archive, own if part else "true"):
            if (kept := needed(row)) is not None:
                found[row.pass_number].append(kept)
    return Past(dict(found), last, void)


def settings_of(brief: Brief, passes: Iterable[int]) -> dict[str, object]:
    """What evidence keeps of how a sitting asks."""
    return {
        "passes": list(passes),
        "codes": list(brief.codes),
        "part": brief.part,
        "share": brief.share,
        "world": brief.world.name,
        "timeout_s": brief.world.timeout_s,
        "tries": brief.world.tries,
        "pause_s": brief.world.pause_s,
        "resolvers": [f"{address}:{port}" for address, port in brief.resolvers],
        "manner": asdict(brief.manner),
    }


class Observer(Sitting):
    """A sitting that runs passes."""

    def __init__(
        self, brief: Brief, past: Past, opt_outs_now: Callable[[], OptOuts], progress: Progress | None = None
    ) -> None:
        super().__init__(brief, opt_outs_now, progress)
        self.round, self.void, self._past = past.round, set(past.void), past
        self.sent: dict[str, int] = {}
        """Packets that went to each list with a daily limit."""

    def run(self, todo: Sequence[int], ended: dict[int, int], store: Recorder) -> None:
        """Do these passes, one after the other; `ended` says when earlier ones did, in microseconds."""
        committed = self._past.rows
        for number in sorted(committed):
            if number not in todo:
                self.known.add(committed.pop(number))
        rate = self.manner.resolver_rate
        wire = DnsWire(
            self.resolvers,
            self.world,
            engine=self.manner.engine,
            window=self.manner.window,
            rate=None if rate is None else rate * self.brief.share,
        )
        with contextlib.closing(wire):
            self._open_channels(wire)
            try:
                self._meet_resolvers(wire, store, todo[0])
                # From here on strangers are asked: only when it can be kept.
                store.wait()
                for number in todo:
                    if number - 1 in ended:
                        self._wait(ended[number - 1])
                    if number >= FIRST_RECHECK:
                        store.mark("recheck_begun", number=number, codes=list(self.brief.codes))
                    rows = committed.pop(number, [])
                    self.known.add(rows)
                    Pass(self, wire, store, number, rows).run()
                    self.over_limit |= {self.lists[zone].zone for zone in wire.spent}
                    for zone in wire.spent:
                        store.mark("daily_limit", zone=zone)
                    if self.over_limit:
                        return
                    self._mark_end(store, number)
                    ended[number] = time.time_ns() // 1000
            finally:
                limited = (zone for zone, one in self.lists.items() if one.daily_limit is not None)
                self.sent = {self.lists[zone].zone: wire.sent_to(zone) for zone in limited}
                if self.brief.allowance is None:
                    usage.add(self.sent)

    def _mark_end(self, store: Recorder, number: int) -> None:
        if self.brief.part:
            store.mark("part", number=number, part=self.brief.part, ttl=self._largest_ttl())
        else:
            kind = "recheck" if number >= FIRST_RECHECK else "pass"
            store.mark(kind, number=number, codes=list(self.brief.codes))

    def _open_channels(self, wire: DnsWire) -> None:
        """A channel for each list: its key covered in what is kept, its pace, and what is left of its day."""
        allowance = self.brief.allowance
        if allowance is None:
            allowance = left_today(self.brief.selected)
        for zone, one in self.lists.items():
            cover = None
            if one.asked_zone != one.zone:
                key = one.asked_zone.partition(".")[0].lower().encode()
                cover = (key, b"x" * len(key))
            left, reserve = None, 0
            if one.daily_limit is not None:
                left, reserve = allowance[one.zone], reserved(one, len(self.resolvers))
            wire.open_channel(zone, encode_name(one.asked_zone), self._rate(one), cover, left=left, reserve=reserve)
            if left is not None and left < 2 * reserve:
                # Too little is left for two rounds and anything between them: the list is not even tested today.
                wire.spent.add(zone)

    def _meet_resolvers(self, wire: DnsWire, store: Recorder, number: int) -> None:
        """Before anything else is asked: does each resolver answer, and say of what does not exist that it does not?"""
        self.round += 1
        for place in range(len(self.resolvers)):
            wire.ask("", self.canaries(number, place))
        heard: list[Row] = []
        for batch in wire.exchanges():
            store.append(batch.rows)
            heard += [Row(0, 0, *row) for row in batch.rows]
        self.refuse_liars(heard)
        self.without_recursion = sorted({row.server for row in heard if row.answer and not row.answer[3] & 0x80})
        answering = {row.server for row in heard if word(row, row.name, row.type) is Dns.ABSENT}
        self.servers = [place for place, name in enumerate(wire.names) if name in answering]
        if not self.servers:
            raise ResolverError(
                "no resolver answers",
                where=", ".join(wire.names),
                remedy="is it running? check address and port; make resolver starts one of your own",
                ja="リゾルバが応答しません。動いているか、アドレスとポートを確かめてください",
            )
        wire.allow("", self.servers)

    def _rate(self, one: Blocklist) -> float | None:
        rates = [rate for rate in (self.manner.rate, one.rate_per_s) if rate is not None]
        return min(rates) * self.brief.share if rates else None

    def _wait(self, ended_us: int) -> None:
        wait_for_caches(self.brief, ended_us, self._largest_ttl, self.progress)

    def _largest_ttl(self) -> int:
        """The largest TTL seen in an answer of a list; at most a day, so that no list can stall a run for ever."""
        largest = 0
        for name, type_ in self.known.questions():
            if type_ == A and (zone := zone_of(name, self.lists)) is not None:
                for row in self.known.passes(name, A):
                    largest = max(largest, blocklists.judge(self.lists[zone], row).ttl or 0)
        return min(largest, 86_400)


def left_today(selected: Iterable[Blocklist]) -> dict[str, int]:
    """How many packets may still go to each list with a daily limit today."""
    limits = {one.zone: one.daily_limit for one in selected if one.daily_limit is not None}
    used = usage.used_today() if limits else {}
    return {zone: max(0, limit - used.get(zone, 0)) for zone, limit in limits.items()}


def reserved(one: Blocklist, resolvers: int) -> int:
    """Twice the questions of the round that must follow a list's last answer: some need a second try."""
    return 2 * resolvers * len([*blocklists.tests(one, 4), *blocklists.tests(one, 6)])


def wait_for_caches(brief: Brief, ended_us: int, largest_ttl: Callable[[], int], progress: Progress) -> None:
    """Wait until a listing that the earlier pass saw cannot come from a cache any more."""
    gap = brief.manner.pass_gap_s
    if gap is None:
        gap = brief.world.pass_gap_s
        if gap:
            gap = max(gap, float(largest_ttl()))
    until = ended_us / 1e6 + gap
    while (left := until - time.time()) > 0:
        progress(0, int(left), f"next pass in {int(left)} s")
        time.sleep(min(left, 1.0))
