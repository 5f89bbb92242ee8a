"""JupyterLab as users meet it: each notebook opened in a browser, Run All, no cell in error."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import TimeoutError

from tests.conftest import ROOT

pytestmark = pytest.mark.daemons
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9]_*.ipynb"))
TOKEN = "practice"
BEGUN = """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].some(
  one => /[\\d*]/.test(one.textContent))"""
ALL_RAN = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.textContent);
  return prompts.some(text => /\\d/.test(text)) && !prompts.some(text => text.includes('*'));
}"""
"""Whether some cell runs or has run; and whether none is running or waiting any more."""


@contextlib.contextmanager
def lab(folder):
    """JupyterLab on a free port of 127.0.0.1 with notebooks from a folder; every cell is drawn, seen or not."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    settings = folder / "settings" / "@jupyterlab"
    for extension, said in (
        ("notebook-extension/tracker", {"windowingMode": "none"}),
        ("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False}),
    ):
        path = settings / f"{extension}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(said), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--allow-root",
    ]
    command += [
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.user_settings_dir={folder / 'settings'}",
    ]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "HOME": str(folder),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={TOKEN}", timeout=1).close()
                break
            time.sleep(0.1)
        else:
            raise AssertionError((folder / "log").read_text(errors="replace")[-2000:])
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def run_all(page, url, path):
    """Open one notebook, run all its cells by the menu, and give its code cells when all have run."""
    page.goto(f"{url}/lab/tree/{path.name}?token={TOKEN}&reset")
    page.locator(".jp-NotebookPanel .jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    page.get_by_text("| Idle").wait_for(timeout=60_000)
    # The kernel may say that it is idle before the page can reach it; then nothing has begun, and we ask again.
    for _ in range(5):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        with contextlib.suppress(TimeoutError):
            page.wait_for_function(BEGUN, timeout=4_000)
            break
    page.wait_for_function(ALL_RAN, timeout=120_000)
    for _ in range(20):
        page.keyboard.press("Control+s")
        time.sleep(0.5)
        cells = [one for one in json.loads(path.read_text(encoding="utf-8"))["cells"] if one["cell_type"] == "code"]
        if any(one["execution_count"] for one in cells):
            return cells
    raise AssertionError(f"{path.name} was not saved")


def check_a_name(page, name):
    """Type a name into the self-check's second cell, run all cells again, and wait for what it says of that name."""
    page.locator(".jp-NotebookPanel .jp-CodeCell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(f'name = "{name}"')
    page.keyboard.press("Escape")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    for title in (f"自己点検: {name}", f"Self-check: {name}"):
        page.locator(".jp-NotebookPanel h3", has_text=title).wait_for(timeout=60_000)
    page.wait_for_function(ALL_RAN, timeout=60_000)
    assert not page.locator("[data-mime-type='application/vnd.jupyter.error']").count()


def test_every_notebook_runs_through_jupyterlabs_own_interface(surveyed, tmp_path, chromium):
    run = tmp_path / "run"
    shutil.copytree(surveyed.folder, run)
    for name in NOTEBOOKS:
        book = json.loads((ROOT / "notebooks" / name).read_text(encoding="utf-8"))
        for cell in book["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                cell["source"] = [f"RUN = {str(run)!r}"]
        (tmp_path / name).write_text(json.dumps(book, ensure_ascii=False), encoding="utf-8")
    with lab(tmp_path) as url:
        page = chromium.new_page(viewport={"width": 1300, "height": 1000})
        for name in NOTEBOOKS:
            cells = run_all(page, url, tmp_path / name)
            outputs = [output for cell in cells for output in cell["outputs"]]
            errors = [output for output in outputs if output["output_type"] == "error"]
            assert not errors, (name, [error["evalue"] for error in errors])
            assert outputs, f"{name} shows nothing"
            ran = [cell for cell in cells if not "".join(cell["source"]).lstrip().startswith("#")]
            assert all(cell["execution_count"] for cell in ran), name
            if name == "9_self_check.ipynb":
                check_a_name(page, surveyed.country.bodies[0].domains[0])
        page.close()
