"""The hallway: killed runs go on, foreign folders are refused, a list that fails in mid-run is void throughout."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook

from survey import usage
from survey.__main__ import main
from survey.catalogue import load_catalogue, select
from survey.collect import collect, recheck
from survey.errors import CatalogueError, DecisionNeeded, ResolverError, RunError
from survey.evidence import Archive
from survey.exchanges import AAAA, FIRST_RECHECK, MX, SOA, SURVEY_ROUND, TXT, A, is_usable
from survey.names import encode_name, reverse_wire
from survey.practice.country import Country
from survey.practice.dns import Zone
from survey.practice.world import PRACTICE, serve
from survey.reading import read_tables
from survey.resolvers import check_resolvers
from survey.runs import TABLE_NAMES, RunFolder, load_tables
from survey.sitting import Manner
from tests.conftest import ROOT, survey_country

LISTS = select("practice", load_catalogue())
CHANGING = ("evidence_id", "evidence_ids", "dmarc_evidence_ids", "asked_at")


SERVFAIL = b"\x85\x82\0\0\0\0"


class Enough(Exception):
    """Raised by a test's progress to stop a run where it is."""


def same(one, other):
    """Whether two runs say the same, evidence numbers and times aside."""
    for name in TABLE_NAMES:
        left, right = (t[name].drop(columns=[c for c in CHANGING if c in t[name]]) for t in (one, other))
        if name == "lists":
            left, right = left.drop(columns=["rounds"]), right.drop(columns=["rounds"])
        pd.testing.assert_frame_equal(left, right, obj=name)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_a_run_that_is_killed_ten_times_says_what_an_undisturbed_run_says(tmp_path):
    random_ = random.Random(2002)
    country = Country.make(7)
    undisturbed = survey_country(country, tmp_path / "undisturbed", Manner(passes=1))
    register = tmp_path / "register.xlsx"
    country.write_register(register)
    with serve(country) as served:
        command = [sys.executable, "-m", "survey", "collect", str(register), "--run", str(tmp_path / "killed")]
        command += ["--practice", "--resolver", f"127.0.0.1:{served.resolver[1]}", "--passes", "1", "--rate", "160"]
        settled, kills = set(), 0
        before: dict[bytes, int] = {}
        while True:
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if kills < 10:
                time.sleep(random_.uniform(0.9, 2.0))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                    kills += 1
            code = process.wait()
            counts = dict(served.counts())
            # What was committed when this sitting began was not asked in it again.
            for name, type_ in settled:
                key = encode_name(name) + type_.to_bytes(2, "big") + b"\0\1"
                assert counts[key] == before[key], f"{name} {type_} was asked again"
            rows = list(Archive(tmp_path / "killed").rows()) if RunFolder(tmp_path / "killed").has_evidence else []
            settled = {(row.name, row.type) for row in rows if row.round == SURVEY_ROUND and is_usable(row)}
            before = counts
            if code == 0:
                break
            assert code == -signal.SIGKILL
        assert kills == 10
    tables = load_tables(tmp_path / "killed")
    same(tables, undisturbed.tables)
    assert Archive(tmp_path / "killed").verify().is_unaltered
    usable = Counter((row.name, row.type) for row in rows if row.round == SURVEY_ROUND and is_usable(row))
    assert max(usable.values()) == 1
    assert not list((tmp_path / "killed").glob("evidence.sqlite-*")), "one checkpointed file at the end"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return survey_country(Country.make(4), tmp_path_factory.mktemp("small") / "run")


def go_on(surveyed, **changes):
    arguments = {
        "register_path": surveyed.folder / "register.xlsx",
        "folder": RunFolder(surveyed.folder),
        "selected": LISTS,
        "world": PRACTICE,
        "resolvers": [("127.0.0.1", 9)],
    }
    return collect(**(arguments | changes))


