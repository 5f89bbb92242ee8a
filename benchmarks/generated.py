"""The benchmark's own world: invented companies' mail domains, their servers, and twelve lists, from one seed.

At 3,557 domains it has the size of the survey of 2002: 4,265 hosts, two thirds of the domains on servers of their own,
the others on a few providers' by a Zipf law. From there on addresses grow as domains to the power 0.658, as in a
country where most companies use a provider: 0.3 per domain at 194,953. Names under `.example` and `.test` (RFC 2606),
addresses of 198.18.0.0/15 (RFC 2544) and 2001:db8::/32 (RFC 3849): nothing here is anybody's.

Domains and hosts are numbers; names, records and rows are made when they are written, so that memory stays small.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from dataclasses import replace
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from random import Random
from typing import NamedTuple

import xlsxwriter

from survey.catalogue import Blocklist, load_catalogue
from survey.names import reverse_name
from survey.worlds import AsnZones, MailPatience, World

from .child import ZONES, Pair

LISTED_SHARE = 0.03
IPV6_SHARE = 0.08
SILENT_EVERY = 100
"""One name in so many is silent where the benchmark makes some silent: of domains, of hosts, and of listings asked for."""

_SIZE_2002, _HOSTS_2002, _SHARED_2002 = 3_557, 4_265, 28
_GROWTH = 0.658
_HOSTS_PER_OWN = 1.79
_ALIAS_HOSTS, _SAME_ADDRESS = 0.01, 0.017
_HEAD = "$ORIGIN {zone}.\n$TTL 3600\n@ IN SOA ns root 1 3600 600 86400 3600\n@ IN NS ns\nns IN A 127.0.0.1\n"
_SYLLABLES = (
    *("ka", "ki", "ku", "ko", "sa", "su", "se", "to", "ta", "na"),
    *("ni", "no", "ha", "hi", "ma", "mi", "mo", "ya", "ri", "ro"),
)
_BUSINESS = ("", "-kogyo", "-shoji", "-denki", "-foods", "-system", "-insatsu", "-unyu")
_MIX, _NAMES = 2_654_435_761, 20**5
"""Multiplier and number of names: they share no factor, so every domain gets another name."""


class Kind(IntEnum):
    """How a domain takes mail, or does not."""

    OWN = 0
    TENANT = 1
    IMPLICIT = 2
    """No MX, but an address (RFC 5321 §5.1)."""
    ALIAS = 3
    """A CNAME to another domain, whose MX it has."""
    NONE = 4
    NULL = 5
    NXDOMAIN = 6


_SHARES = {Kind.IMPLICIT: 0.01, Kind.ALIAS: 0.005, Kind.NONE: 0.02, Kind.NULL: 0.01, Kind.NXDOMAIN: 0.01}


class Host(NamedTuple):
    """One mail server; an alias's addresses stand at `alias_of`."""

    name: str
    ipv4: str
    ipv6: str | None
    alias_of: str | None


