"""The store keeps, refuses, and tells when it was altered."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from survey.errors import EvidenceError
from survey.evidence import Archive
from survey.keeping import Keeper, digest_of, encoded
from survey.runs import trusted
from survey.store import Store
from tests.conftest import ROOT

ROW = (1, 0, "city.example", 15, "127.0.0.1:53", "udp", 1, "answered", 1_700_000_000_000_000, 900, b"\0" * 12)


def write(folder, rows=3, **settings):
    with Store(folder / "evidence.sqlite", "test", settings) as store:
        for number in range(rows):
            store.append([(*ROW[:2], f"city{number}.example", *ROW[3:])])
        store.mark("pass", number=1)


def test_what_was_appended_is_read_back_in_order(tmp_path):
    write(tmp_path)
    archive = Archive(tmp_path)
    assert [row.name for row in archive.rows()] == ["city0.example", "city1.example", "city2.example"]
    assert archive.row("2").name == "city1.example"
    assert [(mark.kind, mark.detail) for mark in archive.marks()] == [("pass", {"number": 1})]
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.sqlite"]


def test_a_second_sitting_goes_on_with_the_chain(tmp_path):
    write(tmp_path)
    before = Archive(tmp_path).head()
    write(tmp_path, rows=2, again=True)
    found = Archive(tmp_path).verify()
    assert found.is_unaltered
    assert found.exchanges == 5
    assert found.head != before
    assert [sitting.settings for sitting in Archive(tmp_path).sittings()] == [{}, {"again": True}]


def test_a_digest_is_what_it_always_was():
    rows = [(7, 2, *ROW), (8, 2, *ROW[:10], b"\xff\0")]
    sitting = (2, 1_700_000_000_000_000, "survey 0.1.0", '{"町": 1}')
    marks = [(1, 2, 1_700_000_000_000_001, "pass", '{"number": 1}')]
    for pieces in ([encoded(rows)], [encoded(rows[:1]), encoded(rows[1:])]):
        found = digest_of(b"before", sitting, pieces, marks, 1_700_000_000_000_002)
        assert found.hex() == "0097f42ba5d2bf368d94fe951703d969c91d779d560816435353d282955af33e"


def test_many_rows_at_once_are_kept_in_order_and_the_guard_is_back(tmp_path):
    write(tmp_path)
    with closing(sqlite3.connect(tmp_path / "evidence.sqlite")) as connection:
        before = set(connection.execute("SELECT name, sql FROM sqlite_master").fetchall())
        with Store(tmp_path / "evidence.sqlite", "test", {}) as store:
            for size in (999, 1_000, 5_003, 1, 9_000):
                store.append([(*ROW[:9], number, ROW[10]) for number in range(size)])
                store.mark("given", size=size)
        assert set(connection.execute("SELECT name, sql FROM sqlite_master").fetchall()) == before
        with pytest.raises(sqlite3.DatabaseError, match="only appended"):
            connection.execute("INSERT OR REPLACE INTO exchanges SELECT * FROM exchanges WHERE id = 5000")
    archive = Archive(tmp_path)
    assert archive.verify().is_unaltered
    assert [row.elapsed_us for row in archive.rows("sitting = 2")] == [
        *range(999),
        *range(1_000),
        *range(5_003),
        0,
        *range(9_000),
    ]


def test_a_keeper_that_is_killed_amid_many_rows_leaves_the_guard(tmp_path):
    keeper = Keeper(tmp_path / "evidence.sqlite", "test", "{}", 0)
    keeper.take([ROW] * 2_000, [])
    keeper.commit()
    keeper.take([ROW] * 2_000, [])
    (tmp_path / "killed").mkdir()
    for path in tmp_path.glob("evidence.sqlite*"):
        shutil.copy(path, tmp_path / "killed")
    keeper.commit()
    keeper.close()
    found = Archive(tmp_path / "killed").verify()
    assert found.is_unaltered
    assert found.exchanges == 2_000
    with (
        closing(sqlite3.connect(tmp_path / "killed" / "evidence.sqlite")) as connection,
        pytest.raises(sqlite3.DatabaseError, match="only appended"),
    ):
        connection.execute("INSERT OR REPLACE INTO exchanges SELECT * FROM exchanges WHERE id = 1")


@pytest.mark.parametrize("is_reading", [False, True])
def test_the_keeper_waits_for_whoever_just_reads_in_its_file(tmp_path, is_reading):
    path = tmp_path / "evidence.sqlite"
    keeper = Keeper(path, "test", "{}", 0)
    keeper.take([ROW] * 3, [])
    keeper.commit()
    other = sqlite3.connect(path, check_same_thread=False)
    cursor = other.execute("SELECT * FROM exchanges")
    cursor.fetchone() if is_reading else cursor.fetchall()
    timer = threading.Timer(0.3, lambda: (cursor.close(), other.close()))
    timer.start()
    keeper.close()
    timer.join()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (3,)
    assert [one.name for one in tmp_path.iterdir()] == ["evidence.sqlite"]


def test_two_keepers_do_not_write_between_each_other(tmp_path):
    earlier, later = (Keeper(tmp_path / "evidence.sqlite", "test", "{}", 0) for _ in range(2))
    later.take([ROW], [])
    later.commit()
    with pytest.raises(sqlite3.IntegrityError, match="only appended"):
        earlier.take([ROW] * 2_000, [])
    earlier._connection.close()
    later.close()


@pytest.mark.parametrize("table", ["sittings", "exchanges", "marks", "batches"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {t} SET id = id WHERE id = 1",
        "DELETE FROM {t} WHERE id = 1",
        "INSERT OR REPLACE INTO {t} SELECT * FROM {t} WHERE id = 1",
        "REPLACE INTO {t} SELECT * FROM {t} WHERE id = 1",
        "INSERT OR IGNORE INTO {t} SELECT * FROM {t} WHERE id = 1",
        "UPDATE OR REPLACE {t} SET id = 2 WHERE id = 1",
    ],
)
def test_the_store_itself_refuses_to_rewrite(tmp_path, table, statement):
    write(tmp_path)
    with closing(sqlite3.connect(tmp_path / "evidence.sqlite")) as connection:
        with pytest.raises(sqlite3.DatabaseError, match="evidence is"):
            connection.execute(statement.format(t=table))
        connection.rollback()
    assert Archive(tmp_path).verify().is_unaltered


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE exchanges SET answer = x'01' WHERE id = 2", "altered"),
        ("UPDATE exchanges SET name = 'other.example' WHERE id = 1", "altered"),
        ("UPDATE exchanges SET asked_us = asked_us + 1 WHERE id = 3", "altered"),
        ("UPDATE exchanges SET name = 5 WHERE id = 3", "altered"),
        ("DELETE FROM exchanges WHERE id = 2", "missing"),
        ("UPDATE marks SET detail = '{\"number\": 2}'", "altered"),
        ("UPDATE sittings SET settings = '{\"passes\": 9}'", "altered"),
        ("DELETE FROM sittings", "cannot be read"),
        ("DELETE FROM batches", "after the last seal"),
        ("UPDATE batches SET digest = x'00' WHERE id = 1", "altered"),
    ],
)
def test_verify_finds_what_was_altered_past_the_triggers(tmp_path, statement, told):
    write(tmp_path)
    with closing(sqlite3.connect(tmp_path / "evidence.sqlite")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        connection.commit()
    found = Archive(tmp_path).verify()
    assert not found.is_unaltered
    assert told in " ".join(found.faults)


def test_a_cut_end_is_found_by_the_head_that_was_printed(tmp_path):
    write(tmp_path)
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "evidence.sqlite", tmp_path / "copy" / "evidence.sqlite")
    write(tmp_path, rows=1)
    head = Archive(tmp_path).head()
    assert Archive(tmp_path / "copy").verify().is_unaltered
    assert not Archive(tmp_path / "copy").verify(head).is_unaltered
    assert Archive(tmp_path).verify(head.upper()).is_unaltered


def test_shards_are_read_as_one(tmp_path):
    write(tmp_path)
    with Store(tmp_path / "evidence-1.sqlite", "test", {}, shard=1) as store:
        store.append([ROW])
    archive = Archive(tmp_path)
    assert len(list(archive.rows())) == 4
    assert archive.row(str((1 << 40) + 1)).name == "city.example"
    assert archive.verify().is_unaltered


def test_a_folder_without_evidence_and_a_wrong_id_say_what_to_do(tmp_path):
    with pytest.raises(EvidenceError, match="no evidence in this folder"):
        Archive(tmp_path)
    write(tmp_path)
    with pytest.raises(EvidenceError, match="no evidence has the id"):
        Archive(tmp_path).row("99")
    (tmp_path / "evidence.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(EvidenceError, match="not evidence"):
        Archive(tmp_path).head()


def test_flush_returns_when_what_was_given_is_on_disk(tmp_path):
    with Store(tmp_path / "evidence.sqlite", "test", {}) as store:
        for number in range(3):
            store.append([ROW])
            store.mark("begun", number=number)
            store.flush()
            archive = Archive(tmp_path)
            assert len(list(archive.rows())) == len(archive.marks()) == number + 1
    assert Archive(tmp_path).verify().is_unaltered


@pytest.mark.parametrize("row", [(*ROW[:2], object(), *ROW[3:]), (*ROW[:2], None, *ROW[3:])])
def test_flush_tells_that_nothing_can_be_written(tmp_path, row):
    with (
        pytest.raises(EvidenceError, match="could not be written"),
        Store(tmp_path / "evidence.sqlite", "t", {}) as store,
    ):
        store.append([row])
        store.flush()


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path):
    with pytest.raises(EvidenceError, match="unable to open"), Store(tmp_path / "no" / "e.sqlite", "t", {}):
        raise AssertionError("nothing can be kept there")


def test_a_store_that_was_started_before_tells_what_is_wrong_and_keeps_what_came_meanwhile(tmp_path):
    store = Store(tmp_path / "no" / "e.sqlite", "t", {})
    store.start()
    with pytest.raises(EvidenceError, match="unable to open"), store:
        store.append([ROW])
        store.flush()
        raise AssertionError("nothing can be kept there")
    store = Store(tmp_path / "no" / "e.sqlite", "t", {})
    store.start()
    with pytest.raises(EvidenceError, match="unable to open"), store:
        store.append([ROW])
    store = Store(tmp_path / "evidence.sqlite", "t", {})
    store.start()
    with store:
        store.append([ROW])
    assert len(list(Archive(tmp_path).rows())) == 1


def test_the_file_is_there_when_the_store_is_open(tmp_path):
    with Store(tmp_path / "evidence.sqlite", "t", {}):
        assert Archive(tmp_path).marks() == []


def test_a_keeper_that_was_killed_is_told_and_what_it_kept_stands(tmp_path):
    with (
        pytest.raises(EvidenceError, match="could not be written"),
        Store(tmp_path / "evidence.sqlite", "t", {}) as store,
    ):
        store.append([ROW])
        store.flush()
        (keeper,) = [one for one in children() if "keeping.py" in one.read_text().replace("\0", " ")]
        os.kill(int(keeper.parent.name), signal.SIGKILL)
        store.append([ROW])
        store.flush()
    assert len(list(Archive(tmp_path).rows())) == 1
    write(tmp_path, rows=1)
    assert Archive(tmp_path).verify().is_unaltered


def children():
    """The command lines of this process's children."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    threads = [child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()]
    return [Path("/proc") / child / "cmdline" for child in {*found, *threads}]


