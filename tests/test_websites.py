"""Websites as a source: hosts, and the domains that they suggest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.errors import RegisterError
from survey.names import encode_name
from survey.websites import domains_of, read_websites, site_domain
from survey.wire.web import fetch


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("https://www.city.sapporo.jp/", "city.sapporo.jp"),
        ("http://www2.town.a.lg.jp:8080/x?y#z", "town.a.lg.jp"),
        ("HTTPS://WWW.City.A.Lg.JP", "city.a.lg.jp"),
        ("www.www.a.jp", "www.a.jp"),
        ("wwwx.a.jp", "wwwx.a.jp"),
        ("https://www.jp/", "www.jp"),
        ("https://日本語.jp/", "xn--wgv71a119e.jp"),
        ("ｈｔｔｐｓ：//ｗｗｗ．ａ．ｊｐ/", "a.jp"),
        ("https://192.0.2.1/", None),
        ("https://[::1", None),
        ("なし", None),
        ("", None),
        ("https://a..jp/", None),
    ],
)
def test_the_domain_of_a_site(address, domain):
    assert site_domain(address) == domain


def write(path, *lines):
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "lines",
    [
        ["code,prefecture,municipality,website", "012033,北海道,小樽市,https://www.city.otaru.lg.jp/"],
        ["ホームページ,市区町村名,都道府県名", "https://www.city.otaru.lg.jp/,小樽市,北海道"],
        ["一覧", "URL\t団体コード", "https://www.city.otaru.lg.jp/\t12033"],
        ["URL,code", "https://www.city.otaru.lg.jp/,01203"],
        [
            "pid,pref,cid,city,citykana,lat,lng,url,phrase,lgcode",
            "1,北海道,01203,小樽市,おたるし,43.1,140.9,https://www.city.otaru.lg.jp/,,012033",
        ],
    ],
)
def test_tables_are_read_in_any_order_by_code_or_by_name(tmp_path, lines):
    lines = [line.replace("\t", ",") for line in lines]
    found = read_websites(write(tmp_path / "w.csv", *lines))
    assert [(one.code, one.domain) for one in found.sites] == [("012033", "city.otaru.lg.jp")]
    assert found.problems == ()


def test_a_row_without_a_municipality_is_the_prefecture_and_bad_rows_are_told(tmp_path):
    path = write(
        tmp_path / "w.csv",
        "code,prefecture,municipality,website",
        ",岩手県,,https://www.pref.iwate.jp/",
        ",岩手県,ない町,https://a.jp/",
        "032018,岩手県,盛岡市,",
        "032026,岩手県,宮古市,none",
    )
    found = read_websites(path)
    assert [(one.code, one.domain) for one in found.sites] == [("030007", "pref.iwate.jp")]
    assert [(row, what) for _, row, _, what, _ in found.problems] == [
        (3, "no body has this code or name"),
        (4, "empty"),
        (5, "no web address"),
    ]


def test_a_table_without_websites_is_one_clear_error(tmp_path):
    with pytest.raises(RegisterError, match="no row has a body and a web address"):
        read_websites(write(tmp_path / "w.csv", "code,name", "1,a"))


@pytest.mark.parametrize(
    ("address", "domains"),
    [
        ("https://www.city.a.lg.jp/", ["city.a.lg.jp"]),
        ("https://web.town.hikawa.kumamoto.jp/", ["web.town.hikawa.kumamoto.jp", "town.hikawa.kumamoto.jp"]),
        ("https://www.kurashi.town.niseko.jp/", ["kurashi.town.niseko.jp", "town.niseko.jp"]),
        ("https://info.maoi-net.jp/", ["info.maoi-net.jp", "maoi-net.jp"]),
        ("https://www.iwami.gr.jp/", ["iwami.gr.jp"]),
    ],
)
def test_candidates_walk_up_from_the_host_to_a_governments_name_or_a_registered_one(tmp_path, address, domains):
    found = read_websites(write(tmp_path / "w.csv", "code,URL", f"012033,{address}"))
    assert domains_of(found.sites[0]) == domains


@given(st.text(max_size=60))
def test_whatever_stands_there_the_domain_is_a_name_or_nothing(text):
    for address in (text, f"https://{text}", f"https://www.{text}.jp/"):
        found = site_domain(address)
        assert found is None or (encode_name(found) and found == found.lower() and found.isascii())


@pytest.mark.parametrize("address", ["http://a.example/w.csv", "file:///etc/hosts", "https://127.0.0.1:1/w.csv"])
def test_only_https_is_fetched_and_a_failure_says_what_to_do(tmp_path, address):
    with pytest.raises(RegisterError) as error:
        fetch(address, tmp_path)
    assert "--websites FILE" in error.value.remedy
