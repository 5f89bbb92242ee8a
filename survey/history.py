"""Bodies over all waves: seen when, for how long, and how long listings last.

A body is followed through its new names and codes. Its status in a wave is the one by that wave's own healthy lists;
what it became from wave to wave is told by the comparisons, on the lists that two waves share.

How long listings last is counted honestly, as survival is: a body is followed from the wave in which it was first seen
listed (in the first wave: for how long it had been, nobody knows) until it is cleared. Where a step cannot be compared
it is lost from sight: it counts neither as still listed nor as cleared, and is not followed any further.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import pandas as pd

from .frames import frame, rows_of
from .tables import Body
from .wave_tables import Change
from .yardstick import Wave

NOT_IN_REGISTER = "not_in_register"
_DAY_S = 86_400


class Life(NamedTuple):
    """One body over all waves: its code in each (None: not in that register), and its change from each to the next."""

    codes: tuple[str | None, ...]
    changes: tuple[str | None, ...]
    """One fewer than codes; None where the body is in neither of the two registers."""


class _Followed(NamedTuple):
    """A body so far."""

    codes: list[str | None]
    changes: list[str | None]


def lives(waves: Sequence[Wave], steps: Sequence[pd.DataFrame]) -> list[Life]:
    """Every body of any wave, followed through the tables `wave_bodies` of each wave and the next."""
    running = {code: _Followed([code], []) for code in map(str, waves[0].tables["bodies"]["code"])}
    ended: list[_Followed] = []
    for number, step in enumerate(steps, 1):
        after: dict[str, _Followed] = {}
        for before, now, change in rows_of(step, "code_before", "code_after", "change"):
            one = running[before] if isinstance(before, str) else _Followed([None] * number, [None] * (number - 1))
            one.codes.append(now if isinstance(now, str) else None)
            one.changes.append(str(change))
            if isinstance(now, str):
                after[now] = one
            else:
                ended.append(one)
        running = after
    whole = []
    for one in (*ended, *running.values()):
        missing = [None] * (len(waves) - len(one.codes))
        whole.append(Life((*one.codes, *missing), (*one.changes, *missing)))
    return sorted(whole, key=lambda life: (_latest(life.codes), life.codes.index(_latest(life.codes))))


def _latest(codes: Sequence[str | None]) -> str:
    return next(code for code in reversed(codes) if code)


def history(waves: Sequence[Wave], found: Sequence[Life]) -> pd.DataFrame:
    """The table `wave_history`: one row per body of any wave."""
    statuses = [dict(rows_of(wave.tables["findings"], "code", "status")) for wave in waves]
    named = [
        {code: rest for code, *rest in rows_of(wave.tables["bodies"], "code", "prefecture", "name", "kind")}
        for wave in waves
    ]

    def rows() -> Iterator[tuple[object, ...]]:
        for life in found:
            said = [str(of[code]) if code else NOT_IN_REGISTER for of, code in zip(statuses, life.codes, strict=True)]
            listed = [number for number, word in enumerate(said) if word == Body.LISTED]
            latest = _latest(life.codes)
            last_in = max(number for number, code in enumerate(life.codes) if code)
            first, last = (waves[listed[0]], waves[listed[-1]]) if listed else (None, None)
            yield (
                latest,
                list(dict.fromkeys(code for code in life.codes if code)),
                *named[last_in][latest],
                said,
                [change or NOT_IN_REGISTER for change in life.changes],
                sum(word != NOT_IN_REGISTER for word in said),
                len(listed),
                said.count(Body.UNKNOWN),
                first.name if first else None,
                last.name if last else None,
                moment(first, "started_at"),
                asked_until(last) if last else None,
                said[-1] == Body.LISTED if said[-1] in (Body.LISTED, Body.CLEAR, Body.NO_MAIL) else None,
                all(life.changes[n] == Change.PERSISTING for n in range(listed[0], listed[-1])) if listed else None,
            )

    return frame("wave_history", rows())


def moment(wave: Wave | None, name: str) -> datetime | None:
    """A moment of a wave's headline; None where it has none."""
    said = wave.headline.get(name) if wave else None
    return datetime.fromisoformat(str(said)) if said else None


def asked_until(wave: Wave) -> datetime | None:
    """When a wave's last pass or recheck ended."""
    moments = (moment(wave, name) for name in ("started_at", "finished_at", "rechecked_at"))
    return max((moment for moment in moments if moment), default=None)


class _Step(NamedTuple):
    """What became of bodies so many waves after they were first seen listed."""

    days: list[int]
    words: list[str]


def survival(waves: Sequence[Wave], found: Sequence[Life]) -> pd.DataFrame:
    """The table `wave_survival`: per way of being first seen and step, how many are still listed, cleared, lost."""
    listed_at_start = set(_listed(waves[0]))
    steps: dict[tuple[str, int], _Step] = defaultdict(lambda: _Step([], []))
    for life in found:
        for seen, entered in _entries(life, listed_at_start):
            for step, wave in enumerate(range(entered + 1, len(waves) + 1), 1):
                at_ = steps[seen, step]
                if wave == len(waves):
                    at_.words.append("ended")
                    break
                word = life.changes[wave - 1]
                is_followed = word in (Change.PERSISTING, Change.CLEARED)
                at_.words.append(str(word) if is_followed else Change.NOT_COMPARABLE)
                at_.days.append(_days(waves[entered], waves[wave]))
                if word != Change.PERSISTING:
                    break

    def rows() -> Iterator[tuple[object, ...]]:
        for (seen, step), at_ in sorted(steps.items()):
            counts = [at_.words.count(word) for word in ("persisting", "cleared", "not_comparable", "ended")]
            days = (min(at_.days), max(at_.days)) if at_.days else (None, None)
            yield (seen, step, *days, counts[0] + counts[1], *counts)

    return frame("wave_survival", rows())


def _listed(wave: Wave) -> list[str]:
    return [code for code, status in rows_of(wave.tables["findings"], "code", "status") if status == Body.LISTED]


def _entries(life: Life, listed_at_start: set[str]) -> Iterator[tuple[str, int]]:
    """How, and in which wave, a body was first seen listed; again when it was cleared and came back."""
    if life.codes[0] in listed_at_start:
        yield "at_start", 0
    for number, change in enumerate(life.changes, 1):
        if change == Change.NEW:
            yield "new", number


def _days(one: Wave, other: Wave) -> int:
    began, ended = moment(one, "started_at"), moment(other, "started_at")
    return round((ended - began).total_seconds() / _DAY_S) if began and ended else 0
