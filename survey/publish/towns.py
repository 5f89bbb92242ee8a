"""Find your town: one row for every body of the register, to be searched, filtered and sorted within the page.

For the public, a body whose gate is not open has the same row whatever its status. Rows stand in the page as text, so
that they are there for readers without scripts and on paper; the page's script only hides, shows and orders them. The
reading of each name stands beside it in letters too, so that it can be typed on any keyboard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..conventions import prefecture_label
from ..spellings import full_width, spellings
from ..tables import Body
from . import markup
from .audiences import View
from .labels import Language, word, words
from .markup import Cell, Column, text, unbroken
from .page_words import say, template

_ENDINGS = {
    "市": ("シ",),
    "区": ("ク",),
    "町": ("チョウ", "チヨウ", "マチ"),
    "村": ("ソン", "ムラ"),
    "県": ("ケン",),
    "府": ("フ",),
}
_KEPT = 4
"""Spellings in letters by which a name is found."""
_MOST = 301
"""Characters of a text from outside that are looked at: one more than a page shows, so that the cut is seen."""
_FIRST = 50
ROWS_MOST = 10_000
"""Rows that a page can hold and still be searched without delay."""
"""Rows that a screen shows at first, as in the page's script."""


def region_names(view: View, language: Language) -> Mapping[str, str]:
    """The regions as the language writes them: in English in letters, the original beside them."""
    found = view.findings
    names = {str(name): str(name) for name in found["prefecture"].dropna().unique()}
    if language == "ja":
        return names
    kana = found.loc[found["kind"].eq("prefecture")].set_index("name")["kana"]
    kana = kana.loc[~kana.index.duplicated()].dropna()
    for name in names:
        if name in kana.index and (letters := prefecture_label(name, str(kana[name])[:_MOST])):
            names[name] = f"{letters.capitalize()} ({name})"
        elif name == "国":
            names[name] = "National government (国)"
    return names


def in_letters(name: str, kana: str) -> str:
    """A name in letters, its ending apart: Hakodate-shi; empty for a name without a reading."""
    reading = full_width(kana)
    ending = next((one for one in _ENDINGS.get(name[-1:], ()) if reading.endswith(one) and reading != one), "")
    parts = [spellings(part) for part in (reading.removesuffix(ending), ending) if part]
    return "-".join(found[0].text for found in parts if found).capitalize()


def section(view: View, language: Language, anchors: Mapping[str, str], running: str) -> str:
    """The search form and the table; one row per body, as many as the view has."""
    has_details = view.audience != "public"
    columns = [
        *(Column(say("name", language)), Column(say("region", language))),
        *(Column(say("kind", language), "minor"), Column(say("result", language))),
        *([Column(say("details", language), "minor details")] if has_details else []),
        Column(say("code", language), "minor"),
    ]
    regions = region_names(view, language)
    rows: list[str] = []
    results: dict[str, None] = {}
    for record in view.findings.head(ROWS_MOST).to_dict("records"):
        one = {str(name): value for name, value in record.items()}
        name, kana = _text(one["name"]), _text(one["kana"])
        region = _text(one["prefecture"])
        letters = in_letters(name, kana)
        known = " ".join(spelling.text for spelling in spellings(full_width(kana))[:_KEPT])
        reading = full_width(kana) if language == "ja" else letters
        said, kind = _result(view, one, language)
        results[said] = None
        shown = regions.get(region, region)
        link = unbroken(shown)
        link = f'<a href="#{anchors[region]}">{link}</a>' if region in anchors else link
        mark = unbroken(said, kind)
        original = f'<span lang="ja">{text(name)}</span>' if language == "en" else text(name)
        cells = [
            Cell(f'{original} <span class="kana">{text(reading)}</span>', full_width(kana)[:80] or name[:80]),
            Cell(link, shown[:80]),
            Cell(unbroken(word(one["kind"], language))),
            Cell(mark, said),
            *([_details(one, language)] if has_details else []),
            _text(one["code"]),
        ]
        found_by = f' data-k="{text(f"{letters} {known} {full_width(kana)}")}" data-c="{text(_text(one["code"]), 40)}"'
        later = ' class="later"' if len(rows) >= _FIRST else ""
        rows.append(markup.row(cells, columns, attributes=found_by + later))
    bodies = len(view.findings)
    if len(rows) != min(bodies, ROWS_MOST):
        raise AssertionError(f"{bodies} bodies went in, {len(rows)} came out")
    shown_regions = [regions.get(name, name) for name in dict.fromkeys(map(_text, view.findings["prefecture"]))]
    form = _form(view, language, shown_regions, list(results))
    note = say("find_note_public" if view.audience == "public" else "find_note", language)
    if bodies > len(rows):
        note += " " + say("find_too_many", language, shown=len(rows), rows=bodies)
    table = markup.table("towns", say("find", language), note, columns, rows, running=running)
    more = f'<button type="button" class="more" id="more" hidden>{text(say("more", language))}</button>'
    return f"{form}\n{table}\n{more}"


