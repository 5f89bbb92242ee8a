"""SPF: the grammar term by term, the RFC 7208 test suite, recorded records of 2,110 municipalities, and any bytes at all."""

from __future__ import annotations

import csv
from collections import Counter
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.spf import is_record, parse
from survey.spftree import LOOKUPS_MOST, Visit, walk
from survey.tables import Dns
from tests import rfc7208


def terms(text: bytes) -> list[tuple]:
    return [
        (t.qualifier + t.name, t.domain or (t.network and str(t.network)), t.prefix4, t.prefix6)
        for t in parse(text).terms
    ]


def test_a_record_is_its_terms_in_order():
    record = parse(
        b"v=spf1 mx a:out.example.jp/28//64  ?ip4:192.0.2.7/24 ip6:2001:db8::1 ~include:_spf.%{d} -all ptr moo=x"
    )
    assert [(t.qualifier, t.name) for t in record.terms] == [
        ("+", "mx"), ("+", "a"), ("?", "ip4"), ("+", "ip6"), ("~", "include"), ("-", "all"), ("+", "ptr"), ("", "moo"),
    ]  # fmt: skip
    assert terms(b"v=spf1 a:out.example.jp/28//64 ip4:192.0.2.7/24 mx/30 a//96 a:host.example2.jp2") == [
        ("+a", "out.example.jp", 28, 64), ("+ip4", "192.0.2.0/24", 32, 128), ("+mx", None, 30, 128), ("+a", None, 32, 96),
        ("+a", "host.example2.jp2", 32, 128),
    ]  # fmt: skip
    assert [t.name for t in record.mechanisms] == ["mx", "a", "ip4", "ip6", "include"], "nothing behind all is tested"
    assert record.all == "-"
    assert record.terms[4].has_macro
    assert not record.errors


def test_a_redirection_counts_only_without_all():
    assert parse(b"v=spf1 redirect=_spf.example.jp ~all").redirect is None
    assert parse(b"v=spf1 redirect=_spf.example.jp").redirect.domain == "_spf.example.jp"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (b"v=spf1", True),
        (b"V=SPF1 -all", True),
        (b"v=spf10 -all", False),
        (b"v=spf1\t-all", False),
        (b" v=spf1", False),
        (b"", False),
    ],
)
def test_what_is_an_spf_record(text, is_one):
    assert is_record(text) is is_one


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        ("ipv4:192.0.2.1", "unknown_mechanism"), ("ip:192.0.2.1", "unknown_mechanism"), ("redirect:x.jp", "unknown_mechanism"),
        ("192.0.2.1", "no_term"), ("-all.", "no_term"), ("=all", "no_term"), ("-redirect=x.jp", "no_term"), ("~", "no_term"),
        ("all:x", "bad_argument"), ("-all/8", "bad_argument"), ("ptr/24", "bad_argument"), ("exists/24", "bad_argument"),
        ("include", "missing_domain"), ("include:", "missing_domain"), ("a:", "missing_domain"), ("redirect=", "missing_domain"),
        ("a:museum", "bad_domain"), ("a:192.0.2.1", "bad_domain"), ("mx:x.-jp", "bad_domain"), ("include:x.jp/24", "bad_domain"),
        ("a:x.jp:8080", "bad_domain"), ("exists:%(i).x.jp", "bad_macro"), ("a:%{z}.x.jp", "bad_macro"), ("foo=%x", "bad_macro"),
        ("a:%{d0}.x.jp", "bad_macro"), ("exp=%{c}.x.jp", "bad_macro"),
        ("ip4", "bad_network"), ("ip4:192.0.2", "bad_network"), ("ip4:192.0.2.01", "bad_network"), ("ip4:192.0.2.1:25", "bad_network"),
        ("ip6::a::b", "bad_network"), ("ip6:fe80::1%eth0", "bad_network"), ("ip4:2001:db8::1", "bad_network"),
        ("ip4:192.0.2.1/33", "bad_prefix"), ("ip4:192.0.2.1/024", "bad_prefix"), ("ip6:2001:db8::1/129", "bad_prefix"),
        ("a/33", "bad_prefix"), ("mx//129", "bad_prefix"), ("a/24/64", "bad_prefix"), ("ip4:192.0.2.1/", "bad_prefix"),
        ("a:x.jp\u3000", "bad_character"), ("ip4:192.0.2.1\t", "bad_character"), ("\x96all", "bad_character"),
    ],
)  # fmt: skip
def test_a_malformed_term_is_kept_with_its_reason(term, reason):
    raw = f"v=spf1 mx {term} -all".encode("utf-8" if "\u3000" in term else "latin-1")
    record = parse(raw)
    assert [why for _, why in record.errors] == [reason]
    assert [t.name for t in record.terms] == ["mx", "all"]


def test_a_modifier_that_stands_twice_is_an_error():
    record = parse(b"v=spf1 exp=a.example.jp exp=b.example.jp foo=1 foo=2")
    assert record.errors == (("exp=b.example.jp", "repeated_modifier"),)


@given(
    st.one_of(
        st.binary(max_size=300), st.text("v=spf1 amxipclude:/.%{}-~?+0123456789redirct", max_size=80).map(str.encode)
    )
)
def test_any_bytes_are_read_without_a_crash(raw):
    record = parse(b"v=spf1 " + raw)
    assert len(record.terms) + len(record.errors) == len([part for part in raw.split(b" ") if part])
    assert all(reason.isidentifier() for _, reason in record.errors)


