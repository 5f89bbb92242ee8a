"""`waves`: what became of bodies and servers from one run to the next, unless the gate refuses to report it."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..errors import DecisionNeeded, RunError
from . import DONE
from .asking import world_of
from .options import Commands
from .screen import say, warn

if TYPE_CHECKING:
    from ..comparison import Comparison


def add(commands: Commands) -> None:
    """Add `waves`."""
    one = commands.add_parser(
        "waves",
        help="what is new, persisting, cleared or not comparable between runs",
        epilog="Exit 1: the gate refuses, because an ill network, resolver or list explains the jump; gate.json in the "
        "--out folder says why, and what to do. There is no way past it but a recheck of the ill wave, leaving that "
        "wave out, or setting a doubtful list aside.",
    )
    one.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="run folders, the oldest first")
    one.add_argument("--out", required=True, type=Path, metavar="DIR")
    one.add_argument("--successors", type=Path, default=None, metavar="FILE")
    one.add_argument("--without-list", action="append", default=[], metavar="ZONE")
    one.add_argument("--language", choices=("ja", "en"), default="ja")
    one.set_defaults(run_command=_waves)


def _waves(options: argparse.Namespace) -> int:
    from ..publish.labels import LANGUAGES  # noqa: PLC0415
    from ..publish.wave_report import check_place, write_comparison  # noqa: PLC0415
    from ..publish.wave_telling import lines as told  # noqa: PLC0415
    from ..reread import compare_runs  # noqa: PLC0415

    check_outside(options.out, options.folders)
    check_place(options.out)
    with TemporaryDirectory() as aside:
        about = {"successors": options.successors, "set_aside": options.without_list}
        found, changes = compare_runs(options.folders, world_of, Path(aside), **about)
        result = write_comparison(found, changes, options.out, options.language)
    if not found.is_open:
        if options.json:
            say(options, result, [])
        raise _refused(found, options.out)
    changed_n = int(changes["cause"].eq("rules").sum())
    said = [line for language in LANGUAGES for line in told(found, changed_n, language)]
    say(options, result, [*said, f"→ {options.out}"])
    return DONE


def check_outside(out: Path, folders: list[Path]) -> None:
    """Whether a folder lies outside these runs, into which nothing may be written. Raises RunError."""
    inside = next((one for one in folders if out.resolve().is_relative_to(one.resolve())), None)
    if inside is not None:
        raise RunError(
            "nothing is written into a run",
            where=f"--out {out}",
            remedy=f"name a folder outside {inside}",
            ja="実行フォルダーの中には書き込みません。外のフォルダーを指定してください",
        )


def _refused(found: Comparison, out: Path) -> DecisionNeeded:
    """What the gate says, on the screen: every condition with what to do; and the first of them as the error."""
    from ..publish.wave_gate_words import remedy, seen  # noqa: PLC0415

    conditions = [condition for one in found.examined for condition in one.conditions]
    first, *rest = conditions
    for one in rest:
        warn(f"{seen(one, 'en')} / {seen(one, 'ja')}")
    return DecisionNeeded(
        f"the gate refuses to report these waves: {seen(first, 'en')}",
        where=str(out / "gate.json"),
        remedy=remedy(first, "en"),
        ja=f"この比較は報告できません: {seen(first, 'ja')}。{remedy(first, 'ja')}",
    )
