"""The hallway of the relay dialogue: from a permission file to dialogues in evidence, each address once per run.

Nothing is connected to before the plan stands: hosts are resolved, rows that may not be used are refused with their
reason, and the addresses left are all that the wire is given. That a dialogue begins is committed before the connection
is opened; so a run that is killed goes on with the others, and an address whose dialogue was cut off is told as cut off
and not asked again in this run. Permission files that were used are kept in the run folder, by their hash.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import opt_outs, relays
from .answers import chain, word
from .errors import RunError, SurveyError
from .evidence import Archive, Mark
from .exchanges import AAAA, RESOLVE_ROUND, A, Exchanges, Row, WireRow, is_usable
from .messages import decode
from .names import Malformed, encode_name
from .permissions import Permissions, load_permissions
from .reading import read_tables
from .relays import Plan, Servers
from .runs import TOOL, RunFolder, Tables, alone, load_tables
from .sitting import Progress
from .smtp.dialogue import Talk, converse
from .smtp.forms import Probe, Target
from .smtp.judgement import note
from .store import Store
from .tables import Dns, Verdict
from .wire.dns import DnsWire, Half
from .wire.smtp import Errand, SmtpWire
from .worlds import World


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a relay command did: the plan, how many dialogues it held, and the tables; none in a dry run."""

    plan: Plan
    held: int
    tables: Tables | None

    @property
    def counts(self) -> Mapping[str, int]:
        """Addresses by verdict; their sum is every address of the run and of the permission file."""
        verdicts = list(self.tables["relay_servers"]["verdict"]) if self.tables is not None else []
        return {verdict.value: verdicts.count(verdict.value) for verdict in Verdict}

    def as_json(self) -> dict[str, object]:
        """The result as one JSON object."""
        targets = [
            {"address": t.address, "host": t.host, "domain": t.domain, "operator": t.operator, "forms": list(t.forms)}
            for t in self.plan.targets
        ]
        found: dict[str, object] = {"planned": targets, "refused": [asdict(one) for one in self.plan.refusals]}
        if self.tables is not None:
            head = self.tables.headline["evidence_head"]
            found |= {"held": self.held, "servers": dict(self.counts), "evidence_head": head}
        return found


