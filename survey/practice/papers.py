"""The papers of a practice country, as a newsroom would have them: its register, its truth, who follows whom, who
asked not to be asked about.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import xlsxwriter

from .facts import KINDS_JA, Happening

if TYPE_CHECKING:
    from .country import Country

_REGISTER = (
    *("団体コード", "都道府県", "団体名", "読み", "種別", "メールドメイン", "調査対象", "対象外の理由"),
    "候補ドメイン",
)
_SUCCESSORS = ("before_code", "after_code", "kind", "date", "name_before", "name_after", "source")
_SOURCE = "invented: the practice country / 架空（練習国）"
_OPT_OUTS = ("subject", "since", "who", "reason")


def write_register(country: Country, path: Path) -> None:
    """The register: a title row, Japanese headers, several domains in a cell; hidden domains are left out."""
    season = "" if country.season == "2002" else f"・{country.season}"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet("台帳")
        sheet.write_string(0, 0, f"練習国 自治体・行政機関 台帳（架空・シード {country.seed}{season}）")
        for column, header in enumerate(_REGISTER):
            sheet.write_string(2, column, header)
        for row, body in enumerate(country.bodies, 3):
            scope = "" if body.in_scope else "対象外"
            values = (body.code, body.prefecture, body.name.kanji, body.name.kana, KINDS_JA[body.kind])
            candidates = country.hidden.candidates.get(body.code, [])
            domains = "" if candidates else "、".join(body.domains)
            for column, value in enumerate((*values, domains, scope, body.scope_reason, " ".join(candidates))):
                sheet.write_string(row, column, value)


def write_truth(country: Country, path: Path) -> None:
    """The country's own truth: code, status, open_relay_listing, own_or_shared, listed_role."""
    roles = {code: role for code, role, _ in country.sending_truth()}
    columns = ("code", "status", "open_relay_listing", "own_or_shared", "listed_role")
    _write(path, columns, ((*row, roles[row[0]]) for row in country.truth()))


def write_successors(country: Country, path: Path) -> None:
    """Which body went over into which since 2002, with the columns of data/successors.csv."""
    _write(path, _SUCCESSORS, (row for one in country.history for row in _successors(one)))


def _successors(one: Happening) -> Iterable[Sequence[str]]:
    if one.kind in ("merged", "split", "renamed", "recoded"):
        for before, name_before in zip(one.before, one.names_before, strict=True):
            for after, name_after in zip(one.after, one.names_after, strict=True):
                yield (before, after, one.kind, one.date.isoformat(), name_before, name_after, _SOURCE)


def write_opt_outs(country: Country, path: Path) -> None:
    """Whose owners asked not to be asked about, with the columns of data/opt-out.csv."""
    rows = ((domain, "2003-02-01", "情報政策課（架空）", "調査の辞退") for domain in country.opted_out)
    _write(path, _OPT_OUTS, rows)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
