"""What public counts may be printed side by side, so that none of them, nor all together, says who is listed.

Rows in which the listed, the unknown or the remaining unnamed bodies are one or two are put together (`merge_small`).
That is not enough: a table by region and one by kind of body may together leave only one way to place the listed ones.
So every listed body without an open gate must have an alibi: another country in which it is not listed, and in which
every number that is printed is the same. `exposed` looks for it by exchanging the statuses of pairs of bodies that
differ in one thing only (region, kind, or who serves them) until the counts are again what they were; where there is
no such chain of exchanges, `told` takes back the split of the headline by whose the servers are, operators, and then
single regions and kinds, until everybody has an alibi.

It reckons with readers who know every mail server's customers (MX records are public), who has no mail, and who is
named. An exchange takes each body by itself; that those on one server are listed together is `tied`'s matter, row by
row. What rows say together of whole servers is not reckoned: who tries every set of servers against all of them may
know more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from ..errors import DecisionNeeded
from ..tables import Body, Share
from .tied import tied

SMALL = 2
"""Cells of so many unnamed bodies are put together with others."""
OTHERS = "*"
"""The name of a row in which others were put together."""
_NATIONAL = {"prefecture": "国", "kind": "national"}


class State(NamedTuple):
    """What a body is counted as: by all headline lists, and by the lists that lead."""

    status: str
    leading: str

    @property
    def is_listed(self) -> bool:
        return Body.LISTED in (self.status, self.leading)

    @property
    def is_cover(self) -> bool:
        """Whether nobody can tell from outside that it is not listed: who has no mail is public knowledge."""
        return not self.is_listed and self.status in (Body.UNKNOWN, Body.CLEAR)


class Place(NamedTuple):
    """Where a body is counted: its row by region, its row by kind, and who serves it, as far as that is counted."""

    region: str
    kind: str
    served: frozenset[str]


Cell = tuple[Place, State]
"""Where bodies are counted, and as what."""
_NOWHERE = Place("", "", frozenset())


@dataclass(frozen=True, slots=True)
class Told:
    """What may be printed side by side."""

    regions: pd.DataFrame
    kinds: pd.DataFrame
    operators: tuple[str, ...]
    has_shares: bool
    """Whether the headline may say how many of the listed ones are so through servers of their own, or shared ones."""


def told(
    found: pd.DataFrame,
    counts: Mapping[str, pd.DataFrame],
    *,
    leading: str,
    named: set[str],
    operators: Mapping[str, set[str]],
    whose: Mapping[str, frozenset[str]],
    users: Mapping[str, set[str]],
    small: int = SMALL,
) -> Told:
    """What may be printed of these findings, so that no listed body without an open gate is found out.

    `found` has one row per body (`code`, `prefecture`, `kind`, `status` and the column `leading`); `counts` the rows by
    `prefecture` and by `kind`; `operators` who uses the servers of each that might be shown, in the order in which they
    are preferred; `whose` whose the servers of a body are; `users` who uses each server. Raises DecisionNeeded where
    the total alone would tell.
    """
    names = ["code", "prefecture", "kind", "status", leading]
    states = {
        str(code): (str(region), str(kind), State(str(status), str(lead)))
        for code, region, kind, status, lead in found.loc[~found["code"].isin(named), names].itertuples(index=False)
    }
    # A body that is named for another listing hides nothing in the counts that lead.
    hidden = named & set(found.loc[found[leading].eq(Body.LISTED), "code"])
    together = {column: _small_rows(counts[column], column, found, hidden, small=small) for column in counts}

    def cell(of: tuple[str, str, State], served: frozenset[str] = frozenset()) -> Cell:
        region, kind, state = of
        region, kind = (
            OTHERS if row in together[column] else row for row, column in ((region, "prefecture"), (kind, "kind"))
        )
        return Place(region, kind, served), state

    different = set(states.values())
    while without_alibi := _exposed({cell(one) for one in different}):
        rows = [one[:2] for one in different if cell(one) in without_alibi]
        if not _coarsen(counts, together, rows):
            raise DecisionNeeded(
                "every body that could be listed is listed: the count alone names them all",
                where="publish",
                remedy="publish nothing of this run until the bodies may be named",
                ja="対象の団体がすべて登録ありのため、総数だけで団体が特定されます",
            )
    listed = {code for code, (*_, state) in states.items() if state.status == Body.LISTED}
    leading_ = {code for code, (*_, state) in states.items() if state.leading == Body.LISTED}
    for one in (listed, leading_):
        if tied(one, [(set(states), len(one))], users):
            raise DecisionNeeded(
                "no other servers could make up the count: it alone tells which bodies are listed",
                where="publish",
                remedy="publish nothing of this run until the bodies may be named",
                ja="ほかのサーバではこの数にならず、総数だけで団体が特定されます",
            )
    _untie(counts, together, states, leading_, users)
    served = {code: whose.get(code, frozenset()) for code in states}
    alone = {code for code in states if whose.get(code) == frozenset({str(Share.SHARED)})}
    is_hidden = not _exposed({cell(of, served[code]) for code, of in states.items()})
    has_shares = is_hidden and not tied(listed & alone, [(alone, len(listed & alone))], users)
    if not has_shares:
        served = dict.fromkeys(states, frozenset())
    # How many bodies are in each cell: an operator that is shown moves its customers to others.
    many = Counter(cell(of, served[code]) for code, of in states.items())
    kept = []
    for name, customers in operators.items():
        more = {code: served[code] | {f"{OTHERS}{name}"} for code in customers if code in states}
        moved = Counter(many)
        moved.subtract(cell(states[code], served[code]) for code in more)
        moved.update(cell(states[code], now) for code, now in more.items())
        moved = +moved
        if not _exposed(moved):
            served, many = {**served, **more}, moved
            kept.append(name)
    tables = {column: _put_together(counts[column], column, together[column]) for column in counts}
    return Told(tables["prefecture"], tables["kind"], tuple(kept), has_shares)


def _untie(
    counts: Mapping[str, pd.DataFrame],
    together: Mapping[str, set[str]],
    states: Mapping[str, tuple[str, str, State]],
    listed: set[str],
    users: Mapping[str, set[str]],
) -> None:
    """Put rows together until the servers of other bodies could make up the count of every one."""
    for index, column in enumerate(("prefecture", "kind")):
        is_tied = True
        while is_tied:
            is_tied = False
            rows: dict[str, set[str]] = defaultdict(set)
            for code, place in states.items():
                rows[OTHERS if place[index] in together[column] else str(place[index])].add(code)
            for name, members in rows.items():
                if tied(listed & members, [(members, len(listed & members))], users):
                    left = counts[column].loc[~counts[column][column].isin(together[column])]
                    names = [str(one) for one in left.sort_values(["bodies", column])[column]]
                    # All in one row is the total, which was looked at before.
                    if wanted := name if name != OTHERS else next(iter(names), ""):
                        _add(counts, together, column, wanted)
                        is_tied = True
                    break


def _coarsen(
    counts: Mapping[str, pd.DataFrame], together: Mapping[str, set[str]], rows: Iterable[tuple[str, str]]
) -> bool:
    """Put one more row together: of those in which somebody has no alibi the smallest, regions first; else any."""
    places = list(rows)
    for is_any in (False, True):
        for index, column in enumerate(("prefecture", "kind")):
            left = counts[column].loc[~counts[column][column].isin(together[column])]
            wanted = {place[index] for place in places}
            left = left if is_any else left.loc[left[column].isin(wanted)]
            if len(left):
                _add(counts, together, column, str(left.sort_values(["bodies", column])[column].iloc[0]))
                return True
    return False


def _add(counts: Mapping[str, pd.DataFrame], together: Mapping[str, set[str]], column: str, name: str) -> None:
    """Put a row together with the others, which are never alone; the national bodies in both tables at once."""
    together[column].add(name)
    if len(together[column]) == 1:
        left = counts[column].loc[counts[column][column].ne(name)].sort_values(["bodies", column])
        together[column].update(map(str, left[column].head(1)))
    for other, national in _NATIONAL.items():
        if _NATIONAL[column] in together[column] and national in set(counts[other][other]):
            together[other].add(national)


def exposed(bodies: Mapping[str, Cell]) -> set[str]:
    """The listed bodies among these for which no exchange of statuses was found that leaves every count as it is."""
    found = _exposed(set(bodies.values()))
    return {code for code, cell in bodies.items() if cell in found}


def _exposed(occupied: Collection[Cell]) -> set[Cell]:
    """The cells whose bodies are exposed, of all cells that hold any."""
    cells: dict[State, set[Place]] = defaultdict(set)
    for place, state in occupied:
        cells[state].add(place)
    alibi: dict[State, set[Place]] = {}
    covers = {state: places for state, places in cells.items() if state.is_cover}
    for state, places in cells.items():
        if state.is_listed:
            alibi[state] = set()
            for cover, others in covers.items():
                alibi[state] |= _free(places, others, is_seen=state.leading != cover.leading)
    return {(place, state) for place, state in occupied if state.is_listed and place not in alibi[state]}


def _free(listed: set[Place], cover: set[Place], *, is_seen: bool) -> set[Place]:
    """The places of listed bodies that may as well be those of others.

    An exchange between two places that differ in one coordinate moves a count along it; a chain of exchanges along that
    coordinate that comes back to where it began moves nothing. Where the leading lists do not tell the two states
    apart, regions and kinds do not see an exchange at all.
    """
    free: set[Place] = set()
    seen = {place: place if is_seen else _NOWHERE._replace(served=place.served) for place in listed | cover}
    for axis in range(len(_NOWHERE)):
        ways: dict[object, set[object]] = defaultdict(set)
        beside: dict[object, tuple[set[object], set[object]]] = defaultdict(lambda: (set(), set()))
        for side, places in enumerate((listed, cover)):
            for place in places:
                beside[_rest(seen[place], axis)][side].add(seen[place][axis])
        for ours, theirs in beside.values():
            for one in ours:
                ways[one] |= theirs
        reached = {one: _reached(one, ways) for one in {to for found in ways.values() for to in found}}
        for place in listed - free:
            here, (_, theirs) = seen[place][axis], beside[_rest(seen[place], axis)]
            if any(to == here or here in reached[to] for to in theirs):
                free.add(place)
    return free


def _rest(place: Place, axis: int) -> tuple[object, ...]:
    return tuple(place[:axis]) + tuple(place[axis + 1 :])


def _reached(start: object, ways: Mapping[object, set[object]]) -> set[object]:
    """Where the ways lead to from here."""
    found: set[object] = set()
    open_ = [start]
    while open_:
        new = ways.get(open_.pop(), set()) - found
        found |= new
        open_.extend(new)
    return found


def merge_small(
    counts: pd.DataFrame, column: str, found: pd.DataFrame, named: set[str], *, small: int = SMALL
) -> pd.DataFrame:
    """Put together rows in which the listed, the unknown or the remaining unnamed bodies are one or two.

    The rows put together become one row `OTHERS`; where that row itself would be small, the next smallest rows join it,
    so that it can never be taken apart by subtraction from the total.
    """
    return _put_together(counts, column, _small_rows(counts, column, found, named, small=small))


def _small_rows(counts: pd.DataFrame, column: str, found: pd.DataFrame, named: set[str], *, small: int) -> set[str]:
    """The rows that `merge_small` puts together."""
    open_ = found.loc[found["code"].isin(named)].groupby(column)["code"].count()
    table = counts.assign(named=counts[column].map(open_).fillna(0).astype(int))

    def is_small(row: Mapping[str, int]) -> bool:
        hidden = row["listed"] - row["named"]
        # Where nearly everybody is listed, who is needs no telling; without mail or out of scope is public knowledge.
        is_nearly_all = hidden > 0 and row["clear"] <= small
        return 0 < hidden <= small or 0 < row["unknown"] <= small or 0 < row["clear"] <= small or is_nearly_all

    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    together = [row for row in rows if is_small(row)]
    kept = sorted((row for row in rows if not is_small(row)), key=lambda row: (row["bodies"], row[column]))
    # The national bodies are a region and a kind: put away in one table alone, the other would give them back.
    fillers = [row for row in kept if row[column] != _NATIONAL.get(column)]
    while together and fillers and (len(together) < 2 or is_small(_sum(together))):
        together.append(fillers.pop(0))
    return {str(row[column]) for row in together}


def _put_together(counts: pd.DataFrame, column: str, names: set[str]) -> pd.DataFrame:
    """`listed`, `unknown` and `bodies` by row, most listed first; last, as one row, those of these names."""
    is_apart = ~counts[column].isin(names)
    rows = counts.loc[is_apart].sort_values(["listed", "bodies", column], ascending=[False, False, True])
    shown = rows[[column, "listed", "unknown", "bodies"]]
    if names:
        summed = {name: int(counts.loc[~is_apart, name].sum()) for name in ("listed", "unknown", "bodies")}
        shown = pd.concat([shown, pd.DataFrame([{column: OTHERS, **summed}])])
    return shown.reset_index(drop=True)


def _sum(rows: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in ("listed", "unknown", "clear", "bodies", "named")}
