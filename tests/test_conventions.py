"""Conventions: the domains that a body may have by its name."""

from __future__ import annotations

import pytest

from survey.conventions import MOST, candidates, official_names, prefecture_label
from survey.names import encode_name
from survey.suffixes import is_public_suffix

BY_CODE = {one.code: one for one in official_names()}


def domains(code):
    return [one.domain for one in candidates(BY_CODE[code])]


@pytest.mark.parametrize(
    ("code", "within", "wanted"),
    [
        ("130001", 2, "metro.tokyo.lg.jp metro.tokyo.jp"),
        ("030007", 2, "pref.iwate.jp pref.iwate.lg.jp"),
        ("141003", 3, "city.yokohama.jp city.yokohama.lg.jp city.yokohama.kanagawa.jp"),
        ("131016", 2, "city.chiyoda.lg.jp city.chiyoda.tokyo.jp"),
        ("012033", 2, "city.otaru.lg.jp city.otaru.hokkaido.jp"),
        ("013951", 3, "town.niseko.lg.jp town.niseko.hokkaido.jp niseko.jp"),
        ("016446", 3, "town.hokkaido-ikeda.lg.jp town.ikeda.hokkaido.jp"),
        ("294021", 40, "vill.asuka.nara.jp village.asuka.nara.jp vill.asuka.lg.jp asukamura.jp asukason.jp asuka-nara.jp"),
        ("222071", 40, "city.fujinomiya.lg.jp fujinomiya-city.jp city-fujinomiya.jp shizuoka-fujinomiya.jp"),
    ],
)  # fmt: skip
def test_forms_of_every_kind_are_there(code, within, wanted):
    assert set(wanted.split()) <= set(domains(code)[:within])


def test_every_official_body_has_candidates_that_are_names_and_not_too_many():
    assert len(BY_CODE) == 1788
    for body in BY_CODE.values():
        found = candidates(body)
        assert 4 <= len(found) <= MOST
        assert len({one.domain for one in found}) == len(found)
        assert [one.cost for one in found] == sorted(one.cost for one in found)
        assert all(encode_name(one.domain) for one in found)


def test_the_47_prefectures_are_written_as_below_jp():
    labels = {prefecture_label(one.prefecture, one.prefecture_kana) for one in BY_CODE.values()}
    assert len(labels) == 47
    assert {"gunma", "oita", "hyogo", "tokyo", "hokkaido"} <= labels
    assert all(is_public_suffix(f"{label}.jp") for label in labels)