def visit(
    folder: RunFolder,
    permission: Path,
    world: World,
    resolvers: Sequence[tuple[str, int]],
    *,
    asker: Probe | None = None,
    opt_out: Path = opt_outs.DATA,
    is_dry: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Hold the relay dialogue with every permitted server that this run has not asked yet; read and write the tables.

    Raises PermissionFileError, RunError (another world, no tables, another process at work), EvidenceError.
    """
    settings = folder.settings()
    if settings.get("world") != world.name:
        raise RunError(
            f"this run was observed in another world ({settings.get('world')})",
            where=str(folder.settings_path),
            remedy="name the run folder that belongs to this permission file",
            ja="このフォルダーには別の調査環境の調査が入っています",
        )
    permissions = load_permissions(permission, asker)
    with alone(folder.path):
        resolved, rows = _resolve(relays.hosts_to_resolve(permissions), resolvers, world)
        own = [folder.opt_out_path] if folder.opt_out_path.exists() else []
        opted_out = _opted_out([opt_out, *own])
        today = datetime.datetime.now().astimezone().date()
        plan = relays.plan(permissions, _servers(folder), resolved, opted_out, world.askable, today)
        if is_dry:
            return Outcome(plan, 0, None)
        held = _hold(folder, permissions, plan, rows, world, progress or (lambda done, expected, text: None))
        found = read_tables(folder, world, into=folder.path)
        asked = {"permission": permission.name, "permission_sha256": permissions.sha256, **asdict(world.patience)}
        head = {"evidence_head": found.headline["evidence_head"], "relay": asked}
        folder.write_settings({**folder.settings(), **head})
        return Outcome(plan, held, found)


def _servers(folder: RunFolder) -> Servers:
    found = load_tables(folder.path)
    return Servers(*(found[name] for name in ("bodies", "domains", "mail_servers", "addresses")))


def _opted_out(paths: Sequence[Path]) -> Callable[[str], bool]:
    """Whether an address or a name stands in one of the opt-out files."""
    found = [opt_outs.load(path) for path in paths]

    def is_out(subject: str) -> bool:
        try:
            return any(one.has_address(subject) for one in found)
        except ValueError:
            return any(one.has_domain(subject) for one in found)

    return is_out


def _resolve(
    hosts: Sequence[str], resolvers: Sequence[tuple[str, int]], world: World
) -> tuple[Mapping[str, Sequence[str] | None], list[WireRow]]:
    """The addresses of hosts as they are now (None: no answer), and the exchanges that say so."""
    if not hosts:
        return {}, []
    rows: list[WireRow] = []
    wire = DnsWire(list(resolvers), world, rate=50.0 if world.name == "live" else None)
    with contextlib.closing(wire):
        for host in hosts:
            with contextlib.suppress(Malformed):
                name = encode_name(host)[:-1]
                wire.ask("", [Half(host, name, type_, 1, RESOLVE_ROUND) for type_ in (A, AAAA)])
        for batch in wire.exchanges():
            rows += batch.rows
    heard = Exchanges(Row(0, 0, *row) for row in rows)
    answers = {(row.name, row.type): row for row in heard.in_round_all(RESOLVE_ROUND) if is_usable(row)}
    found: dict[str, Sequence[str] | None] = {}
    for host in hosts:
        exchanges = [(answers.get((host, type_)), type_) for type_ in (A, AAAA)]
        said = [word(row, host, type_) for row, type_ in exchanges]
        addresses = [
            str(record.value)
            for (row, type_), status in zip(exchanges, said, strict=True)
            if row is not None and status is Dns.PRESENT
            for record in chain(decode(row.answer), host, type_)[1]
        ]
        is_silent = not addresses and any(status not in (Dns.PRESENT, Dns.ABSENT) for status in said)
        found[host] = None if is_silent else sorted(set(addresses))
    return found, rows


def _hold(
    folder: RunFolder,
    permissions: Permissions,
    plan: Plan,
    rows: list[WireRow],
    world: World,
    progress: Progress,
) -> int:
    """Hold the dialogues that this run has not held; how many."""
    archive = Archive(folder.path)
    marks = archive.marks()
    done = relays.begun(marks) | {row.name for row in archive.rows("type = 0")}
    left = [target for target in plan.targets if target.address not in done]
    detail = _detail(permissions, plan)
    if not left and detail == _last_plan(marks):
        return 0
    kept = folder.path / "permissions" / f"{permissions.sha256[:16]}{permissions.path.suffix.lower()}"
    kept.parent.mkdir(exist_ok=True)
    shutil.copyfile(permissions.path, kept)
    settings: dict[str, object] = {"command": "relay", "permission_sha256": permissions.sha256, "world": world.name}
    settings |= asdict(world.patience)
    wire = SmtpWire(world, {target.address for target in left})
    with Store(folder.path / "evidence.sqlite", TOOL, settings) as store:
        store.append(rows)
        store.mark(relays.PLANNED, **detail)
        store.flush()
        ledger = _Ledger(store, len(left), progress)
        errands = _errands(left, permissions.sha256)
        try:
            asyncio.run(wire.carry(errands, ledger.begun, ledger.kept))
        except* SurveyError as group:
            raise group.exceptions[0] from None
    return ledger.done


def _detail(permissions: Permissions, plan: Plan) -> dict[str, object]:
    """What a plan's mark keeps: the file, who is asked, and everything refused with its reason."""
    operators = {row.row: row.operator for row in permissions.rows}
    return {
        "permission": permissions.path.name,
        "sha256": permissions.sha256,
        "planned": [{"address": t.address, "operator": t.operator, "row": t.row} for t in plan.targets],
        "refused": [
            {"row": r.row, "subject": r.subject, "reason": r.reason, "said": r.en, "operator": operators.get(r.row)}
            for r in plan.refusals
        ],
    }


def _last_plan(marks: Sequence[Mark]) -> dict[str, object] | None:
    return next((mark.detail for mark in reversed(marks) if mark.kind == relays.PLANNED), None)


def _errands(targets: Sequence[Target], sha256: str) -> Iterator[Errand]:
    """One errand per address, made when its turn comes; a permission that ends meanwhile ends here."""
    for target in targets:
        if datetime.datetime.now().astimezone().date() <= target.until:
            yield Errand(target.address, note(target, sha256), _talk(target))


def _talk(target: Target) -> Callable[[], Talk]:
    return lambda: converse(target, secrets.token_hex(6))


class _Ledger:
    """Commits who is asked before anyone is asked: all who wait are committed together."""

    def __init__(self, store: Store, expected: int, progress: Progress) -> None:
        self._store, self._expected, self._progress = store, expected, progress
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self.done = 0

    async def begun(self, address: str) -> None:
        """Return when it is on disk that this dialogue begins."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((address, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._commit())
        await future

    async def _commit(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                self._store.mark(relays.BEGUN, addresses=[address for address, _ in batch])
                await asyncio.to_thread(self._store.flush)
            except SurveyError as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                return
            for _, future in batch:
                if not future.done():
                    future.set_result(None)

    def kept(self, row: WireRow) -> None:
        """Give one finished dialogue to the store."""
        self._store.append([row])
        self.done += 1
        self._progress(self.done, self._expected, row[2])
