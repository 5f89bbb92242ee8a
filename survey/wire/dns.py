"""The bulk DNS loop: questions in, exchanges out, nothing decoded but headers.

One loop, a few connected UDP sockets per server, no future and no object per question beyond a tuple. A question waits
in the queue of its *channel* (a list's zone, or the resolver itself), which has its own pace; it goes out when the
window has room, through a socket with a random port and under a random id. What comes back must carry that id and echo
the question byte for byte, or it is a stray and ignored: the kernel drops what comes from other addresses, because the
sockets are connected.

Every attempt is one exchange. A question is finished when an answer is usable (NOERROR or NXDOMAIN) or when its tries
are used up; what is left unanswered is told to the caller as given up. Truncated answers are asked again over TCP
(RFC 7766); servers that do not know EDNS (RFC 6891 §7) are asked again without it. Attempt *k* of pass *p* goes to
resolver *p + k* of those that the channel allows, so that a second pass begins elsewhere when there is an elsewhere;
a question that names its resolver never goes to another.

The engine is chosen by argument. `fast` needs Linux: epoll, and UDP GSO (`UDP_SEGMENT`), which hands the kernel many
questions of one length in one call. `portable` needs only `selectors`.
"""

from __future__ import annotations

import gc
import heapq
import select
import selectors
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, NamedTuple

import numpy as np

from ..exchanges import ANSWERED, TIMEOUT, TRUNCATED, UNREACHABLE, WireRow
from ..worlds import World
from .pace import Bucket

Engine = Literal["auto", "fast", "portable"]

_HEADER_EDNS = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
_HEADER_PLAIN = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
_OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
"""EDNS0 with a UDP payload size of 1232 octets (DNS flag day 2020)."""
_UDP_SEGMENT = 103
_GSO_MOST = 48
_FLUSH_S = 0.1
_SOCKETS = 4


class Half(NamedTuple):
    """The part of a question in front of its channel's suffix; one half serves every list it is asked of."""

    text: str
    wire: bytes
    """Labels with their lengths, without the final zero."""
    type: int
    pass_number: int
    round: int
    attempt: int = 1
    server: int = -1
    """The only resolver that may be asked; -1 for whichever is next."""


class GivenUp(NamedTuple):
    """A question that has used up its tries in this pass without a usable answer."""

    name: str
    type: int
    round: int
    channel: str


class Batch(NamedTuple):
    """What happened since the last batch."""

    rows: list[WireRow]
    given_up: list[GivenUp]


class _Job(NamedTuple):
    half: Half
    name: str
    question: bytes
    channel: int
    attempt: int
    has_edns: bool


class _Channel:
    """One queue with its own pace: a list's zone, or the resolver."""

    __slots__ = ("blank", "bucket", "left", "number", "queue", "reserve", "sent", "servers", "text", "wire", "zone")

    def __init__(
        self,
        number: int,
        zone: str,
        wire: bytes,
        rate: float | None,
        blank: tuple[bytes, bytes] | None,
        left: int | None,
        reserve: int,
        servers: tuple[int, ...],
    ) -> None:
        self.number, self.zone = number, zone
        self.text = f".{zone}" if zone else ""
        self.wire = wire
        self.bucket = Bucket(rate, time.monotonic())
        self.blank = blank
        self.left, self.reserve, self.servers = left, reserve, servers
        self.queue: deque[Half | _Job] = deque()
        self.sent = 0


class _Socket:
    """A connected UDP socket with a pool of random ids."""

    __slots__ = ("ids", "next_id", "pending", "server", "sock", "use_gso")

    def __init__(self, server: int, address: tuple[str, int], is_fast: bool) -> None:
        self.server = server
        self.sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.sock.setsockopt(socket.SOL_SOCKET, option, 4 << 20)
        self.sock.connect(address)
        self.use_gso = is_fast
        # numpy seeds itself from the operating system's entropy; ids are drawn without replacement.
        self.ids: list[int] = np.random.default_rng().permutation(65536).tolist()
        self.next_id = 0
        self.pending: dict[int, tuple[_Job, int, float]] = {}

    def new_id(self) -> int:
        while True:
            if self.next_id == 65536:
                self.ids = np.random.default_rng().permutation(65536).tolist()
                self.next_id = 0
            found = self.ids[self.next_id]
            self.next_id += 1
            if found not in self.pending:
                return found

    def send(self, packets: list[bytes]) -> None:
        """Send them all; a full or refusing socket is no error here: the question's time-out speaks for it."""
        if self.use_gso and len(packets) > 1:
            by_size: dict[int, list[bytes]] = {}
            for packet in packets:
                by_size.setdefault(len(packet), []).append(packet)
            packets = []
            for size, same in by_size.items():
                if len(same) == 1 or not self._send_segments(size, same):
                    packets += same
        for packet in packets:
            try:
                self.sock.send(packet)
            except (BlockingIOError, OSError):
                continue

    def _send_segments(self, size: int, same: list[bytes]) -> bool:
        control = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", size))]
        for start in range(0, len(same), _GSO_MOST):
            try:
                self.sock.sendmsg([b"".join(same[start : start + _GSO_MOST])], control)
            except BlockingIOError:
                continue
            except OSError:
                # No GSO on this path (an old kernel, a strange device): plain sends from now on, this batch too.
                # A refused port reports itself here as well; then nothing was sent and time-outs tell.
                self.use_gso = False
                return start > 0
        return True


