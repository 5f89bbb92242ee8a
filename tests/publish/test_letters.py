"""Letters name their body and no other, say where their words come from, and hold whatever strangers sent as text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import openpyxl
import pytest
from docx import Document

from survey.catalogue import load_selection
from survey.errors import RunError
from survey.publish import audiences, labels, letters
from survey.publish.edition import Edition
from survey.publish.handover import write_cover, write_handover
from survey.publish.newsroom import Newsroom, load_newsroom, moment
from survey.runs import RunFolder

NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
DESK = Newsroom("灯台新聞社", "山田花子", "電話 03-0000-0000", 10)
HOSTILE = '=HYPERLINK("http://evil.example")<w:p>&</w:t>{{ newsroom }}{% for %}\x1b[31m\u202e"' + "あ" * 65_536


@pytest.fixture(scope="module")
def whole(surveyed):
    return audiences.view(Edition.of(surveyed.folder), "ministry", {}, now=NOW)


@pytest.fixture(scope="module")
def lists(surveyed):
    return {one.zone: one for one in load_selection(RunFolder(surveyed.folder).lists_path)}


def part(view, codes):
    """The same view with the findings and listings of these bodies alone."""
    findings, listings = (table.loc[table["code"].isin(codes)] for table in (view.findings, view.listings))
    return replace(view, findings=findings, listings=listings)


def some(view):
    """Every body on the first shared server, and two with servers of their own."""
    shared = view.listings.loc[view.listings["own_or_shared"].eq("shared")]
    own = view.listings.loc[view.listings["own_or_shared"].eq("own"), "code"]
    host = shared["host"].value_counts().index[0]
    return part(view, {*shared.loc[shared["host"].eq(host), "code"], *own.iloc[[0, -1]]})


def texts(path):
    """Everything that a reader or a machine may read in a .docx: all XML text and attributes, and its file name."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith((".xml", ".rels"))}
    for xml in parts.values():
        ElementTree.fromstring(xml)
    joined = "\n".join(re.sub(r"</w:p>", "\n", xml) for xml in parts.values())
    return re.sub(r"<w:[^>]*>|</w:[^>]*>", "", joined) + path.name, parts


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_letter_names_its_body_and_no_other(whole, lists, tmp_path, language):
    view = some(whole)
    letters.write_letters(view, lists, DESK, tmp_path, language, now=NOW)
    names = whole.findings[["code", "prefecture", "name"]].itertuples(index=False, name=None)
    everybody = {code: (prefecture, name) for code, prefecture, name in names}
    for code in view.findings["code"]:
        said, _ = texts(tmp_path / letters.file_name(code, "ministry", language))
        prefecture, name = everybody[code]
        assert name in said and code in said
        about = view.findings.set_index("code").loc[code]
        assert about["finding_sha256"] in said and view.headline["evidence_head"] in said
        for entry in view.listings.loc[view.listings["code"].eq(code)].to_dict("records"):
            assert entry["host"] in said and entry["address"] in said and entry["zone"] in said
            assert entry["text"] in said and " ".join(entry["evidence_ids"]) in said
        rest = said.replace(f"{prefecture} {name}", "").replace(name, "")
        # Six digits of a hash may be anybody's code.
        rest = rest.replace(about["finding_sha256"], "").replace(str(view.headline["evidence_head"]), "")
        others = {one for one, (_, other) in everybody.items() if one != code and (one in rest or other in rest)}
        assert not others


def test_an_operator_is_told_a_number_and_no_names(whole, lists, tmp_path):
    view = some(whole)
    sharing = view.listings.loc[view.listings["own_or_shared"].eq("shared")]
    count = sharing["code"].nunique()
    assert count > 1
    written = letters.write_letters(view, lists, DESK, tmp_path, "ja", now=NOW)
    operator = [path for path in written if path.name.startswith("operator-")]
    assert [path.name for path in operator] == ["operator-001-ministry-ja.docx"]
    said, _ = texts(operator[0])
    assert f"このサーバを{count}の自治体・行政機関" in said
    assert all(one in said for one in {*sharing["host"], *sharing["address"]})
    assert not [name for name in view.findings["name"] if name in said]
    told = re.sub(r"[0-9a-f]{64}", "", said)
    assert not [code for code in view.findings["code"] if code in told]
    body, _ = texts(tmp_path / letters.file_name(sharing["code"].iloc[0], "ministry", "ja"))
    assert f"ほかに{count - 1}団体と共用" in body


