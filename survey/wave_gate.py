"""The wave gate: it refuses to report a jump between two waves that an ill network, resolver or list explains.

In one run of another survey 1,191 of 2,110 municipalities lost all their mail exchangers, and had them again two hours
later. Words alone do not protect from that: an outage can look like silence, and then it only shrinks what can be
compared; or like an answer ("no such name", "no such record"), and then it looks like a changed world. So each pair of
waves is examined, in both directions, and a person is asked to mend the ill wave where one of these holds:

* `unfinished`      a wave is not finished: whatever was not asked would look like a difference.
* `no_common_list`  no list of open relays or abuse was healthy in both waves: nothing can be said about anybody.
* `mail_lost`, `mail_came`  more domains than plausible have a mail exchanger in one wave and an answer without any in
  the other. Plausible are 5 domains (a small register has no meaningful share), or 1 % and 0.25 % a month between the
  waves, at most 5 % (a town gives up or gains its mail rarely, and at different times), or three times the largest
  share of the pairs of waves before, whichever is most. A null MX is a record that somebody wrote, and no loss.
* `hosts_lost`, `hosts_came`  the same of mail hosts and their addresses.
* `lost_together`, `came_together`  5 domains or more, and at least half of those with the same operator of mail servers
  or under the same parent zone, lose or gain their mail exchangers at once: towns that change their provider have
  another one afterwards; towns whose provider's name servers are ill have none.
* `went_silent`, `was_silent`  more bodies than plausible are known in one wave and not in the other, for want of
  answers. Plausible are 10 bodies, or 10 %, or three times the other wave's own share of unknowns: silence changes no
  word, but it shrinks every count, and a shrinking count is read as good news.
* `list_emptied`, `list_filled`  a list whose test points answer held 20 addresses or more in one wave and less than a
  tenth of that share in the other, though it answered about the same addresses: operators have emptied lists before,
  and all would look cleared. Or it lists so much in one of the waves that the list itself is in doubt.

What is no jump: lists that were void or not selected in one wave are not compared at all, so they can change no word;
bodies that leave or enter the register; and slow change, which is scattered over operators and stays within the shares
above. There is no way past the gate but the evidence: `recheck` the ill wave, and hold them against each other again.
A domain that a recheck twelve hours or more after its first answer still finds without a mail exchanger is believed.
A list that a person distrusts can be set aside: what rests on it is then not comparable.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import pandas as pd

from .frames import rows_of
from .tables import Body, Dns, Listing
from .wave_tables import Cause, Reason
from .yardstick import Wave, Yardstick, has_headline_list

LEAST_DOMAINS, LEAST_BODIES, LEAST_LISTED = 5, 10, 20
SHARE, SHARE_A_MONTH, SHARE_MOST = 0.01, 0.0025, 0.05
SILENT_SHARE = 0.1
TIMES_EARLIER = 3
TOGETHER_SHARE, TOGETHER_TOLD = 0.5, 5
EMPTIED_SHARE = 0.1
_MONTH_S = 30.44 * 86_400
_DIRECTIONS = ("lost", "came")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition under which the gate refuses: which wave is ill, how many there are, and what is plausible."""

    name: str
    wave: str
    """The wave that a person should mend."""
    found: int
    plausible: int
    of: int
    subject: str = ""
    """The operator, parent zone or list, where the condition is about one."""
    codes: tuple[str, ...] = ()
    """The bodies that it is about."""
    because: Mapping[str, int] | None = None
    """How the answers looked, and how often."""


class Examined(NamedTuple):
    """What the gate saw of one pair of waves: the conditions that hold, and the shares for the pairs after it."""

    conditions: tuple[Condition, ...]
    shares: Mapping[str, float]


