"""The machine says eight verbs, whatever it hears; every recipient comes down to our own mailbox."""

from __future__ import annotations

import itertools
import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.smtp.dialogue import CONTROL, Begin, Listen, Lost, Say, Secure, converse
from survey.smtp.forms import ALL, BASIC, FORMS, Probe, Target, control, envelope, planned
from survey.smtp.grammar import Reply, Verb, command

PROBE = Probe("relay-check@newsroom.example", "relay-survey.newsroom.example", "https://newsroom.example/relay")
TARGET = Target("192.0.2.7", "mail.town.example", "town.example", "白丘町", ALL, PROBE, 4, date(2099, 12, 31))
IPV6 = Target("2001:db8::7", None, None, "白丘町", ALL, PROBE, 4, date(2099, 12, 31))
OK = Reply(250, ("Ok",))
HELLO = Reply(250, ("mail.town.example", "PIPELINING"))
NO = Reply(554, ("5.7.1 Relay access denied",))


def drive(target, answer):
    """Run a dialogue against a function of each step; the steps, and the word it ended with."""
    talk, steps, heard = converse(target, "abc123"), [], None
    try:
        while True:
            step = talk.send(heard)
            steps.append(step)
            heard = None if isinstance(step, Begin) else answer(step)
    except StopIteration as end:
        return steps, end.value


def polite(step):
    """A closed server with good manners."""
    match step:
        case Listen():
            return Reply(220, ("mail.town.example ESMTP",))
        case Say(Verb.EHLO, _):
            return HELLO
        case Say(Verb.RCPT, _):
            return NO
        case _:
            return OK


def verbs(steps):
    return [step.verb.value for step in steps if isinstance(step, Say)]


def unwrap(path, own):
    """Take every wrapping off a recipient: whom the mail would be for in the end."""
    for _ in range(10):
        before = path
        path = re.sub(r"^@[^:]+(:[0-9a-f:]+\])?:", "", path)
        if path.count("@") > 1 or (path.startswith('"') and path.endswith('"@' + own.get("address", "?"))):
            path = path.rpartition("@")[0]
        path = path.strip('"')
        local, _, domain = path.rpartition("@")
        if domain in own.values():
            path = local
        if "@" not in path and "!" in path:
            site, _, user = path.partition("!")
            path = f"{user}@{site}"
        if "@" not in path and "%" in path:
            path = "@".join(path.rsplit("%", 1))
        if path == before:
            return path
    raise AssertionError(path)


reply = st.builds(
    Reply,
    st.integers(200, 599),
    st.lists(st.sampled_from(["Ok", "STARTTLS", "no", "AUTH PLAIN"]), min_size=1, max_size=4).map(tuple),
)
likely = st.sampled_from(
    [OK, OK, OK, Reply(220, ("STARTTLS",)), Reply(250, ("x", "STARTTLS")), NO, Reply(450, ("grey",))]
)
lost = st.sampled_from(["closed", "timeout", "flooded", "nonsense"]).map(Lost)


@settings(max_examples=500)
@given(
    st.lists(st.one_of(likely, likely, likely, reply, lost, st.none()), max_size=150), st.sampled_from([TARGET, IPV6])
)
def test_whatever_it_hears_it_says_only_what_it_may(heard, target):
    queue = iter(heard)
    log = []

    def answer(step):
        found = next(queue, Lost("closed"))
        log.append((step, found))
        return found

    steps, word = drive(target, answer)
    assert isinstance(word, str)
    own = {"host": "mail.town.example", "domain": "town.example", "address": "[192.0.2.7]", "six": "[IPv6:2001:db8::7]"}
    for step in steps:
        if isinstance(step, Say):
            line = command(step.verb, step.argument).decode()
            assert line.split()[0] in {"EHLO", "HELO", "STARTTLS", "NOOP", "MAIL", "RCPT", "RSET", "QUIT"}
            if step.verb is Verb.RCPT:
                path = step.argument.removeprefix("TO:<").removesuffix(">")
                assert unwrap(path, own) == PROBE.mailbox or path == "survey-probe-abc123@town.example"
            if step.verb is Verb.MAIL:
                path = step.argument.removeprefix("FROM:<").removesuffix(">")
                assert path in ("", PROBE.mailbox) or path.startswith("survey-probe@")
    for (_, found), (later, _) in itertools.pairwise(log):
        assert not isinstance(found, Lost), f"{later} after the connection was lost"
        assert not (isinstance(found, Reply) and found.code == 421), f"{later} after 421"


