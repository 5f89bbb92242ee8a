"""The bulk DNS loop: questions in, exchanges out, nothing decoded but headers.

One loop, a few connected UDP sockets per server, no future and no object per question beyond a tuple. What waits, and
whose turn it is, is said in `channels`; a question goes out when the window has room, through a socket with a random
port and under a random id. What comes back must carry that id and echo the question byte for byte, or it is a stray and
ignored.

Every attempt is one exchange. A question is finished when an answer is usable (NOERROR or NXDOMAIN) or when its tries
are used up; what is left unanswered is told to the caller as given up. Truncated answers are asked again over TCP
(RFC 7766); servers that do not know EDNS (RFC 6891 §7) are asked again without it. Attempt *k* of pass *p* goes to
resolver *p + k* of those that the channel allows, so that a second pass begins elsewhere when there is an elsewhere;
a question that names its resolver never goes to another.

What a batch brings leads to new questions, so the caller hears at once when the loop would otherwise idle. The window
narrows when answers stay out and widens again when they come.

The engine is chosen by argument. `fast` needs Linux: epoll, and UDP GSO. `portable` needs only `selectors`.
"""

from __future__ import annotations

import gc
import select
import selectors
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from ..calm import uninterrupted
from ..exchanges import ANSWERED, TIMEOUT, TRUNCATED, UNREACHABLE, WireRow
from ..worlds import World
from .channels import Channel, Channels
from .heads import DENIAL, OTHER, blanked, is_bare_refusal, kind_of
from .pace import Window
from .queries import HEADER_EDNS, HEADER_PLAIN, OPT, Again, Batch, GivenUp, Half
from .tcp import Streams
from .udp import UdpSocket

__all__ = ["Batch", "DnsWire", "Engine", "GivenUp", "Half"]

Engine = Literal["auto", "fast", "portable"]

_FLUSH_S = 0.1
_FLUSH_ROWS = 2048, 4096
"""Exchanges in a batch: many while much waits, for whoever keeps them disturbs; few in the end, for all wait for it.

Whether a health round is due is seen when a batch is told, so not too many."""
_FLUSH_HEARD = 32
"""What somebody has to look at is told in smaller portions: servers would have nothing to do meanwhile."""
_TIDY_S = 30.0
_SOCKETS = 4
_RECEIVE_MOST = 64
_BURST_MOST = 48
_UNHEARD_MOST = 96
"""Questions that go out before anything is heard in between: a server's buffer may hold no more than a hundred."""
_DRAINED_S = 0.004
"""By then a server has taken that from its buffer; where it takes longer, the window narrows."""
_ROOM_LEAST = 16
"""Questions that it is worth a call for, while others are outstanding."""

_Sending = tuple[Channel, int, bool, int, int]
"""What questions that go out together share: channel, attempt, whether with EDNS, and when they are asked, in
microseconds of the wall clock and of the monotonic one."""
_Pending = tuple[Half, bytes, _Sending]
"""What is outstanding: half, the question's bytes, and how it was sent."""

_AROUND_PLAIN, _AROUND_EDNS = 12, 23
"""Octets of a packet beside its question: header, and OPT record."""


