"""The relays room: which addresses may be asked whether they relay, and what their dialogues said.

`plan` is pure: permissions, the run's tables and resolved hosts in, targets and refusals out. An address is asked only
when a row that is valid today names it, or names a host that resolves to it *and* is covered by that row's addresses or
by another row of the same operator. A town's consent does not cover its provider: where the operator is a body of the
register, the server must have a name in the body's own domain, and where others use it too, they must use it by that
name.

`read` is pure: dialogues from evidence in, tables out. `accepted` means that the server said it would take mail for a
stranger: it *may* relay. A server that says yes to everything, also to a recipient that cannot exist, has said nothing.
"""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import pandas as pd

from .evidence import Mark
from .exchanges import Row, at
from .frames import frame, rows_of
from .permissions import Permission, Permissions, Refusal
from .smtp.forms import Target
from .smtp.grammar import SMTP
from .smtp.judgement import Dialogue, read_dialogue, statuses
from .smtp.software import software
from .tables import Relay, Verdict

_OFFICE = re.compile(r"(役場|役所|庁)$")


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom the dialogue may ask, one target per address, and what of the permission file is refused."""

    targets: tuple[Target, ...]
    refusals: tuple[Refusal, ...]


class Servers:
    """What a run knows of its mail servers: names, addresses, and which bodies use them."""

    def __init__(
        self, bodies: pd.DataFrame, domains: pd.DataFrame, mail_servers: pd.DataFrame, addresses: pd.DataFrame
    ) -> None:
        self.codes: dict[str, set[str]] = defaultdict(set)
        for code, prefecture, name in bodies[["code", "prefecture", "name"]].itertuples(index=False, name=None):
            for text in (name, f"{prefecture}{name}"):
                self.codes[_OFFICE.sub("", re.sub(r"\s", "", str(text)))].add(str(code))
        self.domains: dict[str, set[str]] = defaultdict(set)
        users: dict[str, set[str]] = defaultdict(set)
        for code, domain in domains[["code", "domain"]].itertuples(index=False, name=None):
            self.domains[str(code)].add(str(domain))
            users[str(domain)].add(str(code))
        self.mail_domains: dict[str, set[str]] = defaultdict(set)
        self.users: dict[str, set[str]] = defaultdict(set)
        for domain, host in mail_servers.loc[mail_servers["host"].notna(), ["domain", "host"]].itertuples(
            index=False, name=None
        ):
            self.mail_domains[str(host)].add(str(domain))
            self.users[str(host)] |= users[str(domain)]
        self.hosts: dict[str, list[str]] = defaultdict(list)
        for host, address in addresses.loc[addresses["address"].notna(), ["host", "address"]].itertuples(
            index=False, name=None
        ):
            self.hosts[str(address)].append(str(host))

    def operator_codes(self, operator: str) -> set[str]:
        """The bodies that an operator's name means; none for a provider."""
        return self.codes.get(_OFFICE.sub("", re.sub(r"\s", "", operator)), set())

    def host_of(self, address: str) -> str | None:
        """The name by which most domains use an address."""
        names = self.hosts.get(address, [])
        return min(names, key=lambda host: (-len(self.mail_domains[host]), host)) if names else None

    def domain_of(self, address: str) -> str | None:
        """A mail domain that an address serves, the first by name."""
        found = {domain for host in self.hosts.get(address, ()) for domain in self.mail_domains[host]}
        return min(found) if found else None

    def is_own(self, codes: set[str], address: str) -> bool:
        """Whether a server is these bodies' own to permit: named in their domain, by others too."""
        hosts = self.hosts.get(address, [])
        if not hosts:
            return True
        domains = {domain for code in codes for domain in self.domains[code]}
        own = [host for host in hosts if any(host == d or host.endswith(f".{d}") for d in domains)]
        others = {code for host in hosts for code in self.users[host]} - codes
        served = {code for host in own for code in self.users[host]} - codes
        return bool(own) and (not others or bool(served))


def hosts_to_resolve(permissions: Permissions) -> list[str]:
    """The hosts that permissions name, each once."""
    return list(dict.fromkeys(row.host for row in permissions.rows if row.host is not None))


