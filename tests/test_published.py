"""Tables that a publication was made from are never overwritten: kept beside the run, and refused to another reading."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from survey import published
from survey.__main__ import main
from survey.practice.world import PRACTICE
from survey.publish import publication
from survey.reading import read_tables
from survey.runs import RunFolder, load_tables
from tests.conftest import some_bodies, survey_country


@pytest.fixture(scope="module")
def surveyed_run(tmp_path_factory):
    return survey_country(some_bodies(4, 60), tmp_path_factory.mktemp("published") / "run").folder


@pytest.fixture
def run(surveyed_run, tmp_path, monkeypatch):
    """A run that was published for the newsroom."""
    for name in ("write_figures", "write_page", "write_workbook"):
        monkeypatch.setattr(publication, name, lambda *_, **__: [])
    shutil.copytree(surveyed_run, tmp_path / "run")
    publication.publish(tmp_path / "run", "internal", "ja", now=datetime.now(UTC))
    return tmp_path / "run"


def tables(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "tables").iterdir())}


def other_rules(run):
    """Let the run's own rules be others, as a repaired catalogue or a new version of the programme would."""
    path = run / "lists" / "codes.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("open_relay,listing", "reputation,listing"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text


def test_a_publication_keeps_what_it_was_made_from(run):
    seal = published.fingerprint(run)
    kept = run / "published" / seal[:12]
    assert tables(kept) == tables(run)
    assert (kept / "publications.txt").read_text(encoding="utf-8").split() == ["internal-ja"]
    assert published.users(run) == ["internal-ja"]
    before = tables(kept)
    publication.publish(run, "internal", "en", now=datetime.now(UTC))
    assert published.users(run) == ["internal-ja", "internal-en"]
    assert tables(kept) == before and len(list((run / "published").iterdir())) == 1


def test_the_same_reading_is_done_and_another_one_refused(run, tmp_path, capsys):
    before = tables(run)
    assert main(["tables", str(run)]) == 0
    assert tables(run) == before
    other_rules(run)
    assert main(["tables", str(run)]) == 1
    said = capsys.readouterr().err
    assert "internal-ja was made from these tables" in said and "--out DIR2" in said
    assert tables(run) == before
    # Elsewhere it may be read, and reread says what differs.
    assert main(["tables", str(run), "--out", str(tmp_path / "again")]) == 0
    assert tables(tmp_path / "again") != before
    assert main(["reread", str(run), "--out", str(tmp_path / "reread")]) == 0
    assert tables(run) == before


def test_new_evidence_goes_on_and_the_tables_of_the_publication_stay(run):
    kept, code = tables(run), load_tables(run)["findings"]["code"].iloc[0]
    seal = published.fingerprint(run)
    assert main(["recheck", str(run), code]) == 0
    assert tables(run) != kept and published.users(run) == []
    assert tables(run / "published" / seal[:12]) == kept
    # Nothing was made from the new tables yet: they may be read by other rules.
    other_rules(run)
    assert main(["tables", str(run)]) == 0
    assert tables(run / "published" / seal[:12]) == kept


def test_a_publication_of_before_that_kept_nothing_is_protected_too(run):
    shutil.rmtree(run / "published")
    before = tables(run)
    assert published.users(run) == ["internal-ja"]
    other_rules(run)
    assert main(["tables", str(run)]) == 1
    # Whoever writes tables there keeps these first.
    read_tables(RunFolder(run), PRACTICE, into=run)
    (kept,) = (run / "published").iterdir()
    assert tables(kept) == before != tables(run)


def test_a_run_that_nobody_published_is_read_again_as_ever(surveyed_run, tmp_path):
    shutil.copytree(surveyed_run, tmp_path / "run")
    other_rules(tmp_path / "run")
    before = tables(tmp_path / "run")
    assert main(["tables", str(tmp_path / "run")]) == 0
    assert tables(tmp_path / "run") != before
    assert not (tmp_path / "run" / "published").exists()
