"""The practice country's name server: real UDP and TCP on 127.0.0.1, for everything from MX records to blocklists.

It runs in a process of its own, is ready when `with` returns, and ends when it is told to or when its parent dies. Its
answers are bytes made beforehand, found by the question's bytes; a list's zone is looked up by the labels behind the
reversed address. It counts every question, so that tests can prove what was asked. It imports nothing of the survey but
the codec of names.
"""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from ..names import encode_name, reverse_wire
from .country import Country
from .facts import IPV6_ZONES
from .hiding import WILD

A, CNAME, SOA, PTR, MX, TXT, AAAA = 1, 5, 6, 12, 15, 16, 28
_NOERROR, _FORMERR, _SERVFAIL, _NXDOMAIN, _REFUSED = 0, 1, 2, 3, 5
_TTL = 300
_OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
SILENT = b""
"""An answer that never comes."""


@dataclass(slots=True)
class Zone:
    """One list: its mode (ok, world, refusing, parked, silent, emptied), and when it turns into another."""

    mode: str = "ok"
    after: int | None = None
    becomes: str = ""
    asked: int = 0


@dataclass(slots=True)
class Answers:
    """Everything the server knows: what it answers, beside the questions themselves."""

    exact: dict[bytes, bytes] = field(default_factory=dict)
    """Question bytes → flags, counts and records (everything behind the id but the question)."""
    names: set[bytes] = field(default_factory=set)
    """Names that exist, so that other types of them are NODATA."""
    zones: dict[bytes, Zone] = field(default_factory=dict)
    wild: dict[bytes, bytes] = field(default_factory=dict)
    """Names for which, and below which, every MX question has this answer."""
    only_tcp: set[bytes] = field(default_factory=set)
    only_plain: set[bytes] = field(default_factory=set)
    rewrites_to: str = ""
    """An address that is answered in place of NXDOMAIN, as some providers' resolvers do; empty for honesty."""
    offers_recursion: bool = True


def _wire_question(name: str, type_: int) -> bytes:
    return encode_name(name) + struct.pack("!HH", type_, 1)


def _body(rcode: int, records: Sequence[bytes] = (), authority: Sequence[bytes] = ()) -> bytes:
    """Flags (QR AA RD RA), and the counts of answer and authority, in front of the records."""
    return struct.pack("!BBHH", 0x85, 0x80 | rcode, len(records), len(authority)) + b"".join((*records, *authority))


def _record(owner: bytes, type_: int, data: bytes) -> bytes:
    return owner + struct.pack("!HHIH", type_, 1, _TTL, len(data)) + data


_SELF = b"\xc0\x0c"
_SOA = b"\x02ns\x07example\0\x04root\x07example\0" + struct.pack("!5I", 1, 3600, 600, 86400, _TTL)
_DENIAL = _record(b"\x07example\0", SOA, _SOA)


def _addresses(country: Country, host: str, type_: int, owner: bytes) -> tuple[int, list[bytes]]:
    """RCODE and records of a host's address question, aliases first; RCODE -1 for silence."""
    facts = country.hosts[host]
    if facts.alias_of is not None:
        rcode, records = _addresses(country, facts.alias_of, type_, encode_name(facts.alias_of))
        return rcode, [_record(owner, CNAME, encode_name(facts.alias_of)), *records]
    rcode = {"ok": _NOERROR, "silent": -1, "servfail": _SERVFAIL, "nxdomain": _NXDOMAIN}[facts.behaviour]
    found = (facts.ipv4 if type_ == A else facts.ipv6) if rcode == _NOERROR else []
    return rcode, [_record(owner, type_, ip_address(address).packed) for address in found]


def answer_with_address(made: Answers, host: str, address: str) -> None:
    """Let the server know one more host, with one address."""
    type_ = AAAA if ":" in address else A
    made.names.add(encode_name(host))
    made.exact[_wire_question(host, type_)] = _body(_NOERROR, [_record(_SELF, type_, ip_address(address).packed)])


