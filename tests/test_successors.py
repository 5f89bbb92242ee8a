"""Successors: which body follows which is told by a file and two registers; a wrong cell is told with its place."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import codes
from survey.errors import CatalogueError
from survey.register import load_register
from survey.successors import COLUMNS, Kin, Successor, kin, load_successors

A, B, C, D = "ABCD"
GOOD = ("033057", "032166", "recoded", "2014-01-01", "滝沢村", "滝沢市", "a source")


def row(before, after, kind, year=2003):
    return Successor(before, after, kind, datetime.date(year, 4, 1), "before", "after", "a source")


def written(path, *rows):
    lines = [",".join(COLUMNS), *(",".join(cells) for cells in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("workbook", ["mic-2019-05.xlsx", "mic-2024-01.xlsx"])
def test_the_shipped_rows_agree_with_the_ministry(shared, workbook):
    bodies = load_register(shared / "register" / workbook).bodies
    names = bodies.set_index("code")["name"].to_dict()
    rows = load_successors()
    assert {one.name_after for one in rows} == {"滝沢市", "栃木市", "富谷市", "那珂川市", "丹波篠山市"}
    for one in rows:
        assert names[one.after_code] == one.name_after
        assert one.before_code[:2] == one.after_code[:2], "nobody left its prefecture"
        assert one.kind == "renamed" or one.before_code not in names
        assert codes.is_code(one.before_code)
        assert datetime.date(2014, 1, 1) <= one.date


def test_between_the_two_ministry_workbooks_everybody_is_the_same(shared):
    before, after = (
        load_register(shared / "register" / name).bodies["code"] for name in ("mic-2019-05.xlsx", "mic-2024-01.xlsx")
    )
    found = kin(load_successors(), set(before), set(after))
    assert len(found) == 1794
    assert {one.kind for one in found} == {"same"}


def test_a_register_of_2013_is_led_to_one_of_today(shared):
    after = set(load_register(shared / "register" / "mic-2024-01.xlsx").bodies["code"])
    before = after - {"032166", "042161", "402311"} | {"033057", "044237", "403059", "093670"}
    found = kin(load_successors(), before, after)
    told = {one for one in found if one.kind != "same"}
    assert told == {
        Kin(("033057",), ("032166",), "recoded"),
        Kin(("044237",), ("042161",), "recoded"),
        Kin(("403059",), ("402311",), "recoded"),
        Kin(("092037", "093670"), ("092037",), "merged"),
    }


@pytest.mark.parametrize(
    ("rows", "before", "after", "expected"),
    [
        ([], [A], [A], [Kin((A,), (A,), "same")]),
        ([], [A], [B], [Kin((A,), (), "alone"), Kin((), (B,), "alone")]),
        ([row(A, A, "renamed")], [A], [A], [Kin((A,), (A,), "same")]),
        ([row(A, B, "recoded")], [A], [B], [Kin((A,), (B,), "recoded")]),
        ([row(A, B, "recoded"), row(B, C, "recoded", 2004)], [A], [C], [Kin((A,), (C,), "recoded")]),
        ([row(A, C, "merged"), row(B, C, "merged")], [A, B], [C], [Kin((A, B), (C,), "merged")]),
        ([row(A, C, "merged"), row(B, C, "merged")], [A], [C], [Kin((A,), (C,), "merged")]),
        ([row(A, B, "merged")], [A, B], [B], [Kin((A, B), (B,), "merged")]),
        ([row(A, B, "merged"), row(B, B, "merged")], [A, B], [B], [Kin((A, B), (B,), "merged")]),
        ([row(A, B, "merged"), row(B, B, "merged")], [B], [B], [Kin((B,), (B,), "same")]),
        ([row(A, B, "split"), row(A, C, "split")], [A], [B, C], [Kin((A,), (B, C), "split")]),
        ([row(A, A, "split"), row(A, B, "split")], [A], [A, B], [Kin((A,), (A, B), "split")]),
        ([row(A, A, "split"), row(A, B, "split")], [A, B], [A, B], [Kin((A,), (A,), "same"), Kin((B,), (B,), "same")]),
        ([row(A, B, "recoded"), row(B, D, "merged"), row(C, D, "merged")], [A, C], [D], [Kin((A, C), (D,), "merged")]),
        ([row(A, B, "recoded")], [A, B], [B], [Kin((A, B), (B,), "merged")]),
        ([row(A, B, "recoded"), row(B, A, "recoded")], [A], [C], [Kin((A,), (), "alone"), Kin((), (C,), "alone")]),
    ],
)
def test_who_belongs_to_whom(rows, before, after, expected):
    key = str
    assert sorted(kin(rows, before, after), key=key) == sorted(expected, key=key)
    mirrored = [Kin(one.after, one.before, one.kind) for one in expected]
    assert sorted(kin(rows, after, before), key=key) == sorted(mirrored, key=key)


NAMES = st.sampled_from("ABCDEFG")
ROWS = st.lists(st.builds(row, NAMES, NAMES, st.sampled_from(("merged", "split", "recoded"))), max_size=8)


@given(ROWS, st.sets(NAMES), st.sets(NAMES))
def test_every_code_of_each_register_stands_in_exactly_one_family(rows, before, after):
    found = kin(rows, before, after)
    assert sorted(code for one in found for code in one.before) == sorted(before)
    assert sorted(code for one in found for code in one.after) == sorted(after)
    for one in found:
        assert (one.kind == "alone") == (not one.before or not one.after)
        assert (len(one.before), len(one.after)) == (1, 1) or one.kind in ("merged", "split", "alone")
    assert kin(rows, before, before) == [Kin((code,), (code,), "same") for code in sorted(before)]


@given(ROWS, st.sets(NAMES), st.sets(NAMES))
def test_backwards_the_same_bodies_belong_together(rows, before, after):
    back = {Kin(one.after, one.before, one.kind) for one in kin(rows, after, before)}
    assert set(kin(rows, before, after)) == back


def test_a_good_file_is_read_whole_and_empty_rows_do_no_harm(tmp_path):
    path = written(tmp_path / "mine.csv", GOOD, ("",) * 7, ("X1", "X1", "split", "2003-04-01", "a", "b", "c"))
    assert load_successors(path) == (
        Successor("033057", "032166", "recoded", datetime.date(2014, 1, 1), "滝沢村", "滝沢市", "a source"),
        Successor("X1", "X1", "split", datetime.date(2003, 4, 1), "a", "b", "c"),
    )


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("before_code", "", "no code"),
        ("before_code", "033058", "check digit is wrong: 03305 has 7"),
        ("after_code", "033057", "another code"),
        ("after_code", "032165", "check digit"),
        ("kind", "gone", "none of the words"),
        ("kind", "renamed", "keeps its code"),
        ("date", "2014年1月", "no date"),
        ("name_before", "", "without it"),
        ("source", "", "without it"),
    ],
)
def test_a_wrong_cell_is_told_with_file_row_and_column(tmp_path, column, cell, said):
    cells = [cell if name == column else text for name, text in zip(COLUMNS, GOOD, strict=True)]
    other = ("X1", "X2", "merged", "2003-04-01", "a", "b", "c")
    with pytest.raises(CatalogueError, match=said) as told:
        load_successors(written(tmp_path / "mine.csv", other, cells))
    assert told.value.where.startswith("mine.csv, row 3, column ")
    assert told.value.ja
    assert told.value.remedy


def test_a_row_that_stands_twice_and_a_second_successor_are_told(tmp_path):
    with pytest.raises(CatalogueError, match="twice"):
        load_successors(written(tmp_path / "mine.csv", GOOD, GOOD))
    second = ("033057", "X2", "recoded", "2015-01-01", "a", "b", "c")
    with pytest.raises(CatalogueError, match="given up in another row"):
        load_successors(written(tmp_path / "mine.csv", GOOD, second))


def test_a_missing_column_is_told(tmp_path):
    (tmp_path / "mine.csv").write_text("before_code,after_code\nA,B\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="columns are missing: kind"):
        load_successors(tmp_path / "mine.csv")
