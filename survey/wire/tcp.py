"""One DNS question over TCP (RFC 7766), for answers that UDP could not hold."""

from __future__ import annotations

import secrets
import socket
import time

from ..exchanges import ANSWERED, TIMEOUT, UNREACHABLE
from .queries import HEADER_EDNS, OPT


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
