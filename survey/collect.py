"""The hallway: observe a register, or go on with a run that was cut off; then read the tables.

What is asked stands in `passes`, what one process knows meanwhile in `sitting`, how passes follow one another in
`observing`. Here a run folder is begun, or refused, and finished.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from . import opt_outs, review
from .alongside import Reader
from .calm import uninterrupted
from .catalogue import Blocklist
from .errors import DecisionNeeded, RunError
from .evidence import Archive
from .exchanges import FIRST_RECHECK
from .frames import texts_of
from .gathering import Crew, Gathering, settle_all
from .observing import Observer, past_of, settings_of, void_lists
from .parts import how_many, split
from .places import readable
from .processes import Processes
from .reading import read_tables
from .register import Register, load_register
from .resolvers import check_resolvers
from .runs import TOOL, RunFolder, Tables, alone, finished_passes, now, versions
from .sitting import LIVE_LIST_RATE, LIVE_RESOLVER_RATE, Brief, Manner, Progress, brief_of, stored_zone
from .store import Store
from .worlds import World

_NOTED = (
    ("seed", "another practice country (seed)", "別の練習国（シード）"),
    ("season", "another season of the practice country", "練習国の別の時期"),
)
"""Notes in run.toml that a run is about, as much as about its register."""
_UNSAID = {"seed": 81, "season": "2002"}
"""What they are in a run.toml that does not say."""


class _Seen(NamedTuple):
    """What a person should hear of, beside the tables: lists whose daily limit is used up, resolvers without RA."""

    over_limit: Collection[str]
    without_recursion: Collection[str]
    register: Register | None = None
    """The register, where it is at hand."""
    tables: Tables | None = None
    """The tables, where they were read already."""


def live_manner(manner: Manner) -> Manner:
    """The same manner with the ceilings that the internet wants."""
    rate = LIVE_LIST_RATE if manner.rate is None else manner.rate
    return replace(manner, rate=rate, resolver_rate=manner.resolver_rate or LIVE_RESOLVER_RATE)


def check_terms(selected: Sequence[Blocklist]) -> None:
    """Refuse lists whose terms nobody has accepted: that is for a person to do, and to sign."""
    open_ = [one.zone for one in selected if not (one.terms_accepted_by and one.terms_accepted_at)]
    if open_:
        raise DecisionNeeded(
            f"nobody has accepted the terms of {', '.join(open_)}",
            where="data/selections.csv, columns terms_accepted_by and terms_accepted_at",
            remedy="read the terms in data/lists.csv and on the operators' pages; then write who accepted, and when",
            ja="リストの利用条件に同意した人と日付がありません。条件を読み、data/selections.csv に記入してください",
        )


def crew_of(processes: int | None = None, dask: str | None = None) -> Callable[[RunFolder], Crew] | None:
    """Who observes a register in parts: that many processes, or the workers of a Dask cluster; None: nobody need."""
    if dask is not None:
        from .dasking import DaskCrew  # noqa: PLC0415 - Dask is an extra: requirements-dask.txt

        return lambda folder: DaskCrew(folder, dask)
    return (lambda folder: Processes(folder, processes)) if processes is not None and processes > 1 else None


def fingerprint(selected: Sequence[Blocklist]) -> str:
    """A hash of which lists were selected."""
    return hashlib.sha256("\n".join(sorted(one.zone for one in selected)).encode()).hexdigest()


def collect(
    register_path: Path,
    folder: RunFolder,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    *,
    manner: Manner | None = None,
    opt_out: Path = opt_outs.DATA,
    earlier_review: Path | None = None,
    notes: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    crew: Callable[[RunFolder], Crew] | None = None,
) -> Tables:
    """Observe a register, or go on with a run that was cut off; then read the tables and write them.

    With a `crew`, or when the register is large, a new run is observed in parts. A run that was begun in parts goes on
    in parts, whoever observes them, and one that was begun as a whole goes on so.

    `earlier_review` is taken into a folder that has no review yet: what people decided in an earlier run is obeyed.

    Raises RunError when the folder belongs to another register or selection, or another process is at work in it;
    ResolverError when the resolver is not honest; DecisionNeeded when a list's daily limit stopped the run.
    """
    manner = manner or Manner()
    if world.name == "live":
        check_resolvers(resolvers)
        check_terms(selected)
    folder.path.mkdir(parents=True, exist_ok=True)
    with alone(folder.path):
        settle_all(folder.path)
        seen = _observe_all(
            register_path, folder, selected, world, resolvers, manner, opt_out, earlier_review, notes, progress, crew
        )
        return _finish(folder, world, seen)


def _observe_all(
    register_path: Path,
    folder: RunFolder,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    manner: Manner,
    opt_out: Path,
    earlier_review: Path | None,
    notes: Mapping[str, object] | None,
    progress: Progress | None,
    crew: Callable[[RunFolder], Crew] | None,
) -> _Seen:
    """Begin a run or go on with it: do the passes over the whole register that are not finished."""
    with ExitStack() as stack:
        hands = crew(folder) if crew is not None else None
        if hands is not None:
            stack.callback(hands.stop)
        register = _begin(register_path, folder, selected, world, resolvers, manner, opt_out, notes, hands)
        if earlier_review is not None:
            _take_review(earlier_review, folder)
        kept, passes = opt_outs.take(opt_out, folder.opt_out_path), range(1, manner.passes + 1)
        brief = brief_of(folder, register, selected, world, resolvers, manner, kept)
        number = folder.settings().get("parts")
        if not isinstance(number, int):
            with Reader(folder, world, register) as reader:
                seen = _observe(folder, brief, opt_out, passes, progress, reader.committed)
                return seen._replace(register=register, tables=reader.tables())
        parts = split(register, number)
        # A large register is read anew rather than held in memory while others work.
        del register
        if hands is None:
            hands = Processes(folder, 1)
            stack.callback(hands.stop)
        gathering = Gathering(folder, brief, parts, hands, opt_out, progress)
        gathering.run(passes)
    return _Seen(gathering.over_limit, gathering.without_recursion)


def recheck(
    folder: RunFolder,
    world: World,
    selected: Sequence[Blocklist],
    resolvers: Sequence[tuple[str, int]],
    codes: Sequence[str] = (),
    *,
    manner: Manner | None = None,
    opt_out: Path = opt_outs.DATA,
    progress: Progress | None = None,
) -> Tables:
    """Ask again as one new pass, about the bodies named or about all; then read and write the tables.

    A recheck is numbered apart from the passes over the whole register and is never gone on with: what was cut off
    yesterday says nothing of today.
    """
    if world.name == "live":
        check_resolvers(resolvers)
        check_terms(selected)
    with alone(folder.path):
        _check_keys(folder, selected)
        register = load_register(folder.register_path)
        unknown = sorted(set(codes) - set(register.bodies["code"]))
        if unknown:
            raise RunError(
                f"no body has the code {', '.join(unknown[:5])}",
                where=str(folder.path),
                remedy="take the code from the findings sheet",
                ja="その団体コードは台帳にありません",
            )
        begun = [int(str(m.detail["number"])) for m in Archive(folder.path).marks() if m.kind == "recheck_begun"]
        number = max([FIRST_RECHECK, *begun]) + 1
        kept = opt_outs.take(opt_out, folder.opt_out_path)
        brief = brief_of(folder, register, selected, world, resolvers, manner or Manner(), kept, codes)
        seen = _observe(folder, brief, opt_out, [number], progress)
        return _finish(folder, world, seen._replace(register=register))


@uninterrupted()
def _observe(
    folder: RunFolder,
    brief: Brief,
    opt_out: Path,
    passes: Iterable[int],
    progress: Progress | None,
    committed: Callable[[], None] = lambda: None,
) -> _Seen:
    """Do the passes that are not finished, in one process; `committed` hears when all is kept, before tidying up."""
    archive = Archive(folder.path) if folder.has_evidence else None
    ended = finished_passes(archive.marks()) if archive else {}
    todo = [number for number in passes if number not in ended]
    if not todo:
        return _Seen(frozenset(), ())
    opt_outs_now = functools.partial(opt_outs.take, opt_out, folder.opt_out_path)
    observer = Observer(brief, past_of(archive, 0, void_lists(archive, brief.selected)), opt_outs_now, progress)
    store = Store(folder.path / "evidence.sqlite", TOOL, settings_of(brief, todo))
    # The resolvers are met while the keeper begins.
    store.start()
    with store:
        observer.run(todo, ended, store)
    committed()
    return _Seen(observer.over_limit, observer.without_recursion)


def _begin(
    register_path: Path,
    folder: RunFolder,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    manner: Manner,
    opt_out: Path,
    notes: Mapping[str, object] | None,
    crew: Crew | None,
) -> Register:
    """Make a new run folder, or see that an old one is about the same register and lists."""
    sha256 = hashlib.sha256(register_path.read_bytes()).hexdigest()
    if folder.settings_path.exists():
        settings = folder.settings()
        for key, mine, en, ja in (
            *((key, notes[key], en, ja) for key, en, ja in _NOTED if notes and key in notes),
            ("register_sha256", sha256, "another register", "別の台帳"),
            ("selection_sha256", fingerprint(selected), "another selection of lists", "別のリスト選択"),
            ("world", world.name, "another world", "別の調査環境"),
        ):
            if settings.get(key, _UNSAID.get(key)) != mine:
                raise RunError(
                    f"this folder holds a run of {en}",
                    where=str(folder.settings_path),
                    remedy="name a new folder with --run, or what this run began with: its register, lists, season",
                    ja=f"このフォルダーには{ja}による調査が入っています。--run で新しいフォルダーを指定してください",
                )
        _check_keys(folder, selected)
        return load_register(folder.register_path)
    register = load_register(register_path)
    parts = how_many(register, crew.places() if crew is not None else 1)
    settings = {
        "tool": TOOL,
        "register": readable(register_path.name),
        "register_sha256": sha256,
        "selection_sha256": fingerprint(selected),
        "lists": sorted(one.zone for one in selected),
        "world": world.name,
        "timeout_s": world.timeout_s,
        "tries": world.tries,
        "pause_s": world.pause_s,
        "resolvers": [f"{address}:{port}" for address, port in resolvers],
        "started_at": now(),
        "manner": {key: value for key, value in asdict(manner).items() if value is not None},
        "stored_zones": {one.zone: stored_zone(one) for one in selected},
        "versions": versions(),
        **({"parts": parts} if crew is not None or parts > 1 else {}),
        **(notes or {}),
    }
    folder.begin(register_path, selected, opt_out, settings)
    return register


def _check_keys(folder: RunFolder, selected: Sequence[Blocklist]) -> None:
    """A key of another length would leave what was kept under the old cover unread."""
    if folder.settings().get("stored_zones") != {one.zone: stored_zone(one) for one in selected}:
        raise RunError(
            "a list's key has another length than the one that this run began with",
            where=str(folder.settings_path),
            remedy="use the key that the run began with, or begin a new run",
            ja="リストのキーの長さが調査開始時と異なります。開始時のキーを使うか、新しい調査を始めてください",
        )


def _finish(folder: RunFolder, world: World, seen: _Seen) -> Tables:
    found = seen.tables or read_tables(folder, world, register=seen.register, into=folder.path)
    bodies = found.frames.take("bodies", "code", "prefecture", "name")
    decided = review.read_review(folder.review_path, set(texts_of(bodies["code"])))
    open_ = review.pending(bodies, found.frames.take("domains"), found["candidates"])
    review.write_review(folder.review_path, open_, decided)
    settings = folder.settings()
    if found.headline["finished_at"]:
        settings["finished_at"] = found.headline["finished_at"]
    settings["evidence_head"] = found.headline["evidence_head"]
    if seen.without_recursion:
        settings["resolvers_without_recursion"] = list(seen.without_recursion)
    folder.write_settings(settings)
    if seen.over_limit:
        raise DecisionNeeded(
            f"the daily limit of {', '.join(sorted(seen.over_limit))} is used up; the run is not finished",
            where=str(folder.path),
            remedy="run the same command again tomorrow (UTC); what is in evidence is not asked again",
            ja="リストの1日の照会上限に達しました。明日（UTC）同じコマンドを再実行すると続きから始まります",
        )
    return found


def _take_review(earlier: Path, folder: RunFolder) -> None:
    """Copy an earlier review into a run, once; a review that stands there already is never written over by it."""
    target = folder.review_path
    if not earlier.is_file():
        raise RunError(
            "there is no such review", where=str(earlier), remedy="check the path", ja="確認表のファイルがありません"
        )
    if not target.exists():
        shutil.copyfile(earlier, target)
    elif target.read_bytes() != earlier.read_bytes() and not review.has_rows_of(target, earlier):
        raise RunError(
            "this run has a review of its own, and the one named says something else",
            where=str(target),
            remedy="copy the decisions into the run's own review.xlsx",
            ja="このフォルダーには別の確認表があります。判断をそちらへ書き写してください",
        )
