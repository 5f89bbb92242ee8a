"""Figures: region, kind of body, own or shared, one server and its bodies, operators, not determined, software.

Every figure states its finding with bounds in the title, and carries its denominator and source line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..harmless import harmless
from . import labels, style
from .edition import Edition
from .labels import Language


def write_figures(edition: Edition, folder: Path, language: Language = "ja") -> list[Path]:
    """Draw every figure as PNG and SVG, with their alternative text beside them; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with mpl.rc_context(style.rules()):
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
    figure, axes = style.new_figure(len(shown), region, subtitle + rest, each=0.19)
    listed, unknown = shown[f"{prefix}listed"].tolist(), shown[f"{prefix}unknown"].tolist()
    names = [harmless(str(name), 24) or "―" for name in shown["prefecture"].fillna("")]
    style.bars(
        axes,
        names,
        [
            (listed, labels.word("listed", language), style.DARK, ""),
            (unknown, labels.word("unknown", language), style.HATCHED, "////"),
        ],
    )
    for place, (one, other, total) in enumerate(zip(listed, unknown, shown["bodies"], strict=True)):
        text = f"{one}" if not other else f"{one}～{one + other}"
        axes.text(one + other, place, f" {text}／{total}", va="center", fontsize=7)
    scale = {"ja": "団体数。数字は 登録あり～最大／団体総数", "en": "bodies; figures: listed to at most / all bodies"}
    axes.set_xlabel(scale[language], fontsize=8)
    style.legend(axes)
    spans = zip(names, listed, unknown, shown["bodies"], strict=True)
    lead = "; ".join(f"{name} {labels.Bounded(one, other, total).text(language)}" for name, one, other, total in spans)
    return figure, f"{region}. {subtitle}{rest}. {lead}."


