"""Asking for an enquiry: the same rooms and wire as a survey, for names and addresses that somebody brings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from survey import asking, opt_outs, usage
from survey.catalogue import load_catalogue, select
from survey.enquiries import read_lines
from survey.enquiring import answer
from survey.errors import DecisionNeeded, EnquiryError, ResolverError
from survey.evidence import Archive
from survey.exchanges import SURVEY_ROUND
from survey.practice.truth import Truth
from survey.practice.world import PRACTICE, serve
from survey.runs import RunFolder
from survey.sitting import Manner
from survey.sources import source_of_run
from survey.worlds import LIVE


@pytest.fixture(scope="module")
def served(surveyed):
    """The surveyed country, served again."""
    with serve(surveyed.country) as one:
        yield one


def ask(served, folder, *lines, passes=1, **more):
    lists = select("practice", load_catalogue())
    manner = Manner(passes=passes)
    return asking.ask(folder, read_lines(lines), lists, PRACTICE, [served.resolver], manner=manner, **more)


def some_of_each(country):
    """A few domains of every behaviour, and of everything that the country's lists do."""
    chosen = {}
    for body in country.bodies:
        for domain in body.domains:
            facts = country.domains[domain]
            hosts = [country.hosts[host] for _, host in facts.exchangers if host in country.hosts]
            marks = [facts.behaviour, *(host.behaviour for host in hosts), *(bool(host.alias_of) for host in hosts)]
            marks += [zone for zone in country.listed for host in hosts for a in host.ipv4 if a in country.listed[zone]]
            marks += ["private" for host in hosts for a in host.ipv4 if a.startswith("10.")]
            for mark in marks:
                chosen.setdefault(str(mark), domain)
    return list(dict.fromkeys(chosen.values()))


def lines_of(found, reply):
    """What the servers of a reply are told to be, without evidence and times."""
    servers = [found.servers[number] for number in reply.servers]
    return {(one.host, one.address, one.status, *one.zones(headline=True), *one.clear_zones()) for one in servers}


def test_asking_now_gives_what_the_survey_found(surveyed, served, tmp_path):
    domains = some_of_each(surveyed.country)
    assert len(domains) > 10
    hosts = [host for domain in domains for _, host in surveyed.country.domains[domain].exchangers]
    hosts = [host for host in hosts if host.endswith(".example") and "\\" not in host]
    now = answer(read_lines([*domains, *hosts]), ask(served, tmp_path, *domains, *hosts, passes=2))
    run = answer(read_lines([*domains, *hosts]), source_of_run(RunFolder(surveyed.folder), PRACTICE))
    for mine, theirs in zip(now.replies, run.replies, strict=True):
        if mine.outcome == "answered":
            assert lines_of(now, mine) == lines_of(run, theirs), mine.item.written
        else:
            # A host that is silent has a line of its own in a run.
            assert {server[2] for server in lines_of(run, theirs)} <= {"unknown"}, mine.item.written
            assert mine.outcome == "not_heard" or mine.outcome == theirs.outcome, mine.item.written
    assert {server.status for server in now.servers} >= {"listed", "clear", "unknown"}
    confirmed = [said for server in now.servers for said in server.said if said.is_headline]
    assert confirmed and all(said.is_confirmed for said in confirmed)


def test_everything_read_is_in_evidence_and_a_finished_asking_is_only_read(surveyed, served, tmp_path):
    domain = next(iter(surveyed.country.domains))
    first = ask(served, tmp_path, domain, "198.18.0.5", "192.0.2.8/30")
    assert Archive(tmp_path).verify(first.head).is_unaltered
    before = sum(served.counts().values())
    again = ask(served, tmp_path, domain, "198.18.0.5", "192.0.2.8/30")
    assert sum(served.counts().values()) == before and again.head == first.head
    offline = asking.read_asking(tmp_path, PRACTICE)
    for name, table in first.tables.items():
        assert table.equals(offline.tables[name]), name
    with pytest.raises(EnquiryError, match="another enquiry"):
        ask(served, tmp_path, domain)


