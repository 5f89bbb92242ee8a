"""The headline: every count of `headline.json`, read from the tables, each with what is needed for its bounds."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from .standings import Standing
from .tables import Body, Share


def count(
    findings: pd.DataFrame,
    servers: pd.DataFrame,
    addresses: pd.DataFrame,
    standings: Mapping[str, Standing],
    lists: pd.DataFrame,
) -> dict[str, object]:
    """The counts of `headline.json`; statuses sum to `bodies`. Open-relay counts are None without a healthy list."""
    status = findings["status"].value_counts()
    is_healthy = lists["health"].eq("healthy")
    relay_zones = sorted(lists.loc[is_healthy & lists["group"].eq("relay"), "zone"])
    counts: dict[str, object] = {"bodies": len(findings)}
    counts["bodies_surveyed"] = int((~findings["status"].isin([Body.OUT_OF_SCOPE, Body.OPTED_OUT])).sum())
    for word in Body:
        counts[f"bodies_{word}"] = int(status.get(word, 0))
    is_listed = findings["status"].eq(Body.LISTED)
    shared_only = int((is_listed & findings["own_or_shared"].eq(Share.SHARED)).sum())
    counts["bodies_listed_own"] = int(is_listed.sum()) - shared_only
    counts["bodies_listed_shared_only"] = shared_only
    is_untold = is_listed & findings["own_or_shared"].eq(Share.UNKNOWN)
    counts["bodies_listed_untold"] = int(is_untold.sum())
    relay = findings["open_relay_listing"]
    counts["bodies_listed_open_relay"] = int(relay.eq(Body.LISTED).sum()) if relay_zones else None
    counts["bodies_unknown_open_relay"] = int(relay.eq(Body.UNKNOWN).sum()) if relay_zones else None
    counts["open_relay_lists_used"] = relay_zones
    sending = findings["sending_listing"]
    counts["bodies_listed_sending"] = int(sending.eq(Body.LISTED).sum())
    counts["bodies_unknown_sending"] = int(sending.eq(Body.UNKNOWN).sum())
    by_server = servers["status"].value_counts()
    counts["mail_servers"] = int(by_server.sum())
    counts["servers_listed"] = int(by_server.get(Body.LISTED, 0))
    counts["servers_unknown"] = int(by_server.get(Body.UNKNOWN, 0))
    # Addresses that only send are counted apart: these are the mail servers'.
    said = [standings[one] for one in addresses["address"].dropna().unique() if one in standings]
    asked = [one for one in said if one.is_asked]
    counts["addresses"] = len(asked)
    counts["addresses_listed"] = sum(one.is_listed for one in asked)
    counts["addresses_unknown"] = sum((not one.answers or one.is_open) and not one.is_listed for one in asked)
    counts["lists_used"] = sorted(lists.loc[is_healthy, "zone"])
    counts["lists_void"] = sorted(lists.loc[~is_healthy, "zone"])
    counts["lists_implausible"] = sorted(lists.loc[is_healthy & lists["is_implausible"].astype(bool), "zone"])
    return counts
