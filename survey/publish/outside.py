"""Workbooks for outsiders: the ministry's, with what owners need to act; the public's, without any single status.

It is made from a `View` and from nothing else, so it holds nothing that its audience may not see; one language each.
Totals are live formulas that carry their computed values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from ..catalogue import Blocklist
from ..tables import Body
from . import labels
from .audiences import MAY_SEE, View
from .book import ORDER, Book, new_book, plain, top, width, write_table
from .clock import clock
from .corrections import Corrections
from .labels import Language, whose, word, words
from .outside_sheets import counts, link, lists, operators, phrase, reasons, translated
from .outside_words import HEADS
from .page_words import say
from .sheets_about import method_rows
from .towns import in_letters, region_names


def write_outside_workbook(
    view: View, path: Path, language: Language, catalogue: Mapping[str, Blocklist], corrections: Corrections
) -> None:
    """Write one audience's workbook; `catalogue` gives the lists' own pages, `corrections` what was put right since."""
    source = labels.source(view.as_of(language), ", ".join(view.heads), language, is_practice=view.is_practice)
    title = f"{say('title', language)} – {word(view.audience, language)}"
    properties = {"title": title, "comments": source}
    aside = path.with_suffix(".new.xlsx")
    with new_book(
        aside, view.audience, language, view.as_of(language), properties, is_practice=view.is_practice
    ) as writing:
        _summary(writing, view)
        _findings(writing, view)
        if view.audience == "ministry":
            _listings(writing, view, catalogue)
        regions = region_names(view, language)
        counts(writing, view, "regions", "prefecture", regions)
        counts(writing, view, "kinds", "kind", regions)
        operators(writing, view)
        lists(writing, view, catalogue)
        reasons(writing, view)
        _method(writing, view)
        _dictionary(writing, view)
        _corrections(writing, corrections)
    aside.replace(path)


def _pick(writing: Book, ja: str, en: str) -> str:
    return ja if writing.language == "ja" else en


def _summary(writing: Book, view: View) -> None:
    sheet = writing.sheet("summary", header_row=0)
    sheet.set_column(0, 0, 60)
    sheet.set_column(1, 4, 16)
    asked = labels.source(view.as_of(writing.language), ", ".join(view.heads), writing.language, is_practice=False)
    top(writing, sheet, phrase(writing, "Summary"), asked)
    row = 3
    for number, sentence in enumerate(labels.headline_sentences(view.headline, writing.language)):
        sheet.merge_range(row, 0, row, 4, "", writing.format("wrap"))
        sheet.write_string(row, 0, sentence, writing.format("wrap" if number else "strong"))
        if width(sentence) > 110:
            sheet.set_row(row, 30)
        row += 1
    if view.audience == "public" and view.confirmed_at is not None:
        said = view.clock(view.confirmed_at, writing.language)
        note = phrase(writing, "Named bodies were confirmed at {} or later", said)
        sheet.write_string(row, 0, note, writing.format("note"))
        row += 1
    row += 1
    heads = (
        *(phrase(writing, "count"), phrase(writing, "listed"), phrase(writing, "at most")),
        *(phrase(writing, "not determined"), phrase(writing, "of")),
    )
    for column, head in enumerate(heads):
        sheet.write_string(row, column, head, writing.format("head"))
    names: tuple[tuple[str, labels.Bounded | None], ...] = (
        (
            phrase(writing, "bodies on open-relay lists"),
            labels.bounded(view.headline, "open_relay"),
        ),
        (
            phrase(writing, "bodies on either"),
            labels.bounded(view.headline, "bodies"),
        ),
        (phrase(writing, "bodies with a listed sender"), labels.bounded(view.headline, "sending")),
    )
    for name, count in names:
        row += 1
        sheet.write_string(row, 0, name, writing.format("text"))
        if count is None:
            sheet.write_string(row, 1, labels.CANNOT[writing.language], writing.format("text"))
            continue
        for column, value in ((1, count.listed), (3, count.unknown), (4, count.total)):
            sheet.write_number(row, column, value, writing.format("number"))
        most = count.listed + count.unknown
        sheet.write_formula(row, 2, f"=B{row + 1}+D{row + 1}", writing.format("number"), most)


def _findings(writing: Book, view: View) -> None:
    sheet = writing.sheet("findings", header_row=3)
    count, regions = f"{len(view.findings):,}", region_names(view, writing.language)
    if view.audience == "public":
        note = phrase(
            writing,
            "All {} bodies. A result stands only where the body was told and the editors decided; empty says nothing",
            count,
        )
        heads = _heads(writing, MAY_SEE["public"]["findings"])
        rows = [
            (
                *(one["code"], regions.get(one["prefecture"], one["prefecture"]), one["name"]),
                _reading(writing, one["name"], one["kana"]),
                word(one["kind"], writing.language),
                *(translated(writing, one[name]) for name in ("status", "open_relay_listing")),
            )
            for one in view.findings.to_dict("records")
        ]
    else:
        note = phrase(
            writing,
            "{} bodies. A listing that was not confirmed counts as not determined, which is not “not listed”",
            count,
        )
        columns = MAY_SEE["ministry"]["findings"]
        heads = _heads(writing, columns)
        found = view.findings.assign(order=view.findings["status"].map(ORDER)).sort_values(["order", "code"])
        found["prefecture"] = found["prefecture"].map(lambda name: regions.get(name, name))
        rows = [tuple(_cell(writing, name, one[name], one) for name in columns) for one in found.to_dict("records")]
    top(writing, sheet, phrase(writing, "Findings"), note)
    write_table(writing, sheet, 3, "findings", heads, rows, most=24)
    if view.audience == "ministry":
        # On paper the caveats and the hash are left out: they are for the screen.
        sheet.print_area(0, 0, 3 + len(rows), len(heads) - 4)
    sheet.freeze_panes(4, 3)


def _reading(writing: Book, name: str, kana: object) -> str:
    """How a body is called: in kana, for English readers in letters."""
    kana = kana if isinstance(kana, str) else ""
    return kana if writing.language == "ja" else in_letters(name, kana[:100])


def _heads(writing: Book, columns: Sequence[str]) -> list[str]:
    return [HEADS[name][0 if writing.language == "ja" else 1] for name in columns]


def _cell(writing: Book, name: str, value: object, row: Mapping[object, object]) -> object:
    """One cell of the ministry's findings."""
    if name in ("kind", "status", "own_or_shared", "open_relay_listing"):
        if name == "open_relay_listing" and not isinstance(value, str):
            return labels.CANNOT[writing.language]
        if name == "own_or_shared":
            return whose(value, writing.language) if row["status"] == Body.LISTED else ""
        return translated(writing, value)
    if name in ("categories", "caveat") and isinstance(value, list):
        return words(value, writing.language)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if name == "shared_with":
        return int(value) if isinstance(value, int) else None
    if name == "asked_at":
        return _when(writing, value)
    if name == "kana":
        return _reading(writing, str(row["name"]), value)
    return value if isinstance(value, str) else ""


