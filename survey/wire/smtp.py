"""The only code that opens port 25: dialogues with the addresses of a permission, side by side, one connection each.

A dialogue (`survey.smtp.dialogue`) says what to do; this module does it, keeps the time and the octets, and writes the
transcript. It refuses to connect to an address that it was not given as permitted, and to any address twice. Everything
has an end: a greeting, a reply, a dialogue, what a server may send, the connections open at once.

TLS is used as mail servers use it among themselves: any protocol and cipher that both sides have, the certificate noted
and never verified (RFC 7435: some protection, most of the time). What came in the clear behind the 220 of STARTTLS is
thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from ..exchanges import ANSWERED, NO_QUESTION, TIMEOUT, UNREACHABLE, WireRow
from ..smtp.dialogue import Begin, Listen, Lost, Say, Secure, Step, Talk
from ..smtp.grammar import DIALOGUE_MOST, PORT, SMTP, BadReply, Replies, Reply, Transcript, command
from ..worlds import World

_CHUNK = 16_384
_RAW_MOST = DIALOGUE_MOST + (64 << 10)
"""Octets taken from one connection, TLS and its handshake included."""


class Errand(NamedTuple):
    """One address to visit: the first line of its transcript, and the dialogue to hold."""

    address: str
    note: str
    talk: Callable[[], Talk]


Begun = Callable[[str], Awaitable[None]]
Kept = Callable[[WireRow], None]


class SmtpWire:
    """Holds dialogues. `permitted` are the only addresses that it will ever connect to."""

    def __init__(self, world: World, permitted: Collection[str]) -> None:
        self._world, self._permitted = world, frozenset(permitted)
        self._visited: set[str] = set()
        self._context = _tls()

    async def carry(self, errands: Iterable[Errand], begun: Begun, kept: Kept) -> None:
        """Do all errands. `begun` returns when it is kept that a dialogue begins; `kept` is given its exchange."""
        queue = iter(errands)
        workers = [self._work(queue, begun, kept) for _ in range(self._world.patience.connections)]
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker)

    async def _work(self, queue: Iterator[Errand], begun: Begun, kept: Kept) -> None:
        for errand in queue:
            if errand.address not in self._permitted:
                raise PermissionError(f"nobody permitted a connection to {errand.address}")
            if errand.address in self._visited:
                raise PermissionError(f"{errand.address} was visited already")
            self._visited.add(errand.address)
            await begun(errand.address)
            visit = _Visit(errand, self._world, self._context)
            try:
                await visit.run()
            finally:
                kept(visit.row())


class _Visit:
    """One connection, from its beginning to its transcript."""

    def __init__(self, errand: Errand, world: World, context: ssl.SSLContext) -> None:
        self._errand, self._world, self._context = errand, world, context
        self._replies = Replies()
        self._transcript = Transcript()
        self._transcript.add("*", 0.0, errand.note)
        self._asked_us = time.time_ns() // 1000
        self._began = time.monotonic()
        self._until = self._began + world.patience.dialogue_s
        self._outcome = TIMEOUT
        self._ending = "cut_off"
        self._link: _Link | None = None

    def row(self) -> WireRow:
        """The exchange: the address as question, the transcript as answer."""
        self._transcript.add("*", self._now(), f"end {self._ending}")
        address = self._errand.address
        server = f"[{address}]:{PORT}" if ":" in address else f"{address}:{PORT}"
        elapsed = int(self._now() * 1e6)
        transcript = self._transcript.kept()
        return (0, 0, address, NO_QUESTION, server, SMTP, 1, self._outcome, self._asked_us, elapsed, transcript)

    def _now(self) -> float:
        return time.monotonic() - self._began

    async def run(self) -> None:
        talk = self._errand.talk()
        try:
            heard: Reply | Lost | None = await self._connect()
            if isinstance(heard, Lost):
                self._ending = heard.word
                return
            try:
                while True:
                    step = talk.send(heard)
                    heard = await self._do(step)
            except StopIteration as end:
                self._ending = str(end.value)
        finally:
            if self._link is not None:
                self._link.close()

    async def _connect(self) -> Lost | None:
        try:
            host, port = self._world.reach(self._errand.address, PORT)
            self._link = _Link(host)
            async with asyncio.timeout(self._world.patience.greeting_s):
                await self._link.connect(host, port)
        except TimeoutError:
            return Lost("unreachable")
        except OSError as error:
            self._outcome = UNREACHABLE
            self._transcript.add("*", self._now(), f"not connected: {error.strerror or type(error).__name__}")
            return Lost("closed" if isinstance(error, ConnectionResetError) else "unreachable")
        self._transcript.add("*", self._now(), "connected")
        return None

    async def _do(self, step: Step) -> Reply | Lost | None:
        """Do what the dialogue says, within its time; what came of it."""
        patience = self._world.patience
        limit = patience.greeting_s if isinstance(step, Listen) else patience.reply_s
        try:
            if isinstance(step, Begin):
                async with asyncio.timeout_at(self._deadline(patience.pause_s + 1.0)):
                    await asyncio.sleep(patience.pause_s)
                self._transcript.add("*", self._now(), f"form {step.form}")
                return None
            async with asyncio.timeout_at(self._deadline(limit)):
                if isinstance(step, Say):
                    if self._replies.is_ahead:
                        raise BadReply("nonsense")
                    line = command(step.verb, step.argument)
                    self._transcript.add("C", self._now(), line.decode("ascii").rstrip())
                    await self._connected().write(line)
                elif isinstance(step, Secure):
                    return await self._secure()
                return await self._hear()
        except TimeoutError:
            self._unread()
            if isinstance(step, Secure):
                self._transcript.add("*", self._now(), "no TLS: no answer in time")
                return Lost("tls_failed")
            if time.monotonic() >= self._until:
                return Lost("too_long")
            return Lost("no_greeting" if isinstance(step, Listen) else "timeout")
        except BadReply as bad:
            self._unread(bad.line)
            return Lost(bad.word)
        except OSError as error:
            self._unread()
            self._transcript.add("*", self._now(), f"lost: {error.strerror or str(error) or type(error).__name__}")
            return Lost("closed")

    def _connected(self) -> _Link:
        if self._link is None:
            raise ConnectionError("not connected")
        return self._link

    def _deadline(self, limit: float) -> float:
        """The moment on the loop's clock when a step must be done."""
        left = min(limit, self._until - time.monotonic())
        return asyncio.get_running_loop().time() + max(0.0, left)

    async def _hear(self) -> Reply | Lost:
        while (reply := self._replies.next()) is None:
            data = await self._connected().read()
            if not data:
                self._unread()
                return Lost("closed")
            self._replies.feed(data)
        self._outcome = ANSWERED
        self._transcript.reply(self._now(), reply)
        return reply

    def _unread(self, line: bytes = b"") -> None:
        """Keep the beginning of what came and was no reply."""
        rest = line or self._replies.rest
        if rest:
            self._transcript.add("*", self._now(), f"unread {rest.decode('latin-1')}")

    async def _secure(self) -> Lost | None:
        dropped = self._replies.drop()
        if dropped:
            self._transcript.add("*", self._now(), f"{len(dropped)} octets sent before TLS were thrown away")
        try:
            said = await self._connected().secure(self._context)
        except (ssl.SSLError, OSError, BadReply) as error:
            self._transcript.add("*", self._now(), f"no TLS: {str(error) or type(error).__name__}")
            return Lost("tls_failed")
        self._transcript.add("*", self._now(), f"tls {said}")
        return None


