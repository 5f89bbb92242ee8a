"""The forms of the relay dialogue: how a stranger may be asked for, in an envelope that has not been sent.

Each form is a sender and a recipient. The recipient always comes down to the newsroom's own mailbox when whatever is
wrapped around it is taken off: a source route (RFC 5321 appendix C), a percent sign (RFC 1123 §5.2.16), an exclamation
mark (RFC 976), a quoted local part (RFC 5321 §4.1.2), a second @. The sender is the newsroom's mailbox, nobody
(RFC 5321 §4.5.5), or `survey-probe` at the server's own domain, name or address literal (§4.1.3).

`basic` forms ask plainly. `bypass` forms wrap the recipient, as relays of the nineties wanted it; they are asked only
where the permission says so. Among the nineteen are the sixteen pairs of nmap's smtp-open-relay. What some servers
count as a syntax error comes at the end. One dialogue brings at most twenty refusals (with the control), which is where
Postfix hangs up (smtpd_hard_error_limit).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from .grammar import literal

Sender = Literal["mailbox", "nobody", "domain", "name", "address"]
PROBE = "survey-probe"
"""Local part of senders, and the beginning of the control's, at the server's own domain."""
_MOST = 480
"""Characters of a path in a command, whose line has at most 512 octets (RFC 5321 §4.5.3.1.4)."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form: whom it comes from, how the mailbox `{user}@{at}` is wrapped, and what it is called."""

    name: str
    sender: Sender
    recipient: str
    is_bypass: bool
    en: str
    ja: str


_BASIC: tuple[tuple[str, Sender, str, str], ...] = (
    ("third_party", "mailbox", "from a stranger, to a stranger", "第三者から第三者へ"),
    ("null_sender", "nobody", "from nobody (null sender)", "差出人なし（空の送信者）"),
    ("own_domain_sender", "domain", "from the server's own domain", "サーバ自身のドメインを名乗る"),
    ("own_name_sender", "name", "from the server's own name", "サーバ自身のホスト名を名乗る"),
    ("own_address_sender", "address", "from the server's own address literal", "サーバ自身のアドレスを名乗る"),
)
_BYPASS = (
    ("percent_domain", "{user}%{at}@{domain}", "percent sign at its domain", "パーセント記号・自ドメイン"),
    ("percent_name", "{user}%{at}@{name}", "percent sign at its name", "パーセント記号・ホスト名"),
    ("percent_address", "{user}%{at}@{address}", "percent sign at its address", "パーセント記号・アドレス"),
    ("route_name", "@{name}:{user}@{at}", "source route over its name", "経路指定・ホスト名"),
    ("route_address", "@{address}:{user}@{at}", "source route over its address", "経路指定・アドレス"),
    ("bang_name", "{at}!{user}@{name}", "bang path at its name", "感嘆符の経路・ホスト名"),
    ("bang_address", "{at}!{user}@{address}", "bang path at its address", "感嘆符の経路・アドレス"),
    ("route_bang", "@{name}:{at}!{user}@{name}", "source route and bang path", "経路指定と感嘆符の経路"),
    ("quoted_address", '"{user}@{at}"@{address}', "quoted local part at its address", "引用符・アドレス"),
    ("quoted", '"{user}@{at}"', "quoted local part alone", "引用符のみ"),
    ("quoted_percent", '"{user}%{at}"', "quoted percent sign alone", "引用符とパーセント記号"),
    ("bang", "{at}!{user}", "bang path alone", "感嘆符の経路のみ"),
    ("double_at_name", "{user}@{at}@{name}", "two @, its name last", "二重の@・ホスト名"),
    ("double_at_address", "{user}@{at}@{address}", "two @, its address last", "二重の@・アドレス"),
)
FORMS: Mapping[str, Form] = {
    **{name: Form(name, sender, "{user}@{at}", False, en, ja) for name, sender, en, ja in _BASIC},
    **{name: Form(name, "address", recipient, True, en, ja) for name, recipient, en, ja in _BYPASS},
}
BASIC = tuple(name for name, form in FORMS.items() if not form.is_bypass)
ALL = tuple(FORMS)


@dataclass(frozen=True, slots=True)
class Probe:
    """Who asks: the mailbox that every form comes down to, the name said in EHLO, and the page that explains."""

    mailbox: str
    hello: str
    page: str


@dataclass(frozen=True, slots=True)
class Target:
    """One address that may be asked, as the permission has it: whose it is, what it is called, which forms."""

    address: str
    host: str | None
    domain: str | None
    operator: str
    forms: tuple[str, ...]
    probe: Probe
    row: int
    """Row of the permission file."""
    until: date
    """The last day of the permission."""


def envelope(form: Form, target: Target) -> tuple[str, str] | str:
    """Sender and recipient of one form; the reason (no_name, no_domain, too_long) where there is none."""
    user, _, at = target.probe.mailbox.rpartition("@")
    wanted = form.recipient + {"domain": "{domain}", "name": "{name}"}.get(form.sender, "")
    if "{domain}" in wanted and target.domain is None:
        return "no_domain"
    if "{name}" in wanted and target.host is None:
        return "no_name"
    known = {"user": user, "at": at, "domain": target.domain, "name": target.host, "address": literal(target.address)}
    senders = {
        "mailbox": target.probe.mailbox,
        "nobody": "",
        "domain": f"{PROBE}@{target.domain}",
        "name": f"{PROBE}@{target.host}",
        "address": f"{PROBE}@{literal(target.address)}",
    }
    sender, recipient = senders[form.sender], form.recipient.format(**known)
    return "too_long" if max(len(sender), len(recipient)) > _MOST else (sender, recipient)


def control(target: Target, token: str) -> tuple[str, str] | str:
    """The control: a local part that cannot exist, at the server's own domain."""
    if target.domain is None:
        return "no_domain"
    return target.probe.mailbox, f"{PROBE}-{token}@{target.domain}"


def planned(target: Target) -> Sequence[tuple[Form, tuple[str, str] | str]]:
    """Every form in its order, with its envelope or why it is not asked."""
    return [
        (form, envelope(form, target) if name in target.forms else "form_not_permitted") for name, form in FORMS.items()
    ]
