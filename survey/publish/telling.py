"""What the figures have in common to say: which lists lead, spans of a count, names of regions and kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..frames import rows_of
from ..spellings import spellings
from . import labels
from .audiences import View
from .disclosure import OTHERS
from .labels import Bounded, Language
from .tiles import PREFECTURES, place_of

KINDS = ("national", "prefecture", "designated_city", "city", "special_ward", "town", "village", "other")
"""Kinds of bodies in the order in which they are shown."""


def which(view: View, language: Language) -> str:
    """The lists that lead: those of open relays where one was healthy, otherwise those of abuse."""
    words = {
        "open_relay": {"ja": "第三者中継リスト", "en": "open-relay lists"},
        "bodies": {"ja": "悪用リスト", "en": "abuse lists"},
    }
    return words[view.measure][language]


def both(language: Language) -> str:
    """All lists that count for the headline."""
    return {"ja": "第三者中継・悪用のリスト", "en": "open-relay and abuse lists"}[language]


def counted(view: View) -> Bounded:
    """The count that leads. Raises ValueError for a headline without bodies."""
    found = labels.bounded(view.headline, view.measure)
    if found is None:
        raise ValueError("a headline without bodies")
    return found


def span(listed: int, unknown: int, total: int, language: Language) -> str:
    """A count with its upper bound; in words where nothing of it could be determined."""
    if not listed and unknown and unknown >= total:
        return labels.CANNOT[language]
    if not unknown:
        return f"{listed:,}"
    return f"{listed:,}{'～' if language == 'ja' else '–'}{listed + unknown:,}"


def of(listed: int, unknown: int, total: int, language: Language) -> str:
    """The same, of how many."""
    return f"{span(listed, unknown, total, language)}{'／' if language == 'ja' else ' / '}{total:,}"


def share(one: Bounded, language: Language) -> str:
    """A count as a share of all, with its upper bound."""
    if not one.total or (not one.listed and one.unknown >= one.total):
        return labels.CANNOT[language]
    least, most = (100 * n / one.total for n in (one.listed, one.listed + one.unknown))
    if not one.unknown:
        return f"{least:.1f}%"
    return f"{least:.1f}{'～' if language == 'ja' else '–'}{most:.1f}%"


def denominator(found: Bounded, language: Language) -> str:
    """Of how many a count is, and how many are not determined."""
    most = found.listed + found.unknown
    if language == "ja":
        more = f"（最大{most:,}）" if found.unknown else ""
        return f"調査対象{found.total:,}団体、確認できず{found.unknown:,}{more}"
    more = f" (at most {most:,})" if found.unknown else ""
    return f"of {found.total:,} bodies surveyed; {found.unknown:,} not determined{more}"


def undetermined(found: Bounded, lists: str, language: Language) -> str | None:
    """The title of a figure where nothing could be determined; None where something could."""
    if span(found.listed, found.unknown, found.total, language) != labels.CANNOT[language]:
        return None
    return {"ja": f"{lists}への登録は判定不能", "en": f"Whether bodies are on {lists} cannot be determined"}[language]


def leading(view: View, table: pd.DataFrame) -> pd.DataFrame:
    """Regions or kinds with `listed`, `unknown` and `bodies` by the lists that lead, the most listed first.

    The row in which others were put together stands last.
    """
    prefix = "relay_" if view.measure == "open_relay" and "relay_listed" in table.columns else ""
    column = str(table.columns[0])
    found = pd.DataFrame(
        {
            column: table[column],
            "listed": table[f"{prefix}listed"].astype(int),
            "unknown": table[f"{prefix}unknown"].astype(int),
            "bodies": table["bodies"].astype(int),
        }
    )
    found["last"] = found[column].eq(OTHERS)
    found = found.sort_values(
        ["last", "listed", "unknown", "bodies", column], ascending=[True, False, False, False, True]
    )
    return found.drop(columns="last").reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class Region:
    """A region: its name as the register writes it, as readers of a language do, and its place in the grid, if any."""

    key: str
    name: str
    short: str
    place: tuple[int, int] | None
    is_national: bool


def regions(view: View, language: Language) -> dict[str, Region]:
    """Every region of the register by its name there."""
    bodies: dict[str, list[tuple[str, str, object]]] = {}
    for key, code, kind, kana in rows_of(view.findings, "prefecture", "code", "kind", "kana"):
        if isinstance(key, str):
            bodies.setdefault(key, []).append((str(code), kind, kana))
    found: dict[str, Region] = {}
    for name, rows in sorted(bodies.items()):
        if all(code.startswith("N") for code, _, _ in rows):
            word = {"ja": "国の機関", "en": "National bodies"}[language]
            found[name] = Region(name, word, word, None, True)
            continue
        ((number, _),) = Counter(code[:2] for code, _, _ in rows).most_common(1)
        own = next((kana for _, kind, kana in rows if kind == "prefecture" and isinstance(kana, str)), "")
        shown, short = _names(name, number, own, language)
        found[name] = Region(name, shown, short, place_of(number), False)
    return found


def _names(name: str, number: str, kana: str, language: Language) -> tuple[str, str]:
    """A region's name and a short one: the official English names, otherwise the reading in Hepburn."""
    if language == "ja":
        is_plain = len(name) < 3 or name[-1] not in "都府県"
        return name or "―", name if is_plain else name[:-1]
    official = PREFECTURES.get(number)
    if official is not None:
        return official.name, official.short
    romaji = [spelling.text for spelling in spellings(kana.removesuffix("ケン").removesuffix("ｹﾝ"))[:1]]
    shown = romaji[0].capitalize() if romaji and romaji[0] else name
    return shown or "–", shown[:3].upper()


def operator_name(name: str, language: Language) -> str:
    """An operator's name; one whose gate is closed is called by a letter."""
    if name.startswith(OTHERS):
        return {"ja": "運用者", "en": "Operator "}[language] + name.removeprefix(OTHERS)
    return name


def others(language: Language) -> str:
    """The row in which small ones were put together, so that nobody is named by subtraction."""
    return {"ja": "その他の合計", "en": "all others"}[language]


def first(names: Sequence[str], language: Language) -> str:
    """The first of those that lead together."""
    if len(names) < 2:
        return names[0] if names else ""
    return names[0] + {"ja": "など", "en": " and others"}[language]
