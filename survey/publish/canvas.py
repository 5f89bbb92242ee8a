"""One figure being laid out: title, key and source line around a body, every text measured before it is drawn.

Coordinates are points from the upper left corner of the body. What goes around it is the same for every figure: the
practice label, the finding as title with its denominator below, the key, and at the foot source, date, evidence head
and audience.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import matplotlib as mpl
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from . import labels, style
from .labels import Language
from .style import Format, Shade
from .typeset import balanced, shorten, width, wrap

Align = Literal["left", "center", "right"]


class Subject(Protocol):
    """What a figure is of, as far as its frame tells: a run as one audience sees it, or several waves."""

    @property
    def audience(self) -> str: ...

    @property
    def is_practice(self) -> bool: ...

    @property
    def heads(self) -> Sequence[str]: ...

    def as_of(self, language: Language) -> str: ...


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished figure, its alternative text, and how many points of its bars stand for one."""

    figure: Figure
    words: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class _Line:
    x: float
    y: float
    text: str
    size: float
    align: Align
    colour: str


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    shade: Shade
    name: str
    is_edged: bool


class Words(Text):
    """One line of text upon its baseline, drawn where it stands: nothing about it has to be laid out but its width."""

    def draw(self, renderer: RendererBase) -> None:
        said, font = self.get_text(), self.get_fontproperties()
        if not said:
            return
        renderer.open_group("text", self.get_gid())
        x, y = self.get_transform().transform(self.get_position())
        if before := _BEFORE[self.get_horizontalalignment()]:
            x -= before * renderer.get_text_width_height_descent(said, font, False)[0]
        down = renderer.get_canvas_width_height()[1] - y
        context = renderer.new_gc()
        context.set_foreground(self.get_color())
        renderer.draw_text(context, x, down, said, font, self.get_rotation(), mtext=self)
        context.restore()
        renderer.close_group("text")


_BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0}
"""How much of a line stands before its place."""


def source(view: Subject, language: Language) -> str:
    """Where the figure comes from: the survey, the moment of asking, the evidence, and for whom it was made."""
    asked = labels.source(view.as_of(language), ", ".join(view.heads), language, is_practice=False)
    made = {"ja": f"出典：自治体・行政機関メール調査。{asked}", "en": f"Source: municipal mail survey, {asked}"}[
        language
    ]
    return f"{made} ｜ {labels.word(view.audience, language)}"


