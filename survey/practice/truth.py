"""The truth of a practice country: what an honest survey must find of each body.

It is computed from how the country was built, by a rule of its own: nothing of the survey's reading side is imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .facts import ABUSE, IPV6_ZONES, KNOWN_OPERATORS, NEWCOMER, PROXY, RELAY_ZONES, BodyFacts

if TYPE_CHECKING:
    from .country import Country

_LOST = ("nxdomain", "servfail", "refused", "silent")


class Truth:
    """The truth of one country as it is now."""

    def __init__(self, country: Country) -> None:
        self._country = country

    def bodies(self) -> list[tuple[str, str, str, str]]:
        """Per body in the order of codes: status, status by open-relay lists alone, whose its servers are."""
        users: dict[str, set[str]] = defaultdict(set)
        for body in self._country.bodies:
            if body.in_scope:
                for host in self.servers(body):
                    for mark in (host, *self.addresses(host)):
                        users[mark].add(body.code)
        return sorted(self._truth_of(body, users) for body in self._country.bodies)

    def sending(self) -> list[tuple[str, str, str]]:
        """Per body in the order of codes: its listed role (empty: none), and its status by its own senders alone."""
        return sorted((body.code, *self._sending_of(body)) for body in self._country.bodies)

    def status(self, body: BodyFacts, zones: Iterable[str] | None = None) -> str:
        """One body's status by some of the healthy lists, or by all of them."""
        return self._plain(body) or self._word(body, self._country.healthy if zones is None else zones)[0]

    def servers(self, body: BodyFacts) -> list[str]:
        """The hosts that take a body's mail, as far as it may be asked about."""
        found = []
        for domain in self._domains(body):
            facts = self._country.domains[domain]
            found += [domain] if facts.behaviour == "implicit" else [host for _, host in facts.exchangers]
        return found

    def addresses(self, host: str) -> list[str]:
        """The addresses of a host that lists can be asked about, as the servers answer them."""
        facts = self._country.hosts.get(host)
        while facts is not None and facts.alias_of is not None:
            facts = self._country.hosts[facts.alias_of]
        if facts is None or facts.behaviour != "ok":
            return []
        return [address for address in (*facts.ipv4, *facts.ipv6) if not address.startswith("10.")]

    def pair(self, zone: str, address: str) -> str:
        """What one healthy list says of one address: listed (in a headline category), clear or unknown."""
        if (zone, address) in self._country.pair_behaviour:
            return "unknown"
        codes = self._country.listed[zone].get(address, ())
        if any(code.startswith("127.255.") for code in codes) or codes == ("127.0.0.77",):
            return "unknown"
        if zone in (*RELAY_ZONES, NEWCOMER) and codes:
            return "listed"
        if zone == ABUSE and {"127.0.0.2", "127.0.0.4"} & set(codes):
            return "listed"
        if zone == PROXY and any(int(code.rpartition(".")[2]) & 66 for code in codes):
            return "listed"
        return "clear"

    # -- one body ----------------------------------------------------------------------------------------------

    def _domains(self, body: BodyFacts) -> list[str]:
        """The domains by which the survey knows a body: a hidden one is known only while it has an MX."""
        domains = [domain for domain in body.domains if domain not in self._country.opted_out]
        if body.code in self._country.hidden.candidates:
            return [domain for domain in domains if self._country.domains[domain].behaviour == "mx"]
        return domains

    def _plain(self, body: BodyFacts) -> str:
        """The status of a body that is not asked about; empty for all others."""
        if not body.in_scope:
            return "out_of_scope"
        is_out = body.domains and all(domain in self._country.opted_out for domain in body.domains)
        return "opted_out" if is_out else ""

    def _truth_of(self, body: BodyFacts, users: dict[str, set[str]]) -> tuple[str, str, str, str]:
        if plain := self._plain(body):
            return body.code, plain, plain, "unknown"
        healthy = self._country.healthy
        status, listed = self._word(body, healthy)
        relay, _ = self._word(body, [zone for zone in RELAY_ZONES if zone in healthy])
        hosts = listed if status == "listed" else self.servers(body)
        kinds = {self._share_of(host, body, users) for host in hosts if host not in ("localhost", "192.0.2.1")}
        share = "both" if {"own", "shared"} <= kinds else kinds.pop() if len(kinds) == 1 else "unknown"
        return body.code, status, relay, share

    def _share_of(self, host: str, body: BodyFacts, users: dict[str, set[str]]) -> str:
        """Whether one server is its body's own: by its users, its operator, its PTR, and the name it bears."""
        addresses = self.addresses(host)
        if any(len(users[mark]) > 1 for mark in (host, *addresses)) or host.endswith(KNOWN_OPERATORS):
            return "shared"
        for address in addresses:
            name, answer = self._country.pointers[address]
            if answer == "ok" and name.endswith(KNOWN_OPERATORS) and address in self.addresses(name):
                return "shared"
        if any(host == domain or host.endswith(f".{domain}") for domain in body.domains):
            return "own"
        same = [users[other] for other in self._country.hosts if other.split(".")[-2:] == host.split(".")[-2:]]
        return "shared" if len(set().union(*same)) > 1 else "unknown"

    def _word(self, body: BodyFacts, zones: Iterable[str]) -> tuple[str, list[str]]:
        """The body's status by some of the healthy lists, and the hosts that they list."""
        domains, hosts = self._domains(body), self._country.hosts
        listed, answers, silent_domains = [], 0, 0
        is_doubtful = not domains or (len(domains) < len(body.domains))
        for domain in domains:
            behaviour = self._country.domains[domain].behaviour
            is_doubtful |= behaviour in _LOST
            silent_domains += behaviour in ("null", "none")
        for host in self.servers(body):
            is_doubtful |= host in hosts and hosts[host].behaviour in ("silent", "servfail")
            for address in self.addresses(host):
                for zone in zones:
                    if ":" in address and zone not in IPV6_ZONES:
                        continue
                    word = self.pair(zone, address)
                    answers += word != "unknown"
                    is_doubtful |= word == "unknown"
                    if word == "listed" and host not in listed:
                        listed.append(host)
        if listed:
            return "listed", listed
        if is_doubtful:
            return "unknown", []
        if silent_domains == len(domains):
            return "no_mail", []
        return ("clear" if answers else "unknown"), []

    def _sending_of(self, body: BodyFacts) -> tuple[str, str]:
        if plain := self._plain(body):
            return "", plain
        country, domains = self._country, self._domains(body)
        _, listed = self._word(body, country.healthy)
        senders: set[str] = set()
        is_doubtful = not domains or any(country.domains[one].behaviour == "nxdomain" for one in domains)
        for domain in domains:
            declared = country.declarations.declared[domain]
            is_doubtful |= declared.is_silent
            senders.update(declared.addresses)
            for _, host in country.domains[domain].exchangers if declared.uses_mx else ():
                senders.update(self.addresses(host))
                is_doubtful |= host in country.hosts and country.hosts[host].behaviour in ("silent", "servfail")
        pairs = [(z, a) for z in country.healthy for a in senders if ":" not in a or z in IPV6_ZONES]
        words = {self.pair(zone, address) for zone, address in pairs}
        if "listed" in words:
            return ("both" if listed else "sends"), "listed"
        role = "receives" if listed else ""
        if is_doubtful or "unknown" in words:
            return role, "unknown"
        return role, "clear" if senders else "no_senders"
