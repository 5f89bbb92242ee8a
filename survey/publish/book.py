"""How every workbook of the house is written: its formats, its sheets' print settings, its tables.

Real tables with filters, A4 landscape, codes as text. What strangers sent is written as plain text, never as a formula
or a link, and colours are backed by words, so that a grey print says the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ..harmless import harmless
from . import labels
from .labels import Language, word

_MOST_TEXT = 32_000
_MOST_WIDTH, _LEAST_WIDTH = 44, 6
ORDER = {"listed": 0, "unknown": 1, "clear": 2, "no_mail": 3, "opted_out": 4, "out_of_scope": 5}
"""The order of status words in tables."""


def plain(value: object) -> str:
    """A stranger's text for a cell: what could do anything made visible, line breaks kept, bounded as Excel wants."""
    return harmless(str(value), _MOST_TEXT, keep="\n")


def width(text: str) -> int:
    """How many half-width cells a text takes in Excel, its longest line."""
    return max(
        (sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in line) for line in text.splitlines()),
        default=0,
    )


@dataclass(slots=True)
class Book:
    """One workbook while it is written: for whom, in which language, its formats, and what stands on every sheet."""

    book: xlsxwriter.Workbook
    audience: str
    language: Language
    as_of: str
    is_practice: bool
    formats: dict[str, Format] = field(default_factory=dict)

    def format(self, name: str) -> Format:
        if name not in self.formats:
            self.formats[name] = self.book.add_format({"font_name": "Yu Gothic", "font_size": 10, **_FORMATS[name]})
        return self.formats[name]

    def sheet(self, key: str, *, header_row: int) -> Worksheet:
        """A new sheet with its print settings: A4 landscape, one page wide, audience, practice label, page numbers."""
        title = labels.sheet_name(key, self.language)
        sheet = self.book.add_worksheet(title)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.4, 0.4, 0.7, 0.6)
        audience = f"{word(self.audience, 'ja')} / {word(self.audience, 'en')}"
        label = "　練習用の架空の国 / PRACTICE – INVENTED" if self.is_practice else ""
        sheet.set_header(f"&L&8 {audience}{label}&R&8 {title}")
        sheet.set_footer(f"&L&8 {audience}　{self.as_of}&R&8 &P / &N")
        sheet.repeat_rows(header_row)
        sheet.hide_gridlines(2)
        return sheet


@contextmanager
def new_book(
    path: Path, audience: str, language: Language, as_of: str, properties: Mapping[str, str], *, is_practice: bool
) -> Iterator[Book]:
    """A workbook that is written when the `with` ends; nothing in it is taken for a formula or a link by itself."""
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties(dict(properties))
        book.set_calc_mode("auto")
        yield Book(book, audience, language, as_of, is_practice)


_FORMATS: Mapping[str, dict[str, object]] = {
    "title": {"bold": True, "font_size": 14},
    "note": {"font_color": "#555555", "font_size": 9},
    "practice": {"bold": True, "font_color": "#9c0006", "bg_color": "#ffe5e5"},
    "head": {
        "bold": True,
        "bg_color": "#1b4965",
        "font_color": "#ffffff",
        "text_wrap": True,
        "valign": "vcenter",
        "border": 1,
    },
    "text": {"valign": "top", "num_format": "@"},
    "wrap": {"valign": "top", "text_wrap": True, "num_format": "@"},
    "number": {"num_format": "#,##0", "valign": "top"},
    "share": {"num_format": "0.0%", "valign": "top"},
    "total": {"bold": True, "top": 1, "num_format": "#,##0"},
    "total_text": {"bold": True, "top": 1},
    "strong": {"bold": True, "valign": "top"},
    "listed": {"bold": True, "bg_color": "#c9d6df", "valign": "top"},
    "unknown": {"italic": True, "bg_color": "#fbe8cf", "valign": "top"},
}


_COLOURED = {
    "listed": ("listed", "may_relay", "new", "persisting"),
    "unknown": ("unknown", "inconclusive", "not_comparable"),
}
"""Words that a table shows in a colour of their own."""

