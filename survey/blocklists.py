"""The blocklist room: what lists are asked about an address, whether a list is healthy, what its answer means.

Rules: RFC 5782 (§2.1 IPv4 and A records, §2.3 several codes, §2.4 IPv6, §5 test points), RFC 6471 (§3.3 nothing outside
127/8, §3.5 127.0.0.1 never listed), and per list the catalogue: no common code table exists. An answer is read as

* `listed`   an accepted code, and no error code beside it;
* `clear`    NXDOMAIN, no data, or only whitelist or information codes;
* `refused`  an error code, only codes that the catalogue does not know, RCODE REFUSED, or the list is void;
* `silent`   anything else: silence is not "not listed".

A list is healthy while every finished health round says so: its positive test points are listed as the catalogue says,
its negative ones are not, fresh random addresses that cannot be listed are not, and no answer of the run lies outside
127/8. One failure makes it void for the whole run, backwards too. IPv6 health is judged apart.

Health is judged through each resolver: what one resolver lets through proves nothing about another. An answer counts
only between two rounds that the list passed: one before it through the same resolver, and one that began after it.
A round that was cut off proves nothing, but what was said in it was said: a test point listed that cannot be, or denied
that must be listed. A recheck of single bodies has rounds of its own, which vouch for nothing else: where a list is
silent in them, only that recheck is lost.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal, NamedTuple

from .answers import chain, reason, word
from .catalogue import Blocklist
from .exchanges import FIRST_RECHECK, REFUSED, A, Exchanges, Row, is_usable
from .messages import decode
from .names import reverse_name
from .tables import HEADLINE_CATEGORIES, Dns, Listing

CONTROLS = 2
"""Fresh random control addresses per list, family and health round."""
LIES = frozenset({"negative_listed", "control_listed", "outside_127"})
"""Failures in which a list said something false; in all others it said too little."""
_SAID = LIES | {"error_code", "positive_not_listed", "positive_wrong_code", "unknown_code"}
"""Failures that an answer shows, and not that one is missing."""

NO_MATTER = frozenset({"special_address", "opt_out", "no_ipv6", "no_ipv4", "list_void"})
"""Reasons for not asking a pair that say nothing against the other answers about an address."""

Role = Literal["positive", "negative", "control"]


class Test(NamedTuple):
    """One question of a health round."""

    address: str
    role: Role


class Judgement(NamedTuple):
    """What one answer of one list means."""

    status: Listing
    codes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    reason: str | None = None
    ttl: int | None = None
    """After so many seconds the whole answer, aliases too, has left every cache."""
    is_authoritative: bool = False


class Round(NamedTuple):
    """One health round of one list through one resolver: why it failed (None: passed), IPv6 apart, and the evidence."""

    void: str | None
    void_ipv6: str | None
    began_us: int
    pass_number: int
    evidence: tuple[str, ...]


@dataclass(slots=True)
class Health:
    """One list's health over a run: why it is void (None: healthy), in which of its rounds, and the evidence."""

    void: str | None = None
    void_ipv6: str | None = None
    failed_round: int | None = None
    rounds: int = 0
    evidence: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Resolvers through which the list failed, and why: their answers do not count."""
    failed_ipv6: dict[str, str] = field(default_factory=dict)
    void_passes: set[int] = field(default_factory=set)
    """Rechecks in whose own rounds the list did not answer."""
    first_us: dict[tuple[int, str], int] = field(default_factory=dict)
    """Per survey and resolver, when the first round began that the list passed through it."""
    last_us: dict[int, int] = field(default_factory=dict)
    """Per survey, when the last round began that the list passed through any resolver."""

    def why_not(self, row: Row, is_ipv6: bool) -> str | None:
        """Why one answer of the list does not count; None when it does."""
        if row.server in self.failed or (is_ipv6 and row.server in self.failed_ipv6):
            return "unproven_resolver"
        if row.pass_number in self.void_passes:
            return "unproven_recheck"
        survey = survey_of(row.pass_number)
        first_us, last_us = self.first_us.get((survey, row.server)), self.last_us.get(survey)
        is_between = first_us is not None and last_us is not None and first_us <= row.asked_us <= last_us
        return None if is_between else "unproven"


def survey_of(pass_number: int) -> int:
    """What a pass belongs to: 0, all passes over the whole register; or a recheck, by its number."""
    return pass_number if pass_number >= FIRST_RECHECK else 0


def tests(blocklist: Blocklist, family: int) -> list[Test]:
    """The questions of one health round for one list and family, fresh controls among them."""
    if family == 6:
        if not blocklist.ipv6:
            return []
        points = [Test(point.address, "positive") for point in blocklist.positive_ipv6]
        points += [Test(address, "negative") for address in blocklist.negative_ipv6]
        return points + [Test(_control(6), "control") for _ in range(CONTROLS)]
    if not blocklist.ipv4:
        return []
    points = [Test(point.address, "positive") for point in blocklist.positive]
    points += [Test(address, "negative") for address in blocklist.negative]
    return points + [Test(_control(4), "control") for _ in range(CONTROLS)]


def _control(family: int) -> str:
    """An address that no list can hold: IPv4 class E (RFC 1112 §4), or the IPv6 discard-only block (RFC 6666)."""
    if family == 4:
        return str(IPv4Address(0xF0000000 + 1 + secrets.randbelow(0x0EFFFFFE)))
    return str(IPv6Address((0x0100 << 112) + 1 + secrets.randbelow((1 << 64) - 2)))


def judge(blocklist: Blocklist, row: Row | None) -> Judgement:
    """What one exchange with one list means, by the catalogue's rules for this list alone."""
    if row is None:
        return Judgement(Listing.NOT_ASKED)
    if not is_usable(row):
        why = reason(row)
        refused = why == "refused" or (len(row.answer) >= 12 and row.answer[3] & 15 == REFUSED)
        return Judgement(Listing.REFUSED if refused else Listing.SILENT, reason=why)
    match word(row, row.name, row.type):
        case Dns.ABSENT:
            return Judgement(Listing.CLEAR)
        case Dns.PRESENT:
            answer = decode(row.answer)
            records = chain(answer, row.name, row.type)[1]
            codes = tuple(sorted({str(r.value) for r in records}, key=lambda text: ip_address(text).packed))
            judged = _meaning(blocklist, codes)
            # An alias may stay in a cache for longer than what it leads to.
            ttl = max(record.ttl for record in answer.records)
            return judged._replace(ttl=ttl, is_authoritative=answer.authoritative)
        case _:
            return Judgement(Listing.SILENT, reason=reason(row))


