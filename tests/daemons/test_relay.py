"""The relay dialogue beside nmap's smtp-open-relay and swaks, on Postfix, Exim and OpenSMTPD, all side by side.

Our verdict per form is theirs; where nmap says something else, the difference stands here with its reason. The servers'
own queues and logs show that not one message was sent or queued.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from survey.practice.country import Country
from survey.practice.dns import answer_with_address
from survey.practice.mailers import ASKER
from survey.practice.world import PRACTICE, serve
from survey.runs import RunFolder
from survey.smtp.forms import FORMS
from survey.visits import visit
from survey.worlds import MailPatience
from tests.conftest import survey_country
from tests.daemons.mail_servers import exim, nmap, nmap_pairs, opensmtpd, postfix, swaks
from tests.watch import only_to

pytestmark = pytest.mark.daemons

SERVERS = {
    "postfix-default": lambda f, n, a: postfix(f, n, a, {}),
    "postfix-everybody": lambda f, n, a: postfix(f, n, a, {"mynetworks": "0.0.0.0/0"}),
    "postfix-anywhere": lambda f, n, a: postfix(f, n, a, {"relay_domains": "static:all"}),
    "postfix-routing": lambda f, n, a: postfix(
        f,
        n,
        a,
        {
            "allow_untrusted_routing": "yes",
            "mydestination": "localhost",
            "relay_domains": f"{n}.example, mail.{n}.example",
            "relay_recipient_maps": "",
        },
    ),
    "exim-closed": lambda f, n, a: exim(f, n, a, is_open=False),
    "exim-open": lambda f, n, a: exim(f, n, a, is_open=True),
    "opensmtpd-closed": lambda f, n, a: opensmtpd(f, n, a, is_open=False),
    "opensmtpd-open": lambda f, n, a: opensmtpd(f, n, a, is_open=True),
}
VERDICTS = {name: "rejects" if name.endswith(("default", "closed")) else "may_relay" for name in SERVERS}
_HUNG_UP = (
    "nmap says RSET before every pair, and Exim hangs up at the eleventh (smtp_accept_max_nonmail = 10): nmap's last "
    "pairs are never asked. We say RSET only where there is something to take back, and are answered; so is swaks"
)
EXPLAINED = {
    ("exim-open", "route_name"): (("accepted", False), _HUNG_UP),
    ("exim-open", "route_address"): (("accepted", False), _HUNG_UP),
}
"""(server, form) → (our status, whether nmap says yes), and why."""
ADDRESSES = {name: f"203.0.113.{number}" for number, name in enumerate(SERVERS, 201)}


@dataclasses.dataclass
class Asked:
    mtas: dict
    tables: object

    def statuses(self, name):
        relays = self.tables["relays"]
        return dict(relays.loc[relays["address"].eq(ADDRESSES[name]), ["form", "status"]].itertuples(index=False))

    def verdict(self, name):
        servers = self.tables["relay_servers"].set_index("address")
        return servers.loc[ADDRESSES[name], "verdict"]


@pytest.fixture(scope="module")
def asked():
    with tempfile.TemporaryDirectory(prefix="survey-mail-") as name:
        # Postfix works as a user of its own, which cannot enter pytest's private folders.
        Path(name).chmod(0o755)
        yield from ask(Path(name))


def ask(folder):
    """Start every server, hold the dialogue with all of them at once, and read the tables."""
    run = survey_country(Country.make(4), folder / "run").folder
    columns = (
        "host",
        "address",
        "domain",
        "operator",
        "approver",
        "purpose",
        "valid_from",
        "valid_to",
        "contact",
        "forms",
    )
    with (folder / "permission.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for name, address in ADDRESSES.items():
            words = (
                f"mail.{name}.example",
                address,
                f"{name}.example",
                name,
                "we",
                "a test",
                "2026-01-01",
                "2099-12-31",
            )
            writer.writerow((*words, "postmaster", "all"))

    def add_hosts(answers):
        for name, address in ADDRESSES.items():
            answer_with_address(answers, f"mail.{name}.example", address)

    with contextlib.ExitStack() as stack:
        mtas = {name: stack.enter_context(make(folder, name, ADDRESSES[name])) for name, make in SERVERS.items()}
        ports = {ADDRESSES[name]: mta.port for name, mta in mtas.items()}
        world = dataclasses.replace(
            PRACTICE,
            reach=lambda address, port: ("127.0.0.1", ports[address] if port == 25 else port),
            patience=MailPatience(10.0, 10.0, 60.0, 0.0, 8),
        )
        served = stack.enter_context(serve(Country.make(4), change=add_hosts))
        with only_to({("127.0.0.1", port) for port in ports.values()}):
            found = visit(RunFolder(run), folder / "permission.csv", world, [served.resolver], asker=ASKER)
        assert found.held == len(SERVERS)
        assert not found.plan.refusals
        yield Asked(mtas, found.tables)


@pytest.mark.parametrize("name", SERVERS)
def test_the_verdict_of_each_server(asked, name):
    assert asked.verdict(name) == VERDICTS[name]


def test_a_relay_that_denies_in_every_form_says_so_in_every_form(asked):
    assert set(asked.statuses("postfix-default").values()) == {"deferred"}, "Postfix's own default denies with a 454"
    assert set(asked.statuses("exim-closed").values()) == {"rejected"}
    assert set(asked.statuses("opensmtpd-closed").values()) == {"rejected"}
    reasons = asked.tables["relays"].query("operator == 'postfix-default'")["reason"]
    assert set(reasons) == {"relay_denied"}


def test_greetings_name_their_software(asked):
    said = asked.tables["greetings"].set_index("operator")["software"].to_dict()
    assert said == {name: {"p": "Postfix", "e": "Exim", "o": "OpenSMTPD"}[name[0]] for name in SERVERS}
    assert asked.tables["greetings"].set_index("operator").loc["exim-open", "version"] == "4.96"


def test_each_form_is_what_nmap_says(asked):
    """The sixteen pairs of smtp-open-relay, one server each in a thread; every difference stands in EXPLAINED."""
    with ThreadPoolExecutor(8) as pool:
        said = dict(
            zip(SERVERS, pool.map(lambda name: nmap(asked.mtas[name].port, ADDRESSES[name]), SERVERS), strict=True)
        )
    found = {}
    for name in SERVERS:
        pairs = nmap_pairs(name, ADDRESSES[name])
        assert said[name] <= set(pairs.values()), "a pair of nmap's that we have no form for"
        for form, pair in pairs.items():
            ours = asked.statuses(name)[form]
            if (ours == "accepted") != (pair in said[name]):
                found[(name, form)] = (ours, pair in said[name])
    assert found == {key: difference for key, (difference, _) in EXPLAINED.items()}
    assert "too many nonmail commands" in asked.mtas["exim-open"].log(), "the explanation is Exim's own"


def test_each_form_is_what_swaks_says(asked):
    """Every form of ours, one connection each, by a program that we did not write."""
    envelopes = asked.tables["relays"].set_index(["operator", "form"])[["sender", "recipient"]]
    asks = [(name, form) for name in SERVERS for form in FORMS if asked.statuses(name)[form] != "not_asked"]

    def ask_swaks(key):
        name, _ = key
        return swaks(asked.mtas[name].port, *envelopes.loc[key])

    with ThreadPoolExecutor(4) as pool:
        said = dict(zip(asks, pool.map(ask_swaks, asks), strict=True))
    differing = {key: yes for key, yes in said.items() if yes != (asked.statuses(key[0])[key[1]] == "accepted")}
    assert not differing
    assert len(said) > 140


def test_not_one_message_was_sent_or_queued(asked):
    for name, mta in asked.mtas.items():
        until = time.monotonic() + 10
        while mta.queued() and time.monotonic() < until:
            # Postfix opens a file at the first recipient, and removes it a moment after RSET.
            time.sleep(0.1)
        assert mta.queued() == [], name
        log = mta.log()
        # Postfix counts every command of a connection when it ends; swaks and nmap connected here too.
        assert not re.search(r"\b(data|bdat|auth|vrfy|expn)=", log), name
        assert "newsroom.example" in log or name.endswith("open"), f"{name} has seen us"
        for sign in ("status=sent", "status=deferred", "removed", "<= ", "=> ", "message-id=", "smtp message", "mta "):
            assert sign not in log, f"{name}: {sign}"
