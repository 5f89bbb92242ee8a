"""The networks room: whose network an address lies in, and under which name it knows itself.

Two public sources, asked by DNS alone: the origin AS of the address, in the TXT zones of Team Cymru
(team-cymru.com/community-services/ip-asn-mapping: `d.c.b.a.origin.asn.cymru.com`, 32 nibbles under `origin6.…`, and
`AS<number>.asn.cymru.com` for its name), and the address's PTR (RFC 1035 §3.5, RFC 3596 §2.5), which counts only when
the name it gives has the address among its own (forward-confirmed). The country is the registry's, of the prefix: it
says where the prefix was assigned, not where the server stands.

None of this decides whether anybody is listed. `needs` asks; `read` reads; both are pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

import pyarrow as pa

from .answers import reason, said, word
from .exchanges import AAAA, PTR, TXT, A, Exchanges, Question, Row, is_usable
from .frames import bundles, to_arrow
from .messages import txt_text
from .names import reverse_name
from .tables import Dns
from .unasked import unasked
from .worlds import AsnZones

POINTERS_MOST = 4
"""Names of one address that are looked at; some addresses have hundreds."""
_AS_MOST = 4
_ORIGIN = re.compile(r"\s*([0-9]{1,10}(?: [0-9]{1,10})*)\s*\|\s*([0-9a-f.:]+/[0-9]{1,3})\s*\|\s*([A-Z]{2})?\s*(?:\||$)")
_NAME_MOST = 120
_NOBODY = "0.0.0.0"  # noqa: S104


class Origin(NamedTuple):
    """What one origin answer says: AS numbers as text, prefix, and the registry's country."""

    asns: tuple[str, ...]
    prefix: str
    country: str | None


def questions(address: str, zones: AsnZones) -> tuple[Question, Question]:
    """The origin question and the PTR question of one address."""
    half = reverse_name(address)
    if ":" in address:
        return Question(f"{half}.{zones.origin_ipv6}", TXT), Question(f"{half}.ip6.arpa", PTR)
    return Question(f"{half}.{zones.origin}", TXT), Question(f"{half}.in-addr.arpa", PTR)


def needs(address: str, zones: AsnZones, known: Exchanges) -> list[Question]:
    """Everything to be asked about one address, given what is known: its origin, the AS's name, its PTR, and back."""
    origin, pointer = questions(address, zones)
    found = [origin, pointer]
    network = _origin(address, known.latest(*origin))
    if network is not None:
        found += [_as_question(asn, zones) for asn in network.asns]
    found += [Question(name, AAAA if ":" in address else A) for name in _pointers(known.latest(*pointer))]
    return found


def _as_question(asn: str, zones: AsnZones) -> Question:
    return Question(f"as{asn}.{zones.names}", TXT)


def _texts(row: Row | None) -> list[str]:
    if row is None or not is_usable(row):
        return []
    records = said(row.answer, row.name, TXT).records
    return [txt_text(record.value) for record in records if isinstance(record.value, bytes)]


def _origin(address: str, row: Row | None) -> Origin | None:
    """The most specific prefix that an origin answer gives for the address; None when it gives none."""
    return _most_specific(address, tuple(_texts(row)))


@lru_cache(maxsize=1 << 14)
def _most_specific(address: str, texts: tuple[str, ...]) -> Origin | None:
    found: list[tuple[int, Origin]] = []
    for text in texts:
        if (parts := _ORIGIN.match(text)) is None:
            continue
        try:
            prefix = ip_network(parts[2], strict=False)
        except ValueError:
            continue
        if ip_address(address) in prefix:
            asns = tuple(dict.fromkeys(parts[1].split()))[:_AS_MOST]
            found.append((prefix.prefixlen, Origin(asns, str(prefix), parts[3])))
    return max(found, default=(0, None))[1]


def _as_name(row: Row | None) -> str | None:
    """The description of an AS: the last of five fields."""
    for text in _texts(row):
        fields = [part.strip() for part in text.split("|")]
        if len(fields) >= 5 and fields[4]:
            return fields[4][:_NAME_MOST]
    return None


def _pointers(row: Row | None) -> list[str]:
    """The names that an address gives itself, each once, at most `POINTERS_MOST`."""
    if row is None or not is_usable(row):
        return []
    records = said(row.answer, row.name, PTR).records
    return sorted({str(record.value) for record in records} - {"."})[:POINTERS_MOST]


def _has_address(row: Row | None, address: str) -> bool:
    if row is None or not is_usable(row):
        return False
    records = said(row.answer, row.name, row.type).records
    return any(ip_address(str(record.value)) == ip_address(address) for record in records)


def read(addresses: Iterable[str], exchanges: Exchanges, zones: AsnZones) -> pa.Table:
    """The table `networks` as it is written: one row per address, whatever was heard about it."""
    ordered = sorted(set(addresses))
    if not exchanges.has_asked(TXT, PTR):
        return unasked("networks", _row(_NOBODY, exchanges, zones), _NOBODY, ordered)
    rows = (_row(address, exchanges, zones) for address in ordered)
    return pa.concat_tables([to_arrow("networks"), *bundles("networks", rows)])


def _row(address: str, exchanges: Exchanges, zones: AsnZones) -> tuple[object, ...]:
    origin_question, pointer_question = questions(address, zones)
    origin_row, pointer_row = exchanges.latest(*origin_question), exchanges.latest(*pointer_question)
    used = [origin_row, pointer_row]
    network = _origin(address, origin_row)
    status, why = _heard(origin_row, origin_question)
    if status is Dns.PRESENT and network is None:
        status, why = Dns.SILENT, "malformed"
    asns = network.asns if network else ()
    named = [exchanges.latest(*_as_question(asn, zones)) for asn in asns]
    names = _pointers(pointer_row)
    back = [exchanges.latest(name, AAAA if ":" in address else A) for name in names]
    used += [*named, *back]
    confirmed = [name for name, row in zip(names, back, strict=True) if _has_address(row, address)]
    is_open = any(row is None or not is_usable(row) for row in back)
    return (
        address,
        status,
        why,
        list(asns),
        [name for name in map(_as_name, named) if name],
        network.prefix if network else None,
        network.country if network else None,
        _heard(pointer_row, pointer_question)[0],
        names,
        confirmed,
        None if not names or (is_open and not confirmed) else bool(confirmed),
        [str(row.id) for row in used if row is not None],
    )


def _heard(row: Row | None, question: Question) -> tuple[Dns, str | None]:
    status = word(row, *question)
    return status, None if row is None or status is Dns.PRESENT else reason(row)
