"""The sheets of `waves.xlsx`: titles, notes, columns with their heads, and how a value of each column is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from .clock import clock
from .labels import Language, whose, word, words


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its title, what its reader must know, and its columns in order, by their names."""

    title: str
    note: Mapping[Language, str]
    columns: tuple[str, ...]
    printed: int | None = None
    """How many of its columns go on paper; None: all of them."""


_HEADS = {
    **{"before": "前の調査\nbefore", "after": "後の調査\nafter", "wave": "調査\nwave", "code": "団体コード\ncode"},
    **{"prefecture": "都道府県\nprefecture", "name": "団体名\nname", "kind": "種別\nkind"},
    **{"change": "変化\nchange", "reason": "理由\nreason", "cause": "何による\ncause"},
    **{"confirmed": "再確認済み\nconfirmed", "status_before": "前の判定\nstatus", "status_after": "後の判定\nstatus"},
    **{"whole_before": "前（全リスト）\nby all lists", "whole_after": "後（全リスト）\nby all lists"},
    **{"relay_change": "第三者中継だけでは\nopen relays alone", "relay_reason": "その理由\nreason"},
    **{"lists_before": "前のリスト\nlists", "lists_after": "後のリスト\nlists"},
    **{"categories_before": "前の分類\ncategories", "categories_after": "後の分類\ncategories"},
    **{"servers_left": "なくなったサーバ\nservers left", "servers_came": "増えたサーバ\nservers came"},
    **{"whose_before": "前の自前・共用\nwhose", "whose_after": "後の自前・共用\nwhose", "moved": "移転\nmoved"},
    **{"operators_before": "前の運用者\noperators", "operators_after": "後の運用者\noperators"},
    **{"domains_left": "前だけのドメイン\ndomains left", "domains_came": "後だけのドメイン\ndomains came"},
    **{"name_before": "前の団体名\nname", "name_after": "後の団体名\nname"},
    **{"code_before": "前のコード\ncode", "code_after": "後のコード\ncode", "kin": "合併・分割の相手\nkin"},
    **{"evidence_before": "前の証拠番号\nevidence", "evidence_after": "後の証拠番号\nevidence"},
    **{"waves_listed": "登録の回数\nwaves listed", "waves_n": "調査の回数\nwaves"},
    **{"waves_unknown": "確認できず\nnot determined", "first_seen": "最初の登録\nfirst seen"},
    **{"first_seen_at": "最初の日時\nfirst at", "last_seen": "最後の登録\nlast seen"},
    **{"last_seen_at": "最後の日時\nlast at", "is_listed_last": "最後も登録\nlisted last"},
    **{"is_unbroken": "途切れず継続\nunbroken", "statuses": "各回の判定\nstatuses", "changes": "各回の変化\nchanges"},
    **{"codes": "コードの変遷\ncodes", "seen": "見つかり方\nseen", "step": "その後の回数\nwaves since"},
    **{"days_least": "日数 最短\ndays, least", "days_most": "日数 最長\ndays, most", "at_risk": "比べた団体\ncompared"},
    **{"persisting": "継続\nstill", "cleared": "解消\nno longer", "not_comparable": "比較できず\nnot comparable"},
    **{
        "ended": "後の調査なし\nno later wave",
        "host": "サーバ\nhost",
        "same_address": "同じアドレスの別名\nsame address",
    },
    **{"bodies_before": "前の利用団体\nbodies", "bodies_after": "後の利用団体\nbodies"},
    **{"is_changed": "アドレス変更\nother addresses", "addresses_before": "前のアドレス\naddresses"},
    **{"addresses_after": "後のアドレス\naddresses", "operator": "運用者\noperator"},
    **{"own_or_shared_before": "前の自前・共用\nwhose", "own_or_shared_after": "後の自前・共用\nwhose"},
    **{"operator_ja": "運用者（日本語）\nin Japanese", "operator_kind": "種別\nkind"},
    **{"rank_before": "前の順位\nrank", "rank_after": "後の順位\nrank", "listed_both": "前後とも\nin both"},
    **{"listed_before": "前の登録\nlisted", "listed_after": "後の登録\nlisted"},
    **{"unknown_before": "前 確認できず\nnot determined", "unknown_after": "後 確認できず\nnot determined"},
    **{"zone": "ゾーン\nzone", "list_name": "リスト\nlist", "group": "区分\ngroup"},
    **{"is_compared": "比較に使用\ncompared", "is_compared_ipv6": "IPv6も\nIPv6 too"},
    **{"health_before": "前の健全性\nhealth", "health_after": "後の健全性\nhealth"},
    **{"void_before": "前の無効の理由\nwhy void", "void_after": "後の無効の理由\nwhy void"},
    **{"asked_before": "前の照会\nasked", "asked_after": "後の照会\nasked"},
    **{"aspect": "違う点\naspect", "subject": "対象\nsubject"},
    **{"said_before": "前の記載\nsaid before", "said_after": "後の記載\nsaid after"},
    **{"status_then": "当時の判定\nthen", "status_now": "今の判定\nnow"},
    **{"own_or_shared_then": "当時の自前・共用\nwhose", "own_or_shared_now": "今の自前・共用\nwhose"},
    **{"lists_then": "当時のリスト\nlists", "lists_now": "今のリスト\nlists"},
    **{"categories_then": "当時の分類\ncategories", "categories_now": "今の分類\ncategories"},
    **{"zones": "規則の変わったリスト\nlists with other rules"},
}
_PAIR = ("before", "after")
SHEETS: Mapping[str, Sheet] = {
    "wave_bodies": Sheet(
        "団体の変化 / What became of bodies",
        {
            "ja": "両方で有効なリストだけで比べた。「全リスト」は、その調査の有効なリストすべてによる判定",
            "en": "Compared on lists healthy in both. “By all lists” is the status by all healthy lists of that wave",
        },
        (
            *(*_PAIR, "code", "prefecture", "name", "kind", "change", "reason", "cause", "confirmed"),
            *("status_before", "status_after", "whole_before", "whole_after", "relay_change", "relay_reason"),
            *("lists_before", "lists_after", "categories_before", "categories_after", "servers_left", "servers_came"),
            *("whose_before", "whose_after", "moved", "operators_before", "operators_after"),
            *("domains_left", "domains_came", "name_before", "code_before", "kin", "evidence_before", "evidence_after"),
        ),
        printed=18,
    ),
    "wave_history": Sheet(
        "経過 / History",
        {
            "ja": "一度でも登録のあった団体。1行が1団体で、いつから、いつまで、何回の調査で登録があったかを示す",
            "en": "Bodies that were ever listed, a line each: since when, until when, and in how many waves",
        },
        (
            *("code", "name", "prefecture", "kind", "waves_listed", "waves_n", "waves_unknown", "first_seen"),
            *("first_seen_at", "last_seen", "last_seen_at", "is_listed_last", "is_unbroken", "statuses", "changes"),
            "codes",
        ),
    ),
    "wave_survival": Sheet(
        "登録の継続 / How long listings last",
        {
            "ja": "比較できなくなった団体は、その後を追わず、継続とも解消とも数えない（打ち切り）",
            "en": "A body that cannot be compared any more is followed no further, and counts as neither (censored)",
        },
        ("seen", "step", "days_least", "days_most", "at_risk", "persisting", "cleared", "not_comparable", "ended"),
    ),
    "wave_servers": Sheet(
        "サーバの変化 / What became of mail servers",
        {
            "ja": "ホスト名が同じなら同じサーバとみなし、アドレスは中で比べた",
            "en": "A server is its host name; its addresses are compared inside",
        },
        (
            *(*_PAIR, "host", "change", "reason", "cause", "confirmed", "status_before", "status_after"),
            *("lists_before", "lists_after", "bodies_before", "bodies_after", "is_changed", "addresses_before"),
            *("addresses_after", "same_address", "own_or_shared_before", "own_or_shared_after", "operator"),
        ),
        printed=14,
    ),
    "wave_operators": Sheet(
        "運用者の変化 / Operators",
        {
            "ja": "登録のあるサーバを使う団体の数。「確認できず」は、登録はないが確認できないサーバのある団体",
            "en": "Bodies that use a listed server; “not determined”: none is listed, but one could not be determined",
        },
        (
            *(*_PAIR, "operator", "operator_ja", "operator_kind", "rank_before", "rank_after", "listed_before"),
            *("listed_after", "listed_both", "unknown_before", "unknown_after", "bodies_before", "bodies_after"),
        ),
    ),
    "wave_lists": Sheet(
        "比べたリスト / Lists compared",
        {
            "ja": "両方で選ばれ、両方で有効で、同じ規則で読めるリストだけを比較に使う",
            "en": "Compared are lists selected and healthy in both waves, and read by the same rules",
        },
        (
            *(*_PAIR, "zone", "list_name", "group", "is_compared", "is_compared_ipv6", "reason", "health_before"),
            *("health_after", "void_before", "void_after", "asked_before", "asked_after", "listed_before"),
            "listed_after",
        ),
    ),
    "wave_method": Sheet(
        "調べ方の違い / Done differently",
        {"ja": "調べ方の違いは、実際の変化ではない", "en": "What was done differently is no change of the world"},
        (*_PAIR, "aspect", "subject", "said_before", "said_after"),
    ),
    "wave_register": Sheet(
        "台帳の違い / Registers",
        {
            "ja": "合併・分割の団体は、団体としては比べない",
            "en": "Bodies of a merger or split are not compared as bodies",
        },
        (
            *(*_PAIR, "change", "code_before", "code_after", "prefecture", "name_before", "name_after"),
            *("said_before", "said_after"),
        ),
    ),
    "rule_changes": Sheet(
        "規則による違い / Changed by rule alone",
        {
            "ja": "同じ証拠を今の規則で読み直しただけで変わる判定。実際の変化ではない",
            "en": "Findings that the same evidence read by other rules changes; nothing of it is a change of the world",
        },
        (
            *("wave", "code", "prefecture", "name", "cause", "status_then", "status_now", "own_or_shared_then"),
            *("own_or_shared_now", "lists_then", "lists_now", "categories_then", "categories_now", "zones"),
        ),
    ),
}


