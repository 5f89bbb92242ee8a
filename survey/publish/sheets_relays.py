"""The workbook's sheets about the relay dialogue: servers that were asked, forms, and the software they name."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..tables import Relay
from . import relay_tables, relay_words
from .book import Book, top, write_table
from .edition import Edition


def write(writing: Book, edition: Edition) -> None:
    """Three sheets, from the tables of a run in which servers were asked by permission."""
    _relays(writing, edition)
    _relay_forms(writing, edition)
    _software(writing, edition)


def _relays(writing: Book, edition: Edition) -> None:
    """中継の確認: one row per address that was asked, or that a permission named and was not."""
    tables = edition.tables
    found = relay_tables.servers(tables, "ja")
    sheet = writing.sheet("relays", header_row=3)
    said = relay_words.relay_sentences(relay_tables.counts(tables), "ja")
    top(writing, sheet, "中継の確認 / Relay dialogue", "。".join(said[:2]))
    sheet.write_string(2, 0, f"{relay_words.MEANS['ja']} {relay_words.MEANS['en']}", writing.format("note"))
    heads = (
        *("アドレス\naddress", "ホスト名\nhosts", "運用者（許可書）\noperator", "判定\nverdict", "理由\nreason"),
        *("受け付け／確認項目\naccepted / asked", "実在しない宛先\ncontrol", "ソフトウェア\nsoftware"),
        *("バージョン\nversion", "STARTTLS", "接続日時\nasked at", "証拠番号\nevidence"),
    )
    write_table(writing, sheet, 3, "relays", heads, list(found.itertuples(index=False, name=None)), most=34)
    sheet.freeze_panes(4, 1)


def _relay_forms(writing: Book, edition: Edition) -> None:
    """中継の項目: what servers did with each form."""
    table = relay_tables.forms(edition.tables, "ja")
    english = relay_tables.forms(edition.tables, "en")["name"]
    sheet = writing.sheet("relay_forms", header_row=3)
    top(writing, sheet, "中継の項目 / Forms of the relay dialogue", "サーバが各項目に何と応答したか。数はアドレス")
    heads = ("項目\nform", "内容\nmeaning (ja)", "内容\nmeaning (en)", *(_both(status) for status in Relay))
    rows = [(row[0], row[1], name, *map(int, row[2:])) for row, name in zip(_rows(table), english, strict=True)]
    write_table(writing, sheet, 3, "relay_forms", heads, rows)
    sheet.freeze_panes(4, 1)


def _software(writing: Book, edition: Edition) -> None:
    """応答ソフト: which software the servers that were asked say they run."""
    found = relay_tables.software(edition.tables)
    sheet = writing.sheet("software", header_row=3)
    unknown = int(found.loc[found["software"].isna(), "servers"].sum())
    note = f"許可を得て確認した{int(found['servers'].sum()):,}アドレス。名乗らないサーバ{unknown:,}は不明のまま"
    top(writing, sheet, "応答ソフト / Software that servers name", note)
    heads = ("ソフトウェア\nsoftware", "バージョン\nversion", "アドレス数\naddresses")
    rows = [
        (one if isinstance(one, str) else "不明 / unknown", version if isinstance(version, str) else "", int(count))
        for one, version, count in _rows(found)
    ]
    write_table(writing, sheet, 3, "software", heads, rows)


def _rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(table.itertuples(index=False, name=None))


def _both(machine: object) -> str:
    return f"{relay_tables.said(machine, 'ja')}\n{relay_tables.said(machine, 'en')}"
