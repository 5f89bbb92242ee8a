"""One publication: whole or not at all, its audience in every name, and nothing in it that the audience may not see."""

from __future__ import annotations

import hashlib
import html
import json
import shutil
import zipfile
from datetime import UTC, datetime, timedelta

import openpyxl
import pandas as pd
import pytest

from survey.__main__ import main
from survey.errors import RunError
from survey.publish import audiences, labels, proposals, publication, style
from survey.publish.corrections import Corrections
from survey.publish.edition import Edition
from survey.publish.outside import write_outside_workbook
from survey.runs import load_tables
from tests.publish.test_audiences import listed


@pytest.fixture(scope="module")
def folder(surveyed, tmp_path_factory):
    """A copy of the finished run that tests may publish from."""
    target = tmp_path_factory.mktemp("publication") / "run"
    shutil.copytree(surveyed.folder, target)
    return target


@pytest.fixture
def without_figures(monkeypatch):
    """Figures are drawn once, where they are looked through; here they would only take time."""
    monkeypatch.setattr(publication, "write_figures", lambda *_: [])


def publish(folder, audience, language="ja", **words):
    return publication.publish(folder, audience, language, now=datetime.now(UTC), **words)


def everything(path):
    """All bytes of a publication, workbooks unpacked."""
    found = []
    for file in sorted(path.rglob("*")):
        found.append(file.name.encode())
        if file.suffix == ".xlsx":
            with zipfile.ZipFile(file) as archive:
                found += [archive.read(name) for name in archive.namelist()]
        elif file.is_file():
            found.append(file.read_bytes())
    return b"\n".join(found)


def secrets(folder):
    """Every host, address and TXT of a run: nothing of it may stand in public."""
    tables = load_tables(folder)
    hosts = set(tables["servers"]["host"]) | set(tables["addresses"]["address"].dropna())
    return hosts | {text[:60] for text in tables["listings"]["text"].dropna()}


@pytest.mark.parametrize("language", ["ja", "en"])
def test_nothing_public_holds_a_host_an_address_or_a_lists_words(folder, language):
    done = publish(folder, "public", language)
    held = everything(done.folder).decode("utf-8", "replace")
    assert len(held) > 100_000
    assert [one for one in secrets(folder) if one in held] == []
    assert {path.suffix for path in done.folder.rglob("*")} >= {".xlsx", ".sha256", ".html", ".png", ".svg", ".txt"}
    for path in done.folder.rglob("*"):
        if path.name != "MANIFEST.sha256":
            assert "public" in path.name and language in path.name


def rows_of(path, sheet):
    return list(openpyxl.load_workbook(path, data_only=True)[sheet].iter_rows(values_only=True))


