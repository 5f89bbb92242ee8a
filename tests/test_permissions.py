"""The permission file: what is clear permits, what is not is listed with its place and its reason."""

from __future__ import annotations

import datetime
from ipaddress import ip_network

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.errors import PermissionFileError
from survey.permissions import load_permissions
from survey.practice.mailers import ASKER
from survey.smtp.forms import ALL, BASIC
from tests.conftest import ROOT

COLUMNS = ("host", "address", "operator", "approver", "purpose", "valid_from", "valid_to", "contact", "forms", "domain")
GOOD = {
    "host": "mail.town.example",
    "address": "192.0.2.1",
    "operator": "白丘町",
    "approver": "情報政策課長",
    "purpose": "中継の確認",
    "valid_from": "2026-11-01",
    "valid_to": "2026-12-31",
    "contact": "0123-45-6789",
    "forms": "",
    "domain": "town.example",
}


def load(tmp_path, *rows, asker=ASKER, columns=COLUMNS):
    path = tmp_path / "permission.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "許可"
    sheet.append(["許可一覧"])
    sheet.append(list(columns))
    for row in rows:
        sheet.append([row.get(column) for column in columns])
    book.save(path)
    return load_permissions(path, asker)


def test_a_clear_row_permits(tmp_path):
    found = load(tmp_path, GOOD)
    assert not found.refusals
    (row,) = found.rows
    assert (row.sheet, row.row, row.host, row.operator) == ("許可", 3, "mail.town.example", "白丘町")
    assert row.networks == (ip_network("192.0.2.1/32"),)
    assert (row.valid_from, row.valid_to) == (datetime.date(2026, 11, 1), datetime.date(2026, 12, 31))
    assert row.forms == BASIC, "bypass forms only where the row says so"
    assert row.probe == ASKER
    assert len(found.sha256) == 64


def test_japanese_headers_dates_and_full_width_letters(tmp_path):
    path = tmp_path / "許可.csv"
    path.write_text(
        "運用者,ホスト名,アドレス・範囲,承認者,目的,有効開始日,有効終了日,連絡先,試験項目,メールドメイン\n"
        "白丘町,,１９２．０．２．１、2001:db8::/64 192.0.2.8-192.0.2.11,課長,確認,令和8年11月1日,2027/3/31,電話,すべて,town.example\n",
        encoding="cp932",
    )
    (row,) = load_permissions(path, ASKER).rows
    assert row.networks == tuple(map(ip_network, ("192.0.2.1/32", "2001:db8::/64", "192.0.2.8/30")))
    assert (row.valid_from, row.valid_to) == (datetime.date(2026, 11, 1), datetime.date(2027, 3, 31))
    assert row.forms == ALL
    assert row.covers("192.0.2.9")
    assert row.covers("2001:db8::25")
    assert not row.covers("192.0.2.12")


@pytest.mark.parametrize(
    ("change", "column", "told"),
    [
        ({"operator": None}, "C", "operator is missing"),
        ({"approver": "  "}, "D", "approver is missing"),
        ({"purpose": None}, "E", "purpose is missing"),
        ({"valid_from": None}, "F", "valid_from is missing"),
        ({"valid_to": None}, "G", "valid_to is missing"),
        ({"contact": None}, "H", "contact is missing"),
        ({"address": None, "host": None}, "B", "neither address nor host"),
        ({"address": "192.0.2.300"}, "B", "no address or range"),
        ({"address": "192.0.2.5/24"}, "B", "host bits set"),
        ({"address": "0.0.0.0/0"}, "B", "wider than /20"),
        ({"address": "198.18.0.0-198.19.255.255"}, "B", "wider than /20"),
        ({"address": "2001:db8::/32"}, "B", "wider than /48"),
        ({"address": "192.0.2.1-2001:db8::1"}, "B", "IPv4, the other IPv6"),
        ({"address": "192.0.2.9-192.0.2.1"}, "B", "no address or range"),
        ({"address": "::ffff:192.0.2.1"}, "B", "IPv4 address"),
        ({"host": "mail town"}, "A", "no host"),
        ({"host": "mail.example\r\nRSET"}, "A", "control characters"),
        ({"domain": "town"}, "J", "no host or domain"),
        ({"valid_from": "next week"}, "F", "no date"),
        ({"valid_from": "2026-13-01"}, "F", "no date"),
        ({"valid_from": "26-11-01"}, "F", "no date"),
        ({"valid_from": 45000}, "F", "no date"),
        ({"valid_to": "2026-10-31"}, "G", "ends before it begins"),
        ({"forms": "basic, mailbomb"}, "I", "no form has this name"),
        ({"operator": "x" * 400}, "C", "too long"),
        ({"operator": "town\u202egnp"}, "C", "control characters"),
    ],
)
def test_an_unclear_row_is_listed_with_its_place_and_the_good_rows_go_on(tmp_path, change, column, told):
    found = load(tmp_path, GOOD | change, GOOD)
    assert [row.row for row in found.rows] == [4]
    (refusal,) = found.refusals
    assert (refusal.sheet, refusal.row, refusal.column, refusal.reason) == ("許可", 3, column, "bad_row")
    assert told in refusal.en
    assert refusal.ja


