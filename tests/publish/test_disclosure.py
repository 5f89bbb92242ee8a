"""Nobody is found out by subtraction: a reader tries every country that could be behind the public numbers."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from survey.errors import DecisionNeeded
from survey.publish import audiences, disclosure

BY_ALL = [("listed", "listed"), ("unknown", "unknown"), ("clear", "clear")]
BY_RELAY = [*BY_ALL, ("listed", "clear"), ("listed", "unknown"), ("unknown", "clear")]
"""Status and status by open-relay lists, as they occur together."""
REGIONS, KINDS, OPERATORS = "甲乙丙丁", "市町村", "AB"


@st.composite
def worlds(draw, states, most):
    """A small country: per body its region, kind, operators, whose its servers are, whether it is named, its state."""
    regions, kinds = REGIONS[: draw(st.integers(1, 4))], KINDS[: draw(st.integers(1, 3))]
    # The last state is rarer, so that counts bind.
    state = st.one_of(st.sampled_from(states[:1] + states[2:3]), st.sampled_from([*states, ("no_mail", "no_mail")]))
    body = st.tuples(
        st.sampled_from(regions),
        st.sampled_from(kinds),
        st.sets(st.sampled_from(OPERATORS), max_size=2).map(frozenset),
        st.sampled_from([frozenset({"own"}), frozenset({"shared"}), frozenset({"own", "shared"})]),
        st.booleans() if draw(st.booleans()) else st.just(False),
        state,
    )
    return draw(st.lists(body, min_size=1, max_size=most))


def table(world):
    """The world as the room takes it: findings, who is named, customers, whose."""
    rows = [(str(n), region, kind, *state) for n, (region, kind, *_, state) in enumerate(world)]
    found = pd.DataFrame(rows, columns=["code", "prefecture", "kind", "status", "open_relay_listing"])
    named = {str(n) for n, one in enumerate(world) if one[4] and one[5][0] == "listed"}
    users = {name: {str(n) for n, one in enumerate(world) if name in one[2]} for name in OPERATORS}
    return found, named, users, {str(n): one[3] for n, one in enumerate(world)}


def published(told, world, states, leading):
    """Every public number that these states would give, by the rows that are printed."""
    shown = [set(told.regions["prefecture"]), set(told.kinds["kind"])]
    counts: dict[object, int] = {}

    def add(*key):
        counts[key] = counts.get(key, 0) + 1

    for one, state in zip(world, states, strict=True):
        lead = state[leading]
        for place, rows in enumerate(shown):
            add(place, one[place] if one[place] in rows else disclosure.OTHERS, lead if lead != "no_mail" else "clear")
        add("by all", state[0])
        add("by relay", state[1])
        for name in one[2] & set(told.operators):
            add("operator", name, state[0] if state[0] in ("listed", "unknown") else "rest")
        if told.has_shares and state[0] == "listed":
            add("whose", "own" in one[3])
    return counts


def found_out(told, world, named, possible, leading):
    """The unnamed listed bodies that are listed in every country behind the same numbers."""
    truth = [one[5] for one in world]
    facts = published(told, world, truth, leading)
    fixed = [str(n) in named or one[5][0] == "no_mail" for n, one in enumerate(world)]
    choices = [[state] if is_fixed else possible for state, is_fixed in zip(truth, fixed, strict=True)]
    always = {n for n, state in enumerate(truth) if state[0] == "listed" and not fixed[n]}
    for states in product(*choices):
        if (
            always
            and any(states[n][0] != "listed" for n in always)
            and published(told, world, states, leading) == facts
        ):
            always = {n for n in always if states[n][0] == "listed"}
    return always


def told_of(world, leading, small, servers=None):
    found, named, users, whose = table(world)
    measure = ("bodies", "open_relay")[leading]
    counts = {
        column: audiences._leading(audiences._counts(found, column), measure) for column in ("prefecture", "kind")
    }
    column = ("status", "open_relay_listing")[leading]
    told = disclosure.told(
        found, counts, leading=column, named=named, operators=users, whose=whose, users=servers or {}, small=small
    )
    return told, named


@pytest.mark.parametrize(("states", "leading", "most"), [(BY_ALL, 0, 7), (BY_RELAY, 1, 4)])
@pytest.mark.parametrize("small", [0, disclosure.SMALL], ids=["small rows kept", "as published"])
def test_nobody_is_listed_in_every_country_that_gives_the_same_numbers(states, leading, most, small):
    @given(worlds(states, most))
    @settings(max_examples=150)
    def attack(world):
        try:
            told, named = told_of(world, leading, small)
        except DecisionNeeded:
            hidden = [one[5] for one in world if not (one[4] and one[5][0] == "listed")]
            assert not [state for state in hidden if state[0] in ("unknown", "clear")], "somebody could be the cover"
            return
        event(f"rows {len(told.regions)} {len(told.kinds)}, operators {len(told.operators)}, {told.has_shares}")
        assert found_out(told, world, named, states, leading) == set()
        assert sum(told.regions["bodies"]) == sum(told.kinds["bodies"]) == len(world)

    attack()


def body(region, kind, state, operators=(), whose="own"):
    return region, kind, frozenset(operators), frozenset({whose}), False, (state, state)


def test_region_and_kind_together_give_nobody_back():
    """甲 has one of two listed, towns one of three: alone each hides it, together they would point at the town of 甲."""
    world = [
        *(body("甲", "町", "listed"), body("甲", "市", "clear")),
        *(body("乙", "町", "clear"), body("乙", "町", "clear"), body("乙", "市", "clear")),
    ]
    found, *_ = table(world)
    apart = disclosure.Told(
        *(
            audiences._counts(found, column)[[column, "listed", "unknown", "bodies"]]
            for column in ("prefecture", "kind")
        ),
        operators=(),
        has_shares=False,
    )
    assert found_out(apart, world, set(), BY_ALL, 0) == {0}
    told, named = told_of(world, 0, 0)
    assert found_out(told, world, named, BY_ALL, 0) == set()
    assert disclosure.OTHERS in set(told.regions["prefecture"])


def test_an_operator_or_a_split_that_would_tell_is_left_out():
    """All listed ones are A's only customer and the only ones with shared servers: neither may be counted apart."""
    world = [body("甲", "町", "listed", "A", "shared"), *(body("甲", "町", "clear", "B") for _ in range(4))]
    told, _ = told_of(world, 0, 0)
    assert told.operators == ("B",) or told.operators == ()
    assert "A" not in told.operators and not told.has_shares
    harmless = [*world, body("甲", "町", "clear", "A", "shared")]
    told, _ = told_of(harmless, 0, 0)
    assert told.operators == ("A", "B") and told.has_shares


