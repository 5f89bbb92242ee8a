"""Counts for outsiders: an unconfirmed listing is unknown for the operator, too; every unknown body has its reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

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
