"""The words of the page, in Japanese and English: its headings, its sentences, its method and its limits.

They stand beside `labels`, which keeps the words that every output shares. A text may hold places in braces, which are
filled by the page; nothing here says of a body that it is insecure, only what lists answered, when, and of how many.
"""

from __future__ import annotations

from collections.abc import Mapping

from .labels import Language

_TEXTS: Mapping[str, tuple[str, str]] = {
    # who the page is for
    "internal": ("社内用（転載不可）", "Internal – not for publication"),
    "ministry": ("総務省提供用（公表不可）", "For the ministry – not for publication"),
    "public": ("公表用", "For publication"),
    # head and foot
    "title": ("自治体・行政機関メールサーバ調査", "Survey of public bodies’ mail servers"),
    "as_of": ("{when} 時点の回答", "Answers as of {when}"),
    "confirmed_at": (
        "団体名を掲載したものの最終確認は {when} 以降",
        "Named bodies were last confirmed at {when} or later",
    ),
    "evidence": ("証拠ハッシュ {head}", "Evidence hash {head}"),
    "made_with": ("作成 {tool}", "Made with {tool}"),
    "skip": ("団体を探す", "Find your town"),
    "contents": ("目次", "On this page"),
    # headline
    "h1_open_relay": (
        "自治体・行政機関{span}団体のメールサーバが、第三者中継リストに登録",
        "Mail servers of {span} public bodies stand on open-relay lists",
    ),
    "h1_bodies": (
        "自治体・行政機関{span}団体のメールサーバが、第三者中継または悪用のリストに登録",
        "Mail servers of {span} public bodies stand on open-relay or abuse lists",
    ),
    "span": ("{least}～{most}", "{least} to {most}"),
    "lists_open_relay": ("第三者中継リスト", "an open-relay list"),
    "lists_bodies": ("第三者中継または悪用のリスト", "an open-relay or abuse list"),
    "lead": (
        "調査した{total}団体のうち、{lists}が「登録あり」と答えたメールサーバを使うのは{listed}団体です。"
        "ほかに{unknown}団体は確認できませんでした。登録があるのは少なくとも{listed}団体、多くて{most}団体です。",
        "Of {total} bodies surveyed, {listed} use a mail server that {lists} named as listed. "
        "Another {unknown} could not be determined: the true number lies between {listed} and {most}.",
    ),
    "lead_sure": (
        "調査した{total}団体のうち、{lists}が「登録あり」と答えたメールサーバを使うのは{listed}団体です。"
        "確認できなかった団体はありません。",
        "Of {total} bodies surveyed, {listed} use a mail server that {lists} named as listed. "
        "None remained undetermined.",
    ),
    "also": (
        "悪用（迷惑メール送信元や乗っ取られた機器など）のリストも合わせると、登録があるのは{listed}～{most}団体です"
        "（調査した{total}団体中、確認できず{unknown}団体）。",
        "Counting abuse lists (spam sources, exploited hosts and the like) as well, {listed} to {most} of {total} "
        "bodies are listed; {unknown} could not be determined.",
    ),
    "no_relay": (
        "有効な第三者中継リストがなかったため、第三者中継リストへの登録数は判定できません。",
        "No open-relay list was healthy, so how many stand on one cannot be determined.",
    ),
    "whose": (
        "第三者中継または悪用のリストに登録のある{listed}団体のうち、共用のサーバだけが登録されているのは{shared}団体です。"
        "1台の共用サーバの登録で、多数の団体が同時に「登録あり」となることがあります。",
        "Of the {listed} bodies on open-relay or abuse lists, {shared} have only shared servers there. "
        "One shared server on a list makes many bodies listed at once.",
    ),
    "lists_used": (
        "判定に使ったリストは{used}件、健全でないと分かり無効としたリストは{void}件です。",
        "Lists used: {used}; lists found unsound and left out: {void}.",
    ),
    "register": (
        "台帳の{bodies}団体のうち、{surveyed}団体を調査しました。",
        "{surveyed} of the {bodies} bodies in the register were surveyed.",
    ),
    "at_least": ("登録あり", "Listed"),
    "not_determined": ("確認できず", "Not determined"),
    "at_most": ("最大", "At most"),
    "surveyed": ("調査した団体", "Bodies surveyed"),
    # sections
    "limits": ("この調査で分かること、分からないこと", "What lists can and cannot say"),
    "figures": ("図", "Figures"),
    "regions": ("地域別", "By region"),
    "kinds": ("団体の種別ごと", "By kind of body"),
    "operators": ("サーバの運用者別", "By operator of the servers"),
    "lists": ("使ったリストとその健全性", "The lists and their health"),
    "corrections": ("訂正", "Corrections"),
    "method": ("調査方法", "Method"),
    "find_too_many": (
        "この表には全{rows}団体のうち{shown}団体だけを載せた。残りはこのページの検索では見つからない。全団体は添付の表計算ファイルにある。",
        "This table holds only {shown} of {rows} bodies: the others are not found by searching this page. "
        "All of them stand in the workbook beside it.",
    ),
    "find": ("あなたのまちを探す", "Find your town"),
    # columns
    "region": ("地域", "Region"),
    "kind": ("種別", "Kind"),
    "bodies": ("調査した団体", "Bodies surveyed"),
    "all_listed": ("悪用も含む 登録あり", "Listed, abuse lists too"),
    "all_unknown": ("悪用も含む 確認できず", "Not determined, abuse lists too"),
    "bar": ("グラフ", "Bar"),
    "operator": ("運用者", "Operator"),
    "operator_kind": ("運用者の種別", "Kind of operator"),
    "servers_n": ("サーバ数", "Servers"),
    "bodies_n": ("利用する団体数", "Bodies it serves"),
    "listed_n": ("うち登録あり", "Of these listed"),
    "unknown_n": ("うち確認できず", "Of these not determined"),
    "list_name": ("リスト", "List"),
    "zone": ("ゾーン", "Zone"),
    "group": ("区分", "Group"),
    "health": ("健全性", "Health"),
    "reason": ("理由", "Reason"),
    "name": ("団体名", "Body"),
    "code": ("団体コード", "Code"),
    "result": ("判定", "Result"),
    "details": ("内訳", "Details"),
    "others_prefecture": ("その他の地域の合計", "Other regions together"),
    "others_kind": ("その他の種別の合計", "Other kinds together"),
    "others_note": (
        "個々の団体が特定されるのを防ぐため、一部の行は合計して示しています。",
        "Some rows are put together, so that nobody can be singled out.",
    ),
    "operator_letter": ("運用者{letter}", "Operator {letter}"),
    "operators_note": (
        "{least}団体以上が利用し、示しても個々の団体が特定されない運用者だけを示します。ここにない運用者に登録がないとは限りません。"
        "公表を決めていない運用者は記号で表しています。",
        "Only operators that serve at least {least} bodies are shown, and only where the row singles nobody out; an "
        "operator that is not here may be listed all the same. Those not cleared for naming are given letters.",
    ),
    "operators_alone": (
        "1団体だけが利用する{n}の運用者は省きました。",
        "Left out are {n} operators that serve a single body.",
    ),
    "operators_none": ("示せる運用者はありません。", "There is no operator that can be shown."),
    "corrections_none": ("これまでに訂正はありません。", "There are no corrections so far."),
    "key": (
        "グラフの濃い部分は登録あり、斜線は確認できずを表します。",
        "In the bars, dark means listed and hatched means not determined.",
    ),
    "measure_open_relay": (
        "第三者中継リストへの登録を数えています。",
        "Counted are listings by open-relay lists.",
    ),
    "measure_bodies": (
        "第三者中継または悪用のリストへの登録を数えています。",
        "Counted are listings by open-relay or abuse lists.",
    ),
    # find your town
    "find_note_public": (
        "「非公表」は登録の有無を示すものではありません。公表の条件を満たした団体だけ、判定を載せています。"
        "地域名を選ぶと、その地域の集計に移ります。",
        "“Not published” says nothing about whether a body is listed: results are given only for bodies that met the "
        "conditions for naming. A region’s name leads to its counts.",
    ),
    "find_note": (
        "「確認できず」は「登録なし」ではありません。",
        "“Not determined” does not mean “not listed”.",
    ),
    "search": ("団体名・読み・コードで探す", "Search by name, reading or code"),
    "search_hint": (
        "漢字、ひらがな、カタカナ、ローマ字のどれでも探せます。",
        "Kanji, kana and Latin letters all work.",
    ),
    "all_regions": ("すべての地域", "All regions"),
    "all_kinds": ("すべての種別", "All kinds"),
    "all_results": ("すべての判定", "All results"),
    "count": ("{total}団体中 {n}団体", "{n} of {total} bodies"),
    "count_shown": (
        "{total}団体中 {n}団体（うち先頭の{shown}団体を表示）",
        "{n} of {total} bodies (first {shown} shown)",
    ),
    "none": ("該当する団体はありません。別の書き方でもお試しください。", "No body matches. Try another spelling."),
    "more": ("残りも表示する", "Show all of them"),
    "reset": ("条件を消す", "Clear"),
    "not_published": ("非公表", "Not published"),
    "listed_open_relay": ("第三者中継リストに登録あり", "Listed by an open-relay list"),
    "listed_abuse": ("悪用のリストに登録あり", "Listed by an abuse list"),
    "server_listed": ("登録のあるサーバ: {text}", "Listed servers: {text}"),
    "on_lists": ("リスト: {text}", "Lists: {text}"),
    "categories": ("分類: {text}", "Categories: {text}"),
    "run_by": ("運用者: {text}", "Operator: {text}"),
    "shared_with": ("ほかに{n}団体が同じサーバを利用", "Other bodies that use the same servers: {n}"),
    "mind": ("留意点: {text}", "Mind: {text}"),
}

