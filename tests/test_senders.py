"""Senders and policies: whose is named, what is asked about, what is only named; limits, loops, silence; DMARC's tree walk."""

from __future__ import annotations

from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import dmarc, senders
from survey.exchanges import TXT, Exchanges, Question
from survey.frames import joined
from survey.practice.world import is_practice
from survey.spftree import LOOKUPS_MOST, walk
from survey.tables import Dns
from tests.rfc7208 import answer, known_after

TOWN = "town.example.jp"


def read_senders(*arguments):
    """Both tables, whole."""
    parts, policies = senders.read(*arguments)
    return joined("senders", parts), joined("policies", [policies()])


def read(zone: dict, most: int = 64, domain: str = TOWN) -> tuple[pd.DataFrame, pd.Series]:
    """The senders of one domain, and its row of `policies`, when everything that it needs was asked."""
    zone = {name: [{"SPF": rows}] if isinstance(rows, str) else rows for name, rows in zone.items()}
    known, _ = known_after(zone, lambda known: [*senders.needs(domain, known), *dmarc.needs(domain)])
    found, policies = read_senders([domain], known, is_practice, {domain: most})
    assert set(found["domain"]) == {domain}
    asked = senders.addresses(domain, known, is_practice, most)
    told = found.loc[found["status"].eq("present") & found["address"].notna() & found["reason"].isna(), "address"]
    assert asked == list(told), "what the hallway asks about is what the table says"
    return found, policies.iloc[0]


def named(zone: dict, **changes) -> list[tuple]:
    """(mechanism, address or network, provider, status, reason) of every row."""
    found, _ = read(zone, **changes)
    rows = found.astype(object).where(found.notna(), None)
    return [(r.mechanism, r.address or r.network, r.provider, r.status, r.reason) for r in rows.itertuples()]


def test_own_addresses_are_asked_about_and_providers_are_named():
    zone = {
        TOWN: "v=spf1 mx a:out.town.example.jp ip4:192.0.2.7 ip6:2001:db8::7 include:_spf.provider.example.com -all",
        "_spf.provider.example.com": "v=spf1 ip4:198.51.100.0/24 include:spf.other.example.net a:out.example.com -all",
        "spf.other.example.net": "v=spf1 ip4:203.0.113.0/24 -all",
        "out.town.example.jp": [{"A": "198.18.0.1"}, {"A": "198.18.0.2"}],
        "mx.isp.example.org": [{"A": "198.18.0.3"}, {"AAAA": "2001:db8::3"}],
    }
    zone[TOWN] = [{"SPF": zone[TOWN]}, {"MX": [10, "mx.isp.example.org"]}]
    assert named(zone) == [
        ("mx", "198.18.0.3", None, "present", None),
        ("mx", "2001:db8::3", None, "present", None),
        ("a:out.town.example.jp", "198.18.0.1", None, "present", None),
        ("a:out.town.example.jp", "198.18.0.2", None, "present", None),
        ("ip4:192.0.2.7", "192.0.2.7", None, "present", None),
        ("ip6:2001:db8::7", "2001:db8::7", None, "present", None),
        ("include:_spf.provider.example.com", None, "example.com", "present", None),
        ("include:spf.other.example.net", None, "example.net", "present", None),
    ]
    found, policy = read(zone)
    assert found["is_own"].tolist() == [True] * 6 + [False] * 2
    assert (policy["spf_all"], policy["spf_lookups_n"], policy["spf_voids_n"]) == (
        "-",
        5,
        0,
    )
    assert pd.isna(policy["spf_problem"])


def test_a_records_of_the_same_registrable_domain_are_its_own():
    zone = {
        TOWN: "v=spf1 include:_spf.example.jp redirect=_last.town.example.jp",
        "_spf.example.jp": "v=spf1 ip4:192.0.2.1 ~all",
        "_last.town.example.jp": "v=spf1 ip4:192.0.2.2 ?all",
    }
    found, policy = read(zone)
    assert found["address"].dropna().tolist() == ["192.0.2.1", "192.0.2.2"]
    assert found["record_domain"].tolist() == [TOWN, "_spf.example.jp", TOWN, "_last.town.example.jp"]
    assert policy["spf_all"] == "?", "as the redirection says"


