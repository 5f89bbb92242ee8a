"""The years after 2002 in a practice country: what happens in each, to whom, and what becomes of its lists."""

from __future__ import annotations

import datetime
from random import Random

from . import reforms
from .chronicle import TOWNS, Chronicle, tags
from .country import Country
from .facts import ABUSE, NEWCOMER, OPERATORS, PROXY, RELAY_ZONES, BodyFacts

ORBZ, ORDB = RELAY_ZONES
KINDS_2003 = (
    *("relay_closed", "other_list", "still_listed", "newly_listed", "listed_by_newcomer", "newcomer_silent"),
    *("moved_to_shared", "fell_silent", "answers_again", "opted_out", "gave_up_mail", "took_up_mail"),
    *("merged", "split", "renamed", "recoded", "founded", "closed"),
)
"""What happens between 2002 and 2003, each to one body at least."""
KINDS_2004 = (
    *("relay_closed", "relisted", "newly_listed", "shared_host_listed", "answers_again"),
    *("merged", "renamed", "recoded"),
)
"""What happens between 2003 and 2004."""


class Years:
    """The years of one country, in their order."""

    def __init__(self, seed: int) -> None:
        self.country = Country.make(seed)
        self._told = Chronicle(self.country)
        self._many = 3 if seed == 81 else 1
        """The country of 2002 is larger than the others."""
        self._closed: list[BodyFacts] = []
        self._fresh: list[BodyFacts] = []
        self._still: list[BodyFacts] = []
        self._silent: list[BodyFacts] = []
        self._moved: list[BodyFacts] = []
        self._doubted: list[BodyFacts] = []
        self._cities: list[BodyFacts] = []
        self._partner: BodyFacts

    def pass_2003(self) -> None:
        """From March 2002 to April 2003: one list falls silent, another is new."""
        self._told.turn("2003", datetime.date(2003, 4, 1))
        country = self.country
        country.selection = "practice-2003"
        country.healthy = (*(zone for zone in country.healthy if zone != ORBZ), NEWCOMER)
        country.dead[ORBZ] = "silent"
        country.listed[NEWCOMER] = {}
        self._relays_2003()
        self._reforms_2003()
        self._answers_2003()
        self._decisions_2003()
        self._listings_2003()
        country.lay_networks(Random(f"{country.seed}-networks-2003"))

    def pass_2004(self) -> None:
        """From April 2003 to November 2004: a list answers for the whole world, and the dead one is asked no longer."""
        self._told.turn("2004", datetime.date(2004, 11, 1))
        country = self.country
        country.selection = "practice-2004"
        country.healthy = tuple(zone for zone in country.healthy if zone != PROXY)
        del country.dead[ORBZ]
        country.dead[PROXY] = "world"
        self._listings_2004()
        self._reforms_2004()
        country.lay_networks(Random(f"{country.seed}-networks-2004"))

    # -- 2003 --------------------------------------------------------------------------------------------------

    def _relays_2003(self) -> None:
        """Open relays are closed and leave both relay lists; others go over from a relay list to the list of abuse."""
        told = self._told
        self._closed = told.listed([ORDB], 2 * self._many - 1, beside=[ORBZ])
        for body in self._closed:
            told.delist(body, RELAY_ZONES)
        told.record("relay_closed", tags(*self._closed))
        others = told.listed([ORDB], self._many, beside=[ORBZ])
        for body in others:
            told.delist(body, RELAY_ZONES)
            told.enlist(ABUSE, body)
        told.record("other_list", tags(*others))
        self._still = told.listed([ORDB, ABUSE], self._many, beside=[ORBZ])
        told.record("still_listed", tags(*self._still))

    def _reforms_2003(self) -> None:
        """Mergers, a split, new names, towns that become cities; one of each kind stands on a list."""
        told = self._told
        for body in (*told.listed([ORDB, ABUSE], 1, beside=[ORBZ]), *told.clear(1)):
            reforms.rename(told, body)
        rural = ("town", "village")
        reforms.become_city(told, told.listed([ORDB, ABUSE], 1, beside=[ORBZ], kinds=rural)[0])
        self._cities = [reforms.become_city(told, town) for town in told.clear(1, kinds=rural)]
        city, self._partner = told.neighbours(2, kinds=rural)
        self._cities.append(reforms.become_city(told, city))
        listed = told.listed([ORDB, ABUSE], 1, beside=[ORBZ], has_neighbour=True)[0]
        reforms.merge(told, [listed, *told.clear(1, near=listed)], listed)
        largest, *others = sorted(told.neighbours(4), key=lambda body: TOWNS.index(body.kind))
        reforms.absorb(told, largest, others)
        reforms.split(told, told.clear(1, kinds=rural)[0])
        old, like = told.national(2)
        reforms.found_office(told, like)
        reforms.close_office(told, old)

    def _answers_2003(self) -> None:
        """Some fall silent, by their server or by their domain; others, who were silent, answer."""
        told = self._told
        by_host, by_domain = told.listed([ORDB, ABUSE], 2, beside=[ORBZ])
        for host in self.country.hosts_of(by_host):
            host.behaviour = "silent"
        self._silent = [by_host]
        told.change(by_domain, "servfail")
        told.record("fell_silent", tags(by_host, by_domain))
        listed, clear = told.with_behaviour(2, "servfail", "silent")
        for body in (listed, clear):
            told.change(body, "mx")
        told.enlist(ABUSE, listed)
        told.record("answers_again", tags(listed, clear))

    def _decisions_2003(self) -> None:
        """Some do not want to be asked about; some give up mail, and one takes it up."""
        told = self._told
        out = [*told.listed([ORDB, ABUSE], 1, beside=[ORBZ]), *told.clear(1)]
        self.country.opted_out += [body.domains[0] for body in out]
        told.record("opted_out", tags(*out))
        without = [*told.listed([ORDB, ABUSE], 1, beside=[ORBZ]), *told.clear(1)]
        for body in without:
            told.change(body, "null")
        told.record("gave_up_mail", tags(*without))
        taker = told.with_behaviour(1, "null")[0]
        told.change(taker, "mx")
        told.enlist(ABUSE, taker)
        told.record("took_up_mail", tags(taker))

    def _listings_2003(self) -> None:
        """Servers are listed anew; the new list knows some alone, and is silent about others; towns move."""
        told = self._told
        self._fresh = told.clear(2 * self._many)
        for number, body in enumerate(self._fresh):
            told.enlist((ORDB, ABUSE)[number % 2], body)
        told.record("newly_listed", tags(*self._fresh))
        known = [*told.clear(2 * self._many), self._still[0]]
        for body in known:
            told.enlist(NEWCOMER, body)
        told.record("listed_by_newcomer", tags(*known))
        self._doubted = told.clear(self._many)
        for body in self._doubted:
            self.country.pair_behaviour[NEWCOMER, told.address(body)] = "servfail"
        told.record("newcomer_silent", tags(*self._doubted))
        self._moved = told.clear(2 * self._many)
        host = self._quiet_host()
        for body in self._moved:
            told.move(body, host)
        told.record("moved_to_shared", tags(*self._moved))

    def _quiet_host(self) -> str:
        """The shared host with the fewest customers, which stands on no list."""
        country = self.country
        customers = {f"mx{n}.{operator}.example": 0 for operator in OPERATORS for n in (1, 2, 3)}
        for facts in country.domains.values():
            for _, host in facts.exchangers:
                if host in customers:
                    customers[host] += 1
        on_lists = {address for zone in (*RELAY_ZONES, ABUSE, PROXY) for address in country.listed[zone]}
        quiet = [host for host in customers if customers[host] and on_lists.isdisjoint(country.hosts[host].ipv4)]
        return min(quiet, key=lambda host: (customers[host], host))

    # -- 2004 --------------------------------------------------------------------------------------------------

    def _listings_2004(self) -> None:
        """The shared host is listed; one closed relay is open again, a new one closed; a silent server is back."""
        told = self._told
        told.enlist(ABUSE, self._moved[0])
        told.record("shared_host_listed", tags(*self._moved))
        told.enlist(ORDB, self._closed[0])
        told.record("relisted", tags(self._closed[0]))
        told.delist(self._fresh[0], RELAY_ZONES)
        told.record("relay_closed", tags(self._fresh[0]))
        fresh = told.clear(self._many)
        for body in fresh:
            told.enlist(ABUSE, body)
        told.record("newly_listed", tags(*fresh))
        for body in self._silent:
            for host in self.country.hosts_of(body):
                host.behaviour = "ok"
        for body in self._doubted:
            del self.country.pair_behaviour[NEWCOMER, told.address(body)]
        told.record("answers_again", tags(*self._silent, *self._doubted))

    def _reforms_2004(self) -> None:
        """One of the new cities takes a new name and a new code, the other merges with a neighbour."""
        told = self._told
        one, other = self._cities
        reforms.rename(told, one)
        reforms.recode(told, one)
        reforms.merge(told, [other, self._partner], other)
