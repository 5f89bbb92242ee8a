"""The findings: what the healthy lists said of each body's mail servers, in one word, with every doubt beside it.

The rules, in their order: `out_of_scope`; `opted_out`; `listed` when an address of one of its servers stands on a
healthy list in an open-relay or abuse category; `unknown` when its domain is not known, in doubt, or does not exist, or
an MX, an address, or any (address, healthy list) pair brought no answer, or when no address of it could be asked about
at all; `no_mail` only on a positive answer; else `clear`. Nothing here asks, and no rule looks at a clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from .blocklists import LIES, NO_MATTER
from .senders import Sending
from .tables import (
    HEADLINE_CATEGORIES,
    HEADLINE_GROUPS,
    RELAY_CATEGORIES,
    Body,
    Confidence,
    Dns,
    Listing,
    Share,
    frame,
    rows_of,
)

DOUBTS = frozenset(
    {
        *("mx_silent", "address_silent", "domain_absent", "domain_unknown", "listing_silent", "listing_refused"),
        *("partly_opted_out", "domain_doubtful"),
    }
)
_DOMAIN_DOUBTS = frozenset({"domain_unknown", "domain_absent", "domain_doubtful", "partly_opted_out"})
"""What hides a body's senders as well as its mail servers."""
_NOTES = frozenset({"came_between_passes", "left_between_passes"})


@dataclass(slots=True)
class _Address:
    """What the healthy lists said of one address."""

    categories: frozenset[str] = frozenset()
    confirmed: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    evidence: tuple[str, ...] = ()
    doubts: frozenset[str] = frozenset()
    relay_doubts: frozenset[str] = frozenset()
    doubt_evidence: tuple[str, ...] = ()
    notes: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    """Categories that some list said and no later pass of that list confirmed."""
    answers: int = 0
    """Answers of lists that could have made it listed: those of open relays and of abuse."""
    relay_answers: int = 0
    opted_out: bool = False


@dataclass(slots=True)
class _Case:
    """Everything known of one body, before a word is chosen."""

    hosts: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    evidence: list[str] = field(default_factory=list)
    domains_without_mail: int = 0
    domains: int = 0
    senders: list[str] = field(default_factory=list)
    """Sending addresses that its own SPF names."""
    is_sender_silent: bool = False
    sender_notes: set[str] = field(default_factory=set)


class _Server(NamedTuple):
    """What the operators room says of one mail server."""

    codes: frozenset[str]
    own_or_shared: str
    operator: str


