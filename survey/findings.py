"""The findings: what the healthy lists said of each body's mail servers, in one word, with every doubt beside it.

The rules, in their order: `out_of_scope`; `opted_out`; `listed` when an address of one of its servers stands on a
healthy list in an open-relay or abuse category; `unknown` when its domain is not known, in doubt, or does not exist, or
an MX, an address, or any (address, healthy list) pair brought no answer, or when no address of it could be asked about
at all; `no_mail` only on a positive answer; else `clear`. Nothing here asks, and no rule looks at a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from .dossiers import Domain, Dossiers, Host, Take
from .frames import BUNDLE, bundles, rows_of
from .standings import Standing
from .tables import RELAY_CATEGORIES, Body, Dns, Share

DOUBTS = frozenset(
    {
        *("mx_silent", "address_silent", "domain_absent", "domain_unknown", "listing_silent", "listing_refused"),
        *("partly_opted_out", "domain_doubtful"),
    }
)
_DOMAIN_DOUBTS = frozenset({"domain_unknown", "domain_absent", "domain_doubtful", "partly_opted_out"})
"""What hides a body's senders as well as its mail servers."""
# Looked up for every body: an enumeration's own look-up takes six times as long.
_LISTED, _CLEAR, _UNKNOWN, _OPTED_OUT = Body.LISTED, Body.CLEAR, Body.UNKNOWN, Body.OPTED_OUT
_UNHEARD = frozenset({Dns.SILENT, Dns.NOT_ASKED})


@dataclass(slots=True, eq=False)
class _Case:
    """Everything known of one body, before a word is chosen."""

    hosts: Sequence[Host]
    heard: Mapping[str, Standing]
    """What the lists said of its servers' addresses."""
    is_quiet: bool
    """Whether there is nothing to tell of these but how many lists answered."""
    doubts: set[str]
    notes: set[str]
    evidence: list[str]
    domains: int
    domains_without_mail: int
    senders: Sequence[str]
    """Sending addresses that its own SPF names."""
    is_sender_silent: bool
    sender_notes: set[str]


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


def read(
    bodies: pd.DataFrame,
    take: Take,
    standings: Mapping[str, Standing],
    lists: pd.DataFrame,
    opted_out: Callable[[str], bool],
    known: Dossiers | None = None,
) -> Iterator[pa.Table]:
    """The table `findings` in parts: one row per body, whatever happened.

    `take` gives what the other tables hold about some bodies. `opted_out` tells domains that are not asked about. Where
    no domain is sure, the evidence is what was heard of the body's candidates. `known` are all bodies' dossiers, where
    they were put together before.
    """
    has_relay = bool((lists["health"].eq("healthy") & lists["group"].eq("relay")).any())
    ordered, count = bodies.sort_values("code"), 0
    for begin in range(0, len(ordered), BUNDLE):
        some = ordered.iloc[begin : begin + BUNDLE]
        dossiers = known or Dossiers(some["code"], take)
        dossiers.hear(standings, take)
        rows = (
            _row(code, in_scope, dossiers, standings, opted_out, has_relay)
            for code, in_scope in rows_of(some, "code", "in_scope")
        )
        for found in bundles("findings", rows):
            count += len(found)
            yield found
        # Before the next ones are put together.
        del dossiers, rows
    if count != len(bodies):
        raise AssertionError(f"{len(bodies)} bodies went in, {count} findings came out")


def _row(
    code: str,
    in_scope: bool,
    dossiers: Dossiers,
    said: Mapping[str, Standing],
    opted_out: Callable[[str], bool],
    has_relay: bool,
) -> tuple[object, ...]:
    """One body's row."""
    if not in_scope:
        return _plain(code, Body.OUT_OF_SCOPE, has_relay)
    named = dossiers.body(code)
    asked = [domain for domain in named.domains if not opted_out(domain.name)]
    if named.domains and not asked:
        return _plain(code, _OPTED_OUT, has_relay)
    case = _case(asked)
    case.evidence += named.evidence
    if named.is_doubtful:
        case.doubts.discard("domain_unknown")
        case.doubts.add("domain_doubtful")
    if len(asked) < len(named.domains):
        case.doubts.add("partly_opted_out")
    return _finding(code, case, said, dossiers, has_relay)


