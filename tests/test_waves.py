"""Waves: one row per body and server, words that mirror, and never a change out of silence."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import waves
from survey.successors import Kin
from survey.wave_servers import compare_operators, compare_servers
from survey.wave_tables import Change, Reason
from survey.waves import Side, judge
from survey.yardstick import Yardstick, common
from tests.wave_worlds import DIRECTORY, pair, wave

MIRROR = {
    "new": "cleared",
    "cleared": "new",
    "unknown_before": "unknown_after",
    "unknown_after": "unknown_before",
    "not_in_before": "not_in_after",
    "not_in_after": "not_in_before",
}
SIDES = ("status", "whole", "lists", "categories", "whose", "operators", "evidence", "addresses", "bodies")


def compared(one, other, kin):
    yardstick = common(one, other)
    bodies, measured = waves.compare(one, other, yardstick, kin, DIRECTORY)
    return bodies, compare_servers(one, other, measured, yardstick), measured


def rows(table, *columns):
    return [tuple(None if isinstance(v, float) or v is pd.NA else v for v in row) for row in zip(*(table[c].astype(object) for c in columns), strict=True)]  # fmt: skip


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_a_wave_beside_itself_has_nothing_new_nothing_cleared_and_nothing_changed(seed):
    one, _, _ = pair(seed)
    kin = [Kin((code,), (code,), "same") for code in one.tables["bodies"]["code"]]
    bodies, servers, _ = compared(one, one, kin)
    for table in (bodies, servers):
        assert not table["change"].isin(["new", "cleared"]).any()
        for before, after in (("status_before", "status_after"), ("lists_before", "lists_after")):
            assert rows(table, before) == rows(table, after)
    assert not bodies[["servers_came", "servers_left", "domains_came", "domains_left"]].map(len).any(axis=None)
    assert bodies["moved"].isna().all()
    assert not servers["is_changed"].fillna(False).any()
    # What is listed persists, what is known to be on no list is unlisted, and all else is not compared.
    words = {"listed": "persisting", "clear": "unlisted", "no_mail": "unlisted"}
    status = dict(zip(one.tables["findings"]["code"], one.tables["findings"]["status"], strict=True))
    assert [words.get(status[code], "not_comparable") for code in bodies["code"]] == list(bodies["change"])
    assert set(bodies["reason"].dropna()) <= {"unknown_both", "opted_out", "out_of_scope"}


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_two_waves_the_other_way_round_say_the_mirrored_words(seed):
    one, other, kin = pair(seed)
    backward = [Kin(family.after, family.before, family.kind) for family in kin]
    there, back = compared(one, other, kin), compared(other, one, backward)
    for number in (0, 1):
        key = "code" if number == 0 else "host"
        forth = there[number].assign(
            key=lambda t: t["code_before"].fillna(t["code_after"]) if number == 0 else t["host"]
        )
        again = back[number].assign(
            key=lambda t: t["code_after"].fillna(t["code_before"]) if number == 0 else t["host"]
        )
        forth, again = (table.sort_values("key").reset_index(drop=True) for table in (forth, again))
        assert list(forth["key"]) == list(again["key"]), key
        for column in ("change", "reason"):
            assert [MIRROR.get(word, word) for (word,) in rows(forth, column)] == [
                word for (word,) in rows(again, column)
            ]
        assert rows(forth, "confirmed", "cause") == rows(again, "confirmed", "cause")
        for name in SIDES:
            if f"{name}_before" in forth.columns:
                assert rows(forth, f"{name}_before") == rows(again, f"{name}_after"), name
        if number == 0:
            assert rows(forth, "servers_came", "domains_came") == rows(again, "servers_left", "domains_left")
            assert [{"to_shared": "to_own", "to_own": "to_shared"}.get(w, w) for w, in rows(forth, "moved")] == [w for w, in rows(again, "moved")]  # fmt: skip


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_every_body_and_every_server_of_either_wave_has_one_row(seed):
    one, other, kin = pair(seed)
    bodies, servers, measured = compared(one, other, kin)
    before, after = (set(each.tables["bodies"]["code"]) for each in (one, other))
    assert sorted(bodies["code_before"].dropna()) == sorted(before)
    assert sorted(bodies["code_after"].dropna()) == sorted(after)
    recoded = sum(family.kind == "recoded" for family in kin)
    assert len(bodies) == len(before | after) - recoded
    assert bodies["change"].value_counts().sum() == len(bodies)
    assert bodies["reason"].notna().tolist() == bodies["change"].eq("not_comparable").tolist()
    assert set(bodies["change"]) <= set(Change) and set(bodies["reason"].dropna()) <= set(Reason)
    hosts = {host for each in (one, other) for host in each.tables["servers"]["host"]}
    assert sorted(servers["host"]) == sorted(hosts)
    ranked = compare_operators("one", "two", measured, {})
    for side, found in zip(("before", "after"), measured, strict=True):
        listed = {code for codes in found.servers.loc[found.servers["status"].eq("listed"), "codes"] for code in codes}
        assert max([0, *ranked[f"listed_{side}"]]) <= len(listed) <= ranked[f"listed_{side}"].sum()
    assert (ranked["listed_both"] <= ranked[["listed_before", "listed_after"]].min(axis=1)).all()


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_a_change_is_told_only_where_both_statuses_are_known_on_lists_that_both_waves_share(seed):
    one, other, kin = pair(seed)
    yardstick = common(one, other)
    bodies, _, _ = compared(one, other, kin)
    healthy = [set(w.tables["lists"].loc[w.tables["lists"]["health"].eq("healthy"), "zone"]) for w in (one, other)]
    assert yardstick.zones <= healthy[0] & healthy[1]
    for row in bodies.itertuples():
        listed = (row.status_before == "listed", row.status_after == "listed")
        whole = (row.whole_before, row.whole_after)
        assert yardstick.zones >= {*row.lists_before, *row.lists_after}
        if row.change == "new":
            assert listed == (False, True) and row.whole_after == "listed" and row.status_before in ("clear", "no_mail")
            assert row.whole_before != "listed"
        elif row.change == "cleared":
            assert listed == (True, False) and row.whole_before == "listed" and row.status_after in ("clear", "no_mail")
            assert row.whole_after != "listed"
        elif row.change == "persisting":
            assert listed == (True, True)
        elif row.change == "unlisted":
            assert {row.status_before, row.status_after} <= {"clear", "no_mail"} and "listed" not in whole
        elif row.reason in ("list_void", "list_not_in_both", "rules_changed"):
            assert "unknown" not in whole
        if (
            "unknown" in whole
            and not {"opted_out", "out_of_scope"} & set(whole)
            and all(isinstance(w, str) for w in whole)
        ):
            assert row.reason.startswith("unknown") or row.reason in ("merged", "split")


YARDSTICK = Yardstick(
    frozenset({"good"}), frozenset(), {"gone": Reason.LIST_NOT_IN_BOTH, "void": Reason.LIST_VOID}, frozenset((zone, "abuse") for zone in ("good", "gone", "void"))
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "change", "reason"),
    [
        (("clear", "clear", []), ("listed", "listed", ["good"]), "new", None),
        (("no_mail", "no_mail", []), ("listed", "listed", ["good"]), "new", None),
        (("listed", "listed", ["good"]), ("no_mail", "no_mail", []), "cleared", None),
        (("listed", "listed", ["good"]), ("listed", "listed", ["good"]), "persisting", None),
        (("clear", "unknown", []), ("clear", "clear", []), "not_comparable", "unknown_before"),
        # Silence is never a change.
        (("listed", "listed", ["good"]), ("unknown", "unknown", []), "not_comparable", "unknown_after"),
        (("unknown", "unknown", []), ("listed", "listed", ["good"]), "not_comparable", "unknown_before"),
        (("unknown", "unknown", []), ("unknown", "unknown", []), "not_comparable", "unknown_both"),
        # What stands on a list that the other wave does not share is neither new nor cleared.
        (("clear", "listed", ["void"]), ("clear", "clear", []), "not_comparable", "list_void"),
        (("clear", "clear", []), ("clear", "listed", ["gone"]), "not_comparable", "list_not_in_both"),
        (("clear", "listed", ["gone"]), ("listed", "listed", ["good"]), "not_comparable", "list_not_in_both"),
        (("unknown", "clear", []), ("clear", "clear", []), "not_comparable", "list_void"),
        (("unknown", "listed", ["gone"]), ("unknown", "unknown", []), "not_comparable", "unknown_after"),
        (("opted_out", "opted_out", []), ("listed", "listed", ["good"]), "not_comparable", "opted_out"),
        (("listed", "listed", ["good"]), ("out_of_scope", "out_of_scope", []), "not_comparable", "out_of_scope"),
    ],
)
def test_the_word_for_two_sides(before, after, change, reason):
    assert judge(Side(*before), Side(*after), YARDSTICK) == (change, reason)


def test_a_list_set_aside_by_a_person_is_not_compared():
    one = wave(1, "one")
    zone = one.tables["lists"].loc[one.tables["lists"]["health"].eq("healthy"), "zone"].iloc[0]
    yardstick = common(one, one, [zone])
    assert zone not in yardstick.zones
    assert yardstick.left_out[zone] == "list_set_aside"


@pytest.mark.parametrize("change", [Change.NEW, Change.CLEARED, Change.PERSISTING])
def test_two_guessed_domains_are_not_one_body_that_is_listed(change):
    told = waves._by_guess(waves.Judged(change), {"guess.example"})
    assert told == waves.Judged(Change.NOT_COMPARABLE, Reason.DOMAIN_CHANGED)
    assert waves._by_guess(waves.Judged(change), set()).change is change
