"""Cells of tables that people made: headings, plain text, codes, and domains written in many ways."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence

import idna

from .sheets import Sheet

_HEADER_WITHIN = 40
_SPLIT = re.compile(r"[\s,;、，；|]+")
_BLANKS = re.compile(r"[ \t\u3000]+")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,31}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*:/*([^/?#]*)")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_PLAIN = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL.pattern}\.)+(?![0-9]+\Z){_LABEL.pattern}")
"""A domain as it should be written; nearly all are."""


def find_header(
    sheet: Sheet, column_of: Mapping[str, str], is_enough: Callable[[Collection[str]], bool]
) -> tuple[int | None, dict[str, int]]:
    """The header row and which column is which; the row that names most columns, the first of equals.

    `column_of` gives the column of each heading, in the form of `heading`.
    """
    best: tuple[int | None, dict[str, int]] = (None, {})
    for number in list(sheet.rows)[:_HEADER_WITHIN]:
        columns: dict[str, int] = {}
        for index, value in enumerate(sheet.rows[number]):
            column = column_of.get(heading(value))
            if column is not None:
                columns.setdefault(column, index)
        if is_enough(columns) and len(columns) > len(best[1]):
            best = (number, columns)
    return best


def is_heading(row: Sequence[object], columns: Mapping[str, int], column_of: Mapping[str, str]) -> bool:
    """Whether a row only says the headings again, in another language."""
    said = [(column, row[place]) for column, place in columns.items() if place < len(row) and cell_text(row[place])]
    return len(said) > 1 and all(column_of.get(heading(value)) == column for column, value in said)


def heading(value: object) -> str:
    """A heading without blanks, widths and marks, for looking it up."""
    text = unicodedata.normalize("NFKC", str(value)) if isinstance(value, str) else ""
    return re.sub(r"[\s_\-・:：]", "", text).lower().replace("(カタカナ)", "(カナ)")


def words_of(value: object) -> list[str]:
    """The words of a cell that may hold several, full-width letters made plain."""
    return [word for word in _SPLIT.split(unicodedata.normalize("NFKC", cell_text(value))) if word]


def cell_text(value: object) -> str:
    """A cell as text, its blanks trimmed; a number without a fraction as an integer."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    # Looking for what is rare takes a third of the time of replacing nothing.
    return _BLANKS.sub(" ", text) if "  " in text or "\t" in text or "\u3000" in text else text


def code_text(value: object) -> str:
    """A code cell as text; empty for what cannot be a code."""
    if isinstance(value, bool | datetime.date | datetime.time) or value is None:
        return ""
    text = unicodedata.normalize("NFKC", cell_text(value)).strip("'\"` ")
    return text if _CODE.fullmatch(text) else ""


def read_domain(token: str) -> tuple[str | None, tuple[str, str] | None]:
    """A domain from one word of a cell, and what had to be taken off it."""
    said: tuple[str, str] | None = None
    text = token.strip("<>()[]{}\"'「」。").lower()
    if _PLAIN.fullmatch(text):
        return text, None
    text = text.removeprefix("mailto:")
    if "@" in text:
        text, said = text.rpartition("@")[2], ("a mail address where a domain belongs", "ドメイン欄にメールアドレス")
    if found := _URL.match(text):
        text, said = found.group(1), ("a web address where a domain belongs", "ドメイン欄に URL")
    elif "/" in text:
        text, said = text.partition("/")[0], ("a web address where a domain belongs", "ドメイン欄に URL")
    text = text.partition(":")[0].rstrip(".")
    if said and text.startswith("www."):
        text = text.removeprefix("www.")
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode()
        except idna.IDNAError:
            return None, None
    labels = text.split(".")
    if len(labels) < 2 or len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return None, None
    return (None, None) if labels[-1].isdigit() else (text, said)
