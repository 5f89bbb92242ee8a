"""The permission file: which servers the relay dialogue may ask, because their operators said so, in writing.

An Excel or CSV file, one row per permission. A row names an address or a range (`address`), or a `host`, which is
resolved when it is used; `operator` (whose server it is), `approver`, `purpose`, `valid_from`, `valid_to` and `contact`
are wanted of every row. `forms` is `basic` (also when empty), `all`, or names of forms; `domain` is the server's own
mail domain. `mailbox`, `hello` and `page` say who asks, where the command line does not.

A row that is not clear in every cell permits nothing: it is listed with sheet, row, column and reason, and the good
rows go on. A range is at most a /20 (IPv6: a /48): a permission for half the internet is a mistake.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)
from pathlib import Path

from .errors import PermissionFileError, RegisterError
from .harmless import harmless
from .sheets import Sheet, column_letter, read_sheets
from .smtp.forms import ALL, BASIC, FORMS, Probe
from .smtp.grammar import is_host, is_mailbox

Network = IPv4Network | IPv6Network
_HEADERS = {
    "host": "ホスト ホスト名 サーバ サーバ名 メールサーバ host hostname server",
    "address": "アドレス ipアドレス アドレス・範囲 範囲 address addresses addressorhost ip ipaddress range",
    "operator": "運用者 運営者 管理者 事業者 operator owner",
    "approver": "承認者 許可者 承認者名 approver approvedby",
    "purpose": "目的 調査目的 purpose",
    "valid_from": "有効開始日 開始日 有効期間開始 validfrom from",
    "valid_to": "有効終了日 終了日 有効期限 有効期間終了 validto validuntil until to",
    "contact": "連絡先 contact",
    "forms": "試験項目 項目 形式 forms whichforms form",
    "domain": "メールドメイン ドメイン domain maildomain",
    "mailbox": "受取アドレス 受信アドレス mailbox recipient",
    "hello": "ehlo名 ehlo hello helo",
    "page": "説明ページ ページ page webpage url",
}
_COLUMN_OF = {re.sub(r"[\s_・-]", "", word): column for column, words in _HEADERS.items() for word in words.split()}
_WANTED = ("operator", "approver", "purpose", "valid_from", "valid_to", "contact")
_LEAST_PREFIX = {4: 20, 6: 48}
_MOST_TEXT = 300
_SPLIT = re.compile(r"[\s,;、，；]+")
_DATE = re.compile(r"(令和|R)?(\d{1,4}|元)[年/.-](\d{1,2})[月/.-](\d{1,2})日?(?:[T ]00:00(?::00)?)?", re.I)
_PAGE = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{3,150}")


@dataclass(frozen=True, slots=True)
class Permission:
    """One good row: who permitted what, for which addresses or which host, how long."""

    sheet: str
    row: int
    host: str | None
    networks: tuple[Network, ...]
    operator: str
    approver: str
    purpose: str
    contact: str
    valid_from: datetime.date
    valid_to: datetime.date
    forms: tuple[str, ...]
    domain: str | None
    probe: Probe

    def covers(self, address: str) -> bool:
        """Whether the row names this address, or a range that it lies in."""
        found = ip_address(address)
        return any(found in network for network in self.networks if network.version == found.version)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something in a permission file, or made from it, that is not asked: where it stands, and why."""

    sheet: str
    row: int
    column: str
    subject: str
    reason: str
    en: str
    ja: str


@dataclass(frozen=True, slots=True)
class Permissions:
    """A permission file as it was read."""

    rows: tuple[Permission, ...]
    refusals: tuple[Refusal, ...]
    path: Path
    sha256: str


class _BadCell(Exception):
    def __init__(self, column: str, value: object, en: str, ja: str) -> None:
        self.column, self.value, self.en, self.ja = column, value, en, ja


