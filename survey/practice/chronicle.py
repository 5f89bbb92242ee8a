"""What happens in a practice country: to whom it may happen, the acts that it is made of, and the record of it.

Things happen to bodies to which nothing else has happened: towns with servers of their own, one mail domain, no trap.
Who they are is drawn from a stream of the seed's own, so that the country of 2002 does not depend on it.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from random import Random

from ..errors import RunError
from .country import Country, check_digit
from .facts import (
    ABUSE,
    LABEL,
    NEWCOMER,
    PROXY,
    READING,
    RELAY_ZONES,
    SUFFIX,
    BodyFacts,
    DomainFacts,
    Happening,
    HostFacts,
)
from .names import Name, offices, towns
from .truth import Truth

LISTING = ("127.0.0.2",)
TOWNS = ("city", "town", "village")
Tag = tuple[str, str]
"""A body's code and name."""


class Chronicle:
    """A country and what happens to it, season after season."""

    def __init__(self, country: Country) -> None:
        self.country = country
        self.random = Random(f"seasons of country {country.seed}")
        self.date = datetime.date(2002, 3, 16)
        self.touched: set[str] = set()
        """Codes of bodies to which something has happened."""
        self._codes = {body.code for body in country.bodies}
        self._names = {(body.prefecture, name) for body in country.bodies for name in _names(body)}
        self._plain: list[tuple[BodyFacts, frozenset[str]]] = []

    def turn(self, season: str, date: datetime.date) -> None:
        """Begin a season: look who is there, and who stands on which lists."""
        self.country.season, self.date = season, date
        self._plain = [(body, self._zones(body)) for body in self._undisturbed()]

    # -- who ---------------------------------------------------------------------------------------------------

    def clear(self, number: int, *, kinds: Sequence[str] = TOWNS, near: BodyFacts | None = None) -> list[BodyFacts]:
        """Towns that stand on no list; in the prefecture of another body."""
        found = self._clear(kinds)
        return self._take(number, [body for body in found if near is None or body.prefecture == near.prefecture])

    def listed(
        self,
        of: Sequence[str],
        number: int,
        *,
        beside: Sequence[str] = (),
        kinds: Sequence[str] = TOWNS,
        has_neighbour: bool = False,
    ) -> list[BodyFacts]:
        """Towns that stand on one of these lists and, but for those beside, on no other; with a clear one near them."""
        wanted, allowed = frozenset(of), frozenset((*of, *beside))
        fitting = [body for body, zones in self._plain if zones & wanted and zones <= allowed]
        found = [body for body in fitting if self._is_free(body, kinds)]
        near = {body.prefecture for body in self._clear(TOWNS)}
        return self._take(number, [body for body in found if body.prefecture in near or not has_neighbour])

    def neighbours(self, number: int, *, kinds: Sequence[str] = TOWNS) -> list[BodyFacts]:
        """Towns of one prefecture that stand on no list: of the one that has most of them left."""
        rooms = Counter(body.prefecture for body in self._clear(kinds))
        prefecture = max(rooms, key=lambda name: (rooms[name], name))
        return self._take(number, [body for body in self._clear(kinds) if body.prefecture == prefecture])

    def with_behaviour(self, number: int, *behaviours: str) -> list[BodyFacts]:
        """Towns whose one MX question is answered so."""
        domains = self.country.domains
        found = [body for body in self.country.bodies if self._is_free(body, TOWNS) and len(body.domains) == 1]
        return self._take(number, [body for body in found if domains[body.domains[0]].behaviour in behaviours])

    def national(self, number: int) -> list[BodyFacts]:
        """National bodies with a mail server of their own, on no list."""
        return self._take(number, self._clear(("national",)))

    def _clear(self, kinds: Sequence[str]) -> list[BodyFacts]:
        return [body for body, zones in self._plain if not zones and self._is_free(body, kinds)]

    def _take(self, number: int, found: list[BodyFacts]) -> list[BodyFacts]:
        if len(found) < number:
            raise RunError(
                f"the practice country of seed {self.country.seed} has too few bodies for its seasons",
                where="--seed",
                remedy="take another seed",
                ja="このシードの練習国では、各時期に必要な団体が足りません。別のシードを使ってください",
            )
        chosen = self.random.sample(found, number)
        self.touched |= {body.code for body in chosen}
        return chosen

    def _is_free(self, body: BodyFacts, kinds: Sequence[str]) -> bool:
        return body.in_scope and body.kind in kinds and body.code not in self.touched

    def _undisturbed(self) -> list[BodyFacts]:
        """Bodies of one domain of their own, every server of which bears its name and answers."""
        country = self.country
        uses = Counter(domain for body in country.bodies for domain in body.domains)
        found = []
        for body in country.bodies:
            if not body.in_scope or len(body.domains) != 1 or body.code in country.hidden.candidates:
                continue
            domain = body.domains[0]
            facts, declared = country.domains[domain], country.declarations.declared[domain]
            hosts = [(name, country.hosts.get(name)) for _, name in facts.exchangers]
            is_plain = uses[domain] == 1 and facts.behaviour == "mx" and not facts.is_big and not facts.needs_no_edns
            is_plain &= not declared.is_silent and len(declared.addresses) < 3 and domain not in country.opted_out
            if is_plain and all(one and self._is_plain(name, one, domain) for name, one in hosts):
                found.append(body)
        return found

    def _is_plain(self, name: str, one: HostFacts, domain: str) -> bool:
        has_own_name = name.endswith(f".{domain}") and "\\" not in name and not name.startswith("mx.")
        return has_own_name and one.behaviour == "ok" and one.alias_of is None and not one.ipv4[0].startswith("10.")

    def _zones(self, body: BodyFacts) -> frozenset[str]:
        """The lists on which a body's servers stand; `?` for an answer that nobody can use."""
        true, zones = Truth(self.country), [*RELAY_ZONES, ABUSE, PROXY, NEWCOMER]
        addresses = [address for host in true.servers(body) for address in true.addresses(host)]
        words = {(zone, true.pair(zone, a)) for zone in zones if zone in self.country.listed for a in addresses}
        return frozenset("?" if word == "unknown" else zone for zone, word in words if word != "clear")

    # -- what --------------------------------------------------------------------------------------------------

    def record(self, kind: str, before: Sequence[Tag], after: Sequence[Tag] | None = None) -> None:
        """Write down what happened to whom: the codes and names that they had before, and those that they have now."""
        after = before if after is None else after
        codes = tuple(code for code, _ in before), tuple(code for code, _ in after)
        names = tuple(name for _, name in before), tuple(name for _, name in after)
        self.touched |= {*codes[0], *codes[1]}
        self.country.history.append(Happening(kind, *codes, self.date, *names))

    def address(self, body: BodyFacts) -> str:
        """The IPv4 address of a body's first mail server."""
        host = self.country.domains[body.domains[0]].exchangers[0][1]
        return self.country.hosts[host].ipv4[0]

    def enlist(self, zone: str, body: BodyFacts) -> None:
        """Put a body's first server on a list."""
        self.country.listed[zone][self.address(body)] = LISTING

    def delist(self, body: BodyFacts, zones: Sequence[str]) -> None:
        """Take all servers of a body off some lists."""
        for _, host in self.country.domains[body.domains[0]].exchangers:
            one = self.country.hosts[host]
            for zone in zones:
                for address in (*one.ipv4, *one.ipv6):
                    self.country.listed[zone].pop(address, None)

    def change(self, body: BodyFacts, behaviour: str) -> None:
        """Let a body's domain answer otherwise; with an MX it gets a new server of its own, without one it has none."""
        domain = body.domains[0]
        facts = self.country.domains[domain]
        for _, host in facts.exchangers:
            self.country.hosts.pop(host, None)
        facts.behaviour, facts.exchangers = behaviour, []
        if behaviour == "mx":
            facts.exchangers = [(10, self.country.new_host(f"mail.{domain}"))]
        self.country.declarations.declare(domain, behaviour)

    def move(self, body: BodyFacts, host: str) -> None:
        """Let somebody else's server take a body's mail."""
        facts = self.country.domains[body.domains[0]]
        for _, own in facts.exchangers:
            self.country.hosts.pop(own, None)
        facts.exchangers = [(10, host)]

    # -- founding and ending -----------------------------------------------------------------------------------

    def found(self, like: BodyFacts, kind: str, *, name: Name | None = None, address: str = "") -> BodyFacts:
        """A new body beside another, with a new code, a domain, and a server at an address that may be an old one."""
        country = self.country
        new, code = name or self.fresh_name(like, kind), self.fresh_code(like)
        tail = _tail(like)
        domain = f"{new.romaji}.{tail}" if kind == "national" else f"{LABEL[kind]}.{new.romaji}.{tail}"
        if domain in country.domains:
            domain = domain.replace(f"{new.romaji}.", f"{new.romaji}-{code}.", 1)
        body = BodyFacts(code, like.prefecture, new, kind, [domain])
        country.bodies.insert(country.bodies.index(like) + 1, body)
        host = country.new_host(f"mail.{domain}")
        if address:
            country.hosts[host] = HostFacts([address])
            country.pointers[address] = (host, "ok")
        country.domains[domain] = DomainFacts(exchangers=[(10, host)])
        country.declarations.declare(domain, "mx")
        return body

    def end(self, body: BodyFacts, heir: BodyFacts | None = None) -> None:
        """Take a body out of the register; its domain goes with it, or over to an heir."""
        country = self.country
        country.bodies.remove(body)
        for domain in body.domains:
            if heir is not None:
                heir.domains.append(domain)
                continue
            for _, host in country.domains.pop(domain).exchangers:
                country.hosts.pop(host, None)
            country.declarations.forget(domain)

    def fresh_name(self, like: BodyFacts, kind: str) -> Name:
        """A name that nobody in the prefecture has had, and whose domains are nobody's."""
        if kind == "national":
            found = offices(self.random, 280)
            chosen = next(one for one in found if (like.prefecture, one.kanji) not in self._names)
        else:
            tail = _tail(like)
            taken = {domain for domain in self.country.domains if domain.endswith(tail)}
            plain = next(
                one
                for one in towns(self.random, 1500)
                if (like.prefecture, one.kanji) not in self._names
                and not any(f"{label}.{one.romaji}.{tail}" in taken for label in LABEL.values())
            )
            chosen = named(plain, kind)
            self._names.add((like.prefecture, plain.kanji))
        self._names.add((like.prefecture, chosen.kanji))
        return chosen

    def fresh_code(self, like: BodyFacts) -> str:
        """A code that nobody has had: the next one of the prefecture, or of the national bodies."""
        head, digits = ("N", 5) if like.code[0] == "N" else (like.code[:2], 3)
        numbers = [int(code[len(head) : len(head) + digits]) for code in self._codes if code.startswith(head)]
        code = f"{head}{max(numbers) + 1:0{digits}d}"
        code += "" if head == "N" else check_digit(code)
        self._codes.add(code)
        return code


def _names(body: BodyFacts) -> tuple[str, str]:
    """A body's name with and without its ending."""
    return body.name.kanji, body.name.kanji[:-1]


def tags(*bodies: BodyFacts) -> list[Tag]:
    """Codes and names of bodies, as they are now."""
    return [(body.code, body.name.kanji) for body in bodies]


def named(plain: Name, kind: str) -> Name:
    """A name with the ending of a kind of body."""
    return Name(plain.kanji + SUFFIX[kind], plain.kana + READING[SUFFIX[kind]], plain.romaji)


def _tail(body: BodyFacts) -> str:
    """What stands behind a body's own labels in its domain: `lg.example`, a prefecture's, or `go.example`."""
    labels = body.domains[0].split(".")
    return ".".join(labels[1:] if body.kind == "national" else labels[2:])
