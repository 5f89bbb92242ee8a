"""The domains room: which of a body's candidate domains is its mail domain, as far as DNS can say.

`Subject.needs` asks, in stages so that few questions go out: the MX of the likeliest candidates; of those that have one
the SOA, and the MX of a random label beside the name and, where anybody could hold the name, below it. The next
candidates follow only when none of the earlier ones takes mail. `Subject.assess` reads the answers. Both are pure. A
candidate is rejected when there is no such name, it has no MX, a null MX, only a wildcard's MX, it is parked, the
register names it for another body, or a person said no. A question without an answer makes it *silent*, never absent.

The first that takes mail is chosen. Confidence: *high* for what a person gave or reviewed, and for a chosen name that
is kept for governments; *medium* for a name that the body's website bears, and where no SOA was heard; *low* for a
guess that anybody could hold, for a choice below a silent candidate, and for one that is another body's domain too:
that a name is kept for governments does not say for which. A domain that we guessed proves nothing about its owner:
what is low goes to a person and decides nobody's status.

Rules: RFC 5321 §5.1 (MX), RFC 7505 (null MX), RFC 4592 (wildcards), RFC 1035 §3.3.13 (SOA).
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from .answers import chain, reason, word
from .exchanges import MX, SOA, Exchanges, Question, Row
from .frames import frame, joined, rows_of, texts_of
from .messages import decode
from .names import Malformed
from .tables import Candidacy, Confidence, Dns

STAGE = 4
"""Candidates whose MX is asked at a time."""
_PARKING = Path(__file__).resolve().parent.parent / "data" / "parking.csv"
Reserved = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Assessed:
    """One candidate as the answers show it. `takes_mail` may still be outranked by a likelier one."""

    rank: int
    domain: str
    basis: str
    status: Candidacy
    reason: str | None
    has_soa: bool
    evidence: tuple[str, ...]

    @property
    def takes_mail(self) -> bool:
        return self.status is Candidacy.CHOSEN


@dataclass(frozen=True, slots=True)
class Subject:
    """One body whose mail domain nobody gave: its candidates in their order, and what speaks against some of them."""

    code: str
    candidates: tuple[tuple[int, str, str], ...]
    """(rank, domain, basis)"""
    source_row: int | None
    against: Mapping[str, str]
    """Domains that are not asked about, with the reason: denied, other_body, opted_out."""
    salt: str
    reserved: Reserved
    settled: frozenset[str] = frozenset()
    """Domains that a person said yes to: nothing more is asked."""
    opted_out: str | None = None
    """A domain that is this body's alone and whose owner opted out: nothing of the body is asked about."""

    def stages(self) -> list[tuple[str, ...]]:
        """The candidates that may be asked about, a few at a time, the likeliest first."""
        if self.settled or self.opted_out:
            return []
        open_ = [domain for _, domain, _ in self.candidates if domain not in self.against]
        return [tuple(open_[place : place + STAGE]) for place in range(0, len(open_), STAGE)]

    def needs(self, stage: Iterable[str], known: Exchanges) -> Collection[Question]:
        """Every question about the candidates of one stage, answered or not, as far as the answers lead."""
        wanted: list[Question] = []
        for domain in stage:
            wanted.append(Question(domain, MX))
            row = known.latest(domain, MX)
            if row is not None and _exchangers(row) not in ((), (".",)):
                wanted += [Question(domain, SOA), Question(self.beside(domain), MX)]
                if not self.reserved(domain):
                    wanted.append(Question(self.below(domain), MX))
        return wanted

    def choice(self, known: Exchanges) -> Assessed | None:
        """The likeliest candidate that takes mail; none where a person decided, or an owner opted out."""
        if self.settled or self.opted_out:
            return None
        return next((one for one in self.assess(known) if one.takes_mail), None)

    def assess(self, known: Exchanges) -> list[Assessed]:
        """Every candidate in its order, as the answers show it; the first that takes mail is the choice."""
        return [self._assess(rank, domain, basis, known) for rank, domain, basis in self.candidates]

    def beside(self, domain: str) -> str:
        """A name beside a domain that cannot exist, unless a wildcard answers for everything there."""
        return f"{self._label(domain)}.{domain.partition('.')[2]}"

    def below(self, domain: str) -> str:
        """A name below a domain that cannot exist, unless a wildcard answers for everything there."""
        return f"{self._label(domain)}.{domain}"

    def _label(self, domain: str) -> str:
        return f"x{hashlib.sha256(f'{self.salt}/{domain}'.encode()).hexdigest()[:20]}"

    def _assess(self, rank: int, domain: str, basis: str, known: Exchanges) -> Assessed:
        status, why, rows = self._judge(domain, known)
        soa = known.latest(domain, SOA)
        has_soa = soa is not None and word(soa, domain, SOA) is Dns.PRESENT
        evidence = tuple(dict.fromkeys(str(row.id) for row in rows))
        return Assessed(rank, domain, basis, status, why, has_soa, evidence)

    def _judge(self, domain: str, known: Exchanges) -> tuple[Candidacy, str | None, list[Row]]:
        if domain in self.against:
            is_asked = self.against[domain] != "opted_out"
            return Candidacy.REJECTED if is_asked else Candidacy.NOT_ASKED, self.against[domain], []
        row = known.latest(domain, MX)
        status = word(row, domain, MX)
        if row is None or status is Dns.NOT_ASKED:
            return Candidacy.NOT_ASKED, None, []
        if status is Dns.SILENT:
            return Candidacy.SILENT, reason(row), [row]
        if status is Dns.ABSENT:
            return Candidacy.REJECTED, "nxdomain" if reason(row) == "nxdomain" else "no_mx", [row]
        exchangers = _exchangers(row)
        if exchangers == (".",):
            return Candidacy.REJECTED, "null_mx", [row]
        soa = known.latest(domain, SOA)
        rows = [row, *([soa] if soa is not None else [])]
        if any(_is_parked(name) for name in (*exchangers, *_primary(soa))):
            return Candidacy.REJECTED, "parked", rows
        has_zone = word(soa, domain, SOA)
        names = [(self.beside(domain), "wildcard")]
        if not self.reserved(domain):
            names.append((self.below(domain), "parked"))
        for name, why in names:
            random = known.latest(name, MX)
            if random is None or word(random, name, MX) is Dns.SILENT:
                return Candidacy.SILENT, "wildcard_not_known", [*rows, *([random] if random is not None else [])]
            rows.append(random)
            found = _exchangers(random)
            if found == exchangers or (found and has_zone is Dns.ABSENT):
                return Candidacy.REJECTED, why, rows
            if found and has_zone is not Dns.PRESENT:
                return Candidacy.SILENT, "wildcard_not_known", rows
            # A name with a zone of its own is there, whatever a wildcard says with another MX.
        if not self.reserved(domain) and has_zone not in (Dns.PRESENT, Dns.ABSENT):
            return Candidacy.SILENT, "parking_not_known", rows
        return Candidacy.CHOSEN, None, rows


