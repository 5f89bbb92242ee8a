"""Every figure, and how it is written: as PNG for print and screens, as editable SVG, with its alternative text.

Figures are drawn from a `View`, so that none can show what its audience may not see. Each states its finding with
bounds in the title and carries its denominator, its source line and the audience. Files hold no date, no creator and
no path: the same view gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

from . import style
from .audiences import View
from .canvas import Drawing
from .figures_bodies import by_kind, headline, not_determined, own_or_shared
from .figures_regions import by_region, tile_map
from .figures_servers import lists_health, one_server, operators, software
from .labels import Language
from .style import Format, Letters

FIGURES: Mapping[str, Callable[[View, Language, Format], Drawing | None]] = {
    "headline": headline,
    "tile_map": tile_map,
    "by_region": by_region,
    "by_kind": by_kind,
    "own_or_shared": own_or_shared,
    "one_server": one_server,
    "operators": operators,
    "lists_health": lists_health,
    "not_determined": not_determined,
    "software": software,
}
"""Every figure by its file's name: how it is drawn; None where the audience may not have it."""
_FAMILY = "font-family: 'IPAexGothic'"
_PNG = {"Software": None}
_PIL = {"compress_level": 3}
"""Of zlib; the usual 6 took half as long again for figures."""
_SVG = {"Date": None, "Creator": None, "Format": None, "Type": None}


def write_figures(
    view: View,
    folder: Path,
    language: Language = "ja",
    *,
    formats: Sequence[Format] = style.FORMATS,
    letters: Letters = "text",
) -> list[Path]:
    """Write every figure that this audience may have, in each format, as PNG and SVG with a .txt beside; the paths.

    Files are called `<figure>-<format>-<audience>-<language>`. `letters` says how the SVG holds its text.
    """
    written = []
    for name in FIGURES:
        for one in formats:
            stem = folder / f"{name}-{one.name}-{view.audience}-{language}"
            written += write_figure(view, name, stem, language, format_=one, letters=letters)
    return written


def write_run_figures(view: View, folder: Path) -> list[Path]:
    """Write the figures of a run folder: the default format, in Japanese, called by their names alone; the paths."""
    return [path for name in FIGURES for path in write_figure(view, name, folder / name)]


def write_figure(
    view: View,
    name: str,
    stem: Path,
    language: Language = "ja",
    *,
    format_: Format = style.DEFAULT,
    letters: Letters = "text",
) -> list[Path]:
    """Write one figure as `stem`.png, .svg and .txt; the paths, none where the audience may not have it."""
    drawing = FIGURES[name](view, language, format_)
    return [] if drawing is None else write_drawing(drawing, stem, format_=format_, letters=letters)


def write_drawing(
    drawing: Drawing, stem: Path, *, format_: Format = style.DEFAULT, letters: Letters = "text"
) -> list[Path]:
    """Write what was drawn as `stem`.png, .svg and .txt; the paths."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    png, svg, words = (stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "svg", "txt"))
    with mpl.rc_context(style.rules(letters)):
        drawing.figure.savefig(png, dpi=format_.dpi, metadata=_PNG, pil_kwargs=_PIL)
        drawing.figure.savefig(svg, metadata=_SVG)
    svg.write_text(_plain(svg.read_text(encoding="utf-8")), encoding="utf-8")
    words.write_text(drawing.words + "\n", encoding="utf-8")
    return [png, svg, words]


def _plain(svg: str) -> str:
    """An SVG without comments and outside references, with fonts to fall back on where the house font is missing."""
    svg = svg.replace(_FAMILY, f"{_FAMILY}, 'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic', sans-serif")
    return re.sub(r"<!--.*?-->\n? *|<!DOCTYPE.*?>\n", "", svg, flags=re.DOTALL)
