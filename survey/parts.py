"""A register in parts: which bodies are observed together.

A part is a set of bodies. Bodies that share a domain, given or candidate, are in one part: what is asked about a domain
is asked in one place. Parts follow from the register alone: the same register in as many parts gives the same parts, on
every machine. Servers that many domains use are asked about in each part that meets them.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict

from .register import Register

DOMAINS_MOST = 20_000
"""Domains of one part, about: what one process remembers while it observes grows with them."""
PARTS_MOST = 1_000


def how_many(register: Register, workers: int) -> int:
    """How many parts to make: one for each worker, more when they would be too large; never more than bodies."""
    domains = int(register.domains["domain"].nunique()) + int(register.candidates["code"].nunique())
    return max(1, min(max(workers, -(-domains // DOMAINS_MOST)), len(register.bodies), PARTS_MOST))


def split(register: Register, number: int) -> tuple[frozenset[str], ...]:
    """That many parts of about equal size, as sets of body codes: each body is in one part, each domain in one.

    The largest groups of bodies that hang together are dealt out first, each to the part that is lightest so far;
    groups of one size in the order of a hash, so that neighbours in the register do not gather in one part.
    """
    groups = _groups(register)
    heap = [(0, place) for place in range(number)]
    parts: list[list[str]] = [[] for _ in range(number)]
    for weight, _, codes in sorted((-weight, _hash(codes[0]), codes) for weight, codes in groups):
        lightest, place = heapq.heappop(heap)
        parts[place] += codes
        heapq.heappush(heap, (lightest - weight, place))
    return tuple(map(frozenset, parts))


def _groups(register: Register) -> list[tuple[int, list[str]]]:
    """The groups of bodies that share domains: how many domains each has, at least one, and its codes in order."""
    leader = {str(code): str(code) for code in register.bodies["code"]}

    def find(code: str) -> str:
        while leader[code] != code:
            leader[code] = code = leader[leader[code]]
        return code

    first: dict[str, str] = {}
    for table in (register.domains, register.candidates):
        for code, domain in zip(table["code"], table["domain"], strict=True):
            one, other = find(str(code)), find(first.setdefault(str(domain), str(code)))
            if one != other:
                leader[max(one, other)] = min(one, other)
    codes: dict[str, list[str]] = defaultdict(list)
    for code in sorted(leader):
        codes[find(code)].append(code)
    domains: dict[str, int] = defaultdict(int)
    for code in first.values():
        domains[find(code)] += 1
    return [(max(1, domains[top]), members) for top, members in codes.items()]


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