def test_networks_up_to_16_addresses_are_asked_about_and_larger_ones_named():
    rows = named({TOWN: "v=spf1 ip4:192.0.2.19/28 ip4:198.51.100.0/27 ip6:2001:db8::/127 ip4:203.0.113.8/31 -all"})
    assert [row[1] for row in rows if row[3] == "present"] == [
        *(f"192.0.2.{n}" for n in range(16, 32)), "203.0.113.8", "203.0.113.9",
    ]  # fmt: skip
    assert [(row[1], row[4]) for row in rows if row[3] == "not_asked"] == [
        ("198.51.100.0/27", "range_too_large"), ("2001:db8::/127", "range_too_large"),
    ]  # fmt: skip


def test_of_a_range_around_a_host_the_host_is_asked_about():
    rows = named({TOWN: [{"SPF": "v=spf1 a/24//64 -all"}, {"A": "192.0.2.9"}, {"AAAA": "2001:db8::9"}]})
    assert [(row[1], row[3], row[4]) for row in rows] == [
        ("192.0.2.0/24", "not_asked", "range_too_large"), ("192.0.2.9", "present", None),
        ("2001:db8::/64", "not_asked", "range_too_large"), ("2001:db8::9", "present", None),
    ]  # fmt: skip


def test_at_most_64_addresses_and_the_others_are_named():
    text = " ".join(f"ip4:198.18.{n}.0/28" for n in range(5)) + " ip4:198.18.0.3 ip4:198.18.9.9"
    rows = named({TOWN: f"v=spf1 {text} -all"})
    assert len({row[1] for row in rows if row[3] == "present"}) == 64
    assert [(row[1], row[4]) for row in rows if row[3] == "not_asked"] == [
        ("198.18.4.0/28", "too_many_addresses"), ("198.18.9.9/32", "too_many_addresses"),
    ]  # fmt: skip


def test_sixty_four_a_body_are_shared_among_its_domains():
    domains = pd.DataFrame({"code": ["1", "1", "1", "2", "3"], "domain": ["a.jp", "b.jp", "c.jp", "c.jp", "d.jp"]})
    assert senders.shares(domains) == {"a.jp": 21, "b.jp": 21, "c.jp": 21}


def test_what_a_record_denies_or_does_not_vouch_for_is_no_sender():
    rows = named({TOWN: "v=spf1 -ip4:192.0.2.1 ip4:192.0.2.0/30 ?ip4:192.0.2.9 ~ip4:192.0.2.10 -all"})
    assert [row[1] for row in rows if row[3] == "present"] == ["192.0.2.0", "192.0.2.2", "192.0.2.3"]
    assert {row[4] for row in rows if row[3] == "not_asked"} == {"not_authorised"}


def test_special_addresses_are_never_asked_about():
    rows = named({TOWN: "v=spf1 ip4:127.0.0.1 ip4:10.0.0.1 ip6:::ffff:127.0.0.2 -all"})
    assert [row[4] for row in rows] == ["special_address"] * 3


def test_an_ipv4_mapped_address_is_the_ipv4_address_that_it_is():
    """Lists keep it so, and whoever opted out wrote it so."""
    rows = named({TOWN: [{"SPF": "v=spf1 -ip4:192.0.2.9 a ip6:::ffff:192.0.2.1 -all"}, {"AAAA": "::ffff:192.0.2.9"}]})
    assert [row[1] for row in rows if row[3] == "present"] == ["192.0.2.1"]
    rows = named({TOWN: [{"SPF": "v=spf1 a -all"}, {"AAAA": "::ffff:192.0.2.9"}]})
    assert [(row[1], row[4]) for row in rows] == [("192.0.2.9", None)]


