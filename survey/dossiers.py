"""The dossiers: what was observed about bodies, their domains, and who takes and sends mail for these.

They are put together from the tables, for some bodies at a time; `findings` chooses a word for each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import pandas as pd

from .frames import rows_of
from .senders import POLICY, SENDER, Sending, by_domain
from .standings import Standing
from .tables import Confidence, Dns, Share

_MAIL = ("domain", "host", "kind", "target", "status", "reason", "evidence_id")
_ADDRESS = ("host", "address", "status", "reason", "is_changed", "evidence_id")
_SERVER = ("host", "codes", "own_or_shared", "operator")
# Looked up for every row: an enumeration's own look-up takes six times as long.
_PRESENT, _SILENT, _LOW = Dns.PRESENT, Dns.SILENT, Confidence.LOW
_SHARES = {str(share): share for share in Share}


class Take(Protocol):
    """Gives the rows of a table whose column holds one of these texts, with some columns."""

    def __call__(self, name: str, column: str, values: Collection[str], /, *columns: str) -> pd.DataFrame: ...


class Servers(NamedTuple):
    """What the operators room says of a mail server, or of several together."""

    users: frozenset[str]
    own_or_shared: Share
    operator: str | None


_NO_SERVERS = Servers(frozenset(), Share.UNKNOWN, None)


@dataclass(slots=True, eq=False)
class Host:
    """One mail server: what was heard of it, and of its addresses."""

    name: str
    addresses: list[str] = field(default_factory=list)
    """Those that lists may be asked about."""
    heard: dict[str, Standing] = field(default_factory=dict)
    """Its addresses of which the lists said anything."""
    evidence: list[str] = field(default_factory=list)
    is_silent: bool = False
    """Whether one of its address questions is without answer."""
    is_changed: bool = False
    """Whether an earlier pass gave other addresses."""
    is_quiet: bool = True
    """Whether there is nothing to tell of these but how many lists answered."""
    server: Servers | None = None


_Mail = tuple[Host | None, str | None, str | None, str, str | None, str | None]
"""A row of `mail_servers`: host, kind, target, status, reason, evidence."""


@dataclass(slots=True, eq=False)
class Domain:
    """One mail domain: who takes its mail, and who sends for it."""

    name: str
    mail: list[_Mail] = field(default_factory=list)
    sending: Sending | None = None


@dataclass(slots=True, eq=False)
class Named:
    """What a body is known by."""

    domains: list[Domain] = field(default_factory=list)
    is_doubtful: bool = False
    """Whether it has a domain that is not surely its own."""
    evidence: list[str] = field(default_factory=list)
    """Beside that of its servers."""


class Dossiers:
    """What was observed about some bodies, their domains and servers; of what lists said, when it is heard."""

    def __init__(self, codes: Collection[str], take: Take) -> None:
        domains = take("domains", "code", codes, "code", "domain", "confidence", "evidence_ids")
        named = domains["domain"].unique()
        mail_servers = take("mail_servers", "domain", named, *_MAIL)
        self._together: dict[tuple[Host, ...], Servers] = {}
        self._names = mail_servers["host"].dropna().unique()
        self._hosts: dict[str, Host] = {}
        self._read_hosts(take("addresses", "host", self._names, *_ADDRESS))
        self._domains: dict[str, Domain] = {}
        self._read_domains(mail_servers)
        senders = take("senders", "domain", named, *SENDER)
        for domain, sending in by_domain(senders, take("policies", "domain", named, *POLICY)).items():
            self._domain(domain).sending = sending
        self._bodies: dict[str, Named] = defaultdict(Named)
        for code, domain, confidence, evidence in rows_of(domains, *domains.columns):
            one = self._bodies[code]
            one.evidence += evidence
            if confidence == _LOW:
                one.is_doubtful = True
            else:
                one.domains.append(self._domain(domain))
        candidates = take("candidates", "code", codes, "code", "evidence_ids")
        for code, evidence in rows_of(candidates, *candidates.columns):
            if not self._bodies[code].domains:
                self._bodies[code].evidence += evidence

    def hear(self, said: Mapping[str, Standing], take: Take) -> None:
        """Take what the lists said of addresses, and what the operators room says of servers."""
        for host in self._hosts.values():
            for address in host.addresses:
                if (standing := said.get(address)) is not None and standing.is_known:
                    host.heard[address] = standing
                    if not standing.is_quiet:
                        host.is_quiet = False
        for name, codes, whose_, operator in rows_of(take("servers", "host", self._names, *_SERVER), *_SERVER):
            self._host(name).server = Servers(frozenset(codes), _SHARES[whose_], operator or None)

    def _read_hosts(self, addresses: pd.DataFrame) -> None:
        for name, address, status, why, is_changed, evidence in rows_of(addresses, *_ADDRESS):
            host = self._host(name)
            if isinstance(evidence, str):
                host.evidence.append(evidence)
            if status == _SILENT:
                host.is_silent = True
            elif status == _PRESENT and why != "special_address":
                host.addresses.append(address)
            if is_changed is True:
                host.is_changed = True

    def _read_domains(self, mail_servers: pd.DataFrame) -> None:
        for domain, name, kind, target, status, why, evidence in rows_of(mail_servers, *_MAIL):
            host = self._host(name) if isinstance(name, str) else None
            self._domain(domain).mail.append((host, kind, target, status, why, evidence))

    def _host(self, name: str) -> Host:
        if (found := self._hosts.get(name)) is None:
            found = self._hosts[name] = Host(name)
        return found

    def _domain(self, name: str) -> Domain:
        if (found := self._domains.get(name)) is None:
            found = self._domains[name] = Domain(name)
        return found

    def body(self, code: str) -> Named:
        """What a body is known by; by nothing, if need be."""
        return self._bodies[code]

    def together(self, hosts: Sequence[Host]) -> Servers:
        """What the operators room says of these servers; a provider's few have thousands of users."""
        if len(hosts) == 1:
            return hosts[0].server or _NO_SERVERS
        several = tuple(hosts)
        if (found := self._together.get(several)) is None:
            told = [host.server for host in several if host.server is not None]
            found = told[0] if told else _NO_SERVERS
            if any(one != found for one in told):
                found = Servers(
                    frozenset[str]().union(*(server.users for server in told)),
                    whose({server.own_or_shared for server in told}),
                    ", ".join(sorted({server.operator or "" for server in told})) or None,
                )
            self._together[several] = found
        return found


def whose(kinds: set[Share]) -> Share:
    """One word for several servers; where one of them is unknown, only own beside shared is certain."""
    if {Share.OWN, Share.SHARED} <= kinds:
        return Share.BOTH
    return Share(next(iter(kinds))) if len(kinds) == 1 else Share.UNKNOWN
