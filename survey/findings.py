"""The findings: what the healthy lists said of each body's mail servers, in one word, with every doubt beside it.

The rules, in their order: `out_of_scope`; `opted_out`; `listed` when an address of one of its servers stands on a
healthy list in an open-relay or abuse category; `unknown` when its domain is not known, in doubt, or does not exist, or
an MX, an address, or any (address, healthy list) pair brought no answer, or when no address of it could be asked about
at all; `no_mail` only on a positive answer; else `clear`. Nothing here asks, and no rule looks at a clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from .senders import by_domain
from .standings import Standing
from .tables import BUNDLE, RELAY_CATEGORIES, Body, Confidence, Dns, Share, frame, rows_of

DOUBTS = frozenset(
    {
        *("mx_silent", "address_silent", "domain_absent", "domain_unknown", "listing_silent", "listing_refused"),
        *("partly_opted_out", "domain_doubtful"),
    }
)
_DOMAIN_DOUBTS = frozenset({"domain_unknown", "domain_absent", "domain_doubtful", "partly_opted_out"})
"""What hides a body's senders as well as its mail servers."""


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


class _Servers(NamedTuple):
    """The same of several together."""

    users: frozenset[str]
    own_or_shared: Share
    operator: str | None


class _Told(NamedTuple):
    """What the healthy lists said of several addresses together, beside how many of them answered."""

    listed: Mapping[str, Standing] = {}
    doubts: frozenset[str] = frozenset()
    relay_doubts: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset()
    opted_out: int = 0
    """How many of the addresses opted out."""
    is_relay: bool = False
    """Whether one of them is listed as an open relay."""
    zones: Sequence[str] = ()
    categories: Sequence[str] = ()
    confirmed: Sequence[str] = ()
    """The categories that a later pass confirmed."""
    is_confirmed: bool | None = None
    """Whether every category that any list said was confirmed, so that the whole row may be printed; None if none."""
    evidence: Sequence[str] = ()


_NOTHING = _Told()


Take = Callable[[str, str, Collection[str]], pd.DataFrame]
"""The rows of a table whose column holds one of these texts."""