def test_without_context_the_same_bodies_are_listed_and_nothing_else_is_asked(tmp_path):
    country = Country.make(81)
    whole = survey_country(country, tmp_path / "whole", Manner(passes=1)).tables
    bare = survey_country(country, tmp_path / "bare", Manner(passes=1, has_context=False)).tables
    columns = ["code", "status", "servers_listed", "lists", "categories", "open_relay_listing"]
    pd.testing.assert_frame_equal(whole["findings"][columns], bare["findings"][columns])
    asked = {row.type for row in Archive(tmp_path / "bare").rows("round = 0")}
    assert asked == {A, AAAA, MX, SOA, TXT}, "SOA of candidate domains, TXT of lists"
    texts = [row.name for row in Archive(tmp_path / "bare").rows("round = 0 AND type = 16")]
    assert texts and all("dnsbl" in name for name in texts)
    of_networks = set(bare["networks"]["status"])
    assert of_networks == {"not_asked"}
    surveyed = bare["findings"].loc[bare["findings"]["servers"].map(len).gt(0)]
    assert surveyed["caveat"].map(lambda words: "spf_not_asked" in words).all()
    assert set(surveyed["sending_listing"]) == {"unknown"}


def test_a_finished_run_asks_nothing_and_changes_nothing(small):
    head = Archive(small.folder).head()
    same(go_on(small), small.tables)
    assert Archive(small.folder).head() == head


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_country_is_found_as_it_is(tmp_path, seed):
    surveyed = survey_country(Country.make(seed), tmp_path / "run", Manner(engine=("fast", "portable")[seed % 2]))
    findings = surveyed.tables["findings"]
    columns = ["code", "status", "open_relay_listing", "own_or_shared"]
    assert [tuple(row) for row in findings[columns].itertuples(index=False)] == surveyed.country.truth()
    roles = findings["listed_role"].where(findings["listed_role"].notna(), "")
    told = list(zip(findings["code"], roles, findings["sending_listing"], strict=True))
    assert told == surveyed.country.sending_truth()


def test_a_folder_of_another_register_selection_or_world_is_refused(small, tmp_path):
    other = tmp_path / "other.xlsx"
    Country.make(5).write_register(other)
    with pytest.raises(RunError, match="another register"):
        go_on(small, register_path=other)
    with pytest.raises(RunError, match="another selection"):
        go_on(small, selected=LISTS[:3])
    with pytest.raises(RunError, match="another world"):
        go_on(small, world=dataclasses.replace(PRACTICE, name="live"))


def test_two_processes_never_collect_into_one_folder(small):
    from filelock import FileLock

    with FileLock(small.folder / ".lock"), pytest.raises(RunError, match="another process"):
        go_on(small)


def test_a_recheck_is_a_new_pass_about_the_bodies_named(small, tmp_path):
    folder = RunFolder(tmp_path / "copy")
    shutil.copytree(small.folder, folder.path)
    listed = small.tables["findings"].query("status == 'listed'")["code"].iloc[0]
    with serve(small.country) as served:
        tables = recheck(folder, PRACTICE, LISTS, [served.resolver], [listed])
        asked = served.counts()
    assert 0 < len(asked) < 400
    domain = small.tables["domains"].set_index("code").loc[[listed], "domain"].iloc[0]
    text = TXT.to_bytes(2, "big") + b"\0\1"
    assert asked[encode_name(domain) + text] == 1, "a recheck asks for today's SPF"
    assert asked[encode_name(f"_dmarc.{domain}") + text] == 1
    assert tables.headline["bodies_listed"] == small.tables.headline["bodies_listed"]
    passes = {row.pass_number for row in Archive(folder.path).rows()}
    assert passes == {1, 2, FIRST_RECHECK + 1}
    with pytest.raises(RunError, match="no body has the code"):
        recheck(folder, PRACTICE, LISTS, [("127.0.0.1", 9)], ["000000"])


def test_a_record_that_was_answered_is_asked_for_once_however_many_share_it(small):
    rows = [row for row in Archive(small.folder).rows() if row.type == TXT and row.round == SURVEY_ROUND]
    answered = Counter(row.name for row in rows if is_usable(row) and not row.name.endswith((".dnsbl.example",)))
    assert set(answered.values()) == {1}, "neither a second pass nor a second domain asks again"
    assert answered["spf.sc-cloud1.example"] == answered["_dmarc.example"] == 1
    silent = {row.name for row in rows if not is_usable(row)} - set(answered)
    passes = {name: {row.pass_number for row in rows if row.name == name} for name in silent}
    assert passes
    assert set(map(frozenset, passes.values())) == {frozenset({1, 2})}, "silence is asked about again"


