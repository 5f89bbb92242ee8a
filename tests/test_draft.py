"""The register command: every body with its candidates, and no file of anybody's written over."""

from __future__ import annotations

import json
import re

import openpyxl
import pytest

from benchmarks.domains import main as bench
from benchmarks.domains import measure, ranked
from survey import codes
from survey.__main__ import main
from survey.draft import national_bodies
from survey.register import load_register
from survey.suffixes import is_reserved
from survey.websites import read_websites, site_domain
from tests.conftest import ROOT


def test_the_shipped_register_holds_every_body_and_is_what_the_command_makes(tmp_path, capsys):
    assert main(["register", "--out", str(tmp_path / "register.xlsx"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["bodies"], said["bodies_in_scope"], said["national"]) == (1788, 1788, len(national_bodies()))
    shipped, made = load_register(ROOT / "data" / "register.xlsx"), load_register(tmp_path / "register.xlsx")
    for name in ("bodies", "domains", "candidates"):
        assert getattr(shipped, name).equals(getattr(made, name)), name
    local = shipped.bodies.loc[shipped.bodies["kind"].ne("national")]
    assert set(local["code"]) == set(codes.official())
    assert all(codes.is_code(code) for code in local["code"])
    assert shipped.problems.empty
    assert shipped.domains.empty
    assert set(shipped.candidates["code"]) == set(shipped.bodies["code"])


@pytest.mark.parametrize("name", ["mic-2024-01.xlsx", "mic-2019-05.xlsx"])
def test_no_row_of_the_ministrys_workbook_is_lost(shared, tmp_path, name):
    ministry = load_register(shared / "register" / name)
    sites = shared / "register" / "websites-odd-prefectures.csv"
    words = ["register", str(shared / "register" / name), "--out", str(tmp_path / "r.xlsx"), "--websites", str(sites)]
    assert main(words) == 0
    made = load_register(tmp_path / "r.xlsx")
    local = made.bodies.loc[made.bodies["kind"].ne("national")].reset_index(drop=True)
    columns = ["code", "prefecture", "name", "kind", "in_scope", "scope_reason"]
    assert local[columns].equals(ministry.bodies[columns])
    assert (len(local), local["in_scope"].sum()) == (1794, 1788)
    assert made.problems.empty
    # Each website's own domain is its body's first candidate.
    first = made.candidates.loc[made.candidates["rank"].eq(1)].set_index("code")
    found = read_websites(sites).sites
    assert len(found) == 991
    assert all(first.loc[one.code, "domain"] == one.domain for one in found)
    assert set(first.loc[[one.code for one in found], "basis"]) == {"website"}


def test_a_register_that_somebody_may_have_edited_is_never_written_over(tmp_path, capsys):
    path = tmp_path / "register.xlsx"
    path.write_bytes(b"mine")
    assert main(["register", "--out", str(path)]) == 2
    assert path.read_bytes() == b"mine"
    assert "it was not touched" in capsys.readouterr().err


def test_what_a_person_fills_in_is_given_and_wins_over_candidates(tmp_path):
    main(["register", "--out", str(tmp_path / "r.xlsx")])
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    sheet = book.active
    assert sheet.freeze_panes == "D6"
    assert [sheet.cell(4, 1).value, sheet.cell(5, 1).value] == ["団体コード", "code"]
    sheet.cell(8, 6).value = "mail.hakodate.example"
    book.save(tmp_path / "r.xlsx")
    register = load_register(tmp_path / "r.xlsx")
    assert register.domains[["code", "domain", "basis"]].values.tolist() == [
        ["012025", "mail.hakodate.example", "given"]
    ]
    assert len(register.bodies) == 1788 + len(national_bodies())


def test_national_bodies_quote_their_source():
    bodies = national_bodies()
    assert len({one.code for one in bodies}) == len(bodies) >= 30
    for one in bodies:
        assert one.source.startswith("https://")
        assert one.read_at
        assert site_domain(one.quoted) == one.domain
        assert one.domain.endswith(".go.jp")
        assert is_reserved(one.domain)


def test_conventions_find_the_domains_of_real_websites(shared):
    sites = read_websites(shared / "register" / "websites-odd-prefectures.csv").sites
    result = measure(ranked(), {one.code: one.domain for one in sites})
    print(result)
    assert result.bodies == 991
    assert result.any >= 0.97
    assert result.first_six >= 0.85
    assert result.first >= 0.45
    assert result.mean_candidates <= 40


def test_the_measurement_writes_the_candidates_and_says_its_result_on_the_last_line(tmp_path, capsys):
    (tmp_path / "w.csv").write_text("URL,code\nhttps://www2.city.otaru.lg.jp/,012033\n", encoding="utf-8")
    assert bench(["--websites", str(tmp_path / "w.csv"), "--out", str(tmp_path / "new" / "c.csv")]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(
        r"recall_any=1\.0+ recall_6=1\.0+ recall_first=1\.0+ mean_candidates=[\d.]+ bodies=1",
        last,
    )
    lines = (tmp_path / "new" / "c.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["code,rank,domain", "012033,1,city.otaru.lg.jp"]
    assert bench(["--websites", str(tmp_path / "none.csv")]) == 2


def test_a_candidate_in_the_wrong_place_is_a_miss():
    result = measure({"1": ["a.jp", "b.jp"], "2": ["c.jp"]}, {"1": "b.jp", "2": "d.jp", "3": "e.jp"})
    assert (result.any, result.first, result.bodies, result.mean_candidates) == (1 / 3, 0.0, 3, 1.0)
