"""The page as readers meet it: found by name and by reading, filtered, sorted, on a phone, on paper, by keyboard."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe

from survey.publish import audiences, towns
from survey.publish.edition import Edition
from survey.publish.page import write_page
from survey.spellings import full_width
from tests.publish.pages import NOW, decision, hostile
from tests.publish.test_audiences import alone

pytestmark = pytest.mark.daemons


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


@pytest.fixture(scope="module")
def pages(edition, tmp_path_factory):
    """Every page, by audience and language; the public one names one body."""
    folder = tmp_path_factory.mktemp("browser")
    code = alone(edition)[0]
    decisions = {code: decision(edition, code)}
    found = {}
    for audience in audiences.AUDIENCES:
        view = audiences.view(edition, audience, decisions, now=NOW)
        for language in ("ja", "en"):
            found[audience, language] = folder / f"{audience}-{language}.html"
            write_page(view, found[audience, language], language)
    return found


@pytest.fixture(scope="module")
def town(edition):
    """A town whose name no other body's name or reading holds."""
    bodies = edition.tables["bodies"]
    names, kana = list(bodies["name"]), list(map(full_width, bodies["kana"].fillna("")))
    for name, reading, kind in zip(names, kana, bodies["kind"], strict=True):
        if kind == "town" and sum(reading in one for one in kana) == 1 and sum(name in one for one in names) == 1:
            return name, reading
    raise AssertionError("no such town")


def hiragana(text):
    return "".join(chr(ord(one) - 0x60) if "ァ" <= one <= "ヶ" else one for one in text)


def half_width(text):
    import jaconv

    return jaconv.z2h(text, kana=True)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_town_is_found_in_kanji_in_every_kana_in_letters_and_by_its_code(browse, pages, town, edition, language):
    opened = browse(pages["public", language])
    name, reading = town
    code = edition.tables["bodies"].set_index("name")["code"][name]
    letters = towns.in_letters(name, reading)
    wide = "".join(chr(ord(one) + 0xFEE0) for one in code)
    for typed in (name, reading, hiragana(reading), half_width(reading), letters.upper(), f" {name}　", code, wide):
        opened.page.fill("#search", typed)
        found = opened.names()
        assert any(one.startswith(name) for one in found), typed
        assert typed == letters.upper() or len(found) == 1, (typed, found)
    opened.page.fill("#search", "<script>")
    assert opened.visible() == 0 and opened.count()
    opened.page.click("#reset")
    assert opened.visible() == 50


def test_filters_and_order(browse, pages, edition):
    opened, bodies = browse(pages["internal", "ja"]), edition.tables["bodies"]
    opened.page.select_option("#by-region", "国")
    opened.page.click("#more")
    assert opened.visible() == bodies["prefecture"].eq("国").sum()
    opened.page.click("#reset")
    opened.page.select_option("#by-result", "登録あり")
    opened.page.select_option("#by-kind", "町")
    expected = edition.named_findings().query("status == 'listed' and kind == 'town'")
    assert re.findall(r"[\d,]+", opened.count())[:2] == [f"{len(bodies):,}", f"{len(expected):,}"]
    opened.page.click("#towns thead button >> text=団体コード")
    opened.page.click("#more") if opened.page.is_visible("#more") else None
    codes = opened.page.locator("#towns tbody tr:visible td:last-child").all_inner_texts()
    assert codes == sorted(expected["code"])
    opened.page.click("#towns thead button >> text=団体コード")
    codes = opened.page.locator("#towns tbody tr:visible td:last-child").all_inner_texts()
    assert codes == sorted(expected["code"], reverse=True)
    heads = opened.page.locator("#towns thead th[aria-sort]")
    assert heads.count() == 1 and heads.get_attribute("aria-sort") == "descending"


def test_counts_are_ordered_as_numbers(browse, pages):
    opened = browse(pages["public", "en"])
    opened.page.click("#region-table thead button >> text=Bodies")
    cells = opened.page.locator("#region-table tbody tr td:nth-child(5)").all_inner_texts()
    numbers = [int(one.replace(",", "")) for one in cells]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) > 5


def test_everything_is_done_by_keyboard(browse, pages, town):
    opened = browse(pages["public", "ja"])
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.className") == "skip"
    opened.page.keyboard.press("Enter")
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.id") == "search"
    opened.page.keyboard.insert_text(town[0])
    opened.page.keyboard.press("Enter")
    assert opened.visible() == 1
    for _ in range(20):
        opened.page.keyboard.press("Tab")
        if opened.page.evaluate("document.activeElement.closest('#towns thead') !== null"):
            break
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("#towns th[aria-sort=ascending]").count() == 1


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_phone_scrolls_in_one_direction_alone(browse, pages, language):
    for audience in audiences.AUDIENCES:
        opened = browse(pages[audience, language], 360, 740)
        opened.page.click("#more")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("which", [("public", "ja"), ("internal", "en")], ids="-".join)
def test_axe_finds_no_fault(browse, edition, tmp_path, which, width):
    audience, language = which
    view = audiences.view(edition, audience, {}, now=NOW)
    view = replace(view, findings=view.findings.head(80), operators=view.operators.head(20))
    write_page(view, tmp_path / "page.html", language)
    result = Axe().run(browse(tmp_path / "page.html", width).page).response
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in result["violations"]] == []
    assert len(result["passes"]) > 10


def test_paper_has_every_row_that_was_found_and_its_label_on_every_page(browse, pages, town, tmp_path):
    import shutil
    import subprocess

    opened = browse(pages["public", "ja"])
    opened.page.fill("#search", town[0][:1])
    rows = opened.page.locator("#towns tbody tr:not([hidden])").count()
    assert rows > 50
    opened.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")
    opened.page.emulate_media(media="print")
    assert opened.visible() == rows
    assert not opened.page.is_visible("#find-form")
    reader = shutil.which("pdftotext")
    if reader is None:
        return
    text = subprocess.run([reader, tmp_path / "page.pdf", "-"], capture_output=True, check=True).stdout.decode()
    sheets = text.split("\f")[:-1]
    assert len(sheets) > 3
    assert all("実在しません" in sheet and "公表用" in sheet and "時点の回答" in sheet for sheet in sheets)


def test_a_page_without_its_script_holds_everything(chromium, pages, edition):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["public", "ja"].as_uri())
    assert page.locator("#towns tbody tr:visible").count() == len(edition.tables["bodies"])
    assert not page.is_visible("#find-form")
    context.close()


@pytest.mark.parametrize("audience", audiences.AUDIENCES)
def test_nothing_that_strangers_sent_is_run(browse, edition, tmp_path, audience):
    view = audiences.view(edition, audience, {}, now=NOW)
    view = hostile(replace(view, findings=view.findings.head(200)))
    write_page(view, tmp_path / "page.html", "ja")
    opened = browse(tmp_path / "page.html", 360, 740)
    opened.page.fill("#search", "script")
    assert 0 < opened.visible() < 200
    assert opened.page.locator("script").count() == 1
    opened.page.click("#reset")
    opened.page.click("#towns thead button >> nth=0")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
