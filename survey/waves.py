"""The waves room: what became of bodies and their mail servers from one run to the next.

A body is compared with itself, or with the one body that it was renamed or recoded from (`successors`); a server is its
host name, and its addresses are compared inside. Each wave is measured on the lists that both share (`yardstick`):

* `new`             not listed before, listed after;
* `persisting`      listed before and after;
* `cleared`         listed before, not listed after: on every list compared, all its servers were answered for;
* `unlisted`        neither before nor after;
* `not_comparable`  everything else, with its `reason`. Silence never makes a change: a status that is unknown by any
  list of its wave is `unknown_before`, `unknown_after` or `unknown_both`. A listing on a list that the other wave does
  not share is neither new nor cleared, but `list_void`, `list_not_in_both`, `rules_changed` or `list_set_aside`. A
  guessed domain that gave way to another is `domain_changed`. Bodies of one register only are `not_in_before` or
  `not_in_after`; those of a merger or split, `merged` or `split`. Who opted out or is out of scope in either wave is
  that.

`cause` tells apart what a row rests on: the world; the method (other lists, rules, guesses, opt-outs); the register
(also where the listing is of a domain that only one of the registers gives); or a network that did not answer.

A change is `confirmed` when every listing that it rests on is: after for `new`, before for `cleared`, both for
`persisting`. Nothing here asks, and swapping the waves swaps the words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from .dossiers import whose
from .frames import frame, records, rows_of
from .operators import Directory
from .successors import Kin
from .tables import HEADLINE_GROUPS, Body, Dns, Share
from .wave_tables import Cause, Change, Reason
from .yardstick import Measured, Wave, Yardstick

_UNLISTED = frozenset({Body.CLEAR, Body.NO_MAIL})
_GIVEN = frozenset({"given", "reviewed"})
_REGISTER_DOUBTS = frozenset({"domain_unknown", "domain_doubtful", "domain_absent"})
NOT_JUDGED = "not_judged"
"""No list of the kind was healthy in the wave, so that nothing could be said at all."""

CAUSES: Mapping[Reason, Cause] = {
    **dict.fromkeys((Reason.UNKNOWN_BEFORE, Reason.UNKNOWN_AFTER, Reason.UNKNOWN_BOTH), Cause.NETWORK),
    **dict.fromkeys((Reason.LIST_VOID, Reason.LIST_NOT_IN_BOTH, Reason.LIST_SET_ASIDE), Cause.METHOD),
    **dict.fromkeys((Reason.RULES_CHANGED, Reason.DOMAIN_CHANGED, Reason.OPTED_OUT), Cause.METHOD),
    **dict.fromkeys((Reason.NOT_IN_BEFORE, Reason.NOT_IN_AFTER, Reason.MERGED, Reason.SPLIT), Cause.REGISTER),
    Reason.OUT_OF_SCOPE: Cause.REGISTER,
}


class Side(NamedTuple):
    """What one wave says of a body or server: on the yardstick, by all its healthy lists, and on which of these."""

    word: str
    whole: str
    zones: Sequence[str]


class Judged(NamedTuple):
    """A change, and why there is none to tell."""

    change: Change
    reason: Reason | None = None


def judge(before: Side, after: Side, yardstick: Yardstick, groups: Sequence[str] = HEADLINE_GROUPS) -> Judged:
    """What became of something from one wave to the next, by its two sides alone; `groups` of lists decide it."""
    sides = (before, after)
    for word, reason in ((Body.OUT_OF_SCOPE, Reason.OUT_OF_SCOPE), (Body.OPTED_OUT, Reason.OPTED_OUT)):
        if any(side.whole == word for side in sides):
            return Judged(Change.NOT_COMPARABLE, reason)
    silent = [side.whole == Body.UNKNOWN for side in sides]
    if any(silent):
        unknown = (Reason.UNKNOWN_BOTH if all(silent) else Reason.UNKNOWN_BEFORE) if silent[0] else Reason.UNKNOWN_AFTER
        return Judged(Change.NOT_COMPARABLE, unknown)
    is_listed = [side.word == Body.LISTED for side in sides]
    # Listed all the same, on a list that the other wave does not share.
    elsewhere = [side for side, on in zip(sides, is_listed, strict=True) if not on and side.whole == Body.LISTED]
    if elsewhere or any(side.word == Body.UNKNOWN for side in sides):
        of_groups = yardstick.of_groups(*groups)
        zones = {zone for side in elsewhere for zone in side.zones} & of_groups or of_groups
        return Judged(Change.NOT_COMPARABLE, yardstick.why(zones))
    words = {
        (False, True): Change.NEW,
        (True, True): Change.PERSISTING,
        (True, False): Change.CLEARED,
        (False, False): Change.UNLISTED,
    }
    return Judged(words[is_listed[0], is_listed[1]])


def compare(
    before: Wave, after: Wave, yardstick: Yardstick, kin: Sequence[Kin], directory: Directory
) -> tuple[pd.DataFrame, tuple[Measured, Measured]]:
    """The table `wave_bodies`: one row per body of either register; and both waves on the yardstick.

    Who is the same body in both stands in `kin`; every code of either register stands there once.
    """
    measured = (yardstick.measure(before, directory), yardstick.measure(after, directory))
    one, other = (_Bodies(wave, found) for wave, found in zip((before, after), measured, strict=True))
    rows = [_row(before.name, after.name, one, other, pair, yardstick) for family in kin for pair in _pairs(family)]
    count = len({*one.names, *other.names}) - sum(a != b for a, b, *_ in map(_codes, rows) if a and b)
    if len(rows) != count:
        raise AssertionError(f"{count} bodies stand in the two registers, {len(rows)} were compared")
    return frame("wave_bodies", sorted(rows, key=lambda row: str(row[2]))), measured


def _codes(row: tuple[object, ...]) -> tuple[object, object]:
    return row[3], row[4]


class _Pair(NamedTuple):
    """One body: its code in either register, why it cannot be compared, and the others of its merger or split."""

    before: str | None
    after: str | None
    reason: Reason | None
    kin: Sequence[str] = ()


def _pairs(family: Kin) -> Iterator[_Pair]:
    """The bodies of one family, each once."""
    if family.kind in ("same", "recoded"):
        yield _Pair(family.before[0], family.after[0], None)
        return
    everyone = sorted({*family.before, *family.after})
    for code in everyone:
        before, after = code if code in family.before else None, code if code in family.after else None
        reason = Reason.NOT_IN_AFTER if after is None else Reason.NOT_IN_BEFORE
        if family.kind != "alone":
            reason = Reason.MERGED if family.kind == "merged" else Reason.SPLIT
        yield _Pair(before, after, reason, [other for other in everyone if other != code])


class _Bodies:
    """One wave's bodies, for comparing: findings by code, and what stands behind them."""

    def __init__(self, wave: Wave, measured: Measured) -> None:
        tables = wave.tables
        columns = ("prefecture", "name", "kind")
        self.names = {code: tuple(rest) for code, *rest in rows_of(tables["bodies"], "code", *columns)}
        self.found, self.whole = by_key(measured.findings, "code"), by_key(tables["findings"], "code")
        self.domains: dict[str, set[str]] = defaultdict(set)
        self.guessed: dict[str, set[str]] = defaultdict(set)
        for code, domain, basis, confidence in rows_of(tables["domains"], "code", "domain", "basis", "confidence"):
            if confidence != "low" and not wave.opt_outs.has_domain(domain):
                self.domains[code].add(domain)
                if basis not in _GIVEN:
                    self.guessed[code].add(domain)
        self.hosts, self.silent = hosts_of(tables["mail_servers"])
        told = rows_of(measured.servers, "host", "own_or_shared", "operator")
        self.servers = {host: (share, operator) for host, share, operator in told}

    def side(self, code: str) -> Side:
        found, whole = self.found[code], self.whole[code]
        return Side(str(found["status"]), str(whole["status"]), whole["lists"])

    def relay_side(self, code: str) -> Side:
        """The same by open-relay lists alone."""
        word, whole = (table[code]["open_relay_listing"] for table in (self.found, self.whole))
        status = str(self.whole[code]["status"])
        if status in (Body.OUT_OF_SCOPE, Body.OPTED_OUT):
            return Side(status, status, ())
        told = str(whole) if isinstance(whole, str) else NOT_JUDGED
        return Side(str(word) if isinstance(word, str) else Body.UNKNOWN, told, self.whole[code]["lists"])

    def servers_of(self, code: str) -> set[str]:
        return set().union(*(self.hosts.get(domain, ()) for domain in self.domains.get(code, ())))

    def is_heard(self, code: str) -> bool:
        """Whether the mail servers of all its domains are known."""
        domains = self.domains.get(code, set())
        return bool(domains) and domains.isdisjoint(self.silent) and all(domain in self.hosts for domain in domains)

    def whose(self, code: str) -> Share:
        return whose({self.servers[host][0] for host in self.servers_of(code) if host in self.servers})

    def operators(self, code: str) -> list[str]:
        return sorted({self.servers[host][1] for host in self.servers_of(code) if host in self.servers})


