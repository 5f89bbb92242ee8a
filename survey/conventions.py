"""Conventions: the domains that a body may have by its official name, the likeliest first.

Forms: JPNIC's and JPRS's names for local governments (`pref.NAME.jp`, `metro.tokyo.jp`, `city|town|vill.NAME.PREF.jp`,
`city.NAME.jp` for designated cities), LG.JP (`city|town|vill|pref.NAME.lg.jp`, with the prefecture in front where the
name alone is somebody else's), and what bodies register for themselves (`NAME.jp`, `NAME-town.jp`, `town-NAME.jp`, …).
The cost of a candidate is that of its form and that of its spelling together: the negative natural logarithm of a rough
share, measured once over the websites of many bodies. Nothing here knows any single body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from math import log

from . import codes
from .spellings import Spelling, full_width, spellings
from .suffixes import is_public_suffix

MOST = 40
"""Candidates of one body at most: each is a question to somebody's name server."""

_ENDINGS = {
    **{"市": ("シ",), "区": ("ク",), "町": ("チョウ", "チヨウ", "マチ"), "村": ("ムラ", "ソン")},
    **{"都": ("ト",), "府": ("フ",), "県": ("ケン",)},
}
_LABELS = {"city": "city", "designated_city": "city", "special_ward": "city", "town": "town", "village": "vill"}

_SHARES: Mapping[str, tuple[float, float]] = {
    "designated_city": (0.38, 0.10),
    "city": (0.53, 0.43),
    "special_ward": (0.49, 0.48),
    "town": (0.36, 0.54),
    "village": (0.20, 0.66),
}
"""Share of LG.JP, and of names below the prefecture, by kind of body."""
_DESIGNATED_SHARE = 0.6
"""Share of `city.NAME.jp` among designated cities."""
_PREFIXED = {True: 0.70, False: 0.06}
"""Share of LG.JP names with the prefecture in front, where another body's name is spelt the same, and elsewhere."""

_PREFECTURE_FORMS = (("pref.{n}.lg.jp", 0.28), ("pref.{n}.jp", 1.4), ("{n}.lg.jp", 6.0), ("{n}.jp", 7.0))
_METRO_FORMS = (("metro.{n}.lg.jp", 0.2), ("metro.{n}.jp", 1.6), ("pref.{n}.lg.jp", 5.0), ("pref.{n}.jp", 5.0))
_OWN_FORMS = (
    ("{n}.jp", 3.8),
    ("{l}-{n}.jp", 5.0),
    ("{n}-{l}.jp", 5.2),
    ("{n}{s}.jp", 5.3),
    ("{n}.com", 5.5),
    ("{n}{l}.jp", 5.6),
    ("{n}-{p}.jp", 5.8),
    ("{p}-{n}.jp", 6.0),
    ("{l}{n}.jp", 6.2),
    ("{n}.org", 6.4),
    ("{n}.net", 6.4),
    ("{l}-{n}.com", 7.2),
    ("{n}{s}.net", 7.2),
    ("{n}-{l}.com", 7.4),
    ("{n}{s}.com", 6.5),
    ("{n}{s}.org", 6.6),
    ("{n}{l}.{p}.jp", 6.6),
    ("{l}.{n}{s}.{p}.jp", 6.7),
    ("{n}.{p}.jp", 6.8),
    ("e-{n}.jp", 6.8),
    ("{n}-{s}.jp", 7.0),
    ("{l}.{n}{s}.lg.jp", 7.0),
    ("{l}.{n}-{p}.lg.jp", 7.0),
    ("{l}.{p}-{n}.jp", 7.2),
    ("{n}.lg.jp", 7.2),
    ("{l}.{n}.jp", 7.4),
)
"""n the name, l the label of the kind, s the ending as it is read (machi, cho, mura, son, shi), p the prefecture."""