def answers_of(country: Country) -> Answers:
    """Every answer that the country's servers give."""
    made = Answers(
        zones={encode_name(zone): Zone(country.dead.get(zone, "ok")) for zone in (*country.healthy, *country.dead)}
    )
    for domain, facts in country.domains.items():
        question = _wire_question(domain, MX)
        rcode = {"nxdomain": _NXDOMAIN, "servfail": _SERVFAIL, "refused": _REFUSED}.get(facts.behaviour, _NOERROR)
        if facts.behaviour == "silent":
            made.exact[question] = SILENT
        elif facts.behaviour == "null":
            made.exact[question] = _body(_NOERROR, [_record(_SELF, MX, b"\0\0\0")])
        elif facts.exchangers:
            records = [_record(_SELF, MX, struct.pack("!H", p) + encode_name(host)) for p, host in facts.exchangers]
            made.exact[question] = _body(_NOERROR, records)
        elif rcode != _NXDOMAIN:
            made.exact[question] = _body(rcode, (), [_DENIAL] if rcode == _NOERROR else ())
        if rcode != _NXDOMAIN:
            made.names.add(encode_name(domain))
        if facts.is_big:
            made.only_tcp.add(question)
        if facts.needs_no_edns:
            made.only_plain.add(question)
    for host, one in country.hosts.items():
        if one.behaviour != "nxdomain":
            made.names.add(encode_name(host))
        for type_ in (A, AAAA):
            rcode, records = _addresses(country, host, type_, _SELF)
            if rcode < 0:
                made.exact[_wire_question(host, type_)] = SILENT
            elif records or rcode == _SERVFAIL:
                needs_denial = bool(records) and records[-1][2:4] == struct.pack("!H", CNAME)
                made.exact[_wire_question(host, type_)] = _body(rcode, records, [_DENIAL] if needs_denial else ())
    _add_hidden(made, country)
    _tell_texts(made, country)
    for zone, listed in country.listed.items():
        for address, codes in listed.items():
            add_listing(made, zone, reverse_wire(address), codes, f"{address} is listed, see https://{zone}/lookup")
        points = {
            "abuse.dnsbl.example": ("127.0.0.2", "127.0.0.4", "127.0.0.10"),
            "policy.dnsbl.example": ("127.0.0.10",),
        }
        tests = points.get(zone, ("127.0.0.1",) if zone.startswith("white.") else ("127.0.0.2",))
        for address in ("127.0.0.2", "::ffff:7f00:2")[: 2 if zone in IPV6_ZONES else 1]:
            add_listing(made, zone, reverse_wire(address), tests, "test point")
    _tell_networks(made, country)
    for (zone, address), behaviour in country.pair_behaviour.items():
        question = reverse_wire(address) + encode_name(zone) + struct.pack("!HH", A, 1)
        made.exact[question] = SILENT if behaviour == "silent" else _body(_SERVFAIL)
    return made


def _add_hidden(made: Answers, country: Country) -> None:
    """The zones of hidden domains, and the decoys beside them."""
    hidden = country.hidden
    for domain in hidden.zones:
        made.exact[_wire_question(domain, SOA)] = _body(_NOERROR, [_record(_SELF, SOA, _SOA)])
    park = _body(_NOERROR, [_record(_SELF, MX, b"\0\x0a" + encode_name("mx.parking.example"))])
    made.wild |= {encode_name(name): park for name in (*hidden.parked, WILD)}
    for domain in hidden.null:
        made.exact[_wire_question(domain, MX)] = _body(_NOERROR, [_record(_SELF, MX, b"\0\0\0")])
        made.names.add(encode_name(domain))
    for domain in hidden.silent:
        made.exact[_wire_question(domain, MX)] = SILENT


def _tell_networks(made: Answers, country: Country) -> None:
    """Origin and AS names as TXT, in Team Cymru's form, and the PTR of every address."""
    for address, (asn, prefix) in country.origins.items():
        zone = "origin6.asn.example" if ":" in address else "origin.asn.example"
        question = reverse_wire(address) + encode_name(zone) + struct.pack("!HH", TXT, 1)
        made.exact[question] = _body(_NOERROR, [_text_record(f"{asn} | {prefix} | ZZ | practice | 2002-03-16")])
    for asn, name in country.as_names.items():
        question = _wire_question(f"as{asn}.asn.example", TXT)
        made.exact[question] = _body(_NOERROR, [_text_record(f"{asn} | ZZ | practice | 2002-03-16 | {name}")])
    for address, (name, behaviour) in country.pointers.items():
        arpa = "ip6.arpa" if ":" in address else "in-addr.arpa"
        question = reverse_wire(address) + encode_name(arpa) + struct.pack("!HH", PTR, 1)
        told = {"ok": _body(_NOERROR, [_record(_SELF, PTR, encode_name(name))]), "servfail": _body(_SERVFAIL)}
        made.exact[question] = told.get(behaviour, SILENT if behaviour == "silent" else _ABSENT)