LIMITS: tuple[tuple[str, str], ...] = (
    (
        "「登録あり」は、リストがそう回答したという事実です。そのサーバが現在も第三者中継を許していることの証明ではなく、"
        "団体の安全対策の良しあしを示すものでもありません。",
        "“Listed” means that a list answered so. It does not prove that the server relays for strangers today, "
        "and it is no verdict on a body’s security.",
    ),
    (
        "リストごとに登録の基準や理由、解除の早さは異なります。",
        "Each list has its own rules for adding and removing addresses.",
    ),
    (
        "結果は照会した時点のものです。その後の登録や解除は反映していません。",
        "Results are those of the time of asking; later listings and removals are not shown.",
    ),
    (
        "応答がなかった場合は「確認できず」とし、「登録なし」には数えません。このため数には幅があります。",
        "No answer counts as not determined, never as not listed. That is why counts have a range.",
    ),
)
"""What lists can and cannot say, beside `labels.NOT_CLOSED`."""

METHOD: tuple[tuple[str, str, str, str], ...] = (
    (
        "調べたこと",
        "各団体のメールドメインの受信サーバ（MX）とそのIPアドレスをDNSで調べ、"
        "公開されているブラックリスト（DNSBL）に登録の有無を照会しました。これらの数を得るためにメールサーバへ接続することはありません。",
        "What was asked",
        "The mail exchangers (MX) of each body’s mail domain and their IP addresses were looked up in the DNS, and "
        "public blocklists (DNSBL) were asked about them. No connection to a mail server is needed for these counts.",
    ),
    (
        "登録あり",
        "健全なリストが、団体のメールサーバのアドレスについて、第三者中継または悪用を表すコードを返したものです。",
        "Listed",
        "A healthy list answered with a code for open relay or abuse for an address of one of the body’s mail servers.",
    ),
    (
        "確認できず",
        "応答がない、照会を拒まれた、ドメインが不明など、判定に必要な回答が一つでも欠けたものです。",
        "Not determined",
        "At least one answer that the result depends on is missing: silence, a refusal, or a domain that is not known.",
    ),
    (
        "リストの健全性",
        "照会の前、途中、後に、登録されているはずの検査点、登録されていないはずの検査点、無作為のアドレスで確かめました"
        "（RFC 5782）。一度でも失敗したリストは、調査の全期間にわたり無効としました。",
        "Health of the lists",
        "Before, during and after the survey each list was tested with points that must be listed, points that must "
        "not, and random addresses (RFC 5782). A list that failed once is left out for the whole survey.",
    ),
)
"""Heading and text in Japanese, then in English."""

