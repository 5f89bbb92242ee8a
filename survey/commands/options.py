"""What several commands are told in the same words."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where a command adds its parser."""


def in_folder(options: argparse.Namespace) -> Path:
    """The log of a command that may begin a run lies in the folder that it was given."""
    return Path(options.folder)


def in_run(options: argparse.Namespace) -> Path | None:
    """The log of a command that works on a run lies in its folder; what is no run folder gets none."""
    folder = Path(options.folder)
    return folder if (folder / "run.toml").is_file() else None


def positive(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def season_option(command: argparse.ArgumentParser) -> None:
    """Which season of the practice country."""
    command.add_argument("--season", default=None, metavar="NAME", help="of the practice country: 2002, 2003, 2004, …")


def resolver_option(command: argparse.ArgumentParser) -> None:
    """Whom to ask, when it is not the system's resolver."""
    command.add_argument("--resolver", action="append", default=[], metavar="ADDR[:PORT]")


def opt_out_option(command: argparse.ArgumentParser) -> None:
    """Who is not to be asked about, when it is not the file in `data/`."""
    command.add_argument("--opt-out", type=Path, default=None, metavar="FILE")


def asker_options(command: argparse.ArgumentParser) -> None:
    """Who asks in a relay dialogue."""
    command.add_argument("--mailbox", default="", metavar="ADDRESS", help="our mailbox, where the file names none")
    command.add_argument("--hello", default="", metavar="HOST", help="our name in EHLO, where the file names none")
    command.add_argument("--page", default="", metavar="URL", help="our page that explains, where the file names none")
