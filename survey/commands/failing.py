"""What a command says when the system refused something, or when the survey itself is at fault."""

from __future__ import annotations

import contextlib
import sys
import traceback

from ..errors import RunError
from .journal import note
from .screen import fail


def unusable(error: OSError) -> None:
    """Say that the system refused a file or a connection, and which; the way to it goes into the log."""
    _note_way(error)
    place = error.filename if isinstance(error.filename, str) else ""
    fail(
        RunError(
            _covered(f"the system refused: {error.strerror or type(error).__name__}"),
            where=place,
            remedy="check the path, its permissions and the free space, then run the same command again",
            ja="システムに拒否されました。パス、権限、空き容量を確かめ、同じコマンドを再実行してください",
        )
    )


def unexpected(error: Exception) -> None:
    """Say that something happened that nobody foresaw; the whole way to it is on standard error and in the log."""
    _note_way(error)
    print(_covered("".join(traceback.format_exception(error))), file=sys.stderr, end="")
    fail(
        RunError(
            _covered(f"the survey met a fault of its own: {type(error).__name__}: {error}"),
            remedy="what was heard is kept; run the same command again, and report the lines above if it comes back",
            ja="調査プログラムの誤りです。応答は保存済みです。再実行しても直らなければ、上の行を添えて知らせてください",
        )
    )


def _note_way(error: BaseException) -> None:
    note("trace", *_covered("".join(traceback.format_exception(error))).splitlines()[-30:])


def _covered(text: str) -> str:
    """The text without the keys of lists."""
    from ..catalogue import load_keys  # noqa: PLC0415

    with contextlib.suppress(OSError, ValueError):
        for key in filter(None, load_keys().values()):
            text = text.replace(key, "x" * len(key))
    return text
