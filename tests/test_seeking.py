"""The hallway seeks domains: few questions, silence asked again, and people's decisions obeyed."""

from __future__ import annotations

import openpyxl
import pytest

from survey.catalogue import load_catalogue, select
from survey.collect import collect, recheck
from survey.errors import RunError
from survey.exchanges import MX
from survey.names import encode_name
from survey.practice.country import Country
from survey.practice.dns import SILENT
from survey.practice.world import PRACTICE, serve
from survey.reading import read_tables
from survey.review import FILE
from survey.runs import RunFolder
from survey.sitting import Manner

LISTS = select("practice", load_catalogue())


def question(name):
    return encode_name(name) + MX.to_bytes(2, "big") + b"\0\1"


class Sought:
    """A country where one hidden domain stands below a candidate that never answers, surveyed once."""

    def __init__(self, folder):
        self.folder, self.country = folder, Country.make(4)
        self.register = folder / "register.xlsx"
        self.country.write_register(self.register)
        hidden = self.country.hidden
        right = {body.code: body.domains[0] for body in self.country.bodies if body.domains}
        taken = {domain for body in self.country.bodies for domain in body.domains}
        self.code, self.silent = next(
            (code, names[0])
            for code, names in sorted(hidden.candidates.items())
            if code in right and names[0] not in taken
        )
        self.domain = right[self.code]
        self.truth = {row[0]: row for row in self.country.truth()}[self.code]
        self.tables, self.counts = self.survey("run", Manner(passes=2))

    def serve(self):
        def mute(answers):
            answers.exact[question(self.silent)] = SILENT

        return serve(self.country, change=mute)

    def survey(self, name, manner, **changes):
        with self.serve() as served:
            arguments = {"selected": LISTS, "world": PRACTICE, "resolvers": [served.resolver], "manner": manner}
            run = RunFolder(self.folder / name)
            return collect(self.register, run, **(arguments | changes)), dict(served.counts())

    def finding(self, tables):
        return tables["findings"].set_index("code").loc[self.code]

    def decide(self, run, **cells):
        """Write a decision into the row of the body, as a person would."""
        path = run.path / FILE
        book = openpyxl.load_workbook(path)
        sheet = book.active
        row = next(number for number in range(2, sheet.max_row + 1) if sheet.cell(number, 1).value == self.code)
        for column, value in zip(range(4, 9), cells.values(), strict=True):
            sheet.cell(row, column).value = value
        book.save(path)


@pytest.fixture(scope="module")
def sought(tmp_path_factory):
    return Sought(tmp_path_factory.mktemp("sought"))


def test_a_choice_below_silence_decides_nothing_and_goes_to_a_person(sought):
    finding = sought.finding(sought.tables)
    assert (finding["status"], "domain_doubtful" in finding["caveat"]) == ("unknown", True)
    heard = sought.tables["candidates"].query("code == @sought.code and status == 'silent'")["evidence_ids"].iloc[0]
    assert heard
    assert set(heard) <= set(finding["evidence_ids"])
    row = sought.tables["domains"].set_index("code").loc[sought.code]
    assert (row["domain"], row["confidence"], row["doubts"]) == (sought.domain, "low", ["better_silent"])
    cells = list(openpyxl.load_workbook(sought.folder / "run" / FILE).active.iter_rows(values_only=True))
    assert [row[3] for row in cells if row[0] == sought.code] == [sought.domain]


def test_silence_is_asked_again_in_each_pass_and_answers_are_not(sought):
    assert sought.counts[question(sought.silent)] == 2 * PRACTICE.tries
    hidden = sought.country.hidden
    for name in (*hidden.parked, *hidden.null):
        assert sought.counts.get(question(name), 0) <= 1, name


def test_a_decision_is_obeyed_by_the_next_reading_the_next_pass_and_the_next_run(sought):
    run = RunFolder(sought.folder / "run")
    sought.decide(run, domain=sought.domain, decision="yes", who="山田", when="2026-11-24", reason="電話で確認")
    again = read_tables(run, PRACTICE)
    row = again["domains"].set_index("code").loc[sought.code]
    assert (row["basis"], row["confidence"], row["is_printable"]) == ("reviewed", "high", True)
    assert sought.finding(again)["status"] == sought.truth[1]
    with sought.serve() as served:
        tables = recheck(run, PRACTICE, LISTS, [served.resolver], [sought.code])
        asked = dict(served.counts())
    assert question(sought.domain) in asked
    assert question(sought.silent) not in asked
    assert sought.finding(tables)["status"] == sought.truth[1]
    new, counts = sought.survey("next", Manner(passes=1), earlier_review=run.path / FILE)
    assert question(sought.silent) not in counts
    assert sought.finding(new)["status"] == sought.truth[1]
    # The same command again finds its own review, in which the decision stands.
    again, _ = sought.survey("next", Manner(passes=1), earlier_review=run.path / FILE)
    assert sought.finding(again)["status"] == sought.truth[1]
    with pytest.raises(RunError, match="a review of its own"):
        other = sought.folder / "other.xlsx"
        sought.decide(run, domain="x.example", decision="yes", who="a", when="2026-11-24", reason="b")
        (run.path / FILE).rename(other)
        sought.survey("next", Manner(passes=1), earlier_review=other)
    with pytest.raises(RunError, match="no such review"):
        sought.survey("next", Manner(passes=1), earlier_review=sought.folder / "nowhere.xlsx")


def test_a_malformed_decision_is_a_problem_of_the_run(sought):
    sought.survey("wrong", Manner(passes=1))
    run = RunFolder(sought.folder / "wrong")
    sought.decide(run, domain=sought.domain, decision="yes", who="", when="2026-11-24", reason="x")
    again = read_tables(run, PRACTICE)
    (problem,) = again["problems"].loc[again["problems"]["sheet"].eq(FILE)].to_dict("records")
    assert (problem["column"], problem["is_usable"]) == ("F", False)
    assert sought.finding(again)["status"] == "unknown"
    sought.survey("wrong", Manner(passes=1))
    rows = list(openpyxl.load_workbook(run.path / FILE).active.iter_rows(values_only=True))
    assert [row[4] for row in rows if row[0] == sought.code] == ["yes"], "what a person wrote stays"
