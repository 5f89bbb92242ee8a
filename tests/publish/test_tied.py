"""Who shares a server is listed together: a reader who knows every server's customers finds nobody by a count."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from survey.publish.tied import tied


def test_a_count_that_one_server_alone_can_make_up_tells_its_customers():
    shared, own = {f"s{n}" for n in range(15)}, {f"o{n}" for n in range(8)}
    users = {"mx.shared": shared, **{f"mx.{code}": {code} for code in own}}
    assert tied(shared, [(shared | own, 15)], users) == shared
    more = {f"p{n}" for n in range(8)}
    users |= {f"mx.{code}": {code} for code in more}
    assert tied(shared, [(shared | own | more, 15)], users) == set(), "sixteen others could be the fifteen"


def test_a_number_that_the_others_cannot_give_tells_as_well():
    """Two servers of two and of three customers: five listed are all of them, three those of the second."""
    users = {"a": {"1", "2"}, "b": {"3", "4", "5"}}
    assert tied({"3", "4", "5"}, [(set("12345"), 3)], users) == {"3", "4", "5"}
    users |= {"c": {"6"}}
    assert tied({"3", "4", "5"}, [(set("123456"), 3)], users) == set(), "the first two and the sixth"


@given(
    st.lists(st.sets(st.integers(0, 7), min_size=1, max_size=4), min_size=1, max_size=7),
    st.sets(st.integers(0, 7)),
    st.data(),
)
def test_it_finds_whom_a_trial_of_every_country_finds(customers, members, data):
    users = {f"mx{n}": {str(one) for one in codes} for n, codes in enumerate(customers)}
    row = {str(one) for one in members}
    on = data.draw(st.lists(st.booleans(), min_size=len(users), max_size=len(users)))

    def listed(switches):
        return set().union(*(codes for codes, is_on in zip(users.values(), switches, strict=True) if is_on)) & row

    hidden = listed(on)
    countries = [listed(switches) for switches in product([False, True], repeat=len(users))]
    always = {code for code in hidden if all(code in one for one in countries if len(one) == len(hidden))}
    assert tied(hidden, [(row, len(hidden))], users) == always
