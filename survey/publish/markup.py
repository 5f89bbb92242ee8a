"""HTML as text: escaping, tables, bars, and a page that may run nothing but its own script.

Whatever comes from outside passes `text`, which makes it harmless, bounded and escaped. The Content-Security-Policy
(W3C CSP3) names the one script and the one style by their hashes and allows no request at all.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..harmless import harmless

_MOST = 300


def text(value: object, most: int = _MOST) -> str:
    """A text for a page: harmless, at most so long, and escaped for elements and quoted attributes."""
    return html.escape(harmless(str(value), most), quote=True)


def css_string(value: str) -> str:
    """A CSS string (CSS Syntax 3, section 4.3.5): everything but letters, digits and blanks as an escape."""
    return '"' + "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in value) + '"'


def policy(script: str, style: str) -> str:
    """The Content-Security-Policy of a page with this script and this style; pictures and fonts are in the page."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and its class (`n` for numbers, `minor` for what a phone leaves out)."""

    head: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell whose content is markup already; `sort` is what it is sorted by where that is not its text."""

    markup: str
    sort: str = ""
    language: str = ""


def cell(value: object) -> Cell:
    """A cell of any value: numbers with their thousands apart, everything else as text."""
    if isinstance(value, Cell):
        return value
    if isinstance(value, int):
        return Cell(f"{value:,}", str(value))
    return Cell(text("" if value is None else value))


def unbroken(said: str, kind: str = "") -> str:
    """A short word in one line, marked with a class where one is given; anything longer may be broken."""
    kinds = " ".join(one for one in (kind, "w" if len(said) <= 18 else "") if one)
    return f'<span class="{kinds}">{text(said)}</span>' if kinds else text(said)


def row(values: Sequence[object], columns: Sequence[Column], *, attributes: str = "") -> str:
    """One row, its first cell the row's heading."""
    parts = []
    for place, (value, column) in enumerate(zip(values, columns, strict=True)):
        one = cell(value)
        tag = "td" if place else "th"
        marks = "" if place else ' scope="row"'
        marks += f' class="{column.kind}"' if column.kind else ""
        marks += f' data-s="{text(one.sort)}"' if one.sort else ""
        marks += f' lang="{one.language}"' if one.language else ""
        parts.append(f"<{tag}{marks}>{one.markup}</{tag}>")
    return f"<tr{attributes}>{''.join(parts)}</tr>"


def table(
    name: str,
    title: str,
    note: str,
    columns: Sequence[Column],
    rows: Iterable[str],
    *,
    running: str = "",
    is_sortable: bool = True,
) -> str:
    """A table with a note before it; `title` names it, `running` stands above the headings of printed pages."""
    heads = "".join(
        f'<th scope="col"{f" class={chr(34)}{one.kind}{chr(34)}" if one.kind else ""}>{text(one.head)}</th>'
        for one in columns
    )
    above = f'<tr class="running" aria-hidden="true"><td colspan="{len(columns)}">{text(running)}</td></tr>'
    body = "\n".join(rows)
    kind = ' class="sortable"' if is_sortable else ""
    before = f'<p class="note">{text(note)}</p>\n' if note else ""
    return (
        f'{before}<div class="wide" role="region" tabindex="0" aria-label="{text(title)}">\n'
        f'<table id="{name}"{kind} tabindex="-1" aria-label="{text(title)}">\n'
        f"<thead>{above if running else ''}<tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


HATCH = (
    '<svg class="defs" aria-hidden="true" focusable="false"><defs><pattern id="hatch" width="4" height="4" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch" width="4" height="4"/>'
    '<path class="hatch-line" d="M0 0V4"/></pattern></defs></svg>'
)
"""The hatching of what is not determined; once in a page that has bars."""


def bar(listed: int, unknown: int, most: int) -> Cell:
    """A bar of the listed (dark) and the not determined (hatched), of the longest bar; the numbers stand beside it."""
    width = 200 / max(most, 1)
    return Cell(
        '<svg viewBox="0 0 200 12" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="frame" x="0" y="1" width="{(listed + unknown) * width:.1f}" height="10"/>'
        f'<rect class="on" x="0" y="1" width="{listed * width:.1f}" height="10"/></svg>'
    )
