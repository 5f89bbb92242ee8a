"""The documents keep up with the house: every command stands in both READMEs, every word has both languages."""

from __future__ import annotations

import json
import re

import pytest

from survey.__main__ import _parser
from survey.publish import labels
from survey.tables import BODY_KINDS, HEADLINE_CATEGORIES, TABLES, Body, Dns, Listing
from tests.conftest import ROOT

READMES = ["README.md", "README.ja.md"]


def commands():
    parser = _parser()
    return next(action.choices for action in parser._subparsers._group_actions)


@pytest.mark.parametrize("readme", READMES)
def test_every_command_stands_in_the_readme_and_no_other(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z]+)", text, re.M)) - {"python"}
    assert named == set(commands())


def test_every_option_of_collect_stands_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    options = {word for action in commands()["collect"]._actions for word in action.option_strings}
    for option in options - {"-h", "--help", "--json"}:
        assert option in text, option


@pytest.mark.parametrize("readme", READMES)
def test_files_that_a_readme_names_are_there(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    for path in re.findall(r"\]\(([^)#:]+)\)|`((?:notebooks|tests|docs|data)/[\w./-]+)`", text):
        name = "".join(path)
        assert (ROOT / name).exists(), name


def test_every_word_has_both_languages():
    for word in (
        *Body,
        *Listing,
        *(w for w in Dns if w not in ("present", "absent")),
        *BODY_KINDS,
        *HEADLINE_CATEGORIES,
    ):
        assert labels.word(word, "ja") != word or word in ("both",), word
        assert labels.word(word, "en"), word
    for table in TABLES.values():
        for column in table.columns:
            assert column.en
            assert re.search(r"[\u3040-\u9fff]", column.ja + "語") and column.ja


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_thin_and_without_outputs(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert cells[0]["cell_type"] == "markdown"
    for cell in cells:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            assert not cell["outputs"]
            assert cell["execution_count"] is None
            assert not re.search(r"^\s*(def|for|try|while|class|with)\b", source, re.M), source
            assert len(source.splitlines()) <= 4, source
        else:
            assert re.search(r"[\u3040-\u30ff]", "".join(cell["source"])), "prose in Japanese"
