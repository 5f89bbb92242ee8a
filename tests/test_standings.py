"""The standings: what rows of listings say of each address, by column as row by row, in whatever parts they come."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from survey import standings
from survey.blocklists import LIES, NO_MATTER
from survey.frames import frame, from_arrow, to_arrow
from survey.tables import HEADLINE_CATEGORIES, HEADLINE_GROUPS

ZONES = ("a.example", "b.example", "c.example")
ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1")
REASONS = (None, None, "timeout", "list_void", "special_address", "opt_out", "no_ipv6", "daily_limit", "unfinished",
           "came_between_passes", "left_between_passes", "not_heard_again", "error_code")  # fmt: skip
STATUSES = ("listed", "clear", "clear", "silent", "refused", "not_asked")
CATEGORIES = ("open_relay", "spam_source", "informational")

texts = st.lists(st.sampled_from(CATEGORIES), unique=True, max_size=2)
pairs = st.lists(st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(ZONES)), unique=True, max_size=12)


@st.composite
def listings(draw) -> list[tuple]:
    rows = []
    for number, (address, zone) in enumerate(draw(pairs)):
        status, said = draw(st.sampled_from(STATUSES)), draw(texts)
        said = said if status == "listed" else []
        codes = draw(st.sampled_from([[], ["127.0.0.2"]]))
        confirmed = [one for one in said if draw(st.booleans())]
        rows.append((address, zone, status, codes, said, draw(st.sampled_from(REASONS)), None, False, confirmed, None, [str(number)]))  # fmt: skip
    return rows


@st.composite
def lists(draw) -> list[tuple]:
    return [
        (zone, zone, draw(st.sampled_from(["relay", "abuse", "context"])), draw(st.sampled_from(["healthy", "void"])),
         "not_judged", draw(st.sampled_from(["negative_listed", "positive_silent"])), 2, None, 0, 0, False, ["1"])
        for zone in ZONES
    ]  # fmt: skip


def rule(address: str, rows: list[tuple], lists: list[tuple]) -> dict:
    """The standing of one address, from the rows alone, one after another."""
    own = [row for row in rows if row[0] == address]
    group, health, why_void = ({one[0]: one[at] for one in lists} for at in (2, 3, 5))
    found = dict.fromkeys(("categories", "confirmed", "unconfirmed", "zones", "listed_on", "doubts", "relay_doubts", "notes"), frozenset())  # fmt: skip
    found |= {"evidence": (), "doubt_evidence": (), "answers": 0, "relay_answers": 0}
    found |= dict.fromkeys(("opted_out", "is_listed", "is_known", "is_asked", "is_open", "is_doubtful"), False)
    for _, zone, status, codes, said, why, _, _, confirmed, _, evidence in own:
        is_healthy, is_headline = health[zone] == "healthy", group[zone] in HEADLINE_GROUPS
        is_relay, has_said = is_healthy and group[zone] == "relay", status in ("listed", "clear")
        found["is_known"] |= (status, why) != ("clear", None) or (is_healthy and is_headline)
        found["is_asked"] |= why != "special_address"
        found["opted_out"] |= status == "not_asked" and why == "opt_out"
        if status == "not_asked" and why == "no_ipv6" and is_healthy and is_headline:
            found["notes"] |= {"ipv6_not_asked"}
        if why == "list_void" and codes and is_headline and not is_healthy and why_void[zone] not in LIES:
            found["notes"] |= {"listed_by_void_list"}
        if not is_healthy or why == "list_void":
            continue
        found["is_open"] |= not has_said and why not in NO_MATTER
        found["is_doubtful"] |= status in ("silent", "refused") or why in ("unfinished", "daily_limit", "opt_out")
        counted = HEADLINE_CATEGORIES & set(said)
        if has_said:
            found["answers"] += is_headline
            found["relay_answers"] += is_relay
            if why in ("came_between_passes", "left_between_passes") or (counted and why == "not_heard_again"):
                found["notes"] |= {why}
        if status == "listed":
            found["listed_on"] |= {zone}
            found["is_listed"] |= bool(counted)
        if counted:
            found["categories"] |= counted
            found["confirmed"] |= counted & set(confirmed)
            found["unconfirmed"] |= counted - set(confirmed)
            found["zones"] |= {zone}
            found["evidence"] += tuple(evidence)
        if not has_said and not (status == "not_asked" and why in NO_MATTER):
            doubt = "listing_refused" if status == "refused" else "listing_silent"
            found["doubts"] |= {doubt}
            found["relay_doubts"] |= {doubt} if is_relay else set()
            found["doubt_evidence"] += tuple(evidence)
    found["is_quiet"] = not any(found[name] for name in ("categories", "doubts", "notes", "opted_out"))
    return found


@given(listings(), lists(), st.lists(st.integers(0, 12), max_size=3), st.booleans())
@settings(max_examples=300)
def test_by_column_and_in_parts_as_row_by_row(rows, lists, cuts, is_arrow):
    ends = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = [frame("listings", rows[begin:end]) for begin, end in itertools.pairwise(ends)]
    if is_arrow:
        parts = [to_arrow("listings", part).select(list(standings.COLUMNS)) for part in parts]
    found = standings.read(parts, frame("lists", lists))
    assert set(found) == {row[0] for row in rows}
    for address, one in found.items():
        expected = rule(address, rows, lists)
        assert {name: getattr(one, name) for name in expected} == expected


def test_addresses_of_which_the_same_was_said_have_one_standing():
    rows = [(address, "a.example", "clear", [], [], None, None, False, [], None, ["1"]) for address in ADDRESSES]
    used = [("a.example", "a", "relay", "healthy", "not_judged", None, 1, None, 4, 0, False, ["1"])]
    found = standings.read([frame("listings", rows)], frame("lists", used))
    assert len({id(one) for one in found.values()}) == 1
    assert (found[ADDRESSES[0]].answers, found[ADDRESSES[0]].relay_answers) == (1, 1)


def test_a_table_of_arrow_is_the_frame_that_it_came_from():
    table = to_arrow("listings", frame("listings", [(ADDRESSES[0], ZONES[0], "silent", [], [], "timeout", None, False, [], None, ["1"])]))  # fmt: skip
    assert to_arrow("listings", from_arrow("listings", table)).equals(table)
