"""Several waves: the same town still listed months later is one line, and how long listings last is counted honestly."""

from __future__ import annotations

import datetime

import pandas as pd

from survey.comparison import compare_waves
from survey.history import NOT_IN_REGISTER
from survey.opt_outs import OptOuts
from survey.register import load_register
from survey.shelf import Shelf
from survey.successors import Successor, kin, load_successors
from survey.tables import TABLES
from survey.wave_method import compare_registers
from survey.wave_tables import WAVE_TABLES
from tests.wave_worlds import DIRECTORY, WEEK_LATER, survey

MARCH, JULY, OCTOBER, NEXT_MARCH = (
    f"{day}T00:00:00+00:00" for day in ("2002-03-16", "2002-07-16", "2002-10-16", "2003-03-16")
)


def compared(*waves, successors=(), set_aside=()):
    return compare_waves(waves, successors, DIRECTORY, set_aside)


def body(table: pd.DataFrame, number: int) -> dict:
    return table.loc[table["code"].eq(f"{number:06d}")].iloc[0].to_dict()


def test_the_same_town_still_listed_seven_months_later_is_one_line():
    found = compared(
        survey("march", listed=(1, 2, 4), started=MARCH, bodies=30),
        survey("july", listed=(1, 5), silent=(4,), started=JULY, bodies=30),
        survey("october", listed=(1, 4, 5, 7), started=OCTOBER, bodies=30),
    )
    assert found.is_open
    history = found.tables["wave_history"]
    assert len(history) == 30
    still = body(history, 1)
    assert (still["first_seen"], still["last_seen"], still["waves_listed"]) == ("march", "october", 3)
    assert still["statuses"] == ["listed"] * 3 and still["changes"] == ["persisting"] * 2
    assert still["is_unbroken"] and still["is_listed_last"]
    assert (still["last_seen_at"] - still["first_seen_at"]).days == 214
    cleared = body(history, 2)
    assert (cleared["last_seen"], cleared["is_listed_last"], cleared["is_unbroken"]) == ("march", False, True)
    # In between it was not heard of: listed in March and in October, and nobody knows whether always.
    lost = body(history, 4)
    assert lost["statuses"] == ["listed", "unknown", "listed"] and lost["waves_unknown"] == 1
    assert not lost["is_unbroken"] and lost["changes"] == ["not_comparable"] * 2
    never = body(history, 8)
    assert pd.isna(never["first_seen"]) and pd.isna(never["is_unbroken"])
    # The first wave and the last are held against each other besides.
    bodies = found.tables["wave_bodies"]
    assert list(dict.fromkeys(zip(bodies["before"], bodies["after"], strict=True))) == [
        ("march", "july"),
        ("july", "october"),
        ("march", "october"),
    ]
    whole = found.whole.tables["wave_bodies"].set_index("code")["change"]
    assert (whole["000001"], whole["000004"], whole["000005"]) == ("persisting", "persisting", "new")


def test_how_long_listings_last_is_counted_with_those_lost_from_sight_apart():
    found = compared(
        survey("march", listed=(1, 2, 4, 5), started=MARCH, bodies=30),
        survey("july", listed=(1, 5, 7), silent=(4,), started=JULY, bodies=30),
        survey("october", listed=(1, 7, 8), started=OCTOBER, bodies=30),
        survey("next march", listed=(1, 2, 8), started=NEXT_MARCH, bodies=30),
    )
    rows = {(row.seen, row.step): row for row in found.tables["wave_survival"].itertuples()}
    first = rows["at_start", 1]
    assert (first.at_risk, first.persisting, first.cleared, first.not_comparable) == (3, 2, 1, 1)
    assert (first.days_least, first.days_most) == (122, 122)
    second = rows["at_start", 2]
    assert (second.at_risk, second.persisting, second.cleared, second.not_comparable) == (2, 1, 1, 0)
    assert rows["at_start", 4].ended == 1
    # 7 came in July and was cleared by March; 8 came in October; 2 came back in March and is followed no further.
    new = rows["new", 1]
    assert (new.persisting, new.cleared, new.ended) == (2, 0, 1)
    assert (rows["new", 2].cleared, rows["new", 2].ended) == (1, 1)
    entered = {"at_start": 4, "new": 3}
    for seen, number in entered.items():
        gone = [r.cleared + r.not_comparable + r.ended for (s, _), r in rows.items() if s == seen]
        assert sum(gone) == number


