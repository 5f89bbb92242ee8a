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
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal, NamedTuple

import pandas as pd

from .answers import Malformed, chain, decode, reason, reverse_name, txt_text, word
from .catalogue import Blocklist
from .exchanges import REFUSED, TXT, A, Exchanges, Row, at, is_usable
from .tables import HEADLINE_CATEGORIES, Dns, Listing, frame

CONTROLS = 2
"""Fresh random control addresses per list, family and health round."""
IMPLAUSIBLE_SHARE, IMPLAUSIBLE_LEAST = 0.2, 100
"""A list that lists more than this share of so many addresses is rather itself at fault: a person should look."""

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
    is_authoritative: bool = False


@dataclass(slots=True)
class Health:
    """One list's health: why it is void (None: healthy), in which of its rounds, and the evidence. IPv6 apart."""

    void: str | None = None
    void_ipv6: str | None = None
    failed_round: int | None = None
    rounds: int = 0
    evidence: list[str] = field(default_factory=list)


def tests(blocklist: Blocklist, family: int) -> list[Test]:
    """The questions of one health round for one list and family, fresh controls among them."""
    if family == 6:
        if not blocklist.ipv6:
            return []
        points = [Test(point.address, "positive") for point in blocklist.positive_ipv6]
        points += [Test(address, "negative") for address in blocklist.negative_ipv6]
        return points + [Test(_control(6), "control") for _ in range(CONTROLS)]
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
            return judged._replace(ttl=min(r.ttl for r in records), is_authoritative=answer.authoritative)
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
        listings = (m for m in meanings if m is not None and m.meaning_kind == "listing")
        return Judgement(Listing.LISTED, codes, tuple(sorted({meaning.category for meaning in listings})))
    if "unknown" in kinds:
        return Judgement(Listing.REFUSED, codes, reason="unknown_code")
    return Judgement(Listing.CLEAR, codes, reason="not_a_listing_code")


def judge_round(
    blocklist: Blocklist, exchanges: Exchanges, number: int, zone: str | None = None
) -> tuple[str | None, str | None, list[str]]:
    """One health round of one list: why IPv4 failed, why IPv6 failed (None: passed), and the evidence ids."""
    suffix = f".{zone or blocklist.zone}"
    expected = {reverse_name(point.address): point.codes for point in (*blocklist.positive, *blocklist.positive_ipv6)}
    negative = {reverse_name(address) for address in (*blocklist.negative, *blocklist.negative_ipv6)}
    failures: dict[int, str] = {}
    evidence: list[str] = []
    proven = set()
    asked = [row for row in exchanges.in_round_all(number) if row.type == A and row.name.endswith(suffix)]
    # Of several failures the most telling is named, whatever came first: negative points, controls, positive points.
    halves_asked = [row.name.removesuffix(suffix) for row in asked]
    ranks = [0 if half in negative else 2 if half in expected else 1 for half in halves_asked]
    asked = [row for _, _, row in sorted(zip(ranks, halves_asked, asked, strict=True), key=lambda entry: entry[:2])]
    for row in asked:
        evidence.append(str(row.id))
        half = row.name.removesuffix(suffix)
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
    if evidence and 4 not in proven:
        failures.setdefault(4, "no_positive_test_point")
    if blocklist.ipv6 and 6 not in proven:
        failures.setdefault(6, "no_positive_test_point")
    return failures.get(4), failures.get(6), sorted(evidence, key=int)


def health(
    blocklists: Sequence[Blocklist],
    exchanges: Exchanges,
    finished: Mapping[int, Sequence[str]],
    zones: Mapping[str, str],
) -> dict[str, Health]:
    """The health of every selected list over the run; `finished` names, per finished round, the zones asked in it.

    An unfinished round (the run was cut off) judges nothing.
    """
    found = {blocklist.zone: Health() for blocklist in blocklists}
    for number in sorted(finished):
        for blocklist in blocklists:
            if blocklist.zone not in finished[number]:
                continue
            one = found[blocklist.zone]
            why, why_ipv6, evidence = judge_round(blocklist, exchanges, number, zones.get(blocklist.zone))
            one.rounds += 1
            one.evidence += evidence
            if why is not None and one.void is None:
                one.void, one.failed_round = why, one.rounds
            if blocklist.ipv6 and why_ipv6 is not None and one.void_ipv6 is None:
                one.void_ipv6 = why_ipv6
    for one in found.values():
        if one.rounds == 0:
            one.void = "never_tested"
    return found


