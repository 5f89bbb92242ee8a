"""The blocklist room on answers made byte by byte: what an answer means, and what two passes together mean."""

from __future__ import annotations

import dataclasses

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import blocklists, listings
from survey.catalogue import load_catalogue, select
from survey.exchanges import TXT, A, Exchanges, Row
from survey.frames import frame, joined
from survey.harmless import escaped, harmless, is_safe
from survey.names import reverse_name
from survey.pairs import Pairs

ORBZ = next(one for one in select("practice", load_catalogue()) if one.zone.startswith("orbz"))
ADDRESS = "198.18.7.7"


def told_apart(rows, zones):
    """What was asked about pairs, and everything else."""
    pairs = Pairs(zones)
    return pairs, Exchanges(pairs.take(rows))


def read_listings(*arguments):
    """Both tables, whole."""
    parts, lists = listings.read(*arguments)
    return joined("listings", parts), lists()


def answer(name, codes=(), *, rcode="NOERROR", ttl=300, is_authoritative=False, kind="A", alias_ttl=None):
    message = dns.message.make_response(dns.message.make_query(f"{name}.", kind))
    message.set_rcode(dns.rcode.from_text(rcode))
    if is_authoritative:
        message.flags |= dns.flags.AA
    if alias_ttl is not None:
        message.answer.append(dns.rrset.from_text(f"{name}.", alias_ttl, "IN", "CNAME", f"listed.{ORBZ.zone}."))
        name = f"listed.{ORBZ.zone}"
    if codes:
        message.answer.append(dns.rrset.from_text(f"{name}.", ttl, "IN", kind, *codes))
    return message.to_wire()


def row(
    codes=(),
    *,
    number=1,
    address=ADDRESS,
    at_s=0.0,
    server="127.0.0.1:53",
    round_=0,
    outcome="answered",
    id_=None,
    **words,
):
    name = f"{reverse_name(address)}.{ORBZ.zone}"
    data = answer(name, codes, **words) if outcome == "answered" else b""
    id_ = id_ or number
    return Row(id_, 1, number, round_, name, A, server, "udp", 1, outcome, int(at_s * 1e6), 1000, data)


SERVERS = ("127.0.0.1:53", "127.0.0.2:53")
BEFORE, AFTER = -10.0, 10_000.0


def healthy_round(number=1, spoilt=(), at_s=BEFORE, servers=SERVERS, pass_number=1, codes=("127.0.0.2",)):
    """A health round through each resolver in which only the positive test point is listed, but for what is spoilt."""
    rows = []
    for place, server in enumerate(servers):
        for n, test in enumerate([*blocklists.tests(ORBZ, 4), *blocklists.tests(ORBZ, 6)]):
            told = codes if test.role == "positive" or test.role in spoilt else []
            rcode = "NOERROR" if told else "NXDOMAIN"
            words = {"address": test.address, "round_": number, "id_": 1000 * number + 100 * place + n}
            rows.append(row(told, rcode=rcode, server=server, at_s=at_s, number=pass_number, **words))
    return rows


def judged(*rows, rounds=None, unfinished=(), address=ADDRESS):
    """The one row of `listings` and of `lists` for these exchanges."""
    rounds = [*healthy_round(1), *healthy_round(2, at_s=AFTER)] if rounds is None else rounds
    addresses = frame("addresses", [("mail.example", address, 4, "present", None, None, "1")])
    finished = {number: [ORBZ.zone] for number in {one.round for one in rounds} - set(unfinished)}
    said, lists = read_listings([ORBZ], addresses, *told_apart([*rounds, *rows], [ORBZ.zone]), finished)
    return said.iloc[0], lists.iloc[0]


