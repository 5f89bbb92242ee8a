"""What the practice country's domains say of their senders: SPF and DMARC records, every trap, and the truth of them.

Drawn from a random stream of its own, so that everything else of a seed stays as it is. What each domain's own senders
are is written down while its record is made up; nothing of the survey's reading side is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .country import Country

SENDER_TRAPS = (
    *("spf_silent", "spf_servfail", "spf_refused", "two_records", "malformed", "too_many_lookups", "beyond_limit"),
    *("loop", "macro", "big_range", "long", "own_redirect", "provider_redirect", "own_include", "block", "over_64"),
    *("ip6", "denied", "host_silent", "provider_silent", "own_include_silent", "void", "include_nothing", "private"),
    *("pair_servfail", "softfail", "host_range"),
)
_PROVIDERS = ("sc-cloud1", "netplaza1", "wide-isp2", "globalmail1", "hosting2", "newsletter1", "bulkmail1")
_ABUSE = "abuse.dnsbl.example"


@dataclass(slots=True)
class TextFacts:
    """The TXT records of one name, and how a question about them is answered."""

    texts: list[str] = field(default_factory=list)
    behaviour: str = "ok"
    """ok, silent, servfail, refused."""
    only_tcp: bool = False


@dataclass(slots=True)
class Declared:
    """A domain's own senders as they were made up."""

    addresses: list[str] = field(default_factory=list)
    uses_mx: bool = False
    is_silent: bool = False
    """Some of its own senders cannot be known."""


