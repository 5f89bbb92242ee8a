"""Dask workers find what one process finds; one that is killed loses nothing; without Dask one line says what is missing."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from survey import open_run
from survey.__main__ import main
from survey.catalogue import load_catalogue, select
from survey.collect import collect
from survey.dasking import DaskCrew
from survey.errors import CatalogueError, RunError
from survey.evidence import SHARD, Archive
from survey.names import encode_name
from survey.practice.country import Country
from survey.practice.world import PRACTICE, serve
from survey.runs import RunFolder
from survey.sitting import Manner
from survey.streaming import Parcel, Tally, pack
from tests.conftest import ROOT, some_bodies
from tests.test_collect import same

LISTS = select("practice", load_catalogue())
PATIENT = dataclasses.replace(PRACTICE, timeout_s=0.5, tries=2, pause_s=0.1)
ROW = (1, 0, "city.example", 15, "127.0.0.1:53", "udp", 1, "answered", 1_700_000_000_000_000, 900, b"\0" * 12)


GATHERER = """
import sys
from pathlib import Path
from tests.test_dask import LISTS, PATIENT, Cluster, crew_at, collect, RunFolder, Manner
address, register, run, port = sys.argv[1:]
Cluster.address = address
resolvers, manner = [("127.0.0.1", int(port))], Manner(passes=1, rate=50.0)
collect(Path(register), RunFolder(Path(run)), LISTS, PATIENT, resolvers, manner=manner, crew=crew_at(Cluster))
"""


class Cluster:
    """A scheduler and workers, each a process of its own, so that one can be killed."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.workers = folder, []
        self._file = folder / "scheduler.json"
        words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(self._file)]
        self._scheduler = self._start("dask_scheduler", *words)
        until = time.monotonic() + 30
        while not self._file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        self.address = json.loads(self._file.read_text())["address"]

    def _start(self, module, *words):
        command = [sys.executable, "-m", f"distributed.cli.{module}", *words]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, **quiet)

    def hire(self, number: int) -> None:
        words = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self._folder)]
        self.workers += [self._start("dask_worker", self.address, *words) for _ in range(number)]

    def close(self) -> None:
        for process in (*self.workers, self._scheduler):
            process.terminate()
        for process in (*self.workers, self._scheduler):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def country():
    return some_bodies(number=150)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with contextlib.closing(Cluster(tmp_path_factory.mktemp("cluster"))) as found:
        found.hire(2)
        yield found


@pytest.fixture(scope="module")
def whole(country, cluster, tmp_path_factory):
    """What one process finds; workers start meanwhile."""
    folder = tmp_path_factory.mktemp("whole")
    country.write_register(folder / "register.xlsx")
    with serve(country) as served:
        return folder / "register.xlsx", observed(folder, served, folder / "register.xlsx", None)


def observed(folder, served, register, crew, progress=None, **manner):
    arguments = (register, RunFolder(folder / "run"), LISTS, PATIENT, [served.resolver])
    return collect(*arguments, manner=Manner(passes=1, **manner), crew=crew, progress=progress)


def crew_at(cluster, places=2):
    def crew(folder):
        found = DaskCrew(folder, cluster.address, lease_s=1.5)
        found._client.wait_for_workers(places, timeout=30)
        return found

    return crew


def test_two_workers_find_what_one_process_finds_and_keep_to_the_rate(country, cluster, whole, tmp_path):
    register, tables = whole
    rate = 100.0
    with serve(country) as served:
        found = observed(tmp_path, served, register, crew_at(cluster), rate=rate)
        counts = served.counts()
    same(found, tables)
    archive = Archive(tmp_path / "run")
    assert [path.name for path in archive.paths] == ["evidence-01.sqlite", "evidence-02.sqlite", "evidence.sqlite"]
    assert archive.verify().is_unaltered
    assert sum(counts.values()) == sum(1 for _ in archive.rows()), "every question is in evidence"
    for zone in tables.headline["lists_used"]:
        asked = [row.asked_us / 1e6 for row in archive.rows() if row.name.endswith(f".{zone}")]
        sent = sum(count for question, count in counts.items() if question[:-4].endswith(encode_name(zone)))
        assert 80 < sent <= rate * (max(asked) - min(asked)) + 2 * rate / 2 / 10 + 2, zone


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # Dask's own calls
def test_four_workers_find_what_one_process_finds(country, cluster, whole, tmp_path):
    register, tables = whole
    cluster.hire(2)
    with serve(country) as served:
        found = observed(tmp_path, served, register, crew_at(cluster, 4))
    same(found, tables)
    archive = Archive(tmp_path / "run")
    assert archive.verify().is_unaltered
    assert [path.name for path in archive.paths] == [
        *(f"evidence-{n:02d}.sqlite" for n in range(1, 5)),
        "evidence.sqlite",
    ]
    # Dask reads the tables too, each in its pieces.
    run = open_run(tmp_path / "run")
    listings = run.for_dask("listings")
    counted = listings[listings["status"] == "listed"].groupby("zone").size().compute()
    expected = run.listings.query("status == 'listed'").groupby("zone").size()
    assert counted.to_dict() == expected.to_dict()
    assert len(run.for_dask("findings")) == len(run.findings)


