"""What commands did in a run folder, for whoever looks in the morning: `survey.log`, one line per event.

    2026-11-25T17:15:02Z 4711 begin    collect register.xlsx --run runs/2026-11 (in /srv/survey)
    2026-11-25T17:15:04Z 4711 settings goes on; register.xlsx; lists: …; resolvers: 127.0.0.1:5353; …
    2026-11-25T17:16:04Z 4711 progress 1,200 of 25,000: pass 1, at least 40 min left
    2026-11-25T18:55:40Z 4711 result   …
    2026-11-25T18:55:40Z 4711 end      exit 0 after 6,038 s

Times are UTC; the number is the process, so that a command that was refused because another was at work is told from
it. Lines are appended in UTF-8 whatever the system speaks, each in one write. The log never holds more than two files
of a mebibyte, and no list's key. A command goes on when its log cannot be written, and says so once.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from ..harmless import harmless
from ..places import LOG, LOGS, readable

MOST_BYTES = 1 << 20
_MOST_TEXT = 2_000
_LINES_MOST = 40


class Journal:
    """The log of one command in one run folder; the folder is made when it is not there."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        self._is_broken = False

    def note(self, word: str, text: str) -> None:
        """Append one event."""
        if self._is_broken:
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = f"{now} {os.getpid()} {word:<8} {harmless(readable(text), _MOST_TEXT)}\n".encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size + len(line) > MOST_BYTES:
                self._path.replace(self._path.with_name(LOGS[1]))
            with self._path.open("ab") as file:
                file.write(line)
        except OSError as error:
            self._is_broken = True
            said = f"the log {self._path} cannot be written ({error.strerror}); the command goes on without"
            print(f"survey: {said} / ログを書き込めません。ログなしで続けます", file=sys.stderr)


_open: ContextVar[Journal | None] = ContextVar("journal", default=None)


def note(word: str, *texts: str) -> None:
    """Write events into the log of the command that runs, if it has one; at most forty of them."""
    journal = _open.get()
    if journal is not None:
        for text in texts[:_LINES_MOST]:
            journal.note(word, text)


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "a folder that is gone"


@contextmanager
def kept(folder: Path | None, words: Sequence[str]) -> Iterator[Callable[[int], int]]:
    """A command keeps a log in this folder (None: it keeps none) and hands its exit code through what is yielded."""
    token = _open.set(None if folder is None else Journal(folder))
    since = time.monotonic()

    def ended(code: int) -> int:
        note("end", f"exit {code} after {time.monotonic() - since:,.0f} s")
        return code

    try:
        note("begin", f"{' '.join(words)} (in {_here()})")
        yield ended
    finally:
        _open.reset(token)
