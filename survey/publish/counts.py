"""Counts beside those by region and kind: operators as outsiders may count them, doubts by reason, software.

A server stands here as listed for outsiders only where a later pass confirmed it for somebody; otherwise it is unknown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import pandas as pd

from .. import operators
from ..tables import Body
from .edition import Edition

DOUBTS = (
    *("mx_silent", "domain_absent", "domain_unknown", "domain_doubtful", "address_silent", "no_address"),
    *("listing_silent", "listing_refused", "partly_opted_out", "unconfirmed"),
)
"""Why a body is not determined, in the order of asking; `unconfirmed` is a reason for outsiders alone."""


def doubts(edition: Edition, found: pd.DataFrame, *, least: int = 1, others: str = "") -> pd.DataFrame:
    """One row per `reason` why bodies are not determined: `bodies` with it; a body with several counts under each.

    `found` are the findings as this audience counts them: what is unknown there and was not before is unconfirmed or
    rests on a guess. Reasons of fewer bodies than `least` are put together under `others`.
    """
    before = edition.tables["findings"].set_index("code")["status"]
    counted: Counter[str] = Counter()
    unknown = found.loc[found["status"].eq(Body.UNKNOWN), ["code", "caveat"]]
    for code, caveats in unknown.itertuples(index=False, name=None):
        was = before[code]
        if was == Body.UNKNOWN:
            counted.update(set(caveats) & set(DOUBTS) or {"not_asked"})
        else:
            counted["unconfirmed" if was == Body.LISTED else "domain_doubtful"] += 1
    small = [reason for reason, bodies in counted.items() if bodies < least]
    if small:
        counted[others] = sum(counted.pop(reason) for reason in small)
    order = sorted(counted, key=lambda reason: (reason == others, -counted[reason], reason))
    return pd.DataFrame({"reason": order, "bodies": [counted[reason] for reason in order]})


def confirmed_servers(edition: Edition, found: pd.DataFrame) -> pd.DataFrame:
    """The table `servers` as outsiders may count it: a listed one that nobody's finding confirms is unknown."""
    servers = edition.tables["servers"]
    sure = {host for hosts in found["servers_listed"] for host in hosts}
    is_open = servers["status"].eq(Body.LISTED) & ~servers["host"].isin(sure)
    return servers.assign(status=servers["status"].mask(is_open, str(Body.UNKNOWN)))


def ranking(edition: Edition, found: pd.DataFrame) -> pd.DataFrame:
    """Operators as `operators.ranking` counts them, by `confirmed_servers`."""
    return operators.ranking(confirmed_servers(edition, found), "operator")


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