def subjects(
    bodies: pd.DataFrame,
    domains: pd.DataFrame,
    candidates: pd.DataFrame,
    *,
    denied: Mapping[str, frozenset[str]],
    opted_out: Callable[[str], bool],
    salt: str,
    reserved: Reserved,
) -> list[Subject]:
    """The bodies in scope that have candidates and no given domain, one each.

    `domains` holds the given and reviewed ones; `denied` what people said no to, per body.
    """
    if candidates.empty:
        return []
    has_given = set[str]()
    reviewed: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for code, domain, basis in rows_of(domains, "code", "domain", "basis"):
        owners[domain].add(code)
        if basis == "given":
            has_given.add(code)
        elif basis == "reviewed":
            reviewed[code].add(domain)
    wanted_by = Counter(candidates["domain"].to_numpy(dtype=object))
    in_scope = {code for code, is_in in rows_of(bodies, "code", "in_scope") if is_in}
    named = candidates.loc[candidates["basis"].eq("website")]
    for code, domain in rows_of(named, "code", "domain"):
        owners[domain].add(code)
    found = []
    for key, rows in candidates.groupby("code", sort=False):
        code = str(key)
        if code in has_given or code not in in_scope:
            continue
        ordered = rows.sort_values("rank")
        entries = tuple(
            (int(rank), str(domain), str(basis))
            for rank, domain, basis in zip(ordered["rank"], ordered["domain"], ordered["basis"], strict=True)
        )
        against = {}
        for _, domain, basis in entries:
            if domain in denied.get(code, ()):
                against[domain] = "denied"
            elif opted_out(domain):
                against[domain] = "opted_out"
            elif basis == "convention" and owners.get(domain, {code}) != {code}:
                against[domain] = "other_body"
        out = (
            domain
            for _, domain, basis in entries
            if against.get(domain) == "opted_out"
            and wanted_by[domain] == 1
            and (basis == "website" or reserved(domain))
        )
        row = ordered["source_row"].iloc[0]
        place = None if pd.isna(row) else int(row)
        settled = frozenset(reviewed.get(code, ()))
        found.append(Subject(code, entries, place, against, salt, reserved, settled, next(out, None)))
    return found


