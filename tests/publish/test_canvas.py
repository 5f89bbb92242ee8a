"""Lines of text: drawn without being laid out, they stand where matplotlib would set them."""

from __future__ import annotations

import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from survey.publish import style
from survey.publish.canvas import Words

LINES = st.tuples(
    *(st.sampled_from(range(10, 190)), st.sampled_from(range(10, 90))),
    st.one_of(st.just(""), st.text("調査対象確認〓～gjpy （）ABC123.,…", min_size=1, max_size=20)),
    *(st.sampled_from((5.8, 7.0, 11.0)), st.sampled_from(("left", "center", "right"))),
)


def drawn(make, lines):
    """A figure with these lines, as pixels at 350 dpi and as SVG with text and with outlines."""
    found = []
    with mpl.rc_context(style.rules()):
        figure = Figure(figsize=(200 / 72, 100 / 72), dpi=350)
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, 200)
        axes.set_ylim(100, 0)
        for x, y, said, size, align in lines:
            axes.add_artist(make(x, y, said, fontsize=size, ha=align, va="baseline", color=style.GREY, clip_on=False))
        canvas.draw()
        found.append(np.asarray(canvas.buffer_rgba()).tobytes())
    for letters in ("text", "paths"):
        with mpl.rc_context(style.rules(letters)):
            out = io.StringIO()
            figure.savefig(out, format="svg", metadata={"Date": None})
            found.append(out.getvalue())
    return found


@settings(max_examples=10)
@given(st.lists(LINES, min_size=1, max_size=5))
def test_a_line_is_drawn_as_matplotlib_draws_it(lines):
    one, other = drawn(Words, lines), drawn(Text, lines)
    assert one == other


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_a_line_stands_at_its_place(align):
    _, text, _ = drawn(Words, [(100, 50, "調査", 7.0, align)])
    (place,) = re.findall(r'<text .*?x="([0-9.]+)" y="([0-9.]+)"', text)
    assert place == ("100", "50")
