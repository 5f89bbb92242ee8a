"""The newsroom's own workbook, `findings.xlsx`: everything, made for people who know Excel well.

Totals are live formulas that carry their computed values, so that previews and Protected View show them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from xlsxwriter.worksheet import Worksheet

from . import gate, labels, sending, sheets_about, sheets_relays
from .book import ORDER, Book, new_book, top, width, write_table
from .edition import Edition
from .labels import SHEETS, Language, whose, word, words


def write_workbook(edition: Edition, path: Path) -> None:
    """Write `findings.xlsx` for a run."""
    aside = path.with_suffix(".new.xlsx")
    properties = {"title": "調査結果 / findings", "comments": edition.source("ja")}
    with new_book(aside, "internal", "ja", edition.as_of(), properties, is_practice=edition.is_practice) as writing:
        counts = edition.by("prefecture")
        _summary(writing, edition, counts)
        _findings(writing, edition)
        _regions(writing, edition, counts)
        _servers(writing, edition)
        _operators(writing, edition)
        _senders(writing, edition)
        _unknown(writing, edition)
        if len(edition.tables["relay_servers"]):
            sheets_relays.write(writing, edition)
        sheets_about.write(writing, edition)
    aside.replace(path)


def _summary(writing: Book, edition: Edition, counts: pd.DataFrame) -> None:
    """要約: the headline with its bounds, and how the statuses add up, as live formulas over the regional sheet."""
    sheet = writing.sheet("summary", header_row=0)
    sheet.set_column(0, 0, 58)
    sheet.set_column(1, 4, 16)
    top(writing, sheet, "要約 / Summary", f"照会 {edition.as_of()}")
    row = 3
    languages: tuple[Language, ...] = ("ja", "en")
    for language in languages:
        for sentence in labels.headline_sentences(edition.headline, language):
            sheet.merge_range(row, 0, row, 4, "", writing.format("wrap"))
            is_first = sentence == labels.headline_sentences(edition.headline, language)[0]
            sheet.write_string(row, 0, sentence, writing.format("strong" if is_first else "wrap"))
            if width(sentence) > 110:
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
    _counts(writing, edition, sheet, row)


def _counts(writing: Book, edition: Edition, sheet: Worksheet, row: int) -> None:
    """Every other count of the headline with its bounds: listed, at most, not determined, of how many."""
    headline = edition.headline
    heads = ("数 / count", "登録あり / listed", "最大 / at most", "確認できず / not determined", "全数 / of")
    sheet.set_row(row, 30)
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


def _findings(writing: Book, edition: Edition) -> None:
    """調査結果: one row per body, listed ones first."""
    found = edition.named_findings()
    found = found.assign(order=found["status"].map(ORDER)).sort_values(["order", "code"], kind="stable")
    sheet = writing.sheet("findings", header_row=3)
    top(writing, sheet, "調査結果 / Findings", f"{len(found):,}団体。確認できずは登録なしではない")
    heads = (
        *("団体コード\ncode", "都道府県\nprefecture", "団体名\nname", "種別\nkind", "判定\nstatus"),
        *("第三者中継リスト\nopen-relay lists", "登録サーバ\nlisted servers", "リスト\nlists", "分類\ncategories"),
        *("自前・共用\nown or shared", "共用団体数\nshared with", "再確認\nconfirmed", "運用者\noperator"),
        *("留意点\nmind", "メールサーバ\nmail servers", "証拠番号\nevidence", "判定のSHA-256\nfinding_sha256"),
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
                whose(one["own_or_shared"], "ja") if one["servers"] else "",
                None if pd.isna(one["shared_with"]) else int(one["shared_with"]),
                "" if pd.isna(one["confirmed"]) else ("済" if one["confirmed"] else "未"),
                one["operator"] if isinstance(one["operator"], str) else "",
                words(one["caveat"], "ja"),
                " ".join(one["servers"]),
                " ".join(one["evidence_ids"]),
                gate.finding_sha256({str(name): value for name, value in one.items()}),
            )
        )
    write_table(writing, sheet, 3, "findings", heads, rows, most=26)
    # On paper the chain behind a finding is left out: server names, evidence ids and hashes are for the screen.
    sheet.print_area(0, 0, 3 + len(rows), len(heads) - 4)
    sheet.freeze_panes(4, 3)


_REGION_FIRST = 5
"""Excel's row of the first region on 地域別."""


