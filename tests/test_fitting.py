"""Whether SPF, PTR and DMARC fit: small tables in, verdicts out; silence is never a verdict against anybody."""

from __future__ import annotations

import pytest

from survey.enquiries import read_lines
from survey.enquiring import answer
from survey.fitting import fits
from survey.frames import frame
from survey.opt_outs import OptOuts
from survey.practice.world import PRACTICE
from survey.shelf import Shelf
from survey.sources import Source
from tests.test_sources import MOMENT

NAME, HOST, ADDRESS = "town.example", "mail.town.example", "198.18.0.5"


def policy(**said):
    row = {
        **{"domain": NAME, "spf_status": "present", "spf_reason": None, "spf_text": "v=spf1 mx -all", "spf_all": "-"},
        **{"spf_lookups_n": 1, "spf_voids_n": 0, "spf_problem": None, "dmarc_status": "present", "dmarc_reason": None},
        **{"dmarc_domain": NAME, "dmarc_text": "v=DMARC1; p=reject", "dmarc_p": "reject", "dmarc_sp": None},
        **{"dmarc_policy": "reject", "organisational_domain": NAME, "dmarc_problem": None},
        **{"evidence_ids": ["1"], "dmarc_evidence_ids": ["2"]},
        **said,
    }
    return tuple(row.values())


def sender(**said):
    row = {
        **{"domain": NAME, "position": 1, "record_domain": NAME, "mechanism": "mx", "kind": "mx", "qualifier": None},
        **{"host": HOST, "network": f"{ADDRESS}/32", "address": ADDRESS, "provider": None, "is_own": True},
        **{"status": "present", "reason": None, "evidence_ids": ["1"]},
        **said,
    }
    return tuple(row.values())


def network(**said):
    row = {
        **{"address": ADDRESS, "status": "present", "reason": None, "asns": [], "as_names": [], "prefix": None},
        **{"country": None, "ptr_status": "present", "ptr": [HOST], "ptr_confirmed": [HOST], "is_ptr_confirmed": True},
        **{"evidence_ids": ["3"], **said},
    }
    return tuple(row.values())


def found(*, policies=(), senders=(), networks=(), line=NAME):
    tables = {
        "mail_servers": frame("mail_servers", [(NAME, 10, HOST, "mx", "host", "present", None, "4")]),
        "addresses": frame("addresses", [(HOST, ADDRESS, 4, "present", None, None, "5")]),
        "senders": frame("senders", senders),
        "policies": frame("policies", policies),
        "networks": frame("networks", networks),
        "listings": frame("listings"),
        "lists": frame("lists"),
    }
    shelf = Shelf()
    for name, table in tables.items():
        shelf.put(name, table)
    source = Source(None, False, PRACTICE, shelf, {}, {}, OptOuts(), "", MOMENT, MOMENT, True)
    return {one.topic: one for one in fits(answer(read_lines([line]), source))}


def word(one):
    return one.verdict.value, one.word


def test_all_is_well():
    said = found(policies=[policy()], senders=[sender()], networks=[network()])
    assert {topic: word(one) for topic, one in said.items()} == {
        "spf": ("fits", "spf_closed"),
        "dmarc": ("fits", "dmarc_closed"),
        "ptr": ("fits", "ptr_fits"),
        "spf_server": ("fits", "spf_names_it"),
    }
    assert said["spf"].evidence_ids == ("1",) and said["dmarc"].evidence_ids == ("2",)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"spf_status": "silent"}, ("unknown", "spf_not_heard")),
        ({"spf_status": "absent", "spf_text": None}, ("look", "spf_none")),
        ({"spf_problem": "too_many_lookups"}, ("look", "too_many_lookups")),
        ({"spf_all": "~"}, ("fits", "spf_closed")),
        ({"spf_all": "?"}, ("look", "spf_open")),
        ({"spf_all": None}, ("look", "spf_open")),
        ({"spf_all": "+"}, ("look", "spf_for_everybody")),
    ],
)
def test_spf_records(said, expected):
    assert word(found(policies=[policy(**said)])["spf"]) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"dmarc_status": "silent"}, ("unknown", "dmarc_not_heard")),
        ({"dmarc_status": "absent"}, ("look", "dmarc_none")),
        ({"dmarc_problem": "no_valid_policy"}, ("look", "no_valid_policy")),
        ({"dmarc_policy": "none"}, ("look", "dmarc_watches")),
        ({"dmarc_policy": "quarantine"}, ("fits", "dmarc_closed")),
    ],
)
def test_dmarc_records(said, expected):
    assert word(found(policies=[policy(**said)])["dmarc"]) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"ptr_status": "silent", "ptr": [], "is_ptr_confirmed": None}, ("unknown", "ptr_not_heard")),
        ({"ptr_status": "absent", "ptr": [], "is_ptr_confirmed": None}, ("look", "ptr_none")),
        ({"ptr_confirmed": [], "is_ptr_confirmed": None}, ("unknown", "ptr_not_checked")),
        ({"ptr_confirmed": [], "is_ptr_confirmed": False}, ("look", "ptr_leads_elsewhere")),
        ({"ptr": ["x.example"], "ptr_confirmed": ["x.example"]}, ("fits", "ptr_other_name")),
    ],
)
def test_pointers(said, expected):
    assert word(found(networks=[network(**said)])["ptr"]) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([sender(address=None, network="198.18.0.0/16", status="not_asked", reason="range_too_large")],
         ("fits", "spf_names_its_network")),
        ([sender(address="198.18.0.9", network="198.18.0.9/32")], ("look", "spf_does_not_name_it")),
        ([sender(address="198.18.0.9", network="198.18.0.9/32"), sender(address=None, network=None, provider="x.example")],
         ("unknown", "spf_leads_elsewhere")),
        ([sender(address=None, network=None, status="silent", reason="timeout")], ("unknown", "spf_leads_elsewhere")),
        ([sender(address=None, network="198.18.0.0/16", status="not_asked", reason="not_authorised")],
         ("look", "spf_does_not_name_it")),
        ([sender(address=None, network=None, status="not_asked", reason="macro")], ("unknown", "spf_leads_elsewhere")),
    ],
)  # fmt: skip
def test_whether_spf_names_a_server(rows, expected):
    assert word(found(policies=[policy()], senders=rows)["spf_server"]) == expected


def test_a_record_that_cannot_be_read_names_nobody_and_denies_nobody():
    said = found(policies=[policy(spf_problem="several_records")], senders=[sender()])
    assert word(said["spf_server"]) == ("unknown", "spf_says_nothing")
    assert "spf_server" not in found(policies=[policy(spf_status="absent")])


def test_a_policy_of_the_domain_above_is_told_with_its_place():
    said = found(policies=[policy(dmarc_domain="example", dmarc_text="v=DMARC1; p=none; sp=reject")])
    assert said["dmarc"].detail == "v=DMARC1; p=none; sp=reject (example)"


def test_an_address_alone_has_its_pointer_and_no_record():
    assert set(found(policies=[policy()], networks=[network()], line=ADDRESS)) <= {"ptr"}
