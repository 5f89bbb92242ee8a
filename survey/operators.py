"""The operators room: whose a mail server is, as far as names and use tell.

The rule, in the order in which it is applied:

1. A server is *shared* when its host name, or any of its addresses, serves mail domains of two or more bodies.
2. Otherwise it is its body's *own*.

Its operator is named by the registrable domain of its host name (publicsuffix.org).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pandas as pd
from publicsuffixlist import PublicSuffixList

from .tables import HEADLINE_CATEGORIES, Body, Dns, Listing

_SUFFIXES = PublicSuffixList()


def registrable(host: str) -> str:
    """The registrable domain of a host name; the name itself where there is none."""
    return _SUFFIXES.privatesuffix(host) or host


def users(
    hosts_by_body: Mapping[str, Iterable[str]], addresses_by_host: Mapping[str, Iterable[str]]
) -> dict[str, frozenset[str]]:
    """For every host the codes of all bodies that it serves, under this name or another with the same address."""
    by_host: dict[str, set[str]] = defaultdict(set)
    for code, hosts in hosts_by_body.items():
        for host in hosts:
            by_host[host].add(code)
    by_address: dict[str, set[str]] = defaultdict(set)
    for host, codes in by_host.items():
        for address in addresses_by_host.get(host, ()):
            by_address[address] |= codes
    return {
        host: frozenset(codes.union(*(by_address[address] for address in addresses_by_host.get(host, ()))))
        for host, codes in by_host.items()
    }


def servers(
    domains: pd.DataFrame,
    mail_servers: pd.DataFrame,
    addresses: pd.DataFrame,
    listings: pd.DataFrame,
    lists: pd.DataFrame,
) -> pd.DataFrame:
    """Mail servers: one row per host, with its status by the healthy lists and the number of bodies that use it.

    `status` is listed (open relay or abuse), unknown (an address or a list did not answer, or there is no address to
    ask about) or clear; `lists` are the zones that hold an address of it, context included.
    """
    named = mail_servers.loc[
        mail_servers["host"].notna() & ~mail_servers["target"].isin(["address_literal", "localhost"])
    ]
    used = named[["domain", "host"]].merge(domains[["code", "domain"]], on="domain")
    bodies = used.groupby("host")["code"].nunique()
    silent = set(addresses.loc[addresses["status"].eq(Dns.SILENT), "host"])
    by_host = addresses.loc[addresses["address"].notna()].groupby("host")["address"].agg(list).to_dict()
    said = listings.loc[listings["zone"].isin(lists.loc[lists["health"].eq("healthy"), "zone"])]
    said = said.loc[said["reason"].ne("list_void")]
    on = said.loc[said["status"].eq(Listing.LISTED)]
    zones = on.groupby("address")["zone"].agg(set).to_dict()
    is_headline = on["categories"].map(lambda found: not HEADLINE_CATEGORIES.isdisjoint(found)).astype(bool)
    listed = set(on.loc[is_headline, "address"])
    answered = set(said.loc[said["status"].isin([Listing.LISTED, Listing.CLEAR]), "address"])
    is_open = said["status"].isin([Listing.SILENT, Listing.REFUSED]) | said["reason"].isin(
        ["unfinished", "daily_limit"]
    )
    doubtful = set(said.loc[is_open, "address"])
    rows = []
    for host, count in bodies.items():
        own = by_host.get(host, [])
        if not listed.isdisjoint(own):
            status = Body.LISTED
        elif host in silent or answered.isdisjoint(own) or not doubtful.isdisjoint(own):
            status = Body.UNKNOWN
        else:
            status = Body.CLEAR
        rows.append((host, int(count), str(status), own, sorted(set().union(*(zones.get(one, ()) for one in own)))))
    table = pd.DataFrame(rows, columns=["host", "bodies", "status", "addresses", "lists"])
    order = table["status"].map({"listed": 0, "unknown": 1, "clear": 2})
    table = table.assign(order=order).sort_values(["order", "bodies", "host"], ascending=[True, False, True])
    return table.drop(columns="order").reset_index(drop=True)
