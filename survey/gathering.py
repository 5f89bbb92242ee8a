"""Gathering: a register observed in parts, by several observers at once, into one run folder.

Each part has an evidence file of its own, `evidence-NN.sqlite`, with ids from its number times 2**40 and health rounds
numbered apart, so all parts are read as one. A *crew* does the work: processes of this machine (`processes`), or
workers of a cluster (`dasking`). Here is decided who does which part, and how much of what is allowed is its share:

* The shares of all who are at work add up to one at most, for every list's rate and for the resolvers'. Whoever is lost
  keeps its share until it can no longer be asking.
* What a list's daily limit leaves is divided among the parts that are open, and counted as used when it is given out;
  what a part that ends did not use is given back. What somebody lost had left is not.
* A list that failed a health round in one part is not asked by parts that begin later; reading makes it void in all.
* A pass is one over the whole register: it ends when all its parts have, and only then does the gap before the next
  one begin. The mark of that stands in `evidence.sqlite`, marks of the parts stand in theirs.

A part begins each pass as it would go on after being cut off: from its own evidence. So it does not matter whether the
process, the machine or the kind of crew is the one that began it.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from . import opt_outs, usage
from .calm import give_back
from .errors import RunError, SurveyError
from .evidence import Archive
from .exchanges import SURVEY_ROUND, TXT, A, Row, is_usable
from .names import zone_of
from .observing import Observer, Past, left_today, past_of, reserved, void_lists, wait_for_caches
from .runs import TOOL, RunFolder, finished_parts, finished_passes
from .sitting import Brief, Progress, stored_zone
from .store import Store

_LOCK = ".lock-"
DEATHS_MOST = 5
"""So many observers of one part may die in one pass before a person should look."""
_NAP_S, _OPT_OUTS_S, _PATIENCE_S, _LOCK_S, _SETTLE_S = 0.2, 5.0, 120.0, 30.0, 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """One part's share in one pass."""

    brief: Brief
    pass_number: int
    void: frozenset[str]
    """Lists that failed already, by their zones as they are kept."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an observer says when it has finished: the part ended, unless a daily limit is used up."""

    over_limit: frozenset[str] = frozenset()
    void: frozenset[str] = frozenset()
    without_recursion: tuple[str, ...] = ()
    sent: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """Something about one part: how far it is; or how it ended; or that whoever observed it is gone, surely."""

    part: int
    done: int = 0
    expected: int = 0
    report: Report | None = None
    error: SurveyError | None = None
    is_lost: bool = False


class Crew(Protocol):
    """Who observes parts."""

    def places(self) -> int:
        """How many parts can be observed at once now."""
        ...

    def begin(self, order: Order) -> None:
        """Let somebody who is free observe a part; called for fewer parts than there are places."""
        ...

    def news(self, timeout_s: float) -> list[News]:
        """What happened, as soon as something did."""
        ...

    def stop(self) -> None:
        """Stop everybody, and wait until nobody asks or writes any more."""
        ...


def report_of(observer: Observer) -> Report:
    """What an observer that has finished says."""
    over, void = frozenset(observer.over_limit), frozenset(observer.void)
    return Report(over, void, tuple(observer.without_recursion), observer.sent)


def evidence_path(folder: Path, part: int) -> Path:
    """The evidence file of one part."""
    return folder / f"evidence-{part:02d}.sqlite"


@contextlib.contextmanager
def alone_in_part(folder: Path, part: int) -> Iterator[None]:
    """Nobody else writes the evidence of this part: who was left over from a command that died ends in a moment."""
    lock = folder / f"{_LOCK}{part:02d}"
    try:
        with FileLock(lock, timeout=_LOCK_S):
            settle(evidence_path(folder, part))
            yield
    except Timeout:
        raise RunError(
            "another process still writes the evidence of this part",
            where=str(evidence_path(folder, part)),
            remedy="wait for it to end, or stop it, then run this command again",
            ja="この部分の証拠に別の処理がまだ書き込んでいます。終わるのを待ってから再実行してください",
        ) from None


