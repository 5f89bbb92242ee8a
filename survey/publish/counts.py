"""Counts beside those by region and kind: operators as outsiders may count them, reasons for doubt, confirmed listings.

A server stands here as listed for outsiders only where a later pass confirmed it for somebody; otherwise it is unknown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import pandas as pd

from .. import operators
from ..findings import DOUBTS
from ..frames import records
from ..tables import HEADLINE_CATEGORIES, Body, Listing
from .edition import Edition

_REASONS = DOUBTS | {"no_address"}


def reasons(edition: Edition, found: pd.DataFrame, *, small: int = 0, others: str = "") -> pd.DataFrame:
    """One row per `reason` why bodies are not determined: `bodies` with it; a body with several counts under each.

    `found` are the findings as this audience counts them: what is unknown there and was not before is unconfirmed or
    rests on a guess. Reasons of at most `small` bodies are put together under `others`, or left out if that is small.
    """
    before = edition.tables["findings"].set_index("code")["status"]
    counted: Counter[str] = Counter()
    unknown = found.loc[found["status"].eq(Body.UNKNOWN), ["code", "caveat"]]
    for code, caveats in unknown.itertuples(index=False, name=None):
        was = before[code]
        if was == Body.UNKNOWN:
            counted.update({word for word in caveats if word in _REASONS} or {"not_asked"})
        else:
            counted["unconfirmed" if was == Body.LISTED else "domain_doubtful"] += 1
    few = sum(counted.pop(reason) for reason in [one for one, bodies in counted.items() if bodies <= small])
    if few > small:
        counted[others] = few
    order = sorted(counted, key=lambda reason: (reason == others, -counted[reason], reason))
    return pd.DataFrame({"reason": order, "bodies": [counted[reason] for reason in order]})


def confirmed_servers(edition: Edition, found: pd.DataFrame) -> pd.DataFrame:
    """The table `servers` as outsiders may count it (`operators.used`): what nobody's finding confirms is unknown."""
    servers = operators.used(edition.tables["servers"], edition.tables["findings"])
    sure = {host for hosts in found["servers_listed"] for host in hosts}
    is_open = servers["status"].eq(Body.LISTED) & ~servers["host"].isin(sure)
    return servers.assign(status=servers["status"].mask(is_open, str(Body.UNKNOWN)))


def ranking(edition: Edition, found: pd.DataFrame) -> pd.DataFrame:
    """Operators as `operators.ranking` counts them, by `confirmed_servers`."""
    return operators.ranking(confirmed_servers(edition, found), "operator")


def customers(servers: pd.DataFrame) -> dict[str, set[str]]:
    """Per operator, in the order of the table, the bodies that use a server of it."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, codes in servers[["operator", "codes"]].itertuples(index=False):
        found[name].update(codes)
    return found


def owners(servers: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Per body whose its servers are: own, shared, unknown, or several of these."""
    found: dict[str, set[str]] = defaultdict(set)
    for share, codes in servers[["own_or_shared", "codes"]].itertuples(index=False):
        for code in codes:
            found[code].add(str(share))
    return {code: frozenset(shares) for code, shares in found.items()}


def carried(servers: pd.DataFrame, names: Iterable[str]) -> list[float | None]:
    """Of all bodies with a listed server, the share that these operators carry so far, in whole percents of one.

    None where no server is listed. A body with several operators is counted once.
    """
    listed: dict[str, set[str]] = defaultdict(set)
    for name, codes in servers.loc[servers["status"].eq(Body.LISTED), ["operator", "codes"]].itertuples(index=False):
        listed[name].update(codes)
    total, seen = len(set().union(*listed.values())), set[str]()
    shares: list[float | None] = []
    for name in names:
        seen |= listed[name]
        shares.append(round(len(seen) / total, 2) if total else None)
    return shares


def software(edition: Edition) -> pd.DataFrame:
    """One row per `software` that greetings name, with the `addresses` that name it; last, as null, those without."""
    named = edition.tables["greetings"]["software"]
    known = named.dropna().value_counts().sort_index().sort_values(ascending=False, kind="stable")
    counts = [*map(int, known), len(named) - int(known.sum())]
    return pd.DataFrame({"software": pd.Series([*map(str, known.index), None], dtype="object"), "addresses": counts})


def confirmed_listings(edition: Edition, codes: set[str]) -> pd.DataFrame:
    """One row per confirmed headline listing behind these bodies: what the owner of the server needs to act.

    A body that shares one address of a server under another name has nothing to do with the server's others.
    """
    said = edition.tables["listings"]
    said = said.loc[said["status"].eq(Listing.LISTED)]
    sure = said["confirmed_categories"].map(lambda found: not HEADLINE_CATEGORIES.isdisjoint(found)).astype(bool)
    said = said.loc[sure].assign(categories=said.loc[sure, "confirmed_categories"])
    by_address = {str(key): records(rows) for key, rows in said.groupby("address")}
    servers = operators.used(edition.tables["servers"], edition.tables["findings"])
    about = ["own_or_shared", "operator", "operator_ja"]
    rows = [
        {"code": code, **{name: server[name] for name in ("host", *about)}, **one}
        for server in records(servers)
        for address in _texts(server["addresses"])
        for one in by_address.get(address, ())
        for code in _texts(server["codes"])
        if code in codes
    ]
    columns = ["code", "host", *about, *said.columns]
    return pd.DataFrame(rows, columns=columns).sort_values(["code", "host", "address", "zone"]).reset_index(drop=True)


def bearers(edition: Edition, operators: Iterable[str]) -> dict[str, list[str]]:
    """Per operator the codes of the bodies whose mail domain it is or lies in, or whose name it bears."""
    domains = edition.tables["domains"][["code", "domain"]].dropna()
    owners: dict[str, set[str]] = defaultdict(set)
    for code, domain in domains.itertuples(index=False):
        owners[domain].add(code)
    bodies = edition.tables["bodies"][["code", "name"]]
    names = [(str(code), str(name)) for code, name in bodies.itertuples(index=False) if len(str(name)) > 1]
    found: dict[str, list[str]] = {}
    for operator in set(operators):
        labels = operator.split(".")
        codes = set().union(*(owners.get(".".join(labels[n:]), set()) for n in range(len(labels))))
        found[operator] = sorted(codes | {code for code, name in names if name in operator})
    return found


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
