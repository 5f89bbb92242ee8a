"""Lines and cells that owners send: every one is an item with its place, whatever file it comes in."""

from __future__ import annotations

import datetime

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey import enquiries
from survey.enquiries import Outcome, read_enquiry, read_lines
from survey.errors import EnquiryError

TEXT = "# 一覧\n\nmail1.example.jp # 主\n株式会社\r\n192.0.2.0/24\nＭＡＩＬ１.example.jp\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_a_text_file_is_read_in_its_encoding(tmp_path, encoding):
    path = tmp_path / "list.txt"
    path.write_bytes(TEXT.encode(encoding))
    found = read_enquiry([str(path)])
    assert [one.text for one in found.subjects] == ["mail1.example.jp", "192.0.2.0/24"]
    assert [(item.row, item.outcome, item.reason) for item in found.items] == [
        (1, "beside", "comment"),
        (3, "taken", None),
        (4, "unusable", "no_subject"),
        (5, "taken", None),
        (6, "repeated", None),
    ]
    assert found.lines_n == 5 and {item.file for item in found.items} == {"list.txt"}
    assert found.counts() == {"taken": 2, "repeated": 1, "unusable": 1, "beside": 1}


def test_one_line_in_another_encoding_loses_no_other(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes("町.jp\n".encode() + b"\x81\xff\xff\n" + "役場.jp\n".encode())
    found = read_enquiry([str(path)])
    assert len(found.subjects) == 2
    assert [item.reason for item in found.items if item.outcome is Outcome.UNUSABLE] == ["undecodable"]


def write_book(path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "一覧"
    for row in (
        ["顧客サーバ一覧"],
        ["No.", "顧客名", "サーバ", "契約日", "備考"],
        [1, "○○市", "mail.city.example.jp", datetime.date(2026, 1, 1), "主"],
        [2, "△△町", "192.0.2.1、192.0.2.2", None, "#N/A"],
        [3, "××村", "mail..example.jp", None, None],
        [4, "□□", "未定", None, "192.000.2.1"],
        [5, "■■", "=A1", None, None],
        [6, "同じ", "MAIL.city.example.jp.", None, None],
    ):
        sheet.append(row)
    cover = book.create_sheet("表紙")
    cover.append([None, "担当 山田"])
    more = book.create_sheet("IPv6")
    more["D7"] = "2001:db8::1"
    book.save(path)


def test_any_sheet_and_column_of_a_workbook_is_searched(tmp_path):
    write_book(tmp_path / "customers.xlsx")
    found = read_enquiry([str(tmp_path / "customers.xlsx")])
    taken = [(i.sheet, f"{i.column}{i.row}", i.subject.text) for i in found.items if i.outcome is Outcome.TAKEN]
    assert taken == [
        ("一覧", "C3", "mail.city.example.jp"),
        ("一覧", "C4", "192.0.2.1"),
        ("一覧", "C4", "192.0.2.2"),
        ("IPv6", "D7", "2001:db8::1"),
    ]
    unusable = {f"{i.column}{i.row}": i.reason for i in found.items if i.outcome is Outcome.UNUSABLE}
    assert unusable == {"C5": "bad_name", "C6": "no_subject", "E6": "leading_zeros", "C7": "formula"}
    assert [f"{i.column}{i.row}" for i in found.items if i.outcome is Outcome.REPEATED] == ["C8"]
    beside = {(i.sheet, f"{i.column}{i.row}"): i.reason for i in found.items if i.outcome is Outcome.BESIDE}
    assert beside["一覧", "A1"] == beside["一覧", "C2"] == "heading"
    assert beside["一覧", "B3"] == beside["一覧", "E4"] == beside["一覧", "B5"] == "text_beside"
    assert beside["表紙", "B1"] == "sheet_without"
    cells = {item.place for item in found.items}
    assert len(cells) == found.lines_n == 30


def test_csv_and_arguments_and_files_mix(tmp_path):
    (tmp_path / "a.csv").write_bytes("名前,サーバ\n町,mail.example.jp\n".encode("cp932"))
    found = read_enquiry(["192.0.2.1", str(tmp_path / "a.csv"), "b.example.jp, c.example.jp"])
    assert [one.text for one in found.subjects] == ["192.0.2.1", "mail.example.jp", "b.example.jp", "c.example.jp"]


def test_a_file_in_the_way_is_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "city.example.jp").write_text("other.example.jp")
    assert [one.text for one in read_enquiry(["city.example.jp"]).subjects] == ["city.example.jp"]


@pytest.mark.parametrize("asked", [[], ["  "], ["nothing"], ["missing.txt"], ["missing.xlsx"]])
def test_what_cannot_be_an_enquiry_is_an_error_with_a_remedy(asked):
    with pytest.raises(EnquiryError) as error:
        read_enquiry(asked)
    assert error.value.remedy and error.value.ja


@pytest.mark.parametrize("name", ["x.txt", "x.xlsx", "x.csv"])
def test_what_is_no_list_is_an_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00\x01\x02" * 100)
    with pytest.raises(EnquiryError) as error:
        read_enquiry([str(tmp_path / name)])
    assert name in str(error.value)


def test_what_lies_beyond_the_limits_is_listed(monkeypatch):
    monkeypatch.setattr(enquiries, "SUBJECTS_MOST", 3)
    monkeypatch.setattr(enquiries, "ADDRESSES_MOST", 300)
    found = read_lines(["192.0.2.0/24", "198.51.100.0/24", "a.example", "b.example", "c.example", "a.example"])
    assert [(item.outcome, item.reason) for item in found.items] == [
        ("taken", None),
        ("unusable", "too_many_in_ranges"),
        ("taken", None),
        ("taken", None),
        ("unusable", "too_many_subjects"),
        ("repeated", None),
    ]


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["mail.example.jp", "192.0.2.1", "192.0.2.0/28", "# x", "株式会社", "  ", "", "a..b.jp", "＃注"]
        ),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=40),
    ),
    max_size=30,
)