def examine(
    before: Wave, after: Wave, bodies: pd.DataFrame, yardstick: Yardstick, earlier: Sequence[Mapping[str, float]] = ()
) -> Examined:
    """Examine one pair of waves; `bodies` is its table `wave_bodies`, `earlier` the shares of the pairs before it."""
    found = [
        Condition("unfinished", wave.name, 1, 0, 1) for wave in (before, after) if not wave.headline.get("finished_at")
    ]
    if not has_headline_list(yardstick):
        found.append(Condition("no_common_list", after.name, 0, 1, len(yardstick.groups)))
    shares: dict[str, float] = {}
    plausible = _plausible(before, after)
    # A gain is a loss seen the other way round: then the earlier wave is the ill one.
    for direction, well, ill in zip(_DIRECTIONS, (before, after), (after, before), strict=True):
        for what, lose in (("mail", _domains_lost), ("hosts", _hosts_lost)):
            loss = lose(well, ill)
            name = f"{what}_{direction}"
            shares[name] = len(loss.lost) / max(1, loss.of)
            usual = TIMES_EARLIER * max((one.get(name, 0.0) for one in earlier), default=0.0)
            most = max(LEAST_DOMAINS, int(loss.of * max(plausible, usual)))
            if len(loss.lost) > most:
                codes = _codes(well, loss.lost if what == "mail" else _domains_of(well, loss.lost))
                found.append(Condition(name, ill.name, len(loss.lost), most, loss.of, "", codes, loss.because))
            if what == "mail":
                # Where the whole country is ill, a few of its parts are enough.
                most_told = TOGETHER_TOLD if len(loss.lost) > most else None
                found += itertools.islice(_together(f"{direction}_together", well, ill, loss), most_told)
    found += _silences(before, after, bodies)
    found += _lists(before, after, yardstick)
    return Examined(tuple(found), shares)


def _plausible(before: Wave, after: Wave) -> float:
    """The share of domains that may lose or gain their mail from one wave to the next."""
    times = [wave.headline.get("started_at") for wave in (before, after)]
    if not all(times):
        return SHARE
    apart = datetime.fromisoformat(str(times[1])) - datetime.fromisoformat(str(times[0]))
    return min(SHARE_MOST, SHARE + SHARE_A_MONTH * abs(apart.total_seconds()) / _MONTH_S)


class _Loss(NamedTuple):
    """Domains or hosts that one wave has and the other has not, of how many, and how the answers looked."""

    lost: frozenset[str]
    of: int
    because: Mapping[str, int]