class Page:
    """A figure in the making: measure, write, draw boxes, then `finish` with the height of the body."""

    def __init__(
        self,
        view: Subject,
        language: Language,
        format_: Format,
        title: str,
        subtitle: str,
        keys: Sequence[tuple[Shade, str]] = (),
        *,
        head: float = 1.0,
    ) -> None:
        self.view, self.language, self.format = view, language, format_
        self.title, self.subtitle = title, subtitle
        self.width = format_.width - 2 * format_.margin
        self.head_width = self.width * head
        """How wide title, denominator and key may be, where the body needs the room beside them."""
        self._lines: list[_Line] = []
        self._boxes: list[_Box] = []
        self._top = self._kept = 0.0
        y = format_.margin
        if view.is_practice:
            high = format_.small * style.LEADING + 1
            self.box(0, y, self.width, high, Shade(style.BAND), is_edged=False)
            self.text(self.width / 2, y + 0.5, labels.PRACTICE[language], size=format_.small, align="center")
            y += high + format_.small * 0.5
        above = y
        for line in balanced(title, format_.title, self.head_width):
            self.text(0, y, line, size=format_.title)
            y += format_.title * style.LEADING
        y += 1
        for line in balanced(subtitle, format_.small, self.head_width):
            self.text(0, y, line, size=format_.small, colour=style.GREY)
            y += format_.small * style.LEADING
        y = self.keys(keys, 0, y + format_.small * 0.4, self.head_width)
        self._top = y + format_.small * 0.4
        self.above = above - self._top
        """Where title, denominator and key begin, above the body: less than nothing."""
        self._foot = wrap(source(view, language), format_.small, self.width)
        self._foot_height = len(self._foot) * format_.small * style.LEADING + format_.small * 0.7 + format_.margin

    @property
    def room(self) -> float | None:
        """How tall the body may be; None when the figure may be as tall as it needs."""
        fixed = self.format.height
        return None if fixed is None else fixed - self._top - self._foot_height - self._kept

    def keep(self, height: float) -> None:
        """Keep so much of the body's height for what stands below its bars."""
        self._kept = height

    def text(
        self, x: float, y: float, text: str, *, size: float = 0, align: Align = "left", colour: str = style.INK
    ) -> None:
        """One line whose upper edge is at y."""
        if self.language == "en":
            # The Japanese font sets these as wide as a character.
            text = text.replace("“", '"').replace("”", '"').replace("…", "...")
        self._lines.append(_Line(x, self._top + y, text, size or self.format.text, align, colour))

    def lines(self, x: float, y: float, text: str, *, size: float, most: float, colour: str = style.INK) -> float:
        """Text broken into lines of at most so many points; where it ends."""
        for line in wrap(text, size, most):
            self.text(x, y, line, size=size, colour=colour)
            y += size * style.LEADING
        return y

    def box(
        self, x: float, y: float, wide: float, high: float, shade: Shade, *, name: str = "", is_edged: bool = True
    ) -> None:
        """A filled rectangle; `name` says what its width stands for."""
        self._boxes.append(_Box(x, self._top + y, wide, high, shade, name, is_edged))

    def keys(self, keys: Sequence[tuple[Shade, str]], x: float, y: float, most: float) -> float:
        """The key from x on, as many entries in a row as fit into so many points; where it ends."""
        size = self.format.small
        swatch, right, step = size * 1.3, 0.0, size * style.LEADING * 1.05
        for shade, text in keys:
            shown = shorten(text, size, most - swatch - 3)
            wide = swatch + 3 + width(shown, size)
            if right and right + wide > most:
                right, y = 0.0, y + step
            self.box(x + right, y + size * 0.2, swatch, size * 0.95, shade)
            self.text(x + right + swatch + 2.5, y, shown, size=size)
            right += wide + size * 1.1
        return y + step if keys else y

    def finish(self, height: float, words: Sequence[str] = (), *, scale: float = 1.0) -> Drawing:
        """Draw everything; `words` are what the alternative text says after title and subtitle."""
        fixed = self.format.height
        total = fixed if fixed is not None else self._top + height + self._foot_height
        y = total - self._foot_height + self.format.small * 0.5
        rule = y - self._top
        self.box(0, rule, self.width, 0.4, Shade(style.LINE), is_edged=False)
        for number, line in enumerate(self._foot):
            place = rule + 1 + number * self.format.small * style.LEADING
            self.text(0, place, line, size=self.format.small, colour=style.GREY)
        said = (self.title, self.subtitle, *words, self._practice(), source(self.view, self.language))
        return Drawing(self._drawn(total), "\n".join(one for one in said if one), scale)

    def _practice(self) -> str:
        return labels.PRACTICE[self.language] if self.view.is_practice else ""

    def _drawn(self, total: float) -> Figure:
        with mpl.rc_context(style.rules()):
            figure = Figure(figsize=(self.format.width / 72, total / 72), dpi=72)
            FigureCanvasAgg(figure)
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            axes.set_xlim(-self.format.margin, self.format.width - self.format.margin)
            axes.set_ylim(total, 0)
            for one in self._boxes:
                # Not add_patch, which would look for the limits of the axes.
                axes.add_artist(
                    Rectangle(
                        (one.x, one.y),
                        one.width,
                        one.height,
                        facecolor=one.shade.colour,
                        hatch=one.shade.hatch or None,
                        hatchcolor=one.shade.hatch_colour,
                        edgecolor=style.LINE if one.is_edged else one.shade.colour,
                        linewidth=0.35 if one.is_edged else 0,
                        label=one.name,
                        clip_on=False,
                    )
                )
            for line in self._lines:
                baseline = line.y + line.size * ((style.LEADING - 1) / 2 + 0.86)
                axes.add_artist(
                    Words(
                        line.x,
                        baseline,
                        line.text,
                        fontsize=line.size,
                        ha=line.align,
                        va="baseline",
                        color=line.colour,
                        clip_on=False,
                    )
                )
        return figure