def test_a_long_hostile_record_is_read_at_once():
    for part in (
        b"a:" + b"a" * 60_000 + b"!",
        b"a:" + b"%{d}" * 15_000 + b"%",
        b"a:" + b".a" * 30_000,
        b"a/" * 30_000,
        b"a:" + b"-" * 60_000,
    ):
        assert len(parse(b"v=spf1 " + part).terms) + len(parse(b"v=spf1 " + part).errors) == 1


# -- the RFC 7208 test suite ---------------------------------------------------------------------------------------------

NOT_A_MAIL_DOMAIN = "the sender's name is no domain: a register's domains are checked when it is read"
MACRO = "macros depend on the client: they are kept as not followed"
CLIENT = "ptr and exists depend on the client: they are kept as not followed"
EXCLUDED = {
    **dict.fromkeys(("toolonglabel", "emptylabel", "helo-not-fqdn", "helo-domain-literal", "domain-literal"), NOT_A_MAIL_DOMAIN),
    **dict.fromkeys(("trailing-dot-domain", "macro-mania-in-domain", "hello-macro", "invalid-hello-macro", "hello-domain-literal",
                     "require-valid-helo", "macro-reverse-split-on-dash", "macro-multiple-delimiters", "p-macro-multiple",
                     "invalid-domain-long-via-macro"), MACRO),
    **dict.fromkeys(("ptr-match-target", "ptr-match-implicit", "ptr-nomatch-invalid", "ptr-match-ip6", "ptr-case-change",
                     "ptr-cname-loop", "ptr-limit", "exists-ip4", "exists-ip6", "exists-ip6only", "exists-dnserr", "bytes-bug"), CLIENT),
}  # fmt: skip


def result(visit: Visit, client) -> str:
    """What a receiver makes of a tree for one client: RFC 7208 §2.6 and §4.6, written here for the suite alone."""
    if visit.status is Dns.SILENT:
        return "temperror"
    if visit.problem:
        return "permerror"
    if visit.status is Dns.ABSENT:
        return "none"
    for step in visit.steps:
        inner = result(step.inner, client) if step.inner is not None else None
        if step.term.name == "redirect":
            return "permerror" if step.problem or inner == "none" else inner
        is_in = any(
            p.network is not None and p.network.version == client.version and client in p.network for p in step.parts
        )
        if step.term.name == "include":
            if inner in ("temperror", "permerror", "none"):
                return "temperror" if inner == "temperror" else "permerror"
            is_in = inner == "pass"
        if is_in:
            return {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}[step.term.qualifier]
        if step.problem:
            return "permerror"
        if any(part.status is Dns.SILENT for part in step.parts):
            return "temperror"
    return {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral", None: "neutral"}[visit.record.all]


def test_the_rfc_7208_test_suite(capsys):
    """Every case but the excluded ones: our tree, read by a receiver's rule, gives a result that the suite allows."""
    every = rfc7208.cases()
    assert set(EXCLUDED) <= {case.name for case in every}
    wrong = []
    for case in every:
        if case.name in EXCLUDED:
            continue
        known, _ = rfc7208.known_after(
            case.zone, lambda known, case=case: walk(case.domain, known, lambda name: True).needed
        )
        tree = walk(case.domain, known, lambda name: True)
        assert tree.lookups <= LOOKUPS_MOST
        said = result(tree.root, ip_address(case.client))
        if said not in case.results:
            wrong.append((case.chapter, case.name, said, set(case.results)))
    with capsys.disabled():
        ran = len(every) - len(EXCLUDED)
        print(
            f"\nRFC 7208 test suite: {ran} of {len(every)} cases run, {ran - len(wrong)} as it says; excluded by name:"
        )
        for why in dict.fromkeys(EXCLUDED.values()):
            print(f"  {', '.join(name for name, said in EXCLUDED.items() if said == why)}: {why}")
    assert wrong == []
    assert len(every) == 203


# -- recorded records ----------------------------------------------------------------------------------------------------


def test_every_recorded_swiss_record_is_read_and_malformed_ones_are_named(shared, capsys):
    with (shared / "recorded" / "swiss-municipalities.csv").open(encoding="utf-8", newline="") as file:
        texts = [(row["domain"], row["spf"].encode()) for row in csv.DictReader(file) if row["spf"]]
    assert all(is_record(text) for _, text in texts)
    records = [(domain, parse(text)) for domain, text in texts]
    malformed = {domain: record.errors for domain, record in records if record.errors}
    kinds = Counter(term.name for _, record in records for term in record.terms)
    with capsys.disabled():
        print(f"\n{len(texts)} recorded SPF records of Swiss municipalities read: {dict(kinds.most_common())}")
        print(f"{len(malformed)} of them malformed:")
        for domain, errors in sorted(malformed.items()):
            print(f"  {domain}: " + "; ".join(f"{why} {term!r}" for term, why in errors))
    assert len(texts) == 2097
    assert set(malformed) == {"avry.ch", "cadempino.ch", "hasliberg.ch", "stansstad.ch"}
    written = sum(len(text.split()) - 1 for _, text in texts)
    assert sum(kinds.values()) + sum(map(len, malformed.values())) == written, "no term is lost"
