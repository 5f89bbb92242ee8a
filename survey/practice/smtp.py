"""Practice mail servers: thousands in one child process, each on a port of 127.0.0.1, good ones and hostile ones.

They are ready when `with` returns, and end when they are told to or when the parent dies. No message can be given to
them: they know no DATA. Every command and every connection is recorded, so that tests can prove what was said to whom.
The certificate of those that offer TLS is expired and somebody else's (`expired.pem`, made for this, worth nothing).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

KINDS = (
    *("closed", "open", "percent_open", "accepts_all", "greylisting", "refuses_us", "refuses_connection", "hangs_up"),
    *("helo_only", "bad_certificate", "broken_tls", "tarpit", "endless_line", "endless_reply", "resets", "resets_late"),
    *("garbage", "eight_bit", "never_greets", "deaf", "nobody_there"),
)
NEVER = frozenset({"DATA", "BDAT", "AUTH", "VRFY", "EXPN"})
"""What no dialogue may say: whoever serves practice mail servers fails when one of them heard it."""
HOSTILE = KINDS[KINDS.index("broken_tls") :]
_CERTIFICATE = Path(__file__).with_name("expired.pem")
_KNOWN_USERS = ("postmaster", "abuse", "info")
_LINE_MOST = 2048
_EIGHT_BIT = "ようこそ 町役場 \u00e9".encode("cp932", "replace") + b"\xff\x1b[31m"


@dataclass(frozen=True, slots=True)
class Mailer:
    """One practice server: its address, the name and mail domains it has, how it behaves, what its greeting says."""

    address: str
    name: str
    domains: tuple[str, ...]
    kind: str = "closed"
    greeting: str = "ESMTP Postfix"
    denial: str = "554 5.7.1 {recipient}: Relay access denied"


@dataclass(slots=True)
class Record:
    """What was said to the servers: connections and the most at once per address, and every command."""

    connections: dict[str, int] = field(default_factory=dict)
    most_at_once: dict[str, int] = field(default_factory=dict)
    commands: list[tuple[str, str]] = field(default_factory=list)

    @property
    def verbs(self) -> set[str]:
        """Every verb that was said."""
        return {line.partition(" ")[0].upper() for _, line in self.commands}


class _Session(asyncio.Protocol):
    """One connection to one server."""

    def __init__(self, mailer: Mailer, record: Record, at_once: dict[str, int], context: ssl.SSLContext) -> None:
        self._mailer, self._record, self._at_once, self._context = mailer, record, at_once, context
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._refused = 0
        self._is_open = self._is_babbling = self._is_full = False
        self._late = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            return
        is_secured = self._transport is not None
        self._transport = transport
        if is_secured:
            return
        address, record = self._mailer.address, self._record
        record.connections[address] = record.connections.get(address, 0) + 1
        self._at_once[address] = self._at_once.get(address, 0) + 1
        record.most_at_once[address] = max(record.most_at_once.get(address, 0), self._at_once[address])
        self._is_open = True
        self._greet()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_open:
            self._at_once[self._mailer.address] -= 1
        self._is_open = False

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False

    def data_received(self, data: bytes) -> None:
        if self._is_babbling:
            self._write(b"\x00no TLS at all\xff")
            return
        self._buffer = (self._buffer + data)[-_LINE_MOST:]
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            text = line.rstrip(b"\r").decode("latin-1")
            self._record.commands.append((self._mailer.address, text))
            self._obey(text)

    # -- saying ------------------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        if self._transport is not None and self._is_open and not self._transport.is_closing():
            self._transport.write(data)

    def _say(self, text: str) -> None:
        self._write(text.encode("latin-1", "replace") + b"\r\n")

    def _reset(self) -> None:
        if self._transport is not None:
            found = self._transport.get_extra_info("socket")
            if found is not None:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _drip(self) -> None:
        """A byte a second."""
        if self._late and self._is_open:
            self._write(self._late[:1])
            self._late = self._late[1:]
            asyncio.get_running_loop().call_later(1.0, self._drip)

    def _pour(self, chunk: bytes) -> None:
        """The same octets for ever, as fast as they are taken."""
        if self._is_open:
            if not self._is_full:
                self._write(chunk)
            asyncio.get_running_loop().call_later(0.005, self._pour, chunk)

    def _greet(self) -> None:
        mailer = self._mailer
        match mailer.kind:
            case "never_greets":
                return
            case "tarpit":
                self._late = f"220 {mailer.name} {mailer.greeting}\r\n".encode()
                self._drip()
            case "endless_line":
                self._pour(b"220 " + b"x" * 8188)
            case "resets":
                self._reset()
            case "garbage":
                self._write(bytes(range(128, 256)) + b"\r\n")
            case "eight_bit":
                self._write(b"220 " + mailer.name.encode() + b" ESMTP " + _EIGHT_BIT + b"\r\n")
            case "refuses_connection":
                self._say(f"554 {mailer.name} no SMTP service here")
            case _:
                self._say(f"220 {mailer.name} {mailer.greeting}")

    # -- obeying -----------------------------------------------------------------------------------------------

    def _obey(self, line: str) -> None:
        verb = line.partition(" ")[0].upper()
        kind = self._mailer.kind
        if kind in ("deaf", "tarpit", "never_greets"):
            return
        if kind == "resets_late" and verb == "RCPT":
            self._reset()
            return
        match verb:
            case "EHLO":
                self._ehlo()
            case "HELO":
                self._say(f"250 {self._mailer.name}")
            case "STARTTLS":
                self._starttls()
            case "MAIL" | "RSET" | "NOOP":
                self._say("250 2.0.0 Ok")
            case "RCPT":
                self._say(self._recipient(line.partition("<")[2].rpartition(">")[0]))
            case "QUIT":
                self._say("221 2.0.0 Bye")
                self._close()
            case _:
                self._say("502 5.5.2 Error: command not recognized")

    def _ehlo(self) -> None:
        name, kind = self._mailer.name, self._mailer.kind
        if kind == "helo_only":
            self._say("502 5.5.1 command not implemented")
        elif kind == "endless_reply":
            self._write(f"250-{name}\r\n".encode() + b"".join(b"250-X-%d\r\n" % number for number in range(10_000)))
        elif kind in ("bad_certificate", "broken_tls"):
            self._write(f"250-{name}\r\n250-STARTTLS\r\n250 8BITMIME\r\n".encode())
        else:
            self._write(f"250-{name}\r\n250-PIPELINING\r\n250 8BITMIME\r\n".encode())

    def _starttls(self) -> None:
        if self._mailer.kind == "broken_tls":
            self._is_babbling = True
            self._write(b"220 2.0.0 Ready\r\n" + b"\x00no TLS at all\xff" * 20)
        elif self._mailer.kind == "bad_certificate":
            self._say("220 2.0.0 Ready to start TLS")
            self._task = asyncio.get_running_loop().create_task(self._secure())
        else:
            self._say("502 5.5.1 command not implemented")

    async def _secure(self) -> None:
        if self._transport is None:
            return
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(self._transport, self, self._context, server_side=True)
        except (OSError, ssl.SSLError):
            return
        if isinstance(secured, asyncio.Transport):
            self._transport = secured

    def _recipient(self, path: str) -> str:
        """What this kind of server says to a recipient."""
        mailer = self._mailer
        if self._refused >= 3 and mailer.kind == "hangs_up":
            return f"421 4.7.0 {mailer.name} Error: too many errors"
        self._refused += 1
        if mailer.kind == "accepts_all":
            return "250 2.1.5 Ok"
        if mailer.kind == "greylisting":
            return f"450 4.2.0 <{path}>: Recipient address rejected: Greylisted, try again in 300 seconds"
        if mailer.kind == "refuses_us":
            return "554 5.7.1 Service unavailable; client host blocked using zen.dnsbl.example"
        local, _, domain = re.sub(r"^@[^:]*:", "", path).rpartition("@")
        own = {*mailer.domains, mailer.name, f"[{mailer.address}]", f"[IPv6:{mailer.address}]"}
        is_own = domain.lower() in own
        if mailer.kind == "percent_open" and is_own and "%" in local and '"' not in local:
            return "250 2.1.5 Ok"
        if not local or '"' in local or "@" in local:
            return "501 5.1.3 Bad recipient address syntax"
        if is_own:
            known = local.lower() in _KNOWN_USERS
            return "250 2.1.5 Ok" if known else f"550 5.1.1 <{path}>: User unknown in local recipient table"
        return "250 2.1.5 Ok" if mailer.kind == "open" else mailer.denial.format(recipient=f"<{path}>")


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

    def __call__(self) -> _Session:
        return _Session(*self._parts)


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
