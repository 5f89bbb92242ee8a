"""Who writes the letters: `newsroom.toml` in the run folder, filled in by people.

    name = "…"           the newsroom             sender = "…"     who signs
    contact = "…"        telephone, mail, post    deadline_days = 10

What is missing is never invented: letters carry a bracketed placeholder, and `missing` says which it is, so that the
command can warn before anything is posted.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ..errors import RunError
from ..harmless import harmless
from .clock import JAPAN
from .labels import Language

FILE = "newsroom.toml"
_MOST_DAYS = 366
_PLACEHOLDERS = {
    "name": ("【報道機関名：未記入】", "[newsroom: not filled in]"),
    "sender": ("【差出人：未記入】", "[sender: not filled in]"),
    "contact": ("【連絡先：未記入】", "[contact: not filled in]"),
    "deadline_days": ("【回答期限：未記入】", "[deadline: not filled in]"),
}


@dataclass(frozen=True, slots=True)
class Newsroom:
    """Who writes, where answers go, and after how many days an answer is hoped for; empty or None where not told."""

    name: str = ""
    sender: str = ""
    contact: str = ""
    deadline_days: int | None = None

    def missing(self) -> list[str]:
        """The settings that nobody filled in."""
        return [name for name in _PLACEHOLDERS if getattr(self, name) in ("", None)]

    def word(self, name: str, language: Language) -> str:
        """A setting, or its placeholder."""
        value = getattr(self, name)
        return harmless(str(value), keep="\n") if value else _PLACEHOLDERS[name][0 if language == "ja" else 1]

    def deadline(self, now: datetime, language: Language) -> str:
        """The last day for an answer, in Japan, counted from `now`; or its placeholder."""
        if self.deadline_days is None:
            return self.word("deadline_days", language)
        return day((now.astimezone(JAPAN) + timedelta(days=self.deadline_days)).date(), language)


def load_newsroom(path: Path) -> Newsroom:
    """Read `newsroom.toml`; an empty Newsroom where there is no file. Raises RunError, naming file and setting."""
    if not path.exists():
        return Newsroom()
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunError(
            f"this is no TOML: {error}",
            where=path.name,
            remedy='write lines like name = "…"',
            ja='設定ファイルを読めません。name = "…" の形で書いてください',
        ) from None
    if unknown := sorted(set(said) - set(_PLACEHOLDERS)):
        raise _wrong(path, unknown[0], f"use only: {', '.join(_PLACEHOLDERS)}")
    for name in ("name", "sender", "contact"):
        if not isinstance(said.get(name, ""), str):
            raise _wrong(path, name, f'write {name} = "…"')
    days = said.get("deadline_days")
    if days is not None and (type(days) is not int or not 0 < days <= _MOST_DAYS):
        raise _wrong(path, "deadline_days", "write a whole number of days, as in deadline_days = 10")
    name, sender, contact = (str(said.get(key, "")).strip() for key in ("name", "sender", "contact"))
    return Newsroom(name, sender, contact, days)


def _wrong(path: Path, name: str, remedy: str) -> RunError:
    return RunError(
        "this setting cannot be used", where=f"{path.name}, {name}", remedy=remedy, ja="設定に誤りがあります"
    )


def day(found: date, language: Language) -> str:
    """A day as a letter writes it."""
    return f"{found.year}年{found.month}月{found.day}日" if language == "ja" else f"{found.day} {found:%B %Y}"


def moment(found: datetime, language: Language) -> str:
    """A moment to the minute, in Japan's time and in UTC, each with its day, on two lines."""
    japan, utc = found.astimezone(JAPAN), found.astimezone(UTC)
    if language == "ja":
        parts = [f"{day(japan.date(), 'ja')} {japan:%H:%M}（日本時間）", f"{day(utc.date(), 'ja')} {utc:%H:%M}（UTC）"]
    else:
        parts = [f"{day(japan.date(), 'en')}, {japan:%H:%M} Japan time", f"{day(utc.date(), 'en')}, {utc:%H:%M} UTC"]
    return "\n".join(parts)