class _Link:
    """A non-blocking socket, in the clear or under TLS, that takes no more octets than it may."""

    def __init__(self, host: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._octets = 0

    async def connect(self, host: str, port: int) -> None:
        await self._loop.sock_connect(self._socket, (host, port))

    async def _take(self) -> bytes:
        data = await self._loop.sock_recv(self._socket, _CHUNK)
        self._octets += len(data)
        if self._octets > _RAW_MOST:
            raise BadReply("flooded")
        return data

    async def _give(self) -> None:
        if self._outgoing.pending:
            await self._loop.sock_sendall(self._socket, self._outgoing.read())

    async def read(self) -> bytes:
        """What comes next; nothing when the other side is done."""
        if self._tls is None:
            return await self._take()
        while True:
            try:
                return self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                await self._give()
                data = await self._take()
                if not data:
                    return b""
                self._incoming.write(data)
            except ssl.SSLZeroReturnError:
                return b""

    async def write(self, data: bytes) -> None:
        if self._tls is None:
            await self._loop.sock_sendall(self._socket, data)
        else:
            self._tls.write(data)
            await self._give()

    async def secure(self, context: ssl.SSLContext) -> str:
        """Shake hands; the protocol, the cipher and the certificate in words."""
        self._tls = context.wrap_bio(self._incoming, self._outgoing)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._give()
                data = await self._take()
                if not data:
                    raise ConnectionError("closed in the handshake") from None
                self._incoming.write(data)
                continue
            finally:
                with contextlib.suppress(OSError):
                    await self._give()
            break
        cipher = self._tls.cipher()
        certificate = self._tls.getpeercert(binary_form=True) or b""
        name = cipher[0] if cipher else "?"
        return f"{self._tls.version()} {name}, certificate {hashlib.sha256(certificate).hexdigest()}, not verified"

    def close(self) -> None:
        self._socket.close()


def _tls() -> ssl.SSLContext:
    """A context that takes what old mail servers have, and any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context
