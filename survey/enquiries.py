"""An enquiry: the lines that an owner or operator sent, each read, or listed with the reason why not.

Lines come as arguments, from a text file (UTF-8, with or without a byte-order mark, UTF-16 with one, or Shift_JIS),
from a CSV file or from an Excel workbook, any sheet and any column. Nothing is lost: every line of a text, and every
cell that holds anything, is an item or several, with its place. What a line means is told by `subjects`.

Limits: 5,000 different names, addresses and ranges, and 4,096 addresses in ranges of IPv4. What lies beyond is listed
as not taken; it goes into a second enquiry.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .cells import cell_text
from .errors import EnquiryError, RegisterError
from .harmless import harmless
from .sheets import Sheet, column_letter, read_sheets
from .subjects import Subject, Word, read_words

SUBJECTS_MOST, ADDRESSES_MOST = 5_000, 4_096
_ITEMS_MOST = 200_000
_WRITTEN_MOST = 300
_HEADING_ROWS_MOST = 10
_FILE_MOST = 50 << 20
_BOOKS, _TABLES, _TEXTS = (".xlsx", ".xlsm", ".xls"), (".csv", ".tsv"), (".txt", ".text", ".lst", ".list")
_EXCEL_ERROR = re.compile(r"#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NUM!|NULL!)")


class Outcome(StrEnum):
    """What became of one item when it was read."""

    TAKEN = "taken"
    REPEATED = "repeated"
    UNUSABLE = "unusable"
    BESIDE = "beside"
    """No question: a heading, a comment, or text beside names and addresses of the same row."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that somebody wrote: where it stands, what it is read as, and why if it is not taken."""

    file: str
    sheet: str
    row: int
    column: str
    written: str
    outcome: Outcome
    subject: Subject | None = None
    reason: str | None = None
    note: str | None = None

    @property
    def place(self) -> tuple[str, str, int, str]:
        """The line or cell that it stands in: items of one line share it."""
        return self.file, self.sheet, self.row, self.column


@dataclass(frozen=True, slots=True)
class Enquiry:
    """Everything that was asked, in order; each subject once."""

    items: tuple[Item, ...]
    subjects: tuple[Subject, ...]
    lines_n: int
    """Lines and cells that held anything."""

    def counts(self) -> dict[str, int]:
        """Items by outcome; they add up to the items."""
        return {outcome.value: sum(item.outcome is outcome for item in self.items) for outcome in Outcome}

    @property
    def sha256(self) -> str:
        """A hash of what was asked about."""
        return hashlib.sha256("\n".join(subject.text for subject in self.subjects).encode()).hexdigest()


@dataclass(slots=True)
class _Cell:
    """One line or cell before it is read."""

    file: str
    sheet: str
    row: int
    column: int | None
    text: str
    reason: str | None = None


