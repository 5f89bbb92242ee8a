"""Every word and sentence that a reader sees, in Japanese and English, in one place.

A count is never printed alone: `Bounded` prints it as "listed to listed + unknown, of how many".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .enquiry_words import SHEETS as ENQUIRY_SHEETS
from .enquiry_words import WORDS as ENQUIRY_WORDS
from .relay_words import WORDS as RELAY_WORDS
from .wave_words import SHEETS as WAVE_SHEETS
from .wave_words import SHEETS_EN as WAVE_SHEETS_EN
from .wave_words import WORDS as WAVE_WORDS

Language = Literal["ja", "en"]
LANGUAGES: tuple[Language, ...] = ("ja", "en")

_WORDS: Mapping[str, tuple[str, str]] = {
    # status words
    "listed": ("登録あり", "listed"),
    "clear": ("登録なし", "not listed"),
    "unknown": ("確認できず", "not determined"),
    "no_mail": ("メールなし", "no mail"),
    "opted_out": ("調査辞退", "opted out"),
    "out_of_scope": ("対象外", "out of scope"),
    "refused": ("照会拒否", "refused"),
    "silent": ("応答なし", "no answer"),
    "not_asked": ("未照会", "not asked"),
    "healthy": ("有効", "healthy"),
    "void": ("無効", "void"),
    "not_judged": ("判定せず", "not judged"),
    # audiences
    "internal": ("社内用（転載不可）", "internal – not for publication"),
    "ministry": ("総務省提供用（公表不可）", "for the ministry – not for publication"),
    "public": ("公表用", "for publication"),
    # why a name may not be printed
    "not_listed": ("登録なし・確認できず", "not listed, or not determined"),
    "undecided": ("公表の決定がない", "no decision to name"),
    "changed": (
        "決定後に判定か証拠が変わった（改めて承認が必要）",
        "the finding or its evidence is another than was decided about: to be signed again",
    ),
    "not_notified": ("当該団体に通知していない", "not notified"),
    "deadline_open": ("回答期限前で回答もない", "no reply, and the deadline has not passed"),
    "dates_wrong": ("通知・期限・決定の日付の順序がおかしい", "its dates are not in order, or lie in the future"),
    "others_open": ("同じサーバを使う他団体に通知していない", "others that use the same server were not notified"),
    "too_old": ("再確認から時間がたちすぎた", "the last confirmation is too old"),
    # what keeps a correction out of public
    "a_body": ("公表していない団体", "a body that is not named"),
    "an_operator": ("公表していない運用者", "an operator that is not named"),
    "a_host": ("ホスト名", "a host name"),
    "an_address": ("IPアドレス", "an IP address"),
    # whose
    "own": ("自前", "own"),
    "shared": ("共用", "shared"),
    "both": ("自前と共用", "own and shared"),
    "receives": ("受信", "receives"),
    "sends": ("送信", "sends"),
    "used_by_several": ("複数の団体が利用", "several bodies use it"),
    "known_operator": ("既知の事業者のサーバ", "a known operator's server"),
    "bears_its_name": ("利用団体の名を持つ", "it bears its only user's name"),
    "bears_another_name": ("別の団体の名を持つ", "it bears another body's name"),
    "operator_of_several": ("同じ運用者が複数団体に提供", "its operator serves several bodies"),
    "name_tells_nothing": ("名前からは分からない", "its name tells nothing"),
    # kinds of operators
    "prefectural_cloud": ("自治体情報セキュリティクラウド", "prefectural security cloud"),
    "provider": ("事業者", "provider"),
    "global_cloud": ("大手クラウド", "global cloud"),
    "host": ("ホスト名", "host name"),
    "ptr": ("逆引き", "PTR"),
    "range": ("アドレス範囲", "address range"),
    "domain": ("登録ドメイン", "registrable domain"),
    "body": ("団体のドメイン", "a body's domain"),
    **RELAY_WORDS,
    **ENQUIRY_WORDS,
    **WAVE_WORDS,
    # kinds of bodies
    "prefecture": ("都道府県", "prefecture"),
    "designated_city": ("政令指定都市", "designated city"),
    "city": ("市", "city"),
    "special_ward": ("特別区", "special ward"),
    "town": ("町", "town"),
    "village": ("村", "village"),
    "national": ("国の機関", "national body"),
    "other": ("その他", "other"),
    # categories of listings
    "open_relay": ("第三者中継", "open relay"),
    "open_proxy": ("公開プロキシ", "open proxy"),
    "spam_source": ("迷惑メール送信元", "spam source"),
    "exploited_host": ("乗っ取られた機器", "exploited host"),
    "botnet": ("ボットネット", "botnet"),
    "attack_source": ("攻撃元", "attack source"),
    "web_form": ("悪用されたフォーム", "abused web form"),
    "backscatter": ("誤配送通知", "backscatter"),
    "bulk_mailer": ("大量送信元", "bulk mailer"),
    "tor_exit": ("Torの出口", "Tor exit"),
    "whitelist": ("許可リスト", "whitelist"),
    "informational": ("参考情報", "information only"),
    "error": ("照会を受け付けない", "refusal"),
    "dynamic_policy": ("動的アドレス（方針）", "dynamic range (policy)"),
    "network_escalation": ("近隣ネットワーク", "network escalation"),
    "reputation": ("評判", "reputation"),
    "relay": ("第三者中継", "open relay"),
    "abuse": ("悪用", "abuse"),
    "context": ("参考", "context"),
    # caveats and reasons
    "mx_silent": ("MXの照会に応答なし", "no answer about its MX"),
    "domain_absent": ("ドメインが存在しない", "its domain does not exist"),
    "domain_unknown": ("ドメインが不明", "its domain is not known"),
    "domain_doubtful": ("推定したドメインが確かでない", "its domain was guessed and is in doubt"),
    # domains and their candidates
    "high": ("高", "high"),
    "medium": ("中", "medium"),
    "low": ("低", "low"),
    "chosen": ("採用", "chosen"),
    "outranked": ("より有力な候補を採用", "outranked by a likelier one"),
    "rejected": ("不採用", "rejected"),
    "no_mx": ("MXがない", "no MX"),
    "null_mx": ("メールを受けないと明示（null MX）", "null MX: it takes no mail"),
    "wildcard": ("ワイルドカードの応答", "only a wildcard answers for it"),
    "wildcard_not_known": ("ワイルドカードか確認できず", "whether a wildcard answers is not known"),
    "parking_not_known": ("保留ドメインか確認できず", "whether it is parked is not known"),
    "parked": ("保留ドメイン（パーキング）", "parked"),
    "other_body": ("他の団体のドメイン", "another body's domain"),
    "denied": ("人が否認", "a person said no"),
    "better_silent": ("より有力な候補から応答がない", "a likelier candidate did not answer"),
    "guessed_twice": ("他の団体のドメインと同じ", "another body's domain too"),
    "anybodys_name": ("誰でも取得できる名前", "a name that anybody could hold"),
    "no_soa": ("SOAを確認できない", "no SOA was heard"),
    "address_silent": ("サーバのアドレスの照会に応答なし", "no answer about a server's address"),
    "no_address": ("照会できるアドレスがない", "no address that lists can be asked about"),
    "listing_silent": ("リストの応答なし", "a list did not answer"),
    "listing_refused": ("リストが照会を拒否", "a list refused to answer"),
    "unconfirmed": ("再確認されていない", "not confirmed by a second pass"),
    "came_between_passes": ("2回の照会の間に登録", "listed between the passes"),
    "left_between_passes": ("2回の照会の間に解除", "delisted between the passes"),
    "no_healthy_relay_list": ("有効な第三者中継リストがない", "no healthy open-relay list"),
    "partly_confirmed": ("再確認は一部のみ", "confirmed only in part"),
    "not_heard_again": ("最後の照会には応答なし", "no answer when asked again"),
    "partly_opted_out": ("一部は調査辞退のため未照会", "a part of it opted out and was not asked"),
    "ipv6_not_asked": (
        "IPv6 非対応のリストには IPv6 アドレスを未照会",
        "IPv6 addresses not asked of lists without IPv6",
    ),
    "implicit_mx": ("MXがなく、ドメイン自身のアドレスを調べた", "no MX: the domain's own address was looked at"),
    "addresses_changed": ("照会の間にアドレスが変わった", "its addresses changed between the passes"),
    "listed_by_void_list": ("無効になったリストは登録ありと答えていた", "a list that is void now had listed it"),
    "some_servers_unknown": ("一部のサーバは確認できず", "some of its servers are not determined"),
    "positive_not_listed": ("登録されているはずの検査点が未登録", "its positive test point was not listed"),
    "positive_wrong_code": ("検査点のコードが異なる", "its test point gave another code"),
    "negative_listed": ("登録されないはずの検査点が登録", "its negative test point was listed"),
    "control_listed": ("無作為の検査用アドレスが登録", "a random control address was listed"),
    "outside_127": ("127/8 以外の回答", "an answer outside 127/8"),
    "no_positive_test_point": ("検査点で確認できない", "no test point proves it"),
    "no_evidence": ("健全性検査の回答が残っていない", "a health round left no evidence"),
    "unproven": ("その後の健全性検査がなく、回答を採用できない", "no health round vouches for the answer"),
    "unproven_resolver": ("このリゾルバ経由ではリストが健全でない", "the list was not healthy through this resolver"),
    "unproven_recheck": ("再照会の際にリストが健全でない", "the list was not healthy in this recheck"),
    "referral": ("ほかのサーバを案内しただけ", "a referral, not an answer"),
    "stale": ("リゾルバが期限切れと断った回答", "an answer that the resolver itself calls stale"),
    "filtered": ("リゾルバが遮断・差し替えと断った回答", "an answer that the resolver itself calls blocked or forged"),
    "contradiction": ("矛盾する回答", "an answer that contradicts itself"),
    "foreign_records": ("別の名前についての回答", "records of another name or class"),
    "malformed": ("読めない回答", "an answer that cannot be read"),
    "unfinished_chain": ("別名の先が分からない", "an alias without an end"),
    "unfinished": ("照会が終わっていない", "not asked yet"),
    "daily_limit": ("1日の照会上限", "daily limit reached"),
    "opt_out": ("調査辞退", "opted out"),
    "no_ipv4": ("リストが IPv4 非対応", "list has no IPv4"),
    "never_tested": ("健全性検査が完了していない", "no health round was finished"),
    "error_code": ("拒否を示すコード", "an error code"),
    "unknown_code": ("意味の分からないコード", "an unknown code"),
    "timeout": ("時間切れ", "time-out"),
    "servfail": ("SERVFAIL", "SERVFAIL"),
    "unreachable": ("到達できず", "unreachable"),
    "list_void": ("リストが無効", "list void"),
    "nxdomain": ("名前が存在しない", "the name does not exist"),
    "nodata": ("該当するレコードがない", "no such record"),
    "not_a_listing_code": ("登録を意味しないコード", "not a listing code"),
    "given": ("台帳に記載", "given in the register"),
    "website": ("ウェブサイトから", "from the website"),
    "reviewed": ("人が確認", "reviewed by a person"),
    "convention": ("命名慣習から推定", "guessed by convention"),
    "absent": ("なし", "none"),
    "present": ("あり", "present"),
    "special_address": ("特殊なアドレス", "special address"),
    "no_ipv6": ("リストが IPv6 非対応", "list has no IPv6"),
    # senders: SPF and DMARC
    "receives_and_sends": ("受信と送信", "receives and sends"),
    "no_senders": ("自らの送信元の記載なし", "names no sender of its own"),
    "names_none": ("送信元を記載していない", "it names no sender"),
    "no_record": ("レコードがない", "no such record"),
    "spf_silent": ("SPFの一部の照会に応答なし", "no answer about a part of its SPF"),
    "spf_not_asked": ("SPFは照会していない", "its SPF was not asked about"),
    "spf_provider_silent": ("事業者のSPFの照会に応答なし", "no answer about a provider's SPF"),
    "spf_invalid": ("SPFが規格上無効", "its SPF is not valid"),
    "senders_not_asked": ("一部の送信元は照会していない", "some of its senders were not asked about"),
    "sender_listing_silent": ("送信元についてリストの応答なし", "a list did not answer about a sender"),
    "sender_listing_refused": ("送信元についてリストが照会を拒否", "a list refused to answer about a sender"),
    "several_records": ("レコードが複数ある", "several records"),
    "malformed_record": ("レコードの書式が誤り", "a malformed record"),
    "too_many_lookups": ("DNS照会が10回を超える", "more than ten lookups"),
    "too_many_void_lookups": ("何も得られない照会が2回を超える", "more than two void lookups"),
    "too_many_exchangers": ("MXが10を超える", "more than ten mail exchangers"),
    "include_without_record": ("参照先にレコードがない", "an include without a record"),
    "loop": ("参照が循環している", "a loop"),
    "macro": ("マクロは追わない", "macros are not followed"),
    "depends_on_client": ("接続元により変わるため追わない", "depends on the client, not followed"),
    "range_too_large": ("範囲が広く照会しない", "a range too large to ask about"),
    "too_many_addresses": ("上限の64アドレスを超える", "beyond the limit of 64 addresses"),
    "too_many_terms": ("記載が多すぎる", "too many terms"),
    "not_authorised": ("送信を認める記載ではない", "not authorised to send"),
    "bad_name": ("名前として扱えない", "no possible name"),
    "bad_character": ("使えない文字", "a character that may not be there"),
    "no_term": ("機構でも修飾語でもない", "neither mechanism nor modifier"),
    "bad_argument": ("引数の誤り", "a wrong argument"),
    "unknown_mechanism": ("未知の機構", "an unknown mechanism"),
    "missing_domain": ("ドメインの記載がない", "a domain is missing"),
    "bad_domain": ("ドメインの書式が誤り", "a malformed domain"),
    "bad_macro": ("マクロの書式が誤り", "a malformed macro"),
    "bad_network": ("アドレスの書式が誤り", "a malformed address"),
    "bad_prefix": ("プレフィックス長の誤り", "a wrong prefix length"),
    "repeated_modifier": ("修飾語の重複", "a modifier that stands twice"),
    "no_valid_policy": ("有効な方針がない", "no valid policy"),
}

PRACTICE = {"ja": "練習用の架空の国（実在しません）", "en": "Practice country – invented, not real"}
TOO_LONG = {
    "ja": "この表は全{rows:,}行のうち先頭の{shown:,}行だけを載せた。すべての行は実行フォルダーの tables にある",
    "en": "this table shows the first {shown:,} of {rows:,} rows; all of them stand in tables/ of the run folder",
}
NOT_CLOSED = {
    "ja": "「登録なし」は、第三者中継を許していないことの証拠にはなりません。"
    "2026年現在、第三者中継を許すサーバを載せる大規模なリストは残っていません。",
    "en": "“Not listed” is no evidence that a server is not an open relay: "
    "in 2026 no large list of open relays is left.",
}
UNFINISHED = {
    "ja": "調査は途中です。まだ照会していないものは「確認できず」に数えています。",
    "en": "The survey is not finished; what has not been asked yet counts as not determined.",
}
LETTER = {
    "audience": {
        "ja": "送付先・総務省限り（ministry） ― 公表資料ではありません",
        "en": "For the addressee and the ministry only – not for publication",
    },
    "title_body": {
        "ja": "メールサーバのブラックリスト登録に関するお知らせとご確認のお願い",
        "en": "Blocklist answers about your mail servers: notice and request for comment",
    },
    "title_operator": {
        "ja": "運用サーバのブラックリスト登録に関するお知らせとご確認のお願い",
        "en": "Blocklist answers about mail servers that you seem to run: notice and request for comment",
    },
    "quoted": {"ja": "「{}」（原文のまま）", "en": "“{}” (as received)"},
    "no_meaning": {"ja": "リストの説明なし", "en": "the list says nothing about it"},
    "own": {
        "ja": "団体自身のものとみられます（サーバ名に団体のドメインがあります）",
        "en": "the body’s own, as its name suggests: it bears the body’s domain",
    },
    "untold": {
        "ja": "サーバ名からは分かりません（サーバ名の登録ドメイン: {}）",
        "en": "its name does not tell (it lies under the domain {})",
    },
    "provider": {
        "ja": "ほかの組織が運用するサーバとみられます。運用者（サーバ名などから推定）: {}",
        "en": "seems to be run by another organisation; operator, as far as names tell: {}",
    },
    "shared": {
        "ja": "ほかに{}団体と共用。運用者（サーバ名などから推定）: {}",
        "en": "shared with {} others; operator, as far as names tell: {}",
    },
    "other_body": {"ja": "別の団体（名称は伏せています）", "en": "another public body (not named here)"},
    "shared_one": {"en": "shared with {} other; operator, as far as names tell: {}"},
    "no_page": {"ja": "当方では把握していません", "en": "not known to us"},
}
NO_TEXT = {"ja": "説明文は付いていませんでした", "en": "no text came with the answer"}
REMARKS = {
    "unverified": {"ja": "当方では動作未確認", "en": "not verified by us"},
    "automatic expiry only": {"ja": "申請の窓口はなく、期間の経過で自動的に解除", "en": "it expires by itself only"},
    "automatic only": {"ja": "申請の窓口はなく、自動的に解除", "en": "automatic only"},
    "expires by itself; paid fast removal exists": {
        "ja": "期間の経過で自動的に解除。有料の早期解除もある",
        "en": "it expires by itself; a paid fast removal exists",
    },
    "mail": {"ja": "メールで申請", "en": "by mail"},
    "none: contact GMO support": {"ja": "窓口なし。GMOのサポートに連絡", "en": "none: contact GMO support"},
}
"""What the catalogue remarks beside an address of a list."""
HANDOVER = {
    "titles": {
        "ja": "再確認済みの登録団体|登録の明細|送付一覧",
        "en": "Confirmed findings|Listings|Letters to send",
    },
    "note": {
        "ja": "照会 {}　登録とは、リストがその時刻にそう答えたという事実です　証拠全体のハッシュ {}",
        "en": "asked {} – a listing is what a list answered at that time – head hash of the evidence {}",
    },
    "findings": {
        "ja": "団体コード|都道府県|団体名|種別|第三者中継リスト|分類|登録サーバ|アドレス|リスト|自前・共用"
        "|運用者（推定）|共用の他団体数|照会日時|確認ページ（先頭のリスト）|解除の手続き（先頭のリスト）|判定のSHA-256",
        "en": "code|prefecture|name|kind|open-relay lists|categories|listed servers|addresses|lists|own or shared"
        "|operator (inferred)|shared with|asked at|look-up page (first list)|delisting (first list)"
        "|SHA-256 of the finding",
    },
    "listings": {
        "ja": "団体コード|都道府県|団体名|サーバ|アドレス|サーバの区分|リスト|ゾーン|回答のコードと意味|リストの説明文"
        "|照会日時|確認ページ|解除の手続き|確認のコマンド|証拠番号",
        "en": "code|prefecture|name|server|address|whose server|list|zone|code and meaning|the list's own words"
        "|asked at|look-up page|delisting|command to check|evidence",
    },
    "cover": {
        "ja": "送付済|団体コード|都道府県|あて先|手紙のファイル|サーバ|運用者（推定）|団体数|回答期限|送付日|送付方法"
        "|備考|判定のSHA-256",
        "en": "sent|code|prefecture|addressee|letter file|servers|operator (inferred)|bodies|deadline|sent on|sent how"
        "|remarks|SHA-256 of the finding",
    },
}
"""Titles and column heads of the hand-over and cover workbooks, separated by |."""
CANNOT = {"ja": "判定不能", "en": "cannot be determined"}
SHEETS = {
    "summary": "要約",
    "findings": "調査結果",
    "regions": "地域別",
    "servers": "サーバ別",
    "operators": "運用者別",
    "senders": "送信元",
    "unknown": "確認できず",
    "method": "調査方法",
    "dictionary": "用語",
    "chains": "根拠",
    "relays": "中継の確認",
    "relay_forms": "中継の項目",
    "software": "応答ソフト",
    "kinds": "種別",
    "lists": "リスト",
    "listings": "登録の内容",
    "reasons": "確認できず",
    "corrections": "訂正",
    **ENQUIRY_SHEETS,
    **WAVE_SHEETS,
}
_SHEETS_EN = {
    "summary": "Summary",
    "findings": "Findings",
    "regions": "Regions",
    "kinds": "Kinds",
    "operators": "Operators",
    "lists": "Lists",
    "listings": "Listings",
    "reasons": "Not determined",
    "method": "Method",
    "dictionary": "Dictionary",
    "corrections": "Corrections",
    **WAVE_SHEETS_EN,
}


def sheet_name(key: str, language: Language) -> str:
    """A sheet's name in a reader's language; the newsroom's own workbook is Japanese."""
    return _SHEETS_EN[key] if language == "en" else SHEETS[key]


