"""Decisions as people leave them: which counts, what a spreadsheet did to a code, what is hidden; and how old is old."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import openpyxl
import pandas as pd
import pytest

from survey.publish import audiences, confirmed, gate
from survey.publish.edition import Edition
from tests.publish.pages import NOW, decision
from tests.publish.test_audiences import alone, changed


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


def written(path, *rows, hidden=()):
    """A `decisions.xlsx` with these rows, and on a hidden sheet those."""
    book = openpyxl.Workbook()
    sheets = [(book.active, rows), *([(book.create_sheet("古い決定"), hidden)] if hidden else [])]
    for sheet, held in sheets:
        sheet.append(list(gate.COLUMNS))
        for row in held:
            sheet.append([row.get(name) for name in gate.COLUMNS])
    if hidden:
        book.worksheets[1].sheet_state = "hidden"
    book.save(path)
    return path


def row(code, decided_at, word, **more):
    return {"code": code, "decided_at": decided_at, "decision": word, "approved_by": "デスク", **more}


@pytest.mark.parametrize(
    ("dates", "counts"),
    [
        ((("2026-11-20", "name"), ("2026-11-22", "withhold")), "withhold"),
        ((("2026-11-22", "name"), ("2026-11-20", "withhold")), "name"),
        ((("2026-11-22", "withhold"), ("2026-11-20", "name")), "withhold"),
        ((("2026-11-22", "name"), (None, "withhold")), "withhold"),
        (((None, "withhold"), ("2026-11-22", "name")), "withhold"),
        (((None, "withhold"), ("2026-11-22", "name"), ("2026-11-23", "name")), "withhold"),
        ((("2026-11-22", "name"), ("2026-11-22", "withhold")), "withhold"),
    ],
)
def test_the_latest_decision_counts_and_an_undated_one_that_withholds_always(tmp_path, dates, counts):
    path = written(tmp_path / "decisions.xlsx", *(row("011002", when, word) for when, word in dates))
    assert gate.load_decisions(path)["011002"].decision == counts


def test_a_code_of_which_a_spreadsheet_made_a_number_is_found_and_one_of_another_country_kept(tmp_path):
    path = written(tmp_path / "decisions.xlsx", row(11002, "2026-11-22", "name"), row("4711", "2026-11-22", "name"))
    assert set(gate.load_decisions(path, {"011002", "4711"})) == {"011002", "4711"}
    both = written(tmp_path / "b.xlsx", row("011002", "2026-11-20", "name"), row(11002.0, "2026-11-22", "withhold"))
    assert {code: one.decision for code, one in gate.load_decisions(both, {"011002"}).items()} == {"011002": "withhold"}


def test_a_hidden_sheet_decides_nothing(tmp_path):
    path = written(
        tmp_path / "decisions.xlsx",
        row("011002", "2026-11-20", "withhold"),
        hidden=[row("011002", "2026-11-22", "name"), row("011011", "2026-11-22", "name")],
    )
    found = gate.load_decisions(path)
    assert set(found) == {"011002"} and found["011002"].decision == "withhold"


def both_categories(edition, code, confirmed):
    """The same body listed for open relay and for abuse, of which these categories were confirmed."""

    def relist(findings):
        place = findings.index[findings["code"].eq(code)][0]
        findings.at[place, "categories"] = ["open_relay", "spam_source"]
        findings.at[place, "open_relay_listing"] = "listed"
        findings.at[place, "confirmed_categories"] = confirmed
        findings.at[place, "confirmed_servers"] = findings.at[place, "servers_listed"]
        findings.at[place, "confirmed"] = False
        return findings

    return changed(edition, relist)


def test_a_body_is_named_for_what_was_confirmed_and_for_nothing_else(edition):
    code = alone(edition)[0]
    for sure, relay in ((["spam_source"], False), (["open_relay"], True)):
        partly = both_categories(edition, code, sure)
        decisions = {code: decision(partly, code)}
        public = audiences.view(partly, "public", decisions, now=NOW).findings.set_index("code").loc[code]
        assert public["status"] == "listed"
        assert (public["open_relay_listing"] == "listed") == relay, (
            "printed as a relay listing only if that is confirmed"
        )
        ministry = audiences.view(partly, "ministry", {}, now=NOW).findings.set_index("code").loc[code]
        assert ministry["categories"] == sure
        assert ministry["open_relay_listing"] == ("listed" if relay else "unknown")


def test_the_oldest_confirmation_counts(edition):
    """Two lists hold the body's address; one answered long ago."""
    sure = edition.tables["listings"]
    servers = edition.tables["servers"].set_index("host")
    listed = edition.tables["findings"].set_index("code")["servers_listed"]
    code = alone(edition)[0]
    address = next(one for host in listed[code] for one in servers["addresses"][host])
    extra = sure.loc[sure["address"].eq(address) & sure["confirmed_categories"].map(len).gt(0)].head(1)
    host = listed[code][0]
    old = extra.assign(address="198.18.255.254", asked_at=extra["asked_at"] - pd.Timedelta(hours=100))
    more = edition.tables["servers"].copy()
    place = more.index[more["host"].eq(host)][0]
    more.at[place, "addresses"] = [*more.at[place, "addresses"], "198.18.255.254"]
    tables = {**edition.tables, "listings": pd.concat([sure, old], ignore_index=True), "servers": more}
    both = replace(edition, tables=tables)
    assert confirmed.confirmed_at(both)[code] == confirmed.confirmed_at(edition)[code] - timedelta(hours=100)
    view = audiences.view(both, "public", {code: decision(both, code)}, now=NOW)
    assert dict(view.fell_out.itertuples(index=False, name=None))[code] == "too_old"
    newest = audiences.view(both, "public", {code: decision(both, code)}, now=NOW, max_age_h=200)
    assert newest.confirmed_at == confirmed.confirmed_at(both)[code], "the page says the oldest"


