"""Answers to owners: held against the country's own truth, and searched for anything that is somebody else's."""

from __future__ import annotations

import json
import random
import re
import shutil
import zipfile
from collections import Counter
from datetime import UTC, datetime
from xml.etree import ElementTree

import openpyxl
import pytest

from survey.__main__ import main
from survey.enquirers import Enquirer
from survey.enquiries import read_enquiry, read_lines
from survey.enquiring import answer
from survey.practice.facts import HEALTHY, IPV6_ZONES
from survey.practice.truth import Truth
from survey.practice.world import PRACTICE
from survey.publish.enquiry_book import write_enquiry_book
from survey.publish.newsroom import Newsroom
from survey.runs import RunFolder
from survey.sources import source_of_run

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def source(surveyed):
    return source_of_run(RunFolder(surveyed.folder), PRACTICE)


def said(source, *lines):
    return answer(read_lines(lines), source)


def truth(country, address):
    """What the country knows of an address: listed, clear, or unknown where a list is not heard."""
    zones = [zone for zone in HEALTHY if ":" not in address or zone in IPV6_ZONES]
    words = {Truth(country).pair(zone, address) for zone in zones}
    return "listed" if "listed" in words else "unknown" if "unknown" in words else "clear"


def test_every_server_of_every_domain_has_the_countrys_own_word(surveyed, source):
    country = surveyed.country
    hidden = set(country.hidden.candidates)
    domains = {domain: body for body in country.bodies if body.code not in hidden for domain in body.domains}
    found = said(source, *domains)
    assert Counter(reply.outcome for reply in found.replies).keys() <= {
        *("answered", "no_server", "not_heard", "no_such_name")
    }
    by_domain = {reply.item.subject.text: reply for reply in found.replies}
    for domain, body in domains.items():
        facts, reply = country.domains[domain], by_domain[domain]
        expected = {"servfail": "not_heard", "refused": "not_heard", "silent": "not_heard", "nxdomain": "no_such_name"}
        if facts.behaviour in ("null", "none"):
            assert reply.outcome in ("no_server", "answered"), domain
        elif facts.behaviour in expected and not reply.servers:
            assert reply.outcome == expected[facts.behaviour], domain
        for host in [domain] if facts.behaviour == "implicit" else [host for _, host in facts.exchangers]:
            lines = [found.servers[number] for number in reply.servers if found.servers[number].host == host]
            assert lines, (domain, host)
            for address in Truth(country).addresses(host):
                (line,) = [one for one in lines if one.address == address]
                assert line.status == truth(country, address), (body.code, host, address)
                assert "receives" in line.roles
    statuses = Counter(server.status for server in found.servers)
    assert statuses["listed"] > 100 and statuses["unknown"] > 10 and statuses["clear"] > 3_000


def test_a_listing_says_what_since_when_and_whether_it_was_confirmed(surveyed, source):
    zone = "orbz.dnsbl.example"
    address = next(iter(surveyed.country.listed[zone]))
    (server,) = said(source, address).servers
    (listing,) = [one for one in server.said if one.zone == zone]
    assert server.status == "listed" and server.host is None and server.role is None
    assert listing.codes == ("127.0.0.2",) and listing.categories == ("open_relay",) and listing.is_confirmed
    assert source.began_at < listing.first_heard_at < listing.asked_at < source.ended_at
    assert listing.text.startswith(address) and len(listing.evidence_ids) == 3
    assert {one.zone for one in server.said if not one.is_counted} >= {"world.dnsbl.example", "silent.dnsbl.example"}
    assert set(server.clear_zones()).isdisjoint(server.zones(headline=True))


def test_an_enquiry_by_address_or_range_shows_no_host(surveyed, source):
    shared = surveyed.tables["servers"].nlargest(1, "bodies_n").iloc[0]
    address = shared["addresses"][0]
    prefix = address.rpartition(".")[0]
    found = said(source, address, f"{prefix}.0/24")
    assert address in {server.address for server in found.servers}
    assert {server.host for server in found.servers} == {None}
    (reply,) = [reply for reply in found.replies if reply.size]
    assert reply.size == 256 and 1 < reply.known_n < 256 and len(reply.servers) == reply.known_n


def test_a_host_is_named_only_to_whoever_names_it_or_a_domain_that_it_serves(surveyed, source):
    tables = surveyed.tables
    shared = tables["mail_servers"]["host"].value_counts().index[0]
    users = tables["mail_servers"].loc[tables["mail_servers"]["host"].eq(shared), "domain"]
    found = said(source, users.iloc[0])
    assert shared in {server.host for server in found.servers}
    others = {domain for domain in users.iloc[1:] if domain != users.iloc[0]}
    assert len(others) > 20
    text = repr(found.replies) + repr(found.servers)
    assert not [domain for domain in others if domain in text]
    assert not re.search(r"shared|bodies|codes=\('\d{6}", text)


