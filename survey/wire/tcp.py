"""One DNS question over TCP (RFC 7766), for answers that UDP could not hold."""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from ..exchanges import ANSWERED, TIMEOUT, UNREACHABLE
from .queries import HEADER_EDNS, OPT

Entry = TypeVar("Entry")


def over_tcp(address: tuple[str, int], question: bytes, timeout_s: float) -> tuple[str, bytes]:
    """One question over TCP, all of it within the time-out, however slowly the server drips."""
    end = time.monotonic() + timeout_s
    id_ = secrets.token_bytes(2)
    message = id_ + HEADER_EDNS + question + OPT

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


class Streams(Generic[Entry]):
    """Questions over TCP, in threads beside the loop; `wake` can be read when one of them has ended."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="dns-tcp")
        self._open: dict[Future[tuple[str, bytes]], Entry] = {}
        self.wake, self._waker = socket.socketpair()
        self.wake.setblocking(False)

    def __len__(self) -> int:
        return len(self._open)

    def ask(self, address: tuple[str, int], question: bytes, timeout_s: float, entry: Entry) -> None:
        """Ask over TCP; `entry` comes back with what was heard."""
        future = self._pool.submit(over_tcp, address, question, timeout_s)
        self._open[future] = entry
        future.add_done_callback(self._woken)

    def ended(self) -> list[tuple[Entry, str, bytes]]:
        """What has ended since: its entry, the outcome and the bytes."""
        with contextlib.suppress(BlockingIOError):
            self.wake.recv(4096)
        return [(self._open.pop(one), *one.result()) for one in [one for one in self._open if one.done()]]

    def close(self) -> None:
        """Wait for nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.wake.close()
        self._waker.close()

    def _woken(self, _: Future[tuple[str, bytes]]) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")
