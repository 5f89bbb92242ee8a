"""Figures of bodies: the headline, kinds of bodies, own or shared servers, and what could not be determined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import bars, labels, style, telling
from .audiences import View
from .canvas import Drawing, Page
from .disclosure import OTHERS
from .figures_regions import spoken
from .labels import Bounded, Language
from .style import Format, Shade
from .typeset import width, wrap

_PARTS: Mapping[str, Shade] = {
    "listed": style.LISTED,
    "unknown": style.UNKNOWN,
    "rest": style.REST,
}
_LEAST_KIND = 20
"""Bodies that a kind must have for its share to make a title."""


def headline(view: View, language: Language, format_: Format) -> Drawing:
    """How many bodies are listed, at most how many, and of how many: in one large number and two bars."""
    found, lists = telling.counted(view), telling.which(view, language)
    span = telling.span(found.listed, found.unknown, found.total, language)
    title = (
        telling.undetermined(found, lists, language)
        or {
            "ja": f"{lists}に{span}の自治体・行政機関",
            "en": f"{span} public bodies on {lists}",
        }[language]
    )
    keys = [(_PARTS[word], labels.word(word, language)) for word in ("listed", "unknown")]
    keys.append((_PARTS["rest"], _rest(language)))
    page = Page(view, language, format_, title, telling.denominator(found, language), keys)
    rows = []
    for name, one in (
        ({"ja": "第三者中継リスト", "en": "Open-relay lists"}[language], labels.bounded(view.headline, "open_relay")),
        ({"ja": "中継・悪用のリスト", "en": "Relay or abuse lists"}[language], labels.bounded(view.headline, "bodies")),
    ):
        if one is None:
            rows.append(bars.Row(name, (), labels.CANNOT[language]))
        else:
            rest = one.total - one.listed - one.unknown
            parts = ((one.listed, "listed"), (one.unknown, "unknown"), (rest, "rest"))
            rows.append(bars.Row(name, parts, telling.of(one.listed, one.unknown, one.total, language)))
    size = format_.text
    note = wrap(labels.NOT_CLOSED[language], format_.small, page.width)
    below = len(note) * format_.small * style.LEADING
    big = min(format_.title * 4.2, page.width * 0.8 / width(span, 1))
    if page.room is not None:
        big = min(big, (page.room - below - size * 7) / style.LEADING)
    y = 0.0
    page.text(page.width / 2, y, span, size=big, align="center", colour=style.LISTED.colour)
    y += big * style.LEADING
    of = {"ja": f"調査対象 {found.total:,} 団体のうち", "en": f"of {found.total:,} bodies surveyed"}[language]
    page.text(page.width / 2, y, of, align="center")
    y += size * style.LEADING * 1.4
    top, full = y, max(1, found.total)
    page.keep(below + size)
    y, scale = bars.draw(page, rows, _PARTS, top=top, full=full)
    page.lines(0, y + size * 0.6, labels.NOT_CLOSED[language], size=format_.small, most=page.width, colour=style.GREY)
    return page.finish(y + size * 0.6 + below, [*spoken(rows), labels.NOT_CLOSED[language]], scale=scale)


def _rest(language: Language) -> str:
    """What is neither listed nor undetermined."""
    return {"ja": "それ以外（登録なし、メールなしなど）", "en": "the rest (not listed, no mail, …)"}[language]


def by_kind(view: View, language: Language, format_: Format) -> Drawing:
    """Of each kind of body, the share that is listed and the share that is not determined."""
    counts, lists = telling.leading(view, view.kinds), telling.which(view, language)
    of = {str(kind): Bounded(*row) for kind, *row in counts.itertuples(index=False, name=None)}
    order = [kind for kind in (*telling.KINDS, OTHERS) if kind in of]
    title = telling.undetermined(telling.counted(view), lists, language) or _kinds_title(of, lists, language)
    subtitle = (
        telling.denominator(telling.counted(view), language)
        + {
            "ja": "。棒は種別ごとの割合、数字は 登録あり～最大／種別の調査団体数",
            "en": ". Bars: share of the kind; figures: listed–at most / bodies surveyed of it",
        }[language]
    )
    keys = [(_PARTS[word], labels.word(word, language)) for word in ("listed", "unknown")]
    page = Page(view, language, format_, title, subtitle, keys)
    rows = []
    for kind in order:
        one = of[kind]
        parts = ((100 * one.listed / max(1, one.total), "listed"), (100 * one.unknown / max(1, one.total), "unknown"))
        name = telling.others(language) if kind == OTHERS else labels.word(kind, language)
        said = telling.of(one.listed, one.unknown, one.total, language)
        rows.append(bars.Row(name, parts, f"{said}{_bracket(telling.share(one, language), language)}"))
    end, scale = bars.draw(page, rows, _PARTS, texts_most=0.55)
    return page.finish(end, spoken(rows), scale=scale)


def _bracket(text: str, language: Language) -> str:
    if text == labels.CANNOT[language]:
        return ""
    return f"（{text}）" if language == "ja" else f" ({text})"


def _kinds_title(of: Mapping[str, Bounded], lists: str, language: Language) -> str:
    """The kind with the largest share listed, with its bounds, among those of some size."""
    listed = {kind: one for kind, one in of.items() if kind != OTHERS and one.listed}
    if not listed:
        return {
            "ja": f"{lists}への登録が確認された種別はない",
            "en": f"No kind of body stands out on {lists}",
        }[language]
    large = {kind: one for kind, one in listed.items() if one.total >= _LEAST_KIND} or listed
    top = max(large, key=lambda kind: large[kind].listed / large[kind].total)
    word, share = labels.word(top, language), telling.share(large[top], language)
    least = large[top].listed / large[top].total
    rest = [
        (one.listed + one.unknown) / one.total for kind, one in of.items() if kind not in (top, OTHERS) and one.total
    ]
    is_sure = max(rest, default=0.0) <= least
    sure = {"ja": "" if is_sure else "確認分で", "en": "" if is_sure else ", as far as determined"}[language]
    if OTHERS in of and of[OTHERS].listed:  # one of those put together may have a larger share
        return {
            "ja": f"{lists}への登録、個別に示せる種別では{word}が{share}で{sure}最高",
            "en": f"Of kinds shown apart, largest share on {lists}{sure}: {share} ({word})",
        }[language]
    if language == "ja":
        return f"{lists}への登録、{'' if is_sure else '確認分の'}割合の最高は{word}の{share}"
    return f"Largest share on {lists}{sure}: {share} ({word})"


_WHOSE: Mapping[str, Shade] = {"own": style.LISTED, "shared": style.SHARED, "unknown": style.UNKNOWN}


def own_or_shared(view: View, language: Language, format_: Format) -> Drawing | None:
    """The listed bodies by whose the listed server is; for the newsroom the listed servers by their users, too.

    None where a part is so small that this audience may not have it.
    """
    if view.headline["bodies_listed_shared_only"] is None:
        return None
    bodies = labels.bounded(view.headline, "bodies")
    if bodies is None:
        raise ValueError("a headline without bodies")
    shared, untold = (int(str(view.headline[f"bodies_listed_{w}"])) for w in ("shared_only", "untold"))
    own = bodies.listed - shared - untold
    lists = telling.both(language)
    rows = [_whose({"ja": "団体", "en": "Bodies"}[language], own, shared, untold, language)]
    if (cannot := telling.undetermined(bodies, lists, language)) is not None:
        title = cannot
        rows = [bars.Row(rows[0].name, (), labels.CANNOT[language])]
    elif not bodies.listed:
        title = {"ja": f"{lists}への登録が確認された団体はない", "en": f"No body was found on {lists}"}[language]
    else:
        title = {
            "ja": f"登録のある{bodies.listed:,}団体のうち{shared:,}は共用サーバのみ",
            "en": f"{shared:,} of {bodies.listed:,} listed bodies: only through servers they share",
        }[language]
    subtitle = {"ja": f"{lists}。", "en": f"{lists.capitalize()}; "}[language] + telling.denominator(bodies, language)
    keys = [
        (_WHOSE["own"], {"ja": "自前（共用との併用を含む）", "en": "own (or own and shared)"}[language]),
        (_WHOSE["shared"], {"ja": "共用のみ", "en": "shared only"}[language]),
    ]
    if untold:
        keys.append((_WHOSE["unknown"], {"ja": "誰のものか不明", "en": "whose is not known"}[language]))
    on = view.servers.loc[view.servers["status"].eq("listed")] if len(view.servers) else view.servers
    if len(on):
        alone = int(on["bodies_n"].le(1).sum())
        most = int(on["bodies_n"].max())
        rows.append(_whose({"ja": "サーバ", "en": "Servers"}[language], alone, len(on) - alone, 0, language))
        subtitle += {
            "ja": f"。サーバは利用が1団体か複数か。1台を最大{most:,}団体が利用",
            "en": f". Servers: used by one body or by several; one serves up to {most:,}",
        }[language]
    page = Page(view, language, format_, title, subtitle, keys)
    end, scale = bars.draw(page, rows, _WHOSE, is_counted=True)
    return page.finish(end, spoken(rows), scale=scale)


def _whose(name: str, own: int, shared: int, untold: int, language: Language) -> bars.Row:
    parts = ((own, "own"), (shared, "shared"), (untold, "unknown"))
    text = {"ja": f"自前{own:,}・共用{shared:,}", "en": f"own {own:,}, shared {shared:,}"}[language]
    if untold:
        text += {"ja": f"・不明{untold:,}", "en": f", unknown {untold:,}"}[language]
    return bars.Row(name, parts, text)


def not_determined(view: View, language: Language, format_: Format) -> Drawing:
    """Why bodies are not determined; a body with several reasons stands under each."""
    found = labels.bounded(view.headline, "bodies")
    if found is None:
        raise ValueError("a headline without bodies")
    reasons = [(str(reason), int(n)) for reason, n in view.reasons.itertuples(index=False, name=None)]
    first = labels.word(reasons[0][0], language) if reasons and reasons[0][0] != OTHERS else ""
    title = {
        "ja": f"{found.unknown:,}団体は確認できず" + (f"、最多の理由は「{first}」" if first else ""),
        "en": f"{found.unknown:,} bodies not determined" + (f"; most often: {first}" if first else ""),
    }[language]
    if not found.unknown:
        title = {"ja": "確認できなかった団体はない", "en": "Every body was determined"}[language]
    subtitle = {
        "ja": f"調査対象{found.total:,}団体中、{telling.both('ja')}について。理由が重なる団体はそれぞれに数えた。"
        "「確認できず」は「登録なし」ではない",
        "en": f"of {found.total:,} bodies surveyed, {telling.both('en')}. "
        "A body with several reasons counts under each. “Not determined” is not “not listed”",
    }[language]
    page = Page(view, language, format_, title, subtitle)
    rows = [
        bars.Row(
            telling.others(language) if reason == OTHERS else labels.word(reason, language),
            ((n, "unknown"),),
            f"{n:,}",
        )
        for reason, n in reasons
    ] or [bars.Row("―" if language == "ja" else "–", (), "0")]

    def rest(left: Sequence[bars.Row]) -> bars.Row:
        return bars.Row({"ja": "ほかの理由", "en": "other reasons"}[language], (), f"{len(left)}", is_drawn=False)

    end, scale = bars.draw(page, bars.limited(page, rows, rest, most=20), _PARTS, names_most=0.66)
    return page.finish(end, spoken(rows), scale=scale)