def _meaning(blocklist: Blocklist, codes: tuple[str, ...]) -> Judgement:
    if any(not code.startswith("127.") for code in codes):
        return Judgement(Listing.REFUSED, codes, reason="outside_127")
    meanings = blocklist.meanings(codes)
    kinds = {meaning.meaning_kind if meaning is not None else "unknown" for meaning in meanings}
    if "error" in kinds:
        return Judgement(Listing.REFUSED, codes, reason="error_code")
    if "listing" in kinds:
        categories = {m.category for m in meanings if m is not None and m.meaning_kind == "listing"}
        if blocklist.is_context:
            categories = categories - HEADLINE_CATEGORIES or {"informational"}
        return Judgement(Listing.LISTED, codes, tuple(sorted(categories)))
    if "unknown" in kinds:
        return Judgement(Listing.REFUSED, codes, reason="unknown_code")
    return Judgement(Listing.CLEAR, codes, reason="not_a_listing_code")


def judge_round(blocklist: Blocklist, exchanges: Exchanges, number: int, zone: str | None = None) -> dict[str, Round]:
    """One health round of one list, by the resolvers through which it was asked."""
    suffix = f".{zone or blocklist.zone}"
    by_server: dict[str, list[Row]] = defaultdict(list)
    for row in exchanges.in_round_all(number):
        if row.type == A and row.name.endswith(suffix):
            by_server[row.server].append(row)
    return {server: _judge_through(blocklist, rows, suffix) for server, rows in sorted(by_server.items())}


