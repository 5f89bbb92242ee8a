"""The mail room: from a domain to its mail servers, from a server to its addresses.

Rules: RFC 5321 §5.1 (MX, and the domain itself where there is none: implicit MX), RFC 7505 (null MX), RFC 2181 §10.3
(an MX must not point to an alias, but many do), RFC 974's old address literals. What an MX points to is said in one
word, `target`, and is never repaired: a town whose MX is `localhost` has told the world so.

`first` and `follow` ask; `Reader` reads. All are pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import ip_address

from .answers import reason, said, word
from .exchanges import AAAA, MX, NXDOMAIN, A, Exchanges, Question, Row, is_usable
from .messages import Record
from .names import as_asked
from .tables import Dns

_CHASE_MOST = 8
_DENIALS = ("nxdomain", "nodata")
_PRESENT, _ABSENT, _SILENT = Dns.PRESENT, Dns.ABSENT, Dns.SILENT
"""Looking up a member of an enumeration takes longer than a name of one's own."""
_FAMILIES = ((4, A), (6, AAAA))
_LITERAL = re.compile(r"\[?[0-9.]+\]?|\[?(ipv6:)?[0-9a-f:]+:[0-9a-f:]*\]?")


def first(domains: Iterable[str]) -> list[Question]:
    """One MX question per domain, each domain once."""
    return [Question(domain, MX) for domain in dict.fromkeys(domains)]


def follow(row: Row) -> Iterator[Question]:
    """What the answer in one exchange makes us ask next: addresses of mail servers, or the end of a CNAME chain."""
    if not is_usable(row):
        return
    if row.type == MX:
        for host in hosts(row):
            yield Question(host, A)
            yield Question(host, AAAA)
    elif row.type in (A, AAAA):
        end = _loose_end(row)
        if end is not None:
            yield Question(end, row.type)


def hosts(row: Row) -> list[str]:
    """The host names whose addresses matter for a domain, from its MX exchange; the domain itself when implicit."""
    if word(row, row.name, row.type) == Dns.ABSENT:
        return [] if row.answer[3] & 15 == NXDOMAIN else [row.name]
    found = _exchangers(row)
    return [host for _, host in found if host != "." and _named(host) == "host"]


def addresses_of(row: Row) -> list[str]:
    """The addresses in one A or AAAA exchange, in order; an IPv4-mapped IPv6 address is the IPv4 address that it is."""
    return _plain(said(row.answer, row.name, row.type).records)


def _plain(records: Sequence[Record]) -> list[str]:
    """Their addresses as lists are asked about them, in order."""
    if len(records) == 1 and records[0].type == A:
        return [str(records[0].value)]
    found = {as_asked(ip_address(str(record.value))) for record in records}
    return [str(one) for one in sorted(found, key=lambda one: one.packed)]


def _exchangers(row: Row) -> list[tuple[int, str]]:
    """(preference, host) of an MX answer, as told, each once, in order; nothing when it cannot be read."""
    records = said(row.answer, row.name, MX).records
    return sorted({record.value for record in records if isinstance(record.value, tuple)})


def _loose_end(row: Row) -> str | None:
    """The name at the end of a CNAME chain that the answer does not resolve."""
    if row.answer[6:8] == b"\0\0":
        return None
    found = said(row.answer, row.name, row.type)
    return found.end if found.is_loose else None


def _named(host: str) -> str:
    """What a host name says of itself: host, address_literal, localhost or special."""
    if _LITERAL.fullmatch(host):
        return "address_literal"
    if host == "localhost" or host.endswith((".localhost", ".localdomain")):
        return "localhost"
    if host.endswith((".local", ".invalid", ".onion", ".home.arpa", ".internal")):
        return "special"
    return "host"


def host_needs(name: str, known: Exchanges) -> list[Question]:
    """What is asked about a name that may be a mail domain, a host, or both: MX, addresses, ends of aliases."""
    found = [Question(name, MX)]
    for type_ in (A, AAAA):
        end: str | None = name
        for _ in range(_CHASE_MOST):
            if end is None:
                break
            found.append(Question(end, type_))
            row = known.latest(end, type_)
            end = _loose_end(row) if row is not None and is_usable(row) else None
    return found


def takes_mail_elsewhere(name: str, known: Exchanges) -> bool:
    """Whether a name is a mail domain: an MX says which hosts take its mail. A null MX says none, and names no host."""
    row = known.latest(name, MX)
    return row is not None and is_usable(row) and any(host != "." for _, host in _exchangers(row))


def own_addresses(name: str, known: Exchanges) -> list[str]:
    """The addresses of a name that is a host; nothing for a mail domain, whose MX says where its servers are."""
    if takes_mail_elsewhere(name, known):
        return []
    rows = _Addresses(known, lambda _: True).of(name)
    return [str(row[1]) for row in rows if row[1] is not None]