@dataclass(slots=True)
class _Reader:
    """Takes cells, keeps items, and sees that nothing is taken twice or beyond the limits."""

    items: list[Item] = field(default_factory=list)
    lines_n: int = 0
    taken: dict[str, Subject] = field(default_factory=dict)
    addresses_n: int = 0

    def line(self, cell: _Cell) -> None:
        """One line of a text: every word of it that could be meant, or the line as a whole."""
        self.lines_n += 1
        if cell.reason is not None:
            self._add(cell, cell.text, Outcome.UNUSABLE, reason=cell.reason)
            return
        text = cell.text.strip("\ufeff \t\u3000")
        if text.startswith(("#", "＃", ";", "//", "※")):
            self._add(cell, cell.text, Outcome.BESIDE, reason="comment")
            return
        body = re.split(r"\s[#＃※]", text, maxsplit=1)[0]
        meant = self._meant(read_words(body))
        for word in meant:
            self._take(cell, word)
        if not meant:
            self._add(cell, cell.text, Outcome.BESIDE, reason="comment")

    def sheet(self, rows: Sequence[Sequence[_Cell]]) -> None:
        """One sheet: what stands beside names and addresses, or above the first of them, is no failure."""
        read = [[(cell, [] if cell.reason else self._meant(read_words(cell.text))) for cell in cells] for cells in rows]
        columns = {cell.column for row in read for cell, words in row if _has_subject(words)}
        first = next((place for place, row in enumerate(read) if any(_has_subject(words) for _, words in row)), None)
        for place, row in enumerate(read):
            aside = None
            if first is None:
                aside = "sheet_without"
            elif place < first and place < _HEADING_ROWS_MOST:
                aside = "heading"
            elif any(cell.column in columns or _is_meant(words) for cell, words in row):
                aside = "text_beside"
            for cell, words in row:
                self.lines_n += 1
                is_text = cell.reason is not None or not _is_meant(words)
                if is_text and aside is not None and (aside != "text_beside" or cell.column not in columns):
                    self._add(cell, cell.text, Outcome.BESIDE, reason=aside)
                elif cell.reason is not None:
                    self._add(cell, cell.text, Outcome.UNUSABLE, reason=cell.reason)
                else:
                    for word in words:
                        self._take(cell, word)

    @staticmethod
    def _meant(words: list[Word]) -> list[Word]:
        return [word for word in words if word.subject is not None or word.reason is not None]

    def _take(self, cell: _Cell, word: Word) -> None:
        subject = word.subject
        if subject is None:
            self._add(cell, cell.text if word.reason == "no_subject" else word.written, Outcome.UNUSABLE, word)
        elif subject.text in self.taken:
            self._add(cell, word.written, Outcome.REPEATED, word)
        elif len(self.taken) >= SUBJECTS_MOST:
            self._add(cell, word.written, Outcome.UNUSABLE, word._replace(subject=None), reason="too_many_subjects")
        elif not subject.is_ipv6 and subject.kind == "range" and self.addresses_n + subject.size > ADDRESSES_MOST:
            self._add(cell, word.written, Outcome.UNUSABLE, word._replace(subject=None), reason="too_many_in_ranges")
        else:
            self.taken[subject.text] = subject
            if subject.kind == "range" and not subject.is_ipv6:
                self.addresses_n += subject.size
            self._add(cell, word.written, Outcome.TAKEN, word)

    def _add(
        self, cell: _Cell, written: str, outcome: Outcome, word: Word | None = None, *, reason: str | None = None
    ) -> None:
        if len(self.items) >= _ITEMS_MOST:
            raise EnquiryError(
                f"more than {_ITEMS_MOST:,} words and cells",
                where=cell.file,
                remedy="divide the file, and leave out sheets that hold no names or addresses",
                ja="行とセルが多すぎます。ファイルを分け、関係のないシートを除いてください",
            )
        subject, note = (word.subject, word.note) if word is not None else (None, None)
        reason = reason or (word.reason if word is not None else None)
        column = "" if cell.column is None else column_letter(cell.column)
        shown = harmless(" ".join(written.split()), _WRITTEN_MOST)
        self.items.append(Item(cell.file, cell.sheet, cell.row, column, shown, outcome, subject, reason, note))


def read_enquiry(arguments: Sequence[str]) -> Enquiry:
    """Read what was written on the command line: names, addresses, ranges, and files of them. Raises EnquiryError."""
    reader = _Reader()
    for number, argument in enumerate(arguments, 1):
        if (path := _file(argument)) is not None:
            _read_file(reader, path)
        elif argument.strip():
            reader.line(_Cell("", "", number, None, argument))
    return _read(reader)


def read_lines(lines: Iterable[str]) -> Enquiry:
    """Read lines that somebody typed: names, addresses, ranges. Raises EnquiryError."""
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        if line.strip():
            reader.line(_Cell("", "", number, None, line))
    return _read(reader)


