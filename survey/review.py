"""The review: what people decided about doubtful domains, in `review.xlsx` of a run folder.

`collect` writes the doubtful rows; a person writes yes or no, who, when and why. Decided rows are obeyed by the next
reading of the tables and by the next pass, and they survive every rewriting, as do rows and columns that people add. A
decision without who, when and why, or that cannot be read, is a problem with its row and column, and is not obeyed.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from .cells import read_domain
from .errors import RegisterError
from .frames import frame, rows_of
from .sheets import column_letter, read_sheets
from .tables import Candidacy, Confidence

FILE = "review.xlsx"
_HEADS = (
    ("code", "団体コード", 12),
    ("prefecture", "都道府県", 12),
    ("name", "団体名", 18),
    ("domain", "ドメイン", 36),
    ("decision", "判断 (yes/no)", 14),
    ("who", "判断者", 14),
    ("when", "判断日", 12),
    ("reason", "理由", 40),
    ("question", "確認すること", 60),
)
_WRITTEN_BY_PEOPLE = ("decision", "who", "when", "reason")
_YES = frozenset(["yes", "y", "true", "1", "はい", "○", "〇", "可", "採用"])
_NO = frozenset(["no", "n", "false", "0", "いいえ", "×", "否", "不可", "不採用"])
_QUESTIONS = {
    "better_silent": ("より有力な候補から応答がない", "a likelier candidate did not answer"),
    "guessed_twice": ("他の団体のドメインと同じ", "another body's domain too"),
    "anybodys_name": ("誰でも取得できる名前", "a name that anybody could hold"),
    "no_soa": ("SOA を確認できない", "no SOA was heard"),
}
_NONE_FOUND = "候補のどれも確認できない。ドメインを記入してください / no candidate was confirmed: write the domain"


@dataclass(frozen=True, slots=True)
class Decision:
    """One dated human decision about one domain of one body."""

    code: str
    domain: str
    is_yes: bool
    who: str
    when: str
    reason: str
    row: int


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it was read: decisions to obey, problems (rows of that table), and every row that people wrote."""

    decisions: tuple[Decision, ...] = ()
    problems: tuple[tuple[object, ...], ...] = ()
    heads: tuple[str, ...] = ()
    kept: tuple[Mapping[str, str], ...] = ()
    open_rows: tuple[Mapping[str, str], ...] = ()
    """Rows that nobody wrote into yet."""

    def denied(self) -> dict[str, frozenset[str]]:
        """Per body the domains that people said no to."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self.decisions:
            if not one.is_yes:
                found[one.code].add(one.domain)
        return {code: frozenset(domains) for code, domains in found.items()}

    def obey(self, given: pd.DataFrame) -> pd.DataFrame:
        """The given domains without the denied ones, and the reviewed ones: one row per body × domain."""
        if not self.decisions:
            return given.reset_index(drop=True)
        denied = self.denied()
        stays = [domain not in denied.get(code, ()) for code, domain in rows_of(given, "code", "domain")]
        kept = given.loc[stays]
        known = set(rows_of(kept, "code", "domain"))
        added: list[tuple[object, ...]] = [
            (one.code, one.domain, "reviewed", one.domain, one.row, Confidence.HIGH, False, True, [], [])
            for one in self.decisions
            if one.is_yes and (one.code, one.domain) not in known
        ]
        return pd.concat([kept, frame("domains", added)], ignore_index=True) if added else kept.reset_index(drop=True)


def has_rows_of(path: Path, earlier: Path) -> bool:
    """Whether everything that people wrote into an earlier review stands in this one too."""

    def written(file: Path) -> set[tuple[str, ...]]:
        heads = [head for name, head, _ in _HEADS if name in ("code", "domain", *_WRITTEN_BY_PEOPLE)]
        return {tuple(cells.get(head, "") for head in heads) for cells in read_review(file, ()).kept}

    return written(earlier) <= written(path)


def read_review(path: Path, codes: Collection[str]) -> Review:
    """Read a review file; nothing when there is none. Raises RegisterError when it cannot be read at all."""
    if not path.is_file():
        return Review()
    sheet = read_sheets(path)[0]
    header = next((number for number, row in sheet.rows.items() if "団体コード" in map(_text, row)), None)
    heads = [_text(value) for value in sheet.rows[header]] if header is not None else []
    by_head = {head: name for name, head, _ in _HEADS}
    place = {by_head[head]: index for index, head in enumerate(heads) if head in by_head}
    missing = [head for name, head, _ in _HEADS if name not in place and name != "question"]
    if header is None or missing:
        raise RegisterError(
            f"columns of the review are missing: {', '.join(missing) or '団体コード'}",
            where=str(path),
            remedy="restore the header row, or take the file away and run collect again",
            ja="確認表の見出しが足りません。見出し行を戻すか、ファイルを移してから collect を再実行してください",
        )
    decided: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    problems: list[tuple[object, ...]] = []
    kept: list[Mapping[str, str]] = []
    open_rows: list[Mapping[str, str]] = []
    for number, row in sheet.rows.items():
        if number <= header:
            continue
        cells = {head: _text(row[i]) if i < len(row) else "" for i, head in enumerate(heads) if head}
        values = {name: cells[heads[i]] for name, i in place.items()}
        if not any(values[name] for name in _WRITTEN_BY_PEOPLE):
            open_rows.append(cells)
            continue
        kept.append(cells)
        found = _decide(path, number, values, place, codes)
        if not isinstance(found, Decision):
            problems.append(found)
            continue
        several = decided[found.code, found.domain]
        if (other := next((one for one in several if one.is_yes != found.is_yes), None)) is not None:
            what = (f"row {other.row} decides otherwise", f"{other.row}行目の判断と矛盾")
            problems.append(_problem(path, number, place["decision"], values["decision"], *what))
        several.append(found)
    # Where people disagree, it is not for the last of them to decide.
    decisions = tuple(several[-1] for several in decided.values() if len({one.is_yes for one in several}) == 1)
    return Review(decisions, tuple(problems), tuple(heads), tuple(kept), tuple(open_rows))


def _decide(
    path: Path, number: int, values: Mapping[str, str], place: Mapping[str, int], codes: Collection[str]
) -> Decision | tuple[object, ...]:
    """The decision in one row, or the problem with it."""

    def wrong(name: str, what: str, ja: str) -> tuple[object, ...]:
        return _problem(path, number, place[name], values[name], what, ja)

    code, word = values["code"], unicodedata.normalize("NFKC", values["decision"]).lower()
    if code not in codes:
        return wrong("code", "no body of the register has this code", "台帳にない団体コード")
    domain, _ = read_domain(unicodedata.normalize("NFKC", values["domain"]))
    if domain is None:
        return wrong("domain", "this is no domain", "ドメインではない")
    if word not in _YES | _NO:
        return wrong("decision", "neither yes nor no", "yes でも no でもない")
    if not values["who"]:
        return wrong("who", "nobody signed the decision", "判断者が書かれていない")
    when = _date(values["when"])
    if when is None:
        return wrong("when", "this is no date; write 2026-11-24", "日付ではない。2026-11-24 の形で書いてください")
    if not values["reason"]:
        return wrong("reason", "no reason is given", "理由が書かれていない")
    return Decision(code, domain, word in _YES, values["who"], when, values["reason"], number)


def _problem(path: Path, number: int, column: int, value: str, what: str, ja: str) -> tuple[object, ...]:
    done, done_ja = "the decision is not obeyed", "この判断は使わず"
    return (path.name, number, column_letter(column), value[:500], what, ja, done, done_ja, False)


def _date(text: str) -> str | None:
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text)
    try:
        return datetime.date(*map(int, found.groups())).isoformat() if found else None
    except ValueError:
        return None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        value = value.date()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return unicodedata.normalize("NFKC", str(value)).strip()


def pending(bodies: pd.DataFrame, domains: pd.DataFrame, candidates: pd.DataFrame) -> list[dict[str, str]]:
    """What a person should decide: chosen domains that are in doubt, and bodies whose candidates all failed."""
    high, not_asked = Confidence.HIGH, Candidacy.NOT_ASKED
    rows: dict[str, tuple[str, str]] = {}
    known = set[str]()
    for code, domain, confidence, doubts in rows_of(domains, "code", "domain", "confidence", "doubts"):
        known.add(code)
        if confidence != high and doubts:
            said = "、".join(_QUESTIONS[doubt][0] for doubt in doubts)
            rows[code] = (domain, f"{said} / {', '.join(_QUESTIONS[doubt][1] for doubt in doubts)}")
    asked = {code for code, status in rows_of(candidates, "code", "status") if status != not_asked}
    rows |= dict.fromkeys(asked - known, ("", _NONE_FOUND))
    named = (row for row in rows_of(bodies, "code", "prefecture", "name") if row[0] in rows)
    return [
        {
            "code": code,
            "prefecture": prefecture,
            "name": name,
            "domain": rows[code][0],
            "question": rows[code][1],
        }
        for code, prefecture, name in sorted(named, key=itemgetter(0))
    ]


def write_review(path: Path, rows: Sequence[Mapping[str, str]], review: Review) -> None:
    """Write what is to be decided, below everything that people wrote; no file when there is neither."""
    head_of = {name: head for name, head, _ in _HEADS}
    extra = [head for head in review.heads if head and head not in head_of.values()]
    heads = [*head_of.values(), *extra]
    kept = list(review.kept)
    done = {(cells.get(head_of["code"]), cells.get(head_of["domain"])) for cells in kept}
    new = [{head_of[name]: text for name, text in row.items()} for row in rows]
    new = [row for row in new if (row[head_of["code"]], row[head_of["domain"]]) not in done]
    known = {(row.get(head_of["code"]), row.get(head_of["domain"], "")) for row in review.open_rows}
    if {(row[head_of["code"]], row[head_of["domain"]]) for row in new} == known:
        return
    try:
        _write(path, heads, [*kept, *new])
    except (OSError, XlsxFileError) as error:
        raise RegisterError(
            f"the review cannot be written: {error}",
            where=str(path),
            remedy="close the file in Excel, then run the same command again",
            ja="確認表を書き込めません。Excel で開いていれば閉じて、同じコマンドを再実行してください",
        ) from None


def _write(path: Path, heads: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    aside = path.with_suffix(".new.xlsx")
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(aside), options) as book:
        sheet = book.add_worksheet("確認")
        head, text = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "@"})
        for column, title in enumerate(heads):
            sheet.set_column(column, column, _HEADS[column][2] if column < len(_HEADS) else 16, text)
            sheet.write_string(0, column, title, head)
        for number, cells in enumerate(rows, 1):
            for column, title in enumerate(heads):
                if cells.get(title):
                    sheet.write_string(number, column, cells[title], text)
        sheet.freeze_panes(1, 3)
        sheet.data_validation(1, 4, 20_000, 4, {"validate": "list", "source": ["yes", "no"], "error_type": "warning"})
    aside.replace(path)
