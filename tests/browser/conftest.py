"""A real browser: Debian's Chromium without a window, driven by Playwright; it is told to ask the network nothing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import sync_playwright

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def chromium():
    """The browser, gone after its module, for its event loop lets no other run; fails or is skipped where it is missing."""
    program = shutil.which("chromium")
    if program is None:
        message = "chromium is not here (apt-get install chromium)"
        if os.environ.get("SURVEY_REQUIRE_DAEMONS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Watched:
    """An open page, and everything that it did which a page of ours may not do."""

    page: object
    wrongs: list = field(default_factory=list)

    def visible(self):
        return self.page.locator("#towns tbody tr:visible").count()

    def names(self):
        return self.page.locator("#towns tbody tr:visible th").all_inner_texts()

    def count(self):
        return self.page.locator("#count").inner_text()


@pytest.fixture
def browse(chromium):
    """Open a file in a new window of a size; at the end nothing may have been asked, said, thrown or popped up."""
    opened = []

    def go(path, width=1200, height=900):
        context = chromium.new_context(viewport={"width": width, "height": height})
        watched = Watched(context.new_page())
        page, wrongs, address = watched.page, watched.wrongs, path.resolve().as_uri()
        page.on("console", lambda message: wrongs.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrongs.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (wrongs.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((address, "data:")) else wrongs.append(f"asked {request.url}")
            ),
        )
        page.goto(address)
        opened.append((context, watched))
        return watched

    yield go
    wrongs = [wrong for _, watched in opened for wrong in watched.wrongs]
    for context, _ in opened:
        context.close()
    assert wrongs == []
