"""What the data dictionary is made of: tables and their columns, each said in English and Japanese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "boolean", "time", "texts"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its kind, and what it says, in English and Japanese."""

    name: str
    kind: Kind
    en: str
    ja: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what a row stands for, its columns in order, and the columns that identify and order rows."""

    name: str
    row_en: str
    row_ja: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


def table(name: str, row_en: str, row_ja: str, key: str, *columns: tuple[str, Kind, str, str]) -> Table:
    """One table of the dictionary; `key` holds the names of its key columns, with blanks between."""
    return Table(name, row_en, row_ja, tuple(key.split()), tuple(Column(*c) for c in columns))
