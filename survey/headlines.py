"""The headline: every count of `headline.json`, read from the tables, each with what is needed for its bounds."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from .blocklists import NO_MATTER
from .tables import HEADLINE_CATEGORIES, HEADLINE_GROUPS, Body, Listing, Share


def count(
    findings: pd.DataFrame,
    servers: pd.DataFrame,
    addresses: pd.DataFrame,
    listings: Iterable[pd.DataFrame],
    lists: pd.DataFrame,
) -> dict[str, object]:
    """The counts of `headline.json`; statuses sum to `bodies`. Open-relay counts are None without a healthy list.

    `listings` come in parts.
    """
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
    headline_zones = lists.loc[lists["group"].isin(HEADLINE_GROUPS), "zone"]
    by_server = servers["status"].value_counts()
    counts["mail_servers"] = int(by_server.sum())
    counts["servers_listed"] = int(by_server.get(Body.LISTED, 0))
    counts["servers_unknown"] = int(by_server.get(Body.UNKNOWN, 0))
    everyone, on, answered, doubtful = set[str](), set[str](), set[str](), set[str]()
    for part in listings:
        asked = part.loc[~part["reason"].eq("special_address")]
        said = asked.loc[asked["zone"].isin(lists.loc[is_healthy, "zone"]) & asked["reason"].ne("list_void")]
        is_headline = said["categories"].map(lambda found: not HEADLINE_CATEGORIES.isdisjoint(found)).astype(bool)
        has_answer = said["status"].isin([Listing.LISTED, Listing.CLEAR]) & said["zone"].isin(headline_zones)
        is_open = ~said["status"].isin([Listing.LISTED, Listing.CLEAR]) & ~said["reason"].isin(NO_MATTER)
        everyone.update(asked["address"].unique())
        on.update(said.loc[said["status"].eq(Listing.LISTED) & is_headline, "address"])
        answered.update(said.loc[has_answer, "address"].unique())
        doubtful.update(said.loc[is_open, "address"])
    # Addresses that only send are counted apart: these are the mail servers'.
    everyone &= set(addresses["address"].dropna())
    on &= everyone
    counts["addresses"] = len(everyone)
    counts["addresses_listed"] = len(on)
    counts["addresses_unknown"] = len(((everyone - answered) | (everyone & doubtful)) - on)
    counts["lists_used"] = sorted(lists.loc[is_healthy, "zone"])
    counts["lists_void"] = sorted(lists.loc[~is_healthy, "zone"])
    counts["lists_implausible"] = sorted(lists.loc[is_healthy & lists["is_implausible"].astype(bool), "zone"])
    return counts
