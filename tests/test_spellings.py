"""Readings in letters: the common spellings, the likeliest first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.spellings import full_width, spellings


def texts(kana, name=""):
    return [one.text for one in spellings(kana, name)]


@pytest.mark.parametrize(
    ("kana", "name", "first"),
    [
        ("ｻｯﾎﾟﾛ", "札幌市", "sapporo"),
        ("オオタ", "太田市", "ota"),
        ("ｺｳﾁ", "高知市", "kochi"),
        ("ﾋｭｳｶﾞ", "日向市", "hyuga"),
        ("ﾆｲｶﾞﾀ", "新潟市", "niigata"),
        ("ｼﾞｮｳｴﾂ", "上越市", "joetsu"),
        ("ﾄﾖｳﾗ", "豊浦町", "toyoura"),
        ("ﾀｷﾉｳｴ", "滝上町", "takinoue"),
        ("ﾋﾛｵ", "広尾町", "hiroo"),
        ("ﾎﾝｼﾞﾖｳ", "本庄市", "honjo"),
        ("ﾐﾖｼ", "三好市", "miyoshi"),
        ("ｸｯﾁｬﾝ", "倶知安町", "kutchan"),
        ("ニセコ", "ニセコ町", "niseko"),
        ("オーサカ", "", "osaka"),
    ],
)
def test_the_likeliest_spelling_comes_first(kana, name, first):
    assert texts(kana, name)[0] == first


@pytest.mark.parametrize(
    ("kana", "name", "among"),
    [
        ("ｵｵﾀﾜﾗ", "大田原市", "otawara ootawara ohtawara"),
        ("ﾄｳﾏ", "当麻町", "toma touma tohma"),
        ("ﾅﾝﾌﾞ", "南部町", "nambu nanbu"),
        ("ｱｲﾂﾞ", "", "aizu aidu aidzu"),
        ("ﾌｼﾞﾂ", "", "fujitsu huzitu fuzitsu"),
        ("ｼｬｸｼﾞｲ", "", "shakujii syakuzii"),
        ("ﾏｯﾁ", "", "matchi macchi matti"),
        ("ﾁﾔﾀﾝ", "北谷町", "chiyatan chatan"),
        ("ﾐｸﾗｼﾞﾏ", "御蔵島村", "mikurajima mikurasima"),
        ("ｻﾝﾖｳｵﾉﾀﾞ", "山陽小野田市", "sanyoonoda sanyo-onoda sanyouonoda"),
        ("ヲカ", "", "oka woka"),
    ],
)
def test_every_common_spelling_is_there(kana, name, among):
    assert set(among.split()) <= set(texts(kana, name))


def test_half_and_full_width_and_hiragana_are_one_reading():
    assert full_width("ｶﾞｷﾞﾎﾟ ﾁｮｳ") == "ガギポチョウ"
    assert texts("ﾊｺﾀﾞﾃ") == texts("ハコダテ") == texts("はこだて")


@given(st.text(st.characters(min_codepoint=0x3041, max_codepoint=0x30FF), max_size=14), st.text(max_size=4))
def test_spellings_are_labels_each_once_in_the_order_of_their_cost(kana, name):
    found = spellings(kana, name)
    assert len(found) <= 24
    assert [one.cost for one in found] == sorted(one.cost for one in found)
    assert len({one.text for one in found}) == len(found)
    assert all(one.text.isascii() and set(one.text) <= set("abcdefghijklmnopqrstuvwxyz-") for one in found)
