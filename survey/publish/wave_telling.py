"""What became of bodies from one wave to the next, in sentences, in Japanese and English.

Every count stands with its bounds, and what cannot be compared is told with its reasons. A body is only ever said to be
listed, or not, by what lists answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from ..comparison import Comparison, Pair
from ..frames import rows_of
from ..harmless import harmless
from ..wave_counts import count_changes
from . import labels
from .labels import Language, word
from .wave_figures import Scene


def _span(least: int, most: int, language: Language) -> str:
    return f"{least:,}" if least == most else f"{least:,}{'～' if language == 'ja' else ' to '}{most:,}"


def _of(counts: Mapping[str, object], name: str) -> int:
    return int(str(counts[name]))


def _reasons(counts: object, language: Language) -> str:
    if not isinstance(counts, dict) or not counts:
        return ""
    joint, gap = ("、", " ") if language == "ja" else (", ", " ")
    return joint.join(f"{word(one, language)}{gap}{n:,}" for one, n in counts.items())


def sentences(before: str, after: str, counts: Mapping[str, object], language: Language) -> list[str]:
    """What became of the bodies from one wave to the next, in sentences whose numbers add up, with their bounds."""
    bodies = _of(counts, "bodies")
    parts = []
    for name in ("new", "persisting", "cleared"):
        least, most, confirmed = (_of(counts, one) for one in (name, f"{name}_at_most", f"{name}_confirmed"))
        called, span = word(name, language), _span(least, most, language)
        if language == "ja":
            parts.append(f"{called} {span}（うち再確認済み {confirmed:,}）")
        else:
            parts.append(f"{called}: {span} ({confirmed:,} of the {least:,} confirmed)")
    unlisted, lost = _of(counts, "unlisted"), _of(counts, "not_comparable")
    reasons, moved = _reasons(counts["reasons"], language), counts["moved"]
    relay = counts["relay"]
    total = [_of(counts, name) for name in ("new", "persisting", "cleared", "unlisted", "not_comparable")]
    if language == "ja":
        said = [
            f"「{before}」から「{after}」へ、前後いずれかの台帳にある{bodies:,}団体",
            *parts,
            f"{word('unlisted', 'ja')} {unlisted:,}",
            f"比較できず {lost:,}" + (f"（{reasons}）" if reasons else ""),
            f"計 {' + '.join(f'{n:,}' for n in total)} = {sum(total):,}",
        ]
        if isinstance(relay, dict):
            said.append("第三者中継リストだけでは: " + _reasons(_without(relay), "ja"))
        if isinstance(moved, dict) and moved:
            said.append("サーバの移転: " + _reasons(moved, "ja"))
        return said
    said = [
        f"From {before} to {after}, of {bodies:,} bodies in either register:",
        *parts,
        f"{word('unlisted', 'en')}: {unlisted:,}",
        f"not comparable: {lost:,}" + (f" ({reasons})" if reasons else ""),
        f"in all {' + '.join(f'{n:,}' for n in total)} = {sum(total):,}",
    ]
    if isinstance(relay, dict):
        said.append("By open-relay lists alone: " + _reasons(_without(relay), "en"))
    if isinstance(moved, dict) and moved:
        said.append("Servers moved: " + _reasons(moved, "en"))
    return said


def _without(relay: Mapping[str, int]) -> dict[str, int]:
    """Without the many that are on no list."""
    return {one: n for one, n in relay.items() if one != "unlisted"}


def method_sentences(aspects: Sequence[tuple[str, str]], language: Language) -> list[str]:
    """What the two runs did differently, by aspect and subject; one line, none where they did the same."""
    if not aspects:
        return []
    named: dict[str, list[str]] = {}
    for aspect, subject in aspects:
        named.setdefault(aspect, []).append(subject)
    joint = "、" if language == "ja" else ", "
    told = []
    for aspect, subjects in named.items():
        which = ", ".join(harmless(one, 80) for one in subjects[:6] if one)
        told.append(word(aspect, language) + (f" ({which})" if which else ""))
    return [{"ja": "調べ方の違い: ", "en": "Done differently: "}[language] + joint.join(told)]


def pair_sentences(pair: Pair, language: Language) -> list[str]:
    """The same of one pair of waves."""
    return sentences(pair.before.name, pair.after.name, count_changes(pair.tables["wave_bodies"]), language)


def rule_sentence(changed_n: int, language: Language) -> list[str]:
    """How many findings other rules alone change."""
    if language == "ja":
        return [f"同じ証拠を今の規則で読むだけで判定が変わる団体: {changed_n:,}"]
    return [f"Findings that the rules of now alone change, from the same evidence: {changed_n:,}"]


_MOST_LINES = 50


def change_lines(changes: pd.DataFrame) -> Iterator[str]:
    """Each finding that was read otherwise, in both languages; of very many the first."""
    columns = ("code", "name", "cause", "status_then", "status_now", "categories_then", "categories_now")
    for code, name, cause, then, now, was, is_now in list(rows_of(changes, *columns))[:_MOST_LINES]:
        told = [
            f"{word(then, language)} → {word(now, language)}"
            + ("" if then != now else f" ({labels.words(was, language)} → {labels.words(is_now, language)})")
            for language in labels.LANGUAGES
        ]
        named = f"{harmless(code, 40)} {harmless(name, 80)}"
        yield f"  {named}: {' / '.join(told)} [{word(cause, 'ja')} / {word(cause, 'en')}]"
    if len(changes) > _MOST_LINES:
        yield f"  … {len(changes) - _MOST_LINES:,} more in tables/rule_changes / ほかは tables/rule_changes に"


def lines(found: Comparison, changed_n: int, language: Language) -> list[str]:
    """A comparison in sentences, pair by pair, with what was done differently, and what rules alone changed."""
    said = [labels.PRACTICE[language]] if Scene(found.waves).is_practice else []
    for pair in found.pairs:
        method = pair.tables["wave_method"]
        said += pair_sentences(pair, language)
        said += method_sentences(list(rows_of(method, "aspect", "subject")), language)
    return [*said, *rule_sentence(changed_n, language), labels.NOT_CLOSED[language]]
