"""Readings in letters: every common spelling of a kana reading, the likeliest first.

The letters of one mora come from `jaconv` (Hepburn). What people do with them varies, and each habit is one rule here:
long vowels dropped, kept or marked with h (Ōta: ota, oota, ohta), n or m before b, m and p, the Kunrei letters of ISO
3602 (si, ti, tu, hu, zi, sya) beside Hepburn's, dzu and du for づ, tch or cch, the particle を as wo or o. A habit is
followed throughout a name. Each deviation from plain Hepburn has a cost: the negative natural logarithm of its rough
share, so that costs add up and the likeliest spelling comes first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import jaconv

_MOST = 24


class Spelling(NamedTuple):
    """One way to write a reading in letters, and how unlikely it is."""

    text: str
    cost: float


class _Piece(NamedTuple):
    """Part of a reading: the ways to write it, chosen by the habit that it follows."""

    habit: str
    ways: tuple[str, ...]


_HABITS: Mapping[str, tuple[float, ...]] = {
    "": (0.0,),
    "ou": (0.15, 2.3, 4.0, 4.6),
    "ou_before_vowel": (0.25, 1.8),
    "oo": (0.2, 2.0, 3.5),
    "uu": (0.1, 2.5),
    "ii": (0.2, 2.5),
    "hyphen": (0.7, 0.7),
    "shima": (0.02, 3.5),
    "start": (0.2, 2.0, 2.8, 3.5),
    "m": (0.7, 0.7),
    "si": (0.02, 4.5),
    "ti": (0.02, 4.5),
    "tu": (0.02, 4.2),
    "hu": (0.02, 4.5),
    "zi": (0.02, 4.5),
    "du": (0.05, 3.0, 3.5),
    "di": (0.05, 3.5),
    "tch": (0.5, 1.0),
    "wo": (0.7, 0.7),
    "big_y": (0.4, 1.1),
    "big_y_seldom": (0.05, 3.0),
    "big_yu": (2.5, 0.1),
}
"""The cost of each way of a habit, in the order of the pieces' ways. One number each, for the whole country."""

_KUNREI = {
    "シャ": ("si", "sya"),
    "シュ": ("si", "syu"),
    "ショ": ("si", "syo"),
    "シ": ("si", "si"),
    "チャ": ("ti", "tya"),
    "チュ": ("ti", "tyu"),
    "チョ": ("ti", "tyo"),
    "チ": ("ti", "ti"),
    "ツ": ("tu", "tu"),
    "フ": ("hu", "hu"),
    "ジャ": ("zi", "zya"),
    "ジュ": ("zi", "zyu"),
    "ジョ": ("zi", "zyo"),
    "ジ": ("zi", "zi"),
}
_SMALL = "ャュョァィゥェォ"
_MORA = re.compile(rf"ッ*[ァ-ヴ][{_SMALL}]?|ー|.")
_BIG_YU = re.compile(r"[キギシジチヂニヒビピミリ][ユヨ]ウ")
_BIG_Y_OFTEN = re.compile(r"[キギシジチヂ][ヤユヨ]")
_BIG_Y = re.compile(r"([キギシジチヂニヒビピミリ])([ヤユヨ])")


def full_width(kana: str) -> str:
    """A reading in full-width katakana, without anything that is no kana."""
    text = jaconv.hira2kata(jaconv.h2z(kana))
    return re.sub(r"[^ァ-ヴー]", "", text)


@lru_cache(maxsize=1 << 12)
def spellings(kana: str, name: str = "") -> tuple[Spelling, ...]:
    """The common spellings of a reading in half- or full-width kana, likeliest first, each once; at most 24.

    `name` is the same in kanji: it tells where a part begins, so that 豊浦 is Toyo-ura and not Toyōra.
    """
    text = full_width(kana)
    found: dict[str, float] = {}
    for reading, extra in _readings(text, name):
        pieces = _pieces(reading, _starts(reading, name))
        habits = sorted({piece.habit for piece in pieces})
        for chosen in itertools.product(*(range(len(_HABITS[habit])) for habit in habits)):
            way = dict(zip(habits, chosen, strict=True))
            cost = extra + sum(_HABITS[habit][number] for habit, number in way.items())
            word = "".join(piece.ways[way[piece.habit]] for piece in pieces)
            if cost < found.get(word, 1e9):
                found[word] = cost
    best = sorted((cost, word) for word, cost in found.items() if word)
    return tuple(Spelling(word, cost) for cost, word in best[:_MOST])


def _readings(text: str, name: str) -> list[tuple[str, float]]:
    """The reading, with what people read differently: 島 as しま or じま, large ヤユヨ as small."""
    found = [(text, _HABITS["shima"][0])]
    if name.rstrip("市区町村").endswith("島") and text.endswith(("シマ", "ジマ")):
        found.append((text[:-2] + ("ジマ" if text.endswith("シマ") else "シマ"), _HABITS["shima"][1]))
    return [(one, cost + extra) for reading, extra in found for one, cost in _contracted(reading)]


