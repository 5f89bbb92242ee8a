"""Words that people write: what they are read as, what is refused and why; whatever they are, nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.names import encode_name
from survey.subjects import RANGE_MOST, read_words


def subjects(line):
    return [word.subject.text for word in read_words(line) if word.subject is not None]


def reasons(line):
    return [word.reason for word in read_words(line) if word.reason is not None]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mail.example.jp", ["mail.example.jp"]),
        ("ＭＡＩＬ．ＥＸＡＭＰＬＥ．ＪＰ", ["mail.example.jp"]),
        ("mail。example。jp", ["mail.example.jp"]),
        ("Mail.Example.JP.", ["mail.example.jp"]),
        (" - mail.example.jp", ["mail.example.jp"]),
        ("・a.example.jp・b.example.jp", ["a.example.jp", "b.example.jp"]),
        ("a.example.jp、b.example.jp，c.example.jp;d.example.jp", [f"{one}.example.jp" for one in "abcd"]),
        ("http://www.example.jp/x?host=other.example.jp", ["www.example.jp"]),
        ("https://user:pw@mail.example.jp:8443/", ["mail.example.jp"]),
        ("山田 <yamada@example.jp>, b@example.com.", ["example.jp", "example.com"]),
        ("mailto:postmaster@example.jp", ["example.jp"]),
        ("mail.example.jp:25", ["mail.example.jp"]),
        ("*.example.jp", ["example.jp"]),
        ("mail.example.jp. 3600 IN A 192.0.2.1", ["mail.example.jp", "192.0.2.1"]),
        ("v=spf1 ip4:192.0.2.0/24 a:mail.example.jp include:spf.example.jp -all",
         ["192.0.2.0/24", "mail.example.jp", "spf.example.jp"]),
        ("日本語.jp", ["xn--wgv71a119e.jp"]),
        ("サーバはmail.example.jpです。", ["mail.example.jp"]),
        ("ホスト名：mail.example.jp", ["mail.example.jp"]),
        ("x\u200b.example.jp", ["x.example.jp"]),
        ("192.0.2.1", ["192.0.2.1"]),
        ("192.0.2.1/32", ["192.0.2.1"]),
        ("192.0.2.1:25", ["192.0.2.1"]),
        ("http://192.0.2.1/", ["192.0.2.1"]),
        ("[2001:DB8::1]:25", ["2001:db8::1"]),
        ("2001:db8:0:0:0:0:0:1", ["2001:db8::1"]),
        ("::ffff:192.0.2.9", ["192.0.2.9"]),
        ("fe80::1%eth0", ["fe80::1"]),
        ("192.0.2.0/24", ["192.0.2.0/24"]),
        ("192.0.2.77/28", ["192.0.2.64/28"]),
        ("192.0.2.*", ["192.0.2.0/24"]),
        ("192.0.2.1-192.0.2.20", ["192.0.2.1-192.0.2.20"]),
        ("192.0.2.1 ～ 192.0.2.20", ["192.0.2.1-192.0.2.20"]),
        ("192.0.2.1〜20", ["192.0.2.1-192.0.2.20"]),
        ("192.0.2.7-192.0.2.7", ["192.0.2.7"]),
        ("2001:db8::/48", ["2001:db8::/48"]),
    ],
)  # fmt: skip
def test_what_people_write_is_read(line, expected):
    assert subjects(line) == expected
    assert reasons(line) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("株式会社なにか", "no_subject"),
        ("localhost", "no_subject"),
        ("==", "no_subject"),
        ("\u200b", "no_subject"),
        ("10:30", "no_subject"),
        ("2026.11.25", "no_subject"),
        ("03-1234-5678", "no_subject"),
        ("mail..example.jp", "bad_name"),
        ("-mail.example.jp", "bad_name"),
        (f"{'a' * 64}.example.jp", "bad_name"),
        (f"{'a.' * 130}jp", "bad_name"),
        ("mail.example.1p", "bad_top_level"),
        ("foo@", "one_label"),
        ("http://", "one_label"),
        ("999.1.1.1", "bad_address"),
        ("2001:db8:::1", "bad_address"),
        ("192.000.002.001", "leading_zeros"),
        ("192.0.2.1/33", "bad_range"),
        ("192.0.2.0/23", "range_too_wide"),
        ("10.0.0.0/8", "range_too_wide"),
        ("192.0.2.0-192.0.3.0", "range_too_wide"),
        ("2001:db8::/32", "range_too_wide"),
        ("::/0", "range_too_wide"),
        ("192.0.2.20-1", "range_backwards"),
        ("192.0.2.1-2001:db8::1", "mixed_families"),
        ("a.example.jpとb.example.jp", "two_in_a_word"),
        ("x" * 301 + ".jp", "word_too_long"),
        ("a.jp " * 10_000, "line_too_long"),
    ],
)
def test_what_cannot_be_used_has_its_reason(line, reason):
    assert subjects(line) == []
    assert reasons(line) == [reason]


def test_what_was_taken_off_is_told():
    notes = {line: read_words(line)[0].note for line in ("a@b.jp", "http://b.jp/", "b.jp:25", "*.b.jp", "日本語.jp")}
    assert list(notes.values()) == ["mail_address", "web_address", "port", "wildcard_cut", "idn"]
    assert read_words("192.0.2.77/28")[0].note == "range_around"


def test_a_range_covers_its_addresses_and_no_other():
    span = read_words("192.0.2.250-192.0.2.255")[0].subject
    assert list(span.addresses()) == [f"192.0.2.{n}" for n in range(250, 256)]
    assert span.size == 6
    assert span.covers("192.0.2.255") and not span.covers("192.0.3.0") and not span.covers("2001:db8::1")
    wide = read_words("2001:db8::/48")[0].subject
    assert list(wide.addresses()) == [] and wide.covers("2001:db8:0:ffff::1") and not wide.covers("2001:db8:1::")
    assert read_words("192.0.2.0/24")[0].subject.size == RANGE_MOST


PIECES = st.sampled_from(
    ["mail", ".", "example", "jp", "192.0.2.1", "-", "/24", "@", "http://", ":", "::", "サーバ", "。", "、", " ", "　", "～",
     "*", "[", "]", "%", "#", "xn--", "\u202e", "\ufeff", "\ud800", "１２", "ｍａｉｌ", "\t", "..", "ß", "ﬀ", "０.０.０.０"]
)  # fmt: skip
LINES = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=12).map("".join))


@settings(max_examples=600)
@given(LINES)
def test_any_line_is_read_and_none_is_lost(line):
    words = read_words(line)
    if line.strip():
        assert [word for word in words if word.subject is not None or word.reason is not None]
    for word in words:
        assert word.subject is None or word.reason is None
        if word.subject is None:
            continue
        text = word.subject.text
        assert text.isascii() and text == text.lower() and not text.endswith(".")
        if word.subject.kind == "name":
            encode_name(text)
        elif word.subject.kind == "range" and not word.subject.is_ipv6:
            assert 1 < word.subject.size <= RANGE_MOST
        # What was read is read the same when it is written again.
        assert [again.subject for again in read_words(text)] == [word.subject]
