"""Reading: every table of a run, from its evidence and nothing else.

The whole reading half of the house: it needs no network, changes nothing, and gives the same tables for the same folder
on any machine. What is committed can be taken in portions while others still observe (`look`); the tables are the same.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

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
)
from .calm import uninterrupted
from .catalogue import Blocklist, load_selection
from .dossiers import Dossiers
from .errors import EvidenceError
from .evidence import Archive, Mark
from .exchanges import NO_QUESTION, RESOLVE_ROUND, SURVEY_ROUND, Exchanges, at, is_usable
from .frames import bundles, frame, texts_of
from .pairs import FEW, Pairs, split
from .register import Register, load_register
from .runs import RELAY_TABLES, RunFolder, Tables, finished_passes, finished_rounds, liars, trusted_where
from .shelf import Shelf
from .worlds import World

_PORTION, _REST_MOST = 8_000, 100_000
"""Exchanges that one look takes at most; and that are taken in the end, for more are read anew, and packed."""
_ASIDE = "tables.new"
"""Where tables lie that are not finished."""
_WANTED = f"type <> {NO_QUESTION} AND round <> {RESOLVE_ROUND}"


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
    return Reading(folder, world, rules=rules, directory=directory, register=register, into=into).tables()


class Reading:
    """One reading of a run; what its arguments are says `read_tables`."""

    def __init__(
        self,
        folder: RunFolder,
        world: World,
        *,
        rules: Sequence[Blocklist] | None = None,
        directory: operators.Directory | None = None,
        register: Register | None = None,
        into: Path | None = None,
    ) -> None:
        self._folder, self._world, self._into = folder, world, into
        self._directory, self._register = directory, register
        self._selected = list(rules) if rules is not None else list(load_selection(folder.lists_path))
        stored = folder.settings().get("stored_zones")
        self._stored = {str(k): str(v) for k, v in stored.items()} if isinstance(stored, dict) else {}
        self._zones = {self._stored.get(one.zone, one.zone) for one in self._selected}
        self._shelf = _aside(into)
        self._pairs, self._exchanges = Pairs(self._zones), Exchanges()
        self._last = 0
        """The evidence id up to which exchanges were taken ahead."""
        self._names_n = 0
        """How many of them the rooms of names read."""
        self._basis: object = None
        """What the rooms of names were last read from."""
        self._known: tuple[operators.Use, Dossiers] | None = None
        """What servers and findings need of names; not where there is so much that it should not be held meanwhile."""
        self.seems_named = False
        """Whether only lists had something to say lately: nothing that leads to names may be open any more."""

    @property
    def is_large(self) -> bool:
        """Whether there is so much that it should be packed, and so be taken at once."""
        return self._exchanges.packets > FEW

    def look(self) -> int:
        """Take what was committed since the last look, but not too much at once; by how many ids that went on.

        Nothing where nobody has begun to write yet, or where several write.
        """
        try:
            archive = Archive(self._folder.path, is_growing=True)
            newest = archive.newest()
        except (EvidenceError, sqlite3.Error):
            return 0
        if len(archive.paths) > 1 or newest <= self._last:
            return 0
        return self._take(archive, min(newest, self._last + _PORTION))

    def _take(self, archive: Archive, newest: int) -> int:
        others = list(self._pairs.draw(archive, f"{_WANTED} AND id > {self._last} AND id <= {newest}"))
        self._exchanges.add(others)
        names = [row for row in others if row.round == SURVEY_ROUND]
        self._names_n += len(names)
        if self._names_n <= answers.REMEMBERED:
            # What messages say is remembered until names are read: then less is left to be done.
            for row in names:
                if is_usable(row) and row.answer[6:8] != b"\0\0":
                    answers.said(row.answer, row.name, row.type)
        self.seems_named = bool(self._names_n and not names)
        count, self._last = newest - self._last, newest
        return count

    def read_names(self) -> None:
        """Read the rooms of names, from the register to networks; not again when nothing was said meanwhile."""
        folder, opt_out_path = self._folder, self._folder.opt_out_path
        paths = folder.review_path, opt_out_path, folder.operators_path
        files = [path.read_bytes() if path.exists() else b"" for path in paths]
        basis = (self._names_n, files)
        if basis == self._basis:
            return
        opt_out = self._opt_outs()
        register = self._register or load_register(folder.register_path)
        named, sought = _read_register(self._shelf, folder, register, opt_out, self._world)
        del register
        _read_mail(self._shelf, named, sought, self._exchanges, self._world, opt_out)
        codes = self._shelf.take("bodies", "code")["code"]
        self._known = None if self.is_large else (self._use(), Dossiers(codes, self._shelf.where))
        self._basis = basis

    def _use(self) -> operators.Use:
        """Who uses and runs the servers, by names."""
        directory = self._directory or operators.load_directory(self._folder.operators_path)
        return operators.Use.of(self._shelf.take, directory)

    def _read_findings(self, said: Mapping[str, standings.Standing], opt_out: opt_outs.OptOuts) -> None:
        """Whose the servers are, and the finding of every body."""
        shelf = self._shelf
        use, dossiers = self._known or (self._use(), None)
        self._known = None
        shelf.put("servers", use.servers(said))
        del use
        bodies, lists = shelf.take("bodies", "code", "in_scope"), shelf.take("lists")
        shelf.put("findings", findings.read(bodies, shelf.where, said, lists, opt_out.has_domain, dossiers))

    @uninterrupted()
    def tables(self) -> Tables:
        """Take what was not taken yet, and read every table."""
        folder, shelf = self._folder, self._shelf
        if self._into is not None:
            published.protect(self._into)
        archive = Archive(folder.path)
        marks = archive.marks()
        if self._has_all(archive):
            self._pairs.settled()
        else:
            self._pairs, self._exchanges = split(archive, trusted_where(archive, _WANTED), self._zones)
            self._basis = None
        opt_out = self._opt_outs()
        self.read_names()
        self._register = None
        pairs, exchanges = self._pairs, self._exchanges
        questions, packets = exchanges.asked_n() + pairs.asked_n(), exchanges.packets + pairs.packets_n()
        if self.is_large:
            answers.forget()
        exchanges.forget_survey()
        _read_listings(shelf, self._selected, pairs, exchanges, marks, self._stored, opt_out)
        self._pairs, self._exchanges = Pairs(()), Exchanges()
        del pairs, exchanges
        said = standings.read(shelf.arrow_parts("listings", *standings.COLUMNS), shelf.take("lists"))
        self._read_findings(said, opt_out)
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
        if self._into is not None:
            _settle(shelf, headline, self._into)
        return Tables(shelf, headline)

    def _has_all(self, archive: Archive) -> bool:
        """Take the rest of what was looked at; whether that is everything, and nothing of it must be forgotten."""
        newest = archive.newest()
        if not self._last or newest - self._last > _REST_MOST or len(archive.paths) > 1 or liars(archive):
            return False
        while self._last < newest:
            self._take(archive, min(newest, self._last + _PORTION))
        taken = self._pairs.packets_n() + self._exchanges.packets
        return not self.is_large and taken == archive.count(_WANTED)

    def _opt_outs(self) -> opt_outs.OptOuts:
        path = self._folder.opt_out_path
        return opt_outs.load(path) if path.exists() else opt_outs.OptOuts()


def _aside(into: Path | None) -> Shelf:
    """Where tables lie while they are read: beside those that stand, which stay a whole run until the last is there."""
    if into is None:
        return Shelf()
    discard(into)
    return Shelf(into / _ASIDE)


def discard(folder: Path) -> None:
    """Remove what a reading left that was stopped."""
    shutil.rmtree(folder / _ASIDE, ignore_errors=True)


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
    shelf.put("mail_servers", bundles("mail_servers", reader.mail_servers(asked)))
    shelf.put("addresses", bundles("addresses", reader.addresses()))
    declared, policies = senders.read(asked, exchanges, world.askable, senders.shares(named))
    shelf.put("senders", declared)
    shelf.put("policies", policies())
    addresses = shelf.take("addresses", "address", "reason")
    known = texts_of(addresses.loc[addresses["reason"].isna(), "address"])
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
    return pd.concat([problems, frame("problems", decided.problems)], ignore_index=True)


def _iso(microseconds: int) -> str:
    return at(microseconds).isoformat(timespec="seconds")
