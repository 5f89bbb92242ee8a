"""Who enquired: the dated register of enquiries, `enquiries.csv`, one row per answer that was given.

A row says on whose behalf somebody asked, how that was checked, when, about how much, and which answer they were given:
its file and its hash. Rows are only ever added. Each row's `chain_sha256` is a hash over its own cells and the chain of
the row before it, so that a row that was altered, put in, or taken out from among others is found when the next one is
added; rows that were cut off at the end leave no trace here.

The file is UTF-8 with a byte-order mark, so that Excel shows it as it is; a cell that Excel could take for a formula
begins with an apostrophe.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import DecisionNeeded, EnquiryError
from .harmless import harmless

FILE = "enquiries.csv"
COLUMNS = (
    *("number", "answered_at", "for", "basis", "lines", "servers", "unusable", "questions_sha256"),
    *("source", "evidence_head", "answer", "answer_sha256", "chain_sha256"),
)
FOR_MOST, BASIS_MOST = 200, 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LOCK_S = 30.0


@dataclass(frozen=True, slots=True)
class Enquirer:
    """On whose behalf an enquiry is made, and how it was checked that they may have the answer."""

    name: str
    basis: str

    @classmethod
    def of(cls, name: str, basis: str) -> Enquirer:
        """As written on the command line, made plain. Raises EnquiryError for what is empty or far too long."""
        return cls(_said("--for", name, FOR_MOST), _said("--basis", basis, BASIS_MOST))


def _said(option: str, text: str, most: int) -> str:
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(char.isalnum() for char in plain):
        raise EnquiryError(
            "this says nothing",
            where=option,
            remedy='write who asks: --for "Example Town, information desk"; and how you checked that the servers are '
            'theirs: --basis "called back at the number on the town\'s own website, 25 November"',
            ja="照会者（--for）と、本人のサーバであると確かめた方法（--basis）を書いてください",
        )
    if len(plain) > most:
        raise EnquiryError(
            f"this has {len(plain)} characters, more than {most}",
            where=option,
            remedy="write it shorter; keep the rest where you keep your correspondence",
            ja=f"長すぎます（{most}文字まで）",
        )
    return harmless(plain, most)


def record(path: Path, enquirer: Enquirer, facts: Mapping[str, str | int], *, now: datetime) -> int:
    """Add one row, and give its number. `facts` are the other columns, from `lines` to `answer_sha256`.

    Raises EnquiryError when the file cannot be read or written; DecisionNeeded when its rows were altered.
    """
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_S):
            rows = read(path)
            _check(path, rows)
            number = len(rows) + 1
            moment = now.astimezone(UTC).isoformat(timespec="seconds")
            cells = [str(number), moment, enquirer.name, enquirer.basis]
            cells += [str(facts[name]) for name in COLUMNS[4:-1]]
            cells = [_cell(cell) for cell in cells]
            cells.append(_chain(rows[-1][-1] if rows else "", cells))
            _append(path, cells, rows)
    except Timeout:
        raise EnquiryError(
            "another process is writing into this file",
            where=str(path),
            remedy="wait a moment, then run the command again",
            ja="別の処理が書き込み中です。少し待ってから再実行してください",
        ) from None
    except OSError as error:
        raise EnquiryError(
            f"the register of enquiries cannot be written: {error.strerror}",
            where=str(path),
            remedy="close it in Excel, then run the command again; no answer was given",
            ja="照会の記録に書き込めません。Excel で開いていれば閉じて、再実行してください（回答は出していません）",
        ) from None
    return number


def read(path: Path) -> list[list[str]]:
    """Every row in the order of `COLUMNS`, header left out; nothing where there is no file. Raises EnquiryError."""
    if not path.exists():
        return []
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "cp932"):
        try:
            found = [row for row in csv.reader(io.StringIO(data.decode(encoding), newline="")) if row]
        except (UnicodeDecodeError, csv.Error):
            continue
        if found and found[0] == list(COLUMNS) and all(len(row) == len(COLUMNS) for row in found):
            return found[1:]
    raise EnquiryError(
        "this is no register of enquiries",
        where=str(path),
        remedy="restore the file from a copy, or move it away to begin a new one",
        ja="照会の記録として読めません。控えから戻すか、別の場所に移してください",
    )


def altered(rows: Sequence[Sequence[str]]) -> list[int]:
    """The rows (by their place, from 1) whose chain does not fit: they, or the rows before them, were altered."""
    before, found = "", []
    for place, row in enumerate(rows, 1):
        if row[0] != str(place) or row[-1] != _chain(before, row[:-1]):
            found.append(place)
        before = row[-1]
    return found


def _check(path: Path, rows: Sequence[Sequence[str]]) -> None:
    if wrong := altered(rows):
        raise DecisionNeeded(
            f"the rows of this file were altered, first in enquiry {wrong[0]}; no answer was given",
            where=str(path),
            remedy="restore it from a copy; or keep it under another name, with a note, and begin a new one",
            ja="照会の記録が書き換えられています。控えから戻すか、別名で保管して新しく始めてください（回答は出していません）",
        )


def _chain(before: str, cells: Sequence[str]) -> str:
    text = "\x1f".join((before, *cells))
    return hashlib.sha256(text.encode()).hexdigest()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _append(path: Path, cells: Sequence[str], before: Sequence[Sequence[str]]) -> None:
    """Write one row at the end and see it onto the disk; what Excel saved in another way is written as it was first."""
    head = b"" if path.exists() else _encoded([COLUMNS], "utf-8-sig")
    if path.exists() and path.read_bytes() != _encoded([COLUMNS, *before], "utf-8-sig"):
        aside = path.with_name(f"{path.name}.new")
        aside.write_bytes(_encoded([COLUMNS, *before], "utf-8-sig"))
        aside.replace(path)
    with path.open("ab") as file:
        file.write(head + _encoded([cells], "utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _encoded(rows: Sequence[Sequence[str]], encoding: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(encoding)
