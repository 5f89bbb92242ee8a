"""Which body is meant: by code or by name, and what is said where nobody is, or several are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from survey.errors import RunError
from survey.publish.why import code_of, why
from survey.runs import load_tables

BODIES = pd.DataFrame(
    [("522171", "玉灘県", "白丘町"), ("942383", "月岬県", "白丘町"), ("512010", "赤浦県", "黒沼市")],
    columns=["code", "prefecture", "name"],
)


@pytest.mark.parametrize(
    ("said", "code"),
    [("512010", "512010"), ("５１２０１０", "512010"), ("黒沼市", "512010"), ("月岬県白丘町", "942383")],
)
def test_a_body_is_found_by_its_code_in_any_width_and_by_a_name_that_is_its_own(said, code):
    assert code_of(BODIES, said, Path("runs/mine")) == code


@pytest.mark.parametrize(
    ("said", "english", "japanese"),
    [
        ("白岡町", "no body is called '白岡町'", "そのコードまたは名称の団体はありません"),
        ("白丘町", "522171 玉灘県白丘町, 942383 月岬県白丘町", "同じ名称の団体が複数あります"),
    ],
)
def test_no_such_body_is_told_from_several_in_both_languages(said, english, japanese):
    with pytest.raises(RunError) as told:
        code_of(BODIES, said, Path("runs/mine"))
    assert english in str(told.value) and japanese in str(told.value)


def test_one_other_user_of_a_server_is_one_body(surveyed):
    servers = load_tables(surveyed.folder)["servers"]
    codes = next(found for found in servers["codes"] if len(found) == 2)
    assert "1 other body uses it" in why(surveyed.folder, codes[0])
