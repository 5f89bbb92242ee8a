"""Folders that are handed on: sealed by a manifest, and put in the place of an older one as a whole."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path

from .. import enquirers
from ..places import LOGS

MANIFEST = "MANIFEST.sha256"
_NOT_SEALED = (MANIFEST, ".lock", *LOGS, enquirers.FILE, f".{enquirers.FILE}.lock")


def write_manifest(folder: Path) -> None:
    """Write the SHA-256 of every file of the run but the manifest itself, `publish/`, and what only grows later."""
    lines = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in _NOT_SEALED and not name.startswith("publish/"):
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}")
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def replace_folder(aside: Path, target: Path) -> None:
    """Put a new folder in the place of the old one; at every moment one of them is whole."""
    old = target.with_name(f".{target.name}.old")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(old)
    if target.exists():
        target.replace(old)
    aside.replace(target)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(old)
