"""Commands cannot be anything else, replies have an end, transcripts are read as they were written."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.smtp.grammar import (
    DIALOGUE_MOST,
    LINE_MOST,
    BadReply,
    Replies,
    Reply,
    Transcript,
    Verb,
    command,
    events,
    is_host,
    is_mailbox,
    literal,
)
from tests.conftest import ROOT

NEVER = {"DATA", "BDAT", "AUTH", "VRFY", "EXPN"}


def replies(data, size=7):
    """Feed octets in small pieces; the replies, and how it ended."""
    reader, found = Replies(), []
    try:
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
            while (reply := reader.next()) is not None:
                found.append(reply)
    except BadReply as bad:
        return found, bad.word
    return found, None


def test_there_is_no_verb_for_a_message_a_password_or_an_address_book():
    assert {verb.value for verb in Verb} == {"EHLO", "HELO", "STARTTLS", "NOOP", "MAIL", "RCPT", "RSET", "QUIT"}
    for word in NEVER:
        with pytest.raises(ValueError, match="no verb"):
            command(word)


def test_nothing_outside_the_practice_country_has_the_words():
    for path in (ROOT / "survey").rglob("*.py"):
        if "practice" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in docstrings and isinstance(node.value, (str, bytes)):
                text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
                assert not re.search(r"\b(DATA|BDAT|AUTH|VRFY|EXPN)\b", text), f"{path.name}: {text[:80]!r}"


def test_only_the_wire_opens_sockets_and_only_one_module_knows_the_port():
    opens = re.compile(
        r"socket\.(socket|create_connection|create_server)\b|\b(open|create|sock)_connect(ion)?\(|smtplib"
    )
    for path in (ROOT / "survey").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        place = "/".join(path.parts[-2:])
        assert path.parts[-2] in ("wire", "practice") or not opens.search(text), place
        if re.search(r"import [^\n]*\bPORT\b|^PORT = ", text, re.M):
            assert place in ("smtp/grammar.py", "wire/smtp.py", "practice/world.py"), place


@given(st.sampled_from(list(Verb)), st.text(max_size=600))
def test_a_command_is_one_line_or_an_error(verb, argument):
    try:
        line = command(verb, argument)
    except ValueError:
        return
    assert line.count(b"\r") == line.count(b"\n") == 1
    assert line.endswith(b"\r\n")
    assert len(line) <= 512
    assert line.split()[0].decode() == verb.value


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"220 mail.example ESMTP\r\n", [Reply(220, ("mail.example ESMTP",))]),
        (b"250-mail.example\r\n250-SIZE\r\n250 STARTTLS\r\n", [Reply(250, ("mail.example", "SIZE", "STARTTLS"))]),
        (b"250\r\n", [Reply(250, ("",))]),
        (b"250 bare line feed\n221 bye\n", [Reply(250, ("bare line feed",)), Reply(221, ("bye",))]),
        (b"220 \x83\x81\xff\x1b[31m\r\n", [Reply(220, ("\x83\x81\xff\x1b[31m",))]),
    ],
)
def test_replies_are_read_in_any_pieces(data, expected):
    for size in (1, 3, len(data)):
        assert replies(data, size) == (expected, None)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "nonsense"),
        (b"250-one\r\n550 two\r\n", "nonsense"),
        (b"199 too low\r\n", "nonsense"),
        (b"250_no\r\n", "nonsense"),
        (b"220 " + b"x" * (LINE_MOST + 10), "flooded"),
        (b"250-x\r\n" * 10_000, "flooded"),
        (b"250 ok\r\n" * (DIALOGUE_MOST // 8 + 2), "flooded"),
    ],
)
def test_what_is_no_reply_or_has_no_end_is_told_apart(data, word):
    assert replies(data, 4000)[1] == word


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_octets_give_replies_or_a_word(pieces):
    found, word = replies(b"".join(pieces), 50)
    assert word in (None, "nonsense", "flooded")
    assert all(200 <= reply.code < 600 for reply in found)


@given(
    st.lists(
        st.tuples(st.sampled_from("SC*"), st.floats(0, 900), st.text(st.characters(max_codepoint=255), max_size=700)),
        max_size=12,
    )
)
def test_a_transcript_is_read_as_it_was_written(written):
    transcript = Transcript()
    for who, at_s, text in written:
        transcript.add(who, at_s, text)
    kept = transcript.kept()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", kept)
    found = list(events(kept))
    assert [event.who for event in found] == [who for who, _, _ in written]
    for event, (who, _, text) in zip(found, written, strict=True):
        assert event.text == (text if who == "*" or len(text) <= 600 else text[:600] + "...")


def test_a_long_reply_keeps_its_beginning_and_its_end():
    transcript = Transcript()
    transcript.reply(1.0, Reply(250, tuple(f"line {number}" for number in range(150))))
    lines = transcript.kept().decode().splitlines()
    assert lines[0] == "S 1.000 250-line 0"
    assert lines[-1] == "S 1.000 250 line 149"
    assert "* 1.000 130 lines left out" in lines
    assert len(lines) == 21


def test_names():
    assert is_host("mail.town.example")
    assert not any(
        map(is_host, ("", "localhost", "192.0.2.1", "a..b", "-a.b", "a.b\r\nDATA", "x" * 254 + ".jp", "a b.jp"))
    )
    assert is_mailbox("relay-check@newsroom.example")
    assert not any(
        map(is_mailbox, ("a@b", "a b@c.d", '"a"@c.d', "a%b@c.d@e", "a!b@c.d", "@c.d", "a..b@c.d", "a@c.d\n"))
    )
    assert literal("192.0.2.1") == "[192.0.2.1]"
    assert literal("2001:db8::1") == "[IPv6:2001:db8::1]"


def test_a_reply_that_nobody_asked_for_is_noticed():
    reader = Replies()
    reader.feed(b"250 Ok\r\n250 Ok again\r\n")
    assert reader.next() is not None
    assert reader.is_ahead
    assert reader.next() is not None
    assert not reader.is_ahead
