"""What answers say: whether a name has what was asked for, has not, or nobody said; and along which aliases.

No record is trusted whose owner is not the question or the end of its alias chain. A denial counts where it is one
(RFC 2308); a referral, a failure and what cannot be read are silence, and so is what the resolver itself calls stale or
filtered (RFC 8914).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from . import messages, names
from .exchanges import ANSWERED, CNAME, NOERROR, NXDOMAIN, TRUNCATED, Row
from .messages import Answer, Record, blind, decode, decode_anew, without_labels
from .names import Malformed
from .tables import Dns

_ONE_QUESTION_NO_RECORD = b"\0\1\0\0"
REMEMBERED = 1 << 14
"""So many messages of which is remembered what they say."""
_CHAIN_MOST = 16
_WORDS = {"": Dns.PRESENT, "nxdomain": Dns.ABSENT, "nodata": Dns.ABSENT}
_RCODES = {1: "formerr", 2: "servfail", 4: "notimp", 5: "refused"}


class Said(NamedTuple):
    """What one message with an answer section says about a question."""

    reason: str
    """Why it is no presence, as a machine word; empty when records came."""
    end: str
    """The canonical name: the end of the alias chain."""
    records: tuple[Record, ...]
    """What that name owns of the type that was asked for."""
    is_loose: bool
    """Whether the chain ends at an alias whose target the message says nothing about, neither records nor a denial."""


def chain(answer: Answer, name: str, type_: int) -> tuple[str, tuple[Record, ...]]:
    """Follow the aliases in an answer: the canonical name, and the records of the wanted type that it owns.

    Records of unrelated owners, and of other classes than IN, are ignored. Raises Malformed on an alias loop.
    """
    seen = {name}
    ours = [record for record in answer.records if record.value is not None]
    while True:
        records = tuple(dict.fromkeys(r for r in ours if r.owner == name and r.type == type_))
        if records or type_ == CNAME:
            return name, records
        aliases = {str(r.value) for r in ours if r.owner == name and r.type == CNAME}
        if not aliases:
            return name, ()
        name = min(aliases)
        if len(aliases) > 1 or name in seen or len(seen) > _CHAIN_MOST:
            raise Malformed("an alias that loops or has two targets")
        seen.add(name)


def word(row: Row | None, name: str, type_: int) -> Dns:
    """What one exchange says, in the data dictionary's words."""
    if row is None:
        return Dns.NOT_ASKED
    # Whatever is neither presence nor denial is silence: a referral, a contradiction, records of somebody else.
    return _WORDS.get(_said(row, name, type_), Dns.SILENT)


def reason(row: Row) -> str:
    """What the silence or absence of one exchange looked like, as a machine word; empty when records came."""
    return _said(row, row.name, row.type)


def denies(message: bytes) -> bool:
    """Whether an answer without any record says that there is none: what `word` calls absent."""
    if message[4:8] != _ONE_QUESTION_NO_RECORD or message[3] & 15 not in (NOERROR, NXDOMAIN):
        return False
    parts = without_labels(message)
    return parts is not None and _denied(*parts) in ("nxdomain", "nodata")


def _said(row: Row, name: str, type_: int) -> str:
    if row.outcome != ANSWERED:
        return TRUNCATED if row.outcome == TRUNCATED else row.outcome
    if len(row.answer) >= 12 and (rcode := row.answer[3] & 15) not in (NOERROR, NXDOMAIN):
        return _RCODES.get(rcode, f"rcode_{rcode}")
    if row.answer[4:8] == _ONE_QUESTION_NO_RECORD and (why := _denial(row.answer)) is not None:
        return why
    return said(row.answer, name, type_).reason


@lru_cache(maxsize=1 << 8)
def _denial(message: bytes) -> str | None:
    """What an answer without records says; whoever reads tables meets the same few again and again."""
    parts = without_labels(message)
    return None if parts is None else _denied(*parts)


@lru_cache(maxsize=REMEMBERED)
def said(message: bytes, name: str, type_: int) -> Said:
    """What a message with answers says about a question; what cannot be read says nothing.

    What was asked a moment ago is read for the tables next.
    """
    try:
        answer = decode(message)
        if _are_own(answer.records, name, type_):
            end, records = name, answer.records
            if len(records) > 1:
                records = tuple(dict.fromkeys(records))
            if answer.rcode == NOERROR and not answer.disowned:
                return Said("", end, records, False)
        else:
            end, records = chain(answer, name, type_)
    except Malformed:
        return Said("malformed", name, (), False)
    is_ended = records or end == name or answer.rcode == NXDOMAIN or answer.negative_ttl is not None
    is_loose = not (is_ended or answer.disowned)
    return Said(_reason(answer, name, type_, end, records), end, records, is_loose)


def _are_own(records: tuple[Record, ...], name: str, type_: int) -> bool:
    """Whether there are records, all of the very name and type: most answers are so."""
    for owner, kind, _, value in records:
        if kind != type_ or owner != name or value is None:
            return False
    return bool(records)


def _reason(answer: Answer, name: str, type_: int, end: str, records: tuple[Record, ...]) -> str:
    if answer.rcode > 15:
        return f"rcode_{answer.rcode}"
    if answer.disowned:
        return answer.disowned
    if records:
        # A name that does not exist and has records: one of the two is a lie.
        return "contradiction" if answer.rcode == NXDOMAIN else ""
    if any(record.type == type_ for record in answer.records):
        # Records of somebody else, or of another class, are neither an answer nor a denial.
        return "foreign_records"
    if answer.rcode == NXDOMAIN:
        return "nxdomain"
    if end != name and answer.negative_ttl is None:
        # An authoritative server that knows only the alias has not said what lies behind it.
        return "unfinished_chain"
    if answer.has_referral and answer.negative_ttl is None:
        return "referral"
    return "nodata"


@lru_cache(maxsize=1 << 14)
def _denied(header: bytes, sizes: bytes, rest: bytes) -> str:
    """What an answer without records says, whatever its question's letters are.

    A name that points into the midst of one of the question's labels is read as malformed here.
    """
    try:
        answer = decode_anew(b"\0\0" + header + blind(sizes) + b"\0" + rest)
    except Malformed:
        return "malformed"
    if answer.rcode > 15:
        return f"rcode_{answer.rcode}"
    if answer.disowned:
        return answer.disowned
    if answer.rcode == NXDOMAIN:
        return "nxdomain"
    return "referral" if answer.has_referral and answer.negative_ttl is None else "nodata"


def forget() -> None:
    """Let go of everything that is remembered of messages and names: it stands scattered in the way of what follows."""
    names.forget()
    messages.forget()
    for one in (said, _denied, _denial):
        one.cache_clear()