def _case(domains: Collection[Domain]) -> _Case:
    # For every body: to call `set[str]` takes ten times as long as `set`.
    hosts: dict[Host, None] = {}
    evidence: list[str] = []
    senders: list[str] = []
    doubts: set[str] = set()
    notes: set[str] = set()
    sender_notes: set[str] = set()
    without_mail, is_sender_silent, is_quiet = 0, False, True
    for domain in domains:
        if (sending := domain.sending) is not None:
            senders += sending.addresses
            sender_notes |= sending.notes
            is_sender_silent |= sending.is_silent
            evidence += sending.evidence
        for host, kind, target, status, why, evidence_id in domain.mail:
            if isinstance(evidence_id, str):
                evidence.append(evidence_id)
            if status in _UNHEARD:
                doubts.add("address_silent" if str(why).startswith("address_") else "mx_silent")
            elif kind == "none" and why == "nxdomain":
                doubts.add("domain_absent")
            elif kind in ("none", "null"):
                without_mail += 1
            elif host is not None:
                hosts[host] = None
                is_quiet &= host.is_quiet
                if kind == "implicit":
                    notes.add("implicit_mx")
                if host.is_changed:
                    notes.add("addresses_changed")
                evidence += host.evidence
                if host.is_silent and target not in ("address_literal", "localhost"):
                    doubts.add("address_silent")
    if not domains:
        doubts.add("domain_unknown")
    several = list(hosts)
    heard = (
        several[0].heard if len(several) == 1 else {one: said for host in several for one, said in host.heard.items()}
    )
    return _Case(
        several,
        heard,
        is_quiet,
        doubts,
        notes,
        evidence,
        len(domains),
        without_mail,
        senders,
        is_sender_silent,
        sender_notes,
    )


def _plain(code: str, status: Body, has_relay: bool) -> tuple[object, ...]:
    relay = str(status) if has_relay else None
    rest: tuple[object, ...] = (None, status, [], None, None, None, None, [], [], [], [])
    return (code, status, [], [], [], [], relay, Share.UNKNOWN, *rest)


def _finding(
    code: str,
    case: _Case,
    said: Mapping[str, Standing],
    dossiers: Dossiers,
    has_relay: bool,
) -> tuple[object, ...]:
    heard, senders = case.heard, _heard(case.senders, said)
    told, sent = _NOTHING if case.is_quiet else _told(heard), _told(senders)
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
        relay = _word(case, told.is_relay, told.relay_doubts, answers, status is _OPTED_OUT)
    servers_listed: Sequence[Host] = ()
    names_listed: Sequence[str] = ()
    names_confirmed: Sequence[str] = ()
    is_partly = False
    if listed:
        servers_listed = [host for host in servers if not listed.keys().isdisjoint(host.heard)]
        sure = {address for address, one in listed.items() if one.confirmed}
        names_listed = [host.name for host in servers_listed]
        names_confirmed = [host.name for host in servers_listed if not sure.isdisjoint(host.heard)]
        is_partly = bool(sure)
    counted = servers_listed if status is _LISTED else servers
    together = dossiers.together(counted)
    role = ("both" if sent.listed else "receives") if listed else "sends" if sent.listed else None
    return (
        code,
        status,
        [host.name for host in servers],
        names_listed,
        told.zones,
        told.categories,
        relay,
        together.own_or_shared,
        role,
        _OPTED_OUT if status is _OPTED_OUT else sending,
        list(sent.listed),
        sent.is_confirmed,
        together.operator,
        len(together.users) - (code in together.users) if counted else None,
        told.is_confirmed,
        told.confirmed,
        names_confirmed,
        sorted({*case.evidence, *told.evidence, *sent.evidence}, key=int),
        _caveats(case, heard, told, status, is_partly, has_relay, senders),
    )


def _heard(addresses: Iterable[str], said: Mapping[str, Standing]) -> dict[str, Standing]:
    """The addresses of which the lists said anything."""
    return {address: one for address in addresses if (one := said.get(address)) is not None and one.is_known}


def _told(heard: Mapping[str, Standing]) -> _Told:
    """What the lists said of these addresses together; of most there is nothing to tell."""
    loud = {address: one for address, one in heard.items() if not one.is_quiet} if heard else heard
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
        return _LISTED
    if case.is_sender_silent or told.doubts or not case.doubts.isdisjoint(_DOMAIN_DOUBTS):
        return _UNKNOWN
    if not case.senders:
        return "no_senders"
    if told.opted_out:
        return _OPTED_OUT if told.opted_out == len(heard) else _UNKNOWN
    return _CLEAR if any(one.answers for one in heard.values()) else _UNKNOWN


def _word(case: _Case, is_listed: bool, doubts: Collection[str], answers: int, is_out: bool) -> Body:
    if is_listed:
        return _LISTED
    if is_out and not case.doubts and not doubts:
        return _OPTED_OUT
    if case.doubts or doubts:
        return _UNKNOWN
    if case.domains and case.domains_without_mail == case.domains:
        return Body.NO_MAIL
    # A server without any address that a list could be asked about: nothing was heard, so nothing is clear.
    return _CLEAR if answers else _UNKNOWN


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
    if status is _UNKNOWN and words.isdisjoint(DOUBTS):
        words.add("no_address" if not any(one.answers for one in heard.values()) else "listing_silent")
    if status is _LISTED:
        if not words.isdisjoint(DOUBTS):
            words.add("some_servers_unknown")
        if not told.is_confirmed:
            words.add("partly_confirmed" if is_partly else "unconfirmed")
    if not has_relay and status in (_LISTED, _CLEAR, _UNKNOWN):
        words.add("no_healthy_relay_list")
    words |= case.sender_notes
    if senders:
        words |= {f"sender_{doubt}" for address, one in senders.items() if address not in heard for doubt in one.doubts}
    return sorted(words)
