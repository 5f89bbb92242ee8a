"""What every output is made from: the tables of a run, its headline, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..runs import RunFolder, load_tables
from . import labels
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

    def as_of(self) -> str:
        """When the last pass ended, to the minute, UTC."""
        when = str(self.headline.get("finished_at") or self.headline.get("started_at") or "")
        return when[:16].replace("T", " ") + " UTC"

    def source(self, language: Language) -> str:
        """The source line of figures and sheets, with the practice label where it belongs."""
        made = {
            "ja": f"照会 {self.as_of()}、証拠 {self._head()}",
            "en": f"asked {self.as_of()}, evidence {self._head()}",
        }
        label = f"{labels.PRACTICE[language]} ｜ " if self.is_practice else ""
        return label + made[language]

    def _head(self) -> str:
        return str(self.headline["evidence_head"])[:12]

    def named_findings(self) -> pd.DataFrame:
        """Findings with name, prefecture and kind beside them; one row per body, as many as bodies."""
        bodies = self.tables["bodies"][["code", "prefecture", "name", "kana", "kind"]]
        found = bodies.merge(self.tables["findings"], on="code", validate="one_to_one")
        if len(found) != len(bodies):
            raise AssertionError(f"{len(bodies)} bodies, {len(found)} findings")
        return found

    def by(self, column: str) -> pd.DataFrame:
        """Statuses counted by a column of the bodies: one row per value, one column per status word, and `bodies`."""
        found = self.named_findings()
        words = ["listed", "unknown", "clear", "no_mail", "opted_out", "out_of_scope"]
        counts = pd.crosstab(found[column], found["status"]).reindex(columns=words, fill_value=0)
        counts["bodies"] = counts[words].sum(axis=1)
        relay = found["open_relay_listing"]
        for word in ("listed", "unknown"):
            counts[f"relay_{word}"] = relay.eq(word).groupby(found[column]).sum().reindex(counts.index).astype(int)
        if int(counts["bodies"].sum()) != len(found):
            raise AssertionError("the counts do not add up to the register")
        return counts.reset_index()

    def servers(self) -> pd.DataFrame:
        """Mail servers: one row per host, with its status by the healthy lists, its bodies, addresses and lists.

        `status` is listed (open relay or abuse), unknown (an address or a list did not answer, or there is no address
        to ask about) or clear.
        """
        domains = self.tables["domains"][["code", "domain"]]
        mail = self.tables["mail_servers"]
        mail = mail.loc[mail["host"].notna() & ~mail["target"].isin(["address_literal", "localhost"])]
        used = mail[["domain", "host"]].merge(domains, on="domain")
        bodies = used.groupby("host")["code"].nunique()
        listed = {host for hosts in self.tables["findings"]["servers_listed"] for host in hosts}
        addresses = self.tables["addresses"]
        silent = set(addresses.loc[addresses["status"].eq("silent"), "host"])
        by_host = addresses.loc[addresses["address"].notna()].groupby("host")["address"].agg(list).to_dict()
        lists = self.tables["lists"]
        healthy = set(lists.loc[lists["health"].eq("healthy"), "zone"])
        said = self.tables["listings"]
        said = said.loc[said["zone"].isin(healthy) & said["reason"].ne("list_void")]
        zones = said.loc[said["status"].eq("listed")].groupby("address")["zone"].agg(set).to_dict()
        answered = set(said.loc[said["status"].isin(["listed", "clear"]), "address"])
        open_ = said["status"].isin(["silent", "refused"]) | said["reason"].isin(["unfinished", "daily_limit"])
        doubtful = set(said.loc[open_, "address"])
        rows = []
        for host, count in bodies.items():
            own = by_host.get(host, [])
            is_open = host in silent or not answered.intersection(own) or bool(doubtful.intersection(own))
            status = "listed" if host in listed else "unknown" if is_open else "clear"
            on = sorted(set().union(*(zones.get(address, set()) for address in own)))
            rows.append((host, int(count), status, host in listed, ", ".join(own), ", ".join(on)))
        table = pd.DataFrame(rows, columns=["host", "bodies", "status", "is_listed", "addresses", "lists"])
        order = table["status"].map({"listed": 0, "unknown": 1, "clear": 2})
        table = table.assign(order=order).sort_values(["order", "bodies", "host"], ascending=[True, False, True])
        return table.drop(columns="order").reset_index(drop=True)

    def operators(self) -> pd.DataFrame:
        """One row per operator (registrable domain): bodies, listed bodies, and the cumulative share of these."""
        found = self.named_findings()
        rows = found.loc[found["operator"].notna(), ["code", "operator", "status", "own_or_shared"]]
        rows = rows.assign(operator=rows["operator"].str.split(", ")).explode("operator")
        rows = rows.assign(is_listed=rows["status"].eq("listed"))
        table = rows.groupby("operator").agg(bodies=("code", "nunique"), listed=("is_listed", "sum")).reset_index()
        table = table.sort_values(["listed", "bodies", "operator"], ascending=[False, False, True]).reset_index(
            drop=True
        )
        total = max(1, int(found["status"].eq("listed").sum()))
        table["cumulative_share"] = (table["listed"].cumsum() / total).clip(upper=1.0).round(4)
        return table