OUTSIDE: tuple[str, str, str, str] = (
    "再確認",
    "時間をおいた再照会でも同じ回答が得られた登録だけを数えました。"
    "再確認できていない登録や、人が確かめていない推定ドメインによる判定は「確認できず」に含めています。",
    "Confirmation",
    "Only listings on which a later pass agreed are counted. Unconfirmed ones, and results by a guessed domain that "
    "nobody reviewed, count as not determined.",
)
"""How outsiders' counts differ from the newsroom's."""

NAMING: tuple[str, str, str, str] = (
    "団体名の扱い",
    "団体の判定を載せるのは、登録が再確認され、当該団体に通知して回答を得るか期限が過ぎたのち、編集責任者が公表を決めた場合です。"
    "編集責任者が理由を記録し、これによらず公表を決めることもあります。それ以外の団体は、登録の有無にかかわらず同じ表示にしています。",
    "Naming",
    "A body’s result is given when its listing was confirmed, the body was told and replied or let its deadline pass, "
    "and an editor decided to name it; an editor may decide otherwise for a recorded reason. All other bodies have the "
    "same row, whether they are listed or not.",
)
"""When a body is named in public."""


def say(key: str, language: Language, **places: object) -> str:
    """A text of the page with its places filled; numbers with their thousands apart."""
    filled = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in places.items()}
    return _TEXTS[key][0 if language == "ja" else 1].format_map(filled)


def template(key: str, language: Language) -> str:
    """A text of the page with its places still open, for the page's own script."""
    return _TEXTS[key][0 if language == "ja" else 1]
