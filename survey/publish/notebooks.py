"""The notebooks, executed against a run and kept in its folder, as notebooks and as pages."""

from __future__ import annotations

import asyncio
import html
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter

from ..errors import SurveyError
from ..places import ROOT
from . import webfont

NOTEBOOKS = ROOT / "notebooks"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""What paints a traceback in a terminal."""
_STACKS = {
    "--jp-ui-font-family": "system-ui, sans-serif",
    "--jp-content-font-family": "system-ui, sans-serif",
    "--jp-code-font-family-default": "menlo, consolas, 'DejaVu Sans Mono', monospace",
}
"""The fonts of an exported notebook, behind the one in the page, from which all that is Japanese comes."""


def run_notebooks(folder: Path) -> None:
    """Execute the notebooks against this run. Raises SurveyError naming the notebook."""
    out = folder / "notebooks"
    out.mkdir(exist_ok=True)
    sources = sorted(NOTEBOOKS.glob("[0-9]_*.ipynb"))
    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(lambda source: _run(source, folder, out), sources))
    font = _font(pages)
    for source, page in zip(sources, pages, strict=True):
        (out / source.name).with_suffix(".html").write_text(page.replace("</head>", f"{font}</head>", 1), "utf-8")


def _font(pages: Sequence[str]) -> str:
    """What lets a browser show Japanese in these pages wherever it runs: all of them share one font."""
    letters = {letter for page in pages for letter in html.unescape(page)}
    stacks = "".join(f'{name}:"{webfont.FAMILY}", {stack};' for name, stack in _STACKS.items())
    face = webfont.face("".join(letters), webfont.EAST_ASIAN)
    return f"<!-- {webfont.NOTICE} -->\n<style>{face}:root{{{stacks}}}</style>\n"


def _run(source: Path, folder: Path, out: Path) -> str:
    """Execute one notebook and keep it; gives its page."""
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = f"RUN = {_relative(folder)!r}"
    if sys.platform == "win32":
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        asyncio.run(client.async_execute())
    except Exception as error:  # whatever the cell raised
        raise SurveyError(
            f"a cell failed: {_COLOUR.sub('', str(error)).strip().splitlines()[-1][:300]}",
            where=f"notebooks/{source.name}",
            remedy="open the notebook with make lab and run it there",
            ja="ノートブックの実行に失敗しました。make lab で開いて確かめてください",
        ) from error
    nbformat.write(notebook, out / source.name)
    exporter = HTMLExporter(exclude_input_prompt=True, exclude_output_prompt=True)
    # Executed pages are opened from disk: nothing in them may ask the network.
    exporter.require_js_url = exporter.jquery_url = exporter.mathjax_url = exporter.jupyter_widgets_base_url = ""
    exporter.widget_renderer_url = exporter.mermaid_js_url = ""
    page, _ = exporter.from_notebook_node(notebook)
    return str(page)


def _relative(folder: Path) -> str:
    """The run folder as the notebooks name it, from the project's root where it lies below it."""
    resolved = folder.resolve()
    return resolved.relative_to(ROOT).as_posix() if resolved.is_relative_to(ROOT) else resolved.as_posix()
