"""What the lists answered about addresses: a row per exchange, and by far the most of them kept as numbers.

A survey of a country's companies holds millions of exchanges that say nothing but "not listed". Of those there is kept
where (which address, which list), in which pass, through which resolver, when, and the evidence id; of all others the
whole exchange.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .answers import denies, zone_of
from .exchanges import ANSWERED, NXDOMAIN, SURVEY_ROUND, TXT, A, Exchanges, Row, passes_of
from .packed import PackedExchanges

_PAIRED = (A, TXT)
_Numbers = npt.NDArray[np.int64]
_NXDOMAIN = b"\0\0\x81\x83\0\1" + b"\0" * 6 + b"\0\0\1\0\1"
_NODATA = b"\0\0\x81\x80\0\1" + b"\0" * 6 + b"\0\0\1\0\1"
"""Denials as short as they can be: they stand for those whose bytes need not be looked at again."""


class Denials(NamedTuple):
    """The plain denials of one list, one per address and pass: equally long arrays, by address and then by time."""

    place: _Numbers
    """Which address, as `Pairs.place` numbers them."""
    pass_number: _Numbers
    server: _Numbers
    """Which resolver, by its place in `Pairs.servers`."""
    asked_us: _Numbers
    id: _Numbers
    bounds: _Numbers
    """Where each address begins; one more than there are addresses."""

    def ids(self, places: _Numbers) -> tuple[_Numbers, _Numbers]:
        """How many evidence ids each of these addresses has, and all of them one after another."""
        begin, counts = self.bounds[places], self.bounds[places + 1] - self.bounds[places]
        ends = np.cumsum(counts)
        return counts, self.id[np.arange(counts.sum()) + np.repeat(begin - ends + counts, counts)]


class Pairs:
    """The exchanges of the survey itself about (address, list) pairs."""

    def __init__(self, zones: Collection[str]) -> None:
        self._places: dict[str, int] = {}
        self.servers: list[str] = []
        self._server_of: dict[str, int] = {}
        self._numbers = {zone: array("q") for zone in zones}
        self.words = Exchanges()
        """The lists' own words about what they list: their TXT records."""
        self._others: dict[str, dict[int, list[Row]]] = {zone: defaultdict(list) for zone in zones}

    def take(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Keep what is about pairs; everything else goes through, with one copy of what is said again and again."""
        same: dict[str, str] = {}
        one = same.setdefault
        for row in rows:
            is_paired = row.round == SURVEY_ROUND and row.type in _PAIRED
            if is_paired and (zone := zone_of(row.name, self._numbers)) is not None:
                if row.type == A:
                    self._keep(row.name[: -len(zone) - 1], zone, row)
                else:
                    self.words.add((row,))
                continue
            answer = row.answer
            if row.outcome == ANSWERED and denies(answer):
                answer = _NXDOMAIN if answer[3] & 15 == NXDOMAIN else _NODATA
            server, way, outcome = (one(text, text) for text in (row.server, row.transport, row.outcome))
            yield Row(*row[:6], server, way, row.attempt, outcome, row.asked_us, row.elapsed_us, answer)

    def _keep(self, half: str, zone: str, row: Row) -> None:
        place = self._places.setdefault(half, len(self._places))
        if row.outcome == ANSWERED and denies(row.answer):
            server = self._server_of.get(row.server)
            if server is None:
                server = self._server_of[row.server] = len(self.servers)
                self.servers.append(row.server)
            self._numbers[zone].extend((place, row.pass_number, server, row.asked_us, row.id))
        else:
            self._others[zone][place].append(row)

    def place(self, half: str) -> int:
        """The number of an address by its reversed form; -1 when no list was asked about it."""
        return self._places.get(half, -1)

    def __len__(self) -> int:
        """How many addresses lists were asked about."""
        return len(self._places)

    def is_ipv6(self) -> npt.NDArray[np.bool_]:
        """Per address whether it is one of IPv6."""
        return np.array([half.count(".") == 31 for half in self._places], dtype=bool)

    def denials(self, zone: str) -> Denials:
        """Every plain denial of a list that counts: the first per address and pass."""
        place, number, server, asked_us, id_ = np.frombuffer(self._numbers[zone], dtype=np.int64).reshape(-1, 5).T
        order = np.lexsort((id_, number, place))
        is_other = np.diff(place[order]).astype(bool) | np.diff(number[order]).astype(bool)
        order = order[np.append(True, is_other)[: len(order)]]
        order = order[np.lexsort((number[order], asked_us[order], place[order]))]
        bounds = np.searchsorted(place[order], np.arange(len(self._places) + 1))
        return Denials(place[order], number[order], server[order], asked_us[order], id_[order], bounds)

    def others(self, zone: str) -> dict[int, list[Row]]:
        """Every other exchange with a list, per address."""
        return self._others[zone]

    def whole(self, zone: str, place: int, name: str, denials: Denials) -> list[Row]:
        """Per pass the exchange that counts about one pair, in the order in which they were asked."""
        if place < 0:
            return []
        rows = list(self._others[zone].get(place, ()))
        for at in range(denials.bounds[place], denials.bounds[place + 1]):
            number, asked_us, id_ = int(denials.pass_number[at]), int(denials.asked_us[at]), int(denials.id[at])
            server = self.servers[denials.server[at]]
            rows.append(Row(id_, 0, number, 0, name, A, server, "", 1, ANSWERED, asked_us, 0, _NXDOMAIN))
        return passes_of(sorted(rows))

    def asked_n(self) -> int:
        """How many questions were asked, each once per pass."""
        asked = 0
        for zone, found in self._others.items():
            denials = self.denials(zone)
            plain = set((denials.place << 32 | denials.pass_number).tolist()) if found else set()
            asked += len(denials.id)
            asked += len({place << 32 | row.pass_number for place, rows in found.items() for row in rows} - plain)
        return asked + self.words.asked_n()

    def packets_n(self) -> int:
        """How many exchanges there were."""
        others = sum(len(rows) for found in self._others.values() for rows in found.values())
        return others + self.words.packets + sum(len(numbers) for numbers in self._numbers.values()) // 5


def split(rows: Iterable[Row], zones: Collection[str]) -> tuple[Pairs, Exchanges]:
    """What was asked about pairs of these lists, and everything else."""
    pairs = Pairs(zones)
    return pairs, PackedExchanges(pairs.take(rows))
