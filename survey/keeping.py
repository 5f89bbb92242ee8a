"""The keeper: a process of its own that appends exchanges to the evidence, sealed in batches by a hash chain.

One SQLite file holds the sittings (one per process that observed), the exchanges, the marks (a pass finished, a health
round finished), and the batches that seal them: the digest of a batch is the SHA-256 of the previous digest, the
sitting, and every field of every exchange and mark in it. So nothing can be changed, left out in the middle, or put in
later without `verify` finding it; cutting off the end is found by comparing with a head that was printed or published.

The file itself refuses UPDATE, DELETE and any INSERT that does not come after the last row, which is also how
`INSERT OR REPLACE` is refused: REPLACE fires no delete trigger (sqlite.org, lang_conflict), but it inserts an old id.

While it is written the file is in WAL mode, committed and synced at least once a second; when it is closed it is one
checkpointed file.

The process is given entries on its standard input (`store` sends them) and says on standard output, a line each, that
it is ready, that an entry which asked for it is on the disk, and what went wrong. It ends when its input ends: whoever
observed may be killed at any moment, and what was given is kept all the same. It needs the standard library alone, so
that it is there at once.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import marshal
import os
import queue
import signal
import sqlite3
import struct
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from itertools import chain

SHARD = 1 << 40
_COMMIT_S = 0.5
_NOT_HEARD = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that a terminal or a machine that shuts down sends to all at once: the keeper ends when its input does."""
_COMMIT_ROWS = 4_000
"""Or as soon as there are so many rows: somebody may read along, and little should be left to do in the end."""
_TOGETHER = 64
"""Rows that are inserted by one statement; a row has 13 values, and older SQLite knows 999 in a statement."""
_UNGUARDED = 100
"""Rows of one transaction for which the keeper lays its guard aside."""
_LOCKED_S, _AGAIN_S = 10.0, 0.002
"""How long the keeper waits for others that have the file open, and how often it looks."""
_NUMBERS = struct.Struct("<10q")
_INSERT = "INSERT INTO exchanges VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
_INSERT_TOGETHER = _INSERT + ",(?,?,?,?,?,?,?,?,?,?,?,?,?)" * (_TOGETHER - 1)

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
"""
_AFTER = """
CREATE TRIGGER {t}_after BEFORE INSERT ON {t} WHEN NEW.id <= (SELECT coalesce(max(id), {base}) FROM {t})
  BEGIN SELECT RAISE(ABORT, 'evidence is only appended'); END
"""
LENGTH = struct.Struct("<I")
"""What stands before each entry on the keeper's standard input."""

Entry = tuple[list[tuple[object, ...]], list[tuple[str, str]], bool]
"""What is given at once: exchanges (as the wire delivers them), marks, and whether to say when they are on the disk."""


def digest_of(
    previous: bytes, sitting: Sequence[object], rows: Iterable[bytes], marks: Sequence[object], sealed_us: int
) -> bytes:
    """The digest of one batch; `rows` are its exchanges, `encoded`."""
    seal = hashlib.sha256(previous)
    seal.update(json.dumps([sitting, marks, sealed_us], ensure_ascii=True).encode())
    for piece in rows:
        seal.update(piece)
    return seal.digest()


def encoded(rows: Sequence[Sequence[object]]) -> bytes:
    """What a digest is made of. Every field is there with its length, so no two batches share an encoding."""
    pack = _NUMBERS.pack
    parts: list[bytes] = []
    for i, sit, pas, rnd, name, kind, server, transport, attempt, outcome, asked, elapsed, answer in rows:
        text = f"{name}\0{server}\0{transport}\0{outcome}".encode()
        parts.append(pack(i, sit, pas, rnd, kind, attempt, asked, elapsed, len(text), len(answer)))  # type: ignore[arg-type]
        parts.append(text)
        parts.append(answer)  # type: ignore[arg-type]
    return b"".join(parts)


