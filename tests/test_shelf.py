"""Little memory, same words: packed exchanges beside plain ones, tables from files beside those in memory."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import shelf as shelves
from survey.errors import RunError
from survey.exchanges import MX, TXT, A, Exchanges, Row
from survey.frames import BUNDLE, bundles, frame, frames, from_arrow, joined, records, to_arrow
from survey.packed import PackedExchanges
from survey.practice.world import PRACTICE
from survey.reading import read_tables
from survey.runs import RunFolder, load_tables
from survey.shelf import Shelf
from survey.tables import TABLES

names = st.sampled_from(["a.example", "b.example", "ü.example", "", "c." * 60 + "example"])
answers = st.sampled_from([b"", b"\0\0\x81\x80" + b"\0" * 8, b"\0\0\x81\x83" + b"\0" * 8, b"\0\0\x81\x82" + b"\0" * 8])
rows_made = st.lists(
    st.builds(
        Row,
        st.integers(1, 2**50),
        st.integers(1, 3),
        st.integers(1, 3) | st.just(1001),
        st.sampled_from([0, 0, 0, 1, 2]),
        names,
        st.sampled_from([0, A, MX, TXT]),
        st.sampled_from(["127.0.0.1:53", "[::1]:53"]),
        st.sampled_from(["udp", "tcp"]),
        st.integers(1, 4),
        st.sampled_from(["answered", "timeout"]),
        st.integers(0, 2**50),
        st.integers(0, 2**30),
        answers,
    ),
    max_size=30,
    unique_by=lambda row: row.id,
)


@given(rows_made)
def test_packed_exchanges_say_what_plain_ones_say(rows):
    rows.sort()
    plain, packed = Exchanges(rows), PackedExchanges(rows)
    assert set(plain.questions()) == set(packed.questions())
    for question in {(row.name, row.type) for row in rows} | {("z.example", A)}:
        assert list(plain.passes(*question)) == list(packed.passes(*question))
        assert plain.latest(*question) == packed.latest(*question)
    assert (plain.asked_n(), plain.packets) == (packed.asked_n(), packed.packets)
    assert plain.rounds() == packed.rounds()
    for number in plain.rounds():
        assert list(plain.in_round_all(number)) == list(packed.in_round_all(number))
    packed.forget_survey()
    assert list(packed.questions()) == []


def addresses(count):
    return [
        (f"mail{n}.example", None if n % 7 == 0 else f"192.0.2.{n % 256}", 4, "present", None, n % 2 == 0, str(n))
        for n in range(count)
    ]


def networks(count):
    names = [[], ["a.example"], ["a.example", "\u3042.example"]]
    return [
        (f"198.51.100.{n}", "present", None, names[n % 3], [], None, None, "absent", names[-n % 3], [], None, ["1"])
        for n in range(count)
    ]


@pytest.mark.parametrize("held", [0, 10**6])
def test_what_is_taken_from_a_shelf_is_what_was_put_there(tmp_path, monkeypatch, held):
    monkeypatch.setattr(shelves, "HELD_MOST", held)
    many = addresses(2 * BUNDLE + 17)
    memory, disk = Shelf(), Shelf(tmp_path)
    for shelf in (memory, disk):
        shelf.put("addresses", frames("addresses", many))
        shelf.put("networks", frame("networks", networks(40)))
        shelf.put("relays", frames("relays", []))
    again = Shelf(tmp_path, ["addresses", "networks", "relays"])
    for shelf in (memory, disk, again):
        for name, rows in (("addresses", many), ("networks", networks(40)), ("relays", [])):
            whole = frame(name, rows)
            pd.testing.assert_frame_equal(shelf.take(name), whole)
            pd.testing.assert_frame_equal(joined(name, shelf.parts(name)), whole)
        two = shelf.take("addresses", "host", "address")
        assert list(two.columns) == ["host", "address"]
        some = shelf.where("addresses", "host", ["mail3.example", "mail40000.example", "nobody.example"])
        assert some["host"].to_list() == ["mail3.example", "mail40000.example"]
        assert some["evidence_id"].to_list() == ["3", "40000"]
        assert shelf["networks"] is shelf["networks"]
        assert set(shelf) == {"addresses", "networks", "relays"}


def test_the_same_table_gives_the_same_bytes_whole_or_in_parts(tmp_path):
    rows = addresses(BUNDLE + 5)
    whole, parts = Shelf(tmp_path / "whole"), Shelf(tmp_path / "parts")
    whole.put("addresses", frame("addresses", rows))
    parts.put("addresses", (frame("addresses", rows[begin : begin + 7_001]) for begin in range(0, len(rows), 7_001)))
    one, other = ((folder / "addresses.parquet").read_bytes() for folder in (tmp_path / "whole", tmp_path / "parts"))
    assert one == other


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="findings"):
        Shelf(tmp_path, ["findings"])
    assert "findings" in TABLES


def test_a_table_that_is_cut_off_leaves_the_one_before_it(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put("addresses", frame("addresses", addresses(3)))

    def cut_off():
        yield frame("addresses", addresses(5))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf.put("addresses", cut_off())
    assert [path.name for path in tmp_path.iterdir()] == ["addresses.parquet"]
    assert len(Shelf(tmp_path, ["addresses"]).take("addresses")) == 3


def test_a_table_of_another_version_is_not_taken_for_one_of_ours(tmp_path):
    frame("addresses", addresses(3)).drop(columns="reason").to_parquet(tmp_path / "addresses.parquet")
    with pytest.raises(KeyError, match="other columns"):
        Shelf(tmp_path, ["addresses"])


def test_a_run_of_another_version_is_told_with_the_remedy(surveyed, tmp_path):
    read_tables(RunFolder(surveyed.folder), PRACTICE, into=tmp_path)
    path = tmp_path / "tables" / "findings.parquet"
    pd.read_parquet(path).drop(columns="caveat").to_parquet(path)
    with pytest.raises(RunError, match=r"another version.*findings.*survey tables DIR"):
        load_tables(tmp_path)


def test_a_reading_that_is_stopped_leaves_what_stood_there_and_one_that_finds_the_same_changes_nothing(
    surveyed, tmp_path, monkeypatch
):
    folder = RunFolder(surveyed.folder)
    read_tables(folder, PRACTICE, into=tmp_path)
    (tmp_path / "tables" / "lists.parquet").write_bytes((tmp_path / "tables" / "bodies.parquet").read_bytes())

    def files():
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*.*") if path.is_file()}

    def stopped(*_):
        raise KeyboardInterrupt

    before = files()
    with monkeypatch.context() as patch:
        patch.setattr("survey.reading.Reading._read_findings", stopped)
        with pytest.raises(KeyboardInterrupt):
            read_tables(folder, PRACTICE, into=tmp_path)
    assert {path: said for path, said in files().items() if path.parent.name != "tables.new"} == before
    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "settle", stopped)
        with pytest.raises(KeyboardInterrupt):
            read_tables(folder, PRACTICE, into=tmp_path)
    with pytest.raises(RunError, match="headline"):
        load_tables(tmp_path)
    read_tables(folder, PRACTICE, into=tmp_path)
    whole = files()
    assert {path for path in whole if whole[path] != before.get(path)} == {
        tmp_path / "headline.json",
        tmp_path / "tables" / "lists.parquet",
    }
    assert len(load_tables(tmp_path)["lists"]) == len(load_tables(surveyed.folder)["lists"])
    read_tables(folder, PRACTICE, into=tmp_path)
    assert files() == whole


def test_records_say_none_where_there_is_nothing():
    (row,) = records(pd.DataFrame({"n": pd.array([None], "Int64"), "is": pd.array([None], "boolean"), "code": ["1"]}))
    assert row == {"n": None, "is": None, "code": "1"}


@pytest.mark.parametrize("held", [0, 10**6])
def test_what_is_put_down_as_arrow_is_taken_up_as_a_frame(tmp_path, monkeypatch, held):
    monkeypatch.setattr(shelves, "HELD_MOST", held)
    rows = networks(BUNDLE + 7)
    whole = frame("networks", rows)
    for shelf in (Shelf(), Shelf(tmp_path)):
        shelf.put("networks", bundles("networks", rows))
        pd.testing.assert_frame_equal(shelf.take("networks"), whole)
        pd.testing.assert_frame_equal(shelf.take("networks", "ptr", "address"), whole[["ptr", "address"]])
        pd.testing.assert_frame_equal(joined("networks", shelf.parts("networks")), whole)
        assert pa.concat_tables(shelf.arrow_parts("networks")).equals(to_arrow("networks", whole))
        some = shelf.where("networks", "address", ["198.51.100.5", "nobody"], "address", "ptr")
        pd.testing.assert_frame_equal(
            some.reset_index(drop=True), whole.loc[[5], ["address", "ptr"]].reset_index(drop=True)
        )
        assert shelf["networks"] is shelf["networks"]


cells = {
    "text": st.none() | st.text(max_size=3),
    "integer": st.none() | st.integers(-(2**63), 2**63 - 1),
    "boolean": st.none() | st.booleans(),
    "time": st.none()
    | st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),
    "texts": st.lists(st.text(max_size=3), max_size=2),
}


@given(st.data(), st.sampled_from(sorted(TABLES)))
def test_a_table_from_rows_is_what_pandas_makes_of_each_column(data, name):
    table = TABLES[name]
    rows = data.draw(st.lists(st.tuples(*(cells[column.kind] for column in table.columns)), max_size=4))
    columns = zip(*rows, strict=True) if rows else [()] * len(table.columns)
    dtypes = {"text": "str", "integer": "Int64", "boolean": "boolean", "time": "datetime64[us, UTC]", "texts": "object"}
    slow = pd.DataFrame(
        {
            one.name: pd.Series(list(said), dtype=dtypes[one.kind])
            for one, said in zip(table.columns, columns, strict=True)
        }
    )
    pd.testing.assert_frame_equal(frame(name, rows), slow)
    pd.testing.assert_frame_equal(joined(name, bundles(name, rows)), slow)
    if rows:
        written = to_arrow(name, slow)
        assert pa.concat_tables(bundles(name, rows)).equals(written)
        by_pyarrow = pa.Table.from_pandas(slow, schema=written.schema, preserve_index=False)
        assert written.equals(by_pyarrow.replace_schema_metadata(), check_metadata=True)
        pd.testing.assert_frame_equal(from_arrow(name, written), slow)
