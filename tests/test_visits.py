"""The hallway of the relay dialogue: every kind of server gets its verdict, nobody else hears a word, nobody is asked
twice, however often the process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import dataclasses
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

import pandas as pd
import pytest
from filelock import FileLock

from survey.__main__ import main
from survey.errors import EvidenceError, RunError, SurveyError
from survey.evidence import Archive
from survey.exchanges import RESOLVE_ROUND
from survey.practice.country import Country
from survey.practice.dns import answer_with_address
from survey.practice.mailers import ASKER, TRUTH, mailers, write_permission
from survey.practice.session import HOSTILE, KINDS, NEVER, Mailer
from survey.practice.smtp import MailServers
from survey.practice.world import PRACTICE, serve
from survey.publish.labels import word
from survey.reading import read_tables
from survey.relays import BEGUN
from survey.runs import RELAY_TABLES, TABLE_NAMES, RunFolder, load_tables
from survey.smtp.dialogue import Listen
from survey.store import Store
from survey.visits import visit
from survey.wire.smtp import Errand, SmtpWire
from survey.worlds import MailPatience
from tests.conftest import ROOT, survey_country
from tests.watch import ForbiddenConnection, only_to

COLUMNS = ("host", "address", "domain", "operator", "approver", "purpose", "valid_from", "valid_to", "contact", "forms")
PATIENCE = MailPatience(greeting_s=3.0, reply_s=3.0, dialogue_s=20.0, pause_s=0.0, connections=16)


def servers_of(kinds, start=0):
    """One practice server per kind, on addresses that the run does not know."""
    return [
        Mailer(f"198.19.{(start + n) // 250}.{(start + n) % 250 + 1}", f"mail.t{n}.example", (f"t{n}.example",), kind)
        for n, kind in enumerate(kinds)
    ]


def write_permissions(path, servers, forms="all", **changes):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for one in servers:
            row = dict(zip(COLUMNS, ("", one.address, one.domains[0], "a town", "we", "a test"), strict=False))
            row |= {"valid_from": "2026-01-01", "valid_to": "2099-12-31", "contact": "here", "forms": forms}
            writer.writerow(row | changes)
    return path


def world_of(reach, **patience):
    return dataclasses.replace(PRACTICE, reach=reach, patience=dataclasses.replace(PATIENCE, **patience))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return survey_country(Country.make(4), tmp_path_factory.mktemp("relay") / "run")


@pytest.fixture
def run(small, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(small.folder, folder)
    return RunFolder(folder)


def test_every_kind_of_server_gets_its_verdict_and_nobody_else_hears_a_word(run, small, tmp_path):
    assert set(TRUTH) == set(KINDS)
    asked, others = servers_of(KINDS), servers_of(["open"] * 3, start=500)
    permission = write_permissions(tmp_path / "permission.csv", asked)
    with MailServers([*asked, *others]) as served:
        allowed = {served.reach(one.address, 25) for one in asked}
        with only_to(allowed):
            found = visit(run, permission, world_of(served.reach), [], asker=ASKER)
        record = served.record()
    assert found.held == len(KINDS)
    table = found.tables["relay_servers"].set_index("address")
    for one in asked:
        row = table.loc[one.address]
        reason = None if pd.isna(row["reason"]) else row["reason"]
        assert (row["verdict"], reason) == TRUTH[one.kind], one.kind
        assert row["evidence_id"]
    # What was said to whom.
    assert set(record.connections) == {one.address for one in asked if one.kind != "nobody_there"}
    assert set(record.connections.values()) == set(record.most_at_once.values()) == {1}
    assert not record.verbs & NEVER
    assert record.verbs <= {"EHLO", "HELO", "STARTTLS", "NOOP", "MAIL", "RCPT", "RSET", "QUIT"}
    # Every address of the run's mail servers is there too, with why it was not asked.
    run_addresses = set(found.tables["addresses"]["address"].dropna())
    assert run_addresses <= set(table.index)
    assert set(table.loc[sorted(run_addresses), "reason"]) <= {"no_permission", "special_address"}
    # The survey itself says what it said before.
    for name in set(TABLE_NAMES) - set(RELAY_TABLES):
        pd.testing.assert_frame_equal(found.tables[name], small.tables[name], obj=name)
    changed = {key for key, value in found.tables.headline.items() if small.tables.headline[key] != value}
    assert changed == {"evidence_head"}
    assert Archive(run.path).verify().is_unaltered
    assert found.tables.headline["evidence_head"] == run.settings()["evidence_head"] == Archive(run.path).head()
    assert len(list((run.path / "permissions").iterdir())) == 1


def test_a_percent_hack_is_found_only_where_bypass_forms_are_permitted(run, tmp_path):
    servers = servers_of(["percent_open", "open"])
    with MailServers(servers) as served:
        permission = write_permissions(tmp_path / "p.csv", servers, forms="basic")
        found = visit(run, permission, world_of(served.reach), [], asker=ASKER)
        commands = served.record().commands
    table = found.tables["relay_servers"].set_index("address")
    assert list(table.loc[[one.address for one in servers], "verdict"]) == ["rejects", "may_relay"]
    assert not [line for _, line in commands if line.startswith("RCPT") and "%" in line]
    relays = found.tables["relays"]
    assert set(relays.loc[relays["form"].str.startswith("percent"), "reason"]) == {"form_not_permitted"}


def test_a_second_command_asks_nobody_twice_and_changes_nothing(run, tmp_path):
    servers = servers_of(["closed", "resets", "nobody_there"])
    permission = write_permissions(tmp_path / "p.csv", servers)
    with MailServers(servers) as served:
        first = visit(run, permission, world_of(served.reach), [], asker=ASKER)
        second = visit(run, permission, world_of(served.reach), [], asker=ASKER)
        assert set(served.record().connections.values()) == {1}
    assert (first.held, second.held) == (3, 0)
    assert first.tables.headline["evidence_head"] == second.tables.headline["evidence_head"]
    more = servers_of(["closed", "resets", "nobody_there", "open"])
    with MailServers(more) as served:
        write_permissions(tmp_path / "p.csv", more)
        assert visit(run, tmp_path / "p.csv", world_of(served.reach), [], asker=ASKER).held == 1
        assert set(served.record().connections) == {more[3].address}
    again = read_tables(run, PRACTICE)
    assert set(again["greetings"]["address"]) == {one.address for one in more}


def test_hosts_are_resolved_when_they_are_used(run, tmp_path):
    inside, outside = servers_of(["open", "open"])
    country = Country.make(4)

    def add(answers):
        answer_with_address(answers, "mail.t0.example", inside.address)
        answer_with_address(answers, "gone.t0.example", outside.address)

    write_permissions(tmp_path / "a.csv", [inside], host="mail.t0.example")
    write_permissions(tmp_path / "b.csv", [inside], host="gone.t0.example")
    with serve(country, change=add) as names, MailServers([inside, outside]) as served:
        world = world_of(served.reach)
        lost = visit(run, tmp_path / "b.csv", world, [names.resolver], asker=ASKER)
        assert (lost.held, {r.reason for r in lost.plan.refusals}) == (0, {"resolves_outside", "host_moved"})
        found = visit(run, tmp_path / "a.csv", world, [names.resolver], asker=ASKER)
        assert set(served.record().connections) == {inside.address}
    forms = found.tables["relays"].set_index("form")["status"]
    assert forms["own_name_sender"] == "accepted", "the host's name is known now"
    rows = [row for row in Archive(run.path).rows() if row.round == RESOLVE_ROUND]
    assert {row.name for row in rows} == {"mail.t0.example", "gone.t0.example"}, "resolving is in evidence too"


def test_a_dry_run_connects_to_nobody_and_keeps_nothing(run, tmp_path):
    servers = servers_of(["open"])
    permission = write_permissions(tmp_path / "p.csv", servers)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"}
    with MailServers(servers) as served, only_to(set()):
        found = visit(run, permission, world_of(served.reach), [], asker=ASKER, is_dry=True)
        assert not served.record().connections
    assert [target.address for target in found.plan.targets] == [servers[0].address]
    assert found.tables is None
    assert {
        path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"
    } == before


def test_an_opt_out_wins_over_a_permission(run, tmp_path):
    servers = servers_of(["open", "open"])
    out = tmp_path / "out.csv"
    out.write_text(f"subject,since,who,reason\n{servers[0].address}/32,2026-11-01,x,y\nt1.example,2026-11-01,x,y\n")
    permission = write_permissions(tmp_path / "p.csv", servers)
    with MailServers(servers) as served:
        found = visit(run, permission, world_of(served.reach), [], asker=ASKER, opt_out=out)
        assert not served.record().connections
    assert {r.reason for r in found.plan.refusals} == {"opted_out"}
    table = found.tables["relay_servers"].set_index("address")
    assert list(table.loc[[one.address for one in servers], "reason"]) == ["opted_out", "opted_out"]


def test_an_opt_out_file_that_is_not_there_stops_everything(run, tmp_path):
    servers = servers_of(["open"])
    permission = write_permissions(tmp_path / "p.csv", servers)
    with only_to(set()), pytest.raises(SurveyError):
        visit(run, permission, PRACTICE, [], asker=ASKER, opt_out=tmp_path / "mistyped.csv")


def test_folders_that_cannot_be_used_say_what_to_do(run, tmp_path):
    permission = write_permissions(tmp_path / "p.csv", servers_of(["open"]))
    with pytest.raises(RunError, match="another world"):
        visit(run, permission, dataclasses.replace(PRACTICE, name="live"), [], asker=ASKER)
    with FileLock(run.path / ".lock"), pytest.raises(RunError, match="another process"):
        visit(run, permission, PRACTICE, [], asker=ASKER)
    (run.path / "tables" / "addresses.parquet").unlink()
    with pytest.raises(RunError, match="table is missing"):
        visit(run, permission, PRACTICE, [], asker=ASKER)


def test_without_practice_servers_a_practice_run_reaches_nothing(run, tmp_path):
    permission = write_permissions(tmp_path / "p.csv", servers_of(["open"]))
    with only_to(set()):
        found = visit(run, permission, PRACTICE, [], asker=ASKER)
    assert found.counts["inconclusive"] == 1
    assert PRACTICE.reach("127.0.0.1", 5353) == ("127.0.0.1", 5353)


async def carry(wire, *errands):
    async def begun(address):
        pass

    await wire.carry(errands, begun, lambda row: None)


def test_the_wire_itself_refuses_whom_nobody_permitted_and_to_go_twice():
    with MailServers(servers_of(["open", "open"])) as served:
        one, other = (mailer.address for mailer in servers_of(["open", "open"]))
        wire = SmtpWire(world_of(served.reach), {one})

        def silent():
            yield Listen()
            return "finished"

        with pytest.raises(ExceptionGroup) as caught, only_to({served.reach(one, 25)}):
            asyncio.run(carry(wire, Errand(other, "x", silent)))
        assert isinstance(caught.value.exceptions[0], PermissionError)
        asyncio.run(carry(wire, Errand(one, "x", silent)))
        with pytest.raises(ExceptionGroup) as caught:
            asyncio.run(carry(wire, Errand(one, "x", silent)))
        assert isinstance(caught.value.exceptions[0], PermissionError)
        assert served.record().connections == {one: 1}


def test_the_watch_would_catch_a_wrong_connection():
    from tests.watch import caught

    for address in (("127.0.0.1", 25), ("192.0.2.1", 443)):
        with socket.socket() as one, pytest.raises(ForbiddenConnection):
            one.connect(address)
    with only_to(set()), socket.socket() as one, pytest.raises(ForbiddenConnection):
        one.connect(("127.0.0.1", 9))
    assert len(caught()) == 3


def test_practice_servers_that_are_told_a_message_fail_whoever_serves_them():
    (mailer,) = servers_of(["open"])
    with (
        pytest.raises(AssertionError, match="DATA"),
        MailServers([mailer]) as served,
        socket.create_connection(served.reach(mailer.address, 25)) as stream,
    ):
        stream.sendall(b"data\r\n")
        reply = b""
        while b"502" not in reply:
            reply += stream.recv(100)


def test_a_store_that_cannot_write_stops_the_dialogues(run, tmp_path, monkeypatch):
    servers = servers_of(["open"] * 4)
    permission = write_permissions(tmp_path / "p.csv", servers)

    def broken(self):
        raise EvidenceError("the disk is full")

    with MailServers(servers) as served:
        monkeypatch.setattr(Store, "flush", broken)
        with pytest.raises(EvidenceError, match="full"):
            visit(run, permission, world_of(served.reach), [], asker=ASKER)
        assert not served.record().connections, "nobody is asked before it is kept that they are"


KILLED = """
import json, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits that it is ignored
import tests.test_visits as t
ports = json.loads(Path(sys.argv[3]).read_text())
def reach(address, port):
    return ("127.0.0.1", ports[address])
