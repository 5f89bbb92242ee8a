"""The lean decoder: equal to dnspython on everything that both accept, and Malformed on everything else."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import AddressValueError, IPv4Address

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import answers, messages, names
from survey.answers import chain, reason, word
from survey.exchanges import AAAA, CNAME, MX, TXT, A, Row
from survey.messages import decode, txt_text
from survey.names import Malformed, encode_name, reverse_name, reverse_wire
from survey.tables import Dns

# As `survey.records` does, and before any test reads damaged messages with dnspython itself.
dns.rdata.load_all_types()

LABELS = st.binary(min_size=1, max_size=12)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(lambda labels: dns.name.Name([*labels, b""]))
TTLS = st.integers(0, 2**31 - 1)


def a_record(kind, name, target, octets, number, text):
    values = {
        "A": ".".join(map(str, octets[:4])),
        "AAAA": ":".join(f"{octets[i] << 8 | octets[i + 1]:x}" for i in range(0, 16, 2)),
        "MX": f"{number} {target.to_text()}",
        "CNAME": target.to_text(),
        "NS": target.to_text(),
        "SOA": f"{target.to_text()} {name.to_text()} 1 2 3 4 {number}",
        "CAA": '0 issue "ca.example"',
        "SRV": f"1 2 {number} {target.to_text()}",
    }
    if kind == "TXT":
        return dns.rrset.from_rdata(name, 60, dns.rdatatype.RdataType.TXT and txt(text))
    return dns.rrset.from_text(name, 60, "IN", kind, values[kind])


def txt(raw):
    return dns.rdtypes.ANY.TXT.TXT(1, 16, [raw[i : i + 255] for i in range(0, len(raw), 255)] or [b""])


RECORDS = st.builds(
    a_record,
    st.sampled_from(["A", "AAAA", "MX", "CNAME", "NS", "SOA", "CAA", "SRV", "TXT"]),
    NAMES,
    NAMES,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 65535),
    st.binary(max_size=600),
)


@st.composite
def whole_messages(draw):
    query = dns.message.make_query(draw(NAMES), draw(st.sampled_from(["A", "MX", "TXT", "AAAA"])), use_edns=0)
    response = dns.message.make_response(query)
    response.flags |= draw(st.sampled_from([0, dns.flags.AA, dns.flags.RA]))
    response.set_rcode(draw(st.sampled_from([0, 2, 3, 5, 16, 23])))
    response.answer = draw(st.lists(RECORDS, max_size=5))
    response.authority = draw(st.lists(RECORDS, max_size=2))
    return response.to_wire(max_size=65535)


def by_dnspython(data):
    """What dnspython reads, record by record, in the lean decoder's form; None where it refuses."""
    try:
        message = dns.message.from_wire(data, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError, KeyError, IndexError):
        return None
    found = []
    for rrset in message.answer:
        for rdata in rrset:
            value = None
            if rrset.rdclass == 1:
                match rrset.rdtype:
                    case 1 | 28:
                        value = rdata.address
                    case 15:
                        value = (rdata.preference, text_of(rdata.exchange))
                    case 5 | 2 | 12:
                        value = text_of(rdata.target)
                    case 6:
                        value = f"{text_of(rdata.mname)} {text_of(rdata.rname)}"
                    case 16:
                        value = b"".join(rdata.strings)
            found.append((text_of(rrset.name), int(rrset.rdtype), value))
    return int(message.rcode()), bool(message.flags & dns.flags.AA), found


def text_of(name):
    return name.canonicalize().to_text(omit_final_dot=True) if name != dns.name.root else "."


def by_hand(data):
    try:
        answer = decode(data)
    except Malformed:
        return None
    return answer.rcode, answer.authoritative, [(record.owner, record.type, record.value) for record in answer.records]


def ipv6_forms(found):
    """dnspython prints mapped IPv6 addresses with dots; the values are compared as addresses."""
    import ipaddress

    return [(o, t, ipaddress.ip_address(v) if t in (1, 28) and v else v) for o, t, v in found]


def compare(data):
    ours, theirs = by_hand(data), by_dnspython(data)
    if ours is not None and theirs is not None:
        assert ours[:2] == theirs[:2]
        assert ipv6_forms(ours[2]) == ipv6_forms(theirs[2])
    return ours, theirs


@settings(max_examples=300)
@given(whole_messages())
def test_whole_messages_are_read_as_dnspython_reads_them(data):
    ours, theirs = compare(data)
    assert theirs is not None
    assert ours is not None


