"""Pairs: what nearly all answers of lists say is told by their bytes, and means what the decoder says."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import pairs
from survey.answers import denies, encode_name, reverse_name, zone_of
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


NESTED = ("bl.example", "4.bl.example", "x.other.example", "longer.than.bl.example", f"{'f.' * 28}bl.example", "test")
FRONTS = st.one_of(
    ADDRESSES.map(reverse_name),
    st.sampled_from(
        ["f." * 31 + "f", "f.f.f.f", "4.3.2.1.4", "1..2.3", "1.2.3", "1.2.3.bl", "mx", "A.b.C.d", "1.2.bl.example"]
    ),
)
NAMES = st.builds(
    "{}.{}".format,
    FRONTS,
    st.sampled_from([*NESTED, "other.example", "than.bl.example", "xbl.example", "larger.than.bl.example"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(NAMES, st.sampled_from([A, TXT]), st.sampled_from(["answered", "truncated"]), st.booleans())),
    st.sets(st.sampled_from(NESTED)),
    st.integers(1, 5),
)
def test_pairs_are_told_by_their_labels_in_portions_as_well(questions, zones, size):
    """Whichever list a name's end and an address that was met before point to: what counts is what `zone_of` says."""
    asked = [(name, type_, outcome, no) for name, type_, outcome, no in questions for _ in "12"]
    rows = [
        row(name, told(name, denied=no), id_=n, type_=type_, outcome=outcome, pass_number=n % 2)
        for n, (name, type_, outcome, no) in enumerate(asked, 1)
    ]
    found, through = Pairs(zones), []
    for at in range(0, len(rows), size):
        through += found.take(tuple(one) for one in rows[at : at + size])
    found.settled()
    of_zone = {one.id: zone_of(one.name, zones) for one in rows}
    assert [one.id for one in through] == [one.id for one in rows if of_zone[one.id] is None]
    assert found.words.packets == sum(one.type == TXT and of_zone[one.id] is not None for one in rows)
    for zone in zones:
        ours = [one for one in rows if of_zone[one.id] == zone and one.type == A]
        plain = {one.id for one in ours if one.outcome == "answered" and denies(one.answer)}
        kept = {place: {one.id for one in rows} for place, rows in found.others(zone).items()}
        assert {id_ for ids in kept.values() for id_ in ids} == {one.id for one in ours} - plain
        # Of several in one pass the first counts.
        denials, first = found.denials(zone), {}
        for one in ours:
            if one.id in plain:
                first.setdefault((one.name, one.pass_number), one.id)
        assert set(denials.id.tolist()) == set(first.values())
        for place in set(denials.place.tolist()) | set(kept):
            ids = set(denials.id[denials.place == place].tolist()) | kept.get(place, set())
            assert {found.place(one.name[: -len(zone) - 1]) for one in ours if one.id in ids} == {place}


def test_a_name_that_only_ends_as_a_list_does_is_no_pair():
    names = ["2.0.0.127.longer.dnsbl.test", "2.0.0.127.larger.dnsbl.test"]
    found = Pairs(["bl.example", "longer.dnsbl.test"])
    through = found.take(row(name, answer(name), id_=n) for n, name in enumerate(names, 1))
    assert [one.name for one in through] == names[1:]
    assert found.packets_n() == 1


def told(name, *, denied):
    """An answer about a name, also about one that nobody can ask."""
    try:
        return answer(name, records=() if denied else ["127.0.0.2"], rcode=3 if denied else 0)
    except dns.name.EmptyLabel:
        return answer("1.2.3.4.bl.example", rcode=3 if denied else 0)


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
    monkeypatch.setattr(pairs, "_FEW", 5)
    kept, many = split([*rows, words], ZONES)
    assert type(few) is Exchanges
    assert type(many) is PackedExchanges
    assert [few.latest(one.name, A) for one in rows] == [many.latest(one.name, A) for one in rows]
    assert kept.words.packets == 1


def test_the_wire_form_of_a_reversed_address_is_what_was_asked():
    assert encode_name("2.0.0.127.bl.example").startswith(b"\x012\x010\x010\x03127")