@pytest.mark.parametrize(
    ("zone", "rows", "problem"),
    [
        ({}, [(None, "absent", "nxdomain")], None),
        ({TOWN: [{"TXT": "hello"}]}, [(None, "absent", "no_record")], None),
        ({TOWN: "v=spf1 -all"}, [(None, "present", "names_none")], None),
        ({TOWN: ["TIMEOUT"]}, [(None, "silent", "timeout")], None),
        ({TOWN: [{"TXT": "v=spf1 ip4:192.0.2.1"}, {"TXT": "v=spf1 -all"}]}, [(None, "present", "several_records")], "several_records"),
        ({TOWN: "v=spf1 ip4:192.0.2.1 ipv4:192.0.2.2 -all"}, [("ipv4:192.0.2.2", "present", "unknown_mechanism")], "malformed_record"),
        ({TOWN: f"v=spf1 include:{TOWN} -all"}, [(f"include:{TOWN}", "not_asked", "loop")], "loop"),
        ({TOWN: "v=spf1 redirect=none.example.jp"}, [("redirect=none.example.jp", "absent", "include_without_record")], "include_without_record"),
        ({TOWN: "v=spf1 exists:%{i}.x.jp ptr a:%{d} -all"},
         [("exists:%{i}.x.jp", "not_asked", "macro"), ("ptr", "not_asked", "depends_on_client"), ("a:%{d}", "not_asked", "macro")], None),
        ({TOWN: "v=spf1 a:a..example.jp -all"}, [("a:a..example.jp", "absent", "bad_name")], None),
        ({TOWN: [{"SPF": "v=spf1 mx"}, *({"MX": [n, f"m{n}.jp"]} for n in range(11))]}, [("mx", "not_asked", "too_many_exchangers")], "too_many_exchangers"),
        ({TOWN: [{"SPF": "v=spf1 mx"}, {"MX": [0, ""]}]}, [("mx", "absent", "bad_name")], None),
    ],
)  # fmt: skip
def test_every_domain_has_a_row_that_says_why_nothing_is_named(zone, rows, problem):
    found, policy = read(zone)
    found = found.astype(object).where(found.notna(), None)
    assert [(r.mechanism, r.status, r.reason) for r in found.itertuples()] == rows
    assert policy["spf_problem"] == problem or (problem is None and pd.isna(policy["spf_problem"]))


def test_ten_lookups_are_followed_and_no_more():
    zone = {TOWN: "v=spf1 " + " ".join(f"a:h{n}.example.jp" for n in range(12)) + " ip4:192.0.2.99 -all"}
    zone |= {f"h{n}.example.jp": [{"A": f"192.0.2.{n}"}] for n in range(12)}
    found, policy = read(zone)
    assert found["address"].dropna().tolist() == [*(f"192.0.2.{n}" for n in range(10)), "192.0.2.99"]
    assert policy["spf_lookups_n"] == 10
    assert policy["spf_problem"] == "too_many_lookups"
    assert found.loc[found["reason"].eq("too_many_lookups"), "mechanism"].tolist() == [
        "a:h10.example.jp",
        "a:h11.example.jp",
    ]


def test_the_third_void_lookup_is_one_too_many():
    two = read({TOWN: "v=spf1 a:x.example.jp a:y.example.jp ip4:192.0.2.1 -all"})[1]
    three = read({TOWN: "v=spf1 a:x.example.jp a:y.example.jp a:z.example.jp ip4:192.0.2.1 -all"})[1]
    assert (two["spf_voids_n"], three["spf_voids_n"]) == (2, 3)
    assert pd.isna(two["spf_problem"])
    assert three["spf_problem"] == "too_many_void_lookups"


