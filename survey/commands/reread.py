"""`reread`: an old run read by today's rules, and which of its findings these alone change."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import RunError
from . import DONE
from .asking import world_of
from .options import Commands
from .screen import headline_lines, say
from .waves import check_outside


def add(commands: Commands) -> None:
    """Add `reread`."""
    one = commands.add_parser("reread", help="what today's rules alone change in an old run")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--out", required=True, type=Path, metavar="DIR2")
    one.add_argument("--language", choices=("ja", "en"), default="ja")
    one.set_defaults(run_command=_reread)


def _reread(options: argparse.Namespace) -> int:
    from ..catalogue import load_catalogue  # noqa: PLC0415
    from ..operators import load_directory  # noqa: PLC0415
    from ..publish.wave_report import check_empty, write_reread  # noqa: PLC0415
    from ..publish.wave_telling import change_lines, rule_sentence  # noqa: PLC0415
    from ..reread import reread  # noqa: PLC0415
    from ..runs import RunFolder  # noqa: PLC0415

    check_outside(options.out, [options.folder])
    check_empty(options.out)
    folder = RunFolder(options.folder)
    if not folder.has_evidence:
        raise RunError(
            "there is no evidence in this folder to read again",
            where=str(options.folder),
            remedy="restore evidence*.sqlite from a copy of the run folder",
            ja="読み直す証拠がありません。実行フォルダーの控えから evidence*.sqlite を復元してください",
        )
    found = reread(folder, world_of(folder.settings()), load_catalogue().lists, options.out, load_directory())
    write_reread(found, options.out, options.language)
    n = int(found.changes["cause"].eq("rules").sum())
    lines = [*rule_sentence(n, "ja"), *rule_sentence(n, "en"), *change_lines(found.changes)]
    result = {
        "headline": dict(found.tables.headline),
        "changed_by_rules": n,
        "changed_by_reading": len(found.changes) - n,
        "changes": [
            {"code": code, "cause": cause, "status_then": then, "status_now": now}
            for code, cause, then, now in zip(
                *(found.changes[name] for name in ("code", "cause", "status_then", "status_now")), strict=True
            )
        ],
    }
    say(options, result, [*lines, *headline_lines(found.tables.headline, options.out)])
    return DONE
