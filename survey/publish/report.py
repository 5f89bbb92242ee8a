"""Everything that a finished run folder holds beside its tables: workbook, figures, page, notebooks, manifest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from . import audiences
from .charts import write_run_figures
from .edition import Edition
from .folders import MANIFEST, write_manifest
from .page import write_page
from .workbook import write_workbook


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
        from .notebooks import run_notebooks  # noqa: PLC0415 – what runs them takes a second to load

        run_notebooks(folder)
        written.append(folder / "notebooks")
    write_manifest(folder)
    return [*written, folder / MANIFEST]
