"""A register in parts: nobody is in two, and what several processes observed together says what one would have said."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import usage
from survey.__main__ import main
from survey.catalogue import load_catalogue, select
from survey.collect import collect, crew_of, recheck
from survey.errors import DecisionNeeded, ResolverError, RunError
from survey.evidence import SHARD, Archive
from survey.exchanges import FIRST_RECHECK
from survey.gathering import DEATHS_MOST, News, evidence_path, settle
from survey.names import encode_name
from survey.parts import how_many, split
from survey.practice.country import Country
from survey.practice.world import PRACTICE, serve
from survey.processes import Processes
from survey.publish.report import write_report
from survey.register import Register, load_register
from survey.runs import TABLE_NAMES, RunFolder, finished_passes, load_tables
from survey.sitting import ROUNDS, Manner
from survey.store import Store
from tests.conftest import ROOT, some_bodies
from tests.test_collect import same

LISTS = select("practice", load_catalogue())
PATIENT = dataclasses.replace(PRACTICE, timeout_s=0.5, tries=2, pause_s=0.1)
"""Several processes on few cores are slow now and then: what is silent must be so for everybody."""
ONCE = Manner(passes=1)


def register_of(bodies: list[str], domains: list[tuple[str, str]], candidates: list[tuple[str, str]]) -> Register:
    def table(pairs: list[tuple[str, str]]) -> pd.DataFrame:
        return pd.DataFrame(pairs, columns=["code", "domain"], dtype="str")

    return Register(
        pd.DataFrame({"code": bodies}, dtype="str"), table(domains), table(candidates), pd.DataFrame(), Path("r"), "0"
    )


def uses(bodies: int) -> st.SearchStrategy[list[tuple[str, str]]]:
    pairs = st.tuples(st.integers(0, bodies - 1), st.integers(0, 2 * bodies))
    return st.lists(pairs.map(lambda pair: (f"{pair[0]:06d}", f"d{pair[1]}.example")), max_size=2 * bodies)


@given(st.data(), st.integers(1, 60), st.integers(1, 9))
def test_each_body_is_in_one_part_and_each_domain_in_one(data, bodies, number):
    codes = [f"{place:06d}" for place in range(bodies)]
    domains, candidates = data.draw(uses(bodies)), data.draw(uses(bodies))
    parts = split(register_of(codes, domains, candidates), number)
    assert len(parts) == number
    assert sum(map(len, parts)) == bodies
    assert frozenset().union(*parts) == set(codes)
    place = {code: at for at, part in enumerate(parts) for code in part}
    where = defaultdict(set)
    for code, domain in domains + candidates:
        where[domain].add(place[code])
    assert all(len(found) == 1 for found in where.values())
    shuffled = [sorted(rows, reverse=True) for rows in (codes, domains, candidates)]
    assert split(register_of(*shuffled), number) == parts


def test_parts_are_of_about_equal_size(tmp_path):
    Country.make(4).write_register(tmp_path / "register.xlsx")
    register = load_register(tmp_path / "register.xlsx")
    for number in (2, 7, 40):
        parts = split(register, number)
        assert sum(map(len, parts)) == len(register.bodies)
        domains = pd.concat([register.domains, register.candidates])
        sizes = [domains.loc[domains["code"].isin(part), "domain"].nunique() for part in parts]
        assert sum(sizes) == domains["domain"].nunique()
        assert max(sizes) - min(sizes) <= 12, "the largest group of bodies that share domains is smaller"


def test_there_are_as_many_parts_as_workers_and_more_when_they_would_be_large():
    codes = [f"{place:06d}" for place in range(50_000)]
    register = register_of(codes, [(code, f"d{code}.example") for code in codes], [])
    assert how_many(register, 2) == 3
    assert how_many(register, 8) == 8
    assert how_many(register_of(codes[:3], [], []), 8) == 3


@dataclasses.dataclass(frozen=True)
class Sample:
    """A country, its register, and what one process finds in it."""

    country: Country
    register: Path
    once: object
    twice: Path


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    country = some_bodies()
    country.write_register(folder / "register.xlsx")
    with serve(country) as served:
        arguments = (folder / "register.xlsx", RunFolder(folder / "whole"), LISTS, PATIENT, [served.resolver])
        once = collect(*arguments, manner=ONCE, notes={"seed": 4})
        for name in TABLE_NAMES:
            # What is not taken up before the second pass is read after it.
            once[name]
        collect(*arguments, notes={"seed": 4})
    return Sample(country, folder / "register.xlsx", once, folder / "whole")


@pytest.fixture(scope="module")
def halves(sample, tmp_path_factory):
    """The same in two passes by two processes."""
    folder = tmp_path_factory.mktemp("halves") / "run"
    with serve(sample.country) as served:
        arguments = (sample.register, RunFolder(folder), LISTS, PATIENT, [served.resolver])
        collect(*arguments, notes={"seed": 4}, crew=crew_of(processes=2))
    return folder


def test_two_processes_find_what_one_finds(sample, halves):
    same(load_tables(halves), load_tables(sample.twice))
    archive = Archive(halves)
    assert [path.name for path in archive.paths] == ["evidence-01.sqlite", "evidence-02.sqlite", "evidence.sqlite"]
    assert archive.verify().is_unaltered
    assert not list(halves.glob(".lock-*"))
    rounds = defaultdict(set)
    for row in archive.rows("round > 0"):
        rounds[row.round].add(row.id // SHARD)
        assert row.round // ROUNDS == row.id // SHARD
    assert {shard for shards in rounds.values() for shard in shards} == {1, 2}


def test_a_pass_is_one_over_the_whole_register(halves):
    archive = Archive(halves)
    asked = defaultdict(list)
    for row in archive.rows():
        asked[row.pass_number].append(row.asked_us)
    ended = finished_passes(archive.marks())
    assert set(ended) == {1, 2}
    assert max(asked[1]) < ended[1] <= min(asked[2]) <= max(asked[2]) < ended[2]
    assert not list(archive.rows(f"id < {SHARD}")), "the gatherer asks nothing"


def test_everything_that_reads_evidence_reads_parts(halves, capsys, tmp_path):
    found = load_tables(halves)
    listed = found["findings"].query("status == 'listed'").iloc[0]
    number = listed["evidence_ids"][0]
    assert int(number) > SHARD
    assert main(["show", str(halves), number]) == 0
    assert main(["why", str(halves), listed["code"]]) == 0
    assert number in capsys.readouterr().out
    assert main(["verify", str(halves), "--head", found.headline["evidence_head"]]) == 0
    assert main(["tables", str(halves), "--out", str(tmp_path / "again")]) == 0
    same(load_tables(tmp_path / "again"), found)
    copy = tmp_path / "copy"
    shutil.copytree(halves, copy)
    write_report(copy, with_notebooks=False)
    assert {"evidence-01.sqlite", "evidence-02.sqlite", "evidence.sqlite"} <= {
        line.split("  ")[1] for line in (copy / "MANIFEST.sha256").read_text(encoding="utf-8").splitlines()
    }


def test_a_finished_run_in_parts_asks_nothing_whoever_is_named(sample, halves):
    head = Archive(halves).head()
    for processes in (None, 2, 3):
        arguments = (sample.register, RunFolder(halves), LISTS, PATIENT, [("127.0.0.1", 9)])
        same(collect(*arguments, crew=crew_of(processes)), load_tables(halves))
        assert Archive(halves).head() == head


def test_a_recheck_of_a_run_in_parts_has_rounds_of_its_own(sample, halves, tmp_path):
    folder = RunFolder(tmp_path / "copy")
    shutil.copytree(halves, folder.path)
    code = load_tables(halves)["findings"].query("status == 'listed'")["code"].iloc[0]
    with serve(sample.country) as served:
        tables = recheck(folder, PATIENT, LISTS, [served.resolver], [code])
        own = list(Archive(folder.path).rows(f"id < {SHARD}"))
        assert {row.pass_number for row in own} == {FIRST_RECHECK + 1}
        assert all(row.round < ROUNDS for row in own)
        assert tables.headline["bodies_listed"] == load_tables(halves).headline["bodies_listed"]
        # A third pass goes on in parts, and its rounds follow their own part's.
        arguments = (sample.register, folder, LISTS, PATIENT, [served.resolver])
        collect(*arguments, manner=Manner(passes=3), crew=crew_of(processes=2))
    shards = defaultdict(set)
    for row in Archive(folder.path).rows("round > 0"):
        shards[row.round].add(row.id // SHARD)
    assert all(len(found) == 1 for found in shards.values())


def test_a_run_begun_as_a_whole_goes_on_so(sample, tmp_path):
    shutil.copytree(sample.twice, tmp_path / "run")
    with serve(sample.country) as served:
        arguments = (sample.register, RunFolder(tmp_path / "run"), LISTS, PATIENT, [served.resolver])
        collect(*arguments, manner=Manner(passes=3), crew=crew_of(processes=2))
    assert [path.name for path in Archive(tmp_path / "run").paths] == ["evidence.sqlite"]


def collected(sample, folder, served, crew, progress=None, **manner):
    arguments = (sample.register, RunFolder(folder), LISTS, PATIENT, [served.resolver])
    return collect(*arguments, manner=Manner(passes=1, **manner), crew=crew, progress=progress)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_a_process_that_is_killed_is_replaced_and_at_most_a_second_is_asked_again(sample, tmp_path):
    crews: list[Processes] = []
    killed: list[int] = []

    def crew(folder):
        crews.append(Processes(folder, 2))
        return crews[0]

    def kill(done, expected, text):
        if done > 1_200 * (1 + len(killed)) and len(killed) < 2:
            victim = crews[0]._busy[2 - len(killed)].process.pid
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    with serve(sample.country) as served:
        tables = collected(sample, tmp_path / "run", served, crew, kill, rate=200.0)
        sent = sum(served.counts().values())
    assert len(killed) == 2
    same(tables, sample.once)
    archive = Archive(tmp_path / "run")
    assert archive.verify().is_unaltered
    lost = sent - sum(1 for _ in archive.rows())
    assert lost <= len(killed) * (len(LISTS) * 200 / 2), "each had a second's worth at its half of every rate at most"


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_everything_killed_and_gone_on_with_by_other_numbers_of_processes(sample, tmp_path):
    random_ = random.Random(2002)
    run = tmp_path / "run"
    with serve(sample.country) as served:
        command = [sys.executable, "-m", "survey", "collect", str(sample.register), "--run", str(run), "--practice"]
        command += ["--resolver", f"127.0.0.1:{served.resolver[1]}", "--passes", "1", "--rate", "200"]
        for processes, is_everybody in ((3, True), (2, False), (None, False)):
            words = [] if processes is None else ["--processes", str(processes)]
            child = subprocess.Popen(
                [*command, *words],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            if processes is None:
                assert child.wait() == 0
                break
            until = time.monotonic() + 60
            while len([*run.glob("evidence-*.sqlite")]) < 3 and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(random_.uniform(0.5, 2.0))
            # Only the gatherer, or all of them at once.
            (os.killpg if is_everybody else os.kill)(child.pid, signal.SIGKILL)
            child.wait()
    archive = Archive(run)
    assert len(archive.paths) == 4, "three parts, as it was begun"
    assert archive.verify().is_unaltered
    columns = ["code", "status", "lists", "own_or_shared"]
    pd.testing.assert_frame_equal(load_tables(run)["findings"][columns], sample.once["findings"][columns])


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt is sent to a process group")
def test_an_interrupt_stops_all_and_leaves_whole_files(sample, tmp_path):
    with serve(sample.country) as served:
        command = [sys.executable, "-m", "survey", "collect", str(sample.register), "--run", str(tmp_path / "run")]
        command += ["--practice", "--resolver", f"127.0.0.1:{served.resolver[1]}", "--rate", "100", "--processes", "2"]
        # Whoever runs the tests in the background may have told them to ignore interrupts, and children inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
        signal.signal(signal.SIGINT, before)
        until = time.monotonic() + 20
        while time.monotonic() < until and len(list((tmp_path / "run").glob("evidence-*.sqlite"))) < 2:
            time.sleep(0.1)
        time.sleep(1.0)
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert child.returncode == 2
    assert "the same command goes on" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "run").glob("*.sqlite-wal"))
    assert Archive(tmp_path / "run").verify().is_unaltered


def test_processes_together_keep_to_a_lists_rate(sample, tmp_path):
    rate = 150.0
    with serve(sample.country) as served:
        tables = collected(sample, tmp_path / "run", served, crew_of(processes=2), rate=rate)
        counts = served.counts()
    same(tables, sample.once)
    times = defaultdict(list)
    for row in Archive(tmp_path / "run").rows():
        for zone in tables.headline["lists_used"]:
            if row.name.endswith(f".{zone}"):
                times[zone].append(row.asked_us / 1e6)
    assert times
    for zone, asked in times.items():
        sent = sum(count for question, count in counts.items() if question[:-4].endswith(encode_name(zone)))
        assert sent > 200
        # Each of two buckets may be a tenth of a second ahead.
        assert sent <= rate * (max(asked) - min(asked)) + 2 * rate / 2 / 10 + 2, zone


def test_a_resolver_that_lies_to_one_part_stops_the_run(sample, tmp_path):
    def rewrite(answers):
        answers.rewrites_to = "198.18.0.1"

    with serve(sample.country, change=rewrite) as served, pytest.raises(ResolverError, match="does not exist") as told:
        collected(sample, tmp_path / "run", served, crew_of(processes=2))
    assert "make resolver" in told.value.remedy, "the whole error travels"


def test_a_list_that_dies_in_one_part_is_void_for_the_run(sample, tmp_path):
    def die(answers):
        zone = answers.zones[encode_name("orbz.dnsbl.example")]
        zone.after, zone.becomes = 150, "world"

    with serve(sample.country, change=die) as served:
        tables = collected(sample, tmp_path / "run", served, crew_of(processes=2), health_every_questions=50)
    assert "orbz.dnsbl.example" in tables.headline["lists_void"]
    assert not tables["listings"].query("zone == 'orbz.dnsbl.example'")["status"].eq("listed").any()


def test_parts_together_keep_to_a_daily_limit(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(usage, "PATH", tmp_path / "daily-use.json")
    limited = [dataclasses.replace(x, daily_limit=120) if x.zone.startswith("orbz") else x for x in LISTS]
    with serve(sample.country) as served:
        for processes in (2, 3):
            arguments = (sample.register, RunFolder(tmp_path / "run"), limited, PATIENT, [served.resolver])
            with pytest.raises(DecisionNeeded, match="daily limit"):
                collect(*arguments, manner=ONCE, crew=crew_of(processes))
        counts = served.counts()
    zone = encode_name("orbz.dnsbl.example")
    assert 60 <= sum(count for question, count in counts.items() if question[:-4].endswith(zone)) <= 120


class Mortal:
    """A crew in which whoever observes part 1 dies; the shares that were out together are kept."""

    def __init__(self, places: int) -> None:
        self._places, self._orders = places, {}
        self.most = 0.0
        self.begun: Counter[int] = Counter()

    def places(self):
        return self._places

    def begin(self, order):
        self._orders[order.brief.part] = order
        self.begun[order.brief.part] += 1
        self.most = max(self.most, sum(one.brief.share for one in self._orders.values()))

    def news(self, timeout_s):
        return [News(part, is_lost=True) for part in [*self._orders] if self._orders.pop(part)]

    def stop(self):
        self._orders = {}


def test_a_part_whose_observers_die_one_after_the_other_stops_the_run(sample, tmp_path):
    crew = Mortal(3)
    with serve(sample.country) as served, pytest.raises(RunError, match="died one after the other"):
        collected(sample, tmp_path / "run", served, lambda folder: crew)
    assert max(crew.begun.values()) == DEATHS_MOST
    assert 0.99 < crew.most <= 1.0 + 1e-9


def test_a_file_in_which_nothing_was_ever_kept_is_no_hindrance(tmp_path):
    path = evidence_path(tmp_path, 1)
    path.touch()
    settle(path)
    assert not path.exists()
    with Store(path, "test", {}, 1):
        pass
    settle(path)
    assert path.exists()
