"""Mail servers and their operators from one wave to the next. A server is its host name.

A host that one wave does not name is `not_in_before` or `not_in_after` only where every body that used it was heard in
that wave; otherwise its name may merely not have been told: `unknown_before`, `unknown_after`. Addresses are compared
where both waves told all of them. Operators are named by one file for both waves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import pandas as pd

from .frames import frame, rows_of
from .operators import ranking, used
from .tables import HEADLINE_CATEGORIES, Body, Dns, Listing
from .wave_tables import Cause, Change, Reason
from .waves import CAUSES, Judged, Side, by_key, hosts_of, judge
from .yardstick import Measured, Wave, Yardstick

_UNKNOWN = (Reason.UNKNOWN_BEFORE, Reason.UNKNOWN_AFTER)
_SAID = ("address", "zone", "status", "reason", "categories", "confirmed_categories")
_NOT_IN = (Reason.NOT_IN_BEFORE, Reason.NOT_IN_AFTER)


class _Servers:
    """One wave's mail servers, for comparing."""

    def __init__(self, wave: Wave, measured: Measured) -> None:
        tables = wave.tables
        self.found, self.whole = by_key(measured.servers, "host"), by_key(tables["servers"], "host")
        self.opted_out: set[str] = set()
        self.zones: dict[str, list[str]] = defaultdict(list)
        self.unconfirmed: set[tuple[str, str]] = set()
        """Addresses and zones of listings that no later pass confirmed."""
        for part in tables.parts("listings", *_SAID):
            self._hear(part)
        addresses = tables["addresses"]
        self.silent = set(addresses.loc[addresses["status"].eq(Dns.SILENT), "host"])
        self.names: dict[str, set[str]] = defaultdict(set)
        for host, one in self.found.items():
            for address in one["addresses"]:
                self.names[address].add(host)
        _, self._unheard = hosts_of(tables["mail_servers"])
        self._domains = set(tables["mail_servers"]["domain"])

    def _hear(self, said: pd.DataFrame) -> None:
        """What lists of open relays and abuse said of addresses, and which addresses opted out."""
        self.opted_out.update(said.loc[said["reason"].eq("opt_out"), "address"])
        is_told = said["status"].eq(Listing.LISTED)
        columns = ("address", "zone", "categories", "confirmed_categories")
        for address, zone, categories, confirmed in rows_of(said.loc[is_told], *columns):
            if counted := HEADLINE_CATEGORIES.intersection(categories):
                self.zones[address].append(zone)
                if not counted <= set(confirmed):
                    self.unconfirmed.add((address, zone))

    def side(self, host: str) -> Side:
        addresses = self.found[host]["addresses"]
        zones = sorted({zone for address in addresses for zone in self.zones.get(address, ())})
        word = str(self.found[host]["status"])
        if word == Body.UNKNOWN and not self.opted_out.isdisjoint(addresses):
            return Side(Body.OPTED_OUT, Body.OPTED_OUT, zones)
        return Side(word, str(self.whole[host]["status"]), zones)

    def is_confirmed(self, host: str, yardstick: Yardstick) -> bool:
        """Whether a later pass confirmed every listing of it on the lists compared."""
        return not any(
            (address, zone) in self.unconfirmed
            for address in self.found[host]["addresses"]
            for zone in self.zones.get(address, ())
            if zone in yardstick.zones and (":" not in address or zone in yardstick.ipv6)
        )

    def was_asked(self, domains: set[str]) -> bool:
        """Whether the mail servers of all these domains were heard."""
        return domains <= self._domains and domains.isdisjoint(self._unheard)


def compare_servers(
    before: Wave, after: Wave, measured: tuple[Measured, Measured], yardstick: Yardstick
) -> pd.DataFrame:
    """The table `wave_servers`: one row per mail server that a surveyed body of either wave uses."""
    one, other = _Servers(before, measured[0]), _Servers(after, measured[1])
    sides = (one, other)
    users = [_domains_of(wave.tables["mail_servers"]) for wave in (before, after)]

    def rows() -> Iterator[tuple[object, ...]]:
        for host in sorted({*one.found, *other.found}):
            is_in = [host in side.found for side in sides]
            if all(is_in):
                judged = judge(one.side(host), other.side(host), yardstick)
            else:
                missing = is_in.index(False)
                was_asked = sides[missing].was_asked(users[1 - missing].get(host, set()))
                judged = Judged(Change.NOT_COMPARABLE, (_NOT_IN if was_asked else _UNKNOWN)[missing])
            yield (before.name, after.name, host, *_told(host, judged, sides, yardstick))

    return frame("wave_servers", rows())