class _Addresses:
    """The addresses of hosts, read once per host, and what an MX that names a host points to."""

    def __init__(self, exchanges: Exchanges, askable: Callable[[str], bool]) -> None:
        self._exchanges, self._askable = exchanges, askable
        self._known: dict[str, list[tuple[object, ...]]] = {}
        self._targets: dict[str, str] = {}
        self.is_alias: set[str] = set()
        self.named: set[str] = set()
        """Hosts that take mail for somebody, and names that stand for themselves: those whose rows are wanted."""

    def of(self, host: str) -> list[tuple[object, ...]]:
        """Rows of the table `addresses` for one host."""
        if (rows := self._known.get(host)) is None:
            rows = self._known[host] = self._read(host)
        return rows

    def target(self, host: str) -> str:
        """What an MX that names this host points to, in the data dictionary's words."""
        if (target := self._targets.get(host)) is None:
            target = self._targets[host] = _target(host, self)
        return target

    def _read(self, host: str) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        nothing: list[tuple[object, ...]] = []
        for family, type_ in _FAMILIES:
            status, why, found, evidence, is_changed = self._resolve(host, type_)
            if status is _PRESENT:
                for address in found:
                    special = None if self._askable(address) else "special_address"
                    rows.append((host, address, 6 if ":" in address else 4, status, special, is_changed, evidence))
            elif status is _SILENT:
                rows.append((host, None, family, status, why, is_changed, evidence))
            else:
                nothing.append((host, None, family, status, why, is_changed, evidence))
        return rows or nothing

    def _resolve(self, host: str, type_: int) -> tuple[Dns, str, list[str], str | None, bool | None]:
        """Status, reason, addresses, evidence, and whether an earlier pass gave other addresses (None without any)."""
        name, evidence = host, None
        for _ in range(_CHASE_MOST):
            row = self._exchanges.latest(name, type_)
            if row is None:
                return (_SILENT, "not_asked", [], evidence, None)
            evidence = str(row.id)
            why = reason(row)
            if why in _DENIALS:
                return _ABSENT, why, [], evidence, None
            if why:
                end = _loose_end(row) if is_usable(row) else None
                if end is None:
                    return _SILENT, why, [], evidence, None
                self.is_alias.add(host)
                name = end
                continue
            answer = said(row.answer, name, type_)
            if answer.end != host:
                self.is_alias.add(host)
            found = _plain(answer.records)
            return _PRESENT, "", found, evidence, self._has_changed(row, found)
        return _SILENT, "unfinished_chain", [], evidence, None

    def _has_changed(self, row: Row, found: list[str]) -> bool:
        """Whether an earlier pass gave other addresses than those found in this exchange."""
        rows = self._exchanges.passes(row.name, row.type)
        if len(rows) == 1:
            return False
        earlier = (one for one in rows if one.pass_number != row.pass_number)
        return any(addresses_of(one) != found for one in earlier if word(one, row.name, row.type) is _PRESENT)


class Reader:
    """Reads `mail_servers` (one row per domain × mail server) and then `addresses` (one row per host × address)."""

    def __init__(self, exchanges: Exchanges, askable: Callable[[str], bool]) -> None:
        self._exchanges, self._addresses = exchanges, _Addresses(exchanges, askable)

    def mail_servers(self, domains: Iterable[str]) -> Iterator[tuple[object, ...]]:
        """The rows of domains. Every domain has at least one: silence and absence are rows too."""
        for domain in sorted(set(domains)):
            yield from _servers(domain, self._exchanges, self._addresses)

    def hosts(self, names: Iterable[str]) -> None:
        """Names whose own addresses are read too, unless an MX says that others take their mail."""
        self._addresses.named |= {name for name in names if not takes_mail_elsewhere(name, self._exchanges)}

    def addresses(self) -> Iterator[tuple[object, ...]]:
        """The rows of every host that the rows so far named, dangling and silent ones too."""
        for host in sorted(self._addresses.named):
            rows = self._addresses.of(host)
            yield from sorted(dict.fromkeys(rows), key=_order) if len(rows) > 1 else rows


def _order(row: Sequence[object]) -> tuple[str, str]:
    return str(row[2]), str(row[1])


def _servers(domain: str, exchanges: Exchanges, addresses: _Addresses) -> list[tuple[object, ...]]:
    row = exchanges.latest(domain, MX)
    evidence = str(row.id) if row is not None else None
    status = word(row, domain, MX)
    if row is None or status is Dns.NOT_ASKED:
        return [(domain, None, None, None, None, Dns.NOT_ASKED, "not_asked", evidence)]
    if status is _SILENT:
        return [(domain, None, None, None, None, _SILENT, reason(row), evidence)]
    if status is _ABSENT:
        if row.answer[3] & 15 == NXDOMAIN:
            return [(domain, None, None, "none", None, _ABSENT, "nxdomain", evidence)]
        own = addresses.of(domain)
        if any(one[3] is _PRESENT for one in own):
            if _named(domain) == "host":
                addresses.named.add(domain)
            target = "cname" if domain in addresses.is_alias else "host"
            if not any(one[3] is _PRESENT and one[4] is None for one in own):
                target = "special"
            return [(domain, None, domain, "implicit", target, _PRESENT, None, evidence)]
        if any(one[3] is _SILENT for one in own):
            why = next(one[4] for one in own if one[3] is _SILENT)
            return [(domain, None, None, None, None, _SILENT, f"address_{why}", evidence)]
        return [(domain, None, None, "none", None, _ABSENT, "nodata", evidence)]
    found = _exchangers(row)
    if not found:
        return [(domain, None, None, None, None, _SILENT, "malformed", evidence)]
    if len(found) == 1 and found[0][1] == ".":
        return [(domain, found[0][0], None, "null", None, _PRESENT, None, evidence)]
    return [
        (domain, preference, host, "mx", addresses.target(host), _PRESENT, None, evidence) for preference, host in found
    ]


def _target(host: str, addresses: _Addresses) -> str:
    """What an MX points to, in the data dictionary's words."""
    if host == ".":
        return "special"
    named = _named(host)
    if named != "host":
        return named
    addresses.named.add(host)
    rows = addresses.of(host)
    if not any(row[3] is _PRESENT and row[4] is None for row in rows):
        statuses = {row[3] for row in rows}
        if statuses == {_ABSENT}:
            return "dangling"
        if statuses == {_PRESENT}:
            return "special"
    return "cname" if host in addresses.is_alias else "host"
