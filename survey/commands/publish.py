"""`report` and `publish`: what people look at, for the newsroom and for one audience at a time."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import DECIDE, DONE
from .options import Commands, in_run
from .screen import both, say, warn

if TYPE_CHECKING:
    from ..publish.proposals import Proposal


def add(commands: Commands) -> None:
    """Add `report` and `publish`."""
    one = commands.add_parser("report", help="write workbook, figures and executed notebooks into a run folder")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--no-notebooks", action="store_true")
    one.set_defaults(run_command=_report, logged=in_run)

    one = commands.add_parser(
        "publish",
        help="what one audience gets, as far as people decided",
        epilog="A language of this audience that stands there already is made anew from the same decisions. "
        "--audience internal writes decisions.xlsx for people to fill in; when findings have changed since, it writes "
        "decisions-proposed-….xlsx beside it: rows to sign again, and what changed, before and after.",
    )
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--audience", choices=("internal", "ministry", "public"), required=True)
    one.add_argument("--language", choices=("ja", "en"), default="ja")
    one.add_argument("--max-age", type=float, default=72.0, metavar="H")
    one.set_defaults(run_command=_publish, logged=in_run)


def _report(options: argparse.Namespace) -> int:
    from ..publish.report import write_report  # noqa: PLC0415
    from ..runs import undisturbed  # noqa: PLC0415

    with undisturbed(options.folder):
        # Not longer: the notebooks open the run as everybody does.
        pass
    written = write_report(options.folder, with_notebooks=not options.no_notebooks)
    say(options, {"written": [str(path) for path in written]}, [f"  {path}" for path in written])
    return DONE


def _publish(options: argparse.Namespace) -> int:
    from ..publish import labels  # noqa: PLC0415
    from ..publish.publication import publish  # noqa: PLC0415
    from ..runs import undisturbed  # noqa: PLC0415

    now = datetime.now(UTC)
    with undisturbed(options.folder):
        done = publish(options.folder, options.audience, options.language, now=now, max_age_h=options.max_age)
    seen = done.view
    named = sorted(seen.findings.loc[seen.findings["status"].notna(), "code"]) if seen.audience == "public" else []
    lines = [*labels.headline_sentences(seen.headline, options.language), f"→ {done.folder}"]
    lines += [f"→ {path} (made anew from the same decisions / 同じ決定により作り直しました)" for path in done.anew]
    if seen.audience == "public":
        lines.append(f"named / 団体名を公表: {', '.join(named) or 'nobody / なし'}")
    for code, why in done.refused.itertuples(index=False, name=None):
        lines.append(f"  {code}: {both(why)}")
    for row, why, what in done.withheld:
        lines.append(f"  corrections.xlsx, row {row}: not printed / 掲載せず – {both(why)}: {what}")
    result: dict[str, object] = {
        "folder": str(done.folder),
        "made_anew": [str(path) for path in done.anew],
        "headline": dict(seen.headline),
        "named": named,
        "refused": {str(code): str(why) for code, why in done.refused.itertuples(index=False, name=None)},
        "corrections_withheld": [{"row": row, "why": why, "what": what} for row, why, what in done.withheld],
    }
    if done.proposal is not None:
        lines += _proposal_lines(done.proposal)
        result["decisions"] = {
            "proposed": str(done.proposal.path),
            "sign_again": list(done.proposal.again),
            "changed": [one.code for one in done.proposal.changed],
            "new": list(done.proposal.new),
        }
    say(options, result, lines)
    if done.missing:
        said = f"newsroom.toml does not say {', '.join(done.missing)}: placeholders stand in the letters"
        warn(f"{said} / newsroom.toml に未記入の項目があり、文書では【未記入】としています")
    if seen.audience == "public" and len(done.refused):
        warn("decided names that the gate refused are listed above / 公表の条件を満たさない団体があります")
    if done.withheld:
        said = "corrections that name what is not public are listed above, and only counted in public"
        warn(f"{said} / 公表していない団体などに触れる訂正は、件数だけを載せました")
    return DECIDE if done.withheld or (seen.audience == "public" and len(done.refused)) else DONE


def _proposal_lines(proposal: Proposal) -> list[str]:
    """What a proposal of decisions holds, with what changed in words."""
    again, changed, new = len(proposal.again), len(proposal.changed), len(proposal.new)
    lines = [
        f"→ {proposal.path}: {again} to sign again, {changed} changed, {new} new; decisions.xlsx is as you left it / "
        f"再承認 {again}、判定の変更 {changed}、新規 {new}。decisions.xlsx には手を加えていません"
    ]
    for one in proposal.changed[:20]:
        lines.append(f"  {one.code} {one.name}: {one.before} → {one.after}")
    return lines
