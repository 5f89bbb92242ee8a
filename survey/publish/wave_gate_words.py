"""What the wave gate says when it refuses: what it saw, what would be plausible, and what to do, in both languages."""

from __future__ import annotations

from ..harmless import harmless
from ..wave_gate import Condition
from . import labels
from .labels import Language

_MOST_TOLD = 6

_SEEN: dict[str, tuple[str, str]] = {
    "unfinished": (
        "「{wave}」の調査が終わっていない",
        "{wave} is not finished",
    ),
    "no_common_list": (
        "第三者中継・悪用のリストのうち、前後の調査でともに有効なものが一つもない",
        "no list of open relays or abuse was healthy in both waves",
    ),
    "mail_lost": (
        "もう一方の調査でメールサーバ（MX）のある{of:,}ドメインのうち{found:,}が、「{wave}」では「なし」と回答された"
        "（ふつうは多くて{plausible:,}）",
        "of {of:,} domains with a mail exchanger in the other wave, {found:,} were answered to have none in {wave} "
        "(at most {plausible:,} are plausible)",
    ),
    "hosts_lost": (
        "もう一方の調査でアドレスのあるメールサーバ{of:,}台のうち{found:,}台が、「{wave}」では「なし」と回答された"
        "（ふつうは多くて{plausible:,}）",
        "of {of:,} mail hosts with an address in the other wave, {found:,} were answered to have none in {wave} "
        "(at most {plausible:,} are plausible)",
    ),
    "lost_together": (
        "{subject} の{of:,}ドメインのうち{found:,}が、「{wave}」ではメールサーバ「なし」と一斉に回答された",
        "{found:,} of {of:,} domains of {subject} were answered to have no mail exchanger in {wave}, all at once",
    ),
    "went_silent": (
        "調査した{of:,}団体のうち{found:,}が、「{wave}」でだけ応答がなく確認できない（ふつうは多くて{plausible:,}）",
        "{found:,} of {of:,} bodies surveyed could not be determined in {wave} alone, for want of answers "
        "(at most {plausible:,} are plausible)",
    ),
    "list_emptied": (
        "リスト {subject} の登録が「{wave}」では{found:,}アドレスしかない（もう一方の割合なら{plausible:,}）。"
        "検査点には答えており、リストが空にされたおそれがある",
        "the list {subject} lists {found:,} addresses in {wave} ({plausible:,} by the other wave’s share) though its "
        "test points answer: it may have been emptied",
    ),
    "list_filled": (
        "リスト {subject} の登録が「{wave}」では{of:,}アドレス中{found:,}と多すぎ、リスト自体が疑わしい",
        "the list {subject} lists {found:,} of {of:,} addresses in {wave}: so many that the list itself is in doubt",
    ),
}
_SEEN |= {
    "mail_came": _SEEN["mail_lost"],
    "hosts_came": _SEEN["hosts_lost"],
    "came_together": _SEEN["lost_together"],
    "was_silent": _SEEN["went_silent"],
}
_LISTS = ("list_emptied", "list_filled")
_REMEDY = {
    "unfinished": (
        "collect を同じ指定で再実行し、調査を終えてから比較してください",
        "run the same collect command again until it is finished",
    ),
    "no_common_list": (
        "有効なリストが共通する調査どうしを比べてください",
        "compare waves that share a healthy list",
    ),
    "list": (
        "リストの運用者の告知を確かめ、疑わしければ --without-list で比較から外してください"
        "（そのリストによる登録は「比較できず」になります）",
        "look what the list’s operator says; a list in doubt can be set aside with --without-list: what rests on it is "
        "then not comparable",
    ),
    "wave": (
        "「{wave}」が最近の調査なら、recheck で照会し直し（消えたものは12時間以上おいて）もう一度比較してください。"
        "古い調査なら、その回を比較から外してください",
        "if {wave} is of these days, recheck it (twelve hours later for what is gone) and compare again; if it is old, "
        "leave it out",
    ),
}


def seen(one: Condition, language: Language) -> str:
    """What the gate saw, in one sentence, with how the answers looked."""
    place = 0 if language == "ja" else 1
    said = _SEEN[one.name][place].format(
        wave=one.wave, found=one.found, plausible=one.plausible, of=one.of, subject=harmless(one.subject, 120)
    )
    looks = [f"{labels.word(word, language)} {n:,}" for word, n in list((one.because or {}).items())[:_MOST_TOLD]]
    if not looks:
        return said
    return said + (f"。回答: {'、'.join(looks)}" if language == "ja" else f"; answers: {', '.join(looks)}")


def remedy(one: Condition, language: Language) -> str:
    """What a person should do about it."""
    name = one.name if one.name in _REMEDY else "list" if one.name in _LISTS else "wave"
    return _REMEDY[name][0 if language == "ja" else 1].format(wave=one.wave)
