"""A name server for tests that answers truthfully and never twice alike: lost packets, SERVFAIL, order, case, TTL, caches.

What is noise and what is not is drawn from a seed and the question, so that a wave can be had again. A question may be
lost or answered with SERVFAIL once (a retry gets through) or for the whole wave; every other answer is the truth, with
its records in another order, host names in other letter case, another TTL, and now as the owner's own, now from a cache.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from random import Random

from survey.names import encode_name

A, NS, SOA, MX, TXT, AAAA = 1, 2, 6, 15, 16, 28
_SELF = b"\xc0\x0c"
_SOA = b"\x02ns\x07invalid\0\x04root\x07invalid\0" + struct.pack("!5I", 1, 3600, 600, 86400, 300)


class NoisyServer:
    """Answers on a free port of 127.0.0.1 while the `with` lasts.

    `records` are the truth: per (name, type) the record data; a name that has any is there, every other does not exist.
    `gone` are names whose MX is answered not to be there; `ill` are answered SERVFAIL for ever; about `calm` names there
    is no noise.
    """

    def __init__(
        self, records, seed, *, lost=0.03, failing=0.02, silent=0.004, gone=(), ill=(), calm=lambda name: False
    ):
        self.records, self.seed = records, seed
        self.lost, self.failing, self.silent = lost, failing, silent
        self.gone, self.ill, self.calm = frozenset(gone), frozenset(ill), calm
        self.names = {name for name, _ in records}
        self.asked: Counter[tuple[str, int]] = Counter()
        self.noise: Counter[str] = Counter()
        self._random = Random(seed)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"stop", self.address)
        self._thread.join(5)
        self._socket.close()

    def _serve(self):
        while True:
            try:
                data, sender = self._socket.recvfrom(4096)
            except ConnectionError:
                continue
            if data == b"stop":
                return
            if reply := self._answer(data):
                self._socket.sendto(reply, sender)

    def _answer(self, data):
        end = data.index(b"\0", 12) + 5
        question = data[12:end]
        labels, at = [], 0
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode("latin-1").lower())
            at += 1 + question[at]
        name, type_ = ".".join(labels), int.from_bytes(question[-4:-2], "big")
        self.asked[name, type_] += 1
        fate = Random(f"{self.seed} {name} {type_}").random()
        is_first = self.asked[name, type_] == 1
        if not self.calm(name):
            for word, share, always in (("silent", self.silent, True), ("servfail", self.silent, True), ("lost", self.lost, False), ("failing", self.failing, False)):  # fmt: skip
                if fate < share and (always or is_first):
                    self.noise[word] += 1
                    return b"" if word in ("silent", "lost") else self._message(data, question, 2, [])
                fate -= share
        if name in self.ill:
            return self._message(data, question, 2, [])
        if name in self.gone and type_ == MX:
            return self._message(data, question, 0, [], denial=True)
        found = list(self.records.get((name, type_), ()))
        self._random.shuffle(found)
        ttl = self._random.randint(1, 86_400)
        records = [_SELF + struct.pack("!HHIH", type_, 1, ttl, len(one)) + one for one in map(self._cased, found)]
        rcode = 0 if name in self.names else 3
        return self._message(data, question, rcode, records, denial=not records)

    def _cased(self, data):
        """Record data with the letters of host names in another case."""
        if not isinstance(data, tuple):
            return data
        preference, host = data
        return struct.pack("!H", preference) + bytes(
            one ^ 32 if 97 <= one <= 122 and self._random.random() < 0.5 else one for one in encode_name(host)
        )

    def _message(self, data, question, rcode, records, *, denial=False):
        flags = 0x85 if self._random.random() < 0.5 else 0x81
        authority = b"\0" + struct.pack("!HHIH", SOA, 1, 300, len(_SOA)) + _SOA if denial else b""
        edns = b"\0\0\x29\x04\xd0\0\0\0\0\0\0" if data[11] else b""
        head = struct.pack("!BBHHHH", flags, 0x80 | rcode, 1, len(records), bool(denial), bool(edns))
        return data[:2] + head + question + b"".join(records) + authority + edns
