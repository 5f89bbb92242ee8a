"""One sitting: a process that observes; what it is told, what it knows, and what each list's health allows.

What it is told is a `Brief`, by value: it may sit in another process, or on a machine without the run folder.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from . import review, senders
from .answers import word
from .catalogue import Blocklist
from .domains import Subject
from .errors import ResolverError
from .exchanges import CANARY, A, Exchanges, Row, WireRow
from .frames import rows_of, texts_of
from .names import encode_name
from .opt_outs import OptOuts
from .reading import named_and_sought
from .register import Register
from .runs import RunFolder
from .tables import Dns
from .wire.dns import Engine, Half
from .worlds import World

Progress = Callable[[int, int, str], None]
"""Called with (finished, expected so far, what is going on)."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run asks: everything about it that is not the register, the lists or the world."""

    passes: int = 2
    pass_gap_s: float | None = None
    """None: the largest TTL seen on a list, at least the world's gap."""
    rate: float | None = None
    """Ceiling in questions per second per list; the catalogue's limits win."""
    resolver_rate: float | None = None
    window: int = 256
    engine: Engine = "auto"
    has_context: bool = True
    """Whether SPF, DMARC and the networks of addresses are asked about beside mail servers, addresses and lists."""
    health_every_questions: int = 2_000
    health_every_s: float = 600.0


ROUNDS = 1 << 20
"""The health rounds of a part are numbered from its own number times this, so that no two parts share one."""
LIVE_LIST_RATE, LIVE_RESOLVER_RATE = 10.0, 100.0
"""Questions per second, where neither the catalogue nor the user says less: per list, and of a resolver."""


def stored_zone(blocklist: Blocklist) -> str:
    """The zone as evidence keeps it: a key label is covered by one of the same length."""
    if blocklist.asked_zone == blocklist.zone:
        return blocklist.zone
    key, _, rest = blocklist.asked_zone.partition(".")
    return f"{'x' * len(key)}.{rest}"


class Recorder(Protocol):
    """Who keeps what is heard: the store of a run folder, or a stream to where that is."""

    def wait(self) -> None:
        """Until what is given can be kept. Raises EvidenceError."""

    def append(self, rows: list[WireRow]) -> None: ...

    def mark(self, kind: str, **detail: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Enquired:
    """What somebody enquires about: names, which may be mail domains or hosts, and addresses."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Brief:
    """All that an observer is told: whom it asks about, which lists, and how much of what is allowed is its share."""

    codes: tuple[str, ...]
    """The bodies that somebody named; empty for all."""
    named: tuple[tuple[str, str], ...]
    """(code, domain) of those domains that are given or reviewed."""
    sought: tuple[Subject, ...]
    senders_most: Mapping[str, int]
    selected: tuple[Blocklist, ...]
    world: World
    resolvers: tuple[tuple[str, int], ...]
    manner: Manner
    part: int = 0
    """The number of the part, and of its evidence file; 0 for a register that is observed as a whole."""
    share: float = 1.0
    """The share of every list's rate and of the resolvers' that this observer may use."""
    allowance: Mapping[str, int] | None = None
    """Packets that may go to each list with a daily limit; None: what today's use on this machine leaves."""
    enquired: Enquired | None = None
    """Names and addresses that somebody enquires about, without a register."""

    def only(self, part: int, codes: Collection[str]) -> Brief:
        """What the observer of one part is told."""
        named = tuple(pair for pair in self.named if pair[0] in codes)
        domains = {domain for _, domain in named}
        return replace(
            self,
            part=part,
            named=named,
            sought=tuple(subject for subject in self.sought if subject.code in codes),
            senders_most={domain: most for domain, most in self.senders_most.items() if domain in domains},
        )


def brief_of(
    folder: RunFolder,
    register: Register,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    manner: Manner,
    opt_out: OptOuts,
    codes: Sequence[str] = (),
) -> Brief:
    """What the observer of a whole register, or of the bodies named, is told."""
    decided = review.read_review(folder.review_path, set(texts_of(register.bodies["code"])))
    named, sought = named_and_sought(register, decided, opt_out, world.reserved)
    scope = {code for code, in_scope in rows_of(register.bodies, "code", "in_scope") if in_scope}
    wanted = scope.intersection(codes) if codes else scope
    return Brief(
        tuple(codes),
        tuple((code, domain) for code, domain in rows_of(named, "code", "domain") if code in wanted),
        tuple(subject for subject in sought if subject.code in wanted),
        senders.shares(named),
        tuple(selected),
        world,
        tuple(resolvers),
        manner,
    )


class Sitting:
    """What one process that observes shares with its passes. `opt_outs_now` says who is not to be asked about."""

    def __init__(self, brief: Brief, opt_outs_now: Callable[[], OptOuts], progress: Progress | None) -> None:
        self.brief, self.world, self.manner = brief, brief.world, brief.manner
        self.resolvers = list(brief.resolvers)
        self.progress = progress or (lambda done, expected, text: None)
        self.lists = {stored_zone(one): one for one in brief.selected}
        self._opt_outs_now = opt_outs_now
        self.opt_out = opt_outs_now()
        self.over_limit: set[str] = set()
        self.without_recursion: list[str] = []
        """Resolvers that do not offer recursion (RA is off): worth a warning, no reason to stop."""
        self.void: set[str] = set()
        """Zones that failed a health round: void for the whole run, asked nothing more."""
        self.known = Exchanges()
        self.round = 0
        """The number of the last health round."""
        self.servers: list[int] = []
        """The resolvers that answer and are honest, by their places in `resolvers`."""

    def canaries(self, number: int, place: int) -> list[Half]:
        """Questions for names that do not exist, to be asked of one resolver."""
        names = [f"{CANARY}{secrets.token_hex(8)}.{suffix}" for suffix in self.world.canaries]
        return [Half(name, encode_name(name)[:-1], A, number, self.round, server=place) for name in names]

    def refuse_liars(self, rows: Iterable[Row]) -> None:
        """Stop at a resolver that answers for a name that does not exist; nothing it said is believed."""
        for row in rows:
            if row.name.startswith(CANARY) and word(row, row.name, row.type) is Dns.PRESENT:
                raise ResolverError(
                    f"the resolver answers for a name that does not exist ({row.name})",
                    where=row.server,
                    remedy="use a resolver that does not rewrite NXDOMAIN, such as your own: make resolver",
                    ja="存在しない名前に回答するリゾルバです。自前のリゾルバ（make resolver）を使ってください",
                )

    def reread_opt_outs(self) -> None:
        """Who opted out while the run goes on is asked about no more."""
        self.opt_out = self._opt_outs_now()
