"""`register`: make a register from official codes and names, with candidate domains."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from . import DONE
from .options import Commands
from .screen import say, warn


def add(commands: Commands) -> None:
    """Add `register`."""
    one = commands.add_parser("register", help="make a register: official codes and names, candidate domains")
    one.add_argument("ministry", nargs="?", type=Path, metavar="MINISTRY.xlsx")
    one.add_argument("--out", required=True, type=Path, metavar="REGISTER.xlsx")
    one.add_argument("--websites", default=None, metavar="FILE|https://…")
    one.set_defaults(run_command=_register)


def _register(options: argparse.Namespace) -> int:
    from ..draft import draft, ministry_drafts, official_drafts, write_draft  # noqa: PLC0415
    from ..register import load_register  # noqa: PLC0415
    from ..websites import Websites, read_websites  # noqa: PLC0415
    from ..wire.web import fetch  # noqa: PLC0415

    ministry = load_register(options.ministry) if options.ministry else None
    bodies = ministry_drafts(ministry) if ministry is not None else official_drafts()
    sites = Websites((), ())
    with TemporaryDirectory() as folder:
        if options.websites is not None:
            is_address = "://" in options.websites
            sites = read_websites(fetch(options.websites, Path(folder)) if is_address else Path(options.websites))
    drafts = draft(bodies, sites.sites)
    write_draft(options.out, drafts)
    known = {one.named.code for one in drafts}
    lost = [site for site in sites.sites if site.code not in known]
    national = sum(one.named.kind == "national" for one in drafts)
    result = {
        "written": str(options.out),
        "bodies": len(drafts) - national,
        "bodies_in_scope": sum(one.scope_reason is None for one in drafts) - national,
        "national": national,
        "bodies_with_candidates": sum(bool(one.by_website or one.by_convention) for one in drafts),
        "candidates_by_convention": sum(len(one.by_convention) for one in drafts),
        "candidates_by_website": sum(len(one.by_website) for one in drafts),
        "ministry_problems": 0 if ministry is None else int((~ministry.problems["is_usable"]).sum()),
        "websites_read": len(sites.sites),
        "websites_without_body": len(lost),
        "websites_unusable": len(sites.problems),
    }
    lines = [
        f"{result['bodies']:,} local governments, {result['bodies_in_scope']:,} of them in scope, and "
        f"{national:,} national bodies / 地方公共団体 {result['bodies']:,}、うち対象 {result['bodies_in_scope']:,}、"
        f"国の機関 {national:,}",
        f"{result['candidates_by_convention']:,} candidate domains by convention, "
        f"{result['candidates_by_website']:,} by website / 候補ドメイン "
        f"命名規則 {result['candidates_by_convention']:,}、ウェブサイト {result['candidates_by_website']:,}",
    ]
    left_out = [] if ministry is None else ministry.problems.loc[~ministry.problems["is_usable"]].to_dict("records")
    for one in left_out[:20]:
        place = f"{one['sheet']} row {one['row']}" if isinstance(one["row"], int) else str(one["sheet"])
        warn(f"{place}: {one['problem']}; {one['done']} / {one['problem_ja']}。{one['done_ja']}")
    for sheet, row, value, what, ja in sites.problems[:20]:
        warn(f"websites, {sheet} row {row}: {what} / {ja} ({value!r})")
    for site in lost[:20]:
        warn(f"websites, row {site.row}: {site.code} is not in the register / 台帳にない")
    if options.websites is not None:
        unused = len(sites.problems) + len(lost)
        lines.append(f"{len(sites.sites):,} websites read, {unused:,} rows not used / 使えない行 {unused:,}")
    say(options, result, [*lines, f"→ {options.out}"])
    return DONE
