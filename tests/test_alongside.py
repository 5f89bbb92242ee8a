"""Alongside: what is read while a run is observed is what is read in the end, and nothing depends on it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import dns.message
import dns.rrset
import pytest

from survey.alongside import Reader
from survey.commands import screen
from survey.errors import EvidenceError
from survey.evidence import Archive
from survey.exchanges import CANARY
from survey.keeping import Keeper
from survey.pairs import split
from survey.practice.world import PRACTICE, serve
from survey.reading import Reading, read_tables
from survey.register import load_register
from survey.runs import TABLE_NAMES, RunFolder, Tables, load_tables
from tests.conftest import ROOT, some_bodies, survey_country

linux = pytest.mark.skipif(sys.platform != "linux", reason="a reader is forked on Linux only")
OWN = ("register.xlsx", "run.toml", "opt-out.csv", "operators.csv", "review.xlsx", "lists")
COLLECT = "import sys; from survey import alongside, collect; from survey.__main__ import main\n{}\nsys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return survey_country(some_bodies(), tmp_path_factory.mktemp("country") / "run")


def begun(run, folder):
    """A run folder before anything is observed, with its keeper; all that it will keep, and what was marked."""
    folder.mkdir()
    for name in OWN:
        if (run / name).exists():
            (shutil.copytree if name == "lists" else shutil.copyfile)(run / name, folder / name)
    with contextlib.closing(sqlite3.connect(run / "evidence.sqlite")) as connection:
        marks = connection.execute("SELECT kind, detail FROM marks ORDER BY id").fetchall()
    keeper = Keeper(folder / "evidence.sqlite", "test", "{}", 0)
    return RunFolder(folder), keeper, [row[2:] for row in Archive(run).rows()], marks


def tables_of(found: Tables):
    return {name: found[name] for name in TABLE_NAMES}, dict(found.headline)


def assert_same(one: Tables, other: Tables):
    (ours, head), (theirs, other_head) = tables_of(one), tables_of(other)
    assert head == other_head
    assert [name for name in TABLE_NAMES if not ours[name].equals(theirs[name])] == []


@pytest.mark.parametrize("seed", range(4))
def test_what_is_taken_in_portions_makes_the_same_tables(small, tmp_path, seed):
    """Wherever the portions end, and whenever names are read ahead: also in vain, also several times."""
    chance = random.Random(seed)
    folder, keeper, rows, marks = begun(small.folder, tmp_path / "run")
    reading = Reading(folder, PRACTICE, register=load_register(folder.register_path), into=folder.path)
    at = ahead = 0
    while at < len(rows):
        portion = chance.choice((1, 50, 700, 3_000))
        keeper.take(rows[at : at + portion], [])
        keeper.commit()
        at += portion
        if chance.random() < 0.7 and ((reading.look() and reading.seems_named) or chance.random() < 0.3):
            reading.read_names()
            ahead += 1
    keeper.take([], marks)
    keeper.commit()
    keeper.close()
    assert ahead
    assert_same(reading.tables(), read_tables(folder, PRACTICE))
    assert_same(load_tables(folder.path), read_tables(folder, PRACTICE))


def test_names_that_were_read_ahead_are_read_again_when_somebody_opted_out_meanwhile(small, tmp_path):
    folder, keeper, rows, marks = begun(small.folder, tmp_path / "run")
    keeper.take(rows, marks)
    keeper.commit()
    reading = Reading(folder, PRACTICE, into=folder.path)
    reading.look()
    reading.read_names()
    keeper.close()
    code, domain = next(one for one in small.tables["domains"][["code", "domain"]].dropna().itertuples(index=False))
    folder.opt_out_path.write_text(f"subject,since,who,reason\n{domain},2026-11-24,x,y\n", encoding="utf-8")
    found = reading.tables()
    assert found["findings"].set_index("code").loc[code, "status"] == "opted_out"
    assert_same(found, read_tables(folder, PRACTICE))


def test_a_resolver_that_lies_in_the_end_is_forgotten_though_what_it_said_was_taken(small, tmp_path):
    folder, keeper, rows, marks = begun(small.folder, tmp_path / "run")
    place, canary = max((place, row) for place, row in enumerate(rows) if row[2].startswith(CANARY))
    lie = dns.message.make_response(dns.message.make_query(canary[2], "A"))
    lie.answer = [dns.rrset.from_text(f"{canary[2]}.", 60, "IN", "A", "198.18.0.1")]
    keeper.take(rows[:place], [])
    keeper.commit()
    reading = Reading(folder, PRACTICE, into=folder.path)
    reading.look()
    reading.read_names()
    keeper.take([(*canary[:10], lie.to_wire()), *rows[place + 1 :]], marks)
    keeper.commit()
    keeper.close()
    found = reading.tables()
    assert not found["findings"]["status"].isin(["listed", "clear"]).any()
    assert_same(found, read_tables(folder, PRACTICE))


def test_what_is_left_in_the_end_is_packed_where_it_is_much(small, tmp_path, monkeypatch):
    folder, keeper, rows, marks = begun(small.folder, tmp_path / "run")
    reading = Reading(folder, PRACTICE, into=folder.path)
    for some, noted in ((rows[:500], []), (rows[500:], marks)):
        keeper.take(some, noted)
        keeper.commit()
        if not noted:
            reading.look()
    keeper.close()
    monkeypatch.setattr("survey.reading._REST_MOST", 100)
    taken = []
    monkeypatch.setattr("survey.reading.split", lambda *words: taken.append(words) or split(*words))
    assert_same(reading.tables(), read_tables(folder, PRACTICE))
    assert len(taken) == 2, "read anew, as a whole"


def test_evidence_that_cannot_be_opened_for_a_moment_leaves_nothing_out(small, tmp_path, monkeypatch):
    """In that moment a copy could be read in which what the keeper wrote last is missing."""
    folder, keeper, rows, marks = begun(small.folder, tmp_path / "run")
    keeper.take(rows[:100], [])
    keeper.commit()
    reading = Reading(folder, PRACTICE, into=folder.path)
    opened, connect = [], sqlite3.connect

    def busy(address, *words, **more):
        opened.append(address)
        if len(opened) == 2:
            raise sqlite3.OperationalError("database is locked")
        return connect(address, *words, **more)

    with monkeypatch.context() as patch:
        patch.setattr("survey.evidence.sqlite3.connect", busy)
        with pytest.raises((sqlite3.OperationalError, EvidenceError)):
            reading.look()
    keeper.take(rows[100:], marks)
    keeper.commit()
    keeper.close()
    assert not any("immutable" in address for address in opened)
    assert_same(reading.tables(), read_tables(folder, PRACTICE))


def test_heads_are_counted_before_what_was_taken_ahead_is_believed(small, tmp_path):
    folder, keeper, rows, marks = begun(small.folder, tmp_path / "run")
    keeper.take(rows, marks)
    keeper.commit()
    reading = Reading(folder, PRACTICE, into=folder.path)
    reading.look()
    keeper.close()
    zone = next(iter(reading._pairs._lists.values()))
    del zone.numbers[-40:]
    assert_same(reading.tables(), read_tables(folder, PRACTICE))


def collect(country, folder: Path, patch: str, *words: str) -> subprocess.Popen[bytes]:
    """`collect` in a process of its own, which has one thread, with something changed before."""
    command = [sys.executable, "-c", COLLECT.format(patch), "collect", str(folder / "register.xlsx")]
    return subprocess.Popen(
        [*command, "--run", str(folder / "run"), "--practice", "--passes", "1", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@linux
@pytest.mark.parametrize(
    ("patch", "is_read"),
    [
        # Whoever observes must not read: it was read alongside.
        ("collect.read_tables = None", True),
        # The reader dies, and everything is as ever.
        ("import os; alongside._read = lambda *_: os.kill(os.getpid(), 9)", False),
        ("alongside._read = lambda *_: 1 / 0", False),
        ("alongside._PATIENCE_S = 0.0", False),
    ],
)
def test_the_tables_are_there_whoever_reads_them(tmp_path, patch, is_read):
    country = some_bodies(5, 60)
    country.write_register(tmp_path / "register.xlsx")
    refuse = (
        ""
        if is_read
        else "; collect.Reader.tables = lambda self, f=collect.Reader.tables: None if f(self) is None else 1 / 0"
    )
    with serve(country) as served:
        process = collect(country, tmp_path, patch + refuse, "--resolver", f"127.0.0.1:{served.resolver[1]}")
        _, said = process.communicate(timeout=120)
    assert process.returncode in (0, 3), said.decode()
    assert b"Traceback" not in said
    run = RunFolder(tmp_path / "run")
    assert_same(load_tables(run.path), read_tables(run, PRACTICE))
    assert not list(run.path.glob("evidence.sqlite-*")), "one checkpointed file at the end"
    assert not (run.path / "tables.new").exists()


def children(process: int) -> set[int]:
    return {int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()}


def is_alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def until(true, patience_s=30.0):
    end = time.monotonic() + patience_s
    while not (found := true()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_reader_ends_with_whoever_observes(tmp_path, how):
    country = some_bodies(5, 60)
    country.write_register(tmp_path / "register.xlsx")
    with serve(country) as served:
        words = ("--resolver", f"127.0.0.1:{served.resolver[1]}", "--rate", "20")
        with collect(country, tmp_path, "", *words) as process:

            def readers():
                """A forked process has its parent's words; the keeper has others."""
                words = {
                    one: Path(f"/proc/{one}/cmdline").read_bytes() for one in {process.pid, *children(process.pid)}
                }
                return {one for one in words if one != process.pid and b"collect" in words[one] == words[process.pid]}

            reader = next(iter(until(readers)))
            until(lambda: RunFolder(tmp_path / "run").has_evidence)
            os.kill(process.pid, how)
            if how == signal.SIGHUP:
                # A terminal that closes tells everybody.
                os.kill(reader, how)
            until(lambda: not is_alive(reader))
            _, said = process.communicate(timeout=30)
    assert b"Traceback" not in said
    if how != signal.SIGKILL:
        assert not (tmp_path / "run" / "tables.new").exists()


def test_where_threads_run_nobody_is_forked(small):
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with Reader(RunFolder(small.folder), PRACTICE, load_register(small.folder / "register.xlsx")) as reader:
            assert reader.tables() is None
    finally:
        stop.set()
        thread.join()


def test_a_bar_on_the_screen_needs_no_thread(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    before = set(threading.enumerate())
    with screen.progress() as show:
        show(1, 2, "pass 1")
        assert set(threading.enumerate()) == before
