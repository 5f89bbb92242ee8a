"""What several test rooms share: where the shared data lies, and a practice country that has been surveyed once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from survey.catalogue import load_catalogue, select
from survey.collect import collect
from survey.practice.country import Country
from survey.practice.seasons import write_papers
from survey.practice.world import PRACTICE, serve
from survey.runs import RunFolder, Tables
from survey.sitting import Manner
from tests import watch

ROOT = Path(__file__).resolve().parent.parent

# Nothing is judged by how long it takes: the machine may be busy.
settings.register_profile("house", settings(), deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def watched_wire() -> Iterator[None]:
    """A connection that nobody permitted fails the test in which it was tried."""
    yield
    assert not watch.caught(), "a forbidden connection was tried"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data; a test that needs it is skipped by name, or fails, where it is absent."""
    folder = Path(os.environ.get("SURVEY_SHARED", ROOT.parent / "shared"))
    if not (folder / "register").is_dir():
        message = f"shared data not found at {folder} (set SURVEY_SHARED)"
        if os.environ.get("SURVEY_REQUIRE_SHARED") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@dataclass(frozen=True)
class Surveyed:
    """A practice country with its finished run."""

    country: Country
    folder: Path
    tables: Tables


def survey_country(country: Country, folder: Path, manner: Manner | None = None) -> Surveyed:
    """Serve a country, survey it into a folder, and stop serving."""
    folder.mkdir(parents=True, exist_ok=True)
    country.write_register(folder / "register.xlsx")
    write_papers(country, folder)
    with serve(country) as served:
        tables = collect(
            folder / "register.xlsx",
            RunFolder(folder),
            select(country.selection, load_catalogue()),
            PRACTICE,
            [served.resolver],
            manner=manner,
            notes={"seed": country.seed, "season": country.season},
        )
    return Surveyed(country, folder, tables)


def some_bodies(seed: int = 4, number: int = 300) -> Country:
    """A practice country of which the register names only so many bodies."""
    country = Country.make(seed)
    country.bodies = country.bodies[:number]
    return country


@pytest.fixture(scope="session")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surveyed]:
    """The practice country of 2002 (seed 81), surveyed in two passes; tests only read it."""
    yield survey_country(Country.make(81), tmp_path_factory.mktemp("country") / "run")
