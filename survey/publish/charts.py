"""Figures: by region, by kind of body, own or shared server, and what could not be determined.

One house style, readable in grey and by colour-blind readers: listed is dark, unknown is hatched, the rest is light.
Every figure states its finding with bounds in the title, and carries its denominator and source line. The Japanese font
comes with the package matplotlib-fontja.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib_fontja
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager

from . import labels
from .edition import Edition
from .labels import Language

DARK, HATCHED, LIGHT, PALE = "#1b4965", "#f2d0a4", "#bfd7ea", "#e9ecef"
_FONT = next(Path(matplotlib_fontja.__file__).parent.rglob("*.ttf"))
_WIDTH = 7.2


def _style() -> dict[Any, Any]:
    family = FontProperties(fname=str(_FONT)).get_name()
    if family not in {font.name for font in fontManager.ttflist}:
        fontManager.addfont(str(_FONT))
    return {
        "font.family": family,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#555555",
        "axes.unicode_minus": False,
        "hatch.linewidth": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "survey",
        "figure.facecolor": "white",
    }


def write_figures(edition: Edition, folder: Path, language: Language = "ja") -> list[Path]:
    """Draw the four figures as PNG and SVG, with their alternative text beside them; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with mpl.rc_context(_style()):
        for name, draw in FIGURES.items():
            figure, words = draw(edition, language)
            figure.text(
                0.01,
                0.06 / figure.get_figheight(),
                edition.source(language),
                fontsize=6.5,
                color="#555555",
                ha="left",
                va="bottom",
            )
            FigureCanvasAgg(figure)
            for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
                path = folder / f"{name}.{ending}"
                figure.savefig(path, dpi=200, metadata=metadata)
                written.append(path)
            (folder / f"{name}.txt").write_text(words + "\n", encoding="utf-8")
            written.append(folder / f"{name}.txt")
    return written


def _figure(bars: int, title: str, subtitle: str, *, left: float = 1.2, each: float = 0.3) -> tuple[Figure, Axes]:
    """A figure for so many bars: title, subtitle and legend above, axis and source line below; measures in inches."""
    head, foot = 0.86, 0.72
    height = head + foot + max(0.6, bars * each)
    figure = Figure(figsize=(_WIDTH, height))
    area = (left / _WIDTH, foot / height, 1 - (left + 0.2) / _WIDTH, 1 - (head + foot) / height)
    axes = figure.add_axes(area)
    figure.text(0.01, 1 - 0.1 / height, title, fontsize=12, va="top", ha="left")
    figure.text(0.01, 1 - 0.36 / height, subtitle, fontsize=8, va="top", ha="left", color="#333333")
    return figure, axes


def _bars(axes: Axes, names: Sequence[str], parts: Sequence[tuple[Sequence[int], str, str, str]]) -> None:
    """Stacked horizontal bars, the first name on top: (values, label, colour, hatch) from left to right."""
    places = range(len(names))
    start = [0] * len(names)
    for values, label, colour, hatch in parts:
        if not any(values) and len(parts) > 2:
            continue
        axes.barh(
            places, values, left=start, color=colour, hatch=hatch, label=label, edgecolor="#444444", linewidth=0.4
        )
        start = [before + value for before, value in zip(start, values, strict=True)]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlim(0, max([*start, 1]) * 1.13)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))


def _legend(axes: Axes) -> None:
    """One row of keys between subtitle and bars; none where no bar was drawn."""
    if not axes.get_legend_handles_labels()[0]:
        return
    axes.legend(
        frameon=False,
        fontsize=8,
        ncols=6,
        columnspacing=1.2,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.1,
    )


def _relay_or_all(edition: Edition) -> str:
    """Which columns lead: open-relay listings where a list could tell, otherwise all headline listings."""
    return "relay_" if edition.headline["open_relay_lists_used"] else ""


def _title(edition: Edition, language: Language) -> tuple[str, str]:
    """The finding as a title, and what is counted of how many."""
    relay = labels.bounded(edition.headline, "open_relay")
    found = relay or labels.bounded(edition.headline, "bodies")
    if found is None:
        raise ValueError("a headline without bodies")
    which = {
        "ja": "第三者中継リストに登録" if relay else "悪用リストに登録",
        "en": "on open-relay lists" if relay else "on abuse lists",
    }[language]
    if language == "ja":
        return f"{found.listed:,}の自治体・行政機関が{which}", f"調査対象{found.total:,}、確認できず{found.unknown:,}"
    return (
        f"{found.listed:,} bodies {which}",
        f"of {found.total:,} surveyed; {found.unknown:,} not determined (at most {found.listed + found.unknown:,})",
    )


