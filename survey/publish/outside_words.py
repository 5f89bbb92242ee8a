"""What stands on the sheets of the outsiders' workbooks: each English text with its Japanese."""

from __future__ import annotations

from collections.abc import Mapping

JA: Mapping[str, str] = {
    "others, put together": "その他（まとめて表示）",
    "Summary": "要約",
    "count": "数",
    "listed": "登録あり",
    "at most": "最大",
    "not determined": "確認できず",
    "of": "全数",
    "bodies on open-relay lists": "第三者中継リストに登録の団体",
    "bodies on either": "第三者中継・悪用リストに登録の団体",
    "bodies with a listed sender": "送信元が登録の団体",
    "Findings": "調査結果",
    "Confirmed listings only: what a list answered, and no more": (
        "再確認された登録だけ。リストがそう答えた事実であり、それ以上の意味はない"
    ),
    "Listings": "登録の内容",
    "look-up page": "照会ページ",
    "delisting": "解除の手続き",
    "Of the bodies surveyed; at most adds what could not be determined; some rows are put together": (
        "調査した団体についての数。登録ありは下限、最大は確認できずをすべて加えた上限。一部の行はまとめた"
    ),
    "Of the bodies surveyed; at most adds what could not be determined": (
        "調査した団体についての数。登録ありは下限、最大は確認できずをすべて加えた上限"
    ),
    "Counted are listings by open-relay lists.": "第三者中継リストへの登録を数えた。",
    "Counted are listings by open-relay or abuse lists.": "第三者中継または悪用のリストへの登録を数えた。",
    "part": "区分",
    "bodies": "団体数",
    "bodies surveyed": "調査した団体",
    "open relay, listed": "第三者中継 登録",
    "open relay, not determined": "第三者中継 確認できず",
    "total": "計",
    "Operators": "運用者別",
    "operator": "運用者",
    "kind": "種別",
    "One failed test makes a list void for the whole run": "検査に一度でも失敗したリストは全期間を無効とした",
    "Lists and their health": "使用したリストとその健全性",
    "list": "リスト",
    "zone": "ゾーン",
    "group": "区分",
    "health": "健全性",
    "reason": "理由",
    "A body with several reasons counts under each; not determined is not “not listed”": (
        "理由が重なる団体はそれぞれに数えた。「確認できず」は「登録なし」ではない"
    ),
    "Method": "調査方法",
    "started": "開始",
    "finished": "終了",
    "evidence head": "証拠の先頭",
    "tool": "ツール",
    "No corrections": "訂正はありません",
    "operator {}": "運用者{}",
    "Named bodies were confirmed at {} or later": "名を出した団体の再確認: {} 以降",
    "All {} bodies. A result stands only where the body was told and the editors decided; empty says nothing": (
        "全{}団体。結果は、当該団体への通知と編集部の決定を経た団体だけに記す。空欄は登録の有無を示すものではない"
    ),
    "{} bodies. A listing that was not confirmed counts as not determined, which is not “not listed”": (
        "{}団体。再確認されていない登録は「確認できず」に数えた。確認できずは登録なしではない"
    ),
    "Operators without a decision to name them are called A, B …": "公表を決めていない運用者は、運用者A、B…と記す",
    "Bodies that depend on its servers": "そのサーバに依存する団体の数",
}

HEADS: Mapping[str, tuple[str, str]] = {
    "code": ("団体コード", "code"),
    "prefecture": ("都道府県", "region"),
    "name": ("団体名", "body"),
    "kana": ("読み", "reading"),
    "kind": ("種別", "kind"),
    "status": ("判定", "status"),
    "open_relay_listing": ("第三者中継リスト", "open-relay lists"),
    "own_or_shared": ("自前・共用", "own or shared"),
    "categories": ("分類", "categories"),
    "lists": ("リスト", "lists"),
    "servers_listed": ("登録サーバ", "listed servers"),
    "operator": ("運用者", "operator"),
    "operator_ja": ("運用者", "operator"),
    "evidence_ids": ("証拠番号", "evidence"),
    "shared_with": ("共用団体数", "shared with"),
    "caveat": ("留意点", "mind"),
    "asked_at": ("最後の確認", "last confirmed"),
    "finding_sha256": ("判定のSHA-256", "SHA-256 of the finding"),
    "host": ("ホスト名", "host"),
    "address": ("アドレス", "address"),
    "zone": ("ゾーン", "zone"),
    "codes": ("コード", "return codes"),
    "text": ("リストの説明", "the list's words"),
}
"""Column heads of the outsiders' sheets, in Japanese and English."""
