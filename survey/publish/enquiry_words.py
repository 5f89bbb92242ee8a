"""The words and sentences of enquiries, in Japanese and English; `labels` knows the words too.

A sentence says what lists answered, about which server, when; never that a server is insecure, and nothing about
whoever else may use it.
"""

from __future__ import annotations

from collections.abc import Mapping

Both = tuple[str, str]
"""Japanese and English."""

WORDS: Mapping[str, Both] = {
    "enquirer": ("照会者限り（公表不可）", "for the enquirer only – not for publication"),
    # what became of an item
    "taken": ("受付", "taken"),
    "answered": ("回答", "answered"),
    "repeated": ("重複（前に回答）", "written before, and answered there"),
    "unusable": ("読めない", "could not be used"),
    "beside": ("照会ではない記載", "no question"),
    "not_heard": ("応答が得られず不明", "no answer was heard"),
    "no_such_name": ("名前が存在しない", "no such name"),
    "no_server": ("メールサーバがない", "no mail server"),
    # why
    "not_in_run": ("この調査では照会していない", "this survey did not ask about it"),
    "ipv6_range": ("IPv6の範囲は数え上げて照会できない", "an IPv6 range cannot be asked about address by address"),
    "no_subject": ("名前もアドレスも書かれていない", "no name and no address in it"),
    "one_label": ("ドットで区切られた名前ではない", "no name with a dot in it"),
    "bad_top_level": ("末尾（.jp など）が名前として正しくない", "its last part is no top-level domain"),
    "bad_address": ("IPアドレスとして正しくない", "no valid IP address"),
    "leading_zeros": ("アドレスの数字の先頭に0がある", "an address with leading zeros"),
    "bad_range": ("範囲として正しくない", "no valid range"),
    "range_too_wide": ("範囲が広すぎる", "the range is too wide"),
    "range_backwards": ("範囲の終わりが始まりより前", "the range ends before it begins"),
    "mixed_families": ("範囲の両端がIPv4とIPv6", "one end is IPv4, the other IPv6"),
    "two_in_a_word": ("区切りなしに二つ以上書かれている", "two or more without anything between them"),
    "line_too_long": ("行が長すぎる", "the line is too long"),
    "word_too_long": ("語が長すぎる", "the word is too long"),
    "too_many_subjects": ("1回の照会の上限を超えた", "beyond the limit of one enquiry"),
    "too_many_in_ranges": ("範囲のアドレスが1回の照会の上限を超えた", "beyond the limit of addresses in ranges"),
    "number_or_date": ("数または日付", "a number or a date"),
    "excel_error": ("Excelのエラー値", "an Excel error"),
    "formula": ("計算結果が保存されていない数式", "a formula without a computed value"),
    "undecodable": ("文字コードを判別できない", "text in no known encoding"),
    "comment": ("注記", "a comment"),
    "heading": ("表題・見出し", "a title or heading"),
    "text_beside": ("同じ行にある照会以外の記載", "text beside the names and addresses of its row"),
    "sheet_without": ("名前もアドレスもないシート", "a sheet without names and addresses"),
    # how something was read
    "mail_address": ("メールアドレスのドメインと読んだ", "read as the domain of a mail address"),
    "web_address": ("URLのホスト名と読んだ", "read as the host of a web address"),
    "port": ("ポート番号を除いた", "without its port"),
    "idn": ("国際化ドメイン名", "an internationalised name"),
    "wildcard_cut": ("「*.」を除いた。その下の名前は対象外", "without “*.”; names below it are not covered"),
    "out_of_text": ("文の中から読み取った", "read out of a sentence"),
    "range_around": ("そのアドレスを含む範囲と読んだ", "read as the range around it"),
}