@settings(max_examples=200)
@given(LINES)
def test_no_line_is_lost(lines):
    try:
        found = read_lines(lines)
    except EnquiryError:
        assert not any(line == "mail.example.jp" for line in lines)
        return
    written = [number for number, line in enumerate(lines, 1) if line.strip()]
    assert sorted({item.row for item in found.items}) == written
    assert found.lines_n == len(written)
    assert sum(found.counts().values()) == len(found.items)
    taken = [item.subject.text for item in found.items if item.outcome is Outcome.TAKEN]
    assert taken == [one.text for one in found.subjects] and len(set(taken)) == len(taken)
    assert all((item.reason is None) == (item.outcome in ("taken", "repeated")) for item in found.items)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_lines_or_an_error(tmp_path, data):
    path = tmp_path / "any.txt"
    path.write_bytes(b"mail.example.jp\n" + data)
    try:
        found = read_enquiry([str(path)])
    except EnquiryError:
        assert b"\0" in data
        return
    assert found.subjects[0].text == "mail.example.jp"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.booleans(), st.text(
                st.characters(exclude_categories=("Cs", "Cc")), max_size=20), st.just("mail.example.jp")),
            max_size=5,
        ),
        max_size=8,
    )
)  # fmt: skip
def test_no_cell_is_lost(tmp_path, rows):
    book = openpyxl.Workbook()
    book.active.append(["x.example.jp"])
    for row in rows:
        book.active.append([None if isinstance(cell, str) and cell.startswith("=") else cell for cell in row])
    path = tmp_path / "any.xlsx"
    try:
        book.save(path)
    except ValueError:
        return
    found = read_enquiry([str(path)])
    held = [
        (cell.row, cell.column_letter)
        for row in openpyxl.load_workbook(path).active.iter_rows()
        for cell in row
        if cell.value is not None and str(cell.value).strip()
    ]
    assert sorted({(item.row, item.column) for item in found.items}) == sorted(set(held))
    assert found.lines_n == len(held)