def by_key(table: pd.DataFrame, key: str) -> dict[str, dict[str, Any]]:
    """The rows of a table by one of its columns."""
    return {str(row[key]): row for row in records(table)}


def hosts_of(mail_servers: pd.DataFrame) -> tuple[dict[str, set[str]], set[str]]:
    """Per domain the hosts that its answers name; and the domains of which an answer is missing."""
    hosts: dict[str, set[str]] = defaultdict(set)
    silent = set()
    for domain, host, status in rows_of(mail_servers, "domain", "host", "status"):
        hosts[domain].update([host] if isinstance(host, str) else [])
        if status in (Dns.SILENT, Dns.NOT_ASKED):
            silent.add(domain)
    return dict(hosts), silent


def _row(
    before: str, after: str, one: _Bodies, other: _Bodies, pair: _Pair, yardstick: Yardstick
) -> tuple[object, ...]:
    """One row of `wave_bodies`."""
    code = pair.after or pair.before or ""
    prefecture, name, kind = (other.names if pair.after else one.names)[code]
    name_before = one.names[pair.before][1] if pair.before else None
    found_before, found_after = one.found.get(pair.before or "", {}), other.found.get(pair.after or "", {})
    whole_before, whole_after = one.whole.get(pair.before or "", {}), other.whole.get(pair.after or "", {})
    judged, relay = Judged(Change.NOT_COMPARABLE, pair.reason), Judged(Change.NOT_COMPARABLE, pair.reason)
    moved, is_known = None, None
    came, left, domains_came, domains_left = set[str](), set[str](), set[str](), set[str]()
    cause = CAUSES[pair.reason] if pair.reason else None
    if pair.before and pair.after:
        domains_came = other.domains[pair.after] - one.domains[pair.before]
        domains_left = one.domains[pair.before] - other.domains[pair.after]
        is_known = one.is_heard(pair.before) and other.is_heard(pair.after)
        if is_known:
            came = other.servers_of(pair.after) - one.servers_of(pair.before)
            left = one.servers_of(pair.before) - other.servers_of(pair.after)
            moved = _moved(one.whose(pair.before), other.whose(pair.after)) if came or left else None
        if pair.reason is None:
            guesses = domains_left & one.guessed[pair.before] | domains_came & other.guessed[pair.after]
            judged, relay = (
                _by_guess(judge(side(one, pair.before), side(other, pair.after), yardstick, groups), guesses)
                for side, groups in ((_Bodies.side, HEADLINE_GROUPS), (_Bodies.relay_side, ("relay",)))
            )
            cause = _cause(judged, one, other, pair)
    return (
        *(before, after, code, pair.before, pair.after, prefecture, name, name_before, kind),
        *(judged.change, judged.reason, cause, _confirmed(judged.change, found_before, found_after)),
        *(found_before.get("status"), found_after.get("status")),
        *(whole_before.get("status"), whole_after.get("status")),
        *(relay.change, relay.reason),
        *(found_before.get("lists", []), found_after.get("lists", [])),
        *(found_before.get("categories", []), found_after.get("categories", [])),
        *(sorted(came), sorted(left), is_known),
        one.whose(pair.before) if pair.before else None,
        other.whose(pair.after) if pair.after else None,
        moved,
        one.operators(pair.before) if pair.before else [],
        other.operators(pair.after) if pair.after else [],
        *(sorted(domains_came), sorted(domains_left), list(pair.kin)),
        *(found_before.get("evidence_ids", []), found_after.get("evidence_ids", [])),
    )


