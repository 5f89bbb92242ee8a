"""Practice mail servers: thousands in one child process, each on a port of 127.0.0.1, good ones and hostile ones.

They are ready when `with` returns, and end when they are told to or when the parent dies. No message can be given to
them: they know no DATA. Every command and every connection is recorded, so that tests can prove what was said to whom.
The certificate of those that offer TLS is expired and somebody else's (`expired.pem`, made for this, worth nothing).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import ssl
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from .session import NEVER, Mailer, Record, Session

_CERTIFICATE = Path(__file__).with_name("expired.pem")


class _Server:
    """The child's side: listening sockets, the record, and a thread that hears the parent."""

    def __init__(self, mailers: Sequence[Mailer], control: Connection) -> None:
        self._mailers, self._control = mailers, control
        self._record = Record()
        self._at_once: dict[str, int] = {}
        self._held: list[socket.socket] = []
        """Ports that are bound and never listen: nobody else can be there either."""

    async def serve(self) -> None:
        """Listen, tell the parent the ports, and serve until it says stop or is gone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_CERTIFICATE)
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        ports: dict[str, int] = {}
        for mailer in self._mailers:
            one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            one.bind(("127.0.0.1", 0))
            ports[mailer.address] = one.getsockname()[1]
            if mailer.kind == "nobody_there":
                self._held.append(one)
                continue
            await loop.create_server(self._sessions(mailer, context), sock=one, backlog=16)
        self._control.send(ports)
        threading.Thread(target=self._hear, args=(loop, stop), daemon=True).start()
        await stop.wait()

    def _sessions(self, mailer: Mailer, context: ssl.SSLContext) -> _Sessions:
        return _Sessions(mailer, self._record, self._at_once, context)

    def _hear(self, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
        while True:
            try:
                order = self._control.recv()
            except (EOFError, OSError):
                break
            if order != "record":
                break
            self._control.send(self._record)
        loop.call_soon_threadsafe(stop.set)


class _Sessions:
    """Makes a session per connection."""

    def __init__(self, mailer: Mailer, record: Record, at_once: dict[str, int], context: ssl.SSLContext) -> None:
        self._parts = (mailer, record, at_once, context)

    def __call__(self) -> Session:
        return Session(*self._parts)


def _main(mailers: Sequence[Mailer], control: Connection) -> None:
    allow_open_files(len(mailers) + 1000)
    try:
        asyncio.run(_Server(mailers, control).serve())
    except KeyboardInterrupt:
        return


def allow_open_files(count: int) -> None:
    """Let this process hold so many sockets, as far as the system lets it."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - POSIX only

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class MailServers:
    """Practice mail servers in a child process; a context manager."""

    def __init__(self, mailers: Sequence[Mailer]) -> None:
        context = multiprocessing.get_context("spawn")
        self._control, self._theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(tuple(mailers), self._theirs), daemon=True)
        self._ports: Mapping[str, int] = {}

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        self._ports = self._control.recv()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        said: set[str] = set()
        try:
            said = self.record().verbs & NEVER
            self._control.send("stop")
        except (OSError, EOFError):
            pass
        self._control.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        if said:
            raise AssertionError(
                f"a practice mail server was told {', '.join(sorted(said))}, which nobody may ever say"
            )

    def reach(self, address: str, port: int) -> tuple[str, int]:
        """Where a practice address is served; there is nothing anywhere else."""
        if port != 25:
            return "127.0.0.1", port
        if address not in self._ports:
            raise ConnectionRefusedError(f"no practice mail server has the address {address}")
        return "127.0.0.1", self._ports[address]

    def record(self) -> Record:
        """What was said to the servers so far."""
        self._control.send("record")
        found: Record = self._control.recv()
        return found
