"""Can this machine survey, and how long will it take? One screen; each failed line says what to do.

It asks a handful of questions: whether the resolver is honest, which resolver the lists see, and one health round of
each selected list. Nothing is kept. A public resolver is told of before anything is asked.
"""

from __future__ import annotations

import contextlib
import datetime
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import blocklists, usage
from .answers import chain, word
from .catalogue import Blocklist
from .domains import STAGE
from .exchanges import CANARY, SURVEY_ROUND, TXT, A, Exchanges, Row
from .messages import decode, txt_text
from .names import encode_name, reverse_name, reverse_wire
from .permissions import load_permissions
from .publish.labels import word as word_of
from .register import Register
from .resolvers import is_public
from .sitting import Manner
from .smtp.forms import Probe
from .tables import Dns
from .wire.dns import DnsWire, Half
from .worlds import World

_OWN = (
    "run a resolver of your own (make resolver) and name it: --resolver 127.0.0.1:5353",
    "自前のリゾルバを動かし（make resolver）、--resolver 127.0.0.1:5353 で指定する",
)
_WHO_ASKS = "o-o.myaddr.l.google.com"
"""Answers, as TXT, with the address of the resolver that asks (documented by Google Public DNS)."""

Both = tuple[str, str]
"""A sentence in English and Japanese."""


_PER_SOUGHT = 2 * STAGE
"""Questions for a body whose domain is to be found: a stage or two of candidates, SOA and wildcard tests."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the screen: what was looked at, whether it is good, what was seen, and what to do."""

    name: str
    is_good: bool
    said: Both
    remedy: Both = ("", "")

    def line(self) -> str:
        """The line as it is printed, in both languages."""
        remedy = f" → {' / '.join(self.remedy)}" if self.remedy[0] else ""
        return f"{'ok ' if self.is_good else 'NO '} {self.name}: {' / '.join(self.said)}{remedy}"


def examine(
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    manner: Manner,
    register: Register | None = None,
) -> list[Check]:
    """Every check, in the order in which a person should mend them."""
    public = [address for address, _ in resolvers if world.name == "live" and is_public(address)]
    if public:
        said = (
            "a public resolver; lists refuse what it asks, so nothing was asked",
            "公開リゾルバのため、リスト側が照会を拒む。何も照会していない",
        )
        return [Check(f"resolver {address}", False, said, _OWN) for address in public]
    # Whose terms nobody accepted is not asked, not even for its test points.
    asked = [one for one in selected if one.terms_accepted_by]
    heard = _ask(asked, world, resolvers, manner)
    found = [*_resolver_checks(world, heard)]
    for one in selected:
        if one in asked:
            found.append(_list_check(one, blocklists.judge_round(one, heard, 1, one.asked_zone)))
        else:
            found.append(_terms_check(one))
    if register is not None:
        found.append(_length(register, selected, manner))
    return found


def permission_checks(path: Path, asker: Probe | None, today: datetime.date) -> list[Check]:
    """A permission file of the relay dialogue: how many rows permit today, and each row that cannot be used."""
    found = load_permissions(path, asker)
    valid, rows = sum(row.valid_from <= today <= row.valid_to for row in found.rows), len(found.rows)
    said = f"{valid} of {rows} usable rows permit today", f"本日有効な許可 {valid}件（使える行 {rows}件）"
    remedy = ("", "") if valid else ("ask the operators again", "運用者に許可を得直す")
    checks = [Check(f"permission {path.name}", valid > 0, said, remedy)]
    for one in found.refusals:
        place = f"permission {path.name}, row {one.row}, column {one.column}"
        wrong = f"not used: {one.en}", f"使えない: {one.ja}"
        checks.append(Check(place, False, wrong, ("correct the cell", "欄を直す")))
    return checks


def _list_check(one: Blocklist, rounds: Mapping[str, blocklists.Round]) -> Check:
    """One line for one list: healthy through every resolver, or what it said through the first that failed."""
    name = f"list {one.zone}"
    why, server = next(((said.void, server) for server, said in rounds.items() if said.void), (None, ""))
    if not rounds:
        why = "never_tested"
    if why is not None:
        through = (f" (through {server})", f"（{server} 経由）") if len(rounds) > 1 else ("", "")
        said = f"not healthy: {word_of(why, 'en')}{through[0]}", f"無効: {word_of(why, 'ja')}{through[1]}"
        remedy = "leave it out (--lists FILE), or try again later", "外す（--lists FILE）か、後でやり直す"
        return Check(name, False, said, remedy)
    if not one.ipv6:
        return Check(name, True, ("healthy", "有効"))
    why = next((said.void_ipv6 for said in rounds.values() if said.void_ipv6), None)
    if why is None:
        return Check(name, True, ("healthy, IPv6 too", "IPv6 も含め有効"))
    told = f"healthy, IPv6 not: {word_of(why, 'en')}", f"IPv4 のみ有効（IPv6: {word_of(why, 'ja')}）"
    return Check(name, True, told)


