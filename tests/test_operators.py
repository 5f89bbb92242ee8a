"""Whose network, whose server, own or shared: each rule once, on small tables; and the ranking's arithmetic."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rrset
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import networks, operators, standings
from survey.errors import CatalogueError
from survey.exchanges import AAAA, PTR, TXT, A, Exchanges, Question, Row
from survey.frames import frame, joined
from survey.names import reverse_name
from survey.worlds import LIVE

ZONES = LIVE.asn_zones
ADDRESS = "203.0.113.5"


def heard(name, kind, *values, rcode=0, number=1):
    message = dns.message.make_response(dns.message.make_query(f"{name}.", kind))
    message.flags |= dns.flags.RA
    message.set_rcode(rcode)
    text = {A: "A", AAAA: "AAAA", PTR: "PTR", TXT: "TXT"}[kind]
    if values:
        message.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", text, *values))
    return Row(number, 1, 1, 0, name, kind, "s", "udp", 1, "answered", 0, 0, message.to_wire())


ORIGIN = f"{reverse_name(ADDRESS)}.origin.asn.cymru.com"
POINTER = f"{reverse_name(ADDRESS)}.in-addr.arpa"
TOLD = [
    heard(
        ORIGIN,
        TXT,
        '"64500 | 203.0.0.0/8 | ZZ | x | 2000-01-01"',
        '"64501 64502 | 203.0.113.0/24 | JP | apnic | "',
        number=1,
    ),
    heard("as64501.asn.cymru.com", TXT, '"64501 | JP | apnic | 2001-01-01 | TOWN-AS, JP"', number=2),
    heard("as64502.asn.cymru.com", TXT, rcode=3, number=3),
    heard(POINTER, PTR, "mail.town.example.", "old.town.example.", number=4),
    heard("mail.town.example", A, ADDRESS, number=5),
    heard("old.town.example", A, "203.0.113.99", number=6),
]


def read_networks(heard_of_it):
    """The rows of the one address, as people use them."""
    found = networks.read([ADDRESS], Exchanges(heard_of_it), ZONES)
    return joined("networks", [found]).to_dict("records")


def test_an_address_is_asked_about_until_nothing_is_missing():
    known = Exchanges()
    asked = []
    for _ in range(4):
        missing = [one for one in networks.needs(ADDRESS, ZONES, known) if one not in asked]
        asked += missing
        known.add(row for row in TOLD if Question(row.name, row.type) in missing)
    assert set(asked) == {Question(row.name, row.type) for row in TOLD}
    assert len(asked) == len(set(asked))


def test_the_most_specific_prefix_and_the_confirmed_pointer_count():
    (row,) = read_networks(TOLD)
    assert (row["asns"], row["as_names"], row["prefix"], row["country"]) == (
        ["64501", "64502"],
        ["TOWN-AS, JP"],
        "203.0.113.0/24",
        "JP",
    )
    assert (row["ptr_confirmed"], row["is_ptr_confirmed"]) == (["mail.town.example"], True)
    assert set(row["evidence_ids"]) == set("123456")


def test_silence_about_a_network_is_not_absence():
    silent = [heard(ORIGIN, TXT, rcode=2), heard(POINTER, PTR, rcode=3)]
    (row,) = read_networks(silent)
    assert (row["status"], row["ptr_status"], row["asns"]) == ("silent", "absent", [])
    nonsense = [heard(ORIGIN, TXT, '"64500 | 198.51.100.0/24 | ZZ"')]
    (row,) = read_networks(nonsense)
    assert (row["status"], row["reason"]) == ("silent", "malformed"), "a prefix that does not hold the address"
    unheard = [heard(POINTER, PTR, "mail.town.example."), heard("mail.town.example", A, rcode=2)]
    (row,) = read_networks(unheard)
    assert row["is_ptr_confirmed"] is None or row["is_ptr_confirmed"] != row["is_ptr_confirmed"]


@given(st.text(max_size=300))
def test_whatever_an_origin_answer_says_it_is_read_or_left(text):
    quoted = '"' + "".join(f"\\{byte:03d}" for byte in text.encode()[:250]) + '"'
    networks.read([ADDRESS], Exchanges([heard(ORIGIN, TXT, quoted)]), ZONES)


def test_ipv6_is_asked_nibble_by_nibble():
    origin, pointer = networks.questions("2001:db8::1", ZONES)
    assert origin.name.endswith(".8.b.d.0.1.0.0.2.origin6.asn.cymru.com")
    assert pointer.name.endswith(".8.b.d.0.1.0.0.2.ip6.arpa")


DIRECTORY = operators.load_directory()


def world(hosts, pointers=None, listings=(), lists=()):
    """Bodies 1, 2, 3 with the domains town1.lg.jp … and these mail hosts: code → host → address."""
    bodies = [(code, "県", f"町{code}", "", "town", True, None, "s", 2) for code in "123"]
    domains = [(code, f"town{code}.lg.jp", "given", "", 2, "high", True, True, [], []) for code in "123"]
    mail = [
        (f"town{c}.lg.jp", 10, host, "mx", "host", "present", None, "1") for c, own in hosts.items() for host in own
    ]
    addresses = {host: address for own in hosts.values() for host, address in own.items()}
    nets = [
        (a, "present", None, ["64500"], ["NET"], None, None, "present", [], (pointers or {}).get(a, []), None, [])
        for a in sorted(set(addresses.values()))
    ]
    frames = [
        frame("bodies", bodies),
        frame("domains", domains),
        frame("mail_servers", mail),
        frame("addresses", [(h, a, 4, "present", None, None, "1") for h, a in addresses.items()]),
        frame("networks", nets),
    ]
    said = standings.read([frame("listings", listings)], frame("lists", lists))
    return operators.Use(*frames, DIRECTORY).servers(said).set_index("host")


def rule(servers, host):
    one = servers.loc[host]
    return one["own_or_shared"], one["basis"], one["operator"], one["operator_basis"]


def test_own_or_shared_by_use_by_operator_and_by_name():
    servers = world(
        {
            "1": {
                "mail.town1.lg.jp": "203.0.113.1",
                "town1-lg-jp.mail.protection.outlook.com": "203.0.113.2",
                "mx.town2.lg.jp": "203.0.113.3",
                "mx1.nobody.example": "203.0.113.4",
                "mx1.several.example": "203.0.113.5",
                "vanity.town1.lg.jp": "203.0.113.6",
            },
            "2": {"mx2.several.example": "203.0.113.7", "other-name.example": "203.0.113.6"},
        }
    )
    assert rule(servers, "mail.town1.lg.jp") == ("own", "bears_its_name", "town1.lg.jp", "body")
    assert servers.loc["mail.town1.lg.jp", "operator_kind"] == "own"
    microsoft = rule(servers, "town1-lg-jp.mail.protection.outlook.com")
    assert microsoft == ("shared", "known_operator", "Microsoft", "host")
    assert rule(servers, "mx.town2.lg.jp") == ("shared", "bears_another_name", "town2.lg.jp", "body")
    assert rule(servers, "mx1.nobody.example") == ("unknown", "name_tells_nothing", "nobody.example", "domain")
    assert rule(servers, "mx1.several.example")[:2] == ("shared", "operator_of_several")
    assert rule(servers, "vanity.town1.lg.jp")[:2] == ("shared", "used_by_several"), "the same address"


def test_a_pointer_names_the_operator_only_where_no_access_line_is_called_so():
    hosts = {"1": {"mail.town1.lg.jp": "203.0.113.1"}, "2": {"mail.town2.lg.jp": "203.0.113.2"}}
    hosts["3"] = {"mail.town3.lg.jp": "203.0.113.3"}
    names = {
        "203.0.113.1": ["mx9.securemx.jp"],
        "203.0.113.2": ["line.biglobe.ne.jp"],
        "203.0.113.3": ["os3.vs.sakura.ne.jp"],
    }
    servers = world(hosts, names)
    assert rule(servers, "mail.town1.lg.jp")[1:] == ("known_operator", "Internet Initiative Japan (IIJ)", "ptr")
    assert rule(servers, "mail.town2.lg.jp")[:2] == ("own", "bears_its_name")
    assert rule(servers, "mail.town3.lg.jp")[:2] == ("own", "bears_its_name")


def test_the_file_of_operators_is_whole_and_wrong_cells_are_told(tmp_path):
    assert len(DIRECTORY.suffixes) > 60
    assert DIRECTORY.by_name("x.mail.protection.outlook.com").name_ja == "マイクロソフト"
    assert DIRECTORY.by_name("vps.vs.sakura.ne.jp") is None
    head = "match,value,names,operator,operator_ja,kind,source,date\n"
    for cells, told in (
        ("suffix,.x.example,mail,X,X,provider,s,d", "column value"),
        ("suffix,x.example,mail,X,X,friend,s,d", "column kind"),
        ("range,300.0.0.0/8,mail,X,X,provider,s,d", "column value"),
        ("suffix,x.example,mail,X,X,provider,,d", "column source"),
    ):
        (tmp_path / "operators.csv").write_text(head + cells + "\n", encoding="utf-8")
        with pytest.raises(CatalogueError, match=f"row 2, {told}"):
            operators.load_directory(tmp_path / "operators.csv")


def test_a_ranking_counts_each_body_once():
    rows = [
        ("a.x.example", "listed", ["1", "2"], 2),
        ("b.x.example", "listed", ["2", "3"], 2),
        ("c.x.example", "unknown", ["3", "4"], 2),
        ("mail.own.example", "listed", ["5"], 1),
    ]
    tail = ([], [], "shared", "used_by_several", "X", "X", "provider", "domain", [], [])
    servers = frame("servers", [(*row, *tail) for row in rows])
    servers.loc[3, "operator"] = "own.example"
    first, second = operators.ranking(servers).to_dict("records")
    assert (first["operator"], first["servers_n"], first["bodies_n"], first["listed_n"]) == ("X", 3, 4, 3)
    assert first["unknown_n"] == 1, "a body with a listed server of it is not unknown too"
    assert (first["cumulative_share"], second["cumulative_share"]) == (0.75, 1.0)


def test_who_shares_one_address_of_a_server_is_not_counted_by_the_others():
    tail = ([], [], "shared", "used_by_several", "X", "X", "provider", "domain", [], [])
    rows = [("mx1.x.example", "listed", ["1", "2"], 2, *tail), ("mx2.x.example", "clear", ["1", "2"], 2, *tail)]
    findings = pd.DataFrame({"code": ["1", "2"], "servers": [["mx1.x.example"], ["mx2.x.example"]]})
    (found,) = operators.ranking(operators.used(frame("servers", rows), findings)).to_dict("records")
    assert (found["bodies_n"], found["listed_n"]) == (2, 1)


def test_a_server_with_an_address_that_opted_out_is_not_clear():
    hosts = {"1": {"mail.town1.lg.jp": "192.0.2.1"}}
    healthy = [("list.example", "List", "abuse", "healthy", "not_judged", None, 2, None, 1, 0, False, [])]
    clear = ("192.0.2.1", "list.example", "clear", [], [], None, None, False, [], None, ["1"])
    asked_not = ("192.0.2.1", "other.example", "not_asked", [], [], "opt_out", None, False, [], None, [])
    more = [*healthy, ("other.example", *healthy[0][1:])]
    assert world(hosts, listings=[clear], lists=healthy)["status"].to_list() == ["clear"]
    assert world(hosts, listings=[clear, asked_not], lists=more)["status"].to_list() == ["unknown"]
