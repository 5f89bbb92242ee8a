"""Bodies that share a server are listed together, so a count can tell of them what it would not tell of each alone.

Who uses which mail server is public (MX records). Of a region in which fifteen bodies use one server and eight others
have their own, "15 listed" says who they are: without that server at most eight could be. So every listed body without
an open gate must be dispensable in every printed count: the servers that it does not use must be able to make up the
number. `tied` reckons row by row; what several rows say together is `disclosure`'s matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

_MOST_TOGETHER = 8
"""Servers with common customers of which every choice is tried; of more each alone, and the largest n."""


def tied(
    hidden: Collection[str], rows: Iterable[tuple[Collection[str], int]], users: Mapping[str, set[str]]
) -> set[str]:
    """Those of `hidden` without whom the count of a row cannot come about.

    Each of `rows` is its bodies and how many of them are listed; `users` says per server who uses it. A body counts as
    listed if any of its servers is. Bodies with no server in `users` can be made up by nobody.
    """
    wanted = set(hidden)
    return set().union(*(_tied(wanted & set(members), set(members), count, users) for members, count in rows))


def _tied(hidden: set[str], members: set[str], count: int, users: Mapping[str, set[str]]) -> set[str]:
    """The same for one row."""
    customers = {server: here for server, codes in users.items() if (here := codes & members)}
    servers: dict[str, set[str]] = defaultdict(set)
    for server, codes in customers.items():
        for code in codes:
            servers[code].add(server)
    groups = _groups(customers, servers)
    place = {server: number for number, group in enumerate(groups) for server in group}
    sums = [_sums(group, customers) for group in groups]
    found: set[str] = set()
    known: dict[tuple[int, frozenset[str]], bool] = {}
    # Many groups are one body with a server of its own: what is left without one of them is the same for all.
    alike: dict[int, int] = {}
    for code in hidden:
        if code not in servers:
            continue
        number = place[next(iter(servers[code]))]
        if len(groups[number]) == 1:
            number = alike.setdefault(sums[number], number)
        key = (number, frozenset(servers[code]) if len(groups[number]) > 1 else frozenset())
        if key not in known:
            left = [server for server in groups[number] if server not in servers[code]] if key[1] else []
            others = [*sums[:number], *sums[number + 1 :], _sums(left, customers)]
            known[key] = bool(_all(others) >> count & 1)
        if not known[key]:
            found.add(code)
    return found


def _groups(customers: Mapping[str, set[str]], servers: Mapping[str, set[str]]) -> list[list[str]]:
    """Servers with common customers, together."""
    groups: list[list[str]] = []
    seen: set[str] = set()
    for first in customers:
        if first in seen:
            continue
        group, open_ = [], [first]
        seen.add(first)
        while open_:
            server = open_.pop()
            group.append(server)
            beside = {other for code in customers[server] for other in servers[code]} - seen
            seen |= beside
            open_.extend(sorted(beside))
        groups.append(sorted(group))
    return groups


def _sums(group: Collection[str], customers: Mapping[str, set[str]]) -> int:
    """How many bodies some of these servers may make listed: bit n stands for n bodies."""
    servers = sorted(group, key=lambda server: (-len(customers[server]), server))
    choices: Iterable[Iterable[str]]
    if len(servers) <= _MOST_TOGETHER:
        choices = (some for n in range(len(servers) + 1) for some in combinations(servers, n))
    else:
        choices = ((), *((one,) for one in servers), *(servers[:n] for n in range(2, len(servers) + 1)))
    bits = 0
    for some in choices:
        bits |= 1 << len(set().union(*(customers[server] for server in some)))
    return bits


def _all(sums: Iterable[int]) -> int:
    """The numbers that one of each may give together."""
    bits, single = 1, 0
    for one in sums:
        if one == 0b11:
            single += 1
            continue
        bits = _added(bits, one)
    # Each of these gives one or none, so together they give any number up to theirs.
    done = 1
    while single:
        step = min(done, single)
        bits |= bits << step
        single, done = single - step, done * 2
    return bits


def _added(bits: int, other: int) -> int:
    found, shift = 0, 0
    while other:
        if other & 1:
            found |= bits << shift
        other >>= 1
        shift += 1
    return found
