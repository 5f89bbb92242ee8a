"""Counts for outsiders: an unconfirmed listing is unknown for the operator, too; every unknown body has its reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from survey.frames import frame
from survey.publish import audiences, counts, disclosure
from survey.publish.edition import Edition

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


def without_confirmation(edition, host):
    """The same edition in which no later pass confirmed the listings of this server."""
    found = edition.tables["findings"].copy()
    for column in ("confirmed_servers", "confirmed_categories"):
        found[column] = [
            [] if host in servers else kept
            for servers, kept in zip(found["servers_listed"], found[column], strict=True)
        ]
    return replace(edition, tables={**edition.tables, "findings": found})


def test_an_operator_is_listed_for_outsiders_only_by_what_was_confirmed(edition):
    servers = edition.tables["servers"]
    worst = servers.loc[servers["status"].eq("listed")].sort_values("bodies_n", ascending=False).iloc[0]
    other = without_confirmation(edition, worst["host"])
    for audience, listed in (("internal", worst["bodies_n"]), ("ministry", 0)):
        ranked = audiences.view(other, audience, {}, now=NOW).operators.set_index("operator")
        assert ranked["listed_n"][worst["operator"]] == listed
    assert ranked["unknown_n"][worst["operator"]] == worst["bodies_n"]


def test_the_share_that_operators_carry_counts_a_body_once():
    servers = pd.DataFrame(
        [("a", "listed", ["1", "2"]), ("a", "clear", ["9"]), ("b", "listed", ["2", "3"]), ("c", "listed", ["4"])],
        columns=["operator", "status", "codes"],
    )
    assert counts.carried(servers, ["a", "b"]) == [0.5, 0.75]
    assert counts.carried(servers.assign(status="clear"), ["a"]) == [None]


def test_an_address_is_told_to_nobody_who_only_shares_another_one_of_its_server(edition):
    """Two names of a provider have one address in common; the other address of the first one is listed."""
    tail = ("shared", "used_by_several", "X", "X", "provider", "domain", [], [])
    on, both = ["list.example"], ["1", "2"]
    servers = [
        ("mx1.x.example", "listed", both, 2, ["198.18.0.1", "198.18.0.2"], on, *tail),
        ("mx2.x.example", "clear", both, 2, ["198.18.0.1"], [], *tail),
        ("mail.own.example", "listed", ["2"], 1, ["198.18.0.3"], on, *tail),
    ]
    said = ("list.example", "listed", ["127.0.0.2"], ["spam_source"], None, None, True, ["spam_source"], None, ["1"])
    one = edition.tables["findings"].iloc[[0, 0]].reset_index(drop=True)
    findings = one.assign(
        code=both, servers=pd.Series([["mx1.x.example"], ["mail.own.example", "mx2.x.example"]], dtype="object")
    )
    tables = {
        "servers": frame("servers", servers),
        "listings": frame("listings", [("198.18.0.2", *said), ("198.18.0.3", *said)]),
        "findings": findings,
    }
    found = counts.confirmed_listings(replace(edition, tables=tables), set(both))
    assert found[["code", "host", "address"]].values.tolist() == [
        ["1", "mx1.x.example", "198.18.0.2"],
        ["2", "mail.own.example", "198.18.0.3"],
    ]


def test_every_body_that_is_not_determined_has_a_reason(edition):
    worst = edition.tables["findings"].query("status == 'listed'").iloc[0]
    other = without_confirmation(edition, worst["servers_listed"][0])
    for audience in ("internal", "ministry"):
        view = audiences.view(other, audience, {}, now=NOW)
        assert int(view.reasons["bodies"].sum()) >= view.headline["bodies_unknown"]
        assert ("unconfirmed" in set(view.reasons["reason"])) == (audience == "ministry")
    public = audiences.view(other, "public", {}, now=NOW).reasons
    assert (public.loc[public["reason"].ne(disclosure.OTHERS), "bodies"] > disclosure.SMALL).all()
    assert view.reasons["bodies"].sum() - public["bodies"].sum() in range(disclosure.SMALL + 1)


def test_servers_and_greetings_are_internal(edition):
    for audience in ("ministry", "public"):
        view = audiences.view(edition, audience, {}, now=NOW)
        assert not len(view.servers) and not len(view.software)
    assert len(audiences.view(edition, "internal", {}, now=NOW).servers)