@pytest.mark.parametrize("becomes", ["world", "refusing", "parked", "emptied", "silent", "servfail"])
def test_a_list_that_dies_in_mid_run_is_void_for_the_whole_run(tmp_path, becomes):
    country = Country.make(3)
    country.write_register(tmp_path / "register.xlsx")

    def die(answers):
        zone = answers.zones[encode_name("orbz.dnsbl.example")]
        zone.after, zone.becomes = 500, becomes

    with serve(country, change=die) as served:
        tables = collect(
            tmp_path / "register.xlsx",
            RunFolder(tmp_path / "run"),
            LISTS,
            PRACTICE,
            [served.resolver],
            manner=Manner(passes=1, health_every_questions=200),
        )
    assert "orbz.dnsbl.example" in tables.headline["lists_void"]
    listings = tables["listings"]
    assert not listings.loc[listings["zone"].eq("orbz.dnsbl.example"), "status"].eq("listed").any()
    # Nobody is listed who is not, and what the dead list alone knew is not called clear by it.
    truth = {row[0]: row for row in country.truth()}
    for finding in tables["findings"].itertuples():
        if finding.status == "listed":
            assert truth[finding.code][1] == "listed"
        assert "orbz.dnsbl.example" not in finding.lists


def test_a_resolver_that_rewrites_nxdomain_is_found_before_anything_is_believed(tmp_path):
    country = Country.make(3)
    country.write_register(tmp_path / "register.xlsx")

    def rewrite(answers):
        answers.rewrites_to = "198.18.0.1"

    with serve(country, change=rewrite) as served, pytest.raises(ResolverError, match="does not exist"):
        collect(tmp_path / "register.xlsx", RunFolder(tmp_path / "run"), LISTS, PRACTICE, [served.resolver])


def test_public_resolvers_are_refused_with_the_remedy():
    for address in ("8.8.8.8", "1.1.1.2", "9.9.9.11", "2001:4860:4860:0:0:0:0:8888"):
        with pytest.raises(ResolverError, match="make resolver"):
            check_resolvers([("192.0.2.1", 53), (address, 53)])


def test_a_daily_limit_is_never_passed_however_often_the_command_is_repeated(tmp_path, monkeypatch):
    monkeypatch.setattr(usage, "PATH", tmp_path / "daily-use.json")
    country = Country.make(3)
    country.write_register(tmp_path / "register.xlsx")
    limited = tuple(dataclasses.replace(x, daily_limit=100) if x.zone.startswith("orbz") else x for x in LISTS)
    zone = encode_name("orbz.dnsbl.example")
    with serve(country) as served:
        for _ in range(3):
            with pytest.raises(DecisionNeeded, match="daily limit"):
                collect(tmp_path / "register.xlsx", RunFolder(tmp_path / "run"), limited, PRACTICE, [served.resolver])
            asked = sum(count for question, count in served.counts().items() if question[:-4].endswith(zone))
            assert 60 <= asked <= 100
    tables = load_tables(tmp_path / "run")
    reasons = tables["listings"].query("zone == 'orbz.dnsbl.example'")["reason"]
    assert "daily_limit" in set(reasons)
    assert "orbz.dnsbl.example" in tables.headline["lists_used"], "a list at its limit is not void"
    clear = sum(status == "clear" for _, status, _, _ in country.truth())
    assert tables.headline["bodies_clear"] < 0.5 * clear, "what was not asked is not clear"


def test_who_opts_out_while_a_run_goes_on_is_asked_no_more(tmp_path):
    country = Country.make(4)
    country.write_register(tmp_path / "register.xlsx")
    source = tmp_path / "opt-out.csv"
    source.write_text("subject,since,who,reason\n", encoding="utf-8")
    run, arguments = RunFolder(tmp_path / "run"), (LISTS, PRACTICE)
    body = next(one for one in country.bodies if one.in_scope and one.domains)
    with serve(country) as served:
        arguments = (*arguments, [served.resolver])
        collect(tmp_path / "register.xlsx", run, *arguments, manner=Manner(passes=1), opt_out=source)
        source.write_text(
            f"subject,since,who,reason\n{body.domains[0].upper()},2026-11-24,町長,依頼\n", encoding="cp932"
        )
        before = dict(served.counts())
        tables = collect(tmp_path / "register.xlsx", run, *arguments, manner=Manner(passes=2), opt_out=source)
        question = encode_name(body.domains[0]) + b"\0\x0f\0\1"
        assert served.counts()[question] == before[question] == 1
    assert tables["findings"].set_index("code")["status"][body.code] == "opted_out"
    for text in ("domain,since,who,reason\nx.example,,,\n", "subject,since,who,reason\nnot a domain,,,\n"):
        source.write_text(text, encoding="utf-8")
        with pytest.raises(CatalogueError, match=r"opt-out\.csv, row"):
            collect(tmp_path / "register.xlsx", RunFolder(tmp_path / "new"), *arguments, opt_out=source)
    with pytest.raises(CatalogueError, match="cannot be read"):
        collect(tmp_path / "register.xlsx", RunFolder(tmp_path / "new"), *arguments, opt_out=tmp_path / "typo.csv")