t.visit(t.RunFolder(Path(sys.argv[1])), Path(sys.argv[2]), t.world_of(reach, connections=24, pause_s=0.02), [], asker=t.ASKER)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_a_run_that_is_killed_asks_nobody_twice_and_loses_nobody(run, tmp_path):
    drawn = random.Random(5)
    kinds = [drawn.choice(HOSTILE) if drawn.random() < 0.15 else drawn.choice(("closed", "open")) for _ in range(300)]
    servers = servers_of(kinds)
    permission = write_permissions(tmp_path / "p.csv", servers)
    with MailServers(servers) as served:
        (tmp_path / "ports").write_text(json.dumps({one.address: served.reach(one.address, 25)[1] for one in servers}))
        command = [sys.executable, "-c", KILLED, str(run.path), str(permission), str(tmp_path / "ports")]
        kills = 0
        while True:
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            before = len(Archive(run.path).marks())
            while kills < 4 and process.poll() is None:
                # Wait until dialogues have begun, so that the kill meets them.
                if len(Archive(run.path).marks()) > before + 1:
                    time.sleep(drawn.uniform(0.0, 0.3))
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process.pid, signal.SIGKILL)
                    kills += 1
                    break
                time.sleep(0.05)
            _, said = process.communicate()
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL, said.decode()
        record = served.record()
    assert kills == 4
    assert set(record.connections.values()) == set(record.most_at_once.values()) == {1}, "asked twice"
    assert not record.verbs & NEVER
    table = load_tables(run.path)["relay_servers"].set_index("address")
    words = {one.address: (table.loc[one.address, "verdict"], table.loc[one.address, "reason"]) for one in servers}
    cut = {address for address, (_, reason) in words.items() if reason == "cut_off"}
    assert 0 < len(cut) <= 4 * 24, "what was under way when the process was killed, and nothing else"
    for one in servers:
        verdict, reason = words[one.address]
        if one.address not in cut:
            assert (verdict, None if pd.isna(reason) else reason) == TRUTH[one.kind]
        else:
            assert verdict == "inconclusive"
    begun = [a for mark in Archive(run.path).marks() if mark.kind == BEGUN for a in mark.detail["addresses"]]
    assert len(begun) == len(set(begun)) == 300
    assert Archive(run.path).verify().is_unaltered


