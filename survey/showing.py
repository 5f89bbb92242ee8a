"""One exchange as `dig` would show it, from the bytes that were kept.

Everything that a stranger sent is escaped: a control character, an escape sequence or a direction mark is printed as
what it is, never sent to the terminal.
"""

from __future__ import annotations

import dns.flags
import dns.opcode
import dns.rcode
import dns.rdatatype

from .exchanges import Exchange
from .harmless import harmless
from .names import Malformed
from .records import read_message

_MOST = 20_000


def show(exchange: Exchange) -> str:
    """The whole exchange as text: question, answer or silence, and who was asked when."""
    question = exchange.question
    lines = [
        f"; evidence {exchange.evidence_id}: sitting {exchange.sitting}, pass {exchange.pass_number}, "
        f"health round {exchange.round}, attempt {exchange.attempt}, {exchange.transport}, {exchange.outcome}"
    ]
    if exchange.transport == "smtp":
        lines += exchange.answer.decode("utf-8", "backslashreplace").splitlines()
    elif not exchange.answer:
        lines += [
            f";{question.name}. IN {dns.rdatatype.to_text(dns.rdatatype.RdataType.make(question.type))}",
            ";; no answer",
        ]
    else:
        lines += _message(exchange.answer)
    lines += [
        "",
        f";; Query time: {exchange.elapsed_s * 1000:.0f} msec",
        f";; SERVER: {exchange.server} ({exchange.transport.upper()})",
        f";; WHEN: {exchange.asked_at:%a %b %d %H:%M:%S UTC %Y}",
        f";; MSG SIZE  rcvd: {len(exchange.answer)}",
    ]
    return harmless("\n".join(lines), _MOST, keep="\n")


def _message(data: bytes) -> list[str]:
    """The message in dig's form; as hexadecimal where it cannot be read."""
    try:
        message = read_message(data)
    except Malformed as error:
        rows = [f"{at:04x}  {data[at : at + 16].hex(' ')}" for at in range(0, min(len(data), 4096), 16)]
        return [f";; the answer cannot be read: {error}", *rows]
    flags = dns.flags.to_text(message.flags).lower()
    lines = [
        f";; ->>HEADER<<- opcode: {dns.opcode.to_text(message.opcode())}, "
        f"status: {dns.rcode.to_text(message.rcode())}, id: {message.id}",
        f";; flags: {flags}; QUERY: {len(message.question)}, ANSWER: {sum(len(s) for s in message.answer)}, "
        f"AUTHORITY: {sum(len(s) for s in message.authority)}, "
        f"ADDITIONAL: {sum(len(s) for s in message.additional) + (message.edns >= 0)}",
    ]
    if message.edns >= 0:
        lines += ["", ";; OPT PSEUDOSECTION:", f"; EDNS: version: {message.edns}, flags:; udp: {message.payload}"]
    for title, section in (
        ("QUESTION", message.question),
        ("ANSWER", message.answer),
        ("AUTHORITY", message.authority),
        ("ADDITIONAL", message.additional),
    ):
        if section:
            prefix = ";" if title == "QUESTION" else ""
            lines += ["", f";; {title} SECTION:"]
            lines += [f"{prefix}{line}" for rrset in section for line in rrset.to_text().splitlines()]
    return lines
