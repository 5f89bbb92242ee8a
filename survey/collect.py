"""The hallway: the only place that sees both the rooms and the wire.

One pass streams: a domain's addresses are asked as soon as its MX is known, the lists as soon as an address is known
and the list has passed its first health round. Everything asked is decided by the rooms from answers already in hand;
everything heard goes to the store before anyone reads it. A run that was cut off goes on: what is committed is not
asked again within its pass, and questions whose tries were cut short get the tries that are left.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import secrets
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address, ip_network
from pathlib import Path

from filelock import FileLock, Timeout

from . import blocklists, dmarc, mail, networks, opt_outs, review, senders, usage
from .answers import encode_name, reverse_name, reverse_wire, word
from .catalogue import Blocklist
from .domains import Subject
from .errors import DecisionNeeded, ResolverError, RunError
from .evidence import Archive, Store
from .exchanges import (
    AAAA,
    CANARY,
    FIRST_RECHECK,
    SURVEY_ROUND,
    TXT,
    A,
    Exchanges,
    Question,
    Row,
    WireRow,
    is_usable,
)
from .register import Register, load_register
from .runs import (
    TOOL,
    RunFolder,
    Tables,
    finished_passes,
    finished_rounds,
    named_and_sought,
    now,
    read_tables,
    trusted,
    versions,
    write_tables,
)
from .tables import Dns
from .wire.dns import Batch, DnsWire, Engine, Half
from .worlds import World

PUBLIC_RESOLVERS = tuple(
    map(
        ip_network,
        (
            *("8.8.8.0/24", "8.8.4.0/24", "2001:4860:4860::/48"),
            *("1.1.1.0/24", "1.0.0.0/24", "2606:4700:4700::/48"),
            *("9.9.9.0/24", "149.112.112.0/24", "2620:fe::/48"),
            *("208.67.216.0/21", "2620:119:35::/48", "2620:119:53::/48"),
            *("64.6.64.0/23", "2620:74:1b::/48", "4.2.2.0/29", "94.140.14.0/23", "2a10:50c0::/32"),
            *("185.228.168.0/23", "2a0d:2a00::/32", "76.76.2.0/24", "76.76.10.0/24", "2606:1a40::/32"),
            *("77.88.8.0/24", "2a02:6b8::feed:0/112", "45.90.28.0/22", "2a07:a8c0::/29", "129.250.35.250/31"),
        ),
    )
)
"""Resolvers whose questions lists refuse (Spamhaus, SURBL, URIBL and others say so by value or by silence): Google,
Cloudflare, Quad9, OpenDNS, Verisign/Vercara, Level 3, AdGuard, CleanBrowsing, Control D, Yandex, NextDNS, NTT."""


def is_public(address: str) -> bool:
    """Whether this is the address of a known public resolver, however it is written."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in block for block in PUBLIC_RESOLVERS if block.version == found.version)


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
    health_every_questions: int = 2_000
    health_every_s: float = 600.0


_SILENCES = 20
LIVE_LIST_RATE, LIVE_RESOLVER_RATE = 10.0, 100.0
"""Questions per second, where neither the catalogue nor the user says less: per list, and of a resolver."""


def live_manner(manner: Manner) -> Manner:
    """The same manner with the ceilings that the internet wants."""
    rate = LIVE_LIST_RATE if manner.rate is None else manner.rate
    return replace(manner, rate=rate, resolver_rate=manner.resolver_rate or LIVE_RESOLVER_RATE)


def check_resolvers(resolvers: Sequence[tuple[str, int]]) -> None:
    """Refuse resolvers whose questions the lists refuse."""
    for address, _ in resolvers:
        if is_public(address):
            raise ResolverError(
                f"{address} is a public resolver; lists refuse what it asks, and refusals look like answers",
                where="--resolver",
                remedy="run a resolver of your own (make resolver) and name it: --resolver 127.0.0.1:5353",
                ja=f"{address} は公開リゾルバで、リスト側が照会を拒みます。自前のリゾルバを使ってください",
            )


