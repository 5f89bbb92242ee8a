"""The command line: `python -m survey …`. Each command is one function of the house, and one sentence."""

from __future__ import annotations

import argparse
import datetime
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .publish.proposals import Proposal
    from .sitting import Progress
    from .smtp.forms import Probe
    from .worlds import World

from .errors import DecisionNeeded, ResolverError, RunError, SurveyError

DONE, DECIDE, COULD_NOT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a person must decide, 2 could not."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run_command(options))
    except DecisionNeeded as error:
        print(f"survey: {error}", file=sys.stderr)
        return DECIDE
    except SurveyError as error:
        print(f"survey: {error}", file=sys.stderr)
        return COULD_NOT
    except KeyboardInterrupt:
        said = "stopped; what was heard is kept, the same command goes on"
        print(f"survey: {said} / 中断しました。同じコマンドで続きから始まります", file=sys.stderr)
        return COULD_NOT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m survey", description="Survey mail servers of local governments.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("collect", help="observe a register, or go on with a run that was cut off")
    one.add_argument("register", nargs="?", type=Path, metavar="REGISTER.xlsx")
    one.add_argument("--run", required=True, type=Path, metavar="DIR", dest="folder")
    one.add_argument("--lists", default=None, metavar="SELECTION|FILE")
    one.add_argument("--resolver", action="append", default=[], metavar="ADDR[:PORT]")
    one.add_argument("--passes", type=_positive, default=2, metavar="N")
    one.add_argument("--pass-gap", type=float, default=None, metavar="S")
    one.add_argument("--rate", type=float, default=None, metavar="N")
    one.add_argument("--opt-out", type=Path, default=None, metavar="FILE")
    one.add_argument("--review", type=Path, default=None, metavar="FILE")
    one.add_argument("--engine", choices=("auto", "fast", "portable"), default="auto")
    one.add_argument("--without-context", action="store_true", help="ask nothing about SPF, DMARC and networks")
    crews = one.add_mutually_exclusive_group()
    crews.add_argument("--processes", type=_positive, default=None, metavar="N")
    crews.add_argument("--dask", default=None, metavar="ADDRESS")
    one.add_argument("--practice", action="store_true")
    one.add_argument("--seed", type=int, default=None, metavar="N")
    one.set_defaults(run_command=_collect)

    one = commands.add_parser("register", help="make a register: official codes and names, candidate domains")
    one.add_argument("ministry", nargs="?", type=Path, metavar="MINISTRY.xlsx")
    one.add_argument("--out", required=True, type=Path, metavar="REGISTER.xlsx")
    one.add_argument("--websites", default=None, metavar="FILE|https://…")
    one.set_defaults(run_command=_register)

    one = commands.add_parser("tables", help="read all tables of a run again, offline")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--out", type=Path, metavar="DIR2")
    one.set_defaults(run_command=_tables)

    one = commands.add_parser("recheck", help="ask again as a new pass")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("codes", nargs="*", metavar="CODE")
    one.add_argument("--opt-out", type=Path, default=None, metavar="FILE")
    one.add_argument("--resolver", action="append", default=[], metavar="ADDR[:PORT]")
    one.add_argument("--rate", type=float, default=None, metavar="N")
    one.set_defaults(run_command=_recheck)

    one = commands.add_parser("relay", help="the relay dialogue, with permitted servers only")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--permission", required=True, type=Path, metavar="FILE")
    one.add_argument("--dry-run", action="store_true", help="print whom it would ask; ask DNS only")
    one.add_argument("--resolver", action="append", default=[], metavar="ADDR[:PORT]")
    one.add_argument("--opt-out", type=Path, default=None, metavar="FILE")
    _asker_options(one)
    one.set_defaults(run_command=_relay)

    one = commands.add_parser("report", help="write workbook, figures and executed notebooks into a run folder")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--no-notebooks", action="store_true")
    one.set_defaults(run_command=_report)

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
    one.set_defaults(run_command=_publish)

    one = commands.add_parser("doctor", help="can this machine survey, and how long will it take?")
    one.add_argument("register", nargs="?", type=Path, metavar="REGISTER.xlsx")
    one.add_argument("--lists", default=None, metavar="SELECTION|FILE")
    one.add_argument("--resolver", action="append", default=[], metavar="ADDR[:PORT]")
    one.add_argument("--passes", type=_positive, default=2, metavar="N")
    one.add_argument("--rate", type=float, default=None, metavar="N")
    one.add_argument("--practice", action="store_true")
    one.add_argument("--seed", type=int, default=81, metavar="N")
    one.add_argument("--permission", type=Path, metavar="FILE")
    _asker_options(one)
    one.set_defaults(run_command=_doctor)

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

    one = commands.add_parser("practice", help="serve the practice country until Ctrl-C")
    one.add_argument("--seed", type=int, default=81, metavar="N")
    one.add_argument("--truth", type=Path, metavar="FILE")
    one.add_argument("--register", type=Path, metavar="FILE")
    one.set_defaults(run_command=_practice)

    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser


