"""How much was asked of lists with a daily limit, today (UTC), by every run and the doctor on this machine together.

A list counts what reaches it, not what one run thinks of as one survey: so the counter lies in the project's folder,
not in a run folder, nor where a command happens to be started: a scheduler starts it elsewhere than a person does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from .errors import RunError
from .places import ROOT

PATH = ROOT / "daily-use.json"


def used_today(path: Path | None = None) -> dict[str, int]:
    """Packets that went to each zone today."""
    path = path or PATH
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict) or kept.get("day") != _day():
        return {}
    packets = kept.get("packets")
    return {str(zone): int(count) for zone, count in packets.items()} if isinstance(packets, dict) else {}


def add(packets: Mapping[str, int], path: Path | None = None) -> None:
    """Add what went to each zone; nothing is written where nothing went. Raises RunError when it cannot be."""
    path = path or PATH
    sent = {zone: count for zone, count in packets.items() if count}
    if not sent:
        return
    try:
        with FileLock(path.with_suffix(".lock")):
            known = used_today(path)
            for zone, count in sent.items():
                known[zone] = known.get(zone, 0) + count
            aside = path.with_suffix(".new")
            aside.write_text(json.dumps({"day": _day(), "packets": known}) + "\n", encoding="utf-8")
            aside.replace(path)
    except OSError as error:
        raise RunError(
            f"how much was asked of lists with a daily limit cannot be written: {error.strerror}",
            where=str(path),
            remedy="let the user who runs the survey write there; until then the lists' limits may be passed",
            ja="1日の照会数を記録できません。書き込みを許可してください。このままでは上限を超えるおそれがあります",
        ) from error


def _day() -> str:
    return datetime.now(UTC).date().isoformat()
