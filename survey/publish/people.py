"""Workbooks that people keep beside a run: dated rows with reasons, read cell by cell.

A cell that cannot be used is an error that names file, row and column: nobody is named, and nothing corrected, because
of a typing error or half a file. A date alone is the end of that day in Japan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from ..errors import RunError
from ..sheets import column_letter, read_sheets
from .clock import JAPAN


def read_rows(path: Path, heads: Mapping[str, str], *, optional: Collection[str] = ()) -> Iterator[PeoplesRow]:
    """Every row below a header of these columns (name → Japanese heading; either is understood). Raises RunError.

    A sheet that people hid is not read; a column may be missing where it is `optional`, and is then empty.
    """
    for sheet in read_sheets(path):
        if sheet.is_hidden:
            continue
        found = _columns(path, sheet.rows, heads, optional)
        if found is not None:
            head, places = found
            rows = ((number, cells) for number, cells in sheet.rows.items() if number > head)
            yield from (PeoplesRow(path, number, cells, places) for number, cells in rows)


def _columns(
    path: Path, rows: Mapping[int, list[object]], heads: Mapping[str, str], optional: Collection[str]
) -> tuple[int, dict[str, int]] | None:
    """The header row and where each column stands; None for a sheet without any. Raises RunError for half a header."""
    known = {name: name for name in heads} | {ja: name for name, ja in heads.items()}
    for number, cells in list(rows.items())[:20]:
        words = [str(cell or "").split("\n")[0].strip() for cell in cells]
        places = {known[word]: index for index, word in enumerate(words) if word in known}
        if len(places) > 1:
            missing = [name for name in heads if name not in places and name not in optional]
            if missing:
                raise RunError(
                    f"columns are missing: {', '.join(missing)}",
                    where=f"{path.name}, row {number}",
                    remedy="restore the header row",
                    ja="見出しの列が足りません",
                )
            return number, places
    return None


@dataclass(frozen=True, slots=True)
class PeoplesRow:
    """One row of a people's workbook, for reading its cells and for errors."""

    path: Path
    number: int
    cells: list[object]
    places: Mapping[str, int]

    def value(self, name: str) -> object:
        place = self.places.get(name)
        return self.cells[place] if place is not None and place < len(self.cells) else None

    def text(self, name: str) -> str:
        found = self.value(name)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        return "" if found is None else str(found).strip()

    def wrong(self, name: str, what: str, remedy: str, ja: str) -> RunError:
        where = f"{self.path.name}, row {self.number}, column {column_letter(self.places[name])} ({name})"
        return RunError(f"{what}: {self.text(name)[:60]!r}", where=where, remedy=remedy, ja=ja)

    def moment(self, name: str) -> datetime | None:
        """A time, aware; a date alone is the end of that day in Japan."""
        found = self.value(name)
        if isinstance(found, str):
            try:
                found = datetime.fromisoformat(found.strip().replace("/", "-")) if found.strip() else None
            except ValueError:
                raise self.wrong(
                    name, "this is no date", "write 2026-11-24 or 2026-11-24 15:00", "日付として読めません"
                ) from None
        if isinstance(found, datetime):
            is_day = (found.hour, found.minute, found.second) == (0, 0, 0) and found.tzinfo is None
            found = found.replace(hour=23, minute=59, second=59) if is_day else found
            return found if found.tzinfo else found.replace(tzinfo=JAPAN)
        if isinstance(found, date):
            return datetime.combine(found, time(23, 59, 59), JAPAN)
        if found is not None:
            raise self.wrong(name, "this is no date", "write 2026-11-24", "日付として読めません")
        return None
