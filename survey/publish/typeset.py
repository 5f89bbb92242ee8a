"""Setting text into a given width: how wide it is, where its lines break, how it is shortened, what the font can show.

Widths are the advances of the house font, in points, so that a line is known to fit before anything is drawn. Lines
break where Japanese readers expect it, never before closing or after opening punctuation (JIS X 4051, kinsoku) and
rather before a word than before its particle, and between words of Latin letters. What the font has no glyph for is
shown as 〓, as Japanese printers do.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import matplotlib_fontja
from matplotlib.font_manager import get_font
from matplotlib.ft2font import FT2Font, LoadFlags

from ..harmless import harmless

FONT = next(Path(matplotlib_fontja.__file__).parent.rglob("*.ttf"))
_MISSING = "〓"
_CLOSING = frozenset("、。，．・：；？！）］｝」』】〉》〕”’％～ー―…／｜々ァィゥェォャュョッぁぃぅぇぉゃゅょっ")
_OPENING = frozenset("（［｛「『【〈《〔“‘")
_WHOLE = (
    *(
        "自治体",
        "行政機関",
        "国の機関",
        "団体",
        "調査",
        "対象",
        "確認",
        "登録",
        "地域",
        "割合",
        "種別",
        "最大",
        "最多",
        "最高",
    ),
    *(
        "運用者",
        "理由",
        "共用",
        "自前",
        "利用",
        "数字",
        "照会",
        "証拠",
        "出典",
        "合計",
        "回答",
        "有効",
        "無効",
        "不合格",
    ),
)
_WORD = re.compile(rf"[!-~¡-ɏ–—’“”]+|[ァ-ヴー]+|{'|'.join(_WHOLE)}")
"""What is not broken: words of Latin letters and numbers, words in katakana, and the commonest of the figures."""
_HIRAGANA = re.compile("[ぁ-ん]")


@cache
def _font() -> FT2Font:
    return get_font(str(FONT))


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_font().get_charmap())


@cache
def _advance(char: str) -> float:
    """How far a character moves the pen, in parts of the type size."""
    font = _font()
    return float(font.load_char(ord(char), flags=LoadFlags.NO_SCALE).horiAdvance) / float(font.units_per_EM)


def width(text: str, size: float) -> float:
    """How wide a line is, in points."""
    return sum(map(_advance, text)) * size


def printable(text: str, most: int = 300) -> str:
    """What strangers wrote, made harmless, without what the font cannot show."""
    return "".join(char if ord(char) in _glyphs() else _MISSING for char in harmless(text, most))


def shorten(text: str, size: float, most: float) -> str:
    """The text made printable and cut so that it is at most so many points wide, with … where it was cut."""
    shown = printable(text)
    if width(shown, size) <= most:
        return shown
    while shown and width(shown + "…", size) > most:
        shown = shown[:-1]
    return shown + "…"


def _tokens(text: str) -> list[str]:
    """What may not be broken: words, single Japanese characters, each with the punctuation that clings to it."""
    found: list[str] = []
    place = 0
    while place < len(text):
        match = _WORD.match(text, place)
        token = match.group() if match else text[place]
        place += len(token)
        clings = found and (
            found[-1][-1] in _OPENING or token[0] in _CLOSING or (_HIRAGANA.match(token) and found[-1] != " ")
        )
        follows_number = (
            found and re.search(r"[0-9]～?$", found[-1]) and not token[0].isspace() and token[0] not in _OPENING
        )
        if clings or follows_number:
            found[-1] += token
        else:
            found.append(token)
    return found


def balanced(text: str, size: float, most: float) -> list[str]:
    """The text in as few lines as `wrap` needs, as even as they can be: no single character is left on the last."""
    lines = wrap(text, size, most)
    narrow, wide = most / max(1, len(lines)), most
    while len(lines) > 1 and wide - narrow > size / 4:
        middle = (narrow + wide) / 2
        tried = wrap(text, size, middle)
        if len(tried) > len(lines) or any(width(token, size) > middle for token in _tokens(text)):
            narrow = middle
        else:
            lines, wide = tried, middle
    return lines


def wrap(text: str, size: float, most: float) -> list[str]:
    """The text in lines that are at most so many points wide; a word wider than that is broken anywhere."""
    lines, line = [], ""
    for token in _tokens(text):
        parts = [token] if width(token, size) <= most else list(token)
        for part in parts:
            if line.strip() and width(line + part, size) > most:
                lines.append(line.strip())
                line = ""
            line += part
    return [*lines, line.strip()] if line.strip() else lines