class Generated:
    """One invented world. Make it with `Generated.make(domains, seed)`."""

    def __init__(self, size: int, seed: int) -> None:
        if not 100 <= size < _NAMES:
            raise ValueError(f"the generator makes 100 to {_NAMES - 1:,} domains, not {size:,}")
        self.size, self.seed = size, seed
        growth = (size / _SIZE_2002) ** (_GROWTH if size > _SIZE_2002 else 1)
        self.shared_n = max(4, round(_SHARED_2002 * growth) // 2 * 2)
        self.hosts_n = round(_HOSTS_2002 * growth)
        self._random = Random(seed)
        self._kinds = bytearray(size)
        self._first = array("l", bytes(8 * size))
        """An own server's domain: its first host. A tenant: its provider. An alias: the domain that it stands for."""
        self._counts = bytearray(size)
        self._owners = array("l")
        """The domain of each host after the shared ones."""
        self._places = array("l")
        """Which address each host has."""
        self._flags = bytearray(self.hosts_n)
        """Bit 1: has IPv6 too; bit 2: is an alias."""
        self.listed: dict[str, tuple[str, ...]] = {}
        """Address → the lists that it stands on."""

    @classmethod
    def make(cls, domains: int, seed: int = 2002) -> Generated:
        """Build the world of a size and seed."""
        made = cls(domains, seed)
        made._settle()
        made._house()
        made._number()
        made._list()
        return made

    # -- building ----------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        order = array("l", range(self.size))
        self._random.shuffle(order)
        at = 0
        counts = {kind: max(1, round(share * self.size)) for kind, share in _SHARES.items()}
        left = self.hosts_n - self.shared_n - counts[Kind.IMPLICIT]
        counts[Kind.OWN] = round(left / _HOSTS_PER_OWN)
        counts[Kind.TENANT] = self.size - sum(counts.values())
        for kind, count in counts.items():
            for domain in order[at : at + count]:
                self._kinds[domain] = kind
            at += count

    def _house(self) -> None:
        """Give each domain its servers: one or two of a provider's, or one to four of its own."""
        random = self._random
        weights = [1 / rank for rank in range(1, self.shared_n // 2 + 1)]
        own = [domain for domain in range(self.size) if self._kinds[domain] == Kind.OWN]
        extra = self.hosts_n - self.shared_n - len(own) - self._kinds.count(Kind.IMPLICIT)
        for domain in own:
            self._counts[domain] = 1
        while extra:
            domain = own[int(random.random() * len(own))]
            if self._counts[domain] < 4:
                self._counts[domain] += 1
                extra -= 1
        next_provider = 0
        for domain, kind in enumerate(self._kinds):
            match kind:
                case Kind.OWN | Kind.IMPLICIT:
                    self._counts[domain] = max(1, self._counts[domain])
                    self._first[domain] = self.shared_n + len(self._owners)
                    self._owners.extend([domain] * self._counts[domain])
                case Kind.TENANT if next_provider < len(weights):
                    # Every provider has a customer who uses both of its servers.
                    self._first[domain], self._counts[domain] = next_provider, 2
                    next_provider += 1
                case Kind.TENANT:
                    self._first[domain] = random.choices(range(len(weights)), weights)[0]
                    self._counts[domain] = 1 + (random.random() < 0.5)
                case Kind.ALIAS:
                    self._first[domain] = own[int(random.random() * len(own))]

    def _number(self) -> None:
        """Give each host an address, now and then one that an earlier host has too."""
        random, used = self._random, 0
        for host in range(self.hosts_n):
            if host > self.shared_n and random.random() < _SAME_ADDRESS:
                self._places.append(self._places[int(random.random() * host)])
            else:
                self._places.append(used)
                used += 1
            is_apex = host >= self.shared_n and self._kinds[self._owners[host - self.shared_n]] == Kind.IMPLICIT
            self._flags[host] = (random.random() < IPV6_SHARE) + 2 * (random.random() < _ALIAS_HOSTS and not is_apex)
        if used > 1 << 17:
            raise ValueError(f"198.18.0.0/15 has no {used:,} addresses")
        self.ipv4_n = used

    def _list(self) -> None:
        random = self._random
        weights = [1 / rank for rank in range(1, len(ZONES) + 1)]
        for place in range(self.ipv4_n):
            if random.random() < LISTED_SHARE:
                zones = {random.choices(ZONES, weights)[0] for _ in range(1 + (random.random() < 0.4))}
                self.listed[_ipv4(place)] = tuple(sorted(zones))

    # -- what is there -----------------------------------------------------------------------------------------

    def domain(self, number: int) -> str:
        """The name of a domain."""
        mixed = (number + 1) * _MIX % _NAMES
        label = "".join(_SYLLABLES[mixed // 20**power % 20] for power in range(5))
        return f"{label}{_BUSINESS[mixed % len(_BUSINESS)]}.example"

    def kind(self, number: int) -> Kind:
        """How a domain takes mail."""
        return Kind(self._kinds[number])

    def domains(self) -> Iterator[str]:
        """Every domain of the register."""
        return map(self.domain, range(self.size))

    def silent(self) -> Iterator[str]:
        """The names about which, with every name below, nobody answers where some are made silent."""
        yield from (self.domain(number) for number in range(self.size) if _is_silent(number))
        yield from (self.host(number).name for number in range(self.shared_n, self.hosts_n) if _is_silent(number))
        for place in range(self.ipv4_n):
            for number, zone in enumerate(ZONES):
                if _is_silent(place * len(ZONES) + number):
                    yield f"{reverse_name(_ipv4(place))}.{zone}"

    def host(self, number: int) -> Host:
        """One mail server."""
        if number < self.shared_n:
            name = f"mx{number % 2 + 1}.hosting{number // 2 + 1}.example"
        else:
            owner = self._owners[number - self.shared_n]
            domain = self.domain(owner)
            is_apex = self._kinds[owner] == Kind.IMPLICIT
            name = domain if is_apex else f"mx{number - self._first[owner] + 1}.{domain}"
        flags = self._flags[number]
        place = self._places[number]
        ipv6 = str(IPv6Address((0x20010DB8 << 96) + (number + 1 << 64) + 25)) if flags & 1 else None
        return Host(name, _ipv4(place), ipv6, f"srv.{name}" if flags & 2 else None)

    def hosts(self) -> Iterator[Host]:
        """Every mail server; each takes some domain's mail."""
        return map(self.host, range(self.hosts_n))

    def exchangers(self, number: int) -> range:
        """The numbers of the hosts that take a domain's mail, the preferred first."""
        kind, first = self._kinds[number], self._first[number]
        if kind == Kind.ALIAS:
            return self.exchangers(first)
        if kind == Kind.TENANT:
            first = 2 * first
        elif kind not in (Kind.OWN, Kind.IMPLICIT):
            return range(0)
        return range(first, first + self._counts[number])

    def addresses(self, *, with_silent: bool = True) -> list[str]:
        """The IPv4 addresses that a survey finds, each once; without those that only silent names lead to."""
        if with_silent:
            return [_ipv4(place) for place in range(self.ipv4_n)]
        found = set[int]()
        for number in range(self.size):
            if not _is_silent(number):
                found.update(self._places[host] for host in self.exchangers(number) if not self._is_mute(host))
        return [_ipv4(place) for place in sorted(found)]

    def _is_mute(self, host: int) -> bool:
        """Whether nobody answers about a host: its own name, or its domain's, is silent."""
        return host >= self.shared_n and (_is_silent(host) or _is_silent(self._owners[host - self.shared_n]))

    def pairs(self, *, with_silent: bool = True) -> set[Pair]:
        """The truth: every (address, list) that is listed and can be found."""
        found = self.addresses(with_silent=with_silent)
        pairs = {(address, zone) for address in found for zone in self.listed.get(address, ())}
        if with_silent:
            return pairs
        mute = set(self.silent())
        return {(address, zone) for address, zone in pairs if f"{reverse_name(address)}.{zone}" not in mute}

    def status(self, number: int) -> str:
        """The truth about one company, in the words of the table `findings`."""
        kind = self._kinds[number]
        if kind == Kind.NXDOMAIN:
            return "unknown"
        if kind in (Kind.NONE, Kind.NULL):
            return "no_mail"
        is_listed = any(_ipv4(self._places[host]) in self.listed for host in self.exchangers(number))
        return "listed" if is_listed else "clear"

    # -- what the survey is given ------------------------------------------------------------------------------

    def write_register(self, path: Path) -> None:
        """The register, as .csv or .xlsx: one row per company."""
        header = ("code", "prefecture", "name", "kind", "domain")
        rows = (
            (code(n - 1), f"Region {n % 47 + 1}", f"Company {n}", "other", domain)
            for n, domain in enumerate(self.domains(), 1)
        )
        if path.suffix == ".csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(header)
                writer.writerows(rows)
            return
        with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as workbook:
            sheet = workbook.add_worksheet("register")
            sheet.write_row(0, 0, header)
            for at, row in enumerate(rows, 1):
                sheet.write_row(at, 0, row)

    # -- what servers are given --------------------------------------------------------------------------------

    def write_zones(self, folder: Path) -> dict[str, Path]:
        """Master files (zone → file) by which one server answers everything that a survey of this world asks."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {zone: folder / f"{zone}.zone" for zone in ("example", *ZONES, "in-addr.arpa", "ip6.arpa")}
        for zone, path in files.items():
            with path.open("w", encoding="ascii") as file:
                file.write(_HEAD.format(zone=zone))
                if zone == "example":
                    file.writelines(self._names())
                elif zone == "in-addr.arpa":
                    file.writelines(self._pointers())
                elif zone in ZONES:
                    file.write('2.0.0.127 A 127.0.0.2\n2.0.0.127 TXT "test point"\n')
                    for address in (address for address, zones in self.listed.items() if zone in zones):
                        name = reverse_name(address)
                        file.write(f'{name} A 127.0.0.2\n{name} TXT "{address} is listed, see https://{zone}/"\n')
        return files

    def datasets(self) -> list[tuple[str, str, str]]:
        """(zone, dataset type, text) of the lists for rbldnsd."""
        found = []
        for zone in ZONES:
            lines = ["$TTL 3600\n$SOA 3600 ns.test root.test 1 3600 600 86400 3600\n127.0.0.2 :127.0.0.2:test point\n"]
            lines += [f"{a} :127.0.0.2:$ is listed, see https://{zone}/\n" for a, z in self.listed.items() if zone in z]
            found.append((zone, "ip4set", "".join(lines)))
        return found

    def _names(self) -> Iterator[str]:
        """Records of the domains and their servers, and whose network an address is in."""
        for number in range(self.size):
            kind, domain = self._kinds[number], self.domain(number)
            if kind == Kind.NXDOMAIN:
                continue
            if kind == Kind.ALIAS:
                yield f"{domain}. CNAME {self.domain(self._first[number])}.\n"
                continue
            if kind == Kind.NULL:
                yield f"{domain}. MX 0 .\n"
            elif kind in (Kind.OWN, Kind.TENANT):
                for place, host in enumerate(self.exchangers(number), 1):
                    yield f"{domain}. MX {10 * place} {self.host(host).name}.\n"
            if number % 5 < 2 or kind == Kind.NONE:
                yield f'{domain}. TXT "v=spf1 {"-all" if kind in (Kind.NONE, Kind.NULL) else "mx -all"}"\n'
            if number % 7 == 0:
                yield f'_dmarc.{domain}. TXT "v=DMARC1; p=none"\n'
        for one in self.hosts():
            name = one.name
            if one.alias_of is not None:
                yield f"{name}. CNAME {one.alias_of}.\n"
                name = one.alias_of
            yield f"{name}. A {one.ipv4}\n"
            if one.ipv6 is not None:
                yield f"{name}. AAAA {one.ipv6}\n"
        for block in range(512):
            upper, third = 18 + (block >> 8), block & 255
            text = f"{64512 + block % 64} | 198.{upper}.{third}.0/24 | ZZ | benchmark | 2002-03-16"
            yield f'*.{third}.{upper}.198.origin.asn TXT "{text}"\n'
        for number in range(64):
            yield f'as{64512 + number}.asn TXT "{64512 + number} | ZZ | benchmark | 2002-03-16 | BENCH-{number}, ZZ"\n'

    def _pointers(self) -> Iterator[str]:
        """A PTR record for four addresses in five."""
        seen = bytearray(self.ipv4_n)
        for number, place in enumerate(self._places):
            if not seen[place] and place % 5:
                host = self.host(number)
                yield f"{reverse_name(host.ipv4)} PTR {host.name}.\n"
            seen[place] = 1


def code(number: int) -> str:
    """The code under which the register has a company."""
    return f"C{number + 1:07d}"


def lists() -> list[Blocklist]:
    """The catalogue's rows of the twelve lists: IPv4, one code, no limits."""
    known = load_catalogue().lists
    found = []
    for number, zone in enumerate(ZONES):
        like = known["orbz.dnsbl.example" if number < 2 else "world.dnsbl.example"]
        found.append(
            replace(
                like,
                zone=zone,
                asked_zone=zone,
                codes=tuple(replace(code, zone=zone) for code in like.codes),
                list_name=f"Benchmark list {number + 1}",
                what_it_lists="invented addresses",
                lookup_url=f"https://{zone}/",
                delist_url=f"https://{zone}/",
            )
        )
    return found


def world(timeout_s: float = 1.0, tries: int = 3, pause_s: float = 0.0) -> World:
    """The world that a generated register lives in."""
    return World(
        name="bench",
        askable=_is_askable,
        reach=_straight,
        timeout_s=timeout_s,
        tries=tries,
        pause_s=pause_s,
        pass_gap_s=0.0,
        canaries=("example",),
        asn_zones=AsnZones("origin.asn.example", "origin6.asn.example", "asn.example"),
        patience=MailPatience(),
    )


def _ipv4(place: int) -> str:
    """The n-th address of 198.18.0.0/15, scattered: an odd multiplier reaches each once."""
    return str(IPv4Address(0xC6120000 + (place * 40_503 + 12_345) % (1 << 17)))


def _is_silent(number: int) -> bool:
    return number % SILENT_EVERY == SILENT_EVERY - 63


def _is_askable(address: str) -> bool:
    return address.startswith(("198.18.", "198.19.", "2001:db8:"))


def _straight(address: str, port: int) -> tuple[str, int]:
    return address, port
