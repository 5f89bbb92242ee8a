"""Whether a domain's SPF, the PTR records of its servers and its DMARC policy fit together, as far as DNS tells.

Each question has one of three verdicts: `fits`; `look`, where somebody should look; `unknown`, where no answer was
heard or the record leads where we do not follow. A receiver may judge otherwise: SPF (RFC 7208) and DMARC (RFC 9989)
are judged for a message, which nobody sent here; that an address should have a PTR whose name has the address is what
large receivers want (RFC 1912 §2.1), and no rule of mail itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network

import pandas as pd

from .replies import Answer, Server
from .sources import PlainRow, plain_rows
from .tables import Dns


class Verdict(StrEnum):
    """How two things stand to each other."""

    FITS = "fits"
    LOOK = "look"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fit:
    """One question and its verdict: about what (spf, spf_server, ptr, dmarc), of whom, a machine word, and detail."""

    topic: str
    subject: str
    verdict: Verdict
    word: str
    detail: str = ""
    evidence_ids: tuple[str, ...] = ()


def fits(answer: Answer) -> list[Fit]:
    """Every question about the names and the addresses of an answer, names first."""
    found: list[Fit] = []
    tables = answer.source.tables
    names = [subject.text for subject in answer.enquiry.subjects if subject.kind == "name"]
    there = tables["mail_servers"].loc[tables["mail_servers"]["reason"].ne("nxdomain"), "domain"]
    domains = [name for name in names if there.eq(name).any()]
    for name in domains:
        policy = _one(tables["policies"], "domain", name)
        if policy is not None:
            found += [_spf(name, policy), _dmarc(name, policy)]
    for server in answer.servers:
        if server.address is None or server.status in ("not_asked", "opted_out"):
            continue
        network = _one(tables["networks"], "address", server.address)
        if network is not None:
            found.append(_pointer(server, network))
        found += _named_by_spf(server, domains, tables["senders"], tables["policies"])
    return found


def _spf(name: str, policy: PlainRow) -> Fit:
    evidence = tuple(policy["evidence_ids"])
    text = policy["spf_text"] or ""
    status, problem, all_ = policy["spf_status"], policy["spf_problem"], policy["spf_all"]
    if status in (Dns.SILENT, Dns.NOT_ASKED):
        return Fit("spf", name, Verdict.UNKNOWN, "spf_not_heard", "", evidence)
    if status == Dns.ABSENT:
        return Fit("spf", name, Verdict.LOOK, "spf_none", "", evidence)
    if problem is not None:
        return Fit("spf", name, Verdict.LOOK, problem, text, evidence)
    if all_ in ("-", "~"):
        return Fit("spf", name, Verdict.FITS, "spf_closed", text, evidence)
    return Fit("spf", name, Verdict.LOOK, "spf_for_everybody" if all_ == "+" else "spf_open", text, evidence)


def _dmarc(name: str, policy: PlainRow) -> Fit:
    evidence = tuple(policy["dmarc_evidence_ids"])
    place, text = policy["dmarc_domain"], policy["dmarc_text"] or ""
    if text and place not in (None, name):
        text = f"{text} ({place})"
    status, problem, said = policy["dmarc_status"], policy["dmarc_problem"], policy["dmarc_policy"]
    if status in (Dns.SILENT, Dns.NOT_ASKED):
        return Fit("dmarc", name, Verdict.UNKNOWN, "dmarc_not_heard", "", evidence)
    if status == Dns.ABSENT:
        return Fit("dmarc", name, Verdict.LOOK, "dmarc_none", "", evidence)
    if problem is not None:
        return Fit("dmarc", name, Verdict.LOOK, problem, text, evidence)
    if said in ("quarantine", "reject"):
        return Fit("dmarc", name, Verdict.FITS, "dmarc_closed", text, evidence)
    return Fit("dmarc", name, Verdict.LOOK, "dmarc_watches", text, evidence)


def _pointer(server: Server, network: PlainRow) -> Fit:
    """Whether the address gives itself a name, and that name has the address."""
    evidence = tuple(network["evidence_ids"])
    names, confirmed = list(network["ptr"]), list(network["ptr_confirmed"])
    subject, said = str(server.address), ", ".join(confirmed or names)
    if network["ptr_status"] in (Dns.SILENT, Dns.NOT_ASKED):
        return Fit("ptr", subject, Verdict.UNKNOWN, "ptr_not_heard", "", evidence)
    if not names:
        return Fit("ptr", subject, Verdict.LOOK, "ptr_none", "", evidence)
    if network["is_ptr_confirmed"] is None:
        return Fit("ptr", subject, Verdict.UNKNOWN, "ptr_not_checked", said, evidence)
    if not network["is_ptr_confirmed"]:
        return Fit("ptr", subject, Verdict.LOOK, "ptr_leads_elsewhere", said, evidence)
    is_same = server.host is None or server.host in confirmed
    return Fit("ptr", subject, Verdict.FITS, "ptr_fits" if is_same else "ptr_other_name", said, evidence)


def _named_by_spf(server: Server, domains: list[str], senders: pd.DataFrame, policies: pd.DataFrame) -> Iterator[Fit]:
    """Whether mail from this server would pass the SPF of the domains whose mail it takes."""
    if server.role == "sends":
        return
    address = str(server.address)
    for name in domains:
        if name not in server.subjects:
            continue
        policy = _one(policies, "domain", name)
        if policy is None or policy["spf_status"] == Dns.ABSENT:
            continue
        rows = plain_rows(senders.loc[senders["domain"].eq(name)])
        own = [row for row in rows if row["is_own"]]
        evidence = tuple(policy["evidence_ids"])
        if policy["spf_status"] != Dns.PRESENT or policy["spf_problem"] is not None:
            yield Fit("spf_server", address, Verdict.UNKNOWN, "spf_says_nothing", name, evidence)
        elif any(row["address"] == address and row["status"] == Dns.PRESENT for row in own):
            yield Fit("spf_server", address, Verdict.FITS, "spf_names_it", name, evidence)
        elif any(_holds(row, address) for row in own):
            yield Fit("spf_server", address, Verdict.FITS, "spf_names_its_network", name, evidence)
        elif all(_is_settled(row) for row in rows):
            yield Fit("spf_server", address, Verdict.LOOK, "spf_does_not_name_it", name, evidence)
        else:
            yield Fit("spf_server", address, Verdict.UNKNOWN, "spf_leads_elsewhere", name, evidence)


def _holds(row: PlainRow, address: str) -> bool:
    """Whether an authorised network that was named only holds the address."""
    if row["network"] is None or row["reason"] == "not_authorised":
        return False
    network = ip_network(row["network"], strict=False)
    return network.version == ip_address(address).version and ip_address(address) in network


def _is_settled(row: PlainRow) -> bool:
    """Whether a row tells for certain which addresses it names: no provider, no silence, no macro."""
    is_known = row["is_own"] and row["status"] in (Dns.PRESENT, Dns.ABSENT) and row["provider"] is None
    return bool(is_known) or row["reason"] in ("not_authorised", "range_too_large")


def _one(table: pd.DataFrame, column: str, value: str) -> PlainRow | None:
    return next(iter(plain_rows(table.loc[table[column].eq(value)])), None)
