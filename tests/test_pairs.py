"""Pairs: what nearly all answers of lists say is told by their bytes, and means what the decoder says."""

from __future__ import annotations

import dns.message
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import pairs
from survey.answers import denies, encode_name, reverse_name
from survey.exchanges import TXT, A, Exchanges, Row
from survey.packed import PackedExchanges
from survey.pairs import Pairs, split

ZONES = ("bl.example", "other.example.org")
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


def answer(name, *, rcode=3, has_soa=True, records=()):
    message = dns.message.make_response(dns.message.make_query(name, "A", use_edns=0))
    message.set_rcode(rcode)
    message.answer = [dns.rrset.from_text(f"{name}.", 60, "IN", "A", one) for one in records]
    if has_soa:
        message.authority = [dns.rrset.from_text("example.", 60, "IN", "SOA", "ns.example. a.example. 1 2 3 4 5")]
    return message.to_wire()


def row(name, data, *, id_=1, type_=A, outcome="answered", pass_number=1):
    return Row(id_, 1, pass_number, 0, name, type_, "127.0.0.1:53", "udp", 1, outcome, id_, 1, data)


@settings(max_examples=300, deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=4), st.sampled_from(ZONES), st.sampled_from([0, 2, 3, 5]), st.data())
def test_denials_are_told_as_the_decoder_tells_them(addresses, zone, rcode, draws):
    """Also of answers whose bytes were changed anywhere, after others of the same shape were seen."""
    rows = []
    for address in addresses:
        name = f"{reverse_name(address)}.{zone}"
        data = bytearray(answer(name, rcode=rcode, has_soa=draws.draw(st.booleans())))
        rows.append(row(name, bytes(data), id_=2 * len(rows) + 1))
        for _ in range(draws.draw(st.integers(0, 3))):
            data[draws.draw(st.integers(2, len(data) - 1))] = draws.draw(st.integers(0, 255))
        rows.append(row(name, bytes(data), id_=2 * len(rows) + 1, pass_number=2))
    found = Pairs(ZONES)
    assert not list(found.take(rows))
    said_no = {one.id for one in rows if denies(one.answer)}
    others = {one.id for kept in found.others(zone).values() for one in kept}
    assert others == {one.id for one in rows} - said_no
    assert found.packets_n() == len(rows)


def test_an_echo_of_another_question_is_read_by_the_decoder():
    name = "2.0.0.127.bl.example"
    other = answer("3.0.0.127.bl.example")
    found = Pairs(ZONES)
    list(found.take([row(name, other)]))
    assert found.packets_n() == 1
    assert bool(found.others("bl.example")) is not denies(other)


def test_names_that_nobody_can_have_asked_are_kept_all_the_same():
    name = "1..2.3.bl.example"
    found = Pairs(ZONES)
    list(found.take([row(name, answer("2.0.0.127.bl.example", records=["127.0.0.2"]))]))
    assert [one.name for kept in found.others("bl.example").values() for one in kept] == [name]


def test_few_exchanges_are_held_as_they_are_and_many_packed(monkeypatch):
    rows = [row(f"host{n}.example", answer(f"host{n}.example", rcode=0), id_=n + 1) for n in range(12)]
    words = row("2.0.0.127.bl.example", b"", id_=13, type_=TXT, outcome="timeout")
    few = split([*rows, words], ZONES)[1]
    monkeypatch.setattr(pairs, "FEW", 5)
    kept, many = split([*rows, words], ZONES)
    assert type(few) is Exchanges
    assert type(many) is PackedExchanges
    assert [few.latest(one.name, A) for one in rows] == [many.latest(one.name, A) for one in rows]
    assert kept.words.packets == 1


def test_the_wire_form_of_a_reversed_address_is_what_was_asked():
    assert encode_name("2.0.0.127.bl.example").startswith(b"\x012\x010\x010\x03127")