def read(
    bodies: pd.DataFrame,
    take: Take,
    standings: Mapping[str, Standing],
    lists: pd.DataFrame,
    opted_out: Callable[[str], bool],
) -> Iterator[pd.DataFrame]:
    """The table `findings` in parts: one row per body, whatever happened.

    `take` gives what the other tables hold about some bodies. `opted_out` tells domains that are not asked about. Where
    no domain is sure, the evidence is what was heard of the body's candidates.
    """
    has_relay = bool((lists["health"].eq("healthy") & lists["group"].eq("relay")).any())
    ordered, count = bodies.sort_values("code"), 0
    for begin in range(0, len(ordered), BUNDLE):
        some = ordered.iloc[begin : begin + BUNDLE]
        observed = _Observed(some["code"], take)
        rows = (
            _row(code, in_scope, observed, standings, opted_out, has_relay)
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
        self._together: dict[tuple[str, ...], _Servers] = {}
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

    def together(self, hosts: Sequence[str]) -> _Servers:
        """What the operators room says of these servers; a provider's few have thousands of users."""
        several = tuple(hosts)
        if (found := self._together.get(several)) is None:
            told = [self.servers[host] for host in several if host in self.servers]
            found = self._together[several] = _Servers(
                frozenset[str]().union(*(server.codes for server in told)),
                whose({server.own_or_shared for server in told}),
                ", ".join(sorted({server.operator for server in told})) or None,
            )
        return found


def _row(
    code: str,
    in_scope: bool,
    observed: _Observed,
    said: Mapping[str, Standing],
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


def _case(domains: Iterable[str], observed: _Observed) -> _Case:
    case = _Case()
    doubts, evidence = case.doubts, case.evidence
    for domain in domains:
        case.domains += 1
        if (sending := observed.sends.get(domain)) is not None:
            case.senders += sending.addresses
            case.sender_notes |= sending.notes
            case.is_sender_silent |= sending.is_silent
            evidence += sending.evidence
        for host, kind, target, status, why, evidence_id in observed.by_domain.get(domain, ()):
            if isinstance(evidence_id, str):
                evidence.append(evidence_id)
            if status in (Dns.SILENT, Dns.NOT_ASKED):
                doubts.add("address_silent" if str(why).startswith("address_") else "mx_silent")
            elif kind == "none" and why == "nxdomain":
                doubts.add("domain_absent")
            elif kind in ("none", "null"):
                case.domains_without_mail += 1
            elif isinstance(host, str):
                case.hosts.append(host)
                if kind == "implicit":
                    case.notes.add("implicit_mx")
                if host in observed.changed:
                    case.notes.add("addresses_changed")
                case.addresses += observed.addresses.get(host, ())
                evidence += observed.evidence.get(host, ())
                if host in observed.silent and target not in ("address_literal", "localhost"):
                    doubts.add("address_silent")
    case.hosts = list(dict.fromkeys(case.hosts))
    case.addresses = list(dict.fromkeys(case.addresses))
    case.senders = list(dict.fromkeys(case.senders))
    if not case.domains:
        doubts.add("domain_unknown")
    return case


def _plain(code: str, status: Body, has_relay: bool) -> tuple[object, ...]:
    relay = str(status) if has_relay else None
    rest: tuple[object, ...] = (None, status, [], None, None, None, None, [], [], [], [])
    return (code, status, [], [], [], [], relay, Share.UNKNOWN, *rest)


def _finding(
    code: str,
    case: _Case,
    said: Mapping[str, Standing],
    observed: _Observed,
    has_relay: bool,
) -> tuple[object, ...]:
    heard, senders = _heard(case.addresses, said), _heard(case.senders, said)
    told, sent = _told(heard), _told(senders)
    listed, servers = told.listed, case.hosts
    sending = _sending(case, senders, sent)
    if 0 < told.opted_out < len(heard):
        case.doubts.add("partly_opted_out")
    is_out = 0 < told.opted_out == len(heard)
    answers = sum([one.answers for one in heard.values()])
    status = _word(case, bool(listed), told.doubts, answers, is_out)
    relay: str | None = None
    if has_relay:
        answers = sum([one.relay_answers for one in heard.values()])
        relay = _word(case, told.is_relay, told.relay_doubts, answers, status is Body.OPTED_OUT)
    servers_listed, sure = list[str](), set[str]()
    if listed:
        of = observed.addresses
        servers_listed = [host for host in servers if any(address in listed for address in of.get(host, ()))]
        sure = {address for address, one in listed.items() if one.confirmed}
    counted = servers_listed if status is Body.LISTED else servers
    together = observed.together(counted)
    role = ("both" if sent.listed else "receives") if listed else "sends" if sent.listed else None
    return (
        code,
        status,
        servers,
        servers_listed,
        told.zones,
        told.categories,
        relay,
        together.own_or_shared,
        role,
        Body.OPTED_OUT if status is Body.OPTED_OUT else sending,
        list(sent.listed),
        sent.is_confirmed,
        together.operator,
        len(together.users) - (code in together.users) if counted else None,
        told.is_confirmed,
        told.confirmed,
        [host for host in servers_listed if not sure.isdisjoint(observed.addresses.get(host, ()))],
        sorted({*case.evidence, *told.evidence, *sent.evidence}, key=int),
        _caveats(case, heard, told, status, bool(sure), has_relay, senders),
    )


def _heard(addresses: Iterable[str], said: Mapping[str, Standing]) -> dict[str, Standing]:
    """The addresses of which the lists said anything."""
    return {address: said[address] for address in addresses if address in said and said[address].is_known}


def _told(heard: Mapping[str, Standing]) -> _Told:
    """What the lists said of these addresses together; of most there is nothing to tell."""
    loud = {address: one for address, one in heard.items() if not one.is_quiet}
    if not loud:
        return _NOTHING
    several, nobody = loud.values(), frozenset[str]()
    listed = {address: one for address, one in loud.items() if one.categories}
    return _Told(
        listed,
        nobody.union(*(one.doubts for one in several)),
        nobody.union(*(one.relay_doubts for one in several)),
        nobody.union(*(one.notes for one in several)),
        sum(one.opted_out for one in several),
        any(one.categories & RELAY_CATEGORIES for one in several),
        sorted(nobody.union(*(one.zones for one in listed.values()))),
        sorted(nobody.union(*(one.categories for one in listed.values()))),
        sorted(nobody.union(*(one.confirmed for one in listed.values()))),
        not any(one.unconfirmed for one in listed.values()) if listed else None,
        [text for one in several for text in (*one.evidence, *one.doubt_evidence)],
    )


def _sending(case: _Case, heard: Mapping[str, Standing], told: _Told) -> Body | str:
    """The body's status by the addresses alone that its own SPF names."""
    if told.listed:
        return Body.LISTED
    if case.is_sender_silent or told.doubts or not case.doubts.isdisjoint(_DOMAIN_DOUBTS):
        return Body.UNKNOWN
    if not case.senders:
        return "no_senders"
    if told.opted_out:
        return Body.OPTED_OUT if told.opted_out == len(heard) else Body.UNKNOWN
    return Body.CLEAR if any(one.answers for one in heard.values()) else Body.UNKNOWN


def _word(case: _Case, is_listed: bool, doubts: Collection[str], answers: int, is_out: bool) -> Body:
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
    heard: Mapping[str, Standing],
    told: _Told,
    status: Body,
    is_partly: bool,
    has_relay: bool,
    senders: Mapping[str, Standing],
) -> list[str]:
    """Machine words, in a fixed order; the labels say them in Japanese and English."""
    words = {*case.doubts, *case.notes, *told.doubts, *told.notes}
    if status is Body.UNKNOWN and words.isdisjoint(DOUBTS):
        words.add("no_address" if not any(one.answers for one in heard.values()) else "listing_silent")
    if status is Body.LISTED:
        if not words.isdisjoint(DOUBTS):
            words.add("some_servers_unknown")
        if not told.is_confirmed:
            words.add("partly_confirmed" if is_partly else "unconfirmed")
    if not has_relay and status in (Body.LISTED, Body.CLEAR, Body.UNKNOWN):
        words.add("no_healthy_relay_list")
    words |= case.sender_notes
    words |= {f"sender_{doubt}" for address, one in senders.items() if address not in heard for doubt in one.doubts}
    return sorted(words)
