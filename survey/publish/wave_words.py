"""The words of waves, in Japanese and English; `labels` knows them too."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    # what became of a body or server
    "new": ("新規登録", "newly listed"),
    "persisting": ("登録継続", "still listed"),
    "cleared": ("登録解消", "no longer listed"),
    "unlisted": ("登録なしのまま", "not listed in either"),
    "not_comparable": ("比較できず", "not comparable"),
    # why two waves cannot be compared
    "unknown_before": ("前の調査で確認できず", "not determined before"),
    "unknown_after": ("後の調査で確認できず", "not determined after"),
    "unknown_both": ("前後とも確認できず", "not determined in either"),
    "list_not_in_both": ("根拠のリストが一方の調査にしかない", "its list was asked in one wave only"),
    "list_set_aside": ("根拠のリストを比較から外した", "its list was set aside by a person"),
    "rules_changed": ("リストの読み方が変わった", "its list is read by other rules"),
    "domain_changed": ("推定したドメインが替わった", "one guessed domain gave way to another"),
    "not_in_before": ("前の台帳にない", "not in the earlier register"),
    "not_in_after": ("後の台帳にない", "not in the later register"),
    "not_in_register": ("台帳にない", "not in the register"),
    "merged": ("合併", "merged"),
    "split": ("分割", "split"),
    # what a change rests on
    "world": ("実際の変化", "the world"),
    "method": ("調べ方の違い", "the method"),
    "register": ("台帳の違い", "the register"),
    "network": ("応答がない", "a network that did not answer"),
    # servers
    "to_shared": ("自前から共用へ", "from own to shared"),
    "to_own": ("共用から自前へ", "from shared to own"),
    # how a listing was first seen
    "at_start": ("最初の調査で登録", "listed in the first wave"),
    # what registers have differently
    "renamed": ("名称変更", "renamed"),
    "recoded": ("コード変更", "recoded"),
    "came": ("台帳に加わった", "came into the register"),
    "left": ("台帳から外れた", "left the register"),
    "scope": ("調査対象の変更", "scope changed"),
    "domains": ("ドメインの記載の変更", "other domains given"),
    "in_scope": ("対象", "in scope"),
    # what runs do differently
    "lists": ("リストの選択", "selection of lists"),
    "rules": ("リストの規則", "rules of a list"),
    "reading": ("プログラムの読み方、または人の判断", "how the programme reads, or people’s decisions"),
    "tool": ("ツールの版", "version of the tool"),
    "versions": ("部品の版", "version of a package"),
    "passes": ("照会の回数", "passes"),
    "resolvers": ("照会先リゾルバ", "resolvers"),
    "opt_outs": ("調査辞退", "opt-outs"),
    "spf_and_networks": ("SPF・ネットワークの照会", "questions about SPF and networks"),
    "waiting": ("待ち時間・回数・間隔", "time-out, tries, pause"),
    "selected": ("選択", "selected"),
    "not_selected": ("選択せず", "not selected"),
    # what the gate holds against reporting
    "no_common_list": ("両方で有効なリストがない", "no list was healthy in both waves"),
    "mail_lost": ("メールサーバが一斉に「なし」", "too many lost their mail exchangers at once"),
    "mail_came": ("メールサーバが一斉に現れた", "too many gained mail exchangers at once"),
    "hosts_lost": ("サーバのアドレスが一斉に「なし」", "too many mail hosts lost their addresses at once"),
    "hosts_came": ("サーバのアドレスが一斉に現れた", "too many mail hosts gained addresses at once"),
    "lost_together": (
        "同じ運用者・ゾーンで一斉に「なし」",
        "one operator’s or zone’s domains lost mail together",
    ),
    "came_together": ("同じ運用者・ゾーンで一斉に現れた", "one operator’s or zone’s domains gained mail together"),
    "went_silent": ("一斉に確認できず（後の調査）", "too many fell silent in the later wave"),
    "was_silent": ("一斉に確認できず（前の調査）", "too many were silent in the earlier wave"),
    "list_emptied": ("リストが空になった", "a list was emptied"),
    "list_filled": ("リストの登録が多すぎる", "a list lists too many"),
}

SHEETS: Mapping[str, str] = {
    "wave_bodies": "団体の変化",
    "wave_servers": "サーバの変化",
    "wave_operators": "運用者の変化",
    "wave_history": "経過",
    "wave_survival": "登録の継続",
    "wave_lists": "比べたリスト",
    "wave_method": "調べ方の違い",
    "wave_register": "台帳の違い",
    "rule_changes": "規則による違い",
}
SHEETS_EN: Mapping[str, str] = {
    "wave_bodies": "Bodies",
    "wave_servers": "Servers",
    "wave_operators": "Operators",
    "wave_history": "History",
    "wave_survival": "How long",
    "wave_lists": "Lists compared",
    "wave_method": "Method",
    "wave_register": "Register",
    "rule_changes": "By rule alone",
}
"""Sheets' names, by their tables."""

INTERNAL = {
    "ja": "社内用。団体名は公表の決定（publish）を経てからでなければ出せません。"
    "「登録解消」「登録なし」を個々の団体について書くこともできません。",
    "en": "For the newsroom only. Names go through the gate of publish; that a single body is no longer listed, or not "
    "listed, is never printed.",
}
"""What stands on every sheet."""
