"""The run folder: what was asked of whom, and all tables, read from its evidence and nothing else.

    register.xlsx   the register as it was given      lists/        the catalogue rows of the selected lists
    opt-out.csv     who was not to be asked           run.toml      what was asked, of whom, when, which versions
    review.xlsx     doubtful domains, and what people decided about them
    operators.csv   whose servers are known by name
    evidence*.sqlite                                  tables/*.parquet · headline.json

`read_tables` is the whole reading half of the house in one function: it needs no network, changes nothing, and gives
the same tables for the same folder on any machine.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
import pyarrow as pa
import tomli_w
from filelock import FileLock, Timeout

from . import (
    answers,
    domains,
    findings,
    headlines,
    listings,
    mail,
    networks,
    operators,
    opt_outs,
    published,
    relays,
    review,
    senders,
    standings,
    tables,
)
from .answers import word
from .calm import uninterrupted
from .catalogue import Blocklist, load_selection, save_selection
from .errors import RunError
from .evidence import Archive, Mark
from .exchanges import CANARY, NO_QUESTION, RESOLVE_ROUND, Exchanges, Row, at
from .pairs import Pairs, split_evidence
from .register import Register, load_register
from .shelf import Shelf
from .tables import Confidence, Dns, frames, texts_of
from .worlds import World

TOOL = "survey 0.1.0"
_LOCK_S = 1.0
"""How long a command waits for another that only looks whether a folder is free."""
RELAY_TABLES = ("greetings", "relays", "relay_servers")
TABLE_NAMES = (
    *("bodies", "domains", "candidates", "problems", "mail_servers", "addresses", "networks"),
    *("senders", "policies"),
    *("listings", "lists", "servers", "findings", *RELAY_TABLES),
)


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of a run and its headline."""

    frames: Shelf
    headline: Mapping[str, object]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.frames[name]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def settings_path(self) -> Path:
        return self.path / "run.toml"

    @property
    def register_path(self) -> Path:
        found = sorted(self.path.glob("register.*"))
        if not found:
            raise RunError(
                "the run folder has no register",
                where=str(self.path),
                remedy="restore register.xlsx",
                ja="台帳がありません",
            )
        return found[0]

    @property
    def opt_out_path(self) -> Path:
        return self.path / "opt-out.csv"

    @property
    def review_path(self) -> Path:
        return self.path / review.FILE

    @property
    def operators_path(self) -> Path:
        """The known operators, as they were known when the run began."""
        return self.path / "operators.csv"

    @property
    def lists_path(self) -> Path:
        return self.path / "lists"

    @property
    def has_evidence(self) -> bool:
        return any(self.path.glob("evidence*.sqlite"))

    def settings(self) -> dict[str, object]:
        """What run.toml says."""
        try:
            return tomllib.loads(self.settings_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(
                "this is no run folder: it has no run.toml",
                where=str(self.path),
                remedy="make a run with: python -m survey collect REGISTER.xlsx --run DIR",
                ja="run.toml がなく、実行フォルダーではありません",
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise RunError(
                f"run.toml cannot be read: {error}",
                where=str(self.settings_path),
                remedy="restore it from a copy",
                ja="run.toml を読めません",
            ) from error

    def texts(self, name: str) -> list[str]:
        """A list in run.toml, as texts; empty where there is none."""
        found = self.settings().get(name)
        return [str(one) for one in found] if isinstance(found, list) else []

    def write_settings(self, settings: Mapping[str, object]) -> None:
        aside = self.settings_path.with_suffix(".toml.new")
        aside.write_text(tomli_w.dumps(settings), encoding="utf-8")
        aside.replace(self.settings_path)

    def begin(
        self, register: Path, selected: Sequence[Blocklist], opt_out: Path, settings: Mapping[str, object]
    ) -> None:
        """Lay out a new run folder: copies of everything that reading will need; run.toml last."""
        self.path.mkdir(parents=True, exist_ok=True)
        target = self.path / f"register{register.suffix.lower()}"
        if register.resolve() != target.resolve():
            shutil.copyfile(register, target)
        save_selection(selected, self.lists_path)
        shutil.copyfile(operators.DATA, self.operators_path)
        opt_outs.take(opt_out, self.opt_out_path)
        self.write_settings(settings)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else works in this folder meanwhile; the lock goes with the process, however that ends."""
    try:
        with FileLock(folder / ".lock", timeout=_LOCK_S):
            yield
    except Timeout:
        raise RunError(
            "another process is at work in this folder",
            where=str(folder),
            remedy="wait for it to end, or stop it, then run this command again",
            ja="別の処理がこのフォルダーで作業中です。終わるのを待ってから再実行してください",
        ) from None


@contextlib.contextmanager
def undisturbed(folder: Path) -> Iterator[None]:
    """Nobody else is at work in this folder meanwhile, if it is a run's: its tables stay those of one reading."""
    with alone(folder) if (folder / "run.toml").is_file() else contextlib.nullcontext():
        yield


def finished_rounds(marks: Sequence[Mark]) -> dict[int, list[str]]:
    """The zones asked in each finished health round."""
    return {
        int(str(m.detail["number"])): [str(z) for z in _list(m.detail["zones"])] for m in marks if m.kind == "round"
    }


def finished_passes(marks: Sequence[Mark]) -> dict[int, int]:
    """When each finished pass over the whole register, all its parts, ended, in microseconds."""
    return {int(str(mark.detail["number"])): mark.marked_us for mark in marks if mark.kind == "pass"}


def finished_parts(marks: Sequence[Mark], pass_number: int) -> set[int]:
    """The parts of a register whose share in a pass has ended; the pass itself ends when all of them have."""
    found = (mark.detail for mark in marks if mark.kind == "part")
    return {int(str(detail["part"])) for detail in found if detail["number"] == pass_number}


def trusted(archive: Archive, where: str = "true") -> Iterator[Row]:
    """Every exchange, but those of a sitting with a resolver that then answered for a name that does not exist.

    Only those that an SQL condition of ours wants, when one is given.
    """
    return archive.rows(trusted_where(archive, where))


def trusted_where(archive: Archive, where: str = "true") -> str:
    """The same as an SQL condition."""
    rounds = archive.rows(f"round > 0 AND type = 1 AND ({where})")
    canaries = [row for row in rounds if row.name.startswith(CANARY)]
    liars = {(row.sitting, row.server) for row in canaries if word(row, row.name, row.type) is Dns.PRESENT}
    if not liars:
        return where
    # In hexadecimal, whatever stands there is a text and nothing else.
    lies = ", ".join(f"({sitting}, CAST(x'{server.encode().hex()}' AS TEXT))" for sitting, server in sorted(liars))
    return f"({where}) AND (sitting, server) NOT IN (VALUES {lies})"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


@uninterrupted()
def read_tables(
    folder: RunFolder,
    world: World,
    *,
    rules: Sequence[Blocklist] | None = None,
    directory: operators.Directory | None = None,
    register: Register | None = None,
    into: Path | None = None,
) -> Tables:
    """Read every table of a run from its evidence, offline.

    `rules` replace the run's own catalogue rows, and `directory` the operators that it knew. With `into`, a folder,
    each table is written to disk while the next one is read, and all of them stand there as `tables/*.parquet` at the
    end, with `headline.json`; large ones are not held in memory. Tables that a publication used are kept before they
    are written over.
    """
    if into is not None:
        published.protect(into)
    settings = folder.settings()
    archive = Archive(folder.path)
    marks = archive.marks()
    selected = list(rules) if rules is not None else list(load_selection(folder.lists_path))
    stored = settings.get("stored_zones")
    zones = {str(k): str(v) for k, v in stored.items()} if isinstance(stored, dict) else {}
    opt_out = opt_outs.load(folder.opt_out_path) if folder.opt_out_path.exists() else opt_outs.OptOuts()
    shelf = _aside(into)
    named, sought = _read_register(shelf, folder, register or load_register(folder.register_path), opt_out, world)
    del register
    wanted = trusted_where(archive, f"type <> {NO_QUESTION} AND round <> {RESOLVE_ROUND}")
    pairs, exchanges = split_evidence(archive, wanted, {zones.get(one.zone, one.zone) for one in selected})
    _read_mail(shelf, named, sought, exchanges, world, opt_out)
    questions, packets = exchanges.asked_n() + pairs.asked_n(), exchanges.packets + pairs.packets_n()
    del named, sought
    answers.forget()
    exchanges.forget_survey()
    _read_listings(shelf, selected, pairs, exchanges, marks, zones, opt_out)
    del pairs, exchanges
    said = standings.read(shelf.arrow_parts("listings", *standings.COLUMNS), shelf.take("lists"))
    _read_findings(shelf, said, directory or operators.load_directory(folder.operators_path), opt_out)
    dialogues = relays.read(archive.rows(f"type = {NO_QUESTION}"), marks, shelf.take("addresses"))
    for name, table in zip(RELAY_TABLES, dialogues, strict=True):
        shelf.put(name, table)
    headline = headlines.count(
        shelf.take("findings", "status", "own_or_shared", "open_relay_listing", "sending_listing"),
        shelf.take("servers", "status"),
        shelf.take("addresses", "address"),
        said,
        shelf.take("lists"),
    )
    ended = finished_passes(marks)
    headline["questions_asked"], headline["packets_sent"] = questions, packets
    headline["started_at"] = _iso(min((s.started_us for s in archive.sittings()), default=0))
    headline["finished_at"] = _iso(max(ended.values())) if ended else None
    rechecks = [mark.marked_us for mark in marks if mark.kind == "recheck"]
    headline["rechecked_at"] = _iso(max(rechecks)) if rechecks else None
    headline["evidence_head"] = archive.head()
    if into is not None:
        _settle(shelf, headline, into)
    return Tables(shelf, headline)


def _aside(into: Path | None) -> Shelf:
    """Where tables lie while they are read: beside those that stand, which stay a whole run until the last is there."""
    if into is None:
        return Shelf()
    aside = into / "tables.new"
    # What a reading left that was stopped.
    shutil.rmtree(aside, ignore_errors=True)
    return Shelf(aside)


def _settle(shelf: Shelf, headline: Mapping[str, object], folder: Path) -> None:
    """Let the tables that were read, and their headline, take the place of those that stand; equal ones stay."""
    text = json.dumps(dict(headline), ensure_ascii=False, indent=2) + "\n"
    path = folder / "headline.json"
    changed = shelf.changed(folder / "tables")
    if changed or not path.is_file() or path.read_text(encoding="utf-8") != text:
        # Whoever is stopped from here on leaves tables without a headline: nobody takes a mixture for a run.
        path.unlink(missing_ok=True)
    shelf.settle(folder / "tables", changed)
    if not path.is_file():
        aside = path.with_suffix(".json.new")
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)


def _read_register(
    shelf: Shelf, folder: RunFolder, register: Register, opt_out: opt_outs.OptOuts, world: World
) -> tuple[pd.DataFrame, list[domains.Subject]]:
    """The bodies, and what is wrong in register and review; gives what `named_and_sought` does."""
    decided = review.read_review(folder.review_path, set(texts_of(register.bodies["code"])))
    shelf.put("bodies", register.bodies)
    shelf.put("problems", _with_problems(register.problems, decided))
    return named_and_sought(register, decided, opt_out, world.reserved)


def _read_mail(
    shelf: Shelf,
    named: pd.DataFrame,
    sought: Sequence[domains.Subject],
    exchanges: Exchanges,
    world: World,
    opt_out: opt_outs.OptOuts,
) -> None:
    """Domains, their mail servers, these servers' addresses and networks, and who sends for the domains."""
    of_bodies, candidates = domains.read(named, sought, exchanges, world.reserved)
    shelf.put("domains", of_bodies)
    shelf.put("candidates", candidates)
    asked = [domain for domain in texts_of(of_bodies["domain"]) if not opt_out.has_domain(domain)]
    reader = mail.Reader(exchanges, world.askable)
    shelf.put("mail_servers", frames("mail_servers", reader.mail_servers(asked)))
    shelf.put("addresses", frames("addresses", reader.addresses()))
    declared, policies = senders.read(asked, exchanges, world.askable, senders.shares(named))
    shelf.put("senders", declared)
    shelf.put("policies", policies())
    addresses = shelf.take("addresses", "address", "reason")
    known = addresses.loc[addresses["reason"].isna(), "address"].dropna()
    shelf.put("networks", networks.read(known, exchanges, world.asn_zones))


def _read_listings(
    shelf: Shelf,
    selected: Sequence[Blocklist],
    pairs: Pairs,
    exchanges: Exchanges,
    marks: Sequence[Mark],
    zones: Mapping[str, str],
    opt_out: opt_outs.OptOuts,
) -> None:
    """What the lists said of every address that receives or sends, and how the lists fared."""
    sending = senders.subjects(shelf.take("senders", "address", "is_own", "status", "reason"))
    receiving = shelf.take("addresses", "address", "reason")
    asked_about = pd.concat([receiving, pd.DataFrame(sending, columns=["address", "reason"], dtype="str")])
    said, lists = listings.read(
        selected,
        asked_about,
        pairs,
        exchanges,
        finished_rounds(marks),
        zones=zones,
        opted_out=frozenset(filter(opt_out.has_address, texts_of(asked_about["address"]))),
        over_limit=frozenset(str(mark.detail["zone"]) for mark in marks if mark.kind == "daily_limit"),
    )
    shelf.put("listings", said)
    shelf.put("lists", lists())


def _read_findings(
    shelf: Shelf, said: Mapping[str, standings.Standing], directory: operators.Directory, opt_out: opt_outs.OptOuts
) -> None:
    """Whose the servers are, and the finding of every body."""
    of_bodies = shelf.take("domains", "code", "domain", "confidence")
    servers = operators.read(
        shelf.take("bodies", "code", "in_scope"),
        # A domain in doubt says nothing about who uses a server.
        of_bodies.loc[of_bodies["confidence"].ne(Confidence.LOW)],
        shelf.take("mail_servers", "domain", "host", "target"),
        shelf.take("addresses", "host", "address", "status", "reason"),
        said,
        shelf.take("networks", "address", "ptr_confirmed", "asns", "as_names"),
        directory,
    )
    shelf.put("servers", servers)
    del of_bodies, servers
    found = findings.read(
        shelf.take("bodies", "code", "in_scope"),
        shelf.where,
        said,
        shelf.take("lists"),
        opt_out.has_domain,
    )
    shelf.put("findings", found)


def named_and_sought(
    register: Register, decided: review.Review, opt_out: opt_outs.OptOuts, reserved: domains.Reserved
) -> tuple[pd.DataFrame, list[domains.Subject]]:
    """The domains that people gave or reviewed, and the bodies whose domain is to be found among candidates."""
    named = decided.obey(register.domains)
    subjects = domains.subjects(
        register.bodies,
        named,
        register.candidates,
        denied=decided.denied(),
        opted_out=opt_out.has_domain,
        salt=register.sha256,
        reserved=reserved,
    )
    return named, subjects


def _with_problems(problems: pd.DataFrame, decided: review.Review) -> pd.DataFrame:
    if not decided.problems:
        return problems
    return pd.concat([problems, tables.frame("problems", decided.problems)], ignore_index=True)


def _iso(microseconds: int) -> str:
    return at(microseconds).isoformat(timespec="seconds")


def is_written(found: Tables, folder: Path) -> bool:
    """Whether just these tables, and this headline, stand under a folder already."""
    try:
        standing = load_tables(folder)
        same = (
            tables.to_arrow(name, standing.frames.take(name)).equals(tables.to_arrow(name, found.frames.take(name)))
            for name in TABLE_NAMES
        )
        return dict(standing.headline) == dict(found.headline) and all(same)
    except (RunError, KeyError, ValueError, pa.ArrowInvalid):
        return False


def load_tables(folder: Path) -> Tables:
    """The tables of a run as they were written; each is read when it is first wanted."""
    try:
        headline = json.loads((folder / "headline.json").read_text(encoding="utf-8"))
        shelf = Shelf(folder / "tables", TABLE_NAMES)
    except FileNotFoundError:
        lost = [name for name in TABLE_NAMES if not (folder / "tables" / f"{name}.parquet").exists()]
        raise RunError(
            f"a table is missing: {(*lost, 'headline.json')[0]}",
            where=str(folder),
            remedy="read the tables again with: python -m survey tables DIR",
            ja="表が足りません。python -m survey tables で読み直してください",
        ) from None
    except KeyError as error:
        raise RunError(
            f"a table was written by another version of the survey: {error.args[0]}",
            where=str(folder),
            remedy="read the tables again with: python -m survey tables DIR",
            ja="別の版の調査プログラムで書かれた表です。python -m survey tables で読み直してください",
        ) from None
    return Tables(shelf, headline)


def now() -> str:
    """This moment, aware, as ISO text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Which versions observe and read."""
    found = {}
    for package in ("dnspython", "pandas", "pyarrow", "openpyxl", "XlsxWriter", "matplotlib", "publicsuffixlist"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
