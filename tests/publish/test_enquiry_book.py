"""The enquirer's workbook: a row for everything, both languages, and whatever strangers sent as text."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import openpyxl
import pytest

from survey.enquirers import Enquirer
from survey.enquiries import read_lines
from survey.enquiring import answer
from survey.practice.world import PRACTICE
from survey.publish import enquiry_words, labels
from survey.publish.enquiry_book import write_enquiry_book
from survey.publish.newsroom import Newsroom
from survey.runs import RunFolder
from survey.sources import source_of_run

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
DESK = Newsroom("灯台新聞社", "山田花子", "電話 03-0000-0000", 10)
HOSTILE = '=HYPERLINK("http://evil.example")<b>&"\x1b[31m\u202e' + "あ" * 40_000


@pytest.fixture(scope="module")
def found(surveyed):
    country = surveyed.country
    listed = [next(iter(country.listed[zone])) for zone in ("orbz.dnsbl.example", "policy.dnsbl.example")]
    silent = next(host for host, facts in country.hosts.items() if facts.behaviour == "silent")
    domain = next(domain for domain, facts in country.domains.items() if facts.behaviour == "mx")
    lines = [domain, silent, *listed, "198.18.3.0/24", "gone.example", "株式会社", "# x", domain.upper(), "192.0.2.0/8"]
    return answer(read_lines(lines), source_of_run(RunFolder(surveyed.folder), PRACTICE))


@pytest.fixture(scope="module")
def book(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "answer.xlsx"
    write_enquiry_book(found, Enquirer.of("白丘町 情報政策課", "秘密の確認方法"), DESK, path, now=NOW)
    return path


def rows(path, name):
    return list(openpyxl.load_workbook(path)[name].iter_rows(min_row=5, values_only=True))


def test_every_server_listing_line_and_list_has_a_row(found, book):
    names = openpyxl.load_workbook(book).sheetnames
    assert names == list(enquiry_words.SHEETS.values())
    assert len(rows(book, names[1])) == len(found.servers)
    listings = [said for server in found.servers for said in server.said if said.is_listing]
    assert len(rows(book, names[2])) == len(listings) > 10
    assert len(rows(book, names[3])) == len(found.replies)
    assert len(rows(book, names[4])) == len(found.source.tables["lists"]) == 12
    for name in names[1:]:
        heads = [cell.value for cell in openpyxl.load_workbook(book)[name][4]]
        assert all("\n" in head for head in heads), "each head in both languages"


def test_the_first_sheet_says_for_whom_from_what_and_whom_to_write_to(found, book):
    text = "\n".join(str(cell) for row in openpyxl.load_workbook(book).worksheets[0].values for cell in row if cell)
    assert "白丘町 情報政策課" in text and "秘密の確認方法" not in text
    assert found.source.head in text and found.enquiry.sha256 in text
    assert "2026-11-25 12:00（日本時間） / 2026-11-25 03:00 UTC" in text
    assert "電話 03-0000-0000" in text and labels.PRACTICE["ja"] in text and labels.PRACTICE["en"] in text
    for ja, en in (*enquiry_words.ABOUT, enquiry_words.OF_A_RUN, enquiry_words.COMPLAIN):
        assert ja in text and en in text
    assert labels.NOT_CLOSED["ja"] in text and labels.NOT_CLOSED["en"] in text


def test_words_stand_in_both_languages_and_silence_is_not_clear(found, book):
    servers = rows(book, enquiry_words.SHEETS["enquiry_servers"])
    assert {row[4] for row in servers} >= {"登録あり / listed", "登録なし / not listed", "確認できず / not determined"}
    listed = servers[0]
    assert listed[4] == "登録あり / listed"
    assert listed[6] and listed[7] and listed[8] == "済 / yes" and listed[12]
    lines = rows(book, enquiry_words.SHEETS["enquiry_lines"])
    by_row = {row[2]: row for row in lines}
    assert by_row[6][6:8] == ("未照会 / not asked", "この調査では照会していない / this survey did not ask about it")
    assert by_row[7][6] == "読めない / could not be used" and by_row[7][8]
    assert by_row[8][7] == "注記 / a comment" and by_row[9][6].startswith("重複")
    assert by_row[5][7].startswith("256アドレス中")
    assert by_row[5][10] + by_row[5][11] + by_row[5][12] == len(found.replies[4].servers)


def test_how_to_be_delisted_stands_beside_every_listing(found, book):
    for row in rows(book, enquiry_words.SHEETS["enquiry_listings"]):
        assert row[10] == f"https://{row[11]}/delist" and "：" not in row[10]
        assert "/ " in row[4] and row[5].startswith("127.0.0.") and row[13].startswith("nslookup -type=A ")


def test_the_practice_label_stands_on_every_sheet_and_in_the_properties(book):
    opened = openpyxl.load_workbook(book)
    for sheet in opened:
        assert "PRACTICE – INVENTED" in sheet.oddHeader.left.text and "照会者限り" in sheet.oddFooter.left.text
        assert labels.PRACTICE["ja"] in str(sheet["A2"].value)
    assert opened.properties.creator == "灯台新聞社" and labels.PRACTICE["en"] in opened.properties.description


def test_what_strangers_sent_is_text(found, tmp_path):
    said = found.servers[0]
    one = replace(
        next(s for server in found.servers for s in server.said if s.is_listing), text=HOSTILE, reason=HOSTILE
    )
    wrong = replace(said, host=HOSTILE, said=(one,), subjects=[HOSTILE], status="listed", reason=HOSTILE)
    items = replace(found.replies[0], item=replace(found.replies[0].item, written=HOSTILE, file=HOSTILE, sheet=HOSTILE))
    about = replace(found.source.lists[one.zone], list_name=HOSTILE, operator=HOSTILE, delist_url=HOSTILE)
    source = replace(found.source, lists={**found.source.lists, one.zone: about})
    bad = replace(found, servers=(wrong,), replies=(replace(items, servers=(0,)),), source=source)
    path = tmp_path / "bad.xlsx"
    write_enquiry_book(bad, Enquirer("x", "y"), Newsroom(HOSTILE, HOSTILE, HOSTILE), path, now=NOW)
    cells = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert not [text for text in texts if "\x1b" in text or "\u202e" in text or len(text) > 32_767]
    assert [text for text in texts if text.startswith("=HYPERLINK")]
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if b"TargetMode" in archive.read(name)]


def test_what_the_newsroom_did_not_say_is_a_placeholder(found, tmp_path):
    write_enquiry_book(found, Enquirer("x", "y"), Newsroom(), tmp_path / "a.xlsx", now=NOW)
    text = "\n".join(
        str(cell) for row in openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0].values for cell in row
    )
    assert "【連絡先：未記入】" in text and "[contact: not filled in]" in text