def _regions(writing: Book, edition: Edition, counts: pd.DataFrame) -> None:
    """地域別: statuses per region, with totals as formulas that carry their values."""
    sheet = writing.sheet("regions", header_row=3)
    top(
        writing,
        sheet,
        "地域別 / By region",
        "登録ありは下限、最大は確認できずをすべて加えた上限。調査した団体は、辞退と対象外を除いた数",
    )
    ordered = counts.sort_values(["listed", "unknown", "prefecture"], ascending=[False, False, True])
    heads = (
        *(
            "地域\nregion",
            "登録あり\nlisted",
            "確認できず\nnot determined",
            "登録なし\nnot listed",
            "メールなし\nno mail",
        ),
        *("調査辞退\nopted out", "対象外\nout of scope", "団体総数\nbodies", "調査した団体\nsurveyed", "最大\nat most"),
        *("第三者中継 登録\nopen relay", "第三者中継 確認できず\nnot determined"),
    )
    has_relay = bool(edition.headline["open_relay_lists_used"])
    names = ["listed", "unknown", "clear", "no_mail", "opted_out", "out_of_scope", "bodies", "surveyed"]
    rows = []
    for one in ordered.to_dict("records"):
        relay: list[object] = (
            [int(one["relay_listed"]), int(one["relay_unknown"])] if has_relay else [labels.CANNOT["ja"]] * 2
        )
        rows.append(
            (one["prefecture"], *(int(one[name]) for name in names), int(one["listed"] + one["unknown"]), *relay)
        )
    write_table(writing, sheet, 3, "regions", heads, rows)
    total = _REGION_FIRST - 1 + len(rows)
    sheet.write_string(total, 0, "計 / total", writing.format("total_text"))
    for column in range(1, len(heads)):
        letter = chr(ord("A") + column)
        values = [row[column] for row in rows]
        if all(isinstance(value, int) for value in values):
            formula = f"=SUM({letter}{_REGION_FIRST}:{letter}{total})"
            sheet.write_formula(total, column, formula, writing.format("total"), sum(int(str(v)) for v in values))
    sheet.freeze_panes(4, 1)


def _servers(writing: Book, edition: Edition) -> None:
    """サーバ別: one row per mail server, listed ones first, then by how many bodies use it."""
    servers = edition.tables["servers"]
    sheet = writing.sheet("servers", header_row=3)
    counts = servers["status"].value_counts()
    bounds = labels.Bounded(int(counts.get("listed", 0)), int(counts.get("unknown", 0)), len(servers))
    top(writing, sheet, "サーバ別 / By server", f"登録のあるサーバ {bounds.text('ja')}")
    heads = (
        *("サーバ\nhost", "利用団体数\nbodies", "判定\nstatus", "自前・共用\nown or shared", "その根拠\nbecause"),
        *("運用者\noperator", "運用者の種別\nkind", "AS番号\nAS", "AS名\nAS name", "アドレス\naddresses"),
        "載せたリスト（参考を含む）\nlists incl. context",
    )
    rows = [
        (
            one["host"],
            int(one["bodies_n"]),
            word(one["status"], "ja"),
            whose(one["own_or_shared"], "ja"),
            word(one["basis"], "ja"),
            one["operator_ja"],
            whose(one["operator_kind"], "ja"),
            *(", ".join(one[name]) for name in ("asns", "as_names", "addresses", "lists")),
        )
        for one in servers.to_dict("records")
    ]
    write_table(writing, sheet, 3, "servers", heads, rows)
    sheet.freeze_panes(4, 1)


def _operators(writing: Book, edition: Edition) -> None:
    """運用者別: one row per operator: the bodies that depend on it, and the cumulative share of the listed ones."""
    ranking = edition.ranking("operator")
    servers = edition.tables["servers"].drop_duplicates("operator").set_index("operator")
    sheet = writing.sheet("operators", header_row=3)
    note = "登録・確認できずは、その運用者のサーバについて。累積割合は、登録団体のうちその行までに含まれる割合"
    top(writing, sheet, "運用者別 / By operator", note)
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
                whose(kinds["operator_kind"], "ja"),
                int(one["servers_n"]),
                int(one["bodies_n"]),
                listed,
                listed + unknown,
                unknown,
                None if pd.isna(share) else float(share),
            )
        )
    write_table(writing, sheet, 3, "operators", heads, rows)
    sheet.freeze_panes(4, 1)


def _senders(writing: Book, edition: Edition) -> None:
    """送信元: per body and domain what its SPF names, which of it is listed, and SPF and DMARC as context."""
    found = sending.table(edition.tables)
    sheet = writing.sheet("senders", header_row=3)
    bounds = labels.bounded(edition.headline, "sending")
    note = "照会したのは自らのSPFに書かれたアドレスのみ（/28まで、1団体64まで）。事業者と広い範囲は名を記すのみ"
    said = f"送信元が登録の団体 {bounds.text('ja')}。" if bounds else ""
    top(writing, sheet, "送信元 / Senders", said + note)
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
    write_table(writing, sheet, 3, "senders", heads, rows, most=30)
    sheet.freeze_panes(4, 4)


def _told(value: object) -> str:
    return value if isinstance(value, str) else ""


def _unknown(writing: Book, edition: Edition) -> None:
    """確認できず: each body that could not be determined, with its reasons; and the lists that were void."""
    found = edition.named_findings()
    unknown = found.loc[found["status"].eq("unknown")].sort_values("code")
    lists = edition.tables["lists"]
    void = lists.loc[lists["health"].eq("void")]
    sheet = writing.sheet("unknown", header_row=3)
    top(
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
    write_table(writing, sheet, 3, "not_determined", heads, rows)
    sheet.freeze_panes(4, 2)
