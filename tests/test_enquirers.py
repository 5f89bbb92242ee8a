"""The register of enquiries: who asked, on what basis, which answer; added to, and never altered unseen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from survey.enquirers import BASIS_MOST, COLUMNS, FOR_MOST, Enquirer, altered, read, record
from survey.errors import DecisionNeeded, EnquiryError

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
FACTS = dict.fromkeys(COLUMNS[4:-1], "x")


def add(path, name="白丘町", basis="折り返し電話で確認"):
    return record(path, Enquirer.of(name, basis), FACTS, now=NOW)


def test_rows_are_added_and_chained(tmp_path):
    path = tmp_path / "enquiries.csv"
    assert [add(path), add(path, "町、役場\n(2)"), add(path, 'say "x"')] == [1, 2, 3]
    rows = read(path)
    assert [row[0] for row in rows] == ["1", "2", "3"] and rows[1][2] == "町、役場 (2)" and rows[2][2] == 'say "x"'
    assert rows[0][1] == "2026-11-25T03:00:00+00:00" and altered(rows) == []
    assert path.read_bytes().startswith(b"\xef\xbb\xbfnumber,answered_at,for,basis")


@pytest.mark.parametrize("change", ["alter", "remove", "swap", "insert"])
def test_a_row_that_was_altered_is_found_and_nothing_more_is_added(tmp_path, change):
    path = tmp_path / "enquiries.csv"
    for name in ("a", "b", "c"):
        add(path, name)
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "alter":
        lines[1] = lines[1].replace(b",a,", b",z,")
    elif change == "remove":
        del lines[2]
    elif change == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        lines.insert(2, lines[1])
    path.write_bytes(b"".join(lines))
    kept = path.read_bytes()
    with pytest.raises(DecisionNeeded):
        add(path, "d")
    assert path.read_bytes() == kept


def test_excel_may_save_it_again(tmp_path):
    path = tmp_path / "enquiries.csv"
    add(path)
    text = path.read_bytes().decode("utf-8-sig")
    path.write_bytes(text.rstrip("\r\n").encode("cp932"))
    assert add(path) == 2
    assert altered(read(path)) == []


def test_what_excel_could_take_for_a_formula_is_text(tmp_path):
    path = tmp_path / "enquiries.csv"
    add(path, '=HYPERLINK("http://evil.example")', "@x\u202ey")
    (row,) = read(path)
    assert row[2] == '\'=HYPERLINK("http://evil.example")' and row[3] == "'@x\\u202ey"


@pytest.mark.parametrize(
    ("name", "basis"),
    [
        ("", "x"),
        (" 　", "x"),
        ("--", "x"),
        ("x", ""),
        ("x", "…"),
        ("x" * (FOR_MOST + 1), "x"),
        ("x", "x" * (BASIS_MOST + 1)),
    ],
)
def test_who_and_basis_are_wanted_and_bounded(name, basis):
    with pytest.raises(EnquiryError) as error:
        Enquirer.of(name, basis)
    assert error.value.where in ("--for", "--basis") and error.value.remedy and error.value.ja


def test_another_file_is_not_taken_for_it(tmp_path):
    path = tmp_path / "enquiries.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(EnquiryError):
        add(path)
    assert path.read_text() == "a,b\n1,2\n"
