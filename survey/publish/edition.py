"""What every output is made from: the tables of a run, its headline, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from .. import operators
from ..runs import RunFolder, load_tables
from . import labels
from .clock import clock
from .labels import Language


@dataclass(frozen=True, slots=True)
class Edition:
    """Tables, headline and settings of one run."""

    tables: Mapping[str, pd.DataFrame]
    headline: Mapping[str, object]
    run: Mapping[str, object]

    @classmethod
    def of(cls, folder: Path) -> Edition:
        """The edition of a run folder. Raises RunError when the folder is no finished run."""
        settings = RunFolder(folder).settings()
        tables = load_tables(folder)
        return cls(tables.frames, tables.headline, settings)

    @property
    def is_practice(self) -> bool:
        return self.run.get("world") == "practice"

    def asked_until(self) -> datetime:
        """When the last pass ended."""
        times = (self.headline.get(name) for name in ("started_at", "finished_at", "rechecked_at"))
        return max(datetime.fromisoformat(str(time)) for time in times if time)

    def as_of(self) -> str:
        """The same to the minute, as the newsroom reads it: UTC."""
        return clock(self.asked_until(), "internal", "ja")

    def source(self, language: Language) -> str:
        """The source line of figures and sheets, with the practice label where it belongs."""
        head = str(self.headline["evidence_head"])[: labels.HEAD]
        return labels.source(self.as_of(), head, language, is_practice=self.is_practice)

    def named_findings(self) -> pd.DataFrame:
        """Findings with name, prefecture and kind beside them; one row per body, as many as bodies."""
        bodies = self.tables["bodies"][["code", "prefecture", "name", "kana", "kind"]]
        found = bodies.merge(self.tables["findings"], on="code", validate="one_to_one")
        if len(found) != len(bodies):
            raise AssertionError(f"{len(bodies)} bodies, {len(found)} findings")
        return found

    def by(self, column: str) -> pd.DataFrame:
        """Statuses counted by a column of the bodies: one row per value, one column per status word, `bodies`, and
        `surveyed`: those of them that neither opted out nor are out of scope, the denominator of every count.

        `relay_listed` and `relay_unknown` count by open-relay lists alone; null where no such list was healthy.
        """
        found = self.named_findings()
        words = ["listed", "unknown", "clear", "no_mail", "opted_out", "out_of_scope"]
        counts = pd.crosstab(found[column], found["status"]).reindex(columns=words, fill_value=0)
        counts["bodies"] = counts[words].sum(axis=1)
        counts["surveyed"] = counts["bodies"] - counts["opted_out"] - counts["out_of_scope"]
        relay = found["open_relay_listing"]
        for word in ("listed", "unknown"):
            by_relay = relay.eq(word).groupby(found[column]).sum().reindex(counts.index).astype("Int64")
            counts[f"relay_{word}"] = by_relay if self.headline["open_relay_lists_used"] else pd.NA
        if int(counts["bodies"].sum()) != len(found):
            raise AssertionError("the counts do not add up to the register")
        if int(counts["surveyed"].sum()) != self.headline["bodies_surveyed"]:
            raise AssertionError("the counts do not add up to the bodies surveyed")
        return counts.reset_index()

    def ranking(self, by: str = "operator") -> pd.DataFrame:
        """Operators, kinds of operators or single servers, by bodies that depend on them; see `operators.ranking`."""
        return operators.ranking(operators.used(self.tables["servers"], self.tables["findings"]), by)
