"""The operators room: whose a mail server is, as far as names and use tell.

The rule, in the order in which it is applied:

1. A server is *shared* when its host name, or any of its addresses, serves mail domains of two or more bodies.
2. Otherwise it is its body's *own*.

Its operator is named by the registrable domain of its host name (publicsuffix.org).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from publicsuffixlist import PublicSuffixList

_SUFFIXES = PublicSuffixList()


def registrable(host: str) -> str:
    """The registrable domain of a host name; the name itself where there is none."""
    return _SUFFIXES.privatesuffix(host) or host


def users(
    hosts_by_body: Mapping[str, Iterable[str]], addresses_by_host: Mapping[str, Iterable[str]]
) -> dict[str, frozenset[str]]:
    """For every host the codes of all bodies that it serves, under this name or another with the same address."""
    by_host: dict[str, set[str]] = defaultdict(set)
    for code, hosts in hosts_by_body.items():
        for host in hosts:
            by_host[host].add(code)
    by_address: dict[str, set[str]] = defaultdict(set)
    for host, codes in by_host.items():
        for address in addresses_by_host.get(host, ()):
            by_address[address] |= codes
    return {
        host: frozenset(codes.union(*(by_address[address] for address in addresses_by_host.get(host, ()))))
        for host, codes in by_host.items()
    }
