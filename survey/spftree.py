"""The tree of records behind a domain's SPF: every mechanism in a receiver's order, and what the DNS says of it.

Rules: RFC 7208 §4.6.4 (ten lookups, two void ones, ten mail exchangers), §5 (mechanisms), §6.1 (redirect), §11.1. No
client is judged here, so the whole tree is walked as for a client that nothing matches; what would make a receiver give
up ("permerror") is kept as a `problem` where it stands. `exists`, `ptr` and macros depend on the client: they are
counted, never followed. In records of other owners only `include` and `redirect` are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from . import spf
from .exchanges import AAAA, MX, TXT, A, Exchanges, Question
from .lookups import Heard, look, written_name
from .spf import Network, Record, Term
from .tables import Dns

LOOKUPS_MOST, VOIDS_MOST, EXCHANGERS_MOST = 10, 2, 10


class Part(NamedTuple):
    """One thing that a mechanism names: a network around a host's address, or that a host has none, or silence."""

    status: Dns
    reason: str = ""
    host: str | None = None
    network: Network | None = None
    address: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(slots=True)
class Step:
    """One mechanism or redirection as it was met: what it names, or the record that it leads to."""

    term: Term
    target: str | None = None
    parts: tuple[Part, ...] = ()
    inner: Visit | None = None
    problem: str | None = None


@dataclass(slots=True)
class Visit:
    """One record of the tree, or why there is none."""

    domain: str
    is_own: bool
    heard: Heard
    record: Record | None = None
    steps: list[Step] = field(default_factory=list)
    problem: str | None = None

    @property
    def status(self) -> Dns:
        """Whether there is a record; a TXT record that is no SPF record is none."""
        is_empty = self.heard.status is Dns.PRESENT and self.record is None and self.problem is None
        return Dns.ABSENT if is_empty else self.heard.status


@dataclass(slots=True)
class Tree:
    """Everything that a domain's SPF leads to; `problem` is the first that a receiver would meet."""

    root: Visit
    lookups: int
    voids: int
    problem: str | None
    needed: dict[Question, None]
    """Every question that the tree rests on, answered or not."""


def walk(domain: str, known: Exchanges, is_own: Callable[[str], bool]) -> Tree:
    """Walk a domain's tree with the answers in hand. `is_own` says whether a name belongs to the domain's owner."""
    walking = _Walk(known, is_own)
    root = walking.visit(domain, (), is_own=True)
    return Tree(root, walking.lookups, walking.voids, walking.problem, walking.needed)


