"""`enquire`: the status of these servers, for their owners and operators, and for nobody else."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..errors import EnquiryError
from . import DECIDE, DONE
from .asking import resolvers, served, world_of
from .options import Commands, opt_out_option, positive, resolver_option
from .screen import both, progress, say, warn

if TYPE_CHECKING:
    from ..enquiries import Enquiry
    from ..replies import Answer
    from ..sources import Source

_ONLY_ASKING = ("practice", "seed", "lists", "resolver", "passes", "pass_gap", "rate")


def add(commands: Commands) -> None:
    """Add `enquire`."""
    one = commands.add_parser("enquire", help="the status of these servers, for their owners")
    one.add_argument("asked", nargs="+", metavar="NAME_OR_ADDRESS|FILE")
    one.add_argument("--for", required=True, dest="for_whom", metavar="WHO", help="on whose behalf it is asked")
    one.add_argument("--basis", required=True, metavar="TEXT", help="how you checked that they may have the answer")
    one.add_argument("--out", required=True, type=Path, metavar="FILE.xlsx")
    one.add_argument(
        "--run", type=Path, default=None, dest="folder", metavar="DIR", help="answer from this run, offline"
    )
    one.add_argument("--lists", default=None, metavar="SELECTION|FILE")
    resolver_option(one)
    one.add_argument("--passes", type=positive, default=None, metavar="N")
    one.add_argument("--pass-gap", type=float, default=None, metavar="S")
    one.add_argument("--rate", type=float, default=None, metavar="N")
    opt_out_option(one)
    one.add_argument("--practice", action="store_true")
    one.add_argument("--seed", type=int, default=None, metavar="N")
    one.set_defaults(run_command=_enquire)


def _enquire(options: argparse.Namespace) -> int:
    from ..enquirers import FILE, Enquirer, record  # noqa: PLC0415
    from ..enquiries import read_enquiry  # noqa: PLC0415
    from ..enquiring import answer  # noqa: PLC0415
    from ..publish.enquiry_book import write_enquiry_book  # noqa: PLC0415
    from ..publish.newsroom import FILE as NEWSROOM  # noqa: PLC0415
    from ..publish.newsroom import load_newsroom  # noqa: PLC0415

    enquirer = Enquirer.of(options.for_whom, options.basis)
    out: Path = options.out
    _check_out(out)
    enquiry = read_enquiry(options.asked)
    source = _of_run(options) if options.folder is not None else _ask(options, enquiry)
    home = source.folder if source.is_run else out.parent
    newsroom = load_newsroom(home / NEWSROOM)
    found = answer(enquiry, source)
    now = datetime.now(UTC)
    with TemporaryDirectory(dir=out.parent) as folder:
        aside = Path(folder) / out.name
        write_enquiry_book(found, enquirer, newsroom, aside, now=now)
        _check_out(out)
        # What is not in the register is not given out: the answer takes its name only when its row stands there.
        number = record(home / FILE, enquirer, _facts(found, out, aside), now=now)
        with out.open("xb") as file:
            file.write(aside.read_bytes())
    result = {"number": number, "for": enquirer.name, "out": str(out), "register": str(home / FILE), **_json(found)}
    say(options, result, [*_lines(found), f"→ {out}", f"→ {home / FILE}, {number}"])
    for name in newsroom.missing():
        if name in ("name", "contact"):
            warn(f"newsroom.toml does not say {name}: a placeholder stands in the answer / {name} が未記入です")
    return DECIDE if _warn(found) else DONE


def _facts(found: Answer, out: Path, aside: Path) -> dict[str, str | int]:
    """What the register of enquiries keeps of an answer."""
    source = found.source
    return {
        "lines": found.enquiry.lines_n,
        "servers": len(found.servers),
        "unusable": len(found.unusable),
        "questions_sha256": found.enquiry.sha256,
        "source": ("run " if source.is_run else "asked ") + source.folder.resolve().name,
        "evidence_head": source.head,
        "answer": out.name,
        "answer_sha256": hashlib.sha256(aside.read_bytes()).hexdigest(),
    }


def _check_out(out: Path) -> None:
    """An answer that was given stays as it is. Raises EnquiryError."""
    if out.suffix.lower() != ".xlsx":
        raise EnquiryError(
            "the answer is a workbook",
            where=str(out),
            remedy="name it .xlsx",
            ja="回答は Excel ブックです。拡張子を .xlsx にしてください",
        )
    if out.exists():
        raise EnquiryError(
            "there is such an answer already, and what was given out is not written over",
            where=str(out),
            remedy="name another file with --out",
            ja="同じ名前の回答が既にあります。--out で別のファイルを指定してください",
        )
    if not out.parent.is_dir():
        raise EnquiryError(
            "there is no such folder", where=str(out.parent), remedy="make it", ja="フォルダーがありません"
        )


def _of_run(options: argparse.Namespace) -> Source:
    """What a run, or an earlier asking, has in its evidence; nobody is asked."""
    from .. import asking, opt_outs  # noqa: PLC0415
    from ..runs import RunFolder  # noqa: PLC0415
    from ..sources import source_of_run  # noqa: PLC0415

    wrong = [name for name in _ONLY_ASKING if getattr(options, name) not in (None, False, [])]
    if wrong:
        raise EnquiryError(
            f"an answer from a run asks nobody, so that --{wrong[0].replace('_', '-')} means nothing",
            where="--run",
            remedy="take it away; or take --run away, to ask now",
            ja="--run による回答では照会を行いません。どちらかの指定を外してください",
        )
    since = options.opt_out or opt_outs.DATA
    if asking.is_asking(options.folder):
        return asking.read_asking(options.folder, world_of(asking.settings_of_asking(options.folder)), since)
    folder = RunFolder(options.folder)
    return source_of_run(folder, world_of(folder.settings()), since)


def _ask(options: argparse.Namespace, enquiry: Enquiry) -> Source:
    """Ask now, and keep what is heard beside the answer."""
    from .. import asking, opt_outs  # noqa: PLC0415
    from ..catalogue import load_catalogue, select  # noqa: PLC0415
    from ..collect import live_manner  # noqa: PLC0415
    from ..practice.country import Country  # noqa: PLC0415
    from ..sitting import Manner  # noqa: PLC0415

    seed = options.seed if options.seed is not None else 81
    settings: Mapping[str, object] = {"world": "practice", "seed": seed} if options.practice else {}
    selected = select(options.lists or ("practice" if options.practice else "default"), load_catalogue())
    manner = Manner(passes=options.passes or 2, pass_gap_s=options.pass_gap, rate=options.rate)
    with ExitStack() as stack:
        if options.practice and not options.resolver:
            asked = served(Country.make(seed), stack)
        else:
            asked = resolvers(options.resolver)
        return asking.ask(
            options.out.with_name(f"{options.out.stem}-evidence"),
            enquiry,
            selected,
            world_of(settings),
            asked,
            manner=manner if options.practice else live_manner(manner),
            opt_out=options.opt_out or opt_outs.DATA,
            notes={"seed": seed} if options.practice else {},
            progress=stack.enter_context(progress()),
        )


def _lines(found: Answer) -> list[str]:
    """The answer in numbers, and every line that was not taken."""
    from ..publish import labels  # noqa: PLC0415

    lines = [f"{labels.PRACTICE['ja']} / {labels.PRACTICE['en']}"] if found.source.is_practice else []
    counts = found.counts()
    lines.append(f"行・セル / lines and cells: {counts['lines']:,}")
    for group, title in (("items", "記載 / items"), ("servers", "サーバ / servers")):
        lines.append(f"{title}: {counts[group]:,}")
        parts = [(name.removeprefix(f"{group}_"), n) for name, n in counts.items() if name.startswith(f"{group}_")]
        lines += [f"  {both(word)}: {number:,}" for word, number in parts]
    return lines


def _warn(found: Answer) -> bool:
    """Tell every line that could not be used, and whether no list had a say; whether a person must look."""
    shown = found.unusable[:20]
    for reply in shown:
        item = reply.item
        cell = f"{item.column}{item.row}" if item.column else f"line {item.row}"
        place = ", ".join(filter(None, (item.file, item.sheet, cell)))
        warn(f"{place}: {item.written!r}: {both(str(reply.reason))}")
    if len(found.unusable) > len(shown):
        warn(
            f"{len(found.unusable) - len(shown)} more; the sheet of lines has them all / ほかは「照会の各行」の表を参照"
        )
    lists = found.source.tables["lists"]
    has_list = bool((lists["health"].eq("healthy") & lists["group"].isin(["relay", "abuse"])).any())
    if not has_list:
        warn(
            "no list of open relays or abuse was healthy, so nothing can be said / "
            "第三者中継・悪用の有効なリストが1つもなく、何も判定できません"
        )
    return bool(found.unusable) or not has_list


def _json(found: Answer) -> dict[str, object]:
    """The answer as plain values: replies per item, servers with what each list said."""
    source = found.source
    servers = [
        {
            "number": one.number,
            "host": one.host,
            "address": one.address,
            "role": one.role,
            "status": one.status,
            "reason": one.reason,
            "subjects": one.subjects,
            "evidence_ids": one.evidence_ids,
            "lists": [
                {
                    "zone": said.zone,
                    "status": said.status,
                    "is_counted": said.is_counted,
                    "codes": list(said.codes),
                    "categories": list(said.categories),
                    "reason": said.reason,
                    "text": said.text,
                    "confirmed": said.is_confirmed,
                    "first_heard_at": _iso(said.first_heard_at),
                    "asked_at": _iso(said.asked_at),
                    "evidence_ids": list(said.evidence_ids),
                }
                for said in one.said
            ],
        }
        for one in found.servers
    ]
    replies = [
        {
            "file": reply.item.file,
            "sheet": reply.item.sheet,
            "row": reply.item.row,
            "column": reply.item.column,
            "written": reply.item.written,
            "read_as": reply.item.subject.text if reply.item.subject is not None else None,
            "outcome": reply.outcome,
            "reason": reply.reason,
            "notes": [*([reply.item.note] if reply.item.note else []), *reply.notes],
            "servers": list(reply.servers),
            "known_n": reply.known_n,
            "size": reply.size,
        }
        for reply in found.replies
    ]
    return {
        "world": source.world.name,
        "source": "run" if source.is_run else "asked",
        "is_finished": source.is_finished,
        "began_at": _iso(source.began_at),
        "ended_at": _iso(source.ended_at),
        "evidence_head": source.head,
        "counts": found.counts(),
        "replies": replies,
        "servers": servers,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
