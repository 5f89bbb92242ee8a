"""The practice country: who lives there, which servers take its mail, which lists know them, and the truth of it all.

Everything is drawn from one seed. Seed 81 is the country of 2002: 3,557 mail domains, 4,265 mail hosts, and 81 bodies
whose servers stand on its two open-relay lists. Every country has every trap (`TRAPS`). The truth is computed here from
how the country was built, by a rule of its own: nothing of the survey's reading side is imported.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from random import Random

import xlsxwriter

from .declarations import Declarations
from .hiding import Hidden, hide
from .names import Name, offices, prefectures, towns

RELAY_ZONES = ("orbz.dnsbl.example", "ordb.dnsbl.example")
ABUSE, PROXY = "abuse.dnsbl.example", "proxy.dnsbl.example"
POLICY, NEIGHBOURS, WHITE = "policy.dnsbl.example", "neighbours.dnsbl.example", "white.dnsbl.example"
HEALTHY = (*RELAY_ZONES, ABUSE, PROXY, POLICY, NEIGHBOURS, WHITE)
IPV6_ZONES = frozenset({"ordb.dnsbl.example", ABUSE})
DEAD = {
    "world.dnsbl.example": "world",
    "refusing.dnsbl.example": "refusing",
    "parked.dnsbl.example": "parked",
    "silent.dnsbl.example": "silent",
    "emptied.dnsbl.example": "emptied",
}
TRAPS = (
    *("null_mx", "no_mail", "implicit", "servfail", "refused", "nxdomain", "silent", "host_silent", "one_host_silent"),
    *("host_servfail", "dangling", "alias", "alias_chain", "literal", "localhost", "private", "big", "no_edns"),
    *("pair_servfail", "pair_unknown", "pair_error", "odd_name", "no_domain", "out_of_scope", "policy_only"),
    *("information_only", "listed_and_silent", "own_and_shared"),
)
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
_SUFFIX = {"designated_city": "市", "city": "市", "special_ward": "区", "town": "町", "village": "村"}
_LABEL = {"designated_city": "city", "city": "city", "special_ward": "city", "town": "town", "village": "vill"}


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


class Country:
    """One invented country. Make it with `Country.make(seed)`."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.bodies: list[BodyFacts] = []
        self.domains: dict[str, DomainFacts] = {}
        self.hosts: dict[str, HostFacts] = {}
        self.listed: dict[str, dict[str, tuple[str, ...]]] = {zone: {} for zone in HEALTHY}
        self.pair_behaviour: dict[tuple[str, str], str] = {}
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
        country._lay_networks()
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
                ending = {"市": "シ", "区": "ク", "町": "マチ", "村": "ムラ"}[_SUFFIX[kind]]
                label, tail = _LABEL[kind], "lg" if random.random() < 0.36 else name.romaji
                domain = f"{label}.{town.romaji}.{tail}.example"
                if domain in self.domains:
                    domain = f"{label}.{town.romaji}.{name.romaji}.example"
                full = Name(town.kanji + _SUFFIX[kind], town.kana + ending, town.romaji)
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
            code += _check_digit(code)
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
            self._host(f"mx{1 + n % 3}.{operator}.example", ipv6=n % 3 == 0)
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
                facts.exchangers = [(10, self._host(f"mail.{domain}", ipv6=random.random() < 0.08))]
        return free

    def _host(self, name: str, *, ipv6: bool = False) -> str:
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
                host = self._host(f"gw.relay{serial}.example")
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
                self._lay(trap, self._take(free))

    def _lay(self, trap: str, body: BodyFacts) -> None:
        """Do to one body what the trap's name says."""
        domain = body.domains[0]
        facts = self.domains[domain]
        host = facts.exchangers[0][1]
        match trap:
            case "null_mx" | "no_mail" | "servfail" | "refused" | "nxdomain" | "silent":
                words = {"null_mx": "null", "no_mail": "none"}
                facts.behaviour, facts.exchangers = words.get(trap, trap), []
                del self.hosts[host]
            case "implicit":
                facts.behaviour, facts.exchangers = "implicit", []
                self.hosts[domain] = self.hosts.pop(host)
            case "host_silent" | "host_servfail":
                self.hosts[host].behaviour = trap.removeprefix("host_")
            case "one_host_silent":
                facts.exchangers.append((20, self._host(f"mx2.{domain}")))
                self.hosts[f"mx2.{domain}"].behaviour = "silent"
            case "listed_and_silent":
                self.listed[ABUSE][self.hosts[host].ipv4[0]] = ("127.0.0.2",)
                facts.exchangers.append((20, self._host(f"mx2.{domain}")))
                self.hosts[f"mx2.{domain}"].behaviour = "silent"
            case "dangling":
                self.hosts[host].behaviour = "nxdomain"
            case "alias" | "alias_chain":
                end = self._host(f"real.{domain}")
                self.hosts[host] = HostFacts(alias_of=end)
                if trap == "alias_chain":
                    self.hosts[f"hop.{domain}"] = HostFacts(alias_of=end)
                    self.hosts[host].alias_of = f"hop.{domain}"
            case "literal" | "localhost":
                facts.exchangers = [(10, "192.0.2.1" if trap == "literal" else "localhost")]
                del self.hosts[host]
            case "private":
                self.hosts[host] = HostFacts(["10.20.30.40"])
            case "big":
                facts.is_big = True
                facts.exchangers += [(20 + n, self._host(f"mx{n}.{domain}")) for n in range(2)]
            case "no_edns":
                facts.needs_no_edns = True
            case "pair_servfail":
                self.pair_behaviour[(ABUSE, self.hosts[host].ipv4[0])] = "servfail"
            case "pair_unknown":
                self.listed[ABUSE][self.hosts[host].ipv4[0]] = ("127.0.0.77",)
            case "pair_error":
                self.listed[ABUSE][self.hosts[host].ipv4[0]] = ("127.0.0.2", "127.255.255.254")
            case "odd_name":
                odd = f"m\\.x\\233\\(1.{domain}"
                self.hosts[odd] = self.hosts.pop(host)
                facts.exchangers = [(10, odd)]
            case "no_domain" | "out_of_scope":
                if trap == "out_of_scope":
                    body.in_scope, body.scope_reason = False, "役所がない"
                body.domains = []
                del self.domains[domain], self.hosts[host]
                if self.seed == 81:
                    # The country of 2002 keeps its number of domains: the body's neighbour has a second one.
                    self.domains[f"old.{domain}"] = DomainFacts(exchangers=[(10, self._host(f"mail.old.{domain}"))])
                    self.bodies[0].domains.append(f"old.{domain}")
            case "policy_only":
                self.listed[POLICY][self.hosts[host].ipv4[0]] = ("127.0.0.10",)
                self.listed[ABUSE][self.hosts[host].ipv4[0]] = ("127.0.0.10",)
            case "own_and_shared":
                facts.exchangers.append((20, "mx1.sc-cloud1.example"))
            case "information_only":
                self.listed[PROXY][self.hosts[host].ipv4[0]] = ("127.0.0.1",)

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
                self.domains[domain].exchangers.append((serial * 10, self._host(f"mail{serial}.{domain}")))
            serial += 1

    def _hide(self) -> None:
        """Keep some domains out of the register; nothing else of the country changes."""
        uses = Counter(domain for body in self.bodies for domain in body.domains)
        on_relay_lists = {address for zone in RELAY_ZONES for address in self.listed[zone]}
        plain = [
            body
            for body in self.bodies
            if body.in_scope
            and body.kind in ("city", "town", "village")
            and len(body.domains) == 1
            and uses[body.domains[0]] == 1
            and self.domains[body.domains[0]].behaviour == "mx"
            and not any(a in on_relay_lists for host in self._servers(body) for a in self._addresses(host))
        ]
        homeless = [body for body in self.bodies if body.in_scope and not body.domains]
        self.hidden = hide(self.seed, plain, homeless, 40 if self.seed == 81 else 12)

    # -- what is there -----------------------------------------------------------------------------------------

    def mail_hosts(self) -> set[str]:
        """Every host that takes mail: the targets of MX records, and domains that take it themselves."""
        found = {host for facts in self.domains.values() for _, host in facts.exchangers}
        found |= {domain for domain, facts in self.domains.items() if facts.behaviour == "implicit"}
        return found - {"192.0.2.1", "localhost"}

    def write_register(self, path: Path) -> None:
        """The register as a newsroom would have it: a title row, Japanese headers, several domains in a cell."""
        with xlsxwriter.Workbook(str(path)) as workbook:
            sheet = workbook.add_worksheet("台帳")
            sheet.write_string(0, 0, f"練習国 自治体・行政機関 台帳（架空・シード {self.seed}）")
            headers = (
                *("団体コード", "都道府県", "団体名", "読み", "種別", "メールドメイン", "調査対象", "対象外の理由"),
                "候補ドメイン",
            )
            for column, header in enumerate(headers):
                sheet.write_string(2, column, header)
            for row, body in enumerate(self.bodies, 3):
                scope = "" if body.in_scope else "対象外"
                values = (body.code, body.prefecture, body.name.kanji, body.name.kana, KINDS_JA[body.kind])
                candidates = self.hidden.candidates.get(body.code, [])
                domains = "" if candidates else "、".join(body.domains)
                for column, value in enumerate((*values, domains, scope, body.scope_reason, " ".join(candidates))):
                    sheet.write_string(row, column, value)

    def write_truth(self, path: Path) -> None:
        """The country's own truth: code, status, open_relay_listing, own_or_shared, listed_role."""
        roles = {code: role for code, role, _ in self.sending_truth()}
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("code", "status", "open_relay_listing", "own_or_shared", "listed_role"))
            writer.writerows((*row, roles[row[0]]) for row in self.truth())

    def _lay_networks(self) -> None:
        """Give every address a network and a PTR; some have none, some give a name that does not know them."""
        random = Random(f"{self.seed}-networks")
        first: dict[str, str] = {}
        for host, facts in self.hosts.items():
            for address in (*facts.ipv4, *facts.ipv6):
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

    # -- the truth ---------------------------------------------------------------------------------------------

    def truth(self) -> list[tuple[str, str, str, str]]:
        """What an honest survey must find, per body, in the order of codes."""
        users: dict[str, set[str]] = defaultdict(set)
        for body in self.bodies:
            if body.in_scope:
                for host in self._servers(body):
                    for mark in (host, *self._addresses(host)):
                        users[mark].add(body.code)
        return sorted(self._truth_of(body, users) for body in self.bodies)

    def sending_truth(self) -> list[tuple[str, str, str]]:
        """Per body in the order of codes: its listed role (empty: none), and its status by its own senders alone."""
        return sorted((body.code, *self._sending_of(body)) for body in self.bodies)

    def _sending_of(self, body: BodyFacts) -> tuple[str, str]:
        if not body.in_scope:
            return "", "out_of_scope"
        _, listed = self._word(body, HEALTHY)
        senders: set[str] = set()
        is_doubtful = not body.domains or any(self.domains[one].behaviour == "nxdomain" for one in body.domains)
        for domain in body.domains:
            declared = self.declarations.declared[domain]
            is_doubtful |= declared.is_silent
            senders.update(declared.addresses)
            for _, host in self.domains[domain].exchangers if declared.uses_mx else ():
                senders.update(self._addresses(host))
                is_doubtful |= host in self.hosts and self.hosts[host].behaviour in ("silent", "servfail")
        pairs = [(z, a) for z in HEALTHY for a in senders if ":" not in a or z in IPV6_ZONES]
        words = {self._pair(zone, address) for zone, address in pairs}
        if "listed" in words:
            return ("both" if listed else "sends"), "listed"
        role = "receives" if listed else ""
        if is_doubtful or "unknown" in words:
            return role, "unknown"
        return role, "clear" if senders else "no_senders"

    def _servers(self, body: BodyFacts) -> list[str]:
        found = []
        for domain in body.domains:
            facts = self.domains[domain]
            found += [domain] if facts.behaviour == "implicit" else [host for _, host in facts.exchangers]
        return found

    def _addresses(self, host: str) -> list[str]:
        """The addresses of a host that lists can be asked about, as the servers answer them."""
        facts = self.hosts.get(host)
        while facts is not None and facts.alias_of is not None:
            facts = self.hosts[facts.alias_of]
        if facts is None or facts.behaviour != "ok":
            return []
        return [address for address in (*facts.ipv4, *facts.ipv6) if not address.startswith("10.")]

    def _truth_of(self, body: BodyFacts, users: dict[str, set[str]]) -> tuple[str, str, str, str]:
        if not body.in_scope:
            return body.code, "out_of_scope", "out_of_scope", "unknown"
        status, listed = self._word(body, HEALTHY)
        relay, _ = self._word(body, RELAY_ZONES)
        hosts = listed if status == "listed" else self._servers(body)
        kinds = {self._share_of(host, body, users) for host in hosts if host not in ("localhost", "192.0.2.1")}
        share = "both" if {"own", "shared"} <= kinds else kinds.pop() if len(kinds) == 1 else "unknown"
        return body.code, status, relay, share

    def _share_of(self, host: str, body: BodyFacts, users: dict[str, set[str]]) -> str:
        """Whether one server is its body's own: by its users, its operator, its PTR, and the name it bears."""
        addresses = self._addresses(host)
        if any(len(users[mark]) > 1 for mark in (host, *addresses)) or host.endswith(KNOWN_OPERATORS):
            return "shared"
        for address in addresses:
            name, answer = self.pointers[address]
            if answer == "ok" and name.endswith(KNOWN_OPERATORS) and address in self._addresses(name):
                return "shared"
        if any(host == domain or host.endswith(f".{domain}") for domain in body.domains):
            return "own"
        same = [users[other] for other in self.hosts if other.split(".")[-2:] == host.split(".")[-2:]]
        return "shared" if len(set().union(*same)) > 1 else "unknown"

    def _word(self, body: BodyFacts, zones: Iterable[str]) -> tuple[str, list[str]]:
        """The body's status by some of the healthy lists, and the hosts that they list."""
        listed, is_doubtful, answers, silent_domains = [], not body.domains, 0, 0
        for domain in body.domains:
            behaviour = self.domains[domain].behaviour
            is_doubtful |= behaviour in ("nxdomain", "servfail", "refused", "silent")
            silent_domains += behaviour in ("null", "none")
        for host in self._servers(body):
            is_doubtful |= host in self.hosts and self.hosts[host].behaviour in ("silent", "servfail")
            for address in self._addresses(host):
                for zone in zones:
                    if ":" in address and zone not in IPV6_ZONES:
                        continue
                    word = self._pair(zone, address)
                    answers += word != "unknown"
                    is_doubtful |= word == "unknown"
                    if word == "listed" and host not in listed:
                        listed.append(host)
        if listed:
            return "listed", listed
        if is_doubtful:
            return "unknown", []
        if silent_domains == len(body.domains):
            return "no_mail", []
        return ("clear" if answers else "unknown"), []

    def _pair(self, zone: str, address: str) -> str:
        """What one healthy list says of one address: listed (in a headline category), clear or unknown."""
        if (zone, address) in self.pair_behaviour:
            return "unknown"
        codes = self.listed[zone].get(address, ())
        if any(code.startswith("127.255.") for code in codes) or codes == ("127.0.0.77",):
            return "unknown"
        if zone in RELAY_ZONES and codes:
            return "listed"
        if zone == ABUSE and {"127.0.0.2", "127.0.0.4"} & set(codes):
            return "listed"
        if zone == PROXY and any(int(code.rpartition(".")[2]) & 66 for code in codes):
            return "listed"
        return "clear"


def _check_digit(code: str) -> str:
    """The check digit of JIS X 0402: weights 6 to 2, modulus 11."""
    total = sum(int(digit) * weight for digit, weight in zip(code, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)