def settle(path: Path) -> None:
    """Wait, a few seconds at most, until the keeper of whoever was killed has committed what it was given.

    A file that was killed before anything was laid out in it holds nothing, and is taken away.
    """
    until = time.monotonic() + _SETTLE_S
    while path.exists():
        is_empty = False
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=0.2)) as connection:
            # This takes the last entries out of the log, and is refused while anybody else has the file open.
            connection.execute("PRAGMA journal_mode=DELETE")
            is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if is_empty:
            path.unlink()
        if not path.with_name(f"{path.name}-wal").exists() or time.monotonic() > until:
            return
        time.sleep(0.05)


def settle_all(folder: Path) -> None:
    """Wait until nobody writes any evidence of this run any more: whoever was left over from a command that died."""
    for path in folder.glob("evidence*.sqlite"):
        _, _, part = path.stem.partition("-")
        if part.isdigit():
            with alone_in_part(folder, int(part)):
                pass
        else:
            settle(path)
    remove_locks(folder)


def remove_locks(folder: Path) -> None:
    """Take away the locks of the parts, when nobody is at work any more."""
    for path in folder.glob(f"{_LOCK}*"):
        path.unlink(missing_ok=True)


def past_of_part(folder: RunFolder, order: Order) -> Past:
    """What the observer of a part goes on from: the evidence of its own part, without what it need not remember."""
    archive, path = None, evidence_path(folder.path, order.brief.part)
    if path.exists():
        # Only this file: those of other parts may just be coming into being.
        archive = Archive(folder.path)
        archive.paths = [path]
    zones = {stored_zone(one) for one in order.brief.selected}

    def needed(row: Row) -> Row | None:
        if row.round != SURVEY_ROUND:
            return None
        is_denial = is_usable(row) and row.answer[6:8] == b"\0\0"
        if is_denial and row.type in (A, TXT) and zone_of(row.name, zones) is not None:
            # That a list said no is all that this pass need know of it, and nothing a later one need know.
            return row._replace(answer=row.answer[:12]) if row.pass_number == order.pass_number else None
        return row

    return past_of(archive, order.brief.part, order.void, needed)