def load_permissions(path: Path, asker: Probe | None = None) -> Permissions:
    """Read a permission file; `asker` says who asks where a row does not. Raises PermissionFileError."""
    try:
        sheets = read_sheets(path)
    except RegisterError as error:
        remedy = "save the permission file as .xlsx or CSV UTF-8"
        raise PermissionFileError(error.what, where=error.where or str(path), remedy=remedy, ja=error.ja) from None
    rows: list[Permission] = []
    refusals: list[Refusal] = []
    has_header = False
    for sheet in sheets:
        header, columns = _header(sheet)
        if header is None:
            continue
        has_header = True
        for number, cells in sheet.rows.items():
            if number <= header:
                continue
            try:
                rows.append(_Row(sheet.title, number, cells, columns, asker).permission())
            except _BadCell as bad:
                letter = column_letter(columns[bad.column]) if bad.column in columns else ""
                shown = harmless(str(bad.value), _MOST_TEXT) if bad.value is not None else _subject(cells, columns)
                refusals.append(Refusal(sheet.title, number, letter, shown, "bad_row", bad.en, bad.ja))
    if not has_header:
        raise PermissionFileError(
            "no sheet has a header row with address or host, and operator",
            where=str(path),
            remedy=f"name the columns address, host, {', '.join(_WANTED)}, forms",
            ja="見出し行がありません。アドレス・ホスト名・運用者・承認者・目的・有効開始日・有効終了日・連絡先・試験項目の列を付けてください",
        )
    return Permissions(tuple(rows), tuple(refusals), path, hashlib.sha256(path.read_bytes()).hexdigest())


def _subject(cells: Sequence[object], columns: dict[str, int]) -> str:
    """What a row is about, where the cell that is wrong is empty: its address or its host, as written."""
    found = [cells[columns[name]] for name in ("address", "host") if columns.get(name, len(cells)) < len(cells)]
    return harmless(next((str(value) for value in found if value), ""), _MOST_TEXT)


def _header(sheet: Sheet) -> tuple[int | None, dict[str, int]]:
    for number in list(sheet.rows)[:20]:
        columns: dict[str, int] = {}
        for index, value in enumerate(sheet.rows[number]):
            column = _COLUMN_OF.get(re.sub(r"[\s_・-]", "", unicodedata.normalize("NFKC", str(value or ""))).lower())
            if column is not None:
                columns.setdefault(column, index)
        if "operator" in columns and columns.keys() & {"address", "host"}:
            return number, columns
    return None, {}


