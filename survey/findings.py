"""The findings: what the healthy lists said of each body's mail servers, in one word, with every doubt beside it.

The rules, in their order: `out_of_scope`; `opted_out`; `listed` when an address of one of its servers stands on a
healthy list in an open-relay or abuse category; `unknown` when its domain is not known, in doubt, or does not exist, or
an MX, an address, or any (address, healthy list) pair brought no answer, or when no address of it could be asked about
at all; `no_mail` only on a positive answer; else `clear`. Nothing here asks, and no rule looks at a clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from .blocklists import LIES, NO_MATTER
from .senders import by_domain
from .tables import (
    BUNDLE,
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


Take = Callable[[str, str, Collection[str]], pd.DataFrame]
"""The rows of a table whose column holds one of these texts."""


def read(
    bodies: pd.DataFrame,
    take: Take,
    listings: Iterable[pd.DataFrame],
    lists: pd.DataFrame,
    opted_out: Callable[[str], bool],
) -> Iterator[pd.DataFrame]:
    """The table `findings` in parts: one row per body, whatever happened.

    `listings` come in parts too; `take` gives what the other tables hold about some bodies. `opted_out` tells domains
    that are not asked about. Where no domain is sure, the evidence is what was heard of the body's candidates.
    """
    relay_zones = set(lists.loc[lists["health"].eq("healthy") & lists["group"].eq("relay"), "zone"])
    said = _addresses(listings, lists, relay_zones)
    ordered, count = bodies.sort_values("code"), 0
    for begin in range(0, len(ordered), BUNDLE):
        some = ordered.iloc[begin : begin + BUNDLE]
        observed = _Observed(some["code"], take)
        rows = (
            _row(code, in_scope, observed, said, opted_out, bool(relay_zones))
            for code, in_scope in rows_of(some, "code", "in_scope")
        )
        found = frame("findings", rows)
        count += len(found)
        yield found
    if count != len(bodies):
        raise AssertionError(f"{len(bodies)} bodies went in, {count} findings came out")


class _Observed:
    """What was observed about some bodies' domains and servers."""

    def __init__(self, codes: Collection[str], take: Take) -> None:
        domains = take("domains", "code", codes)
        named = domains["domain"].unique()
        mail_servers = take("mail_servers", "domain", named)
        hosts = mail_servers["host"].dropna().unique()
        addresses, servers = take("addresses", "host", hosts), take("servers", "host", hosts)
        columns = ("host", "codes", "own_or_shared", "operator")
        self.servers = {host: _Server(frozenset(codes), *rest) for host, codes, *rest in rows_of(servers, *columns)}
        self._users: dict[tuple[str, ...], frozenset[str]] = {}
        self.sends = by_domain(take("senders", "domain", named), take("policies", "domain", named))
        self.named: dict[str, list[str]] = defaultdict(list)
        self.doubtful: set[str] = set()
        """Bodies with a domain that is not surely theirs."""
        self.extra: dict[str, list[str]] = defaultdict(list)
        """Evidence of a body beside that of its servers."""
        for code, domain, confidence, evidence in rows_of(domains, "code", "domain", "confidence", "evidence_ids"):
            self.extra[code] += evidence
            if confidence == Confidence.LOW:
                self.doubtful.add(code)
            else:
                self.named[code].append(domain)
        for code, evidence in rows_of(take("candidates", "code", codes), "code", "evidence_ids"):
            if code not in self.named:
                self.extra[code] += evidence
        self.by_domain: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        of_servers = ("domain", "host", "kind", "target", "status", "reason", "evidence_id")
        for domain, *rest in rows_of(mail_servers, *of_servers):
            self.by_domain[domain].append(tuple(rest))
        self.addresses: dict[str, list[str]] = defaultdict(list)
        """Per host those that lists were asked about."""
        self.evidence: dict[str, list[str]] = defaultdict(list)
        self.silent: set[str] = set()
        """Hosts with a silent address question."""
        self.changed: set[str] = set()
        """Hosts of which an earlier pass gave other addresses."""
        of_hosts = ("host", "address", "status", "reason", "is_changed", "evidence_id")
        for host, address, status, why, is_changed, evidence_id in rows_of(addresses, *of_hosts):
            if isinstance(evidence_id, str):
                self.evidence[host].append(evidence_id)
            if status == Dns.SILENT:
                self.silent.add(host)
            elif status == Dns.PRESENT and why != "special_address":
                self.addresses[host].append(address)
            if is_changed is True:
                self.changed.add(host)

    def others(self, code: str, hosts: Iterable[str]) -> int:
        """How many other bodies use one of these servers."""
        several = tuple(host for host in hosts if host in self.servers)
        if several not in self._users:
            # A provider's few servers have thousands of users, who all name the same servers.
            self._users[several] = frozenset[str]().union(*(self.servers[host].codes for host in several))
        users = self._users[several]
        return len(users) - (code in users)


