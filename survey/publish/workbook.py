"""The findings workbook: seven sheets, made for people who know Excel well.

Real tables with filters, frozen headers, A4 landscape, codes as text, totals as live formulas that carry their computed
values (so previews and Protected View show them). What strangers sent is written as plain text, never as a formula or a
link, and colours are backed by words, so that a grey print says the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ..harmless import harmless
from ..tables import TABLES, Relay
from . import labels, relay_tables, relay_words, sending
from .edition import Edition
from .labels import SHEETS, Language, word, words
from .why import Explainer

_MOST_TEXT = 32_000
_MOST_WIDTH, _LEAST_WIDTH = 44, 6
_ORDER = {"listed": 0, "unknown": 1, "clear": 2, "no_mail": 3, "opted_out": 4, "out_of_scope": 5}


def plain(value: object) -> str:
    """A stranger's text for a cell: what could do anything made visible, line breaks kept, bounded as Excel wants."""
    return harmless(str(value), _MOST_TEXT, keep="\n")


def _width(text: str) -> int:
    """How many half-width cells a text takes in Excel, its longest line."""
    return max(
        (sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in line) for line in text.splitlines()),
        default=0,
    )


@dataclass(slots=True)
class _Book:
    """One workbook while it is written: its formats, and what stands on every sheet."""

    book: xlsxwriter.Workbook
    edition: Edition
    formats: dict[str, Format] = field(default_factory=dict)

    def format(self, name: str) -> Format:
        if name not in self.formats:
            self.formats[name] = self.book.add_format({"font_name": "Yu Gothic", "font_size": 10, **_FORMATS[name]})
        return self.formats[name]

    def sheet(self, key: str, *, header_row: int) -> Worksheet:
        """A new sheet with its print settings: A4 landscape, one page wide, practice label and page numbers."""
        sheet = self.book.add_worksheet(SHEETS[key])
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.4, 0.4, 0.7, 0.6)
        label = "　練習用の架空の国 / PRACTICE – INVENTED" if self.edition.is_practice else ""
        sheet.set_header(f"&L&8 社内用 / internal{label}&R&8 {SHEETS[key]}")
        sheet.set_footer(f"&L&8 {self.edition.as_of()}&R&8 &P / &N")
        sheet.repeat_rows(header_row)
        sheet.hide_gridlines(2)
        return sheet


_FORMATS: Mapping[str, dict[str, object]] = {
    "title": {"bold": True, "font_size": 14},
    "note": {"font_color": "#555555", "font_size": 9},
    "practice": {"bold": True, "font_color": "#9c0006", "bg_color": "#ffe5e5"},
    "head": {
        "bold": True,
        "bg_color": "#1b4965",
        "font_color": "#ffffff",
        "text_wrap": True,
        "valign": "vcenter",
        "border": 1,
    },
    "text": {"valign": "top", "num_format": "@"},
    "wrap": {"valign": "top", "text_wrap": True, "num_format": "@"},
    "number": {"num_format": "#,##0", "valign": "top"},
    "share": {"num_format": "0.0%", "valign": "top"},
    "total": {"bold": True, "top": 1, "num_format": "#,##0"},
    "total_text": {"bold": True, "top": 1},
    "strong": {"bold": True, "valign": "top"},
    "listed": {"bold": True, "bg_color": "#c9d6df", "valign": "top"},
    "unknown": {"italic": True, "bg_color": "#fbe8cf", "valign": "top"},
}


def write_workbook(edition: Edition, path: Path) -> None:
    """Write `findings.xlsx` for a run."""
    aside = path.with_suffix(".new.xlsx")
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with xlsxwriter.Workbook(str(aside), options) as book:
        book.set_properties({"title": "調査結果 / findings", "comments": edition.source("ja")})
        book.set_calc_mode("auto")
        writing = _Book(book, edition)
        counts = edition.by("prefecture")
        _summary(writing, counts)
        _findings(writing)
        _regions(writing, counts)
        _servers(writing)
        _operators(writing)
        _senders(writing)
        _unknown(writing)
        if len(edition.tables["relay_servers"]):
            _relays(writing)
            _relay_forms(writing)
            _software(writing)
        _method(writing)
        _dictionary(writing)
        _chains(writing)
    aside.replace(path)