def _when(writing: Book, value: object) -> str:
    """A moment of the ministry's, whose workbook alone holds any."""
    if not isinstance(value, pd.Timestamp) or pd.isna(value):
        return ""
    return clock(value.to_pydatetime(), "ministry", writing.language)


def _listings(writing: Book, view: View, catalogue: Mapping[str, Blocklist]) -> None:
    """What the owner of a server needs: which address, which list, what it says, where to look it up."""
    sheet = writing.sheet("listings", header_row=3)
    note = phrase(writing, "Confirmed listings only: what a list answered, and no more")
    top(writing, sheet, phrase(writing, "Listings"), note)
    other = "operator" if writing.language == "ja" else "operator_ja"
    columns = [name for name in MAY_SEE["ministry"]["listings"] if name not in (other, "operator_codes")]
    pages = (phrase(writing, "look-up page"), phrase(writing, "delisting"))
    rows: list[tuple[object, ...]] = []
    for one in view.listings.to_dict("records"):
        known = catalogue.get(str(one["zone"]))
        cells = [_listing_cell(writing, name, one[name]) for name in columns]
        rows.append((*cells, known.lookup_url if known else "", known.delist_url if known else ""))
    write_table(writing, sheet, 3, "listings", [*_heads(writing, columns), *pages], rows)
    link(writing, sheet, rows, len(columns))
    sheet.freeze_panes(4, 2)


def _listing_cell(writing: Book, name: str, value: object) -> object:
    if name == "asked_at":
        return _when(writing, value)
    if name == "own_or_shared":
        return whose(value, writing.language)
    if isinstance(value, list):
        return words(value, writing.language) if name == "categories" else ", ".join(map(str, value))
    return value if isinstance(value, str) else ""


def _method(writing: Book, view: View) -> None:
    sheet = writing.sheet("method", header_row=0)
    top(writing, sheet, phrase(writing, "Method"), "")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 100)
    row = 3
    for title, ja, en in method_rows(has_dialogue=bool(view.run.get("has_dialogue"))):
        said = _pick(writing, ja, en)
        sheet.write_string(row, 0, title if writing.language == "ja" else "", writing.format("strong"))
        sheet.write_string(row, 1, said, writing.format("wrap"))
        sheet.set_row(row, 15 * (1 + width(said) // 98))
        row += 1
    row += 1
    facts = (
        *((phrase(writing, name), _told(writing, view, f"{name}_at")) for name in ("started", "finished")),
        (phrase(writing, "evidence head"), view.headline["evidence_head"]),
        (phrase(writing, "tool"), view.run.get("tool", "")),
    )
    for name, fact in facts:
        sheet.write_string(row, 0, name, writing.format("strong"))
        sheet.write_string(row, 1, plain(fact), writing.format("text"))
        row += 1


def _told(writing: Book, view: View, name: str) -> str:
    """A moment of the headline; a dash where it has not come."""
    found = view.headline[name]
    return view.clock(datetime.fromisoformat(str(found)), writing.language) if found else "―"


def _dictionary(writing: Book, view: View) -> None:
    """Every word that stands in this workbook's cells, with its meaning; the words of others are left out."""
    sheet = writing.sheet("dictionary", header_row=3)
    top(writing, sheet, labels.sheet_name("dictionary", writing.language), "")
    used = {
        "listed",
        "clear",
        "unknown",
        "no_mail",
        "opted_out",
        "out_of_scope",
        "own",
        "shared",
        "both",
        "healthy",
        "void",
    }
    rows = [(ja, en) for machine, ja, en in labels.vocabulary() if machine in used]
    write_table(writing, sheet, 3, "dictionary", ["日本語", "English"], rows)


def _corrections(writing: Book, corrections: Corrections) -> None:
    sheet = writing.sheet("corrections", header_row=3)
    shown, n = corrections.shown, len(corrections.withheld)
    note = labels.withheld_corrections(n, writing.language)
    note = note if n or len(shown) else phrase(writing, "No corrections")
    top(writing, sheet, labels.sheet_name("corrections", writing.language), note)
    heads = [_pick(writing, ja, en) for ja, en in labels.CORRECTIONS.values()]
    rows = [tuple(str(one[name]) for name in labels.CORRECTIONS) for one in shown.to_dict("records")]
    write_table(writing, sheet, 3, "corrections", heads, rows)