REMEDIES: Mapping[str, Both] = {
    **dict.fromkeys(
        ("no_subject", "one_label", "bad_name", "bad_top_level", "word_too_long"),
        ("city.example.jp のような名前か、192.0.2.1 のようなアドレスを書く", "write city.example.jp or 192.0.2.1"),
    ),
    **dict.fromkeys(("bad_address", "leading_zeros"), ("192.0.2.1 のように書く", "write it as 192.0.2.1")),
    **dict.fromkeys(
        ("bad_range", "range_backwards", "mixed_families"),
        ("192.0.2.0/24 または 192.0.2.1-192.0.2.20 と書く", "write 192.0.2.0/24 or 192.0.2.1-192.0.2.20"),
    ),
    "range_too_wide": (
        "IPv4は /24（256アドレス）まで、IPv6は /48 までに分ける",
        "divide it: IPv4 up to /24 (256 addresses), IPv6 up to /48",
    ),
    **dict.fromkeys(("two_in_a_word", "line_too_long"), ("1行に一つずつ書く", "write one to a line")),
    **dict.fromkeys(
        ("too_many_subjects", "too_many_in_ranges"), ("残りを別の照会にする", "put the rest into another enquiry")
    ),
    **dict.fromkeys(
        ("number_or_date", "excel_error", "formula"),
        ("セルに名前かアドレスを文字として書く", "write the name or address into the cell as text"),
    ),
    "undecodable": ("UTF-8 で保存し直す", "save the file in UTF-8"),
    "ipv6_range": ("アドレスを一つずつ書く", "write single addresses"),
    "not_in_run": ("照会し直すことができる。ご連絡ください", "it can be asked about now: write to us"),
}
"""What to do about an item that could not be used or answered."""

