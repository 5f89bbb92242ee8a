"""The append-only store: every exchange as it happened, sealed in batches by a hash chain.

One SQLite file holds the sittings (one per process that observed), the exchanges, the marks (a pass finished, a health
round finished), and the batches that seal them: the digest of a batch is the SHA-256 of the previous digest, the
sitting, and every field of every exchange and mark in it. So nothing can be changed, left out in the middle, or put in
later without `verify` finding it; cutting off the end is found by comparing with a head that was printed or published.

The store itself refuses UPDATE, DELETE and any INSERT that does not come after the last row, which is also how
`INSERT OR REPLACE` is refused: REPLACE fires no delete trigger (sqlite.org, lang_conflict), but it inserts an old id.

While it is written the file is in WAL mode, committed and synced at least once a second by a thread of its own; when
it is closed it is one checkpointed file. Several files (`evidence*.sqlite`) of one run are read as one: each shard's
ids start at a multiple of 2**40.
"""

from __future__ import annotations

import hashlib
import json
import queue
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from .errors import EvidenceError
from .exchanges import Row, WireRow, at

SHARD = 1 << 40
_COMMIT_S = 0.5
_COMMIT_ROWS = 20_000
_NUMBERS = struct.Struct("<10q")

_SCHEMA = """
CREATE TABLE sittings (id INTEGER PRIMARY KEY, started_us INTEGER NOT NULL, tool TEXT NOT NULL, settings TEXT NOT NULL);
CREATE TABLE exchanges (
  id INTEGER PRIMARY KEY, sitting INTEGER NOT NULL, pass_number INTEGER NOT NULL, round INTEGER NOT NULL,
  name TEXT NOT NULL, type INTEGER NOT NULL, server TEXT NOT NULL, transport TEXT NOT NULL, attempt INTEGER NOT NULL,
  outcome TEXT NOT NULL, asked_us INTEGER NOT NULL, elapsed_us INTEGER NOT NULL, answer BLOB NOT NULL);
CREATE TABLE marks (id INTEGER PRIMARY KEY, sitting INTEGER NOT NULL, marked_us INTEGER NOT NULL,
  kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE batches (id INTEGER PRIMARY KEY, sitting INTEGER NOT NULL, last_exchange INTEGER NOT NULL,
  last_mark INTEGER NOT NULL, sealed_us INTEGER NOT NULL, digest BLOB NOT NULL);
"""
_GUARD = """
CREATE TRIGGER {t}_kept BEFORE UPDATE ON {t} BEGIN SELECT RAISE(ABORT, 'evidence is never rewritten'); END;
CREATE TRIGGER {t}_whole BEFORE DELETE ON {t} BEGIN SELECT RAISE(ABORT, 'evidence is never deleted'); END;
CREATE TRIGGER {t}_after BEFORE INSERT ON {t} WHEN NEW.id <= (SELECT coalesce(max(id), {base}) FROM {t})
  BEGIN SELECT RAISE(ABORT, 'evidence is only appended'); END;
"""


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