def _text_record(text: str) -> bytes:
    """A TXT record, its text as character-strings of 255 octets (RFC 7208 §3.3)."""
    chunks = [text.encode()[at : at + 255] for at in range(0, len(text), 255)]
    return _record(_SELF, TXT, b"".join(bytes((len(chunk),)) + chunk for chunk in chunks))


def _tell_texts(made: Answers, country: Country) -> None:
    """The TXT records of domains: SPF, DMARC, and whatever else stands beside them."""
    rcodes = {"ok": _NOERROR, "servfail": _SERVFAIL, "refused": _REFUSED}
    for name, facts in country.declarations.texts.items():
        question = _wire_question(name, TXT)
        made.names.add(encode_name(name))
        if facts.behaviour == "silent":
            made.exact[question] = SILENT
            continue
        made.exact[question] = _body(rcodes[facts.behaviour], [_text_record(text) for text in facts.texts])
        if facts.only_tcp:
            made.only_tcp.add(question)


def add_listing(made: Answers, zone: str, half: bytes, codes: Sequence[str], text: str) -> None:
    """Put one address (its reversed labels) on a list, with its codes and its own words."""
    name = half + encode_name(zone)
    records = [_record(_SELF, A, ip_address(code).packed) for code in codes]
    made.exact[name + struct.pack("!HH", A, 1)] = _body(_NOERROR, records)
    made.exact[name + struct.pack("!HH", TXT, 1)] = _body(_NOERROR, [_text_record(text)])


_WORLD = {
    "world": _body(_NOERROR, [_record(_SELF, A, bytes((127, 0, 0, 2)))]),
    "refusing": _body(_NOERROR, [_record(_SELF, A, bytes((127, 255, 255, 254)))]),
    "parked": _body(_NOERROR, [_record(_SELF, A, bytes((203, 0, 113, 10)))]),
    "emptied": _body(_NXDOMAIN, (), [_DENIAL]),
    "servfail": _body(_SERVFAIL),
    "silent": SILENT,
}
_ABSENT = _body(_NXDOMAIN, (), [_DENIAL])
_NO_DATA = _body(_NOERROR, (), [_DENIAL])
_FORMERR_BODY = _body(_FORMERR)
_TRUNCATED = struct.pack("!BBHH", 0x87, 0x80, 0, 0)