def _write_table(
    writing: _Book,
    sheet: Worksheet,
    top: int,
    name: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    most: int = _MOST_WIDTH,
) -> None:
    """A real Excel table with a filter; numbers as numbers, everything else as text; widths that fit."""
    widths = [min(most, max(_width(line) for line in head.split("\n")) + 3) for head in heads]
    sheet.set_row(top, 30)
    last = top + max(1, len(rows))
    sheet.add_table(
        top,
        0,
        last,
        len(heads) - 1,
        {
            "name": name,
            "style": "Table Style Light 1",
            "columns": [{"header": head, "header_format": writing.format("head")} for head in heads],
        },
    )
    statuses = {
        **{word(machine, "ja"): "listed" for machine in ("listed", "may_relay")},
        **{word(machine, "ja"): "unknown" for machine in ("unknown", "inconclusive")},
    }
    for number, row in enumerate(rows, top + 1):
        for column, value in enumerate(row):
            if isinstance(value, float):
                sheet.write_number(number, column, value, writing.format("share"))
            elif isinstance(value, int):
                sheet.write_number(number, column, value, writing.format("number"))
            elif value is not None and value != "":
                text = plain(value)
                style = statuses.get(text, "text" if _width(text) <= most else "wrap")
                sheet.write_string(number, column, text, writing.format(style))
                if number < top + 400:
                    widths[column] = min(most, max(widths[column], _width(text) + 2))
    for column, width in enumerate(widths):
        sheet.set_column(column, column, max(_LEAST_WIDTH, width))


def _top(writing: _Book, sheet: Worksheet, title: str, note: str) -> None:
    sheet.write_string(0, 0, title, writing.format("title"))
    if writing.edition.is_practice:
        note = f"{labels.PRACTICE['ja']} / {labels.PRACTICE['en']}　{note}"
    sheet.write_string(1, 0, note, writing.format("practice" if writing.edition.is_practice else "note"))


def _summary(writing: _Book, counts: pd.DataFrame) -> None:
    """要約: the headline with its bounds, and how the statuses add up, as live formulas over the regional sheet."""
    edition = writing.edition
    sheet = writing.sheet("summary", header_row=0)
    sheet.set_column(0, 0, 58)
    sheet.set_column(1, 4, 16)
    _top(writing, sheet, "要約 / Summary", f"照会 {edition.as_of()}")
    row = 3
    languages: tuple[Language, ...] = ("ja", "en")
    for language in languages:
        for sentence in labels.headline_sentences(edition.headline, language):
            sheet.merge_range(row, 0, row, 4, "", writing.format("wrap"))
            is_first = sentence == labels.headline_sentences(edition.headline, language)[0]
            sheet.write_string(row, 0, sentence, writing.format("strong" if is_first else "wrap"))
            if _width(sentence) > 110:
                sheet.set_row(row, 30)
            row += 1
        row += 1
    heads = ("判定 / status", "団体数 / bodies", "割合 / share")
    for column, head in enumerate(heads):
        sheet.write_string(row, column, head, writing.format("head"))
    first = row + 1
    letters = {"listed": "B", "unknown": "C", "clear": "D", "no_mail": "E", "opted_out": "F", "out_of_scope": "G"}
    total = int(counts["bodies"].sum())
    for status, letter in letters.items():
        row += 1
        value = int(counts[status].sum())
        sheet.write_string(row, 0, f"{word(status, 'ja')} / {word(status, 'en')}", writing.format("text"))
        region = f"'{SHEETS['regions']}'!{letter}{_REGION_FIRST}:{letter}{_REGION_FIRST + len(counts) - 1}"
        sheet.write_formula(row, 1, f"=SUM({region})", writing.format("number"), value)
        share = f"=IF(B{first + 7}=0,0,B{row + 1}/B{first + 7})"
        sheet.write_formula(row, 2, share, writing.format("share"), value / total if total else 0)
    row += 1
    sheet.write_string(row, 0, "計 / total", writing.format("total_text"))
    sheet.write_formula(row, 1, f"=SUM(B{first + 1}:B{row})", writing.format("total"), total)
    row += 2
    _counts(writing, sheet, row)


