"""The workbook's sheets about itself: method in plain words, data dictionary, and the chain behind each finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..columns import Table
from ..tables import TABLES
from ..wave_tables import WAVE_TABLES
from . import labels
from .book import ORDER, Book, plain, top, width, write_table
from .edition import Edition
from .labels import word
from .why import Explainer


def write(writing: Book, edition: Edition) -> None:
    """調査方法, 用語 and 根拠."""
    _method(writing, edition)
    of_runs = [table for table in TABLES.values() if table.name not in WAVE_TABLES]
    write_dictionary(
        writing, of_runs, [("findings", *_FINDING_SHA256), *(("decisions.xlsx", *row) for row in _DECISIONS)]
    )
    _chains(writing, edition)


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


def method_rows(*, has_dialogue: bool) -> Sequence[tuple[str, str, str]]:
    """Heading, Japanese and English text of each point; a run that held the relay dialogue says so."""
    return (*_WITH_RELAY, *_METHOD[1:]) if has_dialogue else _METHOD


def _method(writing: Book, edition: Edition) -> None:
    """調査方法: in plain words how this was made, which lists were used, and the head of the evidence."""
    sheet = writing.sheet("method", header_row=0)
    top(writing, sheet, "調査方法 / Method", "")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 72)
    sheet.set_column(2, 4, 26)
    row = 3
    for title, ja, en in method_rows(has_dialogue=bool(len(edition.tables["greetings"]))):
        sheet.write_string(row, 0, title, writing.format("strong"))
        sheet.write_string(row, 1, f"{ja}\n{en}", writing.format("wrap"))
        sheet.set_row(row, 15 * (2 + width(ja) // 72 + width(en) // 72))
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


_FINDING_SHA256 = (
    *("finding_sha256", "text"),
    "判定（判定・リスト・分類・サーバ・再確認・証拠番号）のSHA-256。公表の決定はこの値に対して行う",
    "SHA-256 of the finding with its confirmation and evidence ids; what is decided about",
)
_DECISIONS = (
    ("finding", "text", "決定の対象になった判定の内容", "what was decided about, in words"),
    ("notified_at, notified_how", "time, text", "当該団体に通知した日時と方法", "when and how the body was told"),
    ("reply, deadline", "text, time", "回答と回答期限", "its reply, and until when it could reply"),
    ("approved_by, decided_at, decision", "text, time, text", "承認者・決定日時・決定", "who decided what, and when"),
    ("reason", "text", "通知せずに公表する場合の理由", "why it is named without notice"),
)


def write_dictionary(writing: Book, tables: Iterable[Table], more: Sequence[tuple[object, ...]] = ()) -> None:
    """用語: every column of these tables, and every word."""
    sheet = writing.sheet("dictionary", header_row=3)
    top(writing, sheet, "用語 / Data dictionary", "tables/ の各表の列と、判定・分類に使う語")
    rows: list[tuple[object, ...]] = [
        (table.name, column.name, column.kind, column.ja, column.en) for table in tables for column in table.columns
    ]
    rows += more
    rows += [("語 / word", machine, "", ja, en) for machine, ja, en in labels.vocabulary()]
    heads = ("表\ntable", "列・語\ncolumn or word", "型\ntype", "意味\nmeaning (ja)", "意味\nmeaning (en)")
    write_table(writing, sheet, 3, "dictionary", heads, rows)
    sheet.freeze_panes(4, 2)


def _chains(writing: Book, edition: Edition) -> None:
    """根拠: the whole chain behind every body that is listed or could not be determined, one fact per row."""
    found = edition.named_findings()
    chosen = found.loc[found["status"].isin(["listed", "unknown"]) | found["sending_listing"].eq("listed")]
    chosen = chosen.assign(order=chosen["status"].map(ORDER)).sort_values(["order", "code"], kind="stable")
    sheet = writing.sheet("chains", header_row=3)
    note = "登録あり・確認できずの団体と、送信元が登録の団体。〔証拠〕の番号は survey show で表示"
    top(writing, sheet, "根拠 / The chain behind each finding", note)
    explain = Explainer(edition.tables, chosen["code"].to_list(), "ja")
    rows = [
        (one["code"], one["name"], word(one["status"], "ja"), line)
        for one in chosen.to_dict("records")
        for line in explain.chain(str(one["code"]))
    ]
    heads = ("団体コード\ncode", "団体名\nname", "判定\nstatus", "事実\nfact")
    write_table(writing, sheet, 3, "chains", heads, rows, most=120)
    sheet.freeze_panes(4, 3)
