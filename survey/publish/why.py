"""The whole chain behind one body, in words: register row, domain, MX, addresses, lists, health, passes, rule.

Every sentence names its evidence, so that a doubter can go on with `survey show`. What strangers wrote is quoted and
made harmless.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import RunError
from ..frames import records
from ..harmless import harmless
from ..runs import RunFolder, load_tables
from ..shelf import where
from ..tables import HEADLINE_CATEGORIES, Candidacy, Dns, Listing
from . import labels
from .labels import PRACTICE, Language, whose, word, words

_RULES: Mapping[str, tuple[str, str]] = {
    "listed": (
        "有効なリストが、そのメールサーバのアドレスを第三者中継または悪用の分類で載せているため",
        "because an address of one of its mail servers stands on a healthy list in an open-relay or abuse category",
    ),
    "clear": (
        "有効なリストが、照会できるすべてのアドレスについて答え、第三者中継・悪用の分類では載せていないため",
        "because every healthy list answered for every address that it can be asked about, and none lists one as open "
        "relay or abuse",
    ),
    "unknown": (
        "判定に必要な答えの一部が得られず、登録ありとも登録なしともいえないため",
        "because something needed for an answer was not heard, so neither listed nor clear may be said",
    ),
    "no_mail": (
        "メールサーバがないという明示の回答があったため（null MX、または MX もアドレスもない）",
        "because its domain positively has no mail server (null MX, or neither MX nor address)",
    ),
    "opted_out": ("調査の辞退があり、照会していないため", "because it asked not to be surveyed, and was not"),
    "out_of_scope": ("台帳で調査対象外とされているため", "because the register says that it is not surveyed"),
}

_Row = dict[str, Any]


def why(folder: Path, code_or_name: str, language: Language = "en") -> str:
    """The chain behind one body's finding, one fact per line. Raises RunError when no one body is meant."""
    settings = RunFolder(folder).settings()
    tables = load_tables(folder).frames
    code = code_of(tables["bodies"], code_or_name, folder)
    explain = Explainer(tables, [code], language)
    label = [f"[{PRACTICE[language]}]"] if settings.get("world") == "practice" else []
    return "\n".join([*label, *explain.chain(code), explain.health()])


def _quoted(text: object) -> str:
    """A stranger's text in quotes, its control characters made visible."""
    return f'"{harmless(str(text))}"'


def code_of(bodies: pd.DataFrame, code_or_name: str, folder: Path) -> str:
    """The code of the one body that is meant. Raises RunError."""
    code = unicodedata.normalize("NFKC", code_or_name).strip()
    if bodies["code"].eq(code).any():
        return code
    is_called = bodies["name"].eq(code_or_name) | (bodies["prefecture"] + bodies["name"]).eq(code_or_name)
    found = records(bodies.loc[is_called])
    if len(found) == 1:
        return str(found[0]["code"])
    some = ", ".join(f"{b['code']} {b['prefecture']}{b['name']}" for b in found[:5])
    raise RunError(
        f"{len(found)} bodies are called {code_or_name!r}" if found else f"no body is called {code_or_name!r}",
        where=str(folder),
        remedy=f"name one of these codes: {some}" if some else "take code or name from the findings sheet",
        ja="同じ名称の団体が複数あります。団体コードで指定してください"
        if found
        else "そのコードまたは名称の団体はありません。調査結果のシートにある団体コードか団体名を指定してください",
    )


