"""What the wire carries and the store keeps: questions, and exchanges.

An exchange is one attempt to have one question answered: the question, whom we asked and when, and the bytes that
came back (or that none came). In bulk it travels as a plain tuple, `Row`, in the order of `Row`'s fields; `Exchange`
is a view of one row for people: `show`, `why` and tests.

An exchange says nothing about what the answer *means*. The rooms read that, later, from the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA = 1, 2, 5, 6, 12, 15, 16, 28

ANSWERED = "answered"
"""A message that echoes our question came back. Its RCODE and content are the reader's business."""
TIMEOUT = "timeout"
"""Nothing that echoes our question came back in time."""
UNREACHABLE = "unreachable"
"""The network said no: port unreachable, no route, connection refused."""
TRUNCATED = "truncated"
"""The UDP answer had the TC bit; the same question follows over TCP."""

SURVEY_ROUND = 0
"""Questions of the survey itself. Rounds 1, 2, … are health rounds: the same test points, asked again each time."""
FIRST_RECHECK = 1_000
"""Passes 1, 2, … go over the whole register; rechecks of single bodies are numbered from here."""
CANARY = "nx-"
"""Names that do not exist begin so: whoever resolves one rewrites NXDOMAIN."""
RESOLVE_ROUND = -1
"""Questions about hosts that a permission names, asked for the relay dialogue: no table of the survey reads them."""
NO_QUESTION = 0
"""The type of an exchange that is no DNS question: a dialogue with a mail server, whose transport says so."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 2, 3, 4, 5


class Question(NamedTuple):
    """One DNS question: a presentation-format name in lower case, without final dot, and a type number."""

    name: str
    type: int


class Row(NamedTuple):
    """One exchange as it is stored, in this order; `id` and `sitting` are given by the store."""

    id: int
    sitting: int
    pass_number: int
    round: int
    name: str
    type: int
    server: str
    transport: str
    attempt: int
    outcome: str
    asked_us: int
    elapsed_us: int
    answer: bytes


WireRow = tuple[int, int, str, int, str, str, int, str, int, int, bytes]
"""A row as the wire delivers it: `Row` without `id` and `sitting`."""
BareRow = tuple[int, int, int, int, str, int, str, str, int, str, int, int, bytes]
"""A row as SQLite gives it: `Row` without names, for whoever looks at every row and keeps few."""
LeanRow = tuple[int, int, str, str, int, bytes]
"""Of a row that may deny an address: its id, pass, name, server, when it was asked, and its answer."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A view of one row, with units that people use."""

    evidence_id: str
    sitting: int
    pass_number: int
    round: int
    question: Question
    server: str
    transport: str
    attempt: int
    outcome: str
    asked_at: datetime
    elapsed_s: float
    answer: bytes

    @classmethod
    def of(cls, row: Row) -> Exchange:
        return cls(
            evidence_id=str(row.id),
            sitting=row.sitting,
            pass_number=row.pass_number,
            round=row.round,
            question=Question(row.name, row.type),
            server=row.server,
            transport=row.transport,
            attempt=row.attempt,
            outcome=row.outcome,
            asked_at=at(row.asked_us),
            elapsed_s=row.elapsed_us / 1e6,
            answer=row.answer,
        )


def at(microseconds: int) -> datetime:
    """The aware UTC time of a count of microseconds since 1970."""
    return _EPOCH + timedelta(0, 0, microseconds)


def is_usable(row: Row) -> bool:
    """Whether the answer says something: RCODE NOERROR or NXDOMAIN in a message that echoed the question."""
    return row.outcome == ANSWERED and len(row.answer) >= 12 and row.answer[3] & 15 in (NOERROR, NXDOMAIN)


class Exchanges:
    """Exchanges of one or more passes, found by question: per question and pass the one that counts.

    Within a pass an answer with NOERROR or NXDOMAIN counts before any other; otherwise the last attempt counts, which
    says how the silence looked. Health rounds are kept apart, by round, and in them each resolver's answers. What is no
    DNS question is left out.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._by_type: dict[int, dict[str, Row | list[Row]]] = defaultdict(dict)
        """Most questions are asked in one pass only: then the row itself stands here, and not a list of one."""
        self._rounds: dict[int, dict[tuple[str, int, str], Row]] = {}
        self.packets = 0
        """How many exchanges were added: attempts, each its own packet."""
        self.add(rows)

    def add(self, rows: Iterable[Row]) -> None:
        by_type = self._by_type
        for row in rows:
            if row.type == NO_QUESTION:
                continue
            self.packets += 1
            if row.round:
                place, at_key = self._rounds.setdefault(row.round, {}), (row.name, row.type, row.server)
                if (known := place.get(at_key)) is None or not is_usable(known):
                    place[at_key] = row
                continue
            by_name = by_type[row.type]
            found = by_name.get(row.name)
            by_name[row.name] = row if found is None else _joined(found, row)

    def passes(self, name: str, type_: int) -> Sequence[Row]:
        """The exchange that counts of each pass, in the order in which they were asked."""
        found = self._by_type[type_].get(name)
        return found if isinstance(found, list) else () if found is None else (found,)

    def latest(self, name: str, type_: int) -> Row | None:
        """The latest pass that has an answer; the latest silence when none has; None when never asked."""
        found = self._by_type[type_].get(name)
        if not isinstance(found, list):
            return found
        rows = self.passes(name, type_)
        return next((row for row in reversed(rows) if is_usable(row)), rows[-1])

    def questions(self) -> Iterator[Question]:
        """Every question of the survey itself that was asked."""
        return (Question(name, type_) for type_, by_name in self._by_type.items() for name in by_name)

    def has_asked(self, *types: int) -> bool:
        """Whether the survey itself asked any question of one of these types."""
        return any(map(self._by_type.get, types))

    def asked_n(self) -> int:
        """How many questions were asked, each once per pass, and once per health round."""
        asked = sum(
            len(rows) if isinstance(rows, list) else 1 for names in self._by_type.values() for rows in names.values()
        )
        tested = {
            (number, row.pass_number, *key[:2]) for number, place in self._rounds.items() for key, row in place.items()
        }
        return asked + len(tested)

    def forget_survey(self) -> None:
        """Let go of everything but the health rounds."""
        self._by_type.clear()

    def rounds(self) -> list[int]:
        """The numbers of the health rounds, in order."""
        return sorted(self._rounds)

    def in_round_all(self, number: int) -> Iterator[Row]:
        """Every exchange of one health round that counts."""
        return iter(self._rounds.get(number, {}).values())


def _joined(found: Row | list[Row], row: Row) -> Row | list[Row]:
    """What counts of one question, with one more row."""
    rows = passes_of([*found, row] if isinstance(found, list) else [found, row])
    return rows if len(rows) > 1 else rows[0]


def passes_of(rows: Iterable[Row]) -> list[Row]:
    """What counts of one question's exchanges, given in the order in which they were kept; as it was asked.

    Per pass the first usable answer, or else the last silence.
    """
    found: dict[int, Row] = {}
    for row in rows:
        if (known := found.get(row.pass_number)) is None or not is_usable(known):
            found[row.pass_number] = row
    return sorted(found.values(), key=lambda row: (row.asked_us, row.pass_number))
