"""What the lists answered about addresses: a row per exchange, and by far the most of them kept as numbers.

A survey of a country's companies holds millions of exchanges that say nothing but "not listed". Of those there is kept
where (which address, which list), in which pass, through which resolver, when, and the evidence id; of all others the
whole exchange.
"""

from __future__ import annotations

import itertools
import struct
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .answers import denies
from .evidence import Archive
from .exchanges import ANSWERED, NXDOMAIN, SURVEY_ROUND, TXT, A, BareRow, Exchanges, LeanRow, Row, passes_of
from .names import A_IN, NUMBERS, Malformed, encode_name, zone_of
from .packed import PackedExchanges

_Numbers = npt.NDArray[np.int64]
_PAIRED = (A, TXT)
_NXDOMAIN = b"\0\0\x81\x83\0\1" + b"\0" * 6 + b"\0\0\1\0\1"
_NODATA = b"\0\0\x81\x80\0\1" + b"\0" * 6 + b"\0\0\1\0\1"
"""Denials as short as they can be: they stand for those whose bytes need not be looked at again."""
_NUMBERED = 5
"""Numbers that are kept of one plain denial: address, pass, server, when, evidence id."""
_PACKED = struct.Struct(f"={_NUMBERED}q")
_REMEMBERED = 4_000
"""Different denials of one list that are remembered: answers from a cache differ by their TTL."""
FEW = 50_000
"""So many exchanges are held as they are; more are packed."""


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


@dataclass(slots=True)
class _Address:
    """An address that lists were asked about: its number, and its reversed form in wire format."""

    place: int
    wire: bytes
    sizes: bytes
    """The lengths of its labels."""

    @classmethod
    def of(cls, half: str, place: int) -> _Address:
        labels = half.split(".")
        try:
            wire = b"".join([NUMBERS[label] for label in labels])
        except KeyError:
            try:
                wire = encode_name(half)[:-1]
            except Malformed:
                # Nobody can have asked this: it equals no question.
                return cls(place, b"\xff", b"")
        return cls(place, wire, bytes(map(len, labels)))


class _List:
    """What one list said about addresses."""

    __slots__ = ("_different", "_known", "_tail", "cut", "dotted", "numbers", "others", "usual")

    def __init__(self, zone: str) -> None:
        self.dotted = f".{zone}"
        """What follows the reversed address in a question's name."""
        self.cut = -len(self.dotted)
        """Where that begins, from the end of the name."""
        self.numbers = bytearray()
        """Of each plain denial what is `_NUMBERED`."""
        self.others: dict[int, list[Row]] = defaultdict(list)
        """Every other exchange, by address."""
        self._tail = encode_name(zone) + A_IN
        self.usual: dict[bytes, tuple[bytes, bytes]] = {}
        """Per sizes of the labels in front of the zone: what stood, in the latest denial, before them and behind them.

        Its id is left out. An answer that is the same but for the letters of the address denies as well.
        """
        self._known: dict[bytes, dict[bytes, bool]] = {}
        """Per sizes of the labels in front of the zone: whether an answer denies, by its bytes without the question."""
        self._different = 0
        """How many different answers are remembered."""

    def denies(self, answer: bytes, address: _Address) -> bool:
        """What `answers.denies` says; nearly all answers are equal but for the letters of the question."""
        asked = address.wire + self._tail
        if not answer.startswith(asked, 12):
            return denies(answer)
        if (known := self._known.get(address.sizes)) is None:
            known = self._known[address.sizes] = {}
        header, rest = answer[2:12], answer[12 + len(asked) :]
        if (said := known.get(header + rest)) is None:
            if self._different >= _REMEMBERED:
                self.forget()
                known = self._known[address.sizes] = {}
            said = known[header + rest] = denies(answer)
            self._different += 1
        if said:
            self.usual[address.sizes] = header, self._tail + rest
        return said

    def forget(self) -> None:
        """Let go of what is remembered of answers."""
        self.usual, self._known, self._different = {}, {}, 0


