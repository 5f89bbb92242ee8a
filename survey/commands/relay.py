"""`relay`: the relay dialogue, with permitted servers only."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from . import DECIDE, DONE
from .asking import asker, country_of, resolvers, served, world_of
from .options import Commands, asker_options, in_run, opt_out_option, resolver_option
from .screen import progress, say, warn


def add(commands: Commands) -> None:
    """Add `relay`."""
    one = commands.add_parser("relay", help="the relay dialogue, with permitted servers only")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--permission", required=True, type=Path, metavar="FILE")
    one.add_argument("--dry-run", action="store_true", help="print whom it would ask; ask DNS only")
    resolver_option(one)
    opt_out_option(one)
    asker_options(one)
    one.set_defaults(run_command=_relay, logged=in_run)


def _relay(options: argparse.Namespace) -> int:
    from .. import opt_outs  # noqa: PLC0415
    from ..publish import relay_words  # noqa: PLC0415
    from ..runs import RunFolder  # noqa: PLC0415
    from ..visits import visit  # noqa: PLC0415

    folder = RunFolder(options.folder)
    settings = folder.settings()
    world = world_of(settings)
    with ExitStack() as stack:
        if settings.get("world") == "practice":
            from ..practice.world import serve_mail  # noqa: PLC0415

            country = country_of(settings)
            asked = resolvers(options.resolver) if options.resolver else served(country, stack)
            if not options.dry_run:
                world, _ = stack.enter_context(serve_mail(country))
        else:
            asked = resolvers(options.resolver)
        found = visit(
            folder,
            options.permission,
            world,
            asked,
            asker=asker(options, settings.get("world") == "practice"),
            opt_out=options.opt_out or opt_outs.DATA,
            is_dry=options.dry_run,
            progress=stack.enter_context(progress("server")),
        )
    for refusal in found.plan.refusals:
        warn(relay_words.refusal_sentence(options.permission.name, refusal))
    if found.tables is None:
        lines = [relay_words.target_sentence(target) for target in found.plan.targets]
    else:
        lines = [*relay_words.relay_sentences(found.counts, "ja"), *relay_words.relay_sentences(found.counts, "en")]
        lines.append(f"→ {folder.path}")
    say(options, found.as_json(), lines)
    return DECIDE if found.plan.refusals else DONE
