"""Public suffixes: what can be registered, and which names are kept for governments."""

from __future__ import annotations

import pytest

from survey.suffixes import is_reserved, registrable, walk_up


@pytest.mark.parametrize(
    ("domain", "kept"),
    [
        ("city.otaru.lg.jp", True),
        ("mofa.go.jp", True),
        ("city.chiyoda.tokyo.jp", True),
        ("mail.city.chiyoda.tokyo.jp", True),
        ("pref.iwate.jp", True),
        ("metro.tokyo.jp", True),
        ("city.sapporo.jp", True),
        # Somebody may hold foo.jp, or foo.tokyo.jp, and put any label in front of it.
        ("city.foo.jp", False),
        ("city.foo.tokyo.jp", False),
        ("niseko.jp", False),
        ("town-kyogoku.jp", False),
        ("city.otaru.example", False),
        ("lg.jp", False),
        ("jp", False),
    ],
)
def test_names_kept_for_governments_are_known(domain, kept):
    assert is_reserved(domain) is kept


def test_walking_up_ends_where_somebody_registered_a_name():
    assert walk_up("www.a.foo.co.jp") == ["www.a.foo.co.jp", "a.foo.co.jp", "foo.co.jp"]
    assert walk_up("lg.jp") == []
    assert registrable("mx.foo.co.jp") == "foo.co.jp"