class Keeper:
    """One file of evidence, open for appending until it is closed.

    What was taken waits in a transaction until `commit`; nobody else can write meanwhile, and nobody sees it.
    """

    def __init__(self, path: str | os.PathLike[str], tool: str, settings: str, shard: int) -> None:
        self._base = shard * SHARD
        self._connection = self._open(path)
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._lay_out()
        self._sitting = self._last("sittings") + 1
        self._exchange, self._mark, self._batch = map(self._last, ("exchanges", "marks", "batches"))
        last = connection.execute("SELECT digest FROM batches ORDER BY id DESC LIMIT 1").fetchone()
        self._previous: bytes = last[0] if last else b""
        self._row = (self._sitting, time.time_ns() // 1000, tool, settings)
        self._rows: list[bytes] = []
        self._marks: list[tuple[object, ...]] = []
        self._is_guarded = True
        self._sealed = self._exchange
        connection.execute("INSERT INTO sittings VALUES (?, ?, ?, ?)", self._row)
        self.commit()

    def _open(self, path: str | os.PathLike[str]) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_LOCKED_S, cached_statements=16)
        connection.execute("PRAGMA page_size=16384")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=256")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _lay_out(self) -> None:
        for statement in _SCHEMA.split(";\n"):
            if statement.strip():
                self._connection.execute(statement)
        for table in ("sittings", "exchanges", "marks", "batches"):
            for statement in _GUARD.format(t=table).strip().split("END;\n"):
                self._connection.execute(statement.removesuffix("END;") + "END")
            self._connection.execute(_AFTER.format(t=table, base=self._base))

    def _last(self, table: str) -> int:
        query = f"SELECT coalesce(max(id), {self._base}) FROM {table}"  # noqa: S608 - no stranger writes it
        return int(self._connection.execute(query).fetchone()[0])

    def take(self, rows: Sequence[tuple[object, ...]], marks: Sequence[tuple[str, str]]) -> None:
        """Append, to be committed soon."""
        if not rows and not marks:
            return
        connection = self._connection
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        if self._is_guarded and self._exchange + len(rows) - self._sealed >= _UNGUARDED:
            self._lay_guard_aside()
        kept = [(number, self._sitting, *row) for number, row in enumerate(rows, self._exchange + 1)]
        single = len(kept) % _TOGETHER
        connection.executemany(_INSERT, kept[:single])
        for start in range(single, len(kept), _TOGETHER):
            connection.execute(_INSERT_TOGETHER, [*chain.from_iterable(kept[start : start + _TOGETHER])])
        self._exchange += len(kept)
        self._rows.append(encoded(kept))
        now = time.time_ns() // 1000
        noted = [(number, self._sitting, now, *mark) for number, mark in enumerate(marks, self._mark + 1)]
        connection.executemany("INSERT INTO marks VALUES (?,?,?,?,?)", noted)
        self._mark += len(noted)
        self._marks += noted

    def _lay_guard_aside(self) -> None:
        """For the rest of this transaction do without the guard against old ids, which takes a third of an insert.

        Nobody else can write before the commit, which brings it back; whoever is killed before that leaves it there.
        """
        if self._last("exchanges") != self._exchange:
            raise sqlite3.IntegrityError("evidence is only appended, and by one at a time")
        self._connection.execute("DROP TRIGGER IF EXISTS exchanges_after")
        self._is_guarded = False

    def commit(self) -> None:
        """Seal what was taken, commit and sync it."""
        connection = self._connection
        if not connection.in_transaction:
            return
        now = time.time_ns() // 1000
        self._batch += 1
        self._previous = digest_of(self._previous, self._row, self._rows, self._marks, now)
        batch = (self._batch, self._sitting, self._exchange, self._mark, now, self._previous)
        connection.execute("INSERT INTO batches VALUES (?,?,?,?,?,?)", batch)
        if not self._is_guarded:
            connection.execute(_AFTER.format(t="exchanges", base=self._base))
            self._is_guarded = True
        connection.execute("COMMIT")
        self._sealed = self._exchange
        self._rows, self._marks = [], []

    def close(self) -> None:
        """Leave one checkpointed file; whoever just reads in it is waited for."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        until = time.monotonic() + _LOCKED_S
        while True:
            try:
                # SQLite itself waits for nobody here, not even for one who has it open and reads nothing.
                self._connection.execute("PRAGMA journal_mode=DELETE")
                break
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(_AGAIN_S)
        self._connection.close()


def _serve(entries: queue.SimpleQueue[bytes], keeper: Keeper) -> None:
    """Keep what comes, in batches, until the end."""
    body = entries.get()
    while body:
        due = time.monotonic() + _COMMIT_S
        taken = 0
        is_awaited = False
        while body:
            rows, marks, is_awaited = marshal.loads(body)  # noqa: S302 - our own process wrote it
            keeper.take(rows, marks)
            taken += len(rows)
            if is_awaited or taken >= _COMMIT_ROWS:
                break
            try:
                body = entries.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                break
        keeper.commit()
        if is_awaited:
            _say("kept")
        if body:
            body = entries.get()


def _say(word: str) -> None:
    try:
        sys.stdout.write(word + "\n")
        sys.stdout.flush()
    except OSError:
        # Whoever observed is gone; what it gave is kept to the end all the same.
        return


def _hear(source: io.BufferedReader, entries: queue.SimpleQueue[bytes]) -> None:
    """Read entries until the input ends, also in the midst of one; an empty one tells the end."""
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        (size,) = LENGTH.unpack(head)
        body = source.read(size)
        if len(body) < size:
            break
        entries.put(body)
    entries.put(b"")


def main() -> None:
    """Serve one file: the first entry says which, for whom, with what settings."""
    for name in _NOT_HEARD:
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_IGN)
    # Nothing here makes cycles; the collector would only walk over rows.
    gc.disable()
    source = open(0, "rb", closefd=False)  # noqa: SIM115 - until the end
    (size,) = LENGTH.unpack(source.read(LENGTH.size))
    path, tool, settings, shard = json.loads(source.read(size))
    entries: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    ended = 0
    try:
        keeper = Keeper(path, tool, settings, shard)
        _say("ready")
        threading.Thread(target=_hear, args=(source, entries), daemon=True).start()
        _serve(entries, keeper)
        keeper.close()
    except (sqlite3.Error, OSError, ValueError) as error:
        _say(f"failed {error}")
        ended = 1
    # At once: there is nothing to tidy, and a thread that still waits for input would be in the way of an orderly end.
    os._exit(ended)


if __name__ == "__main__":
    main()