CORRECTIONS: Mapping[str, tuple[str, str]] = {
    "corrected_at": ("訂正日", "corrected at"),
    "where": ("箇所", "where"),
    "was": ("誤", "was"),
    "is_now": ("正", "is now"),
    "reason": ("理由", "reason"),
}
"""The columns of `corrections.xlsx`, as readers see them; who corrected it stays in the newsroom's file."""


def withheld_corrections(n: int, language: Language) -> str:
    """That corrections stand in the newsroom's log which may not be printed; empty where none does."""
    if not n:
        return ""
    if language == "ja":
        return f"ほかに、ここに名を出していない団体などに関する訂正が{n:,}件あり、編集部の記録に残しています。"
    if n == 1:
        return "A correction about a body not named here stands in the newsroom’s log."
    return f"{n:,} corrections about bodies not named here stand in the newsroom’s log."


HEAD = 12
"""Letters of a head hash that are printed."""


def source(as_of: str, heads: str, language: Language, *, is_practice: bool) -> str:
    """The source line of figures and sheets, with the practice label where it belongs."""
    made = {"ja": f"照会 {as_of}、証拠 {heads}", "en": f"asked {as_of}, evidence {heads}"}
    return (f"{PRACTICE[language]} ｜ " if is_practice else "") + made[language]


