"""The truth of what changed between two seasons of a practice country: one word per body, and why there is none.

It follows from what happened (`Country.history`), from who is in either register, and from the two countries' own
truths; nothing of the survey's comparison is imported. A body is the one that it was renamed or recoded from. It is

* `new`, `persisting`, `cleared` or `unlisted` by the lists that were well in both seasons;
* `not_comparable` with a `reason`, of several the first: it is in one register only (`not_in_before`, `not_in_after`),
  came out of a merger or split (`merged`, `split`), is `out_of_scope` or `opted_out` in either season; somebody who was
  asked did not answer, were it only a list that the other season has not (`unknown_before`, `unknown_after`,
  `unknown_both`: it may be listed there); or its listing stood only on lists that the other season has not to hold
  against it (`list_void`: not well there; `list_not_in_both`: not selected there).

A body that takes no mail is known, and on no list. What a network that is ill hides counts as it answers: errors are
unknown, and an answer that there is nothing is believed here, as it must not be by whoever has only the answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from .country import Country
from .facts import BodyFacts, Happening
from .truth import Truth

WORDS = ("new", "persisting", "cleared", "unlisted", "not_comparable")
_SWAPPED = {
    **{"new": "cleared", "cleared": "new", "unknown_before": "unknown_after", "unknown_after": "unknown_before"},
    **{"not_in_before": "not_in_after", "not_in_after": "not_in_before"},
}


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one body: its code in either season's register (none: not there), the word, and the reason."""

    code_before: str | None
    code_after: str | None
    word: str
    reason: str = ""

    @property
    def code(self) -> str:
        """The later code, or the earlier one where there is no later."""
        return self.code_after or self.code_before or ""

    def swapped(self) -> Change:
        """The same, seen from the other end."""
        word, reason = (_SWAPPED.get(text, text) for text in (self.word, self.reason))
        return Change(self.code_after, self.code_before, word, reason)


def changes(before: Country, after: Country, zones: Collection[str] | None = None) -> list[Change]:
    """What became of every body of two seasons of one country, in the order of codes; by some lists alone, if named.

    Raises ValueError when the two are not seasons of one country.
    """
    if len(before.history) > len(after.history):
        return sorted((one.swapped() for one in changes(after, before, zones)), key=lambda one: one.code)
    if before.seed != after.seed or after.history[: len(before.history)] != before.history:
        raise ValueError(f"seasons {before.season} and {after.season} are not of one country")
    told = _Told(before, after, zones)
    return sorted(told.all(after.history[len(before.history) :]), key=lambda one: one.code)


def counted(found: Iterable[Change]) -> dict[str, int]:
    """How many bodies each word and reason has."""
    return dict(Counter(one.reason or one.word for one in found))


class _Told:
    """Two seasons, side by side."""

    def __init__(self, before: Country, after: Country, zones: Collection[str] | None) -> None:
        seasons = (before, after)
        self._bodies = [{body.code: body for body in country.bodies} for country in seasons]
        self._healthy = [{zone for zone in one.healthy if zones is None or zone in zones} for one in seasons]
        self._common = self._healthy[0] & self._healthy[1]
        self._selected = [{*country.healthy, *country.dead} for country in seasons]
        self._truths = [Truth(country) for country in seasons]

    def all(self, happened: Iterable[Happening]) -> Iterator[Change]:
        """Every body of either season, once."""
        ends: dict[str, set[str]] = {code: {code} for code in self._bodies[0]}
        together: dict[str, str] = {}
        for one in happened:
            if one.kind not in ("merged", "split", "recoded"):
                continue
            for now in ends.values():
                if not now.isdisjoint(one.before):
                    now.difference_update(one.before)
                    now.update(one.after)
            earlier = [together[code] for code in one.before if code in together]
            kinds = {*earlier, one.kind} - {"recoded"}
            if kinds:
                together |= dict.fromkeys(one.after, "merged" if "merged" in kinds else "split")
        yield from self._rows(ends, together)

    def _rows(self, ends: dict[str, set[str]], together: dict[str, str]) -> Iterator[Change]:
        """`ends` are the later codes of each earlier one, `together` those that come out of a merger or split."""
        there = set(self._bodies[1])
        done = set()
        for code, now in ends.items():
            kinds = {together[end] for end in now if end in together}
            if kinds:
                # The strongest word of a family that merged and split.
                reason = "merged" if "merged" in kinds else "split"
                yield Change(code, code if code in there & now else None, "not_comparable", reason)
                done |= {code} & there & now
            elif not now & there:
                yield Change(code, None, "not_comparable", "not_in_after")
            else:
                end = next(iter(now))
                done.add(end)
                yield self._compared(code, end)
        for code in there - done:
            yield Change(None, code, "not_comparable", together.get(code, "not_in_before"))

    def _compared(self, code_before: str, code_after: str) -> Change:
        bodies = (self._bodies[0][code_before], self._bodies[1][code_after])
        return Change(code_before, code_after, *self._word(bodies))

    def _word(self, bodies: tuple[BodyFacts, BodyFacts]) -> tuple[str, str]:
        sides = list(zip(self._truths, bodies, self._healthy, strict=True))
        whole = [true.status(body, healthy) for true, body, healthy in sides]
        for word in ("out_of_scope", "opted_out"):
            if word in whole:
                return "not_comparable", word
        if "unknown" in whole:
            where = "both" if whole[0] == whole[1] else "before" if whole[0] == "unknown" else "after"
            return "not_comparable", f"unknown_{where}"
        common = [true.status(body, self._common) for true, body, _ in sides]
        if common == ["listed", "listed"]:
            return "persisting", ""
        if whole != common:
            return "not_comparable", self._why(bodies, common)
        listed = [word == "listed" for word in common]
        return ("cleared" if listed[0] else "new" if listed[1] else "unlisted"), ""

    def _why(self, bodies: tuple[BodyFacts, BodyFacts], common: list[str]) -> str:
        """What keeps a body's listing out of the comparison: a list that is not well, or is not selected, there."""
        reasons = set()
        for side in (0, 1):
            if common[side] != "listed":
                reasons |= {
                    "list_void" if zone in self._selected[1 - side] else "list_not_in_both"
                    for zone in self._healthy[side] - self._common
                    if self._truths[side].status(bodies[side], [zone]) == "listed"
                }
        return "list_void" if "list_void" in reasons or not reasons else "list_not_in_both"