class _Server:
    """The child's side: sockets, answers, counts."""

    def __init__(self, answers: Answers, delay_s: float) -> None:
        self._answers, self._delay_s = answers, delay_s
        lie = [_record(_SELF, A, ip_address(answers.rewrites_to).packed)] if answers.rewrites_to else []
        self._absent = _body(_NOERROR, lie) if lie else _ABSENT
        self.counts: dict[bytes, int] = {}
        self._held: deque[tuple[float, bytes, tuple[str, int]]] = deque()
        for _ in range(20):
            self._tcp = socket.create_server(("127.0.0.1", 0), backlog=64)
            self.port: int = self._tcp.getsockname()[1]
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._udp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self._tcp.close()
                self._udp.close()
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._udp.setsockopt(socket.SOL_SOCKET, option, 8 << 20)
        self._udp.setblocking(False)

    def answer(self, data: bytes, is_tcp: bool = False) -> bytes:
        """The answer to one message; empty for silence."""
        end = data.find(b"\0", 12) + 5
        if end < 17 or len(data) < end:
            return SILENT
        asked = data[12:end]
        question = asked.lower()
        self.counts[question] = self.counts.get(question, 0) + 1
        known = self._answers
        body = known.exact.get(question)
        zone = self._zone(question, end - 16)
        if zone is not None:
            zone.asked += 1
            if zone.after is not None and zone.asked > zone.after:
                zone.mode = zone.becomes
            if zone.mode != "ok":
                body = _WORLD[zone.mode]
        if body is None and zone is None and known.wild:
            body = self._wildcard(question)
        if body is None:
            body = _NO_DATA if question[:-4] in known.names else self._absent
        elif body == SILENT:
            return SILENT
        if not known.offers_recursion:
            body = body[:1] + bytes((body[1] & 0x7F,)) + body[2:]
        has_edns = data[11] > 0
        if has_edns and question in known.only_plain:
            return data[:2] + _FORMERR_BODY[:2] + b"\0\1\0\0\0\0\0\0" + asked
        if not is_tcp and question in known.only_tcp:
            body = _TRUNCATED
        if has_edns:
            return data[:2] + body[:2] + b"\0\1" + body[2:6] + b"\0\1" + asked + body[6:] + _OPT
        return data[:2] + body[:2] + b"\0\1" + body[2:6] + b"\0\0" + asked + body[6:]

    def _wildcard(self, question: bytes) -> bytes | None:
        """What is answered for every name at or below a wild one; NODATA for types other than MX."""
        at, end = 0, len(question) - 5
        while at < end:
            found = self._answers.wild.get(question[at:-4])
            if found is not None:
                return found if question[-4:-2] == b"\0\x0f" else _NO_DATA
            at += question[at] + 1
        return None

    def _zone(self, question: bytes, end: int) -> Zone | None:
        """The list whose zone stands behind four labels, or behind 32 of one letter."""
        at = 64 if question[0] == 1 and end > 70 and question[2] == 1 and question[62] == 1 else 0
        if not at:
            for _ in range(4):
                at += question[at] + 1
                if at >= end:
                    return None
        return self._answers.zones.get(question[at : end + 0])

    def serve(self, control: Connection) -> None:
        """Answer until the parent says stop, or is gone."""
        threading.Thread(target=self._serve_tcp, daemon=True).start()
        selector = selectors.DefaultSelector()
        selector.register(self._udp, selectors.EVENT_READ)
        selector.register(control, selectors.EVENT_READ)
        receive, send, answer = self._udp.recvfrom, self._udp.sendto, self.answer
        while True:
            nap = max(0.0, self._held[0][0] - time.monotonic()) if self._held else None
            for key, _ in selector.select(nap):
                if key.fileobj is control:
                    if not self._obey(control):
                        return
                    continue
                for _ in range(200):
                    try:
                        data, sender = receive(4096)
                    except (BlockingIOError, ConnectionError):
                        break
                    reply = answer(data)
                    if not reply:
                        continue
                    if self._delay_s:
                        self._held.append((time.monotonic() + self._delay_s, reply, sender))
                    else:
                        try:
                            send(reply, sender)
                        except OSError:
                            continue
            now = time.monotonic()
            while self._held and self._held[0][0] <= now:
                _, reply, sender = self._held.popleft()
                send(reply, sender)

    def _obey(self, control: Connection) -> bool:
        try:
            order = control.recv()
        except (EOFError, OSError):
            return False
        if order == "counts":
            control.send(self.counts)
        elif order == "reset":
            self.counts = {}
            control.send(None)
        else:
            return False
        return True

    def _serve_tcp(self) -> None:
        while True:
            stream, _ = self._tcp.accept()
            threading.Thread(target=self._converse, args=(stream,), daemon=True).start()

    def _converse(self, stream: socket.socket) -> None:
        with stream:
            stream.settimeout(5)
            try:
                while True:
                    head = stream.recv(2, socket.MSG_WAITALL)
                    if len(head) < 2:
                        return
                    reply = self.answer(stream.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL), is_tcp=True)
                    if reply:
                        stream.sendall(len(reply).to_bytes(2, "big") + reply)
            except OSError:
                return


def _main(answers: Answers, delay_s: float, control: Connection) -> None:
    server = _Server(answers, delay_s)
    control.send(server.port)
    try:
        server.serve(control)
    except KeyboardInterrupt:
        return


class NameServer:
    """The country's name server in a child process; a context manager."""

    def __init__(self, answers: Answers, delay_s: float = 0.0) -> None:
        context = multiprocessing.get_context("spawn")
        self._control, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(answers, delay_s, theirs), daemon=True)
        self._theirs = theirs
        self.port = 0

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        self.port = self._control.recv()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._control.send("stop")
        except OSError:
            pass
        self._control.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def counts(self) -> Mapping[bytes, int]:
        """How often each question (name and type in wire form, class IN) was asked."""
        self._control.send("counts")
        found: dict[bytes, int] = self._control.recv()
        return found

    def reset(self) -> None:
        """Begin counting anew."""
        self._control.send("reset")
        self._control.recv()
