"""Exchanges of a whole run in little memory: numbers in one array, names and answers in one run of bytes.

A country's companies make hundreds of thousands of them. As objects of their own they would take three times as much,
and leave holes behind when they go.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from .calm import give_back
from .exchanges import NO_QUESTION, Exchanges, Question, Row, is_usable, passes_of

_FIELDS, _TYPE = 10, 3
"""How many numbers are kept of a row, and which of them is its type."""


class PackedExchanges(Exchanges):
    """The same as `Exchanges`, for reading: all rows are given at once, and each is made again when it is asked for."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._keys = array("q")
        """What a row is found by, in the order of `_places` once all are there."""
        self._places = array("q")
        self._numbers = array("q")
        self._bytes = bytearray()
        self._texts: list[str] = []
        """Servers, transports and outcomes, each once."""
        self._text_of: dict[str, int] = {}
        super().__init__(rows)

    def add(self, rows: Iterable[Row]) -> None:
        """Take all rows, once."""
        if self._keys:
            raise ValueError("these exchanges are complete")
        keys, numbers, data, number_of = self._keys, self._numbers, self._bytes, self._number_of
        for row in rows:
            if row.type == NO_QUESTION:
                continue
            if row.round:
                super().add((row,))
                continue
            self.packets += 1
            name = row.name.encode("utf-8", "surrogatepass")
            keys.append(hash((row.name, row.type)))
            numbers.extend(
                (
                    *(row.id, row.sitting, row.pass_number, row.type, row.attempt, row.asked_us, row.elapsed_us),
                    number_of(row.server) << 32 | number_of(row.transport) << 16 | number_of(row.outcome),
                    len(data) << 16 | len(name),
                    len(row.answer),
                )
            )
            data += name
            data += row.answer
        order = np.argsort(np.frombuffer(keys, dtype=np.int64), kind="stable")
        self._keys = array("q", np.frombuffer(keys, dtype=np.int64)[order].tobytes())
        self._places = array("q", order.astype(np.int64).tobytes())

    def _number_of(self, text: str) -> int:
        found = self._text_of.get(text)
        if found is None:
            found = self._text_of[text] = len(self._texts)
            self._texts.append(text)
        return found

    def _row(self, place: int) -> Row:
        numbers = self._numbers[place * _FIELDS : (place + 1) * _FIELDS]
        id_, sitting, number, type_, attempt, asked_us, elapsed_us, texts, where, size = numbers
        begin, texts_of = where >> 16, self._texts
        middle = begin + (where & 0xFFFF)
        name, answer = (
            self._bytes[begin:middle].decode("utf-8", "surrogatepass"),
            bytes(self._bytes[middle : middle + size]),
        )
        server, transport, outcome = texts_of[texts >> 32], texts_of[texts >> 16 & 0xFFFF], texts_of[texts & 0xFFFF]
        return Row(
            id_, sitting, number, 0, name, type_, server, transport, attempt, outcome, asked_us, elapsed_us, answer
        )

    def passes(self, name: str, type_: int) -> Sequence[Row]:
        key, keys = hash((name, type_)), self._keys
        at = bisect_left(keys, key)
        found = []
        while at < len(keys) and keys[at] == key:
            row = self._row(self._places[at])
            if row.name == name and row.type == type_:
                found.append(row)
            at += 1
        return found if len(found) < 2 else passes_of(found)

    def latest(self, name: str, type_: int) -> Row | None:
        rows = self.passes(name, type_)
        if len(rows) < 2:
            return rows[0] if rows else None
        return next((row for row in reversed(rows) if is_usable(row)), rows[-1])

    def questions(self) -> Iterator[Question]:
        rows = (self._row(place) for place in range(len(self._keys)))
        return iter({Question(row.name, row.type): None for row in rows})

    def has_asked(self, *types: int) -> bool:
        return bool(np.isin(np.frombuffer(self._numbers, dtype=np.int64)[_TYPE::_FIELDS], types).any())

    def asked_n(self) -> int:
        numbers = np.frombuffer(self._numbers, dtype=np.int64).reshape(-1, _FIELDS)
        places = np.frombuffer(self._places, dtype=np.int64)
        asked = np.stack([np.frombuffer(self._keys, dtype=np.int64), numbers[places, 2]], axis=1)
        return len(np.unique(asked, axis=0)) + super().asked_n()

    def forget_survey(self) -> None:
        self._keys, self._places, self._numbers, self._bytes = array("q"), array("q"), array("q"), bytearray()
        give_back()
