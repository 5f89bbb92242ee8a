"""The whole chain behind one body, in words: register row, domain, MX, addresses, lists, health, passes, rule.

Every sentence names its evidence, so that a doubter can go on with `survey show`. What strangers wrote is quoted and
made harmless.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .errors import RunError
from .runs import RunFolder, Tables, load_tables
from .tables import HEADLINE_CATEGORIES, Listing

_RULES = {
    "listed": "an address of one of its mail servers stands on a healthy list in an open-relay or abuse category",
    "clear": "every healthy list answered for every address, and none lists one in an open-relay or abuse category",
    "unknown": "something needed for an answer was not heard, so neither listed nor clear may be said",
    "no_mail": "its domain positively has no mail server (null MX, or neither MX nor address)",
    "opted_out": "it asked not to be surveyed, and was not",
    "out_of_scope": "the register says that it is not surveyed",
}


def why(folder: Path, code_or_name: str) -> str:
    """The chain behind one body's finding, one fact per line. Raises RunError when no one body is meant."""
    settings = RunFolder(folder).settings()
    tables = load_tables(folder)
    body = _body(tables, code_or_name, folder)
    finding = tables["findings"].set_index("code").loc[body["code"]]
    lines = [
        f"{body['name']} ({body['prefecture']}, {body['code']}): {finding['status']}",
        f"  because {_RULES[str(finding['status'])]}.",
    ]
    if settings.get("world") == "practice":
        lines.insert(0, "[practice country – invented, not real / 練習用の架空の国]")
    lines.append(f"Register: sheet {body['source_sheet']!r}, row {body['source_row']}.")
    domains = tables["domains"].loc[tables["domains"]["code"].eq(body["code"])]
    if domains.empty:
        lines.append("Domains: the register names none.")
    for domain in domains.itertuples():
        lines.append(
            f"Domain {domain.domain}: basis {domain.basis}, written {domain.written!r} in row {domain.source_row}."
        )
        lines += _servers(tables, str(domain.domain))
    if str(finding["open_relay_listing"]) != "nan":
        lines.append(f"By open-relay lists alone: {finding['open_relay_listing']}.")
    if finding["servers"]:
        shared = finding["shared_with"]
        others = "" if pd.isna(shared) else f", with {shared} other bodies"
        lines.append(f"Servers: {finding['own_or_shared']}{others}; operator by name: {finding['operator']}.")
    if finding["caveat"]:
        lines.append(f"Mind: {', '.join(finding['caveat'])}.")
    lines.append(_health(tables))
    return "\n".join(lines)


def _body(tables: Tables, code_or_name: str, folder: Path) -> pd.Series:
    bodies = tables["bodies"]
    found = bodies.loc[bodies["code"].eq(code_or_name)]
    if found.empty:
        found = bodies.loc[bodies["name"].eq(code_or_name) | (bodies["prefecture"] + bodies["name"]).eq(code_or_name)]
    if len(found) != 1:
        some = ", ".join(f"{b.code} {b.prefecture}{b.name}" for b in found.head(5).itertuples())
        raise RunError(
            f"{len(found)} bodies are called {code_or_name!r}" if len(found) else f"no body is called {code_or_name!r}",
            where=str(folder),
            remedy=f"name one of these codes: {some}" if some else "take code or name from the findings sheet",
            ja="団体を1つに特定できません。団体コードで指定してください",
        )
    return found.iloc[0]


def _servers(tables: Tables, domain: str) -> list[str]:
    lines = []
    servers = tables["mail_servers"]
    for server in servers.loc[servers["domain"].eq(domain)].to_dict("records"):
        host, evidence = server["host"], f"[evidence {server['evidence_id']}]"
        if not isinstance(host, str):
            said = {"null": "null MX: it takes no mail", "none": f"no mail server ({server['reason']})"}.get(
                str(server["kind"]), f"no answer ({server['reason']})"
            )
            lines.append(f"  MX: {said} {evidence}.")
            continue
        preference = "" if pd.isna(server["preference"]) else f" preference {server['preference']}"
        lines.append(f"  MX{preference} {host} ({server['kind']}, points to: {server['target']}) {evidence}.")
        lines += _addresses(tables, host)
    return lines


def _addresses(tables: Tables, host: str) -> list[str]:
    lines = []
    addresses = tables["addresses"]
    for one in addresses.loc[addresses["host"].eq(host)].itertuples():
        if not isinstance(one.address, str):
            lines.append(f"    IPv{one.family} address: {one.status} ({one.reason}) [evidence {one.evidence_id}].")
            continue
        special = f", {one.reason}: lists are not asked" if isinstance(one.reason, str) else ""
        lines.append(f"    Address {one.address}{special} [evidence {one.evidence_id}].")
        lines += _listings(tables, one.address)
    return lines


def _listings(tables: Tables, address: str) -> list[str]:
    lines, quiet = [], []
    listings = tables["listings"]
    for row in listings.loc[listings["address"].eq(address)].to_dict("records"):
        zone, status, evidence = row["zone"], row["status"], ", ".join(row["evidence_ids"])
        has_reason = isinstance(row["reason"], str)
        if status == Listing.CLEAR and not has_reason:
            quiet.append(f"{zone} [{evidence}]")
            continue
        said = [f"{status}{''.join(f' {code}' for code in row['codes'])}"]
        if row["categories"]:
            is_context = not HEADLINE_CATEGORIES.intersection(row["categories"])
            said[0] += f" = {', '.join(row['categories'])}{' (context only)' if is_context else ''}"
        if has_reason:
            said.append(str(row["reason"]))
        if row["confirmed"]:
            said.append("confirmed by a later pass")
        if isinstance(row["text"], str):
            said.append(f'in its words "{row["text"]}"')
        when = f" at {row['asked_at']:%Y-%m-%d %H:%M:%S} UTC" if pd.notna(row["asked_at"]) else ""
        lines.append(f"      {zone}: {', '.join(said)}{when}{f' [evidence {evidence}]' if evidence else ''}.")
    if quiet:
        lines.append(f"      Not listed on {len(quiet)} lists: {'; '.join(quiet)}.")
    return lines


def _health(tables: Tables) -> str:
    lists = tables["lists"]
    healthy = lists.loc[lists["health"].eq("healthy"), "zone"]
    void = lists.loc[lists["health"].eq("void")]
    gone = "; ".join(f"{one.zone} ({one.reason}, round {one.failed_round})" for one in void.itertuples())
    named = f": {gone}" if gone else ""
    return f"Lists: {len(healthy)} healthy in every round; {len(void)} void, counted for nobody{named}."
