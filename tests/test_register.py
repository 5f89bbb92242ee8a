"""The register: what a newsroom's Excel brings, read without losing a row."""

from __future__ import annotations

import datetime
import io
import re
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from survey import cells, codes
from survey.errors import RegisterError
from survey.register import load_register
from survey.sheets import column_letter

HEAD = ["団体コード", "都道府県", "団体名", "メールドメイン"]


@pytest.fixture
def book(tmp_path):
    """Write rows (and what `change` does to the sheet) into a workbook and read it as a register."""

    def read(*rows, head=HEAD, change=None):
        workbook = openpyxl.Workbook()
        for row in [head, *rows]:
            workbook.active.append(row)
        if change:
            change(workbook)
        workbook.save(tmp_path / "register.xlsx")
        return load_register(tmp_path / "register.xlsx")

    return read


@pytest.mark.parametrize("name", ["mic-2024-01.xlsx", "mic-2019-05.xlsx"])
def test_the_ministrys_workbooks_are_read_as_shipped(shared, name):
    register = load_register(shared / "register" / name)
    bodies = register.bodies
    assert len(bodies) == 1794
    assert bodies["in_scope"].sum() == 1788
    out = bodies.loc[~bodies["in_scope"]]
    assert sorted(out["name"]) == sorted(["色丹村", "泊村", "留夜別村", "留別村", "紗那村", "蘂取村"])
    assert out["scope_reason"].str.contains("行政機能のない村").all()
    assert set(bodies.loc[bodies["in_scope"], "code"]) == set(codes.official())
    assert bodies["kind"].value_counts().to_dict() == {
        "city": 772,
        "town": 743,
        "village": 189,
        "prefecture": 47,
        "special_ward": 23,
        "designated_city": 20,
    }
    problems = register.problems
    assert "wards of designated cities" in problems["problem"].iloc[0]
    assert problems["problem"].tolist()[1:] == ["no column of mail domains"]


def test_the_swiss_register_keeps_its_own_codes(shared):
    register = load_register(shared / "recorded" / "swiss-municipalities.csv")
    assert len(register.bodies) == 2110
    assert {"1", "10", "100"} <= set(register.bodies["code"])
    assert register.problems.empty


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("011002", "011002"),
        (11002, "011002"),
        (11002.0, "011002"),
        ("１１００２", "011002"),
        ("01100", "011002"),
        (1100, "011002"),
    ],
)
def test_a_lost_zero_or_check_digit_is_repaired_where_one_official_code_fits(book, written, code):
    register = book([written, "北海道", "札幌市", "city.sapporo.jp"])
    assert register.bodies["code"].tolist() == [code]
    assert len(register.problems) == (written != "011002")


@pytest.mark.parametrize(
    ("row", "code", "told"),
    [
        ([11002, "青森県", "青森市"], "11002", "does not fit"),
        (["011002", "北海道", "函館市"], "011002", "札幌市"),
        ([None, "北海道", "札幌市"], "row-2", "no code"),
        ([datetime.date(2024, 1, 1), "北海道", "札幌市"], "row-2", "no code"),
        (["?!", "北海道", "札幌市"], "row-2", "no code"),
    ],
)
def test_a_code_that_cannot_be_repaired_is_told_and_the_body_is_surveyed(book, row, code, told):
    register = book([*row, "city.example.jp"])
    assert register.bodies["code"].tolist() == [code]
    assert register.domains["code"].tolist() == [code]
    assert told in register.problems["problem"].str.cat(sep=" ") or told == "no code"
    assert len(register.problems) == 1