def statuses(tables):
    return dict(zip(tables["findings"]["code"], tables["findings"]["status"], strict=True))


def test_a_second_resolver_that_hides_the_lists_clears_nobody(tmp_path):
    country = Country.make(3)
    country.write_register(tmp_path / "register.xlsx")

    def falter(answers):
        for zone in ("orbz.dnsbl.example", "abuse.dnsbl.example"):
            for address in list(country.listed[zone])[::2]:
                answers.exact[reverse_wire(address) + encode_name(zone) + b"\0\1\0\1"] = SERVFAIL

    def hide(answers):
        answers.zones.update({zone: Zone("emptied") for zone in answers.zones})

    with serve(country, change=falter) as first, serve(country, change=hide) as second:
        resolvers = [first.resolver, second.resolver]
        tables = collect(
            tmp_path / "register.xlsx", RunFolder(tmp_path / "run"), LISTS, PRACTICE, resolvers, manner=Manner(passes=1)
        )
    found = statuses(tables)
    for code, status, _, _ in country.truth():
        assert found[code] in (status, "unknown"), code
    assert tables.headline["bodies_listed"] > 10


def test_what_a_lying_resolver_said_is_forgotten_by_the_run_that_goes_on(tmp_path):
    country = Country.make(3)
    country.write_register(tmp_path / "register.xlsx")
    run = RunFolder(tmp_path / "run")
    held = next(iter(country.listed["orbz.dnsbl.example"]))

    def lie(answers):
        answers.rewrites_to = held

    with serve(country, change=lie) as served, pytest.raises(ResolverError, match="does not exist"):
        collect(tmp_path / "register.xlsx", run, LISTS, PRACTICE, [served.resolver])
    with serve(country) as served:
        tables = collect(tmp_path / "register.xlsx", run, LISTS, PRACTICE, [served.resolver], manner=Manner(passes=1))
    columns = ["code", "status", "open_relay_listing", "own_or_shared"]
    assert [tuple(row) for row in tables["findings"][columns].itertuples(index=False)] == country.truth()


def test_a_resolver_without_recursion_is_warned_of_and_no_reason_to_stop(tmp_path, capsys):
    country = Country.make(4)
    country.write_register(tmp_path / "register.xlsx")

    def withdraw(answers):
        answers.offers_recursion = False

    with serve(country, change=withdraw) as served:
        words = [
            "collect",
            str(tmp_path / "register.xlsx"),
            "--run",
            str(tmp_path / "run"),
            "--practice",
            "--passes",
            "1",
        ]
        assert main([*words, "--resolver", f"127.0.0.1:{served.resolver[1]}"]) == 0
    assert "does not offer recursion" in capsys.readouterr().err


def test_what_a_register_says_in_vain_is_told_by_row_and_column_and_what_to_do(tmp_path, capsys):
    book = Workbook()
    book.active.title = "台帳"
    book.active.append(["団体コード", "都道府県", "団体名", "メールドメイン"])
    book.active.append(["512036", "赤浦県", "菊塚区", "なし"])
    book.active.append(["512044", "赤浦県", "鷹根村", "メール 参照"])
    book.save(tmp_path / "register.xlsx")
    with serve(Country.make(4)) as served:
        words = ["collect", str(tmp_path / "register.xlsx"), "--run", str(tmp_path / "run"), "--practice"]
        assert main([*words, "--passes", "1", "--resolver", f"127.0.0.1:{served.resolver[1]}"]) == 1
    told = capsys.readouterr().err
    assert "台帳, row 2, column D: this is no domain (なし)" in told and "ドメインではない。除外" in told
    assert "台帳, row 3, column D: this is no domain (参照)" in told
    assert "entries of the register that could not be used: 3" in told and "台帳の3か所を使えませんでした" in told


