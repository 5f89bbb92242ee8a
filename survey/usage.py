"""How much was asked of lists with a daily limit, today (UTC), by every run and the doctor on this machine together.

A list counts what reaches it, not what one run thinks of as one survey: so the counter lies beside the keys, in the
folder in which the commands are run, and not in a run folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from .places import located

_NAME = "daily-use.json"


def used_today(path: Path | None = None) -> dict[str, int]:
    """Packets that went to each zone today."""
    path = path or located(_NAME)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict) or kept.get("day") != _day():
        return {}
    packets = kept.get("packets")
    return {str(zone): int(count) for zone, count in packets.items()} if isinstance(packets, dict) else {}


def add(packets: Mapping[str, int], path: Path | None = None) -> None:
    """Add what went to each zone; nothing is written where nothing went."""
    path = path or located(_NAME)
    sent = {zone: count for zone, count in packets.items() if count}
    if not sent:
        return
    with FileLock(path.with_suffix(".lock")):
        known = used_today(path)
        for zone, count in sent.items():
            known[zone] = known.get(zone, 0) + count
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps({"day": _day(), "packets": known}) + "\n", encoding="utf-8")
        aside.replace(path)


def _day() -> str:
    return datetime.now(UTC).date().isoformat()
