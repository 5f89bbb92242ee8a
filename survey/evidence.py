"""The evidence of a run, for reading: every exchange as it happened, and whether anything of it was altered.

`keeping` tells how it is kept. Several files (`evidence*.sqlite`) of one run are read as one: each shard's ids start at
a multiple of 2**40.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from .errors import EvidenceError
from .exchanges import ANSWERED, SURVEY_ROUND, A, BareRow, LeanRow, Row, at
from .keeping import SHARD, digest_of, encoded

_AT_ONCE = 256
"""So many rows are fetched together: going to and fro between SQLite and Python for each takes longer."""
_MAY_DENY = f"round = {SURVEY_ROUND} AND type = {A} AND outcome = '{ANSWERED}' AND substr(answer, 5, 4) = x'00010000'"
"""Answers to the survey's own questions about addresses (A) that hold one question and no record (octets 5 to 8)."""


class Mark(NamedTuple):
    """Something that happened to the survey itself: a pass or a health round finished."""

    kind: str
    detail: dict[str, object]
    marked_us: int


class Sitting(NamedTuple):
    """One process that observed: when it began, which version it was, what it was told to do."""

    id: int
    started_us: int
    tool: str
    settings: dict[str, object]


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` saw: the head of the chain, how much it seals, and everything that does not fit."""

    head: str
    exchanges: int
    batches: int
    faults: tuple[str, ...]

    @property
    def is_unaltered(self) -> bool:
        return not self.faults


def shards(folder: Path) -> list[Path]:
    """The evidence files of a run folder, in order."""
    found = sorted(folder.glob("evidence*.sqlite"))
    if not found:
        raise EvidenceError(
            "no evidence in this folder",
            where=str(folder),
            remedy="name a run folder, or make one with: python -m survey collect",
            ja="このフォルダーには証拠ファイルがありません",
        )
    return found


def _connect(path: Path, is_growing: bool = False) -> sqlite3.Connection:
    """A connection for reading; a folder that cannot be written to is read all the same, if nobody else writes."""
    address = path.resolve().as_uri()
    for mode in ("mode=ro",) if is_growing else ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"{address}?{mode}", uri=True)
        try:
            connection.execute("SELECT count(*) FROM sittings").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            continue
        except sqlite3.DatabaseError as error:
            connection.close()
            raise EvidenceError(
                f"this file is not evidence: {error}",
                where=str(path),
                remedy="restore the file from a copy of the run folder",
                ja="証拠ファイルとして読めません。実行フォルダーの控えから復元してください",
            ) from error
        return connection
    raise EvidenceError(
        "the evidence cannot be opened", where=str(path), remedy="is it a file of this survey?", ja="証拠を開けません"
    )


class Archive:
    """The evidence of a run, for reading: all shards as one. `is_growing`: while a keeper may still write."""

    def __init__(self, folder: Path, *, is_growing: bool = False) -> None:
        self.paths, self._is_growing = shards(folder), is_growing

    def rows(self, where: str = "true") -> Iterator[Row]:
        """Every exchange, in the order in which it was kept; only those that an SQL condition of ours wants."""
        for path in self.paths:
            with closing(self._open(path)) as connection:
                query = f"SELECT * FROM exchanges WHERE {where} ORDER BY id"  # noqa: S608 - no stranger writes it
                yield from map(Row._make, _fetched(connection.execute(query)))

    def sifted(self, where: str, sift: Callable[[Iterator[LeanRow]], Sequence[int]]) -> Iterator[BareRow]:
        """The same, but without denials of addresses that `sift` keeps; it gives the ids of those that it does not.

        Most exchanges of a run are such denials, and every column of a row costs time: of what may be one, only what
        `sift` needs is fetched at first. What is appended meanwhile is left for another time.
        """
        for path in self.paths:
            with closing(self._open(path)) as connection:
                last = connection.execute("SELECT coalesce(max(id), 0) FROM exchanges").fetchone()[0]
                some = f"FROM exchanges WHERE ({where}) AND id <= {last} AND"
                among = "IN (SELECT value FROM json_each(?))"
                lean = f"SELECT id, pass_number, name, server, asked_us, answer {some} {_MAY_DENY} ORDER BY id"
                left = json.dumps(list(sift(_fetched(connection.execute(lean)))))
                whole = f"SELECT * {some} (({_MAY_DENY}) IS NOT TRUE OR id {among}) ORDER BY id"
                yield from _fetched(connection.execute(whole, (left,)))

    def newest(self) -> int:
        """The id of the last exchange; 0 where there is none."""
        found = 0
        for path in self.paths:
            with closing(self._open(path)) as connection:
                found = connection.execute("SELECT max(id) FROM exchanges").fetchone()[0] or found
        return int(found)

    def count(self, where: str) -> int:
        """How many exchanges an SQL condition of ours wants."""
        found = 0
        for path in self.paths:
            with closing(self._open(path)) as connection:
                found += connection.execute(f"SELECT count(*) FROM exchanges WHERE {where}").fetchone()[0]  # noqa: S608
        return found

    def _open(self, path: Path) -> sqlite3.Connection:
        return _connect(path, self._is_growing)

    def row(self, evidence_id: str) -> Row:
        """The exchange with this evidence id."""
        if evidence_id.isascii() and evidence_id.isdigit() and len(evidence_id) < 19:
            for path in self.paths:
                with closing(self._open(path)) as connection:
                    found = connection.execute("SELECT * FROM exchanges WHERE id = ?", (int(evidence_id),)).fetchone()
                    if found:
                        return Row._make(found)
        raise EvidenceError(
            f"no evidence has the id {evidence_id[:40]!r}",
            where=str(self.paths[0].parent),
            remedy="take the id from a column evidence_id or evidence_ids of this run's tables",
            ja="この証拠番号は見つかりません",
        )

    def marks(self) -> list[Mark]:
        """Every mark, in order."""
        found: list[Mark] = []
        for path in self.paths:
            with closing(self._open(path)) as connection:
                rows = connection.execute("SELECT kind, detail, marked_us FROM marks ORDER BY id")
                found += [Mark(kind, json.loads(detail), when) for kind, detail, when in rows]
        return found

    def sittings(self) -> list[Sitting]:
        """Every sitting, in order."""
        found: list[Sitting] = []
        for path in self.paths:
            with closing(self._open(path)) as connection:
                rows = connection.execute("SELECT id, started_us, tool, settings FROM sittings ORDER BY id")
                found += [Sitting(number, when, tool, json.loads(settings)) for number, when, tool, settings in rows]
        return found

    def head(self) -> str:
        """The head of the hash chain, in hexadecimal; of several shards, the digest of their heads."""
        heads = []
        for path in self.paths:
            with closing(self._open(path)) as connection:
                found = connection.execute("SELECT digest FROM batches ORDER BY id DESC LIMIT 1").fetchone()
                heads.append(found[0] if found else b"")
        return _joined(heads)

    def verify(self, head: str | None = None) -> Verification:
        """Compute the whole chain again and say everything that does not fit; `head` is what was printed before."""
        heads, exchanges, batches, faults = [], 0, 0, []
        for path in self.paths:
            with closing(self._open(path)) as connection:
                one, kept, sealed, found = _verify(connection)
            heads.append(one)
            exchanges, batches = exchanges + kept, batches + sealed
            faults += [f"{path.name}: {fault}" for fault in found]
        whole = _joined(heads)
        if head is not None and head.lower() != whole:
            faults.append(f"the head of the chain is {whole}, not {head}")
        return Verification(whole, exchanges, batches, tuple(faults))


def _fetched(cursor: sqlite3.Cursor) -> Iterator[Any]:
    """All rows of a query, in their order."""
    return itertools.chain.from_iterable(iter(partial(cursor.fetchmany, _AT_ONCE), []))


def _joined(heads: Sequence[bytes]) -> str:
    return heads[0].hex() if len(heads) == 1 else hashlib.sha256(b"".join(heads)).hexdigest()


def _verify(connection: sqlite3.Connection) -> tuple[bytes, int, int, list[str]]:
    faults: list[str] = []
    sittings = {row[0]: row for row in connection.execute("SELECT * FROM sittings ORDER BY id")}
    marks = connection.execute("SELECT * FROM marks ORDER BY id").fetchall()
    cursor = connection.execute("SELECT * FROM exchanges ORDER BY id")
    previous, mark_at, exchanges, batches = b"", 0, 0, 0
    pending = cursor.fetchone()
    expected = _base(connection) + 1
    for number, sitting, last_exchange, last_mark, sealed_us, digest in connection.execute(
        "SELECT id, sitting, last_exchange, last_mark, sealed_us, digest FROM batches ORDER BY id"
    ):
        batches += 1
        rows: list[tuple[object, ...]] = []
        while pending is not None and pending[0] <= last_exchange:
            if pending[0] != expected:
                faults.append(f"exchanges {expected} to {pending[0] - 1} are missing")
            expected = pending[0] + 1
            rows.append(pending)
            pending = cursor.fetchone()
        sealed = []
        while mark_at < len(marks) and marks[mark_at][0] <= last_mark:
            sealed.append(marks[mark_at])
            mark_at += 1
        exchanges += len(rows)
        try:
            if sitting not in sittings:
                raise ValueError(f"sitting {sitting} is missing")
            found = digest_of(previous, sittings[sitting], [encoded(rows)], sealed, sealed_us)
        except (ValueError, TypeError, AttributeError, struct.error) as error:
            faults.append(f"batch {number} cannot be read: {error}")
            found = b""
        if found != digest:
            faults.append(f"batch {number}, sealed at {at(sealed_us):%Y-%m-%d %H:%M:%S} UTC, was altered")
        previous = digest
    loose = (pending is not None) + len(cursor.fetchall())
    if loose:
        faults.append(f"{loose} exchanges after the last seal")
    if mark_at < len(marks):
        faults.append(f"{len(marks) - mark_at} marks after the last seal")
    return previous, exchanges, batches, faults


def _base(connection: sqlite3.Connection) -> int:
    """The number below this shard's first id."""
    first = connection.execute("SELECT min(id) FROM exchanges").fetchone()[0]
    return (first or 0) // SHARD * SHARD
