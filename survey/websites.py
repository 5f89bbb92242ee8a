"""Websites as a source: a table of bodies and their web addresses, and the domains that each address suggests.

The table is a CSV or Excel file with a code, or a prefecture and a name, and a web address per row, in any order and
under any usual heading; a row without a municipality's name is the prefecture itself. A public one, CC0, is
code4fukui's list of local governments (https://code4fukui.github.io/localgovjp/localgovjp-utf8.csv). Mail need not
live where the web does, so each name from the host up to the registered domain is a candidate, the host's own first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import idna

from . import codes
from .cells import cell_text, find_header
from .errors import RegisterError
from .sheets import Sheet, read_sheets
from .suffixes import is_kept_label, walk_up

_HEADERS = {
    "code": "code 団体コード 全国地方公共団体コード 地方公共団体コード 自治体コード 市区町村コード 市町村コード コード "
    "id lgcode lasdec",
    "prefecture": "prefecture pref 都道府県 都道府県名",
    "name": "municipality city name body 市区町村 市区町村名 市町村 市町村名 自治体名 団体名 自治体 機関名 名称",
    "website": "website url web site homepage ホームページ ウェブサイト サイト webサイト 公式サイト 公式ホームページ "
    "ホームページurl ウェブサイトurl サイトurl 公式url hp hpurl homepageurl websiteurl siteurl officialwebsite",
}
_COLUMN_OF = {word: column for column, words in _HEADERS.items() for word in words.split()}
_WWW = re.compile(r"www[0-9]*\.(?=.+\..)")


@dataclass(frozen=True, slots=True)
class Site:
    """One body's website: its host without one leading www label, as A-label."""

    code: str
    prefecture: str
    name: str
    domain: str
    written: str
    row: int


@dataclass(frozen=True, slots=True)
class Websites:
    """What a table of websites says, and the rows that could not be used: (sheet, row, value, what, in Japanese)."""

    sites: tuple[Site, ...]
    problems: tuple[tuple[str, int, str, str, str], ...]


def site_domain(address: str) -> str | None:
    """The host of a web address without one leading `www` or `wwwN` label, as A-label; None where there is none."""
    text = unicodedata.normalize("NFKC", address).strip()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return None
    host = _WWW.sub("", host.rstrip("."), count=1)
    try:
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return None
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or labels[-1].isdigit():
        return None
    return host if all(re.fullmatch(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", label) for label in labels) else None


def domains_of(site: Site) -> list[str]:
    """The domains that a website suggests: its host without www, and the names above it, up to a government's own."""
    names = walk_up(site.domain)
    kept = next((place for place, name in enumerate(names) if is_kept_label(name)), len(names) - 1)
    return names[: kept + 1]


def read_websites(path: Path) -> Websites:
    """Read a table of websites; one site per body and row. Raises RegisterError when nothing in it can be used."""
    sites: list[Site] = []
    problems: list[tuple[str, int, str, str, str]] = []
    for sheet in read_sheets(path):
        _read(sheet, sites, problems)
    if not sites:
        raise RegisterError(
            "no row has a body and a web address",
            where=str(path),
            remedy="name the columns 団体コード, 都道府県, 市区町村, URL (or code, prefecture, municipality, website)",
            ja="団体とURLのそろった行がありません。見出しは 団体コード・都道府県・市区町村・URL としてください",
        )
    return Websites(tuple(sites), tuple(problems))


def _read(sheet: Sheet, sites: list[Site], problems: list[tuple[str, int, str, str, str]]) -> None:
    header, columns = find_header(sheet, _COLUMN_OF, _is_table)
    if header is None:
        return

    def cell(row: Sequence[object], name: str) -> str:
        place = columns.get(name)
        value = row[place] if place is not None and place < len(row) else None
        return unicodedata.normalize("NFKC", cell_text(value))

    for number, row in sheet.rows.items():
        if number <= header:
            continue
        prefecture, name, written = cell(row, "prefecture"), cell(row, "name"), cell(row, "website")
        code = _code(cell(row, "code"), prefecture, name)
        domain = site_domain(written) if written else None
        if code is None:
            said = ("no body has this code or name", "該当する団体がない")
            problems.append((sheet.title, number, f"{cell(row, 'code')} {prefecture}{name}"[:200], *said))
        elif domain is None:
            said = ("no web address", "ウェブアドレスではない") if written else ("empty", "空欄")
            problems.append((sheet.title, number, written[:200], *said))
        else:
            sites.append(Site(code, prefecture, name, domain, written[:500], number))


def _is_table(columns: Collection[str]) -> bool:
    return "website" in columns and ("code" in columns or "name" in columns)


def _code(written: str, prefecture: str, name: str) -> str | None:
    """The official code that a row means: as written, repaired, or by its names; national codes as written."""
    if re.fullmatch(r"N\d{5}", written) or written in codes.official():
        return written
    if written.isascii() and written.isdigit():
        repaired = codes.candidates(written)
        if len(repaired) == 1:
            return next(iter(repaired))
    by_name = codes.by_name().get((prefecture, name or prefecture))
    return by_name or (written if codes.is_code(written) else None)
