"""Setting text: lines fit, nothing is lost, punctuation stays where it belongs; and the map's grid is Japan's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from survey.codes import official
from survey.publish.tiles import COLUMNS, FREE_COLUMNS, FREE_ROWS, KEY_COLUMNS, KEY_ROWS, PREFECTURES, ROWS, place_of
from survey.publish.typeset import balanced, printable, shorten, width, wrap

TEXTS = st.text(st.sampled_from("登録のある12,345団体、（確認できず）「サーバ」 abc-DEF ～％"), max_size=60)


@given(TEXTS, st.floats(30, 300))
def test_lines_fit_and_hold_the_whole_text(text, most):
    for lines in (wrap(text, 8, most), balanced(text, 8, most)):
        assert all(width(line, 8) <= most for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(balanced(text, 8, most)) == len(wrap(text, 8, most))


def test_lines_break_where_readers_expect_it():
    text = "登録のある145団体のうち23は共用サーバのみ"
    assert balanced(text, 10, 160) == ["登録のある145団体のうち", "23は共用サーバのみ"]
    for most in range(80, 200, 7):
        for line in wrap("最多の理由は「照会できるアドレスがない」、全3,511団体（確認できず60）。", 8, most):
            assert line[0] not in "、。）」のはき" and line[-1] not in "（「"


@given(st.text(max_size=400), st.floats(20, 200))
def test_what_strangers_wrote_is_cut_to_fit_and_can_be_shown(text, most):
    shown = shorten(text, 7, most)
    assert width(shown, 7) <= most
    assert printable(shown) == shown


def test_the_47_prefectures_have_a_place_each_and_leave_the_corners_free():
    places = {number: place_of(number) for number in PREFECTURES}
    assert len({*places.values()} - {None}) == 47
    assert {code[:2] for code in official()} == set(PREFECTURES)
    assert all(0 <= x < COLUMNS and 0 <= y < ROWS for x, y in places.values())
    assert not [one for one in places.values() if one[0] < FREE_COLUMNS and one[1] < FREE_ROWS]
    assert not [one for one in places.values() if one[0] >= COLUMNS - KEY_COLUMNS and one[1] >= ROWS - KEY_ROWS]
    assert places["01"][1] == 0 and places["47"] == (0, ROWS - 1)
    for one, other in (
        ("13", "14"),
        ("13", "11"),
        ("13", "12"),
        ("27", "26"),
        ("40", "41"),
        ("34", "33"),
        ("17", "16"),
    ):
        (x, y), (a, b) = places[one], places[other]
        assert abs(x - a) + abs(y - b) == 1, f"{one} and {other} are neighbours"


def test_an_invented_country_lies_in_the_same_grid_by_its_numbers():
    assert place_of("51") == place_of("01") and place_of("97") == place_of("47")
    assert place_of("50") is place_of("98") is place_of("N0") is place_of("00") is None