def _counts(writing: _Book, sheet: Worksheet, row: int) -> None:
    """Every other count of the headline with its bounds: listed, at most, not determined, of how many."""
    headline = writing.edition.headline
    heads = ("数 / count", "登録あり / listed", "最大 / at most", "確認できず / not determined", "全数 / of")
    for column, head in enumerate(heads):
        sheet.write_string(row, column, head, writing.format("head"))
    listed = int(str(headline["bodies_listed"]))
    own, shared = int(str(headline["bodies_listed_own"])), int(str(headline["bodies_listed_shared_only"]))
    counts: tuple[tuple[str, labels.Bounded | None], ...] = (
        ("第三者中継リストに登録の団体 / bodies on open-relay lists", labels.bounded(headline, "open_relay")),
        ("第三者中継・悪用リストに登録の団体 / bodies on either", labels.bounded(headline, "bodies")),
        ("うち自前のサーバ / of the listed ones, own servers", labels.Bounded(own, 0, listed)),
        ("うち共用サーバのみ / of the listed ones, shared only", labels.Bounded(shared, 0, listed)),
        ("SPFの送信元が登録の団体 / bodies with listed senders", labels.bounded(headline, "sending")),
        ("メールサーバ / mail servers", labels.bounded(headline, "servers")),
        ("アドレス / addresses", labels.bounded(headline, "addresses")),
    )
    for name, count in counts:
        row += 1
        sheet.write_string(row, 0, name, writing.format("text"))
        if count is None:
            sheet.write_string(row, 1, labels.CANNOT["ja"], writing.format("text"))
            continue
        values = (count.listed, count.listed + count.unknown, count.unknown, count.total)
        for column, value in enumerate(values, 1):
            formula = f"=B{row + 1}+D{row + 1}" if column == 2 else ""
            if formula:
                sheet.write_formula(row, column, formula, writing.format("number"), value)
            else:
                sheet.write_number(row, column, value, writing.format("number"))


def _findings(writing: _Book) -> None:
    """調査結果: one row per body, listed ones first."""
    found = writing.edition.named_findings()
    found = found.assign(order=found["status"].map(_ORDER)).sort_values(["order", "code"], kind="stable")
    sheet = writing.sheet("findings", header_row=3)
    _top(writing, sheet, "調査結果 / Findings", f"{len(found):,}団体。確認できずは登録なしではない")
    heads = (
        *("団体コード\ncode", "都道府県\nprefecture", "団体名\nname", "種別\nkind", "判定\nstatus"),
        *("第三者中継リスト\nopen-relay lists", "登録サーバ\nlisted servers", "リスト\nlists", "分類\ncategories"),
        *("自前・共用\nown or shared", "共用団体数\nshared with", "再確認\nconfirmed", "運用者\noperator"),
        *("留意点\nmind", "メールサーバ\nmail servers", "証拠番号\nevidence"),
    )
    rows = []
    for one in found.to_dict("records"):
        relay = one["open_relay_listing"]
        rows.append(
            (
                one["code"],
                one["prefecture"],
                one["name"],
                word(one["kind"], "ja"),
                word(one["status"], "ja"),
                word(relay, "ja") if isinstance(relay, str) else labels.CANNOT["ja"],
                ", ".join(one["servers_listed"]),
                ", ".join(one["lists"]),
                words(one["categories"], "ja"),
                word(one["own_or_shared"], "ja") if one["servers"] else "",
                None if pd.isna(one["shared_with"]) else int(one["shared_with"]),
                "" if pd.isna(one["confirmed"]) else ("済" if one["confirmed"] else "未"),
                one["operator"] if isinstance(one["operator"], str) else "",
                words(one["caveat"], "ja"),
                " ".join(one["servers"]),
                " ".join(one["evidence_ids"]),
            )
        )
    _write_table(writing, sheet, 3, "findings", heads, rows, most=26)
    # On paper the chain behind a finding is left out: server names and evidence ids are for the screen.
    sheet.print_area(0, 0, 3 + len(rows), len(heads) - 3)
    sheet.freeze_panes(4, 3)


_REGION_FIRST = 5
"""Excel's row of the first region on 地域別."""