class DnsWire(Channels):
    """Carries questions to resolvers and brings exchanges back, in batches.

    `resolvers` are (address, port) in the order of passes; `window` is how many questions may be outstanding at most;
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
        super().__init__(len(resolvers), rate)
        self.engine: Engine = ("fast" if sys.platform == "linux" else "portable") if engine == "auto" else engine
        use_gso = self.engine == "fast"
        self._reach = [world.reach(*resolver) for resolver in resolvers]
        self.names = [f"[{a}]:{p}" if ":" in a else f"{a}:{p}" for a, p in resolvers]
        """How each resolver is called in what is kept."""
        self._world = world
        self._window = Window(window, world.timeout_s)
        self._sockets: list[list[UdpSocket[_Pending]]] = [
            [UdpSocket(n, a, use_gso=use_gso) for _ in range(_SOCKETS)] for n, a in enumerate(self._reach)
        ]
        self._all_sockets = [one for group in self._sockets for one in group]
        now = time.monotonic()
        self._turn = 0
        self._outstanding = 0
        self._credit, self._sent_at = _UNHEARD_MOST, now
        """How many may go out before anything is heard, and when something went out last."""
        self._expire_at = now
        self._streams = Streams[tuple[_Pending, int]]()
        self._rows: list[WireRow] = []
        self._heard: list[tuple[str, WireRow]] = []
        self._denials: dict[str, int] = defaultdict(int)
        self.strays = 0
        self.sent = 0

    @property
    def waiting(self) -> int:
        """Questions asked and not yet finished."""
        return self.queued() + self._outstanding + len(self._streams)

    # -- the loop ----------------------------------------------------------------------------------------------

    def exchanges(self) -> Iterator[Batch]:
        """Run until nothing waits; what a batch brings may make the caller ask more before the next one."""
        poll, close_poll = self._poller()
        with uninterrupted():
            try:
                flush_at = time.monotonic() + _FLUSH_S
                tidy_at = flush_at + _TIDY_S
                flush_rows = self._portion()
                while True:
                    now = time.monotonic()
                    if now >= tidy_at:
                        # A run may take days: what cycles there are must go some time.
                        gc.collect(1)
                        tidy_at = now + _TIDY_S
                    if now >= self._expire_at:
                        self._expire(now)
                    self._resume_later(now)
                    nap, is_idle = self._fill(now)
                    if self._rows or self._given_up:
                        is_much = len(self._rows) >= flush_rows or len(self._heard) >= _FLUSH_HEARD
                        if is_idle or is_much or now >= flush_at:
                            yield self._batch()
                            flush_at, flush_rows = time.monotonic() + _FLUSH_S, self._portion()
                            continue
                        nap = min(nap, flush_at - now)
                    elif not self.waiting:
                        return
                    for ready in poll(max(0.0, nap)):
                        if ready is None:
                            self._settle_streams()
                        else:
                            self._receive(ready)
            finally:
                close_poll()

    def close(self) -> None:
        """Close every socket."""
        self._streams.close()
        for one in self._all_sockets:
            one.sock.close()

    def _portion(self) -> int:
        least, most = _FLUSH_ROWS
        return max(least, min(most, self.waiting // 3))

    def _batch(self) -> Batch:
        batch = Batch(self._rows, self._heard, self._denials, self._given_up)
        self._rows, self._heard, self._denials, self._given_up = [], [], defaultdict(int), []
        return batch

    def _poller(self) -> tuple[Callable[[float], Iterable[UdpSocket[_Pending] | None]], Callable[[], None]]:
        if self.engine == "fast" and sys.platform == "linux":
            epoll = select.epoll()
            by_fd: dict[int, UdpSocket[_Pending] | None] = {one.sock.fileno(): one for one in self._all_sockets}
            by_fd[self._streams.wake.fileno()] = None
            for fd in by_fd:
                epoll.register(fd, select.EPOLLIN)
            return lambda nap: [by_fd[fd] for fd, _ in epoll.poll(nap)], epoll.close
        selector = selectors.DefaultSelector()
        for one in self._all_sockets:
            selector.register(one.sock, selectors.EVENT_READ, one)
        selector.register(self._streams.wake, selectors.EVENT_READ, None)
        return lambda nap: [key.data for key, _ in selector.select(nap)], selector.close

    # -- sending -----------------------------------------------------------------------------------------------

    def _fill(self, now: float) -> tuple[float, bool]:
        """Send what window and paces allow; how long until something is due, and whether there was not more to send."""
        nap, is_idle = 60.0, False
        if (room := self._room(now)) > 0:
            nap, is_idle = self._send_ready(min(room, _BURST_MOST), now)
            if not is_idle and self._room(now) > 0:
                nap = 0.0
        else:
            is_idle = not any(channel.line() for channel in self._channels)
        if not is_idle and self._credit < _ROOM_LEAST:
            nap = min(nap, self._sent_at + _DRAINED_S - now)
        if self._outstanding:
            nap = min(nap, self._expire_at - now)
        if self._later:
            nap = min(nap, self._later[0][0] - now)
        return nap, is_idle

    def _room(self, now: float) -> int:
        """How many questions may go out now."""
        if not self._outstanding or now - self._sent_at >= _DRAINED_S:
            self._credit = _UNHEARD_MOST
        size = self._window.size
        room = min(size - self._outstanding, self._credit)
        return room if room >= min(_ROOM_LEAST, size // 4) else 0

    def _send_ready(self, room: int, now: float) -> tuple[float, bool]:
        """Send up to `room` of what waits; how long until a pace allows more, and whether that is why it ended.

        All that goes to one server goes through one socket, so that questions of one length go out in one call.
        """
        nap = 60.0
        asked_us = time.time_ns() // 1000
        self._turn += 1
        sockets = [group[self._turn % _SOCKETS] for group in self._sockets]
        share = self._share(room, now)
        for channel in self._turns():
            if not (line := channel.line()):
                continue
            count = min(room, share, channel.bucket.available(now), len(line))
            if channel.left is not None:
                count = self._within_limit(channel, count)
            if count:
                count = self._send(channel, count, now, asked_us, sockets)
                room -= count
            if not room:
                break
            if channel.line():
                nap = min(nap, channel.bucket.ready_in() or 0.05)
        for one in sockets:
            one.send()
        return nap, room > 0

    def _send(self, channel: Channel, count: int, now: float, asked_us: int, sockets: list[UdpSocket[_Pending]]) -> int:
        """Make up to `count` questions of one channel ready to go; how many it was (the server's pace may stop it)."""
        done = fresh = size = 0
        line, servers, buckets = channel.line(), channel.servers, self._buckets
        only = servers[0] if len(servers) == 1 else -1
        number, tried, had_edns, type_, since_us = -1, 0, True, -1, int(now * 1e6)
        while done < count:
            entry = line.popleft()
            if isinstance(entry, Half):
                half, attempt, has_edns = entry, entry.attempt, True
            else:
                half, attempt, has_edns = entry
            if (place := half.server) < 0 and (place := only) < 0:
                place = servers[(half.pass_number + attempt - 2) % len(servers)]
            if place != number:
                number, bucket, one = place, buckets[place], sockets[place]
                pending, ids, size = one.pending, one.new_ids(count - done), 0
            if bucket.rate is not None:
                if not bucket.available(now):
                    line.appendleft(entry)
                    break
                bucket.take(1)
            # Most questions differ in nothing but the address.
            if attempt != tried or has_edns is not had_edns:
                tried, had_edns, size = attempt, has_edns, 0
                sending = (channel, attempt, has_edns, asked_us, since_us)
            if half.type != type_:
                type_ = half.type
                tail = channel.tail(type_)
            question = half.wire + tail
            id_ = ids.pop()
            pending[id_] = (half, question, sending)
            if len(question) != size:
                size = len(question)
                pieces = one.stage(size + (_AROUND_EDNS if has_edns else _AROUND_PLAIN))
            pieces += (id_, HEADER_EDNS, question, OPT) if has_edns else (id_, HEADER_PLAIN, question)
            done += 1
            if attempt == 1:
                fresh += 1
        if fresh:
            self._window.sent(now, fresh)
        if done and not self._outstanding:
            self._expire_at = now + self._world.timeout_s
        self._outstanding += done
        if done:
            self._credit, self._sent_at = self._credit - done, now
        self.sent += done
        channel.count(done)
        return done

    # -- hearing -----------------------------------------------------------------------------------------------

    def _receive(self, one: UdpSocket[_Pending]) -> None:
        receive, pending, server = one.sock.recv, one.pending, self.names[one.server]
        rows, heard, denials = self._rows, self._heard, self._denials
        now = time.monotonic()
        now_us = int(now * 1e6)
        count = waited_us = 0
        is_refused = False
        told: bytes | None = None
        of: _Sending | None = None
        for _ in range(_RECEIVE_MOST):
            try:
                data = receive(4096)
            except BlockingIOError:
                break
            except OSError:
                is_refused = True
                break
            id_ = data[:2]
            if (entry := pending.get(id_)) is None:
                self.strays += 1
                continue
            half, question, sending = entry
            # Most answers differ from the one before in nothing but the address.
            if (head := data[2:8]) != told:
                told, kind_told = head, kind_of(head)
            kind = kind_told
            if not kind or not data.startswith(question, 12):
                # A server that cannot read us may send back a bare header; it can only say no that way.
                if not is_bare_refusal(data):
                    self.strays += 1
                    continue
                kind = OTHER
            del pending[id_]
            count += 1
            if sending is not of:
                of = sending
                channel, attempt, _, asked_us, since_us = sending
                elapsed_us = now_us - since_us
                zone, suffix, is_plain = channel.zone, channel.text, channel.blank is None
            waited_us += elapsed_us
            if kind == OTHER or not is_plain:
                outcome = TRUNCATED if data[2] & 2 else ANSWERED
                self._take(entry, one.server, "udp", outcome, data, now)
                continue
            # By far the most answers: usable, and nothing to hide. What `_take` does, without its detours.
            row = (
                half.pass_number,
                half.round,
                half.text + suffix,
                half.type,
                server,
                "udp",
                attempt,
                ANSWERED,
                asked_us,
                elapsed_us,
                data,
            )
            rows.append(row)
            if kind == DENIAL and zone and not half.round:
                denials[zone] += 1
            else:
                heard.append((zone, row))
            if not pending:
                break
        if count:
            self._window.heard(count, waited_us / 1e6, now, self._outstanding)
            self._outstanding -= count
            self._credit = min(_UNHEARD_MOST, self._credit + 2 * count)
        if is_refused:
            # The port is closed: the network's own answer to everything outstanding on this socket.
            for id_ in list(pending):
                self._failed(pending.pop(id_), one, UNREACHABLE, now)

    def _take(self, entry: _Pending, server: int, transport: str, outcome: str, data: bytes, now: float) -> None:
        """Keep one exchange, and do what follows from it."""
        half, _, (channel, attempt, has_edns, asked_us, since_us) = entry
        if channel.blank is not None:
            data = blanked(data, channel.blank)
        name, elapsed_us = half.text + channel.text, int(now * 1e6) - since_us
        row = (
            *(half.pass_number, half.round, name, half.type, self.names[server], transport, attempt),
            *(outcome, asked_us, elapsed_us, data),
        )
        self._rows.append(row)
        rcode = data[3] & 15 if outcome == ANSWERED else None
        if half.round or (rcode in (0, 3) and (not channel.zone or data[6:8] != b"\0\0")):
            self._heard.append((channel.zone, row))
        elif rcode in (0, 3):
            self._denials[channel.zone] += 1
        if outcome == TRUNCATED:
            self._stream(entry, server)
        elif rcode not in (0, 3):
            self._again(half, channel, attempt, has_edns and transport == "udp", rcode, now)

    def _failed(self, entry: _Pending, one: UdpSocket[_Pending], outcome: str, now: float) -> None:
        self._outstanding -= 1
        self._take(entry, one.server, "udp", outcome, b"", now)

    def _again(self, half: Half, channel: Channel, attempt: int, has_edns: bool, rcode: int | None, now: float) -> None:
        """What follows an attempt without a usable answer: without EDNS, once more, once more later, or given up."""
        if rcode in (1, 4) and has_edns:
            self._put_back(channel, Again(half, attempt, False))
            return
        if attempt >= self._world.tries:
            self._given_up.append(GivenUp(half.text + channel.text, half.type, half.round, channel.zone))
            return
        is_last = attempt + 1 == self._world.tries
        self._put_back(channel, Again(half, attempt + 1, has_edns), now + self._world.pause_s if is_last else None)

    def _expire(self, now: float) -> None:
        """Time out what has waited long enough; sockets hold what is outstanding in the order in which it was asked."""
        timeout_s = self._world.timeout_s
        oldest = now
        overdue_us = int((now - timeout_s) * 1e6)
        for one in self._all_sockets:
            pending = one.pending
            gone = []
            for id_, (_, _, sending) in pending.items():
                if sending[4] > overdue_us:
                    oldest = min(oldest, sending[4] / 1e6)
                    break
                gone.append(id_)
            for id_ in gone:
                entry = pending.pop(id_)
                _, attempt, _, _, since_us = entry[2]
                if attempt == 1:
                    self._window.lost(since_us / 1e6)
                self._failed(entry, one, TIMEOUT, now)
        self._expire_at = oldest + timeout_s
        self._window.judge(now)

    # -- TCP ---------------------------------------------------------------------------------------------------

    def _stream(self, entry: _Pending, server: int) -> None:
        half, question, (channel, attempt, has_edns, _, _) = entry
        since_us = int(time.monotonic() * 1e6)
        again = (half, question, (channel, attempt, has_edns, time.time_ns() // 1000, since_us))
        self._streams.ask(self._reach[server], question, self._world.timeout_s, (again, server))
        self.sent += 1
        self._buckets[server].take(1)
        channel.count(1)

    def _settle_streams(self) -> None:
        now = time.monotonic()
        for (entry, server), outcome, data in self._streams.ended():
            self._take(entry, server, "tcp", outcome, data, now)
