"""What was put right since the first publication, and what of it the public may read.

`corrections.xlsx` in the run folder holds one row per correction, as people wrote it. A row may say of a body what the
gate keeps back, so in public a row is printed only where none of its cells names a body whose gate is shut (by its
name, with or without what kind of body it is, its reading, its code or one of its domains), an operator that is not
named, a host of the run, or any address. The others are counted, and the newsroom is told which they are and why.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pandas as pd

from ..spellings import full_width, spellings
from . import labels
from .edition import Edition
from .people import read_rows

ROW = "row"
"""The column beside those of the file that says in which row of it a correction stands."""
_KINDS = "都道府県市区町村"
_LEAST_LETTERS = 4
"""Letters that a reading must have to be looked for: a shorter one stands in too many words."""
_MAYBE_ADDRESS = re.compile(r"[0-9a-f:.]*[0-9a-f][0-9a-f:.]*")
_FOUR_NUMBERS = re.compile(r"(?<![0-9])([0-9]{1,3})([.・,_-])([0-9]{1,3})\2([0-9]{1,3})\2([0-9]{1,3})(?![0-9])")
"""An address however it is written: with a port behind it, zeros before it, or other signs between."""
_DEFANGED = re.compile(r"\s*[\[({<]\s*(?:dot|[.。．])\s*[\])}>]\s*")
_SAME = str.maketrans({"ケ": "が", "ヶ": "が", "ヵ": "か", "之": "の"})


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrections that an audience may read, and those kept back from it: their rows in the file, and why."""

    shown: pd.DataFrame
    withheld: tuple[tuple[int, str, str], ...] = ()
    """Row of `corrections.xlsx`, a machine word for what it names, and what that is."""


def load_corrections(folder: Path) -> pd.DataFrame:
    """One row per correction of a run, texts, with its row in `corrections.xlsx`; none where there is no file."""
    path = folder / "corrections.xlsx"
    heads = {name: ja for name, (ja, _) in labels.CORRECTIONS.items()}
    rows = (
        [(row.number, *(row.text(name) for name in heads)) for row in read_rows(path, heads)] if path.exists() else []
    )
    return pd.DataFrame([row for row in rows if any(row[1:])], columns=[ROW, *heads])


def for_newsroom(found: pd.DataFrame) -> Corrections:
    """All of them."""
    return Corrections(found[list(labels.CORRECTIONS)])


def for_public(
    found: pd.DataFrame, edition: Edition, named: Collection[str], operators: Collection[str]
) -> Corrections:
    """Those that name nobody but these bodies and operators, and no host or address."""
    secrets = _secrets(edition, named, operators) if len(found) else {}
    is_shown, withheld = [], []
    for one in found.to_dict("records"):
        why = _reason([str(one[name]) for name in labels.CORRECTIONS], secrets)
        is_shown.append(why is None)
        if why is not None:
            withheld.append((int(one[ROW]), *why))
    return Corrections(found.loc[is_shown, list(labels.CORRECTIONS)].reset_index(drop=True), tuple(withheld))


def _secrets(edition: Edition, named: Collection[str], operators: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Every text that may not stand in public, folded: which kind of thing it is, and how the newsroom knows it."""
    found: dict[str, tuple[str, str]] = {}
    tables = edition.tables
    open_domains = set(tables["domains"].loc[tables["domains"]["code"].isin(named), "domain"])
    for host in (*tables["servers"]["host"], *tables["addresses"]["host"]):
        found[_folded(host)] = ("a_host", str(host))
    for operator, ja in tables["servers"][["operator", "operator_ja"]].itertuples(index=False):
        if operator not in operators and operator not in open_domains:
            found |= {_folded(name): ("an_operator", str(name)) for name in (operator, ja) if isinstance(name, str)}
    open_names: set[str] = set()
    bodies = tables["bodies"][["code", "name", "kana"]]
    for code, name, kana in bodies.itertuples(index=False, name=None):
        told = {_folded(one) for one in _names(name, kana if isinstance(kana, str) else "")}
        if code in named:
            open_names |= told
            continue
        # Of six digits the last is a check digit, and often left out.
        codes = (_folded(code), _folded(code)[:5] if len(code) == 6 and code.isdigit() else "")
        found |= {one: ("a_body", f"{name} {code}") for one in (*told, *codes) if one}
    # A name that a named body bears, too, tells nothing of its namesakes.
    found = {text: kind for text, kind in found.items() if text not in open_names}
    for code, domain in tables["domains"][["code", "domain"]].dropna().itertuples(index=False, name=None):
        if code not in named and domain not in open_domains:
            found[_folded(domain)] = ("a_body", f"{domain} {code}")
    # The longest first: of a town's name and a namesake's part of it, the newsroom is told the town.
    return dict(sorted(found.items(), key=lambda one: -len(one[0])))


def _names(name: str, kana: str) -> Iterable[str]:
    """How people call a body: its name, without what kind of body it is, its reading, in kana and in letters."""
    yield name
    stem = name[:-1] if name[-1:] in _KINDS else name
    if len(stem) > 1:
        yield stem
    reading = full_width(kana)
    for text in (reading, *(one.text for one in spellings(reading)), *(one.text for one in spellings(_stem(reading)))):
        if len(text) >= _LEAST_LETTERS:
            yield text


def _stem(reading: str) -> str:
    """A reading without the kind of body at its end."""
    return re.sub(r"(?<=..)(シ|ク|チョウ|チヨウ|マチ|ソン|ムラ|ケン|フ|ト)$", "", reading)


def _folded(text: object) -> str:
    """A text as it is looked for: widths, case, kana and blanks make no difference."""
    plain = _plain(str(text))
    hiragana = (chr(ord(char) - 0x60) if "ァ" <= char <= "ヴ" else char for char in plain.translate(_SAME))
    return re.sub(r"\s+", "", "".join(hiragana))


def _plain(text: str) -> str:
    """A text as it is read: without marks that do not show, escapes and brackets around dots."""
    shown = "".join(one for one in html.unescape(text) if unicodedata.category(one) != "Cf")
    return _DEFANGED.sub(".", unicodedata.normalize("NFKC", shown).casefold())


def _letters(folded: str) -> str:
    """A folded text without signs between its letters."""
    return "".join(one for one in folded if one.isalnum())


def _reason(cells: Iterable[str], secrets: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """Why a row may not be printed: the kind of thing that it names, and which; None where it may."""
    cells = list(cells)
    # Names of Japanese letters are looked for across signs and from one cell into the next.
    joined = _letters("".join(map(_folded, cells)))
    for text, (kind, name) in secrets.items():
        if not text.isascii() and (bare := _letters(text)) and bare in joined:
            return kind, name
    for cell in cells:
        folded = _folded(cell)
        for text, (kind, name) in secrets.items():
            if text.isascii() and text in folded and _stands_alone(text, cell, folded):
                return kind, name
        for first, _, *rest in _FOUR_NUMBERS.findall(_plain(cell)):
            if all(int(one) <= 255 for one in (first, *rest)):
                return "an_address", ".".join(str(int(one)) for one in (first, *rest))
        for word in _MAYBE_ADDRESS.findall(_plain(cell)):
            try:
                return "an_address", str(ip_address(word.strip(".:")))
            except ValueError:
                continue
    return None


def _stands_alone(text: str, cell: str, folded: str) -> bool:
    """Whether a text of letters and digits stands as a word of its own."""
    words = _plain(cell)
    pattern = rf"(?<![a-z0-9]){re.escape(text)}(?![a-z0-9])"
    return re.search(pattern, words) is not None or re.search(pattern, folded) is not None