def _regions(writing: _Book, counts: pd.DataFrame) -> None:
    """地域別: statuses per region, with totals as formulas that carry their values."""
    sheet = writing.sheet("regions", header_row=3)
    _top(writing, sheet, "地域別 / By region", "登録ありは下限、最大は確認できずをすべて加えた上限")
    ordered = counts.sort_values(["listed", "unknown", "prefecture"], ascending=[False, False, True])
    heads = (
        *(
            "地域\nregion",
            "登録あり\nlisted",
            "確認できず\nnot determined",
            "登録なし\nnot listed",
            "メールなし\nno mail",
        ),
        *("調査辞退\nopted out", "対象外\nout of scope", "団体総数\nbodies", "最大\nat most"),
        *("第三者中継 登録\nopen relay", "第三者中継 確認できず\nnot determined"),
    )
    has_relay = bool(writing.edition.headline["open_relay_lists_used"])
    names = ["listed", "unknown", "clear", "no_mail", "opted_out", "out_of_scope", "bodies"]
    rows = []
    for one in ordered.to_dict("records"):
        relay: list[object] = (
            [int(one["relay_listed"]), int(one["relay_unknown"])] if has_relay else [labels.CANNOT["ja"]] * 2
        )
        rows.append(
            (one["prefecture"], *(int(one[name]) for name in names), int(one["listed"] + one["unknown"]), *relay)
        )
    _write_table(writing, sheet, 3, "regions", heads, rows)
    total = _REGION_FIRST - 1 + len(rows)
    sheet.write_string(total, 0, "計 / total", writing.format("total_text"))
    for column in range(1, len(heads)):
        letter = chr(ord("A") + column)
        values = [row[column] for row in rows]
        if all(isinstance(value, int) for value in values):
            formula = f"=SUM({letter}{_REGION_FIRST}:{letter}{total})"
            sheet.write_formula(total, column, formula, writing.format("total"), sum(int(str(v)) for v in values))
    sheet.freeze_panes(4, 1)


def _servers(writing: _Book) -> None:
    """サーバ別: one row per mail server, listed ones first, then by how many bodies use it."""
    servers = writing.edition.tables["servers"]
    sheet = writing.sheet("servers", header_row=3)
    counts = servers["status"].value_counts()
    bounds = labels.Bounded(int(counts.get("listed", 0)), int(counts.get("unknown", 0)), len(servers))
    _top(writing, sheet, "サーバ別 / By server", f"登録のあるサーバ {bounds.text('ja')}")
    heads = (
        *("サーバ\nhost", "利用団体数\nbodies", "判定\nstatus", "自前・共用\nown or shared", "その根拠\nbecause"),
        *("運用者\noperator", "運用者の種別\nkind", "AS番号\nAS", "AS名\nAS name", "アドレス\naddresses"),
        "載せたリスト（参考を含む）\nlists incl. context",
    )
    rows = [
        (
            one["host"],
            int(one["bodies_n"]),
            *(word(one[name], "ja") for name in ("status", "own_or_shared", "basis")),
            one["operator_ja"],
            word(one["operator_kind"], "ja"),
            *(", ".join(one[name]) for name in ("asns", "as_names", "addresses", "lists")),
        )
        for one in servers.to_dict("records")
    ]
    _write_table(writing, sheet, 3, "servers", heads, rows)
    sheet.freeze_panes(4, 1)


def _operators(writing: _Book) -> None:
    """運用者別: one row per operator: the bodies that depend on it, and the cumulative share of the listed ones."""
    ranking = writing.edition.ranking("operator")
    servers = writing.edition.tables["servers"].drop_duplicates("operator").set_index("operator")
    sheet = writing.sheet("operators", header_row=3)
    note = "登録・確認できずは、その運用者のサーバについて。累積割合は、登録団体のうちその行までに含まれる割合"
    _top(writing, sheet, "運用者別 / By operator", note)
    heads = (
        *("運用者\noperator", "種別\nkind", "サーバ数\nservers", "団体数\nbodies", "登録あり\nlisted"),
        *("最大\nat most", "確認できず\nnot determined", "登録の累積割合\ncumulative share"),
    )
    rows = []
    for one in ranking.to_dict("records"):
        listed, unknown, share = int(one["listed_n"]), int(one["unknown_n"]), one["cumulative_share"]
        kinds = servers.loc[one["operator"]]
        rows.append(
            (
                kinds["operator_ja"],
                word(kinds["operator_kind"], "ja"),
                int(one["servers_n"]),
                int(one["bodies_n"]),
                listed,
                listed + unknown,
                unknown,
                None if pd.isna(share) else float(share),
            )
        )
    _write_table(writing, sheet, 3, "operators", heads, rows)
    sheet.freeze_panes(4, 1)


