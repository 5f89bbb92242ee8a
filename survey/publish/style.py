"""The house style of every figure: one place for formats, type sizes, colours and shades.

Readable in grey and by colour-blind readers: listed is dark, unknown is hatched, the rest is light or dotted. The
Japanese font (IPAexGothic) comes with the package matplotlib-fontja. What strangers wrote is never mathematics.

Formats: a Japanese broadsheet sets text in columns; figures are made for one of about 61 mm and for two of about
126 mm, as tall as they need to be, at the 350 dpi that Japanese printers ask for; and a square of 1080 pixels for
screens, whose letters are large enough on a telephone that shows it a third as wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from matplotlib.font_manager import FontProperties, fontManager

from . import typeset

Letters = Literal["text", "paths"]
"""How an SVG holds its letters: as text that can be edited, or as outlines that look the same without the font."""


@dataclass(frozen=True, slots=True)
class Format:
    """One size in which figures are made; lengths in points of 1/72 inch."""

    name: str
    width: float
    height: float | None
    """None: as tall as the figure needs to be."""
    dpi: int
    margin: float
    title: float
    text: float
    small: float
    """Type sizes: of the title, of labels and values, and of keys and the source line."""


_MM = 72 / 25.4
ONE_COLUMN = Format("one_column", 61 * _MM, None, 350, 3.0, 9.0, 6.5, 5.8)
TWO_COLUMN = Format("two_column", 126 * _MM, None, 350, 4.5, 11.0, 7.0, 6.2)
SQUARE = Format("square", 1080 / 300 * 72, 1080 / 300 * 72, 300, 6.0, 12.0, 8.0, 7.0)
FORMATS = (ONE_COLUMN, TWO_COLUMN, SQUARE)
DEFAULT = TWO_COLUMN
"""The format of the run folder and the notebooks; a publication's page holds the square one, for telephones."""

LEADING = 1.38
"""From line to line, in parts of the type size."""
INK, GREY, LINE = "#111111", "#555555", "#444444"
BAND = "#ffe9a8"
"""Behind the practice label."""


class Shade(NamedTuple):
    """A fill that is told from the others in grey, too, and the colour of figures upon it."""

    colour: str
    hatch: str = ""
    ink: str = INK
    hatch_colour: str = LINE


LISTED = Shade("#1b4965", "", "#ffffff")
UNKNOWN = Shade("#f2d0a4", "//////")
SHARED = Shade("#7fb2d6", "")
REST = Shade("#e3ebf1")
BLANK = Shade("#ffffff", "......", INK, "#cccccc")
MERGED = Shade("#f3f3f3", "xxxx", INK, "#d4d4d4")
STEPS = (Shade("#ffffff"), Shade("#cfe0ec"), Shade("#8fb8d3"), Shade("#356f96", "", "#ffffff"), LISTED)
"""Shades of the map: none, and four steps from few to many."""


def rules(letters: Letters = "text") -> dict[Any, Any]:
    """matplotlib's settings of the house."""
    family = FontProperties(fname=str(typeset.FONT)).get_name()
    if family not in {font.name for font in fontManager.ttflist}:
        fontManager.addfont(str(typeset.FONT))
    return {
        "font.family": family,
        "hatch.linewidth": 0.35,
        "svg.fonttype": "none" if letters == "text" else "path",
        "svg.hashsalt": "survey",
        "text.parse_math": False,
        "text.hinting": "none",
        "figure.facecolor": "white",
    }
