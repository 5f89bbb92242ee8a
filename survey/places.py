"""Where relative paths begin: the folder in which a command runs; for notebooks, which run in theirs, the project's."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def located(path: str | Path) -> Path:
    """A path as people name it: `runs/mine` means the same in a terminal at the project's root and in a notebook."""
    return ROOT / path if Path.cwd() == ROOT / "notebooks" else Path(path)