class Gathering:
    """One sitting in which a crew does the passes of a register in parts that are not finished."""

    def __init__(
        self,
        folder: RunFolder,
        brief: Brief,
        parts: Sequence[frozenset[str]],
        crew: Crew,
        opt_out: Path,
        progress: Progress | None,
    ) -> None:
        self._folder, self._brief, self._parts, self._crew = folder, brief, parts, crew
        self._opt_out, self._opt_outs_at = opt_out, time.monotonic()
        self._progress = progress or (lambda done, expected, text: None)
        self.over_limit: set[str] = set()
        self.without_recursion: list[str] = []
        self._void: frozenset[str] = frozenset()
        self._shares: dict[int, float] = {}
        self._allowances: dict[int, tuple[date, dict[str, int]]] = {}

    def run(self, passes: Iterable[int]) -> None:
        """Do the passes that are not finished, one after the other."""
        archive = Archive(self._folder.path) if self._folder.has_evidence else None
        ended = finished_passes(archive.marks()) if archive else {}
        todo = [number for number in passes if number not in ended]
        if not todo:
            return
        self._void = void_lists(archive, self._brief.selected)
        give_back()
        settings = {"passes": todo, "parts": len(self._parts)}
        with Store(self._folder.path / "evidence.sqlite", TOOL, settings) as store:
            for number in todo:
                if number - 1 in ended:
                    largest_ttl = functools.partial(self._largest_ttl, number - 1)
                    wait_for_caches(self._brief, ended[number - 1], largest_ttl, self._progress)
                self._pass(number)
                if self.over_limit:
                    return
                store.mark("pass", number=number, codes=[])
                store.flush()
                ended[number] = time.time_ns() // 1000

    def _largest_ttl(self, number: int) -> int:
        marks = Archive(self._folder.path).marks()
        ended = (mark.detail for mark in marks if mark.kind == "part" and mark.detail["number"] == number)
        return max((int(str(detail["ttl"])) for detail in ended), default=0)

    def _pass(self, number: int) -> None:
        """One pass: every part that has not ended is given to somebody, and again when that one is lost."""
        ended = finished_parts(Archive(self._folder.path).marks(), number)
        open_ = deque(part for part in range(1, len(self._parts) + 1) if part not in ended)
        deaths: Counter[int] = Counter()
        far: dict[int, tuple[int, int]] = {}
        idle_since = time.monotonic()
        while open_ or self._shares:
            self._take_opt_outs()
            while open_ and (share := self._share(len(open_))) is not None:
                part = open_.popleft()
                self._begin(part, number, share, len(open_) + 1)
            if self._shares:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > _PATIENCE_S:
                raise RunError(
                    f"nobody has been there to observe for {_PATIENCE_S:.0f} s",
                    where=str(self._folder.path),
                    remedy="start workers, then run the same command again; it goes on where it stopped",
                    ja="観測するワーカーがいません。ワーカーを起動し、同じコマンドを再実行してください",
                )
            for news in self._crew.news(_NAP_S):
                if news.error is not None:
                    raise news.error
                if news.is_lost:
                    self._shares.pop(news.part)
                    self._allowances.pop(news.part)
                    deaths[news.part] += 1
                    self._refuse_many_deaths(news.part, deaths[news.part])
                    open_.append(news.part)
                elif news.report is not None:
                    self._end(news.part, news.report)
                    ended.add(news.part)
                else:
                    far[news.part] = (news.done, news.expected)
            done, expected = (sum(one[place] for one in far.values()) for place in (0, 1))
            at_work = f"{len(ended)} of {len(self._parts)} parts ended, {len(self._shares)} at work"
            self._progress(done, expected, f"pass {number}: {at_work}")

    def _share(self, waiting: int) -> float | None:
        """The share of the next part to begin; None when no place or not enough of the whole is free."""
        places = self._crew.places()
        if len(self._shares) >= places:
            return None
        share = 1 / min(places, waiting + len(self._shares))
        return share if sum(self._shares.values()) + share <= 1 + 1e-9 else None

    def _begin(self, part: int, number: int, share: float, waiting: int) -> None:
        allowance = self._allowance(waiting)
        brief = replace(self._brief.only(part, self._parts[part - 1]), share=share, allowance=allowance)
        self._shares[part], self._allowances[part] = share, (_today(), allowance)
        self._crew.begin(Order(brief, number, self._void))

    def _allowance(self, waiting: int) -> dict[str, int]:
        """One part's share of what daily limits leave, at least two health rounds and as much again; used from now."""
        given = {}
        least = {one.zone: 4 * reserved(one, len(self._brief.resolvers)) for one in self._brief.selected}
        for zone, left in left_today(self._brief.selected).items():
            given[zone] = min(left, max(left // waiting, least[zone]))
        usage.add(given)
        return given

    def _end(self, part: int, report: Report) -> None:
        self._shares.pop(part)
        day, given = self._allowances.pop(part)
        if day == _today():
            usage.add({zone: report.sent.get(zone, 0) - count for zone, count in given.items()})
        self.over_limit |= report.over_limit
        self._void |= report.void
        self.without_recursion = sorted({*self.without_recursion, *report.without_recursion})

    def _take_opt_outs(self) -> None:
        """Who opted out meanwhile goes into the run's own copy, from which observers read it at each health round."""
        if time.monotonic() - self._opt_outs_at > _OPT_OUTS_S:
            self._opt_outs_at = time.monotonic()
            opt_outs.take(self._opt_out, self._folder.opt_out_path)

    def _refuse_many_deaths(self, part: int, deaths: int) -> None:
        if deaths >= DEATHS_MOST:
            raise RunError(
                f"{deaths} observers of part {part} died one after the other",
                where=str(evidence_path(self._folder.path, part)),
                remedy="is there enough memory and disk? then run the same command again; it goes on where it stopped",
                ja="同じ部分を観測するプロセスが続けて落ちました。メモリとディスクを確かめ、再実行してください",
            )


def _today() -> date:
    return datetime.now(UTC).date()