def _by_region(edition: Edition, language: Language) -> tuple[Figure, str]:
    prefix = _relay_or_all(edition)
    counts = edition.by("prefecture")
    counts = counts.sort_values([f"{prefix}listed", f"{prefix}unknown", "prefecture"], ascending=[False, False, True])
    shown = counts[(counts[f"{prefix}listed"] + counts[f"{prefix}unknown"]) > 0]
    shown = shown if len(shown) else counts.head(1)
    title, subtitle = _title(edition, language)
    hidden = len(counts) - len(shown)
    region = {"ja": f"{title} ― 地域別", "en": f"{title}, by region"}[language]
    rest = {"ja": f"。ほかの{hidden}地域は0", "en": f"; none in the other {hidden} regions"}[language] if hidden else ""
    figure, axes = _figure(len(shown), region, subtitle + rest, each=0.19)
    listed, unknown = shown[f"{prefix}listed"].tolist(), shown[f"{prefix}unknown"].tolist()
    names = shown["prefecture"].fillna("").replace("", "―").tolist()
    _bars(
        axes,
        names,
        [
            (listed, labels.word("listed", language), DARK, ""),
            (unknown, labels.word("unknown", language), HATCHED, "////"),
        ],
    )
    for place, (one, other, total) in enumerate(zip(listed, unknown, shown["bodies"], strict=True)):
        text = f"{one}" if not other else f"{one}～{one + other}"
        axes.text(one + other, place, f" {text}／{total}", va="center", fontsize=7)
    scale = {"ja": "団体数。数字は 登録あり～最大／団体総数", "en": "bodies; figures: listed to at most / all bodies"}
    axes.set_xlabel(scale[language], fontsize=8)
    _legend(axes)
    lead = "; ".join(f"{name} {one}" for name, one in list(zip(names, listed, strict=True))[:5])
    return figure, f"{region}. {subtitle}{rest}. {lead}."


def _by_kind(edition: Edition, language: Language) -> tuple[Figure, str]:
    counts = edition.by("kind").set_index("kind")
    kinds = [kind for kind in labels_kinds() if kind in counts.index]
    counts = counts.loc[kinds]
    title = {"ja": "団体の種別ごとの判定", "en": "Statuses by kind of body"}[language]
    found = labels.bounded(edition.headline, "bodies")
    subtitle = {"ja": "第三者中継・悪用のリスト: ", "en": "Open-relay and abuse lists: "}[language]
    subtitle += found.text(language) if found else ""
    figure, axes = _figure(len(kinds), title, subtitle, each=0.36)
    totals = counts["bodies"].clip(lower=1)
    shades = (("listed", DARK, ""), ("unknown", HATCHED, "////"), ("clear", LIGHT, ""), ("no_mail", PALE, "...."))
    parts = [((counts[w] / totals * 100).tolist(), labels.word(w, language), c, h) for w, c, h in shades]
    left_out = counts["opted_out"] + counts["out_of_scope"]
    if int(left_out.sum()):
        name = {"ja": "対象外・辞退", "en": "not surveyed"}[language]
        parts.append(((left_out / totals * 100).tolist(), name, "#ffffff", ""))
    of = {str(kind): {str(name): int(n) for name, n in row.items()} for kind, row in counts.to_dict("index").items()}
    names = [f"{labels.word(k, language)}\n{of[k]['bodies']:,}" for k in kinds]
    _bars(axes, names, parts)
    for place, kind in enumerate(kinds):
        one, other = of[kind]["listed"], of[kind]["unknown"]
        axes.text(101, place, f"{one}～{one + other}" if other else f"{one}", va="center", fontsize=7)
    axes.set_xlim(0, 112)
    axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100%"])
    _legend(axes)
    spoken = "; ".join(f"{labels.word(k, language)} {of[k]['listed']}/{of[k]['bodies']}" for k in kinds)
    return figure, f"{title}. {subtitle}. {spoken}."


def labels_kinds() -> Sequence[str]:
    """Kinds of bodies in the order in which they are shown."""
    return ("national", "prefecture", "designated_city", "city", "special_ward", "town", "village", "other")


