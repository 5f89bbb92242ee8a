"""The operators room: who runs a mail server, and whether it is a body's own or shared with others.

Who runs it is told by names and by use, in this order; `operator_basis` says which one spoke:

* `host`    the host's name ends in a suffix that `data/operators.csv` knows as some operator's mail servers;
* `ptr`     a forward-confirmed PTR name of one of its addresses does;
* `range`   one of its addresses lies in a range that the file knows;
* `body`    the name lies in a mail domain of the register: it bears that body's name;
* `domain`  otherwise the registrable domain of the name (publicsuffix.org), kind `unknown`.

Own or shared, the first rule that fits; `basis` says which one:

* `used_by_several`     two or more bodies of the register use it, by this name or by another with its address: shared;
* `known_operator`      its operator stands in `data/operators.csv`: shared, whoever else uses it;
* `bears_its_name`      its only user's mail domain is in its name: own;
* `bears_another_name`  another body's is: shared;
* `operator_of_several` other servers under its registrable domain serve other bodies: shared;
* `name_tells_nothing`  none of these: unknown. That nobody else in the register uses it proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from operator import itemgetter
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton
from typing import NamedTuple

import pandas as pd

from .edited import Place, read_places
from .frames import frame, rows_of
from .standings import Standing
from .suffixes import registrable
from .tables import Body, Confidence, Dns, Share

DATA = Path(__file__).resolve().parent.parent / "data" / "operators.csv"
KINDS = ("prefectural_cloud", "provider", "global_cloud")
NAMES = ("mail", "mixed", "rented")
"""What names of this form are: mail servers; mail servers and access lines alike, so that a PTR name tells nothing; or
machines that tenants rent and run, so that no name tells anything."""
# Looked up for every server: an enumeration's own look-up takes six times as long.
_OWN, _SHARED, _UNKNOWN = Share.OWN, Share.SHARED, Share.UNKNOWN
_Said = Sequence[list[str]]
"""What `networks` says of an address: the columns named below."""
_NETWORK = ("ptr_confirmed", "asns", "as_names")
_NOTHING_SAID: _Said = ([], [], [])
_COLUMNS = ("match", "value", "names", "operator", "operator_ja", "kind", "source", "date")


class Operator(NamedTuple):
    """Who runs a server: name in English and Japanese, kind, and what told it."""

    name: str
    name_ja: str
    kind: str
    basis: str
    names: str = "mail"


@dataclass(frozen=True, slots=True)
class Directory:
    """Known operators of mail servers, found by host name or address."""

    suffixes: Mapping[str, Operator]
    ranges: tuple[tuple[IPv4Network | IPv6Network, Operator], ...]
    _spans: Mapping[int, Sequence[tuple[bytes, bytes, Operator]]] = field(init=False)
    """The first and the last address of each range, by how many octets they have."""

    def __post_init__(self) -> None:
        spans: dict[int, list[tuple[bytes, bytes, Operator]]] = {4: [], 16: []}
        for block, one in self.ranges:
            spans[block.max_prefixlen // 8].append((block[0].packed, block[-1].packed, one))
        object.__setattr__(self, "_spans", spans)

    def by_name(self, name: str) -> Operator | None:
        """The operator whose mail servers are called so, the longest suffix deciding."""
        suffix = _longest(self.suffixes, name)
        found = self.suffixes[suffix] if suffix is not None else None
        return found if found is not None and found.names != "rented" else None

    def by_pointer(self, name: str) -> Operator | None:
        """The same for a PTR name, which only counts where no access line or rented machine is called so."""
        suffix = _longest(self.suffixes, name)
        found = self.suffixes[suffix] if suffix is not None else None
        return found._replace(basis="ptr") if found is not None and found.names == "mail" else None

    def by_address(self, address: str) -> Operator | None:
        packed = inet_pton(AF_INET6 if ":" in address else AF_INET, address)
        for first, last, one in self._spans[len(packed)]:
            if first <= packed <= last:
                return one
        return None


def load_directory(path: Path = DATA) -> Directory:
    """Read `data/operators.csv`. Raises CatalogueError, naming file, row and column."""
    suffixes: dict[str, Operator] = {}
    ranges: list[tuple[IPv4Network | IPv6Network, Operator]] = []
    for place in read_places(path, _COLUMNS):
        match, value = place.one_of("match", ("suffix", "range")), place.text("value").lower()
        for column in ("operator", "operator_ja", "source", "date"):
            if not place.text(column):
                raise place.wrong(column, "an operator without it", "fill the cell in", "空欄です")
        kind, names = place.one_of("kind", KINDS), place.one_of("names", NAMES)
        one = Operator(place.text("operator"), place.text("operator_ja"), kind, "", names)
        if match == "range":
            ranges.append((_range(place, value), one._replace(basis="range")))
        elif not value or value.startswith(".") or " " in value:
            raise place.wrong(
                "value", "this is no host suffix", "write example.jp, without a dot in front", "書き方が違います"
            )
        elif value in suffixes:
            raise place.wrong("value", "this suffix stands here twice", "keep one of the rows", "重複しています")
        else:
            suffixes[value] = one._replace(basis="host")
    return Directory(suffixes, tuple(ranges))


def _range(place: Place, value: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value)
    except ValueError:
        raise place.wrong(
            "value", "this is no address range", "write 192.0.2.0/24", "アドレス範囲ではありません"
        ) from None


def users(
    served: Iterable[tuple[str, str]], addresses_by_host: Mapping[str, Sequence[str]]
) -> dict[str, frozenset[str]]:
    """For every host the codes of all bodies that it serves, under this name or another with the same address.

    `served` are pairs of a body's code and a host.
    """
    by_host: dict[str, set[str]] = defaultdict(set)
    for code, host in served:
        by_host[host].add(code)
    by_address: dict[str, set[str]] = defaultdict(set)
    for host, codes in by_host.items():
        for address in addresses_by_host.get(host, ()):
            by_address[address] |= codes
    found: dict[str, frozenset[str]] = {}
    for host, codes in by_host.items():
        own = addresses_by_host.get(host, ())
        # Whoever uses the host uses its addresses: of most hosts one set says it all.
        together = by_address[own[0]] if len(own) == 1 else codes.union(*[by_address[address] for address in own])
        found[host] = frozenset(together)
    return found


class Use:
    """Who uses each mail server of a surveyed body, and who runs it: what names tell, without what lists said."""

    def __init__(
        self,
        bodies: pd.DataFrame,
        domains: pd.DataFrame,
        mail_servers: pd.DataFrame,
        addresses: pd.DataFrame,
        networks: pd.DataFrame,
        directory: Directory,
    ) -> None:
        by_host: dict[str, list[str]] = defaultdict(list)
        silent, no_answer = set[str](), Dns.SILENT
        for host, address, status, why in rows_of(addresses, "host", "address", "status", "reason"):
            # A private address is many machines: it makes nobody share a server.
            if isinstance(address, str) and not isinstance(why, str):
                by_host[host].append(address)
            if status == no_answer:
                silent.add(host)
        surveyed = {code for code, in_scope in rows_of(bodies, "code", "in_scope") if in_scope}
        codes_of: dict[str, list[str]] = defaultdict(list)
        for code, domain in rows_of(domains, "code", "domain"):
            if code in surveyed:
                codes_of[domain].append(code)
        used_by = users(_served(codes_of, mail_servers), by_host)
        said_of = {address: rest for address, *rest in rows_of(networks, "address", *_NETWORK)}
        run_by: dict[str, tuple[Operator, Sequence[str]]] = {}
        serves: dict[str, set[str]] = defaultdict(set)
        for host, codes in used_by.items():
            owned = _longest(codes_of, host)
            operator = _operator(host, by_host.get(host, ()), said_of, owned, directory)
            run_by[host] = operator, codes_of[owned] if owned is not None else ()
            serves[operator.name] |= codes
        self._silent = silent
        self._known: list[tuple[str, list[str], list[str], tuple[object, ...]]] = []
        """Of each server its name, its users, its addresses, and what stands in `servers` behind these."""
        for host, codes in used_by.items():
            (operator, owner), own = run_by[host], by_host.get(host, [])
            share, basis = _share(codes, owner, operator, serves[operator.name])
            rest = (
                share,
                basis,
                operator.name,
                operator.name_ja,
                "own" if share is _OWN else operator.kind,
                operator.basis,
                _several(said_of, 1, own),
                _several(said_of, 2, own),
            )
            self._known.append((host, sorted(codes), own, rest))

    @classmethod
    def of(cls, take: Callable[..., pd.DataFrame], directory: Directory) -> Use:
        """The same from the tables of a run; `take` gives one by its name, with some columns."""
        domains = take("domains", "code", "domain", "confidence")
        return cls(
            take("bodies", "code", "in_scope"),
            # A domain in doubt says nothing about who uses a server.
            domains.loc[domains["confidence"].ne(Confidence.LOW)],
            take("mail_servers", "domain", "host", "target"),
            take("addresses", "host", "address", "status", "reason"),
            take("networks", "address", *_NETWORK),
            directory,
        )

    def servers(self, standings: Mapping[str, Standing]) -> pd.DataFrame:
        """The table `servers`: one row per mail server of a surveyed body, listed ones first, then by their users.

        `status` is listed (open relay or abuse), unknown (an address or a list did not answer, or there is no address
        to ask about) or clear, by the healthy lists.
        """
        words = _Words()
        rows: list[tuple[tuple[int, int, str], tuple[object, ...]]] = []
        for host, codes, own, rest in self._known:
            told = [standings[one] for one in own if one in standings]
            order, status, on = words.of(told, is_silent=host in self._silent)
            rows.append(((order, -len(codes), host), (host, status, codes, len(codes), own, on, *rest)))
        return frame("servers", [row for _, row in sorted(rows, key=itemgetter(0))])


def _served(codes_of: Mapping[str, Sequence[str]], mail_servers: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Each body that a mail server takes mail for, by the domains that are known to be a body's."""
    for domain, host, target in rows_of(mail_servers, "domain", "host", "target"):
        if isinstance(host, str) and target not in ("address_literal", "localhost"):
            for code in codes_of.get(domain, ()):
                yield code, host


