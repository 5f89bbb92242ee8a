"""What two waves come to in numbers, each with its bounds: what could not be compared may be anything.

Every body of either register is counted once: new, persisting, cleared, unlisted, and not comparable add up to them.
At most as many are new as are called so, and all those besides whose statuses leave it open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from .frames import rows_of
from .tables import Body
from .wave_tables import Change, Reason

_APART = frozenset(
    {
        *(Reason.NOT_IN_BEFORE, Reason.NOT_IN_AFTER, Reason.MERGED, Reason.SPLIT),
        *(Reason.OPTED_OUT, Reason.OUT_OF_SCOPE),
    }
)
"""Reasons that leave nothing open: there are no two statuses of one body."""
_SILENT = frozenset({Reason.UNKNOWN_BEFORE, Reason.UNKNOWN_AFTER, Reason.UNKNOWN_BOTH})
_PATHS: Mapping[Change, tuple[bool, bool]] = {
    Change.NEW: (False, True),
    Change.PERSISTING: (True, True),
    Change.CLEARED: (True, False),
}


def count_changes(bodies: pd.DataFrame) -> dict[str, object]:
    """The counts of one pair's table `wave_bodies`, ready for JSON."""
    changes = Counter(map(str, bodies["change"]))
    confirmed = Counter(map(str, bodies.loc[bodies["confirmed"].fillna(False).astype(bool), "change"]))
    may = Counter(_open_paths(bodies))
    counts: dict[str, object] = {"bodies": len(bodies)}
    for word in Change:
        counts[word.value] = changes[word]
    for word in _PATHS:
        counts[f"{word}_confirmed"] = confirmed[word]
        counts[f"{word}_at_most"] = changes[word] + may[word]
    counts["reasons"] = _counted(bodies["reason"])
    counts["causes"] = _counted(bodies.loc[bodies["change"].isin([Change.NEW, Change.CLEARED]), "cause"])
    relay = Counter(map(str, bodies["relay_change"]))
    counts["relay"] = {word.value: relay[word] for word in Change}
    counts["relay_reasons"] = _counted(bodies["relay_reason"])
    counts["moved"] = _counted(bodies["moved"])
    counts["servers_unknown"] = int((~bodies["is_servers_known"].fillna(True).astype(bool)).sum())
    counts["servers_changed"] = int((bodies["servers_came"].map(len) + bodies["servers_left"].map(len)).gt(0).sum())
    return counts


def _open_paths(bodies: pd.DataFrame) -> list[Change]:
    """For every body that is not comparable and open, each change that it may be."""
    found = []
    columns = ("change", "reason", "status_before", "status_after", "whole_before", "whole_after")
    for change, reason, *said in rows_of(bodies, *columns):
        if change != Change.NOT_COMPARABLE or reason in _APART:
            continue
        sides = [_may_be(reason, said[side], said[2 + side]) for side in (0, 1)]
        found += [
            word for word, path in _PATHS.items() if all(is_on in may for is_on, may in zip(path, sides, strict=True))
        ]
    return found


def _may_be(reason: str, word: str, whole: str) -> tuple[bool, ...]:
    """Whether a body may have been listed in one wave: surely, surely not, or either.

    On a list that is not compared nobody knows; where only an answer is missing, the other wave's word stands.
    """
    if Body.LISTED in (word, whole):
        return (True,)
    return (False, True) if whole == Body.UNKNOWN or reason not in _SILENT else (False,)


def _counted(values: pd.Series) -> dict[str, int]:
    """How often each word stands there, the most frequent first."""
    return dict(sorted(Counter(map(str, values.dropna())).items(), key=lambda one: (-one[1], one[0])))
