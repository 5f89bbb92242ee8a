"""The house style of every figure: one place for fonts, colours, measures, bars and keys.

Readable in grey and by colour-blind readers: listed is dark, unknown is hatched, the rest is light. The Japanese font
comes with the package matplotlib-fontja. What strangers wrote is never mathematics.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib_fontja
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager

DARK, HATCHED, LIGHT, PALE = "#1b4965", "#f2d0a4", "#bfd7ea", "#e9ecef"
_FONT = next(Path(matplotlib_fontja.__file__).parent.rglob("*.ttf"))
_WIDTH = 7.2


def rules() -> dict[Any, Any]:
    """matplotlib's settings of the house."""
    family = FontProperties(fname=str(_FONT)).get_name()
    if family not in {font.name for font in fontManager.ttflist}:
        fontManager.addfont(str(_FONT))
    return {
        "font.family": family,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#555555",
        "axes.unicode_minus": False,
        "hatch.linewidth": 0.6,
        "svg.fonttype": "none",
        "text.parse_math": False,
        "svg.hashsalt": "survey",
        "figure.facecolor": "white",
    }


def new_figure(bars: int, title: str, subtitle: str, *, left: float = 1.2, each: float = 0.3) -> tuple[Figure, Axes]:
    """A figure for so many bars: title, subtitle and legend above, axis and source line below; measures in inches."""
    head, foot = 0.86, 0.72
    height = head + foot + max(0.6, bars * each)
    figure = Figure(figsize=(_WIDTH, height))
    area = (left / _WIDTH, foot / height, 1 - (left + 0.2) / _WIDTH, 1 - (head + foot) / height)
    axes = figure.add_axes(area)
    figure.text(0.01, 1 - 0.1 / height, title, fontsize=12, va="top", ha="left")
    figure.text(0.01, 1 - 0.36 / height, subtitle, fontsize=8, va="top", ha="left", color="#333333")
    return figure, axes


def bars(axes: Axes, names: Sequence[str], parts: Sequence[tuple[Sequence[int], str, str, str]]) -> None:
    """Stacked horizontal bars, the first name on top: (values, label, colour, hatch) from left to right."""
    places = range(len(names))
    start = [0] * len(names)
    for values, label, colour, hatch in parts:
        if not any(values) and len(parts) > 2:
            continue
        axes.barh(
            places, values, left=start, color=colour, hatch=hatch, label=label, edgecolor="#444444", linewidth=0.4
        )
        start = [before + value for before, value in zip(start, values, strict=True)]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlim(0, max([*start, 1]) * 1.13)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))


def legend(axes: Axes) -> None:
    """One row of keys between subtitle and bars; none where no bar was drawn."""
    if not axes.get_legend_handles_labels()[0]:
        return
    axes.legend(
        frameon=False,
        fontsize=8,
        ncols=6,
        columnspacing=1.2,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.1,
    )
