"""Observing: one sitting does the passes that are not finished, one after the other.

Before anything else each resolver is asked for names that do not exist. What is committed is known; what was cut off
within a pass goes on where it stopped; and a second pass waits until what the first one saw has left every cache.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict

from . import blocklists, usage
from .answers import encode_name, word
from .catalogue import Blocklist
from .errors import ResolverError
from .evidence import Archive
from .exchanges import FIRST_RECHECK, A, Exchanges, Row
from .passes import Pass
from .runs import TOOL, finished_passes, finished_rounds, trusted
from .sitting import Sitting
from .store import Store
from .tables import Dns
from .wire.dns import DnsWire


class Observer(Sitting):
    """A sitting that runs passes."""

    def run(self, passes: Iterable[int]) -> None:
        """Do the passes that are not finished, one after the other."""
        archive = Archive(self.folder.path) if self.folder.has_evidence else None
        marks = archive.marks() if archive else []
        ended = finished_passes(marks)
        todo = [number for number in passes if number not in ended]
        if not todo:
            return
        committed: dict[int, list[Row]] = defaultdict(list)
        self.round = max((row.round for row in archive.rows("round > 0")), default=0) if archive else 0
        for row in trusted(archive) if archive else ():
            committed[row.pass_number].append(row)
        stored = {one.zone: zone for zone, one in self.lists.items()}
        rounds = Exchanges(row for rows in committed.values() for row in rows if row.round)
        conditions = blocklists.health(list(self.lists.values()), rounds, finished_rounds(marks), stored)
        self.void = {stored[zone] for zone, one in conditions.items() if one.void and one.rounds}
        for number in sorted(committed):
            if number not in todo:
                self.known.add(committed.pop(number))
        settings = {
            "passes": todo,
            "codes": self.codes,
            "world": self.world.name,
            "timeout_s": self.world.timeout_s,
            "tries": self.world.tries,
            "pause_s": self.world.pause_s,
            "resolvers": [f"{address}:{port}" for address, port in self.resolvers],
            "manner": asdict(self.manner),
        }
        wire = DnsWire(
            self.resolvers,
            self.world,
            engine=self.manner.engine,
            window=self.manner.window,
            rate=self.manner.resolver_rate,
        )
        with Store(self.folder.path / "evidence.sqlite", TOOL, settings) as store, contextlib.closing(wire):
            self._open_channels(wire)
            try:
                self._meet_resolvers(wire, store, todo[0])
                for number in todo:
                    if number - 1 in ended:
                        self._wait(ended[number - 1])
                    if number >= FIRST_RECHECK:
                        store.mark("recheck_begun", number=number, codes=self.codes)
                    rows = committed.pop(number, [])
                    self.known.add(rows)
                    Pass(self, wire, store, number, rows).run()
                    self.over_limit |= {self.lists[zone].zone for zone in wire.spent}
                    for zone in wire.spent:
                        store.mark("daily_limit", zone=zone)
                    if self.over_limit:
                        return
                    store.mark("recheck" if number >= FIRST_RECHECK else "pass", number=number, codes=self.codes)
                    ended[number] = time.time_ns() // 1000
            finally:
                limited = (zone for zone, one in self.lists.items() if one.daily_limit is not None)
                usage.add({self.lists[zone].zone: wire.sent_to(zone) for zone in limited})

    def _open_channels(self, wire: DnsWire) -> None:
        """A channel for each list: its key covered in what is kept, its pace, and what is left of its day."""
        used = usage.used_today() if any(one.daily_limit for one in self.lists.values()) else {}
        for zone, one in self.lists.items():
            cover = None
            if one.asked_zone != one.zone:
                key = one.asked_zone.partition(".")[0].lower().encode()
                cover = (key, b"x" * len(key))
            left, reserve = None, 0
            if one.daily_limit is not None:
                left = max(0, one.daily_limit - used.get(one.zone, 0))
                # Twice the questions of the round that must follow the last answer: some need a second try.
                reserve = 2 * len(self.resolvers) * len([*blocklists.tests(one, 4), *blocklists.tests(one, 6)])
            wire.open_channel(zone, encode_name(one.asked_zone), self._rate(one), cover, left=left, reserve=reserve)
            if left is not None and left < 2 * reserve:
                # Too little is left for two rounds and anything between them: the list is not even tested today.
                wire.spent.add(zone)

    def _meet_resolvers(self, wire: DnsWire, store: Store, number: int) -> None:
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
        return min(rates) if rates else None

    def _wait(self, ended_us: int) -> None:
        """Wait until a listing that the earlier pass saw cannot come from a cache any more."""
        gap = self.manner.pass_gap_s
        if gap is None:
            gap = self.world.pass_gap_s
            if gap:
                gap = max(gap, float(self._largest_ttl()))
        until = ended_us / 1e6 + gap
        while (left := until - time.time()) > 0:
            self.progress(0, int(left), f"next pass in {int(left)} s")
            time.sleep(min(left, 1.0))

    def _largest_ttl(self) -> int:
        """The largest TTL seen in an answer of a list; at most a day, so that no list can stall a run for ever."""
        largest = 0
        for name, type_ in self.known.questions():
            if type_ == A and (zone := blocklists.zone_of(name, self.lists)) is not None:
                for row in self.known.passes(name, A):
                    largest = max(largest, blocklists.judge(self.lists[zone], row).ttl or 0)
        return min(largest, 86_400)