class _Row:
    """One row while it is read; each cell is clear, or the row is refused."""

    def __init__(
        self, sheet: str, number: int, cells: Sequence[object], columns: dict[str, int], asker: Probe | None
    ) -> None:
        self._sheet, self._number, self._cells, self._columns, self._asker = sheet, number, cells, columns, asker

    def _raw(self, column: str) -> object:
        index = self._columns.get(column)
        return self._cells[index] if index is not None and index < len(self._cells) else None

    def _text(self, column: str) -> str:
        value = self._raw(column)
        text = unicodedata.normalize("NFKC", "" if value is None else str(value)).strip()
        if len(text) > _MOST_TEXT or any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text if c != "\n"):
            raise _BadCell(column, value, "too long, or with control characters", "長すぎるか、制御文字を含む")
        return re.sub(r"\s+", " ", text)

    def permission(self) -> Permission:
        for column in _WANTED:
            if not self._text(column):
                raise _BadCell(column, None, f"{column} is missing", f"{_HEADERS[column].split()[0]}がない")
        networks, written = self._networks()
        host = self._name("host") or written
        if host is None and not networks:
            raise _BadCell("address", None, "neither address nor host", "アドレスもホスト名もない")
        begin, end = self._date("valid_from"), self._date("valid_to")
        if begin > end:
            raise _BadCell("valid_to", self._raw("valid_to"), "it ends before it begins", "終了日が開始日より前")
        return Permission(
            self._sheet,
            self._number,
            host,
            networks,
            self._text("operator"),
            self._text("approver"),
            self._text("purpose"),
            self._text("contact"),
            begin,
            end,
            self._forms(),
            self._name("domain"),
            self._probe(),
        )

    def _name(self, column: str) -> str | None:
        text = self._text(column).rstrip(".").lower()
        if text and not is_host(text):
            raise _BadCell(column, text, "this is no host or domain name", "ホスト名・ドメイン名ではない")
        return text or None

    def _networks(self) -> tuple[tuple[Network, ...], str | None]:
        """The addresses and ranges of a row; and the host, where one is written in the column of addresses."""
        found: list[Network] = []
        host: str | None = None
        for token in filter(None, _SPLIT.split(self._text("address"))):
            first, _, last = token.partition("-")
            if is_host(token) and host is None:
                host = token.lower()
                continue
            try:
                if last:
                    found += _span(ip_address(first), ip_address(last))
                else:
                    found.append(ip_network(token))
            except (ValueError, TypeError) as error:
                raise _BadCell(
                    "address", token, f"this is no address or range: {error}", "アドレスでも範囲でもない"
                ) from None
        for network in found:
            if network.prefixlen < _LEAST_PREFIX[network.version]:
                most = _LEAST_PREFIX[network.version]
                raise _BadCell(
                    "address", network, f"the range is wider than /{most}", f"範囲が広すぎる（/{most} まで）"
                )
            if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
                raise _BadCell("address", network, "write it as an IPv4 address", "IPv4アドレスで書いてください")
        return tuple(found), host

    def _date(self, column: str) -> datetime.date:
        value = self._raw(column)
        if isinstance(value, datetime.datetime):
            return value.date()
        if isinstance(value, datetime.date):
            return value
        parts = _DATE.fullmatch(self._text(column))
        if parts is not None:
            year = 1 if parts[2] == "元" else int(parts[2])
            try:
                if parts[1] or year > 1999:
                    return datetime.date(year + 2018 if parts[1] else year, int(parts[3]), int(parts[4]))
            except ValueError:
                pass
        raise _BadCell(column, value, "this is no date; write 2026-11-30", "日付として読めない。2026-11-30 のように")

    def _forms(self) -> tuple[str, ...]:
        words = [word for word in _SPLIT.split(self._text("forms").lower()) if word]
        chosen: set[str] = set()
        for word in words or ["basic"]:
            if word in ("all", "すべて", "全て", "全部"):
                chosen.update(ALL)
            elif word in ("basic", "基本", "基本のみ"):
                chosen.update(BASIC)
            elif word in FORMS:
                chosen.add(word)
            else:
                raise _BadCell("forms", word, "no form has this name", "その名の試験項目はない")
        return tuple(name for name in FORMS if name in chosen)

    def _probe(self) -> Probe:
        asker = self._asker
        mailbox = self._text("mailbox") or (asker.mailbox if asker else "")
        hello = self._text("hello").rstrip(".").lower() or (asker.hello if asker else "")
        page = self._text("page") or (asker.page if asker else "")
        if not is_mailbox(mailbox) or len(mailbox) > 100:
            raise _BadCell("mailbox", mailbox, "no mailbox of ours: column mailbox or --mailbox", "受取アドレスがない")
        if not is_host(hello) or len(hello) > 100:
            raise _BadCell("hello", hello, "no host name of ours: column hello or --hello", "EHLO名がない")
        if not _PAGE.fullmatch(page):
            raise _BadCell("page", page, "no page that explains: column page or --page", "説明ページがない")
        return Probe(mailbox, hello, page)


def _span(first: IPv4Address | IPv6Address, last: IPv4Address | IPv6Address) -> list[Network]:
    """The networks that make up a span of addresses."""
    if isinstance(first, IPv4Address) and isinstance(last, IPv4Address):
        return list(summarize_address_range(first, last))
    if isinstance(first, IPv6Address) and isinstance(last, IPv6Address):
        return list(summarize_address_range(first, last))
    raise ValueError("one end is IPv4, the other IPv6")
