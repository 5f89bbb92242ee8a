"""One pass: asks, listens, and asks what follows, until nothing is open.

A pass streams: a domain's addresses are asked as soon as its MX is known, the lists as soon as an address is known and
the list has passed its first health round. Everything asked is decided by the rooms from answers already in hand;
everything heard goes to the store before anyone reads it.
"""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from . import blocklists, dmarc, mail, networks, senders
from .answers import word
from .domains import Subject
from .exchanges import FIRST_RECHECK, MX, SURVEY_ROUND, TXT, A, Exchanges, Question, Row, is_usable
from .names import encode_name, reverse_name, reverse_wire
from .sitting import Enquired, Recorder, Sitting
from .tables import Dns
from .wire.dns import Batch, DnsWire, Half

_SILENCES = 20
"""Questions that one list may leave unanswered in a row before it is tested at once."""


@dataclass(slots=True)
class _Inquiry:
    """A subject that a room asks about until it knows enough, and what is done then.

    `needs` is pure: of what is known, every question that the subject needs, answered or not.
    """

    needs: Callable[[Exchanges], Collection[Question]]
    then: Callable[[], None] = lambda: None
    waiting: int = 0


class Pass:
    """One pass: asks, listens, and asks what follows, until nothing is open."""

    def __init__(self, sitting: Sitting, wire: DnsWire, store: Recorder, number: int, committed: list[Row]) -> None:
        self._sitting, self._wire, self._store, self._number = sitting, wire, store, number
        self._known = sitting.known
        self._lists = sitting.lists
        self._covered = tuple(f".{zone}" for zone, one in self._lists.items() if one.asked_zone != one.zone)
        """How names end that are kept with a cover in place of a list's key."""
        self._settled: dict[tuple[str, int], Row] = {}
        self._tried: dict[tuple[str, int], int] = {}
        for row in committed:
            if row.round == SURVEY_ROUND:
                key = (row.name, row.type)
                if is_usable(row):
                    self._settled[key] = row
                self._tried[key] = max(self._tried.get(key, 0), row.attempt)
        self._asked: set[Question] = set()
        self._wanted: list[Half] = []
        """Questions of the resolver that came up since it was last asked: those of one length go out in one call."""
        self._mail: set[Question] = set()
        """Questions of the mail room: only their answers lead to addresses that lists are asked about."""
        self._open_questions: set[Question] = set()
        self._inquiries: dict[Question, list[_Inquiry]] = defaultdict(list)
        self._texts: set[tuple[str, str]] = set()
        self._addresses: dict[str, Half] = {}
        """What stands in front of a list's zone, per address that lists are asked about."""
        self._fresh: list[str] = []
        """Those of them that came up since the open lists were last asked."""
        self._open: dict[str, bool] = {}
        """Zones that passed their first round of this pass, and whether IPv6 did too."""
        self._round_rows: list[Row] = []
        self._round_left = 0
        self._round_zones: list[str] = []
        self._round_at = time.monotonic()
        self._since_round = 0
        self._silences: dict[str, int] = {}
        """Questions given up per list in a row, since the last round: a list that falls silent is tested at once."""
        self._done = 0
        self._begun = self._led = 0
        """Mail domains that were begun with, and those of them whose mail servers are known."""

    def run(self) -> None:
        self._start_round([zone for zone in self._lists if zone not in self._sitting.void | self._wire.spent])
        for domain in self._domains():
            self._survey(domain)
        for subject in self._sitting.brief.sought:
            self._seek(subject, 0)
        if (enquired := self._sitting.brief.enquired) is not None:
            self._enquire(enquired)
        self._ask_resolver()
        self._ask_lists()
        self._listen()
        live = [zone for zone in self._lists if zone in self._open]
        if live:
            self._start_round(live)
            self._listen()

    def _domains(self) -> list[str]:
        """The domains that people gave or reviewed, each once, without those that opted out."""
        domains = dict.fromkeys(domain for _, domain in self._sitting.brief.named)
        return [domain for domain in domains if not self._sitting.opt_out.has_domain(domain)]

    def _listen(self) -> None:
        for batch in self._wire.exchanges():
            self._store.append(batch.rows)
            self._take(batch)
            self._progress("")

    def _progress(self, text: str) -> None:
        to_lists, to_resolver = self._to_come()
        expected = self._done + self._wire.waiting + to_lists * len(self._open) + to_resolver
        minutes = self._wire.least_s(to_lists, to_resolver) / 60
        left = f", at least {minutes:,.0f} min left" if minutes >= 1.5 else ""
        self._sitting.progress(self._done, expected, text or f"pass {self._number}{left}")

    def _to_come(self) -> tuple[int, int]:
        """How many questions to each list, and others, the domains will lead to that have led to none yet.

        They are taken to be like those before them.
        """
        if not self._led:
            return 0, 0
        left = (self._begun - self._led) / self._led
        return round(len(self._addresses) * left), round(max(0, len(self._asked) - self._begun) * left)

    # -- what to ask ---------------------------------------------------------------------------------------------

    def _survey(self, domain: str) -> None:
        """Ask everything about one mail domain that the answers lead to."""
        self._begun += 1
        for question in mail.first([domain]):
            self._want_mail(question)
        if not self._sitting.manner.has_context:
            return
        self._inquire(_Inquiry(functools.partial(senders.needs, domain), functools.partial(self._ask_senders, domain)))
        self._inquire(_Inquiry(lambda known: dmarc.needs(domain)))

    def _ask_senders(self, domain: str) -> None:
        """Ask the lists about the addresses that a domain's own SPF names."""
        most = self._sitting.brief.senders_most.get(domain, senders.ADDRESSES_MOST)
        for address in senders.addresses(domain, self._known, self._sitting.world.askable, most):
            # Whoever enquires wants to know of senders, too, under which name they know themselves.
            self._address(address) if self._sitting.brief.enquired is None else self._server(address)

    def _enquire(self, enquired: Enquired) -> None:
        """Ask about names as mail domains and as hosts, and about addresses."""
        for name in enquired.names:
            if not self._sitting.opt_out.has_domain(name):
                self._survey(name)
                needs = functools.partial(mail.host_needs, name)
                self._inquire(_Inquiry(needs, functools.partial(self._ask_host, name)))
        for address in enquired.addresses:
            self._server(address)

    def _ask_host(self, name: str) -> None:
        """Ask the lists about a name's own addresses, where the name is no domain whose mail others take."""
        for address in mail.own_addresses(name, self._known):
            self._server(address)

    def _seek(self, subject: Subject, number: int) -> None:
        """Ask about one stage of a body's candidates; then survey the chosen one, or go on with the next stage."""
        stages = subject.stages()
        if number >= len(stages):
            return

        def needs(known: Exchanges) -> list[Question]:
            wanted = subject.needs(stages[number], known)
            return [question for question in wanted if not self._sitting.opt_out.has_domain(question.name)]

        def decide() -> None:
            choice = subject.choice(self._known)
            if choice is None:
                self._seek(subject, number + 1)
            elif not self._sitting.opt_out.has_domain(choice.domain):
                self._survey(choice.domain)

        self._inquire(_Inquiry(needs, decide))

    def _want_mail(self, question: Question) -> None:
        """Ask a question whose answer leads on to servers, addresses and lists; an answer in hand leads on at once."""
        if question in self._mail:
            return
        self._mail.add(question)
        is_new = question not in self._asked
        self._want(question)
        if not is_new and question not in self._open_questions:
            self._lead_on(question)

    def _want(self, question: Question) -> None:
        """Ask a question of the resolver, once per pass; what is committed already is taken as heard."""
        if question in self._asked:
            return
        self._asked.add(question)
        if question.name.endswith(self._covered):
            # A stranger's name that is spelt like a cover: kept, its answer would be taken for the list's.
            self._closed(question)
            return
        tried = 0
        if self._tried:
            if (row := self._settled.get(question)) is not None:
                self._known.add([row])
                self._closed(question)
                return
            tried = self._tried.get(question, 0)
            if tried >= self._sitting.world.tries:
                self._closed(question)
                return
        self._open_questions.add(question)
        name, type_ = question
        self._wanted.append(Half(name, encode_name(name)[:-1], type_, self._number, SURVEY_ROUND, tried + 1))

    def _ask_resolver(self) -> None:
        """Ask the resolver everything that came up."""
        if self._wanted:
            self._wire.ask("", self._wanted)
            self._wanted = []

    def _closed(self, question: Question) -> None:
        """A question is answered, or given up in this pass: go on with whatever waited for it."""
        self._open_questions.discard(question)
        if question in self._mail:
            self._led += question.type == MX
            self._lead_on(question)
        if self._inquiries:
            for inquiry in self._inquiries.pop(question, ()):
                inquiry.waiting -= 1
                if not inquiry.waiting:
                    self._inquire(inquiry)

    def _lead_on(self, question: Question) -> None:
        """Ask what an answer makes us ask: addresses, ends of aliases, and the lists.

        In silence go on with what an earlier pass heard, so that its listings are asked again.
        """
        row = self._known.latest(*question)
        if row is None or (row.type != MX and row.answer[6:8] == b"\0\0") or not is_usable(row):
            # An address that does not exist leads nowhere.
            return
        if row.type != MX and word(row, row.name, row.type) is Dns.PRESENT:
            # What has addresses is no loose end.
            for address in mail.addresses_of(row):
                self._server(address)
            return
        for following in mail.follow(row):
            self._want_mail(following)

    def _inquire(self, inquiry: _Inquiry) -> None:
        """Ask what a subject still needs, and again when that is answered, until it needs nothing more."""
        needed = inquiry.needs(self._known)
        wanted = [question for question in needed if question not in self._asked and not self._is_answered(question)]
        for question in wanted:
            self._want(question)
        open_ = {question for question in needed if question in self._open_questions}
        inquiry.waiting = len(open_)
        for question in open_:
            self._inquiries[question].append(inquiry)
        if not open_:
            if wanted:
                self._inquire(inquiry)
            else:
                inquiry.then()

    def _is_answered(self, question: Question) -> bool:
        """Whether an earlier pass has an answer: what is no listing need not be confirmed. A recheck asks anew."""
        if self._number >= FIRST_RECHECK:
            return False
        row = self._known.latest(*question)
        return row is not None and is_usable(row)

    def _address(self, address: str) -> None:
        """Let every open list be asked about an address, once per pass."""
        if address in self._addresses or not self._may_be_asked(address):
            return
        self._addresses[address] = Half(reverse_name(address), reverse_wire(address), A, self._number, SURVEY_ROUND)
        self._fresh.append(address)

    def _server(self, address: str) -> None:
        """An address of a mail server: ask the lists about it, and whose network it is in."""
        self._address(address)
        if self._sitting.manner.has_context and self._may_be_asked(address):
            self._inquire(_Inquiry(functools.partial(networks.needs, address, self._sitting.world.asn_zones)))

    def _may_be_asked(self, address: str) -> bool:
        return self._sitting.world.askable(address) and not self._sitting.opt_out.has_address(address)

    def _ask_lists(self) -> None:
        """Ask every open list about the addresses that came up."""
        if self._fresh:
            for zone in self._open:
                self._ask_list(zone, self._fresh)
            self._fresh = []

    def _ask_list(self, zone: str, addresses: Iterable[str]) -> None:
        """Ask one open list about addresses, each once per pass, within its daily limit."""
        has_ipv4, has_ipv6 = self._lists[zone].ipv4, self._open[zone]
        known = self._addresses
        halves = [known[address] for address in addresses if (has_ipv6 if ":" in address else has_ipv4)]
        if self._tried:
            halves = self._untold(zone, halves)
        self._wire.ask(zone, halves)

    def _untold(self, zone: str, halves: Iterable[Half]) -> list[Half]:
        """Those that a pass which was cut off did not finish, with their attempts; what it heard is used."""
        found = []
        for half in halves:
            key = (f"{half.text}.{zone}", A)
            if (row := self._settled.get(key)) is not None:
                self._listed(zone, row.name, row.answer)
            elif (tried := self._tried.get(key, 0)) < self._sitting.world.tries:
                found.append(replace(half, attempt=tried + 1))
        return found

    def _listed(self, zone: str, name: str, answer: bytes) -> None:
        """An answer with records: ask for the list's own words too."""
        text = name[: -len(zone) - 1]
        if answer[6:8] == b"\0\0" or (zone, text) in self._texts:
            return
        self._texts.add((zone, text))
        key = (name, TXT)
        tried = self._tried.get(key, 0)
        if key in self._settled or tried >= self._sitting.world.tries:
            return
        half = Half(text, encode_name(text)[:-1], TXT, self._number, SURVEY_ROUND, tried + 1)
        self._wire.ask(zone, [half])

    # -- what was heard ------------------------------------------------------------------------------------------

    def _take(self, batch: Batch) -> None:
        # Nearly all answers of lists say "not listed" in the header: they are only counted.
        for zone, count in batch.denials.items():
            self._done += count
            self._since_round += count
            self._silences.pop(zone, None)
        for zone, heard in batch.heard:
            row = Row(0, 0, *heard)
            if row.round != SURVEY_ROUND:
                self._round_rows.append(row)
                # The wire says itself when it gives up.
                self._round_left -= is_usable(row)
                continue
            self._done += 1
            if not zone:
                self._known.add([row])
                self._closed(Question(row.name, row.type))
            elif row.type == A:
                self._since_round += 1
                self._known.add([row])
                self._listed(zone, row.name, row.answer)
        for gone in batch.given_up:
            if gone.round != SURVEY_ROUND:
                self._round_left -= 1
            else:
                self._done += 1
                if gone.channel:
                    self._silences[gone.channel] = self._silences.get(gone.channel, 0) + 1
                else:
                    self._closed(Question(gone.name, gone.type))
        self._ask_resolver()
        self._ask_lists()
        if self._round_zones and self._round_left <= 0:
            self._end_round()
        elif not self._round_zones and self._is_round_due():
            self._start_round(list(self._open))

    # -- health --------------------------------------------------------------------------------------------------

    def _is_round_due(self) -> bool:
        if not self._open or not (self._since_round or self._silences):
            return False
        manner = self._sitting.manner
        per_list = self._since_round / len(self._open)
        is_late = time.monotonic() - self._round_at > manner.health_every_s
        has_fallen_silent = any(zone in self._open and n >= _SILENCES for zone, n in self._silences.items())
        return per_list >= manner.health_every_questions or is_late or has_fallen_silent

    def _start_round(self, zones: list[str]) -> None:
        """Ask these lists' test points, fresh controls among them, through each resolver; and whether one rewrites."""
        self._sitting.round += 1
        self._sitting.reread_opt_outs()
        self._round_rows, self._round_zones, self._round_left = [], zones, 0
        self._round_at, self._since_round, self._silences = time.monotonic(), 0, {}
        for place in self._sitting.servers:
            canaries = self._sitting.canaries(self._number, place)
            self._wire.ask("", canaries, is_urgent=True)
            self._round_left += len(canaries)
            for zone in zones:
                one = self._lists[zone]
                tests = [*blocklists.tests(one, 4), *blocklists.tests(one, 6)]
                asked = [(reverse_name(test.address), reverse_wire(test.address)) for test in tests]
                halves = [Half(*name, A, self._number, self._sitting.round, server=place) for name in asked]
                self._round_left += len(halves)
                self._wire.ask(zone, halves, is_urgent=True)

    def _end_round(self) -> None:
        """Judge the round: open the lists that pass their first one, ask nothing more of those that fail."""
        zones, round_ = self._round_zones, self._sitting.round
        self._round_zones = []
        self._sitting.refuse_liars(self._round_rows)
        heard = Exchanges(self._round_rows)
        self._store.mark("round", number=round_, zones=[self._lists[zone].zone for zone in zones])
        places = {name: place for place, name in enumerate(self._wire.names)}
        for zone in zones:
            rounds = blocklists.judge_round(self._lists[zone], heard, round_, zone)
            passed = {places[server]: said for server, said in rounds.items() if said.void is None}
            if not passed:
                why = next((said.void for said in rounds.values()), "no_evidence")
                self._open.pop(zone, None)
                self._sitting.void.add(zone)
                self._wire.drop(zone)
                self._progress(f"{self._lists[zone].zone}: void ({why})")
                continue
            self._wire.allow(zone, passed)
            has_ipv6 = self._lists[zone].ipv6 and all(said.void_ipv6 is None for said in passed.values())
            if zone in self._wire.spent:
                # Its day is used up and this round vouches for what it said: it is not tested again.
                self._open.pop(zone, None)
                continue
            is_new = zone not in self._open
            self._open[zone] = has_ipv6 and (is_new or self._open[zone])
            if is_new:
                self._ask_list(zone, list(self._addresses))
