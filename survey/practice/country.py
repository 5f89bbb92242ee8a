"""The practice country: who lives there, which servers take its mail, and which lists know them.

Everything is drawn from one seed. Seed 81 is the country of 2002: 3,557 mail domains, 4,265 mail hosts, and 81 bodies
whose servers stand on its two open-relay lists. Every country has every trap (`traps`), and its own truth (`truth`).
What happens to it afterwards stands in `seasons`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from random import Random

from . import papers
from .declarations import Declarations
from .facts import (
    ABUSE,
    DEAD,
    HEALTHY,
    LABEL,
    NEIGHBOURS,
    OPERATORS,
    POLICY,
    PROXY,
    READING,
    RELAY_ZONES,
    SUFFIX,
    WHITE,
    BodyFacts,
    DomainFacts,
    Happening,
    HostFacts,
)
from .hiding import Hidden, hide
from .names import Name, offices, prefectures, towns
from .traps import TRAPS, lay
from .truth import Truth


class Country:
    """One invented country. Make it with `Country.make(seed)`."""

    def __init__(self, seed: int) -> None:
        self.seed, self.season = seed, "2002"
        self.bodies: list[BodyFacts] = []
        self.domains: dict[str, DomainFacts] = {}
        self.hosts: dict[str, HostFacts] = {}
        self.healthy: tuple[str, ...] = HEALTHY
        self.dead = dict(DEAD)
        """The lists that are well, and what became of the others."""
        self.listed: dict[str, dict[str, tuple[str, ...]]] = {zone: {} for zone in HEALTHY}
        self.pair_behaviour: dict[tuple[str, str], str] = {}
        self.selection = "practice"
        """The selection of lists that a survey of it takes: the healthy ones and the others."""
        self.history: list[Happening] = []
        """What happened to its bodies since 2002."""
        self.ill: frozenset[str] = frozenset()
        """Codes of bodies whose MX cannot be seen, because the network is ill."""
        self.opted_out: list[str] = []
        """Domains whose owners asked not to be asked about."""
        self.hidden = Hidden()
        self.pointers: dict[str, tuple[str, str]] = {}
        """Per address the name it gives itself, and the answer to its PTR question: ok, nxdomain, servfail, silent."""
        self.origins: dict[str, tuple[str, str]] = {}
        """Per address its AS number and announced prefix; addresses that are not here are announced by nobody."""
        self.as_names: dict[str, str] = {}
        self.declarations: Declarations
        self._random = Random(seed)
        self._next_ipv4, self._next_ipv6 = 0, 0
        self._bodies_n, self._hosts_n, self._national_n, self._relay_n = self._sizes()

    @classmethod
    def make(cls, seed: int = 81) -> Country:
        """Build the country of a seed."""
        country = cls(seed)
        country._settle()
        free = country._house()
        country._list_relays(free)
        country._list_abuse(free)
        country._lay_traps(free)
        country._fill_context()
        country._fill_hosts(free)
        country._hide()
        country.lay_networks(Random(f"{seed}-networks"))
        country.declarations = Declarations(country, country._sending_host)
        return country

    # -- building ----------------------------------------------------------------------------------------------

    def _sizes(self) -> tuple[int, int, int, int]:
        if self.seed == 81:
            return 3515, 4265, 240, 81
        bodies = self._random.randint(620, 1600)
        return bodies, int(bodies * self._random.uniform(1.1, 1.4)), bodies // 14, self._random.randint(24, 140)

    def _settle(self) -> None:
        """Found prefectures and their towns, and the national government; give each a domain."""
        random = self._random
        names = prefectures(random, 47)
        towns_n = self._bodies_n - 47 - self._national_n
        weights = [random.uniform(0.4, 2.2) for _ in names]
        counts = [max(6, int(towns_n * weight / sum(weights))) for weight in weights]
        while sum(counts) != towns_n:
            counts[random.randrange(47)] += 1 if sum(counts) < towns_n else -1
        for number, (name, count) in enumerate(zip(names, counts, strict=True), 51):
            prefecture = f"{name.kanji}県"
            full = Name(prefecture, f"{name.kana}ケン", name.romaji)
            self._add(f"{number}000", prefecture, full, "prefecture", f"pref.{name.romaji}.example")
            for place, town in enumerate(towns(random, count), 1):
                kind = self._kind(place, count)
                label, tail = LABEL[kind], "lg" if random.random() < 0.36 else name.romaji
                domain = f"{label}.{town.romaji}.{tail}.example"
                if domain in self.domains:
                    domain = f"{label}.{town.romaji}.{name.romaji}.example"
                full = Name(town.kanji + SUFFIX[kind], town.kana + READING[SUFFIX[kind]], town.romaji)
                self._add(f"{number}{200 + place:03d}", prefecture, full, kind, domain)
        for place, office in enumerate(offices(random, self._national_n), 1):
            self._add(f"N{place:05d}", "国", office, "national", f"{office.romaji}.go.example")

    def _kind(self, place: int, count: int) -> str:
        if place == 1 and count > 70:
            return "designated_city"
        if place < 4 and count > 90:
            return "special_ward"
        return self._random.choices(("city", "town", "village"), (32, 50, 18))[0]

    def _add(self, code: str, prefecture: str, name: Name, kind: str, domain: str) -> None:
        if code[0] != "N":
            code += check_digit(code)
        self.bodies.append(BodyFacts(code, prefecture, name, kind, [domain]))
        self.domains[domain] = DomainFacts()

    def _house(self) -> list[BodyFacts]:
        """Give every domain its servers: a third live on shared hosts; returns the bodies left alone on their own."""
        random = self._random
        local = [body for body in self.bodies if body.kind not in ("prefecture", "national")]
        joint = random.sample(local, 24 if self.seed == 81 else 8)
        for one, other in zip(joint[::2], joint[1::2], strict=True):
            del self.domains[other.domains[0]]
            other.domains = list(one.domains)
        rest = [body for body in local if body not in joint]
        doubles = random.sample(rest, 54 if self.seed == 81 else 10)
        for body in doubles:
            extra = f"www-{body.name.romaji}-{body.code}.example"
            body.domains.append(extra)
            self.domains[extra] = DomainFacts()
        busy = {id(body) for body in (*joint, *doubles)}
        free = [body for body in self.bodies if id(body) not in busy]
        random.shuffle(free)
        tenants, free = free[: len(self.bodies) // 3], free[len(self.bodies) // 3 :]
        shared = [
            self.new_host(f"mx{1 + n % 3}.{operator}.example", ipv6=n % 3 == 0)
            for n, operator in enumerate(operator for operator in OPERATORS for _ in range(3))
            if n < 28
        ]
        weights = [1 / (rank + 1) for rank in range(len(shared))]
        for body in tenants:
            host = random.choices(shared, weights)[0]
            if random.random() < 0.02:
                # The same server under the town's own name: only its address tells.
                vanity = f"mx.{body.domains[0]}"
                self.hosts[vanity] = HostFacts(list(self.hosts[host].ipv4), list(self.hosts[host].ipv6))
                host = vanity
            self.domains[body.domains[0]].exchangers = [(10, host)]
        for domain, facts in self.domains.items():
            if not facts.exchangers:
                facts.exchangers = [(10, self.new_host(f"mail.{domain}", ipv6=random.random() < 0.08))]
        return free

    def new_host(self, name: str, *, ipv6: bool = False) -> str:
        """A new host with an address of its own."""
        facts = HostFacts([self._ipv4()])
        if ipv6:
            self._next_ipv6 += 1
            facts.ipv6 = [str(IPv6Address((0x20010DB8 << 96) + (self._next_ipv6 << 64) + 25))]
        self.hosts[name] = facts
        return name

    def _sending_host(self, name: str, addresses: list[str], behaviour: str) -> None:
        self.hosts[name] = HostFacts(addresses, behaviour=behaviour)

    def _ipv4(self) -> str:
        self._next_ipv4 += 1
        number = self._next_ipv4
        if number % 10 == 0 and number // 10 < 250:
            block = (0xC0000200, 0xC6336400, 0xCB007100)[number // 10 % 3]
            if block + number // 10 != 0xCB00710A:
                return str(IPv4Address(block + number // 10))
        return str(IPv4Address(0xC6120000 + number * 7 + 5))

    def _take(self, free: list[BodyFacts], prefecture: str | None = None) -> BodyFacts:
        """A body with a server of its own that nothing else has been done to yet."""
        for place, body in enumerate(free):
            if (prefecture or body.prefecture) == body.prefecture and (prefecture or body.kind != "national"):
                return free.pop(place)
        raise ValueError(f"no body is left in {prefecture}")

    def _list_relays(self, free: list[BodyFacts]) -> None:
        """Put servers on the open-relay lists, as unevenly over the regions as in 2002."""
        random = self._random
        if self.seed == 81:
            shares = [7, 6, 4, 4, 4, *[3] * 6, *[2] * 8, *[1] * 11]
            national = 11
        else:
            national = min(self._relay_n // 8 + 1, self._national_n // 3)
            shares, left = [], self._relay_n - national
            while left:
                shares.append(min(left, max(1, int(random.expovariate(0.5)))))
                left -= shares[-1]
            shares = shares[:47]
        room: dict[str, int] = defaultdict(int)
        for body in free:
            room[body.prefecture] += 1
        regions = random.sample(sorted({body.prefecture for body in free if body.kind != "national"}), len(shares))
        for serial, (region, share) in enumerate([("国", national), *zip(regions, shares, strict=True)]):
            bodies = [self._take(free, region) for _ in range(min(share, room[region] - 2))]
            together = len(bodies) // 2 + 1 if len(bodies) >= 4 else 0
            if together:
                host = self.new_host(f"gw.relay{serial}.example")
                self._on_relay_lists(host)
                for body in bodies[:together]:
                    self._drop_host(body)
                    self.domains[body.domains[0]].exchangers = [(10, host)]
            for body in bodies[together:]:
                self._on_relay_lists(self.domains[body.domains[0]].exchangers[0][1])

    def _drop_host(self, body: BodyFacts) -> None:
        for _, host in self.domains[body.domains[0]].exchangers:
            self.hosts.pop(host, None)

    def _on_relay_lists(self, host: str) -> None:
        both = self._random.random()
        for zone, wanted in zip(RELAY_ZONES, (both < 0.75, both > 0.5), strict=True):
            if wanted:
                self.listed[zone][self.hosts[host].ipv4[0]] = ("127.0.0.2",)

    def _list_abuse(self, free: list[BodyFacts]) -> None:
        ways = (
            (ABUSE, ("127.0.0.2",)),
            (ABUSE, ("127.0.0.4", "127.0.0.10")),
            (ABUSE, ("127.0.0.2", "127.0.0.4", "127.0.0.10")),
            (PROXY, ("127.0.0.3",)),
            (PROXY, ("127.0.0.66",)),
        )
        for number in range(60 if self.seed == 81 else 15):
            zone, codes = ways[number % len(ways)]
            facts = self.hosts[self.domains[self._take(free).domains[0]].exchangers[0][1]]
            address = facts.ipv6[0] if zone == ABUSE and facts.ipv6 else facts.ipv4[0]
            self.listed[zone][address] = codes

    def _lay_traps(self, free: list[BodyFacts]) -> None:
        for trap in TRAPS:
            for _ in range(4 if self.seed == 81 else 2):
                lay(self, trap, self._take(free))

    def _fill_context(self) -> None:
        """Whole ranges on the neighbours' list, dynamic ranges, and thousands of servers on the whitelist."""
        for facts in self.hosts.values():
            for address in facts.ipv4:
                number = int(IPv4Address(address))
                if number >> 8 & 7 == 3:
                    self.listed[NEIGHBOURS][address] = ("127.0.0.2",)
                if number % 23 == 5:
                    self.listed[POLICY].setdefault(address, ("127.0.0.11",))
                if number % 10 < 7:
                    self.listed[WHITE][address] = ("127.0.0.1",)

    def _fill_hosts(self, free: list[BodyFacts]) -> None:
        """Give second servers to towns that nothing else was done to, until the country has its number of hosts."""
        serial = 2
        while len(self.mail_hosts()) < self._hosts_n:
            missing = self._hosts_n - len(self.mail_hosts())
            for body in free[:missing]:
                domain = body.domains[0]
                self.domains[domain].exchangers.append((serial * 10, self.new_host(f"mail{serial}.{domain}")))
            serial += 1

    def _hide(self) -> None:
        """Keep some domains out of the register; nothing else of the country changes."""
        true, uses = Truth(self), Counter(domain for body in self.bodies for domain in body.domains)
        on_relay_lists = {address for zone in RELAY_ZONES for address in self.listed[zone]}
        plain = [
            body
            for body in self.bodies
            if body.in_scope
            and body.kind in ("city", "town", "village")
            and len(body.domains) == 1
            and uses[body.domains[0]] == 1
            and self.domains[body.domains[0]].behaviour == "mx"
            and not any(a in on_relay_lists for host in true.servers(body) for a in true.addresses(host))
        ]
        homeless = [body for body in self.bodies if body.in_scope and not body.domains]
        self.hidden = hide(self.seed, plain, homeless, 40 if self.seed == 81 else 12)

    # -- what is there -----------------------------------------------------------------------------------------

    def mail_hosts(self) -> set[str]:
        """Every host that takes mail: the targets of MX records, and domains that take it themselves."""
        found = {host for facts in self.domains.values() for _, host in facts.exchangers}
        found |= {domain for domain, facts in self.domains.items() if facts.behaviour == "implicit"}
        return found - {"192.0.2.1", "localhost"}

    def hosts_of(self, body: BodyFacts) -> list[HostFacts]:
        """The hosts to which a body's MX records point."""
        return [self.hosts[host] for domain in body.domains for _, host in self.domains[domain].exchangers]

    def write_register(self, path: Path) -> None:
        """The register as a newsroom would have it."""
        papers.write_register(self, path)

    def truth(self) -> list[tuple[str, str, str, str]]:
        """What an honest survey must find, per body, in the order of codes."""
        return Truth(self).bodies()

    def sending_truth(self) -> list[tuple[str, str, str]]:
        """Per body in the order of codes: its listed role (empty: none), and its status by its own senders alone."""
        return Truth(self).sending()

    def write_truth(self, path: Path) -> None:
        """The country's own truth: code, status, open_relay_listing, own_or_shared, listed_role."""
        papers.write_truth(self, path)

    def lay_networks(self, random: Random) -> None:
        """Give every new address a network and a PTR; some have none, some give a name that does not know them."""
        first: dict[str, str] = {}
        for host, facts in self.hosts.items():
            for address in (*facts.ipv4, *facts.ipv6):
                if address not in self.pointers:
                    first.setdefault(address, host)
        for address, host in first.items():
            name = host.split(".")[-2]
            is_operator = name in OPERATORS
            asn = str(64496 + OPERATORS.index(name) if is_operator else 65536 + sum(map(ord, name)) % 16)
            self.as_names[asn] = f"{name.upper() if is_operator else 'LOCAL'}-NET, ZZ"
            if random.random() < 0.97:
                length = 64 if ":" in address else 24
                self.origins[address] = (asn, str(ip_network(f"{address}/{length}", strict=False)))
            draw = random.random()
            answer = "ok" if draw < 0.9 else "nxdomain" if draw < 0.985 else "servfail" if draw < 0.997 else "silent"
            pool = f"static-{address.replace(':', '-').replace('.', '-')}.pool.example"
            self.pointers[address] = (host if random.random() < 0.9 else pool, answer)


def check_digit(code: str) -> str:
    """The check digit of JIS X 0402: weights 6 to 2, modulus 11."""
    total = sum(int(digit) * weight for digit, weight in zip(code, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)