def test_one_letter_per_confirmed_finding_and_per_operator_of_shared_servers(whole, lists):
    made = letters.letters(whole, lists, "ja")
    listed = set(whole.findings.loc[whole.findings["status"].eq("listed"), "code"])
    assert [one.key for one in made if one.template == "body"] == sorted(listed)
    shared = whole.listings.loc[whole.listings["own_or_shared"].eq("shared")]
    counted = {one.key: one.bodies for one in made if one.template == "operator"}
    assert counted == {f"operator:{name}": n for name, n in shared.groupby("operator")["code"].nunique().items()}
    with pytest.raises(ValueError, match="ministry"):
        letters.letters(replace(whole, audience="public"), lists, "ja")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_practice_label_and_audience_stand_on_every_page(whole, lists, tmp_path, language):
    for path in letters.write_letters(some(whole), lists, DESK, tmp_path, language, now=NOW):
        for section in Document(path).sections:
            head, foot = (" ".join(p.text for p in one.paragraphs) for one in (section.header, section.footer))
            assert labels.PRACTICE[language] in head
            assert labels.LETTER["audience"][language] in head and labels.LETTER["audience"][language] in foot
            assert not section.different_first_page_header_footer


def hostile(view, lists):
    """One body and its list, with every string from outside hostile."""
    view = part(view, {view.listings["code"].iloc[0]})
    findings, listings = view.findings.copy(), view.listings.copy()
    for name in ("name", "prefecture", "operator"):
        findings[name] = HOSTILE
    for name in ("host", "text", "operator", "operator_ja"):
        listings[name] = HOSTILE
    listings["own_or_shared"] = "shared"
    lists = {
        zone: replace(one, list_name=HOSTILE, operator=HOSTILE, lookup_url="javascript:alert(1)", delist_url=HOSTILE)
        for zone, one in lists.items()
    }
    return replace(view, findings=findings, listings=listings), lists


def test_hostile_strings_stay_text_everywhere(whole, lists, tmp_path):
    view, wrong = hostile(whole, lists)
    newsroom = Newsroom(HOSTILE, HOSTILE, HOSTILE, 10)
    for path in letters.write_letters(view, wrong, newsroom, tmp_path, "ja", now=NOW):
        opened = Document(path)
        cells = [cell.text for table in opened.tables for row in table.rows for cell in row.cells]
        assert any('<w:p>&</w:t>{{ newsroom }}{% for %}\\x1b[31m\\u202e"' in cell for cell in cells)
        said, parts = texts(path)
        assert "\x1b" not in said and "\u202e" not in said and len(said) < 400_000
        assert not [xml for name, xml in parts.items() if name.endswith(".rels") and "evil.example" in xml]
    write_handover(view, wrong, tmp_path / "a.xlsx", "ja")
    write_cover(view, wrong, newsroom, tmp_path / "b.xlsx", "ja", now=NOW)
    for name in ("a.xlsx", "b.xlsx"):
        for sheet in openpyxl.load_workbook(tmp_path / name):
            cells = [cell for row in sheet.iter_rows() for cell in row]
            assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]


def test_file_names_are_safe_on_windows():
    assert letters.file_name("012343", "ministry", "ja") == "012343-ministry-ja.docx"
    for code in ("../../x", "a:b|c", "", "x" * 300, "=1+1", HOSTILE):
        assert re.fullmatch(r"[0-9a-f]{16}-ministry-en\.docx", letters.file_name(code, "ministry", "en"))


def test_links_are_http_or_https_only():
    assert letters.link("https://a.example/x (unverified)") == "https://a.example/x"
    assert [letters.link(one) for one in ("javascript:x", "relaycheck@a.example (mail)", "", "file:///x")] == [""] * 4


def test_the_command_asks_what_the_survey_asked():
    assert letters.question("192.0.2.9", "l.example") == "9.2.0.192.l.example"
    assert letters.question("2001:db8::1", "l.example").startswith("1.0.0.0.")
    assert letters.question("2001:db8::1", "l.example").endswith(".8.b.d.0.1.0.0.2.l.example")


def test_a_moment_is_told_in_japan_and_in_utc():
    assert moment(NOW, "ja") == "2026年11月25日 05:00（日本時間）\n2026年11月24日 20:00（UTC）"
    assert moment(NOW, "en") == "25 November 2026, 05:00 Japan time\n24 November 2026, 20:00 UTC"
    assert DESK.deadline(NOW, "ja") == "2026年12月5日"