def _judge_through(blocklist: Blocklist, rows: Sequence[Row], suffix: str) -> Round:
    expected = {reverse_name(point.address): point.codes for point in (*blocklist.positive, *blocklist.positive_ipv6)}
    negative = {reverse_name(address) for address in (*blocklist.negative, *blocklist.negative_ipv6)}
    failures: dict[int, str] = {}
    proven = set()
    # Of several failures the most telling is named, whatever came first: negative points, controls, positive points.
    halves_asked = [row.name.removesuffix(suffix) for row in rows]
    ranks = [0 if half in negative else 2 if half in expected else 1 for half in halves_asked]
    ordered = sorted(zip(ranks, halves_asked, rows, strict=True), key=lambda entry: entry[:2])
    for _, half, row in ordered:
        family = 6 if half.count(".") == 31 else 4
        judged = judge(blocklist, row)
        if judged.status is Listing.SILENT or judged.reason in ("refused", "outside_127", "error_code"):
            failures.setdefault(family, judged.reason or "silent")
        elif half in expected:
            if not judged.codes:
                failures.setdefault(family, "positive_not_listed")
            elif expected[half] and not set(judged.codes) & set(expected[half]):
                failures.setdefault(family, "positive_wrong_code")
            elif judged.reason == "unknown_code":
                failures.setdefault(family, "unknown_code")
            else:
                proven.add(family)
        elif judged.codes:
            failures.setdefault(family, "negative_listed" if half in negative else "control_listed")
    for family, is_offered in ((4, blocklist.ipv4), (6, blocklist.ipv6)):
        if is_offered and family not in proven:
            failures.setdefault(family, "no_positive_test_point")
    # A list of IPv6 addresses alone stands or falls with them.
    why = failures.get(4 if blocklist.ipv4 else 6)
    began_us = min(row.asked_us for row in rows)
    evidence = tuple(str(row.id) for row in sorted(rows))
    return Round(why, failures.get(6), began_us, rows[0].pass_number, evidence)


def health(
    blocklists: Sequence[Blocklist],
    exchanges: Exchanges,
    finished: Mapping[int, Sequence[str]],
    zones: Mapping[str, str],
) -> dict[str, Health]:
    """The health of every selected list over the run; `finished` names, per finished round, the zones asked in it."""
    found = {blocklist.zone: Health() for blocklist in blocklists}
    numbers = sorted({*exchanges.rounds(), *finished})
    for blocklist in blocklists:
        one = found[blocklist.zone]
        tested: dict[str, None] = {}
        for number in numbers:
            is_finished = blocklist.zone in finished.get(number, ())
            rounds = judge_round(blocklist, exchanges, number, zones.get(blocklist.zone))
            if is_finished:
                one.rounds += 1
                if not rounds:
                    one.void, one.failed_round = one.void or "no_evidence", one.failed_round or one.rounds
            for server, said in rounds.items():
                one.evidence += said.evidence
                _take_round(one, server, said, is_finished)
                if is_finished:
                    tested[server] = None
        if not tested:
            one.void = one.void or "never_tested"
        elif all(server in one.failed for server in tested):
            one.void = one.void or next(iter(one.failed.values()))
        passing = [server for server in tested if server not in one.failed]
        if blocklist.ipv6 and passing and all(server in one.failed_ipv6 for server in passing):
            one.void_ipv6 = next(iter(one.failed_ipv6.values()))
    return found


def _take_round(one: Health, server: str, said: Round, is_finished: bool) -> None:
    """What one round through one resolver adds to a list's health."""
    if not is_finished:
        # What is missing in it is no failure.
        void, void_ipv6 = (why if why in _SAID else None for why in (said.void, said.void_ipv6))
        said = said._replace(void=void, void_ipv6=void_ipv6)
    is_lie = said.void in LIES or said.void_ipv6 in LIES
    if said.void is not None and not is_lie and said.pass_number >= FIRST_RECHECK:
        one.void_passes.add(said.pass_number)
        return
    if said.void is not None:
        one.failed.setdefault(server, said.void)
        one.failed_round = one.failed_round or max(1, one.rounds)
    elif is_finished:
        survey = survey_of(said.pass_number)
        one.first_us[survey, server] = min(said.began_us, one.first_us.get((survey, server), said.began_us))
        one.last_us[survey] = max(said.began_us, one.last_us.get(survey, said.began_us))
    if said.void_ipv6 is not None:
        one.failed_ipv6.setdefault(server, said.void_ipv6)