@settings(max_examples=400)
@given(whole_messages(), st.data())
def test_damaged_messages_are_never_read_differently(data, draws):
    damaged = bytearray(data)
    for _ in range(draws.draw(st.integers(1, 4))):
        place = draws.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = draws.draw(st.integers(0, 255))
    compare(bytes(damaged[: draws.draw(st.integers(0, len(damaged)))]))
    compare(bytes(damaged))


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_raise_malformed_and_nothing_else(data):
    compare(data)
    compare(b"\0\1\x81\x80\0\1\0\1\0\0\0\0" + data)


READ_AFTER_CLASS_ANY = r"""
from survey.messages import decode
from survey.names import Malformed

def an_answer(klass, data):
    header = b"\0\1\x81\x80\0\1\0\1\0\0\0\0"
    return header + b"\1a\0\0\x21\0\1" + b"\xc0\x0c\0\x21" + klass + b"\0\0\0\x3c\0" + bytes([len(data)]) + data

any_class, internet = b"\0\xff", b"\0\1"
decode(an_answer(any_class, b"anything"))
decode(an_answer(internet, bytes(6) + b"\1b\0"))
try:
    print(decode(an_answer(internet, bytes(6) + b"\1b")))
except Malformed as error:
    print("malformed:", error)
"""


def test_a_service_record_is_checked_though_one_of_class_any_came_before():
    # In a process of its own: what dnspython has met before is what matters.
    done = subprocess.run([sys.executable, "-c", READ_AFTER_CLASS_ANY], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("malformed: a record of type 33"), done.stdout + done.stderr


def outcome_of(reading, data):
    try:
        return reading(data)
    except Malformed:
        return Malformed


@pytest.mark.parametrize("id_", [b"\0\0", b"\1a", b"\xa9\xaf"])
def test_no_name_begins_in_the_header_whatever_the_id_of_a_message(id_):
    own = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2"
    elsewhere = b"\xc0\0\0\2\0\1\0\0\0\x3c\0\2\xc0\x0c"
    for count, records in ((b"\0\1", own), (b"\0\0", b"")):
        data = id_ + b"\x81\x80\0\1" + count + b"\0\1\0\0\1a\0\0\1\0\1" + records + elsewhere
        assert outcome_of(decode, data) is outcome_of(messages.decode_anew, data) is Malformed
        assert not answers.denies(data)


OWN = st.tuples(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))


@settings(max_examples=400)
@given(NAMES, st.lists(OWN, min_size=1, max_size=4), st.lists(RECORDS, max_size=3), st.data())
def test_answers_of_addresses_alone_are_read_as_all_others(name, own, beside, draws):
    message = dns.message.make_response(dns.message.make_query(name, "A", use_edns=0))
    message.authority = beside
    plain = message.to_wire(max_size=65535)
    end = 12 + len(name.to_wire()) + 4
    records = b"".join(b"\xc0\x0c\0\1\0\1" + ttl + b"\0\4" + address for ttl, address in own)
    data = bytearray(plain[:6] + len(own).to_bytes(2, "big") + plain[8:end] + records + plain[end:])
    first = messages._own_addresses(bytes(data))
    assert first is None or first == outcome_of(messages.decode_anew, bytes(data))
    if not beside:
        assert first is not None
    for end_ in range(end, len(data)):
        cut = bytes(data[:end_])
        assert outcome_of(decode, cut) == outcome_of(messages.decode_anew, cut)
    # Pointers to any place, and damage anywhere.
    for _ in range(draws.draw(st.integers(1, 6))):
        place = draws.draw(st.integers(2, len(data) - 2))
        data[place : place + 2] = draws.draw(
            st.one_of(
                st.binary(min_size=2, max_size=2),
                st.integers(0xC000, 0xC000 + end + 40).map(lambda n: n.to_bytes(2, "big")),
            )
        )
    found = messages._own_addresses(bytes(data))
    assert found is None or found == outcome_of(messages.decode_anew, bytes(data))


@st.composite
def answers_with_glue(draw):
    """Mail exchangers whose names and addresses stand in one another's reach, so that most owners are pointers."""
    pool = draw(st.lists(NAMES, min_size=1, max_size=3))
    names = st.sampled_from([*pool, *(dns.name.Name([b"mx", *one]) for one in pool)])
    octets = st.binary(min_size=16, max_size=16)
    records = st.builds(
        a_record, st.sampled_from(["A", "A", "A", "AAAA", "NS", "TXT"]), names, names, octets, st.just(1), st.just(b"x")
    )
    exchangers = st.builds(a_record, st.sampled_from(["MX", "MX", "A"]), names, names, octets, st.just(9), st.just(b""))
    query = dns.message.make_query(pool[0], "MX", use_edns=draw(st.sampled_from([None, 0])))
    message = dns.message.make_response(query)
    message.answer = draw(st.lists(exchangers, max_size=4))
    message.authority = draw(st.lists(records, max_size=3))
    message.additional = draw(st.lists(records, max_size=4))
    return message.to_wire(max_size=65535)