def _read(reader: _Reader) -> Enquiry:
    """What a reader has read; an error where nothing of it can be asked about."""
    if not reader.taken:
        where, what, ja = "", "nothing was asked", "ドメイン・ホスト名・アドレスがありません"
        if reader.items:
            one = reader.items[0]
            where = ", ".join(filter(None, (one.file, one.sheet, f"row {one.row}", one.column)))
            what = f"no name, address or range could be read, beginning with {one.written!r} ({one.reason})"
            ja = "ドメイン・ホスト名・アドレス・範囲として読めるものがありません"
        raise EnquiryError(
            what, where=where, remedy="write city.example.jp, mail.city.example.jp, 192.0.2.1 or 192.0.2.0/24", ja=ja
        )
    return Enquiry(tuple(reader.items), tuple(reader.taken.values()), reader.lines_n)


def _file(argument: str) -> Path | None:
    """The file that an argument names; None where it is a name, an address or a range."""
    path = Path(argument)
    is_named_so = path.suffix.lower() in (*_BOOKS, *_TABLES, *_TEXTS)
    try:
        is_there = path.is_file()
    except (OSError, ValueError):
        is_there = False
    if is_there and (is_named_so or not any(word.subject for word in read_words(argument))):
        return path
    if is_named_so and "://" not in argument:
        raise EnquiryError(
            "there is no such file", where=argument[:200], remedy="check the path", ja="ファイルがありません"
        )
    return None


def _read_file(reader: _Reader, path: Path) -> None:
    if path.suffix.lower() in (*_BOOKS, *_TABLES):
        try:
            sheets = read_sheets(path)
        except RegisterError as error:
            raise EnquiryError(error.what, where=error.where or str(path), remedy=error.remedy, ja=error.ja) from None
        for sheet in sheets:
            _read_sheet(reader, path.name, sheet)
    else:
        for number, (text, reason) in enumerate(_lines(path), 1):
            if text.strip("\ufeff \t\r\n\u3000"):
                reader.line(_Cell(path.name, "", number, None, text, reason))


def _lines(path: Path) -> Iterator[tuple[str, str | None]]:
    """The lines of a text file; a line that is no text in any of its encodings comes with the reason."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EnquiryError(
            f"the file cannot be opened: {error.strerror}",
            where=str(path),
            remedy="check it",
            ja="ファイルを開けません",
        ) from None
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if len(data) > _FILE_MOST or (b"\0" in data and not is_wide):
        raise EnquiryError(
            "this is no text file, or far too large a one",
            where=str(path),
            remedy="save it as a text file in UTF-8, or as .xlsx",
            ja="テキストファイルではないか、大きすぎます。UTF-8 のテキストか .xlsx で保存してください",
        )
    encodings = ("utf-16",) if is_wide else ("utf-8-sig", "cp932")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        yield from ((line, None) for line in re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", text))
        return
    for line in re.split(rb"\r\n|[\n\r]", data):
        try:
            yield line.decode("utf-8"), None
        except UnicodeDecodeError:
            try:
                yield line.decode("cp932"), None
            except UnicodeDecodeError:
                yield line.decode("utf-8", "backslashreplace"), "undecodable"


def _read_sheet(reader: _Reader, file: str, sheet: Sheet) -> None:
    rows = {number: list(_cells(file, sheet, number, row)) for number, row in sheet.rows.items()}
    for number, column, formula in sheet.uncomputed:
        rows.setdefault(number, []).append(_Cell(file, sheet.title, number, column - 1, formula, "formula"))
    reader.sheet([sorted(cells, key=_column) for _, cells in sorted(rows.items())])


def _column(cell: _Cell) -> int:
    return cell.column or 0


def _cells(file: str, sheet: Sheet, number: int, row: Iterable[object]) -> Iterator[_Cell]:
    for column, value in enumerate(row):
        text = cell_text(value)
        if not text:
            continue
        reason = None
        if isinstance(value, bool | int | float | datetime.date | datetime.time):
            reason = "number_or_date"
        elif _EXCEL_ERROR.fullmatch(text):
            reason = "excel_error"
        yield _Cell(file, sheet.title, number, column, text, reason)


def _has_subject(words: Iterable[Word]) -> bool:
    return any(word.subject is not None for word in words)


def _is_meant(words: Iterable[Word]) -> bool:
    """Whether a word is, or was meant to be, a name or an address."""
    return any(word.reason != "no_subject" for word in words)
