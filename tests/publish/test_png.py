"""Pictures as PNG: what any reader makes of them is what was drawn."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from survey.publish.png import png

PICTURES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4)).flatmap(lambda shape: arrays(np.uint8, shape))


@given(PICTURES, st.sampled_from((72, 300, 350)))
def test_a_picture_is_read_as_it_was_written_with_its_size_in_print_and_nothing_else(pixels, dpi):
    whole = png(pixels, dpi)
    with Image.open(io.BytesIO(whole)) as image:
        assert (image.format, image.mode) == ("PNG", "RGBA")
        assert set(image.info) == {"dpi"} and round(image.info["dpi"][0]) == dpi
        assert (np.asarray(image) == pixels).all()
    assert whole == png(pixels, dpi)


def test_it_says_what_another_writer_says():
    pixels = np.zeros((3, 5, 4), dtype=np.uint8)
    other = io.BytesIO()
    Image.fromarray(pixels).save(other, "png", dpi=(350, 350))
    with Image.open(other) as one, Image.open(io.BytesIO(png(pixels, 350))) as two:
        assert (one.size, one.mode, one.info) == (two.size, two.mode, two.info)
