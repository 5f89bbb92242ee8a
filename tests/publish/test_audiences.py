"""Who may see what: the gate opens for what was decided and for nothing else, and the public sees no single status."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.errors import RunError
from survey.publish import audiences, disclosure, gate, proposals
from survey.publish.edition import Edition
from survey.publish.labels import headline_sentences
from tests.publish.pages import NOW, decision


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


def listed(edition):
    """Listed bodies that no other hangs on: whether they are named depends on them alone."""
    return alone(edition)


def named(edition, decisions, **words):
    found = audiences.view(edition, "public", {one.code: one for one in decisions}, now=NOW, **words).findings
    return set(found.loc[found["status"].notna(), "code"])


def test_nobody_is_named_until_a_decision_says_so_and_then_exactly_those(edition):
    first, second, *_ = listed(edition)
    assert named(edition, []) == set()
    assert named(edition, [decision(edition, first), decision(edition, second)]) == {first, second}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"decision": "withhold"}, "undecided"),
        ({"approved_by": ""}, "undecided"),
        ({"decided_at": None}, "undecided"),
        ({"finding_sha256": "0" * 64}, "changed"),
        ({"notified_at": None}, "not_notified"),
        ({"notified_how": ""}, "not_notified"),
        ({"deadline": NOW + timedelta(days=1), "reason": "公益性が高い"}, "deadline_open"),
        ({"deadline": NOW - timedelta(days=10)}, "dates_wrong"),
        ({"decided_at": NOW + timedelta(days=1)}, "dates_wrong"),
        ({"notified_at": NOW + timedelta(days=1)}, "dates_wrong"),
        ({"deadline": None, "reply": "未回答"}, "deadline_open"),
        ({"deadline": NOW + timedelta(days=1)}, "deadline_open"),
        ({"deadline": None}, "deadline_open"),
        ({"deadline": None, "reply": "回答なし（12月1日確認）"}, "deadline_open"),
        ({"deadline": None, "reply": "まだ返事がない"}, "deadline_open"),
        ({"deadline": None, "reply": "無回答"}, "deadline_open"),
        ({"deadline": None, "reply": "No reply so far"}, "deadline_open"),
        ({"deadline": None, "reply": "×"}, "deadline_open"),
        ({"deadline": None, "reply": "0"}, "deadline_open"),
        ({"deadline": None, "reply": "False"}, "deadline_open"),
        ({"deadline": None, "reply": "問題ないと回答"}, None),
        ({"notified_at": None, "deadline": NOW + timedelta(days=1), "reason": "公益性が高い"}, "deadline_open"),
        ({"notified_at": None, "deadline": NOW - timedelta(days=1), "reason": "公益性が高い"}, None),
        ({"deadline": None, "reply": "是正済み"}, None),
        ({"notified_at": None, "deadline": None, "reason": "公益性が高い"}, None),
    ],
)
def test_the_gate_says_what_is_missing(edition, changes, why):
    code = listed(edition)[0]
    view = audiences.view(edition, "public", {code: decision(edition, code, **changes)}, now=NOW)
    refused = dict(view.fell_out.itertuples(index=False, name=None))
    assert refused.get(code) == why
    assert (view.findings.set_index("code")["status"][code] == "listed") == (why is None)


def alone(edition):
    """The listed bodies whose listed servers serve nobody else."""
    users = dict(edition.tables["servers"][["host", "codes"]].itertuples(index=False, name=None))
    rows = edition.tables["findings"].query("status == 'listed'")[["code", "servers_listed"]]
    return [code for code, hosts in rows.itertuples(index=False) if all(list(users[host]) == [code] for host in hosts)]


def test_nobody_is_named_while_others_on_its_server_were_not_told(edition):
    users = dict(edition.tables["servers"][["host", "codes"]].itertuples(index=False, name=None))
    rows = edition.tables["findings"].query("status == 'listed'")[["code", "servers_listed"]]
    code, hosts = next((code, hosts) for code, hosts in rows.itertuples(index=False) if code not in alone(edition))
    one = decision(edition, code)
    view = audiences.view(edition, "public", {code: one}, now=NOW)
    assert dict(view.fell_out.itertuples(index=False, name=None))[code] == "others_open"
    assert view.findings["status"].notna().sum() == 0
    told = {other: decision(edition, other, decision="withhold") for host in hosts for other in users[host]}
    assert set(named(edition, [*told.values(), one])) == {code}
    other = next(other for other in told if other != code)
    stale = {**told, other: replace(told[other], finding_sha256="0" * 64)}
    assert named(edition, [*stale.values(), one]) == set(), "the other was told of something else"


def test_an_old_confirmation_closes_the_gate(edition):
    code = listed(edition)[0]
    decisions = {code: decision(edition, code)}
    late = audiences.view(edition, "public", decisions, now=NOW + timedelta(hours=80))
    assert dict(late.fell_out.itertuples(index=False, name=None))[code] == "too_old"
    assert late.findings["status"].notna().sum() == 0
    longer = audiences.view(edition, "public", decisions, now=NOW + timedelta(hours=80), max_age_h=100)
    assert longer.findings["status"].notna().sum() == 1


def test_outsiders_see_only_the_columns_that_they_may_see(edition):
    for audience in ("ministry", "public"):
        view = audiences.view(edition, audience, {}, now=NOW)
        for name, columns in audiences.MAY_SEE[audience].items():
            assert list(getattr(view, name).columns) == list(columns)
    assert not len(audiences.view(edition, "public", {}, now=NOW).listings)


def changed(edition, change):
    """The same edition with another `findings`."""
    findings = change(edition.tables["findings"].copy())
    return replace(edition, tables={**edition.tables, "findings": findings})


def test_an_unconfirmed_listing_counts_as_unknown_for_outsiders(edition):
    code = listed(edition)[0]

    def unconfirm(findings):
        row = findings.index[findings["code"].eq(code)][0]
        findings.at[row, "confirmed"] = False
        findings.at[row, "confirmed_categories"] = []
        findings.at[row, "confirmed_servers"] = []
        return findings

    other = changed(edition, unconfirm)
    before, after = (audiences.view(one, "ministry", {}, now=NOW).headline for one in (edition, other))
    assert after["bodies_listed"] == before["bodies_listed"] - 1
    assert after["bodies_unknown"] == before["bodies_unknown"] + 1
    assert named(other, [decision(other, code)]) == set()


def test_the_ministry_is_told_with_how_many_a_server_is_shared_where_that_is_known(edition):
    code = listed(edition)[0]

    def half_confirm(findings):
        row = findings.index[findings["code"].eq(code)][0]
        findings.at[row, "servers_listed"] = [*findings.at[row, "servers_listed"], "mx2.example"]
        return findings

    internal = edition.tables["findings"].set_index("code")["shared_with"]
    told = audiences.view(changed(edition, half_confirm), "ministry", {}, now=NOW).findings
    told = dict(zip(told["code"], (one["shared_with"] for one in told.to_dict("records")), strict=True))
    assert pd.isna(told.pop(code))
    assert all(isinstance(n, int) and n == internal[body] for body, n in told.items() if not pd.isna(internal[body]))
    assert max(n for n in told.values() if not pd.isna(n)) > 1


def test_a_domain_that_nobody_reviewed_says_nothing_outside(edition):
    code = listed(edition)[0]
    domains = edition.tables["domains"].copy()
    domains.loc[domains["code"].eq(code), "is_printable"] = False
    other = replace(edition, tables={**edition.tables, "domains": domains})
    assert named(other, [decision(other, code)]) == set()
    assert audiences.view(other, "ministry", {}, now=NOW).findings.set_index("code")["status"][code] == "unknown"


def frames(view):
    return [view.findings, view.listings, view.regions, view.kinds, view.operators, view.lists]


@given(st.randoms(use_true_random=False))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_swapping_listed_and_clear_among_unnamed_bodies_changes_nothing_public(edition, random):
    found = edition.named_findings()
    counted = found.loc[found["open_relay_listing"].isin(["listed", "clear"])]
    pairs = []
    for _, group in counted.groupby(["prefecture", "kind"]):
        one = group.loc[group["open_relay_listing"].eq("listed"), "code"].tolist()
        other = group.loc[group["status"].eq("clear"), "code"].tolist()
        pairs += list(zip(random.sample(one, len(one)), random.sample(other, min(len(one), len(other))), strict=False))
    keep = listed(edition)[0]
    pairs = [pair for pair in pairs if keep not in pair and random.random() < 0.7]

    def swap(findings):
        rows = {code: row for row, code in findings["code"].items()}
        for one, other in pairs:
            a, b = findings.loc[rows[one]].copy(), findings.loc[rows[other]].copy()
            a["code"], b["code"] = other, one
            findings.loc[rows[one]], findings.loc[rows[other]] = b, a
        return findings

    decisions = {keep: decision(edition, keep)}
    before = audiences.view(edition, "public", decisions, now=NOW)
    after = audiences.view(changed(edition, swap), "public", decisions, now=NOW)
    for one, other in zip(frames(before), frames(after), strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert before.headline == after.headline


def test_a_small_part_of_the_listed_ones_is_left_out_of_the_public_headline(edition):
    def share(findings):
        rows = findings.index[findings["status"].eq("listed")]
        findings.loc[rows[2:], "confirmed_servers"] = findings.loc[rows[2:], "code"].map(lambda _: [owned])
        findings.loc[rows[:2], "confirmed_servers"] = findings.loc[rows[:2], "code"].map(lambda _: [common])
        return findings

    hosts = edition.tables["servers"].groupby("own_or_shared")["host"].first()
    owned, common = hosts["own"], hosts["shared"]
    few = changed(edition, share)
    assert audiences.view(few, "ministry", {}, now=NOW).headline["bodies_listed_shared_only"] == 2
    public = audiences.view(few, "public", {}, now=NOW).headline
    assert public["bodies_listed_shared_only"] is None and public["bodies_listed_own"] is None
    assert headline_sentences(public, "ja") and headline_sentences(public, "en")


@pytest.mark.parametrize("audience", audiences.AUDIENCES)
def test_every_table_counts_the_bodies_surveyed_and_nobody_else(edition, audience):
    codes = list(edition.tables["findings"].query("status == 'clear'")["code"].iloc[:5])

    def leave_out(findings):
        findings.loc[findings["code"].isin(codes[:2]), ["status", "open_relay_listing"]] = "opted_out"
        findings.loc[findings["code"].isin(codes[2:]), ["status", "open_relay_listing"]] = "out_of_scope"
        return findings

    surveyed = edition.headline["bodies_surveyed"] - 5
    other = replace(changed(edition, leave_out), headline={**edition.headline, "bodies_surveyed": surveyed})
    view = audiences.view(other, audience, {}, now=NOW)
    assert view.regions["bodies"].sum() == view.kinds["bodies"].sum() == surveyed == view.headline["bodies_surveyed"]
    assert other.by("prefecture")["surveyed"].sum() == surveyed
    assert len(view.findings) == view.headline["bodies"], "who was left out keeps a row"


COUNTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=30)


@given(COUNTS)
def test_no_cell_of_one_or_two_unnamed_bodies_is_left_or_can_be_subtracted(cells):
    table = pd.DataFrame(
        [(f"r{n}", a, b, c, a + b + c) for n, (a, b, c) in enumerate(cells)],
        columns=["region", "listed", "unknown", "clear", "bodies"],
    )
    found = pd.DataFrame({"code": [], "region": []}, dtype="str")
    merged = disclosure.merge_small(table, "region", found, set())
    for name in ("listed", "unknown", "bodies"):
        assert merged[name].sum() == table[name].sum(), "totals are held"
    shown = merged.loc[merged["region"].ne(disclosure.OTHERS)]
    rest = shown["bodies"] - shown["listed"] - shown["unknown"]
    for cell in (shown["listed"], shown["unknown"], rest):
        assert not cell.between(1, 2).any()
    assert not (shown["listed"].gt(0) & rest.eq(0)).any(), "where all are listed, all are named"
    together = len(table) - len(shown)
    assert together != 1 or len(shown) == 0, "one row put together with nothing could be subtracted"


def test_decisions_are_read_as_people_write_them(tmp_path):
    import openpyxl

    draft = {"code": "011002", "finding_sha256": "a" * 64, "prefecture": "北海道", "name": "札幌市"}
    proposals._write(tmp_path / "decisions.xlsx", [draft], [])
    assert gate.load_decisions(tmp_path / "decisions.xlsx")["011002"].decision == "withhold"
    book = openpyxl.load_workbook(tmp_path / "decisions.xlsx")
    row = [
        "011002",
        "A" * 64,
        datetime(2026, 11, 20),
        "電話",
        None,
        "2026/11/22",
        "デスク",
        "2026-11-24 10:00",
        "公表",
        None,
    ]
    for column, value in enumerate(row, 1):
        book.worksheets[0].cell(2, column).value = value
    book.save(tmp_path / "decisions.xlsx")
    found = gate.load_decisions(tmp_path / "decisions.xlsx")["011002"]
    assert (found.decision, found.finding_sha256) == ("name", "a" * 64)
    assert found.deadline.isoformat() == "2026-11-22T23:59:59+09:00"
    for cell, value, told in ((9, "maybe", "column I"), (6, "soon", "column F")):
        book.worksheets[0].cell(2, cell).value = value
        book.save(tmp_path / "wrong.xlsx")
        with pytest.raises(RunError, match=f"row 2, {told}"):
            gate.load_decisions(tmp_path / "wrong.xlsx")
        book.worksheets[0].cell(2, cell).value = row[cell - 1]