def _own_or_shared(edition: Edition, language: Language) -> tuple[Figure, str]:
    found = edition.named_findings()
    listed = found.loc[found["status"].eq("listed")]
    words = ("own", "both", "shared", "unknown")
    counts = [int(listed["own_or_shared"].eq(word).sum()) for word in words]
    servers = edition.tables["servers"]
    on = servers.loc[servers["status"].eq("listed")]
    by_use = [int((on["bodies_n"] == 1).sum()), int((on["bodies_n"] > 1).sum())]
    most = int(on["bodies_n"].max()) if len(on) else 0
    title = {
        "ja": f"登録のある{len(listed):,}団体のうち{counts[2]:,}は共用サーバのみ",
        "en": f"{counts[2]:,} of {len(listed):,} listed bodies through shared servers only",
    }[language]
    bounds = labels.bounded(edition.headline, "bodies")
    spans = bounds.text(language) if bounds else ""
    subtitle = {
        "ja": f"登録サーバ{len(on):,}台。1台で最大{most:,}団体が利用。団体数 {spans}",
        "en": f"{len(on):,} listed servers; one serves up to {most:,} bodies. Bodies: {spans}",
    }[language]
    figure, axes = _figure(2, title, subtitle, left=1.9, each=0.5)
    names = [
        {"ja": "団体（利用するサーバ別）", "en": "bodies"}[language],
        {"ja": "サーバ（利用団体数別）", "en": "servers"}[language],
    ]
    one = {"ja": "自前／1団体", "en": "own / one body"}[language]
    many = {"ja": "共用／複数団体", "en": "shared / several bodies"}[language]
    _bars(
        axes,
        names,
        [
            ([counts[0], by_use[0]], one, DARK, ""),
            ([counts[1], 0], labels.word("both", language), LIGHT, "xxxx"),
            ([counts[2], by_use[1]], many, HATCHED, "////"),
            ([counts[3], 0], labels.word("unknown", language), PALE, "...."),
        ],
    )
    for place, row in enumerate((counts, [by_use[0], 0, by_use[1], 0])):
        start = 0
        for value in row:
            if value:
                inside = value > max(sum(counts), sum(by_use), 1) * 0.03
                colour = "white" if inside and start == 0 else "black"
                axes.text(start + value / 2, place, str(value), ha="center", va="center", fontsize=8, color=colour)
            start += value
    _legend(axes)
    return figure, f"{title}. {subtitle}."


_DOUBTS = (
    "mx_silent",
    "domain_absent",
    "domain_unknown",
    "address_silent",
    "no_address",
    "listing_silent",
    "listing_refused",
)


def _not_determined(edition: Edition, language: Language) -> tuple[Figure, str]:
    found = edition.tables["findings"]
    unknown = found.loc[found["status"].eq("unknown")]
    reasons = pd.Series([w for caveats in unknown["caveat"] for w in caveats if w in _DOUBTS], dtype="str")
    counts = reasons.value_counts().reindex(_DOUBTS, fill_value=0)
    counts = counts[counts > 0].sort_values(ascending=False, kind="stable")
    total = len(found)
    title = {
        "ja": f"{len(unknown):,}団体は確認できず ― その理由",
        "en": f"{len(unknown):,} bodies not determined, and why",
    }[language]
    subtitle = {
        "ja": f"全{total:,}団体中。理由が重なる団体はそれぞれに数えた。「確認できず」は「登録なし」ではない",
        "en": f"of {total:,} bodies; a body with several reasons counts under each. Not determined is not “not listed”",
    }[language]
    figure, axes = _figure(max(1, len(counts)), title, subtitle, left=2.7, each=0.32)
    names = [labels.word(reason, language) for reason in counts.index] or ["―"]
    values = [int(value) for value in counts] or [0]
    _bars(axes, names, [(values, labels.word("unknown", language), HATCHED, "////")])
    for place, value in enumerate(values):
        axes.text(value, place, f" {value}", va="center", fontsize=8)
    axes.set_xlabel({"ja": "団体数", "en": "bodies"}[language], fontsize=8)
    spoken = "; ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
    return figure, f"{title}. {subtitle}. {spoken}."


FIGURES: Mapping[str, Callable[[Edition, Language], tuple[Figure, str]]] = {
    "by_region": _by_region,
    "by_kind": _by_kind,
    "own_or_shared": _own_or_shared,
    "not_determined": _not_determined,
}
"""Every figure by its file's name: how it is drawn, and with it its alternative text."""
