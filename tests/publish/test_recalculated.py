"""LibreOffice computes every formula anew, from workbooks whose computed values were taken out: it gets our numbers."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime

import openpyxl
import pytest

from survey.comparison import compare_waves
from survey.frames import frame
from survey.publish import letters, publication
from survey.publish.edition import Edition
from survey.publish.wave_book import write_wave_workbook
from survey.publish.workbook import write_workbook
from tests.wave_worlds import DIRECTORY, survey

pytestmark = pytest.mark.daemons


def office():
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found is None:
        message = "LibreOffice is not here (apt-get install libreoffice-calc)"
        if os.environ.get("SURVEY_REQUIRE_DAEMONS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


def formulas(path):
    """Every formula cell of a workbook, with the value that it carries."""
    computed, written = openpyxl.load_workbook(path, data_only=True), openpyxl.load_workbook(path)
    return {
        (sheet.title, cell.coordinate): computed[sheet.title][cell.coordinate].value
        for sheet in written.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def test_every_formula_of_every_workbook_is_computed_as_we_computed_it(surveyed, tmp_path, monkeypatch):
    monkeypatch.setattr(publication, "write_figures", lambda *_: [])
    monkeypatch.setattr(letters, "write_letters", lambda *_, **__: [])
    run = tmp_path / "run"
    shutil.copytree(surveyed.folder, run)
    write_workbook(Edition.of(run), run / "findings.xlsx")
    now = datetime.now(UTC)
    folders = [publication.publish(run, audience, "ja", now=now).folder for audience in ("ministry", "public")]
    books = [run / "findings.xlsx", *(path for folder in folders for path in folder.glob("findings-*.xlsx"))]
    waves = [survey("one", listed=range(9), bodies=60), survey("two", listed=range(4, 20), bodies=60)]
    found = compare_waves(waves, (), DIRECTORY)
    write_wave_workbook(found, frame("rule_changes"), run / "waves.xlsx", "ja")
    books.append(run / "waves.xlsx")
    assert len(books) == 4
    (tmp_path / "bare").mkdir()
    for path in books:
        # openpyxl writes formulas without their values: what is read back below, LibreOffice has computed.
        openpyxl.load_workbook(path).save(tmp_path / "bare" / path.name)
    command = [office(), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "xlsx"]
    command += ["--outdir", str(tmp_path / "computed"), *(str(tmp_path / "bare" / path.name) for path in books)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    for path in books:
        ours, theirs = formulas(path), openpyxl.load_workbook(tmp_path / "computed" / path.name, data_only=True)
        assert ours
        for (sheet, cell), value in ours.items():
            assert theirs[sheet][cell].value == pytest.approx(value), (path.name, sheet, cell)