class Pairs:
    """The exchanges of the survey itself about (address, list) pairs."""

    def __init__(self, zones: Collection[str]) -> None:
        self._addresses: dict[str, _Address] = {}
        """By what stands in front of a list's zone."""
        self._server_of: dict[str, int] = {}
        self._lists = {zone: _List(zone) for zone in zones}
        self._end = -1 - min(map(len, zones), default=0)
        """Where the end of a name begins by which lists are told, from the end of the name."""
        ends = Counter(one.dotted[self._end :] for one in self._lists.values())
        self._of_end = {end: one for one in self._lists.values() if ends[end := one.dotted[self._end :]] == 1}
        """The list of a name that ends so; without those that share their end with another."""
        self._texts: dict[str, str] = {}
        """Servers, transports and outcomes, each once."""
        self.words = Exchanges()
        """The lists' own words about what they list: their TXT records."""
        self._denials: dict[str, Denials] = {}
        """What `denials` said since all rows were taken."""

    def take(self, rows: Iterable[BareRow]) -> Iterator[Row]:
        """Keep what is about pairs; everything else goes through, with one copy of what is said again and again.

        The rows of a run may come in portions, one after another: `settled` is for after the last.
        """
        one, lists = self._texts.setdefault, self._lists
        for row in rows:
            id_, sitting, number, round_, name, type_, server, way, attempt, outcome, asked_us, elapsed_us, answer = row
            is_paired = round_ == SURVEY_ROUND and type_ in _PAIRED
            if is_paired and (zone := zone_of(name, lists)) is not None:
                if type_ != A:
                    self.words.add((Row._make(row),))
                    continue
                said, address = lists[zone], self._address(name[: -len(zone) - 1])
                if outcome == ANSWERED and said.denies(answer, address):
                    said.numbers += _PACKED.pack(address.place, number, self._number_of(server), asked_us, id_)
                else:
                    said.others[address.place].append(Row._make(row))
                continue
            if outcome == ANSWERED and denies(answer):
                answer = _NXDOMAIN if answer[3] & 15 == NXDOMAIN else _NODATA
            texts = one(server, server), one(way, way), attempt, one(outcome, outcome)
            yield Row._make((id_, sitting, number, round_, name, type_, *texts, asked_us, elapsed_us, answer))

    def sift(self, rows: Iterable[LeanRow]) -> list[int]:
        """Keep plain denials; of everything else, give the evidence ids. It tells them as `take` does, sooner."""
        lists, server_of, of_end, address_of = self._lists, self._server_of, self._of_end, self._addresses
        end, pack, left = self._end, _PACKED.pack, []
        for id_, number, name, server, asked_us, answer in rows:
            # Nearly every name ends as one list's zone does, behind an address that was met before.
            address = None
            if (said := of_end.get(name[end:])) is not None and name[said.cut :] == said.dotted:
                address = address_of.get(name[: said.cut])
            if said is None or address is None:
                if (zone := zone_of(name, lists)) is None:
                    left.append(id_)
                    continue
                said, address = lists[zone], self._address(name[: -len(zone) - 1])
            # Nearly every answer is the latest denial with other letters: its echo is compared with them.
            usual = said.usual.get(address.sizes)
            is_usual = usual is not None and answer[2:] == usual[0] + address.wire + usual[1]
            if not is_usual and not said.denies(answer, address):
                left.append(id_)
                continue
            if (place := server_of.get(server)) is None:
                place = self._number_of(server)
            said.numbers += pack(address.place, number, place, asked_us, id_)
        return left

    def draw(self, archive: Archive, where: str) -> Iterator[Row]:
        """The same as `take`, of all exchanges that an SQL condition of ours wants: plain denials are fetched lean."""
        return self.take(archive.sifted(where, self.sift))

    def _address(self, half: str) -> _Address:
        """An address by its reversed form; one that was never met before gets the next number."""
        if (found := self._addresses.get(half)) is None:
            found = self._addresses[half] = _Address.of(half, len(self._addresses))
        return found

    def _number_of(self, server: str) -> int:
        return self._server_of.setdefault(server, len(self._server_of))

    def settled(self) -> None:
        """All rows were taken: let go of what was remembered for the next."""
        self._texts, self._denials = {}, {}
        for said in self._lists.values():
            said.forget()

    def place(self, half: str) -> int:
        """The number of an address by its reversed form; -1 when no list was asked about it."""
        found = self._addresses.get(half)
        return -1 if found is None else found.place

    @property
    def servers(self) -> list[str]:
        """The resolvers that said no, in the order of their numbers."""
        return list(self._server_of)

    def __len__(self) -> int:
        """How many addresses lists were asked about."""
        return len(self._addresses)

    def is_ipv6(self) -> npt.NDArray[np.bool_]:
        """Per address whether it is one of IPv6."""
        return np.array([half.count(".") == 31 for half in self._addresses], dtype=bool)

    def denials(self, zone: str) -> Denials:
        """Every plain denial of a list that counts: the first per address and pass."""
        if (found := self._denials.get(zone)) is None:
            found = self._denials[zone] = self._first_denials(zone)
        return found

    def _first_denials(self, zone: str) -> Denials:
        place, number, server, asked_us, id_ = (
            np.frombuffer(self._lists[zone].numbers, dtype=np.int64).reshape(-1, _NUMBERED).T
        )
        order = np.lexsort((id_, number, place))
        is_other = np.diff(place[order]).astype(bool) | np.diff(number[order]).astype(bool)
        order = order[np.append(True, is_other)[: len(order)]]
        order = order[np.lexsort((number[order], asked_us[order], place[order]))]
        bounds = np.searchsorted(place[order], np.arange(len(self._addresses) + 1))
        return Denials(place[order], number[order], server[order], asked_us[order], id_[order], bounds)

    def others(self, zone: str) -> dict[int, list[Row]]:
        """Every other exchange with a list, per address."""
        return self._lists[zone].others

    def whole(self, zone: str, place: int, name: str, denials: Denials) -> list[Row]:
        """Per pass the exchange that counts about one pair, in the order in which they were asked."""
        if place < 0:
            return []
        rows, servers = list(self._lists[zone].others.get(place, ())), self.servers
        for at in range(denials.bounds[place], denials.bounds[place + 1]):
            number, asked_us, id_ = int(denials.pass_number[at]), int(denials.asked_us[at]), int(denials.id[at])
            server = servers[denials.server[at]]
            rows.append(Row(id_, 0, number, 0, name, A, server, "", 1, ANSWERED, asked_us, 0, _NXDOMAIN))
        return passes_of(sorted(rows))

    def asked_n(self) -> int:
        """How many questions were asked, each once per pass."""
        asked = 0
        for zone, one in self._lists.items():
            denials, found = self.denials(zone), one.others
            asked += len(denials.id)
            if found:
                others = {place << 32 | row.pass_number for place, rows in found.items() for row in rows}
                plain = denials.place << 32 | denials.pass_number
                asked += len(others) - int(np.isin(np.fromiter(others, np.int64), plain).sum())
        return asked + self.words.asked_n()

    def packets_n(self) -> int:
        """How many exchanges there were."""
        others = sum(len(rows) for one in self._lists.values() for rows in one.others.values())
        return others + self.words.packets + sum(len(one.numbers) for one in self._lists.values()) // _PACKED.size


def split(archive: Archive, where: str, zones: Collection[str]) -> tuple[Pairs, Exchanges]:
    """Of all exchanges that an SQL condition of ours wants, what was asked about pairs of these lists, and the rest."""
    pairs = Pairs(zones)
    others = pairs.draw(archive, where)
    few = list(itertools.islice(others, FEW))
    exchanges = Exchanges(few) if len(few) < FEW else PackedExchanges(itertools.chain(few, others))
    pairs.settled()
    return pairs, exchanges
