"""The outsiders' sheets of counts: regions, kinds, operators, lists with their health, reasons for not knowing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from xlsxwriter.worksheet import Worksheet

from ..catalogue import Blocklist
from . import labels
from .audiences import View
from .book import Book, plain, top, write_table
from .disclosure import OTHERS
from .labels import whose, word
from .outside_words import JA


def phrase(writing: Book, text: str, *values: str) -> str:
    """A text of `outside_words` in the workbook's language, with values in its places."""
    return (JA[text] if writing.language == "ja" else text).format(*values)


def named(writing: Book, value: object) -> str:
    """A name of a row; the row in which others were put together is called so."""
    if value == OTHERS:
        return phrase(writing, "others, put together")
    text = str(value)
    if text.startswith(OTHERS):
        return phrase(writing, "operator {}", text[len(OTHERS) :])
    return text


def translated(writing: Book, value: object) -> str:
    return word(value, writing.language) if isinstance(value, str) else ""


def link(writing: Book, sheet: Worksheet, rows: Sequence[Sequence[object]], first: int) -> None:
    """Make the last two columns links, where they are web addresses of the catalogue."""
    for number, row in enumerate(rows, 4):
        for column in (first, first + 1):
            address = str(row[column] or "").split()[0] if row[column] else ""
            if address.startswith(("https://", "http://")) and len(address) < 2000:
                sheet.write_url(number, column, address, writing.format("text"), plain(address))


_EITHER = "Counted are listings by open-relay or abuse lists."


def _noted(writing: Book, measured: str, note: str) -> str:
    """The line above a table of counts: by which lists they are, and how to read them."""
    return f"{phrase(writing, measured)}{'' if writing.language == 'ja' else ' '}{phrase(writing, note)}"


def counts(
    writing: Book, view: View, key: Literal["regions", "kinds"], column: str, regions: Mapping[str, str]
) -> None:
    """Regions or kinds: listed, at most, not determined, of how many; with totals."""
    sheet = writing.sheet(key, header_row=3)
    table = view.regions if key == "regions" else view.kinds
    has_relay = "relay_listed" in table.columns
    is_relay = view.measure == "open_relay" and not has_relay
    note = "Of the bodies surveyed; at most adds what could not be determined"
    if writing.audience == "public":
        note += "; some rows are put together"
    measured = "Counted are listings by open-relay lists." if is_relay else _EITHER
    top(writing, sheet, labels.sheet_name(key, writing.language), _noted(writing, measured, note))
    heads = [
        *(phrase(writing, "part"), phrase(writing, "listed"), phrase(writing, "at most")),
        *(phrase(writing, "not determined"), phrase(writing, "bodies surveyed")),
    ]
    if has_relay:
        heads += [
            phrase(writing, "open relay, listed"),
            phrase(writing, "open relay, not determined"),
        ]
    rows: list[tuple[object, ...]] = []
    for one in table.to_dict("records"):
        called = word(one[column], writing.language) if column == "kind" else regions.get(one[column], one[column])
        name = named(writing, called)
        listed, unknown = int(one["listed"]), int(one["unknown"])
        row: tuple[object, ...] = (name, listed, listed + unknown, unknown, int(one["bodies"]))
        rows.append((*row, int(one["relay_listed"]), int(one["relay_unknown"])) if has_relay else row)
    write_table(writing, sheet, 3, key, heads, rows)
    total = 4 + len(rows)
    sheet.write_string(total, 0, phrase(writing, "total"), writing.format("total_text"))
    for place in range(1, len(heads)):
        letter = chr(ord("A") + place)
        summed = sum(int(str(row[place])) for row in rows)
        sheet.write_formula(total, place, f"=SUM({letter}5:{letter}{total})", writing.format("total"), summed)
    sheet.freeze_panes(4, 1)


def operators(writing: Book, view: View) -> None:
    sheet = writing.sheet("operators", header_row=3)
    lettered = "Operators without a decision to name them are called A, B …"
    note = lettered if view.audience == "public" else "Bodies that depend on its servers"
    top(writing, sheet, phrase(writing, "Operators"), _noted(writing, _EITHER, note))
    heads = [
        *(phrase(writing, "operator"), phrase(writing, "kind"), phrase(writing, "bodies")),
        *(
            phrase(writing, "listed"),
            phrase(writing, "at most"),
            phrase(writing, "not determined"),
        ),
    ]
    column = "operator_ja" if writing.language == "ja" else "operator"
    rows = [
        (
            named(writing, one[column]),
            whose(one["operator_kind"], writing.language) if one["operator_kind"] else "",
            int(one["bodies_n"]),
            int(one["listed_n"]),
            int(one["listed_n"] + one["unknown_n"]),
            int(one["unknown_n"]),
        )
        for one in view.operators.to_dict("records")
    ]
    write_table(writing, sheet, 3, "operators", heads, rows)
    sheet.freeze_panes(4, 1)


def lists(writing: Book, view: View, catalogue: Mapping[str, Blocklist]) -> None:
    sheet = writing.sheet("lists", header_row=3)
    note = phrase(writing, "One failed test makes a list void for the whole run")
    top(writing, sheet, phrase(writing, "Lists and their health"), note)
    heads = [
        *(phrase(writing, "list"), phrase(writing, "zone"), phrase(writing, "group")),
        *(phrase(writing, "health"), phrase(writing, "reason")),
        *(phrase(writing, "look-up page"), phrase(writing, "delisting")),
    ]
    rows: list[tuple[object, ...]] = []
    for one in view.lists.to_dict("records"):
        known = catalogue.get(str(one["zone"]))
        told = (translated(writing, one[name]) for name in ("group", "health", "reason"))
        rows.append(
            (one["list_name"], one["zone"], *told, known.lookup_url if known else "", known.delist_url if known else "")
        )
    write_table(writing, sheet, 3, "lists", heads, rows)
    link(writing, sheet, rows, 5)
    sheet.freeze_panes(4, 1)


def reasons(writing: Book, view: View) -> None:
    sheet = writing.sheet("reasons", header_row=3)
    note = phrase(writing, "A body with several reasons counts under each; not determined is not “not listed”")
    top(writing, sheet, labels.sheet_name("reasons", writing.language), note)
    rows = [
        (named(writing, translated(writing, one["reason"])), int(one["bodies"]))
        for one in view.reasons.to_dict("records")
    ]
    write_table(writing, sheet, 3, "reasons", [phrase(writing, "reason"), phrase(writing, "bodies")], rows)
