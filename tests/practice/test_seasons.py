"""The practice country's seasons: each is sound, each is found by a survey, and what changed between them is told."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import codes, successors
from survey.__main__ import main
from survey.catalogue import load_catalogue, select
from survey.commands import practice as command
from survey.errors import RunError
from survey.opt_outs import load as load_opt_outs
from survey.places import LOG
from survey.practice.changes import WORDS, Change, changes, counted
from survey.practice.country import Country
from survey.practice.dns import answers_of
from survey.practice.mailers import write_permission
from survey.practice.seasons import ILL_SHARE, ILLNESSES, SEASONS, asked_again, season, write_papers
from survey.practice.truth import Truth
from survey.practice.world import is_practice
from survey.practice.years import KINDS_2003, KINDS_2004
from survey.register import load_register
from survey.runs import RunFolder, load_tables
from survey.sitting import Manner
from tests.conftest import survey_country

SEEDS = (1, 7, 81)
AS_EVER = {
    1: "5bb9cd7b4ba4864e",
    7: "d566a860f01fecbe",
    81: "cf8322d4cb90dc13",
}
"""What the country of 2002 answers, and its truth: neither may change for anything that happens later."""
YEARS = [("2002", "2003", KINDS_2003), ("2003", "2004", KINDS_2004)]
COLUMNS = ["code", "status", "open_relay_listing", "own_or_shared"]


def digest(country):
    made = answers_of(country)
    said = (list(made.exact.items()), sorted(made.names), country.truth(), country.sending_truth())
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


@pytest.fixture(scope="module")
def country():
    known = {}

    def made(name, seed):
        if (name, seed) not in known:
            known[name, seed] = season(name, seed)
        return known[name, seed]

    return made


def by_code(found):
    return {code: one for one in found for code in (one.code_before, one.code_after) if code}


# -- each season ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_country_of_2002_is_what_it_was(seed, country):
    assert digest(country("2002", seed)) == digest(Country.make(seed)) == AS_EVER[seed]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SEASONS)
def test_a_season_is_sound(name, seed, country, tmp_path):
    there = country(name, seed)
    assert (there.season, there.seed) == (name, seed)
    for body in there.bodies:
        if body.code.isdigit():
            assert len(body.code) == 6 and body.code[5] == codes.check_digit(body.code[:5])
        assert body.prefecture not in codes.prefecture_names()
        assert all(domain in there.domains and domain.endswith(".example") for domain in body.domains)
    assert len({body.code for body in there.bodies}) == len(there.bodies)
    assert len({(body.prefecture, body.name.kanji) for body in there.bodies}) == len(there.bodies)
    domains = Counter(domain for body in there.bodies for domain in {*body.domains})
    assert set(domains) == set(there.domains) == set(there.declarations.declared)
    hosts = there.mail_hosts()
    assert hosts <= there.hosts.keys()
    assert there.pointers.keys() >= {address for host in hosts for address in Truth(there).addresses(host)}
    for one in there.hosts.values():
        assert all(is_practice(address) or address == "10.20.30.40" for address in (*one.ipv4, *one.ipv6))
    there.write_register(tmp_path / "register.xlsx")
    register = load_register(tmp_path / "register.xlsx")
    assert register.bodies["code"].tolist() == [body.code for body in there.bodies]
    assert not len(register.problems)
    write_permission(there, tmp_path / "permission.xlsx")


@pytest.mark.parametrize("name", SEASONS)
def test_the_selection_of_a_season_takes_its_lists_and_no_other(name, country):
    there = country(name, 7)
    assert {one.zone for one in select(there.selection, load_catalogue())} == {*there.healthy, *there.dead}
    assert there.listed.keys() >= {*there.healthy}


@pytest.mark.parametrize("name", [name for name in SEASONS if name != "2002"])
def test_a_survey_of_a_season_finds_its_truth(name, country, tmp_path):
    there = country(name, 7)
    tables = survey_country(there, tmp_path / "run", Manner(passes=1)).tables
    findings = tables["findings"]
    found = [tuple(row) for row in findings[COLUMNS].itertuples(index=False)]
    assert [pair for pair in zip(found, there.truth(), strict=True) if pair[0] != pair[1]] == []
    roles = findings["listed_role"].where(findings["listed_role"].notna(), "")
    told = list(zip(findings["code"], roles, findings["sending_listing"], strict=True))
    assert [pair for pair in zip(told, there.sending_truth(), strict=True) if pair[0] != pair[1]] == []
    assert set(tables.headline["lists_void"]) == set(there.dead)
    assert set(tables.headline["lists_used"]) == set(there.healthy)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", sorted(ILLNESSES))
def test_an_illness_hides_more_than_half_and_changes_nothing_else(name, seed, country):
    well, ill = country("2003", seed), country(name, seed)
    hidden = [domain for domain, facts in ill.domains.items() if facts.behaviour != well.domains[domain].behaviour]
    seen = [domain for domain, facts in well.domains.items() if facts.behaviour == "mx"]
    assert len(hidden) == round(len(seen) * ILL_SHARE)
    assert {ill.domains[domain].behaviour for domain in hidden} == set(ILLNESSES[name])
    assert ill.ill == {body.code for body in well.bodies if {*body.domains} & {*hidden}}
    assert ill.history == well.history
    assert ill.listed == well.listed
    assert ill.hosts == well.hosts
    lost = {code for code, status, *_ in ill.truth() if status in ("unknown", "no_mail")}
    there = {code for code, status, *_ in well.truth() if status in ("listed", "clear")}
    still = {body.code for body in ill.bodies if len({*body.domains} - {*hidden}) > 0}
    assert lost >= (ill.ill & there) - still


def test_there_is_no_such_season():
    with pytest.raises(RunError, match="no season '1999'") as told:
        season("1999")
    assert "2003-blackout" in told.value.remedy


# -- what happened -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("before", "after", "kinds"), YEARS)
def test_everything_happens_to_somebody(before, after, kinds, seed, country):
    one, other = country(before, seed), country(after, seed)
    assert other.history[: len(one.history)] == one.history
    happened = other.history[len(one.history) :]
    assert {happening.kind for happening in happened} == set(kinds)
    earlier, later = ({body.code: body.name.kanji for body in there.bodies} for there in (one, other))
    for happening in happened:
        assert happening.before or happening.after
        assert len(happening.before) == len(happening.names_before)
        for code, name in zip(happening.after, happening.names_after, strict=True):
            assert later.get(code, name) == name or happening.kind == "renamed"
        if happening.kind in ("merged", "split", "recoded", "closed"):
            assert not {*happening.before} - {*happening.after} & later.keys()
            assert {*happening.after} - {*happening.before} <= {*later} - {*earlier} or happening.kind == "recoded"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_happened_by_2003_is_told(seed, country):
    one, other = country("2002", seed), country("2003", seed)
    found = by_code(changes(one, other))
    told = {kind: [] for kind in KINDS_2003}
    for happening in other.history:
        codes_now = happening.after or happening.before
        told[happening.kind].append([found[code].reason or found[code].word for code in codes_now])
    many = 3 if seed == 81 else 1
    assert told["relay_closed"] == [["cleared"] * (2 * many - 1)]
    assert told["other_list"] == [["persisting"] * many]
    assert told["still_listed"] == [["persisting"] * many]
    assert told["newly_listed"] == [["new"] * 2 * many]
    assert told["listed_by_newcomer"] == [["list_not_in_both"] * 2 * many + ["persisting"]]
    assert told["newcomer_silent"] == [["unknown_after"] * many], "it may be listed there"
    assert told["moved_to_shared"] == [["unlisted"] * 2 * many]
    assert told["fell_silent"] == [["unknown_after"] * 2]
    assert told["answers_again"] == [["unknown_before"] * 2]
    assert told["opted_out"] == [["opted_out"] * 2]
    assert told["gave_up_mail"] == [["cleared", "unlisted"]]
    assert told["took_up_mail"] == [["new"]]
    assert told["merged"] == [["merged"], ["merged"]]
    assert told["split"] == [["split", "split"]]
    assert told["renamed"] == [["persisting"], ["unlisted"]]
    assert told["recoded"] == [["persisting"], ["unlisted"], ["unlisted"]]
    assert told["founded"] == [["not_in_before"]]
    assert told["closed"] == [["not_in_after"]]
    on_the_silent_list = [code for code, c in found.items() if c.reason == "list_void"]
    assert on_the_silent_list, "who stood on the list that fell silent alone is neither cleared nor listed"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_happened_by_2004_is_told(seed, country):
    one, other = country("2003", seed), country("2004", seed)
    found = by_code(changes(one, other))
    told = {kind: [] for kind in KINDS_2004}
    for happening in other.history[len(one.history) :]:
        told[happening.kind].append([found[c].reason or found[c].word for c in happening.before])
    many = 3 if seed == 81 else 1
    assert told["shared_host_listed"] == [["new"] * 2 * many]
    assert told["relisted"] == [["new"]]
    assert told["relay_closed"] == [["cleared"]]
    assert told["newly_listed"] == [["new"] * many]
    assert told["answers_again"] == [["unknown_before"] * (1 + many)]
    assert told["merged"] == [["merged", "merged"]]
    assert [kind for kind, *_ in told["recoded"]] == ["unlisted"]
    still = next(happening for happening in one.history if happening.kind == "still_listed")
    assert [found[code].word for code in still.after] == ["persisting"] * many
    moved = next(happening for happening in one.history if happening.kind == "moved_to_shared")
    shared = {code: share for code, status, _, share in other.truth() if code in moved.after and status == "listed"}
    assert set(shared.values()) == {"shared"} and set(shared) == set(moved.after)


def test_through_all_three_seasons_a_body_is_followed(country):
    one, two, three = (country(name, 7) for name in ("2002", "2003", "2004"))
    recoded = [happening for happening in two.history if happening.kind == "recoded"][1]
    again = [happening for happening in three.history if happening.kind == "recoded"][3]
    assert again.before == recoded.after
    assert by_code(changes(one, three))[recoded.before[0]] == Change(recoded.before[0], again.after[0], "unlisted")
    merged = [happening for happening in three.history if happening.kind == "merged"][2]
    roots = {happening.before[0] for happening in two.history if happening.after[:1] == merged.before[:1]}
    assert {by_code(changes(one, three))[code].reason for code in roots} == {"merged"}
    assert by_code(changes(two, three))[merged.after[0]] == Change(None, merged.after[0], "not_comparable", "merged")


# -- the truth of changes ------------------------------------------------------------------------------------------

PAIRS = [(one, other) for number, one in enumerate(SEASONS) for other in SEASONS[number:]]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_body_changes_once_and_the_mirror_says_the_same(before, after, seed, country):
    one, other = country(before, seed), country(after, seed)
    found = changes(one, other)
    assert sorted(c.code_before for c in found if c.code_before) == sorted(body.code for body in one.bodies)
    assert sorted(c.code_after for c in found if c.code_after) == sorted(body.code for body in other.bodies)
    assert {c.word for c in found} <= set(WORDS)
    assert all(bool(c.reason) == (c.word == "not_comparable") for c in found)
    assert sum(counted(found).values()) == len(found)
    swapped = sorted((c.swapped() for c in found), key=lambda c: c.code)
    assert swapped == sorted(changes(other, one), key=lambda c: c.code)
    if before == after:
        assert not {"new", "cleared", "list_void"} & counted(found).keys()
    statuses = [{code: status for code, status, *_ in there.truth()} for there in (one, other)]
    for c in found:
        sides = (statuses[0].get(c.code_before), statuses[1].get(c.code_after))
        assert c.word != "new" or (sides[0] in ("clear", "no_mail") and sides[1] == "listed")
        assert c.word != "cleared" or (sides[0] == "listed" and sides[1] in ("clear", "no_mail"))
        assert c.word != "persisting" or sides == ("listed", "listed")
        assert c.word != "unlisted" or ("listed" not in sides and "unknown" not in sides)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_table_of_successors_leads_to_the_same_bodies(before, after, country, tmp_path):
    one, other = country(before, 7), country(after, 7)
    write_papers(other, tmp_path)
    rows = successors.load_successors(tmp_path / "successors.csv") if other.history else ()
    before_codes, after_codes = ({body.code for body in there.bodies} for there in (one, other))
    told = {
        "same": set(),
        "recoded": set(),
        "merged": set(),
        "split": set(),
        "alone": set(),
    }
    for kin in successors.kin(rows, before_codes, after_codes):
        told[kin.kind] |= {*kin.before, *kin.after}
    found = by_code(changes(one, other))
    assert told["merged"] == {code for code, c in found.items() if c.reason == "merged"}
    assert told["split"] == {code for code, c in found.items() if c.reason == "split"}
    assert told["alone"] == {code for code, c in found.items() if c.reason in ("not_in_before", "not_in_after")}
    assert told["recoded"] == {
        code for code, c in found.items() if c.code_before and c.code_after not in (None, code)
    } | {code for code, c in found.items() if c.code_after and c.code_before not in (None, code)}


def test_by_open_relay_lists_alone_other_words_are_true(country):
    one, other = country("2002", 7), country("2003", 7)
    relays = {code: relay for code, _, relay, _ in other.truth()}
    found = by_code(changes(one, other, ("orbz.dnsbl.example", "ordb.dnsbl.example")))
    moved = next(happening for happening in other.history if happening.kind == "other_list")
    assert [found[code].word for code in moved.after] == ["cleared"] * len(moved.after)
    listed = {c.code_after for c in found.values() if c.word in ("new", "persisting")}
    assert listed
    assert {relays[code] for code in listed} == {"listed"}


def test_seasons_of_two_countries_are_not_compared(country):
    with pytest.raises(ValueError, match="not of one country"):
        changes(country("2002", 1), country("2003", 7))


@settings(max_examples=12)
@given(st.integers(min_value=2, max_value=400).filter(lambda seed: seed not in SEEDS))
def test_any_seed_has_all_seasons(seed):
    one, other = Country.make(seed), season("2004", seed)
    assert {happening.kind for happening in other.history} == {*KINDS_2003, *KINDS_2004}
    found = changes(one, other)
    assert {*WORDS} == {c.word for c in found}
    assert {c.reason for c in found} >= {
        *("unknown_before", "unknown_after", "unknown_both", "list_void", "list_not_in_both"),
        *("not_in_before", "not_in_after", "merged", "split", "opted_out", "out_of_scope"),
    }


# -- the command line ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outage") / "run"
    words = ["collect", "--practice", "--seed", "7", "--season", "2003-outage", "--passes", "1", "--run", str(folder)]
    assert main(words) == 0
    return folder


def test_a_run_knows_its_season_and_keeps_its_papers(outage, country):
    there = country("2003-outage", 7)
    kept = RunFolder(outage).settings()
    assert (kept["seed"], kept["season"]) == (7, "2003-outage")
    rows = successors.load_successors(outage / successors.FILE)
    assert {row.kind for row in rows} == set(successors.KINDS)
    assert load_opt_outs(outage / "opt-out.csv").domains == {*there.opted_out}
    assert (outage / "permission.xlsx").is_file()
    found = load_tables(outage)["findings"]
    assert [tuple(row) for row in found[COLUMNS].itertuples(index=False)] == there.truth()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed", "7"], "another season"),
        (["--seed", "7", "--season", "2003"], "another season"),
        (["--season", "2003-outage"], "another practice country"),
    ],
)
def test_a_folder_of_another_season_is_refused(outage, words, said, capsys):
    assert main(["collect", "--practice", "--passes", "1", "--run", str(outage), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_season_without_practice_is_refused(tmp_path, capsys):
    assert main(["collect", "--season", "2003", "--run", str(tmp_path / "run")]) == 2
    assert "add --practice" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == [LOG], "nothing but why"


def test_the_outage_is_over_when_the_run_is_asked_again(outage, tmp_path, country):
    well = country("2003", 7)
    assert asked_again(RunFolder(outage).settings()).truth() == well.truth()
    shutil.copytree(outage, tmp_path / "later")
    assert main(["recheck", str(tmp_path / "later")]) == 0
    found = load_tables(tmp_path / "later")["findings"]
    assert [tuple(row) for row in found[COLUMNS].itertuples(index=False)] == well.truth()


def test_the_practice_command_serves_a_season_and_writes_its_truth(tmp_path, monkeypatch, capsys, country):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(command.signal, "pause", stop, raising=False)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    words = ["practice", "--seed", "7", "--season", "2004", "--truth", str(tmp_path / "truth.csv")]
    assert main(words) == 0
    assert "practice country 7 in season 2004" in capsys.readouterr().out
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [tuple(row.values())[:4] for row in csv.DictReader(file)]
    assert rows == country("2004", 7).truth()