@pytest.mark.parametrize(
    ("cell", "domains", "problems"),
    [
        ("city.a.jp", ["city.a.jp"], 0),
        ("City.A.JP.", ["city.a.jp"], 0),
        ("ｃｉｔｙ．ａ．ｊｐ", ["city.a.jp"], 0),
        ("a.jp b.jp,c.jp、d.jp\ne.jp;f.jp　g.jp", ["a.jp", "b.jp", "c.jp", "d.jp", "e.jp", "f.jp", "g.jp"], 0),
        ("https://www.city.a.jp/index.html", ["city.a.jp"], 1),
        ("info@city.a.jp", ["city.a.jp"], 1),
        ("mailto:info@city.a.jp", ["city.a.jp"], 1),
        ("www.city.a.jp/x", ["city.a.jp"], 1),
        ("日本語.jp", ["xn--wgv71a119e.jp"], 0),
        ("なし", [], 1),
        ("192.0.2.1", [], 1),
        ("a..jp", [], 1),
        ("-a.jp", [], 1),
        ("a.jp a.jp", ["a.jp"], 1),
        (None, [], 0),
        (5, [], 1),
    ],
)
def test_domains_are_taken_out_of_a_cell(book, cell, domains, problems):
    register = book(["011002", "北海道", "札幌市", cell])
    assert register.domains["domain"].tolist() == domains
    assert len(register.problems) == problems


@pytest.mark.parametrize(
    "head",
    [
        ["code", "prefecture", "name", "domain"],
        ["Code", "Region", "Municipality", "Mail Domain"],
        ["団体\nコード", "都道府県名\n（漢字）", "市区町村名\n（漢字）", "ﾄﾞﾒｲﾝ"],
        ["全国地方公共団体コード", "都道府県", "自治体名", "メール ドメイン"],
    ],
)
def test_headers_are_known_in_both_languages_and_widths(book, head):
    register = book(["011002", "北海道", "札幌市", "city.sapporo.jp"], head=head)
    assert register.bodies[["code", "name"]].values.tolist() == [["011002", "札幌市"]]
    assert register.domains["domain"].tolist() == ["city.sapporo.jp"]


def test_title_rows_empty_columns_and_thousands_of_empty_rows_do_not_matter(tmp_path):
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet["A1"] = "令和8年度 自治体台帳"
    for column, head in zip("BDFH", HEAD, strict=True):
        sheet[f"{column}4"] = head
    for column, value in zip("BDFH", ["011002", "北海道", "札幌市", "city.sapporo.jp"], strict=True):
        sheet[f"{column}9"] = value
    sheet["B30000"] = " "
    workbook.save(tmp_path / "r.xlsx")
    register = load_register(tmp_path / "r.xlsx")
    assert register.bodies[["code", "source_row"]].values.tolist() == [["011002", 9]]
    assert register.problems.empty


def test_merged_cells_give_their_value_to_every_row(book):
    def merge(workbook):
        workbook.active.merge_cells("B2:B3")

    register = book(["011002", "北海道", "札幌市", "a.jp"], ["012025", None, "函館市", "b.jp"], change=merge)
    assert register.bodies["prefecture"].tolist() == ["北海道", "北海道"]


def test_hidden_rows_formulas_and_errors_are_told(book):
    def change(workbook):
        workbook.active.row_dimensions[2].hidden = True

    register = book(
        ["011002", "北海道", "札幌市", "a.jp"],
        ["012025", "北海道", "函館市", '=CONCATENATE("b",".jp")'],
        ["012033", "北海道", "小樽市", "#REF!"],
        change=change,
    )
    said = register.problems["problem"].tolist()
    assert "the row is hidden" in said
    assert "a formula without a computed value" in said
    assert "an Excel error" in said
    assert len(register.bodies) == 3


def test_rows_that_repeat_a_code_are_joined_or_told(book):
    register = book(
        ["011002", "北海道", "札幌市", "a.jp"],
        ["011002", "北海道", "札幌市", "b.jp"],
        ["011002", "北海道", "別の市", "c.jp"],
        [None, None, None, "d.jp"],
    )
    assert register.domains[["code", "domain"]].values.tolist() == [["011002", "a.jp"], ["011002", "b.jp"]]
    assert register.problems["is_usable"].tolist() == [True, False, False]
    assert register.problems["row"].tolist() == [3, 4, 5]


def test_bodies_may_be_out_of_scope_with_a_reason(book):
    register = book(["1", "", "X", "a.jp", "対象外", "合併"], head=[*HEAD, "調査対象", "対象外の理由"])
    assert register.bodies[["in_scope", "scope_reason"]].values.tolist() == [[False, "合併"]]


