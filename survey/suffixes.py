"""Public suffixes: where a domain that somebody can hold begins, and which names are kept for governments.

The list is publicsuffix.org's, as the package `publicsuffixlist` brings it: it knows `lg.jp`, `go.jp`, the prefectures
and the municipalities below them. Kept for governments are names under LG.JP and GO.JP (attribute-type JP domains, held
by local and national government only), and the labels city, town, vill, pref and metro directly below a prefecture, a
designated city or a municipality (reserved by JPRS's rules for geographic-type and prefecture-type JP domains).
"""

from __future__ import annotations

from functools import lru_cache

from publicsuffixlist import PublicSuffixList

_SUFFIXES = PublicSuffixList()
_KEPT_LABELS = frozenset({"city", "town", "vill", "pref", "metro"})


@lru_cache(maxsize=1 << 16)
def registrable(host: str) -> str:
    """The registrable domain of a host name; the name itself where there is none."""
    return _SUFFIXES.privatesuffix(host) or host


@lru_cache(maxsize=1 << 14)
def is_public_suffix(name: str) -> bool:
    """Whether names are registered directly below this one."""
    return bool(_SUFFIXES.is_public(name))


def walk_up(host: str) -> list[str]:
    """The host and the names above it, down to the one that somebody registered; nothing for a public suffix."""
    names, name = [], host
    while "." in name and not is_public_suffix(name):
        names.append(name)
        name = name.partition(".")[2]
    return names


@lru_cache(maxsize=1 << 14)
def is_reserved(domain: str) -> bool:
    """Whether a name is kept for governments, so that its holder cannot be anybody else."""
    if domain.endswith((".lg.jp", ".go.jp")):
        return True
    if not domain.endswith(".jp") or _KEPT_LABELS.isdisjoint(domain.split(".")):
        return False
    return any(
        is_kept_label(name) and name.count(".") >= 2 and is_public_suffix(name.partition(".")[2])
        for name in walk_up(domain)
    )


def is_kept_label(name: str) -> bool:
    """Whether a name under .jp begins with a label that governments use: city, town, vill, pref, metro."""
    return name.endswith(".jp") and name.partition(".")[0] in _KEPT_LABELS