def _asker_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--mailbox", default="", metavar="ADDRESS", help="our mailbox, where the file names none")
    command.add_argument("--hello", default="", metavar="HOST", help="our name in EHLO, where the file names none")
    command.add_argument("--page", default="", metavar="URL", help="our page that explains, where the file names none")


def _asker(options: argparse.Namespace, is_practice: bool) -> Probe:
    """Who asks, where the permission file does not say it: the options, and in practice the practice newsroom."""
    from .practice.mailers import ASKER  # noqa: PLC0415
    from .smtp.forms import Probe  # noqa: PLC0415

    known = ASKER if is_practice else Probe("", "", "")
    return Probe(options.mailbox or known.mailbox, options.hello or known.hello, options.page or known.page)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _say(options: argparse.Namespace, result: Mapping[str, object], lines: Sequence[str]) -> None:
    """The result on standard output: as one JSON object, or as lines for people."""
    print(json.dumps(dict(result), ensure_ascii=False) if options.json else "\n".join(lines))


def _resolvers(written: Sequence[str]) -> list[tuple[str, int]]:
    """Resolvers as given, or the system's."""
    found = []
    for text in written:
        address, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "53")
        try:
            found.append((address.strip("[]"), int(port)))
        except ValueError:
            raise ResolverError(
                f"{text!r} is no address of a resolver",
                where="--resolver",
                remedy="write 127.0.0.1, 127.0.0.1:5353 or [::1]:53",
                ja="リゾルバの書き方が違います",
            ) from None
    if not found:
        import dns.resolver  # noqa: PLC0415 - reads the system's settings, only needed here

        try:
            found = [(str(address), 53) for address in dns.resolver.Resolver().nameservers]
        except dns.resolver.NoResolverConfiguration:
            found = []
        if not found:
            raise ResolverError(
                "this system names no resolver",
                where="--resolver",
                remedy="run one of your own (make resolver) and name it: --resolver 127.0.0.1:5353",
                ja="リゾルバの設定がありません。make resolver で用意し --resolver で指定してください",
            )
    return found


@contextmanager
def _progress(unit: str = "q") -> Iterator[Progress]:
    """A bar on standard error: how many questions are answered of those known so far."""
    from tqdm.auto import tqdm  # noqa: PLC0415 - only where something is shown

    with tqdm(unit=unit, file=sys.stderr, dynamic_ncols=True, mininterval=0.5) as bar:

        def show(done: int, expected: int, text: str) -> None:
            bar.total = expected
            bar.n = done
            bar.set_description_str(text, refresh=False)
            bar.update(0)

        yield show


def _headline_lines(headline: Mapping[str, object], folder: Path) -> list[str]:
    from .publish import labels  # noqa: PLC0415

    return [*labels.headline_sentences(headline, "ja"), *labels.headline_sentences(headline, "en"), f"→ {folder}"]


