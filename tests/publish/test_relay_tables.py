"""The relay dialogue on paper: counts add up, strangers' words stay words, and a run without it has no sheets."""

from __future__ import annotations

import contextlib
import shutil
from datetime import UTC, datetime

import openpyxl
import pandas as pd
import pytest

import survey
from survey.frames import frame
from survey.practice.country import Country
from survey.practice.mailers import ASKER, write_permission
from survey.practice.world import serve, serve_mail
from survey.publish import audiences, labels, relay_tables
from survey.publish.corrections import Corrections
from survey.publish.edition import Edition
from survey.publish.outside import write_outside_workbook
from survey.publish.why import why
from survey.publish.workbook import write_workbook
from survey.runs import RunFolder
from survey.tables import Relay
from survey.visits import visit
from tests.conftest import survey_country

SHEETS = ("中継の確認", "中継の項目", "応答ソフト")


@pytest.fixture(scope="module")
def country():
    return Country.make(4)


@pytest.fixture(scope="module")
def quiet(country, tmp_path_factory):
    return survey_country(country, tmp_path_factory.mktemp("quiet") / "run").folder


@pytest.fixture(scope="module")
def asked(country, quiet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked") / "run"
    shutil.copytree(quiet, folder)
    write_permission(country, folder / "permission.xlsx")
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(serve(country))
        world, _ = stack.enter_context(serve_mail(country))
        visit(RunFolder(folder), folder / "permission.xlsx", world, [names.resolver], asker=ASKER)
    return folder


def test_counts_add_up_from_the_tables_to_the_sheets(asked, tmp_path):
    run = survey.open_run(asked)
    servers = run.relay_servers
    assert run.relay_verdicts()["addresses"].sum() == len(servers)
    dialogues = run.relay_dialogues("en")
    held = servers["verdict"].ne("not_asked")
    assert (dialogues["verdict"] != "not asked").sum() == held.sum() == len(run.greetings)
    forms = run.relay_forms()
    assert (forms[[status.value for status in Relay]].sum(axis=1) == len(run.greetings)).all()
    assert run.software()["servers"].sum() == len(run.greetings)
    write_workbook(Edition.of(asked), tmp_path / "findings.xlsx")
    book = openpyxl.load_workbook(tmp_path / "findings.xlsx")
    assert set(SHEETS) <= set(book.sheetnames)
    rows = list(book["中継の確認"].iter_rows(min_row=5, values_only=True))
    assert len(rows) == len(dialogues)
    assert [row[0] for row in rows] == list(dialogues["address"])
    assert "練習用" in str(book["中継の確認"]["A2"].value)
    view = audiences.view(Edition.of(asked), "public", {}, now=datetime.now(UTC))
    write_outside_workbook(
        view, tmp_path / "public.xlsx", "ja", {}, Corrections(pd.DataFrame(columns=list(labels.CORRECTIONS)))
    )
    for one in (book, openpyxl.load_workbook(tmp_path / "public.xlsx")):
        method = " ".join(str(cell.value) for row in one["調査方法"].iter_rows() for cell in row)
        assert "サーバには接続していない" not in method
        assert "運用者の許可を得たサーバだけに接続した" in method


def test_a_run_without_relay_dialogue_has_no_sheets_and_its_notebook_cells_are_empty(quiet, tmp_path):
    write_workbook(Edition.of(quiet), tmp_path / "findings.xlsx")
    book = openpyxl.load_workbook(tmp_path / "findings.xlsx")
    assert not set(SHEETS) & set(book.sheetnames)
    method = " ".join(str(cell.value) for row in book["調査方法"].iter_rows() for cell in row)
    assert "サーバには接続していない" in method
    run = survey.open_run(quiet)
    assert len(run.relay_verdicts()) == len(run.relay_dialogues()) == len(run.software()) == 0
    assert len(run.relay_forms()) == 19
    assert run.relay_sentences("en")[0].startswith("Practice country")
    run.figure("software")


def test_a_strangers_greeting_is_a_word_and_no_formula(asked, tmp_path):
    edition = Edition.of(asked)
    greetings = edition.tables["greetings"].copy()
    greetings.loc[:, "software"] = '=HYPERLINK("https://bad.example","x")'
    greetings.loc[:, "version"] = "<script>alert(1)</script>\x1b[31m"
    write_workbook(
        Edition({**edition.tables, "greetings": greetings}, edition.headline, edition.run), tmp_path / "f.xlsx"
    )
    sheet = openpyxl.load_workbook(tmp_path / "f.xlsx")["応答ソフト"]
    assert sheet["A5"].data_type == "s"
    assert sheet["A5"].value == '=HYPERLINK("https://bad.example","x")'
    assert "\x1b" not in sheet["B5"].value


def test_the_chain_of_a_body_tells_what_its_server_said(asked, country):
    run = survey.open_run(asked)
    relaying = run.relay_servers.loc[run.relay_servers["verdict"].eq("may_relay")]
    host = next(hosts[0] for hosts in relaying["hosts"] if hosts)
    body = next(row.code for row in run.findings.itertuples() if host in row.servers)
    assert "Relay dialogue, permitted by the operator: may relay" in why(asked, body, "en")
    assert "中継に応じるおそれ" in why(asked, body, "ja")


def test_words_that_mean_another_thing_elsewhere_are_the_dialogues_own():
    assert (relay_tables.said("rejected", "ja"), relay_tables.said("rejected", "en")) == ("拒否", "rejected")
    assert relay_tables.said("not_asked", "ja") == "確認していない"
    assert relay_tables.said("unreachable", "ja") == "到達できず"
    assert relay_tables.said(None, "ja") == ""


def test_software_counts_keep_the_unknown_apart():
    rows = [("a", "Postfix", None), ("b", "Postfix", None), ("c", None, None), ("d", "Exim", "4.96")]
    greetings = frame("greetings", [(a, "x", s, v, *[None] * 7) for a, s, v in rows])
    found = relay_tables.software({"greetings": greetings})
    assert list(found["servers"]) == [2, 1, 1]
    assert found["software"].isna().tolist() == [False, False, True]
