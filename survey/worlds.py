"""What differs between the real world and a practice country: one argument, never a flag inside a room.

A world says which addresses may be asked about, where a connection to an address really goes, how long to wait, and
under which names a random label cannot exist. `run.toml` records it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from .suffixes import is_reserved

_NAT64 = ip_network("64:ff9b::/96")
_TEREDO_6TO4 = (ip_network("2001::/32"), ip_network("2002::/16"))


class AsnZones(NamedTuple):
    """The zones that tell an address's network: origin of IPv4 and IPv6 addresses, and names of AS numbers."""

    origin: str
    origin_ipv6: str
    names: str


@dataclass(frozen=True, slots=True)
class MailPatience:
    """How the relay dialogue waits, in seconds, and how many servers are asked side by side (one connection each)."""

    greeting_s: float = 60.0
    reply_s: float = 60.0
    dialogue_s: float = 600.0
    pause_s: float = 2.0
    """Between two forms."""
    connections: int = 50


@dataclass(frozen=True, slots=True)
class World:
    """One world: its name, what is askable and reachable in it, and its time-outs in seconds."""

    name: str
    askable: Callable[[str], bool]
    """Whether lists may be asked about this address; every other address is `special`."""
    reach: Callable[[str, int], tuple[str, int]]
    """Where to connect for (address, port); the identity when live."""
    timeout_s: float
    """How long one attempt waits for an answer."""
    tries: int
    """How many attempts a question has in one pass."""
    pause_s: float
    """How long the last attempt waits before it starts."""
    pass_gap_s: float
    """The least time between two passes."""
    canaries: tuple[str, ...]
    """Suffixes under which a random label does not exist: whoever resolves one rewrites NXDOMAIN."""
    asn_zones: AsnZones
    """Where the network of an address is told."""
    reserved: Callable[[str], bool] = is_reserved
    """Whether a domain's name is kept for governments."""
    patience: MailPatience = MailPatience()
    """How the relay dialogue waits."""


def is_global_unicast(address: str) -> bool:
    """Whether the address is global unicast (IANA special-purpose registries, RFC 6890); IPv4-mapped counts as IPv4."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return is_global_unicast(str(found.ipv4_mapped))
        if found in _NAT64 or any(found in block for block in _TEREDO_6TO4):
            return False
    return found.is_global and not found.is_multicast and not (isinstance(found, IPv4Address) and found.is_reserved)


def _straight(address: str, port: int) -> tuple[str, int]:
    return address, port


LIVE = World(
    name="live",
    askable=is_global_unicast,
    reach=_straight,
    timeout_s=5.0,
    tries=3,
    pause_s=30.0,
    pass_gap_s=3600.0,
    canaries=("com", "net", "jp", "lg.jp"),
    asn_zones=AsnZones("origin.asn.cymru.com", "origin6.asn.cymru.com", "asn.cymru.com"),
)
"""The internet."""
