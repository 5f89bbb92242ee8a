"""The page: it holds what its audience may see and nothing else, runs its own script alone, and counts heads."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pandas as pd
import pytest

from survey.publish import audiences, labels, towns, webfont
from survey.publish.corrections import Corrections
from survey.publish.edition import Edition
from survey.publish.page import write_page
from tests.publish.pages import NOW, decision, hostile, parsed
from tests.publish.test_audiences import alone

LANGUAGES = ("ja", "en")
EVERY = [(audience, language) for audience in audiences.AUDIENCES for language in LANGUAGES]


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


def view_of(edition, audience="public", decisions=()):
    return audiences.view(edition, audience, {one.code: one for one in decisions}, now=NOW)


def source_of(view, folder, language="ja", **words):
    path = folder / "page.html"
    write_page(view, path, language, **words)
    assert [one.name for one in folder.glob("page*")] == ["page.html"]
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sources(edition, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {(one, language): source_of(view_of(edition, one), folder, language) for one, language in EVERY}


def town_rows(page):
    return [row for row, (_, attributes) in zip(page.rows, rows_of(page), strict=True) if "data-k" in attributes]


def rows_of(page):
    return [one for one in page.tags if one[0] == "tr"]


@pytest.mark.parametrize("which", EVERY, ids="-".join)
def test_every_body_has_a_row_and_every_page_says_what_it_is(edition, sources, which):
    source, (audience, language) = sources[which], which
    page = parsed(source)
    assert ("html", {"lang": language}) in page.tags
    assert len(town_rows(page)) == edition.headline["bodies"] == len(edition.tables["bodies"])
    for needed in (
        labels.PRACTICE[language],
        view_of(edition, audience).as_of(language),
        str(edition.headline["evidence_head"]),
    ):
        assert needed in source
    assert labels.NOT_CLOSED[language].split("。")[0] in source


@pytest.mark.parametrize("which", EVERY, ids="-".join)
def test_its_policy_lets_its_own_script_and_style_run_and_nothing_else(sources, which):
    page = parsed(sources[which])
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    for tag in ("script", "style"):
        (content,) = page.texts[tag]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert not any(name.startswith("on") or name == "style" for name in attributes), attributes
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,"))
    assert not re.search(r"\b(eval|Function|innerHTML|fetch|import)\b", page.texts["script"][0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_public_page_holds_no_host_address_domain_text_or_operator(edition, sources, language):
    source = sources["public", language]
    tables = edition.tables
    zones = set(tables["lists"]["zone"])
    forbidden = {
        *tables["mail_servers"]["host"].dropna(),
        *tables["domains"]["domain"],
        *tables["addresses"]["address"].dropna(),
        *(text for text in tables["listings"]["text"].dropna() if len(text) > 3),
        *tables["policies"]["spf_text"].dropna(),
        *tables["servers"]["operator"].dropna(),
    } - zones
    assert len(forbidden) > 1000
    assert not [one for one in forbidden if one in source]
    assert not re.search(r"\b\d+\.\d+\.\d+\.\d+\b", source.replace(";base64,", ""))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unnamed_body_has_the_same_words_whatever_its_status(sources, language):
    rows = town_rows(parsed(sources["public", language]))
    said = "非公表" if language == "ja" else "Not published"
    assert all(said in row for row in rows)
    for word in ("listed", "clear", "unknown", "no_mail", "out_of_scope"):
        assert not any(labels.word(word, language) in row for row in rows)


def test_exactly_the_named_are_said_to_be_listed(edition, tmp_path):
    first, second = alone(edition)[:2]
    view = view_of(edition, decisions=[decision(edition, first), decision(edition, second)])
    rows = town_rows(parsed(source_of(view, tmp_path)))
    assert {row[-6:] for row in rows if "登録あり" in row} == {first, second}


def test_swapping_listed_and_clear_changes_no_byte_of_the_public_page(edition, sources, tmp_path):
    found = edition.named_findings()
    found = found.loc[found["open_relay_listing"].isin(["listed", "clear"])]
    pairs = []
    for _, group in found.groupby(["prefecture", "kind"]):
        on = group.loc[group["open_relay_listing"].eq("listed"), "code"]
        off = group.loc[group["status"].eq("clear"), "code"]
        pairs += list(zip(on, off, strict=False))[:1]
    assert len(pairs) > 5
    findings = edition.tables["findings"].copy()
    rows = {code: row for row, code in findings["code"].items()}
    for one, other in pairs:
        a, b = findings.loc[rows[one]].copy(), findings.loc[rows[other]].copy()
        a["code"], b["code"] = other, one
        findings.loc[rows[one]], findings.loc[rows[other]] = b, a
    swapped = replace(edition, tables={**edition.tables, "findings": findings})
    assert source_of(view_of(swapped), tmp_path) == sources["public", "ja"]


@pytest.mark.parametrize("which", EVERY, ids="-".join)
def test_whatever_strangers_sent_is_text(edition, tmp_path, which):
    audience, language = which
    view = view_of(edition, audience)
    log = Corrections(pd.DataFrame({name: ["<script>alert(8)</script>", ""] for name in labels.CORRECTIONS}))
    source = source_of(hostile(view), tmp_path, language, corrections=log)
    page = parsed(source)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == tags.count("style") == 1
    assert not {"img", "iframe", "b"} & set(tags)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert len(town_rows(page)) == len(view.findings)
    assert not re.search("[\x00-\x08\x0b-\x1f\u2028\u2029\u202a-\u202e\ud800-\udfff]", source)
    assert max(map(len, town_rows(page))) < 5_000


def test_corrections_and_figures_stand_in_the_page(edition, tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"\x89PNG")
    (folder / "1.txt").write_text('地域別の"数"\n', encoding="utf-8")
    shown = pd.DataFrame([["2026-11-25", "表", "82", "81", "件数を改めた"]], columns=list(labels.CORRECTIONS))
    log = Corrections(shown, withheld=((3, "a_body", "某市"),))
    source = source_of(view_of(edition), tmp_path, corrections=log, figures=[folder / "1.png"])
    page = parsed(source)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert images == [{"alt": '地域別の"数"', "src": "data:image/png;base64,iVBORw=="}]
    assert "件数を改めた" in source and "これまでに訂正はありません" not in source
    assert "訂正が1件あり" in source and "某市" not in source


def test_regions_are_shown_with_their_bounds(edition, sources):
    view = view_of(edition)
    rows = [row for row in parsed(sources["public", "ja"]).rows if row.startswith("国")]
    nation = view.regions.set_index("prefecture").loc["国"]
    listed, unknown, bodies = (int(nation[name]) for name in ("listed", "unknown", "bodies"))
    assert rows[0] == f"国{listed}{unknown}{listed + unknown}{bodies}"


def test_a_name_in_letters_has_its_ending_apart():
    assert towns.in_letters("函館市", "ﾊｺﾀﾞﾃｼ") == "Hakodate-shi"
    assert towns.in_letters("大町", "オオマチ").endswith("machi")
    assert towns.in_letters("無名", "") == ""


def test_the_font_is_cut_to_the_text_bears_another_name_and_is_always_the_same():
    import io

    from fontTools.ttLib import TTFont

    data = webfont.woff2("市町村")
    assert data == webfont.woff2("村市町")
    with TTFont(io.BytesIO(base64.b64decode(data))) as font:
        assert {ord("市"), ord("ア"), ord("ｱ"), ord("a")} <= set(font.getBestCmap())
        assert ord("県") not in font.getBestCmap()
        assert {str(record) for record in font["name"].names} == {webfont.FAMILY}


def test_a_page_says_when_it_cannot_hold_every_body(edition, tmp_path, monkeypatch):
    monkeypatch.setattr(towns, "ROWS_MOST", 20)
    bodies = len(edition.tables["bodies"])
    for language, said in (("ja", f"全{bodies:,}団体のうち20団体だけ"), ("en", f"only 20 of {bodies:,} bodies")):
        source = source_of(view_of(edition), tmp_path, language)
        assert len(town_rows(parsed(source))) == 20
        assert said in source
