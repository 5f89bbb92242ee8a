"""The bulk loop against servers that misbehave: strays, lies, silence, truncation, dripping streams, refused ports."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import struct
import threading
import time

import pytest

from survey.exchanges import ANSWERED, TIMEOUT, TRUNCATED, UNREACHABLE
from survey.names import encode_name
from survey.practice.world import PRACTICE
from survey.wire.channels import Channel
from survey.wire.dns import DnsWire, Half
from survey.wire.pace import Bucket, Window
from survey.wire.queries import Again
from survey.wire.udp import UdpSocket

WORLD = dataclasses.replace(PRACTICE, timeout_s=0.2, pause_s=0.05)
PATIENT = dataclasses.replace(WORLD, timeout_s=2.0)
"""For what must not be asked twice on a busy machine."""
ENGINES = ["fast", "portable"]


def answer(query, *, rcode=0, flags=0x80, records=b"", count=0, id_=None, question=None):
    end = query.find(b"\0", 12) + 5
    head = (id_ or query[:2]) + bytes((0x81, flags | rcode)) + b"\0\1" + struct.pack("!H", count) + b"\0\0\0\0"
    return head + (question or query[12:end]) + records


def name_of(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels)


@contextlib.contextmanager
def server(reply, stream=None):
    """A UDP server on a free port of 127.0.0.1 that sends whatever `reply(query, sock, sender)` returns."""
    for _ in range(20):
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
            break
        except OSError:
            tcp.close()
            udp.close()
    udp.settimeout(0.05)
    tcp.settimeout(0.05)
    seen, done = [], threading.Event()

    def listen():
        while not done.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                query, sender = udp.recvfrom(4096)
                seen.append(query)
                for one in reply(query, udp, sender) or ():
                    udp.sendto(one, sender)

    def accept():
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                one, _ = tcp.accept()
                threading.Thread(target=converse, args=(one,), daemon=True).start()

    def converse(one):
        with one, contextlib.suppress(OSError):
            one.settimeout(2)
            size = int.from_bytes(one.recv(2, socket.MSG_WAITALL), "big")
            stream(one, one.recv(size, socket.MSG_WAITALL), done)

    threads = [threading.Thread(target=listen)] + ([threading.Thread(target=accept)] if stream else [])
    for thread in threads:
        thread.start()
    try:
        yield udp.getsockname(), seen
    finally:
        done.set()
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()


def ask(address, names, engine, *, window=256, rate=None, others=()):
    wire = DnsWire([address, *others], WORLD, engine=engine, window=window, rate=rate)
    with contextlib.closing(wire):
        wire.ask("", [Half(name, encode_name(name)[:-1], 1, 1, 0) for name in names])
        rows, gone = [], []
        for batch in wire.exchanges():
            rows += batch.rows
            gone += batch.given_up
    return rows, gone, wire


@pytest.mark.parametrize("engine", ENGINES)
def test_every_question_is_answered_once(engine):
    names = [f"n{number}.example" for number in range(3000)]
    with server(lambda query, *_: [answer(query, rcode=3)]) as (address, seen):
        rows, gone, wire = ask(address, names, engine, window=64)
    assert sorted(row[2] for row in rows) == sorted(names)
    assert {row[7] for row in rows} == {ANSWERED}
    assert not gone
    assert len(seen) == wire.sent == 3000
    ids = [query[:2] for query in seen]
    assert len(set(ids)) > 2500, "ids are drawn at random"


@pytest.mark.parametrize("engine", ENGINES)
def test_no_list_waits_behind_another(engine):
    halves = [Half(f"{number}", encode_name(f"{number}")[:-1], 1, 1, 0) for number in range(400)]
    zones = [f"list{number}.test" for number in range(5)]
    with server(lambda query, *_: [answer(query, rcode=3)]) as (address, seen):
        wire = DnsWire([address], WORLD, engine=engine)
        with contextlib.closing(wire):
            for zone in zones:
                wire.open_channel(zone, encode_name(zone))
                wire.ask(zone, halves)
            rows = [row for batch in wire.exchanges() for row in batch.rows]
        assert sorted(row[2] for row in rows) == sorted(f"{half.text}.{zone}" for half in halves for zone in zones)
    asked = [name_of(query).partition(".")[2] for query in seen]
    for zone in zones:
        for start in range(0, 1_200, 300):
            assert zone in asked[start : start + 300]


def test_no_list_waits_where_the_resolvers_pace_limits():
    """As live: a resolver that may be asked so many a second, and lists with paces of their own below that."""
    halves = [Half(f"{number}", encode_name(f"{number}")[:-1], 1, 1, 0) for number in range(1_000)]
    zones = [f"list{number}.test" for number in range(9)]
    with server(lambda query, *_: [answer(query, rcode=3)]) as (address, _):
        wire = DnsWire([address], WORLD, rate=200)
        with contextlib.closing(wire):
            wire.ask("", halves)
            for zone in zones:
                wire.open_channel(zone, encode_name(zone), 40)
                wire.ask(zone, halves)
            until = time.monotonic() + 1.5
            for _ in wire.exchanges():
                if time.monotonic() > until:
                    break
            sent = [wire.sent_to(zone) for zone in ["", *zones]]
    assert min(sent) > 15
    assert max(sent) < 3 * min(sent)
    assert sum(sent) < 200 * 2.2


@pytest.mark.parametrize("engine", ENGINES)
def test_resolvers_are_asked_first_where_no_pace_limits_them_and_what_is_tested_before_them(engine):
    halves = [Half(f"{number}", encode_name(f"{number}")[:-1], 1, 1, 0) for number in range(1_000)]
    tests = [dataclasses.replace(half, round=1) for half in halves[:10]]
    zones = [f"list{number}.test" for number in range(5)]
    with server(lambda query, *_: [answer(query, rcode=3)]) as (address, seen):
        wire = DnsWire([address], PATIENT, engine=engine, window=64)
        with contextlib.closing(wire):
            wire.ask("", halves)
            for zone in zones:
                wire.open_channel(zone, encode_name(zone))
                wire.ask(zone, halves[10:])
            rows = 0
            for batch in wire.exchanges():
                if not rows:
                    # In the midst of everything a health round begins.
                    for zone in zones:
                        wire.ask(zone, tests, is_urgent=True)
                rows += len(batch.rows)
    asked = [name_of(query).partition(".")[::2] for query in seen]
    begun = max(place for place, (_, zone) in enumerate(asked) if not zone)
    assert rows == len(asked) == 6_000
    assert begun < 1_000 + len(tests) * len(zones) + 48, "nothing but test points goes out with these"
    tested = [place for place, (text, zone) in enumerate(asked) if zone and int(text) < 10]
    assert len(tested) == 50
    assert max(tested) < begun


def test_a_list_that_is_silent_is_tested_before_it_is_asked_again():
    halves = [Half(f"{number}", encode_name(f"{number}")[:-1], 1, 1, 0) for number in range(1_000)]
    tests = [dataclasses.replace(half, round=1) for half in halves[:10]]

    def reply(query, *_):
        text, _, zone = name_of(query).partition(".")
        return [] if zone and int(text) >= 10 else [answer(query, rcode=3)]

    with server(reply) as (address, seen):
        wire = DnsWire([address], WORLD, window=64)
        with contextlib.closing(wire):
            wire.open_channel("list.test", encode_name("list.test"))
            wire.ask("list.test", halves[10:60])
            tested = []
            begun = 0
            for batch in wire.exchanges():
                if not begun:
                    assert {row[7] for row in batch.rows} == {TIMEOUT}
                    begun = len(seen)
                    wire.ask("", halves)
                    wire.ask("list.test", tests, is_urgent=True)
                tested += [row for row in batch.rows if row[1]]
    assert len(tested) == 10
    asked = [name_of(query) for query in seen]
    last = max(place for place, name in enumerate(asked) if name.endswith(".test") and int(name.split(".")[0]) < 10)
    assert last < begun + 3 * 48


def test_a_list_with_a_pace_of_its_own_goes_on_while_resolvers_are_asked():
    halves = [Half(f"{number}", encode_name(f"{number}")[:-1], 1, 1, 0) for number in range(600)]
    with server(lambda query, *_: time.sleep(0.001) or [answer(query, rcode=3)]) as (address, seen):
        wire = DnsWire([address], PATIENT, window=64)
        with contextlib.closing(wire):
            wire.ask("", halves)
            wire.open_channel("list.test", encode_name("list.test"), 40)
            wire.ask("list.test", halves[:20])
            rows = [row for batch in wire.exchanges() for row in batch.rows]
    assert len(rows) == 620
    asked = [name_of(query).partition(".")[2] for query in seen]
    assert "list.test" in asked[:100]
    assert asked[:500].count("list.test") >= 10


def test_ids_are_new_even_when_most_are_taken():
    one = UdpSocket(0, ("127.0.0.1", 9), use_gso=False)
    try:
        taken = {number.to_bytes(2, "big") for number in range(1 << 16)} - {b"ab", b"cd", b"ef"}
        one.pending = dict.fromkeys(taken, 0)
        assert sorted(one.new_ids(3)) == [b"ab", b"cd", b"ef"]
    finally:
        one.sock.close()


@pytest.mark.parametrize("has_gso", [True, False])
def test_what_was_staged_goes_out_once_and_whole(has_gso):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(2)
        one = UdpSocket(0, other.getsockname(), use_gso=has_gso)
        packets = [bytes((number,)) * (40 + number % 3) for number in range(130)]
        try:
            for packet in packets:
                one.stage(len(packet)).extend((packet[:7], packet[7:]))
            one.send()
            one.send()
            assert sorted(other.recv(4096) for _ in packets) == sorted(packets)
            other.settimeout(0.05)
            with pytest.raises(TimeoutError):
                other.recv(4096)
        finally:
            one.sock.close()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "lie",
    [
        lambda query: answer(query, id_=bytes((query[0] ^ 255, query[1]))),
        lambda query: answer(query, question=b"\x05other" + query[12 : query.find(b"\0", 12) + 5]),
        lambda query: answer(query, question=query[12 : query.find(b"\0", 12) + 1] + b"\0\x10\0\1"),
        lambda query: query,
        lambda query: b"\xff" * 40,
        lambda query: query[:5],
        lambda query: b"",
    ],
)
def test_lies_and_strays_are_silence_until_the_truth_comes(engine, lie):
    with server(lambda query, *_: [lie(query)] * 30) as (address, seen):
        rows, gone, wire = ask(address, ["a.example"], engine)
    assert [row[7] for row in rows] == [TIMEOUT] * 3
    assert [one.name for one in gone] == ["a.example"]
    assert len(seen) == 3
    assert wire.strays >= 30
    with server(lambda query, *_: [lie(query), answer(query, rcode=3)]) as (address, _):
        rows, gone, _ = ask(address, ["a.example"], engine)
    assert [row[7] for row in rows] == [ANSWERED]
    assert not gone


def test_an_answer_from_another_address_is_ignored():
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.1", 0))

    def reply(query, _, sender):
        other.sendto(answer(query), sender)

    with server(reply) as (address, _):
        rows, _, _ = ask(address, ["a.example"], "fast")
    other.close()
    assert {row[7] for row in rows} == {TIMEOUT}


def test_a_refusing_server_is_asked_again_and_another_takes_over():
    with (
        server(lambda query, *_: [answer(query, rcode=5)]) as (first, seen),
        server(lambda query, *_: [answer(query, rcode=3)]) as (second, _),
    ):
        rows, gone, _ = ask(first, ["a.example"], "fast", others=[second])
    assert [(row[6], row[10][3] & 15, row[4]) for row in rows] == [
        (1, 5, f"{first[0]}:{first[1]}"),
        (2, 3, f"{second[0]}:{second[1]}"),
    ]
    assert not gone
    assert len(seen) == 1


class Refusing:
    """A socket whose port is closed once it has brought an answer."""

    def __init__(self, sock):
        self._sock, self._is_heard = sock, False

    def recv(self, size):
        if self._is_heard:
            self._is_heard = False
            raise ConnectionRefusedError
        data = self._sock.recv(size)
        self._is_heard = True
        return data

    def __getattr__(self, name):
        return getattr(self._sock, name)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_port_that_closes_behind_an_answer_leaves_nothing_outstanding(engine):
    with server(lambda query, *_: [answer(query)]) as (address, _):
        wire = DnsWire([address], dataclasses.replace(WORLD, tries=1), engine=engine)
        for one in wire._all_sockets:
            one.sock = Refusing(one.sock)
        wire.ask("", [Half(f"n{n}.example", encode_name(f"n{n}.example")[:-1], 1, 1, 0) for n in range(60)])
        rows, until = [], time.monotonic() + 10
        for batch in wire.exchanges():
            rows += batch.rows
            assert wire._outstanding == sum(len(one.pending) for one in wire._all_sockets)
            assert time.monotonic() < until
        wire.close()
    assert len(rows) == 60
    assert {row[7] for row in rows} >= {ANSWERED, UNREACHABLE}


def test_a_closed_port_is_unreachable_not_absent():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        address = closed.getsockname()
    rows, gone, _ = ask(address, ["a.example"], "fast")
    assert {row[7] for row in rows} <= {UNREACHABLE, TIMEOUT}
    assert len(rows) == 3
    assert len(gone) == 1


def test_a_server_without_edns_is_asked_without_it():
    def reply(query, *_):
        return [answer(query, rcode=3) if query[11] == 0 else query[:2] + b"\x81\x81" + b"\0" * 8]

    with server(reply) as (address, seen):
        rows, gone, _ = ask(address, ["a.example"], "fast")
    assert [row[10][3] & 15 for row in rows] == [1, 3]
    assert not gone
    assert [query[11] for query in seen] == [1, 0]


def test_a_truncated_answer_is_asked_again_over_tcp():
    def stream(one, query, _):
        data = answer(query, rcode=3)
        one.sendall(len(data).to_bytes(2, "big") + data)

    def reply(query, *_):
        cut = bytearray(answer(query))
        cut[2] |= 2
        return [bytes(cut)]

    with server(reply, stream) as (address, _):
        rows, gone, _ = ask(address, ["a.example"], "fast")
    assert [(row[5], row[7]) for row in rows] == [("udp", TRUNCATED), ("tcp", ANSWERED)]
    assert not gone


@pytest.mark.parametrize("way", ["drip", "never", "huge", "lie", "close"])
def test_hostile_streams_end_with_the_time_out(way):
    def stream(one, query, done):
        data = answer(query, rcode=3)
        if way == "drip":
            for byte in len(data).to_bytes(2, "big") + data:
                one.sendall(bytes((byte,)))
                if done.wait(0.15):
                    return
        elif way == "huge":
            one.sendall(b"\xff\xff" + b"\0" * 1000)
            done.wait(2)
        elif way == "lie":
            one.sendall(len(data).to_bytes(2, "big") + b"\0\0" + data[2:])
        elif way == "never":
            done.wait(2)

    def reply(query, *_):
        cut = bytearray(answer(query))
        cut[2] |= 2
        return [bytes(cut)]

    began = time.monotonic()
    with server(reply, stream) as (address, _):
        rows, gone, _ = ask(address, ["a.example"], "portable")
        assert time.monotonic() - began < 10
    assert len(gone) == 1
    assert {row[7] for row in rows if row[5] == "tcp"} <= {TIMEOUT, UNREACHABLE}


def test_a_rate_is_never_passed():
    with server(lambda query, *_: [answer(query, rcode=3)]) as (address, _):
        rows, _, _ = ask(address, [f"n{number}.example" for number in range(40)], "fast", rate=100)
    times = sorted(row[8] for row in rows)
    assert len(times) == 40
    for start in range(len(times) - 25):
        # A tenth of a second's worth may go at once; beyond that no window holds more than the rate allows.
        assert times[start + 25] - times[start] >= (25 - 10) / 100 * 1e6 * 0.9


def test_a_bucket_gives_what_it_says():
    bucket = Bucket(2.0, 0.0)
    assert bucket.available(0.0) == 1
    bucket.take(1)
    assert bucket.available(0.1) == 0
    assert bucket.ready_in() == pytest.approx(0.4)
    assert bucket.available(100.0) == 1
    assert Bucket(None, 0.0).available(0.0) > 1_000_000


def test_what_is_left_takes_as_long_as_the_slowest_pace_allows():
    with contextlib.closing(DnsWire([("127.0.0.1", 9)], WORLD, rate=100)) as wire:
        wire.open_channel("slow.example", encode_name("slow.example"), 2.0)
        wire.open_channel("quick.example", encode_name("quick.example"), None)
        halves = [Half(str(number), encode_name(str(number))[:-1], 1, 1, 0) for number in range(30)]
        wire.ask("slow.example", halves)
        wire.ask("quick.example", halves)
        wire.ask("", halves)
        assert wire.least_s() == 30 / 2
        assert wire.least_s(10) == (30 + 10) / 2
        assert wire.least_s(0, 10_000) == (90 + 10_000) / 100
    with contextlib.closing(DnsWire([("127.0.0.1", 9)], WORLD)) as wire:
        wire.ask("", halves)
        assert wire.least_s() == 0, "without a pace nothing can be said"


@pytest.mark.parametrize(
    ("zone", "round_", "order"),
    [("list.example", 0, ["b", "c", "a"]), ("", 0, ["a", "b", "c"]), ("list.example", 7, ["a", "b", "c"])],
)
def test_a_list_is_asked_again_behind_everything_and_names_and_tests_before(zone, round_, order):
    channel = Channel(zone, b"", None, None, None, 0, (0,))
    channel.queue.extend(Half(text, b"", 1, 1, round_) for text in "abc")
    first = channel.queue.popleft()
    channel.put_back(Again(first, 2, True))
    asked = []
    while channel.waiting():
        entry = channel.line().popleft()
        asked.append(entry.half.text if isinstance(entry, Again) else entry.text)
    assert asked == order


def test_a_window_narrows_when_much_is_lost_at_once_and_not_for_dead_names():
    window = Window(1000, 1.0)
    window.size = 1000
    for tenth in range(10):
        window.sent(tenth / 10, 100)
        for _ in range(2):
            window.lost(tenth / 10)
    window.judge(5.0)
    assert window.size == 1000, "two in a hundred are dead names"
    for tenth in range(60, 70):
        window.sent(tenth / 10, 100)
        for _ in range(40):
            window.lost(tenth / 10)
    window.judge(20.0)
    assert window.size < 600
    tail = Window(500, 1.0)
    tail.size = 500
    tail.sent(0.0, 5000)
    for _ in range(300):
        tail.lost(0.0)
    tail.judge(9.0)
    assert tail.size == 500, "at the end only the dead are left, and nothing shrinks for them"


def test_a_window_opens_within_a_few_journeys_of_a_long_way():
    window, now = Window(500, 1.0), 0.0
    for _ in range(40):
        now += 0.0025
        heard = window.size // 8
        window.heard(heard, heard * 0.020, now, window.size)
    assert window.size == 500
    near, now = Window(500, 1.0), 0.0
    for _ in range(3):
        now += 0.003
        near.heard(300, 300 * 0.0003, now, near.size)
    assert near.size < 100, "a server near by is not flooded"


def test_a_window_widens_while_answers_are_not_late_and_narrows_when_they_queue():
    window, now = Window(1000, 1.0), 0.0
    for _ in range(200):
        now += 0.003
        window.heard(100, 100 * 0.020, now, window.size)
    assert window.size == 1000, "a long way alone is no queue"
    for _ in range(30):
        now += 0.003
        window.heard(100, 100 * 0.060, now, window.size)
    assert window.size < 500
    quiet = Window(1000, 1.0)
    for _ in range(200):
        now += 0.003
        quiet.heard(100, 100 * 0.020, now, 10)
    assert quiet.size < 100, "who does not need a wider window gets none"