@pytest.mark.parametrize(
    ("codes", "words", "status", "reason"),
    [
        (["127.0.0.2"], {}, "listed", None),
        ([], {"rcode": "NXDOMAIN"}, "clear", None),
        ([], {}, "clear", None),
        (["127.0.0.77"], {}, "refused", "unknown_code"),
        (["127.0.0.2", "127.0.0.77"], {}, "listed", None),
        (["127.255.255.254"], {}, "refused", "error_code"),
        (["127.0.0.2", "127.255.255.252"], {}, "refused", "error_code"),
        (["203.0.113.9"], {}, "refused", "list_void"),
        (["127.0.0.2", "203.0.113.9"], {}, "refused", "list_void"),
        ([], {"rcode": "REFUSED"}, "refused", "refused"),
        ([], {"rcode": "SERVFAIL"}, "silent", "servfail"),
        ([], {"outcome": "timeout"}, "silent", "timeout"),
    ],
)
def test_what_one_answer_means(codes, words, status, reason):
    listing, _ = judged(row(codes, **words))
    found = None if pd.isna(listing["reason"]) else listing["reason"]
    assert (listing["status"], found) == (status, reason)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6))
def test_whatever_numbers_a_list_answers_only_its_own_codes_list_anybody(numbers):
    codes = [".".join(str(byte) for byte in number.to_bytes(4, "big")) for number in numbers]
    found = blocklists.judge(ORBZ, row(codes))
    is_accepted = "127.0.0.2" in codes
    is_error = any(not code.startswith("127.") or code.startswith("127.255.255.") for code in codes)
    assert found.status != "clear"
    assert (found.status == "listed") == (is_accepted and not is_error)


def test_a_listing_that_comes_or_goes_between_passes_is_reported_as_such():
    none = {"rcode": "NXDOMAIN"}
    came, _ = judged(row(**none), row(["127.0.0.2"], number=2, at_s=900))
    left, _ = judged(row(["127.0.0.2"]), row(number=2, at_s=900, **none))
    assert (came["status"], came["reason"], came["confirmed"]) == ("listed", "came_between_passes", False)
    assert (left["status"], left["reason"], left["confirmed"]) == ("clear", "left_between_passes", False)


@pytest.mark.parametrize(
    ("second", "is_confirmed"),
    [
        ({"at_s": 10}, False),
        ({"at_s": 300}, False),
        ({"at_s": 302}, True),
        ({"at_s": 10, "ttl": 290, "server": "127.0.0.2:53"}, False),
        ({"at_s": 10, "server": "127.0.0.2:53"}, False),
        ({"at_s": 302, "server": "127.0.0.2:53"}, True),
        ({"at_s": 10, "is_authoritative": True}, True),
        ({"at_s": 10, "is_authoritative": True, "ttl": 290}, False),
    ],
)
def test_only_an_answer_that_no_cache_kept_confirms(second, is_confirmed):
    found, _ = judged(row(["127.0.0.2"]), row(["127.0.0.2"], number=2, **second))
    assert (found["status"], found["confirmed"]) == ("listed", is_confirmed)


@pytest.mark.parametrize(("at_s", "is_confirmed"), [(302, False), (3600, False), (3602, True)])
def test_an_alias_that_a_cache_may_still_hold_confirms_nothing(at_s, is_confirmed):
    """The resolver asks the list anew for what the alias leads to, and takes that it does from its cache."""
    later = row(["127.0.0.2"], number=2, at_s=at_s, alias_ttl=3600 - min(at_s, 3599))
    found, _ = judged(row(["127.0.0.2"], alias_ttl=3600), later)
    assert (found["status"], found["confirmed"]) == ("listed", is_confirmed)


def test_an_answer_that_the_resolver_calls_stale_confirms_nothing():
    """A resolver that serves expired answers (RFC 8767) says so where it can (RFC 8914)."""
    later = row(["127.0.0.2"], number=2, at_s=900, ttl=30)
    message = dns.message.from_wire(later.answer)
    message.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.STALE_ANSWER)])
    found, _ = judged(row(["127.0.0.2"]), later._replace(answer=message.to_wire()))
    assert (found["status"], found["confirmed"], found["reason"]) == ("listed", False, "not_heard_again")


def test_a_silent_second_pass_neither_takes_back_nor_confirms():
    found, _ = judged(row(["127.0.0.2"]), row(number=2, at_s=900, outcome="timeout"))
    assert (found["status"], found["confirmed"], found["reason"]) == ("listed", False, "not_heard_again")


