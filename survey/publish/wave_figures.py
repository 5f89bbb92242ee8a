"""Figures of waves: what became of bodies, what each wave found, how long listings last, operators before and after.

Internal ones, all of them: they are drawn from whole comparisons. What could not be compared is in every one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..comparison import Comparison, Pair
from ..frames import rows_of
from ..history import asked_until
from ..wave_counts import count_changes
from ..yardstick import Wave
from . import bars, labels, style, telling
from .canvas import Drawing, Page
from .charts import write_drawing
from .clock import clock
from .figures_regions import spoken
from .labels import Language, word
from .style import Format, Shade
from .typeset import printable

_SHADES: Mapping[str, Shade] = {
    "persisting": style.LISTED,
    "new": style.STEPS[3],
    "cleared": style.BLANK,
    "not_comparable": style.UNKNOWN,
    "listed": style.LISTED,
    "unknown": style.UNKNOWN,
    "both": style.LISTED,
    "after": style.STEPS[3],
    "before": style.BLANK,
}
_HEADS_TOLD, _MOST_OPERATORS, _NAME_MOST = 3, 15, 24


@dataclass(frozen=True, slots=True)
class Scene:
    """Several waves as the frame of a figure tells of them."""

    waves: Sequence[Wave]
    audience: str = "internal"

    @property
    def is_practice(self) -> bool:
        return any(wave.run.get("world") == "practice" for wave in self.waves)

    @property
    def heads(self) -> Sequence[str]:
        """The heads of the waves' evidence; of many, the first and the last."""
        heads = [str(wave.headline.get("evidence_head"))[: labels.HEAD] for wave in self.waves]
        return heads if len(heads) <= _HEADS_TOLD else [heads[0], "…", heads[-1]]

    def as_of(self, language: Language) -> str:
        """From when to when was asked."""
        moments = [one for one in map(asked_until, self.waves) if one]
        if not moments:
            return "–"
        joint = {"ja": "～", "en": " to "}[language]
        return joint.join(clock(one, "internal", language) for one in (moments[0], moments[-1]))


def _name(wave: Wave) -> str:
    """What a wave is called, as far as the font can show it, and not at any length."""
    return printable(wave.name, _NAME_MOST)


def changes(found: Comparison, language: Language, format_: Format) -> Drawing:
    """From each wave to the next: still listed, newly listed, no longer listed, and not comparable."""
    pair = found.whole
    one, other = _name(pair.before), _name(pair.after)
    counts = count_changes(pair.tables["wave_bodies"])
    new, gone, lost = (int(str(counts[name])) for name in ("new", "cleared", "not_comparable"))
    still, bodies = int(str(counts["persisting"])), int(str(counts["bodies"]))
    title = {
        "ja": f"登録継続{still:,}、新規登録{new:,}、登録解消{gone:,}、比較できず{lost:,}",
        "en": f"{still:,} still listed, {new:,} newly, {gone:,} no longer; {lost:,} not comparable",
    }[language]
    subtitle = {
        "ja": f"「{one}」と「{other}」、いずれかの台帳にある{bodies:,}団体。"
        "両方で有効なリストだけで比べた。比較できない団体は、どれにも数えていない",
        "en": f"{one} and {other}; {bodies:,} bodies of either register, on lists healthy in "
        "both. What is not comparable counts as none of these",
    }[language]
    order = ("persisting", "new", "cleared", "not_comparable")
    keys = [(_SHADES[name], word(name, language)) for name in order]
    page = Page(Scene(found.waves), language, format_, title, subtitle, keys)
    rows = [_changed(each, order, language) for each in found.pairs]
    end, scale = bars.draw(page, rows, _SHADES, names_most=0.34, is_counted=True)
    return page.finish(end, spoken(rows), scale=scale)


def _changed(pair: Pair, order: Sequence[str], language: Language) -> bars.Row:
    counts = count_changes(pair.tables["wave_bodies"])
    parts = [(int(str(counts[name])), name) for name in order]
    lost, rest = (f"{int(str(counts[name])):,}" for name in ("not_comparable", "unlisted"))
    text = {"ja": f"比較できず{lost}、登録なし{rest}", "en": f"{lost} not comparable, {rest} on no list"}[language]
    return bars.Row(f"{_name(pair.before)} → {_name(pair.after)}", parts, text)


