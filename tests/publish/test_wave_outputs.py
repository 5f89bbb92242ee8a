"""What people see of waves: figures without overlaps, sheets that are the tables, sentences whose numbers add up."""

from __future__ import annotations

import re
from dataclasses import replace

import openpyxl
import pytest

from survey.comparison import compare_waves
from survey.frames import frame
from survey.publish import labels, style, wave_sheets
from survey.publish.compared import Waves, beside
from survey.publish.wave_book import write_wave_workbook
from survey.publish.wave_figures import FIGURES, leading, write_wave_figures
from survey.publish.wave_gate_words import remedy, seen
from survey.publish.wave_report import gate_lines, gate_report, report
from survey.publish.wave_telling import change_lines, lines
from survey.shelf import Shelf
from survey.wave_counts import count_changes
from survey.wave_gate import Condition
from survey.wave_tables import WAVE_TABLES, Cause, Change, Reason
from tests.publish.test_charts import LONG, check_layout
from tests.wave_worlds import DIRECTORY, MARCH, WEEK_LATER, YEAR_LATER, survey


def compared(*waves):
    return compare_waves(waves, (), DIRECTORY)


def shared_hosts(wave, rename):
    """The same wave with operators of other names."""
    servers = wave.tables["servers"]
    shelf = Shelf()
    for name in wave.tables:
        shelf.put(name, wave.tables[name])
    shelf.put("servers", servers.assign(operator=[rename(n) for n in range(len(servers))]))
    return replace(wave, tables=shelf)


@pytest.fixture(scope="module")
def three():
    return compared(
        survey("2026-03", listed=range(1, 90, 2), started=MARCH),
        survey("2026-03b", listed=range(9, 99, 3), silent=range(40, 60), started=WEEK_LATER),
        survey("2027-03", listed=range(9, 120, 4), started=YEAR_LATER),
    )


@pytest.fixture(scope="module")
def hostile():
    """Waves and operators are called what a stranger would like to see printed."""
    waves = [survey(f"{text[:60]}{n}", listed=range(1, 90, 2)) for n, text in enumerate(LONG[:3])]
    found = compared(*waves)
    operators = found.whole.tables["wave_operators"]
    for name in ("operator", "operator_ja"):
        operators[name] = [LONG[n % len(LONG)] for n in range(len(operators))]
    return found


@pytest.mark.parametrize("which", ["three", "hostile", "nothing"])
def test_no_text_of_a_figure_overlaps_another_or_leaves_the_canvas(which, request):
    found = request.getfixturevalue(which) if which != "nothing" else compared(survey("a", bodies=5), survey("b", bodies=5))  # fmt: skip
    for name, draw in FIGURES.items():
        for language in labels.LANGUAGES:
            for one in style.FORMATS:
                drawing = draw(found, language, one)
                if drawing is not None:
                    check_layout(drawing.figure, f"{name} {language} {one.name}")


def test_the_bars_of_the_changes_are_the_counts(three):
    drawing = FIGURES["changes"](three, "en", style.DEFAULT)
    drawn: dict[str, float] = {}
    for patch in drawing.figure.axes[0].patches:
        if word := patch.get_label():
            drawn[word] = drawn.get(word, 0) + patch.get_width() / drawing.scale
    counts = [count_changes(pair.tables["wave_bodies"]) for pair in three.pairs]
    for word in ("persisting", "new", "cleared", "not_comparable"):
        assert drawn.get(word, 0) == pytest.approx(sum(one[word] for one in counts)), word


@pytest.mark.parametrize(
    ("counts", "ja", "en"),
    [
        ([(4, 4), (5, 4), (3, 3)], "最多は1.exampleなど2運用者、後の調査で各4団体", "4 each at 1.example and 1 more"),
        ([(4, 4), (3, 3)], "最多は1.example、登録団体は前後とも4", "1.example, 4 in both"),
        ([(2, 5), (3, 3)], "最多は1.example、登録団体2から5へ", "1.example, from 2 to 5"),
    ],
)
def test_of_operators_with_equally_many_listed_bodies_none_is_called_the_first(counts, ja, en):
    titles = leading([(f"{n}.example", *two) for n, two in enumerate(counts, 1)])
    assert titles["ja"] == ja and en in titles["en"]


