"""The doctor: each thing that would spoil a survey has a line of its own, with what to do."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re

import pytest

from survey.__main__ import main
from survey.catalogue import load_catalogue, select
from survey.collect import live_manner
from survey.doctor import examine, permission_checks
from survey.practice.country import Country
from survey.practice.facts import DEAD, HEALTHY
from survey.practice.mailers import ASKER
from survey.practice.world import PRACTICE, serve
from survey.register import load_register
from survey.sitting import Manner
from survey.worlds import LIVE
from tests.conftest import ROOT

LISTS = select("practice", load_catalogue())
COUNTRY = Country.make(4)


def by_name(checks):
    return {check.name: check for check in checks}


def test_every_list_and_the_resolver_have_their_line(tmp_path):
    COUNTRY.write_register(tmp_path / "register.xlsx")
    register = load_register(tmp_path / "register.xlsx")
    with serve(COUNTRY) as served:
        checks = examine(LISTS, PRACTICE, [served.resolver], live_manner(Manner()), register)
    found = by_name(checks)
    assert {zone: found[f"list {zone}"].is_good for zone in (*HEALTHY, *DEAD)} == {
        **dict.fromkeys(HEALTHY, True),
        **dict.fromkeys(DEAD, False),
    }
    resolver = next(check for check in checks if check.name.startswith("resolver "))
    assert resolver.is_good and checks.index(resolver) == 0
    assert re.search(r"about \d+ min", found["length"].said[0])


def test_each_failed_line_says_what_to_do_in_both_languages():
    with serve(COUNTRY, change=lambda answers: setattr(answers, "rewrites_to", "198.18.0.1")) as served:
        checks = examine(LISTS, PRACTICE, [served.resolver], Manner())
    bad = [check for check in checks if not check.is_good]
    assert "names that do not exist" in bad[0].said[0]
    for check in bad:
        assert all(check.remedy), check.name
        assert re.search(r"[\u3040-\u30ff]", check.line()), check.name


def test_a_resolver_that_does_not_answer_is_told_first():
    world = dataclasses.replace(PRACTICE, timeout_s=0.05, pause_s=0.0)
    assert examine(LISTS[:1], world, [("127.0.0.1", 9)], Manner())[0].said[0] == "it does not answer"


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2620:fe::fe"])
def test_a_public_resolver_is_told_of_before_anything_is_asked(address):
    (check,) = examine(LISTS, LIVE, [(address, 53)], Manner())
    assert not check.is_good
    assert "make resolver" in check.remedy[0]


def test_lists_whose_terms_nobody_accepted_have_a_line():
    unsigned = [dataclasses.replace(LISTS[0], terms_accepted_by="", terms_accepted_at="")]
    with serve(COUNTRY) as served:
        found = by_name(examine(unsigned, PRACTICE, [served.resolver], Manner()))
    assert not found[f"terms {LISTS[0].zone}"].is_good


def test_the_command_prints_one_line_per_check_and_leaves_the_decision_to_a_person(capsys):
    assert main(["doctor", "--practice", "--seed", "4"]) == 1
    screen = capsys.readouterr().out
    assert len(screen.splitlines()) <= 24, "one screen"
    assert "NO  list silent.dnsbl.example" in screen
    assert main(["doctor", "--practice", "--seed", "4", "--json"]) == 1
    assert {"name", "is_good", "said", "remedy"} == set(json.loads(capsys.readouterr().out)["checks"][0])


def test_a_permission_file_is_examined_without_connecting_to_anybody(tmp_path):
    example = ROOT / "data" / "permission-example.csv"
    (good,) = permission_checks(example, ASKER, datetime.date(2026, 12, 1))
    assert (good.is_good, good.said[0]) == (True, "4 of 4 usable rows permit today")
    late = permission_checks(example, ASKER, datetime.date(2027, 1, 1))
    assert [check.is_good for check in late] == [False]
    (tmp_path / "p.csv").write_text(example.read_text(encoding="utf-8").replace("情報政策課長", ""), encoding="utf-8")
    first, bad = permission_checks(tmp_path / "p.csv", ASKER, datetime.date(2026, 12, 1))
    assert first.said[0] == "3 of 3 usable rows permit today"
    assert (bad.name, bad.is_good) == ("permission p.csv, row 2, column D", False)
