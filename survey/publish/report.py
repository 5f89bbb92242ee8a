"""Everything that a finished run folder holds beside its tables: workbook, figures, page, notebooks, manifest."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter

from .. import enquirers
from ..errors import SurveyError
from ..places import LOGS, ROOT
from . import audiences
from .charts import write_run_figures
from .edition import Edition
from .page import write_page
from .workbook import write_workbook

NOTEBOOKS = ROOT / "notebooks"
MANIFEST = "MANIFEST.sha256"
_NOT_SEALED = (MANIFEST, ".lock", *LOGS, enquirers.FILE, f".{enquirers.FILE}.lock")


def write_report(folder: Path, *, with_notebooks: bool = True) -> list[Path]:
    """Write findings.xlsx, figures/, report.html, notebooks/ and the manifest into a run folder; the paths to see."""
    edition = Edition.of(folder)
    write_workbook(edition, folder / "findings.xlsx")
    inside = audiences.view(edition, "internal", {}, now=datetime.now(UTC))
    figures = write_run_figures(inside, folder / "figures")
    pictures = [path for path in figures if path.suffix == ".png"]
    write_page(inside, folder / "report.html", "ja", figures=pictures)
    written = [folder / "findings.xlsx", folder / "figures", folder / "report.html"]
    if with_notebooks:
        run_notebooks(folder)
        written.append(folder / "notebooks")
    write_manifest(folder)
    return [*written, folder / MANIFEST]


def run_notebooks(folder: Path) -> None:
    """Execute the notebooks against this run. Raises SurveyError naming the notebook."""
    out = folder / "notebooks"
    out.mkdir(exist_ok=True)
    sources = sorted(NOTEBOOKS.glob("[0-9]_*.ipynb"))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda source: _run(source, folder, out), sources))


def _run(source: Path, folder: Path, out: Path) -> None:
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
        client.execute()
    except Exception as error:  # whatever the cell raised
        raise SurveyError(
            f"a cell failed: {str(error).strip().splitlines()[-1][:300]}",
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
    (out / source.name).with_suffix(".html").write_text(page, encoding="utf-8")


def _relative(folder: Path) -> str:
    """The run folder as the notebooks name it, from the project's root where it lies below it."""
    resolved = folder.resolve()
    return resolved.relative_to(ROOT).as_posix() if resolved.is_relative_to(ROOT) else resolved.as_posix()


def write_manifest(folder: Path) -> None:
    """Write the SHA-256 of every file of the run but the manifest itself, `publish/`, and what only grows later."""
    lines = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in _NOT_SEALED and not name.startswith("publish/"):
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}")
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def replace_folder(aside: Path, target: Path) -> None:
    """Put a new folder in the place of the old one; at every moment one of them is whole."""
    old = target.with_name(f".{target.name}.old")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(old)
    if target.exists():
        target.replace(old)
    aside.replace(target)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(old)
