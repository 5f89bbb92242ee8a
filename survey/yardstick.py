"""The yardstick of two waves: the lists on which they can be held against each other, and every body measured on them.

A list counts where it was selected and healthy in both waves and is read by the same rules in both; for IPv6 addresses
its health for these must be the same besides. On these lists each wave's statuses are read anew, by the rules of
`findings` and `operators` themselves: what stands on another list is then neither new nor cleared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from . import findings, operators, standings
from .frames import frame, joined, rows_of
from .opt_outs import OptOuts
from .shelf import Shelf, where
from .tables import HEADLINE_GROUPS
from .wave_tables import Reason


@dataclass(frozen=True, slots=True)
class Wave:
    """One run as it is held against others: its tables, how it was made, and by which rules they were read."""

    name: str
    tables: Shelf
    headline: Mapping[str, object]
    run: Mapping[str, object]
    """What its run.toml says."""
    rules: Mapping[str, str]
    """Per zone a hash of the catalogue's rules by which its answers were read into these tables."""
    own_rules: Mapping[str, str] = field(default_factory=dict)
    """The same of the rules that it was asked under."""
    opt_outs: OptOuts = field(default_factory=OptOuts)
    absent_again: frozenset[str] = frozenset()
    """Domains of which a recheck, long after the first answer, said again that they have no mail exchanger."""
    is_read_again: bool = False
    """Whether the tables were read from evidence by rules that are not the run's own."""


class Measured(NamedTuple):
    """One wave on a yardstick: the tables `findings` and `servers`, read from the lists compared alone."""

    findings: pd.DataFrame
    servers: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The lists compared, those of them that are compared for IPv6 too, and why each other list is not."""

    zones: frozenset[str]
    ipv6: frozenset[str]
    left_out: Mapping[str, Reason]
    groups: frozenset[tuple[str, str]]
    """Every list of either wave with its group there: relay, abuse or context."""

    def of_groups(self, *groups: str) -> frozenset[str]:
        """The lists of either wave that are of these groups."""
        return frozenset(zone for zone, group in self.groups if group in groups)

    def why(self, zones: Collection[str]) -> Reason:
        """Why what rests on these lists cannot be compared; a list that is compared failed for IPv6 in one wave."""
        found = {self.left_out[zone] for zone in zones if zone in self.left_out}
        otherwise = Reason.LIST_VOID if zones else Reason.LIST_NOT_IN_BOTH
        return next((reason for reason in _ORDER if reason in found), otherwise)

    def measure(self, wave: Wave, directory: operators.Directory) -> Measured:
        """A wave's findings and servers by the lists compared; one row per body, and per mail server."""
        shelf, bodies = wave.tables, wave.tables.take("bodies", "code", "in_scope")
        lists = shelf.take("lists")
        lists = lists.loc[lists["zone"].isin(self.zones)]
        said = standings.read(self._said(shelf), lists)
        servers = operators.Use.of(shelf.take, directory).servers(said)

        def take(name: str, column: str, values: Collection[str], *columns: str) -> pd.DataFrame:
            if name == "servers":
                return where({name: servers}, name, column, values)[list(columns)]
            return shelf.where(name, column, values, *columns)

        found = findings.read(bodies, take, said, lists, wave.opt_outs.has_domain)
        return Measured(joined("findings", found), servers)

    def _said(self, shelf: Shelf) -> Iterator[pa.Table]:
        """What the lists compared said, part by part."""
        zones, ipv6 = (pa.array(sorted(some), pa.string()) for some in (self.zones, self.ipv6))
        for part in shelf.arrow_parts("listings", *standings.COLUMNS):
            is_ipv6 = pc.match_substring(part["address"], ":")
            is_compared = pc.or_(pc.invert(is_ipv6), pc.is_in(part["zone"], ipv6))
            yield part.filter(pc.and_(pc.is_in(part["zone"], zones), is_compared))


_ORDER = (Reason.LIST_VOID, Reason.LIST_NOT_IN_BOTH, Reason.RULES_CHANGED, Reason.LIST_SET_ASIDE)
"""Of several reasons the one that is told."""


def common(before: Wave, after: Wave, set_aside: Collection[str] = ()) -> Yardstick:
    """The yardstick of two waves; `set_aside` are lists that a person does not trust."""
    first, second = (dict(rows_of(wave.tables["lists"], "zone", "health")) for wave in (before, after))
    six = [dict(rows_of(wave.tables["lists"], "zone", "health_ipv6")) for wave in (before, after)]
    left_out = {}
    for zone in sorted({*first, *second}):
        if zone not in first or zone not in second:
            left_out[zone] = Reason.LIST_NOT_IN_BOTH
        elif first[zone] != "healthy" or second[zone] != "healthy":
            left_out[zone] = Reason.LIST_VOID
        elif before.rules.get(zone) != after.rules.get(zone):
            left_out[zone] = Reason.RULES_CHANGED
        elif zone in set_aside:
            left_out[zone] = Reason.LIST_SET_ASIDE
    zones = frozenset(first) - frozenset(left_out)
    ipv6 = frozenset(zone for zone in zones if six[0][zone] == six[1][zone] != "void")
    groups = [pair for wave in (before, after) for pair in rows_of(wave.tables["lists"], "zone", "group")]
    return Yardstick(zones, ipv6, left_out, frozenset(groups))


def has_headline_list(yardstick: Yardstick) -> bool:
    """Whether a list of open relays or abuse is compared: without one nothing can be said."""
    return not yardstick.zones.isdisjoint(yardstick.of_groups(*HEADLINE_GROUPS))


def lists_of(before: Wave, after: Wave, yardstick: Yardstick) -> pd.DataFrame:
    """The table `wave_lists`: one row per list that either wave selected."""
    columns = ("list_name", "group", "health", "reason", "asked_n", "listed_n")
    known: list[dict[str, tuple[object, ...]]] = [
        {row[0]: row[1:] for row in rows_of(wave.tables["lists"], "zone", *columns)} for wave in (before, after)
    ]
    nothing: tuple[object, ...] = (None,) * len(columns)

    def rows() -> Iterator[tuple[object, ...]]:
        for zone in sorted({*known[0], *known[1]}):
            one, other = (side.get(zone, nothing) for side in known)
            name, group = (other if zone in known[1] else one)[:2]
            pairs = [value for both in zip(one[2:], other[2:], strict=True) for value in both]
            compared = (zone in yardstick.zones, zone in yardstick.ipv6, yardstick.left_out.get(zone))
            yield (before.name, after.name, zone, name, group, *compared, *pairs)

    return frame("wave_lists", rows())