def test_a_server_stands_once_however_often_it_is_asked_about(surveyed, source):
    row = surveyed.tables["mail_servers"].query("kind == 'mx' and target == 'host'").iloc[0]
    address = surveyed.tables["addresses"].set_index("host").loc[[row["host"]], "address"].iloc[0]
    found = said(source, address, row["host"], row["domain"], row["domain"].upper() + ".")
    assert len({(server.host, server.address) for server in found.servers}) == len(found.servers)
    (server,) = [server for server in found.servers if server.address == address]
    assert server.host == row["host"] and set(server.subjects) == {address, row["host"], row["domain"]}
    assert found.replies[-1].outcome == "repeated" and server.number in found.replies[-1].servers


def test_what_a_run_does_not_know_is_said_and_not_called_clear(source):
    known = set(source.tables["listings"]["address"])
    unheard = next(one for one in (f"198.19.{n}.1" for n in range(255)) if one not in known)
    found = said(source, "nobody-asked.example", unheard, "10.1.2.3", "8.8.8.8", "2001:db8:aaaa::/48")
    words = [(reply.outcome, reply.reason) for reply in found.replies]
    assert words[0] == words[1] == words[4] == ("not_asked", "not_in_run")
    assert words[2] == words[3] == ("not_asked", "special_address")
    assert not found.servers


def test_whoever_opted_out_is_not_spoken_about(surveyed, tmp_path):
    row = surveyed.tables["mail_servers"].query("kind == 'mx' and target == 'host'").iloc[0]
    zone = "orbz.dnsbl.example"
    address = next(iter(surveyed.country.listed[zone]))
    wish = tmp_path / "opt-out.csv"
    wish.write_text(f"subject,since,who,reason\n{row['domain']},2026-11-25,x,y\n{address},2026-11-25,x,y\n")
    found = said(source_of_run(RunFolder(surveyed.folder), PRACTICE, wish), row["domain"], address)
    assert [(reply.outcome, reply.reason) for reply in found.replies] == [("opted_out", "opt_out")] * 2
    assert [(server.status, server.said) for server in found.servers] == [("opted_out", ())]


# -- 2,000 mixed lines -----------------------------------------------------------------------------------------------

BAD = (
    *("株式会社なにか", "mail..example.jp", "999.1.1.1", "192.0.2.0/8", "2001:db8:::1", "-", "(未定)", "192.000.2.1"),
    *("198.18.0.9-198.18.0.1", "# 注記", "あ.い.う。", '=HYPERLINK("x")', "\u202email", "a@", "1.2.3.4.5"),
)


def dressed(draw, name):
    """A name as people write it."""
    wide = "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in name)
    ways = (name, name.upper(), f"{name}.", f"http://{name}/index.html", f"postmaster@{name}", f"  {name}  ", wide)
    return draw.choice((*ways, f"サーバは {name} です。", f"・{name}", f"{name}:25", f"{name} # 主系", f"「{name}」"))


def mixed(surveyed, seed):
    """2,000 lines about the servers of some bodies, with bad ones among them; and which bodies these are."""
    draw = random.Random(seed)
    country = surveyed.country
    bodies = draw.sample([body for body in country.bodies if body.domains], 400)
    lines = []
    for body in bodies:
        for domain in body.domains:
            lines.append(dressed(draw, domain))
            hosts = [host for _, host in country.domains[domain].exchangers if "\\" not in host]
            for host in draw.sample(hosts, min(1, len(hosts))):
                lines.append(dressed(draw, host) if host not in ("localhost", "192.0.2.1") else host)
                lines += Truth(country).addresses(host)[:1]
    while len(lines) < 1_985:
        lines.append(draw.choice((draw.choice(BAD), f"{draw.randrange(256)}.example", "192.0.2.8/30", "198.18.3.0/28")))
    draw.shuffle(lines)
    return (lines + list(BAD))[:2_000], bodies


