"""Dask workers as a crew, on this machine or on others; the process that gathers owns the run folder.

What workers send (`streaming`) is taken in the order in which it was sent, held against its count and digest, and
appended to the evidence file of its part, where the hash chain is made. At the end of a part what arrived is held
against what the worker says it sent.

The gatherer's beat, several in the time of a lease, says which errands are valid. A worker that does not hear it stops
by itself, so when one is lost its part is given to another after that time and not before: the two never ask together.
At most what the lost one heard since its last parcel is asked again.
"""

from __future__ import annotations

import contextlib
import pickle
import secrets
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from . import opt_outs
from .errors import EvidenceError, RunError, SurveyError
from .gathering import News, Order, alone_in_part, evidence_path, past_of_part, remove_locks
from .observing import settings_of
from .runs import TOOL, RunFolder
from .store import Store

try:
    from distributed import Client, Future, KilledWorker, Queue, Variable

    from .streaming import Dossier, Parcel, Receipt, Tally, machine, observe, pack
except ImportError as missing:
    raise RunError(
        f"Dask is not installed ({missing.name} is missing)",
        where="--dask",
        remedy="pip install -r requirements-dask.txt",
        ja="Dask がありません。pip install -r requirements-dask.txt で導入してください",
    ) from None

LEASE_S = 5.0
"""How long a worker goes on without hearing the gatherer; how long the gatherer waits before it replaces a lost one."""
_BEATS, _LOOK_S, _CONNECT_S, _WORKERS_S = 5, 1.0, 10.0, 30.0
_PARCELS_MOST = 2048
_SILENCES = 4
"""Leases in which not even an empty parcel comes: then a worker is lost that its scheduler still believes in."""
_GONE = (OSError, TimeoutError)


@dataclass(slots=True)
class _Errand:
    """One part at one worker, as the gatherer sees it."""

    part: int
    worker: str
    store: Store
    stack: ExitStack
    future: Future | None = None
    tally: Tally = field(default_factory=Tally)
    heard_at: float = field(default_factory=time.monotonic)
    lost_at: float | None = None


