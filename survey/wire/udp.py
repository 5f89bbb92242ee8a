"""Connected UDP sockets with random ids, and UDP GSO where the kernel has it.

A connected socket hears nobody but its server: the kernel drops the rest. Ids come from the operating system's source
of randomness; none is used twice at a time. With GSO (`UDP_SEGMENT`, Linux 4.18 and newer) one call hands the kernel
many questions of one length.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Generic, TypeVar

Entry = TypeVar("Entry")

_UDP_SEGMENT = 103
_GSO_MOST = 48
_BUFFER = 4 << 20
_DRAWN = 2048
"""Ids that are drawn at once."""


class UdpSocket(Generic[Entry]):
    """One socket to one server; `pending` holds what waits for an answer by its id's two bytes, the oldest first."""

    __slots__ = ("_ids", "_staged", "pending", "server", "sock", "use_gso")

    def __init__(self, server: int, address: tuple[str, int], *, use_gso: bool) -> None:
        self.server = server
        self.sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        self.sock.connect(address)
        self.use_gso = use_gso
        self._ids: list[bytes] = []
        self._staged: dict[int, list[bytes]] = {}
        self.pending: dict[bytes, Entry] = {}

    def new_ids(self, count: int) -> list[bytes]:
        """Random ids that nothing outstanding bears, each another."""
        found: dict[bytes, None] = {}
        while len(found) < count:
            wanted = count - len(found)
            if len(self._ids) < wanted:
                drawn = os.urandom(2 * max(_DRAWN, wanted))
                self._ids = [drawn[at : at + 2] for at in range(0, len(drawn), 2)]
            found.update(dict.fromkeys(self._ids[-wanted:]))
            del self._ids[-wanted:]
            for id_ in found.keys() & self.pending.keys():
                del found[id_]
        return list(found)

    def stage(self, size: int) -> list[bytes]:
        """Where packets of one length gather, piece by piece, until they are sent together."""
        if (pieces := self._staged.get(size)) is None:
            pieces = self._staged[size] = []
        return pieces

    def send(self) -> None:
        """Send what has gathered; a full or refusing socket is no error here: a question's time-out speaks for it."""
        staged, self._staged = self._staged, {}
        for size, pieces in staged.items():
            packets = b"".join(pieces)
            if self.use_gso and len(packets) > size and self._send_segments(size, packets):
                continue
            for start in range(0, len(packets), size):
                try:
                    self.sock.send(packets[start : start + size])
                except OSError:
                    continue

    def _send_segments(self, size: int, packets: bytes) -> bool:
        control = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", size))]
        most = _GSO_MOST * size
        for start in range(0, len(packets), most):
            try:
                self.sock.sendmsg([packets[start : start + most]], control)
            except BlockingIOError:
                continue
            except OSError:
                # No GSO on this path (an old kernel, a strange device): plain sends from now on, this batch too.
                # A refused port reports itself here as well; then nothing was sent and time-outs tell.
                self.use_gso = False
                return start > 0
        return True