def test_what_the_newsroom_did_not_say_is_a_placeholder_and_told(whole, lists, tmp_path):
    newsroom = load_newsroom(tmp_path / "newsroom.toml")
    assert newsroom.missing() == ["name", "sender", "contact", "deadline_days"]
    (tmp_path / "newsroom.toml").write_text('name = "灯台新聞社"\ndeadline_days = 10\n', encoding="utf-8")
    newsroom = load_newsroom(tmp_path / "newsroom.toml")
    assert newsroom.missing() == ["sender", "contact"]
    view = part(whole, {whole.listings["code"].iloc[0]})
    said, _ = texts(letters.write_letters(view, lists, newsroom, tmp_path, "ja", now=NOW)[0])
    assert "灯台新聞社" in said and "【連絡先：未記入】" in said and "2026年12月5日" in said


@pytest.mark.parametrize("text", ["name = 3", "nmae = 'x'", "deadline_days = 0", "deadline_days = true", "name = "])
def test_a_wrong_setting_is_an_error_that_names_the_file(tmp_path, text):
    path = tmp_path / "newsroom.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RunError) as error:
        load_newsroom(path)
    assert "newsroom.toml" in str(error.value)


def test_people_edit_the_template_and_a_broken_one_is_told(whole, lists, tmp_path):
    folder = tmp_path / "templates"
    shutil.copytree(letters.TEMPLATES, folder)
    edited = Document(folder / "body-ja.docx")
    edited.add_paragraph("追伸　{{ addressee }}のみなさまへ")
    edited.save(folder / "body-ja.docx")
    view = part(whole, {whole.listings["code"].iloc[0]})
    path = letters.write_letters(view, lists, DESK, tmp_path, "ja", now=NOW, templates=folder)[0]
    name = view.findings["name"].iloc[0]
    assert re.fullmatch(f"追伸　.*{name}のみなさまへ", Document(path).paragraphs[-1].text)
    edited.add_paragraph("{{ no_such_word }}")
    edited.save(folder / "body-ja.docx")
    with pytest.raises(RunError, match="no_such_word"):
        letters.write_letters(view, lists, DESK, tmp_path, "ja", now=NOW, templates=folder)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_hand_over_is_the_ministrys_view(whole, lists, tmp_path, language):
    write_handover(whole, lists, tmp_path / "a.xlsx", language)
    findings, listings = openpyxl.load_workbook(tmp_path / "a.xlsx")
    listed = whole.findings.loc[whole.findings["status"].eq("listed")].sort_values("code")
    rows = list(findings.iter_rows(min_row=5))
    assert [(row[0].value, row[2].value, row[15].value) for row in rows] == list(
        listed[["code", "name", "finding_sha256"]].itertuples(index=False, name=None)
    )
    told = [(row[0].value, row[3].value, row[4].value, row[7].value) for row in listings.iter_rows(min_row=5)]
    keys = whole.listings[["code", "host", "address", "zone"]].itertuples(index=False, name=None)
    assert sorted(told) == sorted(keys)
    for sheet in (findings, listings):
        assert len(sheet.tables) == 1 and sheet.freeze_panes == "D5"
        assert sheet.page_setup.orientation == "landscape" and int(sheet.page_setup.paperSize) == 9
        assert labels.PRACTICE[language] in sheet.oddHeader.left.text
        assert labels.LETTER["audience"][language] in sheet.oddFooter.left.text
        links = [cell.hyperlink.target for row in sheet.iter_rows() for cell in row if cell.hyperlink]
        assert links and all(re.match("https?://", one) for one in links)
        assert all(row[0].data_type == "s" for row in sheet.iter_rows(min_row=5))


def test_the_hand_over_is_written_where_the_users_of_a_server_are_not_known(whole, lists, tmp_path):
    found = whole.findings.copy()
    first, *others = found.loc[found["status"].eq("listed")].sort_values("code").index
    found.loc[first, "shared_with"] = None
    write_handover(replace(whole, findings=found), lists, tmp_path / "a.xlsx", "ja")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    assert [row[11] for row in sheet.iter_rows(min_row=5, values_only=True)] == [
        None,
        *found.loc[others, "shared_with"],
    ]


@pytest.mark.parametrize(("language", "second_person"), [("ja", "貴"), ("en", "your")])
def test_the_hand_over_speaks_of_bodies_in_the_third_person(whole, lists, tmp_path, language, second_person):
    write_handover(whole, lists, tmp_path / "a.xlsx", language)
    for sheet in openpyxl.load_workbook(tmp_path / "a.xlsx"):
        assert not [one for row in sheet.iter_rows(values_only=True) for one in row if second_person in str(one)]