@pytest.mark.parametrize("role", ["negative", "control"])
def test_a_list_that_lists_what_cannot_be_listed_is_void_backwards_too(role):
    rounds = [*healthy_round(1), *healthy_round(2, spoilt={role}, at_s=AFTER)]
    found, one = judged(row(["127.0.0.2"]), rounds=rounds)
    assert (found["status"], found["reason"], found["categories"]) == ("refused", "list_void", [])
    assert (one["health"], one["failed_round"], one["rounds"]) == ("void", 2, 2)
    assert one["reason"] == f"{role}_listed"


def test_an_answer_after_the_last_finished_round_is_not_believed():
    before, _ = judged(row(["127.0.0.2"], at_s=5.0), rounds=healthy_round(1))
    assert (before["status"], before["reason"]) == ("silent", "unproven")
    clear, _ = judged(row(rcode="NXDOMAIN", at_s=5.0), rounds=healthy_round(1))
    assert clear["status"] == "silent"


def test_a_round_that_was_cut_off_proves_nothing_but_its_lies_count():
    rounds = [*healthy_round(1), *healthy_round(2, at_s=AFTER)]
    cut, _ = judged(row(["127.0.0.2"]), rounds=rounds, unfinished={2})
    assert cut["reason"] == "unproven"
    lying = [*rounds, *healthy_round(3, spoilt={"control"}, at_s=2 * AFTER)]
    found, one = judged(row(["127.0.0.2"]), rounds=lying, unfinished={3})
    assert (found["status"], one["health"], one["reason"]) == ("refused", "void", "control_listed")


@pytest.mark.parametrize(("codes", "why"), [((), "positive_not_listed"), (("127.255.255.254",), "error_code")])
def test_a_round_that_was_cut_off_when_the_list_had_failed_makes_it_void(codes, why):
    """The list is empty for a while, and itself again when the survey goes on."""
    cut = [one for one in healthy_round(2, at_s=500, codes=codes) if one.name.startswith("2.0.0.127.")]
    rounds = [*healthy_round(1), *cut, *healthy_round(3, at_s=5000), *healthy_round(4, at_s=AFTER)]
    found, one = judged(row(rcode="NXDOMAIN", at_s=400), rounds=rounds, unfinished={2})
    assert (found["status"], one["health"], one["reason"]) == ("refused", "void", why)


def test_a_lie_about_ipv6_in_a_round_that_was_cut_off_says_nothing_of_ipv4():
    both = dataclasses.replace(ORBZ, ipv6=True, negative_ipv6=("::ffff:7f00:1",))
    name = f"{reverse_name('::ffff:7f00:1')}.{ORBZ.zone}"
    lie = row(["127.0.0.2"], round_=2, at_s=500)._replace(name=name, answer=answer(name, ["127.0.0.2"]))
    rows = Exchanges([*healthy_round(1), lie, *healthy_round(3, at_s=AFTER)])
    one = blocklists.health([both], rows, {1: [ORBZ.zone], 3: [ORBZ.zone]}, {})[ORBZ.zone]
    assert one.void is None and not one.failed and lie.server in one.failed_ipv6


def test_an_answer_through_a_resolver_that_proved_nothing_is_not_believed():
    tested = SERVERS[:1]
    rounds = [*healthy_round(1, servers=tested), *healthy_round(2, at_s=AFTER, servers=tested)]
    for words in ({"codes": ["127.0.0.2"]}, {"rcode": "NXDOMAIN"}):
        found, one = judged(row(server=SERVERS[1], **words), rounds=rounds)
        assert (found["status"], found["reason"], one["health"]) == ("silent", "unproven", "healthy")


def test_a_list_that_fails_through_one_resolver_is_believed_through_the_other():
    rounds = [*healthy_round(1), *healthy_round(2, at_s=AFTER)]
    rounds += healthy_round(3, at_s=5000, servers=SERVERS[1:], codes=("127.255.255.254",))
    believed, one = judged(row(["127.0.0.2"]), rounds=rounds)
    doubted, _ = judged(row(["127.0.0.2"], server=SERVERS[1]), rounds=rounds)
    assert (one["health"], believed["status"]) == ("healthy", "listed")
    assert (doubted["status"], doubted["reason"]) == ("silent", "unproven_resolver")