class _Words:
    """A server's word by what is told of its addresses; of most it is the same, which is told once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[int, Body, list[str]]] = {}

    def of(self, told: Sequence[Standing], *, is_silent: bool) -> tuple[int, Body, list[str]]:
        """Its place in the order of words, the word, and the zones that hold an address of it."""
        key = (is_silent, *told)
        if (found := self._known.get(key)) is None:
            if any(one.is_listed for one in told):
                order, word = 0, Body.LISTED
            elif is_silent or not any(one.answers for one in told) or any(one.is_doubtful for one in told):
                order, word = 1, Body.UNKNOWN
            else:
                order, word = 2, Body.CLEAR
            zones = sorted(frozenset[str]().union(*(one.listed_on for one in told)))
            found = self._known[key] = (order, word, zones)
        return found


def _several(said_of: Mapping[str, _Said], which: int, addresses: Sequence[str]) -> list[str]:
    """What one column of `networks` holds of these addresses, each text once."""
    if len(addresses) == 1 and len(found := said_of.get(addresses[0], _NOTHING_SAID)[which]) < 2:
        return list(found)
    return sorted(set().union(*[said_of.get(address, _NOTHING_SAID)[which] for address in addresses]))


def _longest(known: Container[str], name: str) -> str | None:
    """The longest known name that this one is, or lies under."""
    while name:
        if name in known:
            return name
        name = name.partition(".")[2]
    return None


def _operator(
    host: str,
    addresses: Iterable[str],
    said_of: Mapping[str, _Said],
    owned: str | None,
    directory: Directory,
) -> Operator:
    if (found := directory.by_name(host)) is not None:
        return found
    for address in addresses:
        for name in said_of.get(address, _NOTHING_SAID)[0]:
            if (found := directory.by_pointer(name)) is not None:
                return found
    for address in addresses:
        if (found := directory.by_address(address)) is not None:
            return found
    if owned is not None:
        return Operator(owned, owned, "unknown", "body")
    name = registrable(host)
    return Operator(name, name, "unknown", "domain")


def _share(codes: frozenset[str], owner: Collection[str], operator: Operator, serves: set[str]) -> tuple[Share, str]:
    """Own, shared or unknown, and the rule that decided."""
    if len(codes) > 1:
        return _SHARED, "used_by_several"
    if operator.kind != "unknown":
        return _SHARED, "known_operator"
    if not codes.isdisjoint(owner):
        return _OWN, "bears_its_name"
    if owner:
        return _SHARED, "bears_another_name"
    if len(serves) > 1:
        return _SHARED, "operator_of_several"
    return _UNKNOWN, "name_tells_nothing"


def used(servers: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """The table `servers` for counting: in `codes` stand those bodies alone that use a server by its own name.

    Who uses another name with an address of it is on the same machine, but the address that is listed may be another.
    """
    by_host: dict[str, list[str]] = defaultdict(list)
    for code, hosts in rows_of(findings, "code", "servers"):
        for host in hosts:
            by_host[host].append(code)
    codes = pd.Series([by_host.get(host, []) for host in servers["host"]], index=servers.index, dtype="object")
    return servers.assign(codes=codes)


def ranking(servers: pd.DataFrame, by: str = "operator") -> pd.DataFrame:
    """Operators, kinds of operators or single servers (`by` = operator, operator_kind, host), the most listed first.

    `servers` are for counting: see `used`.

    One row per value: `servers_n`, `bodies_n`, `listed_n` (bodies with a listed server of it), `unknown_n` (bodies with
    none listed but one unknown), and `cumulative_share`: of all bodies with a listed server, how many the rows so far
    carry, each body counted once.
    """
    bodies: dict[str, set[str]] = defaultdict(set)
    listed: dict[str, set[str]] = defaultdict(set)
    unknown: dict[str, set[str]] = defaultdict(set)
    for name, status, codes in rows_of(servers, by, "status", "codes"):
        bodies[name].update(codes)
        if status == Body.LISTED:
            listed[name].update(codes)
        elif status == Body.UNKNOWN:
            unknown[name].update(codes)
    count = servers[by].value_counts()
    total = len(set().union(*listed.values()))
    order = sorted(bodies, key=lambda name: (-len(listed[name]), -len(bodies[name]), name))
    rows, seen = [], set[str]()
    for name in order:
        seen |= listed[name]
        share = len(seen) / total if total else None
        rows.append(
            (name, int(count[name]), len(bodies[name]), len(listed[name]), len(unknown[name] - listed[name]), share)
        )
    columns = [by, "servers_n", "bodies_n", "listed_n", "unknown_n", "cumulative_share"]
    return pd.DataFrame(rows, columns=columns)
