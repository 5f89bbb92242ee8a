"""`doctor`: can this machine survey, and how long will it take?"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from . import DECIDE, DONE
from .asking import asker, resolvers, served
from .options import Commands, asker_options, positive, resolver_option
from .screen import say


def add(commands: Commands) -> None:
    """Add `doctor`."""
    one = commands.add_parser("doctor", help="can this machine survey, and how long will it take?")
    one.add_argument("register", nargs="?", type=Path, metavar="REGISTER.xlsx")
    one.add_argument("--lists", default=None, metavar="SELECTION|FILE")
    resolver_option(one)
    one.add_argument("--passes", type=positive, default=2, metavar="N")
    one.add_argument("--rate", type=float, default=None, metavar="N")
    one.add_argument("--practice", action="store_true")
    one.add_argument("--seed", type=int, default=81, metavar="N")
    one.add_argument("--permission", type=Path, metavar="FILE")
    asker_options(one)
    one.set_defaults(run_command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from .. import collect as hallway  # noqa: PLC0415
    from ..catalogue import load_catalogue, select  # noqa: PLC0415
    from ..doctor import examine, permission_checks  # noqa: PLC0415
    from ..register import load_register  # noqa: PLC0415
    from ..sitting import Manner  # noqa: PLC0415
    from ..worlds import LIVE  # noqa: PLC0415

    selected = select(options.lists or ("practice" if options.practice else "default"), load_catalogue())
    manner = Manner(passes=options.passes, rate=options.rate)
    with ExitStack() as stack:
        world = LIVE
        if options.practice:
            from ..practice.country import Country  # noqa: PLC0415
            from ..practice.world import PRACTICE  # noqa: PLC0415

            world = PRACTICE
            asked = resolvers(options.resolver) if options.resolver else served(Country.make(options.seed), stack)
        else:
            asked = resolvers(options.resolver)
            manner = hallway.live_manner(manner)
        register = load_register(options.register) if options.register else None
        checks = examine(selected, world, asked, manner, register)
    if options.permission:
        today = datetime.now().astimezone().date()
        checks += permission_checks(options.permission, asker(options, options.practice), today)
    shown = ("name", "is_good", "said", "remedy")
    result = {"checks": [{name: getattr(check, name) for name in shown} for check in checks]}
    say(options, result, [check.line() for check in checks])
    return DONE if all(check.is_good for check in checks) else DECIDE