def _form(view: View, language: Language, regions: Sequence[str], results: Sequence[str]) -> str:
    kinds = [word(kind, language) for kind in dict.fromkeys(map(_text, view.findings["kind"]))]
    choices: list[tuple[str, str, int, Sequence[str]]] = [
        ("region", "all_regions", 1, regions),
        ("kind", "all_kinds", 2, kinds),
    ]
    if len(results) > 1:
        choices.append(("result", "all_results", 3, results))
    selects = []
    for name, everything, column, options in choices:
        inner = f'<option value="">{text(say(everything, language))}</option>' + "".join(
            f'<option value="{text(one[:80])}">{text(one[:80])}</option>' for one in options
        )
        selects.append(
            f'<p><label for="by-{name}">{text(say(name, language))}</label>'
            f'<select id="by-{name}" data-column="{column}">{inner}</select></p>'
        )
    return (
        '<form class="controls" id="find-form" role="search">'
        f'<p class="search"><label for="search">{text(say("search", language))}</label>'
        '<input id="search" type="search" autocomplete="off" spellcheck="false" aria-describedby="search-hint">'
        f'<span class="note" id="search-hint">{text(say("search_hint", language))}</span></p>'
        f"{''.join(selects)}"
        f'<p><button type="button" id="reset">{text(say("reset", language))}</button></p></form>\n'
        f'<p class="status" id="count" role="status" data-count="{text(template("count", language))}" '
        f'data-shown="{text(template("count_shown", language))}" data-none="{text(template("none", language))}"></p>'
    )


def _result(view: View, one: Mapping[str, object], language: Language) -> tuple[str, str]:
    """What is said of one body, and its class; for the public nothing but that a named body is listed."""
    status = one["status"]
    if view.audience != "public":
        return word(status, language), str(status) if status in (Body.LISTED, Body.UNKNOWN) else ""
    if status != Body.LISTED:
        return say("not_published", language), ""
    is_relay = one["open_relay_listing"] == Body.LISTED
    return say("listed_open_relay" if is_relay else "listed_abuse", language), "listed"


def _details(one: Mapping[str, object], language: Language) -> Cell:
    """What stands behind a listed or an undetermined body, for those who may see it."""
    lines = []
    if one["status"] == Body.LISTED:
        for key, column in (("server_listed", "servers_listed"), ("on_lists", "lists")):
            if found := _texts(one.get(column)):
                lines.append(say(key, language, text=", ".join(found)))
        if found := _texts(one.get("categories")):
            lines.append(say("categories", language, text=words(found, language)))
        if operator := _text(one.get("operator")):
            lines.append(say("run_by", language, text=operator))
        shared = one.get("shared_with")
        if isinstance(shared, int) and shared:
            lines.append(say("shared_with", language, n=shared))
    if found := _texts(one.get("caveat")):
        lines.append(say("mind", language, text=words(found, language)))
    return Cell("".join(f"<p>{text(line)}</p>" for line in lines))


def _texts(value: object) -> list[str]:
    """The first texts of a list, each bounded."""
    return [str(one)[:_MOST] for one in value[:_MOST]] if isinstance(value, list | tuple) else []


def _text(value: object) -> str:
    """A text, bounded before anything is made of it; empty where none stands."""
    return value[:_MOST] if isinstance(value, str) else ""
