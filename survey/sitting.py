"""One sitting: a process that observes; what it knows, whom it may ask, and what each list's health allows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import opt_outs, review, senders
from .answers import encode_name, word
from .catalogue import Blocklist
from .errors import ResolverError
from .exchanges import CANARY, A, Exchanges, Row
from .register import Register
from .runs import RunFolder, named_and_sought
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


LIVE_LIST_RATE, LIVE_RESOLVER_RATE = 10.0, 100.0
"""Questions per second, where neither the catalogue nor the user says less: per list, and of a resolver."""


def stored_zone(blocklist: Blocklist) -> str:
    """The zone as evidence keeps it: a key label is covered by one of the same length."""
    if blocklist.asked_zone == blocklist.zone:
        return blocklist.zone
    key, _, rest = blocklist.asked_zone.partition(".")
    return f"{'x' * len(key)}.{rest}"


class Sitting:
    """What one process that observes shares with its passes."""

    def __init__(
        self,
        folder: RunFolder,
        register: Register,
        selected: Sequence[Blocklist],
        world: World,
        resolvers: Sequence[tuple[str, int]],
        manner: Manner,
        progress: Progress | None,
        opt_out: Path,
        codes: Sequence[str] = (),
    ) -> None:
        self.folder, self.register, self.world, self.manner = folder, register, world, manner
        self.resolvers, self.codes = list(resolvers), list(codes)
        self.progress = progress or (lambda done, expected, text: None)
        self.lists = {stored_zone(one): one for one in selected}
        self.opt_out_source = opt_out
        self.opt_out = opt_outs.take(opt_out, folder.opt_out_path)
        decided = review.read_review(folder.review_path, set(register.bodies["code"]))
        self.named, self.sought = named_and_sought(register, decided, self.opt_out, world.reserved)
        self.senders_most = senders.shares(self.named)
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
        self.opt_out = opt_outs.take(self.opt_out_source, self.folder.opt_out_path)
