"""The plan: who may be asked, and who may not, and why."""

from __future__ import annotations

import dataclasses
import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pandas as pd
import pytest

from survey.evidence import Mark
from survey.exchanges import ANSWERED, Row
from survey.permissions import Permission, Permissions
from survey.practice.mailers import ASKER
from survey.practice.world import is_practice
from survey.relays import BEGUN, PLANNED, Servers, hosts_to_resolve, plan, read
from survey.smtp.forms import ALL, BASIC, Target
from survey.smtp.judgement import note

TODAY = datetime.date(2026, 11, 24)
TOWN = "白丘町"
BASE = Permission(
    "許可",
    3,
    None,
    (),
    TOWN,
    "課長",
    "確認",
    "電話",
    datetime.date(2026, 1, 1),
    datetime.date(2026, 12, 31),
    BASIC,
    None,
    ASKER,
)


def network(*texts):
    return tuple(map(ip_network, texts))


def servers():
    """A town with its own server, another whose mail is at a provider, and a prefecture that runs it for its towns.

    The columns of bodies, domains, mail_servers and addresses that the plan looks at.
    """
    bodies = [("1", "玉灘県", TOWN), ("2", "玉灘県", "黒沼市"), ("3", "玉灘県", "玉灘県")]
    domains = [("1", "town.example"), ("2", "city.example"), ("3", "pref.example")]
    mail = [
        *(("town.example", host) for host in ("mail.town.example", "mx.provider.example", "vanity.town.example")),
        *(("town.example", "cloud.pref.example"), ("city.example", "mx.provider.example")),
        *(("city.example", "cloud.pref.example"), ("town.example", None)),
    ]
    addresses = [
        ("mail.town.example", "192.0.2.1", None),
        ("mx.provider.example", "192.0.2.2", None),
        ("vanity.town.example", "192.0.2.2", None),
        ("cloud.pref.example", "192.0.2.3", None),
        ("silent.town.example", None, "timeout"),
    ]
    return (
        pd.DataFrame(bodies, columns=["code", "prefecture", "name"]),
        pd.DataFrame(domains, columns=["code", "domain"]),
        pd.DataFrame(mail, columns=["domain", "host"]),
        pd.DataFrame(addresses, columns=["host", "address", "reason"]),
    )


def planned(*changes, resolved=None, out=(), askable=is_practice):
    rows = tuple(dataclasses.replace(BASE, row=number, **change) for number, change in enumerate(changes, 3))
    permissions = Permissions(rows, (), Path("p.xlsx"), "0" * 64)
    known = Servers(*servers())
    return plan(permissions, known, resolved or {}, lambda subject: subject in out, askable, TODAY)


def asked(found):
    return {target.address for target in found.targets}


def refused(found):
    return {(refusal.subject, refusal.reason) for refusal in found.refusals}


def test_an_address_of_its_own_is_asked_with_the_name_and_domain_that_the_run_knows():
    found = planned({"networks": network("192.0.2.1")})
    (target,) = found.targets
    assert target == Target("192.0.2.1", "mail.town.example", "town.example", TOWN, BASIC, ASKER, 3, BASE.valid_to)
    assert not found.refusals


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"valid_to": datetime.date(2026, 11, 23)}, "expired"),
        ({"valid_from": datetime.date(2026, 11, 25)}, "not_yet_valid"),
    ],
)
def test_a_row_counts_only_within_its_dates(change, reason):
    found = planned({"networks": network("192.0.2.1"), **change})
    assert (asked(found), refused(found)) == (set(), {("192.0.2.1", reason)})
    edges = {"valid_from": TODAY, "valid_to": TODAY}
    assert asked(planned({"networks": network("192.0.2.1"), **edges})) == {"192.0.2.1"}


def test_a_host_is_asked_where_it_points_now_and_only_within_the_permission():
    row = {"host": "mail.town.example", "networks": network("192.0.2.1")}
    assert asked(planned(row, resolved={"mail.town.example": ["192.0.2.1"]})) == {"192.0.2.1"}
    moved = planned(row, resolved={"mail.town.example": ["203.0.113.5"]})
    assert asked(moved) == set()
    assert refused(moved) == {("203.0.113.5", "resolves_outside"), ("192.0.2.1", "host_moved")}
    both = planned(row, resolved={"mail.town.example": ["192.0.2.1", "2001:db8::1"]})
    assert (asked(both), refused(both)) == ({"192.0.2.1"}, {("2001:db8::1", "resolves_outside")})
    assert refused(planned(row, resolved={"mail.town.example": None})) == {("mail.town.example", "host_silent")}
    assert refused(planned(row, resolved={"mail.town.example": []})) == {("mail.town.example", "host_absent")}


def test_a_host_alone_needs_another_row_of_the_same_operator_that_covers_it():
    host = {"host": "new.town.example", "networks": ()}
    resolved = {"new.town.example": ["203.0.113.5"]}
    assert asked(planned(host, resolved=resolved)) == set()
    assert asked(planned(host, {"networks": network("203.0.113.0/24")}, resolved=resolved)) == {"203.0.113.5"}
    others = {"networks": network("203.0.113.0/24"), "operator": "somebody else"}
    assert asked(planned(host, others, resolved=resolved)) == set()
    ended = {"networks": network("203.0.113.0/24"), "valid_to": datetime.date(2026, 2, 1)}
    assert asked(planned(host, ended, resolved=resolved)) == set()


