"""The practice world: documentation and benchmark addresses, reached on loopback; and its country, served."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from ..smtp.grammar import PORT
from ..worlds import AsnZones, MailPatience, World
from .country import Country
from .dns import Answers, NameServer, answers_of
from .mailers import mailers
from .smtp import MailServers

_BLOCKS = tuple(
    map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32"))
)
"""RFC 5737, RFC 2544 and RFC 3849: addresses that are nobody's."""


def is_practice(address: str) -> bool:
    """Whether an address is one of documentation or benchmarking, and so may stand for a server here."""
    found = ip_address(address)
    return any(found in block for block in _BLOCKS if block.version == found.version)


def is_kept(domain: str) -> bool:
    """Whether a name of the practice country is kept for governments: the rule of the real world, with `.example`."""
    labels = domain.split(".")
    if labels[-1] != "example":
        return False
    return labels[-2] in ("lg", "go") or (len(labels) > 2 and labels[0] in ("city", "town", "vill", "pref"))


def _loopback(address: str, port: int) -> tuple[str, int]:
    if port == PORT:
        raise ConnectionRefusedError(f"no practice mail server is being served for {address}")
    return "127.0.0.1", port


PRACTICE = World(
    name="practice",
    askable=is_practice,
    reach=_loopback,
    timeout_s=0.3,
    tries=3,
    pause_s=0.3,
    pass_gap_s=0.0,
    canaries=("example",),
    reserved=is_kept,
    asn_zones=AsnZones("origin.asn.example", "origin6.asn.example", "asn.example"),
    patience=MailPatience(greeting_s=3.0, reply_s=3.0, dialogue_s=20.0, pause_s=0.0, connections=64),
)
"""The practice world: short time-outs, no pause between passes."""


@dataclass(frozen=True, slots=True)
class Served:
    """A country that is being served: where to ask, and what was asked."""

    country: Country
    server: NameServer

    @property
    def resolver(self) -> tuple[str, int]:
        return "127.0.0.1", self.server.port

    def counts(self) -> Mapping[bytes, int]:
        return self.server.counts()


@contextlib.contextmanager
def serve(
    country: Country, *, delay_s: float = 0.0, change: Callable[[Answers], None] | None = None
) -> Iterator[Served]:
    """Serve a country on a free port of 127.0.0.1; `change` may alter its answers first."""
    answers = answers_of(country)
    if change is not None:
        change(answers)
    with NameServer(answers, delay_s) as server:
        yield Served(country, server)


@contextlib.contextmanager
def serve_mail(country: Country) -> Iterator[tuple[World, MailServers]]:
    """Serve a country's mail servers too; the practice world that reaches them."""
    with MailServers(mailers(country)) as servers:
        yield replace(PRACTICE, reach=servers.reach), servers