def test_silence_in_the_rounds_of_a_recheck_voids_that_recheck_alone():
    silent = [one._replace(answer=b"", outcome="timeout") for one in healthy_round(3, at_s=20_000, pass_number=1001)]
    rounds = [*healthy_round(1), *healthy_round(2, at_s=AFTER), *silent]
    later = row(rcode="NXDOMAIN", number=1001, at_s=20_100, id_=7)
    found, one = judged(row(["127.0.0.2"]), row(["127.0.0.2"], number=2, at_s=900), later, rounds=rounds)
    assert (one["health"], found["status"], found["confirmed"]) == ("healthy", "listed", True)
    assert found["reason"] == "not_heard_again"
    lies = healthy_round(4, spoilt={"negative"}, at_s=20_000, pass_number=1001)
    assert judged(row(["127.0.0.2"]), rounds=[*rounds, *lies])[1]["health"] == "void"


@pytest.mark.parametrize("codes", [[], ["127.0.0.2"]])
def test_a_recheck_that_was_cut_off_is_not_vouched_for_by_the_rounds_of_another(codes):
    begun = healthy_round(3, at_s=20_000, pass_number=1001)
    rounds = [*healthy_round(1), *healthy_round(2, at_s=AFTER), *begun]
    for number, at_s in ((4, 90_000), (5, 90_010)):
        rounds += healthy_round(number, at_s=at_s, pass_number=1002)
    before = ["127.0.0.2"] if not codes else []
    told = {"rcode": "NXDOMAIN" if not codes else "NOERROR"}
    earlier = row(before, rcode="NOERROR" if before else "NXDOMAIN")
    found, one = judged(earlier, row(codes, number=1001, at_s=20_001, id_=7, **told), rounds=rounds)
    assert (one["health"], found["reason"]) == ("healthy", "not_heard_again")
    assert found["status"] == ("listed" if before else "clear"), "as the survey itself heard it"
    closed = [*rounds, *healthy_round(6, at_s=20_002, pass_number=1001)]
    found, _ = judged(earlier, row(codes, number=1001, at_s=20_001, id_=7, **told), rounds=closed)
    assert found["status"] == ("listed" if codes else "clear")


def test_one_answer_outside_127_about_any_address_makes_the_list_void():
    stray = row(["203.0.113.9"], address="198.18.9.9", id_=77)
    found, one = judged(row(["127.0.0.2"]), stray)
    assert (found["status"], one["reason"]) == ("refused", "outside_127")


def test_a_record_of_another_class_is_no_answer():
    name = f"{reverse_name(ADDRESS)}.{ORBZ.zone}"
    message = dns.message.make_response(dns.message.make_query(f"{name}.", "A"))
    # "example. 1", spelt out: dnspython forgets how to read it when it has met a record of class ANY (255) before.
    message.answer.append(dns.rrset.from_text(f"{name}.", 60, "CH", "A", r"\# 11 07 6578616d706c65 00 0001"))
    found, _ = judged(row()._replace(answer=message.to_wire()))
    assert found["status"] == "silent"


def test_a_round_that_left_no_evidence_proves_nothing():
    addresses = frame("addresses", [("mail.example", ADDRESS, 4, "present", None, None, "1")])
    said, lists = read_listings([ORBZ], addresses, *told_apart([row(["127.0.0.2"])], [ORBZ.zone]), {1: [ORBZ.zone]})
    assert (lists.iloc[0]["reason"], said.iloc[0]["status"]) == ("no_evidence", "refused")


def test_lists_for_information_list_nobody_in_the_headline():
    context = dataclasses.replace(ORBZ, use="informational_only")
    found = blocklists.judge(context, row(["127.0.0.2"]))
    assert (found.status, found.categories, context.group) == ("listed", ("informational",), "context")


def test_a_list_never_tested_is_void():
    found, one = judged(row(["127.0.0.2"]), rounds=[])
    assert (found["status"], one["health"], one["reason"]) == ("refused", "void", "never_tested")


