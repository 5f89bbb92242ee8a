"""Executed notebooks as pages: whole, and with a Japanese font wherever they are opened."""

from __future__ import annotations

import base64
import io
import re

import nbformat
import pytest
from fontTools.ttLib import TTFont
from nbformat import v4

from survey.errors import SurveyError
from survey.publish import notebooks, webfont


def write(folder, name, *cells):
    folder.mkdir(exist_ok=True)
    nbformat.write(v4.new_notebook(cells=list(cells)), folder / name)


PARAMETERS = v4.new_code_cell("RUN = 'nothing'", metadata={"tags": ["parameters"]})


def test_pages_of_notebooks_bring_the_letters_that_they_show(tmp_path, monkeypatch):
    source, run = tmp_path / "sources", tmp_path / "run"
    run.mkdir()
    write(
        source, "0_one.ipynb", v4.new_markdown_cell("# 鰐淵町の調査"), PARAMETERS, v4.new_code_cell("print(RUN, '綴')")
    )
    write(source, "1_two.ipynb", v4.new_markdown_cell("霞ヶ関"))
    monkeypatch.setattr(notebooks, "NOTEBOOKS", source)
    notebooks.run_notebooks(run)
    for name, shown in (("0_one", "鰐淵町の調査綴"), ("1_two", "霞ヶ関")):
        page = (run / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        found = re.search(r"url\(data:font/woff2;base64,([A-Za-z0-9+/=]+)\)", page)
        font = TTFont(io.BytesIO(base64.b64decode(found.group(1))))
        assert set(shown) <= set(map(chr, font.getBestCmap()))
        assert page.count(webfont.NOTICE) == 1
        rules = page[found.end() : page.index("</head>")]
        for name in ("ui", "content"):
            assert re.search(rf'--jp-{name}-font-family:"{webfont.FAMILY}",', rules)
    assert str(run) in (run / "notebooks" / "0_one.html").read_text(encoding="utf-8")


def test_a_cell_that_fails_is_told_with_its_notebook(tmp_path, monkeypatch):
    write(tmp_path / "sources", "0_bad.ipynb", v4.new_code_cell("1 / 0"))
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path / "sources")
    with pytest.raises(SurveyError, match="division by zero") as told:
        notebooks.run_notebooks(tmp_path)
    assert told.value.where == "notebooks/0_bad.ipynb"
    assert "\x1b" not in str(told.value)
