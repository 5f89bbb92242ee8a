"""Where a registrable domain begins: the public suffix list (publicsuffix.org), as its Python package keeps it."""

from __future__ import annotations

from functools import lru_cache

from publicsuffixlist import PublicSuffixList

_SUFFIXES = PublicSuffixList()


@lru_cache(maxsize=1 << 16)
def registrable(host: str) -> str:
    """The registrable domain of a host name; the name itself where there is none."""
    return _SUFFIXES.privatesuffix(host) or host