class Explainer:
    """Explains some bodies of one run; what the tables hold about them is indexed once."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], codes: Collection[str], language: Language) -> None:
        self._language: Language = language

        def rows(name: str, column: str, values: Iterable[object]) -> list[_Row]:
            return records(where(tables, name, column, list({str(value) for value in values if value is not None})))

        self._bodies = {row["code"]: row for row in rows("bodies", "code", codes)}
        self._findings = {row["code"]: row for row in rows("findings", "code", codes)}
        self._domains = _grouped(rows("domains", "code", codes), "code")
        self._candidates = _grouped(rows("candidates", "code", codes), "code")
        domains = [row["domain"] for several in self._domains.values() for row in several]
        self._servers = _grouped(rows("mail_servers", "domain", domains), "domain")
        self._senders = _grouped(rows("senders", "domain", domains), "domain")
        self._policies = {row["domain"]: row for row in rows("policies", "domain", domains)}
        hosts = [row["host"] for several in self._servers.values() for row in several]
        self._addresses = _grouped(rows("addresses", "host", hosts), "host")
        self._known = {row["host"]: row for row in rows("servers", "host", hosts)}
        several = (*self._addresses.values(), *self._senders.values())
        self._listings = _grouped(
            rows("listings", "address", (row["address"] for some in several for row in some)), "address"
        )
        self._lists = tables["lists"]
        self._relays: dict[str, _Row] = {
            row["address"]: row for row in records(tables["relay_servers"]) if row["verdict"] != "not_asked"
        }

    def _say(self, ja: str, en: str) -> str:
        return ja if self._language == "ja" else en

    def _word(self, machine: object) -> str:
        return word(machine, self._language)

    def _evidence(self, *ids: object) -> str:
        return self._say("〔証拠 ", "[evidence ") + ", ".join(map(str, ids)) + self._say("〕", "]")

    def chain(self, code: str) -> list[str]:
        """The facts behind one body's finding, in their order."""
        body, finding = self._bodies[code], self._findings[code]
        sheet, row = _quoted(body["source_sheet"]), body["source_row"]
        lines = [
            f"{harmless(body['name'])} ({harmless(body['prefecture'])}, {code}): {self._word(finding['status'])}",
            f"  {self._say(*_RULES[str(finding['status'])])}",
            self._say(f"台帳: シート {sheet}、{row}行目", f"Register: sheet {sheet}, row {row}"),
        ]
        domains = self._domains.get(code, [])
        if not domains and code not in self._candidates:
            lines.append(self._say("ドメイン: 台帳に記載がない", "Domains: the register names none"))
        lines += self._sought(code)
        for domain in domains:
            written, number = _quoted(domain["written"]), domain["source_row"]
            said = self._say(f"{number}行目に {written} と記載", f"written {written} in row {number}")
            if domain["basis"] != "given":
                said = self._say("確からしさ ", "confidence ") + self._word(domain["confidence"])
                said += f" ({words(domain['doubts'], self._language)})" if domain["doubts"] else ""
            basis = self._word(domain["basis"])
            lines.append(
                self._say(
                    f"ドメイン {domain['domain']}: {basis}、{said}", f"Domain {domain['domain']}: {basis}, {said}"
                )
            )
            lines += self._of_domain(domain["domain"])
            lines += self._of_senders(domain["domain"])
        relay = finding["open_relay_listing"]
        if isinstance(relay, str):
            said = self._word(relay)
        else:
            said = self._say("判定不能（有効なリストがない）", "cannot be determined, no such list was healthy")
        lines.append(self._say(f"第三者中継リストだけによる判定: {said}", f"By open-relay lists alone: {said}"))
        sends, role = self._word(finding["sending_listing"]), labels.role(finding["listed_role"], self._language)
        also = self._say(f"、登録アドレスの役割 {role}", f"; its listed addresses: {role}") if role else ""
        lines.append(
            self._say(f"自らのSPFの送信元だけによる判定: {sends}{also}", f"By its own senders alone: {sends}{also}")
        )
        for host in finding["servers"]:
            if (server := self._known.get(host)) is not None:
                lines.append(self._of_server(code, server))
        if finding["caveat"]:
            lines.append(self._say("留意点: ", "Mind: ") + words(finding["caveat"], self._language))
        return lines

    def _sought(self, code: str) -> list[str]:
        """What became of each candidate domain that was asked about."""
        lines = []
        for one in self._candidates.get(code, []):
            if one["status"] == Candidacy.NOT_ASKED:
                continue
            why = f" ({self._word(one['reason'])})" if isinstance(one["reason"], str) else ""
            evidence = f" {self._evidence(*one['evidence_ids'])}" if one["evidence_ids"] else ""
            head = self._say(f"候補{one['rank']} ", f"Candidate {one['rank']} ")
            basis, status = self._word(one["basis"]), self._word(one["status"])
            lines.append(f"{head}{one['domain']}: {basis}{self._say('、', ', ')}{status}{why}{evidence}")
        return lines

    def _of_server(self, code: str, server: _Row) -> str:
        """Whose one server is, and why we say so."""
        others = len(set(server["codes"]) - {code})
        share = whose(server["own_or_shared"], self._language)
        basis, by = self._word(server["basis"]), self._word(server["operator_basis"])
        named = server["operator_ja"] if self._language == "ja" else server["operator"]
        operator = (
            ""
            if server["operator_kind"] == "own"
            else self._say(f"、運用者 {named}（{by}）", f"; run by {named} ({by})")
        )
        nets = ", ".join(
            f"AS{number} {harmless(name, 60)}" for number, name in zip(server["asns"], server["as_names"], strict=False)
        )
        network = self._say(f"、ネットワーク {nets}", f"; network {nets}") if nets else ""
        users = "1 other body uses it" if others == 1 else f"{others} other bodies use it"
        said = self._say(f"{share}（{basis}。ほかに{others}団体が利用）", f"{share} ({basis}; {users})")
        return f"{self._say('サーバ', 'Server')} {server['host']}: {said}{operator}{network}"

    def _of_domain(self, domain: str) -> list[str]:
        lines = []
        for server in self._servers.get(domain, []):
            host, evidence = server["host"], self._evidence(server["evidence_id"])
            reason = self._word(server["reason"])
            if isinstance(host, str):
                preference: str = "" if pd.isna(server["preference"]) else f" {server['preference']}"
                lines.append(f"  MX{preference} {host} ({server['kind']} → {server['target']}) {evidence}")
                lines += self._of_host(host)
            elif server["kind"] == "null":
                said = self._say("メールを受けないと明示（null MX）", "null MX: it takes no mail")
                lines.append(f"  MX: {said} {evidence}")
            elif server["kind"] == "none":
                lines.append(f"  MX: {self._say('メールサーバがない', 'no mail server')} ({reason}) {evidence}")
            else:
                lines.append(f"  MX: {self._say('応答なし', 'no answer')} ({reason}) {evidence}")
        return lines

    def _of_senders(self, domain: str) -> list[str]:
        """What the domain's SPF names, in a receiver's order, and its DMARC policy."""
        policy = self._policies.get(domain)
        if policy is None:
            return []
        lines = [f"  SPF: {self._record(policy, 'spf')} {self._evidence(*policy['evidence_ids'])}"]
        received = {
            one["address"]
            for server in self._servers.get(domain, [])
            for one in self._addresses.get(server["host"], [])
        }
        for row in self._senders.get(domain, []):
            term = _quoted(row["mechanism"]) if isinstance(row["mechanism"], str) else ""
            evidence, reason = self._evidence(*row["evidence_ids"]), row["reason"]
            why_ = f" ({self._word(reason)})" if isinstance(reason, str) else ""
            if row["is_own"] and isinstance(row["address"], str) and row["status"] == Dns.PRESENT:
                above = row["address"] in received
                same = (
                    self._say("（メールサーバと同じ、上記）", " (a mail server's address, see above)") if above else ""
                )
                said = self._say(f"送信元 {row['address']}{same}", f"Sender {row['address']}{same}")
                lines.append(f"    {said}: {term}{why_} {evidence}")
                lines += [] if above else self._of_address(row["address"])
            elif isinstance(row["provider"], str):
                said = self._say(f"事業者 {row['provider']}（名のみ）", f"Provider {row['provider']}, named only")
                lines.append(f"    {said}: {term}{why_} {evidence}")
            elif term:
                name = f" {row['host']}" if isinstance(row["host"], str) else ""
                is_wrong = row["status"] == Dns.PRESENT and row["kind"] is None
                said = self._word(reason) if is_wrong else f"{self._word(row['status'])}{why_}"
                lines.append(f"    {term}{name}: {said} {evidence}")
        place = policy["dmarc_domain"]
        where = self._say(f"（{place} のレコード）", f" by the record of {place}") if isinstance(place, str) else ""
        walked = self._evidence(*policy["dmarc_evidence_ids"])
        return [*lines, f"  DMARC: {self._record(policy, 'dmarc')}{where} {walked}"]

    def _record(self, policy: _Row, kind: str) -> str:
        """One record in quotes, or why there is none; and what is wrong with it."""
        text, reason, problem = policy[f"{kind}_text"], policy[f"{kind}_reason"], policy[f"{kind}_problem"]
        said = _quoted(text) if isinstance(text, str) else self._word(policy[f"{kind}_status"])
        if not isinstance(text, str) and isinstance(reason, str):
            said += f" ({self._word(reason)})"
        return f"{said}{self._say('、', ', ')}{self._word(problem)}" if isinstance(problem, str) else said

    def _of_host(self, host: str) -> list[str]:
        lines = []
        for one in self._addresses.get(host, []):
            evidence, reason = self._evidence(one["evidence_id"]), self._word(one["reason"])
            if not isinstance(one["address"], str):
                name = self._say(f"IPv{one['family']} アドレス", f"IPv{one['family']} address")
                lines.append(f"    {name}: {self._word(one['status'])} ({reason}) {evidence}")
                continue
            special = ""
            if isinstance(one["reason"], str):
                special = self._say(f"、{reason}のためリストに照会せず", f", {reason}: lists are not asked")
            lines.append(f"    {self._say('アドレス', 'Address')} {one['address']}{special} {evidence}")
            lines += self._of_address(one["address"])
        return lines

    def _of_address(self, address: str) -> list[str]:
        lines, quiet, void = [], [], []
        for row in self._listings.get(address, []):
            zone, status, evidence = row["zone"], row["status"], self._evidence(*row["evidence_ids"])
            has_reason = isinstance(row["reason"], str)
            if status == Listing.CLEAR and not has_reason:
                quiet.append(f"{zone} [{', '.join(row['evidence_ids'])}]")
                continue
            if status == Listing.NOT_ASKED and row["reason"] == "list_void":
                void.append(zone)
                continue
            said = [f"{self._word(status)}{''.join(f' {code}' for code in row['codes'])}"]
            if row["categories"]:
                is_context = not HEADLINE_CATEGORIES.intersection(row["categories"])
                note = self._say("（参考）", " (context only)") if is_context else ""
                said[0] += f" = {words(row['categories'], self._language)}{note}"
            if has_reason:
                said.append(self._word(row["reason"]))
            if row["confirmed"]:
                said.append(self._say("再確認済み", "confirmed by a later pass"))
            if isinstance(row["text"], str):
                said.append(self._say("リストの説明 ", "in its words ") + _quoted(row["text"]))
            when: str = "" if pd.isna(row["asked_at"]) else f"{row['asked_at']:%Y-%m-%d %H:%M:%S} UTC"
            lines.append(f"      {zone}: {self._say('、', ', ').join(said)} {when} {evidence}")
        if quiet:
            said_ = self._say(f"登録なし（{len(quiet)}リスト）", f"Not listed on {len(quiet)} lists")
            lines.append(f"      {said_}: {'; '.join(quiet)}")
        if void:
            said_ = self._say("リストが無効のため照会せず", "Not asked, the list was void already")
            lines.append(f"      {said_}: {', '.join(void)}")
        relay = self._relays.get(address)
        if relay is not None:
            why = f" ({self._word(relay['reason'])})" if isinstance(relay["reason"], str) else ""
            name = self._say("運用者の許可を得た中継の確認", "Relay dialogue, permitted by the operator")
            evidence = self._evidence(relay["evidence_id"]) if isinstance(relay["evidence_id"], str) else ""
            asked = self._say(
                f"{relay['asked_n']}項目中{relay['accepted_n']}項目を受け付け",
                f"{relay['accepted_n']} of {relay['asked_n']} forms accepted",
            )
            lines.append(f"      {name}: {self._word(relay['verdict'])}{why}, {asked} {evidence}".rstrip())
        return lines

    def health(self) -> str:
        """Which lists counted, and why the others did not."""
        healthy = int(self._lists["health"].eq("healthy").sum())
        void = self._lists.loc[self._lists["health"].eq("void")]
        gone = "; ".join(f"{row['zone']} ({self._word(row['reason'])})" for row in records(void))
        return self._say(
            f"リスト: 全検査で有効 {healthy}、無効（誰の判定にも使わず） {len(void)}",
            f"Lists: {healthy} healthy in every round; {len(void)} void, counted for nobody",
        ) + (f": {gone}" if gone else "")


def _grouped(rows: Iterable[_Row], column: str) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        found[str(row[column])].append(row)
    return found