def test_nobody_beats_before_there_is_a_run_and_an_opt_out_that_cannot_be_read_is_told(cluster, tmp_path):
    """A crew is there before the folder is laid out; workers may be slow to come."""
    crew = DaskCrew(RunFolder(tmp_path), cluster.address, lease_s=0.2)
    try:
        time.sleep(0.5)
        assert crew.news(0.1) == []
        RunFolder(tmp_path).opt_out_path.write_text("who\n", encoding="utf-8")
        crew._thread.start()
        crew._thread.join(10)
        with pytest.raises(CatalogueError, match="opt-out"):
            crew.news(0.1)
    finally:
        crew.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_a_worker_that_is_killed_among_four_loses_nothing(country, cluster, whole, tmp_path):
    register, tables = whole
    crews, killed = [], []

    def crew(folder):
        crews.append(crew_at(cluster, 4)(folder))
        return crews[0]

    def kill(done, expected, text):
        if done > 700 and not killed:
            busy = {errand.worker: part for part, errand in crews[0]._errands.items()}
            names = crews[0]._client.run(os.getpid)
            victim = next(names[worker] for worker in busy)
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    with serve(country) as served:
        found = observed(tmp_path, served, register, crew, kill, rate=200.0)
        sent = sum(served.counts().values())
    assert killed
    same(found, tables)
    archive = Archive(tmp_path / "run")
    assert archive.verify().is_unaltered
    sittings = [sitting.id // SHARD for sitting in archive.sittings() if sitting.id > SHARD]
    assert sorted(sittings)[0] == 1
    assert {*sittings} == {1, 2, 3, 4} and len(sittings) >= 5, "one part was begun twice"
    assert sent - sum(1 for _ in archive.rows()) <= len(LISTS) * 200 / 4, (
        "a second at its quarter of every rate at most"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_a_gatherer_that_is_killed_stops_its_workers_and_processes_go_on(country, cluster, whole, tmp_path):
    register, tables = whole
    run = tmp_path / "run"
    with serve(country) as served:
        words = [cluster.address, str(register), str(run), str(served.resolver[1])]
        child = subprocess.Popen([sys.executable, "-c", GATHERER, *words], cwd=ROOT)
        until = time.monotonic() + 20
        while time.monotonic() < until and not list(run.glob("evidence-*.sqlite")):
            time.sleep(0.1)
        time.sleep(1.0)
        child.kill()
        child.wait()
        time.sleep(2.5)
        before = sum(served.counts().values())
        time.sleep(0.5)
        assert sum(served.counts().values()) == before, "who does not hear the gatherer stops"
        assert 0 < before < 5_000
        found = observed(tmp_path, served, register, None)
    same(found, tables)
    assert Archive(run).verify().is_unaltered
    assert len(Archive(run).paths) > 2


def test_a_scheduler_that_does_not_answer_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("survey.dasking._CONNECT_S", 0.3)
    with pytest.raises(RunError, match="does not answer") as told:
        DaskCrew(RunFolder(tmp_path), "tcp://127.0.0.1:9")
    assert told.value.where == "tcp://127.0.0.1:9"


def test_without_dask_one_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    Country.make(4).write_register(tmp_path / "register.xlsx")
    monkeypatch.delitem(sys.modules, "survey.dasking")
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ["collect", str(tmp_path / "register.xlsx"), "--practice", "--run", str(tmp_path / "run")]
    assert main([*words, "--dask", "tcp://127.0.0.1:8786"]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("survey:")]
    assert len(said) == 1
    assert "pip install -r requirements-dask.txt" in said[0]
    assert not (tmp_path / "run" / "run.toml").exists()


def test_a_parcel_that_is_not_what_was_sent_is_refused():
    blob = pack([[ROW, ROW], [("round", {"number": 1})]])
    parcel = Parcel("token", 0, 2, blob, hashlib.sha256(blob).digest(), 5, 9)
    assert parcel.open() == ([ROW, ROW], [("round", {"number": 1})])
    with pytest.raises(ValueError, match="digest"):
        parcel._replace(blob=pack([[ROW], []])).open()
    with pytest.raises(ValueError, match="2 exchanges, not 3"):
        parcel._replace(rows=3).open()
    one, other = Tally(), Tally()
    one.add(2, blob)
    other.add(2, blob)
    assert one.receipt() == other.receipt()
    other.add(0, pack([[], []]))
    assert one.receipt() != other.receipt()