def plan(
    permissions: Permissions,
    servers: Servers,
    resolved: Mapping[str, Sequence[str] | None],
    opted_out: Callable[[str], bool],
    askable: Callable[[str], bool],
    today: datetime.date,
) -> Plan:
    """Whom the dialogue may ask today. `resolved` has None for a host about which no answer was heard.

    `opted_out` is asked about addresses and about names.
    """
    targets: dict[str, Target] = {}
    refusals = list(permissions.refusals)
    valid = []
    for row in permissions.rows:
        if row.valid_to < today:
            refusals.append(_refuse(row, _subject(row), "expired", f"valid until {row.valid_to}", "有効期限切れ"))
        elif row.valid_from > today:
            refusals.append(_refuse(row, _subject(row), "not_yet_valid", f"valid from {row.valid_from}", "有効期間前"))
        else:
            valid.append(row)
    ranges: dict[str, list[Permission]] = defaultdict(list)
    for row in valid:
        if row.host is None:
            ranges[row.operator].append(row)
    for row in valid:
        addresses, refused = _addresses(row, ranges[row.operator], servers, resolved)
        refusals += refused
        for address in addresses:
            host = row.host or servers.host_of(address)
            domain = row.domain or servers.domain_of(address) or host
            target = Target(address, host, domain, row.operator, row.forms, row.probe, row.row, row.valid_to)
            if opted_out(address) or any(opted_out(name) for name in (host, domain) if name is not None):
                refusals.append(_refuse(row, address, "opted_out", "it opted out", "調査辞退の届け出がある"))
            elif not askable(address):
                refusals.append(_refuse(row, address, "special_address", "a special address", "特殊なアドレス"))
            elif (codes := servers.operator_codes(row.operator)) and not servers.is_own(codes, address):
                en, ja = "a body's consent does not cover its provider's server", "団体の許可は事業者のサーバに及ばない"
                refusals.append(_refuse(row, address, "another_operator", en, ja))
            elif address in targets and targets[address].operator != row.operator:
                other = targets.pop(address)
                en = f"row {other.row} names another operator, {other.operator}"
                refusals.append(_refuse(row, address, "two_operators", en, f"{other.row}行目と運用者が異なる"))
            elif not any(one.subject == address and one.reason == "two_operators" for one in refusals):
                targets.setdefault(address, target)
    return Plan(tuple(targets.values()), tuple(refusals))


def _refuse(row: Permission, subject: str, reason: str, en: str, ja: str) -> Refusal:
    return Refusal(row.sheet, row.row, "", subject, reason, en, ja)


def _subject(row: Permission) -> str:
    return row.host or ", ".join(_plain(network) for network in row.networks)


def _plain(network: object) -> str:
    return re.sub(r"/(32|128)$", "", str(network))


def _addresses(
    row: Permission, ranges: Sequence[Permission], servers: Servers, resolved: Mapping[str, Sequence[str] | None]
) -> tuple[list[str], list[Refusal]]:
    """The addresses that one row means: those of its host as it resolves now, or those that it names itself.

    `ranges` are the operator's rows without a host: they cover addresses of its hosts too.

    A range permits; it does not name: of a range, only the addresses that the run knows as mail servers are meant.
    """
    if row.host is None:
        single = [str(network.network_address) for network in row.networks if network.num_addresses == 1]
        known = [address for address in servers.hosts if row.covers(address)] if len(single) < len(row.networks) else []
        return list(dict.fromkeys([*single, *known])), []
    now = resolved.get(row.host)
    if now is None:
        return [], [_refuse(row, row.host, "host_silent", "no answer about its address", "アドレスの照会に応答なし")]
    if not now:
        return [], [_refuse(row, row.host, "host_absent", "the name has no address", "名前にアドレスがない")]
    found, refusals = [], []
    for address in now:
        if row.covers(address) or any(one.covers(address) for one in ranges):
            found.append(address)
        else:
            en = f"{row.host} resolves to an address outside the permission"
            refusals.append(_refuse(row, address, "resolves_outside", en, f"{row.host} が許可の範囲外を指している"))
    for network in row.networks:
        if network.num_addresses == 1 and str(network.network_address) not in now:
            en, ja = f"{row.host} no longer resolves to it", f"{row.host} は今このアドレスを指していない"
            refusals.append(_refuse(row, str(network.network_address), "host_moved", en, ja))
    return found, refusals


PLANNED, BEGUN = "relay_plan", "relay_begun"
"""Marks: what a sitting planned and refused; the addresses whose dialogues begin next."""
_MOST_REPLY = 300
_CONTROLS = re.compile(r"[^\x20-\x7e]")