def test_forms_may_be_named(tmp_path):
    found = load(tmp_path, GOOD | {"forms": "percent_domain third_party"}, GOOD | {"forms": "ALL"})
    assert [row.forms for row in found.rows] == [("third_party", "percent_domain"), ALL]


def test_a_host_may_stand_in_the_column_of_addresses(tmp_path):
    found = load(tmp_path, GOOD | {"host": None, "address": "mail.town.example 192.0.2.1"})
    assert (found.rows[0].host, len(found.rows[0].networks)) == ("mail.town.example", 1)


def test_who_asks_comes_from_the_file_or_from_the_caller_and_must_be_known(tmp_path):
    columns = (*COLUMNS, "mailbox", "hello", "page")
    ours = {"mailbox": "probe@paper.example", "hello": "probe.paper.example", "page": "https://paper.example/probe"}
    assert load(tmp_path, GOOD | ours, columns=columns, asker=None).rows[0].probe.mailbox == "probe@paper.example"
    for name, bad in (
        ("mailbox", "a%b@c"),
        ("mailbox", "a@b.c\r\nRSET"),
        ("hello", "localhost"),
        ("page", "paper.example"),
    ):
        found = load(tmp_path, GOOD | ours | {name: bad}, columns=columns, asker=None)
        assert not found.rows, (name, bad)
    refusal = load(tmp_path, GOOD, asker=None).refusals[0]
    assert "--mailbox" in refusal.en


def test_a_file_that_is_none_is_one_error_with_its_remedy(tmp_path):
    for name, data in (("a.xlsx", b"no workbook"), ("b.csv", b"x,y\n1,2\n"), ("c.csv", b"\xff\xfe\x00")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(PermissionFileError) as error:
            load_permissions(tmp_path / name, ASKER)
        assert error.value.remedy
        assert "register" not in str(error.value)
    with pytest.raises(PermissionFileError, match="cannot be opened"):
        load_permissions(tmp_path / "missing.xlsx", ASKER)


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(COLUMNS), st.one_of(st.text(max_size=40), st.integers(), st.dates(), st.booleans(), st.floats())
    )
)
def test_any_cells_permit_clearly_or_are_refused(tmp_path_factory, cells):
    from survey.permissions import _BadCell, _Row

    columns = {name: number for number, name in enumerate(COLUMNS)}
    row = GOOD | cells
    try:
        found = _Row("s", 1, [row[name] for name in COLUMNS], columns, ASKER).permission()
    except _BadCell as bad:
        assert bad.en
        assert bad.ja
        return
    assert found.networks or found.host
    assert found.valid_from <= found.valid_to
    assert set(found.forms) <= set(ALL)


def test_the_example_is_a_good_permission_file():
    found = load_permissions(ROOT / "data" / "permission-example.csv", ASKER)
    assert not found.refusals
    assert [row.operator for row in found.rows] == [
        "白丘町",
        "データセンター株式会社",
        "データセンター株式会社",
        "本紙編集部",
    ]
    assert [len(row.forms) for row in found.rows] == [19, 5, 5, 2]
