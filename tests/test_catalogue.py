"""The catalogue: the facts that were compiled are all there, and a wrong cell is told with file, row and column."""

from __future__ import annotations

import csv
import shutil
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import catalogue
from survey.catalogue import DATA, key_name, load_catalogue, load_selection, save_selection, select
from survey.collect import check_terms
from survey.errors import CatalogueError, DecisionNeeded
from survey.return_codes import MATCHERS, Code
from survey.tables import HEADLINE_CATEGORIES

CATALOGUE = load_catalogue()


def compiled(shared, name):
    with (shared / "dnsbl" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_compiled_zone_and_code_is_in_the_catalogue(shared):
    zones, facts = compiled(shared, "lists.csv"), compiled(shared, "codes.csv")
    assert {row["zone"] for row in zones} <= set(CATALOGUE.lists)
    for fact in facts:
        if fact["zone"] == "*":
            continue  # rules for every zone: they are code, in `Blocklist.meanings` and the blocklist room
        zone = fact["zone"].partition(" / ")[0]
        codes = [
            code for code in CATALOGUE.lists[zone].codes if (code.code, code.match) == (fact["code"], fact["match"])
        ]
        assert codes, fact
        assert all(code.is_open_relay == (fact["is_open_relay"] == "yes") for code in codes)


def test_codes_that_are_partly_or_weakly_open_relay_are_not_relay(shared):
    for fact in compiled(shared, "codes.csv"):
        if fact["is_open_relay"] not in ("yes", "no"):
            zone = fact["zone"].partition(" / ")[0]
            for code in CATALOGUE.lists[zone].codes:
                if code.code == fact["code"]:
                    assert code.category != "open_relay"
                    assert not code.is_open_relay


def test_the_default_selection_takes_only_lists_that_can_prove_themselves():
    choices = CATALOGUE.selections["default"]
    assert {choice.zone for choice in choices} == {
        zone for zone in CATALOGUE.lists if not zone.endswith("dnsbl.example")
    }
    for one in select("default", CATALOGUE):
        assert one.positive, one.zone
        assert one.negative, one.zone
        assert one.status == "active"
        assert one.use == "query"
        assert one.commercial_use in ("yes", "unknown")
        assert not one.zone.startswith("<key>")
        accepted = {category for code in one.codes if code.meaning_kind == "listing" for category in [code.category]}
        assert accepted & HEADLINE_CATEGORIES


def test_nobody_has_accepted_terms_for_the_newsroom():
    with pytest.raises(DecisionNeeded, match=r"bl\.spamcop\.net"):
        check_terms(select("default", CATALOGUE))
    check_terms(select("practice", CATALOGUE))


@pytest.mark.parametrize(
    "zone", ["relays.ordb.org", "dnsbl.ahbl.org", "list.dnswl.org", "inputs.orbz.org", "multi.uribl.com"]
)
def test_lists_that_must_not_be_asked_are_refused_by_name(tmp_path, zone):
    (tmp_path / "mine.txt").write_text(f"{zone}\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=zone.replace(".", r"\.")):
        select(str(tmp_path / "mine.txt"), CATALOGUE)


def test_the_historic_selection_is_never_asked():
    with pytest.raises(CatalogueError, match="is not asked"):
        select("historic", CATALOGUE)


def test_a_key_is_taken_from_the_environment_and_shown_nowhere(tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text("zone\n<key>.zen.dq.spamhaus.net\nr.mail-abuse.com\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="SURVEY_KEY_ZEN_DQ_SPAMHAUS_NET"):
        select(str(tmp_path / "mine.csv"), CATALOGUE)
    monkeypatch.setenv(key_name("<key>.zen.dq.spamhaus.net"), "geheim42")
    monkeypatch.setenv(key_name("r.mail-abuse.com"), "geheim43")
    chosen = select(str(tmp_path / "mine.csv"), CATALOGUE)
    assert [one.asked_zone for one in chosen] == ["geheim42.zen.dq.spamhaus.net", "geheim43.r.mail-abuse.com"]
    assert "geheim" not in repr(chosen)
    save_selection(chosen, tmp_path / "lists")
    for path in (tmp_path / "lists").iterdir():
        assert "geheim" not in path.read_text(encoding="utf-8")


def test_a_selection_is_kept_and_read_again_as_it_was(tmp_path):
    chosen = select("practice", CATALOGUE)
    save_selection(chosen, tmp_path)
    assert load_selection(tmp_path) == chosen


def test_meanings_are_per_list():
    lists = CATALOGUE.lists
    proxy = lists["proxy.dnsbl.example"]
    assert [code.category for code in proxy.meanings(["127.0.0.66"]) if code] == ["open_proxy", "attack_source"]
    assert [code.meaning_kind for code in proxy.meanings(["127.0.0.1"]) if code] == ["information"]
    assert proxy.meanings(["127.0.0.128"]) == [None]
    ers = lists["r.mail-abuse.com"]
    assert [code.category for code in ers.meanings(["127.0.0.5"]) if code] == ["spam_source", "open_relay"]
    assert ers.meanings(["127.0.0.20"]) == [None], "a bit that nobody knows beside the one for open relays"
    zen = lists["zen.spamhaus.org"]
    assert [code.category for code in zen.meanings(["127.0.0.2", "127.0.0.10"]) if code] == [
        "spam_source",
        "dynamic_policy",
    ]
    assert [code.meaning_kind for code in zen.meanings(["127.255.255.254"]) if code] == ["error"]
    rats = lists["spam.spamrats.com"]
    assert [code.meaning_kind for code in rats.meanings(["127.0.0.38", "127.0.0.1"]) if code] == ["listing", "error"]
    assert [code.meaning_kind for code in lists["psbl.surriel.com"].meanings(["127.255.255.255"]) if code] == ["error"]
    assert lists["bl.blocklist.de"].positive == (catalogue.TestPoint("127.0.0.2", ("127.0.0.15",)),)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]))
def test_masks_and_ranges_fit_what_arithmetic_says(second, third, last, bit):
    address = f"127.{second}.{third}.{last}"
    in_first = (second, third) == (0, 0)
    assert MATCHERS["bitmask"](f"bit {bit}")(address) == (in_first and bool(last & bit))
    assert MATCHERS["range"]("127.0.0.4-127.0.0.7")(address) == (in_first and 4 <= last <= 7)
    assert MATCHERS["pattern"]("127.0.{2-20}.{0-3}")(address) == (second == 0 and 2 <= third <= 20 and last <= 3)
    assert MATCHERS["exact"]("127.0.0.2")(address) == (address == "127.0.0.2")


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("lists.csv", "psbl.surriel.com,", "bl.spamcop.net,", "stands here twice"),
        ("lists.csv", "psbl.surriel.com,", "psbl..com,", "no zone name"),
        ("lists.csv", "127.0.0.2=127.0.0.15", "127.0.0.2=192.0.2.1", "no code inside 127/8"),
        ("lists.csv", "127.0.0.2=127.0.0.15", "127.0.0.999=127.0.0.15", "no IPv4 address"),
        ("lists.csv", ",300000,", ",many,", "not a number above zero"),
        ("lists.csv", ",probably active,", ",perhaps,", "none of the words"),
        ("codes.csv", ",bitmask,open_proxy,listing", ",bitmusk,open_proxy,listing", "unknown way to match"),
        ("codes.csv", ",bit 64,bitmask", ",bit 65,bitmask", "one bit of the last octet"),
        ("codes.csv", "orbz.dnsbl.example,127.0.0.2", "orbz.dnsbl.example,192.0.2.2", "outside 127/8"),
        ("codes.csv", "orbz.dnsbl.example,127.0.0.2", "other.dnsbl.example,127.0.0.2", "lists.csv does not have"),
        ("codes.csv", "exact,open_relay,listing", "exact,open_relais,listing", "none of the words"),
        ("selections.csv", "practice,orbz.dnsbl.example,yes", "practice,orbz.dnsbl.example,maybe", "none of the words"),
        ("selections.csv", "practice,orbz.dnsbl.example", "practice,nowhere.example", "no such zone"),
    ],
)
def test_a_wrong_cell_is_told_with_file_and_row(tmp_path, name, old, new, told):
    shutil.copytree(DATA, tmp_path / "data")
    path = tmp_path / "data" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match=told) as error:
        load_catalogue(tmp_path / "data")
    assert name in error.value.where
    assert "row" in error.value.where
    assert error.value.remedy
    assert error.value.ja


def test_every_file_of_data_has_an_origin():
    origins = tomllib.loads((DATA / "ORIGINS.toml").read_text(encoding="utf-8"))
    assert set(origins) == {path.name for path in DATA.iterdir()} - {"ORIGINS.toml"}
    for card in origins.values():
        assert {"what", "producer", "licence"} <= set(card)


def test_a_code_says_what_it_is():
    code = Code("z", "127.0.0.2", "exact", "open_relay", "listing", True, "", fits=MATCHERS["exact"]("127.0.0.2"))
    assert code.fits("127.0.0.2")
    assert not code.fits("127.0.0.3")
