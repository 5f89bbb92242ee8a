"""The listings room: what every list said of every address, read from the evidence.

`blocklists` says what one answer means and whether a list is healthy; here the answers of all passes become one row per
pair. By far the most pairs are plain: every pass heard "not listed", and the list's health vouches for it. These are
read as columns, the others one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from .answers import chain
from .blocklists import Health, Judgement, health, judge, survey_of
from .catalogue import Blocklist
from .exchanges import TXT, Exchanges, Row, is_usable
from .frames import BUNDLE, NO_TIME, frame, from_columns, lists_of, picked, rows_of, times
from .messages import decode, txt_text
from .names import Malformed, reverse_name
from .pairs import Denials, Pairs
from .tables import HEADLINE_CATEGORIES, Listing

IMPLAUSIBLE_SHARE, IMPLAUSIBLE_LEAST = 0.2, 100
"""A list that lists more than this share of so many addresses is rather itself at fault: a person should look."""

_SAID = frozenset({Listing.LISTED, Listing.CLEAR})
_NEVER = np.iinfo(np.int64).max
_STATUSES = tuple(Listing)
_CLEAR, _NOT_ASKED = map(_STATUSES.index, (Listing.CLEAR, Listing.NOT_ASKED))
_Numbers = npt.NDArray[np.int64]


class _Subject(NamedTuple):
    """An address that lists are asked about; or why they are not."""

    address: str
    half: str
    place: int
    """Its number in `Pairs`; -1 when no list was asked."""
    why_not: str | None

    @property
    def kind(self) -> tuple[str | None, bool]:
        """What a list's reason for not asking about it rests on: what speaks against it, and whether it is IPv6."""
        return self.why_not, ":" in self.address


class _Said(NamedTuple):
    """What stands in `listings` beside the address and the list."""

    status: Listing
    codes: list[str]
    categories: list[str]
    reason: str | None
    text: str | None
    confirmed: bool
    confirmed_categories: list[str]
    asked_at: int
    evidence: list[int]


def read(
    blocklists: Sequence[Blocklist],
    addresses: pd.DataFrame,
    pairs: Pairs,
    exchanges: Exchanges,
    finished: Mapping[int, Sequence[str]],
    *,
    zones: Mapping[str, str] | None = None,
    opted_out: frozenset[str] = frozenset(),
    over_limit: frozenset[str] = frozenset(),
) -> tuple[Iterator[pa.Table], Callable[[], pd.DataFrame]]:
    """The table `listings` (one row per address × list) in parts, and `lists` (one row per selected list) after them.

    `exchanges` hold the health rounds. `zones` says under which name a keyed zone was kept;
    `opted_out` are addresses never asked about; `over_limit` are zones whose daily limit was reached.
    """
    zones = zones or {}
    conditions = health(blocklists, exchanges, finished, zones)
    readers = []
    for blocklist in sorted(blocklists, key=lambda one: one.zone):
        zone, condition = zones.get(blocklist.zone, blocklist.zone), conditions[blocklist.zone]
        judged = {row.id: judge(blocklist, row) for rows in pairs.others(zone).values() for row in rows}
        _void_outside(judged, condition)
        readers.append(_OneList(blocklist, zone, condition, judged, pairs, zone in over_limit))
    return _parts(readers, _subjects(addresses, pairs, opted_out)), lambda: frame(
        "lists", [one.row() for one in readers]
    )


