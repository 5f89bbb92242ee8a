"""Waves over real runs: two practice seasons, every body's change as the country's truth has it; outages are refused."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from survey.__main__ import main
from survey.catalogue import load_catalogue
from survey.commands.asking import world_of
from survey.errors import RunError
from survey.practice.changes import changes
from survey.practice.seasons import season
from survey.practice.world import PRACTICE
from survey.publish import labels, wave_sheets
from survey.reread import compare_runs, names_of, reread
from survey.rules import fingerprint, read_by
from survey.runs import RunFolder, load_tables
from survey.shelf import Shelf
from survey.wave_tables import WAVE_TABLES

SEED = 139
SEASONS = ("2002", "2003", "2003-outage", "2003-blackout", "2004")


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Every season of a small practice country, each collected as a user would."""
    folder = tmp_path_factory.mktemp("seasons")
    for name in SEASONS:
        words = ["collect", "--practice", "--seed", str(SEED), "--season", name, "--run", str(folder / name)]
        assert main(words) == 0
    return {name: folder / name for name in SEASONS}


def truth(before: str, after: str) -> dict[str, tuple]:
    found = changes(season(before, SEED), season(after, SEED))
    return {one.code: (one.code_before, one.code_after, one.word, one.reason) for one in found}


def told(table: pd.DataFrame) -> dict[str, tuple]:
    columns = ("code_before", "code_after", "change", "reason")
    plain = table[["code", *columns]].astype(object).where(table[["code", *columns]].notna(), None)
    return {row.code: (row.code_before, row.code_after, row.change, row.reason or "") for row in plain.itertuples()}


def load(name: str, path: Path) -> pd.DataFrame:
    return Shelf(path.parent, [name])[name]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("before", "after"), [("2002", "2003"), ("2003", "2004"), ("2002", "2004")])
def test_every_bodys_change_equals_the_countrys_own_truth(before, after, runs, tmp_path, capsys):
    kept = {name: contents(runs[name]) for name in (before, after)}
    assert main(["waves", str(runs[before]), str(runs[after]), "--out", str(tmp_path / "waves")]) == 0
    found = load("wave_bodies", tmp_path / "waves" / "tables" / "wave_bodies.parquet")
    assert told(found) == truth(before, after)
    assert {name: contents(runs[name]) for name in (before, after)} == kept, "a run was written into"
    said = capsys.readouterr().out
    result = json.loads((tmp_path / "waves" / "waves.json").read_text(encoding="utf-8"))
    pair = result["pairs"][0]
    added = [pair[word] for word in ("new", "persisting", "cleared", "unlisted", "not_comparable")]
    assert sum(added) == pair["bodies"] == len(found)
    assert sum(pair["reasons"].values()) == pair["not_comparable"]
    assert f"{' + '.join(f'{n:,}' for n in added)} = {len(found):,}" in said
    assert labels.PRACTICE["ja"] in said and labels.NOT_CLOSED["en"] in said
    for word in ("new", "persisting", "cleared"):
        assert pair[f"{word}_confirmed"] <= pair[word] <= pair[f"{word}_at_most"]


def test_towns_that_moved_to_a_shared_server_and_the_register_are_told(runs, tmp_path):
    found, _ = compare_runs([runs["2002"], runs["2003"]], world_of, tmp_path)
    after = season("2003", SEED)
    happened = after.history
    register = found.tables["wave_register"]
    for kind in ("merged", "split", "recoded", "renamed"):
        codes = {code for one in happened if one.kind == kind for code in (*one.before, *one.after)}
        seen = register.loc[register["change"].eq(kind)]
        assert codes and codes == {*seen["code_before"].dropna(), *seen["code_after"].dropna()}, kind
    moved = {code for one in happened if one.kind == "moved_to_shared" for code in one.after}
    told_ = found.tables["wave_bodies"].set_index("code")
    shared = {code for code in moved if code in told_.index and told_.loc[code, "whose_before"] == "own"}
    assert shared and set(told_.index[told_["moved"].eq("to_shared")]) == shared
    for code in shared:
        assert told_.loc[code, "servers_came"] and told_.loc[code, "servers_left"]