def _collect(options: argparse.Namespace) -> int:
    from . import collect as hallway  # noqa: PLC0415
    from . import opt_outs  # noqa: PLC0415
    from .catalogue import load_catalogue, select  # noqa: PLC0415
    from .review import pending  # noqa: PLC0415
    from .runs import RunFolder  # noqa: PLC0415
    from .sitting import Manner  # noqa: PLC0415
    from .worlds import LIVE  # noqa: PLC0415

    folder = RunFolder(options.folder)
    selected = select(options.lists or ("practice" if options.practice else "default"), load_catalogue())
    manner = Manner(
        passes=options.passes,
        pass_gap_s=options.pass_gap,
        rate=options.rate,
        engine=options.engine,
        has_context=not options.without_context,
    )
    with ExitStack() as stack:
        world, register, notes = LIVE, options.register, {}
        if options.practice:
            from .practice.country import Country  # noqa: PLC0415
            from .practice.mailers import write_permission  # noqa: PLC0415
            from .practice.world import PRACTICE, serve  # noqa: PLC0415

            seed = options.seed if options.seed is not None else 81
            country = Country.make(seed)
            world, notes = PRACTICE, {"seed": seed}
            if register is None:
                folder.path.mkdir(parents=True, exist_ok=True)
                register = folder.path / "register.xlsx"
                if not folder.settings_path.exists():
                    country.write_register(register)
                    write_permission(country, folder.path / "permission.xlsx")
            if options.resolver:
                resolvers = _resolvers(options.resolver)
            else:
                resolvers = [stack.enter_context(serve(country)).resolver]
        else:
            resolvers = _resolvers(options.resolver)
            manner = hallway.live_manner(manner)
        if register is None:
            raise RunError(
                "no register was named",
                where="collect",
                remedy="python -m survey collect REGISTER.xlsx --run DIR",
                ja="台帳ファイルを指定してください",
            )
        if not register.is_file():
            raise RunError(
                "there is no such register", where=str(register), remedy="check the path", ja="台帳がありません"
            )
        progress = stack.enter_context(_progress())
        found = hallway.collect(
            register,
            folder,
            selected,
            world,
            resolvers,
            manner=manner,
            opt_out=options.opt_out or opt_outs.DATA,
            earlier_review=options.review,
            notes=notes,
            progress=progress,
            crew=hallway.crew_of(options.processes, options.dask),
        )
    _say(options, found.headline, _headline_lines(found.headline, folder.path))
    open_ = len(pending(found["bodies"], found["domains"], found["candidates"]))
    if open_:
        said = f"the domains of {open_} bodies need a person's look; write decisions into {folder.review_path}"
        print(f"survey: {said} / {open_}団体のドメインに確認が必要です", file=sys.stderr)
    for server in folder.texts("resolvers_without_recursion"):
        said = f"{server} does not offer recursion (RA is off)"
        print(f"survey: {said} / 再帰問い合わせを受け付けると示していません", file=sys.stderr)
    unusable = int((~found["problems"]["is_usable"].astype(bool) & found["problems"]["row"].notna()).sum())
    if unusable:
        print(
            f"survey: {unusable} register rows could not be used; see tables/problems / 使えない台帳の行があります",
            file=sys.stderr,
        )
        return DECIDE
    has_list = found["lists"]["health"].eq("healthy") & found["lists"]["group"].isin(["relay", "abuse"])
    if not has_list.any():
        print(
            "survey: no list of open relays or abuse was healthy, so nothing can be said / "
            "第三者中継・悪用の有効なリストが1つもなく、何も判定できません",
            file=sys.stderr,
        )
        return DECIDE
    return DONE


def _register(options: argparse.Namespace) -> int:
    from .draft import draft, ministry_drafts, official_drafts, write_draft  # noqa: PLC0415
    from .register import load_register  # noqa: PLC0415
    from .websites import Websites, read_websites  # noqa: PLC0415
    from .wire.web import fetch  # noqa: PLC0415

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
        print(
            f"survey: {place}: {one['problem']}; {one['done']} / {one['problem_ja']}。{one['done_ja']}", file=sys.stderr
        )
    for sheet, row, value, what, ja in sites.problems[:20]:
        print(f"survey: websites, {sheet} row {row}: {what} / {ja} ({value!r})", file=sys.stderr)
    for site in lost[:20]:
        print(f"survey: websites, row {site.row}: {site.code} is not in the register / 台帳にない", file=sys.stderr)
    if options.websites is not None:
        unused = len(sites.problems) + len(lost)
        lines.append(f"{len(sites.sites):,} websites read, {unused:,} rows not used / 使えない行 {unused:,}")
    _say(options, result, [*lines, f"→ {options.out}"])
    return DONE


def _world(settings: Mapping[str, object]) -> World:
    from .worlds import LIVE  # noqa: PLC0415

    if settings.get("world") == "practice":
        from .practice.world import PRACTICE  # noqa: PLC0415

        return PRACTICE
    return LIVE


def _tables(options: argparse.Namespace) -> int:
    from .runs import RunFolder, read_tables, write_tables  # noqa: PLC0415

    folder = RunFolder(options.folder)
    found = read_tables(folder, _world(folder.settings()))
    out = options.out or options.folder
    write_tables(found, out)
    _say(options, found.headline, _headline_lines(found.headline, out))
    return DONE


