"""What nothing was asked about: whole columns say the same as row by row."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import networks, senders
from survey.exchanges import MX, PTR, TXT, A, Exchanges, Row
from survey.frames import bundles, to_arrow
from survey.packed import PackedExchanges
from survey.practice.world import is_practice
from survey.unasked import unasked
from survey.worlds import LIVE

ZONES = LIVE.asn_zones
ADDRESSES = st.lists(st.ip_addresses().map(str), max_size=12)
DOMAINS = st.lists(st.from_regex(r"\A[a-z]{1,9}(\.[a-z]{1,9}){0,9}\Z"), max_size=12)


def asked(type_, name="town.example.jp"):
    return Row(7, 1, 1, 0, name, type_, "s", "udp", 1, "timeout", 0, 0, b"")


def whole(name, rows):
    return pa.concat_tables([to_arrow(name), *bundles(name, rows)])


@given(ADDRESSES, st.sampled_from([Exchanges, PackedExchanges]))
def test_networks_of_which_nothing_was_asked_are_those_read_row_by_row(addresses, kind):
    known = kind([asked(MX), asked(A)])
    one_by_one = whole("networks", (networks._row(one, known, ZONES) for one in sorted(set(addresses))))
    assert networks.read(addresses, known, ZONES).equals(one_by_one)


@given(DOMAINS, st.sampled_from([Exchanges, PackedExchanges]))
def test_senders_of_which_nothing_was_asked_are_those_read_row_by_row(domains, kind):
    known = kind([asked(MX), asked(A)])
    each = [senders._read(one, known, is_practice, 64) for one in sorted(set(domains))]
    parts, policies = senders.read(domains, known, is_practice, {})
    assert pa.concat_tables([to_arrow("senders"), *parts]).equals(
        whole("senders", (row for one, _ in each for row in one))
    )
    assert policies().equals(whole("policies", (policy for _, policy in each)))


@pytest.mark.parametrize("kind", [Exchanges, PackedExchanges])
def test_one_question_is_enough_to_look_at_every_row(kind):
    assert not kind([asked(MX)]).has_asked(TXT, PTR)
    assert kind([asked(MX), asked(PTR)]).has_asked(TXT, PTR)
    origin, _ = networks.questions("192.0.2.1", ZONES)
    found = networks.read(["192.0.2.1", "192.0.2.2"], kind([asked(*reversed(origin))]), ZONES)
    assert found["status"].to_pylist() == ["silent", "not_asked"]
    parts, _ = senders.read(["a.example", "town.example.jp"], kind([asked(TXT)]), is_practice, {})
    assert [row["status"] for part in parts for row in part.to_pylist()] == ["not_asked", "silent"]


def test_nobody_is_replaced_wherever_it_is_named():
    row = ("nobody.invalid", 1, "nobody.invalid", *[None] * 7, True, "not_asked", "not_asked", [])
    found = unasked("senders", row, "nobody.invalid", ["a.example", "b.example"]).to_pylist()
    assert [(one["domain"], one["evidence_ids"]) for one in found] == [("a.example", []), ("b.example", [])]
    assert "nobody.invalid" not in str(found)