def word(machine: object, language: Language) -> str:
    """A machine word in a reader's language; a word that has no translation is shown as it is."""
    found = _WORDS.get(str(machine))
    return str(machine) if found is None else found[0 if language == "ja" else 1]


def role(machine: object, language: Language) -> str:
    """What a body's listed addresses do; empty where none is listed."""
    if not isinstance(machine, str):
        return ""
    return word("receives_and_sends" if machine == "both" else machine, language)


def whose(machine: object, language: Language) -> str:
    """Whose a server is, or of which kind its operator; what is not known is not a status of a body."""
    return {"ja": "不明", "en": "not known"}[language] if str(machine) == "unknown" else word(machine, language)


def words(machine: Iterable[object], language: Language) -> str:
    """Several machine words, joined as the language joins them."""
    return ("、" if language == "ja" else ", ").join(word(one, language) for one in machine)


@dataclass(frozen=True, slots=True)
class Bounded:
    """A count of listed ones with what it may be at most, and of how many."""

    listed: int
    unknown: int
    total: int

    def text(self, language: Language) -> str:
        most = self.listed + self.unknown
        if language == "ja":
            span = f"{self.listed:,}" if not self.unknown else f"{self.listed:,}～{most:,}"
            return f"{span}（全{self.total:,}中、確認できず{self.unknown:,}）"
        span = f"{self.listed:,}" if not self.unknown else f"{self.listed:,} to {most:,}"
        return f"{span} (of {self.total:,}; {self.unknown:,} not determined)"


