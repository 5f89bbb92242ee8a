"""What a command shows: its result on standard output, its progress and what wants a person on standard error.

What is shown is noted in the log too, where the command keeps one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .journal import note

if TYPE_CHECKING:
    from ..sitting import Progress

LINE_S = 60.0
"""Where nobody watches, progress is told once in so many seconds."""
_STAGE = re.compile(r"pass \d+|next pass|.+: void")
"""The beginnings of what is worth a line in the log at once: a pass, the wait for the next one, a list that failed."""


def say(options: argparse.Namespace, result: Mapping[str, object], lines: Sequence[str]) -> None:
    """The result on standard output: as one JSON object, or as lines for people."""
    note("result", *lines)
    # Where the terminal cannot write Japanese, JSON has escapes of its own for it.
    is_unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    try:
        print(json.dumps(dict(result), ensure_ascii=not is_unicode) if options.json else "\n".join(lines), flush=True)
    except BrokenPipeError:
        # Whoever read (head, less) has seen enough; what was done is done all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def warn(said: object) -> None:
    """One line for a person, on standard error."""
    note("warning", str(said))
    print(f"survey: {said}", file=sys.stderr)


def fail(said: object, word: str = "error") -> None:
    """Why a command ends without having done what it was asked for: one line, on standard error."""
    note(word, str(said))
    print(f"survey: {said}", file=sys.stderr)


@contextmanager
def progress(unit: str = "q") -> Iterator[Progress]:
    """How many questions are answered of those known so far: a bar where somebody watches, else a line a minute.

    It goes to standard error, and once a minute, and at each new stage, into the log.
    """
    logged = _logged()
    if not (sys.stderr.isatty() or _is_in_notebook()):
        yield _told(logged)
        return
    from tqdm.auto import tqdm  # noqa: PLC0415 - only where something is shown

    class Bar(tqdm):  # type: ignore[type-arg]  # at run time it takes none
        monitor_interval = 0
        """No thread that watches the bar: it is shown often enough, and a process with one thread may be forked."""

    with Bar(unit=unit, file=sys.stderr, dynamic_ncols=True, mininterval=0.5) as bar:

        def show(done: int, expected: int, text: str) -> None:
            bar.total = expected
            bar.n = done
            bar.set_description_str(text, refresh=False)
            bar.update(0)
            logged(done, expected, text)

        yield show


def _is_in_notebook() -> bool:
    """Whether this runs in a notebook's kernel; whoever only runs notebooks has loaded the same modules."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _told(logged: Progress) -> Progress:
    """Progress in lines on standard error."""
    due = time.monotonic() + LINE_S

    def tell(done: int, expected: int, text: str) -> None:
        nonlocal due
        logged(done, expected, text)
        if (now := time.monotonic()) >= due:
            due = now + LINE_S
            print(f"survey: {_line(done, expected, text)}", file=sys.stderr, flush=True)

    return tell


def _logged() -> Progress:
    """Progress in lines of the log."""
    due = time.monotonic() + LINE_S
    stages: set[str] = set()

    def log(done: int, expected: int, text: str) -> None:
        nonlocal due
        stage = found.group() if (found := _STAGE.match(text)) else ""
        if (now := time.monotonic()) >= due or (stage and stage not in stages):
            due = now + LINE_S
            stages.add(stage)
            note("progress", _line(done, expected, text))

    return log


def _line(done: int, expected: int, text: str) -> str:
    return f"{done:,} of {expected:,}: {text}"


def headline_lines(headline: Mapping[str, object], folder: Path) -> list[str]:
    """The headline in both languages, and where to look."""
    from ..publish import labels  # noqa: PLC0415

    return [*labels.headline_sentences(headline, "ja"), *labels.headline_sentences(headline, "en"), f"→ {folder}"]


def both(machine: str) -> str:
    """A machine word in both languages, for the newsroom's screen."""
    from ..publish import labels  # noqa: PLC0415

    return f"{labels.word(machine, 'ja')} / {labels.word(machine, 'en')}"
