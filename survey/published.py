"""The tables that publications were made from, kept beside the run: whatever is read later, they stay as they were.

    published/<12 letters of their hash>/tables/*.parquet · headline.json · publications.txt

`publish` keeps a copy of the tables that it uses, before anything of it can be seen; whoever writes tables into a run
folder keeps those of an earlier publication first. A copy is never written again: only the names of further
publications from the same tables are added to its `publications.txt`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from .errors import DecisionNeeded

FOLDER, NAMES = "published", "publications.txt"
_HASH_SHOWN = 12


def fingerprint(folder: Path) -> str:
    """A hash over the tables of a run folder and its headline; empty where there are none."""
    paths = [*sorted((folder / "tables").glob("*.parquet")), folder / "headline.json"]
    if len(paths) < 2 or not paths[-1].is_file():
        return ""
    seal = hashlib.sha256()
    for path in paths:
        seal.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return seal.hexdigest()


def keep(folder: Path, publications: Sequence[str]) -> Path | None:
    """Keep the tables as they stand for these publications; where they are kept. None where there are none."""
    seal = fingerprint(folder)
    if not seal:
        return None
    place = folder / FOLDER / seal[:_HASH_SHOWN]
    if not place.exists():
        aside = place.with_name(f".{place.name}.new")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(folder / "tables", aside / "tables", ignore=shutil.ignore_patterns("*.new"))
        shutil.copyfile(folder / "headline.json", aside / "headline.json")
        aside.replace(place)
    known = _names(place)
    fresh = [name for name in publications if name not in known]
    if fresh:
        with (place / NAMES).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in fresh)
    return place


def _names(place: Path) -> list[str]:
    path = place / NAMES
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def users(folder: Path) -> list[str]:
    """The publications that were made from the tables as they stand in a run folder."""
    if not (folder / FOLDER).is_dir():
        # A publication that kept nothing is taken to have used what stands there.
        return _standing(folder)
    seal = fingerprint(folder)
    place = folder / FOLDER / seal[:_HASH_SHOWN]
    return _names(place) if seal and place.is_dir() else []


def _standing(folder: Path) -> list[str]:
    """The publications that stand in a run folder."""
    return sorted(path.name for path in (folder / "publish").glob("*-*") if path.is_dir() and path.name[0] != ".")


def protect(folder: Path) -> None:
    """Before tables are written into a run folder: keep those that a publication was made from."""
    if used := users(folder):
        keep(folder, used)


def refuse_other(folder: Path, used: Sequence[str]) -> None:
    """Refuse to write another reading of the same evidence over tables that publications were made from."""
    raise DecisionNeeded(
        f"{', '.join(used)} was made from these tables, and today they would be read otherwise",
        where=str(folder / "tables"),
        remedy="read them into another folder with --out DIR2, and see with reread what changed",
        ja="公表に使った表です。今読むと違う表になるため、上書きしません。"
        "--out で別のフォルダーに読み、reread で違いを確かめてください",
    )
