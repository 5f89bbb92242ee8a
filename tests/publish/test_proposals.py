"""Decisions for signing again: nothing is signed by itself, nothing of people's is lost or written over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import openpyxl
import pytest

from survey.publish import gate, proposals
from survey.publish.edition import Edition


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


def later(edition, change):
    """The same survey after a recheck: other evidence for everybody, and what `change` does to a finding."""
    found = edition.tables["findings"].copy()
    found["evidence_ids"] = [[*ids, "999999"] for ids in found["evidence_ids"]]
    found = found.apply(change, axis=1)
    return replace(
        edition, tables={**edition.tables, "findings": found}, headline={**edition.headline, "evidence_head": "b" * 64}
    )


def read(path):
    """Rows by code, and the sheets' names."""
    book = openpyxl.load_workbook(path)
    names = [str(cell.value).split("\n")[-1] for cell in book.worksheets[0][1]]
    rows = [dict(zip(names, row, strict=True)) for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)]
    return [row for row in rows if row["code"]], book


def sign(path, codes, **cells):
    """Fill in the rows of these bodies as people do."""
    _, book = read(path)
    sheet = book.worksheets[0]
    place = {str(cell.value).split("\n")[-1]: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        if sheet.cell(row, place["code"]).value in codes:
            for name, value in cells.items():
                sheet.cell(row, place[name]).value = value
    book.save(path)


NOTICE = {"notified_at": datetime(2026, 11, 20, 9, 0), "notified_how": "郵送", "reply": None, "deadline": "2026-11-30"}
SIGNED = {"approved_by": "デスク", "decided_at": datetime(2026, 12, 1, 18, 0), "decision": "name"}


def test_rows_that_say_the_same_are_proposed_unsigned_and_the_changed_are_told_in_words(edition, tmp_path):
    assert proposals.propose(tmp_path, edition) is None
    mine = tmp_path / "decisions.xlsx"
    drafts, _ = read(mine)
    codes = [row["code"] for row in drafts]
    assert codes == sorted(edition.tables["findings"].query("status == 'listed'")["code"])
    sign(mine, codes[:3], **NOTICE, **SIGNED)
    sign(mine, codes[3:4], decision="withhold", finding_sha256=None)
    before = mine.read_bytes()
    assert proposals.propose(tmp_path, edition) is None, "every decision holds"
    cleared = {"status": "clear", "categories": [], "servers_listed": [], "lists": []}

    def change(finding):
        if finding["code"] == codes[1]:
            finding["lists"] = [*finding["lists"], "other.dnsbl.example"]
        if finding["code"] == codes[2]:
            for name, value in cleared.items():
                finding[name] = value
        return finding

    rechecked = later(edition, change)
    made = proposals.propose(tmp_path, rechecked)
    assert mine.read_bytes() == before, "people's file is theirs"
    assert made.path.name == "decisions-proposed-bbbbbbbbbbbb.xlsx"
    assert made.new == () and set(made.again) == set(codes) - set(codes[1:4])
    assert [one.code for one in made.changed] == codes[1:3]
    assert "other.dnsbl.example" in made.changed[0].after and "other.dnsbl.example" not in made.changed[0].before
    assert made.changed[1].before.startswith("登録あり") and made.changed[1].after.startswith("登録なし")
    found, book = read(made.path)
    rows = {row["code"]: row for row in found}
    again = rows[codes[0]]
    now = {str(one["code"]): one for one in rechecked.tables["findings"].to_dict("records")}
    assert again["finding_sha256"] == gate.finding_sha256(now[codes[0]]) != drafts[0]["finding_sha256"]
    assert {name: again[name] for name in NOTICE} == NOTICE, "the facts of the notice are kept"
    assert [again[name] for name in SIGNED] == [None, None, None], "and nobody has signed"
    afresh = rows[codes[1]]
    assert [afresh[name] for name in (*NOTICE, *SIGNED)] == [None] * 7
    assert codes[2] not in rows, "who is not listed now is not proposed"
    assert rows[codes[3]]["decision"] == "withhold", "a row without a hash is copied"
    told = list(book["変わった判定"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in told] == codes[1:3] and "郵送" in told[0][4]
    decisions = gate.load_decisions(made.path)
    assert decisions[codes[0]].decision == "withhold" and codes[2] not in decisions, "it can be used in its place"
    sign(made.path, codes[:1], **SIGNED)
    signed = made.path.read_bytes()
    proposals.propose(tmp_path, rechecked)
    assert made.path.read_bytes() == signed, "a proposal that people work in stays"


def test_a_file_without_the_words_cannot_be_renewed_only_told(edition, tmp_path):
    proposals.propose(tmp_path, edition)
    path = tmp_path / "decisions.xlsx"
    book = openpyxl.load_workbook(path)
    book.worksheets[0].delete_cols(list(proposals._COLUMNS).index(gate.WORDS) + 1)
    book.save(path)
    made = proposals.propose(tmp_path, later(edition, lambda finding: finding))
    assert made.again == () and len(made.changed) == len(gate.load_decisions(path))
    assert made.changed[0].before == "（決定時の内容は記録されていない）"


def test_the_newly_listed_are_drafted(edition, tmp_path):
    proposals.propose(tmp_path, edition)
    code = edition.tables["findings"].query("status == 'clear'")["code"].iloc[0]
    found = edition.tables["findings"].copy()
    found.loc[found["code"].eq(code), "status"] = "listed"
    made = proposals.propose(tmp_path, replace(edition, tables={**edition.tables, "findings": found}))
    assert (made.again, made.changed, made.new) == ((), (), (code,))
    assert read(made.path)[0][-1]["code"] == code
