"""Words that outsiders read: none of a machine's among them, and rows tall enough for what stands in them."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from survey.publish import labels
from survey.publish.book import new_book, write_table
from survey.publish.page_words import say

CODES = Path(__file__).parents[2] / "data" / "codes.csv"


def test_every_category_of_the_catalogue_has_its_words():
    with CODES.open(encoding="utf-8", newline="") as file:
        categories = {row["category"] for row in csv.DictReader(file)}
    assert categories
    assert not [one for one in categories if one not in {machine for machine, _, _ in labels.vocabulary()}]
    assert not [one for one in categories if labels.word(one, "ja").isascii()]


@pytest.mark.parametrize("language", labels.LANGUAGES)
def test_the_first_sentence_says_which_lists_it_counts(language):
    said = [
        say("lead", language, total=9, listed=2, unknown=1, most=3, lists=say(f"lists_{measure}", language))
        for measure in ("open_relay", "bodies")
    ]
    assert said[0] != said[1] and all(("リスト" if language == "ja" else "list") in one for one in said)


def test_a_row_is_as_tall_as_its_text(tmp_path):
    path = tmp_path / "tall.xlsx"
    with new_book(path, "internal", "ja", "", {}, is_practice=True) as writing:
        sheet = writing.sheet("findings", header_row=0)
        write_table(
            writing,
            sheet,
            0,
            "tall",
            ["留意点"],
            [["短い"], ["サーバのアドレスの照会に応答なし" * 4], ["0a" * 32]],
            most=24,
        )
    heights = openpyxl.load_workbook(path).worksheets[0].row_dimensions
    assert heights[2].height in (None, 15) and heights[3].height >= 15 * 5
    assert heights[4].height in (None, 15), "nobody reads a hash"
