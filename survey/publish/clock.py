"""Moments as readers read them, always with their zone: Japan's time in Japanese outputs for outsiders, otherwise UTC.

The newsroom's own outputs keep UTC, in which the evidence is kept.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from .labels import Language

JAPAN = timezone(timedelta(hours=9))


def clock(moment: datetime, audience: Literal["internal", "ministry", "public"], language: Language) -> str:
    """A moment to the minute, in the zone of its readers."""
    if audience != "internal" and language == "ja":
        return f"{moment.astimezone(JAPAN):%Y-%m-%d %H:%M}（日本時間）"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