def _recheck(options: argparse.Namespace) -> int:
    from . import collect as hallway  # noqa: PLC0415
    from . import opt_outs  # noqa: PLC0415
    from .catalogue import load_selection, rekey  # noqa: PLC0415
    from .runs import RunFolder  # noqa: PLC0415
    from .sitting import Manner  # noqa: PLC0415

    folder = RunFolder(options.folder)
    settings = folder.settings()
    world = _world(settings)
    selected = rekey(load_selection(folder.lists_path))
    manner = Manner(rate=options.rate)
    with ExitStack() as stack:
        if settings.get("world") == "practice" and not options.resolver:
            from .practice.country import Country  # noqa: PLC0415
            from .practice.world import serve  # noqa: PLC0415

            seed = int(str(settings.get("seed", 81)))
            resolvers = [stack.enter_context(serve(Country.make(seed))).resolver]
        else:
            resolvers = _resolvers(options.resolver)
        if settings.get("world") == "live":
            manner = hallway.live_manner(manner)
        progress = stack.enter_context(_progress())
        found = hallway.recheck(
            folder,
            world,
            selected,
            resolvers,
            options.codes,
            manner=manner,
            opt_out=options.opt_out or opt_outs.DATA,
            progress=progress,
        )
    _say(options, found.headline, _headline_lines(found.headline, folder.path))
    return DONE


def _relay(options: argparse.Namespace) -> int:
    from . import opt_outs  # noqa: PLC0415
    from .publish import relay_words  # noqa: PLC0415
    from .runs import RunFolder  # noqa: PLC0415
    from .visits import visit  # noqa: PLC0415

    folder = RunFolder(options.folder)
    settings = folder.settings()
    world = _world(settings)
    with ExitStack() as stack:
        if settings.get("world") == "practice":
            from .practice.country import Country  # noqa: PLC0415
            from .practice.world import serve, serve_mail  # noqa: PLC0415

            country = Country.make(int(str(settings.get("seed", 81))))
            served = () if options.resolver else [stack.enter_context(serve(country)).resolver]
            resolvers = list(served) or _resolvers(options.resolver)
            if not options.dry_run:
                world, _ = stack.enter_context(serve_mail(country))
        else:
            resolvers = _resolvers(options.resolver)
        found = visit(
            folder,
            options.permission,
            world,
            resolvers,
            asker=_asker(options, settings.get("world") == "practice"),
            opt_out=options.opt_out or opt_outs.DATA,
            is_dry=options.dry_run,
            progress=stack.enter_context(_progress("server")),
        )
    for refusal in found.plan.refusals:
        print(f"survey: {relay_words.refusal_sentence(options.permission.name, refusal)}", file=sys.stderr)
    if found.tables is None:
        lines = [relay_words.target_sentence(target) for target in found.plan.targets]
    else:
        lines = [*relay_words.relay_sentences(found.counts, "ja"), *relay_words.relay_sentences(found.counts, "en")]
        lines.append(f"→ {folder.path}")
    _say(options, found.as_json(), lines)
    return DECIDE if found.plan.refusals else DONE


def _report(options: argparse.Namespace) -> int:
    from .publish.report import write_report  # noqa: PLC0415

    written = write_report(options.folder, with_notebooks=not options.no_notebooks)
    _say(options, {"written": [str(path) for path in written]}, [f"  {path}" for path in written])
    return DONE