class DnsWire:
    """Carries questions to resolvers and brings exchanges back, in batches.

    `resolvers` are (address, port) in the order of passes; `window` is how many questions may be outstanding;
    `rate` the ceiling of questions per second to each resolver (None: no ceiling).
    """

    def __init__(
        self,
        resolvers: list[tuple[str, int]],
        world: World,
        *,
        engine: Engine = "auto",
        window: int = 256,
        rate: float | None = None,
    ) -> None:
        self.engine: Engine = ("fast" if sys.platform == "linux" else "portable") if engine == "auto" else engine
        is_fast = self.engine == "fast"
        self._resolvers = resolvers
        self._reach = [world.reach(*resolver) for resolver in resolvers]
        self.names = [f"[{a}]:{p}" if ":" in a else f"{a}:{p}" for a, p in resolvers]
        """How each resolver is called in what is kept."""
        self._world = world
        self._window = window
        self._sockets = [[_Socket(n, a, is_fast) for _ in range(_SOCKETS)] for n, a in enumerate(self._reach)]
        now = time.monotonic()
        self._buckets = [Bucket(rate, now) for _ in resolvers]
        self._turn = 0
        self._channels: list[_Channel] = []
        self._by_zone: dict[str, _Channel] = {}
        self.open_channel("", b"\0")
        self._outstanding = 0
        self._deadlines: deque[tuple[float, _Socket, int, _Job]] = deque()
        self._later: list[tuple[float, int, _Job]] = []
        self._later_n = 0
        self._tcp = ThreadPoolExecutor(8, thread_name_prefix="dns-tcp")
        self._streams: dict[Future[tuple[str, bytes]], tuple[_Job, int, int, float]] = {}
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._rows: list[WireRow] = []
        self._given_up: list[GivenUp] = []
        self.strays = 0
        self.sent = 0
        self.spent: set[str] = set()
        """Zones whose daily limit is used up."""

    # -- asking ------------------------------------------------------------------------------------------------

    def open_channel(
        self,
        zone: str,
        wire: bytes,
        rate: float | None = None,
        blank: tuple[bytes, bytes] | None = None,
        *,
        left: int | None = None,
        reserve: int = 0,
    ) -> None:
        """A queue for one zone. `wire` is the zone with its final zero; `blank` hides a key, given in lower case.

        `left` is how many packets may go to the zone today (None: no limit), `reserve` how many of these are kept for
        health rounds. When the rest is used up, what waits is dropped and the zone stands in `spent`.
        """
        everyone = tuple(range(len(self._resolvers)))
        channel = _Channel(len(self._channels), zone, wire, rate, blank, left, reserve, everyone)
        self._channels.append(channel)
        self._by_zone[zone] = channel

    def allow(self, zone: str, servers: Iterable[int]) -> None:
        """Ask a zone through these resolvers only, by their places in `resolvers`."""
        self._by_zone[zone].servers = tuple(sorted(servers))

    def sent_to(self, zone: str) -> int:
        """How many packets went out for a zone."""
        return self._by_zone[zone].sent

    def ask(self, zone: str, halves: Iterable[Half], *, is_urgent: bool = False) -> None:
        """Put questions into a channel's queue, or in front of it; zone "" is the resolver itself."""
        queue = self._by_zone[zone].queue
        if is_urgent:
            queue.extendleft(halves)
        else:
            queue.extend(halves)

    def drop(self, zone: str) -> int:
        """Forget what waits for a zone; how much it was. What is already out comes back."""
        queue = self._by_zone[zone].queue
        dropped = len(queue)
        queue.clear()
        self._later = [entry for entry in self._later if self._channels[entry[2].channel].zone != zone]
        heapq.heapify(self._later)
        return dropped

    @property
    def waiting(self) -> int:
        """Questions asked and not yet finished."""
        queued = sum(len(channel.queue) for channel in self._channels)
        return queued + self._outstanding + len(self._later) + len(self._streams)

    # -- the loop ----------------------------------------------------------------------------------------------

    def exchanges(self) -> Iterator[Batch]:
        """Run until nothing waits; what a batch brings may make the caller ask more before the next one."""
        was_collecting = gc.isenabled()
        gc.disable()
        poll, close_poll = self._poller()
        try:
            flush_at = time.monotonic() + _FLUSH_S
            while True:
                now = time.monotonic()
                self._expire(now)
                self._resume_later(now)
                nap = self._fill(now)
                if now >= flush_at or len(self._rows) >= 4096:
                    if self._rows or self._given_up:
                        yield self._batch()
                        gc.collect(0)
                    flush_at = time.monotonic() + _FLUSH_S
                    continue
                if not self.waiting:
                    if self._rows or self._given_up:
                        yield self._batch()
                    if not self.waiting:
                        return
                    continue
                for ready in poll(max(0.0, min(nap, flush_at - now))):
                    if ready is None:
                        self._settle_streams()
                    else:
                        self._receive(ready)
        finally:
            close_poll()
            if was_collecting:
                gc.enable()

    def close(self) -> None:
        """Close every socket."""
        self._tcp.shutdown(wait=False, cancel_futures=True)
        for group in self._sockets:
            for one in group:
                one.sock.close()
        self._wake.close()
        self._waker.close()

    def _batch(self) -> Batch:
        batch = Batch(self._rows, self._given_up)
        self._rows, self._given_up = [], []
        return batch

    def _poller(self) -> tuple[Callable[[float], Iterable[_Socket | None]], Callable[[], None]]:
        everyone = [one for group in self._sockets for one in group]
        if self.engine == "fast" and sys.platform == "linux":
            epoll = select.epoll()
            by_fd: dict[int, _Socket | None] = {one.sock.fileno(): one for one in everyone}
            by_fd[self._wake.fileno()] = None
            for fd in by_fd:
                epoll.register(fd, select.EPOLLIN)
            return lambda nap: [by_fd[fd] for fd, _ in epoll.poll(nap)], epoll.close
        selector = selectors.DefaultSelector()
        for one in everyone:
            selector.register(one.sock, selectors.EVENT_READ, one)
        selector.register(self._wake, selectors.EVENT_READ, None)
        return lambda nap: [key.data for key, _ in selector.select(nap)], selector.close

    def _fill(self, now: float) -> float:
        """Send what window and paces allow; how long until more may go out or something is due."""
        room = self._window - self._outstanding
        nap = 60.0
        if room > 0:
            asked_us = time.time_ns() // 1000
            ready = [channel for channel in self._channels if channel.queue]
            packets: dict[int, tuple[_Socket, list[bytes]]] = {}
            # Channels take turns, so that no list waits behind another's long queue.
            while ready and room > 0:
                share = max(1, room // len(ready))
                still = []
                for channel in ready:
                    allowed = channel.bucket.available(now)
                    count = min(share, room, allowed, len(channel.queue))
                    if channel.left is not None:
                        count = self._within_limit(channel, count)
                        if not channel.queue:
                            continue
                    if count:
                        count = self._send(channel, count, now, asked_us, packets)
                        room -= count
                    if not count:
                        nap = min(nap, channel.bucket.ready_in() if not allowed else 0.05)
                    elif channel.queue and room > 0:
                        still.append(channel)
                ready = still
            for one, list_ in packets.values():
                one.send(list_)
            if room > 0 and ready:
                nap = 0.0
        if self._deadlines:
            nap = min(nap, self._deadlines[0][0] - now)
        if self._later:
            nap = min(nap, self._later[0][0] - now)
        return nap

    def _within_limit(self, channel: _Channel, count: int) -> int:
        """How many may go out under the daily limit; at its end everything but health rounds is dropped."""
        left = channel.left or 0
        if left - count >= channel.reserve:
            return count
        rounds = [one for one in channel.queue if (one.half if isinstance(one, _Job) else one).round]
        if left > channel.reserve and not rounds:
            return left - channel.reserve
        if len(rounds) < len(channel.queue):
            self.spent.add(channel.zone)
        channel.queue.clear()
        channel.queue.extend(rounds[: max(0, left)])
        for one in rounds[max(0, left) :]:
            half = one.half if isinstance(one, _Job) else one
            self._given_up.append(GivenUp(half.text + channel.text, half.type, half.round, channel.zone))
        return min(count, len(channel.queue))

    def _send(
        self, channel: _Channel, count: int, now: float, asked_us: int, packets: dict[int, tuple[_Socket, list[bytes]]]
    ) -> int:
        """Make up to `count` questions of one channel ready to go; how many it was (the server's pace may stop it)."""
        done = 0
        deadline = now + self._world.timeout_s
        suffix_text, suffix_wire, queue = channel.text, channel.wire, channel.queue
        while done < count:
            entry = queue[0]
            if isinstance(entry, Half):
                tail = suffix_wire + entry.type.to_bytes(2, "big") + b"\0\1"
                job = _Job(entry, entry.text + suffix_text, entry.wire + tail, channel.number, entry.attempt, True)
            else:
                job = entry
            number = job.half.server
            if number < 0:
                servers = channel.servers
                number = servers[(job.half.pass_number + job.attempt - 2) % len(servers)]
            bucket = self._buckets[number]
            if bucket.rate is not None:
                if not bucket.available(now):
                    break
                bucket.take(1)
            queue.popleft()
            self._turn += 1
            one = self._sockets[number][self._turn % _SOCKETS]
            id_ = one.new_id()
            packet = id_.to_bytes(2, "big") + (_HEADER_EDNS if job.has_edns else _HEADER_PLAIN) + job.question
            if job.has_edns:
                packet += _OPT
            one.pending[id_] = (job, asked_us, now)
            self._deadlines.append((deadline, one, id_, job))
            packets.setdefault(id(one), (one, []))[1].append(packet)
            done += 1
        self._outstanding += done
        self.sent += done
        self._count(channel, done)
        return done

    def _count(self, channel: _Channel, packets: int) -> None:
        """Packets went out for a channel: its pace, its count, and what is left of its day."""
        channel.sent += packets
        channel.bucket.take(packets)
        if channel.left is not None:
            channel.left -= packets

    def _receive(self, one: _Socket) -> None:
        receive, pending = one.sock.recv, one.pending
        now = time.monotonic()
        for _ in range(256):
            try:
                data = receive(4096)
            except BlockingIOError:
                return
            except OSError:
                # The port is closed: the network's own answer to everything outstanding on this socket.
                for id_ in list(pending):
                    job, asked_us, since = pending.pop(id_)
                    self._outstanding -= 1
                    self._failed(job, asked_us, now - since, UNREACHABLE, one.server, now)
                return
            entry = pending.get(int.from_bytes(data[:2], "big"))
            if entry is None or len(data) < 12 or not data[2] & 0x80:
                self.strays += 1
                continue
            job, asked_us, since = entry
            question = job.question
            if data[4:6] != b"\0\1" or data[12 : 12 + len(question)] != question:
                # A server that cannot read us may send back a bare header; it can only say no that way.
                if not (len(data) == 12 and data[4:6] == b"\0\0" and data[3] & 15 in (1, 2, 4, 5)):
                    self.strays += 1
                    continue
            del pending[int.from_bytes(data[:2], "big")]
            self._outstanding -= 1
            if data[2] & 2:
                self._row(job, asked_us, now - since, TRUNCATED, "udp", data, one.server)
                self._stream(job, one.server)
                continue
            rcode = data[3] & 15
            self._row(job, asked_us, now - since, ANSWERED, "udp", data, one.server)
            if rcode not in (0, 3):
                self._again(job, rcode, now)

    def _row(
        self, job: _Job, asked_us: int, elapsed: float, outcome: str, transport: str, data: bytes, server: int
    ) -> None:
        half = job.half
        name = job.name
        blank = self._channels[job.channel].blank
        if blank is not None:
            data = _blanked(data, blank)
        elapsed_us = int(elapsed * 1e6)
        self._rows.append(
            (
                half.pass_number,
                half.round,
                name,
                half.type,
                self.names[server],
                transport,
                job.attempt,
                outcome,
                asked_us,
                elapsed_us,
                data,
            )
        )

    def _failed(self, job: _Job, asked_us: int, elapsed: float, outcome: str, server: int, now: float) -> None:
        self._row(job, asked_us, elapsed, outcome, "udp", b"", server)
        self._again(job, None, now)

    def _again(self, job: _Job, rcode: int | None, now: float) -> None:
        """What follows an attempt without a usable answer: without EDNS, once more, once more later, or given up."""
        if rcode in (1, 4) and job.has_edns:
            self._channels[job.channel].queue.appendleft(job._replace(has_edns=False))
            return
        if job.attempt >= self._world.tries:
            half = job.half
            self._given_up.append(GivenUp(job.name, half.type, half.round, self._channels[job.channel].zone))
            return
        again = job._replace(attempt=job.attempt + 1)
        if again.attempt == self._world.tries and self._world.tries > 1:
            self._later_n += 1
            heapq.heappush(self._later, (now + self._world.pause_s, self._later_n, again))
        else:
            self._requeue(again)

    def _requeue(self, job: _Job) -> None:
        """Another attempt waits behind the others; one of a health round, on which others wait, in front of them."""
        queue = self._channels[job.channel].queue
        if job.half.round:
            queue.appendleft(job)
        else:
            queue.append(job)

    def _expire(self, now: float) -> None:
        deadlines = self._deadlines
        while deadlines and deadlines[0][0] <= now:
            _, one, id_, job = deadlines.popleft()
            entry = one.pending.get(id_)
            if entry is not None and entry[0] is job:
                del one.pending[id_]
                self._outstanding -= 1
                self._failed(job, entry[1], now - entry[2], TIMEOUT, one.server, now)
        # Deadlines of questions that were answered long ago are dropped as they come to the front.
        while deadlines:
            _, one, id_, job = deadlines[0]
            entry = one.pending.get(id_)
            if entry is not None and entry[0] is job:
                break
            deadlines.popleft()

    def _resume_later(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            self._requeue(heapq.heappop(self._later)[2])

    # -- TCP ---------------------------------------------------------------------------------------------------

    def _stream(self, job: _Job, server: int) -> None:
        asked_us, since = time.time_ns() // 1000, time.monotonic()
        future = self._tcp.submit(_over_tcp, self._reach[server], job.question, self._world.timeout_s)
        self._streams[future] = (job, server, asked_us, since)
        self.sent += 1
        self._buckets[server].take(1)
        self._count(self._channels[job.channel], 1)
        future.add_done_callback(self._woken)

    def _woken(self, _: Future[tuple[str, bytes]]) -> None:
        try:
            self._waker.send(b"\0")
        except OSError:
            return

    def _settle_streams(self) -> None:
        try:
            self._wake.recv(4096)
        except BlockingIOError:
            pass
        now = time.monotonic()
        for future in [one for one in self._streams if one.done()]:
            job, server, asked_us, since = self._streams.pop(future)
            outcome, data = future.result()
            self._row(job, asked_us, now - since, outcome, "tcp", data, server)
            if outcome != ANSWERED or data[3] & 15 not in (0, 3):
                self._again(job, None, now)


def _blanked(data: bytes, blank: tuple[bytes, bytes]) -> bytes:
    """The bytes with the key, wherever it stands and in whatever case, replaced by a cover of the same length."""
    key, cover = blank
    lower, start = data.lower(), 0
    while (found := lower.find(key, start)) >= 0:
        data = data[:found] + cover + data[found + len(key) :]
        start = found + len(key)
    return data


def _over_tcp(address: tuple[str, int], question: bytes, timeout_s: float) -> tuple[str, bytes]:
    """One question over TCP, all of it within the time-out, however slowly the server drips."""
    end = time.monotonic() + timeout_s
    id_ = int(np.random.default_rng().integers(65536)).to_bytes(2, "big")
    message = id_ + _HEADER_EDNS + question + _OPT

    def left() -> float:
        return max(0.001, end - time.monotonic())

    try:
        with socket.create_connection(address, timeout=left()) as stream:
            stream.settimeout(left())
            stream.sendall(len(message).to_bytes(2, "big") + message)
            parts, wanted = b"", 2
            while len(parts) < wanted:
                if time.monotonic() >= end:
                    return TIMEOUT, b""
                stream.settimeout(left())
                part = stream.recv(65537)
                if not part:
                    return UNREACHABLE, b""
                parts += part
                if len(parts) >= 2:
                    wanted = 2 + int.from_bytes(parts[:2], "big")
    except TimeoutError:
        return TIMEOUT, b""
    except OSError:
        return UNREACHABLE, b""
    data = parts[2:wanted]
    is_ours = len(data) >= 12 and data[:2] == id_ and data[2] & 0x80 and data[12 : 12 + len(question)] == question
    return (ANSWERED, data) if is_ours and not data[2] & 2 else (UNREACHABLE, b"")
