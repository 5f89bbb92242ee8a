"""The benchmark's world is what it says, and the benchmark itself loses no answer: a small one, on real servers."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter

import pandas as pd
import pytest

from benchmarks import bench, large, peers, serving
from benchmarks.child import ZONES
from benchmarks.generated import Generated, Kind, lists, world
from survey.register import load_register
from survey.runs import TABLE_NAMES


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_register_is_read_without_a_problem(tmp_path, suffix):
    made = Generated.make(300, 5)
    made.write_register(tmp_path / f"register.{suffix}")
    register = load_register(tmp_path / f"register.{suffix}")
    assert list(register.domains["domain"]) == list(made.domains())
    assert register.problems.empty


def test_a_seed_makes_one_world(tmp_path):
    texts = [
        [path.read_text() for path in Generated.make(300, seed).write_zones(tmp_path / str(n)).values()]
        for n, seed in enumerate((5, 5, 6))
    ]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("size", "hosts", "share", "largest"), [(3_557, 4_265, 1.18, 468), (194_953, 59_440, 0.30, 38_745)]
)
def test_the_world_is_as_large_and_as_skewed_as_in_2002(size, hosts, share, largest):
    made = Generated.make(size)
    assert made.hosts_n == hosts
    assert made.ipv4_n / size == pytest.approx(share, abs=0.005)
    users = Counter(host for number in range(size) for host in made.exchangers(number))
    assert len(users) == hosts, "a host takes nobody's mail"
    assert users[0] + users[1] == pytest.approx(largest, rel=0.1)
    kinds = Counter(made.kind(number) for number in range(size))
    assert set(kinds) == set(Kind)
    assert 0.02 < len(made.listed) / made.ipv4_n < 0.04
    assert all(map(world().askable, made.addresses()))


def test_the_lists_have_their_test_points():
    assert [one.zone for one in lists()] == list(ZONES)
    for one in lists():
        assert [(point.address, point.codes) for point in one.positive] == [("127.0.0.2", ("127.0.0.2",))]
        assert one.negative == ("127.0.0.1",)


# massdns is nowhere to be had as a package: this one speaks as its source says (main.c, OUTPUT_TEXT_SIMPLE), slowly.
MASSDNS = """#!{python}
import sys, dns.message, dns.query, dns.rcode
words = sys.argv[1:]
option = lambda name: words[words.index(name) + 1]
assert option("-o") == "Snqr" and (option("-i"), option("-c")) == ("1000", "3")
host, port = open(option("-r")).read().strip().split(":")
with open(option("-w"), "w") as out:
    for name in open(words[-1]).read().split():
        answer = dns.query.udp(dns.message.make_query(name, option("-t")), host, 5, int(port))
        code = dns.rcode.to_text(answer.rcode())
        print(f"{{host}}:{{port}} 1016150400 {{code}} {{name}}.  {{option('-t')}}", file=out)
        for line in (line for rrset in answer.answer for line in rrset.to_text().splitlines()):
            owner, _, _, kind, *data = line.split()
            print(owner, kind, *data, file=out)
"""


@pytest.mark.daemons
def test_massdns_finds_the_truth_with_its_glue(tmp_path, monkeypatch):
    made = Generated.make(bench.SMALL, 7)
    script = tmp_path / "massdns"
    script.write_text(MASSDNS.format(python=sys.executable))
    script.chmod(0o755)
    monkeypatch.setenv("MASSDNS", str(script))
    case = next(case for case in bench.CASES if case.key == "straight")
    need_programs()
    with bench.benches(made, [case], tmp_path) as given:
        for measured in (peers.massdns_lists(given["straight"]), peers.massdns_whole(given["straight"])):
            assert (measured.lost, measured.missing, measured.invented) == (0, 0, 0)
        assert measured.questions == given["straight"].questions[1]


def need_programs():
    """Skip, or fail where everything is required, when a program is missing."""
    if absent := serving.missing():
        message = f"{', '.join(absent)} not here (make daemons)"
        pytest.fail(message) if os.environ.get("SURVEY_REQUIRE_DAEMONS") == "1" else pytest.skip(message)


@pytest.mark.daemons
def test_a_small_benchmark_loses_nothing_and_finds_the_truth(tmp_path):
    need_programs()
    record = bench.bench(bench.SMALL, 1, is_small=True, out=tmp_path)
    assert json.loads((tmp_path / "bench.json").read_text()) == record
    assert record.keys() >= {"measured_at", "machine", "versions", "world", "runs", "cases", "targets"}
    assert set(record["cases"]) == set(bench.SMALL_CASES)
    for key, by_client in record["cases"].items():
        assert by_client.keys() >= {"ours", "massdns"}
        for client, figures in by_client.items():
            assert figures["missing"] == figures["invented"] == 0, (key, client)
            if key != "silent":
                assert figures["lost"] == 0, (key, client)
    # Each silent name leaves at most the questions unanswered that are asked of it: MX, TXT, and DMARC below.
    assert 0 < record["cases"]["silent"]["ours"]["lost"] <= 4 * record["world"]["silent_names"]
    assert {one["text"] for one in record["targets"]} <= {one.text for one in bench.TARGETS}
    for language in ("en", "ja"):
        path = tmp_path / f"{language}.md"
        path.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
        bench.write_readme(path, record, language)
        text = path.read_text()
        assert text.startswith("before\n<!-- bench -->\n") and text.endswith("<!-- /bench -->\nafter\n")
        assert "| **ours** |" in text and "old" not in text


@pytest.mark.daemons
def test_a_run_killed_twice_says_the_same_as_one_that_nobody_killed(tmp_path):
    need_programs()
    record = large.measure(250, 100, 1, tmp_path, is_compared=True, kills=(0.6, 0.7))
    assert record["faults"] == record["differences"] == []
    assert record["killed"]["kills"] > 0


def test_differing_tables_are_told(tmp_path):
    for run, status in (("one", "clear"), ("other", "listed")):
        (tmp_path / run / "tables").mkdir(parents=True)
        for name in TABLE_NAMES:
            rows = {"status": [status if name == "findings" else "clear"], "asked_at": [run], "lists": [["a", run][:1]]}
            pd.DataFrame(rows).to_parquet(tmp_path / run / "tables" / f"{name}.parquet")
    told = large.differences(tmp_path / "one", tmp_path / "other")
    assert told == ["findings: 1 and 1 rows, 1 here only, 1 there only"]