def read(
    known_domains: pd.DataFrame, asked: Iterable[Subject], exchanges: Exchanges, reserved: Reserved
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `domains` and `candidates`.

    `known_domains`, itself such a table, holds the given and reviewed ones: they come first, and stay as they are.
    Every candidate of every subject has its row.
    """
    rows: list[tuple[object, ...]] = []
    sought = list(asked)
    choices = {subject.code: subject.choice(exchanges) for subject in sought}
    holders: dict[str, set[str]] = defaultdict(set)
    if sought:
        for code, domain in rows_of(known_domains, "code", "domain"):
            holders[domain].add(code)
    for code, choice in choices.items():
        if choice is not None:
            holders[choice.domain].add(code)
    entries: list[tuple[object, ...]] = []
    for subject in sought:
        code, choice, found = subject.code, choices[subject.code], subject.assess(exchanges)
        best = {choice.domain} if choice is not None else subject.settled
        for one in found:
            status = one.status
            if one.domain in best:
                status = Candidacy.CHOSEN
            elif one.takes_mail:
                status = Candidacy.OUTRANKED
            place = (code, one.rank, one.domain, one.basis)
            entries.append((*place, status, one.reason, subject.source_row, list(one.evidence)))
            if one.domain == subject.opted_out:
                written = (one.domain, subject.source_row)
                kept = reserved(one.domain)
                rows.append((code, one.domain, one.basis, *written, Confidence.MEDIUM, kept, False, [], []))
        if choice is not None:
            doubts = _doubts(choice, found, len(holders[choice.domain]) > 1, reserved(choice.domain))
            confidence = _confidence(choice, doubts)
            is_kept = reserved(choice.domain)
            printable = is_kept and confidence is not Confidence.LOW
            given = (code, choice.domain, choice.basis, choice.domain, subject.source_row)
            rows.append((*given, confidence, is_kept, printable, doubts, list(choice.evidence)))
    told = _told(known_domains, reserved)
    return joined("domains", [told, frame("domains", rows)]) if rows else told, frame("candidates", entries)


def _told(domains: pd.DataFrame, reserved: Reserved) -> pd.DataFrame:
    """The rows of domains that people gave or reviewed, by column: nothing was asked to find them."""
    nothing: list[list[str]] = [[]] * len(domains)
    return domains.reset_index(drop=True).assign(
        confidence=pd.Series([Confidence.HIGH] * len(domains), dtype="str"),
        is_reserved=pd.array(list(map(reserved, texts_of(domains["domain"]))), dtype="boolean"),
        is_printable=pd.array([True] * len(domains), dtype="boolean"),
        doubts=pd.Series(nothing, dtype="object"),
        evidence_ids=pd.Series(nothing, dtype="object"),
    )


def _doubts(choice: Assessed, found: Iterable[Assessed], is_shared: bool, is_kept: bool) -> list[str]:
    doubts = []
    if any(one.rank < choice.rank and one.status is Candidacy.SILENT for one in found):
        doubts.append("better_silent")
    if is_shared:
        doubts.append("guessed_twice")
    if not is_kept:
        doubts.append("anybodys_name")
    if not choice.has_soa:
        doubts.append("no_soa")
    return doubts


def _confidence(choice: Assessed, doubts: Collection[str]) -> Confidence:
    if {"better_silent", "guessed_twice"} & set(doubts) or ("anybodys_name" in doubts and choice.basis == "convention"):
        return Confidence.LOW
    return Confidence.MEDIUM if doubts else Confidence.HIGH


def _exchangers(row: Row) -> tuple[str, ...]:
    """The mail exchangers of an MX answer, each once, in order; (".",) for a null MX; nothing when there are none."""
    try:
        records = chain(decode(row.answer), row.name, MX)[1]
    except Malformed:
        return ()
    hosts = {str(record.value[1]) for record in records if isinstance(record.value, tuple)}
    return tuple(sorted(hosts - {"."} or hosts))


def _primary(row: Row | None) -> list[str]:
    """The primary name server and the mailbox that an SOA answer names."""
    if row is None or word(row, row.name, SOA) is not Dns.PRESENT:
        return []
    return [name for record in chain(decode(row.answer), row.name, SOA)[1] for name in str(record.value).split()]


@cache
def _parking() -> frozenset[str]:
    with _PARKING.open(encoding="utf-8", newline="") as file:
        return frozenset(row["suffix"] for row in csv.DictReader(file))


def _is_parked(host: str) -> bool:
    """Whether a host belongs to a service that holds parked names (data/parking.csv)."""
    labels = host.split(".")
    return any(".".join(labels[place:]) in _parking() for place in range(len(labels)))
