"""What stands behind the practice country's mail addresses, and who permitted the newsroom to ask.

Drawn from the country and its seed by a generator of its own, so that the country itself stays what it was. Servers on
the country's open-relay lists mostly relay; most others are closed; every kind of practice server, hostile ones too, is
there. The permission file covers some of them and not others, and has rows that permit nothing, as newsrooms get them:
expired, half filled in, a host that has moved, a town that speaks for its provider.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import xlsxwriter

from ..smtp.forms import Probe
from .country import Country
from .facts import RELAY_ZONES
from .session import KINDS, Mailer

ASKER = Probe("relay-check@newsroom.example", "relay-survey.newsroom.example", "https://newsroom.example/relay-survey")
"""The practice newsroom, for practice runs that name no other."""
TRUTH: Mapping[str, tuple[str, str | None]] = {
    "closed": ("rejects", None),
    "open": ("may_relay", None),
    "percent_open": ("may_relay", None),
    "accepts_all": ("inconclusive", "accepts_everything"),
    "greylisting": ("inconclusive", "greylisted"),
    "refuses_us": ("inconclusive", "refused_us"),
    "refuses_connection": ("inconclusive", "refused_at_connect"),
    "hangs_up": ("inconclusive", "told_to_go"),
    "helo_only": ("rejects", None),
    "bad_certificate": ("rejects", None),
    "broken_tls": ("inconclusive", "tls_failed"),
    "tarpit": ("inconclusive", "no_greeting"),
    "endless_line": ("inconclusive", "flooded"),
    "endless_reply": ("inconclusive", "flooded"),
    "resets": ("inconclusive", "closed"),
    "resets_late": ("inconclusive", "closed"),
    "garbage": ("inconclusive", "nonsense"),
    "two_replies": ("inconclusive", "nonsense"),
    "eight_bit": ("rejects", None),
    "never_greets": ("inconclusive", "no_greeting"),
    "deaf": ("inconclusive", "timeout"),
    "nobody_there": ("inconclusive", "unreachable"),
}
"""What an honest dialogue with all forms must find, by kind of server: verdict and reason."""
_HEADERS = (
    *("運用者", "ホスト名", "アドレス・範囲", "メールドメイン", "承認者", "目的", "有効開始日", "有効終了日", "連絡先"),
    *("試験項目", "備考"),
)
_SOFTWARE = (
    ("ESMTP Postfix", "554 5.7.1 {recipient}: Relay access denied", 40),
    ("ESMTP Postfix (Debian/GNU)", "454 4.7.1 {recipient}: Relay access denied", 12),
    ("ESMTP Sendmail 8.15.2/8.15.2; Tue, 24 Nov 2026 09:00:00 +0900", "550 5.7.1 {recipient}... Relaying denied", 14),
    ("ESMTP Exim 4.96 Tue, 24 Nov 2026 09:00:00 +0900", "550 relay not permitted", 8),
    ("Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 09:00:00 +0900", "550 5.7.1 Unable to relay", 9),
    ("ESMTP OpenSMTPD", "550 Invalid recipient: {recipient}", 3),
    ("netqmail 1.06 ESMTP", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 4),
    ("ESMTP", "550 5.7.1 relaying denied", 10),
)
_ODD = tuple(kind for kind in KINDS if kind not in ("closed", "open"))


def mailers(country: Country) -> list[Mailer]:
    """The country's mail servers, one per address, in the order of addresses."""
    random = Random(f"mailers {country.seed}")
    listed = {address for zone in RELAY_ZONES for address in country.listed[zone]}
    domains: dict[str, list[str]] = {}
    for domain, facts in country.domains.items():
        for host in [domain] if facts.behaviour == "implicit" else [name for _, name in facts.exchangers]:
            domains.setdefault(host, []).append(domain)
    found: dict[str, Mailer] = {}
    for host, one in country.hosts.items():
        if one.behaviour != "ok" or "\\" in host:
            continue
        for address in (*one.ipv4, *one.ipv6):
            if address in found or address.startswith("10."):
                continue
            greeting, denial, _ = random.choices(_SOFTWARE, [weight for _, _, weight in _SOFTWARE])[0]
            kind = "closed"
            if address in listed:
                kind = random.choices(("open", "percent_open", "closed"), (7, 2, 1))[0]
            elif random.random() < 0.08:
                kind = random.choice(_ODD)
            found[address] = Mailer(address, host, tuple(domains.get(host, ())), kind, greeting, denial)
    return [found[address] for address in sorted(found)]


