"""Tables of what nothing was asked about: every row says the same, but for the name or address that it is about.

Runs without context have tens of thousands of such rows. They are made as whole columns, from the row of nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from .frames import from_columns, to_arrow


def unasked(table: str, row: Sequence[object], nobody: str, keys: Sequence[str]) -> pa.Table:
    """One row per name or address of `keys`, in their order: the row of `nobody`, with theirs in its place."""
    if not keys:
        # Arrow repeats no list no times.
        return to_arrow(table)
    schema = to_arrow(table).schema
    named = pa.array(keys, pa.string())
    columns = {
        field.name: named if cell == nobody else pa.repeat(pa.scalar(cell, field.type), len(keys))
        for field, cell in zip(schema, row, strict=True)
    }
    return from_columns(table, columns)
