"""The standings: what the healthy lists said of each address, put together from the rows of `listings`.

Servers, findings and the headline are told from these. By far the most rows say "not listed" and nothing beside it, and
what such a row means depends on its list alone: the meaning of each (list, status, reason) is told once, and rows are
put together by column. Only rows that name categories, or that leave doubt, are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .blocklists import LIES, NO_MATTER
from .frames import rows_of, to_arrow
from .tables import HEADLINE_CATEGORIES, HEADLINE_GROUPS, Listing

COLUMNS = ("address", "zone", "status", "codes", "categories", "reason", "confirmed_categories", "evidence_ids")
"""What is needed of a listing."""
_SAID = (Listing.LISTED, Listing.CLEAR)
_NOTES = ("came_between_passes", "left_between_passes")
_NOT_HEARD = ("unfinished", "daily_limit", "opt_out")
_DOUBTS = ("listing_silent", "listing_refused")

_KNOWN, _ASKED, _OPEN, _DOUBTFUL, _OPTED_OUT, _IPV6, _BY_VOID, _CAME, _LEFT = (1 << bit for bit in range(9))
_FLAGS = 16
"""Bits of flags; the answers are counted above them, and those of open-relay lists above these."""
_COUNT = 16


@dataclass(slots=True, eq=False)
class Standing:
    """What the healthy lists said of one address; addresses of which they said the same may have one and the same."""

    categories: frozenset[str] = frozenset()
    confirmed: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    """Those that say one of these categories."""
    listed_on: frozenset[str] = frozenset()
    """Those that list it, whatever they say."""
    evidence: tuple[str, ...] = ()
    doubts: frozenset[str] = frozenset()
    relay_doubts: frozenset[str] = frozenset()
    doubt_evidence: tuple[str, ...] = ()
    notes: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    """Categories that some list said and no later pass of that list confirmed."""
    answers: int = 0
    """Answers of lists that could have made it listed: those of open relays and of abuse."""
    relay_answers: int = 0
    opted_out: bool = False
    is_listed: bool = False
    is_known: bool = False
    """Whether a list that could have made it listed answered, or any list said anything but a plain denial."""
    is_asked: bool = False
    """Whether it is an address that lists may be asked about."""
    is_open: bool = False
    """Whether a list that should have answered did not."""
    is_doubtful: bool = False
    """The same, or its owner opted out."""
    is_quiet: bool = True
    """Whether there is nothing to tell of it but how many lists answered."""


class _Meaning(NamedTuple):
    """What a row says by its list, status and reason."""

    flags: int
    counts: int
    is_detailed: bool
    """Whether there is more to be read in it."""


class _Rules:
    """Which lists have a say, and in what."""

    def __init__(self, lists: pd.DataFrame) -> None:
        healthy, headline, relay, fell_silent = set[str](), set[str](), set[str](), set[str]()
        for zone, health, group, why in rows_of(lists, "zone", "health", "group", "reason"):
            if group in HEADLINE_GROUPS:
                headline.add(zone)
            if health == "healthy":
                healthy.add(zone)
                relay |= {zone} if group == "relay" else set()
            elif group in HEADLINE_GROUPS and why not in LIES:
                fell_silent.add(zone)
        self.healthy, self.headline, self.relay, self.fell_silent = healthy, headline, relay, fell_silent

    def meaning(self, zone: str, status: str, why: str | None, has_codes: bool, has_categories: bool) -> _Meaning:
        """What one row says; void lists have no say, for or against."""
        flags, is_plain = 0, status == Listing.CLEAR and why is None
        is_healthy, is_headline = zone in self.healthy, zone in self.headline
        if not is_plain or (is_healthy and is_headline):
            flags |= _KNOWN
        if why != "special_address":
            flags |= _ASKED
        if status == Listing.NOT_ASKED and why == "opt_out":
            flags |= _OPTED_OUT
        if status == Listing.NOT_ASKED and why == "no_ipv6" and is_healthy and is_headline:
            flags |= _IPV6
        if why == "list_void" and has_codes and zone in self.fell_silent:
            flags |= _BY_VOID
        if not is_healthy or why == "list_void":
            return _Meaning(flags, 0, False)
        if status in (Listing.SILENT, Listing.REFUSED) or why in _NOT_HEARD:
            flags |= _DOUBTFUL
        if status not in _SAID and why not in NO_MATTER:
            flags |= _OPEN
        if status not in _SAID:
            return _Meaning(flags, 0, not (status == Listing.NOT_ASKED and why in NO_MATTER))
        if why in _NOTES:
            flags |= _CAME if why == _NOTES[0] else _LEFT
        counts = is_headline | (zone in self.relay) << _COUNT
        return _Meaning(flags, counts, not is_plain and (has_categories or status == Listing.LISTED))


def read(listings: Iterable[pd.DataFrame | pa.Table], lists: pd.DataFrame) -> dict[str, Standing]:
    """The standing of every address in `listings`, which come in parts."""
    rules, told, detailed = _Rules(lists), dict[str, int](), dict[str, Standing]()
    for part in listings:
        data = to_arrow("listings", part) if isinstance(part, pd.DataFrame) else part
        is_detailed = _count(data, rules, told)
        for row in rows_of(data.filter(is_detailed), *COLUMNS):
            _look_at(row, rules, detailed)
    shared: dict[int, Standing] = {}
    found: dict[str, Standing] = {}
    for address, said in told.items():
        if (one := detailed.get(address)) is not None:
            found[address] = _filled(one, said)
        else:
            if said not in shared:
                shared[said] = _filled(Standing(), said)
            found[address] = shared[said]
    return found


def _count(data: pa.Table, rules: _Rules, told: dict[str, int]) -> pa.Array:
    """Add what each row says by its list, status and reason; gives which rows are to be looked at one by one."""
    if not len(data):
        return pa.array([], pa.bool_())
    has_codes, has_categories = (_is_filled(data[name]) for name in ("codes", "categories"))
    (zones, zone), (statuses, status), (reasons, reason) = (_words(data[name]) for name in ("zone", "status", "reason"))
    sizes = (len(zones), len(statuses), len(reasons), 2, 2)
    which = np.ravel_multi_index((zone, status, reason, has_codes, has_categories), sizes)
    flags, counts = np.zeros(np.prod(sizes), dtype=np.int64), np.zeros(np.prod(sizes), dtype=np.int64)
    is_detailed = np.zeros(np.prod(sizes), dtype=bool)
    for kind in np.flatnonzero(np.bincount(which)).tolist():
        one, other, why, *has = map(int, np.unravel_index(kind, sizes))
        flags[kind], counts[kind], is_detailed[kind] = rules.meaning(
            str(zones[one]), str(statuses[other]), reasons[why], bool(has[0]), bool(has[1])
        )
    for address, said in _per_address(data["address"], flags[which], counts[which]):
        if (before := told.get(address)) is not None:
            counts_of_both = (before >> _FLAGS) + (said >> _FLAGS)
            said = (before | said) & ((1 << _FLAGS) - 1) | counts_of_both << _FLAGS  # noqa: PLW2901
        told[address] = said
    return pa.array(is_detailed[which])


def _per_address(
    addresses: pa.ChunkedArray, flags: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> Iterator[tuple[str, int]]:
    """Each address with the flags and counts of all its rows in one number."""
    names, place = _words(addresses)
    if (np.diff(place) < 0).any():
        order = np.argsort(place, kind="stable")
        place, flags, counts = place[order], flags[order], counts[order]
    begins = np.flatnonzero(np.append(True, np.diff(place) > 0))
    said = np.bitwise_or.reduceat(flags, begins) | np.add.reduceat(counts, begins) << _FLAGS
    return zip((str(names[number]) for number in place[begins].tolist()), said.tolist(), strict=True)


def _words(data: pa.ChunkedArray) -> tuple[list[str | None], npt.NDArray[np.int64]]:
    """The different words of a column of text, and which of them stands in each row."""
    found = data.combine_chunks().dictionary_encode(null_encoding="encode")
    return found.dictionary.to_pylist(), found.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _is_filled(data: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """1 for each cell of a column of lists that holds any."""
    is_filled = pc.greater(pc.list_value_length(data), 0).combine_chunks()
    filled: npt.NDArray[np.int64] = is_filled.to_numpy(zero_copy_only=False).astype(np.int64)
    return filled


def _look_at(row: tuple[str, ...], rules: _Rules, found: dict[str, Standing]) -> None:
    """Add what a row says beside its status: categories, evidence, doubts."""
    address, zone, status, _, categories, why, confirmed, evidence = row
    one = found.setdefault(address, Standing())
    if status in _SAID:
        counted = HEADLINE_CATEGORIES.intersection(categories)
        if status == Listing.LISTED:
            one.listed_on |= {zone}
            one.is_listed |= bool(counted)
        if counted and why == "not_heard_again":
            one.notes |= {why}
        if counted:
            one.categories |= counted
            one.confirmed |= counted.intersection(confirmed)
            one.unconfirmed |= counted.difference(confirmed)
            one.zones |= {zone}
            one.evidence += tuple(evidence)
    else:
        doubt = _DOUBTS[status == Listing.REFUSED]
        one.doubts |= {doubt}
        one.doubt_evidence += tuple(evidence)
        if zone in rules.relay:
            one.relay_doubts |= {doubt}


def _filled(one: Standing, said: int) -> Standing:
    """The same with what the rows say by their list, status and reason."""
    counts = said >> _FLAGS
    one.answers, one.relay_answers = counts & ((1 << _COUNT) - 1), counts >> _COUNT
    notes = ((_IPV6, "ipv6_not_asked"), (_BY_VOID, "listed_by_void_list"), (_CAME, _NOTES[0]), (_LEFT, _NOTES[1]))
    one.notes |= {note for flag, note in notes if said & flag}
    one.opted_out, one.is_known = bool(said & _OPTED_OUT), bool(said & _KNOWN)
    one.is_asked, one.is_open, one.is_doubtful = bool(said & _ASKED), bool(said & _OPEN), bool(said & _DOUBTFUL)
    one.is_quiet = not (one.categories or one.doubts or one.notes or one.opted_out)
    return one