def _moved(before: Share, after: Share) -> str | None:
    """Whether a body's servers went from its own to shared ones, or back."""
    return {(Share.OWN, Share.SHARED): "to_shared", (Share.SHARED, Share.OWN): "to_own"}.get((before, after))


def _by_guess(judged: Judged, guesses: set[str]) -> Judged:
    """Where one guessed domain gave way to another, neither a change nor a listing that stays is told of the body."""
    if guesses and judged.change in (Change.NEW, Change.CLEARED, Change.PERSISTING):
        return Judged(Change.NOT_COMPARABLE, Reason.DOMAIN_CHANGED)
    return judged


def _cause(judged: Judged, one: _Bodies, other: _Bodies, pair: _Pair) -> Cause | None:
    """What a row of a body that stands in both registers rests on; None where nothing changed."""
    before, after = str(pair.before), str(pair.after)
    if judged.reason in (Reason.UNKNOWN_BEFORE, Reason.UNKNOWN_AFTER, Reason.UNKNOWN_BOTH):
        said = [one.found[before], other.found[after]]
        doubts = {str(word) for found in said if found["status"] == Body.UNKNOWN for word in found["caveat"]}
        if doubts & {"mx_silent", "address_silent", "listing_silent", "listing_refused"}:
            return Cause.NETWORK
        is_gone = "domain_absent" in doubts and judged.reason is not Reason.UNKNOWN_BOTH
        return Cause.WORLD if is_gone else Cause.REGISTER if doubts & _REGISTER_DOUBTS else Cause.NETWORK
    if judged.reason is not None:
        return CAUSES[judged.reason]
    if judged.change not in (Change.NEW, Change.CLEARED):
        return None
    listed, code, there = other, after, one.domains[before]
    if judged.change is Change.CLEARED:
        listed, code, there = one, before, other.domains[after]
    hosts = set(listed.found[code]["servers_listed"])
    naming = {domain for domain in listed.domains[code] if not hosts.isdisjoint(listed.hosts.get(domain, ()))}
    return Cause.WORLD if naming & there else Cause.REGISTER


def _confirmed(change: Change, before: Mapping[str, object], after: Mapping[str, object]) -> bool | None:
    """Whether the listings that a change rests on were confirmed by a later pass; None where it rests on none."""
    resting = {Change.NEW: (after,), Change.CLEARED: (before,), Change.PERSISTING: (before, after)}.get(change)
    return all(one["confirmed"] is True for one in resting) if resting else None