class Declarations:
    """Every TXT record of a country, and per domain the truth of its senders."""

    def __init__(self, country: Country, host: Callable[[str, list[str], str], None]) -> None:
        self.texts: dict[str, TextFacts] = {}
        self.declared: dict[str, Declared] = {}
        self._country, self._host = country, host
        self._random = Random(f"{country.seed}-senders")
        self._slots = 0
        self._make()

    def _make(self) -> None:
        random, country = self._random, self._country
        for number, provider in enumerate((*_PROVIDERS, *(f"p{n}" for n in range(12)))):
            self.texts[f"spf.{provider}.example"] = TextFacts([f"v=spf1 ip4:198.18.{200 + number}.0/24 -all"])
        nested = "include:spf.newsletter1.example include:spf.bulkmail1.example"
        self.texts["spf.sc-cloud1.example"] = TextFacts([f"v=spf1 {nested} mx:sc-cloud1.example -all"])
        self.texts["spf.silent1.example"] = TextFacts(behaviour="silent")
        plain = []
        for domain, facts in country.domains.items():
            if facts.behaviour in ("mx", "implicit"):
                plain.append(domain)
            else:
                self.declare(domain, facts.behaviour)
        traps = [trap for trap in SENDER_TRAPS for _ in range(2)]
        # A body of many domains has little to ask about at each: its records stay short.
        crowded = {domain for body in country.bodies if len(body.domains) > 2 for domain in body.domains}
        chosen = random.sample([domain for domain in plain if domain not in crowded], len(traps))
        for number, (domain, trap) in enumerate(zip(chosen, traps, strict=True)):
            self._lay(domain, trap, is_listed=number % 2 == 0)
        trapped = set(chosen)
        ordinary = [domain for domain in plain if domain not in trapped]
        listed = set(random.sample(range(len(ordinary)), 240 if country.seed == 81 else 60))
        for number, domain in enumerate(ordinary):
            self._declare(domain, is_listed=number in listed)
        self._dmarc(plain)

    # -- later -------------------------------------------------------------------------------------------------

    def declare(self, domain: str, behaviour: str) -> None:
        """Make up the plainest record that a domain of this behaviour has: its mail servers, nobody, or silence."""
        self.forget(domain)
        if behaviour in ("servfail", "refused", "silent"):
            self.texts[domain] = TextFacts(behaviour=behaviour)
            self.declared[domain] = Declared(is_silent=True)
        elif behaviour == "nxdomain":
            self.declared[domain] = Declared()
        elif behaviour in ("null", "none"):
            self.texts[domain] = TextFacts(["v=spf1 -all"])
            self.declared[domain] = Declared()
        else:
            self._say(domain, "v=spf1 mx -all", uses_mx=True)

    def lose(self, domain: str) -> None:
        """Let a domain have no record of its own; what stands below it stays."""
        self.texts.pop(domain, None)
        self.declared[domain] = Declared()

    def forget(self, domain: str) -> None:
        """Let a domain, and whatever stands below it, have declared nothing."""
        self.declared.pop(domain, None)
        for name in [one for one in self.texts if one == domain or one.endswith(f".{domain}")]:
            del self.texts[name]

    # -- senders -----------------------------------------------------------------------------------------------

    def _block(self) -> int:
        """Sixteen addresses that nobody else has."""
        self._slots += 1
        return 0xC6130000 + 16 * self._slots

    def _sender(self, *, is_listed: bool = False) -> str:
        """A sending address that nobody else has."""
        address = str(IPv4Address(self._block() + 5))
        if is_listed:
            self._country.listed[_ABUSE][address] = ("127.0.0.2",)
        return address

    def _declare(self, domain: str, *, is_listed: bool) -> None:
        """An ordinary record: by its own mail servers, a provider, senders of its own, or none at all."""
        provider = f"include:spf.{self._random.choice(_PROVIDERS)}.example"
        match self._random.choices(range(7), (10, 44, 17, 16, 5, 3, 5))[0]:
            case 0:
                self.declared[domain] = Declared()
            case 1:
                self._say(domain, "v=spf1 mx -all", uses_mx=True)
            case 2:
                self._say(domain, f"v=spf1 mx {provider} ~all", uses_mx=True)
            case 3:
                self._say(domain, f"v=spf1 {provider} -all")
            case 4:
                sender = self._sender(is_listed=is_listed)
                self._say(domain, f"v=spf1 mx ip4:{sender} -all", sender, uses_mx=True)
            case 5:
                sender = self._sender(is_listed=is_listed)
                self._host(f"out.{domain}", [sender], "ok")
                self._say(domain, f"V=SPF1  a:out.{domain} {provider} ?all", sender)
            case _:
                self.texts[f"_spf.{domain}"] = TextFacts([f"v=spf1 mx:{domain} -all"])
                self._say(domain, f"v=spf1 redirect=_spf.{domain}", uses_mx=True)

    def _say(self, domain: str, text: str, *addresses: str, uses_mx: bool = False, is_silent: bool = False) -> None:
        self.texts[domain] = TextFacts(["some-verification=0123456789abcdef", text])
        self.declared[domain] = Declared(list(addresses), uses_mx, is_silent)

    def _lay(self, domain: str, trap: str, *, is_listed: bool) -> None:
        """Make up one domain's record as the trap's name says; `is_listed` puts its sender on an abuse list."""
        one = self._sender(is_listed=is_listed)
        block = self._block()
        sixteen = [str(IPv4Address(block + n)) for n in range(16)]
        if is_listed:
            self._country.listed[_ABUSE][sixteen[7]] = ("127.0.0.4", "127.0.0.10")
        below, own = f"_spf.{domain}", f"ip4:{one}"
        many = " ".join(f"include:spf.p{n}.example" for n in range(11))
        match trap:
            case "spf_silent" | "spf_servfail" | "spf_refused":
                self.texts[domain] = TextFacts(behaviour=trap.removeprefix("spf_"))
                self.declared[domain] = Declared(is_silent=True)
            case "two_records":
                self._say(domain, f"v=spf1 {own} -all")
                self.texts[domain].texts.append("v=spf1 mx -all")
            case "malformed":
                self._say(domain, f"v=spf1 {own} ipv4:{sixteen[1]} mx -all")
            case "too_many_lookups":
                self._say(domain, f"v=spf1 {many} {own} -all", one)
            case "beyond_limit":
                self._host(f"out.{domain}", [one], "ok")
                self._say(domain, f"v=spf1 {many} a:out.{domain} -all")
            case "loop":
                self.texts[below] = TextFacts([f"v=spf1 include:{domain} {own} -all"])
                self._say(domain, f"v=spf1 include:{below} -all", one)
            case "macro":
                macros = "exists:%{i}._ip.%{d} ptr include:%{d2}.spf.p1.example a:%{h}"
                self._say(domain, f"v=spf1 {macros} {own} -all", one)
            case "big_range":
                self._say(domain, f"v=spf1 ip4:198.19.255.0/24 ip6:2001:db8:feed::/48 {own} -all", one)
            case "long":
                singles = [self._sender() for _ in range(30)]
                text = " ".join(f"ip4:{address}" for address in (*singles, one))
                self._say(domain, f"v=spf1 {text} -all", *singles, one)
                self.texts[domain].only_tcp = True
            case "own_redirect":
                self.texts[below] = TextFacts([f"v=spf1 {own} -all"])
                self._say(domain, f"v=spf1 redirect={below}", one)
            case "provider_redirect":
                self._say(domain, "v=spf1 redirect=spf.hosting2.example")
            case "own_include":
                self.texts[below] = TextFacts([f"v=spf1 {own} ~all"])
                self._say(domain, f"v=spf1 include:{below} include:spf.p2.example -all", one)
            case "block":
                self._say(domain, f"v=spf1 ip4:{sixteen[3]}/28 -all", *sixteen)
            case "over_64":
                bases = [block, *(self._block() for _ in range(4))]
                text = " ".join(f"ip4:{IPv4Address(base)}/28" for base in bases)
                self._say(domain, f"v=spf1 {text} -all", *self._shared_out(domain, bases))
            case "ip6":
                six = str(IPv6Address((0x20010DB8FFFF << 80) + self._slots))
                if is_listed:
                    self._country.listed[_ABUSE][six] = ("127.0.0.2",)
                self._say(domain, f"v=spf1 ip6:{six} -all", six)
            case "denied":
                self._say(domain, f"v=spf1 -ip4:{sixteen[7]} ip4:{sixteen[0]}/28 -all", *sixteen[:7], *sixteen[8:])
            case "softfail":
                self._say(domain, f"v=spf1 ~{own} ?ip4:{sixteen[7]} -all")
            case "host_silent":
                self._host(f"out.{domain}", [], "silent")
                self._say(domain, f"v=spf1 a:out.{domain} {own} -all", one, is_silent=True)
            case "host_range":
                self._host(f"out.{domain}", [one], "ok")
                self._say(domain, f"v=spf1 a:out.{domain}/24 -all", one)
            case "provider_silent":
                self._say(domain, f"v=spf1 include:spf.silent1.example {own} -all", one)
            case "own_include_silent":
                self.texts[below] = TextFacts(behaviour="silent")
                self._say(domain, f"v=spf1 include:{below} {own} -all", one, is_silent=True)
            case "void":
                self._say(domain, f"v=spf1 a:no1.{domain} a:no2.{domain} a:no3.{domain} {own} -all", one)
            case "include_nothing":
                self._say(domain, f"v=spf1 include:nothing.{domain} {own} -all", one)
            case "private":
                self._say(domain, "v=spf1 ip4:10.20.30.0/30 ip4:127.0.0.1 -all")
            case "pair_servfail":
                self._country.listed[_ABUSE].pop(one, None)
                self._country.pair_behaviour[(_ABUSE, one)] = "servfail"
                self._say(domain, f"v=spf1 {own} -all", one)

    def _shared_out(self, domain: str, bases: list[int]) -> Iterator[str]:
        """The blocks that fit into what a body may have asked, shared equally among its domains."""
        most = min(64 // len(body.domains) for body in self._country.bodies if domain in body.domains)
        for base in bases[: most // 16]:
            for n in range(16):
                yield str(IPv4Address(base + n))

    # -- DMARC -------------------------------------------------------------------------------------------------

    def _dmarc(self, domains: list[str]) -> None:
        """A record for a third of the domains, for some prefectures, and for the national bodies as a public suffix."""
        random = self._random
        words = ("none", "none", "quarantine", "reject")
        for domain in domains:
            if random.random() < 0.34:
                text = f"v=DMARC1; p={random.choice(words)}; rua=mailto:dmarc@{domain}"
                if random.random() < 0.1:
                    text = random.choice(("v=DMARC1; p=rejct", "v=DMARC1; rua=mailto:d@x.example", "v=dmarc1; p=none"))
                self.texts[f"_dmarc.{domain}"] = TextFacts([text])
        parents = sorted({domain.partition(".")[2].partition(".")[2] for domain in domains if domain.count(".") == 3})
        for parent in parents[::3]:
            self.texts[f"_dmarc.{parent}"] = TextFacts([f"v=DMARC1; p=none; sp={random.choice(words)}"])
        self.texts["_dmarc.go.example"] = TextFacts(["v=DMARC1; p=reject; psd=y"])
        for domain in random.sample(domains, 3):
            self.texts[f"_dmarc.{domain}"] = TextFacts(behaviour=random.choice(("silent", "servfail")))
