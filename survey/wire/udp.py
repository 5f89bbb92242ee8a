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


class UdpSocket(Generic[Entry]):
    """One socket to one server; `pending` holds what waits for an answer by its id's two bytes, the oldest first."""

    __slots__ = ("_ids", "pending", "server", "sock", "use_gso")

    def __init__(self, server: int, address: tuple[str, int], *, use_gso: bool) -> None:
        self.server = server
        self.sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        self.sock.connect(address)
        self.use_gso = use_gso
        self._ids: list[bytes] = []
        self.pending: dict[bytes, Entry] = {}

    def new_id(self) -> bytes:
        """A random id that nothing outstanding bears."""
        while True:
            if not self._ids:
                drawn = os.urandom(4096)
                self._ids = [drawn[at : at + 2] for at in range(0, len(drawn), 2)]
            found = self._ids.pop()
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
            except OSError:
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
