"""What people read of senders: one table, one sheet, one chain, every word in both languages."""

from __future__ import annotations

import openpyxl
import pytest

from survey.publish import labels, sending
from survey.publish.edition import Edition
from survey.publish.why import why
from survey.publish.workbook import write_workbook


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


def test_the_table_has_a_row_for_every_body_and_domain(edition):
    table = sending.table(edition.tables)
    assert len(table) == len(edition.tables["domains"]), "nobody has opted out"
    listed = edition.tables["findings"].query("sending_listing == 'listed'")
    assert set(table.loc[table["senders_listed"].map(bool), "code"]) == set(listed["code"])
    per_body = table.groupby("code")["senders_listed"].agg(lambda found: sorted({a for one in found for a in one}))
    assert per_body[listed["code"]].tolist() == [sorted(found) for found in listed["senders_listed"]]
    assert table["senders_listed"].map(bool).is_monotonic_decreasing, "listed ones first"


def test_the_sheet_says_what_the_table_says(edition, tmp_path):
    write_workbook(edition, tmp_path / "findings.xlsx")
    book = openpyxl.load_workbook(tmp_path / "findings.xlsx", read_only=True, data_only=True)
    rows = list(book["送信元"].iter_rows(min_row=5, values_only=True))
    table = sending.table(edition.tables)
    assert [row[3] for row in rows] == table["domain"].tolist()
    assert [row[7] or "" for row in rows] == [", ".join(found) for found in table["senders_listed"]]
    summary = {row[0]: row[1:5] for row in book["要約"].iter_rows(values_only=True) if row[0]}
    bounds = labels.bounded(edition.headline, "sending")
    counted = (bounds.listed, bounds.listed + bounds.unknown, bounds.unknown, bounds.total)
    assert summary["SPFの送信元が登録の団体 / bodies with listed senders"] == counted


@pytest.mark.parametrize(("language", "wanted"), [("en", "Sender {}: "), ("ja", "送信元 {}: ")])
def test_the_chain_leads_from_the_record_to_the_list(surveyed, edition, language, wanted):
    senders = edition.tables["senders"]
    only = edition.tables["findings"].query("listed_role == 'sends'").iloc[0]
    address = only["senders_listed"][0]
    text = why(surveyed.folder, only["code"], language)
    row = senders.query("address == @address").iloc[0]
    assert wanted.format(address) in text
    assert ", ".join(row["evidence_ids"]) in text
    assert '  SPF: "v=spf1' in text.replace("V=SPF1", "v=spf1")
    assert "  DMARC: " in text
    assert {"en": "its listed addresses: sends", "ja": "登録アドレスの役割 送信"}[language] in text


def test_every_word_about_senders_has_both_languages(edition):
    senders, policies, findings = (edition.tables[name] for name in ("senders", "policies", "findings"))
    words = set(senders["reason"].dropna()) | set(senders["status"]) | set(findings["sending_listing"])
    words |= set(policies["spf_problem"].dropna()) | set(policies["dmarc_problem"].dropna())
    words |= {word for found in findings["caveat"] for word in found}
    assert [word for word in sorted(words) if labels.word(word, "ja") == word and word != "servfail"] == []


def test_the_headline_says_senders_with_their_bounds(edition):
    for language in ("ja", "en"):
        said = labels.bounded(edition.headline, "sending").text(language)
        assert (
            sum(
                said in sentence and "SPF" in sentence
                for sentence in labels.headline_sentences(edition.headline, language)
            )
            == 1
        )
