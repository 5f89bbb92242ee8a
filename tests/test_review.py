"""The review: decisions are obeyed, rows survive, and what cannot be read is told."""

from __future__ import annotations

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.errors import RegisterError
from survey.frames import frame
from survey.review import Review, has_rows_of, read_review, write_review

CELLS = st.one_of(
    st.none(),
    st.sampled_from(["012033", "otaru.jp", "yes", "no", "maybe", "山田", "2026-11-24", "x"]),
    st.dates(),
    st.integers(0, 99),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).filter(lambda text: not text.startswith("=")),
)
HEAD = ["団体コード", "都道府県", "団体名", "ドメイン", "判断 (yes/no)", "判断者", "判断日", "理由", "確認すること"]
GOOD = ["012033", "北海道", "小樽市", "otaru.jp", "yes", "山田", "2026-11-24", "電話で確認"]
PENDING = {"code": "012033", "prefecture": "北海道", "name": "小樽市", "domain": "otaru.jp", "question": "?"}


@pytest.fixture
def book(tmp_path):
    def write(*rows, head=HEAD):
        workbook = openpyxl.Workbook()
        for row in (head, *rows):
            workbook.active.append(row)
        workbook.save(tmp_path / "review.xlsx")
        return tmp_path / "review.xlsx"

    return write


def changed(column, value):
    return [value if index == column else cell for index, cell in enumerate(GOOD)]


def test_a_decision_is_read(book):
    review = read_review(book(GOOD, changed(4, None)[:4], changed(3, "x.jp")[:4]), {"012033"})
    assert [(one.code, one.domain, one.is_yes, one.when) for one in review.decisions] == [
        ("012033", "otaru.jp", True, "2026-11-24")
    ]
    assert review.problems == ()


@pytest.mark.parametrize("word", ["yes", "YES", "はい", "○", "Ｙｅｓ", "no", "いいえ", "×"])
def test_yes_and_no_are_known_in_both_languages(book, word):
    (decision,) = read_review(book(changed(4, word)), {"012033"}).decisions
    assert decision.is_yes == (word.lower() not in ("no", "いいえ", "×"))


@pytest.mark.parametrize(
    ("column", "value", "letter", "told"),
    [
        (0, "999999", "A", "no body"),
        (3, "no domain", "D", "no domain"),
        (4, "maybe", "E", "neither yes nor no"),
        (4, None, "E", "neither yes nor no"),
        (5, None, "F", "nobody signed"),
        (6, "soon", "G", "no date"),
        (6, "2026-13-01", "G", "no date"),
        (7, " ", "H", "no reason"),
    ],
)
def test_a_malformed_row_is_a_problem_with_its_place_and_is_not_obeyed(book, column, value, letter, told):
    review = read_review(book(changed(column, value)), {"012033"})
    assert review.decisions == ()
    (problem,) = review.problems
    assert problem[:3] == ("review.xlsx", 2, letter)
    assert told in problem[4]
    assert len(frame("problems", review.problems)) == 1


def test_decisions_that_contradict_each_other_are_both_left_out(book):
    review = read_review(book(GOOD, changed(4, "no")), {"012033"})
    assert review.decisions == ()
    assert "decides otherwise" in review.problems[0][4]


@pytest.mark.parametrize("words", [["yes", "no", "yes"], ["no", "yes", "no"], ["yes", "no", "no", "yes", "yes"]])
def test_nobody_has_the_last_word_on_a_domain_on_which_people_disagree(book, words):
    review = read_review(book(*(changed(4, word) for word in words)), {"012033"})
    assert review.decisions == ()
    assert [problem[1] for problem in review.problems] == list(range(3, len(words) + 2)), "all but the first are told"


def test_yes_adds_a_reviewed_domain_and_no_takes_a_given_one_away(book):
    given = frame(
        "domains",
        [
            ("012033", "old.jp", "given", "old.jp", 2, "high", False, True, [], []),
            ("012025", "h.jp", "given", "h.jp", 3, "high", False, True, [], []),
        ],
    )
    no = changed(3, "old.jp")
    no[4] = "no"
    review = read_review(book(GOOD, no), {"012033", "012025"})
    assert review.obey(given)[["code", "domain", "basis"]].values.tolist() == [
        ["012025", "h.jp", "given"],
        ["012033", "otaru.jp", "reviewed"],
    ]
    assert review.denied() == {"012033": frozenset({"old.jp"})}
    assert Review().obey(given).equals(given)


def test_rows_and_columns_of_people_survive_rewriting_and_open_ones_are_renewed(book, tmp_path):
    path = book([*GOOD, "", "メモ"], changed(4, "maybe"), changed(3, "gone.jp")[:4], head=[*HEAD, "備考"])
    before = read_review(path, {"012033"})
    fresh = {**PENDING, "domain": "fresh.jp"}
    for _ in range(2):
        write_review(path, [PENDING, fresh], read_review(path, {"012033"}))
    rows = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
    assert [row[3] for row in rows[1:]] == ["otaru.jp", "otaru.jp", "fresh.jp"]
    assert rows[1][9] == "メモ"
    after = read_review(path, {"012033"})
    assert [one.domain for one in after.decisions] == [one.domain for one in before.decisions]
    assert has_rows_of(path, path)
    other = tmp_path / "other"
    other.mkdir()
    write_review(other / "review.xlsx", [fresh], Review())
    assert not has_rows_of(other / "review.xlsx", path)


def test_a_review_that_says_the_same_is_not_written_again(book):
    path = book(GOOD, changed(3, "open.jp")[:4])
    before = path.stat().st_mtime_ns
    write_review(path, [{**PENDING, "domain": "open.jp"}], read_review(path, {"012033"}))
    assert path.stat().st_mtime_ns == before


def test_a_review_that_cannot_be_written_says_what_to_do(tmp_path):
    with pytest.raises(RegisterError, match="cannot be written"):
        write_review(tmp_path / "no folder" / "review.xlsx", [PENDING], Review())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), max_size=8))
def test_every_row_that_people_wrote_is_obeyed_or_told_and_kept(book, rows):
    path = book(*rows)
    review = read_review(path, {"012033"})
    written = [row for row in rows if any(str(cell or "").strip() for cell in row[4:8])]
    assert len(review.kept) == len(written)
    told = {problem[1] for problem in review.problems} | {decision.row for decision in review.decisions}
    assert len(told) <= len(written)
    write_review(path, [PENDING], review)
    again = read_review(path, {"012033"})
    assert [one.domain for one in again.decisions] == [one.domain for one in review.decisions]
    assert len(again.kept) == len(written)


def test_nothing_to_decide_makes_no_file(tmp_path):
    write_review(tmp_path / "review.xlsx", [], Review())
    assert not (tmp_path / "review.xlsx").exists()
    assert read_review(tmp_path / "review.xlsx", ()) == Review()


def test_a_formula_in_a_name_is_text(tmp_path):
    write_review(tmp_path / "review.xlsx", [{**PENDING, "name": "=1+1"}], Review())
    cell = openpyxl.load_workbook(tmp_path / "review.xlsx").active.cell(2, 3)
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_a_review_without_its_header_is_never_read_as_empty(book):
    with pytest.raises(RegisterError, match="columns of the review are missing"):
        read_review(book(GOOD, head=["a"]), {"012033"})