class _Walk:
    def __init__(self, known: Exchanges, is_own: Callable[[str], bool]) -> None:
        self._known, self._is_own = known, is_own
        self.needed: dict[Question, None] = {}
        self.lookups = self.voids = 0
        self.problem: str | None = None
        self._is_over = False

    def _look(self, name: str, type_: int) -> Heard:
        return look(self._known, self.needed, name, type_)

    def _wrong(self, problem: str) -> str:
        self.problem = self.problem or problem
        return problem

    def visit(self, domain: str, path: tuple[str, ...], *, is_own: bool) -> Visit:
        heard = self._look(domain, TXT)
        found = Visit(domain, is_own, heard)
        records = [text for text in heard.values if isinstance(text, bytes) and spf.is_record(text)]
        if len(records) > 1:
            found.problem = self._wrong("several_records")
        if len(records) != 1:
            return found
        found.record = spf.parse(records[0])
        if found.record.errors:
            found.problem = self._wrong("malformed_record")
            return found
        path = (*path, domain)
        for term in found.record.mechanisms:
            found.steps.append(self._step(term, found, path))
        if found.record.redirect is not None:
            found.steps.append(self._step(found.record.redirect, found, path))
        return found

    def _step(self, term: Term, visit: Visit, path: tuple[str, ...]) -> Step:
        if term.network is not None:
            return Step(term, parts=(Part(Dns.PRESENT, network=term.network),))
        step = Step(term)
        if not term.has_macro:
            step.target = visit.domain if term.domain is None else written_name(term.domain)
        if self.lookups >= LOOKUPS_MOST:
            if not self._is_over:
                self._is_over = True
                step.problem = self._wrong("too_many_lookups")
            step.parts = (Part(Dns.NOT_ASKED, "too_many_lookups"),)
            return step
        self.lookups += 1
        if term.has_macro:
            step.parts = (Part(Dns.NOT_ASKED, "macro"),)
        elif term.name in ("exists", "ptr"):
            step.parts = (Part(Dns.NOT_ASKED, "depends_on_client"),)
        elif step.target is None:
            # RFC 7208 §4.3 and §5 leave it open what a name means that the DNS cannot hold; nothing is behind it.
            step.parts = (Part(Dns.ABSENT, "bad_name"),)
            if term.name in ("include", "redirect"):
                step.problem = self._wrong("include_without_record")
        elif term.name in ("include", "redirect"):
            self._follow(step, step.target, visit, path)
        elif not visit.is_own:
            step.parts = (Part(Dns.NOT_ASKED, "provider"),)
        elif term.name == "a":
            step.parts = tuple(self._host(step.target, term))
        else:
            self._exchangers(step, step.target)
        self._check_voids(step)
        return step

    def _check_voids(self, step: Step) -> None:
        if self.voids > VOIDS_MOST and self.problem is None:
            step.problem = self._wrong("too_many_void_lookups")

    def _follow(self, step: Step, target: str, visit: Visit, path: tuple[str, ...]) -> None:
        if target in path:
            step.problem = self._wrong("loop")
            step.parts = (Part(Dns.NOT_ASKED, "loop"),)
            return
        step.inner = self.visit(target, path, is_own=visit.is_own and self._is_own(target))
        if step.inner.status is Dns.ABSENT:
            self.voids += step.inner.heard.status is Dns.ABSENT
            step.problem = self._wrong("include_without_record")

    def _host(self, host: str, term: Term) -> Iterator[Part]:
        """The networks around a host's addresses; a row for silence in either family, one for a host with neither."""
        absent: list[Part] = []
        for type_, bits in ((A, term.prefix4), (AAAA, term.prefix6)):
            heard = self._look(host, type_)
            if heard.status is Dns.PRESENT:
                # Servers rotate the order of addresses; ours must be the same whenever the answer is.
                for address in sorted(map(str, heard.values), key=_packed):
                    yield Part(Dns.PRESENT, "", host, _around(address, bits), address, heard.evidence)
            elif heard.status is Dns.ABSENT:
                absent.append(Part(Dns.ABSENT, heard.reason, host, evidence=heard.evidence))
            else:
                yield Part(heard.status, heard.reason, host, evidence=heard.evidence)
        if len(absent) == 2:
            self.voids += 1
            yield absent[0]

    def _exchangers(self, step: Step, target: str) -> None:
        heard = self._look(target, MX)
        if heard.status is not Dns.PRESENT:
            self.voids += heard.status is Dns.ABSENT
            step.parts = (Part(heard.status, heard.reason, target, evidence=heard.evidence),)
            return
        hosts = list(dict.fromkeys(value[1] for value in sorted(v for v in heard.values if isinstance(v, tuple))))
        if len(heard.values) > EXCHANGERS_MOST:
            step.problem = self._wrong("too_many_exchangers")
            step.parts = (Part(Dns.NOT_ASKED, "too_many_exchangers", target, evidence=heard.evidence),)
            return
        parts: list[Part] = []
        for host in hosts:
            if _is_host(host):
                found = self._host(host, step.term)
                parts += (part._replace(evidence=(*heard.evidence, *part.evidence)) for part in found)
            else:
                parts.append(Part(Dns.ABSENT, "bad_name", host, evidence=heard.evidence))
        step.parts = tuple(parts)


def _packed(address: str) -> bytes:
    return ip_address(address).packed


@lru_cache(maxsize=1 << 16)
def _around(address: str, bits: int) -> Network:
    """The network of this length around an address."""
    return ip_network(f"{address}/{bits}", strict=False)


def _is_host(name: str) -> bool:
    """Whether a mail exchanger is a name that may have addresses: no null MX, no literal, no localhost."""
    top = name.rpartition(".")[2]
    return name != "." and not top.isdigit() and "[" not in name and top not in ("localhost", "localdomain")