def test_figures_say_for_whom_they_are_and_hold_nothing_of_their_making(three, tmp_path):
    for language, said in (("ja", "社内用"), ("en", "not for publication")):
        paths = write_wave_figures(three, tmp_path / language, language)
        assert {path.suffix for path in paths} == {".png", ".svg", ".txt"}
        for path in paths:
            if path.suffix == ".txt":
                assert said in path.read_text(encoding="utf-8")
        again = write_wave_figures(three, tmp_path / f"{language}-again", language)
        assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


def test_every_sheet_has_columns_of_its_table_and_no_head_twice():
    assert set(wave_sheets.SHEETS) == set(WAVE_TABLES) - {"waves"}
    for name, sheet in wave_sheets.SHEETS.items():
        assert set(sheet.columns) <= {column.name for column in WAVE_TABLES[name].columns}, name
        assert len({wave_sheets.head(column) for column in sheet.columns}) == len(sheet.columns), name
        for text in sheet.note.values():
            assert text
        for language in labels.LANGUAGES:
            assert len(labels.sheet_name(name, language)) <= 31


@pytest.mark.parametrize("language", labels.LANGUAGES)
def test_the_workbook_holds_the_tables_and_its_sums_are_formulas(three, tmp_path, language):
    changes = frame("rule_changes", [("2026-03", "000001", "県", "町1", "rules", "clear", "listed", "own", "own", [], ["orbz.example"], [], ["open_relay"], ["orbz.example"])])  # fmt: skip
    write_wave_workbook(three, changes, tmp_path / "waves.xlsx", language)
    book = openpyxl.load_workbook(tmp_path / "waves.xlsx")
    for name in wave_sheets.SHEETS:
        sheet = book[labels.sheet_name(name, language)]
        rows = len(list(sheet.iter_rows(min_row=6)))
        expected = len(changes if name == "rule_changes" else three.tables[name])
        if name == "wave_history":
            expected = int(three.tables[name]["waves_listed"].gt(0).sum())
        assert rows == expected, name
    summary = book[labels.sheet_name("summary", language)]
    formulas = [cell for row in summary.iter_rows() for cell in row if cell.data_type == "f"]
    assert len(formulas) == len(three.pairs)
    values = openpyxl.load_workbook(tmp_path / "waves.xlsx", data_only=True)[summary.title]
    for cell in formulas:
        row = [values.cell(cell.row, column).value for column in range(2, 8)]
        assert sum(row[:5]) == row[5] == len(three.waves[0].tables["bodies"])
    confirmed = {row[0].row: [cell.value for cell in row] for row in book[labels.sheet_name("wave_bodies", language)].iter_rows(min_row=6)}  # fmt: skip
    told = {row[9] for row in confirmed.values()}
    assert told == ({"はい", None} if language == "ja" else {"yes", None})


def test_nothing_of_a_strangers_text_becomes_a_formula_or_a_mark(hostile, tmp_path):
    write_wave_workbook(hostile, frame("rule_changes"), tmp_path / "waves.xlsx", "ja")
    book = openpyxl.load_workbook(tmp_path / "waves.xlsx")
    for sheet in book.worksheets[1:]:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" and cell.hyperlink is None, (sheet.title, cell.coordinate)
                assert "\x1b" not in str(cell.value) and "\u202e" not in str(cell.value)


def test_sentences_add_up_in_both_languages(three):
    for language in labels.LANGUAGES:
        said = "\n".join(lines(three, 2, language))
        sums = re.findall(r"([\d,]+(?: \+ [\d,]+){4}) = ([\d,]+)", said)
        assert len(sums) == len(three.pairs)
        for parts, total in sums:
            added = sum(int(part.replace(",", "")) for part in parts.split(" + "))
            assert added == int(total.replace(",", "")) == 600
        assert labels.NOT_CLOSED[language] in said