def _publish(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415

    from .publish import labels  # noqa: PLC0415
    from .publish.publication import publish  # noqa: PLC0415

    now = datetime.now(UTC)
    done = publish(options.folder, options.audience, options.language, now=now, max_age_h=options.max_age)
    seen = done.view
    named = sorted(seen.findings.loc[seen.findings["status"].notna(), "code"]) if seen.audience == "public" else []
    lines = [*labels.headline_sentences(seen.headline, options.language), f"→ {done.folder}"]
    lines += [f"→ {path} (made anew from the same decisions / 同じ決定により作り直しました)" for path in done.anew]
    if seen.audience == "public":
        lines.append(f"named / 団体名を公表: {', '.join(named) or 'nobody / なし'}")
    for code, why in done.refused.itertuples(index=False, name=None):
        lines.append(f"  {code}: {_both(why)}")
    for row, why, what in done.withheld:
        lines.append(f"  corrections.xlsx, row {row}: not printed / 掲載せず – {_both(why)}: {what}")
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
    _say(options, result, lines)
    if done.missing:
        said = f"newsroom.toml does not say {', '.join(done.missing)}: placeholders stand in the letters"
        print(f"survey: {said} / newsroom.toml に未記入の項目があり、文書では【未記入】としています", file=sys.stderr)
    if seen.audience == "public" and len(done.refused):
        print(
            "survey: decided names that the gate refused are listed above / 公表の条件を満たさない団体があります",
            file=sys.stderr,
        )
    if done.withheld:
        said = "corrections that name what is not public are listed above, and only counted in public"
        print(f"survey: {said} / 公表していない団体などに触れる訂正は、件数だけを載せました", file=sys.stderr)
    return DECIDE if done.withheld or (seen.audience == "public" and len(done.refused)) else DONE


def _both(machine: str) -> str:
    """A machine word in both languages, for the newsroom's screen."""
    from .publish import labels  # noqa: PLC0415

    return f"{labels.word(machine, 'ja')} / {labels.word(machine, 'en')}"


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


def _doctor(options: argparse.Namespace) -> int:
    from . import collect as hallway  # noqa: PLC0415
    from .catalogue import load_catalogue, select  # noqa: PLC0415
    from .doctor import examine, permission_checks  # noqa: PLC0415
    from .register import load_register  # noqa: PLC0415
    from .sitting import Manner  # noqa: PLC0415
    from .worlds import LIVE  # noqa: PLC0415

    selected = select(options.lists or ("practice" if options.practice else "default"), load_catalogue())
    manner = Manner(passes=options.passes, rate=options.rate)
    with ExitStack() as stack:
        world = LIVE
        if options.practice:
            from .practice.country import Country  # noqa: PLC0415
            from .practice.world import PRACTICE, serve  # noqa: PLC0415

            world = PRACTICE
            served = () if options.resolver else [stack.enter_context(serve(Country.make(options.seed))).resolver]
            resolvers = list(served) or _resolvers(options.resolver)
        else:
            resolvers = _resolvers(options.resolver)
            manner = hallway.live_manner(manner)
        register = load_register(options.register) if options.register else None
        checks = examine(selected, world, resolvers, manner, register)
    if options.permission:
        today = datetime.datetime.now().astimezone().date()
        checks += permission_checks(options.permission, _asker(options, options.practice), today)
    shown = ("name", "is_good", "said", "remedy")
    result = {"checks": [{name: getattr(check, name) for name in shown} for check in checks]}
    _say(options, result, [check.line() for check in checks])
    return DONE if all(check.is_good for check in checks) else DECIDE


def _why(options: argparse.Namespace) -> int:
    from .publish.why import why  # noqa: PLC0415

    text = why(options.folder, options.body, options.language)
    _say(options, {"body": options.body, "text": text}, [text])
    return DONE


def _show(options: argparse.Namespace) -> int:
    from .evidence import Archive  # noqa: PLC0415
    from .exchanges import Exchange  # noqa: PLC0415
    from .showing import show  # noqa: PLC0415

    text = show(Exchange.of(Archive(options.folder).row(options.evidence_id)))
    _say(options, {"evidence_id": options.evidence_id, "text": text}, [text])
    return DONE


def _verify(options: argparse.Namespace) -> int:
    from .evidence import Archive  # noqa: PLC0415

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
    _say(options, result, lines)
    return DONE if found.is_unaltered else DECIDE


def _practice(options: argparse.Namespace) -> int:
    from .practice.country import Country  # noqa: PLC0415
    from .practice.world import serve  # noqa: PLC0415

    country = Country.make(options.seed)
    if options.truth:
        country.write_truth(options.truth)
    if options.register:
        country.write_register(options.register)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with serve(country) as served:
        address = f"{served.resolver[0]}:{served.resolver[1]}"
        line = f"serving practice country {options.seed} on {address} (Ctrl-C ends it) / 練習国を提供中"
        _say(options, {"resolver": address, "seed": options.seed}, [line])
        sys.stdout.flush()
        try:
            while True:
                signal.pause() if hasattr(signal, "pause") else __import__("time").sleep(3600)
        except KeyboardInterrupt:
            return DONE


if __name__ == "__main__":
    sys.exit(main())