_COUNTS: Mapping[str, tuple[str, str, str]] = {
    "bodies": ("bodies_listed", "bodies_unknown", "bodies_surveyed"),
    "open_relay": ("bodies_listed_open_relay", "bodies_unknown_open_relay", "bodies_surveyed"),
    "servers": ("servers_listed", "servers_unknown", "mail_servers"),
    "addresses": ("addresses_listed", "addresses_unknown", "addresses"),
    "sending": ("bodies_listed_sending", "bodies_unknown_sending", "bodies_surveyed"),
}


def bounded(
    headline: Mapping[str, object], what: Literal["bodies", "open_relay", "servers", "addresses", "sending"]
) -> Bounded | None:
    """A count of the headline with its bounds; None where there was no healthy open-relay list, or no such count."""
    listed, unknown, total = (headline.get(name) for name in _COUNTS[what])
    if listed is None or unknown is None:
        return None
    return Bounded(int(str(listed)), int(str(unknown)), int(str(total)))


def headline_sentences(headline: Mapping[str, object], language: Language) -> list[str]:
    """The headline in sentences: what lists answered, with bounds and what could not be used."""
    bodies, relay = bounded(headline, "bodies"), bounded(headline, "open_relay")
    if bodies is None:
        raise ValueError("a headline without bodies")
    used, void, implausible = (_zones(headline, f"lists_{word_}") for word_ in ("used", "void", "implausible"))
    sending = bounded(headline, "sending")
    sends = sending.text(language) if sending else CANNOT[language]
    sentences = [] if headline.get("finished_at") else [UNFINISHED[language]]
    if language == "ja":
        said = relay.text("ja") if relay else CANNOT["ja"]
        sentences += [
            f"第三者中継リストにメールサーバが登録されている自治体・行政機関: {said}",
            f"第三者中継または悪用のリストに登録されている自治体・行政機関: {bodies.text('ja')}",
            *_own_and_shared(headline, bodies.listed, "ja"),
            f"自らのSPFに書いた送信元アドレスが、第三者中継または悪用のリストに登録されている自治体・行政機関: {sends}",
            f"使用したリスト {len(used)}、無効としたリスト {len(void)}",
        ]
        if implausible:
            sentences.append(f"登録が多すぎるため、リスト自体を人が確かめる必要がある: {'、'.join(implausible)}")
    else:
        said = relay.text("en") if relay else CANNOT["en"]
        sentences += [
            f"Bodies whose mail servers stand on an open-relay list: {said}",
            f"Bodies whose mail servers stand on an open-relay or abuse list: {bodies.text('en')}",
            *_own_and_shared(headline, bodies.listed, "en"),
            f"Bodies with a sending address of their own SPF on an open-relay or abuse list: {sends}",
            f"Lists used: {len(used)}; void: {len(void)}",
        ]
        if implausible:
            sentences.append(
                f"These lists hold so many that a person must look at the list itself: {', '.join(implausible)}"
            )
    return [*sentences, NOT_CLOSED[language]]


def _own_and_shared(headline: Mapping[str, object], listed: int, language: Language) -> list[str]:
    """Whose the listed servers are; nothing where an audience may not have so small a count."""
    own, shared = headline["bodies_listed_own"], headline["bodies_listed_shared_only"]
    if own is None or shared is None:
        return []
    untold = int(str(headline["bodies_listed_untold"]))
    if language == "ja":
        among = f"（管理者不明の{untold}を含む）" if untold else ""
        return [
            f"登録があった{listed:,}団体のうち、自前とみられるサーバを含むのは{own}{among}、共用サーバだけなのは{shared}"
        ]
    among = f" ({untold} of them with servers whose owner is not known)" if untold else ""
    said = (
        f"Of these {listed:,} listed ones {own} with servers that seem their own{among}, {shared} with shared ones only"
    )
    return [said]


def _zones(headline: Mapping[str, object], name: str) -> list[str]:
    found = headline.get(name)
    return [str(zone) for zone in found] if isinstance(found, list) else []


def vocabulary() -> list[tuple[str, str, str]]:
    """Every machine word with its Japanese and English, for the dictionary sheet."""
    return [(machine, ja, en) for machine, (ja, en) in _WORDS.items()]