def begun(marks: Sequence[Mark]) -> set[str]:
    """The addresses whose dialogues began, in any sitting of this run."""
    return {str(address) for mark in marks if mark.kind == BEGUN for address in _list(mark.detail.get("addresses"))}


def read(
    rows: Iterable[Row], marks: Sequence[Mark], addresses: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The tables `greetings` (one row per address asked), `relays` (address × form), `relay_servers` (address).

    `relay_servers` holds every address of the run's mail servers and every address that a permission named, with why it
    was not asked where it was not; all three are empty in a run without relay dialogue.
    """
    heard: dict[str, tuple[Row, Dialogue]] = {}
    for row in rows:
        if row.transport == SMTP and row.name not in heard and (found := read_dialogue(row)) is not None:
            heard[row.name] = (row, found)
    plans = [mark for mark in marks if mark.kind == PLANNED]
    if not plans and not heard:
        return frame("greetings"), frame("relays"), frame("relay_servers")
    names: dict[str, set[str]] = defaultdict(set)
    for host, address in rows_of(addresses, "host", "address"):
        if isinstance(address, str):
            names[address].add(host)
    servers = _not_asked(plans, begun(marks), addresses, names) if plans else {}
    greetings, relays = [], []
    for address, (row, found) in heard.items():
        asked_at, evidence, operator = at(row.asked_us), str(row.id), found.target.operator
        greetings.append(_greeting(address, found, asked_at, evidence))
        accepted = asked = 0
        for name, status, reason, answer in statuses(found):
            accepted += status is Relay.ACCEPTED
            asked += status is not Relay.NOT_ASKED
            reply = None if answer.code is None else f"{answer.code} {harmless(answer.text)}"[:_MOST_REPLY]
            said = (answer.stage, reply, answer.sender, answer.recipient)
            relays.append((address, name, status, reason, *said, operator, asked_at, evidence))
        if found.target.host is not None:
            names[address].add(found.target.host)
        verdict, why = found.verdict()
        known = (sorted(names[address]), verdict, why, accepted, asked, found.control, operator, found.target.row)
        servers[address] = (address, *known, asked_at, evidence)
    order = sorted(servers)
    return (
        frame("greetings", sorted(greetings, key=lambda one: str(one[0]))),
        frame("relays", sorted(relays, key=lambda one: str(one[0]))),
        frame("relay_servers", [servers[address] for address in order]),
    )


def harmless(text: str) -> str:
    """A server's words for a table: every octet that is no printable ASCII shown as what it is."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


def _greeting(address: str, found: Dialogue, asked_at: datetime.datetime, evidence: str) -> tuple[object, ...]:
    banner = found.greeting
    program, version = software(banner or "")
    said = (program, version, found.name, None if banner is None else harmless(banner)[:_MOST_REPLY])
    return (address, found.target.operator, *said, found.is_esmtp, found.starttls, found.tls, asked_at, evidence)


def _not_asked(
    plans: Iterable[Mark], begun: Iterable[str], addresses: pd.DataFrame, names: Mapping[str, set[str]]
) -> dict[str, tuple[object, ...]]:
    """Every address that no dialogue is kept of, with the reason."""
    found: dict[str, tuple[object, ...]] = {}

    def put(address: str, verdict: Verdict, reason: str, operator: object = None, row: object = None) -> None:
        known = (sorted(names.get(address, ())), verdict, reason, 0, 0, Relay.NOT_ASKED, operator, row)
        found[address] = (address, *known, None, None)

    for address, why in rows_of(addresses, "address", "reason"):
        if isinstance(address, str):
            put(address, Verdict.NOT_ASKED, why if isinstance(why, str) else "no_permission")
    for mark in plans:
        for one in _dicts(mark.detail.get("refused")):
            address = str(one.get("subject"))
            if _is_address(address):
                put(address, Verdict.NOT_ASKED, str(one.get("reason")), one.get("operator"), one.get("row"))
        for one in _dicts(mark.detail.get("planned")):
            address = str(one.get("address"))
            put(address, Verdict.NOT_ASKED, "unfinished", one.get("operator"), one.get("row"))
    for address in begun:
        _, _, _, _, _, _, _, operator, row, _, _ = found.get(address, (None,) * 11)
        put(address, Verdict.INCONCLUSIVE, "cut_off", operator, row)
    return found


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _dicts(value: object) -> list[dict[str, object]]:
    return [one for one in _list(value) if isinstance(one, dict)]