def _senders(writing: _Book) -> None:
    """送信元: per body and domain what its SPF names, which of it is listed, and SPF and DMARC as context."""
    found = sending.table(writing.edition.tables)
    sheet = writing.sheet("senders", header_row=3)
    bounds = labels.bounded(writing.edition.headline, "sending")
    note = "照会したのは自らのSPFに書かれたアドレスのみ（/28まで、1団体64まで）。事業者と広い範囲は名を記すのみ"
    said = f"送信元が登録の団体 {bounds.text('ja')}。" if bounds else ""
    _top(writing, sheet, "送信元 / Senders", said + note)
    heads = (
        *(
            "団体コード\ncode",
            "都道府県\nprefecture",
            "団体名\nname",
            "ドメイン\ndomain",
            "団体の送信元の判定\nits senders",
        ),
        *("登録アドレスの役割\nrole", "送信元アドレス数\nsenders", "登録のある送信元\nlisted senders", "リスト\nlists"),
        *("再確認\nconfirmed", "事業者（名のみ）\nproviders, named", "範囲（名のみ）\nranges, named", "SPF", "all"),
        *("SPFの問題\nSPF problem", "DMARC", "DMARCの方針\nDMARC policy", "適用元\nits place"),
        *("組織ドメイン\norganisational domain", "SPFレコード\nSPF record", "証拠番号\nevidence"),
    )
    rows = [
        (
            *(one[name] for name in ("code", "prefecture", "name", "domain")),
            word(one["sending_listing"], "ja"),
            labels.role(one["listed_role"], "ja"),
            int(one["senders"]),
            ", ".join(one["senders_listed"]),
            ", ".join(one["lists"]),
            "" if one["senders_confirmed"] is None else ("済" if one["senders_confirmed"] else "未"),
            ", ".join(one["providers"]),
            ", ".join(one["networks"]),
            word(one["spf_status"], "ja"),
            _told(one["spf_all"]),
            word(one["spf_problem"], "ja") if isinstance(one["spf_problem"], str) else "",
            word(one["dmarc_status"], "ja"),
            *(_told(one[name]) for name in ("dmarc_policy", "dmarc_domain", "organisational_domain", "spf_text")),
            " ".join(one["evidence_ids"]),
        )
        for one in found.to_dict("records")
    ]
    _write_table(writing, sheet, 3, "senders", heads, rows, most=30)
    sheet.freeze_panes(4, 4)


def _told(value: object) -> str:
    return value if isinstance(value, str) else ""


def _unknown(writing: _Book) -> None:
    """確認できず: each body that could not be determined, with its reasons; and the lists that were void."""
    found = writing.edition.named_findings()
    unknown = found.loc[found["status"].eq("unknown")].sort_values("code")
    lists = writing.edition.tables["lists"]
    void = lists.loc[lists["health"].eq("void")]
    sheet = writing.sheet("unknown", header_row=3)
    _top(
        writing,
        sheet,
        "確認できず / Not determined",
        f"{len(unknown):,}団体、無効のリスト{len(void):,}。これらは「登録なし」ではない",
    )
    heads = (
        "区分\nwhat",
        "コード・ゾーン\ncode or zone",
        "都道府県\nprefecture",
        "名称\nname",
        "理由\nreasons",
        "証拠番号\nevidence",
    )
    rows: list[tuple[object, ...]] = [
        ("団体", one["code"], one["prefecture"], one["name"], words(one["caveat"], "ja"), " ".join(one["evidence_ids"]))
        for one in unknown.to_dict("records")
    ]
    rows += [
        ("無効リスト", one["zone"], "", one["list_name"], word(one["reason"], "ja"), " ".join(one["evidence_ids"]))
        for one in void.to_dict("records")
    ]
    _write_table(writing, sheet, 3, "not_determined", heads, rows)
    sheet.freeze_panes(4, 2)


def _relays(writing: _Book) -> None:
    """中継の確認: one row per address that was asked, or that a permission named and was not."""
    tables = writing.edition.tables
    found = relay_tables.servers(tables, "ja")
    sheet = writing.sheet("relays", header_row=3)
    said = relay_words.relay_sentences(relay_tables.counts(tables), "ja")
    _top(writing, sheet, "中継の確認 / Relay dialogue", "。".join(said[:2]))
    sheet.write_string(2, 0, f"{relay_words.MEANS['ja']} {relay_words.MEANS['en']}", writing.format("note"))
    heads = (
        *("アドレス\naddress", "ホスト名\nhosts", "運用者（許可書）\noperator", "判定\nverdict", "理由\nreason"),
        *("受け付け／確認項目\naccepted / asked", "実在しない宛先\ncontrol", "ソフトウェア\nsoftware"),
        *("バージョン\nversion", "STARTTLS", "接続日時\nasked at", "証拠番号\nevidence"),
    )
    _write_table(writing, sheet, 3, "relays", heads, list(found.itertuples(index=False, name=None)), most=34)
    sheet.freeze_panes(4, 1)