def _contracted(text: str) -> list[tuple[str, float]]:
    """The reading as it is, and with large ヤユヨ read as small: tables in half-width kana often write only large ones.

    ジヨウ and its like hardly ever stand for two morae; チヤ may, ミヨ nearly always does.
    """
    small = _BIG_Y.sub(lambda found: found[1] + "ャュョ"["ヤユヨ".index(found[2])], text)
    if small == text:
        return [(text, 0.0)]
    habit = "big_yu" if _BIG_YU.search(text) else "big_y" if _BIG_Y_OFTEN.search(text) else "big_y_seldom"
    as_is, contracted = _HABITS[habit]
    return [(text, as_is), (small, contracted)]


@lru_cache(maxsize=1 << 10)  # there are some 150 morae; jaconv tries each of its spellings on every text
def _hepburn(mora: str) -> str:
    return re.sub(r"[^a-z]", "", jaconv.kana2alphabet(jaconv.kata2hira(mora)))


_PARTS = {
    **{
        "ウラ": "浦裏",
        "ウチ": "内打",
        "ウエ": "上植",
        "ウミ": "海",
        "ウシ": "牛",
        "ウマ": "馬",
        "ウメ": "梅",
        "ウオ": "魚",
    },
    **{"ウタ": "歌", "ウジ": "氏", "ウサ": "宇兎", "ウワ": "宇", "オ": "尾雄男小緒", "オオ": "大", "イ": "井居"},
}
"""Kanji whose reading begins with a vowel that is never the length of the one before."""


def _starts(reading: str, name: str) -> frozenset[int]:
    """Where in a reading a part with a vowel of its own begins."""
    found = set()
    for part, kanji in _PARTS.items():
        if any(one in name[1:] for one in kanji):
            found |= {place for place in range(1, len(reading)) if reading.startswith(part, place)}
    return frozenset(found)


def _pieces(text: str, starts: frozenset[int]) -> list[_Piece]:
    """The reading cut into pieces that each follow one habit."""
    morae: Sequence[str] = _MORA.findall(text)
    pieces: list[_Piece] = []
    vowel, at = "", 0
    for place, mora in enumerate(morae):
        is_start, at = at in starts, at + len(mora)
        after = _hepburn(morae[place + 1]) if place + 1 < len(morae) else ""
        long_ = _long(mora, vowel, after, is_start)
        if long_ is not None:
            pieces.append(long_)
            is_long_o = mora == "ウ" and vowel == "o" and not is_start
            vowel = "long o" if is_long_o else _hepburn(mora) if is_start else ""
            continue
        if mora == "ー":
            continue
        letters = _hepburn(mora)
        if mora == "ン":
            pieces.append(_Piece("m", ("m", "n")) if after[:1] in ("b", "m", "p") else _Piece("", ("n",)))
        elif mora.startswith("ッ"):
            plain = mora.lstrip("ッ")
            pieces += [_geminate(plain), _piece(plain)]
        elif mora == "ヲ":
            pieces.append(_Piece("wo", ("o", "wo")))
        else:
            pieces.append(_piece(mora))
        vowel = letters[-1:]
    return pieces


def _long(mora: str, vowel: str, after: str, is_start: bool) -> _Piece | None:
    """A mora that may only lengthen the vowel before it; hardly ever where a part of the name begins."""
    if is_start and (mora, vowel) == ("オ", "long o"):
        return _Piece("hyphen", ("o", "-o"))
    if is_start and (mora, vowel) in (("ウ", "o"), ("オ", "o"), ("ウ", "u"), ("イ", "i")):
        letter = _hepburn(mora)
        return _Piece("start", (letter, "", f"-{letter}", "h"))
    if mora == "ウ" and vowel == "o":
        if after[:1] in ("a", "e", "i", "o"):
            return _Piece("ou_before_vowel", ("", "u"))
        return _Piece("ou", ("", "u", "h", "o"))
    if mora == "オ" and vowel == "o":
        return _Piece("oo", ("", "o", "h"))
    if mora == "ウ" and vowel == "u":
        return _Piece("uu", ("", "u"))
    if mora == "イ" and vowel == "i":
        return _Piece("ii", ("i", ""))
    return None


def _piece(mora: str) -> _Piece:
    letters = _hepburn(mora)
    if mora in _KUNREI:
        habit, kunrei = _KUNREI[mora]
        return _Piece(habit, (letters, kunrei))
    if mora == "ヅ":
        return _Piece("du", ("zu", "du", "dzu"))
    if mora == "ヂ":
        return _Piece("di", ("ji", "di"))
    return _Piece("", (letters,))


def _geminate(mora: str) -> _Piece:
    """What stands for ッ: the next consonant once more; before チ there are two ways."""
    letters = _hepburn(mora)
    if letters.startswith("ch"):
        return _Piece("tch", ("t", "c"))
    if mora.startswith("ツ") or letters.startswith("sh"):
        return _Piece("", (letters[:1],))
    return _Piece("", (letters[:1],) if letters[:1] not in ("a", "i", "u", "e", "o") else ("",))
