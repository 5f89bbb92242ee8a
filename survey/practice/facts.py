"""What a practice country is made of: its lists, its bodies, their mail domains and hosts, as they were invented."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from .names import Name

RELAY_ZONES = ("orbz.dnsbl.example", "ordb.dnsbl.example")
ABUSE, PROXY = "abuse.dnsbl.example", "proxy.dnsbl.example"
POLICY, NEIGHBOURS, WHITE = "policy.dnsbl.example", "neighbours.dnsbl.example", "white.dnsbl.example"
HEALTHY = (*RELAY_ZONES, ABUSE, PROXY, POLICY, NEIGHBOURS, WHITE)
IPV6_ZONES = frozenset({"ordb.dnsbl.example", ABUSE})
NEWCOMER = "newcomer.dnsbl.example"
"""A list of spam sources that nobody knew in 2002."""
DEAD = {
    "world.dnsbl.example": "world",
    "refusing.dnsbl.example": "refusing",
    "parked.dnsbl.example": "parked",
    "silent.dnsbl.example": "silent",
    "emptied.dnsbl.example": "emptied",
}
OPERATORS = tuple(f"{('sc-cloud', 'netplaza', 'wide-isp', 'globalmail', 'hosting')[n % 5]}{n + 1}" for n in range(10))
KNOWN_OPERATORS = tuple(f".{name}.example" for name in OPERATORS if not name.startswith("hosting"))
"""Those whose mail servers everybody knows by name: data/operators.csv names them."""
KINDS_JA = {
    "prefecture": "都道府県",
    "designated_city": "政令指定都市",
    "city": "市",
    "special_ward": "特別区",
    "town": "町",
    "village": "村",
    "national": "国の機関",
}
SUFFIX = {"designated_city": "市", "city": "市", "special_ward": "区", "town": "町", "village": "村"}
READING = {"市": "シ", "区": "ク", "町": "マチ", "村": "ムラ"}
LABEL = {"designated_city": "city", "city": "city", "special_ward": "city", "town": "town", "village": "vill"}


@dataclass(slots=True)
class BodyFacts:
    """One body as it was invented."""

    code: str
    prefecture: str
    name: Name
    kind: str
    domains: list[str] = field(default_factory=list)
    in_scope: bool = True
    scope_reason: str = ""


@dataclass(slots=True)
class DomainFacts:
    """One mail domain: how its MX question is answered, and with what."""

    behaviour: str = "mx"
    """mx, null, none (no MX, no address), implicit, nxdomain, servfail, refused, silent."""
    exchangers: list[tuple[int, str]] = field(default_factory=list)
    is_big: bool = False
    needs_no_edns: bool = False


@dataclass(slots=True)
class HostFacts:
    """One host: its addresses, and how questions about them are answered."""

    ipv4: list[str] = field(default_factory=list)
    ipv6: list[str] = field(default_factory=list)
    behaviour: str = "ok"
    """ok, silent, servfail, nxdomain."""
    alias_of: str | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened between two seasons: to which bodies, by the codes that they had before and have now."""

    kind: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    date: datetime.date
    names_before: tuple[str, ...] = ()
    names_after: tuple[str, ...] = ()