ROWS_MOST = 1_048_576
"""Rows of one sheet of Excel."""

_MOST_HEIGHT = 405
"""Points: Excel takes no taller row."""


_FOR_MACHINES = re.compile(r"[0-9a-f]{64}|[0-9 ,]+")
"""Hashes and evidence ids: looked up, not read, so no row grows for them."""


def _lines(value: str, most: int) -> int:
    """Lines that a text takes in a column of the most width, its own line breaks kept."""
    if "\n" in value:
        return sum(_lines(line, most) for line in value.split("\n"))
    if 2 * len(value) <= most or _FOR_MACHINES.fullmatch(value):
        return 1
    wide = width(plain(value))
    return 1 if wide <= most else -(-wide // max(1, most - 3))


def _ways(machine: str, language: Language) -> tuple[str, str]:
    """How a status word stands in a cell: in the workbook's language, or in both languages."""
    return word(machine, language), f"{word(machine, 'ja')} / {word(machine, 'en')}"


def write_table(
    writing: Book,
    sheet: Worksheet,
    top: int,
    name: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    most: int = _MOST_WIDTH,
    unbroken: Collection[int] = (),
) -> None:
    """A real Excel table with a filter; numbers as numbers, everything else as text; widths that fit.

    Columns that are `unbroken` stay on one line, however long: they are for the screen, and no row grows for them.
    What a sheet of Excel cannot hold is left out, and the line above the table says how much, and where it stands.
    """
    if (room := ROWS_MOST - top - 1) < len(rows):
        left_out = labels.TOO_LONG["ja"].format(shown=room, rows=len(rows))
        left_out += " / " + labels.TOO_LONG["en"].format(shown=room, rows=len(rows))
        sheet.write_string(top - 1, 0, left_out, writing.format("practice"))
        rows = rows[:room]
    widths = [min(most, max(width(line) for line in head.split("\n")) + 3) for head in heads]
    sheet.set_row(top, 30)
    last = top + max(1, len(rows))
    sheet.add_table(
        top,
        0,
        last,
        len(heads) - 1,
        {
            "name": name,
            "style": "Table Style Light 1",
            "columns": [{"header": head, "header_format": writing.format("head")} for head in heads],
        },
    )
    statuses = {
        said: style
        for style, machines in _COLOURED.items()
        for machine in machines
        for said in _ways(machine, writing.language)
    }
    for number, row in enumerate(rows, top + 1):
        for column, value in enumerate(row):
            if isinstance(value, float):
                sheet.write_number(number, column, value, writing.format("share"))
            elif isinstance(value, int):
                sheet.write_number(number, column, value, writing.format("number"))
            elif value is not None and value != "":
                text = plain(value)
                is_short = column in unbroken or (width(text) <= most and "\n" not in text)
                style = statuses.get(text, "text" if is_short else "wrap")
                sheet.write_string(number, column, text, writing.format(style))
                if number < top + 400:
                    widths[column] = min(most, max(widths[column], width(text) + 2))
    for column, wide in enumerate(widths):
        sheet.set_column(column, column, max(_LEAST_WIDTH, wide))
    # A table's rows do not grow by themselves everywhere: what is wrapped would lie over the next row.
    for number, row in enumerate(rows, top + 1):
        texts = [value for column, value in enumerate(row) if isinstance(value, str) and column not in unbroken]
        lines = max((_lines(value, most) for value in texts), default=1)
        if lines > 1:
            sheet.set_row(number, min(_MOST_HEIGHT, 15 * lines))


def top(writing: Book, sheet: Worksheet, title: str, note: str) -> None:
    """Title and note of a sheet; in a practice country the note says first that all is invented."""
    sheet.write_string(0, 0, title, writing.format("title"))
    if writing.is_practice:
        note = f"{labels.PRACTICE['ja']} / {labels.PRACTICE['en']}　{note}"
    sheet.write_string(1, 0, note, writing.format("practice" if writing.is_practice else "note"))
