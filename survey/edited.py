"""CSV files that people edit: rows with their places, so that a bad cell is told with file, row and column.

Files are UTF-8 (a byte-order mark does no harm) or what a Japanese Excel saves (cp932), and have a header row. Values
are text with the blanks around it taken off; what a cell may hold is said by the reader of the file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

from .errors import CatalogueError


class Place:
    """One row of a file, by its number, for reading its cells and for errors."""

    def __init__(self, path: Path, row: int, values: Mapping[str, str | None]) -> None:
        self.path, self.row, self.values = path, row, values

    def text(self, column: str) -> str:
        return (self.values.get(column) or "").strip()

    def wrong(self, column: str, what: str, remedy: str, ja: str) -> CatalogueError:
        return CatalogueError(
            f"{what} ({self.text(column)[:60]!r})",
            where=f"{self.path.name}, row {self.row}, column {column}",
            remedy=remedy,
            ja=ja,
        )

    def one_of(self, column: str, words: Sequence[str]) -> str:
        found = self.text(column)
        if found not in words:
            raise self.wrong(
                column,
                "this is none of the words allowed",
                f"write one of: {', '.join(words)}",
                "使える語ではありません",
            )
        return found

    def number(self, column: str, kind: type[int] | type[float]) -> float | None:
        found = self.text(column)
        if not found:
            return None
        try:
            number = kind(found)
        except ValueError:
            number = -1
        if not number > 0:
            raise self.wrong(
                column, "this is not a number above zero", "write a number, or leave it empty", "正の数を書いてください"
            )
        return number

    def address(self, column: str, text: str, version: int) -> str:
        try:
            found = ip_address(text)
        except ValueError:
            found = None
        if found is None or found.version != version:
            raise self.wrong(
                column, f"{text!r} is no IPv{version} address", "correct the address", "IPアドレスではありません"
            )
        return str(found)


def read_places(path: Path, columns: Sequence[str]) -> list[Place]:
    """All rows of a file; `columns` must be there. Raises CatalogueError."""
    try:
        data = path.read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp932")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise CatalogueError(
                f"columns are missing: {', '.join(missing)}",
                where=f"{path.name}, row 1",
                remedy="restore the header row",
                ja="見出し行に列が足りません",
            )
        return [Place(path, number, row) for number, row in enumerate(reader, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogueError(
            f"the file cannot be read: {error}",
            where=str(path),
            remedy="check the path, and save it as CSV in UTF-8",
            ja="ファイルを読めません。場所を確かめ、CSV（UTF-8）で保存してください",
        ) from error