def write_permission(country: Country, path: Path) -> None:
    """The permission file as a newsroom would have it, in Japanese, with its bad rows."""
    rows = _rows(country)
    today = datetime.date.today()
    start, end = datetime.date(today.year, 1, 1), datetime.date(today.year + 1, 12, 31)
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet("許可")
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_string(0, 0, f"練習国 中継の確認 許可一覧（架空・シード {country.seed}）")
        for column, header in enumerate(_HEADERS):
            sheet.write_string(2, column, header)
        for number, (operator, host, address, domain, approver, forms, note) in enumerate(rows, 3):
            texts = (operator, host, address, domain, approver, "第三者中継を許していないかの確認", None, None)
            for column, text in enumerate((*texts, "postmaster@" + (domain or "operator.example"), forms, note)):
                if text is not None:
                    sheet.write_string(number, column, text)
            back = datetime.timedelta(days=800 if note == "期限切れ" else 0)
            for column, date in ((6, start - back), (7, end - back)):
                sheet.write_datetime(number, column, datetime.datetime.combine(date, datetime.time()), day)
        sheet.set_column(0, len(_HEADERS) - 1, 22)


def _addresses(country: Country, one: Mailer) -> str:
    """All addresses of a server's host, as one cell."""
    facts = country.hosts[one.name]
    return "、".join((*facts.ipv4, *facts.ipv6))


_Line = tuple[str, str, str, str, str, str, str]


def _rows(country: Country) -> Sequence[_Line]:
    """(operator, host, address, domain, approver, forms, note) of every row."""
    random = Random(f"permissions {country.seed}")
    there = mailers(country)
    users: dict[str, list[str]] = {}
    for body in country.bodies:
        for domain in body.domains:
            users.setdefault(domain, []).append(body.name.kanji)
    own = [one for one in there if len(one.domains) == 1 and one.name.endswith(f".{one.domains[0]}")]
    own = [one for one in own if len(users.get(one.domains[0], ())) == 1 and ":" not in one.address]
    in_range = [one for one in own if one.address.startswith("192.0.2.") and one.kind == "open"]
    own = [one for one in own if not one.address.startswith("192.0.2.")]
    relaying = [one for one in own if one.kind in ("open", "percent_open")]
    odd = [next((one for one in own if one.kind == kind), None) for kind in _ODD]
    plain = [one for one in own if one.kind == "closed"]
    chosen = [*in_range[:1], *relaying[:30], *(one for one in odd if one is not None), *random.sample(plain, 60)]
    rows: list[_Line] = []
    seen: set[str] = set()
    for place, one in enumerate(chosen):
        if one.address in seen:
            continue
        seen.add(one.address)
        office, domain = users[one.domains[0]][0], one.domains[0]
        host = one.name if place % 3 else ""
        forms = "すべて" if place % 4 else "基本"
        rows.append((office, host, _addresses(country, one), domain, "情報政策課長", forms, ""))
    shared = sorted({one.name.partition(".")[2] for one in there if one.name.startswith("mx1.") and one.domains})
    for operator in shared[:4]:
        for one in there:
            if one.name.endswith(f".{operator}") and one.name.startswith("mx") and ":" not in one.address:
                rows.append(
                    (operator, one.name, _addresses(country, one), "", "運用責任者", "基本", "事業者の共用サーバ")
                )
    rows.append(("地域情報センター", "", "192.0.2.0/25", "", "センター長", "基本", "範囲による許可"))
    spare = [one for one in plain if one.address not in seen][:5]
    first = users[spare[0].domains[0]][0]
    provider = next(one for one in there if one.name == f"mx1.{shared[-1]}")
    rows += [
        (users[spare[1].domains[0]][0], "", spare[1].address, spare[1].domains[0], "情報政策課長", "基本", "期限切れ"),
        (users[spare[2].domains[0]][0], "", spare[2].address, spare[2].domains[0], "", "基本", "承認者の記入漏れ"),
        (users[spare[3].domains[0]][0], spare[3].name, spare[4].address, "", "課長", "基本", "サーバが移転済み"),
        (first, "", provider.address, "", "情報政策課長", "基本", "町が事業者のサーバを許可"),
    ]
    return rows