def _states(mail_servers: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Per domain `has` (an exchanger, or an address of its own), `none`, `null` or `silent`; and how that looked."""
    found: dict[str, tuple[str, str]] = {}
    for domain, kind, status, why in rows_of(mail_servers, "domain", "kind", "status", "reason"):
        state = {"mx": "has", "implicit": "has", "null": "null"}.get(str(kind), "none")
        if status in (Dns.SILENT, Dns.NOT_ASKED):
            state = "silent"
        found[domain] = (state, str(why))
    return found


def _domains_lost(well: Wave, ill: Wave) -> _Loss:
    """Domains with mail in one wave, of which the other was answered that there is none."""
    had, has = (_states(wave.tables["mail_servers"]) for wave in (well, ill))
    both = [domain for domain, (state, _) in had.items() if state == "has" and domain in has]
    lost = frozenset(domain for domain in both if has[domain][0] == "none") - ill.absent_again
    return _Loss(lost, len(both), Counter(has[domain][1] for domain in lost))


def _hosts_lost(well: Wave, ill: Wave) -> _Loss:
    """Mail hosts with addresses in one wave, of which the other was answered that they have none."""
    had, has = (_addressed(wave.tables["addresses"]) for wave in (well, ill))
    both = [host for host, (state, _) in had.items() if state == "has" and host in has]
    lost = frozenset(host for host in both if has[host][0] == "none")
    return _Loss(lost, len(both), Counter(has[host][1] for host in lost))


def _addressed(addresses: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Per host `has` (an address), `silent` or `none`; and how that looked."""
    order = {"has": 0, "silent": 1, "none": 2}
    words = {Dns.PRESENT: "has", Dns.SILENT: "silent"}
    found: dict[str, tuple[str, str]] = {}
    for host, status, why in rows_of(addresses, "host", "status", "reason"):
        said = (words.get(status, "none"), str(why))
        found[host] = min(found.get(host, said), said, key=lambda one: order[one[0]])
    return found


def _domains_of(wave: Wave, hosts: Collection[str]) -> set[str]:
    """The domains that name any of these hosts."""
    return {domain for domain, host in rows_of(wave.tables["mail_servers"], "domain", "host") if host in hosts}


def _codes(wave: Wave, domains: Collection[str]) -> tuple[str, ...]:
    """The bodies that these domains are of."""
    pairs = rows_of(wave.tables["domains"], "code", "domain")
    return tuple(sorted({str(code) for code, domain in pairs if domain in domains}))


def _together(name: str, well: Wave, ill: Wave, loss: _Loss) -> Iterator[Condition]:
    """Operators and parent zones half or more of whose domains were lost at once."""
    if len(loss.lost) < LEAST_DOMAINS:
        return
    states = _states(ill.tables["mail_servers"])
    members: dict[str, set[str]] = defaultdict(set)
    for domain, (state, _) in _states(well.tables["mail_servers"]).items():
        if state == "has" and domain in states:
            labels = domain.split(".")
            for place in range(1, len(labels) - 1):
                members[".".join(labels[place:])].add(domain)
    operator_of = dict(rows_of(well.tables["servers"], "host", "operator"))
    for domain, host in rows_of(well.tables["mail_servers"], "domain", "host"):
        if host in operator_of and domain in states:
            members[operator_of[host]].add(domain)
    told: set[frozenset[str]] = set()
    for subject, domains in sorted(members.items(), key=lambda one: (-len(one[1] & loss.lost), one[0])):
        lost = frozenset(domains & loss.lost)
        if len(lost) >= LEAST_DOMAINS and len(lost) >= TOGETHER_SHARE * len(domains) and lost not in told:
            told.add(lost)
            most = max(LEAST_DOMAINS, int(TOGETHER_SHARE * len(domains))) - 1
            because = Counter(states[domain][1] for domain in lost)
            yield Condition(name, ill.name, len(lost), most, len(domains), subject, _codes(well, lost), because)


def _silences(before: Wave, after: Wave, bodies: pd.DataFrame) -> Iterator[Condition]:
    """Bodies that are known in one wave and not in the other for want of answers, where they are too many."""
    is_here = bodies["code_before"].notna() & bodies["code_after"].notna()
    is_surveyed = is_here & ~bodies["reason"].isin([Reason.OPTED_OUT, Reason.OUT_OF_SCOPE])
    surveyed = bodies.loc[is_surveyed]
    unknown = {
        side: surveyed[f"whole_{side}"].eq(Body.UNKNOWN) & ~surveyed["cause"].isin([Cause.REGISTER, Cause.WORLD])
        for side in ("before", "after")
    }
    for name, side, other, ill in (
        ("went_silent", "after", "before", after),
        ("was_silent", "before", "after", before),
    ):
        codes = tuple(surveyed.loc[unknown[side] & ~unknown[other], "code"])
        most = max(LEAST_BODIES, int(SILENT_SHARE * len(surveyed)), TIMES_EARLIER * int(unknown[other].sum()))
        if len(codes) > most:
            yield Condition(name, ill.name, len(codes), most, len(surveyed), "", codes, _looks(ill))


def _looks(wave: Wave) -> Mapping[str, int]:
    """How the silences of a wave looked: reasons of its silent questions about mail servers, addresses and lists."""
    found: Counter[str] = Counter()
    for name in ("mail_servers", "addresses", "listings"):
        for rows in wave.tables.parts(name, "status", "reason"):
            is_silent = rows["status"].isin([Dns.SILENT, Listing.REFUSED]) & rows["reason"].ne("list_void")
            found.update(map(str, rows.loc[is_silent, "reason"]))
    return dict(found.most_common(6))


def _lists(before: Wave, after: Wave, yardstick: Yardstick) -> Iterator[Condition]:
    """Lists of open relays or abuse that were emptied or filled from one wave to the other."""
    for zone in sorted(yardstick.zones & yardstick.of_groups("relay", "abuse")):
        sides = [_held(wave, zone) for wave in (before, after)]
        both = sides[0].answered & sides[1].answered
        for well, ill in (sides, sides[::-1]):
            # As many of those that both were answered about: what was not heard about is no emptying.
            plausible = int(len(well.listed) * len(ill.answered) / max(1, len(well.answered)))
            is_emptied = len(well.listed & both) >= LEAST_LISTED and len(ill.listed) < EMPTIED_SHARE * plausible
            is_filled = ill.is_full and not well.is_full
            if is_filled or (is_emptied and ill.is_full == well.is_full):
                name = "list_filled" if is_filled else "list_emptied"
                yield Condition(name, ill.wave.name, len(ill.listed), plausible, len(ill.answered), zone)


class _Held(NamedTuple):
    """What a list said in one wave: the addresses that it answered about, those listed, and if they are in doubt."""

    wave: Wave
    answered: set[str]
    listed: set[str]
    is_full: bool


def _held(wave: Wave, zone: str) -> _Held:
    answered, listed = set[str](), set[str]()
    for said in wave.tables.parts("listings", "address", "zone", "status"):
        for kept, words in ((answered, (Listing.LISTED, Listing.CLEAR)), (listed, (Listing.LISTED,))):
            kept.update(said.loc[said["zone"].eq(zone) & said["status"].isin(words), "address"])
    lists = wave.tables["lists"]
    is_full = bool(lists.loc[lists["zone"].eq(zone), "is_implausible"].fillna(False).any())
    return _Held(wave, answered, listed, is_full)


def is_open(examined: Iterable[Examined]) -> bool:
    """Whether nothing holds against reporting these waves."""
    return not any(one.conditions for one in examined)