def test_the_command_for_the_practice_country(run, tmp_path, capsys):
    country = Country.make(4)
    write_permission(country, tmp_path / "permission.xlsx")
    arguments = ["relay", str(run.path), "--permission", str(tmp_path / "permission.xlsx"), "--json"]
    assert main([*arguments, "--dry-run"]) == 1, "some rows want a person"
    dry = json.loads(capsys.readouterr().out)
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["planned"] == dry["planned"]
    assert found["held"] == len(found["planned"]) > 60
    reasons = {one["reason"] for one in found["refused"]}
    assert {"bad_row", "expired", "host_moved", "resolves_outside", "another_operator", "two_operators"} <= reasons
    assert "接続しない" in err
    assert sum(found["servers"].values()) == len(load_tables(run.path)["relay_servers"])
    kinds = {one.address: one.kind for one in mailers(country)}
    covered = {kinds[one["address"]] for one in found["planned"]}
    assert len(covered) > 15, "most kinds of servers are covered"
    table = load_tables(run.path)["relay_servers"]
    for row in table.loc[table["verdict"].ne("not_asked")].itertuples():
        verdict, reason = TRUTH[kinds[row.address]]
        basic = kinds[row.address] == "percent_open" and row.asked_n < 10
        assert row.verdict == ("rejects" if basic else verdict)
        assert (None if pd.isna(row.reason) else row.reason) == reason


