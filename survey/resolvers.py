"""Known public resolvers, which lists refuse, and the refusal of them with what to do instead."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from .errors import ResolverError

PUBLIC_RESOLVERS = tuple(
    map(
        ip_network,
        (
            *("8.8.8.0/24", "8.8.4.0/24", "2001:4860:4860::/48"),
            *("1.1.1.0/24", "1.0.0.0/24", "2606:4700:4700::/48"),
            *("9.9.9.0/24", "149.112.112.0/24", "2620:fe::/48"),
            *("208.67.216.0/21", "2620:119:35::/48", "2620:119:53::/48"),
            *("64.6.64.0/23", "2620:74:1b::/48", "4.2.2.0/29", "94.140.14.0/23", "2a10:50c0::/32"),
            *("185.228.168.0/23", "2a0d:2a00::/32", "76.76.2.0/24", "76.76.10.0/24", "2606:1a40::/32"),
            *("77.88.8.0/24", "2a02:6b8::feed:0/112", "45.90.28.0/22", "2a07:a8c0::/29", "129.250.35.250/31"),
        ),
    )
)
"""Resolvers whose questions lists refuse (Spamhaus, SURBL, URIBL and others say so by value or by silence): Google,
Cloudflare, Quad9, OpenDNS, Verisign/Vercara, Level 3, AdGuard, CleanBrowsing, Control D, Yandex, NextDNS, NTT."""


def is_public(address: str) -> bool:
    """Whether this is the address of a known public resolver, however it is written."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in block for block in PUBLIC_RESOLVERS if block.version == found.version)


def check_resolvers(resolvers: Sequence[tuple[str, int]]) -> None:
    """Refuse resolvers whose questions the lists refuse."""
    for address, _ in resolvers:
        if is_public(address):
            raise ResolverError(
                f"{address} is a public resolver; lists refuse what it asks, and refusals look like answers",
                where="--resolver",
                remedy="run a resolver of your own (make resolver) and name it: --resolver 127.0.0.1:5353",
                ja=f"{address} は公開リゾルバで、リスト側が照会を拒みます。自前のリゾルバを使ってください",
            )
