"""`enquire` on the command line: what it wants, what it refuses, what it leaves behind."""

from __future__ import annotations

import hashlib
import json
import shutil

import openpyxl
import pytest

from survey.__main__ import main
from survey.enquirers import COLUMNS, altered, read
from survey.evidence import Archive
from survey.publish.folders import write_manifest

WHO = ("--for", "白丘町 情報政策課", "--basis", "町のサイトにある番号に電話して確認")


@pytest.fixture(scope="module")
def run(surveyed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("enquire") / "run"
    shutil.copytree(surveyed.folder, folder)
    return folder


@pytest.fixture(scope="module")
def domain(surveyed):
    return surveyed.tables["mail_servers"].query("kind == 'mx' and target == 'host'").iloc[0]["domain"]


def result(capsys):
    return json.loads(capsys.readouterr().out)


def test_an_answer_from_a_run_is_given_once_and_kept(run, domain, tmp_path, capsys):
    out = tmp_path / "a.xlsx"
    words = ["enquire", domain, *WHO, "--out", str(out), "--run", str(run)]
    assert main([*words, "--json"]) == 0
    said = result(capsys)
    assert said["for"] == "白丘町 情報政策課" and said["source"] == "run" and said["counts"]["items_answered"] == 1
    assert said["evidence_head"] == Archive(run).head()
    row = dict(zip(COLUMNS, read(run / "enquiries.csv")[-1], strict=True))
    assert row["basis"] == WHO[3] and row["answer"] == "a.xlsx" and row["evidence_head"] == said["evidence_head"]
    assert row["answer_sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert "電話して確認" not in json.dumps(said, ensure_ascii=False)
    before = (out.read_bytes(), (run / "enquiries.csv").read_bytes())
    assert main(words) == 2
    assert "written over" in capsys.readouterr().err
    assert (out.read_bytes(), (run / "enquiries.csv").read_bytes()) == before


def test_asking_now_in_the_practice_country_keeps_its_evidence(domain, tmp_path, capsys):
    (tmp_path / "newsroom.toml").write_text('name = "灯台新聞社"\ncontact = "電話 03-0000-0000"\n', encoding="utf-8")
    words = ["enquire", domain, "198.18.0.5", *WHO, "--practice", "--passes", "1"]
    assert main([*words, "--out", str(tmp_path / "a.xlsx")]) == 0
    shown = capsys.readouterr()
    assert "実在しません" in shown.out and "未記入" not in shown.err
    evidence = tmp_path / "a-evidence"
    assert main(["verify", str(evidence)]) == 0
    first = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    assert "電話 03-0000-0000" in {cell for row in first.values for cell in row}
    assert main(["enquire", domain, *WHO, "--run", str(evidence), "--out", str(tmp_path / "b.xlsx")]) == 0
    rows = read(tmp_path / "enquiries.csv")
    assert [row[8] for row in rows] == ["asked a-evidence"] * 2 and altered(rows) == []
    assert rows[0][9] == rows[1][9] == Archive(evidence).head()


def test_lines_that_cannot_be_used_are_told_and_the_others_are_answered(run, domain, tmp_path, capsys):
    path = tmp_path / "list.txt"
    path.write_bytes(f"{domain}\n株式会社\n192.000.2.1\n".encode("cp932"))
    words = ["enquire", str(path), *WHO, "--out", str(tmp_path / "a.xlsx"), "--run", str(run), "--json"]
    assert main(words) == 1
    shown = capsys.readouterr()
    assert "list.txt, line 2" in shown.err and "list.txt, line 3" in shown.err
    assert json.loads(shown.out)["counts"]["items_answered"] == 1 and (tmp_path / "a.xlsx").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["city.example", "--for", " ", "--basis", "x"],
        ["city.example", "--for", "x", "--basis", "…"],
        ["city.example", "--for", "x" * 300, "--basis", "x"],
        ["株式会社", *WHO],
        ["missing.xlsx", *WHO],
        ["city.example", *WHO, "--lists", "practice"],
        ["city.example", *WHO, "--practice"],
        ["city.example", *WHO, "--resolver", "127.0.0.1"],
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(run, tmp_path, capsys, words):
    kept = (run / "enquiries.csv").read_bytes() if (run / "enquiries.csv").exists() else b""
    assert main(["enquire", *words, "--out", str(tmp_path / "a.xlsx"), "--run", str(run)]) == 2
    assert "→" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert ((run / "enquiries.csv").read_bytes() if (run / "enquiries.csv").exists() else b"") == kept


@pytest.mark.parametrize("out", ["a.txt", "gone/a.xlsx"])
def test_an_answer_needs_its_place(run, tmp_path, out):
    assert main(["enquire", "city.example", *WHO, "--out", str(tmp_path / out), "--run", str(run)]) == 2


def test_an_answer_that_was_given_outlives_the_next(run, domain, tmp_path):
    words = ["enquire", domain, *WHO, "--run", str(run), "--out"]
    for name in ("town.new.xlsx", "town.xlsx"):
        assert main([*words, str(tmp_path / name)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["town.new.xlsx", "town.xlsx"]
    kept = (tmp_path / "town.xlsx").read_bytes()
    assert main([*words, str(tmp_path / "town.xlsx")]) == 2
    assert (tmp_path / "town.xlsx").read_bytes() == kept


def test_an_opt_out_file_that_is_not_there_is_no_file_without_rows(run, domain, tmp_path, capsys):
    words = ["enquire", domain, *WHO, "--run", str(run), "--opt-out", str(tmp_path / "nope.csv")]
    assert main([*words, "--out", str(tmp_path / "a.xlsx")]) == 2
    assert "nope.csv" in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", ["--for", "--basis", "--out"])
def test_who_asks_and_on_what_basis_must_be_said(missing, tmp_path):
    words = ["enquire", "city.example", *WHO, "--out", str(tmp_path / "a.xlsx")]
    at = words.index(missing)
    with pytest.raises(SystemExit) as stop:
        main(words[:at] + words[at + 2 :])
    assert stop.value.code == 2


def test_a_register_that_was_altered_stops_every_answer(run, domain, tmp_path, capsys):
    words = ["enquire", domain, *WHO, "--run", str(run), "--out"]
    assert main([*words, str(tmp_path / "a.xlsx")]) == 0
    path = run / "enquiries.csv"
    kept = path.read_bytes()
    path.write_bytes(kept.replace("白丘町".encode(), "黒丘町".encode()))
    assert main([*words, str(tmp_path / "b.xlsx")]) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["a.xlsx"]
    path.write_bytes(kept)
    assert main([*words, str(tmp_path / "b.xlsx")]) == 0


def test_enquiries_do_not_break_the_manifest_of_a_run(run, domain, tmp_path):
    write_manifest(run)
    sealed = (run / "MANIFEST.sha256").read_text()
    assert main(["enquire", domain, *WHO, "--run", str(run), "--out", str(tmp_path / "z.xlsx")]) == 0
    write_manifest(run)
    assert (run / "MANIFEST.sha256").read_text() == sealed