def _row(
    code: str,
    in_scope: bool,
    observed: _Observed,
    said: Mapping[str, _Address],
    opted_out: Callable[[str], bool],
    has_relay: bool,
) -> tuple[object, ...]:
    """One body's row."""
    named = observed.named.get(code, [])
    out = [opted_out(domain) for domain in named]
    if not in_scope:
        return _plain(code, Body.OUT_OF_SCOPE, has_relay)
    if out and all(out):
        return _plain(code, Body.OPTED_OUT, has_relay)
    case = _case([domain for domain, is_out in zip(named, out, strict=True) if not is_out], observed)
    case.evidence += observed.extra.get(code, ())
    if code in observed.doubtful:
        case.doubts.discard("domain_unknown")
        case.doubts.add("domain_doubtful")
    if any(out):
        case.doubts.add("partly_opted_out")
    return _finding(code, case, said, observed, has_relay)


def _addresses(listings: Iterable[pd.DataFrame], lists: pd.DataFrame, relay_zones: set[str]) -> dict[str, _Address]:
    """Per address what the healthy lists said; void lists have no say, for or against."""
    healthy = set(lists.loc[lists["health"].eq("healthy"), "zone"])
    headline_zones = set(lists.loc[lists["group"].isin(HEADLINE_GROUPS), "zone"])
    fell_silent = set(lists.loc[~lists["health"].eq("healthy") & ~lists["reason"].isin(LIES), "zone"]) & headline_zones
    found: dict[str, _Address] = defaultdict(_Address)
    for part in listings:
        # By far the most rows say "not listed" and nothing beside it: they are only counted.
        is_plain = part["status"].eq(Listing.CLEAR) & part["reason"].isna()
        for address, count in _per_address(part, is_plain & part["zone"].isin(healthy & headline_zones)):
            found[address].answers += count
        for address, count in _per_address(part, is_plain & part["zone"].isin(relay_zones)):
            found[address].relay_answers += count
        _take_others(part.loc[~is_plain], found, healthy, headline_zones, relay_zones, fell_silent)
    return found


def _take_others(
    listings: pd.DataFrame,
    found: dict[str, _Address],
    healthy: set[str],
    headline_zones: set[str],
    relay_zones: set[str],
    fell_silent: set[str],
) -> None:
    """What the rows say that are no plain denials."""
    columns = ("address", "zone", "status", "categories", "reason", "confirmed_categories", "evidence_ids", "codes")
    for address, zone, status, categories, why, confirmed, evidence, codes in rows_of(listings, *columns):
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


def _per_address(listings: pd.DataFrame, chosen: pd.Series[bool]) -> Iterator[tuple[str, int]]:
    counts = listings.loc[chosen, "address"].value_counts()
    return zip(map(str, counts.index), map(int, counts.to_list()), strict=True)


def _case(domains: Iterable[str], observed: _Observed) -> _Case:
    case = _Case()
    for domain in domains:
        case.domains += 1
        if (sending := observed.sends.get(domain)) is not None:
            case.senders += sending.addresses
            case.sender_notes |= sending.notes
            case.is_sender_silent |= sending.is_silent
            case.evidence += sending.evidence
        for host, kind, target, status, why, evidence in observed.by_domain.get(domain, ()):
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
                if host in observed.changed:
                    case.notes.add("addresses_changed")
                case.addresses += observed.addresses.get(host, ())
                case.evidence += observed.evidence.get(host, ())
                if host in observed.silent and target not in ("address_literal", "localhost"):
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
    observed: _Observed,
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
    servers_listed = [
        host for host in servers if any(address in listed for address in observed.addresses.get(host, ()))
    ]
    counted = servers_listed if status is Body.LISTED else servers
    told = [observed.servers[host] for host in counted if host in observed.servers]
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
        whose({server.own_or_shared for server in told}),
        ("both" if sends else "receives") if listed else "sends" if sends else None,
        Body.OPTED_OUT if status is Body.OPTED_OUT else sending,
        sends,
        sends_confirmed,
        ", ".join(sorted({server.operator for server in told})) or None,
        observed.others(code, counted) if counted else None,
        confirmed,
        sorted(set().union(*(one.confirmed for one in listed.values()))),
        [host for host in servers_listed if not sure.isdisjoint(observed.addresses.get(host, ()))],
        sorted(set(evidence), key=int),
        _caveats(case, heard, status, confirmed, bool(sure), has_relay, _senders(case, said)),
    )


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


def whose(kinds: set[str]) -> Share:
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
