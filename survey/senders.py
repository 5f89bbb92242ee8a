"""The senders room: which servers a mail domain's SPF names as its senders, and which of them lists are asked about.

Rules: RFC 7208 for SPF, RFC 9989 for DMARC, and these of our own:

1. A term is the body's *own* when it stands in the domain's own record, or in one that this includes or redirects to
   under the same registrable domain (publicsuffix.org). Records elsewhere are a *provider's*: it is named by its
   registrable domain, and its servers are not asked about.
2. Of its own terms only those are senders whose qualifier is "+", all the way down; what an earlier term of the same
   record denies is none.
3. An own address is asked about alone, or in an IPv4 network from /28. Of a larger network, and of every IPv6 network,
   only the host address that a mechanism resolved is asked about; the network is named.
4. At most 64 addresses a body, shared equally among its domains: a network that does not fit any more is named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

import pandas as pd
import pyarrow as pa

from . import dmarc
from .exchanges import TXT, Exchanges, Question
from .frames import bundles, rows_of, to_arrow
from .messages import txt_text
from .names import as_asked
from .spf import Network, Term, is_record
from .spftree import Part, Step, Tree, Visit, walk
from .suffixes import registrable
from .tables import Dns
from .unasked import unasked

ADDRESSES_MOST, IPV4_PREFIX_LEAST = 64, 28
_ROWS_MOST, _TERM_MOST, _TEXT_MOST = 500, 250, 2000
_TOGETHER = 10_000
"""Domains that are read at a time."""
_NOBODY = "nobody.invalid"
_NOT_NAMED = frozenset({"range_too_large", "too_many_addresses", "too_many_terms", "macro", "depends_on_client"})
"""Reasons why own senders are not asked about."""


def shares(domains: pd.DataFrame) -> dict[str, int]:
    """How many addresses of a domain may be asked about: 64 a body, shared equally among its domains.

    Domains that may have all 64 are not named.
    """
    of_body: dict[str, set[str]] = defaultdict(set)
    for code, domain in rows_of(domains, "code", "domain"):
        of_body[code].add(domain)
    most: dict[str, int] = defaultdict(int)
    for several in of_body.values():
        for domain in several if len(several) > 1 else ():
            most[domain] = max(most[domain], len(several))
    return {domain: ADDRESSES_MOST // count for domain, count in most.items()}


def needs(domain: str, known: Exchanges) -> list[Question]:
    """Every question that the domain's SPF rests on, as far as the answers in hand tell; answered or not."""
    return list(_walk(domain, known).needed)


def addresses(domain: str, known: Exchanges, askable: Callable[[str], bool], most: int) -> list[str]:
    """The domain's own sending addresses that lists may be asked about."""
    rows = _rows(domain, _walk(domain, known), askable, most)
    return [str(row[8]) for row in rows if row[8] is not None and row[11] is Dns.PRESENT and row[12] is None]


def _walk(domain: str, known: Exchanges) -> Tree:
    owner = registrable(domain)
    return walk(domain, known, lambda name: registrable(name) == owner)


def read(
    domains: Iterable[str], exchanges: Exchanges, askable: Callable[[str], bool], most: Mapping[str, int]
) -> tuple[Iterator[pa.Table], Callable[[], pa.Table]]:
    """The table `senders` (one row per domain × thing that its SPF names) in parts; `policies` (one per domain) after.

    Both as they are written. Every domain has at least one row in both: silence and absence are rows too. `most` is
    what `shares` says.
    """
    policies = [to_arrow("policies")]

    def parts() -> Iterator[pa.Table]:
        ordered = sorted(set(domains))
        for begin in range(0, len(ordered), _TOGETHER):
            some = ordered[begin : begin + _TOGETHER]
            if not exchanges.has_asked(TXT):
                (row,), policy = _read(_NOBODY, exchanges, askable, ADDRESSES_MOST)
                policies.append(unasked("policies", policy, _NOBODY, some))
                yield unasked("senders", row, _NOBODY, some)
                continue
            rows: list[Sequence[object]] = []
            said: list[Sequence[object]] = []
            for domain in some:
                of_domain, policy = _read(domain, exchanges, askable, most.get(domain, ADDRESSES_MOST))
                rows += of_domain
                said.append(policy)
            policies.extend(bundles("policies", said))
            yield from bundles("senders", rows)

    return parts(), lambda: pa.concat_tables(policies)