def _by_kind(edition: Edition, language: Language) -> tuple[Figure, str]:
    counts = edition.by("kind").set_index("kind")
    kinds = [kind for kind in labels_kinds() if kind in counts.index]
    counts = counts.loc[kinds]
    title = {"ja": "団体の種別ごとの判定", "en": "Statuses by kind of body"}[language]
    found = labels.bounded(edition.headline, "bodies")
    subtitle = {"ja": "第三者中継・悪用のリスト: ", "en": "Open-relay and abuse lists: "}[language]
    subtitle += found.text(language) if found else ""
    figure, axes = style.new_figure(len(kinds), title, subtitle, each=0.36)
    totals = counts["bodies"].clip(lower=1)
    shades = (
        ("listed", style.DARK, ""),
        ("unknown", style.HATCHED, "////"),
        ("clear", style.LIGHT, ""),
        ("no_mail", style.PALE, "...."),
    )
    parts = [((counts[w] / totals * 100).tolist(), labels.word(w, language), c, h) for w, c, h in shades]
    left_out = counts["opted_out"] + counts["out_of_scope"]
    if int(left_out.sum()):
        name = {"ja": "対象外・辞退", "en": "not surveyed"}[language]
        parts.append(((left_out / totals * 100).tolist(), name, "#ffffff", ""))
    numbers = counts.drop(columns=["relay_listed", "relay_unknown"])
    of = {str(kind): {str(name): int(n) for name, n in row.items()} for kind, row in numbers.to_dict("index").items()}
    names = [f"{labels.word(k, language)}\n{of[k]['bodies']:,}" for k in kinds]
    style.bars(axes, names, parts)
    for place, kind in enumerate(kinds):
        one, other = of[kind]["listed"], of[kind]["unknown"]
        axes.text(101, place, f"{one}～{one + other}" if other else f"{one}", va="center", fontsize=7)
    axes.set_xlim(0, 112)
    axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100%"])
    style.legend(axes)
    counted = {k: labels.Bounded(of[k]["listed"], of[k]["unknown"], of[k]["bodies"]) for k in kinds}
    spoken = "; ".join(f"{labels.word(k, language)} {counted[k].text(language)}" for k in kinds)
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
    machines = labels.bounded(edition.headline, "servers")
    counted = machines.text(language) if machines else ""
    subtitle = {
        "ja": f"登録団体 {spans}。登録サーバ {counted}。1台で最大{most:,}団体が利用",
        "en": f"Listed bodies {spans}; listed servers {counted}; one serves up to {most:,} bodies",
    }[language]
    figure, axes = style.new_figure(2, title, subtitle, left=1.9, each=0.5)
    names = [
        {"ja": "団体（利用するサーバ別）", "en": "bodies"}[language],
        {"ja": "サーバ（利用団体数別）", "en": "servers"}[language],
    ]
    one = {"ja": "自前／1団体", "en": "own / one body"}[language]
    many = {"ja": "共用／複数団体", "en": "shared / several bodies"}[language]
    style.bars(
        axes,
        names,
        [
            ([counts[0], by_use[0]], one, style.DARK, ""),
            ([counts[1], 0], labels.word("both", language), style.LIGHT, "xxxx"),
            ([counts[2], by_use[1]], many, style.HATCHED, "////"),
            ([counts[3], 0], labels.word("unknown", language), style.PALE, "...."),
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
    style.legend(axes)
    return figure, f"{title}. {subtitle}."


_MOST_SERVERS, _MOST_OPERATORS = 15, 20


def _one_server(edition: Edition, language: Language) -> tuple[Figure, str]:
    """Listed servers by the bodies that stand behind each; where none is listed, the most shared ones."""
    servers = edition.tables["servers"]
    listed = servers.loc[servers["status"].eq("listed")]
    shown = (listed if len(listed) else servers).nlargest(_MOST_SERVERS, "bodies_n", keep="first")
    most = int(shown["bodies_n"].max()) if len(shown) else 0
    machines = labels.bounded(edition.headline, "servers")
    counted = machines.text(language) if machines else ""
    title = {
        "ja": f"1台の登録サーバに最大{most:,}団体" if len(listed) else f"登録サーバなし。1台に最大{most:,}団体",
        "en": f"One listed server, up to {most:,} bodies"
        if len(listed)
        else f"No listed server; one serves up to {most:,} bodies",
    }[language]
    subtitle = {"ja": f"登録サーバ {counted}", "en": f"Listed servers {counted}"}[language]
    if len(listed) > len(shown):
        subtitle += {"ja": f"。上位{len(shown)}台を表示", "en": f"; the first {len(shown)} are shown"}[language]
    figure, axes = style.new_figure(max(1, len(shown)), title, subtitle, left=2.9, each=0.24)
    names = [harmless(str(host), 40) for host in shown["host"]] or ["―"]
    values = [int(value) for value in shown["bodies_n"]] or [0]
    dark = (values, labels.word("listed", language), style.DARK, "")
    light = (values, labels.word("clear", language), style.LIGHT, "")
    style.bars(axes, names, [dark if len(listed) else light])
    for place, value in enumerate(values):
        axes.text(value, place, f" {value}", va="center", fontsize=8)
    axes.set_xlabel({"ja": "利用する団体数", "en": "bodies that use it"}[language], fontsize=8)
    spoken = "; ".join(f"{name} {value}" for name, value in zip(names[:5], values, strict=False))
    return figure, f"{title}. {subtitle}. {spoken}."


def _operators(edition: Edition, language: Language) -> tuple[Figure, str]:
    """The share of all bodies with a listed server that the first operators carry together."""
    ranked = edition.ranking("operator")
    ranked = ranked.loc[ranked["listed_n"] > 0]
    total, shown = len(ranked), ranked.head(_MOST_OPERATORS)
    bounds = labels.bounded(edition.headline, "bodies")
    spans = bounds.text(language) if bounds else ""
    ten = float(ranked["cumulative_share"].iloc[min(9, total - 1)]) if total else 0.0
    title = {
        "ja": f"登録団体の{ten:.0%}が上位{min(10, total)}運用者に集まる" if total else "登録のある運用者はない",
        "en": f"{min(10, total)} operators carry {ten:.0%} of the listed bodies" if total else "No operator is listed",
    }[language]
    subtitle = {
        "ja": f"登録のある{total:,}運用者のうち上位{len(shown)}。登録団体 {spans}",
        "en": f"The first {len(shown)} of {total:,} operators with listed servers. Listed bodies {spans}",
    }[language]
    figure, axes = style.new_figure(10, title, subtitle, left=0.7, each=0.22)
    places = list(range(1, len(shown) + 1))
    shares = [float(share) * 100 for share in shown["cumulative_share"]]
    axes.plot(places, shares, color=style.DARK, marker="o", markersize=4, linewidth=1.2)
    axes.set_xlim(0.5, max(2, len(shown)) + 0.5)
    axes.set_ylim(0, 105)
    axes.set_yticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100%"])
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_xlabel({"ja": "登録団体の多い順の運用者", "en": "operators, most listed first"}[language], fontsize=8)
    return figure, f"{title}. {subtitle}."


_DOUBTS = (
    "mx_silent",
    "domain_absent",
    "domain_unknown",
    "domain_doubtful",
    "address_silent",
    "no_address",
    "listing_silent",
    "listing_refused",
    "partly_opted_out",
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
    figure, axes = style.new_figure(max(1, len(counts)), title, subtitle, left=2.7, each=0.32)
    names = [labels.word(reason, language) for reason in counts.index] or ["―"]
    values = [int(value) for value in counts] or [0]
    style.bars(axes, names, [(values, labels.word("unknown", language), style.HATCHED, "////")])
    for place, value in enumerate(values):
        axes.text(value, place, f" {value}", va="center", fontsize=8)
    axes.set_xlabel({"ja": "団体数", "en": "bodies"}[language], fontsize=8)
    spoken = "; ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
    return figure, f"{title}. {subtitle}. {spoken}."


def _software(edition: Edition, language: Language) -> tuple[Figure, str]:
    greetings = edition.tables["greetings"]
    said = greetings["software"].dropna().value_counts().sort_index().sort_values(ascending=False, kind="stable")
    silent = len(greetings) - int(said.sum())
    title = {
        "ja": f"許可を得て確認した{len(greetings):,}アドレスが名乗ったソフトウェア",
        "en": f"Software named by {len(greetings):,} addresses asked with permission",
    }[language]
    subtitle = {
        "ja": f"サーバの最初の応答による。名乗らない{silent:,}アドレスは不明。調査した団体全体の割合ではない",
        "en": f"By their greetings; {silent:,} name none and stay unknown. Not a share of all bodies surveyed",
    }[language]
    unknown = {"ja": "不明", "en": "unknown"}[language]
    names = [*map(str, said.index), unknown]
    named = [*map(int, said), 0]
    figure, axes = style.new_figure(len(names), title, subtitle, left=1.9, each=0.27)
    parts = [
        (named, {"ja": "名乗った", "en": "named"}[language], style.DARK, ""),
        ([0] * (len(names) - 1) + [silent], unknown, style.HATCHED, "////"),
    ]
    style.bars(axes, names, parts)
    for place, value in enumerate([*named[:-1], silent]):
        axes.text(value, place, f" {value}", va="center", fontsize=8)
    axes.set_xlabel({"ja": "アドレス数", "en": "addresses"}[language], fontsize=8)
    spoken = "; ".join(f"{name} {value}" for name, value in zip(names, [*named[:-1], silent], strict=True))
    return figure, f"{title}. {subtitle}. {spoken}."


FIGURES: Mapping[str, Callable[[Edition, Language], tuple[Figure, str]]] = {
    "by_region": _by_region,
    "by_kind": _by_kind,
    "own_or_shared": _own_or_shared,
    "one_server": _one_server,
    "operators": _operators,
    "not_determined": _not_determined,
    "software": _software,
}
"""Every figure by its file's name: how it is drawn, and with it its alternative text."""
