"""What an enquiry is answered from: a run's tables, and since when its evidence has each listing."""

from __future__ import annotations

from datetime import UTC, datetime

from survey.evidence import Archive
from survey.exchanges import A, at
from survey.frames import frame
from survey.practice.world import PRACTICE
from survey.runs import RunFolder
from survey.sources import plain_rows, source_of_run
from survey.tables import Listing

MOMENT = datetime(2026, 11, 25, tzinfo=UTC)


def test_a_run_says_when_it_was_asked_and_when_it_first_heard_of_a_listing(surveyed):
    source = source_of_run(RunFolder(surveyed.folder), PRACTICE)
    assert source.is_run and source.is_finished and source.is_practice
    assert source.head == surveyed.tables.headline["evidence_head"]
    listed = source.tables["listings"].query("status == 'listed'").head(50)
    first = source.first_heard(listed)
    assert len(first) == len(listed) > 0
    archive = Archive(surveyed.folder)
    for row in plain_rows(listed):
        rows = [archive.row(one) for one in row["evidence_ids"]]
        answers = [one for one in rows if one.type == A]
        assert len(answers) == 2 and {one.pass_number for one in answers} == {1, 2}
        assert first[row["address"], row["zone"]] == at(min(one.asked_us for one in answers)) < row["asked_at"]


def test_nothing_was_first_heard_of_what_is_not_listed(surveyed):
    source = source_of_run(RunFolder(surveyed.folder), PRACTICE)
    clear = source.tables["listings"]
    assert source.first_heard(clear.loc[clear["status"].eq(Listing.CLEAR)].head(20)) == {}


def test_plain_rows_have_none_for_what_is_missing():
    rows = plain_rows(frame("addresses", [("a.example", None, 4, "silent", "timeout", None, "1")]))
    assert rows == [
        {
            **{"host": "a.example", "address": None, "family": 4, "status": "silent", "reason": "timeout"},
            **{"is_changed": None, "evidence_id": "1"},
        }
    ]