def _read(
    domain: str, exchanges: Exchanges, askable: Callable[[str], bool], most: int
) -> tuple[list[tuple[object, ...]], tuple[object, ...]]:
    """The rows of one domain in `senders`, and its row in `policies`."""
    tree = _walk(domain, exchanges)
    return _rows(domain, tree, askable, most), _policy(domain, tree, exchanges)


def _rows(domain: str, tree: Tree, askable: Callable[[str], bool], most: int) -> list[tuple[object, ...]]:
    """The rows of the table `senders` for one domain."""
    naming = _Naming(domain, askable, most)
    naming.visit(tree.root, may_send=True)
    return naming.rows


class _Naming:
    """Names what a tree holds, row by row, in a receiver's order."""

    def __init__(self, domain: str, askable: Callable[[str], bool], most: int) -> None:
        self._domain, self._askable, self._most = domain, askable, most
        self._taken: set[str] = set()
        self.rows: list[tuple[object, ...]] = []

    def visit(self, visit: Visit, *, may_send: bool) -> None:
        errors = visit.record.errors if visit.record is not None and visit.is_own else ()
        for written, error in errors:
            self._add(visit, None, Dns.PRESENT, error, written=written)
        if not visit.steps and not errors and visit.domain == self._domain:
            why = visit.problem or visit.heard.reason
            if visit.status is Dns.PRESENT:
                why = why or "names_none"
            self._add(visit, None, visit.status, why or "no_record")
        denied: list[Network] = []
        for step in visit.steps:
            says = may_send and step.term.qualifier in ("+", "")
            if step.term.name in ("include", "redirect"):
                self._lead(visit, step)
                if step.inner is not None:
                    self.visit(step.inner, may_send=says)
            elif visit.is_own:
                for part in step.parts:
                    self._name(visit, step, part, says, denied)
                if not says:
                    denied += [part.network for part in step.parts if part.network is not None]

    def _lead(self, visit: Visit, step: Step) -> None:
        """An include or redirection: to a record of the same owner, or to a provider, who is named."""
        inner, part = step.inner, step.parts[0] if step.parts else None
        status = inner.status if inner is not None else part.status if part is not None else Dns.ABSENT
        why = step.problem or (inner.problem if inner is not None else None)
        why = why or (inner.heard.reason if inner is not None else part.reason if part is not None else "")
        is_own = step.target is None or registrable(step.target) == registrable(self._domain)
        provider = None if step.target is None or is_own else registrable(step.target)
        evidence = inner.heard.evidence if inner is not None else ()
        self._add(visit, step.term, status, why, host=step.target, provider=provider, evidence=evidence, is_own=is_own)

    def _name(self, visit: Visit, step: Step, part: Part, says: bool, denied: list[Network]) -> None:
        """One part of an own mechanism: its addresses, or the network that is named but not asked about."""
        term, network = step.term, part.network
        if network is None:
            why = step.problem or part.reason
            self._add(visit, term, part.status, why, host=part.host, evidence=part.evidence)
            return
        if not says:
            self._add(visit, term, Dns.NOT_ASKED, "not_authorised", part=part)
            return
        is_small = network.prefixlen >= (IPV4_PREFIX_LEAST if network.version == 4 else 128)
        if not is_small:
            self._add(visit, term, Dns.NOT_ASKED, step.problem or "range_too_large", part=part, hides_address=True)
        named: list[IPv4Address | IPv6Address] = list(network) if is_small else []
        if not is_small and part.address is not None:
            named = [ip_address(part.address)]
        named = [
            one
            for one in map(as_asked, named)
            if not any(one in other for other in denied if other.version == one.version)
        ]
        if len(self._taken.union(map(str, named))) > self._most:
            self._add(visit, term, Dns.NOT_ASKED, "too_many_addresses", part=part, hides_address=True)
            return
        for one in named:
            self._taken.add(str(one))
            special = None if self._askable(str(one)) else "special_address"
            self._add(visit, term, Dns.PRESENT, special, part=part._replace(address=str(one)))

    def _add(
        self,
        visit: Visit,
        term: Term | None,
        status: Dns,
        why: str | None,
        *,
        part: Part | None = None,
        host: str | None = None,
        provider: str | None = None,
        evidence: tuple[str, ...] = (),
        is_own: bool = True,
        hides_address: bool = False,
        written: str = "",
    ) -> None:
        if len(self.rows) > _ROWS_MOST:
            return
        if len(self.rows) == _ROWS_MOST:
            term, status, why, part, host, provider = None, Dns.NOT_ASKED, "too_many_terms", None, None, None
        network = part.network if part is not None else None
        written = written if term is None else term.text
        self.rows.append(
            (
                self._domain,
                len(self.rows) + 1,
                visit.domain,
                txt_text(written.encode("latin-1"), _TERM_MOST) or None,
                None if term is None else term.name,
                None if term is None else term.qualifier or None,
                part.host if part is not None else host,
                None if network is None else str(network),
                None if part is None or hides_address else part.address,
                provider,
                is_own and visit.is_own,
                status,
                why or None,
                list(dict.fromkeys((*visit.heard.evidence, *(part.evidence if part is not None else evidence)))),
            )
        )


