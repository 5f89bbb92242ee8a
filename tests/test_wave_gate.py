"""The wave gate: outages are refused whichever way they look, slow change and small silences are not."""

from __future__ import annotations

import functools

import pytest

from survey import waves
from survey.successors import Kin
from survey.wave_gate import examine
from survey.yardstick import Wave, common
from tests.wave_worlds import DIRECTORY, WEEK_LATER, YEAR_LATER, ZONES, survey, town


def examined(before: Wave, after: Wave, earlier=()):
    kin = [
        Kin((code,), (code,), "same")
        for code in sorted(set(before.tables["bodies"]["code"]) & set(after.tables["bodies"]["code"]))
    ]
    kin += [Kin((code,), (), "alone") for code in sorted(set(before.tables["bodies"]["code"]) - {k.before[0] for k in kin})]  # fmt: skip
    yardstick = common(before, after)
    bodies, _ = waves.compare(before, after, yardstick, kin, DIRECTORY)
    return examine(before, after, bodies, yardstick, earlier)


def names(before: Wave, after: Wave, earlier=()) -> dict[str, object]:
    return {one.name: one for one in examined(before, after, earlier).conditions}


WELL = functools.partial(survey, listed=range(1, 60, 2))


def test_the_same_country_twice_passes():
    assert not names(WELL("one"), WELL("two", started=WEEK_LATER))


@pytest.mark.parametrize("gone", [range(339), range(0, 600, 2)], ids=["most", "half"])
def test_an_outage_that_answers_that_there_is_nothing_is_refused_in_both_directions(gone):
    found = names(WELL("one"), WELL("two", gone=gone, started=WEEK_LATER))
    one = found["mail_lost"]
    assert (one.wave, one.found, one.of) == ("two", len(gone), 600)
    assert one.because == {"nodata": len(gone)}
    assert set(one.codes) == {town(number)[0] for number in gone}
    # Seen from the day after, everybody has mail again: the ill wave is the earlier one.
    back = names(WELL("two", gone=gone), WELL("three", started=WEEK_LATER))
    assert back["mail_came"].wave == "two" and back["mail_came"].found == len(gone)


def test_an_outage_that_is_silent_is_refused_in_both_directions_with_how_it_looked():
    found = names(WELL("one"), WELL("two", silent=range(339), started=WEEK_LATER))
    assert set(found) == {"went_silent"}
    assert found["went_silent"].wave == "two" and found["went_silent"].because["servfail"] == 339
    back = names(WELL("two", silent=range(339)), WELL("three", started=WEEK_LATER))
    assert set(back) == {"was_silent"} and back["was_silent"].wave == "two"


def test_an_outage_of_addresses_is_refused():
    found = names(WELL("one"), WELL("two", nowhere=[n for n in range(200) if n % 3], started=WEEK_LATER))
    assert found["hosts_lost"].wave == "two" and found["hosts_lost"].found > 100


def test_one_small_provider_without_answers_is_refused_by_name_although_few_depend_on_it():
    few = [number for number in range(600) if number % 30 == 3][:6]
    assert {town(number)[2] for number in few} == {"mx.provider3.example"}
    towns = [number for number in range(600) if number % 30 != 3 or number in few]
    before = WELL("one")
    assert not names(before, WELL("two", gone=few[:4], started=WEEK_LATER))
    # Twenty towns use the provider; a dozen of them lose their MX at once.
    dozen = [number for number in range(600) if number % 30 == 3][:12]
    found = names(before, WELL("two", gone=dozen, started=YEAR_LATER))
    assert set(found) == {"lost_together"}
    assert found["lost_together"].subject == "provider3.example" and found["lost_together"].of == 20
    assert len(towns) == 586


def test_slow_change_passes_scattered_over_operators_and_with_time():
    before = WELL("one")
    assert not names(before, WELL("two", gone=range(1, 600, 101), started=WEEK_LATER))
    # Nearly four in a hundred within a week are a jump, within a year they are not.
    closed = range(1, 600, 28)
    assert len(closed) == 22
    assert set(names(before, WELL("two", gone=closed, started=WEEK_LATER))) == {"mail_lost"}
    assert not names(before, WELL("two", gone=closed, started=YEAR_LATER))


def test_what_was_usual_between_earlier_waves_is_plausible():
    before, after = WELL("one"), WELL("two", gone=range(1, 600, 40), started=WEEK_LATER)
    assert set(names(before, after)) == {"mail_lost"}
    assert not names(before, after, [{"mail_lost": 0.01, "hosts_lost": 0.0}])


def test_what_somebody_wrote_is_no_outage_and_small_silence_is_no_jump():
    assert not names(WELL("one"), WELL("two", null=range(0, 600, 2), started=WEEK_LATER))
    assert not names(WELL("one"), WELL("two", silent=range(0, 600, 30), started=WEEK_LATER))
    # A wave that was half silent itself makes as much silence in the other plausible.
    assert not names(WELL("one", silent=range(150)), WELL("two", silent=range(140, 290), started=WEEK_LATER))


def test_a_recheck_that_finds_none_again_is_believed():
    gone = range(0, 600, 2)
    again = [town(number)[1] for number in gone]
    assert not names(WELL("one"), WELL("two", gone=gone, absent_again=again, started=WEEK_LATER))
    assert names(WELL("one"), WELL("two", gone=gone, absent_again=again[:100], started=WEEK_LATER))


def test_a_list_that_was_emptied_or_filled_is_refused_in_both_directions():
    full, empty = WELL("one"), survey("two", listed=range(1, 4, 2), started=WEEK_LATER)
    one = names(full, empty)["list_emptied"]
    assert (one.wave, one.subject, one.found) == ("two", ZONES[0], 2)
    assert names(empty, full)["list_emptied"].wave == "two"
    # Two thirds cleared is no emptying.
    assert not names(full, survey("two", listed=range(1, 20, 2), started=WEEK_LATER))
    flooded = survey("two", listed=range(600), full=(ZONES[0],), started=WEEK_LATER)
    assert names(full, flooded)["list_filled"].wave == "two"


def test_a_run_that_is_not_finished_and_waves_without_a_common_list_are_refused():
    unfinished = survey("two", started=WEEK_LATER)
    unfinished.headline["finished_at"] = None
    assert "unfinished" in names(survey("one"), unfinished)
    other = survey("two", started=WEEK_LATER)
    other.tables["lists"]["health"] = "void"
    other.tables["listings"]["status"] = "refused"
    other.tables["listings"]["reason"] = "list_void"
    assert "no_common_list" in names(survey("one"), other)


def test_bodies_that_leave_the_register_are_no_outage():
    assert not names(survey("one", listed=range(1, 60, 2)), survey("two", listed=range(1, 60, 2), bodies=300, started=WEEK_LATER))  # fmt: skip