@settings(max_examples=400)
@given(answers_with_glue(), st.data())
def test_short_ways_through_a_message_read_what_the_long_ones_read(whole, draws):
    def long_way(data):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(messages, "name_at", names.long_name_at)
            # Nothing looks like an address any more.
            patch.setattr(messages, "A_IN", b"")
            return outcome_of(messages.decode_anew, data)

    ours, theirs = compare(whole)
    assert ours is not None
    assert theirs is not None
    assert messages.decode_anew(whole) == long_way(whole)
    data = bytearray(whole)
    for _ in range(draws.draw(st.integers(1, 5))):
        place = draws.draw(st.integers(4, len(data) - 2))
        pointers = st.integers(0xC000, 0xC000 + len(data)).map(lambda n: n.to_bytes(2, "big"))
        data[place : place + 2] = draws.draw(st.one_of(st.binary(min_size=2, max_size=2), pointers))
    for damaged in (bytes(data), bytes(data[: draws.draw(st.integers(0, len(data)))])):
        compare(damaged)
        assert outcome_of(messages.decode_anew, damaged) == long_way(damaged)


OWNERS = st.sampled_from(["a.example", "b.example"])


@given(
    st.lists(st.builds(messages.Record, OWNERS, st.sampled_from([A, MX, CNAME]), st.integers(0, 1), OWNERS | st.none()))
)
def test_records_that_are_all_our_own_are_those_at_the_end_of_the_chain(records):
    if answers._are_own(tuple(records), "a.example", A):
        found = messages.Answer(0, True, False, True, tuple(records), None, False)
        assert chain(found, "a.example", A) == ("a.example", tuple(dict.fromkeys(records)))


@given(NAMES)
def test_names_go_there_and_back(name):
    wire = name.canonicalize().to_wire()
    text = text_of(name)
    assert encode_name(text) == wire
    assert names.name_at(wire, 0, {}) == names.long_name_at(wire, 0, {}) == (text, len(wire))


@pytest.mark.parametrize(
    "text", ["a..b", ".a", "a" * 64 + ".b", ".".join(["a" * 60] * 5), "x\\", "x\\12", "x\\999", "ä.b"]
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(Malformed):
        encode_name(text)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (b"\xc0\x0c", "a pointer to itself"),
        (b"\xc0\x20", "a pointer forwards"),
        (b"\x3f" + b"a" * 10, "a label over the end"),
        (b"\x80abc\0", "a reserved length"),
        ((b"\x3f" + b"a" * 63) * 4 + b"\0", "a name over 255 octets"),
    ],
)
def test_hostile_names_are_malformed(name, what):
    with pytest.raises(Malformed):
        decode(b"\0\1\x81\x80\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1")


def test_reversed_addresses_stand_in_front_of_the_zone():
    assert reverse_name("127.0.0.2") == "2.0.0.127"
    assert reverse_name("2001:db8::1") == "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2"
    assert reverse_wire("10.2.0.1") == b"\x011\x010\x012\x0210"
    assert len(reverse_wire("::1")) == 64


@given(
    st.one_of(
        st.ip_addresses(v=4).map(str),
        st.from_regex(r"\A[0-9]{1,4}(\.[0-9]{1,4}){2,4}\Z"),
        st.text("0123456789.٣ +/a\n", max_size=16),
    )
)
def test_what_is_no_address_is_not_reversed(text):
    try:
        octets = str(IPv4Address(text)).split(".")
    except AddressValueError:
        for reverse in (reverse_name, reverse_wire):
            with pytest.raises(AddressValueError):
                reverse(text)
    else:
        assert reverse_name(text).split(".") == octets[::-1]
        assert reverse_wire(text) + b"\0" == encode_name(reverse_name(text))


