"""Which body follows which: towns that merged, split, took a new name or a new code between two registers.

`data/successors.csv` has one row per body that went over into another: columns before_code, after_code, kind, date,
name_before, name_after, source. Kinds:

* `merged`   several bodies became one; one row each, a body that goes on under its own code among them or not;
* `split`    one body became several; one row each;
* `renamed`  a new name under the same code;
* `recoded`  a new code, as when a town becomes a city; the name may change with it.

Codes stand as in the register; those of six digits are Japan's, with their check digit.

A cell that cannot be used stops whoever reads the file: a successor that is lost would be two bodies that nobody can
compare, and a wrong one would put two bodies' findings side by side. Which rows matter is told by the two registers
alone, never by the dates: a merger that both registers know is none between them. Nothing depends on which of them is
the older one.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .codes import check_digit
from .edited import Place, read_places

DATA = Path(__file__).resolve().parent.parent / "data" / "successors.csv"
FILE = "successors.csv"
"""What a run folder calls its own."""
KINDS = ("merged", "split", "renamed", "recoded")
COLUMNS = ("before_code", "after_code", "kind", "date", "name_before", "name_after", "source")


class Successor(NamedTuple):
    """One row: a body, the one that it went over into, how, and when."""

    before_code: str
    after_code: str
    kind: str
    date: datetime.date
    name_before: str
    name_after: str
    source: str


class Kin(NamedTuple):
    """Bodies of two registers that are the same body, or came out of one another.

    `kind` is `same` (one code in both registers), `recoded` (one to one, another code), `merged`, `split`, or `alone`
    (in one register only, and nobody follows it or goes before it in the other).
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    kind: str


def load_successors(path: Path = DATA) -> tuple[Successor, ...]:
    """Every row of a file of successors, in its order. Raises CatalogueError, naming file, row and column."""
    found: dict[tuple[object, ...], Successor] = {}
    recoded: set[str] = set()
    for place in read_places(path, COLUMNS):
        if not any(place.text(column) for column in COLUMNS):
            continue
        one = _successor(place)
        if one[:4] in found:
            raise place.wrong("before_code", "this row stands here twice", "keep one of the rows", "重複しています")
        if one.kind == "recoded" and one.before_code in recoded:
            raise place.wrong(
                "before_code",
                "this code was given up in another row already",
                "write one successor, or call it split",
                "承継先が2つあります。分割なら split と書いてください",
            )
        recoded |= {one.before_code} if one.kind == "recoded" else set()
        found[one[:4]] = one
    return tuple(found.values())


def _successor(place: Place) -> Successor:
    before, after = _code(place, "before_code"), _code(place, "after_code")
    kind = place.one_of("kind", KINDS)
    if kind == "renamed" and before != after:
        raise place.wrong(
            "after_code",
            "a renamed body keeps its code",
            "write the same code in both columns, or recoded as kind",
            "名称変更ではコードは変わりません。コードも変わるなら recoded と書いてください",
        )
    if kind == "recoded" and before == after:
        raise place.wrong(
            "after_code",
            "a recoded body has another code",
            "write its new code, or renamed as kind",
            "コード変更なのに同じコードです。名称だけなら renamed と書いてください",
        )
    for column in ("name_before", "name_after", "source"):
        if not place.text(column):
            raise place.wrong(column, "a successor without it", "fill the cell in", "空欄です")
    names = (place.text(column) for column in ("name_before", "name_after", "source"))
    return Successor(before, after, kind, _date(place), *names)


def _code(place: Place, column: str) -> str:
    found = place.text(column)
    if not found:
        raise place.wrong(column, "there is no code", "write the code as the register has it", "コードがありません")
    if found.isascii() and found.isdigit() and len(found) == 6 and check_digit(found[:5]) != found[5]:
        raise place.wrong(
            column,
            f"the check digit is wrong: {found[:5]} has {check_digit(found[:5])}",
            "correct the code",
            "検査数字が合いません",
        )
    return found


def _date(place: Place) -> datetime.date:
    try:
        return datetime.date.fromisoformat(place.text("date"))
    except ValueError:
        raise place.wrong(
            "date", "this is no date", "write 2016-10-10", "日付ではありません。2016-10-10 の形で書いてください"
        ) from None


def kin(rows: Iterable[Successor], before: Collection[str], after: Collection[str]) -> list[Kin]:
    """The bodies of two registers, those together that belong together: every code of each stands in exactly one.

    `before` and `after` are the codes of the two registers. A chain of rows counts as one (recoded twice is recoded
    once), and so do rows of which neither register has the code in between.
    """
    before, after = frozenset(before), frozenset(after)
    forward, backward = _steps(rows), defaultdict[str, dict[str, str]](dict)
    for one, others in forward.items():
        for other, kind in others.items():
            backward[other][one] = kind
    families = _Families()
    for code in sorted(before | after):
        sides = [(side, code) for side, codes in (("before", before), ("after", after)) if code in codes]
        families.join(sides, "same")
        if len(sides) == 1:
            own, other, there = ("before", "after", after) if code in before else ("after", "before", before)
            for steps in (forward, backward):
                reached = _reached(code, steps, there)
                for found, kind in reached.items():
                    families.join([(own, code), (other, found)], kind)
                if reached:
                    break
    return families.told()


def _steps(rows: Iterable[Successor]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.before_code != row.after_code:
            found[row.before_code][row.after_code] = row.kind
    return found


def _reached(code: str, steps: Mapping[str, Mapping[str, str]], there: Collection[str]) -> dict[str, str]:
    """The codes of another register to which rows lead from a code, and the strongest kind on the way."""
    found: dict[str, str] = {}
    seen, open_ = {code}, [(code, "recoded")]
    while open_:
        one, kind = open_.pop()
        for other, step in steps.get(one, {}).items():
            if other in seen:
                continue
            seen.add(other)
            stronger = min(kind, step, key=_STRENGTH.index)
            if other in there:
                found[other] = stronger
            else:
                open_.append((other, stronger))
    return found


_STRENGTH = ("merged", "split", "recoded", "same")


class _Families:
    """Sides of bodies that are joined to one another, and by what."""

    def __init__(self) -> None:
        self._parent: dict[tuple[str, str], tuple[str, str]] = {}
        self._kind: dict[tuple[str, str], str] = {}

    def join(self, sides: Sequence[tuple[str, str]], kind: str) -> None:
        """Put these into one family; the strongest kind that joins it names it."""
        roots = [self._root(side) for side in sides]
        for root in roots[1:]:
            self._parent[root] = roots[0]
        kinds = [kind, *(self._kind[root] for root in roots if root in self._kind)]
        self._kind[roots[0]] = min(kinds, key=_STRENGTH.index)

    def _root(self, side: tuple[str, str]) -> tuple[str, str]:
        while (above := self._parent.setdefault(side, side)) != side:
            side = above
        return side

    def told(self) -> list[Kin]:
        members: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for side in self._parent:
            members[self._root(side)].append(side)
        found = []
        for root, sides in members.items():
            before = tuple(sorted(code for side, code in sides if side == "before"))
            after = tuple(sorted(code for side, code in sides if side == "after"))
            kind = self._kind[root] if before and after else "alone"
            if kind == "recoded" and len(sides) > 2:
                kind = "merged"  # the new code was somebody's already
            found.append(Kin(before, after, kind))
        return sorted(found, key=lambda one: (one.before or one.after, one.after))
