"""Rows of horizontal bars, each with its name before it and its numbers behind it, in the space that a format has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import style
from .canvas import Page
from .style import Shade
from .typeset import shorten, width

_NAMES_MOST, _TEXTS_MOST = 0.42, 0.45
"""How much of the width the names before the bars may take, and the numbers behind them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its name, its parts from left to right as (value, machine word), and what stands behind the bar."""

    name: str
    parts: Sequence[tuple[float, str]]
    text: str
    is_drawn: bool = True
    """False for a row that sums up what found no room: its bar would dwarf the others."""


def fits(page: Page, rows: Sequence[Row], *, most: int, taken: float = 0) -> int:
    """How many rows there is room for below what is taken, at most `most`."""
    if page.room is None:
        return most
    return max(1, min(most, int((page.room - taken) // (page.format.text * style.LEADING))))


def limited(
    page: Page, rows: Sequence[Row], rest: Callable[[Sequence[Row]], Row], *, most: int, taken: float = 0
) -> list[Row]:
    """The rows that there is room for; those without room become one row by `rest`."""
    room = fits(page, rows, most=most, taken=taken)
    if len(rows) <= room:
        return list(rows)
    kept = max(1, room - 1)
    return [*rows[:kept], rest(rows[kept:])]


def draw(
    page: Page,
    rows: Sequence[Row],
    shades: Mapping[str, Shade],
    *,
    top: float = 0,
    full: float | None = None,
    is_counted: bool = False,
) -> tuple[float, float]:
    """Draw the rows; where they end, and how many points stand for one.

    `full` is the value of a bar as wide as it can be (default: the longest). `is_counted` writes the value of each part
    into it where it fits.
    """
    size = page.format.text
    names = [shorten(row.name, size, page.width * _NAMES_MOST) for row in rows]
    left = max((width(name, size) for name in names), default=0) + size * 0.5
    texts = [shorten(row.text, size, page.width * _TEXTS_MOST) for row in rows]
    right = max((width(text, size) for text in texts), default=0) + size * 0.5
    longest = full or max((sum(value for value, _ in row.parts) for row in rows if row.is_drawn), default=1) or 1
    scale = max(size, page.width - left - right) / longest
    step = size * style.LEADING * 1.18
    if page.room is not None:
        step = min((page.room - top) / max(1, len(rows)), size * 2.9)
    high = min(step * 0.74, size * 1.9)
    for number, (row, name, text) in enumerate(zip(rows, names, texts, strict=True)):
        y = top + number * step
        line = y + (step - size * style.LEADING) / 2
        page.text(left - size * 0.5, line, name, align="right")
        x = left
        for value, word in row.parts:
            wide = value * scale
            if row.is_drawn and wide:
                page.box(x, y + (step - high) / 2, wide, high, shades[word], name=word)
                figures = f"{value:,.0f}"
                if is_counted and width(figures, size) + 2 < wide and high >= size and not shades[word].hatch:
                    page.text(x + wide / 2, line, figures, align="center", colour=shades[word].ink)
                x += wide
        page.text(x + size * 0.35, line, text)
    page.box(left - 0.2, top, 0.4, step * len(rows), Shade(style.LINE), is_edged=False)
    return top + step * len(rows), scale