def test_a_polite_server_is_asked_every_form_and_left_politely():
    steps, word = drive(TARGET, polite)
    assert word == "finished"
    assert [step.form for step in steps if isinstance(step, Begin)] == [CONTROL, *ALL]
    said = verbs(steps)
    assert said[:2] == ["EHLO", "NOOP"]
    assert said[-2:] == ["RSET", "QUIT"]
    assert said.count("RCPT") == 20 == 1 + len(ALL)
    # Five senders: four changes between them, and the end.
    assert said.count("RSET") == 5


def test_it_says_who_asks_and_where_to_complain():
    steps, _ = drive(TARGET, polite)
    said = [step for step in steps if isinstance(step, Say)]
    assert said[0] == Say(Verb.EHLO, PROBE.hello)
    assert PROBE.mailbox in said[1].argument
    assert PROBE.page in said[1].argument


def test_an_accepted_recipient_is_taken_back_at_once():
    steps, _ = drive(TARGET, lambda step: OK if isinstance(step, Say) and step.verb is Verb.RCPT else polite(step))
    said = verbs(steps)
    for place, verb in enumerate(said):
        if verb == "RCPT":
            assert said[place + 1] == "RSET"


def test_starttls_is_used_where_it_is_offered_and_then_everything_begins_anew():
    def answer(step):
        if isinstance(step, Say) and step.verb is Verb.EHLO:
            return Reply(250, ("x", "starttls"))
        return Reply(220, ("go",)) if isinstance(step, Say) and step.verb is Verb.STARTTLS else polite_or_none(step)

    def polite_or_none(step):
        return None if isinstance(step, Secure) else polite(step)

    steps, word = drive(TARGET, answer)
    assert word == "finished"
    assert verbs(steps)[:4] == ["EHLO", "STARTTLS", "EHLO", "NOOP"]
    assert isinstance(steps[3], Secure)
    assert drive(TARGET, lambda s: Lost("tls_failed") if isinstance(s, Secure) else answer(s))[1] == "tls_failed"


def test_helo_where_ehlo_is_not_known():
    steps, word = drive(TARGET, lambda s: Reply(502, ("?",)) if s == Say(Verb.EHLO, PROBE.hello) else polite(s))
    assert word == "finished"
    assert verbs(steps)[:2] == ["EHLO", "HELO"]


@pytest.mark.parametrize(
    ("code", "word", "said"),
    [(554, "refused_at_connect", ["QUIT"]), (450, "deferred_at_connect", ["QUIT"]), (421, "told_to_go", [])],
)
def test_a_server_that_does_not_want_us_is_asked_nothing(code, word, said):
    steps, found = drive(TARGET, lambda _: Reply(code, ("no",)))
    assert (found, verbs(steps)) == (word, said)


def test_a_421_in_the_middle_ends_it_without_another_word():
    asked = []

    def answer(step):
        asked.append(step)
        is_third = sum(isinstance(s, Say) and s.verb is Verb.RCPT for s in asked) == 3
        return Reply(421, ("too many",)) if is_third else polite(step)

    steps, word = drive(TARGET, answer)
    assert word == "told_to_go"
    assert verbs(steps)[-1] == "RCPT"


def test_a_sender_that_is_refused_costs_only_its_form():
    steps, word = drive(TARGET, lambda s: NO if isinstance(s, Say) and s.verb is Verb.MAIL else polite(s))
    assert word == "finished"
    assert "RCPT" not in verbs(steps)
    assert verbs(steps).count("MAIL") == 20


def test_forms_that_nobody_permitted_or_that_want_a_name_are_left_out():
    basic = Target("192.0.2.7", None, "town.example", "x", BASIC, PROBE, 4, date(2099, 12, 31))
    why = {form.name: found for form, found in planned(basic) if isinstance(found, str)}
    assert why["percent_domain"] == "form_not_permitted"
    assert why["own_name_sender"] == "no_name"
    steps, _ = drive(basic, polite)
    asked = [step.form for step in steps if isinstance(step, Begin)]
    assert asked == [CONTROL, "third_party", "null_sender", "own_domain_sender", "own_address_sender"]
    assert control(IPV6, "x") == "no_domain"


def test_the_nineteen_forms_are_nineteen_envelopes_and_each_comes_down_to_our_mailbox():
    envelopes = [envelope(form, TARGET) for form in FORMS.values()]
    assert len({*envelopes}) == len(FORMS) == 19
    own = {"host": "mail.town.example", "domain": "town.example", "address": "[192.0.2.7]"}
    for sender, recipient in envelopes:
        assert unwrap(recipient, own) == PROBE.mailbox
        assert sender in ("", PROBE.mailbox) or sender.startswith("survey-probe@")
    long = Target("192.0.2.7", "x" * 60 + ".example" * 24, None, "x", ALL, PROBE, 4, date(2099, 12, 31))
    assert envelope(FORMS["route_bang"], long) == "too_long"
