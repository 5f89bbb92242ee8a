"""Figures of servers, their operators, and the lists: one server and its bodies, operators, lists and their health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from . import bars, labels, style, telling
from .audiences import View
from .canvas import Drawing, Page
from .figures_regions import SHADES, spoken
from .labels import Language
from .style import Format, Shade
from .typeset import printable

_MOST_SERVERS, _MOST_OPERATORS = 15, 12


def one_server(view: View, language: Language, format_: Format) -> Drawing | None:
    """Listed servers by the bodies that stand behind each; where none is listed, the most shared ones.

    None for an audience that may not see host names.
    """
    if view.audience != "internal":
        return None
    servers, machines = view.servers, labels.bounded(view.headline, "servers")
    listed = servers.loc[servers["status"].eq("listed")]
    ranked = (listed if len(listed) else servers).sort_values(["bodies_n", "host"], ascending=[False, True])
    most = int(ranked["bodies_n"].max()) if len(ranked) else 0
    title = {
        "ja": f"登録サーバ1台に最大{most:,}団体" if len(listed) else f"登録サーバなし。1台に最大{most:,}団体",
        "en": f"One listed server, up to {most:,} bodies"
        if len(listed)
        else f"No listed server; one serves up to {most:,} bodies",
    }[language]
    subtitle = {"ja": "棒は1台を利用する団体数", "en": "Bars: bodies that use the server"}[language]
    if machines is not None:
        span = telling.span(machines.listed, machines.unknown, machines.total, language)
        subtitle = {
            "ja": f"登録サーバ{span}台（全{machines.total:,}台、確認できず{machines.unknown:,}）。{subtitle}",
            "en": f"{span} of {machines.total:,} servers listed ({machines.unknown:,} not determined). {subtitle}",
        }[language]
    word = "listed" if len(listed) else "rest"
    page = Page(view, language, format_, title, subtitle)
    rows = [
        bars.Row(str(host), ((int(n), word),), f"{n:,}")
        for host, n in ranked[["host", "bodies_n"]].itertuples(index=False, name=None)
    ] or [bars.Row("–", (), "0")]

    def rest(left: Sequence[bars.Row]) -> bars.Row:
        # Bodies of several servers overlap: only the servers are counted.
        name = {"ja": f"ほか{len(left):,}台", "en": f"{len(left):,} more"}[language]
        text = {"ja": f"各{left[0].text}以下", "en": f"up to {left[0].text} each"}[language]
        return bars.Row(name, (), text, is_drawn=False)

    shown = bars.limited(page, rows, rest, most=_MOST_SERVERS + 1)
    end, scale = bars.draw(page, shown, SHADES, names_most=0.62)
    return page.finish(end, spoken(shown), scale=scale)


def operators(view: View, language: Language, format_: Format) -> Drawing:
    """Operators by the bodies that use a listed server of theirs, with the share that they carry together so far."""
    ranked = view.operators.loc[view.operators["listed_n"].gt(0)]
    several = ranked.loc[ranked["listed_n"].gt(1)]
    shown = several if len(several) else ranked
    single = len(ranked) - len(shown)
    name = "operator_ja" if language == "ja" else "operator"
    shares = [float(share) if pd.notna(share) else None for share in shown["cumulative_share"]]
    n = min(10, len(shown))
    if n and (share := shares[n - 1]) is not None:
        title = {
            "ja": f"登録のある団体の{share:.0%}が上位{n}運用者に集まる",
            "en": f"{n} operators carry {share:.0%} of the listed bodies"
            if n > 1
            else f"One operator carries {share:.0%} of the listed bodies",
        }[language]
    else:
        title = {
            "ja": "登録が確認された運用者はない" if view.audience != "public" else "個別に示せる運用者に登録はない",
            "en": "No operator was found listed"
            if view.audience != "public"
            else "No operator that can be shown apart is listed",
        }[language]
    found = labels.bounded(view.headline, "bodies")
    title = (telling.undetermined(found, telling.both(language), language) if found else None) or title
    of = telling.denominator(found, language) if found else ""
    is_summed = any(share is not None for share in shares)
    subtitle = {
        "ja": f"{telling.both('ja')}。{of}。数字は 登録サーバの利用団体～最大／全利用団体"
        f"{'、上位からの累計' if is_summed else ''}",
        "en": f"{telling.both('en').capitalize()}; {of}. "
        f"Figures: bodies with a listed server–at most / all{' (cumulative)' if is_summed else ''}",
    }[language]
    if not len(ranked):
        # Where none is listed, the largest are shown by size.
        shown = view.operators.loc[view.operators["bodies_n"].gt(1)].head(_MOST_OPERATORS)
        shares = [None] * len(shown)
    keys = [(SHADES[word], labels.word(word, language)) for word in ("listed", "unknown")]
    if not len(ranked):
        keys.append((SHADES["rest"], {"ja": "ほかの利用団体", "en": "other bodies served"}[language]))
    page = Page(view, language, format_, title, subtitle, keys)
    rows = []
    columns = [name, "listed_n", "unknown_n", "bodies_n"]
    for (called, listed, unknown, bodies), share in zip(
        shown[columns].itertuples(index=False, name=None), shares, strict=True
    ):
        text = telling.of(int(listed), int(unknown), int(bodies), language)
        if share is not None:
            text += {"ja": f"　累計{share:.0%}", "en": f"  ({share:.0%})"}[language]
        rest_n = 0 if len(ranked) else int(bodies) - int(listed) - int(unknown)
        parts = ((int(listed), "listed"), (int(unknown), "unknown"), (rest_n, "rest"))
        rows.append(bars.Row(telling.operator_name(str(called), language), parts, text))
    if single:
        called = {"ja": f"ほか{single:,}運用者", "en": f"{single:,} more operators"}[language]
        rows.append(bars.Row(called, (), {"ja": "各1団体　累計100%", "en": "one body each (100%)"}[language]))
    rows = rows or [bars.Row("―" if language == "ja" else "–", (), "")]

    def rest(left: Sequence[bars.Row]) -> bars.Row:
        n = len(left) - bool(single) + single
        called = {"ja": f"ほか{n:,}運用者", "en": f"{n:,} more operators"}[language]
        return bars.Row(called, (), "", is_drawn=False)

    drawn = bars.limited(page, rows, rest, most=_MOST_OPERATORS + 1)
    end, scale = bars.draw(page, drawn, SHADES)
    return page.finish(end, spoken(drawn), scale=scale)


_HEALTH: Mapping[str, Shade] = {
    "passed": style.SHARED,
    "failed": style.LISTED,
    "unused": style.MERGED,
}


def lists_health(view: View, language: Language, format_: Format) -> Drawing:
    """Every selected list over the run: rounds passed, the round that it failed and why, and its health for IPv6."""
    lists = view.lists.sort_values(["health", "group", "zone"], key=lambda column: column.map(_ORDER).fillna(column))
    used = int(lists["health"].eq("healthy").sum())
    void = len(lists) - used
    title = {
        "ja": f"{len(lists)}リストのうち{used}が有効、{void}は無効" if used else "有効なリストがなく、判定不能",
        "en": f"{used} of {len(lists)} lists healthy, {void} void" if used else "No healthy list: cannot be determined",
    }[language]
    subtitle = {
        "ja": "棒は健全性検査の回数。途中で不合格になったリストの回答は、さかのぼってすべて数えない",
        "en": "Bars: health rounds. A list that fails one is not counted, from the beginning of the run",
    }[language]
    keys = [
        (_HEALTH["passed"], {"ja": "合格", "en": "passed"}[language]),
        (_HEALTH["failed"], {"ja": "不合格", "en": "failed"}[language]),
    ]
    if (lists["rounds"] > lists["failed_round"]).any():
        keys.append((_HEALTH["unused"], {"ja": "不合格の後", "en": "after it failed"}[language]))
    page = Page(view, language, format_, title, subtitle, keys)
    rows = []
    columns = ["list_name", "health", "health_ipv6", "reason", "rounds", "failed_round"]
    for called, health, ipv6, reason, rounds, failed in lists[columns].itertuples(index=False, name=None):
        total = int(rounds)
        is_void = health != "healthy"
        at = int(failed) if is_void and pd.notna(failed) else 0
        passed = at - 1 if at else total
        parts = ((max(0, passed), "passed"), (1 if at else 0, "failed"), (max(0, total - at) if at else 0, "unused"))
        if is_void:
            why = labels.word(reason, language) if isinstance(reason, str) else ""
            text = labels.word("void", language)
            if page.room is not None:
                # A figure of fixed height has no room for second lines.
                text, why, at = why or text, "", 0
            text += {"ja": f"（{at}回目に不合格）", "en": f", failed round {at}"}[language] if at else ""
        else:
            six, why = labels.word(ipv6, language), ""
            text = {"ja": f"有効、IPv6{six}", "en": f"healthy, IPv6 {six}"}[language]
        rows.append(bars.Row(printable(str(called), 60), parts, text, why))
    rows = rows or [bars.Row("―" if language == "ja" else "–", (), "")]

    def rest(left: Sequence[bars.Row]) -> bars.Row:
        return bars.Row({"ja": f"ほか{len(left)}リスト", "en": f"{len(left)} more"}[language], (), "", is_drawn=False)

    end, scale = bars.draw(page, bars.limited(page, rows, rest, most=48), _HEALTH, names_most=0.36, texts_most=0.56)
    return page.finish(end, spoken(rows), scale=scale)


_ORDER = {"healthy": "0", "void": "1", "relay": "0", "abuse": "1", "context": "2"}


def software(view: View, language: Language, format_: Format) -> Drawing | None:
    """Which software the servers that were asked with permission name; None for outsiders."""
    if view.audience != "internal":
        return None
    asked = int(view.software["addresses"].sum())
    silent = int(view.software.loc[view.software["software"].isna(), "addresses"].sum())
    title = {
        "ja": f"許可を得て確認した{asked:,}アドレスが名乗ったソフトウェア",
        "en": f"Software named by {asked:,} addresses asked with permission",
    }[language]
    if not asked:
        title = {"ja": "許可を得て確認したアドレスはない", "en": "No address was asked with permission"}[language]
    subtitle = {
        "ja": f"サーバの最初の応答による。名乗らない{silent:,}アドレスは不明。調査した団体全体の割合ではない",
        "en": f"By their greetings; {silent:,} name none and stay unknown. Not a share of all bodies surveyed",
    }[language]
    page = Page(view, language, format_, title, subtitle)
    unknown = {"ja": "不明", "en": "unknown"}[language]
    rows = [
        bars.Row(unknown, ((int(n), "unknown"),), f"{n:,}")
        if pd.isna(name)
        else bars.Row(str(name), ((int(n), "named"),), f"{n:,}")
        for name, n in view.software.itertuples(index=False, name=None)
    ]

    def rest(left: Sequence[bars.Row]) -> bars.Row:
        count = int(view.software["addresses"].tail(len(left)).sum())
        return bars.Row({"ja": "ほかと不明", "en": "others, unknown"}[language], (), f"{count:,}", is_drawn=False)

    shades = {"named": style.LISTED, "unknown": style.UNKNOWN}
    end, scale = bars.draw(page, bars.limited(page, rows, rest, most=20), shades)
    return page.finish(end, spoken(rows), scale=scale)
