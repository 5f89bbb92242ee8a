"""The words and sentences of the relay dialogue, in Japanese and English; `labels` knows them too.

What a server said at RCPT is all that is ever said here: it *may* relay, it refuses, or nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..permissions import Refusal
from ..smtp.forms import FORMS, Target

WORDS: Mapping[str, tuple[str, str]] = {
    # what a server did with one form
    "accepted": ("受け付けた", "accepted"),
    "rejected": ("拒否", "rejected"),
    "deferred": ("一時拒否", "deferred"),
    # verdicts
    "may_relay": ("中継に応じるおそれ", "may relay"),
    "rejects": ("中継を拒否", "refuses to relay"),
    "inconclusive": ("判定できず", "inconclusive"),
    # why inconclusive
    "accepts_everything": ("実在しない宛先も含め何でも受け付ける", "it accepts everything, also what cannot exist"),
    "no_control": ("対照の確認ができていない", "without a control"),
    "greylisted": ("グレイリスト（一時拒否）", "greylisting"),
    "refused_us": ("調査元を拒否", "it refused us, not the relaying"),
    "refused_at_connect": ("接続時に拒否", "refused at connect"),
    "deferred_at_connect": ("接続時に一時拒否", "deferred at connect"),
    "refused_at_hello": ("名乗りを拒否", "refused at EHLO and HELO"),
    "sender_refused": ("差出人を拒否", "the sender was refused"),
    "told_to_go": ("サーバが対話を打ち切った", "told to go"),
    "no_greeting": ("最初の応答がない、または遅すぎる", "no greeting, or too slow a one"),
    "closed": ("途中で切断", "the connection was closed"),
    "flooded": ("応答が長すぎる", "it sent far too much"),
    "nonsense": ("意味の通らない応答", "not a reply"),
    "tls_failed": ("TLSを確立できず", "TLS failed"),
    "too_long": ("長すぎる", "too long"),
    "cut_off": ("調査側の中断で途切れた", "cut off, because our process was stopped"),
    "no_form": ("確認できる項目がない", "no form could be asked"),
    # what a refusal was about
    "authentication": ("認証を要求", "it wants authentication"),
    "relay_denied": ("中継を断ると明言", "it says that relaying is denied"),
    "user_unknown": ("宛先なし", "user unknown"),
    # why not asked
    "no_permission": ("運用者の許可がない", "no permission"),
    "form_not_permitted": ("許可された項目でない", "not among the permitted forms"),
    "no_name": ("ホスト名が不明", "its host name is not known"),
    "no_domain": ("メールドメインが不明", "its mail domain is not known"),
    "expired": ("許可の期限切れ", "the permission has ended"),
    "not_yet_valid": ("許可の開始前", "the permission has not begun"),
    "bad_row": ("許可書の記載に不備", "the permission's row cannot be used"),
    "another_operator": ("許可した団体のサーバではない", "another operator's server"),
    "two_operators": ("複数の運用者が許可書に記載", "two operators claim it"),
    "resolves_outside": ("ホスト名が許可の範囲外を指す", "the host resolves outside the permission"),
    "host_moved": ("ホスト名が別のアドレスを指す", "the host has moved"),
    "host_silent": ("ホスト名の照会に応答なし", "no answer about the host"),
    "host_absent": ("ホスト名にアドレスがない", "the host has no address"),
    # TLS
    "not_offered": ("提供なし", "not offered"),
    "used": ("使用", "used"),
    "failed": ("失敗", "failed"),
    # forms
    **{name: (form.ja, form.en) for name, form in FORMS.items()},
}
MEANS = {
    "ja": "「おそれ」は、第三者宛てでも受け取るとサーバが応答したという意味です。メールは1通も送っていません。",
    "en": "“May relay” means that the server said it would take mail for a stranger. Not one message was sent.",
}


def relay_sentences(counts: Mapping[str, int], language: Literal["ja", "en"]) -> list[str]:
    """What the relay dialogue found, in sentences, with how many were not asked and how many are unknown."""
    asked = sum(number for verdict, number in counts.items() if verdict != "not_asked")
    most = counts["may_relay"] + counts["inconclusive"]
    if language == "ja":
        return [
            f"運用者の許可を得て中継を確認したアドレス {asked:,}"
            f"（許可がないなど確認していないアドレス {counts['not_asked']:,}）",
            f"中継に応じるおそれ {counts['may_relay']:,}～{most:,}、中継を拒否 {counts['rejects']:,}、"
            f"判定できず {counts['inconclusive']:,}",
            MEANS["ja"],
        ]
    return [
        f"Addresses asked whether they relay, with their operators' permission: {asked:,} "
        f"(not asked: {counts['not_asked']:,})",
        f"May relay: {counts['may_relay']:,} to {most:,}; refuse to relay: {counts['rejects']:,}; "
        f"inconclusive: {counts['inconclusive']:,}",
        MEANS["en"],
    ]


def target_sentence(target: Target) -> str:
    """One line of a plan: whom, whose, how many forms, on whose word and how long."""
    names = " ".join(filter(None, (target.address, target.host)))
    until = target.until.isoformat()
    return f"{names} | {target.operator} | {len(target.forms)} forms | row {target.row}, until {until} / {until}まで"


def refusal_sentence(file: str, refusal: Refusal) -> str:
    """One line about something of a permission file that is not asked: where, what, why."""
    place = f"{file}, sheet {refusal.sheet}, row {refusal.row}"
    place += f", column {refusal.column}" if refusal.column else ""
    return f"{place}: not asked: {refusal.subject}: {refusal.en} / 接続しない: {refusal.ja}"
