"""What people are asked to decide: a first `decisions.xlsx`, and a proposal beside it when findings have changed.

A decision is about one finding, evidence and all, so every recheck asks for a new signature. A proposal saves the
copying and nothing else: where a finding says the same as when it was decided about, its row has the new hash and the
facts of the notice, and nobody's approval; where it says something else, before and after stand on a sheet of their
own, and the body begins anew. Rows that still hold are copied as they are. The people's own file is never written to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ..harmless import harmless
from . import gate
from .book import width
from .edition import Edition
from .people import PeoplesRow, read_rows

FILE = "decisions.xlsx"
_SIGNED = ("approved_by", "decided_at", "decision")
_COLUMNS = (*gate.COLUMNS, gate.WORDS, "prefecture", "name")
_CHANGED = (
    "コード / body",
    "団体 / name",
    "決定時の判定 / before",
    "今の判定 / after",
    "通知・回答 / notice and reply",
)
_WIDE = 60
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Changed:
    """A body whose finding no longer says what was decided about."""

    code: str
    name: str
    before: str
    after: str
    notice: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a proposal holds: whom to sign for again, who changed, who is new, and where it stands."""

    path: Path
    again: tuple[str, ...]
    changed: tuple[Changed, ...]
    new: tuple[str, ...]


def propose(folder: Path, edition: Edition) -> Proposal | None:
    """Write what people should decide next: a first `decisions.xlsx`, or a proposal beside it; None where all holds.

    The proposal is called by the head of the evidence; one that stands there already is people's work, and stays.
    """
    findings = {
        str(one["code"]): {str(name): value for name, value in one.items()}
        for one in edition.named_findings().to_dict("records")
    }
    listed = [code for code, one in sorted(findings.items()) if one["status"] == "listed"]
    path = folder / FILE
    if not path.exists():
        _write(path, [_draft(findings[code]) for code in listed], ())
        return None
    counted = {code: one.row for code, one in gate.load_decisions(path, findings).items()}
    rows: list[Row] = []
    again, changed = [], []
    for row in read_rows(path, gate.HEADS, optional=(gate.WORDS,)):
        code = gate.full_code(row.text("code"), findings)
        finding = findings.get(code)
        kept = _kept(row, code, finding)
        sha256 = row.text("finding_sha256").lower()
        if finding is None or counted[code] != row.number or not sha256 or sha256 == gate.finding_sha256(finding):
            rows += [kept] if code else []
        elif row.text(gate.WORDS) == gate.said(finding):
            rows.append({**kept, "finding_sha256": gate.finding_sha256(finding), **dict.fromkeys(_SIGNED)})
            again.append(code)
        else:
            changed.append(_changed(row, code, finding))
            rows += [_draft(finding)] if code in listed else []
    new = [code for code in listed if code not in counted]
    if not (again or changed or new):
        return None
    beside = folder / f"decisions-proposed-{str(edition.headline['evidence_head'])[:12]}.xlsx"
    if not beside.exists():
        _write(beside, [*rows, *(_draft(findings[code]) for code in new)], changed)
    return Proposal(beside, tuple(again), tuple(changed), tuple(new))


def _draft(finding: Row) -> Row:
    """A row that nobody has filled in: whom it is about, and which finding."""
    return {
        **{name: finding[name] for name in ("code", "prefecture", "name")},
        "finding_sha256": gate.finding_sha256(finding),
        gate.WORDS: gate.said(finding),
    }


def _kept(row: PeoplesRow, code: str, finding: Row | None) -> Row:
    """A row as people wrote it, its code in full and its name beside it."""
    about = {name: finding[name] for name in ("prefecture", "name")} if finding is not None else {}
    return {**{name: row.value(name) for name in (*gate.COLUMNS, gate.WORDS)}, "code": code, **about}


def _changed(row: PeoplesRow, code: str, finding: Row) -> Changed:
    said = [f"{gate.HEADS[name]} {row.text(name)}" for name in ("notified_at", "notified_how", "reply", "deadline")]
    notice = "、".join(text for text in said if not text.endswith(" "))
    before = row.text(gate.WORDS) or "（決定時の内容は記録されていない）"
    return Changed(code, str(finding["name"]), before, gate.said(finding), notice)


def _write(path: Path, rows: Sequence[Row], changed: Sequence[Changed]) -> None:
    """A workbook of decisions, with a second sheet for findings that changed; built aside and renamed."""
    aside = path.with_suffix(".new.xlsx")
    with xlsxwriter.Workbook(str(aside), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        head = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#1b4965", "font_color": "#ffffff"})
        text = book.add_format({"num_format": "@", "valign": "top"})
        prose = book.add_format({"num_format": "@", "valign": "top", "text_wrap": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm", "valign": "top", "align": "left"})
        sheet = book.add_worksheet("決定")
        for column, name in enumerate(_COLUMNS):
            sheet.write_string(0, column, f"{gate.HEADS.get(name, '')}\n{name}".strip(), head)
        for number, row in enumerate(rows, 1):
            for column, name in enumerate(_COLUMNS):
                _cell(sheet, number, column, row.get(name), prose if name == gate.WORDS else text, moment)
            sheet.set_row(number, _height(str(row.get(gate.WORDS) or "")))
        place = _COLUMNS.index("decision")
        # Room for decisions about operators, too.
        last = len(rows) + 200
        sheet.set_row(0, 32)
        sheet.data_validation(1, place, last, place, {"validate": "list", "source": ["name", "withhold"]})
        sheet.set_column(0, len(_COLUMNS), 16)
        sheet.set_column(_COLUMNS.index(gate.WORDS), _COLUMNS.index(gate.WORDS), _WIDE)
        _print(sheet)
        sheet.freeze_panes(1, 1)
        if changed:
            other = book.add_worksheet("変わった判定")
            for column, name in enumerate(_CHANGED):
                other.write_string(0, column, name, head)
            other.set_row(0, 32)
            for number, one in enumerate(changed, 1):
                for column, value in enumerate((one.code, one.name, one.before, one.after, one.notice)):
                    other.write_string(number, column, harmless(value, 32_000), prose)
                other.set_row(number, max(map(_height, (one.before, one.after, one.notice))))
            other.set_column(0, 1, 16)
            other.set_column(2, 4, _WIDE)
            _print(other)
            other.freeze_panes(1, 2)
    aside.replace(path)


def _height(text: str) -> int:
    """How tall a row must be for a text in a wide column, in points."""
    return min(400, 15 * (1 + width(text) // (_WIDE - 2)))


def _print(sheet: Worksheet) -> None:
    """A4 landscape, one page wide, the headings on every page."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _cell(sheet: Worksheet, row: int, column: int, value: object, text: Format, moment: Format) -> None:
    """One cell as people wrote it: moments as moments, everything else as text."""
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value.replace(tzinfo=None), moment)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, moment)
    elif value is not None and str(value).strip():
        sheet.write_string(row, column, harmless(str(value), 32_000, keep="\n"), text)
