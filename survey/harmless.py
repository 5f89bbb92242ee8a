"""One rule for what strangers sent: text that can do nothing to a terminal, a sheet, a page or a picture.

Control characters, format characters (direction marks, soft hyphens, tags, zero-width ones), line and paragraph
separators, lone surrogates and unassigned noncharacters are made visible as escapes, and the length is bounded.
"""

from __future__ import annotations

import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def harmless(text: str, most: int = 500, *, keep: str = "") -> str:
    """The text with everything unsafe escaped, but for the characters in `keep`; at most `most` characters and an …"""
    if text.isprintable() and len(text) <= most:
        # Python's own word is stricter than ours: what it calls printable is safe.
        return text
    parts = [one if one in keep or is_safe(one) else escaped(one) for one in text[: most + 1]]
    joined = "".join(parts)
    return joined if len(joined) <= most else f"{joined[:most]}…"


def is_safe(char: str) -> bool:
    """Whether a character shows as itself and does nothing else."""
    return unicodedata.category(char) not in _UNSAFE and ord(char) & 0xFFFE != 0xFFFE


def escaped(char: str) -> str:
    """A character as the escape that Python and C would write."""
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
