"""The practice country's own truth of its senders, beside what the survey finds; and its traps, each really laid."""

from __future__ import annotations

import csv

from survey.practice.country import Country
from survey.practice.declarations import SENDER_TRAPS


def test_the_survey_finds_the_senders_of_the_country_of_2002(surveyed):
    findings = surveyed.tables["findings"]
    roles = findings["listed_role"].where(findings["listed_role"].notna(), "")
    told = list(zip(findings["code"], roles, findings["sending_listing"], strict=True))
    truth = surveyed.country.sending_truth()
    assert [pair for pair in zip(told, truth, strict=True) if pair[0] != pair[1]] == []
    assert {role for _, role, _ in truth} == {"", "receives", "sends", "both"}
    headline = surveyed.tables.headline
    assert headline["bodies_listed_sending"] == sum(word == "listed" for _, _, word in truth)
    assert headline["bodies_unknown_sending"] == sum(word == "unknown" for _, _, word in truth)
    assert headline["bodies_listed_open_relay"] == 81, "mail servers are counted as before"
    sends = set(findings.loc[findings["listed_role"].eq("sends"), "status"])
    assert "listed" not in sends
    assert "clear" in sends


def test_a_listed_sender_is_confirmed_by_the_second_pass(surveyed):
    findings = surveyed.tables["findings"]
    listed = findings.loc[findings["sending_listing"].eq("listed")]
    assert listed["senders_confirmed"].astype(bool).all()
    assert listed["senders_listed"].map(len).gt(0).all()
    assert findings.loc[~findings["sending_listing"].eq("listed"), "senders_confirmed"].isna().all()


def test_every_trap_shows_in_the_tables(surveyed):
    senders, policies = surveyed.tables["senders"], surveyed.tables["policies"]
    reasons = set(senders["reason"].dropna())
    assert reasons >= {
        *(
            "servfail",
            "timeout",
            "refused",
            "several_records",
            "unknown_mechanism",
            "too_many_lookups",
            "loop",
            "macro",
        ),
        *("range_too_large", "too_many_addresses", "not_authorised", "special_address", "include_without_record"),
        *("too_many_void_lookups", "depends_on_client", "names_none"),
    }
    assert senders.loc[senders["provider"].eq("silent1.example"), "status"].eq("silent").all()
    assert set(policies["spf_problem"].dropna()) == {
        *("several_records", "malformed_record", "too_many_lookups", "too_many_void_lookups", "loop"),
        "include_without_record",
    }
    assert set(policies["dmarc_policy"].dropna()) == {"none", "quarantine", "reject"}
    assert set(policies["dmarc_status"]) == {"present", "absent", "silent"}
    assert policies["organisational_domain"].str.endswith(".go.example").any(), "one label below a public suffix"
    long = surveyed.country.declarations.texts
    assert all(any(len(text) > 512 for text in facts.texts) for facts in long.values() if facts.only_tcp)


def test_at_most_64_addresses_of_a_body_are_asked_about(surveyed):
    senders, domains = surveyed.tables["senders"], surveyed.tables["domains"]
    asked = senders.loc[senders["status"].eq("present") & senders["address"].notna(), ["domain", "address"]]
    per_body = domains.merge(asked, on="domain").groupby("code")["address"].nunique()
    assert per_body.max() == 64


def test_the_truth_is_written_with_the_role_behind_the_other_columns(tmp_path):
    country = Country.make(5)
    country.write_truth(tmp_path / "truth.csv")
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["code", "status", "open_relay_listing", "own_or_shared", "listed_role"]
    assert [(row["code"], row["listed_role"]) for row in rows] == [row[:2] for row in country.sending_truth()]


def test_the_same_seed_makes_the_same_declarations():
    one, other = Country.make(6).declarations, Country.make(6).declarations
    assert one.texts == other.texts
    assert one.declared == other.declared
    assert len(one.declared) == len(Country.make(6).domains)
    assert len(SENDER_TRAPS) == len(set(SENDER_TRAPS))