def _parts(readers: Sequence[_OneList], subjects: Sequence[_Subject]) -> Iterator[pa.Table]:
    """Some addresses at a time, by address and then by list."""
    if not readers:
        return
    step = max(1, BUNDLE // len(readers))
    for begin in range(0, len(subjects), step):
        cells = _Cells(subjects[begin : begin + step], [reader.shown for reader in readers])
        for nth, reader in enumerate(readers):
            reader.read(cells, nth)
        yield cells.table()


def _subjects(addresses: pd.DataFrame, pairs: Pairs, opted_out: frozenset[str]) -> list[_Subject]:
    """Each address once, in order."""
    reasons = {one: why for one, why in rows_of(addresses, "address", "reason") if isinstance(one, str)}
    found = []
    for address in sorted(reasons):
        is_special = reasons[address] == "special_address"
        why_not = "special_address" if is_special else "opt_out" if address in opted_out else None
        half = reverse_name(address)
        found.append(_Subject(address, half, pairs.place(half), why_not))
    return found


def _void_outside(judged: Mapping[int, Judgement], condition: Health) -> None:
    """One answer outside 127/8, about whatever address and in whatever pass, makes a list void (RFC 6471 §3.3)."""
    outside = next((id_ for id_, one in judged.items() if one.reason == "outside_127"), None)
    if outside is not None:
        condition.void = "outside_127"
        condition.evidence.append(str(outside))


class _Cells:
    """The rows of some addresses while the lists fill them in: numbers by column, and what is said in few of them."""

    def __init__(self, subjects: Sequence[_Subject], zones: Sequence[str]) -> None:
        self.subjects, self._zones = subjects, zones
        self.places = np.array([subject.place for subject in subjects], dtype=np.int64)
        kinds = [subject.kind for subject in subjects]
        self.kinds = list(dict.fromkeys(kinds))
        number_of = {kind: number for number, kind in enumerate(self.kinds)}
        self.kind_of = np.array([number_of[kind] for kind in kinds], dtype=np.int64)
        count = len(subjects) * len(zones)
        self._status = np.full(count, _CLEAR)
        self._reason = np.full(count, -1)
        self._reasons: dict[str, int] = {}
        self._asked_at = np.full(count, NO_TIME)
        self._said: dict[int, _Said] = {}
        self._ids: list[tuple[_Numbers, _Numbers, _Numbers]] = []
        """Rows, how many evidence ids each of them has, and all these."""

    def rows(self, nth: int) -> _Numbers:
        """The rows of one list, by its place, in the order of the subjects."""
        return np.arange(len(self.subjects)) * len(self._zones) + nth

    def not_asked(self, rows: _Numbers, reasons: Sequence[str], which: _Numbers) -> None:
        """Rows of which nothing was heard, and which of these reasons each of them has."""
        self._status[rows] = _NOT_ASKED
        self._reason[rows] = np.array([self._number_of(reason) for reason in reasons], dtype=np.int64)[which]

    def clear(self, rows: _Numbers, asked_at: _Numbers, counts: _Numbers, ids: _Numbers) -> None:
        """Plain rows: when each was asked last, and its evidence."""
        self._asked_at[rows] = asked_at
        self._ids.append((rows, counts, ids))

    def say(self, row: int, said: _Said) -> None:
        """A row that is neither."""
        self._said[row] = said
        self._status[row], self._asked_at[row] = _STATUSES.index(said.status), said.asked_at
        if said.reason is not None:
            self._reason[row] = self._number_of(said.reason)

    def _number_of(self, reason: str) -> int:
        return self._reasons.setdefault(reason, len(self._reasons))

    def table(self) -> pa.Table:
        """All rows, by address and then by list."""
        many, width = len(self.subjects), len(self._zones)
        self._said = dict(sorted(self._said.items()))
        texts, text = [said.text for said in self._said.values() if said.text is not None], np.full(many * width, -1)
        text[[row for row, said in self._said.items() if said.text is not None]] = np.arange(len(texts))
        confirmed = np.zeros(many * width, dtype=bool)
        confirmed[[row for row, said in self._said.items() if said.confirmed]] = True
        return from_columns(
            "listings",
            {
                "address": picked([one.address for one in self.subjects], np.repeat(np.arange(many), width)),
                "zone": picked(self._zones, np.tile(np.arange(width), many)),
                "status": picked(_STATUSES, self._status),
                "codes": self._lists([said.codes for said in self._said.values()]),
                "categories": self._lists([said.categories for said in self._said.values()]),
                "reason": picked(list(self._reasons), self._reason),
                "text": picked(texts, text),
                "confirmed": pa.array(confirmed),
                "confirmed_categories": self._lists([said.confirmed_categories for said in self._said.values()]),
                "asked_at": times(self._asked_at),
                "evidence_ids": self._evidence(),
            },
        )

    def _lists(self, said: Sequence[Sequence[str]]) -> pa.Array:
        """A column of lists that are empty in all rows but those that are not plain."""
        counts = np.zeros(len(self._status), dtype=np.int64)
        counts[list(self._said)] = list(map(len, said))
        return lists_of(counts, pa.array([text for texts in said for text in texts], pa.string()))

    def _evidence(self) -> pa.Array:
        """The evidence of each row, as text."""
        pieces = list(self._ids)
        for row, said in self._said.items():
            pieces.append((np.array([row]), np.array([len(said.evidence)]), np.array(said.evidence, dtype=np.int64)))
        counts = np.zeros(len(self._status), dtype=np.int64)
        for rows, many, _ in pieces:
            counts[rows] = many
        begins = np.cumsum(counts) - counts
        found = np.zeros(counts.sum(), dtype=np.int64)
        for rows, many, ids in pieces:
            within = np.arange(len(ids)) - np.repeat(np.cumsum(many) - many, many)
            found[np.repeat(begins[rows], many) + within] = ids
        return lists_of(counts, pa.array(found).cast(pa.string()))


class _OneList:
    """Reads one list's rows of `listings`."""

    def __init__(
        self,
        blocklist: Blocklist,
        zone: str,
        condition: Health,
        judged: Mapping[int, Judgement],
        pairs: Pairs,
        is_over: bool,
    ) -> None:
        """`judged` has every exchange but the plain denials, by its evidence id."""
        self._blocklist, self._zone, self._condition = blocklist, zone, condition
        self._judged, self._pairs, self._is_over = judged, pairs, is_over
        self._denials = pairs.denials(zone)
        is_heard = np.diff(self._denials.bounds) > 0
        is_heard[list(pairs.others(zone))] = True
        # An address that no list was asked about has the number -1: the last one.
        self._plain, self._heard = np.append(self._is_plain(self._denials), False), np.append(is_heard, False)
        self._asked_n = self._listed_n = 0

    def row(self) -> tuple[object, ...]:
        """The list's row of `lists`, with what was read of it so far."""
        blocklist, condition, asked, listed = self._blocklist, self._condition, self._asked_n, self._listed_n
        return (
            blocklist.zone,
            blocklist.list_name,
            blocklist.group,
            "void" if condition.void else "healthy",
            ("void" if condition.void_ipv6 else "healthy") if blocklist.ipv6 else "not_judged",
            condition.void or condition.void_ipv6,
            condition.rounds,
            condition.failed_round,
            asked,
            listed,
            asked >= IMPLAUSIBLE_LEAST and listed > IMPLAUSIBLE_SHARE * asked,
            condition.evidence,
        )

    @property
    def shown(self) -> str:
        """The list's zone, as tables show it."""
        return self._blocklist.zone

    def read(self, cells: _Cells, nth: int) -> None:
        """Fill in this list's rows, the nth of each address."""
        denials, places, rows = self._denials, cells.places, cells.rows(nth)
        is_plain, is_heard = self._plain[places], self._heard[places]
        reasons = [self._why_not(why_not, is_ipv6) for why_not, is_ipv6 in cells.kinds]
        cells.not_asked(rows[~is_heard], reasons, cells.kind_of[~is_heard])
        asked_at = denials.asked_us[denials.bounds[places[is_plain] + 1] - 1]
        cells.clear(rows[is_plain], asked_at, *denials.ids(places[is_plain]))
        for at_ in np.flatnonzero(is_heard & ~is_plain).tolist():
            said = self._said(cells.subjects[at_], denials)
            cells.say(int(rows[at_]), said)
            self._listed_n += said.status is Listing.LISTED
        self._asked_n += int(is_heard.sum())

    def _is_plain(self, denials: Denials) -> npt.NDArray[np.bool_]:
        """Per address whether everything heard about it was a denial that the list's health vouches for."""
        condition, many = self._condition, len(self._pairs)
        bad = np.bincount(denials.place[~self._is_proven(denials)], minlength=many)
        plain: npt.NDArray[np.bool_] = (np.diff(denials.bounds) > 0) & (bad == 0)
        plain[list(self._pairs.others(self._zone))] = False
        if condition.void is not None:
            plain[:] = False
        if condition.void_ipv6 is not None:
            plain &= ~self._pairs.is_ipv6()
        return plain

    def _is_proven(self, denials: Denials) -> npt.NDArray[np.bool_]:
        """What `Health.why_not` says, of all denials at once."""
        condition, servers = self._condition, self._pairs.servers
        if not servers:
            return np.zeros(0, dtype=bool)
        failed = np.array([server in condition.failed for server in servers])
        failed_ipv6 = np.array([server in condition.failed_ipv6 for server in servers])
        proven, passes = np.zeros(len(denials.id), dtype=bool), np.unique(denials.pass_number).tolist()
        for survey, last_us in condition.last_us.items():
            first = np.array([condition.first_us.get((survey, server), _NEVER) for server in servers])
            is_of = np.isin(denials.pass_number, [number for number in passes if survey_of(number) == survey])
            proven |= is_of & (first[denials.server] <= denials.asked_us) & (denials.asked_us <= last_us)
        proven &= ~failed[denials.server] & ~np.isin(denials.pass_number, list(condition.void_passes))
        if condition.failed_ipv6:
            proven &= ~(failed_ipv6[denials.server] & self._pairs.is_ipv6()[denials.place])
        return proven

    def _said(self, subject: _Subject, denials: Denials) -> _Said:
        """The row of one pair that is not plain: the latest pass with an answer decides, every pass is named."""
        name = f"{subject.half}.{self._zone}"
        rows = self._pairs.whole(self._zone, subject.place, name, denials)
        is_ipv6, blocklist, condition = ":" in subject.address, self._blocklist, self._condition
        told = [(row, self._judged.get(row.id) or judge(blocklist, row)) for row in rows]
        history = [(row, self._proven(row, judged, is_ipv6)) for row, judged in told]
        row, judged = next((pair for pair in reversed(history) if pair[1].status in _SAID), history[-1])
        is_void = condition.void or (is_ipv6 and condition.void_ipv6)
        status, why = (Listing.REFUSED, "list_void") if is_void else (judged.status, judged.reason)
        confirmed = [] if is_void else _confirmed(row, judged, history)
        said = [one.status for _, one in history if one.status in _SAID]
        if not is_void and len(set(said)) > 1:
            why = "came_between_passes" if judged.status is Listing.LISTED else "left_between_passes"
        elif not is_void and said and history[-1][1].status not in _SAID:
            why = "not_heard_again"
        text_row = self._pairs.words.latest(name, TXT)
        text = _text(text_row) if status is Listing.LISTED else None
        evidence = [one.id for one, _ in history]
        if text and text_row is not None:
            evidence.append(text_row.id)
        wanted = set(judged.categories) & HEADLINE_CATEGORIES or set(judged.categories)
        return _Said(
            status,
            list(judged.codes),
            list(judged.categories) if status is Listing.LISTED else [],
            why,
            text,
            bool(wanted) and wanted <= set(confirmed),
            confirmed,
            row.asked_us,
            evidence,
        )

    def _proven(self, row: Row, judged: Judgement, is_ipv6: bool) -> Judgement:
        """A judgement as it stands, or silence where the list's health does not vouch for the answer."""
        if judged.status not in _SAID or (why := self._condition.why_not(row, is_ipv6)) is None:
            return judged
        return Judgement(Listing.SILENT, judged.codes, reason=why)

    def _why_not(self, why_not: str | None, is_ipv6: bool) -> str:
        """Why the list was not asked about an address of a kind."""
        if why_not is not None:
            return why_not
        if is_ipv6 and not self._blocklist.ipv6:
            return "no_ipv6"
        if not is_ipv6 and not self._blocklist.ipv4:
            return "no_ipv4"
        if self._condition.void or (is_ipv6 and self._condition.void_ipv6):
            return "list_void"
        return "daily_limit" if self._is_over else "unfinished"


def _confirmed(row: Row, judged: Judgement, history: Sequence[tuple[Row, Judgement]]) -> list[str]:
    """The categories that an earlier pass said too, where the later answer cannot be the earlier one from a cache.

    An answer is fresh when the list's own server gave it (AA, its TTL not run down), or when a second has passed since
    the earlier answer, as a resolver may have kept it, had expired. Another resolver alone proves nothing: two names
    may lead to one cache.
    """
    if judged.status is not Listing.LISTED:
        return []
    found: set[str] = set()
    for earlier, said in history:
        if earlier.asked_us >= row.asked_us or said.status is not Listing.LISTED:
            continue
        gone_us = earlier.asked_us + earlier.elapsed_us + ((said.ttl or 0) + 1) * 1_000_000
        is_the_lists_own = judged.is_authoritative and (judged.ttl or 0) >= (said.ttl or 0)
        if is_the_lists_own or row.asked_us >= gone_us:
            found |= set(judged.categories) & set(said.categories)
    return sorted(found)


def _text(row: Row | None) -> str | None:
    """The list's own words, made harmless."""
    if row is None or not is_usable(row):
        return None
    try:
        records = chain(decode(row.answer), row.name, TXT)[1]
    except Malformed:
        return None
    said = [txt_text(record.value) for record in records if isinstance(record.value, bytes)]
    return " / ".join(said)[:1000] or None
