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

from .. import published
from ..catalogue import load_selection
from ..errors import RunError
from ..runs import RunFolder
from . import gate
from .audiences import Audience, View, view
from .charts import write_figures
from .corrections import Corrections, for_newsroom, for_public, load_corrections
from .edition import Edition
from .folders import replace_folder, write_manifest
from .labels import LANGUAGES, Language
from .newsroom import load_newsroom
from .outside import write_outside_workbook
from .page import write_page
from .proposals import FILE, Proposal, propose
from .style import SQUARE
from .workbook import write_workbook


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published: where, what of it, and which decided names the gate refused (code, why)."""

    folder: Path
    view: View
    refused: pd.DataFrame
    missing: list[str]
    """Settings of `newsroom.toml` that stand as placeholders in the letters."""
    anew: tuple[Path, ...]
    """The same audience's publications in other languages, which stood there and were made anew from the same gate."""
    withheld: tuple[tuple[int, str, str], ...]
    """Corrections that the public may not read: row of `corrections.xlsx`, a machine word for what it names, what."""
    proposal: Proposal | None
    """Decisions that people should look at again."""


def publish(
    folder: Path, audience: Audience, language: Language, *, now: datetime, max_age_h: float = 72.0
) -> Publication:
    """Publish a run for one audience in one language, and anew in every other language in which it stands already.

    A name that was withdrawn is then withdrawn everywhere. Raises RunError for a run that cannot be published.
    """
    edition = Edition.of(folder)
    decisions = load_decisions(folder, edition)
    seen = view(edition, audience, decisions, now=now, max_age_h=max_age_h)
    corrections = _corrections(folder, edition, seen, decisions, now)
    standing = [one for one in LANGUAGES if one != language and _target(folder, audience, one).exists()]
    built = []
    for one in (language, *standing):
        target = _target(folder, audience, one)
        aside = target.with_name(f".{target.name}.new")
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(aside)
        aside.mkdir(parents=True)
        _write(aside, folder, edition, seen, corrections, one, now)
        write_manifest(aside)
        built.append((aside, target))
    published.keep(folder, [target.name for _, target in built])
    for aside, target in built:
        replace_folder(aside, target)
    wanted = {code for code, one in decisions.items() if one.decision == "name"}
    return Publication(
        folder=built[0][1],
        view=seen,
        refused=seen.fell_out.loc[seen.fell_out["code"].isin(wanted)].reset_index(drop=True),
        missing=load_newsroom(folder / "newsroom.toml").missing() if audience == "ministry" else [],
        anew=tuple(target for _, target in built[1:]),
        withheld=corrections.withheld,
        proposal=propose(folder, edition) if audience == "internal" else None,
    )


def _target(folder: Path, audience: Audience, language: Language) -> Path:
    return folder / "publish" / f"{audience}-{language}"


def _corrections(
    folder: Path, edition: Edition, seen: View, decisions: Mapping[str, gate.Decision], now: datetime
) -> Corrections:
    """What this audience may read of `corrections.xlsx`."""
    found = load_corrections(folder)
    if seen.audience != "public":
        return for_newsroom(found)
    named = set(seen.findings.loc[seen.findings["status"].notna(), "code"])
    operators = set(edition.tables["servers"]["operator"].dropna())
    may = {name for name in operators if gate.names_operator(decisions.get(f"operator:{name}"), now)}
    return for_public(found, edition, named, may)


def _write(
    aside: Path,
    folder: Path,
    edition: Edition,
    seen: View,
    corrections: Corrections,
    language: Language,
    now: datetime,
) -> None:
    """Workbook, figures in every format, page; for the ministry the letters, the hand-over and the cover list too."""
    ending = f"{seen.audience}-{language}"
    lists = {one.zone: one for one in load_selection(RunFolder(folder).lists_path)}
    if seen.audience == "internal":
        write_workbook(edition, aside / f"findings-{ending}.xlsx")
    else:
        write_outside_workbook(seen, aside / f"findings-{ending}.xlsx", language, lists, corrections)
    figures = aside / f"figures-{ending}"
    figures.mkdir()
    drawn = write_figures(seen, figures, language)
    shown = [path for path in drawn if path.name.endswith(f"-{SQUARE.name}-{ending}.png")]
    write_page(seen, aside / f"report-{ending}.html", language, corrections=corrections, figures=shown)
    if seen.audience == "ministry":
        from .handover import write_cover, write_handover  # noqa: PLC0415 – Word's templates take a while to load
        from .letters import write_letters  # noqa: PLC0415

        newsroom = load_newsroom(folder / "newsroom.toml")
        write_letters(seen, lists, newsroom, aside / f"letters-{ending}", language, now=now)
        write_handover(seen, lists, aside / f"handover-{ending}.xlsx", language)
        write_cover(seen, lists, newsroom, aside / f"cover-{ending}.xlsx", language, now=now)


def load_decisions(folder: Path, edition: Edition) -> Mapping[str, gate.Decision]:
    """The decisions of a run by body and operator. Raises RunError for a code that no body has."""
    path = folder / FILE
    known = set(edition.tables["bodies"]["code"])
    found = gate.load_decisions(path, known)
    for code, one in found.items():
        if code not in known and not code.startswith("operator:"):
            raise RunError(
                f"no body has the code {code[:40]!r}",
                where=f"{path.name}, row {one.row}, column code",
                remedy="take the code from the findings sheet",
                ja="その団体コードは台帳にありません",
            )
    return found
