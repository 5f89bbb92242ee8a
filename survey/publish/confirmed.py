"""Findings and headline as outsiders may count them: by what a later pass confirmed and by domains that are sure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from .. import operators
from ..frames import records
from ..tables import HEADLINE_CATEGORIES, RELAY_CATEGORIES, Body, Listing, Share
from .counts import confirmed_listings
from .edition import Edition


def adjusted(edition: Edition) -> pd.DataFrame:
    """The findings as outsiders may count them: unconfirmed listings and unreviewed guesses are unknown.

    One row per body, with name and prefecture; `status`, `open_relay_listing`, `categories`, `servers_listed` and
    `own_or_shared` are those of confirmed listings alone.
    """
    found = edition.named_findings()
    domains = edition.tables["domains"]
    guessed = set(domains.loc[~domains["is_printable"].fillna(False).astype(bool), "code"])
    servers = edition.tables["servers"]
    whose = dict(zip(servers["host"], servers["own_or_shared"], strict=True))
    sure = confirmed_listings(edition, set(found["code"]))
    zones = sure.groupby("host")["zone"].agg(set).to_dict()
    rows = []
    for one in records(found):
        is_guess = one["code"] in guessed and one["status"] in (Body.LISTED, Body.CLEAR, Body.NO_MAIL)
        if is_guess or (one["status"] == Body.LISTED and not one["confirmed_categories"]):
            one |= {"status": Body.UNKNOWN, "open_relay_listing": _relay(one)}
        elif one["open_relay_listing"] == Body.LISTED and not RELAY_CATEGORIES & set(one["confirmed_categories"]):
            one["open_relay_listing"] = Body.UNKNOWN
        if one["code"] in guessed:
            one |= {"sending_listing": Body.UNKNOWN, "senders_confirmed": False}
        if one["status"] == Body.LISTED:
            hosts = [host for host in one["confirmed_servers"] if host in whose]
            kinds = {whose[host] for host in hosts}
            both = {Share.OWN, Share.SHARED} <= kinds
            if set(one["servers_listed"]) != set(hosts):
                # That is a count of all listed servers' users.
                one["shared_with"] = None
            one |= {
                "categories": one["confirmed_categories"],
                "servers_listed": one["confirmed_servers"],
                "own_or_shared": Share.BOTH if both else next(iter(kinds)) if len(kinds) == 1 else Share.UNKNOWN,
                "lists": sorted(set().union(*(zones.get(host, set()) for host in hosts))),
            }
        else:
            one |= {"categories": [], "servers_listed": [], "lists": []}
        rows.append(one)
    # A count that is not known must not make floats of all others: whoever asks for whole numbers would find none.
    table = pd.DataFrame(rows, columns=found.columns).astype({"shared_with": "Int64"})
    if len(table) != len(found):
        raise AssertionError(f"{len(found)} findings went in, {len(table)} came out")
    return table


def _relay(finding: Mapping[str, object]) -> str | None:
    """Unknown by open-relay lists; null stays null where no such list was healthy."""
    return str(Body.UNKNOWN) if isinstance(finding["open_relay_listing"], str) else None


def headline(edition: Edition, found: pd.DataFrame) -> dict[str, object]:
    """The headline of the adjusted findings; counts of servers and addresses are internal and are left out."""
    kept = ("bodies", "bodies_surveyed", "open_relay_lists_used", "lists_used", "lists_void", "lists_implausible")
    more = ("started_at", "finished_at", "evidence_head")
    counts: dict[str, object] = {name: edition.headline[name] for name in (*kept, *more)}
    for word in Body:
        counts[f"bodies_{word}"] = int(found["status"].eq(word).sum())
    is_listed = found["status"].eq(Body.LISTED)
    shared = int((is_listed & found["own_or_shared"].eq(Share.SHARED)).sum())
    counts["bodies_listed_shared_only"] = shared
    counts["bodies_listed_own"] = int(is_listed.sum()) - shared
    counts["bodies_listed_untold"] = int((is_listed & found["own_or_shared"].eq(Share.UNKNOWN)).sum())
    relay, has_relay = found["open_relay_listing"], bool(counts["open_relay_lists_used"])
    counts["bodies_listed_open_relay"] = int(relay.eq(Body.LISTED).sum()) if has_relay else None
    counts["bodies_unknown_open_relay"] = int(relay.eq(Body.UNKNOWN).sum()) if has_relay else None
    sends = found["sending_listing"]
    is_sure = found["senders_confirmed"].fillna(False).astype(bool)
    counts["bodies_listed_sending"] = int((sends.eq(Body.LISTED) & is_sure).sum())
    counts["bodies_unknown_sending"] = int((sends.eq(Body.UNKNOWN) | (sends.eq(Body.LISTED) & ~is_sure)).sum())
    return counts


def confirmed_at(edition: Edition) -> dict[str, datetime]:
    """When each body's confirmed listings were last answered: of several the oldest, for all of them are printed."""
    tables = edition.tables
    sure = tables["listings"]
    is_headline = sure["confirmed_categories"].map(lambda said: not HEADLINE_CATEGORIES.isdisjoint(said)).astype(bool)
    sure = sure.loc[sure["status"].eq(Listing.LISTED) & is_headline]
    latest = {str(address): moment for address, moment in sure.groupby("address")["asked_at"].max().items()}
    when: dict[str, datetime] = {}
    servers = operators.used(tables["servers"], tables["findings"])
    for codes, addresses in servers[["codes", "addresses"]].itertuples(index=False, name=None):
        for address in addresses:
            if address in latest:
                moment = latest[address].to_pydatetime()
                for code in codes:
                    when[code] = min(moment, when.get(code, moment))
    return when