def test_an_operator_nearly_all_of_whose_customers_are_listed_has_no_row_in_public():
    rows = [
        ("nearly all", 12, 10, 0),
        ("two left", 12, 10, 0),
        ("some", 20, 8, 0),
        ("none", 15, 0, 0),
        ("small", 9, 4, 0),
    ]
    ranked = pd.DataFrame(rows, columns=["operator", "bodies_n", "listed_n", "unknown_n"])
    assert list(audiences._large(ranked)["operator"]) == ["some", "none"]
    few = pd.DataFrame([("one", 30, 1, 0), ("two open", 30, 10, 2), ("all open", 30, 0, 30)], columns=ranked.columns)
    assert list(audiences._large(few)["operator"]) == ["all open"]


def test_the_national_bodies_fill_no_row_in_one_table_alone():
    """They are a region and a kind: put together with a small region, the table by kind would give them back."""
    table = pd.DataFrame(
        [("国", 0, 0, 4, 4), ("甲県", 1, 0, 9, 10), ("乙県", 0, 0, 30, 30)],
        columns=["prefecture", "listed", "unknown", "clear", "bodies"],
    )
    nobody = pd.DataFrame({"code": [], "prefecture": []}, dtype="str")
    merged = audiences.disclosure.merge_small(table, "prefecture", nobody, set())
    assert list(merged["prefecture"]) == ["国", audiences.disclosure.OTHERS]


def test_whose_a_server_is_stands_in_no_public_row(edition):
    code = alone(edition)[0]
    view = audiences.view(edition, "public", {code: decision(edition, code)}, now=NOW)
    for table in (view.findings, view.regions, view.kinds, view.operators):
        assert not {"own_or_shared", "servers_listed", "lists", "host", "shared_with"} & set(table.columns)
    assert not len(view.servers)


def test_an_operator_is_named_as_a_body_is(edition):
    at = NOW - timedelta(days=1)
    signed = replace(decision(edition, alone(edition)[0]), code="operator:x.example", decided_at=at)
    assert gate.names_operator(signed, NOW)
    for wrong in (
        None,
        replace(signed, decision="withhold"),
        replace(signed, approved_by=""),
        replace(signed, deadline=NOW + timedelta(days=1)),
    ):
        assert not gate.names_operator(wrong, NOW)
    assert isinstance(at, datetime)