def _terms_check(one: Blocklist) -> Check:
    terms = one.terms or "see the operator's page"
    said = f"nobody has accepted its terms ({terms})", "利用条件に同意した人がいない"
    remedy = (
        "read them, then write who accepted them and when into data/selections.csv or your file",
        "条件を読み、同意した人と日付を data/selections.csv か自分のファイルに書く",
    )
    return Check(f"terms {one.zone}", False, said, remedy)


def _ask(
    selected: Sequence[Blocklist], world: World, resolvers: Sequence[tuple[str, int]], manner: Manner
) -> Exchanges:
    """One health round of each list through each resolver, and who the lists see."""
    wire = DnsWire(list(resolvers), world, rate=manner.resolver_rate)
    with contextlib.closing(wire):
        for one in selected:
            rates = [rate for rate in (manner.rate, one.rate_per_s) if rate is not None]
            wire.open_channel(one.asked_zone, encode_name(one.asked_zone), min(rates, default=None))
        for place in range(len(resolvers)):
            for suffix in world.canaries:
                name = f"{CANARY}{secrets.token_hex(8)}.{suffix}"
                wire.ask("", [Half(name, encode_name(name)[:-1], A, 1, 1, server=place)])
            for one in selected:
                tests = [*blocklists.tests(one, 4), *blocklists.tests(one, 6)]
                names = [(reverse_name(test.address), reverse_wire(test.address)) for test in tests]
                wire.ask(one.asked_zone, [Half(*name, A, 1, 1, server=place) for name in names])
        if world.name == "live":
            wire.ask("", [Half(_WHO_ASKS, encode_name(_WHO_ASKS)[:-1], TXT, 1, SURVEY_ROUND)])
        rows = [row for batch in wire.exchanges() for row in batch.rows]
        usage.add({one.zone: wire.sent_to(one.asked_zone) for one in selected if one.daily_limit is not None})
    return Exchanges(Row(number, 0, *row) for number, row in enumerate(rows, 1))


def _resolver_checks(world: World, heard: Exchanges) -> list[Check]:
    found = []
    canaries = [row for row in heard.in_round_all(1) if row.name.startswith(CANARY)]
    for server in sorted({row.server for row in canaries}):
        rows = [row for row in canaries if row.server == server]
        words = {word(row, row.name, row.type) for row in rows}
        if Dns.PRESENT in words:
            said = "it answers for names that do not exist", "存在しない名前に回答する"
            found.append(Check(f"resolver {server}", False, said, _OWN))
        elif Dns.SILENT in words:
            remedy = "is it running? check address and port", "動いているか、アドレスとポートを確かめる"
            found.append(Check(f"resolver {server}", False, ("it does not answer", "応答しない"), remedy))
        else:
            said = "honest: names that do not exist do not exist", "正直: 存在しない名前は存在しないと答える"
            found.append(Check(f"resolver {server}", True, said))
            if any(not row.answer[3] & 0x80 for row in rows if len(row.answer) > 3):
                said = "it does not offer recursion (RA is off)", "再帰問い合わせを受け付けると示していない（RA なし）"
                found.append(Check(f"recursion {server}", True, said))
    if world.name == "live":
        row = heard.latest(_WHO_ASKS, TXT)
        if row is not None and word(row, row.name, row.type) is Dns.PRESENT:
            records = chain(decode(row.answer), row.name, TXT)[1]
            seen = " ".join(txt_text(record.value) for record in records if isinstance(record.value, bytes))
            found.append(Check("lists see", True, (f"the resolver {seen}", f"リゾルバ {seen}")))
        else:
            unknown = "not known: the server that tells did not answer", "不明（教えてくれるサーバが応答しない）"
            found.append(Check("lists see", True, unknown))
    return found


def _length(register: Register, selected: Sequence[Blocklist], manner: Manner) -> Check:
    """How long the register takes at polite rates: the slowest list decides, they go side by side."""
    sought = len(set(register.candidates["code"]) - set(register.domains["code"]))
    domains = int(register.domains["domain"].nunique()) + sought
    # 2002 and today alike: about 1.2 servers per domain (4,265 for 3,557), one address each; and a third as many
    # senders that its SPF names beside them. Per domain SPF, DMARC and what they lead to are some five questions.
    addresses = max(1, int(domains * 1.6))
    longest = 0.0
    for one in selected:
        rates = [rate for rate in (manner.rate, one.rate_per_s) if rate is not None]
        if rates:
            longest = max(longest, addresses / min(rates))
        if one.daily_limit is not None:
            longest = max(longest, (addresses * manner.passes // (one.daily_limit + 1)) * 86_400.0)
    if manner.resolver_rate:
        longest = max(longest, (6 * domains + sought * _PER_SOUGHT + 2 * addresses) / manner.resolver_rate)
    minutes = longest * manner.passes / 60
    said = (
        f"about {minutes:.0f} min of asking for {domains:,} domains in {manner.passes} passes, and the gaps",
        f"{domains:,}ドメイン・{manner.passes}回の照会で約{minutes:.0f}分、ほかに照会の間隔",
    )
    return Check("length", True, said)
