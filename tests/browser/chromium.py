"""Debian's Chromium, headless, driven by Playwright; nothing of it leaves this machine."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-default-apps"),
)


@pytest.fixture(scope="session")
def browser():
    """A browser for a whole session; the test fails or is skipped by name where Chromium is missing."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        message = "chromium is not here (apt-get install chromium)"
        if os.environ.get("SURVEY_REQUIRE_DAEMONS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield one
        one.close()