TITLE: Both = (
    "メールサーバのブラックリスト登録状況 照会への回答",
    "Answer to an enquiry: mail servers on blocklists",
)
ABOUT: tuple[Both, ...] = (
    (
        "この回答は、照会された名前とアドレスのサーバについて、各リスト（DNSBL）がその時刻に何と答えたかを記したものです。"
        "サーバの管理が不十分である、第三者中継を許している、といった判断ではありません。",
        "This answer says what each list (DNSBL) answered about the servers enquired about, at the time given. It does "
        "not say that a server is badly run, or that it relays for strangers.",
    ),
    (
        "「登録なし」は、有効なリストがすべて答え、第三者中継・悪用の分類では載せていないという意味です。"
        "どのリストがそう答えたかは「サーバ」の表にあります。",
        "“Not listed” means that every healthy list answered and none has the server as an open relay or for abuse. "
        "The sheet of servers says which lists these are.",
    ),
    (
        "「確認できず」「未照会」「照会拒否」「応答なし」は、「登録なし」ではありません。",
        "“Not determined”, “not asked”, “refused” and “no answer” do not mean “not listed”.",
    ),
    (
        "「参考」の登録（動的アドレスの範囲、近隣のネットワークなど）は、そのサーバ自体の悪用を示すものではありません。",
        "A listing marked as context (dynamic ranges, neighbouring networks and the like) says nothing about abuse by "
        "the server itself.",
    ),
    (
        "アドレスや範囲による照会には、ホスト名を記しません。サーバをほかに誰が使っているかは、お答えしません。",
        "An enquiry by address or range is answered without host names. Who else uses a server is not told.",
    ),
    (
        "送信元は、ドメイン自身のSPFに書かれたアドレスだけを対象とし、事業者のものと広い範囲は対象にしていません。",
        "Of senders only the addresses that the domain’s own SPF names were asked about; providers and wide ranges "
        "were not.",
    ),
    (
        "無効と判定したリスト（検査に一度でも失敗したもの）の回答は、どの判定にも使っていません。",
        "What a void list said (one that failed a test of its health) counts for nothing.",
    ),
    (
        "登録の解除は、各リストの運営者に申請してください。手続きのページは「登録の内容」と「リスト」の表にあります。"
        "当方は解除に関与できません。",
        "To be delisted, turn to the list’s operator; the sheets of listings and of lists have the pages. We cannot "
        "have anything delisted.",
    ),
)
OF_A_RUN: Both = (
    "調査の時点での回答です。現在の状態とは異なることがあります。",
    "These are the answers of the time of the survey; they may be others today.",
)
COMPLAIN: Both = (
    "回答に誤りがあると思われるとき、調査の対象から外れたいときは、下記へご連絡ください。",
    "If you think that something here is wrong, or wish not to be asked about, write to:",
)
FACTS: Mapping[str, Both] = {
    "for": ("照会者", "for"),
    "answered_at": ("回答日時", "answered"),
    "asked_at": ("リストへの照会", "lists asked"),
    "evidence_head": ("証拠全体のハッシュ", "head hash of the evidence"),
    "questions": ("照会内容のハッシュ", "hash of the questions"),
    "by": ("回答者", "answered by"),
    "contact": ("連絡先", "contact"),
    "lines": ("照会の行・セル", "lines and cells"),
    "servers": ("サーバ（アドレス×ホスト）", "servers (address × host)"),
}
SHEETS: Mapping[str, str] = {
    "enquiry_summary": "回答 Answer",
    "enquiry_servers": "サーバ Servers",
    "enquiry_listings": "登録の内容 Listings",
    "enquiry_lines": "照会の各行 Lines",
    "enquiry_lists": "リスト Lists",
}
HEADS: Mapping[str, tuple[str, ...]] = {
    "servers": (
        *("番号\nno.", "ホスト\nhost", "アドレス\naddress", "役割\nrole", "判定\nstatus", "判定の理由\nwhy"),
        *("登録のあるリスト\nlisted on", "分類\ncategories", "再確認\nconfirmed"),
        *("登録なしと答えたリスト数\nlists that said no", "答えなかったリスト\ndid not answer", "照会日時\nasked at"),
        *("最初に確認\nseen since", "参考の登録\ncontext", "登録なしと答えたリスト\nlists that said: not listed"),
        *("照会した名前など\nenquired as", "証拠番号\nevidence"),
    ),
    "listings": (
        *("番号\nno.", "ホスト\nhost", "アドレス\naddress", "リスト\nlist", "区分\nkind"),
        *("コードとその意味\ncode and meaning", "リストの説明文\nthe list’s own words", "最初に確認\nseen since"),
        *("最後に確認\nasked at", "再確認\nconfirmed", "解除の手続き\nhow to be delisted", "ゾーン\nzone"),
        *("確認ページ\nlook-up page", "確認のコマンド\ncommand to check", "証拠番号\nevidence"),
    ),
    "lines": (
        *("ファイル\nfile", "シート\nsheet", "行\nrow", "列\ncolumn", "記載\nwritten", "読み取り\nread as"),
        *("結果\noutcome", "理由・注記\nwhy, notes", "どうすればよいか\nwhat to do", "サーバ番号\nservers"),
        *("登録あり\nlisted", "登録なし\nnot listed", "確認できず・未照会\nnot determined"),
    ),
    "lists": (
        *("リスト\nlist", "ゾーン\nzone", "運営者\noperator", "区分\ngroup", "健全性\nhealth", "理由\nwhy"),
        *("確認ページ\nlook-up page", "解除の手続き\nhow to be delisted"),
    ),
}
NOTES: Mapping[str, Both] = {
    "servers": (
        "アドレスごとに1行。判定は第三者中継・悪用の分類による",
        "one line per address; the status is by open-relay and abuse categories",
    ),
    "listings": ("登録とは、リストがその時刻にそう答えたという事実", "a listing is what a list answered at that time"),
    "lines": ("照会の行とセルを漏れなく載せた", "every line and cell of the enquiry"),
    "lists": (
        "照会したリスト。無効のものは判定に使っていない",
        "the lists that were asked; what is void counts for nothing",
    ),
}
HEADLINE, CONTEXT = ("判定に使用", "counts"), ("参考", "context")
YES, NOT_YET = ("済", "yes"), ("未", "not yet")
RANGE: Both = ("{size:,}アドレス中{known:,}アドレスを照会", "{known:,} of {size:,} addresses were asked about")
RANGE_IPV6: Both = ("範囲のうち{known:,}アドレスを照会", "{known:,} addresses of the range were asked about")


def both(pair: Both) -> str:
    """Japanese and English in one cell."""
    return f"{pair[0]} / {pair[1]}" if pair[0] != pair[1] else pair[0]