def _connect(path: Path) -> sqlite3.Connection:
    """A connection for reading; a folder that cannot be written to is read all the same."""
    address = path.resolve().as_uri()
    for mode in ("mode=ro", "mode=ro&immutable=1"):
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
    """The evidence of a run, for reading: all shards as one."""

    def __init__(self, folder: Path) -> None:
        self.paths = shards(folder)

    def rows(self, where: str = "true") -> Iterator[Row]:
        """Every exchange, in the order in which it was kept; only those that an SQL condition of ours wants."""
        for path in self.paths:
            with closing(_connect(path)) as connection:
                query = f"SELECT * FROM exchanges WHERE {where} ORDER BY id"  # noqa: S608 - no stranger writes it
                yield from map(Row._make, connection.execute(query))

    def row(self, evidence_id: str) -> Row:
        """The exchange with this evidence id."""
        if evidence_id.isascii() and evidence_id.isdigit() and len(evidence_id) < 19:
            for path in self.paths:
                with closing(_connect(path)) as connection:
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
            with closing(_connect(path)) as connection:
                rows = connection.execute("SELECT kind, detail, marked_us FROM marks ORDER BY id")
                found += [Mark(kind, json.loads(detail), when) for kind, detail, when in rows]
        return found

    def sittings(self) -> list[Sitting]:
        """Every sitting, in order."""
        found: list[Sitting] = []
        for path in self.paths:
            with closing(_connect(path)) as connection:
                rows = connection.execute("SELECT id, started_us, tool, settings FROM sittings ORDER BY id")
                found += [Sitting(number, when, tool, json.loads(settings)) for number, when, tool, settings in rows]
        return found

    def head(self) -> str:
        """The head of the hash chain, in hexadecimal; of several shards, the digest of their heads."""
        heads = []
        for path in self.paths:
            with closing(_connect(path)) as connection:
                found = connection.execute("SELECT digest FROM batches ORDER BY id DESC LIMIT 1").fetchone()
                heads.append(found[0] if found else b"")
        return _joined(heads)

    def verify(self, head: str | None = None) -> Verification:
        """Compute the whole chain again and say everything that does not fit; `head` is what was printed before."""
        heads, exchanges, batches, faults = [], 0, 0, []
        for path in self.paths:
            with closing(_connect(path)) as connection:
                one, kept, sealed, found = _verify(connection)
            heads.append(one)
            exchanges, batches = exchanges + kept, batches + sealed
            faults += [f"{path.name}: {fault}" for fault in found]
        whole = _joined(heads)
        if head is not None and head.lower() != whole:
            faults.append(f"the head of the chain is {whole}, not {head}")
        return Verification(whole, exchanges, batches, tuple(faults))


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
            found = _digest(previous, sittings[sitting], rows, sealed, sealed_us)
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


def _digest(
    previous: bytes,
    sitting: Sequence[object],
    rows: Sequence[Sequence[object]],
    marks: Sequence[object],
    sealed_us: int,
) -> bytes:
    """The digest of one batch. Every field is there with its length, so no two batches share an encoding."""
    seal = hashlib.sha256(previous)
    seal.update(json.dumps([sitting, marks, sealed_us], ensure_ascii=True).encode())
    pack = _NUMBERS.pack
    parts: list[bytes] = []
    for i, sit, pas, rnd, name, kind, server, transport, attempt, outcome, asked, elapsed, answer in rows:
        text = f"{name}\0{server}\0{transport}\0{outcome}".encode()
        parts.append(pack(i, sit, pas, rnd, kind, attempt, asked, elapsed, len(text), len(answer)))  # type: ignore[arg-type]
        parts.append(text)
        parts.append(answer)  # type: ignore[arg-type]
    seal.update(b"".join(parts))
    return seal.digest()


class _Entry(NamedTuple):
    """What is given to the writing thread at once: rows, marks, and who waits until they are committed."""

    rows: list[WireRow]
    marks: list[tuple[str, str]]
    waiting: threading.Event | None = None


