"""Rows of horizontal bars, each with its name before it and its numbers behind it, in the space that a format has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import style
from .canvas import Page
from .style import Shade
from .typeset import printable, shorten, width


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its name, its parts from left to right as (value, machine word), and what stands behind the bar."""

    name: str
    parts: Sequence[tuple[float, str]]
    text: str
    note: str = ""
    """A second line below, in small type."""
    is_drawn: bool = True
    """False for a row that sums up what found no room: its bar would dwarf the others."""


def limited(page: Page, rows: Sequence[Row], rest: Callable[[Sequence[Row]], Row], *, most: int) -> list[Row]:
    """The rows that there is room for, at most `most`; those without room become one row by `rest`."""
    room = most
    if page.room is not None:
        taken, room = 0.0, 0
        for row in rows:
            taken += page.format.text * style.LEADING + _note(page, row)
            room += taken <= page.room
        room = max(1, min(most, room))
    if len(rows) <= room:
        return list(rows)
    kept = max(1, room - 1)
    return [*rows[:kept], rest(rows[kept:])]


def _set(page: Page, text: str, most: float) -> tuple[str, float]:
    """A text and its size: smaller where it is too wide, and cut where that is not enough."""
    size = page.format.text
    if width(printable(text), size) > most:
        size = page.format.small
    return shorten(text, size, most), size


def _note(page: Page, row: Row) -> float:
    """How tall a row's second line is."""
    return page.format.small * style.LEADING if row.note else 0.0


def draw(
    page: Page,
    rows: Sequence[Row],
    shades: Mapping[str, Shade],
    *,
    top: float = 0,
    full: float | None = None,
    is_counted: bool = False,
    names_most: float = 0.42,
    texts_most: float = 0.45,
) -> tuple[float, float]:
    """Draw the rows; where they end, and how many points stand for one.

    `full` is the value of a bar as wide as it can be (default: the longest). `is_counted` writes the value of each part
    into it where it fits. `names_most` and `texts_most` are the shares of the width that the names before the bars and
    the numbers behind them may take.
    """
    size = page.format.text
    names = [_set(page, row.name, page.width * names_most) for row in rows]
    texts = [_set(page, row.text, page.width * texts_most) for row in rows]
    left = max((width(*name) for name in names), default=0) + size * 0.5
    right = max((width(*text) for text in texts), default=0) + size * 0.5
    longest = full or max((sum(value for value, _ in row.parts) for row in rows if row.is_drawn), default=1) or 1
    scale = max(size, page.width - left - right) / longest
    step = size * style.LEADING * 1.18
    if page.room is not None:
        step = min((page.room - top - sum(_note(page, row) for row in rows)) / max(1, len(rows)), size * 8)
    high = min(step * (0.74 if step < size * 2 else 0.6), size * 4.5)
    y = top
    for row, name, text in zip(rows, names, texts, strict=True):
        line = y + (step - size * style.LEADING) / 2
        page.text(left - size * 0.5, line, name[0], size=name[1], align="right")
        x = left
        for value, word in row.parts:
            wide = value * scale
            if row.is_drawn and wide:
                page.box(x, y + (step - high) / 2, wide, high, shades[word], name=word)
                figures = f"{value:,.0f}"
                if is_counted and width(figures, size) + 2 < wide and high >= size and not shades[word].hatch:
                    page.text(x + wide / 2, line, figures, align="center", colour=shades[word].ink)
                x += wide
        page.text(x + size * 0.35, line, text[0], size=text[1])
        y += step
        if row.note:
            small = page.format.small
            note = shorten(row.note, small, page.width - left - size * 0.5)
            page.text(left + size * 0.35, y - (step - high) / 2, note, size=small, colour=style.GREY)
            y += _note(page, row)
    page.box(left - 0.2, top, 0.4, y - top, Shade(style.LINE), is_edged=False)
    return y, scale
