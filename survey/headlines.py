"""The headline: every count of `headline.json`, read from the tables, each with what is needed for its bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from .frames import rows_of, texts_of
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
    status, relay, sending = (
        Counter(findings[column].to_numpy(dtype=object))
        for column in ("status", "open_relay_listing", "sending_listing")
    )
    whose = Counter(share for word, share in rows_of(findings, "status", "own_or_shared") if word == Body.LISTED)
    used = [zone for zone, health in rows_of(lists, "zone", "health") if health == "healthy"]
    relay_zones = sorted(zone for zone, group in rows_of(lists, "zone", "group") if group == "relay" and zone in used)
    counts: dict[str, object] = {"bodies": len(findings)}
    counts["bodies_surveyed"] = len(findings) - status[Body.OUT_OF_SCOPE] - status[Body.OPTED_OUT]
    for word in Body:
        counts[f"bodies_{word}"] = status[word]
    counts["bodies_listed_own"] = status[Body.LISTED] - whose[Share.SHARED]
    counts["bodies_listed_shared_only"] = whose[Share.SHARED]
    counts["bodies_listed_untold"] = whose[Share.UNKNOWN]
    counts["bodies_listed_open_relay"] = relay[Body.LISTED] if relay_zones else None
    counts["bodies_unknown_open_relay"] = relay[Body.UNKNOWN] if relay_zones else None
    counts["open_relay_lists_used"] = relay_zones
    counts["bodies_listed_sending"] = sending[Body.LISTED]
    counts["bodies_unknown_sending"] = sending[Body.UNKNOWN]
    by_server = Counter(servers["status"].to_numpy(dtype=object))
    counts["mail_servers"] = by_server.total()
    counts["servers_listed"] = by_server[Body.LISTED]
    counts["servers_unknown"] = by_server[Body.UNKNOWN]
    # Addresses that only send are counted apart: these are the mail servers'.
    said = [standings[one] for one in set(texts_of(addresses["address"])) if one in standings]
    asked = [one for one in said if one.is_asked]
    counts["addresses"] = len(asked)
    counts["addresses_listed"] = sum(one.is_listed for one in asked)
    counts["addresses_unknown"] = sum((not one.answers or one.is_open) and not one.is_listed for one in asked)
    counts["lists_used"] = sorted(used)
    counts["lists_void"] = sorted(set(lists["zone"]) - set(used))
    counts["lists_implausible"] = sorted(
        zone for zone, is_implausible in rows_of(lists, "zone", "is_implausible") if is_implausible and zone in used
    )
    return counts
