"""The sentences of a self-check, in Japanese and English: for whoever looks after one mail server or one domain."""

from __future__ import annotations

from collections.abc import Mapping

from .enquiry_words import Both

TITLE: Both = ("自己点検: {name}", "Self-check: {name}")
ASKED: Both = (
    "{when}に、DNSだけに尋ねました。サーバには接続していません。",
    "Asked on {when}, by DNS alone. No server was connected to.",
)
ONCE: Both = (
    "1回だけの照会です。登録は、時間をおいた2回目の照会（passes=2）で同じ答えが得られて初めて「再確認済み」となります。",
    "Asked once. A listing is confirmed only when a second pass, later, says the same (passes=2).",
)
COUNTS: Both = (
    "アドレス{total:,}のうち、登録あり {listed:,}、登録なし {clear:,}、確認できず・未照会 {open:,}",
    "Addresses: {total:,}; listed {listed:,}, not listed {clear:,}, not determined or not asked {open:,}",
)
OUTCOMES: Mapping[str, Both] = {
    "no_such_name": (
        "この名前は存在しません。つづりを確かめてください。",
        "There is no such name. Is it spelt rightly?",
    ),
    "no_server": (
        "この名前には、メールを受けるサーバがありません（{why}）。",
        "No server takes mail for this name ({why}).",
    ),
    "not_heard": (
        "DNSの応答が得られず、分かりません（{why}）。「登録なし」ではありません。",
        "DNS gave no answer, so nothing is known ({why}). That does not mean “not listed”.",
    ),
    "opted_out": (
        "照会しないよう求められているため、尋ねていません。",
        "The owner wished that it be not asked about, and it was not.",
    ),
    "not_asked": ("尋ねていません（{why}）。", "It was not asked about ({why})."),
}
TITLES: Mapping[str, Both] = {
    "result": ("結果", "Result"),
    "listings": ("どこに、なぜ載っているか", "Where it is listed, and why"),
    "context": ("参考の登録（判定には使わない）", "Listings that are context only"),
    "others": ("ほかのリストは何と答えたか", "What the other lists answered"),
    "fits": ("SPF・逆引き・DMARCは合っているか", "Do SPF, PTR and DMARC fit together?"),
    "greeting": ("サーバは何と名乗ったか", "How the server introduces itself"),
    "unknowable": ("外からは分からないこと", "What cannot be known from outside"),
    "evidence": ("根拠", "Evidence"),
}
NO_LISTING: Both = (
    "第三者中継・悪用の分類で載せていると答えた有効なリストはありません。",
    "No healthy list answered that it has it as an open relay or for abuse.",
)
HEADS: Mapping[str, tuple[Both, ...]] = {
    "listings": (
        *(("アドレス", "address"), ("リスト", "list"), ("コードとその意味", "code and meaning")),
        *(("リストの説明文", "the list’s own words"), ("最初に確認", "seen since"), ("再確認", "confirmed")),
        *(("解除の手続き", "how to be delisted"), ("証拠", "evidence")),
    ),
    "others": (
        *(
            ("アドレス", "address"),
            ("ホスト", "host"),
            ("判定", "status"),
            ("登録なしと答えたリスト", "said: not listed"),
        ),
        ("答えなかったリスト", "did not answer"),
    ),
    "fits": (("項目", "what"), ("対象", "of"), ("判定", "verdict"), ("説明", "in words"), ("証拠", "evidence")),
    "greeting": (
        *(("アドレス", "address"), ("名乗り", "greeting"), ("ソフトウェア", "software")),
        *(("中継の確認", "relay dialogue"), ("日時", "when"), ("調査の証拠", "evidence of the run")),
    ),
}
VOID: Both = (
    "無効と判定したため、使っていないリスト: {zones}",
    "Void, and counted for nothing: {zones}",
)
TO_DELIST: Both = (
    "解除は、原因を取り除いてから、リストの運営者のページで申請します。原因が残ったまま申請すると、再び載ります。",
    "To be delisted, remove the cause first, then ask on the list’s own page. While the cause remains, it comes back.",
)
TOPICS: Mapping[str, Both] = {
    "spf": ("SPF", "SPF"),
    "spf_server": ("SPFとサーバ", "SPF and server"),
    "ptr": ("逆引き（PTR）", "PTR"),
    "dmarc": ("DMARC", "DMARC"),
}
VERDICTS: Mapping[str, Both] = {
    "fits": ("合っている", "fits"),
    "look": ("要確認", "look at it"),
    "unknown": ("分からない", "not known"),
}
FITS: Mapping[str, Both] = {
    "spf_not_heard": ("SPFの照会に応答がない", "no answer about SPF"),
    "spf_none": (
        "SPFレコードがない。なりすましを見分けられず、受け取らない受信者もある",
        "no SPF record: forgeries cannot be told, and some receivers refuse mail",
    ),
    "spf_closed": (
        "書かれていないサーバからのメールを認めない書き方",
        "it disallows mail from servers it does not name",
    ),
    "spf_open": (
        "書かれていないサーバからのメールについて何も言わない書き方（all が ? か、ない）",
        "it says nothing about servers that it does not name (?all, or no all)",
    ),
    "spf_for_everybody": ("どのサーバからのメールも認める書き方（+all）", "it allows every server (+all)"),
    "spf_problem": ("受信側はこのSPFを無効とみなす: {problem}", "receivers take this SPF as invalid: {problem}"),
    "spf_names_it": ("このサーバは {detail} のSPFに書かれている", "the SPF of {detail} names this server"),
    "spf_names_its_network": (
        "このサーバを含む範囲が {detail} のSPFに書かれている",
        "the SPF of {detail} names the network that this server is in",
    ),
    "spf_does_not_name_it": (
        "このサーバは {detail} のSPFにない。受信専用なら問題ない。送信もするなら、受信側に拒まれる",
        "the SPF of {detail} does not name this server: right if it only receives; if it sends, mail is refused",
    ),
    "spf_leads_elsewhere": (
        "{detail} のSPFは事業者のレコードなどを参照しており、そこまでは追っていない",
        "the SPF of {detail} leads to records of others, which were not followed",
    ),
    "spf_says_nothing": ("{detail} のSPFからは分からない", "the SPF of {detail} cannot tell"),
    "ptr_not_heard": ("逆引きの照会に応答がない", "no answer about its PTR"),
    "ptr_none": (
        "逆引きの名前がない。送信もするなら、受け取らない受信者がある",
        "it has no PTR: if it sends, some receivers refuse its mail",
    ),
    "ptr_not_checked": (
        "逆引きの名前 {detail} が、このアドレスを指すか確かめられない",
        "whether its PTR name {detail} has this address is not known",
    ),
    "ptr_leads_elsewhere": (
        "逆引きの名前 {detail} は、このアドレスを指していない",
        "its PTR name {detail} does not have this address",
    ),
    "ptr_fits": ("逆引きの名前 {detail} は、このアドレスを指している", "its PTR name {detail} has this address"),
    "ptr_other_name": (
        "逆引きの名前 {detail} は、このアドレスを指している。MXの名前とは違うが、差し支えない",
        "its PTR name {detail} has this address; it is not the name in the MX, which is all right",
    ),
    "dmarc_not_heard": ("DMARCの照会に応答がない", "no answer about DMARC"),
    "dmarc_none": (
        "DMARCレコードがない。なりすましメールの扱いを受信側に伝えていない",
        "no DMARC record: receivers are not told what to do with forgeries",
    ),
    "dmarc_problem": ("DMARCレコードに問題がある: {problem}", "something is wrong with the DMARC record: {problem}"),
    "dmarc_closed": (
        "なりすましメールを隔離または拒否するよう求めている",
        "it asks receivers to quarantine or reject forgeries",
    ),
    "dmarc_watches": (
        "様子を見るだけで、なりすましメールを拒ませていない（p=none）",
        "it only watches: forgeries are not refused (p=none)",
    ),
}
NO_GREETING: Both = (
    "サーバに接続しないため、分かりません。運用者の許可を得た中継の確認（relay）の記録があれば、ここに示します。",
    "Not known, for no server is connected to. Where a relay dialogue that its operator permitted is in evidence, it "
    "is shown here.",
)
UNKNOWABLE: tuple[Both, ...] = (
    (
        "第三者中継を許しているかどうか。リストに載っていないことは、その証拠になりません。",
        "Whether the server relays for strangers. Not being listed is no evidence that it does not.",
    ),
    (
        "載った原因のメールがいつ、誰の端末やアカウントから出たか。サーバの記録（ログ）で調べます。",
        "Which mail caused a listing, when, and whose machine or account sent it. The server’s own log tells.",
    ),
    (
        "ここで尋ねていないリスト（会員制や有料のものなど）に載っているか。受信者がどのリストを使うかも分かりません。",
        "Whether it is on lists that were not asked here (paid ones, for instance), and which lists a receiver uses.",
    ),
    (
        "メールが実際にどのサーバから出ているか。SPFは申告にすぎません。",
        "Which servers its mail really leaves from. SPF is only what the domain declares.",
    ),
    (
        "同じアドレスを使うほかの利用者が原因で載ったのかどうか。",
        "Whether somebody else who uses the same address caused the listing.",
    ),
    (
        "いまの状態。ここにあるのは照会した時刻の答えです。",
        "How it stands now: these are the answers of the time of asking.",
    ),
)
EVIDENCE: Both = (
    '証拠 {folder}、ハッシュ {head}。番号は check.show("番号") で応答そのものを表示します。',
    'Evidence in {folder}, head hash {head}. check.show("number") prints one answer as it came.',
)
EXAMPLE: Both = (
    "名前が入力されていないため、練習国の例を示します。",
    "No name was typed in: this is an example of the practice country.",
)
