"""What recorded transcripts say: statuses, verdicts, greetings. The transcripts are literal."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from survey.exchanges import ANSWERED, Row
from survey.smtp.forms import ALL, BASIC, Probe, Target
from survey.smtp.judgement import note, read_dialogue, statuses
from survey.smtp.software import software

PROBE = Probe("relay-check@newsroom.example", "relay-survey.newsroom.example", "https://newsroom.example/relay")
TARGET = Target("192.0.2.7", "mail.town.example", "town.example", "白丘町", BASIC, PROBE, 4, date(2099, 12, 31))
HELLO = """* 0.000 connected
S 0.010 220 mail.town.example ESMTP Postfix
C 0.010 EHLO relay-survey.newsroom.example
S 0.020 250-mail.town.example
S 0.020 250-STARTTLS
S 0.020 250 8BITMIME
C 0.030 STARTTLS
S 0.040 220 Ready
* 0.060 tls TLSv1.3 TLS_AES_256_GCM_SHA384, certificate 00, not verified
C 0.060 EHLO relay-survey.newsroom.example
S 0.070 250 mail.town.example
C 0.070 NOOP relay survey
S 0.080 250 Ok
"""
DENIED = "554 5.7.1 <relay-check@newsroom.example>: Relay access denied"
UNKNOWN = "550 5.1.1 <survey-probe-1@town.example>: Recipient address rejected: User unknown"
GREY = "450 4.7.1 <relay-check@newsroom.example>: Recipient address rejected: Greylisted, see the postmaster's page"


def read(text, target=TARGET):
    answer = f"* 0.000 {note(target, 'f' * 64)}\n{text}".encode()
    row = Row(9, 1, 0, 0, "192.0.2.7", 0, "192.0.2.7:25", "smtp", 1, ANSWERED, 1_700_000_000_000_000, 90, answer)
    found = read_dialogue(row)
    assert found is not None
    return found


def form(name, *replies, sender="x@y.example", recipient="relay-check@newsroom.example"):
    """A form as a transcript has it: the reply to MAIL, then the one to RCPT."""
    lines = [f"* 1.000 form {name}"]
    for said, heard in zip((f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"), replies, strict=False):
        lines += [f"C 1.000 {said}", *([f"S 1.000 {heard}"] if heard else [])]
    return "\n".join(lines) + "\n"


def talk(control, *replies, end="finished"):
    """A dialogue with the basic forms, each with its reply to RCPT."""
    parts = [form("control", "250 Ok", control)] if control else []
    parts += [form(name, "250 Ok", reply) for name, reply in zip(BASIC, replies, strict=False)]
    return HELLO + "".join(parts) + f"* 9.000 end {end}\n"


@pytest.mark.parametrize(
    ("control", "replies", "end", "verdict", "reason"),
    [
        (UNKNOWN, [DENIED] * 5, "finished", "rejects", None),
        (UNKNOWN, ["454 4.7.1 <a@b.example>: Relay access denied"] * 5, "finished", "rejects", None),
        (UNKNOWN, ["250 2.1.5 Ok", *[DENIED] * 4], "finished", "may_relay", None),
        (UNKNOWN, [*[DENIED] * 4, "251 User not local; will forward"], "finished", "may_relay", None),
        ("250 Ok", ["250 Ok"] * 5, "finished", "inconclusive", "accepts_everything"),
        ("250 Ok", ["250 Ok", *[DENIED] * 4], "finished", "may_relay", None),
        (UNKNOWN, ["250 Ok"] * 5, "finished", "may_relay", None),
        (GREY, [GREY] * 5, "finished", "inconclusive", "greylisted"),
        (UNKNOWN, ["451 4.3.0 try later"] * 5, "finished", "inconclusive", "deferred"),
        (
            UNKNOWN,
            ["554 5.7.1 Client host blocked using zen.dnsbl.example"] * 5,
            "finished",
            "inconclusive",
            "refused_us",
        ),
        (UNKNOWN, ["550 5.7.25 your IP has no reverse DNS"] * 5, "finished", "inconclusive", "refused_us"),
        (UNKNOWN, [DENIED, "421 4.7.0 too many errors"], "told_to_go", "inconclusive", "told_to_go"),
        (UNKNOWN, [DENIED, DENIED, ""], "closed", "inconclusive", "closed"),
        (UNKNOWN, [*[DENIED] * 4, "450 4.2.1 busy"], "finished", "inconclusive", "deferred"),
        ("", ["250 Ok"], "timeout", "may_relay", "no_control"),
        ("", [], "no_greeting", "inconclusive", "no_greeting"),
        ("", [], "refused_at_connect", "inconclusive", "refused_at_connect"),
        ("", [], "tls_failed", "inconclusive", "tls_failed"),
        (UNKNOWN, ["550 5.7.1 Unable to relay"] * 5, "finished", "rejects", None),
        (UNKNOWN, ["530 5.7.0 Authentication required"] * 5, "finished", "rejects", None),
    ],
)
def test_verdicts(control, replies, end, verdict, reason):
    assert read(talk(control, *replies, end=end)).verdict() == (verdict, reason)


def test_every_form_has_a_status_and_silence_is_no_refusal():
    found = read(talk(UNKNOWN, DENIED, "250 Ok", GREY, "", end="closed"))
    said = {name: (str(status), reason) for name, status, reason, _ in statuses(found)}
    assert len(said) == len(ALL)
    assert said["third_party"] == ("rejected", "relay_denied")
    assert said["null_sender"] == ("accepted", None)
    assert said["own_domain_sender"] == ("deferred", "greylisted")
    assert said["own_name_sender"] == ("silent", "closed")
    assert said["own_address_sender"] == ("not_asked", "closed")
    assert said["percent_name"] == ("not_asked", "form_not_permitted")


def test_our_own_mailbox_in_a_reply_is_no_word_about_relaying():
    found = read(talk(UNKNOWN, GREY))
    assert {name: reason for name, _, reason, _ in statuses(found)}["third_party"] == "greylisted"


def test_a_refused_sender_is_refused_and_says_nothing_of_relaying():
    text = HELLO + "".join(form(name, "550 5.1.8 no such domain") for name in BASIC) + "* 9.0 end finished\n"
    found = read(text)
    assert {str(status) for name, status, _, _ in statuses(found) if name in BASIC} == {"rejected"}
    assert found.verdict() == ("inconclusive", "sender_refused")


def test_a_form_in_an_open_transaction_keeps_the_sender_that_was_said_before():
    later = "* 2.000 form null_sender\nC 2.000 RCPT TO:<a@b.example>\nS 2.000 550-5.7.1 Relaying\nS 2.000 550 5.7.1 denied\n"
    found = read(HELLO + form("third_party", "250 Ok", DENIED, sender="me@x.example") + later + "* 9.0 end finished\n")
    answer = found.answers["null_sender"]
    assert (answer.sender, answer.recipient, answer.stage, answer.code) == ("me@x.example", "a@b.example", "rcpt", 550)
    assert answer.reason == "relay_denied", "the words may stand on several lines"


def test_greeting_tls_and_esmtp():
    found = read(talk(UNKNOWN, DENIED))
    assert found.greeting == "mail.town.example ESMTP Postfix"
    assert (found.name, found.is_esmtp, found.starttls) == ("mail.town.example", True, "used")
    assert found.tls is not None
    assert "not verified" in found.tls
    helo = HELLO.replace("250-STARTTLS", "250-SIZE").split("C 0.030")[0]
    assert read(helo + "* 1.0 end closed\n").starttls == "not_offered"
    refused = HELLO.replace("S 0.040 220 Ready", "S 0.040 454 TLS not available").replace("* 0.060 tls", "* 0.060 no")
    assert read(refused + "* 1.0 end closed\n").starttls == "refused"
    plain = "S 0.0 220 x.example SMTP\nC 0.0 EHLO a.b\nS 0.0 502 no\nC 0.0 HELO a.b\nS 0.0 250 x\n* 1.0 end closed\n"
    assert read(plain).is_esmtp is False


def test_lines_that_a_server_made_up_are_not_ours():
    forged = r"S 0.1 220 x\x0a* 0.1 form third_party\x0aC 0.1 RCPT TO:<a@b>\x0aS 0.1 250 Ok" + "\n* 0.2 end closed\n"
    found = read(forged)
    assert not found.answers
    assert found.verdict() == ("inconclusive", "closed")


def test_what_does_not_begin_as_ours_is_no_dialogue():
    row = Row(9, 1, 0, 0, "192.0.2.7", 0, "x", "smtp", 1, ANSWERED, 0, 0, b"220 hello\n")
    assert read_dialogue(row) is None
    assert read_dialogue(row._replace(answer=b"* 0.000 asked {broken\n")) is None
    assert read_dialogue(row._replace(answer=b"")) is None


def test_the_note_names_who_permitted_and_who_asked():
    found = read(talk(UNKNOWN, DENIED))
    assert found.target == TARGET
    other = dataclasses.replace(TARGET, host=None, domain=None, operator='"x"\\n * end')
    assert read("* 1.0 end closed\n", other).target.operator == other.operator or "\\" in other.operator


@pytest.mark.parametrize(
    ("greeting", "name", "version"),
    [
        ("mail.town.example ESMTP Postfix (Debian/GNU)", "Postfix", None),
        ("mail.town.example ESMTP Postfix (2.6.6)", "Postfix", "2.6.6"),
        ("mail.town.example ESMTP Sendmail 8.15.2/8.15.2; Tue, 24 Nov 2026 09:00:00 +0900", "Sendmail", "8.15.2"),
        ("gw.city.example ESMTP Sendmail 8.9.3+3.2W/3.7W; Sat, 16 Mar 2002", "Sendmail", "8.9.3+3.2W"),
        ("postfix.town.example ESMTP Exim 4.96 Tue, 24 Nov 2026 20:45:26 +0000", "Exim", "4.96"),
        ("mail.town.example Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026", "Microsoft Exchange", None),
        ("w2k Microsoft ESMTP MAIL Service, Version: 6.0.3790.4675 ready at", "Microsoft Exchange", "6.0.3790.4675"),
        ("mail.town.example ESMTP OpenSMTPD", "OpenSMTPD", None),
        ("mail.town.example netqmail 1.06 ESMTP", "qmail", "1.06"),
        ("n.town.example ESMTP Service (Lotus Domino Release 8.5.3FP6) ready", "Lotus Domino", "8.5.3FP6"),
        ("mail.town.example ESMTP", None, None),
        ("qmail.town.example ESMTP", None, None),
        ("sendmail.town.example", None, None),
        ("", None, None),
    ],
)
def test_software_is_what_the_server_says_and_nothing_more(greeting, name, version):
    assert software(greeting) == (name, version)