def head(column: str) -> str:
    """What stands above a column, in both languages."""
    return _HEADS[column]


def shown(column: str, value: object, language: Language) -> object:
    """A value as the readers of a language read it; empty where there is none."""
    if isinstance(value, list):
        return _TEXTS.get(column, _joined)(value, language)
    if value is None or value is pd.NA or value is pd.NaT or isinstance(value, float):
        return ""
    if isinstance(value, bool):
        return {"ja": ("いいえ", "はい"), "en": ("no", "yes")}[language][value]
    if isinstance(value, datetime):
        return clock(value, "internal", language)
    if isinstance(value, str) and column in _WORDS:
        return word(value, language)
    if isinstance(value, str) and column in _WHOSE:
        return whose(value, language)
    return value


def _joined(values: list[object], language: Language) -> str:
    return ", ".join(map(str, values))


_TEXTS: Mapping[str, Callable[[list[object], Language], str]] = {
    **dict.fromkeys(("categories_before", "categories_after", "categories_then", "categories_now"), words),
    **dict.fromkeys(("statuses", "changes"), lambda values, language: " → ".join(word(v, language) for v in values)),
    **dict.fromkeys(("evidence_before", "evidence_after"), lambda values, _: " ".join(map(str, values))),
}
_WORDS = frozenset(
    {
        *("change", "reason", "cause", "status_before", "status_after", "whole_before", "whole_after", "relay_change"),
        *("relay_reason", "kind", "moved", "group", "health_before", "health_after", "void_before", "void_after"),
        *("aspect", "seen", "status_then", "status_now", "said_before", "said_after"),
    }
)
_WHOSE = frozenset(
    {
        *("whose_before", "whose_after", "own_or_shared_before", "own_or_shared_after", "own_or_shared_then"),
        *("own_or_shared_now", "operator_kind"),
    }
)
