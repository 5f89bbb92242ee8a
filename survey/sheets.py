"""Reading the cells of a workbook as they are: sheets of plain rows, with what a newsroom's Excel brings along.

Everything dangerous or unreadable ends here in one clear `RegisterError`: files that are no workbooks, encrypted ones,
zip bombs. Merged cells give their value to every row they cover, formula cells their computed value.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xlsxwriter.utility import xl_col_to_name

from .errors import RegisterError

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MOST_UNPACKED = 400 << 20
"""Octets that a workbook may unpack to; the largest ministry workbook has 12 million."""
MOST_RATIO = 400
MOST_CELLS = 5_000_000


@dataclass(slots=True)
class Sheet:
    """One sheet: its rows by Excel's row numbers, without the rows that hold nothing."""

    title: str
    rows: dict[int, list[object]] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    uncomputed: list[tuple[int, int, str]] = field(default_factory=list)
    """(row, column, formula) of formula cells that carry no computed value."""
    is_hidden: bool = False


def read_sheets(path: Path) -> list[Sheet]:
    """All sheets of an Excel workbook or a CSV file. Raises RegisterError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RegisterError(
            f"the file cannot be opened: {error.strerror}",
            where=str(path),
            remedy="check the path, and close the file in Excel",
            ja="ファイルを開けません。場所を確かめ、Excel で開いていれば閉じてください",
        ) from None
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        return [_csv(path, data)]
    _refuse(path, data)
    # It takes a tenth of a second to load, and most commands read no workbook.
    import openpyxl  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
            has_formulas = _has_formulas(data)
            formulas = openpyxl.load_workbook(io.BytesIO(data)) if has_formulas else None
    except Exception as error:  # openpyxl raises whatever the broken XML made happen
        raise RegisterError(
            f"the workbook is damaged ({type(error).__name__}: {error})"[:300],
            where=str(path),
            remedy="open it in Excel, save it again as .xlsx, and try once more",
            ja="ブックが壊れています。Excel で開いて .xlsx で保存し直してください",
        ) from error
    return [_sheet(one, formulas[one.title] if formulas else None) for one in book.worksheets]


def _refuse(path: Path, data: bytes) -> None:
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        is_locked = b"E\0n\0c\0r\0y\0p\0t\0e\0d" in data
        raise RegisterError(
            "the workbook is protected by a password" if is_locked else "this is an old .xls workbook",
            where=str(path),
            remedy="open it in Excel and save it as .xlsx without a password",
            ja="パスワードで保護されています。解除して保存し直してください"
            if is_locked
            else "古い .xls 形式です。.xlsx で保存し直してください",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise RegisterError(
            "this is not an Excel workbook",
            where=str(path),
            remedy="save the register as .xlsx or .csv",
            ja="Excel のブックではありません。.xlsx か .csv で保存してください",
        ) from None
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MOST_UNPACKED or (unpacked > 50 << 20 and unpacked > MOST_RATIO * len(data)):
        raise RegisterError(
            f"the workbook unpacks to {unpacked >> 20} MiB; it is not read",
            where=str(path),
            remedy="copy the register's rows into a new workbook",
            ja="展開すると大きすぎるため読み込みません。必要な行だけを新しいブックに写してください",
        )


def _has_formulas(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        return any(b"<f>" in (text := archive.read(name)) or b"<f " in text for name in names)


def _sheet(sheet: Worksheet, formulas: Worksheet | None) -> Sheet:
    found = Sheet(str(sheet.title), is_hidden=sheet.sheet_state != "visible")
    if sheet.max_row * sheet.max_column > MOST_CELLS:
        raise RegisterError(
            f"the sheet spans {sheet.max_row} rows and {sheet.max_column} columns",
            where=str(sheet.title),
            remedy="delete the empty columns and rows behind the register",
            ja="シートが大きすぎます。台帳の右と下の空白の列・行を削除してください",
        )
    covered = {
        (row, column): sheet.cell(area.min_row, area.min_col).value
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    }
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        row: list[object] = [covered.get((number, column), value) for column, value in enumerate(values, 1)]
        if any(value is not None and str(value).strip() for value in row):
            found.rows[number] = row
            if sheet.row_dimensions[number].hidden:
                found.hidden_rows.append(number)
    if formulas is not None:
        for row_number, cells in enumerate(formulas.iter_rows(), 1):
            for column, cell in enumerate(cells, 1):
                if cell.data_type == "f" and sheet.cell(row_number, column).value is None:
                    found.uncomputed.append((row_number, column, str(cell.value)))
    return found


def _csv(path: Path, data: bytes) -> Sheet:
    for encoding in ("utf-8-sig", "cp932", "utf-16"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise RegisterError(
            "the text is neither UTF-8 nor Shift_JIS",
            where=str(path),
            remedy="save it as CSV UTF-8",
            ja="文字コードを判別できません",
        )
    if "\0" in text:
        raise RegisterError(
            "this is not a text file", where=str(path), remedy="save it as .xlsx", ja="テキストではありません"
        )
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        found: dict[int, list[object]] = {
            number: [*row] for number, row in enumerate(rows, 1) if any(map(str.strip, row))
        }
    except csv.Error as error:
        raise RegisterError(
            f"the CSV is damaged: {error}", where=str(path), remedy="save it as .xlsx", ja="CSV が壊れています"
        ) from None
    return Sheet(path.stem, found)


def column_letter(index: int) -> str:
    """Excel's letter of a column counted from zero."""
    return str(xl_col_to_name(index))