def read(
    blocklists: Sequence[Blocklist],
    addresses: pd.DataFrame,
    exchanges: Exchanges,
    finished: Mapping[int, Sequence[str]],
    *,
    zones: Mapping[str, str] | None = None,
    opted_out: frozenset[str] = frozenset(),
    over_limit: frozenset[str] = frozenset(),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `listings` (one row per address × list) and `lists` (one row per selected list).

    `zones` says under which name a keyed zone was kept; `opted_out` are addresses never asked about; `over_limit` are
    zones whose daily limit was reached.
    """
    zones = zones or {}
    conditions = health(blocklists, exchanges, finished, zones)
    subjects = _subjects(addresses)
    rows: list[tuple[object, ...]] = []
    lists: list[tuple[object, ...]] = []
    for blocklist in sorted(blocklists, key=lambda one: one.zone):
        zone = zones.get(blocklist.zone, blocklist.zone)
        condition = conditions[blocklist.zone]
        histories = {
            address: [(row, judge(blocklist, row)) for row in exchanges.passes(f"{reverse_name(address)}.{zone}", A)]
            for address, _ in subjects
        }
        for history in histories.values():
            for row, judged in history:
                if judged.reason == "outside_127" and condition.void is None:
                    condition.void = "outside_127"
                    condition.evidence.append(str(row.id))
        full_ttl = max((j.ttl or 0 for history in histories.values() for _, j in history), default=0)
        asked = listed = 0
        for address, is_special in subjects:
            history = histories[address]
            text_row = exchanges.latest(f"{reverse_name(address)}.{zone}", TXT)
            if history:
                found = _row(blocklist, condition, address, history, text_row, full_ttl)
            else:
                found = _not_asked(blocklist, condition, address, is_special, address in opted_out, zone in over_limit)
            asked += bool(history)
            listed += found[2] is Listing.LISTED
            rows.append(found)
        lists.append(
            (
                blocklist.zone,
                blocklist.list_name,
                blocklist.group,
                "void" if condition.void else "healthy",
                ("void" if condition.void_ipv6 else "healthy") if blocklist.ipv6 else "not_judged",
                condition.void or condition.void_ipv6,
                condition.rounds,
                condition.failed_round,
                asked,
                listed,
                asked >= IMPLAUSIBLE_LEAST and listed > IMPLAUSIBLE_SHARE * asked,
                condition.evidence,
            )
        )
    rows.sort(key=lambda row: (str(row[0]), str(row[1])))
    return frame("listings", rows), frame("lists", lists)


def _subjects(addresses: pd.DataFrame) -> list[tuple[str, bool]]:
    """Each address once, and whether it is special."""
    present = addresses[addresses["address"].notna()]
    special = present["reason"].eq("special_address")
    return sorted(dict(zip(present["address"], special, strict=True)).items())


def _not_asked(
    blocklist: Blocklist, condition: Health, address: str, is_special: bool, is_out: bool, is_over: bool
) -> tuple[object, ...]:
    if is_special:
        why = "special_address"
    elif is_out:
        why = "opt_out"
    elif ":" in address and not blocklist.ipv6:
        why = "no_ipv6"
    elif condition.void or (":" in address and condition.void_ipv6):
        why = "list_void"
    else:
        why = "daily_limit" if is_over else "unfinished"
    return (address, blocklist.zone, Listing.NOT_ASKED, [], [], why, None, False, [], None, [])


def _row(
    blocklist: Blocklist,
    condition: Health,
    address: str,
    history: Sequence[tuple[Row, Judgement]],
    text_row: Row | None,
    full_ttl: int,
) -> tuple[object, ...]:
    """One row of `listings`: the latest pass with an answer decides, every pass is named."""
    row, judged = next((pair for pair in reversed(history) if pair[1].status in _SAID), history[-1])
    is_void = condition.void or (":" in address and condition.void_ipv6)
    status, why = (Listing.REFUSED, "list_void") if is_void else (judged.status, judged.reason)
    confirmed = [] if is_void else _confirmed(row, judged, history, full_ttl)
    said = [one.status for _, one in history if one.status in _SAID]
    if not is_void and len(set(said)) > 1:
        why = "came_between_passes" if judged.status is Listing.LISTED else "left_between_passes"
    text = _text(text_row) if status is Listing.LISTED else None
    evidence = [str(one.id) for one, _ in history]
    if text and text_row is not None:
        evidence.append(str(text_row.id))
    wanted = set(judged.categories) & HEADLINE_CATEGORIES or set(judged.categories)
    return (
        address,
        blocklist.zone,
        status,
        list(judged.codes),
        list(judged.categories) if status is Listing.LISTED else [],
        why,
        text,
        bool(wanted & set(confirmed)),
        confirmed,
        at(row.asked_us),
        evidence,
    )


_SAID = frozenset({Listing.LISTED, Listing.CLEAR})


def _confirmed(row: Row, judged: Judgement, history: Sequence[tuple[Row, Judgement]], full_ttl: int) -> list[str]:
    """The categories that an earlier pass said too, where the later answer cannot be the earlier one from a cache.

    An answer is fresh when the list's own server gave it (AA, its TTL not run down), when the earlier answer had
    expired, or when another resolver gave it with the full TTL of the list.
    """
    if judged.status is not Listing.LISTED:
        return []
    found: set[str] = set()
    for earlier, said in history:
        if earlier.pass_number >= row.pass_number or said.status is not Listing.LISTED:
            continue
        has_expired = row.asked_us >= earlier.asked_us + (said.ttl or 0) * 1_000_000
        is_elsewhere = row.server != earlier.server and (judged.ttl or 0) >= full_ttl
        is_the_lists_own = judged.is_authoritative and (judged.ttl or 0) >= (said.ttl or 0)
        if is_the_lists_own or has_expired or is_elsewhere:
            found |= set(judged.categories) & set(said.categories)
    return sorted(found)


def _text(row: Row | None) -> str | None:
    """The list's own words, made harmless."""
    if row is None or not is_usable(row):
        return None
    try:
        records = chain(decode(row.answer), row.name, TXT)[1]
    except Malformed:
        return None
    said = [txt_text(record.value) for record in records if isinstance(record.value, bytes)]
    return " / ".join(said)[:1000] or None


def halves(addresses: Iterable[str]) -> list[str]:
    """The reversed forms of addresses, each once: what stands in front of a zone (RFC 5782 §2.1, §2.4)."""
    return [reverse_name(address) for address in dict.fromkeys(addresses)]
