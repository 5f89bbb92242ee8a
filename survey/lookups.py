"""What is known of one name and type: the answer in hand, followed to the end of its aliases.

Rooms that ask until they know enough (SPF, DMARC) look here, and note what they looked for: what has no answer yet is
what they need. Silence is never absence.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from .answers import chain, reason
from .exchanges import Exchanges, Question, Row
from .messages import decode
from .names import Malformed, encode_name, label_text
from .tables import Dns

_CHASE_MOST = 8
Value = str | bytes | tuple[int, str] | None


class Heard(NamedTuple):
    """What is known: a status word, what silence or absence looked like, the values, and the evidence ids."""

    status: Dns
    reason: str = ""
    values: tuple[Value, ...] = ()
    evidence: tuple[str, ...] = ()


def look(known: Exchanges, needed: dict[Question, None], name: str, type_: int) -> Heard:
    """What is known of a name and type; every question that this rests on is added to `needed`."""
    evidence: list[str] = []
    for _ in range(_CHASE_MOST):
        needed[Question(name, type_)] = None
        row = known.latest(name, type_)
        if row is None:
            return Heard(Dns.NOT_ASKED, "not_asked", (), tuple(evidence))
        evidence.append(str(row.id))
        said, end = _said(name, type_, row.outcome, row.answer)
        if end is None:
            return said._replace(evidence=tuple(evidence))
        name = end
    return Heard(Dns.SILENT, "unfinished_chain", (), tuple(evidence))


@lru_cache(maxsize=1 << 15)
def _said(name: str, type_: int, outcome: str, answer: bytes) -> tuple[Heard, str | None]:
    """What one exchange says, and the end of an alias chain that it does not resolve."""
    row = Row(0, 0, 0, 0, name, type_, "", "", 0, outcome, 0, 0, answer)
    why = reason(row)
    if why in ("nxdomain", "nodata"):
        return Heard(Dns.ABSENT, why), None
    if why and why != "unfinished_chain":
        return Heard(Dns.SILENT, why), None
    end, records = chain(decode(answer), name, type_)
    if why:
        return Heard(Dns.SILENT, why), end
    return Heard(Dns.PRESENT, "", tuple(record.value for record in records)), None


def written_name(text: str) -> str | None:
    """A name that a stranger wrote, its labels escaped as in decoded answers; None when it cannot be a name."""
    try:
        labels = [label.encode("ascii") for label in text.removesuffix(".").split(".")]
        name = ".".join(map(label_text, labels))
        encode_name(name)
    except (Malformed, UnicodeEncodeError):
        return None
    return name if all(labels) else None