def test_what_was_given_is_kept_when_the_observer_is_killed(tmp_path):
    script = f"""
import os, signal
from pathlib import Path
from survey.store import Store
from tests.conftest import ROOT
with Store(Path({str(tmp_path / "evidence.sqlite")!r}), "t", {{}}) as store:
    store.append([{ROW!r}] * 1000)
    store.flush()
    store.append([{ROW!r}] * 500)
    while not store._queue.empty():
        pass
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT, timeout=60)
    for _ in range(100):
        # The keeper outlives whoever observed, until what it was given is on the disk.
        if not list(tmp_path.glob("*-wal")):
            break
        time.sleep(0.05)
    found = Archive(tmp_path).verify()
    assert found.is_unaltered
    assert found.exchanges >= 1000


def test_what_is_sifted_is_everything_but_what_was_kept_then(tmp_path):
    """Of denials of addresses, those that the sieve does not want stand among the rest; later ones are left."""
    denial = b"\0\0\x81\x83\0\1" + b"\0" * 6
    kinds = [
        (0, 1, "answered", denial),
        (0, 1, "answered", denial),
        (1, 1, "answered", denial),
        (0, 28, "answered", denial),
        (0, 1, "timeout", b""),
        (0, 1, "truncated", denial),
        (0, 1, "answered", b"\0\0\x81\x80\0\1\0\1" + b"\0" * 4),
    ]
    rows = [
        (1, round_, f"{number}.example", type_, *ROW[4:7], outcome, 1_000 + number, 900, data)
        for number, (round_, type_, outcome, data) in enumerate(kinds)
    ]
    for shard in (0, 1):
        with Store(tmp_path / f"evidence-{shard}.sqlite", "test", {}, shard) as store:
            store.append(rows)
    archive, seen = Archive(tmp_path), []

    def sift(found):
        seen.extend(found)
        with Store(archive.paths[len(seen) // 3], "test", {}, len(seen) // 3) as store:
            store.append(rows)
        return [seen[-1][0]]

    whole = list(archive.rows())
    rest = list(archive.sifted("round = 1 OR round = 0", sift))
    assert seen == [(one.id, 1, one.name, one.server, one.asked_us, denial) for one in whole if one.name[0] in "01"]
    assert rest == [one for one in whole if one.name[0] != "0"]
    assert len(list(archive.rows())) == 2 * len(whole)


def test_what_a_resolver_said_that_makes_up_answers_is_left_out(tmp_path):
    """Of the sitting in which it did, and whatever its name is."""
    honest, liar = "127.0.0.1:53", "it's a liar:53"
    present = b"\0\0\x81\x80\0\1\0\1\0\0\0\0\x04nx-1\x07example\0\0\1\0\1" + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
    for lies in (False, True, False):
        with Store(tmp_path / "evidence.sqlite", "test", {}) as store:
            for server in (honest, liar):
                data = present if lies and server == liar else b"\0\0\x81\x83\0\1" + b"\0" * 6
                store.append([(1, 1, "nx-1.example", 1, server, "udp", 1, "answered", 1, 1, data)])
                store.append([(1, 0, "city.example", 1, server, "udp", 1, "answered", 1, 1, b"")])
    archive = Archive(tmp_path)
    everything = {(sitting, server) for sitting in (1, 2, 3) for server in (honest, liar)}
    assert {(row.sitting, row.server) for row in trusted(archive)} == everything - {(2, liar)}
    some = [(row.sitting, row.server) for row in trusted(archive, "round = 0 OR round = 1")]
    assert some.count((1, liar)) == 2
    assert set(some) == everything - {(2, liar)}