def _relay_forms(writing: _Book) -> None:
    """中継の項目: what servers did with each form."""
    table = relay_tables.forms(writing.edition.tables, "ja")
    english = relay_tables.forms(writing.edition.tables, "en")["name"]
    sheet = writing.sheet("relay_forms", header_row=3)
    _top(writing, sheet, "中継の項目 / Forms of the relay dialogue", "サーバが各項目に何と応答したか。数はアドレス")
    heads = ("項目\nform", "内容\nmeaning (ja)", "内容\nmeaning (en)", *(_both(status) for status in Relay))
    rows = [(row[0], row[1], name, *map(int, row[2:])) for row, name in zip(_rows(table), english, strict=True)]
    _write_table(writing, sheet, 3, "relay_forms", heads, rows)
    sheet.freeze_panes(4, 1)


def _software(writing: _Book) -> None:
    """応答ソフト: which software the servers that were asked say they run."""
    found = relay_tables.software(writing.edition.tables)
    sheet = writing.sheet("software", header_row=3)
    unknown = int(found.loc[found["software"].isna(), "servers"].sum())
    note = f"許可を得て確認した{int(found['servers'].sum()):,}アドレス。名乗らないサーバ{unknown:,}は不明のまま"
    _top(writing, sheet, "応答ソフト / Software that servers name", note)
    heads = ("ソフトウェア\nsoftware", "バージョン\nversion", "アドレス数\naddresses")
    rows = [
        (one if isinstance(one, str) else "不明 / unknown", version if isinstance(version, str) else "", int(count))
        for one, version, count in _rows(found)
    ]
    _write_table(writing, sheet, 3, "software", heads, rows)


def _rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(table.itertuples(index=False, name=None))


def _both(machine: object) -> str:
    return f"{relay_tables.said(machine, 'ja')}\n{relay_tables.said(machine, 'en')}"


_METHOD = (
    (
        "照会の方法",
        "DNS の照会のみ。サーバには接続していない。公開情報だけを用いた。",
        "DNS questions only; no server was connected to.",
    ),
    (
        "登録ありの判定",
        "有効なリストが、団体のメールサーバ（MX）のアドレスを第三者中継または悪用の分類で載せている場合に限る。",
        "Listed: a healthy list holds an address of one of the body's mail servers as open relay or abuse.",
    ),
    (
        "送信元",
        "ドメイン自身のSPF（RFC 7208）に書かれたアドレスだけを同じリストに照会した。事業者や広い範囲は名を記すのみ。"
        "送信元だけの登録は、団体の「登録あり」に数えていない。DMARCはRFC 9989による。",
        "Senders: addresses that the domain's own SPF names; a listed sender alone makes no body listed.",
    ),
    (
        "確認できず",
        "応答なし・拒否・ドメイン不明が一つでもあれば「登録なし」とはせず、確認できずとした。",
        "Not determined: any missing answer keeps a body from being called not listed.",
    ),
    (
        "リストの有効性",
        "照会の前・途中・後に、登録されているはずの検査点、されていないはずの検査点、無作為のアドレスで確かめた。"
        "一度でも失敗したリストは全期間を無効とし、どの団体の判定にも使っていない。",
        "Lists are tested before, during and after; one failure makes a list void for the whole run.",
    ),
    (
        "再確認",
        "2回目の照会でも同じ分類で登録されていたものだけを「済」とした。",
        "Confirmed: a later pass said the same.",
    ),
    ("登録なしの意味", labels.NOT_CLOSED["ja"], labels.NOT_CLOSED["en"]),
)


_WITH_RELAY = (
    (
        "照会の方法",
        "リストへの照会は DNS のみ。別に、運用者の許可を得たサーバだけに接続した（中継の確認）。",
        "Lists: DNS questions only. Apart from that, only servers whose operators permitted it were connected to.",
    ),
    (
        "中継の確認",
        "許可書にあるアドレスに1回ずつ接続し、第三者宛ての受信の可否を宛先の段階（RCPT）まで尋ねて取り消した。"
        "メールは1通も送っていない。団体の判定（登録あり・なし）には使っていない。",
        "Relay dialogue: one connection per permitted address, up to RCPT and taken back; not one message was sent. "
        "It does not change any body's status.",
    ),
)


