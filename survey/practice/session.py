"""One connection to one practice mail server, and everything that such a server can do wrong.

No message can be given to it: it knows no DATA. Every command is recorded as it was said.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
import sys
from dataclasses import dataclass, field

KINDS = (
    *("closed", "open", "percent_open", "accepts_all", "greylisting", "refuses_us", "refuses_connection", "hangs_up"),
    *("helo_only", "bad_certificate", "broken_tls", "tarpit", "endless_line", "endless_reply", "resets", "resets_late"),
    *("garbage", "two_replies", "eight_bit", "never_greets", "deaf", "nobody_there"),
)
NEVER = frozenset({"DATA", "BDAT", "AUTH", "VRFY", "EXPN"})
"""What no dialogue may say: whoever serves practice mail servers fails when one of them heard it."""
HOSTILE = KINDS[KINDS.index("broken_tls") :]
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


class Session(asyncio.Protocol):
    """One connection to one server."""

    def __init__(self, mailer: Mailer, record: Record, at_once: dict[str, int], context: ssl.SSLContext) -> None:
        self._mailer, self._record, self._at_once, self._context = mailer, record, at_once, context
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._refused = 0
        self._is_open = self._is_babbling = self._is_full = self._is_securing = False
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
        self._read_lines()

    def _read_lines(self) -> None:
        while b"\n" in self._buffer and not self._is_securing:
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
                found.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                )
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
                self._say("250 2.0.0 Ok\r\n250 2.0.0 Ok" if kind == "two_replies" else "250 2.0.0 Ok")
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
            self._is_securing = True
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
            # The first command may come with the end of the handshake, before there is a transport to answer it.
            self._transport = secured
            self._is_securing = False
            self._read_lines()

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
