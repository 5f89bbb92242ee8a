"""Figures of regions: ranked bars, and a map in which each prefecture is a tile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from . import bars, labels, style, telling
from .audiences import View
from .canvas import Drawing, Page
from .disclosure import OTHERS
from .labels import Bounded, Language
from .style import Format, Shade
from .telling import Region
from .tiles import COLUMNS, FREE_COLUMNS, FREE_ROWS, KEY_COLUMNS, KEY_ROWS, ROWS
from .typeset import printable, shorten, width

_MOST_ROWS = 48
_UNKNOWN = {"ja": "？", "en": "?"}
"""In a tile of which nothing could be determined; the key says so."""
SHADES: Mapping[str, Shade] = {"listed": style.LISTED, "unknown": style.UNKNOWN, "rest": style.REST}


def _title(
    view: View, language: Language, known: Mapping[str, Region], counts: pd.DataFrame, *, is_short: bool = False
) -> str:
    """Which region leads, with its bounds; short where the lists are named below."""
    lists, found = telling.which(view, language), telling.counted(view)
    listed = counts.loc[counts["prefecture"].ne(OTHERS) & counts["listed"].gt(0)]
    if (cannot := telling.undetermined(found, lists, language)) is not None:
        return cannot
    if not len(listed):
        total = telling.span(found.listed, found.unknown, found.total, language)
        if found.listed:
            return {
                "ja": f"{lists}に{total}団体、どの地域も少数",
                "en": f"{total} bodies on {lists}, few in any region",
            }[language]
        return {
            "ja": f"{lists}への登録が確認された地域はない",
            "en": f"No region has a body found on {lists}",
        }[language]
    top = listed.iloc[0]
    ties = [known[key].name for key in listed.loc[listed["listed"].eq(top["listed"]), "prefecture"]]
    name = telling.first([shorten(ties[0], 1, 12), *ties[1:]], language)
    span = telling.span(top["listed"], top["unknown"], top["bodies"], language)
    rest = counts.drop(index=listed.index[0])
    others = rest.loc[rest["prefecture"].eq(OTHERS), "listed"]
    if len(others) and int(others.max()) > int(top["listed"]):  # one of those put together may have more
        shown = rest.loc[rest["prefecture"].ne(OTHERS)]
        sure = (
            "" if _is_sure(shown, int(top["listed"])) else {"ja": "確認分で", "en": ", as far as determined"}[language]
        )
        if language == "ja":
            most = f"個別に示せる地域では{name}が{span}団体で{sure}最多"
            return most if is_short else f"{lists}への登録、{most}"
        return f"{name}: {span}{'' if is_short else f' on {lists}'}, the most of regions shown apart{sure}"
    is_sure = _is_sure(rest, int(top["listed"]))
    if language == "ja":
        most = f"{'' if is_sure else '確認分の'}最多は{name}の{span}団体"
        return most if is_short else f"{lists}への登録、{most}"
    verb = "lead" if len(ties) > 1 or name == "National bodies" else "leads"
    where = "" if is_short else f" on {lists}"
    return f"{name} {verb}{where} with {span}{'' if is_sure else ', as far as determined'}"


def _is_sure(rest: pd.DataFrame, most: int) -> bool:
    """Whether none of these regions can have more, whatever was not determined."""
    return not len(rest) or int((rest["listed"] + rest["unknown"]).max()) <= most


def by_region(view: View, language: Language, format_: Format) -> Drawing:
    """Regions with listed or undetermined bodies, the most listed first."""
    known, counts = telling.regions(view, language), telling.leading(view, view.regions)
    shown = counts.loc[counts["listed"].add(counts["unknown"]).gt(0)]
    shown = shown if len(shown) else counts.head(1)
    hidden = len(counts) - len(shown)
    subtitle = telling.denominator(telling.counted(view), language)
    if hidden:
        subtitle += {"ja": f"。ほかの{hidden}地域は0", "en": f"; none in the other {hidden} regions"}[language]
    subtitle += {
        "ja": "。数字は 登録あり～最大／地域の調査団体数",
        "en": ". Figures: listed–at most / bodies surveyed there",
    }[language]
    keys = [(SHADES[word], labels.word(word, language)) for word in ("listed", "unknown")]
    page = Page(view, language, format_, _title(view, language, known, counts), subtitle, keys)

    def row(name: str, listed: int, unknown: int, bodies: int, *, is_drawn: bool = True) -> bars.Row:
        parts = ((listed, "listed"), (unknown, "unknown"))
        return bars.Row(name, parts, telling.of(listed, unknown, bodies, language), is_drawn=is_drawn)

    rows = [
        row(telling.others(language), listed, unknown, bodies, is_drawn=False)
        if key == OTHERS
        else row(known[key].name, listed, unknown, bodies)
        for key, listed, unknown, bodies in shown.itertuples(index=False, name=None)
    ]

    def rest(left: Sequence[bars.Row]) -> bars.Row:
        part = shown.tail(len(left))
        name = {"ja": f"ほか{len(left)}地域の計", "en": f"{len(left)} more"}[language]
        if part["prefecture"].eq(OTHERS).any():
            name = {"ja": "ほかの地域の計", "en": "All other regions"}[language]
        return row(name, *(int(part[column].sum()) for column in ("listed", "unknown", "bodies")), is_drawn=False)

    end, scale = bars.draw(page, bars.limited(page, rows, rest, most=_MOST_ROWS), SHADES)
    return page.finish(end, spoken(rows), scale=scale)


def spoken(rows: Sequence[bars.Row]) -> list[str]:
    """Rows in words, for alternative texts: every one, whatever found room."""
    return ["; ".join(f"{printable(row.name)} {row.text}" for row in rows)]


def tile_map(view: View, language: Language, format_: Format) -> Drawing:
    """Every prefecture as a tile at its place, the national bodies apart; darker is more."""
    known, counts = telling.regions(view, language), telling.leading(view, view.regions)
    of = {str(key): Bounded(*rest) for key, *rest in counts.itertuples(index=False, name=None)}
    placed = {key: one for key, one in known.items() if one.place is not None}
    steps = _steps(max((of[key].listed for key in placed if key in of), default=0))
    title, keys = _title(view, language, known, counts, is_short=True), _keys(steps, language)
    subtitle = {"ja": f"{telling.which(view, 'ja')}に登録。", "en": f"On {telling.which(view, 'en')}; "}[language]
    subtitle += telling.denominator(telling.counted(view), language)
    if any(telling.span(*_counts(one), language) == labels.CANNOT[language] for one in of.values()):
        keys.append((style.BLANK, f"{_UNKNOWN[language]} {labels.CANNOT[language]}"))
    if any(key not in of for key in placed):
        keys.append((style.MERGED, telling.others(language)))
    page = Page(view, language, format_, title, subtitle, head=(FREE_COLUMNS - 0.3) / COLUMNS)
    wide = page.width / COLUMNS
    size = min(format_.text, wide / 2.2)
    texts = {key: telling.span(of[key].listed, of[key].unknown, of[key].total, language) for key in placed if key in of}
    is_narrow = any(width(text, size) > wide - 1 for text in texts.values() if text != labels.CANNOT[language])
    step = size * style.LEADING
    if page.room is None:
        high = max(step * (3 if is_narrow else 2) + 2, min(wide, step * 3.2))
    else:
        high = min((page.room - page.above) / ROWS, page.room / (ROWS - FREE_ROWS))
        size = min(size, (high - 0.8) / 2 / style.LEADING)
        step = size * style.LEADING
    top = max(page.above, -FREE_ROWS * high)

    def tile(x: float, y: float, across: float, shade: Shade, name: str, text: str) -> None:
        page.box(x + 0.4, y + 0.4, across - 0.8, high - 0.8, shade)
        lines = [_fit(name, size, across - 1.4), *_split(text, size, across - 1.2, is_room=high >= 3 * step)]
        lines = [line for line in lines if line]
        start = y + (high - step * len(lines)) / 2
        for number, line in enumerate(lines):
            ours = min(size, size * (across - 1.2) / max(1.0, width(line, size)))
            page.text(x + across / 2, start + number * step, line, size=ours, align="center", colour=shade.ink)

    for key, one in placed.items():
        if one.place is not None:
            x, y = one.place[0] * wide, top + one.place[1] * high
            shade = style.STEPS[_step(steps, of[key].listed)] if key in of else style.MERGED
            text = texts.get(key, "")
            if text == labels.CANNOT[language]:
                shade, text = style.BLANK, _UNKNOWN[language]
            tile(x, y, wide, shade, one.short, text)
    for place, (name, found) in enumerate(_apart(known, of, language)):
        x, y = (place % 2) * 3.6 * wide, top + (FREE_ROWS + place // 2) * high
        shade = style.MERGED if name == telling.others(language) else style.STEPS[_step(steps, found.listed)]
        text = telling.of(found.listed, found.unknown, found.total, language)
        tile(x, y, 3.5 * wide, style.BLANK if text.startswith(labels.CANNOT[language]) else shade, name, text)
    corner = (COLUMNS - KEY_COLUMNS) * wide
    low = top + (ROWS - KEY_ROWS) * high + format_.small * 0.5
    low = page.keys(keys, corner, low, KEY_COLUMNS * wide)
    figures = {"ja": "数字は登録あり～最大", "en": "listed–at most"}[language]
    page.lines(corner, low, figures, size=format_.small, most=KEY_COLUMNS * wide, colour=style.GREY)
    said = [
        f"{telling.others(language) if key == OTHERS else printable(known[key].name)} {one.text(language)}"
        for key, one in of.items()
    ]
    return page.finish(top + ROWS * high, ["; ".join(said)])


def _apart(known: Mapping[str, Region], of: Mapping[str, Bounded], language: Language) -> list[tuple[str, Bounded]]:
    """What has no tile: the national bodies, regions that are not of this country, and small ones put together."""
    found: list[tuple[str, Bounded]] = []
    national = [of[key] for key, one in known.items() if one.is_national and key in of]
    elsewhere = [of[key] for key, one in known.items() if one.place is None and not one.is_national and key in of]
    if national:
        found.append(({"ja": "国の機関", "en": "National bodies"}[language], _sum(national)))
    if elsewhere:
        found.append(({"ja": "その他の地域", "en": "Elsewhere"}[language], _sum(elsewhere)))
    if OTHERS in of:
        found.append((telling.others(language), of[OTHERS]))
    return found


def _counts(one: Bounded) -> tuple[int, int, int]:
    return one.listed, one.unknown, one.total


def _sum(counts: Sequence[Bounded]) -> Bounded:
    return Bounded(sum(c.listed for c in counts), sum(c.unknown for c in counts), sum(c.total for c in counts))


def _steps(most: int) -> list[int]:
    """The least count of each step of shade: 0, 1, and so on evenly up to the most."""
    size = max(1, -(-most // (len(style.STEPS) - 1)))
    return [0, *(1 + size * number for number in range(len(style.STEPS) - 1) if 1 + size * number <= max(1, most))]


def _step(steps: Sequence[int], listed: int) -> int:
    return max(number for number, least in enumerate(steps) if listed >= least)


def _keys(steps: Sequence[int], language: Language) -> list[tuple[Shade, str]]:
    """The steps of shade in words."""
    keys = [(style.STEPS[0], "0")]
    for number, least in enumerate(steps[1:], 1):
        end = steps[number + 1] - 1 if number + 1 < len(steps) else None
        last = {"ja": f"{least}以上", "en": f"{least} or more"}[language]
        text = (
            last if end is None else str(least) if end == least else f"{least}{'～' if language == 'ja' else '–'}{end}"
        )
        keys.append((style.STEPS[number], text))
    return keys


def _fit(name: str, size: float, most: float) -> str:
    """A region's name cut to the tile; Japanese readers know the first two characters."""
    shown = printable(name, 40)
    while len(shown) > 1 and width(shown, size) > most * 1.3:
        shown = shown[:-1]
    return shown


def _split(text: str, size: float, most: float, *, is_room: bool) -> list[str]:
    """A span in one line, or in two where it is too wide and there is room."""
    if width(text, size) <= most or not is_room:
        return [text]
    for mark in ("～", "–"):
        before, found, after = text.partition(mark)
        if found:
            return [before, mark + after]
    return [text]
