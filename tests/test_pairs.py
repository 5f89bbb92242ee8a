"""Pairs: what nearly all answers of lists say is told by their bytes, and means what the decoder says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import dns.message
import dns.name
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import pairs
from survey.answers import denies, word
from survey.evidence import Archive
from survey.exchanges import TXT, A, Exchanges, Row
from survey.keeping import Keeper
from survey.names import encode_name, reverse_name, zone_of
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


def taken(rows, zones, size=3):
    """What is kept of rows that come in portions of this size, and what goes through."""
    found, through = Pairs(zones), []
    for at in range(0, len(rows), size):
        through += found.take(tuple(one) for one in rows[at : at + size])
    found.settled()
    return found, through


def evidence(rows, folder):
    """Evidence of rows that are numbered from 1."""
    keeper = Keeper(Path(folder) / "evidence.sqlite", "test", "{}", 0)
    keeper.take([one[2:] for one in rows], [])
    keeper.commit()
    keeper.close()
    return Archive(Path(folder))


def drawn(rows, zones, size=3):
    """The same, of evidence: rows are numbered from 1."""
    found, through = Pairs(zones), []
    with tempfile.TemporaryDirectory() as folder:
        archive = evidence(rows, folder)
        for last in range(0, len(rows), size):
            through += found.draw(archive, f"id > {last} AND id <= {last + size} OR id < 0")
    found.settled()
    return found, through


WAYS = pytest.mark.parametrize("way", [taken, drawn])


@WAYS
@settings(max_examples=200)
@given(st.lists(ADDRESSES, min_size=1, max_size=4), st.sampled_from(ZONES), st.sampled_from([0, 2, 3, 5]), st.data())
def test_denials_are_told_as_the_decoder_tells_them(way, addresses, zone, rcode, draws):
    """Also of answers whose bytes were changed anywhere, after others of the same shape were seen."""
    rows = []
    for address in addresses:
        name = f"{reverse_name(address)}.{zone}"
        data = bytearray(answer(name, rcode=rcode, has_soa=draws.draw(st.booleans())))
        rows.append(row(name, bytes(data), id_=len(rows) + 1))
        for _ in range(draws.draw(st.integers(0, 3))):
            data[draws.draw(st.integers(2, len(data) - 1))] = draws.draw(st.integers(0, 255))
        rows.append(row(name, bytes(data), id_=len(rows) + 1, pass_number=2))
    found, through = way(rows, ZONES)
    assert not through
    said_no = {one.id for one in rows if denies(one.answer)}
    others = {one for kept in found.others(zone).values() for one in kept}
    assert others == {one for one in rows if one.id not in said_no}
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


@WAYS
@settings(max_examples=200)
@given(
    st.lists(st.tuples(NAMES, st.sampled_from([A, TXT]), st.sampled_from(["answered", "truncated"]), st.booleans())),
    st.sets(st.sampled_from(NESTED)),
    st.integers(1, 5),
)
def test_pairs_are_told_by_their_labels_in_portions_as_well(way, questions, zones, size):
    """Whichever list a name's end and an address that was met before point to: what counts is what `zone_of` says."""
    asked = [(name, type_, outcome, no) for name, type_, outcome, no in questions for _ in "12"]
    rows = [
        row(name, told(name, denied=no), id_=n, type_=type_, outcome=outcome, pass_number=n % 2)
        for n, (name, type_, outcome, no) in enumerate(asked, 1)
    ]
    found, through = way(rows, zones, size)
    of_zone = {one.id: zone_of(one.name, zones) for one in rows}
    assert [one[:12] for one in through] == [one[:12] for one in rows if of_zone[one.id] is None]
    assert [word(one, one.name, A) for one in through] == [word(rows[one.id - 1], one.name, A) for one in through]
    paired = {one.name[: -len(of_zone[one.id]) - 1] for one in rows if of_zone[one.id] is not None and one.type == A}
    assert {found.place(half) for half in paired} == set(range(len(found)))
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


@WAYS
def test_a_name_that_only_ends_as_a_list_does_is_no_pair(way):
    names = ["2.0.0.127.longer.dnsbl.test", "2.0.0.127.larger.dnsbl.test"]
    rows = [row(name, answer(name), id_=n) for n, name in enumerate(names, 1)]
    found, through = way(rows, ["bl.example", "longer.dnsbl.test"])
    assert [one.name for one in through] == names[1:]
    assert found.packets_n() == 1


def told(name, *, denied):
    """An answer about a name, also about one that nobody can ask."""
    try:
        return answer(name, records=() if denied else ["127.0.0.2"], rcode=3 if denied else 0)
    except dns.name.EmptyLabel:
        return answer("1.2.3.4.bl.example", rcode=3 if denied else 0)


@WAYS
def test_an_echo_of_another_question_is_read_by_the_decoder(way):
    name = "2.0.0.127.bl.example"
    own, other = answer(name), answer("3.0.0.127.bl.example")
    for rows in ([row(name, other)], [row(name, own), row(name, other, id_=2)]):
        found, _ = way(rows, ZONES)
        assert found.packets_n() == len(rows)
        assert bool(found.others("bl.example")) is not denies(other)


@WAYS
def test_what_denies_behind_a_short_address_need_not_do_so_behind_a_long_one(way):
    """Pointers lead elsewhere there."""
    short, long = "1.0.0.127.bl.example", "100.0.0.127.bl.example"
    own = answer(short)
    bent = own[:12] + encode_name(long) + own[12 + len(encode_name(short)) :]
    found, _ = way([row(short, own), row(long, bent, id_=2)], ZONES)
    assert [one.id for kept in found.others("bl.example").values() for one in kept] == [2]
    assert found.packets_n() == 2


@WAYS
def test_an_answer_without_any_octet_is_kept(way):
    rows = [row("2.0.0.127.bl.example", data, id_=n) for n, data in enumerate((b"", b"\0" * 4, b"\0" * 7), 1)]
    found, _ = way(rows, ZONES)
    assert found.packets_n() == 3
    assert [one.id for kept in found.others("bl.example").values() for one in kept] == [1, 2, 3]


def test_names_that_nobody_can_have_asked_are_kept_all_the_same():
    name = "1..2.3.bl.example"
    found = Pairs(ZONES)
    list(found.take([row(name, answer("2.0.0.127.bl.example", records=["127.0.0.2"]))]))
    assert [one.name for kept in found.others("bl.example").values() for one in kept] == [name]


def test_few_exchanges_are_held_as_they_are_and_many_packed(tmp_path, monkeypatch):
    rows = [row(f"host{n}.example", answer(f"host{n}.example", rcode=0), id_=n + 1) for n in range(12)]
    words = row("2.0.0.127.bl.example", b"", id_=13, type_=TXT, outcome="timeout")
    archive = evidence([*rows, words], tmp_path)
    few = split(archive, "true", ZONES)[1]
    monkeypatch.setattr(pairs, "FEW", 5)
    kept, many = split(archive, "true", ZONES)
    assert type(few) is Exchanges
    assert type(many) is PackedExchanges
    assert [few.latest(one.name, A) for one in rows] == [many.latest(one.name, A) for one in rows]
    assert kept.words.packets == 1


def test_the_wire_form_of_a_reversed_address_is_what_was_asked():
    assert encode_name("2.0.0.127.bl.example").startswith(b"\x012\x010\x010\x03127")