def test_ipv6_is_asked_nibble_by_nibble_and_not_at_all_of_lists_without_it():
    assert reverse_name("2001:db8::1").startswith("1.0.0.0.0.0")
    addresses = frame("addresses", [("mail.example", "2001:db8::1", 6, "present", None, None, "1")])
    without = next(one for one in select("practice", load_catalogue()) if not one.ipv6)
    said, _ = read_listings([without], addresses, *told_apart([], [ORBZ.zone]), {})
    assert (said.iloc[0]["status"], said.iloc[0]["reason"]) == ("not_asked", "no_ipv6")


def test_a_lists_own_words_are_bounded_and_harmless():
    name = f"{reverse_name(ADDRESS)}.{ORBZ.zone}"
    message = dns.message.make_response(dns.message.make_query(f"{name}.", "TXT"))
    words = ['"\\027[31m=HYPERLINK(1)\\000<script>"', *(f'"{"x" * 250}{place}"' for place in range(200))]
    message.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", *words))
    said = Row(9, 1, 1, 0, name, TXT, "127.0.0.1:53", "tcp", 1, "answered", 0, 1, message.to_wire())
    found, _ = judged(row(["127.0.0.2"]), said)
    assert len(found["text"]) <= 1000
    assert "\x1b" not in found["text"] and "\0" not in found["text"]


HEARD = st.tuples(
    st.sampled_from([ADDRESS, "192.0.2.78", "2001:db8::7"]),
    st.sampled_from([1, 2, 1001]),
    st.sampled_from(SERVERS),
    st.sampled_from(["denied", "listed", "timeout", "servfail"]),
    st.integers(-20, 20_000),
)


@given(st.lists(HEARD, max_size=12), st.booleans(), st.sets(st.sampled_from([12_000, 15_000, 18_000])))
def test_what_is_read_as_columns_is_what_is_read_one_by_one(heard, has_last_round, rechecked):
    rounds = [*healthy_round(1), *(healthy_round(2, at_s=AFTER) if has_last_round else ())]
    for number, at_s in enumerate(sorted(rechecked), 3):
        rounds += healthy_round(number, at_s=at_s, pass_number=1001)
    kinds = {
        "denied": ([], {"rcode": "NXDOMAIN"}),
        "listed": (["127.0.0.2"], {}),
        "timeout": ([], {"outcome": "timeout"}),
        "servfail": ([], {"rcode": "SERVFAIL"}),
    }
    rows = [
        row(kinds[kind][0], number=number, address=address, at_s=at_s, server=server, id_=place, **kinds[kind][1])
        for place, (address, number, server, kind, at_s) in enumerate(heard, 1)
    ]
    addresses = frame(
        "addresses",
        [
            ("mail.example", one, 6 if ":" in one else 4, "present", None, None, "1")
            for one in (ADDRESS, "192.0.2.78", "2001:db8::7")
        ],
    )
    finished = {number: [ORBZ.zone] for number in {one.round for one in rounds}}

    def read():
        return read_listings([ORBZ], addresses, *told_apart([*rounds, *rows], [ORBZ.zone]), finished)

    by_columns = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listings._OneList, "_is_plain", lambda self, _: np.zeros(len(self._pairs), dtype=bool))
        one_by_one = read()
    for mine, other in zip(by_columns, one_by_one, strict=True):
        pd.testing.assert_frame_equal(mine, other)
    pairs, rest = told_apart([*rounds, *rows], [ORBZ.zone])
    whole = Exchanges([*rounds, *rows])
    assert pairs.asked_n() + rest.asked_n() == whole.asked_n()
    assert pairs.packets_n() + rest.packets == whole.packets


@given(st.text(max_size=60), st.integers(1, 40))
def test_what_is_harmless_stays_and_nothing_else(text, most):
    told = harmless(text, most)
    whole = "".join(one if is_safe(one) else escaped(one) for one in text)
    assert told == (whole if len(whole) <= most else f"{whole[:most]}…")
    assert all(is_safe(one) for one in told)
