"""An old run read again: its evidence by its own rules and by others, and which findings the rules alone change.

The same evidence is read twice, so nothing of the world is in the difference:

* `reading`  the tables as they stand beside it say something else than its own rules make of it today: the programme
  reads otherwise than it did, or people decided something since (a review, an opt-out);
* `rules`    other meanings of the lists' codes make something else of it.

Nothing is written into the run's folder.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from . import opt_outs
from .answers import word
from .catalogue import Blocklist, load_selection
from .comparison import Comparison, compare_waves
from .errors import RunError
from .evidence import Archive
from .exchanges import FIRST_RECHECK, MX, is_usable
from .frames import frame, rows_of
from .harmless import harmless
from .operators import Directory, load_directory
from .reading import read_tables
from .rules import fingerprints, read_by
from .runs import RunFolder, Tables, load_tables
from .successors import DATA, FILE, load_successors
from .tables import Dns
from .worlds import World
from .yardstick import Wave

CONFIRMED_LATER_S = 12 * 3600
"""How long after the first answer a recheck must say again that a domain has no mail exchanger, to be believed."""


@dataclass(frozen=True, slots=True)
class Reread:
    """A run read again: as a wave by the rules asked for, all its tables, and the table `rule_changes`."""

    wave: Wave
    tables: Tables
    changes: pd.DataFrame


def reread(
    folder: RunFolder,
    world: World,
    rules: Mapping[str, Blocklist],
    aside: Path,
    directory: Directory | None = None,
    *,
    name: str = "",
) -> Reread:
    """Read a run's evidence by other rules, and say what they alone change. Raises RunError.

    The tables are written under `aside`, once by the run's own rules and, where these differ, by the others. A folder
    that holds tables and no evidence is taken as it stands; its lists then keep their own rules.
    """
    name = name or folder.path.resolve().name
    settings = folder.settings()
    kept = opt_outs.load(folder.opt_out_path) if folder.opt_out_path.exists() else opt_outs.OptOuts()
    if not folder.has_evidence:
        found = load_tables(folder.path)
        own = _own_rules(folder)
        wave = Wave(name, found.frames, found.headline, settings, own, own, kept)
        return Reread(wave, found, frame("rule_changes"))
    own_lists = load_selection(folder.lists_path)
    lists = read_by(own_lists, rules)
    is_other = fingerprints(lists) != fingerprints(own_lists) or directory is not None
    then = read_tables(folder, world, into=aside / "then" if is_other else aside)
    now = read_tables(folder, world, rules=lists, directory=directory, into=aside) if is_other else then
    rows = list(changed(name, then, now, "rules", _differing(own_lists, lists)))
    if (standing := _standing(folder)) is not None:
        rows += changed(name, standing, then, "reading", ())
    shutil.rmtree(aside / "then", ignore_errors=True)
    again = _absent_again(Archive(folder.path), CONFIRMED_LATER_S if world.pass_gap_s else 0)
    rules_read, rules_own = fingerprints(lists), fingerprints(own_lists)
    wave = Wave(name, now.frames, now.headline, settings, rules_read, rules_own, kept, again, is_other)
    return Reread(wave, now, frame("rule_changes", sorted(rows, key=lambda row: (str(row[1]), str(row[4])))))


def _own_rules(folder: RunFolder) -> dict[str, str]:
    if not folder.lists_path.is_dir():
        raise RunError(
            "this folder holds neither evidence nor the rules of its lists",
            where=str(folder.path),
            remedy="restore lists/ and evidence.sqlite from a copy of the run folder",
            ja="証拠もリストの規則もないフォルダーです。実行フォルダーの控えから復元してください",
        )
    return fingerprints(load_selection(folder.lists_path))


def _standing(folder: RunFolder) -> Tables | None:
    """The tables as they stand in a run folder; None where they were never written, or in another form."""
    try:
        return load_tables(folder.path)
    except (RunError, KeyError, ValueError):
        return None


def _differing(own: Sequence[Blocklist], lists: Sequence[Blocklist]) -> list[str]:
    one, other = fingerprints(own), fingerprints(lists)
    return sorted(zone for zone in one if one[zone] != other[zone])


_SAID = ("status", "own_or_shared", "lists", "categories")


def changed(name: str, then: Tables, now: Tables, cause: str, zones: Collection[str]) -> Iterator[tuple[object, ...]]:
    """Rows of `rule_changes`: bodies whose status, lists or categories two readings of one run say differently."""
    of = {code: said for code, *said in rows_of(then["findings"], "code", *_SAID)}
    bodies = {code: named for code, *named in rows_of(now["bodies"], "code", "prefecture", "name")}
    spoke = _spoke(now, zones)
    for code, servers, *said in rows_of(now["findings"], "code", "servers", *_SAID):
        before = of.get(code)
        if before is None or list(map(_plain, before)) == list(map(_plain, said)):
            continue
        heard = sorted({zone for host in servers for zone in spoke.get(host, ())})
        pairs = [value for both in zip(before, said, strict=True) for value in both]
        yield (name, code, *bodies[code], cause, *pairs, heard)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, list | tuple) else str(value)


def _spoke(tables: Tables, zones: Collection[str]) -> dict[str, set[str]]:
    """Per host those of these lists that answered with a code about an address of it."""
    by_address: dict[str, set[str]] = defaultdict(set)
    for said in tables.frames.parts("listings", "address", "zone", "codes"):
        told = said.loc[said["zone"].isin(list(zones)) & said["codes"].map(len).astype(bool)]
        for address, zone in rows_of(told, "address", "zone"):
            by_address[address].add(zone)
    found: dict[str, set[str]] = defaultdict(set)
    for host, address in rows_of(tables["addresses"], "host", "address"):
        found[host] |= by_address.get(address, set())
    return found


def _absent_again(archive: Archive, later_s: int) -> frozenset[str]:
    """Domains of which a recheck was the last to answer, so much after the first question, and said: no exchanger."""
    first: dict[str, int] = {}
    last: dict[str, tuple[int, int, bool]] = {}
    for row in archive.rows(f"type = {MX} AND round = 0"):
        first[row.name] = min(row.asked_us, first.get(row.name, row.asked_us))
        if is_usable(row):
            said = (row.asked_us, row.pass_number, word(row, row.name, MX) is Dns.ABSENT)
            last[row.name] = max(said, last.get(row.name, said))
    return frozenset(
        name
        for name, (when, number, is_absent) in last.items()
        if is_absent and number >= FIRST_RECHECK and when - first[name] >= later_s * 1_000_000
    )


def compare_runs(
    paths: Sequence[Path],
    world_of: Callable[[Mapping[str, object]], World],
    aside: Path,
    *,
    successors: Path | None = None,
    set_aside: Collection[str] = (),
) -> tuple[Comparison, pd.DataFrame]:
    """Hold runs, the oldest first, against each other; and the table `rule_changes` of all of them.

    Their tables are read from evidence into the folder `aside`, which must stay as long as the comparison is used.

    Each list is read by the rules of the latest run that selected it, and operators are called as the last run knew
    them. Who follows whom stands in `successors`, else in the last run's own successors.csv, else in `data/`.
    `set_aside` are lists that a person does not trust. Raises RunError for runs that cannot be held against each other.
    """
    folders = [RunFolder(path) for path in paths]
    worlds = [world_of(folder.settings()) for folder in folders]
    if len(folders) < 2 or len({world.name for world in worlds}) > 1:
        raise RunError(
            "there are not two runs of one world to compare",
            where=", ".join(map(str, paths)),
            remedy="name two run folders or more, all of the real world or all of practice",
            ja="比べるには、同じ調査環境（実際か練習か）の実行フォルダーを2つ以上指定してください",
        )
    rules = rules_of(folders)
    unknown = sorted(set(set_aside) - set(rules))
    if unknown:
        raise RunError(
            f"no run asked the list {harmless(unknown[0], 80)}",
            where="--without-list",
            remedy="write the zone as the table lists has it",
            ja="そのリストはどの調査でも照会していません",
        )
    again = [
        reread(folder, world, rules, aside / str(number), name=harmless(name, 80))
        for number, (folder, world, name) in enumerate(zip(folders, worlds, names_of(paths), strict=True))
    ]
    waves = [one.wave for one in again]
    _check_order(waves)
    own = folders[-1].path / FILE
    rows = load_successors(successors or (own if own.is_file() else DATA))
    path = folders[-1].operators_path
    found = compare_waves(waves, rows, load_directory(path) if path.is_file() else load_directory(), set_aside)
    return found, pd.concat([one.changes for one in again], ignore_index=True)


def _check_order(waves: Sequence[Wave]) -> None:
    began = [str(wave.headline["started_at"]) for wave in waves]
    if began != sorted(began):
        raise RunError(
            f"{waves[began.index(max(began))].name} is younger than a wave named after it",
            where="waves",
            remedy="name the run folders from the oldest to the latest",
            ja="実行フォルダーは古い順に指定してください",
        )


def rules_of(folders: Sequence[RunFolder]) -> dict[str, Blocklist]:
    """By which rules several runs are read: per list those of the latest run that selected it."""
    return {
        one.zone: one for folder in folders if folder.lists_path.is_dir() for one in load_selection(folder.lists_path)
    }


def names_of(folders: Sequence[Path]) -> list[str]:
    """What waves are called: the names of their folders, with as many folders above them as tell them apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-depth:]) for one in parts]
        if len(set(names)) == len(set(parts)):
            return names
    return [folder.as_posix() for folder in folders]
