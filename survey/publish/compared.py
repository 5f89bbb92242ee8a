"""Waves as a notebook sees them: the comparison in sentences, tables and figures, or why the gate refuses it."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import RunError
from ..frames import frame
from ..reread import compare_runs
from ..runs import RunFolder
from ..worlds import World
from . import labels, style
from .charts import write_drawing
from .labels import Language
from .wave_figures import FIGURES
from .wave_report import gate_lines, write_comparison
from .wave_telling import lines

if TYPE_CHECKING:
    from IPython.display import Image

_TABLES = {
    **{"bodies": "wave_bodies", "servers": "wave_servers", "operators": "wave_operators", "lists": "wave_lists"},
    **{"register": "wave_register", "method": "wave_method", "history": "wave_history", "survival": "wave_survival"},
    "waves": "waves",
}
_SHOWN = (
    "code",
    "prefecture",
    "name",
    "change",
    "reason",
    "cause",
    "confirmed",
    "lists_before",
    "lists_after",
    "moved",
)
_WHY = ("change", "reason")


class Waves:
    """Runs held against each other. Tables are attributes: bodies, servers, operators, history, register, method, …

    Where the gate refuses, `sentences` say why, and every table is empty.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        world_of: Callable[[Mapping[str, object]], World],
        successors: Path | None = None,
        without: Iterable[str] = (),
    ) -> None:
        # The tables of large runs stay on the disk as long as the comparison is used.
        aside = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, aside, ignore_errors=True)
        self.found, self.rule_changes = compare_runs(
            list(folders), world_of, aside, successors=successors, set_aside=list(without)
        )
        self.is_open = self.found.is_open

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name in _TABLES:
            return self.found.tables[_TABLES[name]] if self.is_open else frame(_TABLES[name])
        raise AttributeError(f"waves have no {name!r}; their tables are {', '.join(_TABLES)}")

    def __repr__(self) -> str:
        return "\n".join(self.sentences())

    def sentences(self, language: Language = "ja") -> list[str]:
        """What became of the bodies, with bounds and reasons; where the gate refuses, why, and what to do."""
        if not self.is_open:
            return gate_lines(self.found)
        return lines(self.found, int(self.rule_changes["cause"].eq("rules").sum()), language)

    def changed(self, *changes: str) -> pd.DataFrame:
        """Bodies of the first wave and the last; only those with these changes, when some are named."""
        found = self.found.whole.tables["wave_bodies"] if self.is_open else self.bodies
        chosen = found["change"].isin(changes) if changes else found["change"].notna()
        return found.loc[chosen, list(_SHOWN)].reset_index(drop=True)

    def reasons(self, language: Language = "ja") -> pd.DataFrame:
        """How many bodies of the first wave and the last have each change and reason; they add up to the registers."""
        found = self.changed()
        told = pd.DataFrame(
            {name: [labels.word(one, language) if isinstance(one, str) else "" for one in found[name]] for name in _WHY}
        )
        return told.value_counts().rename("bodies").reset_index()

    def seen(self) -> pd.DataFrame:
        """Bodies that were ever listed, a line each: since when, until when, in how many waves."""
        shown = ["code", "prefecture", "name", "first_seen", "last_seen", "waves_listed", "is_listed_last", "changes"]
        ever = self.history.loc[self.history["waves_listed"].gt(0), shown]
        return ever.sort_values(["waves_listed", "code"], ascending=[False, True]).reset_index(drop=True)

    def figure(self, name: str, language: Language = "ja") -> Image | None:
        """One of the figures of waves (changes, course, survival, operators); None where there is nothing to draw."""
        from IPython.display import Image  # noqa: PLC0415

        drawing = FIGURES[name](self.found, language, style.DEFAULT) if self.is_open else None
        if drawing is None:
            return None
        with tempfile.TemporaryDirectory() as aside:
            paths = write_drawing(drawing, Path(aside) / name)
            picture = next(path for path in paths if path.suffix == ".png").read_bytes()
        image: Image = Image(data=picture, width=720, alt=drawing.words)  # type: ignore[no-untyped-call]
        return image

    def write(self, out: Path, language: Language = "ja") -> None:
        """Write tables, workbook and figures into a folder, as `python -m survey waves` does."""
        write_comparison(self.found, self.rule_changes, out, language)


def beside(folder: Path) -> list[Path]:
    """The runs that lie beside a run and can be waves of one survey, the oldest first; a lone run twice.

    Waves of one survey are finished runs of the same world and register file, in practice of the same country.
    """
    own = RunFolder(folder).settings()
    found: list[tuple[datetime, Path]] = []
    for path in sorted(folder.resolve().parent.glob("*/run.toml")):
        settings = RunFolder(path.parent).settings()
        is_same = all(settings.get(name) == own.get(name) for name in ("world", "register", "seed"))
        if is_same and (began := _began(path.parent)) is not None:
            found.append((began, path.parent))
    if not found:
        raise RunError(
            "this run is not finished",
            where=str(folder),
            remedy="run the same collect command again until it is",
            ja="調査が終わっていません。同じ collect コマンドをもう一度実行してください",
        )
    ordered = [path for _, path in sorted(found)]
    return ordered if len(ordered) > 1 else ordered * 2


def _began(folder: Path) -> datetime | None:
    """When a finished run began; None for one that is not finished."""
    try:
        headline = json.loads((folder / "headline.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return datetime.fromisoformat(headline["started_at"]) if headline.get("finished_at") else None
