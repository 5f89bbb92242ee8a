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

from .answers import Malformed, chain, decode, reverse_name, txt_text
from .blocklists import Health, Judgement, health, judge
from .catalogue import Blocklist
from .exchanges import TXT, Exchanges, Row, is_usable
from .pairs import Denials, Pairs
from .tables import BUNDLE, HEADLINE_CATEGORIES, NO_TIME, Listing, frame, from_columns

IMPLAUSIBLE_SHARE, IMPLAUSIBLE_LEAST = 0.2, 100
"""A list that lists more than this share of so many addresses is rather itself at fault: a person should look."""

_SAID = frozenset({Listing.LISTED, Listing.CLEAR})
_NEVER = np.iinfo(np.int64).max


class _Subject(NamedTuple):
    """An address that lists are asked about; or why they are not."""

    address: str
    half: str
    place: int
    """Its number in `Pairs`; -1 when no list was asked."""
    why_not: str | None


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
    evidence_ids: list[str]


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
) -> tuple[Iterator[pd.DataFrame], Callable[[], pd.DataFrame]]:
    """The table `listings` (one row per address × list) in parts, and `lists` (one row per selected list) after them.

    `exchanges` hold the health rounds. `zones` says under which name a keyed zone was kept;
    `opted_out` are addresses never asked about; `over_limit` are zones whose daily limit was reached.
    """
    zones = zones or {}
    conditions = health(blocklists, exchanges, finished, zones)
    _void_outside(blocklists, pairs, conditions, zones)
    readers = []
    for blocklist in sorted(blocklists, key=lambda one: one.zone):
        zone = zones.get(blocklist.zone, blocklist.zone)
        readers.append(_OneList(blocklist, zone, conditions[blocklist.zone], pairs, zone in over_limit))
    return _parts(readers, _subjects(addresses, pairs, opted_out)), lambda: frame(
        "lists", [one.row() for one in readers]
    )


def _parts(readers: Sequence[_OneList], subjects: Sequence[_Subject]) -> Iterator[pd.DataFrame]:
    """Some addresses at a time, by address and then by list."""
    if not readers:
        return
    step = max(1, BUNDLE // len(readers))
    for begin in range(0, len(subjects), step):
        some = subjects[begin : begin + step]
        # Every list has a row per address, in one order.
        order = np.arange(len(readers) * len(some)).reshape(len(readers), -1).T.ravel()
        of_lists = [reader.read(some) for reader in readers]
        yield pd.concat(of_lists, ignore_index=True).iloc[order].reset_index(drop=True)


def _subjects(addresses: pd.DataFrame, pairs: Pairs, opted_out: frozenset[str]) -> list[_Subject]:
    """Each address once, in order."""
    present = addresses.loc[addresses["address"].notna(), ["address", "reason"]]
    special = present["reason"].eq("special_address").to_numpy()
    found = []
    for address, is_special in sorted(
        dict(zip(present["address"].to_numpy(dtype=object), special, strict=True)).items()
    ):
        why_not = "special_address" if is_special else "opt_out" if address in opted_out else None
        half = reverse_name(address)
        found.append(_Subject(address, half, pairs.place(half), why_not))
    return found


def _void_outside(
    blocklists: Sequence[Blocklist], pairs: Pairs, conditions: Mapping[str, Health], zones: Mapping[str, str]
) -> None:
    """One answer outside 127/8, about whatever address and in whatever pass, makes a list void (RFC 6471 §3.3)."""
    for blocklist in blocklists:
        condition = conditions[blocklist.zone]
        rows = (row for rows in pairs.others(zones.get(blocklist.zone, blocklist.zone)).values() for row in rows)
        outside = next((row for row in rows if judge(blocklist, row).reason == "outside_127"), None)
        if outside is not None:
            condition.void = "outside_127"
            condition.evidence.append(str(outside.id))


class _OneList:
    """Reads one list's rows of `listings`."""

    def __init__(self, blocklist: Blocklist, zone: str, condition: Health, pairs: Pairs, is_over: bool) -> None:
        self._blocklist, self._zone, self._condition = blocklist, zone, condition
        self._pairs, self._is_over = pairs, is_over
        self._denials = pairs.denials(zone)
        # An address that no list was asked about has the number -1: the last one.
        self._plain = np.append(self._is_plain(self._denials), False)
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

    def read(self, subjects: Sequence[_Subject]) -> pd.DataFrame:
        """A row per address, in the order of the subjects."""
        count, nothing, denials = len(subjects), list[str](), self._denials
        places = np.array([subject.place for subject in subjects], dtype=np.int64)
        is_plain = self._plain[places]
        plain = np.flatnonzero(is_plain)
        asked_at = np.full(count, NO_TIME)
        asked_at[plain] = denials.asked_us[denials.bounds[places[plain] + 1] - 1]
        evidence: list[object] = [nothing] * count
        for at_, ids in zip(plain.tolist(), denials.ids(places[plain]), strict=True):
            evidence[at_] = ids
        columns: dict[str, list[object]] = {
            "status": [Listing.CLEAR] * count,
            **{name: [nothing] * count for name in ("codes", "categories", "confirmed_categories")},
            **{name: [None] * count for name in ("reason", "text")},
            "confirmed": [False] * count,
            "evidence_ids": evidence,
        }
        for at_ in np.flatnonzero(~is_plain).tolist():
            said = self._said(subjects[at_], denials)
            asked_at[at_] = said.asked_at
            for name, column in columns.items():
                column[at_] = getattr(said, name)
        self._asked_n += sum(map(bool, evidence))
        self._listed_n += columns["status"].count(Listing.LISTED)
        addresses, zones = [subject.address for subject in subjects], [self._blocklist.zone] * count
        return from_columns("listings", {"address": addresses, "zone": zones, "asked_at": asked_at, **columns})

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
        first = np.array([condition.first_us.get(server, _NEVER) for server in servers])
        failed = np.array([server in condition.failed for server in servers])
        failed_ipv6 = np.array([server in condition.failed_ipv6 for server in servers])
        proven = (first[denials.server] <= denials.asked_us) & (denials.asked_us <= condition.last_us)
        proven &= ~failed[denials.server] & ~np.isin(denials.pass_number, list(condition.void_passes))
        if condition.failed_ipv6:
            proven &= ~(failed_ipv6[denials.server] & self._pairs.is_ipv6()[denials.place])
        return proven

    def _said(self, subject: _Subject, denials: Denials) -> _Said:
        """The row of one pair that is not plain: the latest pass with an answer decides, every pass is named."""
        name = f"{subject.half}.{self._zone}"
        rows = self._pairs.whole(self._zone, subject.place, name, denials)
        is_ipv6, blocklist, condition = ":" in subject.address, self._blocklist, self._condition
        if not rows:
            return _Said(Listing.NOT_ASKED, [], [], self._why_not(subject), None, False, [], NO_TIME, [])
        history = [(row, self._proven(row, judge(blocklist, row), is_ipv6)) for row in rows]
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
        evidence = [str(one.id) for one, _ in history]
        if text and text_row is not None:
            evidence.append(str(text_row.id))
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

    def _why_not(self, subject: _Subject) -> str:
        if subject.why_not is not None:
            return subject.why_not
        is_ipv6 = ":" in subject.address
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
