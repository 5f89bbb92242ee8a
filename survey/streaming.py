"""What a Dask worker does: observe one part, and stream what it hears to the gatherer.

A worker has no run folder and keeps nothing. What it needs comes to it by value, in a `Dossier`: its part of the
register, the lists, the world, what was heard so far. What it hears goes back in numbered parcels, two a second,
through a queue of the scheduler, each with its count and digest; at the end it says how much that was.

It may ask only while it hears the gatherer's beat and the beat names its errand: who is cut off stops by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import socket
import threading
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import NamedTuple, Self

import msgpack
from distributed import Queue, Variable, get_client

from .errors import RunError, SurveyError
from .exchanges import Row, WireRow
from .gathering import Order, Report, report_of
from .observing import Observer, Past
from .opt_outs import OptOuts
from .runs import TOOL

_PARCEL_S = 0.5


class Revoked(Exception):
    """This worker may not ask any more: somebody said stop, or nobody says go on."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that a worker gets."""

    order: Order
    past_rows: bytes
    past_round: int
    token: str
    """Names this errand; the beat names the errands that are valid."""
    channel: str
    machine: str
    """The gatherer's."""
    lease_s: float
    tool: str = TOOL


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a worker says that it sent, and how it ended."""

    parcels: int
    rows: int
    digest: bytes
    report: Report | None = None
    error: SurveyError | None = None


@dataclass(slots=True)
class Tally:
    """What was sent, counted in the same way at both ends."""

    parcels: int = 0
    rows: int = 0
    digest: bytes = b""

    def add(self, rows: int, blob: bytes) -> None:
        self.parcels += 1
        self.rows += rows
        self.digest = hashlib.sha256(self.digest + blob).digest()

    def receipt(self, report: Report | None = None, error: SurveyError | None = None) -> Receipt:
        return Receipt(self.parcels, self.rows, self.digest, report, error)


class Parcel(NamedTuple):
    """What a worker heard in half a second, as it travels."""

    token: str
    number: int
    rows: int
    blob: bytes
    """Rows and marks, packed."""
    digest: bytes
    done: int
    expected: int

    def open(self) -> tuple[list[WireRow], list[tuple[str, dict[str, object]]]]:
        """Its rows and marks. Raises ValueError when it is not what was sent."""
        if hashlib.sha256(self.blob).digest() != self.digest:
            raise ValueError("its digest does not fit")
        rows, marks = msgpack.unpackb(zlib.decompress(self.blob), use_list=False)
        if len(rows) != self.rows:
            raise ValueError(f"it holds {len(rows)} exchanges, not {self.rows}")
        return list(rows), list(marks)


def machine() -> str:
    """A name of this machine that no other has."""
    return f"{socket.gethostname()}-{uuid.getnode():012x}"


def observe(dossier: Dossier) -> Receipt:
    """What a worker does: observe one part in one pass, and stream what it hears."""
    order, stream = dossier.order, _Stream(dossier)
    if dossier.tool != TOOL:
        return Receipt(0, 0, b"", error=_other_version(dossier.tool))
    rows: dict[int, list[Row]] = {}
    for row in rows_in(dossier.past_rows):
        rows.setdefault(row.pass_number, []).append(row)
    past = Past(rows, dossier.past_round, order.void)
    try:
        with stream:
            observer = Observer(order.brief, past, stream.opt_outs_now, stream.tell)
            observer.run([order.pass_number], {}, stream)
    except SurveyError as error:
        return stream.tally.receipt(error=error)
    except Revoked:
        return stream.tally.receipt()
    return stream.tally.receipt(report_of(observer))


def _other_version(tool: str) -> RunError:
    return RunError(
        f"a worker has {TOOL}, the gatherer has {tool}",
        where=socket.gethostname(),
        remedy="install the same version of the survey on every worker",
        ja="ワーカーの版が異なります。すべてのワーカーに同じ版を導入してください",
    )


class _Stream:
    """A keeper that sends what it is given to the gatherer, and says when this worker may not ask any more."""

    def __init__(self, dossier: Dossier) -> None:
        client = get_client()
        self._queue = Queue(dossier.channel, client=client)
        self._beat = Variable(f"{dossier.channel}-beat", client=client)
        self._out = Variable(f"{dossier.channel}-out", client=client)
        self._dossier = dossier
        self._lock, self._end = threading.Lock(), threading.Event()
        self._rows: list[WireRow] = []
        self._marks: list[tuple[str, dict[str, object]]] = []
        self._far = (0, 0)
        self._heard_at = time.monotonic()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._send_all, name="stream", daemon=True)
        self._aliases = dict(_aliases(dossier))
        self.tally = Tally()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        if error is None:
            self._raise()

    def wait(self) -> None:
        """The gatherer's store is open before any part begins."""

    def append(self, rows: list[WireRow]) -> None:
        self._raise()
        if self._aliases:
            rows = [(*row[:4], self._aliases.get(row[4], row[4]), *row[5:]) for row in rows]
        with self._lock:
            self._rows += rows

    def mark(self, kind: str, **detail: object) -> None:
        self._raise()
        with self._lock:
            self._marks.append((kind, detail))

    def tell(self, done: int, expected: int, text: str) -> None:
        """Progress, which goes with the next parcel."""
        self._raise()
        self._far = (done, expected)

    def opt_outs_now(self) -> OptOuts:
        """Who is not to be asked about, as the gatherer knows it now."""
        try:
            found: OptOuts = pickle.loads(self._out.get(timeout=self._dossier.lease_s))  # noqa: S301 - our own
        except (OSError, TimeoutError) as error:
            raise Revoked from error
        return found

    def _raise(self) -> None:
        if self._failure is not None:
            raise Revoked from self._failure
        if time.monotonic() - self._heard_at > self._dossier.lease_s:
            raise Revoked

    def _send_all(self) -> None:
        """Send a parcel twice a second, and look whether the gatherer still counts on this worker."""
        last = -1
        try:
            while not self._end.wait(_PARCEL_S):
                self._send()
                number, valid = self._beat.get(timeout=self._dossier.lease_s)
                if number != last:
                    last, self._heard_at = number, time.monotonic()
                if self._dossier.token not in valid:
                    raise Revoked
                self._raise()
            self._send()
        except Exception as error:
            # Whatever it is, this worker may not go on; what it has heard is sent if that can be.
            self._failure = error
            with contextlib.suppress(Exception):
                self._send()

    def _send(self) -> None:
        with self._lock:
            rows, self._rows = self._rows, []
            marks, self._marks = self._marks, []
        blob = pack([rows, marks])
        digest = hashlib.sha256(blob).digest()
        parcel = Parcel(self._dossier.token, self.tally.parcels, len(rows), blob, digest, *self._far)
        self.tally.add(len(rows), blob)
        self._queue.put(list(parcel), timeout=self._dossier.lease_s)


def _aliases(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """Other names for resolvers on another machine's loopback: what one lets through says nothing about the other."""
    here = machine()
    for address, port in dossier.order.brief.resolvers:
        if here != dossier.machine and ip_address(address).is_loopback:
            name = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            yield name, f"{name}@{here}"


def pack(values: Sequence[object]) -> bytes:
    """Plain values, small enough to travel."""
    return zlib.compress(msgpack.packb(values), 1)


def rows_in(blob: bytes) -> list[Row]:
    """The rows that were packed."""
    return [Row._make(values) for values in msgpack.unpackb(zlib.decompress(blob), use_list=False)]