def test_no_resolver_at_all_is_told_before_anything_is_asked(tmp_path):
    country = Country.make(4)
    country.write_register(tmp_path / "register.xlsx")
    with pytest.raises(ResolverError, match="no resolver answers"):
        collect(tmp_path / "register.xlsx", RunFolder(tmp_path / "run"), LISTS, PRACTICE, [("127.0.0.1", 9)])


def test_a_list_that_turned_after_its_last_round_lists_nobody_in_a_run_cut_off(tmp_path):
    country = Country.make(3)
    country.write_register(tmp_path / "register.xlsx")
    run = RunFolder(tmp_path / "run")

    def turn(answers):
        zone = answers.zones[encode_name("orbz.dnsbl.example")]
        zone.after, zone.becomes = 100, "world"

    def stop(done, expected, text):
        if done > 6_000:
            raise Enough

    with serve(country, change=turn) as served, pytest.raises(Enough):
        manner = Manner(passes=1, health_every_questions=100_000)
        collect(tmp_path / "register.xlsx", run, LISTS, PRACTICE, [served.resolver], manner=manner, progress=stop)
    tables = read_tables(run, PRACTICE)
    assert tables.headline["finished_at"] is None
    truth = {code: status for code, status, _, _ in country.truth()}
    assert {
        code for code, status in statuses(tables).items() if status == "listed" and truth[code] != "listed"
    } == set()


def test_a_recheck_on_a_bad_day_takes_nothing_back_and_is_never_gone_on_with(small, tmp_path):
    folder = RunFolder(tmp_path / "copy")
    shutil.copytree(small.folder, folder.path)
    listed = small.tables["findings"].query("status == 'listed'")["code"]

    def fail(answers):
        answers.zones[encode_name("orbz.dnsbl.example")] = Zone("servfail")

    with serve(small.country, change=fail) as served:
        tables = recheck(folder, PRACTICE, LISTS, [served.resolver], list(listed[:1]))
    assert statuses(tables) == statuses(small.tables), "a list that is silent on one day is void for that day alone"
    assert tables.headline["finished_at"] == small.tables.headline["finished_at"]
    assert tables.headline["rechecked_at"] is not None

    def stop(done, expected, text):
        if done > 3:
            raise Enough

    with serve(small.country) as served:
        with pytest.raises(Enough):
            recheck(folder, PRACTICE, LISTS, [served.resolver], list(listed[:3]), progress=stop)
        served.server.reset()
        recheck(folder, PRACTICE, LISTS, [served.resolver], list(listed[:3]))
        domain = small.country.truth() and next(b for b in small.country.bodies if b.code == listed.iloc[0]).domains[0]
        assert served.counts()[encode_name(domain) + b"\0\x0f\0\1"] == 1, "asked anew"


def test_tables_are_read_from_a_copied_read_only_folder(small, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(small.folder, copy)
    for path in copy.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    copy.chmod(0o555)
    try:
        command = [sys.executable, "-m", "survey", "tables", str(copy), "--out", str(tmp_path / "again")]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    finally:
        copy.chmod(0o755)
    for path in sorted((small.folder / "tables").iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / "tables" / path.name).read_bytes()
    assert Path(tmp_path / "again" / "headline.json").read_bytes() == (small.folder / "headline.json").read_bytes()


def test_a_second_pass_waits_for_the_largest_ttl_that_the_first_one_saw(tmp_path):
    country = Country.make(4)
    country.write_register(tmp_path / "register.xlsx")
    waits = []

    def progress(done, expected, text):
        if text.startswith("next pass"):
            waits.append(expected)
            raise Enough

    world = dataclasses.replace(PRACTICE, pass_gap_s=0.001)
    with serve(country) as served, pytest.raises(Enough):
        collect(
            tmp_path / "register.xlsx",
            RunFolder(tmp_path / "run"),
            LISTS,
            world,
            [served.resolver],
            progress=progress,
        )
    assert 290 <= waits[0] <= 300, "the practice country's answers live 300 s"
