"""DMARC as context: one policy record, and the tree walk that finds the policy and the organisational domain.

Rules: RFC 9989 (it obsoletes RFC 7489 and RFC 9091): §4.7 and §4.8 (the record), §4.10 (DNS tree walk, at most eight
questions), §4.10.1 (which policy applies), §4.10.2 (the organisational domain). It needs no public suffix list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .exchanges import TXT, Exchanges, Question
from .lookups import Heard, look
from .messages import txt_text
from .tables import Dns

_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s,]+")
_POLICIES = ("none", "quarantine", "reject")
_LABELS_MOST = 8
_NAME_MOST = 253 - len("_dmarc.")
"""A longer name can have no policy record: none could stand below it."""
TEXT_MOST = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """One policy record: its tags that matter here; None where absent or not a word of the RFC."""

    text: str
    p: str | None = None
    sp: str | None = None
    np: str | None = None
    psd: str = "u"
    is_valid: bool = True
    """Whether a receiver applies it: a valid p, no invalid sp or np, or somebody to report to (§4.10.1)."""

    def policy(self, *, is_subdomain: bool, exists: bool) -> str | None:
        """The policy for mail of the record's own domain, or of a name below it."""
        if not self.is_valid:
            return None
        if self.p is None:
            return "none"
        if not is_subdomain:
            return self.p
        return (None if exists else self.np) or self.sp or self.p


def parse(raw: bytes) -> Record | None:
    """One TXT record as a policy record; None when it is none: "v=DMARC1" must come first (§4.7)."""
    if _VERSION.match(raw) is None:
        return None
    tags: dict[str, str] = {}
    for part in raw.decode("latin-1").split(";")[1:]:
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip(" \t").lower(), value.strip(" \t"))
    said = {name: tags[name].lower() for name in ("p", "sp", "np") if name in tags}
    has_policy = said.get("p") in _POLICIES and all(word in _POLICIES for word in said.values())
    has_report = any(_URI.fullmatch(uri.strip()) for uri in tags.get("rua", "").split(","))
    psd = tags.get("psd", "u").lower()
    return Record(
        txt_text(raw, TEXT_MOST),
        said.get("p") if has_policy else None,
        said.get("sp") if has_policy else None,
        said.get("np") if has_policy else None,
        psd if psd in ("y", "n") else "u",
        has_policy or has_report,
    )


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the tree walk of one domain found; `organisational` is None when silence hides it."""

    status: Dns
    reason: str
    domain: str | None = None
    record: Record | None = None
    policy: str | None = None
    organisational: str | None = None
    problem: str | None = None
    evidence: tuple[str, ...] = ()


def targets(domain: str) -> list[str]:
    """The names that the walk visits, from the domain up to its top level; eight at most."""
    labels = domain.split(".")
    above = labels[-(_LABELS_MOST - 1) :] if len(labels) >= _LABELS_MOST else labels[1:]
    walked = [domain, *(".".join(above[n:]) for n in range(len(above)))]
    return [target for target in walked if len(target) <= _NAME_MOST]


def needs(domain: str) -> list[Question]:
    """One TXT question per name of the walk."""
    return [Question(f"_dmarc.{target}", TXT) for target in targets(domain)]


def discover(domain: str, known: Exchanges, *, exists: bool) -> Discovery:
    """Walk the tree of a domain with the answers in hand. `exists` says whether the domain's name does (for np)."""
    found: dict[str, Record] = {}
    silent: Heard | None = None
    problem: str | None = None
    evidence: list[str] = []
    for target in targets(domain):
        heard = look(known, {}, f"_dmarc.{target}", TXT)
        evidence += heard.evidence
        if heard.status in (Dns.SILENT, Dns.NOT_ASKED):
            silent = silent or heard
            if target == domain:
                return Discovery(heard.status, heard.reason, evidence=tuple(evidence))
            continue
        records = [parse(value) for value in heard.values if isinstance(value, bytes)]
        valid = [record for record in records if record is not None]
        if len(valid) > 1 and target == domain:
            problem = "several_records"
        if len(valid) == 1:
            found[target] = valid[0]
            if valid[0].psd != "u":
                break
    own = found.get(domain)
    organisational = None if silent else _organisational(domain, found)
    if own is None and silent is not None:
        return Discovery(silent.status, silent.reason, problem=problem, evidence=tuple(evidence))
    if own is not None:
        place = domain
    elif organisational in found:
        place = str(organisational)
    else:
        suffixes = [target for target, record in found.items() if record.psd == "y"]
        if not suffixes:
            return Discovery(Dns.ABSENT, "no_record", None, None, None, organisational, problem, tuple(evidence))
        place = suffixes[0]
    record = found[place]
    policy = record.policy(is_subdomain=place != domain, exists=exists)
    if policy is None or record.p is None:
        problem = problem or "no_valid_policy"
    return Discovery(Dns.PRESENT, "", place, record, policy, organisational, problem, tuple(evidence))


def _organisational(domain: str, found: dict[str, Record]) -> str:
    """The organisational domain by the records that the walk retrieved, from the longest name to the shortest."""
    for target, record in found.items():
        if record.psd == "n":
            return target
        if record.psd == "y" and target != domain:
            return ".".join(domain.split(".")[-(target.count(".") + 2) :])
    return list(found)[-1] if found else domain
