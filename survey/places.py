"""Where relative paths begin: the folder in which a command runs; for notebooks, which run in theirs, the project's."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOG = "survey.log"
LOGS = (LOG, f"{LOG}.1")
"""What commands did in a run folder, and when; the second holds what is older."""


def located(path: str | Path) -> Path:
    """A path as people name it: `runs/mine` means the same in a terminal at the project's root and in a notebook."""
    return ROOT / path if Path.cwd() == ROOT / "notebooks" else Path(path)


def readable(name: str) -> str:
    """A file's name as text that every file can hold.

    Where the system's encoding is not that of the name (LANG=C), Python hides its bytes in lone surrogates: they are
    read as UTF-8, and what is none is shown as escapes.
    """
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return name.encode("utf-8", "backslashreplace").decode("utf-8")