def course(found: Comparison, language: Language, format_: Format) -> Drawing:
    """Each wave by itself: how many bodies were listed, and how many not determined, by its own healthy lists."""
    rows = []
    for wave in found.waves:
        listed, unknown, of = (
            int(str(wave.headline.get(name, 0))) for name in ("bodies_listed", "bodies_unknown", "bodies_surveyed")
        )
        text = labels.Bounded(listed, unknown, of).text(language)
        rows.append(bars.Row(_name(wave), ((listed, "listed"), (unknown, "unknown")), text))
    title = {
        "ja": f"{len(rows)}回の調査、それぞれで登録のあった団体",
        "en": f"Bodies listed in each of {len(rows)} waves",
    }[language]
    subtitle = {
        "ja": "各回の有効なリストによる。リストが違えば数も違うので、増減は「変化」の図で見る",
        "en": "By each wave's own healthy lists. Other lists give other numbers: see the figure of changes",
    }[language]
    keys = [(_SHADES[name], word(name, language)) for name in ("listed", "unknown")]
    page = Page(Scene(found.waves), language, format_, title, subtitle, keys)
    end, scale = bars.draw(page, rows, _SHADES, names_most=0.34, texts_most=0.5)
    return page.finish(end, spoken(rows), scale=scale)


def survival(found: Comparison, language: Language, format_: Format) -> Drawing | None:
    """Bodies listed in the first wave: how many are still so after each further one; None with two waves alone."""
    if len(found.waves) < 3:
        return None
    steps = [row for row in rows_of(found.tables["wave_survival"], *_STEP) if row[0] == "at_start"]
    entered = sum(steps[0][2:6]) if steps else 0
    rows, gone, lost = [bars.Row(_name(found.waves[0]), ((entered, "persisting"),), f"{entered:,}")], 0, 0
    still = entered
    for _, step, still_, cleared, not_comparable, _ in steps:
        if step >= len(found.waves):
            break
        still, gone, lost = int(still_), gone + int(cleared), lost + int(not_comparable)
        parts = ((still, "persisting"), (lost, "not_comparable"), (gone, "cleared"))
        text = {"ja": f"継続{still:,}～{still + lost:,}", "en": f"{still:,} to {still + lost:,} still listed"}[language]
        rows.append(bars.Row(_name(found.waves[int(step)]), parts, text))
    title = {
        "ja": f"最初に登録のあった{entered:,}団体のうち、最後まで継続は{still:,}～{still + lost:,}",
        "en": f"Of {entered:,} bodies listed at first, {still:,} to {still + lost:,} stayed so to the end",
    }[language]
    subtitle = {
        "ja": "比較できなくなった団体は、その後を追わず、継続とも解消とも数えない（打ち切り）。"
        "最初の登録がいつ始まったかは分からない",
        "en": "A body that cannot be compared any more is followed no further, and counts as neither (censored). "
        "Since when they had been listed is not known",
    }[language]
    names = {"persisting": "persisting", "not_comparable": "not_comparable", "cleared": "cleared"}
    keys = [(_SHADES[name], word(name, language)) for name in names]
    page = Page(Scene(found.waves), language, format_, title, subtitle, keys)
    end, scale = bars.draw(page, rows, _SHADES, names_most=0.34, is_counted=True)
    return page.finish(end, spoken(rows), scale=scale)


_STEP = ("seen", "step", "persisting", "cleared", "not_comparable", "ended")


