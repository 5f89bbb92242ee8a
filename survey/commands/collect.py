"""`collect`: observe a register, or go on with a run that was cut off."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RunError
from ..harmless import harmless
from . import DECIDE, DONE
from .asking import resolvers, served
from .journal import note
from .options import Commands, in_folder, opt_out_option, positive, resolver_option, season_option
from .screen import headline_lines, progress, say, warn

if TYPE_CHECKING:
    from ..catalogue import Blocklist
    from ..practice.country import Country
    from ..runs import RunFolder, Tables
    from ..sitting import Manner

_MOST_PROBLEMS = 20
"""Entries of a register that are told one by one."""


def add(commands: Commands) -> None:
    """Add `collect`."""
    one = commands.add_parser("collect", help="observe a register, or go on with a run that was cut off")
    one.add_argument("register", nargs="?", type=Path, metavar="REGISTER.xlsx")
    one.add_argument("--run", required=True, type=Path, metavar="DIR", dest="folder")
    one.add_argument("--lists", default=None, metavar="SELECTION|FILE")
    resolver_option(one)
    one.add_argument("--passes", type=positive, default=2, metavar="N")
    one.add_argument("--pass-gap", type=float, default=None, metavar="S")
    one.add_argument("--rate", type=float, default=None, metavar="N")
    opt_out_option(one)
    one.add_argument("--review", type=Path, default=None, metavar="FILE")
    one.add_argument("--engine", choices=("auto", "fast", "portable"), default="auto")
    one.add_argument("--without-context", action="store_true", help="ask nothing about SPF, DMARC and networks")
    crews = one.add_mutually_exclusive_group()
    crews.add_argument("--processes", type=positive, default=None, metavar="N")
    crews.add_argument("--dask", default=None, metavar="ADDRESS")
    one.add_argument("--practice", action="store_true")
    one.add_argument("--seed", type=int, default=None, metavar="N")
    season_option(one)
    one.set_defaults(run_command=_collect, logged=in_folder)


def _collect(options: argparse.Namespace) -> int:
    from .. import collect as hallway  # noqa: PLC0415
    from .. import opt_outs  # noqa: PLC0415
    from ..catalogue import load_catalogue, select  # noqa: PLC0415
    from ..runs import RunFolder  # noqa: PLC0415
    from ..sitting import Manner  # noqa: PLC0415
    from ..worlds import LIVE  # noqa: PLC0415

    country, folder = _country(options), RunFolder(options.folder)
    selected = select(options.lists or (country.selection if country else "default"), load_catalogue())
    manner = Manner(
        passes=options.passes,
        pass_gap_s=options.pass_gap,
        rate=options.rate,
        engine=options.engine,
        has_context=not options.without_context,
    )
    with ExitStack() as stack:
        world, register, notes = LIVE, options.register, {}
        if country is not None:
            from ..practice.world import PRACTICE  # noqa: PLC0415

            world, notes = PRACTICE, {"seed": country.seed, "season": country.season}
            register = _practice_register(country, folder, register and _there(register))
            asked = resolvers(options.resolver) if options.resolver else served(country, stack)
        else:
            asked = resolvers(options.resolver)
            manner = hallway.live_manner(manner)
        register = _there(register)
        _note_settings(register, folder, selected, asked, manner)
        found = hallway.collect(
            register,
            folder,
            selected,
            world,
            asked,
            manner=manner,
            opt_out=options.opt_out or opt_outs.DATA,
            earlier_review=options.review,
            notes=notes,
            progress=stack.enter_context(progress()),
            crew=hallway.crew_of(options.processes, options.dask),
        )
    say(options, found.headline, headline_lines(found.headline, folder.path))
    note("result", f"evidence head {found.headline['evidence_head']}")
    return DECIDE if _wants_a_person(found, folder) else DONE


def _note_settings(
    register: Path, folder: RunFolder, selected: Sequence[Blocklist], asked: Sequence[tuple[str, int]], manner: Manner
) -> None:
    """What this command was told, for the log; run.toml has what the run began with."""
    from ..runs import TOOL  # noqa: PLC0415

    said = {name: value for name, value in asdict(manner).items() if value is not None}
    note(
        "settings",
        f"{TOOL}; {'goes on' if folder.settings_path.exists() else 'a new run'}; register {register}; "
        f"lists {' '.join(sorted(one.zone for one in selected))}; "
        f"resolvers {' '.join(f'{address}:{port}' for address, port in asked)}; "
        + ", ".join(f"{name} {value}" for name, value in said.items()),
    )


def _country(options: argparse.Namespace) -> Country | None:
    """The practice country in the season asked for; none where the world is asked. Raises RunError."""
    if options.practice:
        from ..practice.seasons import season  # noqa: PLC0415

        return season(options.season, options.seed)
    if options.season:
        raise RunError(
            "only the practice country has seasons",
            where="--season",
            remedy="add --practice, or leave --season out",
            ja="時期を選べるのは練習国だけです。--practice を付けるか、--season を外してください",
        )
    return None


def _practice_register(country: Country, folder: RunFolder, given: Path | None) -> Path:
    """The register of a practice country in the run folder, unless one is given; all its papers when the run is new."""
    from ..practice.mailers import write_permission  # noqa: PLC0415
    from ..practice.seasons import write_papers  # noqa: PLC0415

    register = folder.path / "register.xlsx"
    if not folder.settings_path.exists():
        folder.path.mkdir(parents=True, exist_ok=True)
        write_papers(country, folder.path)
        if given is None:
            country.write_register(register)
            write_permission(country, folder.path / "permission.xlsx")
    return given or register


def _there(register: Path | None) -> Path:
    if register is None:
        raise RunError(
            "no register was named",
            where="collect",
            remedy="python -m survey collect REGISTER.xlsx --run DIR",
            ja="台帳ファイルを指定してください",
        )
    if not register.is_file():
        raise RunError(
            "there is no such register",
            where=str(register),
            remedy="check the path",
            ja="台帳がありません。パスを確かめてください",
        )
    return register


def _wants_a_person(found: Tables, folder: RunFolder) -> bool:
    """Say what somebody should look at; whether somebody must decide before the findings can be used."""
    from ..frames import records  # noqa: PLC0415
    from ..review import pending  # noqa: PLC0415

    open_ = len(pending(found["bodies"], found["domains"], found["candidates"]))
    if open_:
        said = f"bodies whose domains need a person's look: {open_}; write decisions into {folder.review_path}"
        warn(f"{said} / {open_}団体のドメインに確認が必要です。review.xlsx に判断を記入してください")
    for server in folder.texts("resolvers_without_recursion"):
        warn(f"{server} does not offer recursion (RA is off) / 再帰問い合わせを受け付けると示していません")
    problems = found["problems"]
    unusable = records(problems.loc[~problems["is_usable"].astype(bool) & problems["row"].notna()])
    for one in unusable[:_MOST_PROBLEMS]:
        column = f", column {one['column']}" if one["column"] else ""
        said = f"{one['problem']} ({harmless(str(one['value']), 60)}); {one['done']}"
        warn(f"{one['sheet']}, row {one['row']}{column}: {said} / {one['problem_ja']}。{one['done_ja']}")
    if unusable:
        said = f"entries of the register that could not be used: {len(unusable)}, all of them in notebook 6"
        told = f"台帳の{len(unusable)}か所を使えませんでした。すべてノートブック6にあります"
        remedy = "correct the register and collect into a new folder"
        warn(f"{said}; {remedy} / {told}。直して新しいフォルダーで調査してください")
        return True
    has_list = found["lists"]["health"].eq("healthy") & found["lists"]["group"].isin(["relay", "abuse"])
    if not has_list.any():
        warn(
            "no list of open relays or abuse was healthy, so nothing can be said / "
            "第三者中継・悪用の有効なリストが1つもなく、何も判定できません"
        )
        return True
    return False