def response(*records, rcode=0, soa=False, referral=False, outcome="answered", name="a.example", type_=A):
    query = dns.message.make_query(name, type_)
    message = dns.message.make_response(query)
    message.set_rcode(rcode)
    message.answer = [dns.rrset.from_text(*record) for record in records]
    if soa:
        message.authority = [dns.rrset.from_text("example.", 60, "IN", "SOA", "a. b. 1 2 3 4 5")]
    if referral:
        message.authority.append(dns.rrset.from_text("example.", 60, "IN", "NS", "ns.elsewhere."))
    data = message.to_wire() if outcome == "answered" else b""
    return Row(1, 1, 1, 0, name, type_, "s", "udp", 1, outcome, 0, 0, data)


def disowned(row, *codes):
    """The same answer with extended errors (RFC 8914)."""
    message = dns.message.from_wire(row.answer)
    message.use_edns(0, options=[dns.edns.EDEOption(code, "why") for code in codes])
    return row._replace(answer=message.to_wire())


def of_class_9(row):
    """The same answer with its record in a class that nobody uses."""
    changed = row.answer.replace(b"\0\1\0\1\0\0\0<", b"\0\1\0\t\0\0\0<")
    assert changed != row.answer
    return row._replace(answer=changed)


ALIAS = ("a.example.", 60, "IN", "CNAME", "b.example.")
SAYING = (
    response(("a.example.", 60, "IN", "A", "192.0.2.1")),
    response(ALIAS, ("b.example.", 60, "IN", "A", "192.0.2.1")),
    response(rcode=3, soa=True),
    response(),
)


@pytest.mark.parametrize(
    ("row", "status", "why"),
    [
        (None, Dns.NOT_ASKED, None),
        (response(outcome="timeout"), Dns.SILENT, "timeout"),
        (response(rcode=2), Dns.SILENT, "servfail"),
        (response(rcode=5), Dns.SILENT, "refused"),
        (response(rcode=9), Dns.SILENT, "rcode_9"),
        (response(rcode=3, soa=True), Dns.ABSENT, "nxdomain"),
        (response(), Dns.ABSENT, "nodata"),
        (response(("a.example.", 60, "IN", "A", "192.0.2.1")), Dns.PRESENT, ""),
        (response(ALIAS, ("b.example.", 60, "IN", "A", "192.0.2.1")), Dns.PRESENT, ""),
        (response(ALIAS), Dns.SILENT, "unfinished_chain"),
        (response(ALIAS, soa=True), Dns.ABSENT, "nodata"),
        (response(ALIAS, rcode=3), Dns.ABSENT, "nxdomain"),
        (response(ALIAS, ("b.example.", 60, "IN", "CNAME", "a.example.")), Dns.SILENT, "malformed"),
        (response(("other.example.", 60, "IN", "A", "192.0.2.1")), Dns.SILENT, "foreign_records"),
        (of_class_9(response(("a.example.", 60, "IN", "A", "192.0.2.1"))), Dns.SILENT, "foreign_records"),
        (response(("a.example.", 60, "IN", "A", "192.0.2.1"), rcode=3), Dns.SILENT, "contradiction"),
        *((disowned(row, code), Dns.SILENT, "stale") for row in SAYING for code in (3, 19)),
        *((disowned(row, code), Dns.SILENT, "filtered") for row in SAYING for code in (4, 15, 16, 17, 18)),
        (disowned(response(ALIAS), 3), Dns.SILENT, "stale"),
        (disowned(response(("a.example.", 60, "IN", "A", "192.0.2.1")), 7, 29), Dns.PRESENT, ""),
        (disowned(response(rcode=3, soa=True), 7, 15), Dns.SILENT, "filtered"),
        (response(referral=True), Dns.SILENT, "referral"),
        (response(referral=True, soa=True), Dns.ABSENT, "nodata"),
    ],
)
def test_silence_absence_and_presence_are_different_words(row, status, why):
    assert word(row, "a.example", A) is status
    if row is not None:
        assert reason(row) == why


def test_records_of_other_owners_are_not_trusted():
    row = response(ALIAS, ("b.example.", 60, "IN", "A", "192.0.2.1"), ("c.example.", 60, "IN", "A", "192.0.2.9"))
    canonical, records = chain(decode(row.answer), "a.example", A)
    assert canonical == "b.example"
    assert [record.value for record in records] == ["192.0.2.1"]


@given(st.binary(max_size=3000))
def test_a_strangers_text_is_harmless(raw):
    text = txt_text(raw)
    assert len(text) <= 501
    assert all(char.isprintable() or char in "\u3000\u00ad" or not char.isascii() for char in text)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0x202A <= ord(char) <= 0x202E for char in text)


def test_types_have_their_numbers():
    assert (A, CNAME, MX, TXT, AAAA) == (1, 5, 15, 16, 28)
