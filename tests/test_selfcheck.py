"""The self-check: plain words about one server, every one from evidence, and nothing connected to."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import survey
from survey.errors import DecisionNeeded, EnquiryError, ResolverError
from survey.fitting import Fit, Verdict
from survey.frames import frame
from survey.publish import check_words, labels
from survey.replies import Server
from survey.runs import RunFolder
from survey.selfcheck import example_of, question_of
from survey.shelf import Shelf
from tests.test_sources import MOMENT

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e" + "x" * 5_000


@pytest.fixture(scope="module")
def run(surveyed, tmp_path_factory):
    """A copy of the surveyed run, in which one dialogue is in evidence already."""
    folder = tmp_path_factory.mktemp("check") / "run"
    shutil.copytree(surveyed.folder, folder)
    address = surveyed.tables["addresses"].set_index("host")["address"][example_host(surveyed)]
    asked = (MOMENT, "99")
    relays = [(address, ["x"], "may_relay", None, 3, 19, "rejected", "x", 1, *asked)]
    greetings = [(address, "x", "Postfix", None, "x", "220 mail ESMTP Postfix", True, "not_offered", None, *asked)]
    shelf = Shelf(folder / "tables")
    shelf.put("relay_servers", frame("relay_servers", relays))
    shelf.put("greetings", frame("greetings", greetings))
    return folder


def example_host(surveyed):
    found = surveyed.tables["findings"].query("status == 'listed' and own_or_shared == 'own'")
    domains = surveyed.tables["domains"].set_index("code")["domain"]
    code = min(found["code"], key=lambda one: str(domains[one]) if isinstance(domains[one], str) else "~")
    return found.set_index("code")["servers_listed"][code][0]


@pytest.fixture(scope="module")
def check(run):
    return survey.self_check(world="practice", run=run)


def test_without_a_name_an_example_of_the_practice_country_is_shown(check, run):
    name = example_of(RunFolder(run))
    said = check.text("ja")
    assert check.is_example and name in said and check_words.EXAMPLE[0] in said and labels.PRACTICE["ja"] in said
    assert "登録あり 1" in said and check.answer.servers[0].status == "listed"
    assert (run.parent / "self-check").is_dir()


def test_it_says_where_why_how_to_get_off_and_what_cannot_be_known(check):
    for language, place in (("ja", 0), ("en", 1)):
        said = check.text(language)
        listing = next(one for one in check.answer.servers[0].said if one.is_headline)
        about = check.answer.source.lists[listing.zone]
        assert about.list_name in said and about.delist_url in said and listing.text in said
        assert all(sentence[place] in said for sentence in check_words.UNKNOWABLE)
        assert labels.NOT_CLOSED[language] in said and check_words.ONCE[place] in said
        assert check.answer.source.head in said
    assert check.text("ja") in repr(check) and check.text("en") in repr(check)


def test_the_greeting_comes_from_the_run_alone(check, surveyed):
    assert "220 mail ESMTP Postfix" in check.text("en") and "may relay" in check.text("en")
    bare = survey.self_check(check.answer.enquiry.subjects[0].text, world="practice", run=surveyed.folder)
    assert check_words.NO_GREETING[1] in bare.text("en") and not bare.is_example


def test_the_table_leads_back_to_evidence(check, capsys):
    table = check.table
    assert len(table) == 12 * len(check.answer.servers)
    first = table.iloc[0]
    assert first["status"] == first["answer"] == "listed" and first["delist"].startswith("https://")
    assert set(table.loc[~table["is_counted"], "zone"]) == {
        f"{one}.dnsbl.example" for one in ("world", "refusing", "parked", "silent", "emptied")
    }
    check.show(first["evidence_ids"][0])
    assert first["zone"] in capsys.readouterr().out
    assert set(check.fit_table["topic"]) == {"spf", "spf_server", "ptr", "dmarc"}


def test_every_kind_of_answer_has_its_sentence(run, surveyed):
    country = surveyed.country
    kinds = {}
    for domain, facts in country.domains.items():
        kinds.setdefault(facts.behaviour, domain)
    for kind, words in (("nxdomain", "no such name"), ("null", "No server takes mail"), ("silent", "does not mean")):
        check = survey.self_check(kinds[kind], world="practice", run=run)
        assert words in check.text("en"), kind
        assert not check.answer.servers and check.table.empty
        check.table["evidence_ids"].str[0].dropna().head(1).map(check.show)


def test_a_silent_server_is_not_called_clear(run, surveyed):
    country = surveyed.country
    quiet = next(
        domain
        for domain, facts in country.domains.items()
        if [country.hosts[host].behaviour for _, host in facts.exchangers if host in country.hosts] == ["silent"]
    )
    check = survey.self_check(quiet, world="practice", run=run)
    assert [server.status for server in check.answer.servers] == ["unknown"]
    assert "listed 0, not listed 0, not determined or not asked 1" in check.text("en")


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.open = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_its_html_runs_and_fetches_nothing_whatever_strangers_sent(check):
    server = check.answer.servers[0]
    listing = replace(next(one for one in server.said if one.is_headline), text=HOSTILE)
    about = replace(check.answer.source.lists[listing.zone], list_name=HOSTILE, lookup_url="javascript:alert(1)")
    about = replace(about, delist_url='https://a.example/"><script>x</script>')
    source = replace(check.answer.source, lists={**check.answer.source.lists, listing.zone: about})
    bad = Server(0, HOSTILE, server.address, "listed", HOSTILE, (listing,))
    wrong = replace(
        check,
        answer=replace(check.answer, servers=(bad,), source=source),
        fits=[Fit("spf", HOSTILE, Verdict.LOOK, "spf_open", HOSTILE)],
        greetings=check.greetings.assign(banner=HOSTILE),
    )
    markup = wrong._repr_html_()
    tags = Tags()
    tags.feed(markup)
    assert not tags.open
    assert tags.tags <= {
        *("div", "h3", "h4", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "br", "a", "hr")
    }
    assert tags.links and all(link.startswith("https://a.example/") for link in tags.links)
    assert "\x1b" not in markup and "\u202e" not in markup and len(markup) < 100_000
    assert "&lt;script&gt;" in markup and "\x1b" not in repr(wrong)


def test_every_word_that_a_check_may_say_has_both_languages():
    for said in (check_words.FITS, check_words.OUTCOMES, check_words.TITLES, check_words.TOPICS, check_words.VERDICTS):
        for word, (ja, en) in said.items():
            assert re.search(r"[\u3040-\u9fff]|^[A-Z]+$", ja) and en and not re.search(r"[\u3040-\u9fff]", en), word


@pytest.mark.parametrize("name", ["", "  ", "株式会社", "a.example b.example", "192.0.2.0/24", "missing.txt"])
def test_what_is_not_one_name_or_address_is_an_error(name):
    if name == "missing.txt":
        assert question_of(name).subjects[0].text == name
        return
    with pytest.raises(EnquiryError) as error:
        question_of(name)
    assert error.value.remedy and error.value.ja


def test_a_live_check_wants_signed_terms_and_a_resolver_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResolverError):
        survey.self_check("city.example.jp", resolvers=["8.8.8.8"])
    with pytest.raises(DecisionNeeded):
        survey.self_check("city.example.jp", resolvers=["127.0.0.1:9"])
    assert not list(tmp_path.rglob("*.sqlite"))


def test_a_run_of_another_world_lends_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EnquiryError):
        survey.self_check("", world="live", run=run)