def test_a_row_that_only_one_shared_server_can_make_up_is_put_together():
    """Fifteen towns of 甲 share a server and eight have their own: "15 of 23 listed" says who they are."""
    world = [
        *(body("甲", "町", "listed", (), "shared") for _ in range(15)),
        *(body("甲", "町", "clear") for _ in range(8)),
        *(body("乙", "町", "clear") for _ in range(9)),
        *(body("乙", "町", "clear", (), "shared") for _ in range(3)),
        *(body("丙", "町", "clear") for _ in range(40)),
        *(body("丙", "町", "listed") for _ in range(5)),
    ]
    servers = {"mx.shared": {str(n) for n in range(15)}, **{f"mx{n}": {str(n)} for n in range(15, len(world))}}
    untold, _ = told_of(world, 0, disclosure.SMALL)
    assert "甲" in set(untold.regions["prefecture"])
    told, _ = told_of(world, 0, disclosure.SMALL, servers)
    rows = told.regions.set_index("prefecture")["listed"].to_dict()
    assert rows == {"丙": 5, disclosure.OTHERS: 15}, "with 乙, where others could be the fifteen"
    assert not told.has_shares, "of those with shared servers alone, too"


def test_a_total_that_only_one_shared_server_can_make_up_is_for_a_person():
    world = [*(body("甲", "町", "listed") for _ in range(15)), *(body("乙", "市", "clear") for _ in range(8))]
    servers = {"mx.shared": {str(n) for n in range(15)}, **{f"mx{n}": {str(n)} for n in range(15, len(world))}}
    with pytest.raises(DecisionNeeded, match="no other servers"):
        told_of(world, 0, 0, servers)


def test_where_everybody_is_listed_a_person_decides():
    with pytest.raises(DecisionNeeded, match="names them all"):
        told_of([body("甲", "町", "listed"), body("甲", "市", "listed"), body("乙", "町", "no_mail")], 0, 0)
