"""`tables`: read all tables of a run again, offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from . import DONE
from .asking import world_of
from .options import Commands, in_run
from .screen import headline_lines, say


def add(commands: Commands) -> None:
    """Add `tables`."""
    one = commands.add_parser("tables", help="read all tables of a run again, offline")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--out", type=Path, metavar="DIR2")
    one.set_defaults(run_command=_tables, logged=lambda given: None if given.out else in_run(given))


def _tables(options: argparse.Namespace) -> int:
    from .. import published  # noqa: PLC0415
    from ..reading import read_tables  # noqa: PLC0415
    from ..runs import RunFolder, is_written, undisturbed  # noqa: PLC0415

    folder = RunFolder(options.folder)
    world = world_of(folder.settings())
    out = options.out or folder.path
    # Elsewhere, the tables of a run that is still observed may be written: they are those of what is committed.
    with undisturbed(out):
        if used := published.users(out):
            with TemporaryDirectory() as aside:
                found = read_tables(folder, world, into=Path(aside))
                if not is_written(found, out):
                    published.refuse_other(out, used)
        else:
            found = read_tables(folder, world, into=out)
    say(options, found.headline, headline_lines(found.headline, out))
    return DONE