@pytest.mark.parametrize(("ill", "condition"), [("2003-outage", "went_silent"), ("2003-blackout", "mail_lost")])
def test_an_outage_is_refused_with_its_reason_and_passes_when_it_is_mended(ill, condition, runs, tmp_path, capsys):
    out = tmp_path / "waves"
    assert main(["waves", str(runs["2002"]), str(runs[ill]), "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "the gate refuses" in said.err and "recheck" in said.err and ill in said.err and not said.out
    assert {path.name for path in out.iterdir()} == {"gate.json", "gate.txt", "MANIFEST.sha256"}
    gate = json.loads((out / "gate.json").read_text(encoding="utf-8"))
    first = gate["steps"][0]["conditions"][0]
    assert (gate["is_open"], first["name"], first["wave"]) == (False, condition, ill)
    there = season(ill, SEED).ill
    hit = {one["code"] for one in first["bodies"]}
    assert len(hit) > 100 and len(hit - there) <= 3 and len(hit) > 0.8 * len(there)
    # The day after is held against the ill wave: that is refused as well, and names the same wave.
    assert main(["waves", str(runs[ill]), str(runs["2004"]), "--out", str(out)]) == 1
    gate = json.loads((out / "gate.json").read_text(encoding="utf-8"))
    assert {one["wave"] for one in gate["steps"][0]["conditions"]} == {ill}
    # Asked again, the wave is well.
    mended = tmp_path / ill
    shutil.copytree(runs[ill], mended)
    assert main(["recheck", str(mended)]) == 0
    assert main(["waves", str(runs["2002"]), str(mended), "--out", str(out)]) == 0
    found = load("wave_bodies", out / "tables" / "wave_bodies.parquet")
    assert told(found) == truth("2002", "2003")


def test_three_seasons_have_a_history_and_a_workbook_in_both_languages(runs, tmp_path):
    for language in labels.LANGUAGES:
        out = tmp_path / language
        words = [*(str(runs[name]) for name in ("2002", "2003", "2004")), "--out", str(out), "--language", language]
        assert main(["waves", *words]) == 0
        assert {path.stem for path in (out / "tables").iterdir()} == set(WAVE_TABLES)
        assert {path.stem for path in (out / "figures").glob("*.png")} == {"changes", "course", "survival", "operators"}
        book = openpyxl.load_workbook(out / "waves.xlsx", data_only=True)
        for sheet in book.worksheets[:-1]:
            assert sheet["A3"].value.startswith({"ja": "社内用", "en": "For the newsroom"}[language]), sheet.title
            assert "練習用" in sheet.oddHeader.left.text and "社内用" in sheet.oddHeader.left.text
        bodies = load("wave_bodies", out / "tables" / "wave_bodies.parquet")
        rows = list(book[labels.sheet_name("wave_bodies", language)].iter_rows(min_row=6, values_only=True))
        assert len(rows) == len(bodies)
        place = wave_sheets.SHEETS["wave_bodies"].columns.index("change")
        shown = pd.Series([row[place] for row in rows]).value_counts()
        assert {
            labels.word(word, language): n for word, n in bodies["change"].value_counts().items()
        } == shown.to_dict()
        history = load("wave_history", out / "tables" / "wave_history.parquet")
        lines = list(book[labels.sheet_name("wave_history", language)].iter_rows(min_row=6, values_only=True))
        assert len(lines) == int(history["waves_listed"].gt(0).sum())
    always = history.loc[history["waves_listed"].eq(3) & history["is_unbroken"].fillna(False).astype(bool)]
    assert len(always) and (always["first_seen"] == "2002").all() and (always["last_seen"] == "2004").all()
    # A second language of the same waves does not change the tables.
    for name in WAVE_TABLES:
        assert (tmp_path / "ja" / "tables" / f"{name}.parquet").read_bytes() == (
            tmp_path / "en" / "tables" / f"{name}.parquet"
        ).read_bytes()


def test_the_same_run_twice_is_no_change(runs, tmp_path):
    assert main(["waves", str(runs["2002"]), str(runs["2002"]), "--out", str(tmp_path / "waves")]) == 0
    found = load("wave_bodies", tmp_path / "waves" / "tables" / "wave_bodies.parquet")
    assert not found["change"].isin(["new", "cleared"]).any() and found["moved"].isna().all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["2003", "2002"], "from the oldest"),
        (["2002"], "two run folders or more"),
        (["2002", "2003", "--without-list", "nowhere.example"], "no run asked the list"),
        (["2002", "2003", "--successors", "missing.csv"], "cannot be read"),
    ],
)
def test_runs_that_cannot_be_compared_end_with_2_and_what_to_do(words, said, runs, tmp_path, capsys):
    named = [str(runs.get(word, word)) for word in words]
    assert main(["waves", *named, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_into_a_run_or_over_what_somebody_added(runs, tmp_path, capsys):
    pair = [str(runs["2002"]), str(runs["2003"])]
    assert main(["waves", *pair, "--out", str(runs["2003"] / "waves")]) == 2
    (tmp_path / "mine").mkdir()
    assert main(["waves", *pair, "--out", str(tmp_path / "mine")]) == 2
    out = tmp_path / "out"
    assert main(["waves", *pair, "--out", str(out)]) == 0
    assert main(["waves", *pair, "--out", str(out)]) == 0
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    assert main(["waves", *pair, "--out", str(out)]) == 2
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"
    capsys.readouterr()


def with_other_rules(run: Path, folder: Path) -> Path:
    """A copy of a run whose abuse list was read by a rule of then: code 127.0.0.2 was information only."""
    shutil.copytree(run, folder)
    path = folder / "lists" / "codes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["zone"] == "abuse.dnsbl.example" and row["code"] == "127.0.0.2":
            row["category"], row["meaning_kind"] = "informational", "information"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert main(["tables", str(folder)]) == 0
    return folder


def test_a_changed_rule_is_no_change_of_the_world_and_is_told(runs, tmp_path, capsys):
    old = with_other_rules(runs["2002"], tmp_path / "2002")
    then = load_tables(old)["findings"].set_index("code")["status"]
    now = load_tables(runs["2002"])["findings"].set_index("code")["status"]
    differ = set(then.index[then != now])
    assert len(differ) > 3 and (now[sorted(differ)] == "listed").all()
    capsys.readouterr()
    # Read again by today's rules, these findings change by rule alone, and all else stays.
    kept = contents(old)
    assert main(["reread", str(old), "--out", str(tmp_path / "again"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    changed = load("rule_changes", tmp_path / "again" / "tables" / "rule_changes.parquet")
    by_rule = changed.loc[changed["cause"].eq("rules")]
    assert set(by_rule.loc[by_rule["status_then"].ne(by_rule["status_now"]), "code"]) == differ
    assert result["changed_by_rules"] == len(by_rule) == len(changed)
    assert by_rule["zones"].map(lambda zones: zones == ["abuse.dnsbl.example"]).all()
    assert (tmp_path / "again" / "reread.xlsx").is_file()
    assert contents(old) == kept, "the old run was written into"
    again = load_tables(tmp_path / "again")["findings"].set_index("code")["status"]
    assert (again == now).all()
    # In waves the old run is read by the rules of the later one: nobody is new because of them.
    assert main(["waves", str(old), str(runs["2003"]), "--out", str(tmp_path / "waves")]) == 0
    found = load("wave_bodies", tmp_path / "waves" / "tables" / "wave_bodies.parquet")
    assert told(found) == truth("2002", "2003")
    rules = load("rule_changes", tmp_path / "waves" / "tables" / "rule_changes.parquet")
    assert set(rules["code"]) >= differ and set(rules["cause"]) == {"rules"}
    method = load("wave_method", tmp_path / "waves" / "tables" / "wave_method.parquet")
    assert ("rules", "abuse.dnsbl.example") in set(zip(method["aspect"], method["subject"], strict=True))
    # Without its evidence it can only be compared on the lists whose rules stayed.
    for path in old.glob("evidence*.sqlite"):
        path.unlink()
    assert main(["waves", str(old), str(runs["2003"]), "--out", str(tmp_path / "bare")]) == 0
    bare = load("wave_bodies", tmp_path / "bare" / "tables" / "wave_bodies.parquet")
    assert set(bare.loc[bare["reason"].eq("rules_changed"), "code"])
    assert not set(bare.loc[bare["change"].eq("new"), "code"]) & differ


def test_the_meanings_of_other_rules_are_read_into_what_was_asked(runs, tmp_path):
    own = {one.zone: one for one in load_catalogue().lists.values()}
    one = own["abuse.dnsbl.example"]
    other = read_by([one], {})[0]
    assert other == one and fingerprint(other) == fingerprint(one)
    assert fingerprint(one) != fingerprint(own["proxy.dnsbl.example"])
    found = reread(RunFolder(runs["2002"]), PRACTICE, load_catalogue().lists, tmp_path)
    assert not found.wave.is_read_again and not len(found.changes)


def test_waves_are_called_by_their_folders_as_far_as_that_tells_them_apart():
    assert names_of([Path("/a/runs/march"), Path("/a/runs/july")]) == ["march", "july"]
    assert names_of([Path("/a/march/run"), Path("/a/july/run")]) == ["march/run", "july/run"]


def test_worlds_are_not_mixed(runs, tmp_path):
    shutil.copytree(runs["2003"], tmp_path / "live")
    settings = RunFolder(tmp_path / "live").settings()
    RunFolder(tmp_path / "live").write_settings({**settings, "world": "live"})
    with pytest.raises(RunError, match="one world"):
        compare_runs([runs["2002"], tmp_path / "live"], world_of, tmp_path / "aside")
