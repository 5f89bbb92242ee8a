"""`practice`: serve the practice country until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from . import DONE
from .options import Commands, season_option
from .screen import say


def add(commands: Commands) -> None:
    """Add `practice`."""
    one = commands.add_parser("practice", help="serve the practice country until Ctrl-C")
    one.add_argument("--seed", type=int, default=81, metavar="N")
    season_option(one)
    one.add_argument("--truth", type=Path, metavar="FILE")
    one.add_argument("--register", type=Path, metavar="FILE")
    one.set_defaults(run_command=_practice)


def _practice(options: argparse.Namespace) -> int:
    from ..practice.seasons import season  # noqa: PLC0415
    from ..practice.world import serve  # noqa: PLC0415

    country = season(options.season, options.seed)
    if options.truth:
        country.write_truth(options.truth)
    if options.register:
        country.write_register(options.register)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with serve(country) as served:
        address = f"{served.resolver[0]}:{served.resolver[1]}"
        what = f"practice country {country.seed} in season {country.season}"
        line = f"serving {what} on {address} (Ctrl-C ends it) / 練習国を提供中"
        say(options, {"resolver": address, "seed": country.seed, "season": country.season}, [line])
        sys.stdout.flush()
        try:
            while True:
                signal.pause() if hasattr(signal, "pause") else time.sleep(3600)
        except KeyboardInterrupt:
            return DONE
