"""Making tables of the dictionary: from rows or from columns, for pandas or as Arrow writes them, and back into rows.

Rows are gathered into columns, bundle by bundle, and each column becomes what its kind in `tables` says: the same
evidence gives the same bytes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from .columns import Kind
from .tables import TABLES

_ARROW: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "texts": pa.list_(pa.string()),
}
_PANDAS: Mapping[Kind, str] = {
    "text": "str",
    "integer": "Int64",
    "boolean": "boolean",
    "time": "datetime64[us, UTC]",
    "texts": "object",
}
_MAPPED: Mapping[Kind, Any] = {
    kind: pd.api.types.pandas_dtype(name) for kind, name in _PANDAS.items() if kind in ("text", "integer", "boolean")
}
_Column: TypeAlias = pd.api.extensions.ExtensionArray | npt.NDArray[np.object_]
BUNDLE = 20_000
"""Rows that are made, written and read at a time."""
_NOTHING: list[str] = []
"""The empty list of every table: there are millions of such cells, and nobody writes into a cell."""
NO_TIME = np.iinfo(np.int64).min
"""No time, in a column of whole microseconds."""


def frame(name: str, rows: Iterable[Sequence[object]] = ()) -> pd.DataFrame:
    """A table of the dictionary from rows in column order; one row per what `TABLES[name]` says."""
    return joined(name, frames(name, rows))


def frames(name: str, rows: Iterable[Sequence[object]]) -> Iterator[pd.DataFrame]:
    """The same in bundles, so that the rows of a generator need not all be in memory."""
    table, source = TABLES[name], iter(rows)
    while bundle := list(itertools.islice(source, BUNDLE)):
        columns = list(zip(*bundle, strict=True))
        if len(columns) != len(table.columns):
            raise ValueError(f"{name} has {len(table.columns)} columns, {len(columns)} were given")
        yield pd.DataFrame({c.name: _cells(c.kind, v) for c, v in zip(table.columns, columns, strict=True)})


def bundles(name: str, rows: Iterable[Sequence[object]]) -> Iterator[pa.Table]:
    """The same as it is written."""
    schema, source = _schema(name), iter(rows)
    while bundle := list(itertools.islice(source, BUNDLE)):
        columns = zip(*bundle, strict=True)
        yield pa.table(
            [pa.array(cells, kind) for cells, kind in zip(columns, schema.types, strict=True)], schema=schema
        )


def joined(name: str, parts: Iterable[pd.DataFrame | pa.Table]) -> pd.DataFrame:
    """One table from its parts; empty, with its columns, when there are none."""
    found = [part if isinstance(part, pd.DataFrame) else from_arrow(name, part) for part in parts]
    if not found:
        return _empty(name).copy()
    return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)


def _cells(kind: Kind, values: Sequence[object]) -> _Column:
    """A column for a data frame; as an array, because a frame looks whether the indexes of its series agree."""
    if kind == "texts":
        return _objects([one if one or one is None else _NOTHING for one in values])
    if kind != "time":
        # pandas looks at every value by itself: two to four times as long.
        with contextlib.suppress(pa.ArrowInvalid, pa.ArrowTypeError):
            return _as_pandas(kind, pa.array(values, _ARROW[kind], from_pandas=True))
    # It also takes what is almost of this kind: a number for its text.
    found: _Column = pd.Series(list(values), dtype=_PANDAS[kind]).array
    return found


def _objects(values: Sequence[object]) -> npt.NDArray[np.object_]:
    """Cells as they are; numpy would make a second dimension of lists that are equally long."""
    return np.fromiter(values, dtype=object, count=len(values))


def from_columns(name: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    """A table of the dictionary from whole columns."""
    return pa.table([columns[column] for column in _schema(name).names], schema=_schema(name))


def picked(words: Sequence[str], which: npt.NDArray[np.int64]) -> pa.Array:
    """A column of text of which each cell is one of these words, by its number; none where that is negative."""
    return pa.array(words, pa.string()).take(pa.array(which, mask=which < 0))


def lists_of(counts: npt.NDArray[np.int64], values: pa.Array) -> pa.Array:
    """A column of lists: how many texts each cell holds, and all of them one after another."""
    ends = np.cumsum(counts, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(np.append(np.int32(0), ends)), values, type=_ARROW["texts"])


def times(microseconds: npt.NDArray[np.int64]) -> pa.Array:
    """A column of times from whole microseconds since 1970; none where they are `NO_TIME`."""
    return pa.array(microseconds, mask=microseconds == NO_TIME).cast(_ARROW["time"])


def rows_of(data: pd.DataFrame | pa.Table, *columns: str) -> Iterator[tuple[Any, ...]]:
    """These columns row by row, as plain Python values; pandas' own iteration takes eight times as long over text.

    Where there is no text, a row of Arrow holds None, one of pandas NaN.
    """
    for begin in range(0, len(data), BUNDLE):
        if isinstance(data, pd.DataFrame):
            some = data.iloc[begin : begin + BUNDLE]
            yield from zip(*(some[column].to_numpy(dtype=object) for column in columns), strict=True)
        else:
            some = data.slice(begin, BUNDLE)
            yield from zip(*(some[column].to_pylist() for column in columns), strict=True)


def column(data: pd.DataFrame | pa.Table, name: str) -> pa.Array:
    """One column for counting with Arrow."""
    if isinstance(data, pd.DataFrame):
        return pa.array(data[name], from_pandas=True)
    return data[name].combine_chunks()


def texts_of(data: pd.Series) -> list[str]:
    """A column's texts, where there are any; pandas' own iteration takes eight times as long."""
    found: list[str] = data.dropna().to_numpy(dtype=object).tolist()
    return found


def records(data: pd.DataFrame) -> list[dict[str, Any]]:
    """Every row by column name, as plain Python values; None for no number and neither true nor false."""
    names = list(map(str, data.columns))
    columns = (
        data[name].to_numpy(dtype=object, na_value=None)  # type: ignore[call-overload]
        if isinstance(data[name].dtype, pd.Int64Dtype | pd.BooleanDtype)
        else data[name].to_numpy(dtype=object)
        for name in data.columns
    )
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def to_arrow(name: str, data: pd.DataFrame | None = None) -> pa.Table:
    """A table for Parquet, its columns and their types as the dictionary says; without rows when none are given."""
    if data is None or data.empty:
        return _schema(name).empty_table()
    # What pyarrow has for whole frames takes twice as long: it starts threads, and describes pandas' own types.
    return from_columns(name, {one.name: pa.array(data[one.name], one.type, from_pandas=True) for one in _schema(name)})


@functools.cache
def _empty(name: str) -> pd.DataFrame:
    return pd.DataFrame({column.name: _cells(column.kind, ()) for column in TABLES[name].columns})


@functools.cache
def _schema(name: str) -> pa.Schema:
    return pa.schema([(c.name, _ARROW[c.kind]) for c in TABLES[name].columns])


def from_arrow(name: str, data: pa.Table) -> pd.DataFrame:
    """A table, or some of its columns, as it was before it was written."""
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    return pd.DataFrame({column: _from_arrow(kinds[column], data[column]) for column in data.column_names})


def _from_arrow(kind: Kind, values: pa.ChunkedArray) -> _Column:
    if kind == "texts":
        return _objects(list(itertools.chain.from_iterable(map(_lists, values.chunks))))
    if kind == "time":
        times: _Column = values.to_pandas().array
        return times
    return _as_pandas(kind, values)


def _as_pandas(kind: Kind, values: pa.Array | pa.ChunkedArray) -> _Column:
    found: _Column = _MAPPED[kind].__from_arrow__(values)
    return found


def _lists(values: pa.ListArray) -> Iterator[list[str] | None]:
    """The cells of a column of lists; empty ones are one and the same."""
    ends = values.offsets.to_numpy().tolist()
    texts = values.values.to_pylist()
    absent = values.is_null().to_pylist() if values.null_count else itertools.repeat(False)
    for first, after, is_absent in zip(ends, ends[1:], absent, strict=False):
        yield None if is_absent else texts[first:after] if after > first else _NOTHING