@pytest.fixture(scope="module")
def big(surveyed, tmp_path_factory):
    """The answer to 2,000 mixed lines, given by the command from a copy of the run: result, workbook, lines, bodies."""
    folder = tmp_path_factory.mktemp("enquiry")
    run = folder / "run"
    shutil.copytree(surveyed.folder, run)
    lines, bodies = mixed(surveyed, 7)
    (folder / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    import contextlib
    import io

    words = ["enquire", str(folder / "lines.txt"), "--for", "照会者", "--basis", "電話で確認", "--json"]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([*words, "--run", str(run), "--out", str(folder / "answer.xlsx")])
    return code, json.loads(out.getvalue()), folder / "answer.xlsx", lines, bodies


def test_two_thousand_lines_are_all_answered_or_explained_and_counts_add_up(big):
    code, result, path, lines, _ = big
    assert len(lines) == 2_000 and code == 1
    replies = result["replies"]
    assert sorted({reply["row"] for reply in replies}) == [n for n, line in enumerate(lines, 1) if line.strip()]
    counts = result["counts"]
    assert counts["lines"] == len([line for line in lines if line.strip()])
    assert counts["items"] == len(replies) == sum(n for name, n in counts.items() if name.startswith("items_"))
    assert counts["servers"] == len(result["servers"])
    assert counts["servers"] == sum(n for name, n in counts.items() if name.startswith("servers_"))
    assert counts["items_unusable"] > 100 and counts["items_answered"] > 600 and counts["items_repeated"] > 100
    for reply in replies:
        assert reply["servers"] or reply["reason"] or reply["outcome"] == "repeated", reply
    sheet = openpyxl.load_workbook(path)["照会の各行 Lines"]
    rows = list(sheet.iter_rows(min_row=5, values_only=True))
    assert len(rows) == len(replies)
    outcomes = Counter(str(row[6]).partition(" / ")[0] for row in rows)
    assert outcomes["回答"] == counts["items_answered"] and outcomes["読めない"] == counts["items_unusable"]


def everything(path):
    """Every text of a workbook: cells, comments, names, properties, headers; all its parts."""
    with zipfile.ZipFile(path) as archive:
        parts = [archive.read(name).decode() for name in archive.namelist() if name.endswith((".xml", ".rels"))]
    for part in parts:
        ElementTree.fromstring(part)
    texts = {text for part in parts for text in re.findall(r">([^<]+)<", part)}
    texts |= {text for part in parts for text in re.findall(r'="([^"]*)"', part)}
    return texts


def test_nothing_of_anybody_else_stands_in_an_answer(surveyed, big):
    _, result, path, lines, bodies = big
    country = surveyed.country
    domains = {domain for body in bodies for domain in body.domains}
    hosts = {host for domain in domains for _, host in country.domains[domain].exchangers} | domains
    named = [sender["host"] for sender in surveyed.tables["senders"].to_dict("records") if sender["domain"] in domains]
    mine = domains | hosts | {str(host) for host in named}
    addresses = {address for host in hosts for address in Truth(country).addresses(host)}
    addresses |= {str(one) for one in surveyed.tables["senders"].query("domain in @domains")["address"].dropna()}
    addresses |= set(re.findall(r"[0-9.]{7,15}", " ".join(lines)))
    ranges = ("198.18.3.", "192.0.2.")
    texts = {str(one) for one in everything(path)} | {json.dumps(result, ensure_ascii=False)}
    said = "\n".join(texts)
    # Names of anybody, the enquirer's own bodies too: an answer has none.
    assert not [body.name.kanji for body in country.bodies if body.name.kanji in said]
    without = re.sub(r"[0-9a-f]{64}", "", said)
    assert not {body.code for body in country.bodies} & set(re.findall(r"(?<![\w.])[0-9N][0-9]{5}(?![\w.])", without))
    words = set(re.findall(r"[A-Za-z0-9_\\()-]+(?:\.[A-Za-z0-9_\\()-]+)+", without.lower()))
    theirs = (set(country.domains) | set(country.hosts)) - mine
    assert len(theirs) > 5_000
    assert not theirs & words
    everybody = {address for host in country.hosts for address in Truth(country).addresses(host)}
    others = {one for one in everybody - addresses if not one.startswith(ranges)}
    assert len(others) > 2_000
    told = set(re.findall(r"(?<![\w.])\d+\.\d+\.\d+\.\d+(?![\w.])|[0-9a-f:]*:[0-9a-f:]+:[0-9a-f:]+", without))
    assert not others & told
    # And it would be found if it stood there.
    assert next(iter(domains & words)) and addresses & told


def test_nothing_of_anybody_else_is_told_of_a_whole_providers_range(surveyed, source, tmp_path):
    """Somebody fishes: a range, and every address of it, without a name."""
    country = surveyed.country
    found = said(source, *(f"198.18.{n}.0/24" for n in range(16)))
    assert len(found.servers) > 500
    write_enquiry_book(found, Enquirer("x", "y"), Newsroom(), tmp_path / "a.xlsx", now=NOW)
    text = "\n".join(everything(tmp_path / "a.xlsx"))
    assert not [name for name in {*country.domains, *country.hosts} if name in text]
    assert not [body.name.kanji for body in country.bodies if body.name.kanji in text]


def test_a_workbook_is_answered_cell_by_cell(surveyed, source, tmp_path):
    row = surveyed.tables["mail_servers"].query("kind == 'mx' and target == 'host'").iloc[0]
    book = openpyxl.Workbook()
    book.active.append(["顧客", "サーバ"])
    book.active.append(["○○", row["host"]])
    book.active.append(["××", "未定"])
    book.save(tmp_path / "list.xlsx")
    found = answer(read_enquiry([str(tmp_path / "list.xlsx")]), source)
    words = {f"{reply.item.column}{reply.item.row}": reply.outcome for reply in found.replies}
    assert words == {"A1": "beside", "B1": "beside", "A2": "beside", "B2": "answered", "A3": "beside", "B3": "unusable"}