class DaskCrew:
    """A crew of the workers of a Dask cluster, one part at a time each. Raises RunError when nobody is there."""

    def __init__(self, folder: RunFolder, address: str, lease_s: float = LEASE_S) -> None:
        self._folder, self._address, self._lease_s = folder, address, lease_s
        try:
            self._client = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (*_GONE, ValueError) as error:
            raise self._unreachable(error) from None
        self._channel = f"survey-{secrets.token_hex(8)}"
        self._queue = Queue(self._channel, client=self._client, maxsize=_PARCELS_MOST)
        self._beat = Variable(f"{self._channel}-beat", client=self._client)
        self._out = Variable(f"{self._channel}-out", client=self._client)
        self._errands: dict[str, _Errand] = {}
        self._lock, self._end = threading.Lock(), threading.Event()
        self._beats, self._out_sent = 0, b""
        self._workers: Sequence[str] = ()
        self._looked_at = -_LOOK_S
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS_S)
        except _GONE:
            self._client.close()
            raise self._unreachable("no worker is there") from None
        self._thread = threading.Thread(target=self._beat_on, name="beat", daemon=True)
        self._failure: SurveyError | None = None
        """What the beat could not read: who is not to be asked must be known."""

    def places(self) -> int:
        return len(self._look())

    def begin(self, order: Order) -> None:
        part, token = order.brief.part, secrets.token_hex(8)
        busy = {errand.worker for errand in self._errands.values()}
        worker = next(one for one in self._look() if one not in busy)
        stack = ExitStack()
        stack.enter_context(alone_in_part(self._folder.path, part))
        past = past_of_part(self._folder, order)
        rows = pack([tuple(row) for rows in past.rows.values() for row in rows])
        settings = settings_of(order.brief, [order.pass_number]) | {"worker": worker}
        store = stack.enter_context(Store(evidence_path(self._folder.path, part), TOOL, settings, part))
        errand = self._errands[token] = _Errand(part, worker, store, stack)
        dossier = Dossier(order, rows, past.round, token, self._channel, machine(), self._lease_s)
        if self._thread.ident is None:
            self._thread.start()
        try:
            self._tell_opt_outs()
            self._renew()
            here = {"workers": [worker]}
            sent = self._client.scatter(dossier, hash=False, direct=False, **here)
            errand.future = self._client.submit(
                observe, sent, key=f"{self._channel}-{token}", pure=False, retries=0, **here
            )
        except _GONE:
            errand.lost_at = time.monotonic()

    def news(self, timeout_s: float) -> list[News]:
        found = self._receive(timeout_s)
        if self._failure is not None:
            raise self._failure
        self._look()
        for token, errand in list(self._errands.items()):
            if (ended := self._ended(errand)) is not None:
                del self._errands[token]
                errand.stack.close()
                found.append(ended)
        return found

    def stop(self) -> None:
        """Revoke every errand, take what is still under way, and leave the cluster as it was."""
        until = time.monotonic() + self._lease_s
        self._end.set()
        if self._thread.ident is not None:
            self._thread.join()
        with contextlib.suppress(*_GONE, RunError, EvidenceError):
            self._renew()
            while time.monotonic() < until and any(_is_at_work(errand) for errand in self._errands.values()):
                self._receive(0.2)
            self._receive(0.2)
        for errand in self._errands.values():
            errand.stack.close()
        self._errands = {}
        with contextlib.suppress(*_GONE):
            self._beat.delete()
            self._out.delete()
            self._queue.close()
        self._client.close()
        remove_locks(self._folder.path)

    def _receive(self, timeout_s: float) -> list[News]:
        """Take the parcels that have come, check them, and keep what is in them."""
        try:
            # Not `get(timeout=…)`: the scheduler would write each time-out into its log as an error.
            parcels = self._queue.get(batch=True)
        except _GONE as error:
            raise self._unreachable(error) from None
        if not parcels:
            time.sleep(timeout_s)
        found: dict[str, News] = {}
        for parcel in map(Parcel._make, parcels):
            # Whose errand is not in the book any more was replaced: its rounds would share numbers with another's.
            if (errand := self._errands.get(parcel.token)) is None:
                continue
            if parcel.number != errand.tally.parcels:
                raise _damaged(errand, f"parcel {parcel.number} came when {errand.tally.parcels} was due")
            try:
                rows, marks = parcel.open()
            except ValueError as error:
                raise _damaged(errand, str(error)) from None
            errand.store.append(rows)
            for kind, detail in marks:
                errand.store.mark(kind, **detail)
            errand.tally.add(len(rows), parcel.blob)
            errand.heard_at = time.monotonic()
            found[parcel.token] = News(errand.part, parcel.done, parcel.expected)
        return list(found.values())

    def _ended(self, errand: _Errand) -> News | None:
        """What became of an errand: its report, its error, or that its worker is gone for good; None: it goes on."""
        now, future = time.monotonic(), errand.future
        status = "lost" if future is None else future.status
        if errand.lost_at is None and future is not None:
            if status == "finished":
                return self._settled(errand, future.result())
            if status == "error" and not isinstance(error := future.exception(), (*_GONE, KilledWorker)):
                return News(errand.part, error=_failed(errand, error))
        is_silent = now - errand.heard_at > _SILENCES * self._lease_s
        if errand.lost_at is None and (errand.worker not in self._workers or is_silent or status != "pending"):
            errand.lost_at = now
        # Only when its lease is over is it sure that it asks no more; what it sends until then is still kept.
        if errand.lost_at is not None and now - errand.lost_at > self._lease_s * (1 + 1 / _BEATS):
            if future is not None:
                future.cancel()
            return News(errand.part, is_lost=True)
        return None

    def _settled(self, errand: _Errand, receipt: Receipt) -> News | None:
        """A worker has finished: what arrived is held against what it sent, as soon as the last parcel is there."""
        if errand.tally.parcels < receipt.parcels and time.monotonic() - errand.heard_at < self._lease_s:
            return None
        if receipt.error is not None:
            return News(errand.part, error=receipt.error)
        if receipt.report is None:
            return News(errand.part, is_lost=True)
        if (receipt.parcels, receipt.rows, receipt.digest) != (
            errand.tally.parcels,
            errand.tally.rows,
            errand.tally.digest,
        ):
            raise _damaged(errand, f"{receipt.rows} exchanges were sent, {errand.tally.rows} arrived")
        return News(errand.part, report=receipt.report)

    def _look(self) -> Sequence[str]:
        """The workers that are there, looked up once a second."""
        if time.monotonic() - self._looked_at > _LOOK_S:
            try:
                self._workers = sorted(self._client.nthreads())
            except _GONE as error:
                raise self._unreachable(error) from None
            self._looked_at = time.monotonic()
        return self._workers

    def _beat_on(self) -> None:
        while not self._end.wait(self._lease_s / _BEATS):
            try:
                self._tell_opt_outs()
                self._renew()
            except _GONE:
                continue
            except SurveyError as error:
                self._failure = error
                return

    def _renew(self) -> None:
        """Say which errands are valid; at the end, none."""
        with self._lock:
            self._beats += 1
            valid = [token for token, errand in list(self._errands.items()) if errand.lost_at is None]
            self._beat.set([self._beats, [] if self._end.is_set() else valid])

    def _tell_opt_outs(self) -> None:
        with self._lock:
            known = pickle.dumps(opt_outs.load(self._folder.opt_out_path))
            if known != self._out_sent:
                self._out.set(known)
                self._out_sent = known

    def _unreachable(self, what: object) -> RunError:
        return RunError(
            f"the Dask cluster does not answer: {what}",
            where=self._address,
            remedy="do scheduler (tcp://HOST:8786) and workers run? then run the same command again",
            ja="Dask のスケジューラーかワーカーが応答しません。起動を確かめ、同じコマンドを再実行してください",
        )


def _is_at_work(errand: _Errand) -> bool:
    return errand.future is not None and errand.lost_at is None and errand.future.status == "pending"


def _failed(errand: _Errand, error: BaseException | None) -> RunError:
    return RunError(
        f"worker {errand.worker} failed at part {errand.part}: {error!r}",
        where=str(errand.store.path),
        remedy="see the worker's log; then run the same command again, it goes on where it stopped",
        ja="ワーカーでエラーが起きました。ワーカーのログを確かめ、同じコマンドを再実行してください",
    )


def _damaged(errand: _Errand, what: str) -> EvidenceError:
    return EvidenceError(
        f"what worker {errand.worker} sent of part {errand.part} did not arrive as it was sent: {what}",
        where=str(errand.store.path),
        remedy="run the same command again; it goes on from what arrived",
        ja="ワーカーから届いたデータが欠けているか壊れています。同じコマンドを再実行してください",
    )