def _method_rows(edition: Edition) -> Sequence[tuple[str, str, str]]:
    """The method in words; a run that held the relay dialogue says so."""
    return (*_WITH_RELAY, *_METHOD[1:]) if len(edition.tables["greetings"]) else _METHOD


def _method(writing: _Book) -> None:
    """調査方法: in plain words how this was made, which lists were used, and the head of the evidence."""
    edition = writing.edition
    sheet = writing.sheet("method", header_row=0)
    _top(writing, sheet, "調査方法 / Method", "")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 72)
    sheet.set_column(2, 4, 26)
    row = 3
    for title, ja, en in _method_rows(edition):
        sheet.write_string(row, 0, title, writing.format("strong"))
        sheet.write_string(row, 1, f"{ja}\n{en}", writing.format("wrap"))
        sheet.set_row(row, 15 * (2 + _width(ja) // 72 + _width(en) // 72))
        row += 1
    row += 1
    run = edition.run
    facts = (
        ("台帳 / register", run.get("register", "")),
        ("台帳の SHA-256", run.get("register_sha256", "")),
        ("開始 / started", edition.headline["started_at"]),
        ("終了 / finished", edition.headline["finished_at"] or "―"),
        ("照会先 / resolvers", ", ".join(map(str, _as_list(run.get("resolvers"))))),
        ("照会数 / questions", edition.headline["questions_asked"]),
        ("証拠の先頭 / evidence head", edition.headline["evidence_head"]),
        ("ツール / tool", run.get("tool", "")),
    )
    for name, fact in facts:
        sheet.write_string(row, 0, name, writing.format("strong"))
        sheet.write_string(row, 1, plain(fact), writing.format("text"))
        row += 1
    row += 1
    heads = ("リスト / list", "ゾーン / zone", "区分 / group", "健全性 / health", "理由 / reason")
    for column, head in enumerate(heads):
        sheet.write_string(row, column, head, writing.format("head"))
    for one in edition.tables["lists"].to_dict("records"):
        row += 1
        reason = word(one["reason"], "ja") if isinstance(one["reason"], str) else ""
        values = (one["list_name"], one["zone"], word(one["group"], "ja"), word(one["health"], "ja"), reason)
        for column, value in enumerate(values):
            sheet.write_string(row, column, plain(value), writing.format("text"))


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _dictionary(writing: _Book) -> None:
    """用語: every column of every table, and every word."""
    sheet = writing.sheet("dictionary", header_row=3)
    _top(writing, sheet, "用語 / Data dictionary", "tables/ の各表の列と、判定・分類に使う語")
    rows: list[tuple[object, ...]] = [
        (table.name, column.name, column.kind, column.ja, column.en)
        for table in TABLES.values()
        for column in table.columns
    ]
    rows += [("語 / word", machine, "", ja, en) for machine, ja, en in labels.vocabulary()]
    heads = ("表\ntable", "列・語\ncolumn or word", "型\ntype", "意味\nmeaning (ja)", "意味\nmeaning (en)")
    _write_table(writing, sheet, 3, "dictionary", heads, rows)
    sheet.freeze_panes(4, 2)


def _chains(writing: _Book) -> None:
    """根拠: the whole chain behind every body that is listed or could not be determined, one fact per row."""
    found = writing.edition.named_findings()
    chosen = found.loc[found["status"].isin(["listed", "unknown"]) | found["sending_listing"].eq("listed")]
    chosen = chosen.assign(order=chosen["status"].map(_ORDER)).sort_values(["order", "code"], kind="stable")
    sheet = writing.sheet("chains", header_row=3)
    note = "登録あり・確認できずの団体と、送信元が登録の団体。〔証拠〕の番号は survey show で表示"
    _top(writing, sheet, "根拠 / The chain behind each finding", note)
    explain = Explainer(writing.edition.tables, "ja")
    rows = [
        (one["code"], one["name"], word(one["status"], "ja"), line)
        for one in chosen.to_dict("records")
        for line in explain.chain(str(one["code"]))
    ]
    heads = ("団体コード\ncode", "団体名\nname", "判定\nstatus", "事実\nfact")
    _write_table(writing, sheet, 3, "chains", heads, rows, most=120)
    sheet.freeze_panes(4, 3)
