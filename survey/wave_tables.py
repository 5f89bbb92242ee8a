"""The data dictionary of waves: what became of bodies, servers, operators and lists between two runs, and its words.

Wave tables are about two runs, or several, and lie in a folder of their own; a run has none of them. Every table but
`waves`, `wave_history` and `wave_survival` has its rows per pair of waves: `before` and `after` are their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .columns import Kind, Table
from .columns import table as _t


class Change(StrEnum):
    """What became of one body or server from one wave to the next, on the lists that both waves can be held against."""

    NEW = "new"
    PERSISTING = "persisting"
    CLEARED = "cleared"
    UNLISTED = "unlisted"
    NOT_COMPARABLE = "not_comparable"


class Reason(StrEnum):
    """Why two waves cannot be held against each other in one body or server."""

    UNKNOWN_BEFORE = "unknown_before"
    UNKNOWN_AFTER = "unknown_after"
    UNKNOWN_BOTH = "unknown_both"
    LIST_VOID = "list_void"
    LIST_NOT_IN_BOTH = "list_not_in_both"
    LIST_SET_ASIDE = "list_set_aside"
    RULES_CHANGED = "rules_changed"
    DOMAIN_CHANGED = "domain_changed"
    NOT_IN_BEFORE = "not_in_before"
    NOT_IN_AFTER = "not_in_after"
    MERGED = "merged"
    SPLIT = "split"
    OPTED_OUT = "opted_out"
    OUT_OF_SCOPE = "out_of_scope"


class Cause(StrEnum):
    """What a row rests on: the world, how we asked and judged, the register, or a network that did not answer."""

    WORLD = "world"
    METHOD = "method"
    REGISTER = "register"
    NETWORK = "network"


_PAIR: tuple[tuple[str, Kind, str, str], ...] = (
    ("before", "text", "name of the earlier wave", "前の調査"),
    ("after", "text", "name of the later wave", "後の調査"),
)
_CHANGE: tuple[tuple[str, Kind, str, str], ...] = (
    ("change", "text", "new, persisting, cleared, unlisted or not_comparable", "変化"),
    ("reason", "text", "why the waves cannot be compared in this row", "比較できない理由"),
    ("cause", "text", "world, method, register or network: what the row rests on", "何による変化か"),
)
_CONFIRMED: tuple[str, Kind, str, str] = (
    "confirmed",
    "boolean",
    "a later pass confirmed every listing that the change rests on; null where it rests on none",
    "変化の根拠となる登録がすべて再確認済みか",
)

WAVE_TABLES: Mapping[str, Table] = {
    one.name: one
    for one in (
        _t(
            "waves",
            "a wave: one run",
            "調査（1回）",
            "number",
            ("number", "integer", "1 is the oldest", "順番（1が最も古い）"),
            ("wave", "text", "name of the wave: its folder", "調査の名前（フォルダー名）"),
            ("started_at", "time", "when the first question was asked", "照会の開始"),
            ("asked_until", "time", "when the last pass or recheck ended", "照会の終了"),
            ("evidence_head", "text", "head hash of its evidence", "証拠の先頭ハッシュ"),
            ("tool", "text", "which version observed", "調査したツールの版"),
            ("passes", "integer", "passes that were asked for", "照会の回数"),
            ("resolvers", "texts", "resolvers that were asked", "照会先リゾルバ"),
            ("lists_used", "texts", "lists that were healthy", "有効だったリスト"),
            ("lists_void", "texts", "lists that were void", "無効としたリスト"),
            ("bodies", "integer", "bodies of its register", "台帳の団体数"),
            ("bodies_surveyed", "integer", "bodies that were surveyed", "調査した団体数"),
            ("bodies_listed", "integer", "listed by its own healthy lists", "登録ありの団体数"),
            ("bodies_unknown", "integer", "not determined", "確認できなかった団体数"),
            (
                "is_read_again",
                "boolean",
                "read from evidence by the last wave's rules",
                "最後の調査の規則で読み直したか",
            ),
        ),
        _t(
            "wave_bodies",
            "a pair of waves × body",
            "前後の調査×団体",
            "before after code",
            *_PAIR,
            ("code", "text", "code in the later register, else in the earlier one", "団体コード"),
            ("code_before", "text", "code in the earlier register; null when it is not there", "前の台帳の団体コード"),
            ("code_after", "text", "code in the later register; null when it is not there", "後の台帳の団体コード"),
            ("prefecture", "text", "prefecture or region", "都道府県・地域"),
            ("name", "text", "name of the body", "団体名"),
            ("name_before", "text", "name in the earlier register", "前の台帳の団体名"),
            ("kind", "text", "kind of body", "団体の種別"),
            *_CHANGE,
            _CONFIRMED,
            ("status_before", "text", "status before, by the lists compared", "前の判定（比較したリストによる）"),
            ("status_after", "text", "status after, by the lists compared", "後の判定（比較したリストによる）"),
            ("whole_before", "text", "status before, by all healthy lists of that wave", "前の判定（全リスト）"),
            ("whole_after", "text", "status after, by all healthy lists of that wave", "後の判定（全リスト）"),
            ("relay_change", "text", "the change by open-relay lists alone", "第三者中継リストだけによる変化"),
            ("relay_reason", "text", "why that cannot be compared", "同・比較できない理由"),
            ("lists_before", "texts", "zones that listed its servers before", "前の登録リスト"),
            ("lists_after", "texts", "zones that list its servers after", "後の登録リスト"),
            ("categories_before", "texts", "what those listings said", "前の登録の分類"),
            ("categories_after", "texts", "what those listings say", "後の登録の分類"),
            ("servers_came", "texts", "mail servers named only after", "増えたメールサーバ"),
            ("servers_left", "texts", "mail servers named only before", "なくなったメールサーバ"),
            (
                "is_servers_known",
                "boolean",
                "its mail servers were heard in both waves",
                "両方でメールサーバが分かるか",
            ),
            ("whose_before", "text", "own, shared, both or unknown, of all its servers", "前の自前・共用の別"),
            ("whose_after", "text", "own, shared, both or unknown, of all its servers", "後の自前・共用の別"),
            ("moved", "text", "to_shared or to_own: other servers, and of another kind", "サーバの移転"),
            ("operators_before", "texts", "who ran its servers, as far as names tell", "前の運用者"),
            ("operators_after", "texts", "who runs its servers, as far as names tell", "後の運用者"),
            ("domains_came", "texts", "mail domains surveyed only after", "後だけで調べたドメイン"),
            ("domains_left", "texts", "mail domains surveyed only before", "前だけで調べたドメイン"),
            ("kin", "texts", "codes of the other bodies of its merger or split", "合併・分割の相手の団体コード"),
            ("evidence_before", "texts", "evidence of the finding before", "前の証拠番号"),
            ("evidence_after", "texts", "evidence of the finding after", "後の証拠番号"),
        ),
        _t(
            "wave_servers",
            "a pair of waves × mail server, by its host name",
            "前後の調査×メールサーバ（ホスト名）",
            "before after host",
            *_PAIR,
            ("host", "text", "host name", "ホスト名"),
            *_CHANGE,
            _CONFIRMED,
            ("status_before", "text", "status before, by the lists compared", "前の判定（比較したリストによる）"),
            ("status_after", "text", "status after, by the lists compared", "後の判定（比較したリストによる）"),
            ("lists_before", "texts", "zones that held it before, context included", "前に載せたリスト（参考を含む）"),
            ("lists_after", "texts", "zones that hold it after, context included", "後に載せたリスト（参考を含む）"),
            ("addresses_before", "texts", "its addresses before", "前のIPアドレス"),
            ("addresses_after", "texts", "its addresses after", "後のIPアドレス"),
            ("is_changed", "boolean", "other addresses; null where an answer is missing", "アドレスが変わったか"),
            ("same_address", "texts", "names of the other wave that have an address of it", "同じアドレスの別名"),
            ("bodies_before", "integer", "bodies that used it before", "前の利用団体数"),
            ("bodies_after", "integer", "bodies that use it after", "後の利用団体数"),
            ("own_or_shared_before", "text", "own, shared or unknown", "前の自前・共用の別"),
            ("own_or_shared_after", "text", "own, shared or unknown", "後の自前・共用の別"),
            ("operator", "text", "who runs it, as far as names tell", "運用者"),
            ("operator_ja", "text", "the same in Japanese", "運用者（日本語）"),
        ),
        _t(
            "wave_operators",
            "a pair of waves × operator",
            "前後の調査×運用者",
            "before after operator",
            *_PAIR,
            ("operator", "text", "who runs servers, as far as names tell", "運用者"),
            ("operator_ja", "text", "the same in Japanese", "運用者（日本語）"),
            ("operator_kind", "text", "own, prefectural_cloud, provider, global_cloud, unknown", "運用者の種別"),
            ("rank_before", "integer", "place by listed bodies before; null when none", "前の順位"),
            ("rank_after", "integer", "place by listed bodies after; null when none", "後の順位"),
            ("bodies_before", "integer", "bodies that used servers of it before", "前の利用団体数"),
            ("bodies_after", "integer", "bodies that use servers of it after", "後の利用団体数"),
            ("listed_before", "integer", "of these, with a listed server of it", "前の登録団体数"),
            ("listed_after", "integer", "of these, with a listed server of it", "後の登録団体数"),
            ("listed_both", "integer", "bodies with a listed server of it in both waves", "前後とも登録の団体数"),
            ("unknown_before", "integer", "with none listed but one not determined", "前に確認できずの団体数"),
            ("unknown_after", "integer", "with none listed but one not determined", "後に確認できずの団体数"),
        ),
        _t(
            "wave_lists",
            "a pair of waves × list",
            "前後の調査×リスト",
            "before after zone",
            *_PAIR,
            ("zone", "text", "zone of the list", "リストのゾーン名"),
            ("list_name", "text", "name of the list", "リスト名"),
            ("group", "text", "relay, abuse or context", "区分"),
            ("is_compared", "boolean", "the waves are compared on it", "比較に使ったか"),
            ("is_compared_ipv6", "boolean", "also for IPv6 addresses", "IPv6も比較に使ったか"),
            ("reason", "text", "why not", "使わない理由"),
            ("health_before", "text", "healthy or void; null when not selected", "前の健全性"),
            ("health_after", "text", "healthy or void; null when not selected", "後の健全性"),
            ("void_before", "text", "what failed before", "前の無効の理由"),
            ("void_after", "text", "what failed after", "後の無効の理由"),
            ("asked_before", "integer", "addresses asked of it before", "前の照会アドレス数"),
            ("asked_after", "integer", "addresses asked of it after", "後の照会アドレス数"),
            ("listed_before", "integer", "addresses that it listed before", "前の登録アドレス数"),
            ("listed_after", "integer", "addresses that it listed after", "後の登録アドレス数"),
        ),
        _t(
            "wave_register",
            "a pair of waves × body that the registers have differently",
            "前後の調査×台帳の変わった団体",
            "before after code_before code_after change",
            *_PAIR,
            ("change", "text", "renamed, recoded, merged, split, came, left, scope or domains", "台帳の変化"),
            ("code_before", "text", "code in the earlier register", "前の団体コード"),
            ("code_after", "text", "code in the later register", "後の団体コード"),
            ("prefecture", "text", "prefecture or region", "都道府県・地域"),
            ("name_before", "text", "name in the earlier register", "前の団体名"),
            ("name_after", "text", "name in the later register", "後の団体名"),
            ("said_before", "text", "what the earlier register said", "前の記載"),
            ("said_after", "text", "what the later register says", "後の記載"),
        ),
        _t(
            "wave_method",
            "a pair of waves × thing that was done differently",
            "前後の調査×方法の違い",
            "before after aspect subject",
            *_PAIR,
            (
                "aspect",
                "text",
                "lists, rules, tool, versions, passes, resolvers, opt_outs, spf_and_networks, waiting",
                "違う点",
            ),
            ("subject", "text", "which list, where it is one", "対象"),
            ("said_before", "text", "how it was before", "前"),
            ("said_after", "text", "how it was after", "後"),
        ),
        _t(
            "rule_changes",
            "a run × body whose finding other rules read otherwise from the same evidence",
            "調査×同じ証拠から規則の違いだけで判定が変わる団体",
            "wave code cause",
            ("wave", "text", "name of the run: its folder", "調査の名前（フォルダー名）"),
            ("code", "text", "official code of the body, as text", "団体コード（文字列）"),
            ("prefecture", "text", "prefecture or region", "都道府県・地域"),
            ("name", "text", "name of the body", "団体名"),
            (
                "cause",
                "text",
                "rules (the catalogue's) or reading (the programme's, or people's decisions since)",
                "何による違いか",
            ),
            ("status_then", "text", "status by the rules of then", "当時の規則による判定"),
            ("status_now", "text", "status by the rules of now", "今の規則による判定"),
            ("own_or_shared_then", "text", "whose its servers were by the rules of then", "当時の自前・共用の別"),
            ("own_or_shared_now", "text", "whose its servers were by the rules of now", "今の自前・共用の別"),
            ("lists_then", "texts", "zones that listed its servers by the rules of then", "当時の規則による登録リスト"),
            ("lists_now", "texts", "zones that list its servers by the rules of now", "今の規則による登録リスト"),
            ("categories_then", "texts", "what those listings said", "当時の規則による分類"),
            ("categories_now", "texts", "what those listings say", "今の規則による分類"),
            ("zones", "texts", "lists whose rules differ and that spoke of its servers", "規則の変わったリスト"),
        ),
        _t(
            "wave_history",
            "a body over all waves, through its new names and codes",
            "全調査を通した団体（名称・コードの変更を追う）",
            "code",
            ("code", "text", "latest code", "団体コード（最新）"),
            ("codes", "texts", "every code that it had", "すべての団体コード"),
            ("prefecture", "text", "prefecture or region", "都道府県・地域"),
            ("name", "text", "latest name", "団体名（最新）"),
            ("kind", "text", "kind of body", "団体の種別"),
            ("statuses", "texts", "status per wave by that wave's own healthy lists; not_in_register", "各調査の判定"),
            ("changes", "texts", "change from each wave to the next", "調査ごとの変化"),
            ("waves_n", "integer", "waves whose register has it", "台帳に載る調査回数"),
            ("waves_listed", "integer", "waves in which it was listed", "登録ありの調査回数"),
            ("waves_unknown", "integer", "waves in which it was not determined", "確認できなかった調査回数"),
            ("first_seen", "text", "first wave in which it was listed", "最初に登録があった調査"),
            ("last_seen", "text", "last wave in which it was listed", "最後に登録があった調査"),
            ("first_seen_at", "time", "when that wave began", "最初に登録があった調査の日時"),
            ("last_seen_at", "time", "when that wave ended", "最後に登録があった調査の日時"),
            (
                "is_listed_last",
                "boolean",
                "it is listed in the last wave; null when not determined",
                "最後の調査で登録ありか",
            ),
            ("is_unbroken", "boolean", "persisting in each step from first to last seen", "その間ずっと登録が続いたか"),
        ),
        _t(
            "wave_survival",
            "how bodies were first seen listed × waves since then",
            "登録の見つかり方×その後の調査回数",
            "seen step",
            ("seen", "text", "at_start (listed in the first wave) or new (seen to come)", "登録の見つかり方"),
            ("step", "integer", "waves since it was first seen", "最初に見つかってからの調査回数"),
            ("days_least", "integer", "shortest time since it was first seen, in days", "経過日数（最短）"),
            ("days_most", "integer", "longest time since it was first seen, in days", "経過日数（最長）"),
            ("at_risk", "integer", "bodies still listed one wave earlier and compared in this one", "比較できた団体数"),
            ("persisting", "integer", "of these, still listed", "登録継続"),
            ("cleared", "integer", "of these, no longer listed", "登録解消"),
            (
                "not_comparable",
                "integer",
                "lost from sight in this step: neither still listed nor cleared",
                "比較できず",
            ),
            ("ended", "integer", "not followed any further: there is no later wave", "後の調査がない団体数"),
        ),
    )
}
"""Every table of waves by its name."""
