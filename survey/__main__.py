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
from .errors import DecisionNeeded, SurveyError

COMMANDS = (collect, register, tables, reread, recheck, waves, relay, publish, enquire, doctor, evidence, practice)
"""In the order of `--help`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a person must decide, 2 could not."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run_command(options))
    except DecisionNeeded as error:
        print(f"survey: {error}", file=sys.stderr)
        return DECIDE
    except SurveyError as error:
        print(f"survey: {error}", file=sys.stderr)
        return COULD_NOT
    except KeyboardInterrupt:
        said = "stopped; what was heard is kept, the same command goes on"
        print(f"survey: {said} / 中断しました。同じコマンドで続きから始まります", file=sys.stderr)
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
    sys.exit(main())
