"""The SMTP side of what `answers` is for DNS: commands that may be said, replies, and the transcript that is kept.

There are eight verbs, and no way to say another: a command is made of a `Verb`, and DATA, BDAT, AUTH, VRFY and EXPN
are none. Replies are read as RFC 5321 §4.2 has them, with hard limits instead of trust: a line, a reply and a dialogue
have a length that they may not pass. A transcript is text, one event per line, so that it can be shown as it is and
read again for ever:

    S 0.012 220 mail.town.example ESMTP      what the server said, escaped, seconds after the dialogue began
    C 0.012 EHLO probe.newsroom.example      what we said
    * 0.350 form third_party                 what was done, in our own words
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import NamedTuple

SMTP = "smtp"
"""The transport of an exchange that holds a dialogue; its question has type 0, which is no DNS type."""
PORT = 25
LINE_MOST = 4096
"""Octets of one reply line; RFC 5321 §4.5.3.1.5 has 512."""
REPLY_LINES_MOST = 200
DIALOGUE_MOST = 256 << 10
"""Octets that a server may send in one dialogue."""
_KEPT_LINE, _KEPT_LINES, _KEPT_NOTE = 600, 20, 8000
"""Characters of one line, lines of one reply, and characters of one note of ours, that a transcript keeps."""
_COMMAND_MOST = 510
_SAFE_COMMAND = re.compile(r"[\x20-\x7e]*")
_REPLY = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.S)
_HOST = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))+\Z", re.I)
_MAILBOX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")


class Verb(StrEnum):
    """Everything that a dialogue can say. There is no way from RCPT to a message."""

    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    NOOP = "NOOP"
    MAIL = "MAIL"
    RCPT = "RCPT"
    RSET = "RSET"
    QUIT = "QUIT"


def command(verb: Verb, argument: str = "") -> bytes:
    """One command as it goes over the wire. Raises ValueError for anything that could be a second one."""
    if not isinstance(verb, Verb):
        raise ValueError(f"{verb!r} is no verb of the relay dialogue")
    line = f"{verb.value} {argument}" if argument else verb.value
    if not _SAFE_COMMAND.fullmatch(line) or len(line) > _COMMAND_MOST:
        raise ValueError(f"not one line of printable ASCII: {line[:60]!r}")
    return line.encode("ascii") + b"\r\n"


def is_host(name: str) -> bool:
    """Whether a text is a host name with a dot in it, and nothing else."""
    return _HOST.match(name) is not None and not name.rpartition(".")[2].isdigit()


def is_mailbox(text: str) -> bool:
    """Whether a text is one plain mail address, without quoting, routes or escapes."""
    local, _, domain = text.rpartition("@")
    return _MAILBOX.match(local) is not None and ".." not in local and not local.endswith(".") and is_host(domain)


def literal(address: str) -> str:
    """An address literal, RFC 5321 §4.1.3."""
    return f"[IPv6:{address}]" if ip_address(address).version == 6 else f"[{address}]"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code, and its lines without code, as the server sent them (Latin-1, so that nothing is lost)."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.lines)

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_for_now(self) -> bool:
        return 400 <= self.code < 500


class BadReply(Exception):
    """What came is no reply, or has no end; the word says how."""

    def __init__(self, word: str, line: bytes = b"") -> None:
        self.word, self.line = word, line
        super().__init__(word)


class Replies:
    """Octets in, replies out; nothing is kept beyond the limits. A server that talks too much is a BadReply."""

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[bytes] = []
        self._code = 0
        self._octets = 0

    def feed(self, data: bytes) -> None:
        """Take octets. Raises BadReply (flooded) when the dialogue has had enough of them."""
        self._octets += len(data)
        if self._octets > DIALOGUE_MOST:
            raise BadReply("flooded")
        self._buffer += data

    def next(self) -> Reply | None:
        """The next whole reply; None when it is not complete. Raises BadReply (flooded, nonsense)."""
        while True:
            line, found, rest = self._buffer.partition(b"\n")
            if len(line) > LINE_MOST:
                raise BadReply("flooded", line[:LINE_MOST])
            if not found:
                return None
            self._buffer = rest
            line = line.removesuffix(b"\r")
            parts = _REPLY.fullmatch(line)
            if parts is None or (self._lines and int(parts[1]) != self._code):
                raise BadReply("nonsense", line)
            self._code = int(parts[1])
            self._lines.append(parts[3] or b"")
            if parts[2] != b"-":
                reply = Reply(self._code, tuple(one.decode("latin-1") for one in self._lines))
                self._lines = []
                return reply
            if len(self._lines) >= REPLY_LINES_MOST:
                raise BadReply("flooded", line)

    @property
    def is_ahead(self) -> bool:
        """Whether something is here that nobody asked for: what came next would answer the wrong command."""
        return bool(self._buffer)

    def drop(self) -> bytes:
        """Forget what is buffered: after STARTTLS nothing that came in the clear may be believed (RFC 3207 §6)."""
        dropped, self._buffer, self._lines = self._buffer, b"", []
        return dropped

    @property
    def rest(self) -> bytes:
        """The beginning of what came and is no reply yet."""
        return (b"\n".join(self._lines) + self._buffer)[:_KEPT_LINE]


class Event(NamedTuple):
    """One line of a transcript: S, C or *; seconds after the dialogue began; its text, unescaped."""

    who: str
    at_s: float
    text: str


_THEIRS = re.compile(r"[^\x20-\x5b\x5d-\x7e]")
_OURS = re.compile(r"[\x00-\x1f\x5c\x7f-\x9f]")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def unescape(text: str) -> str:
    r"""What was written \xNN, as the octet that it was."""
    return _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)


class Transcript:
    r"""Writes a transcript: what the other side sent as printable ASCII, any other octet and the backslash as \xNN."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, who: str, at_s: float, text: str) -> None:
        """One event, its text bounded and escaped."""
        unsafe, most = (_OURS, _KEPT_NOTE) if who == "*" else (_THEIRS, _KEPT_LINE)
        kept = text if len(text) <= most else text[:most] + "..."
        escaped = unsafe.sub(lambda found: f"\\x{min(ord(found.group()), 255):02x}", kept)
        self._lines.append(f"{who} {max(0.0, at_s):.3f} {escaped}")

    def reply(self, at_s: float, reply: Reply) -> None:
        """A reply, its first lines and its last; how many were left out stands between them."""
        lines = list(reply.lines)
        left_out = len(lines) - _KEPT_LINES
        for number, line in enumerate(lines):
            is_last = number == len(lines) - 1
            if left_out > 0 and not is_last and number >= _KEPT_LINES - 1:
                if number == _KEPT_LINES - 1:
                    self.add("*", at_s, f"{left_out} lines left out")
                continue
            self.add("S", at_s, f"{reply.code}{' ' if is_last else '-'}{line}")

    def kept(self) -> bytes:
        """The transcript as it is kept."""
        return "".join(f"{line}\n" for line in self._lines).encode("utf-8", "replace")


def events(transcript: bytes) -> Iterator[Event]:
    """The events of a kept transcript, in order; a line that is none is left out."""
    for line in transcript.decode("utf-8", "replace").split("\n"):
        who, _, rest = line.partition(" ")
        at, _, text = rest.partition(" ")
        try:
            seconds = float(at)
        except ValueError:
            continue
        if who in ("S", "C", "*"):
            yield Event(who, seconds, unescape(text))
