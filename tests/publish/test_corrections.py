"""Corrections pass the gate, too: in public a row that names a closed body, a host or an address is only counted."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest

from survey.publish import corrections, labels
from survey.publish.edition import Edition


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


@pytest.fixture(scope="module")
def body(edition):
    """A listed town whose name nobody else bears, with its code, reading, domain, server and address."""
    found = edition.named_findings()
    alone = found.loc[~found["name"].duplicated(keep=False) & found["kind"].isin(["city", "town"])]
    one = alone.loc[alone["status"].eq("listed") & alone["own_or_shared"].eq("own")].iloc[0]
    domain = edition.tables["domains"].set_index("code")["domain"][one["code"]]
    domain = domain if isinstance(domain, str) else domain.iloc[0]
    host = one["servers_listed"][0]
    address = edition.tables["addresses"].set_index("host")["address"][host]
    return {
        **one.to_dict(),
        "domain": domain,
        "host": host,
        "address": address if isinstance(address, str) else "192.0.2.1",
    }


def log(*texts):
    rows = [(number, "2026-11-25", "1面", "82", "81", text) for number, text in enumerate(texts, 2)]
    return pd.DataFrame(rows, columns=[corrections.ROW, *labels.CORRECTIONS])


def test_a_row_that_names_a_closed_body_in_any_way_is_kept_back(edition, body):
    kana = body["kana"]
    called = [
        ("a_body", f"{body['name']}は登録なしでした"),
        ("a_body", f"{body['name'][:-1]}を除いた"),
        ("a_body", f"コード{body['code']}の行"),
        ("a_body", f"{' '.join(body['name'])}について"),
        ("a_body", f"読みは{kana}"),
        ("a_body", f"@{body['domain'].upper()} を照会"),
        ("a_host", f"{body['host']}の回答"),
        ("an_address", f"{body['address']}を二重に数えた"),
        ("an_address", "2001:DB8::25 を除いた"),
        ("an_address", "１９２．０．２．９ の回答"),
        ("an_address", "192.0.2.9:25 の回答"),
        ("an_address", "192[.]0[.]2[.]9 の回答"),
        ("an_address", "192-0-2-9 の回答"),
        ("an_address", "192.000.002.009 の回答"),
        ("a_body", f"団体コード{body['code'][:5]}の行"),
        ("a_body", f"{'・'.join(body['name'])}について"),
        ("a_body", f"{chr(0x200B).join(body['name'])}について"),
        ("a_body", f"&#{ord(body['name'][0])};{body['name'][1:]}について"),
        ("a_body", f"{body['domain'].replace('.', '[.]')} を照会"),
    ]
    kept = corrections.for_public(log(*(text for _, text in called)), edition, set(), set())
    assert not len(kept.shown)
    assert [(row, why) for row, why, _ in kept.withheld] == [(row, why) for row, (why, _) in enumerate(called, 2)]
    assert body["name"] in kept.withheld[0][2], "the newsroom is told which"


def test_a_name_that_goes_over_from_one_cell_to_the_next_is_kept_back(edition, body):
    said = log("集計の誤り").assign(was=body["name"][:1], is_now=body["name"][1:])
    assert not len(corrections.for_public(said, edition, set(), set()).shown)


def test_what_names_nobody_is_printed_as_it_is_written(edition, body):
    texts = [
        "集計の誤り（82団体→81団体）",
        "図の凡例を改めた",
        "12:30 に差し替え",
        "2026-11-25 09:33 現在に改めた",
        "Counts were wrong; 3.5 percent",
    ]
    kept = corrections.for_public(log(*texts), edition, set(), set())
    assert list(kept.shown["reason"]) == texts and kept.withheld == ()


def test_a_body_whose_gate_is_open_may_be_named(edition, body):
    said = log(f"{body['name']}（{body['code']}）は登録あり", f"{body['host']}の回答")
    kept = corrections.for_public(said, edition, {body["code"]}, set())
    assert len(kept.shown) == 1 and [why for _, why, _ in kept.withheld] == ["a_host"]


def test_names_that_differ_in_how_they_are_written_are_one_name():
    for one, other in (
        ("茅ヶ崎", "茅ケ崎"),
        ("茅ヶ崎", "茅が崎"),
        ("一ノ関", "一の関"),
        ("ﾁｶﾞｻｷ", "ちがさき"),
        ("Ａ市", "a 市"),
    ):
        assert corrections._folded(one) == corrections._folded(other)


def test_the_newsroom_reads_all_and_rows_have_their_numbers(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(list(labels.CORRECTIONS))
    book.active.append([])
    book.active.append(["2026-11-25", "1面", "82団体", "81団体", "集計の誤り"])
    book.save(tmp_path / "corrections.xlsx")
    found = corrections.load_corrections(tmp_path)
    assert list(found[corrections.ROW]) == [3]
    assert corrections.for_newsroom(found).shown["was"].tolist() == ["82団体"]
    assert not len(corrections.load_corrections(tmp_path / "nowhere"))
