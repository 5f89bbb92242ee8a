"""Quiet for work that makes many small objects and keeps them: Python's collector would walk over all of them, often.

Nothing in these stretches makes cycles worth collecting; reference counts free what is dropped, as ever.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """No garbage collection until the block, or the decorated function, is left."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()