def test_what_is_open_widens_the_bounds_and_what_is_not_does_not(three):
    bodies = three.pairs[0].tables["wave_bodies"]
    counts = count_changes(bodies)
    # Twenty bodies fell silent; some of them had been listed.
    silent = set(bodies.loc[bodies["change"].eq("not_comparable"), "code"])
    assert silent == {f"{number:06d}" for number in range(40, 60)}
    silent_listed = int(bodies.loc[bodies["code"].isin(silent), "status_before"].eq("listed").sum())
    assert counts["not_comparable"] == 20 and 10 <= silent_listed < 20
    assert counts["new_at_most"] == counts["new"] + 20 - silent_listed
    assert counts["cleared_at_most"] == counts["cleared"] + silent_listed
    assert counts["persisting_at_most"] == counts["persisting"] + silent_listed
    merged = bodies.assign(reason="merged", change="not_comparable")
    assert count_changes(merged)["new_at_most"] == 0


def test_every_word_of_waves_and_every_condition_of_the_gate_stands_in_both_languages():
    for word in (*Change, *Reason, *Cause):
        assert labels.word(word, "ja") != word and "_" not in labels.word(word, "en"), word
    names = ("unfinished", "no_common_list", "went_silent", "was_silent", "list_emptied", "list_filled")
    names += tuple(f"{what}_{way}" for what in ("mail", "hosts") for way in ("lost", "came"))
    for name in (*names, "lost_together", "came_together"):
        one = Condition(name, "2026-03", 7, 5, 600, "provider3.example", ("000001",), {"nodata": 7})
        assert labels.word(name, "ja") != name
        for language in labels.LANGUAGES:
            said = seen(one, language)
            assert "{" not in said + remedy(one, language)
            assert name in ("unfinished", "no_common_list") or "7" in said
            assert bool(re.search(r"[぀-ヿ]", said)) == (language == "ja")


def test_the_gates_report_names_the_ill_wave_and_whom_it_is_about(three):
    assert gate_report(three)["is_open"] and report(three, frame("rule_changes"))["audience"] == "internal"
    ill = compared(survey("one"), survey("two", gone=range(200), started=WEEK_LATER))
    said = gate_report(ill)
    first = said["steps"][0]["conditions"][0]
    assert not said["is_open"] and len(first["bodies"]) == 200 and first["bodies"][0]["name"] == "町0"
    assert any("two" in line and "200" in line for line in gate_lines(ill))


def test_of_very_many_rule_changes_the_first_are_printed():
    row = ("w", "000001", "県", "町", "rules", "clear", "listed", "own", "own", [], [], [], [], [])
    changes = frame("rule_changes", [row] * 60)
    printed = list(change_lines(changes))
    assert len(printed) == 51 and "10" in printed[-1]
    assert "登録なし → 登録あり" in printed[0] and "not listed → listed" in printed[0]


def test_a_notebook_sees_the_runs_beside_a_run_and_a_lone_one_twice(surveyed, tmp_path):
    from survey.commands.asking import world_of

    alone = beside(surveyed.folder)
    assert alone == [surveyed.folder.resolve()] * 2
    waves = Waves(alone, world_of)
    assert waves.is_open and not len(waves.changed("new", "cleared"))
    assert waves.reasons()["bodies"].sum() == len(waves.changed()) == len(surveyed.tables["bodies"])
    assert waves.figure("changes").data.startswith(b"\x89PNG") and waves.figure("survival") is None
    assert "3,557" not in waves.sentences("en")[0] and labels.PRACTICE["en"] in waves.sentences("en")[0]
    assert len(waves.seen()) == int(waves.history["waves_listed"].gt(0).sum()) > 80
    with pytest.raises(AttributeError, match="their tables are"):
        _ = waves.nonsense
    waves.write(tmp_path / "out")
    assert (tmp_path / "out" / "waves.xlsx").is_file()