def _domains_of(mail_servers: pd.DataFrame) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for domain, host in rows_of(mail_servers, "domain", "host"):
        if isinstance(host, str):
            found[host].add(domain)
    return found


def _told(host: str, judged: Judged, sides: tuple[_Servers, _Servers], yardstick: Yardstick) -> Iterator[object]:
    """What stands in a row behind the host's name."""
    yield from judged
    is_change = judged.change in (Change.NEW, Change.CLEARED)
    yield CAUSES[judged.reason] if judged.reason else Cause.WORLD if is_change else None
    resting = {Change.NEW: sides[1:], Change.CLEARED: sides[:1], Change.PERSISTING: sides}.get(judged.change)
    yield all(side.is_confirmed(host, yardstick) for side in resting) if resting else None
    rows = [side.found.get(host, {}) for side in sides]
    yield from (row.get("status") for row in rows)
    yield from (row.get("lists", []) for row in rows)
    addresses = [sorted(map(str, _texts(row.get("addresses")))) for row in rows]
    yield from addresses
    is_told = all(rows) and not any(host in side.silent for side in sides)
    yield addresses[0] != addresses[1] if is_told else None
    same = {
        name
        for side, own in ((sides[1], addresses[0]), (sides[0], addresses[1]))
        for address in own
        for name in side.names.get(address, ())
    }
    yield sorted(same - {host})
    yield from (row.get("bodies_n") for row in rows)
    yield from (row.get("own_or_shared") for row in rows)
    latest = rows[1] or rows[0]
    yield from (latest["operator"], latest["operator_ja"])


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def compare_operators(
    before: str, after: str, measured: tuple[Measured, Measured], recoded: Mapping[str, str]
) -> pd.DataFrame:
    """The table `wave_operators`: one row per operator of either wave, those with the most listed bodies after first.

    `recoded` are the bodies of the earlier wave that have another code in the later one.
    """
    servers = [used(found.servers, found.findings) for found in measured]
    counts, listed = list(map(_counts, servers)), list(map(_listed, servers))
    known: dict[str, tuple[object, object]] = {}
    for found in measured:
        for operator, ja, kind in rows_of(found.servers, "operator", "operator_ja", "operator_kind"):
            known[operator] = (ja, kind)

    def rows() -> Iterator[tuple[object, ...]]:
        for operator, named in known.items():
            (rank, *numbers), (rank_now, *numbers_now) = (one.get(operator, (None, 0, 0, 0)) for one in counts)
            on_before = {recoded.get(code, code) for code in listed[0].get(operator, ())}
            both = len(on_before & listed[1].get(operator, set()))
            pairs = [value for two in zip(numbers, numbers_now, strict=True) for value in two]
            yield (before, after, operator, *named, rank, rank_now, *pairs[:4], both, *pairs[4:])

    table = frame("wave_operators", rows())
    order = ["listed_after", "listed_before", "bodies_after", "operator"]
    return table.sort_values(order, ascending=[False, False, False, True]).reset_index(drop=True)


def _counts(servers: pd.DataFrame) -> dict[str, tuple[int | None, int, int, int]]:
    """Per operator its rank by listed bodies (none without any), and its bodies: all, listed, unknown."""
    ranked = list(rows_of(ranking(servers, "operator"), "operator", "bodies_n", "listed_n", "unknown_n"))
    return {
        operator: (1 + sum(other > listed for _, _, other, _ in ranked) if listed else None, bodies, listed, unknown)
        for operator, bodies, listed, unknown in ranked
    }


def _listed(servers: pd.DataFrame) -> dict[str, set[str]]:
    """Per operator the bodies with a listed server of it."""
    found: dict[str, set[str]] = defaultdict(set)
    on = servers.loc[servers["status"].eq(Body.LISTED)]
    for operator, codes in rows_of(on, "operator", "codes"):
        found[operator].update(codes)
    return found