def test_candidates_are_read_in_their_order_with_their_basis(book):
    head = [*HEAD, "候補ドメイン（ウェブサイト）", "候補ドメイン（命名規則）"]
    register = book(
        ["code", "prefecture", "name", "domain", "candidates by website", "candidates by convention"],
        ["011002", "北海道", "札幌市", None, "b.jp", "a.jp b.jp，c.jp なし"],
        ["012025", "北海道", "函館市", None, None, " ".join(f"n{n}.jp" for n in range(150))],
        ["012033", "北海道", "小樽市", "given.jp", None, None],
        head=head,
    )
    rows = register.candidates[["code", "rank", "domain", "basis", "status"]].values.tolist()
    assert rows[:3] == [
        ["011002", 1, "b.jp", "website", "not_asked"],
        ["011002", 2, "a.jp", "convention", "not_asked"],
        ["011002", 3, "c.jp", "convention", "not_asked"],
    ]
    assert len(rows) == 103, "at most 100 a body: each is a question"
    assert register.bodies["code"].tolist() == ["011002", "012025", "012033"], "headings in a second language are none"
    assert register.problems["problem"].tolist() == ["this is no domain", "more than 100 candidates"]
    assert register.domains[["domain", "confidence", "is_printable"]].values.tolist() == [["given.jp", "high", True]]


def encrypted(path):
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0" + b"\0" * 512)


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", bytes(90 << 20))


def damaged(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<not xml")


def empty(path):
    openpyxl.Workbook().save(path)


def headless(path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, 2])
    book.save(path)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (encrypted, "password"),
        (bomb, "unpacks to"),
        (damaged, "damaged"),
        (empty, "no sheet has a header row"),
        (headless, "no sheet has a header row"),
        (lambda path: path.write_bytes(b"hello"), "not an Excel workbook"),
        (lambda path: path.write_bytes(b""), "not an Excel workbook"),
        (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512), "old .xls"),
        (lambda path: None, "cannot be opened"),
    ],
)
def test_a_file_that_cannot_be_read_ends_in_one_clear_error(tmp_path, make, told):
    path = tmp_path / "register.xlsx"
    make(path)
    with pytest.raises(RegisterError, match=told) as error:
        load_register(path)
    assert "register.xlsx" in str(error.value)
    assert error.value.remedy
    assert error.value.ja


CELLS = st.one_of(
    st.none(),
    st.integers(-5, 999_999),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    st.dates(datetime.date(1990, 1, 1)),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    st.sampled_from(["011002", "北海道", "札幌市", "city.sapporo.jp", "#N/A", "https://a.jp/", "a@b.jp", "対象外"]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=12))
def test_no_row_is_ever_lost_silently(tmp_path, rows):
    workbook = openpyxl.Workbook()
    for row in [HEAD, *rows]:
        workbook.active.append([None if isinstance(v, str) and v.startswith("=") else v for v in row])
    buffer = io.BytesIO()
    workbook.save(buffer)
    (tmp_path / "r.xlsx").write_bytes(buffer.getvalue())
    try:
        register = load_register(tmp_path / "r.xlsx")
    except RegisterError:
        return
    told = set(register.bodies["source_row"]) | set(register.problems["row"].dropna())
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx").active
    for number, values in enumerate(sheet.iter_rows(min_row=2, values_only=True), 2):
        if any(value is not None and str(value).strip() for value in values):
            assert number in told or codes.is_ward(str(values[0])), values
    assert register.bodies["code"].is_unique


def test_columns_are_called_as_excel_calls_them():
    assert [column_letter(n) for n in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


@given(st.text("ab1-_.@:/?# <>A\u30c9", max_size=12))
@example("1.2")
@example("a.-b")
@example("a." * 126 + "a")
@example("a." * 127 + "a")
@example("a" * 64 + ".jp")
@example("example.jp\n")
def test_a_plain_domain_is_read_as_any_other_word(token):
    at_once = cells.read_domain(token)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "_PLAIN", re.compile(r"(?!)"))
        assert cells.read_domain(token) == at_once


@given(st.text("a \t\n\u3000\u00a0", max_size=12))
def test_blanks_in_cells_become_one(text):
    assert cells.cell_text(text) == re.sub("[ \t\u3000]+", " ", text.strip())
