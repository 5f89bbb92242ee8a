"""Figures of bodies: the headline, kinds of bodies, own or shared servers, and what could not be determined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ..tables import Body
from . import bars, labels, style, telling
from .audiences import OTHERS, View
from .canvas import Drawing, Page
from .figures_regions import spoken
from .labels import Bounded, Language
from .style import Format, Shade
from .typeset import width, wrap

_PARTS: Mapping[str, Shade] = {
    "listed": style.LISTED,
    "unknown": style.UNKNOWN,
    "clear": style.REST,
    "no_mail": style.BLANK,
    "not_surveyed": style.MERGED,
    "rest": style.REST,
}


def headline(view: View, language: Language, format_: Format) -> Drawing:
    """How many bodies are listed, at most how many, and of how many: in one large number and two bars."""
    found, lists = telling.counted(view), telling.which(view, language)
    span = telling.span(found.listed, found.unknown, found.total, language)
    is_told = span != labels.CANNOT[language]
    title = {
        "ja": f"{lists}に{span}の自治体・行政機関" if is_told else f"{lists}への登録は{span}",
        "en": f"{span} public bodies on {lists}" if is_told else f"Bodies on {lists}: {span}",
    }[language]
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
    """Each kind of body as a bar of 100 %; single words only where the audience may see single statuses."""
    counts, lists = telling.leading(view, view.kinds).set_index("kind"), telling.which(view, language)
    of = {str(kind): Bounded(*row) for kind, *row in counts.reset_index().itertuples(index=False, name=None)}
    order = [kind for kind in (*telling.KINDS, OTHERS) if kind in of]
    finer = _finer(view)
    words = (
        ("listed", "unknown", "rest") if finer is None else ("listed", "unknown", "clear", "no_mail", "not_surveyed")
    )
    named = {word: _word(word, language) for word in words}
    top = max((k for k in order if k != OTHERS), key=lambda kind: (of[kind].listed, of[kind].unknown), default="")
    title = {"ja": f"{lists}への登録は、種別ごとに数えられない", "en": f"{lists}: not counted by kind"}[language]
    if top:
        span = telling.span(of[top].listed, of[top].unknown, of[top].total, language)
        word = labels.word(top, language)
        title = {
            "ja": f"{lists}への登録、種別では{word}が最多の{span}団体",
            "en": f"By kind, most bodies on {lists} are of the kind {word}: {span}",
        }[language]
        if not of[top].listed:
            title = {
                "ja": f"{lists}への登録が確認された種別はない",
                "en": f"No kind of body was found on {lists}",
            }[language]
    subtitle = (
        telling.denominator(telling.counted(view), language)
        + {
            "ja": "。数字は 登録あり～最大／種別の全団体数",
            "en": ". Figures: listed–at most / all bodies of the kind",
        }[language]
    )
    totals = {word: sum(_part(word, kind, of, finer) for kind in order) for word in words}
    keys = [(_PARTS[word], named[word]) for word in words if totals[word]]
    page = Page(view, language, format_, title, subtitle, keys)
    rows = []
    for kind in order:
        one = of[kind]
        parts = [(100 * _part(word, kind, of, finer) / max(1, one.total), word) for word in words]
        name = telling.others(language) if kind == OTHERS else labels.word(kind, language)
        rows.append(bars.Row(name, parts, telling.of(one.listed, one.unknown, one.total, language)))
    end, scale = bars.draw(page, rows, _PARTS, full=100)
    return page.finish(end, spoken(rows), scale=scale)


def _word(word: str, language: Language) -> str:
    if word == "rest":
        return _rest(language)
    return (
        {"ja": "対象外・辞退", "en": "not surveyed"}[language]
        if word == "not_surveyed"
        else labels.word(word, language)
    )


def _finer(view: View) -> pd.DataFrame | None:
    """Bodies by kind and status word; None where the audience may not see single statuses."""
    if view.audience == "public":
        return None
    column = "open_relay_listing" if view.measure == "open_relay" else "status"
    counts = pd.crosstab(view.findings["kind"], view.findings[column])
    return counts.reindex(columns=[str(word) for word in Body], fill_value=0)


def _part(word: str, kind: str, of: Mapping[str, Bounded], finer: pd.DataFrame | None) -> int:
    one = of[kind]
    known = {"listed": one.listed, "unknown": one.unknown, "rest": one.total - one.listed - one.unknown}
    if word in known:
        return known[word]
    if finer is None:
        return 0
    if word == "not_surveyed":
        return int(finer["opted_out"][kind]) + int(finer["out_of_scope"][kind])
    return int(finer[word][kind])


_WHOSE: Mapping[str, Shade] = {"own": style.LISTED, "shared": style.SHARED, "unknown": style.UNKNOWN}


def own_or_shared(view: View, language: Language, format_: Format) -> Drawing:
    """The listed bodies by whose the listed server is; for the newsroom the listed servers by their users, too."""
    bodies = labels.bounded(view.headline, "bodies")
    if bodies is None:
        raise ValueError("a headline without bodies")
    shared, untold = (int(str(view.headline[f"bodies_listed_{w}"])) for w in ("shared_only", "untold"))
    own = bodies.listed - shared - untold
    lists = telling.both(language)
    if not bodies.listed:
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
        (_WHOSE["unknown"], {"ja": "誰のものか不明", "en": "whose is not known"}[language]),
    ]
    rows = [_whose({"ja": "団体", "en": "Bodies"}[language], own, shared, untold, language)]
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
    reasons = [(str(reason), int(n)) for reason, n in view.doubts.itertuples(index=False, name=None)]
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

    end, scale = bars.draw(page, bars.limited(page, rows, rest, most=20), _PARTS)
    return page.finish(end, spoken(rows), scale=scale)
