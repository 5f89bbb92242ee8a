"""The rules by which a list's answers are read: told apart by a hash, and today's put in the place of an old run's.

What was asked of a list stays as the run has it: its zone, its test points, whether it was asked about IPv6. What the
answers mean is taken from the other catalogue: codes and categories, the codes that a test point must bring, and
whether the list is context only. So the same evidence can be read by other rules, and a difference is the rules' doing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .catalogue import Blocklist, TestPoint


def fingerprint(one: Blocklist) -> str:
    """A hash of what a list's answers mean: its codes and categories, its test points' codes, whether it is context."""
    codes = sorted([code.code, code.match, code.category, code.meaning_kind] for code in one.codes)
    points = sorted([point.address, *sorted(point.codes)] for point in (*one.positive, *one.positive_ipv6))
    return hashlib.sha256(json.dumps([one.zone, one.is_context, codes, points]).encode()).hexdigest()


def fingerprints(lists: Sequence[Blocklist]) -> dict[str, str]:
    """The same of several lists, by zone."""
    return {one.zone: fingerprint(one) for one in lists}


def read_by(own: Sequence[Blocklist], rules: Mapping[str, Blocklist]) -> tuple[Blocklist, ...]:
    """A run's own lists with the meanings of other rules; a list that these do not know keeps its own."""
    return tuple(_read_by(one, rules[one.zone]) if one.zone in rules else one for one in own)


def _read_by(own: Blocklist, rule: Blocklist) -> Blocklist:
    """One list as it was asked, with the meanings that the rule gives to its answers."""
    return replace(
        own,
        use=rule.use,
        codes=rule.codes,
        positive=_points(own.positive, rule.positive),
        positive_ipv6=_points(own.positive_ipv6, rule.positive_ipv6),
    )


def _points(asked: Sequence[TestPoint], known: Sequence[TestPoint]) -> tuple[TestPoint, ...]:
    """The test points that were asked; where the rule knows one of them, with the codes that it expects."""
    expected = {point.address: point.codes for point in known}
    return tuple(TestPoint(point.address, expected.get(point.address, point.codes)) for point in asked)