def test_public_outputs_name_nobody_until_decisions_say_so_and_then_exactly_those(folder, without_figures, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    path = publish(copy, "public").folder / "findings-public-ja.xlsx"
    assert [row for row in rows_of(path, "調査結果")[4:] if row[5]] == []
    edition = Edition.of(copy)
    codes = listed(edition)[:3]
    assert proposals.propose(copy, edition) is None
    book = openpyxl.load_workbook(copy / "decisions.xlsx")
    sheet = book.worksheets[0]
    now = datetime.now(UTC)
    for row in sheet.iter_rows(min_row=2):
        if row[0].value in codes[:2]:
            values = (now - timedelta(days=9), "郵送", None, now - timedelta(days=2), "デスク", now, "name", None)
            for cell, value in zip(row[2:10], values, strict=True):
                cell.value = value.replace(tzinfo=None) if isinstance(value, datetime) else value
        if row[0].value == codes[2]:
            row[1].value, row[6].value, row[7].value, row[8].value = (
                "0" * 64,
                "デスク",
                now.replace(tzinfo=None),
                "name",
            )
    book.save(copy / "decisions.xlsx")
    done = publish(copy, "public")
    named = {row[0]: row[5] for row in rows_of(done.folder / "findings-public-ja.xlsx", "調査結果")[4:] if row[5]}
    assert named == dict.fromkeys(codes[:2], "登録あり")
    assert [tuple(row) for row in done.refused.itertuples(index=False)] == [(codes[2], "changed")]
    assert publish(copy, "public", max_age_h=0.0).refused["why"].tolist().count("too_old") == 2


def test_the_command_says_what_it_did_and_leaves_refused_names_to_a_person(folder, without_figures, tmp_path, capsys):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    assert main(["publish", str(copy), "--audience", "public", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["named"] == [] and said["headline"]["bodies_listed_open_relay"] == 81
    assert main(["publish", str(copy), "--audience", "internal"]) == 0
    assert (copy / "decisions.xlsx").exists(), "a workbook to decide in"
    book = openpyxl.load_workbook(copy / "decisions.xlsx")
    book.worksheets[0].cell(2, 9).value = "name"
    book.save(copy / "decisions.xlsx")
    assert main(["publish", str(copy), "--audience", "public"]) == 1
    assert "undecided" not in capsys.readouterr().out, "told in words"


def test_a_code_that_lost_its_zero_is_found_and_one_of_nobody_is_told(folder, without_figures, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    edition = Edition.of(copy)
    proposals.propose(copy, edition)
    book = openpyxl.load_workbook(copy / "decisions.xlsx")
    first = book.worksheets[0]["A2"].value
    assert first.startswith("0") or len(first) == 6
    book.worksheets[0]["A2"].value = "999999"
    book.save(copy / "decisions.xlsx")
    with pytest.raises(RunError, match=r"decisions\.xlsx, row 2, column code"):
        publication.load_decisions(copy, edition)


def test_a_publication_is_replaced_as_a_whole_and_stays_whole_when_building_fails(
    folder, without_figures, tmp_path, monkeypatch
):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    before = everything(publish(copy, "ministry").folder)

    def fail(*_):
        raise RunError("no space left")

    monkeypatch.setattr(publication, "write_outside_workbook", fail)
    with pytest.raises(RunError, match="no space"):
        publish(copy, "ministry")
    assert everything(copy / "publish" / "ministry-ja") == before
    monkeypatch.undo()
    folder_ = publish(copy, "ministry").folder
    for line in (folder_ / "MANIFEST.sha256").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder_ / name).read_bytes()).hexdigest() == digest


def test_the_ministry_gets_confirmed_listings_with_their_pages_and_corrections_are_carried(
    folder, without_figures, tmp_path
):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    book = openpyxl.Workbook()
    book.active.append(["corrected_at", "where", "was", "is_now", "reason"])
    book.active.append(["2026-11-25", "1面", "82団体", "81団体", "集計の誤り"])
    book.save(copy / "corrections.xlsx")
    done = publish(copy, "ministry")
    path = done.folder / "findings-ministry-ja.xlsx"
    assert rows_of(path, "訂正")[4][:4] == ("2026-11-25", "1面", "82団体", "81団体")
    listings = [row for row in rows_of(path, "登録の内容")[4:] if row[0]]
    assert len(listings) == len(done.view.listings) > 100
    statuses = [row[5] for row in rows_of(path, "調査結果")[4:] if row[0]]
    assert statuses.count("登録あり") == done.view.headline["bodies_listed"]
    totals = next(row for row in rows_of(path, "地域別") if row[0] == "計")
    assert totals[1] == done.view.headline["bodies_listed"]
    assert totals[4] == done.view.headline["bodies_surveyed"]
    letters = list((done.folder / "letters-ministry-ja").glob("*.docx"))
    assert len(letters) >= done.view.headline["bodies_listed"]
    assert done.missing == ["name", "sender", "contact", "deadline_days"]
    assert {path.name for path in done.folder.glob("*.xlsx")} == {
        "findings-ministry-ja.xlsx",
        "handover-ministry-ja.xlsx",
        "cover-ministry-ja.xlsx",
    }


@pytest.mark.parametrize(
    ("audience", "language", "measured"),
    [
        ("public", "ja", "第三者中継リストへの登録を数えた"),
        ("public", "en", "listings by open-relay lists"),
        ("ministry", "ja", "第三者中継または悪用のリストへの登録を数えた"),
        ("ministry", "en", "listings by open-relay or abuse lists"),
    ],
)
def test_every_table_of_counts_says_by_which_lists(folder, tmp_path, audience, language, measured):
    view = audiences.view(Edition.of(folder), audience, {}, now=datetime.now(UTC))
    none = Corrections(pd.DataFrame(columns=list(labels.CORRECTIONS)))
    write_outside_workbook(view, tmp_path / "a.xlsx", language, {}, none)
    notes = {sheet.title: sheet["A2"].value for sheet in openpyxl.load_workbook(tmp_path / "a.xlsx")}
    regions, kinds, operators = (
        ("地域別", "種別", "運用者別") if language == "ja" else ("Regions", "Kinds", "Operators")
    )
    assert measured in notes[regions] and measured in notes[kinds]
    assert ("第三者中継または悪用のリスト" if language == "ja" else "open-relay or abuse lists") in notes[operators]


def log_corrections(folder, *rows):
    book = openpyxl.Workbook()
    book.active.append(["corrected_at", "where", "was", "is_now", "reason"])
    for row in rows:
        book.active.append(["2026-11-25", "1面", *row])
    book.save(folder / "corrections.xlsx")


def test_a_correction_about_a_closed_body_is_counted_in_public_and_told_to_the_newsroom(
    folder, without_figures, tmp_path, capsys
):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    edition = Edition.of(copy)
    body = edition.named_findings().query("status == 'listed'").iloc[0]
    host = body["servers_listed"][0]
    log_corrections(
        copy, ["82", "81", "集計の誤り"], [f"{body['name']}は登録あり", "登録なし", "誤り"], ["", "", f"{host}を除いた"]
    )
    assert main(["publish", str(copy), "--audience", "public"]) == 1
    said = capsys.readouterr()
    assert f"row 3: not printed / 掲載せず – 公表していない団体 / a body that is not named: {body['name']}" in said.out
    assert f"row 4: not printed / 掲載せず – ホスト名 / a host name: {host}" in said.out
    assert "corrections" in said.err
    public = copy / "publish" / "public-ja"
    held = everything(public).decode("utf-8", "replace")
    assert "集計の誤り" in held and f"{body['name']}は登録あり" not in held and host not in held
    for file, sheet in (("findings-public-ja.xlsx", "訂正"), ("report-public-ja.html", None)):
        text = str(rows_of(public / file, sheet)) if sheet else (public / file).read_text(encoding="utf-8")
        assert "訂正が2件あり" in text
    assert main(["publish", str(copy), "--audience", "internal"]) == 0
    assert f"{body['name']}は登録あり" in (copy / "publish/internal-ja/report-internal-ja.html").read_text("utf-8")


def test_a_withdrawn_name_leaves_every_language_at_once(folder, without_figures, tmp_path, capsys):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "publish", ignore_errors=True)
    edition = Edition.of(copy)
    code = listed(edition)[0]
    publish(copy, "internal")
    book = openpyxl.load_workbook(copy / "decisions.xlsx")
    now = datetime.now(UTC).replace(tzinfo=None)
    row = next(row for row in book.worksheets[0].iter_rows(min_row=2) if row[0].value == code)
    row[8].value, row[9].value, row[6].value, row[7].value = "name", "公益性が高い", "デスク", now - timedelta(days=1)
    book.save(copy / "decisions.xlsx")

    def named(language):
        path = copy / "publish" / f"public-{language}" / f"findings-public-{language}.xlsx"
        return [row[0] for row in rows_of(path, {"ja": "調査結果", "en": "Findings"}[language])[4:] if row[5]]

    assert publish(copy, "public", "ja").anew == ()
    publish(copy, "public", "en")
    assert named("ja") == named("en") == [code]
    row[8].value = "withhold"
    book.save(copy / "decisions.xlsx")
    capsys.readouterr()
    assert main(["publish", str(copy), "--audience", "public", "--language", "ja"]) == 0
    assert named("ja") == named("en") == []
    assert f"{copy / 'publish' / 'public-en'} (made anew" in capsys.readouterr().out
    assert not list((copy / "publish").glob(".*")), "nothing is left beside"


def test_the_page_of_a_publication_holds_its_audiences_figures_in_one_format(folder, tmp_path, monkeypatch):
    drawn = publication.write_figures
    monkeypatch.setattr(
        publication, "write_figures", lambda *words: drawn(*words, formats=[style.SQUARE, style.DEFAULT])
    )
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    done = publish(copy, "public", "en")
    page = (done.folder / "report-public-en.html").read_text(encoding="utf-8")
    texts = sorted((done.folder / "figures-public-en").glob("*-square-*.txt"))
    assert page.count("<figure>") == len(texts) >= 6
    for path in texts:
        assert html.escape(path.read_text(encoding="utf-8").splitlines()[0]) in page