def test_every_word_of_the_relay_dialogue_has_both_languages(run, tmp_path):
    from survey.publish.relay_words import WORDS
    from survey.tables import Relay, Verdict

    for one in (*Relay, *Verdict, *(reason for _, reason in TRUTH.values() if reason)):
        assert word(one, "ja") != word(one, "en"), one
    for ja, en in WORDS.values():
        assert ja
        assert en


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent as a POSIX signal")
def test_a_run_that_is_interrupted_keeps_what_was_said_so_far(run, tmp_path):
    servers = servers_of(["closed"] * 80)
    permission = write_permissions(tmp_path / "p.csv", servers)
    with MailServers(servers) as served:
        (tmp_path / "ports").write_text(json.dumps({one.address: served.reach(one.address, 25)[1] for one in servers}))
        command = [sys.executable, "-c", KILLED, str(run.path), str(permission), str(tmp_path / "ports")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        before = len(Archive(run.path).marks())
        while process.poll() is None and len(Archive(run.path).marks()) < before + 2:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
        assert b"KeyboardInterrupt" in said
        rows = list(Archive(run.path).rows("type = 0"))
        begun = {a for mark in Archive(run.path).marks() if mark.kind == BEGUN for a in mark.detail["addresses"]}
        assert {row.name for row in rows} == begun, "every dialogue that began is kept, as far as it came"
        assert any(row.answer.endswith(b"end cut_off\n") for row in rows)
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        assert set(served.record().connections.values()) == {1}
    table = load_tables(run.path)["relay_servers"].set_index("address")
    reasons = table.loc[[one.address for one in servers], "reason"].fillna("")
    assert set(reasons) == {"", "cut_off"}
    assert 0 < (reasons == "cut_off").sum() <= 24
