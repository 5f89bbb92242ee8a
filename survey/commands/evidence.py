"""`why`, `show` and `verify`: from a finding back to the raw answers, and whether those are as they were kept."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import DECIDE, DONE
from .options import Commands
from .screen import say


def add(commands: Commands) -> None:
    """Add `why`, `show` and `verify`."""
    one = commands.add_parser("why", help="the chain behind one body, in words")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("body", metavar="CODE_OR_NAME")
    one.add_argument("--language", choices=("ja", "en"), default="en")
    one.set_defaults(run_command=_why)

    one = commands.add_parser("show", help="one exchange as dig would show it")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("evidence_id", metavar="EVIDENCE_ID")
    one.set_defaults(run_command=_show)

    one = commands.add_parser("verify", help="is the evidence unaltered?")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--head", metavar="HASH")
    one.set_defaults(run_command=_verify)


def _why(options: argparse.Namespace) -> int:
    from ..publish.why import why  # noqa: PLC0415

    text = why(options.folder, options.body, options.language)
    say(options, {"body": options.body, "text": text}, [text])
    return DONE


def _show(options: argparse.Namespace) -> int:
    from ..evidence import Archive  # noqa: PLC0415
    from ..exchanges import Exchange  # noqa: PLC0415
    from ..showing import show  # noqa: PLC0415

    text = show(Exchange.of(Archive(options.folder).row(options.evidence_id)))
    say(options, {"evidence_id": options.evidence_id, "text": text}, [text])
    return DONE


def _verify(options: argparse.Namespace) -> int:
    from ..evidence import Archive  # noqa: PLC0415

    found = Archive(options.folder).verify(options.head)
    result = {
        "head": found.head,
        "exchanges": found.exchanges,
        "batches": found.batches,
        "is_unaltered": found.is_unaltered,
        "faults": list(found.faults),
    }
    word = "unaltered / 改変なし" if found.is_unaltered else "ALTERED / 改変あり"
    lines = [f"{word}: {found.exchanges} exchanges in {found.batches} batches", f"head {found.head}", *found.faults]
    say(options, result, lines)
    return DONE if found.is_unaltered else DECIDE
