"""The register: from the Excel that a newsroom has to the tables `bodies`, `domains`, `candidates` and `problems`.

Nothing is lost silently: every row that holds anything becomes a body, or joins one, or stands in `problems` with
sheet, row, column, value, what is wrong and what was done. Codes are text; a lost zero or check digit is repaired only
when exactly one official code fits and agrees with prefecture or name. Codes of other countries are kept as written.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from . import codes
from .calm import uninterrupted
from .cells import cell_text, code_text, find_header, is_heading, read_domain, words_of
from .errors import RegisterError
from .frames import frame
from .sheets import Sheet, column_letter, read_sheets
from .suffixes import is_reserved
from .tables import BODY_KINDS, Candidacy, Confidence

_HEADERS = {
    "code": "団体コード 全国地方公共団体コード 地方公共団体コード 自治体コード 市区町村コード 市町村コード コード "
    "code bodycode municipalitycode officialcode lgcode id bfsnr bfs",
    "prefecture": "都道府県 都道府県名 都道府県名(漢字) 地域 prefecture region state province canton kanton pref",
    "prefecture_kana": "都道府県名(カナ) 都道府県カナ",
    "name": "団体名 自治体名 市区町村名 市区町村名(漢字) 市区町村 市町村名 市町村 機関名 組織名 名称 団体 name body "
    "municipality organisation organization city",
    "kana": "読み よみ 読み方 ふりがな フリガナ カナ 団体名(カナ) 市区町村名(カナ) kana reading",
    "kind": "種別 団体種別 区分 団体区分 kind type",
    "domain": "メールドメイン ドメイン ドメイン名 メールのドメイン domain domains maildomain emaildomain",
    "by_website": "候補ドメイン(ウェブサイト) websitecandidates candidatesbywebsite",
    "by_convention": "候補ドメイン(命名規則) 候補ドメイン 候補 candidates conventioncandidates candidatesbyconvention",
    "in_scope": "調査対象 対象 inscope scope",
    "scope_reason": "対象外の理由 対象外理由 scopereason",
}
_COLUMN_OF = {word: column for column, words in _HEADERS.items() for word in words.split()}
_KIND_WORDS = {
    **{kind: kind for kind in BODY_KINDS},
    **{"都道府県": "prefecture", "都": "prefecture", "道": "prefecture", "府": "prefecture", "県": "prefecture"},
    **{"政令指定都市": "designated_city", "政令市": "designated_city", "指定都市": "designated_city"},
    **{"市": "city", "特別区": "special_ward", "町": "town", "村": "village", "区": "special_ward"},
    **{"国": "national", "国の機関": "national", "省庁": "national", "中核市": "city", "その他": "other"},
    **{"designatedcity": "designated_city", "specialward": "special_ward", "ward": "special_ward"},
}
_CANDIDATES = (("by_website", "website"), ("by_convention", "convention"))
"""Columns of candidate domains, and what they rest on; the likelier first."""
_MOST_CANDIDATES = 100
_EXCEL_ERROR = re.compile(r"#(REF|N/A|NAME\?|VALUE|DIV/0|NUM|NULL)!?")
_JOINTS = re.compile(r"[\s_-]")
_OUT = frozenset(("対象外", "no", "false", "0", "×", "x", "外", "out"))


@dataclass(frozen=True, slots=True)
class Register:
    """A register as it was read: its tables, and which file it was."""

    bodies: pd.DataFrame
    domains: pd.DataFrame
    candidates: pd.DataFrame
    problems: pd.DataFrame
    path: Path
    sha256: str


@dataclass(slots=True)
class _Entry:
    """One body while it is read."""

    code: str
    prefecture: str
    name: str
    kana: str
    kind: str
    in_scope: bool
    scope_reason: str | None
    sheet: str
    row: int
    domains: dict[str, tuple[str, int]] = field(default_factory=dict)
    candidates: dict[str, str] = field(default_factory=dict)
    """Basis of each candidate domain, the likeliest first."""


class _Reader:
    """Reads the sheets of one file, collecting bodies and problems."""

    def __init__(self) -> None:
        self.entries: dict[str, _Entry] = {}
        self.problems: list[tuple[object, ...]] = []
        self.has_domain_column = False
        self._sheet = ""
        self._sheets_read = 0

    def problem(
        self,
        row: int | None,
        column: int | None,
        value: object,
        said: tuple[str, str],
        done: tuple[str, str],
        *,
        usable: bool,
    ) -> None:
        letter = "" if column is None else column_letter(column)
        shown = "" if value is None else str(value)[:500]
        self.problems.append((self._sheet, row, letter, shown, said[0], said[1], done[0], done[1], usable))

    def sheet(self, sheet: Sheet) -> bool:
        """Read one sheet; whether it is part of the register."""
        self._sheet = sheet.title
        if not sheet.rows:
            return False
        header, columns = find_header(sheet, _COLUMN_OF, _is_register)
        if header is None:
            self.problem(
                None,
                None,
                None,
                ("no header row with a code or name column", "コードまたは名称の見出しがない"),
                ("the sheet was not read", "このシートは読み込まず"),
                usable=False,
            )
            return False
        self.has_domain_column |= not columns.keys().isdisjoint(("domain", "by_website", "by_convention"))
        self._sheets_read += 1
        for number in sheet.hidden_rows:
            if number > header:
                self.problem(
                    number,
                    None,
                    None,
                    ("the row is hidden", "非表示の行"),
                    ("it was read all the same", "通常どおり読み込み"),
                    usable=True,
                )
        for number, column, formula in sheet.uncomputed:
            if number > header:
                self.problem(
                    number,
                    column - 1,
                    formula,
                    ("a formula without a computed value", "計算結果が保存されていない数式"),
                    ("read as empty; save the file in Excel once", "空欄として扱い。Excel で一度保存してください"),
                    usable=True,
                )
        wards = repeats = 0
        for number, row in sheet.rows.items():
            if number <= header or (number == header + 1 and is_heading(row, columns, _COLUMN_OF)):
                continue
            match self._row(number, row, columns):
                case "ward":
                    wards += 1
                case "repeat":
                    repeats += 1
        if wards:
            extra, extra_ja = (f"; {repeats} cities repeated", f"。再掲の市{repeats}件") if repeats else ("", "")
            self.problem(
                None,
                None,
                f"{wards}",
                (f"{wards} wards of designated cities{extra}", f"政令指定都市の区{wards}件{extra_ja}"),
                ("wards are no bodies of their own; left out", "区は独立した団体ではないため除外"),
                usable=False,
            )
        return True

    def _row(self, number: int, row: Sequence[object], columns: dict[str, int]) -> str:
        cells = {name: row[index] for name, index in columns.items() if index < len(row)}

        def text(name: str) -> str:
            return cell_text(cells.get(name))

        for name, value in cells.items():
            if isinstance(value, str) and "#" in value and _EXCEL_ERROR.fullmatch(value.strip()):
                self.problem(
                    number,
                    columns[name],
                    value,
                    ("an Excel error", "Excel のエラー値"),
                    ("read as empty", "空欄として扱い"),
                    usable=True,
                )
        prefecture = text("prefecture")
        name = text("name") or prefecture
        written, domain = cells.get("code"), cells.get("domain")
        if not name and not code_text(written):
            if any(cell_text(value) for value in row):
                self.problem(
                    number,
                    None,
                    " ".join(filter(None, map(cell_text, row)))[:200],
                    ("neither code nor name", "コードも名称もない行"),
                    ("left out", "除外"),
                    usable=False,
                )
            return "other"
        code, said = self._code(number, columns.get("code"), written, prefecture, name)
        if codes.is_ward(code):
            return "ward"
        known = self.entries.get(code)
        if known is not None:
            if known.name == name and self._sheets_read > 1 and not cell_text(domain):
                return "repeat"
            if known.name != name:
                self.problem(
                    number,
                    columns.get("code"),
                    code,
                    (
                        f"the code stands already at {known.name} (row {known.row})",
                        f"コードが{known.name}（{known.row}行目）と重複",
                    ),
                    ("left out, its domains too; correct the code", "ドメインも含めて除外。コードを直してください"),
                    usable=False,
                )
                return "other"
            self.problem(
                number,
                columns.get("code"),
                code,
                (f"the body stands already in row {known.row}", f"{known.row}行目と同じ団体"),
                ("the domains were put together", "ドメインをまとめた"),
                usable=True,
            )
        else:
            known = self._body(code, prefecture, name, text, number)
            self.entries[code] = known
        if said:
            self.problem(number, columns.get("code"), written, *said, usable=True)
        self._domains(known, number, columns.get("domain"), domain)
        for column, basis in _CANDIDATES:
            if column in cells:
                self._candidates(known, number, columns[column], cells[column], basis)
        return "body"

    def _body(self, code: str, prefecture: str, name: str, get: Callable[[str], str], number: int) -> _Entry:
        kana = unicodedata.normalize("NFKC", get("kana"))
        is_out = get("in_scope").lower() in _OUT
        why: str | None = get("scope_reason") or ("対象外" if is_out else None)
        if codes.is_code(code) and code[:5] in codes.WITHOUT_ADMINISTRATION:
            is_out, why = True, "行政機能のない村（北方領土） / a village without administration"
        written = get("kind").lower()
        kind = _KIND_WORDS.get(written) or _KIND_WORDS.get(_JOINTS.sub("", written))
        return _Entry(
            code,
            prefecture,
            name,
            kana,
            kind or codes.kind(code, name),
            not is_out,
            why if is_out else None,
            self._sheet,
            number,
        )

    def _code(
        self, number: int, column: int | None, written: object, prefecture: str, name: str
    ) -> tuple[str, tuple[tuple[str, str], tuple[str, str]] | None]:
        """The code to use, and what to say about it."""
        text = code_text(written)
        if not text:
            made = f"row-{number}" if self._sheets_read == 1 else f"row-{self._sheets_read}-{number}"
            reason = ("no code", "コードがない")
            if written is not None and cell_text(written):
                reason = ("this is no code", "コードとして読めない")
            return made, (reason, (f"the body is surveyed as {made}", f"{made} として調査"))
        if not text.isdigit() or prefecture not in codes.prefecture_names():
            return text, None
        known = codes.official().get(text)
        if known is not None and name in (known.name, known.prefecture):
            return text, None
        if codes.is_code(text) and (known is None or codes.is_ward(text)):
            return text, None
        fitting = {
            code
            for code in codes.candidates(text)
            if (one := codes.official().get(code)) is None or one.prefecture == prefecture or one.name == name
        }
        exact = {code for code in fitting if (one := codes.official().get(code)) is not None and one.name == name}
        chosen = exact or fitting
        if len(chosen) == 1 and (code := next(iter(chosen))) != text:
            return code, (
                ("the code lost a zero or its check digit", "コードの先頭の0または検査数字が欠けている"),
                (f"repaired to {code}", f"{code} に修復"),
            )
        owner = f": it is {known.name}'s" if known else ""
        owner_ja = f"（{known.name}のコード）" if known else ""
        return text, (
            (f"the code does not fit the name{owner}", f"コードと名称が一致しない{owner_ja}"),
            ("kept as written; the body is surveyed", "記載のまま調査"),
        )

    def _domains(self, entry: _Entry, number: int, column: int | None, cell: object) -> None:
        for token in words_of(cell):
            domain, said = read_domain(token)
            if domain is None:
                self.problem(
                    number, column, token, ("this is no domain", "ドメインではない"), ("left out", "除外"), usable=False
                )
                continue
            if said:
                self.problem(number, column, token, said, (f"read as {domain}", f"{domain} と読んだ"), usable=True)
            if domain in entry.domains:
                self.problem(
                    number,
                    column,
                    token,
                    ("the domain stands here twice", "同じドメインの重複"),
                    ("kept once", "1件にまとめた"),
                    usable=True,
                )
            entry.domains.setdefault(domain, (token, number))

    def _candidates(self, entry: _Entry, number: int, column: int, cell: object, basis: str) -> None:
        for token in words_of(cell):
            domain, _ = read_domain(token)
            if domain is None:
                said = ("this is no domain", "ドメインではない")
                self.problem(number, column, token, said, ("left out", "除外"), usable=True)
            elif len(entry.candidates) >= _MOST_CANDIDATES:
                said = (f"more than {_MOST_CANDIDATES} candidates", f"候補が{_MOST_CANDIDATES}件を超える")
                self.problem(number, column, token, said, ("the rest was left out", "残りは除外"), usable=True)
                break
            else:
                entry.candidates.setdefault(domain, basis)


@uninterrupted()
def load_register(path: str | Path) -> Register:
    """Read a register from .xlsx or .csv: one row of `bodies` per body, of `domains` per body × domain.

    Raises RegisterError when nothing usable can be read at all; single bad rows are rows of `problems`.
    """
    path = Path(path)
    reader = _Reader()
    used = [reader.sheet(sheet) for sheet in read_sheets(path)]
    if not any(used) or not reader.entries:
        raise RegisterError(
            "no sheet has a header row with a code or name column and rows below it",
            where=str(path),
            remedy="name the columns 団体コード, 都道府県, 団体名, メールドメイン (or code, prefecture, name, domain)",
            ja="見出し行が見つかりません。団体コード・都道府県・団体名・メールドメインの見出しを付けてください",
        )
    if not reader.has_domain_column:
        reader.problem(
            None,
            None,
            None,
            ("no column of mail domains", "メールドメインの列がない"),
            ("bodies are read; their domains are not known", "団体のみ読み込み。ドメインは不明"),
            usable=True,
        )
    entries = list(reader.entries.values())
    bodies = (
        (e.code, e.prefecture, e.name, e.kana, e.kind, e.in_scope, e.scope_reason, e.sheet, e.row) for e in entries
    )
    domains: Iterator[tuple[object, ...]] = (
        (e.code, domain, "given", written, row, Confidence.HIGH, is_reserved(domain), True, [], [])
        for e in entries
        for domain, (written, row) in e.domains.items()
    )
    candidates: Iterator[tuple[object, ...]] = (
        (e.code, rank, domain, basis, Candidacy.NOT_ASKED, None, e.row, [])
        for e in entries
        for rank, (domain, basis) in enumerate(e.candidates.items(), 1)
    )
    return Register(
        frame("bodies", bodies),
        frame("domains", domains),
        frame("candidates", candidates),
        frame("problems", reader.problems),
        path,
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _is_register(columns: Collection[str]) -> bool:
    return ("name" in columns or "code" in columns) and len(columns) > 1
