"""What a command shows: its result on standard output, its progress and what wants a person on standard error."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sitting import Progress


def say(options: argparse.Namespace, result: Mapping[str, object], lines: Sequence[str]) -> None:
    """The result on standard output: as one JSON object, or as lines for people."""
    print(json.dumps(dict(result), ensure_ascii=False) if options.json else "\n".join(lines))


def warn(said: object) -> None:
    """One line for a person, on standard error."""
    print(f"survey: {said}", file=sys.stderr)


@contextmanager
def progress(unit: str = "q") -> Iterator[Progress]:
    """A bar on standard error: how many questions are answered of those known so far."""
    from tqdm.auto import tqdm  # noqa: PLC0415 - only where something is shown

    with tqdm(unit=unit, file=sys.stderr, dynamic_ncols=True, mininterval=0.5) as bar:

        def show(done: int, expected: int, text: str) -> None:
            bar.total = expected
            bar.n = done
            bar.set_description_str(text, refresh=False)
            bar.update(0)

        yield show


def headline_lines(headline: Mapping[str, object], folder: Path) -> list[str]:
    """The headline in both languages, and where to look."""
    from ..publish import labels  # noqa: PLC0415

    return [*labels.headline_sentences(headline, "ja"), *labels.headline_sentences(headline, "en"), f"→ {folder}"]


def both(machine: str) -> str:
    """A machine word in both languages, for the newsroom's screen."""
    from ..publish import labels  # noqa: PLC0415

    return f"{labels.word(machine, 'ja')} / {labels.word(machine, 'en')}"
