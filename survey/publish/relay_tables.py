"""What the relay dialogue found, as tables for people: servers, forms, software; for sheets and notebooks alike."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..smtp.forms import FORMS
from ..tables import Relay
from .labels import Language, word
from .relay_words import WORDS

_NOT_ASKED = {"ja": "確認していない", "en": "not asked"}
_ORDER = {"may_relay": 0, "inconclusive": 1, "rejects": 2, "not_asked": 3}
Tables = Mapping[str, pd.DataFrame]


def said(machine: object, language: Language) -> str:
    """A word of the relay dialogue for a reader; empty for none. Some mean another thing of lists and of domains."""
    if not isinstance(machine, str) or not machine:
        return ""
    if machine == Relay.NOT_ASKED:
        return _NOT_ASKED[language]
    found = WORDS.get(machine)
    return word(machine, language) if found is None else found[0 if language == "ja" else 1]


def counts(tables: Tables) -> dict[str, int]:
    """Addresses by verdict; together every address of the run and of the permission file."""
    verdicts = list(tables["relay_servers"]["verdict"])
    return {verdict: verdicts.count(verdict) for verdict in _ORDER}


def verdicts(tables: Tables, language: Language) -> pd.DataFrame:
    """One row per verdict and reason, with how many addresses; they add up to `relay_servers`."""
    found = tables["relay_servers"][["verdict", "reason"]].astype(object)
    found = found.where(found.notna(), "")
    grouped = found.groupby(["verdict", "reason"]).size().rename("addresses").reset_index()
    grouped = grouped.sort_values(["verdict", "addresses", "reason"], key=_by_verdict, ascending=[True, False, True])
    if int(grouped["addresses"].sum()) != len(found):
        raise AssertionError("the counts do not add up to the addresses")
    for name in ("verdict", "reason"):
        grouped[name] = [said(machine, language) for machine in grouped[name]]
    return grouped.reset_index(drop=True)


def _by_verdict(column: pd.Series) -> pd.Series:
    return column.map(_ORDER) if column.name == "verdict" else column


def servers(tables: Tables, language: Language) -> pd.DataFrame:
    """One row per address that was asked or that a permission named: verdict, forms, control, software, evidence."""
    found = tables["relay_servers"]
    found = found.loc[found["reason"].ne("no_permission") & found["reason"].ne("special_address")]
    found = found.merge(tables["greetings"][["address", "software", "version", "starttls"]], on="address", how="left")
    found = found.assign(order=found["verdict"].map(_ORDER)).sort_values(["order", "address"], kind="stable")
    rows = []
    for one in found.to_dict("records"):
        named = [one[name] if isinstance(one[name], str) else "" for name in ("operator", "software", "version")]
        words = [said(one[name], language) for name in ("reason", "control", "starttls")]
        when = "" if pd.isna(one["asked_at"]) else f"{one['asked_at']:%Y-%m-%d %H:%M} UTC"
        forms = "" if one["verdict"] == "not_asked" else f"{one['accepted_n']} / {one['asked_n']}"
        names = " ".join(one["hosts"])
        evidence = one["evidence_id"] if isinstance(one["evidence_id"], str) else ""
        head = (one["address"], names, named[0], said(one["verdict"], language), words[0], forms, words[1])
        rows.append((*head, named[1], named[2], words[2], when, evidence))
    columns = ["address", "hosts", "operator", "verdict", "reason", "accepted", "control", "software", "version"]
    return pd.DataFrame(rows, columns=[*columns, "starttls", "asked_at", "evidence_id"])


def forms(tables: Tables, language: Language) -> pd.DataFrame:
    """One row per form: what it is called, and how many servers did what with it."""
    relays = tables["relays"]
    table = pd.crosstab(relays["form"], relays["status"]).reindex(
        index=list(FORMS), columns=[status.value for status in Relay], fill_value=0
    )
    names = [form.ja if language == "ja" else form.en for form in FORMS.values()]
    table.insert(0, "name", names)
    return table.rename_axis("form").rename_axis(None, axis=1).reset_index()


def software(tables: Tables) -> pd.DataFrame:
    """One row per software and version that servers named: how many; last those that named none, with nulls."""
    named = tables["greetings"][["software", "version"]]
    table = named.groupby(["software", "version"], dropna=False).size().rename("servers").reset_index()
    table = table.assign(unknown=table["software"].isna())
    table = table.sort_values(["unknown", "servers", "software", "version"], ascending=[True, False, True, True])
    return table.drop(columns="unknown").reset_index(drop=True)
