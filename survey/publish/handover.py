"""Two workbooks beside the letters: the hand-over list for the ministry, and the cover list for whoever posts them.

Both are made from the ministry's view alone: real tables with filters, frozen headers, A4 landscape, codes as text.
What strangers sent is plain text, never a formula; links go to list look-up pages, http or https only.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format

from ..catalogue import Blocklist
from ..harmless import harmless
from ..tables import Body
from . import labels
from .audiences import View
from .labels import Language, word, words
from .letters import Entry, letters
from .newsroom import Newsroom, moment

_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_MOST_TEXT, _MOST_WIDTH, _MOST_LINK = 32_000, 34, 2_000
_MOST_SCREEN = 70
"""The widest column that is not printed: a hash on one line."""


@dataclass(frozen=True, slots=True)
class _Book:
    """A workbook while it is written."""

    book: xlsxwriter.Workbook
    view: View
    language: Language
    formats: Mapping[str, Format]

    def sheet(
        self, title: str, name: str, heads: Sequence[str], rows: Sequence[Sequence[object]], *, printed: int
    ) -> None:
        """One sheet with one table; a `_Link` becomes a link, a whole number a number; `printed` columns on paper."""
        sheet = self.book.add_worksheet(title)
        practice = f"　{labels.PRACTICE[self.language]}" if self.view.is_practice else ""
        audience = labels.LETTER["audience"][self.language]
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.4, 0.4, 0.7, 0.6)
        sheet.set_header(f"&L&8 {audience}{practice}&R&8 {title}")
        sheet.set_footer(f"&L&8 {audience}　{self.view.as_of(self.language)}&R&8 &P / &N")
        sheet.write_string(0, 0, title, self.formats["title"])
        note = f"{labels.PRACTICE[self.language]}　" if self.view.is_practice else ""
        about = labels.HANDOVER["note"][self.language].format(
            self.view.as_of(self.language), harmless(str(self.view.headline["evidence_head"]))
        )
        sheet.write_string(1, 0, f"{note}{about}", self.formats["practice" if self.view.is_practice else "note"])
        sheet.repeat_rows(3)
        sheet.set_row(3, 20)
        sheet.freeze_panes(4, 3)
        columns = [{"header": head, "header_format": self.formats["head"]} for head in heads]
        table = {"name": name, "style": "Table Style Light 1", "columns": columns}
        sheet.add_table(3, 0, 3 + max(1, len(rows)), len(heads) - 1, table)
        widths = [_width(head) + 3 for head in heads]
        for number, row in enumerate(rows, 4):
            for column, value in enumerate(row):
                if isinstance(value, int):
                    sheet.write_number(number, column, value, self.formats["number"])
                    continue
                text = harmless(str(value), _MOST_TEXT, keep="\n")
                if isinstance(value, _Link) and value.url and len(value.url) < _MOST_LINK:
                    sheet.write_url(number, column, value.url, self.formats["link"], text)
                elif text:
                    sheet.write_string(number, column, text, self.formats["text"])
                widths[column] = max(widths[column], _width(text) + 2)
        widths = [min(width, _MOST_WIDTH if place < printed else _MOST_SCREEN) for place, width in enumerate(widths)]
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        for number, row in enumerate(rows, 4):
            lines = max(_lines(str(value), width - 1) for value, width in zip(row, widths, strict=True))
            sheet.set_row(number, min(409, 14 * lines + 2))
        sheet.print_area(0, 0, 3 + max(1, len(rows)), printed - 1)


@dataclass(frozen=True, slots=True)
class _Link:
    """A text that leads to a page; without a page it is text."""

    text: str
    url: str

    def __str__(self) -> str:
        return self.text


def _width(text: str) -> int:
    """Half-width cells of the longest line."""
    wide = (sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in line) for line in text.split("\n"))
    return max(wide)


def _lines(text: str, width: int) -> int:
    return sum(max(1, -(-_width(line) // width)) for line in text.split("\n"))


@contextmanager
def _writing(view: View, path: Path, title: str, language: Language) -> Iterator[_Book]:
    """A new workbook, built aside and renamed when it is whole."""
    aside = path.with_suffix(".new.xlsx")
    looks: Mapping[str, dict[str, object]] = {
        "title": {"bold": True, "font_size": 14},
        "note": {"font_color": "#555555"},
        "practice": {"bold": True, "font_color": "#9c0006"},
        "head": {"bold": True, "bg_color": "#1b4965", "font_color": "#ffffff", "border": 1, "valign": "vcenter"},
        "text": {"num_format": "@", "valign": "vcenter", "text_wrap": True},
        "number": {"num_format": "#,##0", "valign": "vcenter", "align": "center"},
        "link": {"font_color": "#0b5394", "underline": 1, "valign": "vcenter", "text_wrap": True},
    }
    with xlsxwriter.Workbook(str(aside), _OPTIONS) as book:
        book.set_properties({"title": title, "comments": labels.LETTER["audience"][language]})
        font = {"font_name": "Yu Gothic", "font_size": 10}
        yield _Book(book, view, language, {name: book.add_format({**font, **look}) for name, look in looks.items()})
    aside.replace(path)


def write_handover(view: View, lists: Mapping[str, Blocklist], path: Path, language: Language) -> None:
    """One row per confirmed finding, and on a second sheet one row per listing behind it, with what an owner needs."""
    by_code = {one.key: one for one in letters(view, lists, language) if one.template == "body"}
    listed = view.findings.loc[view.findings["status"].eq(Body.LISTED)].sort_values("code")
    findings: list[tuple[object, ...]] = []
    listings: list[tuple[object, ...]] = []
    for one in listed.to_dict("records"):
        letter = by_code[str(one["code"])]
        relay = one["open_relay_listing"]
        who = (one["code"], one["prefecture"], one["name"])
        first = letter.entries[0]
        findings.append(
            (
                *who,
                word(one["kind"], language),
                word(relay, language) if isinstance(relay, str) else labels.CANNOT[language],
                words(one["categories"], language),
                "\n".join(letter.servers),
                "\n".join(dict.fromkeys(entry.address for entry in letter.entries)),
                "\n".join(dict.fromkeys(entry.list_name for entry in letter.entries)),
                word(one["own_or_shared"], language),
                letter.operators,
                "" if pd.isna(one["shared_with"]) else int(one["shared_with"]),
                moment(one["asked_at"].to_pydatetime(), language),
                _Link(first.lookup, first.lookup_url),
                _Link(first.delist, first.delist_url),
                one["finding_sha256"],
            )
        )
        listings += [(*who, *_listing(entry)) for entry in letter.entries]
    titles, heads = labels.HANDOVER["titles"][language].split("|"), labels.HANDOVER
    with _writing(view, path, titles[0], language) as book:
        book.sheet(titles[0], "findings", heads["findings"][language].split("|"), findings, printed=13)
        book.sheet(titles[1], "listings", heads["listings"][language].split("|"), listings, printed=13)


def _listing(entry: Entry) -> tuple[object, ...]:
    return (
        *(entry.host, entry.address, entry.whose, entry.list_name, entry.zone, entry.answer, entry.text, entry.asked),
        *(_Link(entry.lookup, entry.lookup_url), _Link(entry.delist, entry.delist_url), entry.command, entry.evidence),
    )


def write_cover(
    view: View,
    lists: Mapping[str, Blocklist],
    newsroom: Newsroom,
    path: Path,
    language: Language,
    *,
    now: datetime,
) -> None:
    """送付一覧: one row per letter, with its file, deadline, and columns to tick and to date when it has gone."""
    deadline = newsroom.deadline(now, language)
    names = {
        str(code): (prefecture, name)
        for code, prefecture, name in view.findings[["code", "prefecture", "name"]].itertuples(index=False, name=None)
    }
    rows = [
        (
            "□",
            letter.key,
            *(names[letter.key] if letter.template == "body" else ("", letter.addressee)),
            letter.file,
            "\n".join(letter.servers),
            letter.operators,
            letter.bodies,
            deadline,
            *("", "", ""),
            letter.finding_sha256,
        )
        for letter in letters(view, lists, language)
    ]
    title = labels.HANDOVER["titles"][language].split("|")[2]
    with _writing(view, path, title, language) as book:
        book.sheet(title, "cover", labels.HANDOVER["cover"][language].split("|"), rows, printed=12)