def test_silence_in_own_records_is_a_doubt_and_silence_of_a_provider_is_not():
    for place, is_own in (("_spf.example.jp", True), ("_spf.example.com", False)):
        found, policies = read({TOWN: f"v=spf1 include:{place} ip4:192.0.2.1 -all", place: ["TIMEOUT"]})
        one = senders.by_domain(found, policies.to_frame().T)[TOWN]
        assert one.is_silent is is_own
        assert one.notes == {"spf_silent" if is_own else "spf_provider_silent"}
        assert one.addresses == ["192.0.2.1"]


def test_a_record_of_thousands_of_terms_is_bounded():
    found, _ = read({TOWN: "v=spf1 " + " ".join(f"ip4:198.18.{n // 200}.{n % 200}" for n in range(3000)) + " -all"})
    assert len(found) == 501
    assert found["address"].dropna().nunique() == 64
    assert found["reason"].iloc[-1] == "too_many_terms"


def test_a_strangers_terms_are_harmless():
    found, policy = read({TOWN: "v=spf1 a:\x1b[31m.example.jp =cmd()\u00ff -all"})
    text = "".join(found["mechanism"].dropna()) + policy["spf_text"]
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text)


NAMES = [TOWN, "a.example.jp", "b.example.jp", "c.example.com", "d.example.com", "gone.example.jp"]
TERMS = st.sampled_from(
    [f"{word}{name}" for name in NAMES for word in ("include:", "a:", "mx:", "redirect=", "~include:", "exists:", "-a:")]
    + ["mx", "a", "ptr", "all", "-all", "ip4:198.18.1.0/28", "ip4:198.18.2.0/30", "ip4:192.0.2.1", "ip6:2001:db8::1", "a/20", "a:%{d}", "x"]
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(NAMES[:-1]), st.lists(TERMS, max_size=14), min_size=1),
    st.integers(0, 64),
    st.integers(0, 99),
)
@settings(max_examples=200)
def test_any_tree_ends_within_its_limits(records, most, seed):
    random = Random(seed)
    zone = {}
    for name, terms in records.items():
        zone[name] = [{"SPF": "v=spf1 " + " ".join(terms)}]
        zone[name] += [{"A": f"198.18.{random.randrange(9)}.{random.randrange(9)}"} for _ in range(random.randrange(3))]
        zone[name] += [{"MX": [n, random.choice(NAMES)]} for n in range(random.randrange(3))]
        zone[name] += ["TIMEOUT"] if random.random() < 0.1 else []
    known, rounds = known_after(zone, lambda known: senders.needs(TOWN, known))
    assert rounds <= 2 * LOOKUPS_MOST + 2
    tree = walk(TOWN, known, lambda name: name.endswith("example.jp"))
    assert tree.lookups <= LOOKUPS_MOST
    found = senders.addresses(TOWN, known, is_practice, most)
    assert len(set(found)) <= most
    table, policies = read_senders([TOWN], known, is_practice, {TOWN: most})
    assert len(table) >= 1
    assert len(policies) == 1
    assert set(table["status"]) <= {*Dns}


# -- DMARC ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("v=DMARC1; p=reject", ("reject", "reject")),
        ("v=DMARC1;p=Quarantine;sp=none;", ("quarantine", "none")),
        ("V = DMARC1 ; p = none ; foo=bar", ("none", "none")),
        ("v=DMARC1; rua=mailto:x@example.jp", ("none", "none")),
        ("v=DMARC1; p=rejct; rua=mailto:x@example.jp", ("none", "none")),
        ("v=DMARC1; p=reject; sp=rejct", (None, None)),
        ("v=DMARC1", (None, None)),
        ("v=DMARC1; p=none; p=reject", ("none", "none")),
    ],
)  # fmt: skip
def test_a_policy_record_says_what_the_rfc_makes_of_it(text, policy):
    record = dmarc.parse(text.encode())
    assert tuple(record.policy(is_subdomain=below, exists=True) for below in (False, True)) == policy


@pytest.mark.parametrize("text", [b"v=dmarc1; p=none", b"p=none; v=DMARC1", b"v=DMARC12; p=none", b"v=spf1 -all", b""])
def test_what_is_no_policy_record(text):
    assert dmarc.parse(text) is None


