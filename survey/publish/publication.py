"""One publication: everything one audience gets, in one language, built aside and put in place at once.

`DIR/publish/<audience>-<language>/` holds workbook, figures, page and manifest, and for the ministry letters, a
hand-over workbook and a cover list; the audience stands in every file name. It is built from the run's tables, people's
decisions and corrections, and the moment of publication; nothing is asked. An earlier publication of the same audience
and language is replaced as a whole, and is still whole when the building fails.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from ..catalogue import load_selection
from ..errors import RunError
from ..runs import RunFolder
from . import gate, labels
from .audiences import Audience, View, view
from .charts import write_figures
from .edition import Edition
from .handover import write_cover, write_handover
from .labels import Language
from .letters import write_letters
from .newsroom import load_newsroom
from .outside import write_outside_workbook
from .page import write_page
from .people import read_rows
from .report import write_manifest
from .workbook import write_workbook


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published: where, what of it, and which decided names the gate refused (code, why)."""

    folder: Path
    view: View
    refused: pd.DataFrame
    missing: list[str]
    """Settings of `newsroom.toml` that stand as placeholders in the letters."""


def publish(
    folder: Path, audience: Audience, language: Language, *, now: datetime, max_age_h: float = 72.0
) -> Publication:
    """Publish a run for one audience in one language. Raises RunError for a run that cannot be published."""
    edition = Edition.of(folder)
    decisions = load_decisions(folder, edition)
    seen = view(edition, audience, decisions, now=now, max_age_h=max_age_h)
    target = folder / "publish" / f"{audience}-{language}"
    aside = target.with_name(f".{target.name}.new")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(aside)
    aside.mkdir(parents=True)
    _write(aside, folder, edition, seen, language, now)
    write_manifest(aside)
    _replace(aside, target)
    if audience == "internal" and not (folder / "decisions.xlsx").exists():
        write_decisions(folder, edition)
    wanted = {code for code, one in decisions.items() if one.decision == "name"}
    refused = seen.fell_out.loc[seen.fell_out["code"].isin(wanted)].reset_index(drop=True)
    missing = load_newsroom(folder / "newsroom.toml").missing() if audience == "ministry" else []
    return Publication(target, seen, refused, missing)


def _write(aside: Path, folder: Path, edition: Edition, seen: View, language: Language, now: datetime) -> None:
    """Workbook, figures in every format, page; for the ministry the letters, the hand-over and the cover list too."""
    ending = f"{seen.audience}-{language}"
    lists = {one.zone: one for one in load_selection(RunFolder(folder).lists_path)}
    corrections = load_corrections(folder)
    if seen.audience == "internal":
        write_workbook(edition, aside / f"findings-{ending}.xlsx")
    else:
        write_outside_workbook(seen, aside / f"findings-{ending}.xlsx", language, lists, corrections)
    figures = aside / f"figures-{ending}"
    figures.mkdir()
    write_figures(seen, figures, language)
    shown = corrections.rename(columns={name: said[language == "en"] for name, said in labels.CORRECTIONS.items()})
    write_page(seen, aside / f"report-{ending}.html", language, corrections=shown)
    if seen.audience == "ministry":
        newsroom = load_newsroom(folder / "newsroom.toml")
        write_letters(seen, lists, newsroom, aside / f"letters-{ending}", language, now=now)
        write_handover(seen, lists, aside / f"handover-{ending}.xlsx", language)
        write_cover(seen, lists, newsroom, aside / f"cover-{ending}.xlsx", language, now=now)


def _replace(aside: Path, target: Path) -> None:
    """Put the new folder in the place of the old one; at every moment one of them is whole."""
    old = target.with_name(f".{target.name}.old")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(old)
    if target.exists():
        target.replace(old)
    aside.replace(target)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(old)


def load_decisions(folder: Path, edition: Edition) -> Mapping[str, gate.Decision]:
    """The decisions of a run by body and operator; a code that lost its zeros is found again. Raises RunError."""
    path = folder / "decisions.xlsx"
    known = set(edition.tables["bodies"]["code"])
    found = {}
    for code, one in gate.load_decisions(path).items():
        full = code if code in known or code.startswith("operator:") else code.zfill(6)
        if full not in known and not full.startswith("operator:"):
            raise RunError(
                f"no body has the code {code[:40]!r}",
                where=f"{path.name}, row {one.row}, column code",
                remedy="take the code from the findings sheet",
                ja="その団体コードは台帳にありません",
            )
        found[full] = one
    return found


def write_decisions(folder: Path, edition: Edition) -> Path:
    """A `decisions.xlsx` with one row per listed body, for people to fill in."""
    path = folder / "decisions.xlsx"
    listed = edition.named_findings().query("status == 'listed'").sort_values("code")
    rows = [
        (
            str(one["code"]),
            gate.finding_sha256({str(name): value for name, value in one.items()}),
            str(one["prefecture"]),
            str(one["name"]),
        )
        for one in listed.to_dict("records")
    ]
    gate.write_decisions(path, rows)
    return path


def load_corrections(folder: Path) -> pd.DataFrame:
    """What was put right since the first publication: one row per correction, from `corrections.xlsx`; texts."""
    path = folder / "corrections.xlsx"
    heads = {name: ja for name, (ja, _) in labels.CORRECTIONS.items()}
    rows = [[row.text(name) for name in heads] for row in read_rows(path, heads)] if path.exists() else []
    return pd.DataFrame([row for row in rows if any(row)], columns=list(heads), dtype="str")
