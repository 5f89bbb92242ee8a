"""Quiet for work that makes many small objects and keeps them: Python's collector would walk over all of them, often.

Nothing in these stretches makes cycles worth collecting; reference counts free what is dropped, as ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator

import pyarrow as pa


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


def give_back() -> None:
    """Give memory that is free back to the system, which allocators keep for later; after large pieces of work."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # musl has no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)