def test_an_asking_that_was_cut_off_goes_on(surveyed, served, tmp_path):
    lines = list(surveyed.country.domains)[:40]

    def stop(done, expected, text):
        if done > 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(served, tmp_path, *lines, progress=stop)
    kept = sum(1 for _ in Archive(tmp_path).rows())
    assert kept > 100
    half = asking.read_asking(tmp_path, PRACTICE)
    assert not half.is_finished
    assert "clear" not in {server.status for server in answer(read_lines(lines), half).servers}
    done = ask(served, tmp_path, *lines)
    assert done.is_finished
    asked = [(row.name, row.type) for row in Archive(tmp_path).rows("round = 0 AND outcome = 'answered'")]
    assert len(asked) < 1.1 * len(set(asked))


def test_names_that_are_hosts_are_asked_about_themselves(surveyed, served, tmp_path):
    country = surveyed.country
    null = next(domain for domain, facts in country.domains.items() if facts.behaviour == "null")
    gone = next(domain for domain, facts in country.domains.items() if facts.behaviour == "nxdomain")
    host = next(host for host, facts in country.hosts.items() if facts.ipv6 and facts.behaviour == "ok")
    found = answer(read_lines([null, gone, host]), ask(served, tmp_path, null, gone, host))
    words = [(reply.outcome, reply.reason) for reply in found.replies]
    assert words == [("no_server", "null_mx"), ("no_such_name", "nxdomain"), ("answered", None)]
    assert {server.address for server in found.servers} == set(Truth(country).addresses(host))
    assert {server.host for server in found.servers} == {host}


def test_opt_outs_special_addresses_and_ipv6_ranges_are_never_asked_about(surveyed, served, tmp_path):
    country = surveyed.country
    domain = next(domain for domain, facts in country.domains.items() if facts.behaviour == "mx")
    wish = tmp_path / "wish.csv"
    wish.write_text(f"subject,since,who,reason\n{domain},2026-11-25,x,y\n198.18.0.5,2026-11-25,x,y\n")
    lines = (domain, f"mail.{domain}", "198.18.0.5", "10.1.2.3", "2001:db8::/64", "198.18.0.19")
    found = answer(read_lines(lines), ask(served, tmp_path / "asked", *lines, opt_out=wish))
    words = [(reply.outcome, reply.reason) for reply in found.replies]
    assert words[:3] == [("opted_out", "opt_out")] * 3
    assert words[4] == ("not_asked", "ipv6_range")
    assert [(s.address, s.status) for s in found.servers][1:2] == [("10.1.2.3", "not_asked")]
    asked = {row.name for row in Archive(tmp_path / "asked").rows(f"round = {SURVEY_ROUND}")}
    assert not [name for name in asked if domain in name or name.startswith(("5.0.18.198", "3.2.1.10"))]
    assert [name for name in asked if name.startswith("19.0.18.198")]


def test_terms_and_public_resolvers_are_refused_as_in_a_survey(tmp_path):
    lists = select("default", load_catalogue())
    lines = read_lines(["city.example.jp"])
    with pytest.raises(ResolverError):
        asking.ask(tmp_path, lines, lists, LIVE, [("8.8.8.8", 53)], manner=Manner())
    unsigned = [replace(one, terms_accepted_by="") for one in lists]
    with pytest.raises(DecisionNeeded):
        asking.ask(tmp_path, lines, unsigned, LIVE, [("127.0.0.1", 9)], manner=Manner())
    assert not list(tmp_path.iterdir())


def test_a_daily_limit_stops_an_asking_that_can_go_on(surveyed, served, tmp_path, monkeypatch):
    monkeypatch.setattr(usage, "PATH", tmp_path / "daily-use.json")
    lists = [
        replace(one, daily_limit=30) if one.zone.startswith("orbz") else one
        for one in select("practice", load_catalogue())
    ]
    lines = read_lines(["198.18.0.0/26"])
    with pytest.raises(DecisionNeeded, match="daily limit"):
        asking.ask(tmp_path / "a", lines, lists, PRACTICE, [served.resolver], manner=Manner(passes=1))
    servers = answer(lines, asking.read_asking(tmp_path / "a", PRACTICE)).servers
    unheard = [one for one in servers if "orbz.dnsbl.example" in {said.zone for said in one.open_zones()}]
    assert len(unheard) > 30 and "clear" not in {one.status for one in unheard}


def test_opt_outs_join():
    one = opt_outs.OptOuts(frozenset({"a.example"}))
    joined = opt_outs.joined([one, opt_outs.OptOuts(frozenset({"b.example"}))])
    assert joined.has_domain("x.a.example") and joined.has_domain("b.example") and not joined.has_domain("c.example")
