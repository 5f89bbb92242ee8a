"""The shelf: the tables of one run, each put down when it is finished and taken up again by column.

Without a folder they stay in memory. With one they are Parquet files, written bundle by bundle; only those that are
small are held in memory too, so that a run of any size can be read beside little else.
"""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .calm import give_back
from .frames import BUNDLE, from_arrow, joined, to_arrow
from .tables import TABLES

HELD_MOST = 50_000
"""Tables of up to so many rows are held in memory beside their file; of twice as many where they came as Arrow."""
Part: TypeAlias = pd.DataFrame | pa.Table
"""A table, or some of its rows: as people use it, or as it is written."""


class Shelf(Mapping[str, pd.DataFrame]):
    """Tables by name.

    Raises FileNotFoundError, naming the file, for a table that was never put there, and KeyError for one with the
    columns of another version.
    """

    def __init__(self, folder: Path | None = None, names: Iterable[str] = ()) -> None:
        """`folder` holds one `<name>.parquet` per table; `names` are those that stand there already."""
        self._folder = folder
        self._held: dict[str, Part | None] = dict.fromkeys(names)
        if folder is not None:
            for name in self._held:
                columns = pq.read_schema(self._path(name)).names
                if columns != to_arrow(name).column_names:
                    raise KeyError(f"{name} has other columns than this version's")

    def put(self, name: str, parts: Part | Iterable[Part]) -> None:
        """Put down a table, whole or in parts; it replaces one of the same name."""
        several: Iterable[Part] = [parts] if isinstance(parts, pd.DataFrame | pa.Table) else parts
        if self._folder is None:
            self._held[name] = _together(name, several)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        aside = path.with_suffix(".parquet.new")
        held: list[Part] = []
        rows, weight = 0, 0.0
        try:
            with pq.ParquetWriter(aside, to_arrow(name).schema) as writer:
                waiting = to_arrow(name)
                for part in several:
                    rows += len(part)
                    weight += len(part) if isinstance(part, pd.DataFrame) else len(part) / 2
                    held = [*held, part] if weight <= HELD_MOST else []
                    waiting = pa.concat_tables([waiting, _as_arrow(name, part)])
                    while len(waiting) > BUNDLE:
                        writer.write_table(waiting[:BUNDLE])
                        waiting = waiting[BUNDLE:]
                writer.write_table(waiting)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        aside.replace(path)
        self._held[name] = _together(name, held) if weight <= HELD_MOST else None
        if rows > HELD_MOST:
            give_back()

    def take(self, name: str, *columns: str) -> pd.DataFrame:
        """A table with these columns, or whole. What comes from a file is read anew each time."""
        found = self._held[name]
        if found is None:
            # Of one file: pyarrow's reader of whole folders takes a while to load.
            with pq.ParquetFile(self._path(name)) as file:
                found = file.read(list(columns) or None)
        if isinstance(found, pd.DataFrame):
            return found[list(columns)] if columns else found
        return from_arrow(name, found.select(columns) if columns else found)

    def where(self, name: str, column: str, values: Collection[str], *columns: str) -> pd.DataFrame:
        """The rows of a table whose column of text holds one of these values; with these columns, or whole."""
        found = self._held[name]
        if isinstance(found, pd.DataFrame):
            return _among(found, column, values, *columns)
        several = pa.array(values, pa.string())
        if found is None:
            among = pc.field(column).isin(several)
            return from_arrow(name, pq.read_table(self._path(name), columns=list(columns) or None, filters=among))
        chosen = pc.is_in(found[column], several)
        return from_arrow(name, (found.select(columns) if columns else found).filter(chosen))

    def parts(self, name: str, *columns: str) -> Iterator[pd.DataFrame]:
        """The same bundle by bundle."""
        found = self._held[name]
        if isinstance(found, pd.DataFrame):
            yield self.take(name, *columns)
            return
        for part in self.arrow_parts(name, *columns):
            yield from_arrow(name, part)

    def arrow_parts(self, name: str, *columns: str) -> Iterator[pa.Table]:
        """The same as it is written, for counting by column."""
        found = self._held[name]
        if found is not None:
            data = _as_arrow(name, found)
            yield data.select(columns) if columns else data
            return
        with pq.ParquetFile(self._path(name)) as file:
            for batch in file.iter_batches(BUNDLE, columns=list(columns) or None):
                yield pa.Table.from_batches([batch])

    def changed(self, folder: Path) -> list[str]:
        """The tables whose files differ from those in a folder, or are not there."""
        return [
            name
            for name in self._held
            if not (there := folder / f"{name}.parquet").is_file()
            or not filecmp.cmp(self._path(name), there, shallow=False)
        ]

    def settle(self, folder: Path, changed: Collection[str]) -> None:
        """Move these tables' files into a folder, and go on from there; where the shelf lay until now is gone."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in changed:
            self._path(name).replace(folder / f"{name}.parquet")
        if self._folder is not None:
            shutil.rmtree(self._folder)
        self._folder = folder

    def __getitem__(self, name: str) -> pd.DataFrame:
        """A whole table; from then on it is held in memory."""
        found = self._held[name]
        if not isinstance(found, pd.DataFrame):
            found = self._held[name] = self.take(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def _path(self, name: str) -> Path:
        if self._folder is None or name not in TABLES:
            raise KeyError(name)
        return self._folder / f"{name}.parquet"


def where(tables: Mapping[str, pd.DataFrame], name: str, column: str, values: Collection[str]) -> pd.DataFrame:
    """The rows of one of several tables whose column of text holds one of these values."""
    return tables.where(name, column, values) if isinstance(tables, Shelf) else _among(tables[name], column, values)


def _among(data: pd.DataFrame, column: str, values: Collection[str], *columns: str) -> pd.DataFrame:
    """The rows whose column of text holds one of these values; pandas looks at each of many values by itself."""
    among = pc.is_in(pa.array(data[column], pa.large_string()), pa.array(values, pa.large_string()))
    chosen: npt.NDArray[np.bool_] = among.to_numpy(zero_copy_only=False)
    some = data[list(columns or data.columns)]
    # In a run of few bodies all rows are meant: nothing needs to be taken out of each column.
    return some if chosen.all() else some.loc[chosen]


def _as_arrow(name: str, part: Part) -> pa.Table:
    return to_arrow(name, part) if isinstance(part, pd.DataFrame) else part


def _together(name: str, parts: Iterable[Part]) -> Part:
    """One table from its parts, which are all of one kind."""
    found = list(parts)
    if found and not isinstance(found[0], pd.DataFrame):
        return pa.concat_tables(found)
    return joined(name, found)