def test_bodies_are_followed_through_new_codes_and_not_through_mergers():
    day = datetime.date(2002, 6, 1)
    march = survey("march", listed=(1, 2), started=MARCH, bodies=10)
    july = survey("july", listed=(1, 2), started=JULY, bodies=10)
    renamed = {"000001": "900001", "000002": "900002", "000004": "900002"}
    for name in ("bodies", "domains", "findings"):
        table = july.tables[name].assign(code=july.tables[name]["code"].replace(renamed))
        july.tables.put(name, table if name == "domains" else table.drop_duplicates("code"))
    rows = [
        Successor("000001", "900001", "recoded", day, "町1", "市1", "test"),
        Successor("000002", "900002", "merged", day, "町2", "市2", "test"),
        Successor("000004", "900002", "merged", day, "町4", "市2", "test"),
    ]
    found = compared(march, july, successors=rows)
    bodies = found.tables["wave_bodies"].set_index("code")
    assert len(bodies) == 11
    assert bodies.loc["900001", ["change", "code_before"]].tolist() == ["persisting", "000001"]
    for code in ("000002", "000004", "900002"):
        assert bodies.loc[code, ["change", "reason", "cause"]].tolist() == ["not_comparable", "merged", "register"]
    assert bodies.loc["900002", "kin"] == ["000002", "000004"]
    history = found.tables["wave_history"].set_index("code")
    assert history.loc["900001", "codes"] == ["000001", "900001"]
    assert history.loc["000002", "statuses"] == ["listed", NOT_IN_REGISTER]
    register = found.tables["wave_register"]
    assert sorted(register["change"]) == ["merged", "merged", "merged", "recoded"]
    assert register.loc[register["change"].eq("merged"), "said_after"].tolist() == ["900002 町2"] * 3


def test_a_list_set_aside_or_void_changes_no_word():
    march, july = survey("march", listed=(1, 2), started=MARCH), survey("july", listed=(2, 4), started=JULY)
    aside = compared(march, july, set_aside=["orbz.example"]).tables["wave_bodies"].set_index("code")
    for code in ("000001", "000002", "000004"):
        assert aside.loc[code, ["change", "reason"]].tolist() == ["not_comparable", "list_set_aside"]
    assert set(aside["change"]) == {"not_comparable", "unlisted"}


def test_a_guess_that_gave_way_is_no_change_and_a_domain_that_the_register_gives_is_the_registers():
    march = survey("march", listed=(1, 2), started=MARCH, domains={1: ("old-guess.jp", "convention")})
    given = {2: ("city.two.lg.jp", "given"), 4: ("city.four.lg.jp", "given")}
    july = survey("july", listed=(4, 5), started=JULY, domains=given)
    found = compared(march, july)
    bodies = found.tables["wave_bodies"].set_index("code")
    # Town 1 was surveyed by a guess that a given domain replaced: nobody knows what became of the listing.
    assert bodies.loc["000001", ["change", "reason", "cause"]].tolist() == [
        "not_comparable",
        "domain_changed",
        "method",
    ]
    assert bodies.loc["000001", "domains_left"] == ["old-guess.jp"]
    # Towns 2 and 4 have other domains in the register; their listings are of those.
    assert bodies.loc["000002", ["change", "cause"]].tolist() == ["cleared", "register"]
    assert bodies.loc["000004", ["change", "cause"]].tolist() == ["new", "register"]
    assert bodies.loc["000005", ["change", "cause"]].tolist() == ["new", "world"]
    register = found.tables["wave_register"].set_index("code_after")
    assert register.loc["000004", ["change", "said_after"]].tolist() == ["domains", "city.four.lg.jp"]


def test_a_change_of_one_listing_for_another_is_told_without_a_change_of_word():
    march, july = survey("march", listed=(1,), started=MARCH), survey("july", listed=(1,), started=JULY)
    said = july.tables["listings"]
    mine = said["status"].eq("listed")
    other = said["address"].isin(said.loc[mine, "address"]) & said["zone"].eq("abuse.example")
    said = said.assign(status=said["status"].where(~(mine | other), "clear").where(~other, "listed"))
    said["categories"] = [
        ["spam_source"] if is_other else [] if is_mine else words
        for is_other, is_mine, words in zip(other, mine, said["categories"], strict=True)
    ]
    july.tables.put("listings", said)
    lists = [["abuse.example"] if one else [] for one in july.tables["findings"]["lists"]]
    july.tables.put("findings", july.tables["findings"].assign(lists=lists, open_relay_listing="clear"))
    row = compared(march, july).tables["wave_bodies"].set_index("code").loc["000001"]
    assert row["change"] == "persisting" and not row["confirmed"]
    assert (row["lists_before"], row["lists_after"]) == (["orbz.example"], ["abuse.example"])
    assert (row["categories_before"], row["categories_after"]) == (["open_relay"], ["spam_source"])
    # By open-relay lists alone it is no longer listed.
    assert row["relay_change"] == "cleared"