def test_the_cover_list_has_every_letter(whole, lists, tmp_path):
    write_cover(whole, lists, DESK, tmp_path / "b.xlsx", "ja", now=NOW)
    (sheet,) = openpyxl.load_workbook(tmp_path / "b.xlsx")
    told = [(row[1], row[4], row[8]) for row in sheet.iter_rows(min_row=5, values_only=True)]
    made = letters.letters(whole, lists, "ja")
    assert told == [(one.key, one.file, "2026年12月5日") for one in made]


@pytest.mark.daemons
def test_libreoffice_opens_and_prints_hostile_and_plain_letters(whole, lists, tmp_path):
    soffice = shutil.which("soffice")
    if soffice is None:
        if os.environ.get("SURVEY_REQUIRE_DAEMONS") == "1":
            pytest.fail("soffice is not installed (libreoffice-writer)")
        pytest.skip("soffice is not installed (libreoffice-writer)")
    view, wrong = hostile(whole, lists)
    paths = letters.write_letters(view, wrong, DESK, tmp_path / "hostile", "ja", now=NOW)
    paths += letters.write_letters(some(whole), lists, DESK, tmp_path / "plain", "en", now=NOW)[-1:]
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [
        soffice,
        profile,
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(tmp_path / "pdf"),
        *map(str, paths),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for path in paths:
        assert (tmp_path / "pdf" / f"{path.stem}.pdf").read_bytes().startswith(b"%PDF")


def test_a_letter_to_a_body_never_calls_another_body_the_operator(surveyed, lists, tmp_path):
    """A town's mail stands on its prefecture's server: both its domain and its name would tell of somebody else."""
    edition = Edition.of(surveyed.folder)
    listings = audiences.view(edition, "ministry", {}, now=NOW).listings
    shared = listings.loc[listings["own_or_shared"].eq("shared")]
    host = shared["host"].value_counts().index[0]
    code, receiver = shared.loc[shared["host"].eq(host), "code"].iloc[0], edition.tables["bodies"]
    other = receiver.loc[receiver["code"].ne(code) & receiver["kind"].eq("prefecture")].iloc[0]
    domain = edition.tables["domains"].query(f"code == {other['code']!r}")["domain"].iloc[0]
    for called in (domain, f"mail.{domain}", f"{other['name']}情報センター"):
        servers = edition.tables["servers"].copy()
        servers.loc[servers["host"].eq(host), ["operator", "operator_ja"]] = called
        whole = audiences.view(replace(edition, tables={**edition.tables, "servers": servers}), "ministry", {}, now=NOW)
        assert set(whole.listings.loc[whole.listings["host"].eq(host), "operator_codes"].map(tuple)) == {
            (other["code"],)
        }
        for language, said in (
            ("ja", "別の団体（名称は伏せています）"),
            ("en", "another public body (not named here)"),
        ):
            made = letters.letters(part(whole, {code}), lists, language)
            entries = [one for letter in made if letter.key == code for one in letter.entries if one.host == host]
            assert entries and all(said in one.whose and called not in one.whose for one in entries)


def test_an_english_letter_says_how_a_name_is_read(whole, lists):
    view = some(whole)
    findings = view.findings.copy()
    findings.loc[:, ["prefecture", "name", "kana"]] = ["北海道", "函館市", "ﾊｺﾀﾞﾃｼ"]
    letter = letters.letters(replace(view, findings=findings), lists, "en")[0]
    assert letter.addressee == "Hakodate-shi (北海道 函館市)"
    assert letters.letters(replace(view, findings=findings), lists, "ja")[0].addressee == "北海道 函館市"
    findings["kana"] = None
    assert letters.letters(replace(view, findings=findings), lists, "en")[0].addressee == "北海道 函館市"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_letters_properties_are_in_its_readers_language(whole, lists, tmp_path, language):
    path = letters.write_letters(some(whole), lists, DESK, tmp_path, language, now=NOW)[0]
    about = Document(path).core_properties
    assert about.title == labels.LETTER["title_body"][language] and about.author == "灯台新聞社"
    assert about.subject == labels.LETTER["audience"][language] and about.comments == labels.PRACTICE[language]
    assert about.created.year == about.modified.year == 2026


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("ja", "サーバには接続していません（運用者の許可を得て"), ("en", "except where its operator permitted")],
)
def test_a_letter_says_that_no_server_was_connected_to_but_by_permission(whole, lists, tmp_path, language, sentence):
    for path in letters.write_letters(some(whole), lists, DESK, tmp_path, language, now=NOW):
        said, _ = texts(path)
        assert sentence in said
