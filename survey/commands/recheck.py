"""`recheck`: ask again as a new pass."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from . import DONE
from .asking import country_of, resolvers, served, world_of
from .options import Commands, in_run, opt_out_option, resolver_option
from .screen import headline_lines, progress, say


def add(commands: Commands) -> None:
    """Add `recheck`."""
    one = commands.add_parser("recheck", help="ask again as a new pass")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("codes", nargs="*", metavar="CODE")
    opt_out_option(one)
    resolver_option(one)
    one.add_argument("--rate", type=float, default=None, metavar="N")
    one.set_defaults(run_command=_recheck, logged=in_run)


def _recheck(options: argparse.Namespace) -> int:
    from .. import collect as hallway  # noqa: PLC0415
    from .. import opt_outs  # noqa: PLC0415
    from ..catalogue import load_selection, rekey  # noqa: PLC0415
    from ..runs import RunFolder  # noqa: PLC0415
    from ..sitting import Manner  # noqa: PLC0415

    folder = RunFolder(options.folder)
    settings = folder.settings()
    world = world_of(settings)
    selected = rekey(load_selection(folder.lists_path))
    manner = Manner(rate=options.rate)
    with ExitStack() as stack:
        if settings.get("world") == "practice" and not options.resolver:
            asked = served(country_of(settings), stack)
        else:
            asked = resolvers(options.resolver)
        if settings.get("world") == "live":
            manner = hallway.live_manner(manner)
        found = hallway.recheck(
            folder,
            world,
            selected,
            asked,
            options.codes,
            manner=manner,
            opt_out=options.opt_out or opt_outs.DATA,
            progress=stack.enter_context(progress()),
        )
    say(options, found.headline, headline_lines(found.headline, folder.path))
    return DONE
