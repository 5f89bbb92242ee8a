"""The command line: `python -m survey …`. Each command is a module in `commands`, and one sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .commands import (
    COULD_NOT,
    DECIDE,
    collect,
    doctor,
    enquire,
    evidence,
    practice,
    publish,
    recheck,
    register,
    relay,
    reread,
    tables,
    waves,
)
from .commands.failing import unexpected, unusable
from .commands.journal import kept
from .commands.screen import fail
from .commands.unattended import prepare, take_interrupt
from .errors import DecisionNeeded, SurveyError

COMMANDS = (collect, register, tables, reread, recheck, waves, relay, publish, enquire, doctor, evidence, practice)
"""In the order of `--help`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a person must decide, 2 could not."""
    words = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(words)
    folder = options.logged(options) if "logged" in options else None
    with kept(folder, words) as ended:
        return ended(_run(options))


def _run(options: argparse.Namespace) -> int:
    try:
        return int(options.run_command(options))
    except DecisionNeeded as error:
        fail(error, "decide")
        return DECIDE
    except SurveyError as error:
        fail(error)
    except KeyboardInterrupt:
        take_interrupt()
        said = "stopped; what was heard is kept, the same command goes on"
        fail(f"{said} / 中断しました。同じコマンドで続きから始まります")
    except OSError as error:
        unusable(error)
    except Exception as error:  # a scheduler must not take a fault of ours for "a person must decide"
        unexpected(error)
    return COULD_NOT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m survey", description="Survey mail servers of local governments.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser


if __name__ == "__main__":
    prepare()
    sys.exit(main())
