"""Sheets: what Excel cannot hold is left out and said."""

from __future__ import annotations

import openpyxl

from survey.publish import book


def test_a_sheet_says_when_it_cannot_hold_every_row(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "ROWS_MOST", 10)
    path = tmp_path / "long.xlsx"
    with book.new_book(path, "internal", "ja", "2026-11-25", {}, is_practice=False) as writing:
        sheet = writing.sheet("findings", header_row=3)
        book.write_table(writing, sheet, 3, "long", ["a"], [[number] for number in range(50)])
    read = openpyxl.load_workbook(path).active
    rows = [row[0] for row in read.iter_rows(min_row=5, values_only=True)]
    assert rows == list(range(6))
    assert "全50行のうち先頭の6行だけ" in read["A3"].value
    assert "the first 6 of 50 rows" in read["A3"].value
    assert read.max_row == 10