class Store:
    """The evidence of a run, for appending: rows are given to a thread that commits them within a second.

    Use as a context manager: leaving it seals and commits what is left and checkpoints the file.
    """

    def __init__(self, path: Path, tool: str, settings: Mapping[str, object], shard: int = 0) -> None:
        self.path = path
        self._base = shard * SHARD
        self._begin = (tool, json.dumps(settings, ensure_ascii=False, sort_keys=True))
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="evidence", daemon=True)
        self.sitting = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        self._raise()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at_: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if error is None:
            self._raise()

    def append(self, rows: list[WireRow]) -> None:
        """Keep these exchanges; committed within a second."""
        self._raise()
        if rows:
            self._queue.put(_Entry(rows, []))

    def mark(self, kind: str, **detail: object) -> None:
        """Keep that something happened to the survey itself, after every row appended so far."""
        self._raise()
        self._queue.put(_Entry([], [(kind, json.dumps(detail, ensure_ascii=False, sort_keys=True))]))

    def flush(self) -> None:
        """Wait until everything given so far is committed and synced."""
        done = threading.Event()
        self._queue.put(_Entry([], [], done))
        while not done.wait(0.2):
            self._raise()
            if not self._thread.is_alive():
                break
        self._raise()

    def _raise(self) -> None:
        if self._failure is not None:
            raise EvidenceError(
                f"the evidence could not be written: {self._failure}",
                where=str(self.path),
                remedy="free disk space or mend the folder's permissions, then run the same command again",
                ja="証拠を書き込めません。ディスクの空きと権限を確かめ、同じコマンドを再実行してください",
            ) from self._failure

    def _keep(self) -> None:
        try:
            with closing(self._open()) as connection:
                self._ready.set()
                self._work(connection)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.execute("PRAGMA journal_mode=DELETE")
        except (sqlite3.Error, OSError, ValueError) as error:
            self._failure = error
            self._ready.set()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10, cached_statements=16)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            for table in ("sittings", "exchanges", "marks", "batches"):
                for statement in _GUARD.format(t=table, base=self._base).strip().split("END;\n"):
                    connection.execute(statement.removesuffix("END;") + "END")
        numbers = [
            connection.execute(f"SELECT coalesce(max(id), {self._base}) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("sittings", "exchanges", "marks", "batches")
        ]
        self.sitting, self._exchange, self._mark, self._batch = numbers[0] + 1, numbers[1], numbers[2], numbers[3]
        last = connection.execute("SELECT digest FROM batches ORDER BY id DESC LIMIT 1").fetchone()
        self._previous: bytes = last[0] if last else b""
        self._row = (self.sitting, time.time_ns() // 1000, *self._begin)
        connection.execute("INSERT INTO sittings VALUES (?, ?, ?, ?)", self._row)
        self._seal(connection, [], [])
        connection.execute("COMMIT")
        return connection

    def _work(self, connection: sqlite3.Connection) -> None:
        is_open = True
        while is_open:
            entry = self._queue.get()
            due = time.monotonic() + _COMMIT_S
            rows: list[WireRow] = []
            marks: list[tuple[str, str]] = []
            waiting: list[threading.Event] = []
            while True:
                if entry is None:
                    is_open = False
                    break
                rows += entry.rows
                marks += entry.marks
                if entry.waiting is not None:
                    waiting.append(entry.waiting)
                if len(rows) >= _COMMIT_ROWS or waiting:
                    break
                try:
                    entry = self._queue.get(timeout=max(0.0, due - time.monotonic()))
                except queue.Empty:
                    break
            if rows or marks:
                connection.execute("BEGIN IMMEDIATE")
                self._seal(connection, rows, marks)
                connection.execute("COMMIT")
            for event in waiting:
                event.set()

    def _seal(self, connection: sqlite3.Connection, rows: list[WireRow], marks: list[tuple[str, str]]) -> None:
        now = time.time_ns() // 1000
        first, sitting = self._exchange + 1, self.sitting
        kept = [(number, sitting, *row) for number, row in enumerate(rows, first)]
        noted = [(number, sitting, now, *mark) for number, mark in enumerate(marks, self._mark + 1)]
        connection.executemany("INSERT INTO exchanges VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", kept)
        connection.executemany("INSERT INTO marks VALUES (?,?,?,?,?)", noted)
        self._exchange += len(kept)
        self._mark += len(noted)
        self._batch += 1
        self._previous = _digest(self._previous, self._row, kept, noted, now)
        batch = (self._batch, sitting, self._exchange, self._mark, now, self._previous)
        connection.execute("INSERT INTO batches VALUES (?,?,?,?,?,?)", batch)
