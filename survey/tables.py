"""The data dictionary: every table, every column, every status word.

A table is a pandas DataFrame whose columns stand here, in this order; `frames` makes them. The workbook's dictionary
sheet and docs/tables.md are written from this module.

Kinds of columns: text, integer, boolean (all three may be null), time (aware UTC), texts (a list of text).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .columns import Kind, Table
from .columns import table as _t
from .wave_tables import WAVE_TABLES


class Dns(StrEnum):
    """What a DNS question brought. `absent` is an answer; `silent` is none."""

    PRESENT = "present"
    ABSENT = "absent"
    SILENT = "silent"
    NOT_ASKED = "not_asked"


class Listing(StrEnum):
    """What one list said of one address."""

    LISTED = "listed"
    CLEAR = "clear"
    REFUSED = "refused"
    SILENT = "silent"
    NOT_ASKED = "not_asked"


class Relay(StrEnum):
    """What one server did with one form of the relay dialogue. `accepted` means: may relay."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    SILENT = "silent"
    NOT_ASKED = "not_asked"


class Verdict(StrEnum):
    """What the relay dialogue says of one address as a whole."""

    MAY_RELAY = "may_relay"
    REJECTS = "rejects"
    INCONCLUSIVE = "inconclusive"
    NOT_ASKED = "not_asked"


class Body(StrEnum):
    """What the healthy lists said of one body's mail servers."""

    LISTED = "listed"
    CLEAR = "clear"
    UNKNOWN = "unknown"
    NO_MAIL = "no_mail"
    OPTED_OUT = "opted_out"
    OUT_OF_SCOPE = "out_of_scope"


class Share(StrEnum):
    """Whose the servers are."""

    OWN = "own"
    SHARED = "shared"
    BOTH = "both"
    UNKNOWN = "unknown"


class Candidacy(StrEnum):
    """What became of one candidate domain. `outranked`: it takes mail too, and a likelier one was chosen."""

    CHOSEN = "chosen"
    OUTRANKED = "outranked"
    REJECTED = "rejected"
    SILENT = "silent"
    NOT_ASKED = "not_asked"


