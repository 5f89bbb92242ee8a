"""The Japanese font of a page: the characters that the page holds, as a WOFF2 to embed.

The font is IPAex Gothic (IPA Font License Agreement v1.0, it comes with matplotlib-fontja). Its article 1(5) and 2(5)
let a part of the font be embedded in a document when it only displays that document; the part bears another name, as
article 3(1)(4) asks of anything derived. `NOTICE` says so and stands in the source of every page.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

import matplotlib_fontja
from fontTools import subset
from fontTools.ttLib import TTFont

FONT = next(Path(matplotlib_fontja.__file__).parent.rglob("*.ttf"))

FAMILY = "Survey Gothic"
NOTICE = (
    "The embedded font is a part of IPAex Gothic, (c) Information-technology Promotion Agency, Japan (IPA), under the "
    "IPA Font License Agreement v1.0 (https://moji.or.jp/ipafont/license/), embedded only to display this document. "
    "To use the original instead, install IPAex Gothic and name it in font-family."
)
EAST_ASIAN = "U+2E80-A4CF,U+F900-FAFF,U+FE30-FE4F,U+FF00-FFEF,U+20000-3FFFF"
"""Kana, kanji, their punctuation and full-width forms, for pages whose Latin letters come from other fonts."""
_TYPED = "".join(map(chr, [*range(0x20, 0x7F), *range(0x3041, 0x3097), *range(0x30A1, 0x30FD), *range(0xFF61, 0xFFA0)]))
"""What a reader may type into the search box: ASCII, kana, half-width kana."""


def face(text: str, among: str = "") -> str:
    """The CSS rule that embeds the font for these characters; `among` are the code points that may come from it."""
    source = f"src:url(data:font/woff2;base64,{woff2(text)}) format('woff2')"
    only = f";unicode-range:{among}" if among else ""
    return f'@font-face{{font-family:"{FAMILY}";font-display:block;{source}{only}}}\n'


def woff2(text: str) -> str:
    """The font for these characters and for those that a reader may type, as base64; the same text, the same bytes."""
    font = TTFont(FONT, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = ["kern", "palt"]
    options.hinting = False
    options.name_IDs = []
    options.notdef_outline = True
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted({*text, *_TYPED})))
    cutter.subset(font)
    for number in (1, 4):
        font["name"].setName(FAMILY, number, 3, 1, 0x409)
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return base64.b64encode(out.getvalue()).decode()
