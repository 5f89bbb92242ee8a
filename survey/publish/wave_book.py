"""The workbook of waves, `waves.xlsx`: what became of every body, for the newsroom alone, and said so on every sheet.

Bodies that changed or cannot be compared stand first; sums are live formulas that carry their values.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from xlsxwriter.worksheet import Worksheet

from ..comparison import Comparison
from ..frames import records, rows_of
from ..wave_counts import count_changes
from ..wave_tables import WAVE_TABLES
from . import labels, sheets_about, wave_sheets
from .book import Book, new_book, top, width, write_table
from .labels import Language
from .wave_figures import Scene
from .wave_telling import sentences
from .wave_words import INTERNAL

_ADDED = ("new", "persisting", "cleared", "unlisted", "not_comparable")
_ORDER = {one: place for place, one in enumerate(("new", "persisting", "cleared", "not_comparable", "unlisted"))}
_HEAD_ROW, _WIDE = 4, 150
"""Where the tables of the sheets begin, below what may not be printed; half-width cells of a line of the summary."""


def write_wave_workbook(found: Comparison, rule_changes: pd.DataFrame, path: Path, language: Language) -> None:
    """Write `waves.xlsx` for a comparison; `rule_changes` are what other rules alone made of the waves."""
    scene = Scene(found.waves)
    asked, heads = scene.as_of(language), ", ".join(scene.heads)
    source = labels.source(asked, heads, language, is_practice=scene.is_practice)
    properties = {"title": "調査の比較 / waves", "comments": source}
    aside = path.with_suffix(".new.xlsx")
    with new_book(aside, "internal", language, asked, properties, is_practice=scene.is_practice) as writing:
        _summary(writing, found)
        for name in wave_sheets.SHEETS:
            _sheet(writing, name, rule_changes if name == "rule_changes" else _ordered(name, found.tables[name]))
        sheets_about.write_dictionary(writing, WAVE_TABLES.values())
    aside.replace(path)


def write_rule_changes(changes: pd.DataFrame, path: Path, language: Language, *, as_of: str, is_practice: bool) -> None:
    """Write `reread.xlsx`: the findings that other rules alone read otherwise."""
    aside = path.with_suffix(".new.xlsx")
    properties = {"title": "規則による違い / what the rules alone change"}
    with new_book(aside, "internal", language, as_of, properties, is_practice=is_practice) as writing:
        _sheet(writing, "rule_changes", changes)
        sheets_about.write_dictionary(writing, [WAVE_TABLES["rule_changes"]])
    aside.replace(path)


def _head(writing: Book, sheet: Worksheet, title: str, note: str) -> None:
    """Title and note, and below them that this is for the newsroom only."""
    top(writing, sheet, title, note)
    sheet.write_string(2, 0, INTERNAL[writing.language], writing.format("practice"))


def _summary(writing: Book, found: Comparison) -> None:
    """要約: the first wave and the last in sentences, and every pair in numbers that add up, as live formulas."""
    sheet = writing.sheet("summary", header_row=0)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 9, 13)
    _head(writing, sheet, "調査の比較 / Waves", f"{found.waves[0].name} → {found.waves[-1].name}")
    row, pair = 4, found.whole
    counts = count_changes(pair.tables["wave_bodies"])
    for language in (writing.language, *(one for one in labels.LANGUAGES if one != writing.language)):
        for sentence in (*sentences(pair.before.name, pair.after.name, counts, language), labels.NOT_CLOSED[language]):
            sheet.merge_range(row, 0, row, 9, "", writing.format("wrap"))
            sheet.write_string(row, 0, sentence, writing.format("wrap"))
            sheet.set_row(row, 15 * -(-width(sentence) // _WIDE))
            row += 1
        row += 1
    heads = (
        *("前 → 後\nfrom → to", "新規登録\nnewly", "登録継続\nstill", "登録解消\nno longer", "登録なし\non no list"),
        *("比較できず\nnot comparable", "計\nbodies", "新規 最大\nnewly, most", "継続 最大\nstill, most"),
        "解消 最大\nno longer, most",
    )
    _heads(writing, sheet, row, heads)
    for one in found.pairs:
        row += 1
        counts = count_changes(one.tables["wave_bodies"])
        sheet.write_string(row, 0, f"{one.before.name} → {one.after.name}", writing.format("text"))
        for column, name in enumerate(_ADDED, 1):
            sheet.write_number(row, column, int(str(counts[name])), writing.format("number"))
        total = int(str(counts["bodies"]))
        sheet.write_formula(row, 6, f"=SUM(B{row + 1}:F{row + 1})", writing.format("total"), total)
        for column, name in enumerate(("new", "persisting", "cleared"), 7):
            sheet.write_number(row, column, int(str(counts[f"{name}_at_most"])), writing.format("number"))
    _waves(writing, found, sheet, row + 2)


def _heads(writing: Book, sheet: Worksheet, row: int, heads: tuple[str, ...]) -> None:
    sheet.set_row(row, 30)
    for column, head in enumerate(heads):
        sheet.write_string(row, column, head, writing.format("head"))


def _waves(writing: Book, found: Comparison, sheet: Worksheet, row: int) -> None:
    """Each wave by itself: when, of whom, by how many lists, and what it found."""
    heads = (
        *("調査\nwave", "終了\nended", "団体\nbodies", "調査した\nsurveyed", "登録あり\nlisted"),
        *(
            "確認できず\nnot determined",
            "有効リスト\nlists used",
            "無効\nvoid",
            "読み直し\nread again",
            "証拠\nevidence",
        ),
    )
    _heads(writing, sheet, row, heads)
    for one in records(found.tables["waves"]):
        row += 1
        ended = wave_sheets.shown("asked_until", one["asked_until"], writing.language)
        again = wave_sheets.shown("is_read_again", bool(one["is_read_again"]), writing.language)
        sheet.write_string(row, 0, str(one["wave"]), writing.format("text"))
        sheet.write_string(row, 1, str(ended), writing.format("wrap"))
        for column, name in enumerate(("bodies", "bodies_surveyed", "bodies_listed", "bodies_unknown"), 2):
            sheet.write_number(row, column, int(one[name]), writing.format("number"))
        for column, name in enumerate(("lists_used", "lists_void"), 6):
            sheet.write_number(row, column, len(one[name]), writing.format("number"))
        sheet.write_string(row, 8, str(again), writing.format("text"))
        sheet.write_string(row, 9, str(one["evidence_head"])[: labels.HEAD], writing.format("text"))
        sheet.set_row(row, 30)


def _sheet(writing: Book, name: str, table: pd.DataFrame) -> None:
    """One table of waves on a sheet of its own."""
    about = wave_sheets.SHEETS[name]
    sheet = writing.sheet(name, header_row=_HEAD_ROW)
    _head(writing, sheet, about.title, about.note[writing.language])
    rows = [
        [wave_sheets.shown(column, value, writing.language) for column, value in zip(about.columns, row, strict=True)]
        for row in rows_of(table, *about.columns)
    ]
    write_table(writing, sheet, _HEAD_ROW, name, [wave_sheets.head(one) for one in about.columns], rows, most=30)
    if about.printed is not None:
        # On paper what stands behind a change is left out: server names and evidence ids are for the screen.
        sheet.print_area(0, 0, _HEAD_ROW + max(1, len(rows)), about.printed - 1)
    sheet.freeze_panes(_HEAD_ROW + 1, 2)


def _ordered(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """What stands on a sheet, in its order: changes first; of the history only whoever was ever listed."""
    if name in ("wave_bodies", "wave_servers"):
        pairs = list(rows_of(table, "before", "after"))
        place = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
        order = [(place[pair], _ORDER[str(change)]) for pair, change in zip(pairs, table["change"], strict=True)]
        return table.iloc[sorted(range(len(table)), key=order.__getitem__)]
    if name == "wave_history":
        ever = table.loc[table["waves_listed"].gt(0)]
        return ever.sort_values(["waves_listed", "code"], ascending=[False, True], kind="stable")
    return table