@dataclass(frozen=True, slots=True)
class Named:
    """A body as conventions see it; readings in half- or full-width kana, endings included."""

    code: str
    kind: str
    prefecture: str
    prefecture_kana: str
    name: str
    kana: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One domain that a body may have; the lower its cost, the likelier."""

    domain: str
    cost: float


def official_names() -> list[Named]:
    """The 1,788 official bodies, in the order of codes."""
    found = []
    for code, one in codes.official().items():
        kind = codes.kind(code, one.name)
        found.append(Named(code, kind, one.prefecture, one.prefecture_kana, one.name, one.kana))
    return found


def candidates(body: Named) -> list[Candidate]:
    """The domains that a body may have by its name, each once, the likeliest first; none for a name without reading."""
    found: dict[str, float] = {}
    for domain, cost in _all(body):
        # What differs in the last bits only is equally likely: Python adds them up in one way or another.
        if (cost := round(cost, 6)) < found.get(domain, 1e9):
            found[domain] = cost
    return [Candidate(domain, cost) for cost, domain in sorted((cost, domain) for domain, cost in found.items())][:MOST]


def _all(body: Named) -> Iterator[tuple[str, float]]:
    prefecture = prefecture_label(body.prefecture, body.prefecture_kana)
    if body.kind == "prefecture":
        for form, cost in _METRO_FORMS if body.name.endswith("都") else _PREFECTURE_FORMS:
            yield form.format(n=prefecture), cost
        return
    label = _LABELS.get(body.kind)
    if label is None or not prefecture:
        return
    stem, ending = _cut(body.name, body.kana)
    lg, below = _SHARES[body.kind]
    is_homonym = _homonyms()[(label, _first(stem))] > 1
    prefixed = _PREFIXED[is_homonym]
    forms = [
        (f"{label}.{{n}}.lg.jp", -log(lg * (1 - prefixed))),
        (f"{label}.{{p}}-{{n}}.lg.jp", -log(lg * prefixed)),
        (f"{label}.{{n}}.{{p}}.jp", -log(below)),
        *_OWN_FORMS,
    ]
    if body.kind == "designated_city":
        forms.append((f"{label}.{{n}}.jp", -log(_DESIGNATED_SHARE)))
    if label == "vill":
        forms += [("village.{n}.{p}.jp", 5.5), ("village.{n}.lg.jp", 6.5)]
    for spelling in spellings(stem, body.name):
        for form, cost in forms:
            for own in ending if "{s}" in form else ending[:1]:
                yield form.format(n=spelling.text, l=label, p=prefecture, s=own), cost + spelling.cost


def _cut(name: str, kana: str) -> tuple[str, tuple[str, ...]]:
    """A reading without its ending, and the endings in letters, the one that is read first."""
    text = full_width(kana)
    endings = _ENDINGS.get(name[-1:], ())
    read = [ending for ending in endings if text.endswith(ending) and len(text) > len(ending)]
    stem = text.removesuffix(read[0]) if read else text
    known = dict.fromkeys(_letters(ending) for ending in (*read, *endings))
    return stem, tuple(known) or ("",)


@cache
def _letters(ending: str) -> str:
    return {"チョウ": "cho", "チヨウ": "cho"}.get(ending) or spellings(ending)[0].text


def _first(stem: str) -> str:
    found: tuple[Spelling, ...] = spellings(stem)
    return found[0].text if found else ""


@lru_cache(maxsize=128)
def prefecture_label(name: str, kana: str) -> str:
    """How a prefecture is written below .jp: the spelling that the public suffix list knows."""
    stem, _ = _cut(name, kana)
    for one in spellings(stem):
        if is_public_suffix(f"{one.text}.jp"):
            return one.text
    return _first(stem)


@cache
def _homonyms() -> Counter[tuple[str, str]]:
    """How many official bodies share a label and a spelling: for them LG.JP has one name only."""
    found: Iterable[Named] = official_names()
    return Counter((_LABELS[one.kind], _first(_cut(one.name, one.kana)[0])) for one in found if one.kind in _LABELS)