def read(
    bodies: pd.DataFrame,
    domains: pd.DataFrame,
    mail_servers: pd.DataFrame,
    addresses: pd.DataFrame,
    listings: pd.DataFrame,
    lists: pd.DataFrame,
    servers: pd.DataFrame,
    sends: Mapping[str, Sending],
    opted_out: Callable[[str], bool] = lambda _: False,
    candidates: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The table `findings`: one row per body, whatever happened.

    `sends` is what each domain's own SPF names; `opted_out` tells domains that are not asked about. Where no domain is
    sure, the evidence is what was heard of the body's candidates.
    """
    relay_zones = set(lists.loc[lists["health"].eq("healthy") & lists["group"].eq("relay"), "zone"])
    said = _addresses(listings, lists, relay_zones)
    hosts_of, evidence_of, silent_hosts = _hosts(addresses)
    changed = set(addresses.loc[addresses["is_changed"].fillna(False).astype(bool), "host"])
    by_domain: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for row in rows_of(mail_servers, *mail_servers.columns):
        by_domain[row[0]].append(row)
    named: dict[str, list[str]] = defaultdict(list)
    doubtful = set()
    for code, domain, confidence in rows_of(domains, "code", "domain", "confidence"):
        if confidence == Confidence.LOW:
            doubtful.add(code)
        else:
            named[code].append(domain)
    extra: dict[str, list[str]] = defaultdict(list)
    for code, evidence in rows_of(domains, "code", "evidence_ids"):
        extra[code] += evidence
    if candidates is not None:
        for code, evidence in rows_of(candidates, "code", "evidence_ids"):
            if code not in named:
                extra[code] += evidence
    columns = ("host", "codes", "own_or_shared", "operator")
    known = {host: _Server(frozenset(codes), *rest) for host, codes, *rest in rows_of(servers, *columns)}

    def rows() -> Iterator[tuple[object, ...]]:
        has_relay = bool(relay_zones)
        for code, in_scope in sorted(rows_of(bodies, "code", "in_scope")):
            all_named = named.get(code, [])
            out = [opted_out(domain) for domain in all_named]
            if not in_scope:
                yield _plain(code, Body.OUT_OF_SCOPE, has_relay)
            elif out and all(out):
                yield _plain(code, Body.OPTED_OUT, has_relay)
            else:
                surveyed = [domain for domain, is_out in zip(all_named, out, strict=True) if not is_out]
                case = _case(surveyed, by_domain, hosts_of, evidence_of, silent_hosts, changed, sends)
                case.evidence += extra.get(code, ())
                if code in doubtful:
                    case.doubts.discard("domain_unknown")
                    case.doubts.add("domain_doubtful")
                if any(out):
                    case.doubts.add("partly_opted_out")
                yield _finding(code, case, said, hosts_of, known, has_relay)

    found = frame("findings", rows())
    if len(found) != len(bodies):
        raise AssertionError(f"{len(bodies)} bodies went in, {len(found)} findings came out")
    return found


def _addresses(listings: pd.DataFrame, lists: pd.DataFrame, relay_zones: set[str]) -> dict[str, _Address]:
    """Per address what the healthy lists said; void lists have no say, for or against."""
    healthy = set(lists.loc[lists["health"].eq("healthy"), "zone"])
    headline_zones = set(lists.loc[lists["group"].isin(HEADLINE_GROUPS), "zone"])
    fell_silent = set(lists.loc[~lists["health"].eq("healthy") & ~lists["reason"].isin(LIES), "zone"]) & headline_zones
    found: dict[str, _Address] = defaultdict(_Address)
    # By far the most rows say "not listed" and nothing beside it: they are only counted.
    is_plain = listings["status"].eq(Listing.CLEAR) & listings["reason"].isna()
    for address, count in _per_address(listings, is_plain & listings["zone"].isin(healthy & headline_zones)):
        found[address].answers = count
    for address, count in _per_address(listings, is_plain & listings["zone"].isin(relay_zones)):
        found[address].relay_answers = count
    columns = ("address", "zone", "status", "categories", "reason", "confirmed_categories", "evidence_ids", "codes")
    for address, zone, status, categories, why, confirmed, evidence, codes in rows_of(
        listings.loc[~is_plain], *columns
    ):
        one = found[address]
        if status == Listing.NOT_ASKED and why == "opt_out":
            one.opted_out = True
        if status == Listing.NOT_ASKED and why == "no_ipv6" and zone in healthy & headline_zones:
            one.notes |= {"ipv6_not_asked"}
        if why == "list_void" and len(codes) and zone in fell_silent:
            one.notes |= {"listed_by_void_list"}
        if zone not in healthy or (status == Listing.NOT_ASKED and why in NO_MATTER) or why == "list_void":
            continue
        if status in (Listing.LISTED, Listing.CLEAR):
            one.answers += zone in headline_zones
            one.relay_answers += zone in relay_zones
            counted = HEADLINE_CATEGORIES.intersection(categories)
            if why in _NOTES or (counted and why == "not_heard_again"):
                one.notes |= {why}
            if counted:
                one.categories |= counted
                one.confirmed |= counted.intersection(confirmed)
                one.unconfirmed |= counted.difference(confirmed)
                one.zones |= {zone}
                one.evidence += tuple(evidence)
        else:
            doubt = "listing_refused" if status == Listing.REFUSED else "listing_silent"
            one.doubts |= {doubt}
            one.doubt_evidence += tuple(evidence)
            if zone in relay_zones:
                one.relay_doubts |= {doubt}
    return found


def _per_address(listings: pd.DataFrame, chosen: pd.Series[bool]) -> Iterator[tuple[str, int]]:
    counts = listings.loc[chosen, "address"].value_counts()
    return zip(map(str, counts.index), map(int, counts.to_list()), strict=True)


def _hosts(addresses: pd.DataFrame) -> tuple[dict[str, list[str]], dict[str, list[str]], set[str]]:
    """Per host its askable addresses and its evidence; the hosts with a silent address question."""
    known: dict[str, list[str]] = defaultdict(list)
    evidence: dict[str, list[str]] = defaultdict(list)
    silent = set()
    columns = ("host", "address", "status", "reason", "evidence_id")
    for host, address, status, why, evidence_id in rows_of(addresses, *columns):
        if isinstance(evidence_id, str):
            evidence[host].append(evidence_id)
        if status == Dns.SILENT:
            silent.add(host)
        elif status == Dns.PRESENT and why != "special_address":
            known[host].append(address)
    return known, evidence, silent


def _case(
    domains: Iterable[str],
    by_domain: Mapping[str, list[tuple[object, ...]]],
    hosts_of: Mapping[str, list[str]],
    evidence_of: Mapping[str, list[str]],
    silent_hosts: set[str],
    changed: set[str],
    sends: Mapping[str, Sending],
) -> _Case:
    case = _Case()
    for domain in domains:
        case.domains += 1
        if (sending := sends.get(domain)) is not None:
            case.senders += sending.addresses
            case.sender_notes |= sending.notes
            case.is_sender_silent |= sending.is_silent
            case.evidence += sending.evidence
        for _, _, host, kind, target, status, why, evidence in by_domain.get(domain, []):
            if isinstance(evidence, str):
                case.evidence.append(evidence)
            if status in (Dns.SILENT, Dns.NOT_ASKED):
                case.doubts.add("address_silent" if str(why).startswith("address_") else "mx_silent")
            elif kind == "none" and why == "nxdomain":
                case.doubts.add("domain_absent")
            elif kind in ("none", "null"):
                case.domains_without_mail += 1
            elif isinstance(host, str):
                case.hosts.append(host)
                if kind == "implicit":
                    case.notes.add("implicit_mx")
                if host in changed:
                    case.notes.add("addresses_changed")
                case.addresses += hosts_of.get(host, [])
                case.evidence += evidence_of.get(host, [])
                if host in silent_hosts and target not in ("address_literal", "localhost"):
                    case.doubts.add("address_silent")
    case.hosts = list(dict.fromkeys(case.hosts))
    case.addresses = list(dict.fromkeys(case.addresses))
    case.senders = list(dict.fromkeys(case.senders))
    if not case.domains:
        case.doubts.add("domain_unknown")
    return case


def _plain(code: str, status: Body, has_relay: bool) -> tuple[object, ...]:
    relay = str(status) if has_relay else None
    rest: tuple[object, ...] = (None, status, [], None, None, None, None, [], [], [], [])
    return (code, status, [], [], [], [], relay, Share.UNKNOWN, *rest)


def _finding(
    code: str,
    case: _Case,
    said: Mapping[str, _Address],
    hosts_of: Mapping[str, list[str]],
    known: Mapping[str, _Server],
    has_relay: bool,
) -> tuple[object, ...]:
    sending, sends, sends_confirmed = _sending(case, said)
    heard = {address: said[address] for address in case.addresses if address in said}
    out = [one.opted_out for one in heard.values()]
    if any(out) and not all(out):
        case.doubts.add("partly_opted_out")
    listed = {address: one for address, one in heard.items() if one.categories}
    status = _word(
        case,
        bool(listed),
        set().union(*(one.doubts for one in heard.values())),
        sum(one.answers for one in heard.values()),
        bool(heard) and all(one.opted_out for one in heard.values()),
    )
    relay: str | None = None
    if has_relay:
        relay = _word(
            case,
            any(one.categories & RELAY_CATEGORIES for one in listed.values()),
            set().union(*(one.relay_doubts for one in heard.values())),
            sum(one.relay_answers for one in heard.values()),
            status is Body.OPTED_OUT,
        )
    servers = case.hosts
    servers_listed = [host for host in servers if any(address in listed for address in hosts_of.get(host, ()))]
    counted = servers_listed if status is Body.LISTED else servers
    told = [known[host] for host in counted if host in known]
    categories = sorted(set().union(*(one.categories for one in listed.values())))
    confirmed = _all_confirmed(listed.values()) if listed else None
    sure = {address for address, one in listed.items() if one.confirmed}
    evidence = list(case.evidence)
    for one in (*heard.values(), *_senders(case, said).values()):
        evidence += (*one.evidence, *one.doubt_evidence)
    return (
        code,
        status,
        servers,
        servers_listed,
        sorted(set().union(*(one.zones for one in listed.values()))),
        categories,
        relay,
        _share({server.own_or_shared for server in told}),
        ("both" if sends else "receives") if listed else "sends" if sends else None,
        Body.OPTED_OUT if status is Body.OPTED_OUT else sending,
        sends,
        sends_confirmed,
        ", ".join(sorted({server.operator for server in told})) or None,
        _others(code, told) if counted else None,
        confirmed,
        sorted(set().union(*(one.confirmed for one in listed.values()))),
        [host for host in servers_listed if not sure.isdisjoint(hosts_of.get(host, ()))],
        sorted(set(evidence), key=int),
        _caveats(case, heard, status, confirmed, bool(sure), has_relay, _senders(case, said)),
    )


def _others(code: str, servers: list[_Server]) -> int:
    """How many other bodies use these servers."""
    users = _together(frozenset(server.codes for server in servers))
    return len(users) - (code in users)


@lru_cache(maxsize=1 << 14)
def _together(several: frozenset[frozenset[str]]) -> frozenset[str]:
    """Everyone who uses one of several servers; a provider's few servers have thousands of users, all the same."""
    return frozenset[str]().union(*several)


def _senders(case: _Case, said: Mapping[str, _Address]) -> dict[str, _Address]:
    """What the lists said of the addresses that its own SPF names."""
    return {address: said[address] for address in case.senders if address in said}


def _sending(case: _Case, said: Mapping[str, _Address]) -> tuple[Body | str, list[str], bool | None]:
    """The body's status by its own sending addresses alone; those that are listed; whether a later pass agreed."""
    heard = _senders(case, said)
    listed = {address: one for address, one in heard.items() if one.categories}
    if listed:
        return Body.LISTED, list(listed), _all_confirmed(listed.values())
    hidden = case.is_sender_silent or not case.doubts.isdisjoint(_DOMAIN_DOUBTS)
    if hidden or any(one.doubts for one in heard.values()):
        return Body.UNKNOWN, [], None
    if not case.senders:
        return "no_senders", [], None
    out = [one.opted_out for one in heard.values()]
    if any(out):
        return (Body.OPTED_OUT if all(out) else Body.UNKNOWN), [], None
    return (Body.CLEAR if any(one.answers for one in heard.values()) else Body.UNKNOWN), [], None


def _all_confirmed(listed: Iterable[_Address]) -> bool:
    """Whether every category that any list said of any server was confirmed, so that the whole row may be printed."""
    return not any(one.unconfirmed for one in listed)


def _word(case: _Case, is_listed: bool, doubts: set[str], answers: int, is_out: bool) -> Body:
    if is_listed:
        return Body.LISTED
    if is_out and not case.doubts and not doubts:
        return Body.OPTED_OUT
    if case.doubts or doubts:
        return Body.UNKNOWN
    if case.domains and case.domains_without_mail == case.domains:
        return Body.NO_MAIL
    # A server without any address that a list could be asked about: nothing was heard, so nothing is clear.
    return Body.CLEAR if answers else Body.UNKNOWN


def _share(kinds: set[str]) -> Share:
    """One word for several servers; where one of them is unknown, only own beside shared is certain."""
    if {Share.OWN, Share.SHARED} <= kinds:
        return Share.BOTH
    return Share(next(iter(kinds))) if len(kinds) == 1 else Share.UNKNOWN


def _caveats(
    case: _Case,
    heard: Mapping[str, _Address],
    status: Body,
    confirmed: bool | None,
    is_partly: bool,
    has_relay: bool,
    senders: Mapping[str, _Address],
) -> list[str]:
    """Machine words, in a fixed order; the labels say them in Japanese and English."""
    words = case.doubts | case.notes
    for one in heard.values():
        words |= one.doubts | one.notes
    if status is Body.UNKNOWN and not words & DOUBTS:
        words.add("no_address" if not any(one.answers for one in heard.values()) else "listing_silent")
    if status is Body.LISTED:
        if words & DOUBTS:
            words.add("some_servers_unknown")
        if not confirmed:
            words.add("partly_confirmed" if is_partly else "unconfirmed")
    if not has_relay and status in (Body.LISTED, Body.CLEAR, Body.UNKNOWN):
        words.add("no_healthy_relay_list")
    words |= case.sender_notes
    words |= {f"sender_{doubt}" for address, one in senders.items() if address not in heard for doubt in one.doubts}
    return sorted(words)