def check_terms(selected: Sequence[Blocklist]) -> None:
    """Refuse lists whose terms nobody has accepted: that is for a person to do, and to sign."""
    open_ = [one.zone for one in selected if not (one.terms_accepted_by and one.terms_accepted_at)]
    if open_:
        raise DecisionNeeded(
            f"nobody has accepted the terms of {', '.join(open_)}",
            where="data/selections.csv, columns terms_accepted_by and terms_accepted_at",
            remedy="read the terms in data/lists.csv and on the operators' pages; then write who accepted, and when",
            ja="リストの利用条件に同意した人と日付がありません。条件を読み、data/selections.csv に記入してください",
        )


def fingerprint(selected: Sequence[Blocklist]) -> str:
    """A hash of which lists were selected."""
    return hashlib.sha256("\n".join(sorted(one.zone for one in selected)).encode()).hexdigest()


def collect(
    register_path: Path,
    folder: RunFolder,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    *,
    manner: Manner | None = None,
    opt_out: Path = opt_outs.DATA,
    earlier_review: Path | None = None,
    notes: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Tables:
    """Observe a register, or go on with a run that was cut off; then read the tables and write them.

    `earlier_review` is taken into a folder that has no review yet: what people decided in an earlier run is obeyed.

    Raises RunError when the folder belongs to another register or selection, or another process is at work in it;
    ResolverError when the resolver is not honest; DecisionNeeded when a list's daily limit stopped the run.
    """
    manner = manner or Manner()
    if world.name == "live":
        check_resolvers(resolvers)
        check_terms(selected)
    folder.path.mkdir(parents=True, exist_ok=True)
    with _alone(folder.path):
        register = _begin(register_path, folder, selected, world, resolvers, manner, opt_out, notes)
        if earlier_review is not None:
            _take_review(earlier_review, folder)
        observer = _Observer(folder, register, selected, world, resolvers, manner, progress, opt_out)
        observer.run(range(1, manner.passes + 1))
        return _finish(folder, register, world, observer)


def recheck(
    folder: RunFolder,
    world: World,
    selected: Sequence[Blocklist],
    resolvers: Sequence[tuple[str, int]],
    codes: Sequence[str] = (),
    *,
    manner: Manner | None = None,
    opt_out: Path = opt_outs.DATA,
    progress: Progress | None = None,
) -> Tables:
    """Ask again as one new pass, about the bodies named or about all; then read and write the tables.

    A recheck is numbered apart from the passes over the whole register and is never gone on with: what was cut off
    yesterday says nothing of today.
    """
    if world.name == "live":
        check_resolvers(resolvers)
        check_terms(selected)
    with _alone(folder.path):
        _check_keys(folder, selected)
        register = load_register(folder.register_path)
        unknown = sorted(set(codes) - set(register.bodies["code"]))
        if unknown:
            raise RunError(
                f"no body has the code {', '.join(unknown[:5])}",
                where=str(folder.path),
                remedy="take the code from the findings sheet",
                ja="その団体コードは台帳にありません",
            )
        begun = [int(str(m.detail["number"])) for m in Archive(folder.path).marks() if m.kind == "recheck_begun"]
        number = max([FIRST_RECHECK, *begun]) + 1
        observer = _Observer(folder, register, selected, world, resolvers, manner or Manner(), progress, opt_out, codes)
        observer.run([number])
        return _finish(folder, register, world, observer)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else observes into this folder meanwhile; the lock goes with the process, however that ends."""
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise RunError(
            "another process is collecting into this folder",
            where=str(folder),
            remedy="wait for it to end, or stop it, then run this command again",
            ja="別の処理がこのフォルダーで収集中です。終わるのを待ってから再実行してください",
        ) from None


def _begin(
    register_path: Path,
    folder: RunFolder,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    manner: Manner,
    opt_out: Path,
    notes: Mapping[str, object] | None,
) -> Register:
    """Make a new run folder, or see that an old one is about the same register and lists."""
    sha256 = hashlib.sha256(register_path.read_bytes()).hexdigest()
    if folder.settings_path.exists():
        settings = folder.settings()
        for key, mine, en, ja in (
            ("register_sha256", sha256, "another register", "別の台帳"),
            ("selection_sha256", fingerprint(selected), "another selection of lists", "別のリスト選択"),
            ("world", world.name, "another world", "別の調査環境"),
        ):
            if settings.get(key) != mine:
                raise RunError(
                    f"this folder holds a run of {en}",
                    where=str(folder.settings_path),
                    remedy="name a new folder with --run, or the register and lists that this run began with",
                    ja=f"このフォルダーには{ja}による調査が入っています。--run で新しいフォルダーを指定してください",
                )
        _check_keys(folder, selected)
        return load_register(folder.register_path)
    register = load_register(register_path)
    settings = {
        "tool": TOOL,
        "register": register_path.name,
        "register_sha256": sha256,
        "selection_sha256": fingerprint(selected),
        "lists": sorted(one.zone for one in selected),
        "world": world.name,
        "timeout_s": world.timeout_s,
        "tries": world.tries,
        "pause_s": world.pause_s,
        "resolvers": [f"{address}:{port}" for address, port in resolvers],
        "started_at": now(),
        "manner": {key: value for key, value in asdict(manner).items() if value is not None},
        "stored_zones": {one.zone: stored_zone(one) for one in selected},
        "versions": versions(),
        **(notes or {}),
    }
    folder.begin(register_path, selected, opt_out, settings)
    return register


def _check_keys(folder: RunFolder, selected: Sequence[Blocklist]) -> None:
    """A key of another length would leave what was kept under the old cover unread."""
    if folder.settings().get("stored_zones") != {one.zone: stored_zone(one) for one in selected}:
        raise RunError(
            "a list's key has another length than the one that this run began with",
            where=str(folder.settings_path),
            remedy="use the key that the run began with, or begin a new run",
            ja="リストのキーの長さが調査開始時と異なります。開始時のキーを使うか、新しい調査を始めてください",
        )


def _finish(folder: RunFolder, register: Register, world: World, observer: _Observer) -> Tables:
    found = read_tables(folder, world, register=register)
    write_tables(found, folder.path)
    decided = review.read_review(folder.review_path, set(register.bodies["code"]))
    open_ = review.pending(found["bodies"], found["domains"], found["candidates"])
    review.write_review(folder.review_path, open_, decided)
    settings = folder.settings()
    if found.headline["finished_at"]:
        settings["finished_at"] = found.headline["finished_at"]
    settings["evidence_head"] = found.headline["evidence_head"]
    if observer.without_recursion:
        settings["resolvers_without_recursion"] = observer.without_recursion
    folder.write_settings(settings)
    if observer.over_limit:
        raise DecisionNeeded(
            f"the daily limit of {', '.join(sorted(observer.over_limit))} is used up; the run is not finished",
            where=str(folder.path),
            remedy="run the same command again tomorrow (UTC); what is in evidence is not asked again",
            ja="リストの1日の照会上限に達しました。明日（UTC）同じコマンドを再実行すると続きから始まります",
        )
    return found


def _take_review(earlier: Path, folder: RunFolder) -> None:
    """Copy an earlier review into a run, once; a review that stands there already is never written over by it."""
    target = folder.review_path
    if not earlier.is_file():
        raise RunError(
            "there is no such review", where=str(earlier), remedy="check the path", ja="確認表のファイルがありません"
        )
    if not target.exists():
        shutil.copyfile(earlier, target)
    elif target.read_bytes() != earlier.read_bytes() and not review.has_rows_of(target, earlier):
        raise RunError(
            "this run has a review of its own, and the one named says something else",
            where=str(target),
            remedy="copy the decisions into the run's own review.xlsx",
            ja="このフォルダーには別の確認表があります。判断をそちらへ書き写してください",
        )


def stored_zone(blocklist: Blocklist) -> str:
    """The zone as evidence keeps it: a key label is covered by one of the same length."""
    if blocklist.asked_zone == blocklist.zone:
        return blocklist.zone
    key, _, rest = blocklist.asked_zone.partition(".")
    return f"{'x' * len(key)}.{rest}"


class _Observer:
    """Runs passes: holds what is known, what was asked, and what each list's health allows."""

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
        self._folder, self._register, self._world, self._manner = folder, register, world, manner
        self._resolvers, self._codes = list(resolvers), list(codes)
        self._progress = progress or (lambda done, expected, text: None)
        self._lists = {stored_zone(one): one for one in selected}
        self._opt_out_source = opt_out
        self._opt_out = opt_outs.take(opt_out, folder.opt_out_path)
        decided = review.read_review(folder.review_path, set(register.bodies["code"]))
        self._named, self._sought = named_and_sought(register, decided, self._opt_out, world.reserved)
        self._senders_most = senders.shares(self._named)
        self.over_limit: set[str] = set()
        self.without_recursion: list[str] = []
        """Resolvers that do not offer recursion (RA is off): worth a warning, no reason to stop."""
        self.void: set[str] = set()
        """Zones that failed a health round: void for the whole run, asked nothing more."""

    def run(self, passes: Iterable[int]) -> None:
        """Do the passes that are not finished, one after the other."""
        archive = Archive(self._folder.path) if self._folder.has_evidence else None
        marks = archive.marks() if archive else []
        ended = finished_passes(marks)
        todo = [number for number in passes if number not in ended]
        if not todo:
            return
        self._known = Exchanges()
        committed: dict[int, list[Row]] = defaultdict(list)
        self._round = max((row.round for row in archive.rows("round > 0")), default=0) if archive else 0
        for row in trusted(archive) if archive else ():
            committed[row.pass_number].append(row)
        stored = {one.zone: zone for zone, one in self._lists.items()}
        rounds = Exchanges(row for rows in committed.values() for row in rows if row.round)
        conditions = blocklists.health(list(self._lists.values()), rounds, finished_rounds(marks), stored)
        self.void = {stored[zone] for zone, one in conditions.items() if one.void and one.rounds}
        for number in sorted(committed):
            if number not in todo:
                self._known.add(committed.pop(number))
        settings = {
            "passes": todo,
            "codes": self._codes,
            "world": self._world.name,
            "timeout_s": self._world.timeout_s,
            "tries": self._world.tries,
            "pause_s": self._world.pause_s,
            "resolvers": [f"{address}:{port}" for address, port in self._resolvers],
            "manner": asdict(self._manner),
        }
        wire = DnsWire(
            self._resolvers,
            self._world,
            engine=self._manner.engine,
            window=self._manner.window,
            rate=self._manner.resolver_rate,
        )
        with Store(self._folder.path / "evidence.sqlite", TOOL, settings) as store, contextlib.closing(wire):
            self._open_channels(wire)
            try:
                self._meet_resolvers(wire, store, todo[0])
                for number in todo:
                    if number - 1 in ended:
                        self._wait(ended[number - 1])
                    if number >= FIRST_RECHECK:
                        store.mark("recheck_begun", number=number, codes=self._codes)
                    rows = committed.pop(number, [])
                    self._known.add(rows)
                    _Pass(self, wire, store, number, rows).run()
                    self.over_limit |= {self._lists[zone].zone for zone in wire.spent}
                    for zone in wire.spent:
                        store.mark("daily_limit", zone=zone)
                    if self.over_limit:
                        return
                    store.mark("recheck" if number >= FIRST_RECHECK else "pass", number=number, codes=self._codes)
                    ended[number] = time.time_ns() // 1000
            finally:
                limited = (zone for zone, one in self._lists.items() if one.daily_limit is not None)
                usage.add({self._lists[zone].zone: wire.sent_to(zone) for zone in limited})

    def _open_channels(self, wire: DnsWire) -> None:
        """A channel for each list: its key covered in what is kept, its pace, and what is left of its day."""
        used = usage.used_today() if any(one.daily_limit for one in self._lists.values()) else {}
        for zone, one in self._lists.items():
            cover = None
            if one.asked_zone != one.zone:
                key = one.asked_zone.partition(".")[0].lower().encode()
                cover = (key, b"x" * len(key))
            left, reserve = None, 0
            if one.daily_limit is not None:
                left = max(0, one.daily_limit - used.get(one.zone, 0))
                # Twice the questions of the round that must follow the last answer: some need a second try.
                reserve = 2 * len(self._resolvers) * len([*blocklists.tests(one, 4), *blocklists.tests(one, 6)])
            wire.open_channel(zone, encode_name(one.asked_zone), self._rate(one), cover, left=left, reserve=reserve)
            if left is not None and left < 2 * reserve:
                # Too little is left for two rounds and anything between them: the list is not even tested today.
                wire.spent.add(zone)

    def _meet_resolvers(self, wire: DnsWire, store: Store, number: int) -> None:
        """Before anything else is asked: does each resolver answer, and say of what does not exist that it does not?"""
        self._round += 1
        for place in range(len(self._resolvers)):
            wire.ask("", self.canaries(number, place))
        heard: list[Row] = []
        for batch in wire.exchanges():
            store.append(batch.rows)
            heard += [Row(0, 0, *row) for row in batch.rows]
        self.refuse_liars(heard)
        self.without_recursion = sorted({row.server for row in heard if row.answer and not row.answer[3] & 0x80})
        answering = {row.server for row in heard if word(row, row.name, row.type) is Dns.ABSENT}
        self.servers = [place for place, name in enumerate(wire.names) if name in answering]
        if not self.servers:
            raise ResolverError(
                "no resolver answers",
                where=", ".join(wire.names),
                remedy="is it running? check address and port; make resolver starts one of your own",
                ja="リゾルバが応答しません。動いているか、アドレスとポートを確かめてください",
            )
        wire.allow("", self.servers)

    def canaries(self, number: int, place: int) -> list[Half]:
        """Questions for names that do not exist, to be asked of one resolver."""
        names = [f"{CANARY}{secrets.token_hex(8)}.{suffix}" for suffix in self._world.canaries]
        return [Half(name, encode_name(name)[:-1], A, number, self._round, server=place) for name in names]

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
        self._opt_out = opt_outs.take(self._opt_out_source, self._folder.opt_out_path)

    def _rate(self, one: Blocklist) -> float | None:
        rates = [rate for rate in (self._manner.rate, one.rate_per_s) if rate is not None]
        return min(rates) if rates else None

    def _wait(self, ended_us: int) -> None:
        """Wait until a listing that the earlier pass saw cannot come from a cache any more."""
        gap = self._manner.pass_gap_s
        if gap is None:
            gap = self._world.pass_gap_s
            if gap:
                gap = max(gap, float(self._largest_ttl()))
        until = ended_us / 1e6 + gap
        while (left := until - time.time()) > 0:
            self._progress(0, int(left), f"next pass in {int(left)} s")
            time.sleep(min(left, 1.0))

    def _largest_ttl(self) -> int:
        """The largest TTL seen in an answer of a list; at most a day, so that no list can stall a run for ever."""
        largest = 0
        for name, type_ in self._known.questions():
            if type_ == A and (zone := blocklists.zone_of(name, self._lists)) is not None:
                for row in self._known.passes(name, A):
                    largest = max(largest, blocklists.judge(self._lists[zone], row).ttl or 0)
        return min(largest, 86_400)


@dataclass(slots=True)
class _Inquiry:
    """A subject that a room asks about until it knows enough, and what is done then.

    `needs` is pure: of what is known, every question that the subject needs, answered or not.
    """

    needs: Callable[[Exchanges], Collection[Question]]
    then: Callable[[], None] = lambda: None
    waiting: int = 0


class _Pass:
    """One pass: asks, listens, and asks what follows, until nothing is open."""

    def __init__(self, observer: _Observer, wire: DnsWire, store: Store, number: int, committed: list[Row]) -> None:
        self._o, self._wire, self._store, self._number = observer, wire, store, number
        self._known = observer._known
        self._lists = observer._lists
        self._settled: dict[tuple[str, int], Row] = {}
        self._tried: dict[tuple[str, int], int] = {}
        for row in committed:
            if row.round == SURVEY_ROUND:
                key = (row.name, row.type)
                if is_usable(row):
                    self._settled[key] = row
                self._tried[key] = max(self._tried.get(key, 0), row.attempt)
        self._asked: set[Question] = set()
        self._mail: set[Question] = set()
        """Questions of the mail room: only their answers lead to addresses that lists are asked about."""
        self._open_questions: set[Question] = set()
        self._inquiries: dict[Question, list[_Inquiry]] = defaultdict(list)
        self._texts: set[tuple[str, str]] = set()
        self._addresses: dict[str, None] = {}
        self._open: dict[str, bool] = {}
        """Zones that passed their first round of this pass, and whether IPv6 did too."""
        self._round_rows: list[Row] = []
        self._round_left = 0
        self._round_zones: list[str] = []
        self._round_at = time.monotonic()
        self._since_round = 0
        self._silences: dict[str, int] = {}
        """Questions given up per list since the last round: a list that falls silent is tested at once."""
        self._done = 0

    def run(self) -> None:
        self._start_round([zone for zone in self._lists if zone not in self._o.void | self._wire.spent])
        for domain in self._domains():
            self._survey(domain)
        for subject in self._subjects():
            self._seek(subject, 0)
        self._listen()
        live = [zone for zone in self._lists if zone in self._open]
        if live:
            self._start_round(live)
            self._listen()

    def _wanted(self) -> set[str]:
        bodies, codes = self._o._register.bodies, self._o._codes
        scope = set(bodies.loc[bodies["in_scope"], "code"])
        return set(codes) & scope if codes else scope

    def _domains(self) -> list[str]:
        named = self._o._named
        domains = named.loc[named["code"].isin(self._wanted()), "domain"]
        return [domain for domain in domains if not self._o._opt_out.has_domain(domain)]

    def _subjects(self) -> list[Subject]:
        wanted = self._wanted()
        return [subject for subject in self._o._sought if subject.code in wanted]

    def _listen(self) -> None:
        for batch in self._wire.exchanges():
            self._store.append(batch.rows)
            self._take(batch)
            self._progress("")

    def _progress(self, text: str) -> None:
        waiting = self._wire.waiting
        self._o._progress(self._done, self._done + waiting, text or f"pass {self._number}")

    # -- what to ask ---------------------------------------------------------------------------------------------

    def _survey(self, domain: str) -> None:
        """Ask everything about one mail domain that the answers lead to."""
        for question in mail.first([domain]):
            self._want_mail(question)
        self._inquire(_Inquiry(functools.partial(senders.needs, domain), functools.partial(self._ask_senders, domain)))
        self._inquire(_Inquiry(lambda known: dmarc.needs(domain)))

    def _ask_senders(self, domain: str) -> None:
        """Ask the lists about the addresses that a domain's own SPF names."""
        most = self._o._senders_most.get(domain, senders.ADDRESSES_MOST)
        for address in senders.addresses(domain, self._known, self._o._world.askable, most):
            self._address(address)

    def _seek(self, subject: Subject, number: int) -> None:
        """Ask about one stage of a body's candidates; then survey the chosen one, or go on with the next stage."""
        stages = subject.stages()
        if number >= len(stages):
            return

        def needs(known: Exchanges) -> list[Question]:
            wanted = subject.needs(stages[number], known)
            return [question for question in wanted if not self._o._opt_out.has_domain(question.name)]

        def decide() -> None:
            choice = subject.choice(self._known)
            if choice is None:
                self._seek(subject, number + 1)
            elif not self._o._opt_out.has_domain(choice.domain):
                self._survey(choice.domain)

        self._inquire(_Inquiry(needs, decide))

    def _want_mail(self, question: Question) -> None:
        """Ask a question whose answer leads on to servers, addresses and lists; an answer in hand leads on at once."""
        if question in self._mail:
            return
        self._mail.add(question)
        is_new = question not in self._asked
        self._want(question)
        if not is_new and question not in self._open_questions:
            self._lead_on(question)

    def _want(self, question: Question) -> None:
        """Ask a question of the resolver, once per pass; what is committed already is taken as heard."""
        if question in self._asked:
            return
        self._asked.add(question)
        if (row := self._settled.get(question)) is not None:
            self._heard(row)
            return
        tried = self._tried.get(question, 0)
        if tried >= self._o._world.tries:
            self._closed(question)
            return
        self._open_questions.add(question)
        wire = encode_name(question.name)[:-1]
        half = Half(question.name, wire, question.type, self._number, SURVEY_ROUND, tried + 1)
        self._wire.ask("", [half])

    def _heard(self, row: Row) -> None:
        self._known.add([row])
        self._closed(Question(row.name, row.type))

    def _closed(self, question: Question) -> None:
        """A question is answered, or given up in this pass: go on with whatever waited for it."""
        self._open_questions.discard(question)
        if question in self._mail:
            self._lead_on(question)
        for inquiry in self._inquiries.pop(question, ()):
            inquiry.waiting -= 1
            if not inquiry.waiting:
                self._inquire(inquiry)

    def _lead_on(self, question: Question) -> None:
        """Ask what an answer makes us ask: addresses, ends of aliases, and the lists.

        In silence go on with what an earlier pass heard, so that its listings are asked again.
        """
        row = self._known.latest(*question)
        if row is None or not is_usable(row):
            return
        for following in mail.follow(row):
            self._want_mail(following)
        if row.type in (A, AAAA) and word(row, row.name, row.type) is Dns.PRESENT:
            for address in mail.addresses_of(row):
                self._server(address)

    def _inquire(self, inquiry: _Inquiry) -> None:
        """Ask what a subject still needs, and again when that is answered, until it needs nothing more."""
        needed = inquiry.needs(self._known)
        wanted = [question for question in needed if question not in self._asked and not self._is_answered(question)]
        for question in wanted:
            self._want(question)
        open_ = {question for question in needed if question in self._open_questions}
        inquiry.waiting = len(open_)
        for question in open_:
            self._inquiries[question].append(inquiry)
        if not open_:
            if wanted:
                self._inquire(inquiry)
            else:
                inquiry.then()

    def _is_answered(self, question: Question) -> bool:
        """Whether an earlier pass has an answer: what is no listing need not be confirmed. A recheck asks anew."""
        if self._number >= FIRST_RECHECK:
            return False
        row = self._known.latest(*question)
        return row is not None and is_usable(row)

    def _address(self, address: str) -> None:
        """Ask every open list about an address, once per pass."""
        if address in self._addresses or not self._may_be_asked(address):
            return
        self._addresses[address] = None
        for zone in self._open:
            self._ask_list(zone, [address])

    def _server(self, address: str) -> None:
        """An address of a mail server: ask the lists about it, and whose network it is in."""
        if self._may_be_asked(address):
            self._address(address)
            self._inquire(_Inquiry(functools.partial(networks.needs, address, self._o._world.asn_zones)))

    def _may_be_asked(self, address: str) -> bool:
        return self._o._world.askable(address) and not self._o._opt_out.has_address(address)

    def _ask_list(self, zone: str, addresses: Iterable[str]) -> None:
        """Ask one open list about addresses, each once per pass, within its daily limit."""
        one, halves = self._lists[zone], []
        for address in addresses:
            if not self._open[zone] if ":" in address else not one.ipv4:
                continue
            text = reverse_name(address)
            key = (f"{text}.{zone}", A)
            if (row := self._settled.get(key)) is not None:
                self._listed(zone, row.name, row.answer)
                continue
            tried = self._tried.get(key, 0)
            if tried >= self._o._world.tries:
                continue
            halves.append(Half(text, reverse_wire(address), A, self._number, SURVEY_ROUND, tried + 1))
        self._wire.ask(zone, halves)

    def _listed(self, zone: str, name: str, answer: bytes) -> None:
        """An answer with records: ask for the list's own words too."""
        text = name[: -len(zone) - 1]
        if answer[6:8] == b"\0\0" or (zone, text) in self._texts:
            return
        self._texts.add((zone, text))
        key = (name, TXT)
        tried = self._tried.get(key, 0)
        if key in self._settled or tried >= self._o._world.tries:
            return
        half = Half(text, encode_name(text)[:-1], TXT, self._number, SURVEY_ROUND, tried + 1)
        self._wire.ask(zone, [half])

    # -- what was heard ------------------------------------------------------------------------------------------

    def _take(self, batch: Batch) -> None:
        for row in batch.rows:
            if row[1] != SURVEY_ROUND:
                self._round_rows.append(Row(0, 0, *row))
                if _is_final(row):
                    self._round_left -= 1
                continue
            if not _is_final(row):
                continue
            self._done += 1
            # Nearly all answers of lists say "not listed" in the header; only the others are looked at here.
            zone = blocklists.zone_of(row[2], self._lists) if row[3] in (A, TXT) else None
            if zone is None:
                self._heard(Row(0, 0, *row))
            elif row[3] == A:
                self._since_round += 1
                if row[10][6:8] != b"\0\0":
                    self._known.add([Row(0, 0, *row)])
                    self._listed(zone, row[2], row[10])
        for gone in batch.given_up:
            if gone.round != SURVEY_ROUND:
                self._round_left -= 1
            else:
                self._done += 1
                if gone.channel:
                    self._silences[gone.channel] = self._silences.get(gone.channel, 0) + 1
                else:
                    self._closed(Question(gone.name, gone.type))
        if self._round_zones and self._round_left <= 0:
            self._end_round()
        elif not self._round_zones and self._is_round_due():
            self._start_round(list(self._open))

    # -- health --------------------------------------------------------------------------------------------------

    def _is_round_due(self) -> bool:
        if not self._open or not (self._since_round or self._silences):
            return False
        manner = self._o._manner
        per_list = self._since_round / len(self._open)
        is_late = time.monotonic() - self._round_at > manner.health_every_s
        has_fallen_silent = any(zone in self._open and n >= _SILENCES for zone, n in self._silences.items())
        return per_list >= manner.health_every_questions or is_late or has_fallen_silent

    def _start_round(self, zones: list[str]) -> None:
        """Ask these lists' test points, fresh controls among them, through each resolver; and whether one rewrites."""
        self._o._round += 1
        self._o.reread_opt_outs()
        self._round_rows, self._round_zones, self._round_left = [], zones, 0
        self._round_at, self._since_round, self._silences = time.monotonic(), 0, {}
        for place in self._o.servers:
            canaries = self._o.canaries(self._number, place)
            self._wire.ask("", canaries, is_urgent=True)
            self._round_left += len(canaries)
            for zone in zones:
                one = self._lists[zone]
                halves = [
                    Half(
                        reverse_name(t.address), reverse_wire(t.address), A, self._number, self._o._round, server=place
                    )
                    for t in (*blocklists.tests(one, 4), *blocklists.tests(one, 6))
                ]
                self._round_left += len(halves)
                self._wire.ask(zone, halves, is_urgent=True)

    def _end_round(self) -> None:
        """Judge the round: open the lists that pass their first one, ask nothing more of those that fail."""
        zones, round_ = self._round_zones, self._o._round
        self._round_zones = []
        self._o.refuse_liars(self._round_rows)
        heard = Exchanges(self._round_rows)
        self._store.mark("round", number=round_, zones=[self._lists[zone].zone for zone in zones])
        places = {name: place for place, name in enumerate(self._wire.names)}
        for zone in zones:
            rounds = blocklists.judge_round(self._lists[zone], heard, round_, zone)
            passed = {places[server]: said for server, said in rounds.items() if said.void is None}
            if not passed:
                why = next((said.void for said in rounds.values()), "no_evidence")
                self._open.pop(zone, None)
                self._o.void.add(zone)
                self._wire.drop(zone)
                self._progress(f"{self._lists[zone].zone}: void ({why})")
                continue
            self._wire.allow(zone, passed)
            has_ipv6 = self._lists[zone].ipv6 and all(said.void_ipv6 is None for said in passed.values())
            if zone in self._wire.spent:
                # Its day is used up and this round vouches for what it said: it is not tested again.
                self._open.pop(zone, None)
                continue
            is_new = zone not in self._open
            self._open[zone] = has_ipv6 and (is_new or self._open[zone])
            if is_new:
                self._ask_list(zone, list(self._addresses))


def _is_final(row: WireRow) -> bool:
    """Whether this exchange settles its question (the wire says itself when it gives up)."""
    answer = row[10]
    return row[7] == "answered" and len(answer) >= 12 and answer[3] & 15 in (0, 3)