def operators(found: Comparison, language: Language, format_: Format) -> Drawing:
    """Operators by listed bodies: those listed in both waves, only after, only before; with bounds."""
    pair = found.whole
    one, other = _name(pair.before), _name(pair.after)
    columns = ("operator_ja" if language == "ja" else "operator", "listed_both", *_LISTED, *_UNKNOWN)
    ranked = [row for row in rows_of(pair.tables["wave_operators"], *columns) if row[2] or row[3]]
    several = [row for row in ranked if max(row[2:4]) > 1] or ranked
    single = len(ranked) - len(several)
    title = leading([(row[0], int(row[2]), int(row[3])) for row in ranked])[language]
    subtitle = {
        "ja": f"「{one}」と「{other}」。登録サーバを使う団体の数と最大（確認できずを加えた数）、"
        "両方で有効なリストによる",
        "en": f"{one} and {other}: bodies that use a listed server, and at most (those not "
        "determined added), on lists healthy in both",
    }[language]
    keys = [(_SHADES[name], said[language]) for name, said in _WHEN.items()]
    page = Page(Scene(found.waves), language, format_, title, subtitle, keys)
    rows = []
    for name, both, before, after, unknown_before, unknown_after in several:
        parts = ((int(both), "both"), (int(after - both), "after"), (int(before - both), "before"))
        spans = [
            telling.span(int(listed), int(unknown), int(listed + unknown) + 1, language)
            for listed, unknown in ((before, unknown_before), (after, unknown_after))
        ]
        rows.append(bars.Row(printable(str(name), 60), parts, " → ".join(spans)))
    if single:
        called = {"ja": f"ほか{single:,}運用者", "en": f"{single:,} more operators"}[language]
        rows.append(bars.Row(called, (), {"ja": "前後とも1団体以下", "en": "one body at most"}[language]))
    rows = rows or [bars.Row("–", (), "0")]

    def rest(left: Sequence[bars.Row]) -> bars.Row:
        n = len(left) - bool(single) + single
        called = {"ja": f"ほか{n:,}運用者", "en": f"{n:,} more operators"}[language]
        return bars.Row(called, (), "", is_drawn=False)

    shown = bars.limited(page, rows, rest, most=_MOST_OPERATORS + 1)
    end, scale = bars.draw(page, shown, _SHADES, names_most=0.5)
    return page.finish(end, spoken(shown), scale=scale)


def leading(ranked: Sequence[tuple[object, int, int]]) -> Mapping[Language, str]:
    """Which operator has most listed bodies after, in a title; of several equals none is called the first."""
    if not ranked:
        return {"ja": "登録のある運用者はない", "en": "No operator has a listed server"}
    first, before, after = ranked[0]
    name, others = printable(str(first), _NAME_MOST), sum(one[2] == after for one in ranked) - 1
    if others and after:
        return {
            "ja": f"最多は{name}など{others + 1:,}運用者、後の調査で各{after:,}団体",
            "en": f"Most listed bodies after: {after:,} each at {name} and {others:,} more",
        }
    if before == after:
        return {
            "ja": f"最多は{name}、登録団体は前後とも{after:,}",
            "en": f"Most listed bodies: {name}, {after:,} in both",
        }
    return {
        "ja": f"最多は{name}、登録団体{before:,}から{after:,}へ",
        "en": f"Most listed bodies: {name}, from {before:,} to {after:,}",
    }


_LISTED = ("listed_before", "listed_after")
_UNKNOWN = ("unknown_before", "unknown_after")
_WHEN: Mapping[str, Mapping[Language, str]] = {
    "both": {"ja": "前後とも登録", "en": "listed in both"},
    "after": {"ja": "後だけ登録", "en": "listed only after"},
    "before": {"ja": "前だけ登録", "en": "listed only before"},
}
FIGURES: Mapping[str, Callable[[Comparison, Language, Format], Drawing | None]] = {
    "changes": changes,
    "course": course,
    "survival": survival,
    "operators": operators,
}
"""Every figure of waves by its file's name: how it is drawn; None where there are too few waves for it."""


def write_wave_figures(found: Comparison, folder: Path, language: Language) -> list[Path]:
    """Write every figure of a comparison as PNG and SVG with its words beside; the paths."""
    written = []
    for name, draw in FIGURES.items():
        drawing = draw(found, language, style.DEFAULT)
        if drawing is not None:
            written += write_drawing(drawing, folder / name)
    return written