@given(st.binary(max_size=120))
def test_any_bytes_are_a_policy_record_or_none(raw):
    assert dmarc.parse(raw) is None
    assert dmarc.parse(b"v=DMARC1;" + raw) is not None


def test_the_walk_visits_eight_names_at_most():
    assert dmarc.targets("a.mail.example.com") == ["a.mail.example.com", "mail.example.com", "example.com", "com"]
    assert dmarc.targets("a.b.c.d.e.f.g.h.i.j.mail.example.com") == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com", "i.j.mail.example.com",
        "j.mail.example.com", "mail.example.com", "example.com", "com",
    ]  # fmt: skip
    long = ".".join(["a" * 62] * 4)
    assert dmarc.targets(long)[0] == long.partition(".")[2], "no name fits in front of the longest ones"
    assert dmarc.needs("example.com") == [Question("_dmarc.example.com", TXT), Question("_dmarc.com", TXT)]


START = "a.mail.example.com"


@pytest.mark.parametrize(
    ("records", "organisational", "place", "policy"),
    [
        ({}, START, None, None),
        (
            {"mail.example.com": "p=none", "example.com": "p=reject; sp=quarantine"},
            "example.com",
            "example.com",
            "quarantine",
        ),
        (
            {"mail.example.com": "p=none; psd=n", "example.com": "p=reject"},
            "mail.example.com",
            "mail.example.com",
            "none",
        ),
        ({"com": "p=none; psd=y"}, "example.com", "com", "none"),
        ({"com": "p=none; psd=y", "example.com": "p=reject"}, "example.com", "example.com", "reject"),
        ({START: "p=quarantine", "example.com": "p=reject"}, "example.com", START, "quarantine"),
        ({START: "p=quarantine; psd=y"}, START, START, "quarantine"),
    ],
)
def test_the_organisational_domain_and_the_policy_by_the_tree_walk(records, organisational, place, policy):
    zone = {f"_dmarc.{name}": [{"TXT": f"v=DMARC1; {tags}"}] for name, tags in records.items()}
    found = dmarc.discover(START, known_after(zone, lambda known: dmarc.needs(START))[0], exists=True)
    assert (found.organisational, found.domain, found.policy) == (organisational, place, policy)
    assert found.status == ("present" if place else "absent")


def test_np_is_for_names_that_do_not_exist():
    zone = {"_dmarc.example.com": [{"TXT": "v=DMARC1; p=none; sp=quarantine; np=reject"}]}
    known = known_after(zone, lambda known: dmarc.needs(START))[0]
    assert [dmarc.discover(START, known, exists=is_there).policy for is_there in (True, False)] == [
        "quarantine",
        "reject",
    ]


def test_silence_on_the_walk_is_no_absence():
    silent = {"_dmarc.mail.example.com": ["TIMEOUT"], "_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}]}
    found = dmarc.discover(START, known_after(silent, lambda known: dmarc.needs(START))[0], exists=True)
    assert (found.status, found.reason, found.policy, found.organisational) == ("silent", "timeout", None, None)
    silent[f"_dmarc.{START}"] = [{"TXT": "v=DMARC1; p=none"}]
    found = dmarc.discover(START, known_after(silent, lambda known: dmarc.needs(START))[0], exists=True)
    assert (found.status, found.policy, found.organisational) == ("present", "none", None)
    unasked = dmarc.discover(START, Exchanges([answer(silent, Question("_dmarc.com", TXT))]), exists=True)
    assert unasked.status is Dns.NOT_ASKED


def test_two_policy_records_are_none():
    zone = {f"_dmarc.{START}": [{"TXT": "v=DMARC1; p=none"}, {"TXT": "v=DMARC1; p=reject"}, {"TXT": "other"}]}
    found = dmarc.discover(START, known_after(zone, lambda known: dmarc.needs(START))[0], exists=True)
    assert (found.status, found.problem) == ("absent", "several_records")