class Confidence(StrEnum):
    """How sure it is that a domain is its body's. `low` decides nobody's status."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


RELAY_CATEGORIES = frozenset({"open_relay"})
ABUSE_CATEGORIES = frozenset(
    {
        "open_proxy",
        "spam_source",
        "exploited_host",
        "botnet",
        "attack_source",
        "web_form",
        "backscatter",
    }
)
HEADLINE_CATEGORIES = RELAY_CATEGORIES | ABUSE_CATEGORIES
"""Only these make a body `listed`; every other category is context."""

HEADLINE_GROUPS = ("relay", "abuse")
"""Groups of lists whose codes say so; lists of any other group are context."""

BODY_KINDS = ("prefecture", "designated_city", "city", "special_ward", "town", "village", "national", "other")


_EVIDENCE: tuple[str, Kind, str, str] = (
    "evidence_id",
    "text",
    "evidence that this row was read from",
    "この行の根拠となる証拠番号",
)
_EVIDENCES: tuple[str, Kind, str, str] = (
    "evidence_ids",
    "texts",
    "evidence that this row was read from",
    "この行の根拠となる証拠番号",
)
_CODE: tuple[str, Kind, str, str] = ("code", "text", "official code of the body, as text", "団体コード（文字列）")

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        _t(
            "bodies",
            "a local government or national body",
            "自治体または国の行政機関",
            "code",
            _CODE,
            ("prefecture", "text", "prefecture or region", "都道府県・地域"),
            ("name", "text", "name of the body", "団体名"),
            ("kana", "text", "reading of the name", "団体名の読み"),
            ("kind", "text", "kind of body: " + ", ".join(BODY_KINDS), "団体の種別"),
            ("in_scope", "boolean", "whether the body is surveyed", "調査対象か"),
            ("scope_reason", "text", "why the body is not surveyed", "調査対象外の理由"),
            ("source_sheet", "text", "sheet of the register", "台帳のシート名"),
            ("source_row", "integer", "row of the register, as Excel counts", "台帳の行番号"),
        ),
        _t(
            "domains",
            "a body × mail domain",
            "団体×メールドメイン",
            "code domain",
            _CODE,
            ("domain", "text", "mail domain as A-label, no final dot", "メールドメイン（Aラベル）"),
            ("basis", "text", "given, website, reviewed or convention", "ドメインの根拠"),
            ("written", "text", "as it stands in the register's cell", "台帳セルの元の記載"),
            ("source_row", "integer", "row of the register, as Excel counts", "台帳の行番号"),
            ("confidence", "text", "high, medium or low; low decides nobody's status", "確からしさ"),
            ("is_reserved", "boolean", "the name is kept for governments", "行政機関専用の名前か"),
            ("is_printable", "boolean", "given, reviewed, or kept for governments", "公表資料に載せてよいか"),
            ("doubts", "texts", "what a person should look at", "確認すべき点"),
            _EVIDENCES,
        ),
        _t(
            "candidates",
            "a body × candidate domain",
            "団体×候補ドメイン",
            "code rank",
            _CODE,
            ("rank", "integer", "1 is the likeliest", "順位（1が最有力）"),
            ("domain", "text", "candidate domain as A-label, no final dot", "候補ドメイン（Aラベル）"),
            ("basis", "text", "website or convention", "候補の根拠"),
            ("status", "text", "chosen, outranked, rejected, silent or not_asked", "結果"),
            ("reason", "text", "why it was rejected, or what the silence looked like", "理由"),
            ("source_row", "integer", "row of the register, as Excel counts", "台帳の行番号"),
            _EVIDENCES,
        ),
        _t(
            "problems",
            "something in the register that needs a look",
            "台帳で確認が必要な箇所",
            "sheet row column",
            ("sheet", "text", "sheet of the register", "シート名"),
            ("row", "integer", "row, as Excel counts; null for the whole sheet", "行番号"),
            ("column", "text", "column letter, or empty for the whole row", "列"),
            ("value", "text", "what stands there", "セルの値"),
            ("problem", "text", "what is wrong, in English", "問題点（英語）"),
            ("problem_ja", "text", "what is wrong, in Japanese", "問題点"),
            ("done", "text", "what was done about it, in English", "処理（英語）"),
            ("done_ja", "text", "what was done about it, in Japanese", "処理"),
            ("is_usable", "boolean", "whether the row is still surveyed", "調査に使えるか"),
        ),
        _t(
            "mail_servers",
            "a domain × mail server",
            "ドメイン×メールサーバ",
            "domain preference host",
            ("domain", "text", "mail domain", "メールドメイン"),
            ("preference", "integer", "MX preference; lower is tried first", "MX優先度"),
            ("host", "text", "host name; null for null MX, none and silence", "ホスト名"),
            ("kind", "text", "mx, implicit, null or none; null when silent", "MXの種別"),
            ("target", "text", "host, cname, address_literal, localhost, special or dangling", "MXの指す先"),
            ("status", "text", "present, absent or silent", "回答の状態"),
            ("reason", "text", "what the silence or absence looked like", "理由"),
            _EVIDENCE,
        ),
        _t(
            "addresses",
            "a host × address",
            "ホスト×アドレス",
            "host family address",
            ("host", "text", "host name", "ホスト名"),
            ("address", "text", "IPv4 or IPv6 address; null when absent or silent", "IPアドレス"),
            ("family", "integer", "4 or 6", "IPバージョン"),
            ("status", "text", "present, absent or silent", "回答の状態"),
            ("reason", "text", "special address, or what the silence looked like", "理由"),
            ("is_changed", "boolean", "an earlier pass gave other addresses", "前回の照会とアドレスが異なるか"),
            _EVIDENCE,
        ),
        _t(
            "senders",
            "a domain × thing that its SPF names",
            "ドメイン×SPFに書かれた送信元",
            "domain place",
            ("domain", "text", "mail domain", "メールドメイン"),
            ("place", "integer", "place in the order in which a receiver reads", "受信側が読む順番"),
            ("record_domain", "text", "the name whose record says so", "このレコードのある名前"),
            ("mechanism", "text", "the term as it is written, made harmless", "レコードの記載"),
            ("kind", "text", "a, mx, ip4, ip6, include, redirect, exists or ptr", "機構の種別"),
            ("qualifier", "text", "+ - ~ or ?", "修飾子"),
            ("host", "text", "the name that it leads to", "指す先の名前"),
            ("network", "text", "the network that it names", "指すネットワーク"),
            ("address", "text", "the sending address that lists are asked about", "リストに照会した送信元アドレス"),
            (
                "provider",
                "text",
                "registrable domain of another owner, who is only named",
                "他者の登録ドメイン（名を記すのみ）",
            ),
            ("is_own", "boolean", "whether the record is the body's own", "団体自身のレコードか"),
            ("status", "text", "present, absent, silent or not_asked", "回答の状態"),
            ("reason", "text", "why absent, silent, not asked, or wrong", "理由"),
            _EVIDENCES,
        ),
        _t(
            "policies",
            "a mail domain, its SPF and DMARC",
            "メールドメインのSPFとDMARC",
            "domain",
            ("domain", "text", "mail domain", "メールドメイン"),
            ("spf_status", "text", "present, absent, silent or not_asked", "SPFの照会の結果"),
            ("spf_reason", "text", "what the silence or absence looked like", "SPFの応答なし・なしの理由"),
            ("spf_text", "text", "the SPF record, made harmless", "SPFレコード"),
            ("spf_all", "text", "qualifier of all: + - ~ or ?", "all の修飾子"),
            (
                "spf_lookups_n",
                "integer",
                "terms followed that make a receiver ask, ten at most",
                "DNS照会を要する項の数",
            ),
            ("spf_voids_n", "integer", "lookups of its own that found nothing", "何も得られなかった照会の数"),
            ("spf_problem", "text", "what makes a receiver give up on it first", "受信側が評価をやめる理由"),
            ("dmarc_status", "text", "present, absent, silent or not_asked", "DMARCの照会の結果"),
            ("dmarc_reason", "text", "what the silence or absence looked like", "DMARCの応答なし・なしの理由"),
            ("dmarc_domain", "text", "the name whose DMARC record applies", "適用されるDMARCレコードのある名前"),
            ("dmarc_text", "text", "the DMARC record, made harmless", "DMARCレコード"),
            ("dmarc_p", "text", "its p: none, quarantine or reject", "DMARCの p"),
            ("dmarc_sp", "text", "its sp, for names below", "DMARCの sp（下位の名前用）"),
            ("dmarc_policy", "text", "the policy that applies to the domain's mail", "このドメインに適用される方針"),
            ("organisational_domain", "text", "by RFC 9989; null when silence hides it", "組織ドメイン（RFC 9989）"),
            ("dmarc_problem", "text", "what is wrong with the DMARC record", "DMARCレコードの問題"),
            ("evidence_ids", "texts", "evidence of the SPF record", "SPFレコードの証拠番号"),
            ("dmarc_evidence_ids", "texts", "evidence of the DMARC tree walk", "DMARCの照会の証拠番号"),
        ),
        _t(
            "listings",
            "an address × list",
            "アドレス×ブラックリスト",
            "address zone",
            ("address", "text", "IPv4 or IPv6 address", "IPアドレス"),
            ("zone", "text", "zone of the list; keys are written <key>", "リストのゾーン名"),
            ("status", "text", "listed, clear, refused, silent or not_asked", "判定"),
            ("codes", "texts", "return codes of the latest answer", "リターンコード"),
            ("categories", "texts", "what the accepted codes say", "分類"),
            ("reason", "text", "why not asked, refused or silent; changes between passes", "理由"),
            ("text", "text", "the list's own words (TXT), made harmless", "リストの説明文（TXT）"),
            ("confirmed", "boolean", "another pass agreed, later than the TTL", "再確認済みか"),
            ("confirmed_categories", "texts", "the categories on which the passes agreed", "再確認された分類"),
            ("asked_at", "time", "when the answer that counts was asked for", "照会日時"),
            _EVIDENCES,
        ),
        _t(
            "lists",
            "a selected list",
            "使用したブラックリスト",
            "zone",
            ("zone", "text", "zone of the list", "リストのゾーン名"),
            ("list_name", "text", "name of the list", "リスト名"),
            ("group", "text", "relay, abuse or context", "区分"),
            ("health", "text", "healthy or void", "健全性"),
            ("health_ipv6", "text", "healthy, void or not_judged", "IPv6の健全性"),
            ("reason", "text", "what failed first", "無効の理由"),
            ("rounds", "integer", "health rounds judged", "検査回数"),
            ("failed_round", "integer", "the first round that failed", "失敗した検査"),
            ("asked_n", "integer", "addresses asked of the list", "照会したアドレス数"),
            ("listed_n", "integer", "addresses that the list answered as listed", "登録アドレス数"),
            (
                "is_implausible",
                "boolean",
                "it lists so many that the list itself is in doubt",
                "登録が多すぎて要確認か",
            ),
            _EVIDENCES,
        ),
        _t(
            "networks",
            "an address of a mail server",
            "メールサーバのアドレス",
            "address",
            ("address", "text", "IPv4 or IPv6 address", "IPアドレス"),
            ("status", "text", "what the origin question brought", "AS番号の照会の結果"),
            ("reason", "text", "what the silence or absence looked like", "理由"),
            ("asns", "texts", "AS numbers that announce the address", "経路を広告するAS番号"),
            ("as_names", "texts", "their names, as the source tells them", "ASの名称"),
            ("prefix", "text", "announced prefix", "経路のプレフィックス"),
            (
                "country",
                "text",
                "registry's country of the prefix, not the server's place",
                "割り振り上の国",
            ),
            ("ptr_status", "text", "what the PTR question brought", "逆引きの照会の結果"),
            ("ptr", "texts", "names that the address gives itself", "逆引きの名前"),
            ("ptr_confirmed", "texts", "those of them that have the address", "正引きと一致する逆引き"),
            (
                "is_ptr_confirmed",
                "boolean",
                "whether one has; null without PTR or answer",
                "逆引きが正引きと一致するか",
            ),
            _EVIDENCES,
        ),
        _t(
            "servers",
            "a mail server",
            "メールサーバ",
            "host",
            ("host", "text", "host name", "ホスト名"),
            ("status", "text", "listed, unknown or clear, by the healthy lists", "判定"),
            ("codes", "texts", "bodies that use it, by this name or another with its address", "利用する団体のコード"),
            ("bodies_n", "integer", "how many these are", "利用する団体数"),
            ("addresses", "texts", "its addresses", "IPアドレス"),
            ("lists", "texts", "zones that hold an address of it, context included", "載せているリスト（参考を含む）"),
            ("own_or_shared", "text", "own, shared or unknown", "自前・共用の別"),
            ("basis", "text", "the rule that decided own or shared", "自前・共用の判断の根拠"),
            ("operator", "text", "who runs it, as far as names tell", "運用者"),
            ("operator_ja", "text", "the same in Japanese", "運用者（日本語）"),
            ("operator_kind", "text", "own, prefectural_cloud, provider, global_cloud, unknown", "運用者の種別"),
            (
                "operator_basis",
                "text",
                "host, ptr, range, body or domain: what named the operator",
                "運用者の判断の根拠",
            ),
            ("asns", "texts", "AS numbers of its addresses", "AS番号"),
            ("as_names", "texts", "their names", "ASの名称"),
        ),
        _t(
            "greetings",
            "an address that the relay dialogue asked",
            "中継の確認で接続したアドレス",
            "address",
            ("address", "text", "IPv4 or IPv6 address", "IPアドレス"),
            ("operator", "text", "whose server it is, as the permission says", "運用者（許可書による）"),
            ("software", "text", "software, when the server says so; null is unknown", "ソフトウェア（名乗った場合）"),
            ("version", "text", "version, when the server says so", "バージョン（名乗った場合）"),
            ("name", "text", "the name that the server gives itself", "サーバが名乗った名前"),
            ("banner", "text", "the greeting, made harmless", "応答の冒頭（バナー）"),
            ("esmtp", "boolean", "whether it answered EHLO", "EHLOに応じたか"),
            ("starttls", "text", "not_offered, used, failed or refused; null when not known", "STARTTLSの状態"),
            ("tls", "text", "protocol, cipher and certificate; never verified", "TLSの方式と証明書（検証はしない）"),
            ("asked_at", "time", "when the dialogue began", "接続日時"),
            _EVIDENCE,
        ),
        _t(
            "relays",
            "an address × form of the relay dialogue",
            "アドレス×中継の試験項目",
            "address form",
            ("address", "text", "IPv4 or IPv6 address", "IPアドレス"),
            ("form", "text", "name of the form", "試験項目"),
            ("status", "text", "accepted (may relay), rejected, deferred, silent or not_asked", "判定"),
            ("reason", "text", "what the refusal or silence looked like; why not asked", "理由"),
            ("stage", "text", "the command that the reply answers: mail or rcpt", "応答した段階"),
            ("reply", "text", "the server's reply, made harmless", "サーバの応答"),
            ("sender", "text", "envelope sender that was asked", "送信者アドレス"),
            ("recipient", "text", "envelope recipient that was asked", "宛先アドレス"),
            ("operator", "text", "whose server it is, as the permission says", "運用者（許可書による）"),
            ("asked_at", "time", "when the dialogue began", "接続日時"),
            _EVIDENCE,
        ),
        _t(
            "relay_servers",
            "an address of a mail server, or one that a permission names",
            "メールサーバまたは許可書にあるアドレス",
            "address",
            ("address", "text", "IPv4 or IPv6 address", "IPアドレス"),
            ("hosts", "texts", "its host names", "ホスト名"),
            ("verdict", "text", "may_relay, rejects, inconclusive or not_asked", "判定"),
            ("reason", "text", "why inconclusive or not asked", "理由"),
            ("accepted_n", "integer", "forms that the server said it would take", "受け付けた項目数"),
            ("asked_n", "integer", "forms that were asked", "確認した項目数"),
            ("control", "text", "what it said to a recipient that cannot exist", "実在しない宛先への応答"),
            ("operator", "text", "whose server it is, as the permission says", "運用者（許可書による）"),
            ("permission_row", "integer", "row of the permission file", "許可書の行番号"),
            ("asked_at", "time", "when the dialogue began", "接続日時"),
            _EVIDENCE,
        ),
        _t(
            "findings",
            "a body",
            "団体",
            "code",
            _CODE,
            ("status", "text", "listed, clear, unknown, no_mail, opted_out, out_of_scope", "判定"),
            ("servers", "texts", "its mail servers", "メールサーバ"),
            ("servers_listed", "texts", "those of them that are listed", "登録のあるメールサーバ"),
            ("lists", "texts", "zones that list them", "登録のあるリスト"),
            ("categories", "texts", "what those listings say", "登録の分類"),
            (
                "open_relay_listing",
                "text",
                "the status by open-relay lists alone; null when no such list was healthy",
                "第三者中継リストだけによる判定",
            ),
            ("own_or_shared", "text", "own, shared, both or unknown", "自前・共用の別"),
            (
                "listed_role",
                "text",
                "what its listed addresses do: receives (MX), sends (its own SPF) or both",
                "登録アドレスの役割（受信・送信・両方）",
            ),
            (
                "sending_listing",
                "text",
                "the status by the sending addresses that its own SPF names alone; no_senders when it names none",
                "自らのSPFに書かれた送信元アドレスだけによる判定",
            ),
            ("senders_listed", "texts", "those sending addresses that are listed", "登録のある送信元アドレス"),
            (
                "senders_confirmed",
                "boolean",
                "a listing of a sender was confirmed by a later pass; null when none is listed",
                "送信元の登録が再確認済みか",
            ),
            ("operator", "text", "who runs the servers, as far as names tell", "運用者"),
            ("shared_with", "integer", "other bodies that use the same servers", "同じサーバを使う他団体数"),
            ("confirmed", "boolean", "a later pass confirmed every listing of the row; null if none", "再確認済みか"),
            ("confirmed_categories", "texts", "the categories that were confirmed", "再確認された分類"),
            ("confirmed_servers", "texts", "listed servers with a confirmed listing", "再確認された登録サーバ"),
            _EVIDENCES,
            ("caveat", "texts", "what could not be known, and what to mind", "留意点"),
        ),
        *WAVE_TABLES.values(),
    )
}
