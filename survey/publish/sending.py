"""Which servers may send for each body: SPF and DMARC beside the lists' answers, as one table for people."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..tables import HEADLINE_CATEGORIES, Confidence

COLUMNS = (
    *("code", "prefecture", "name", "domain", "sending_listing", "listed_role", "senders", "senders_listed", "lists"),
    *("senders_confirmed", "providers", "networks", "spf_status", "spf_all", "spf_problem", "spf_text"),
    *("dmarc_status", "dmarc_policy", "dmarc_domain", "organisational_domain", "evidence_ids"),
)


def table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per body × surveyed domain, listed senders first.

    `senders` counts the domain's own sending addresses; `senders_listed` are those that a healthy list holds in an
    open-relay or abuse category, `lists` by whom; `providers` and `networks` are named only.
    """
    senders = tables["senders"]
    is_own = senders["is_own"].astype(bool)
    is_sender = is_own & senders["status"].eq("present") & senders["address"].notna()
    addresses = senders.loc[is_sender].groupby("domain")["address"].agg(lambda found: list(dict.fromkeys(found)))
    providers = senders.loc[senders["provider"].notna()].groupby("domain")["provider"].agg(_once)
    is_range = is_own & senders["reason"].isin(["range_too_large", "too_many_addresses"])
    networks = senders.loc[is_range].groupby("domain")["network"].agg(_once)
    zones, confirmed = _held(tables["listings"], tables["lists"])
    bodies = tables["bodies"][["code", "prefecture", "name"]]
    findings = tables["findings"][["code", "sending_listing", "listed_role"]]
    # What a domain in doubt says is nobody's: it stands on the sheet of domains, not here.
    domains = tables["domains"].loc[tables["domains"]["confidence"].ne(Confidence.LOW)]
    rows = domains[["code", "domain"]].merge(tables["policies"], on="domain")
    rows = rows.merge(bodies, on="code").merge(findings, on="code")
    own = [addresses.get(domain, []) for domain in rows["domain"]]
    held = [[address for address in found if address in zones] for found in own]
    columns: dict[str, list[object]] = {
        "senders": [len(found) for found in own],
        "senders_listed": list(held),
        "lists": [sorted(set().union(*(zones[address] for address in found))) for found in held],
        "senders_confirmed": [any(one in confirmed for one in found) if found else None for found in held],
        "providers": [providers.get(domain, []) for domain in rows["domain"]],
        "networks": [networks.get(domain, []) for domain in rows["domain"]],
    }
    rows = rows.assign(**{name: pd.Series(values, dtype="object") for name, values in columns.items()})
    order = rows["senders_listed"].map(bool)
    rows = rows.assign(order=~order).sort_values(["order", "code", "domain"], kind="stable")
    return rows[list(COLUMNS)].reset_index(drop=True)


def _once(found: pd.Series) -> list[str]:
    return list(dict.fromkeys(str(one) for one in found))


def _held(listings: pd.DataFrame, lists: pd.DataFrame) -> tuple[dict[str, set[str]], set[str]]:
    """Per address the healthy lists that hold it in a headline category; the addresses on which a later pass agreed."""
    healthy = set(lists.loc[lists["health"].eq("healthy"), "zone"])
    on = listings.loc[listings["zone"].isin(healthy) & listings["status"].eq("listed")]
    zones: dict[str, set[str]] = {}
    confirmed = set()
    columns = ["address", "zone", "categories", "confirmed_categories"]
    for address, zone, categories, agreed in on[columns].itertuples(index=False, name=None):
        if not HEADLINE_CATEGORIES.isdisjoint(categories):
            zones.setdefault(address, set()).add(zone)
            if not HEADLINE_CATEGORIES.isdisjoint(agreed):
                confirmed.add(address)
    return zones, confirmed