def test_what_the_runs_did_otherwise_is_told_and_is_no_change_of_the_world():
    march, july = survey("march", started=MARCH, bodies=10), survey("july", started=JULY, bodies=10)
    assert not len(compared(march, july).tables["wave_method"])
    march.run.update({"manner": {"passes": 2}, "resolvers": ["127.0.0.1:5353"], "versions": {"pandas": "2"}})
    july.run.update({"manner": {"passes": 1}, "resolvers": ["127.0.0.1:53"], "versions": {"pandas": "3"}})
    july.own_rules["orbz.example"] = "f" * 64
    del july.own_rules["abuse.example"]
    object.__setattr__(july, "opt_outs", OptOuts(frozenset({"city.t1.pref1.example"})))
    said = compared(march, july).tables["wave_method"]
    assert set(zip(said["aspect"], said["subject"], strict=True)) == {
        ("passes", ""),
        ("resolvers", ""),
        ("versions", "pandas"),
        ("rules", "orbz.example"),
        ("lists", "abuse.example"),
        ("opt_outs", "city.t1.pref1.example"),
    }


def test_servers_are_compared_by_name_and_their_addresses_inside():
    march, july = survey("march", listed=(1,), started=MARCH), survey("july", listed=(1,), silent=(4,), started=JULY)
    addresses = july.tables["addresses"]
    moved = addresses["host"].eq("mail.city.t7.pref0.example")
    july.tables["addresses"]["address"] = addresses["address"].where(~moved, "198.18.200.1")
    servers = compared(march, july).tables["wave_servers"].set_index("host")
    assert list(servers.index[servers["is_changed"].fillna(False).astype(bool)]) == ["mail.city.t7.pref0.example"]
    assert pd.isna(servers.loc["mail.city.t4.pref4.example", "is_changed"])
    assert servers.loc["mail.city.t1.pref1.example", "change"] == "persisting"
    # Its town's MX was not heard: the host may be in use still.
    assert servers.loc["mail.city.t4.pref4.example", "reason"] == "unknown_after"
    gone = survey("july", gone=(4,), started=JULY)
    servers = compared(march, gone).tables["wave_servers"].set_index("host")
    assert servers.loc["mail.city.t4.pref4.example", "reason"] == "not_in_after"


def test_operators_are_ranked_by_listed_bodies_in_both_waves():
    found = compared(survey("march", listed=(3, 1), started=MARCH), survey("july", listed=(3, 6), started=JULY))
    operators = found.tables["wave_operators"].set_index("operator")
    one = operators.loc["provider3.example"]
    assert (one["listed_before"], one["listed_after"], one["listed_both"], one["bodies_after"]) == (20, 20, 20, 20)
    assert (one["rank_before"], one["rank_after"]) == (1, 1)
    new = operators.loc["provider6.example"]
    assert (new["listed_before"], new["listed_after"], new["rank_after"]) == (0, 20, 1) and pd.isna(new["rank_before"])


def test_the_tables_of_waves_stand_in_the_dictionary_and_are_kept_as_it_says(tmp_path):
    found = compared(survey("one", listed=(1,), bodies=20), survey("two", listed=(2,), bodies=20, started=WEEK_LATER))
    assert set(found.tables) | {"rule_changes"} == set(WAVE_TABLES) <= set(TABLES)
    for name, table in found.tables.items():
        Shelf(tmp_path).put(name, table)
        pd.testing.assert_frame_equal(Shelf(tmp_path, [name]).take(name), table.reset_index(drop=True))


def test_between_the_two_ministry_workbooks_no_body_changed(shared):
    one, other = (load_register(shared / "register" / name) for name in ("mic-2019-05.xlsx", "mic-2024-01.xlsx"))
    families = kin(load_successors(), one.bodies["code"], other.bodies["code"])
    found = compare_registers(
        ("2019-05", "2024-01"), (one.bodies, other.bodies), (one.domains, other.domains), families
    )
    assert len(one.bodies) == len(other.bodies) == 1794
    assert len(found) == 0, found.to_string()
    # The rule would find one: the same workbook without its first town, and with a town called otherwise.
    bodies = other.bodies.iloc[1:].copy()
    bodies.loc[bodies.index[5], "name"] = "新しい名"
    families = kin(load_successors(), one.bodies["code"], bodies["code"])
    found = compare_registers(("a", "b"), (one.bodies, bodies), (one.domains, other.domains), families)
    assert sorted(found["change"]) == ["left", "renamed"]