def _policy(domain: str, tree: Tree, exchanges: Exchanges) -> tuple[object, ...]:
    """The row of the table `policies` for one domain."""
    root = tree.root
    found = dmarc.discover(domain, exchanges, exists=root.heard.reason != "nxdomain")
    texts = [value for value in root.heard.values if isinstance(value, bytes)] if root.status is Dns.PRESENT else []
    said = " / ".join(sorted(txt_text(text, _TEXT_MOST) for text in texts if is_record(text)))
    return (
        domain,
        root.status,
        root.heard.reason or None,
        said[:_TEXT_MOST] or None,
        _all(root),
        tree.lookups,
        tree.voids,
        tree.problem,
        found.status,
        found.reason or None,
        found.domain,
        found.record.text if found.record is not None else None,
        found.record.p if found.record is not None else None,
        found.record.sp if found.record is not None else None,
        found.policy,
        found.organisational,
        found.problem,
        list(root.heard.evidence),
        list(dict.fromkeys(found.evidence)),
    )


def _all(visit: Visit) -> str | None:
    """The qualifier of `all`, also where a redirection leads to it; None for a record that says nothing."""
    if visit.record is None or visit.problem is not None:
        return None
    last = visit.steps[-1] if visit.steps else None
    if last is not None and last.term.name == "redirect" and last.inner is not None:
        return _all(last.inner)
    return visit.record.all


@dataclass(slots=True)
class Sending:
    """What the table `senders` says of one domain: its own addresses, what was not heard, and the evidence."""

    addresses: list[str] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    is_silent: bool = False
    """Something that its own senders rest on brought no answer."""
    evidence: list[str] = field(default_factory=list)


SENDER = ("domain", "address", "is_own", "status", "reason", "evidence_ids")
POLICY = ("domain", "spf_problem")
"""What of `senders` and `policies` findings need."""


def by_domain(senders: pd.DataFrame, policies: pd.DataFrame) -> dict[str, Sending]:
    """What findings need of each domain's senders; notes are caveat words."""
    found: dict[str, Sending] = defaultdict(Sending)
    present, silent, not_asked = Dns.PRESENT, Dns.SILENT, Dns.NOT_ASKED
    for domain, address, is_own, status, why, evidence in rows_of(senders, *SENDER):
        one = found[domain]
        one.evidence += evidence
        if status == silent or (status == not_asked and why == "not_asked"):
            one.is_silent |= bool(is_own)
            if not evidence:
                one.notes.add("spf_not_asked")
            else:
                one.notes.add("spf_silent" if is_own else "spf_provider_silent")
        elif is_own and why in _NOT_NAMED:
            one.notes.add("senders_not_asked")
        if is_own and status == present and isinstance(address, str) and why != "special_address":
            one.addresses.append(address)
    for domain, problem in rows_of(policies, *POLICY):
        if isinstance(problem, str):
            found[domain].notes.add("spf_invalid")
    return found


def subjects(senders: pd.DataFrame) -> Iterator[tuple[str, str | None]]:
    """Each own sending address once, and "special_address" where lists are not asked about it."""
    chosen = (
        (address, why if isinstance(why, str) else None)
        for address, is_own, status, why in rows_of(senders, "address", "is_own", "status", "reason")
        if is_own and status == Dns.PRESENT and isinstance(address, str)
    )
    yield from dict.fromkeys(chosen)