def test_a_range_permits_what_the_run_knows_and_scans_nothing():
    found = planned({"networks": network("192.0.2.0/24", "203.0.113.9"), "operator": "provider"})
    assert asked(found) == {"192.0.2.1", "192.0.2.2", "192.0.2.3", "203.0.113.9"}


def test_a_towns_consent_does_not_cover_its_provider():
    provider = planned({"networks": network("192.0.2.2")})
    assert refused(provider) == {("192.0.2.2", "another_operator")}, "its own name for the server changes nothing"
    assert asked(planned({"networks": network("192.0.2.2"), "operator": "provider"})) == {"192.0.2.2"}
    for name in (TOWN, "玉灘県白丘町", "白丘町役場", "白丘 町"):
        assert asked(planned({"networks": network("192.0.2.2"), "operator": name})) == set(), name
        assert asked(planned({"networks": network("192.0.2.1"), "operator": name})) == {"192.0.2.1"}, name


def test_a_prefecture_that_runs_the_server_of_its_towns_may_permit():
    assert asked(planned({"networks": network("192.0.2.3"), "operator": "玉灘県庁"})) == {"192.0.2.3"}
    assert refused(planned({"networks": network("192.0.2.3")})) == {("192.0.2.3", "another_operator")}


def test_opt_outs_special_addresses_and_two_operators_are_refused():
    row = {"networks": network("192.0.2.1"), "host": None}
    assert refused(planned(row, out=("192.0.2.1",))) == {("192.0.2.1", "opted_out")}
    assert refused(planned(row, out=("town.example",))) == {("192.0.2.1", "opted_out")}
    assert refused(planned(row, askable=lambda address: False)) == {("192.0.2.1", "special_address")}
    other = row | {"operator": "provider"}
    for rows in ((row, other), (other, row), (row, other, row)):
        found = planned(*rows)
        assert asked(found) == set()
        assert ("192.0.2.1", "two_operators") in refused(found)
    assert len(planned(row, row).targets) == 1, "the same operator twice is one target"


def test_nothing_outside_the_file_is_ever_a_target():
    rows = [{"networks": network("192.0.2.0/30")}, {"host": "mail.town.example", "networks": network("192.0.2.1")}]
    found = planned(*rows, resolved={"mail.town.example": ["198.51.100.7", "192.0.2.1", "10.0.0.1"]})
    assert all(any(ip_address(a) in n for r in rows for n in r["networks"]) for a in asked(found))
    permissions = Permissions((BASE,), (), Path("p.xlsx"), "0" * 64)
    assert hosts_to_resolve(permissions) == []
    assert asked(plan(permissions, Servers(*servers()), {}, lambda s: False, is_practice, TODAY)) == set()


def test_the_tables_hold_every_address_with_why_it_was_not_asked():
    target = Target("192.0.2.1", "mail.town.example", "town.example", TOWN, BASIC, ASKER, 3, BASE.valid_to)
    text = f"* 0.000 {note(target, 'f' * 64)}\n* 0.1 connected\nS 0.2 220 x.example ESMTP \\x83=HYPERLINK\n* 0.3 end closed\n"
    row = Row(77, 1, 0, 0, "192.0.2.1", 0, "192.0.2.1:25", "smtp", 1, ANSWERED, 1_700_000_000_000_000, 9, text.encode())
    refusals = [{"row": 5, "subject": "192.0.2.3", "reason": "expired", "operator": "x"}, {"subject": "mail.a.example"}]
    plan_ = {
        "planned": [{"address": a, "operator": TOWN, "row": 3} for a in ("192.0.2.1", "203.0.113.1", "203.0.113.2")],
        "refused": refusals,
    }
    marks = [Mark(PLANNED, plan_, 1), Mark(BEGUN, {"addresses": ["192.0.2.1", "203.0.113.1"]}, 2)]
    greetings, relays, found = read([row], marks, servers()[3])
    evidence = found["evidence_id"].fillna("")
    verdicts = dict(zip(found["address"], zip(found["verdict"], found["reason"], evidence, strict=True), strict=True))
    assert verdicts == {
        "192.0.2.1": ("inconclusive", "closed", "77"),
        "192.0.2.2": ("not_asked", "no_permission", ""),
        "192.0.2.3": ("not_asked", "expired", ""),
        "203.0.113.1": ("inconclusive", "cut_off", ""),
        "203.0.113.2": ("not_asked", "unfinished", ""),
    }
    assert len(relays) == len(ALL)
    assert set(relays["status"]) == {"not_asked"}
    assert greetings.loc[0, "banner"] == "x.example ESMTP \\x83=HYPERLINK"
    assert found.loc[0, "hosts"] == ["mail.town.example"]


def test_a_run_without_relay_dialogue_has_three_empty_tables():
    assert [len(table) for table in read([], [], servers()[3])] == [0, 0, 0]
