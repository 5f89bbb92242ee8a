"""Bodies of a practice country whose mail domain stands nowhere: the survey has to find it among candidates.

Some bodies keep their one domain out of the register and have candidates there instead: the right one, and before or
behind it names that do not exist, that only a wildcard answers for, that are parked, that refuse mail, or that another
body uses. Bodies without any domain get candidates that are all wrong, one of them silent. Everything is drawn from a
stream of its own, so that the rest of a country does not depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

WILD = "wild.example"
"""Every name below it has an MX."""


class Settled(Protocol):
    """What is asked of a body: its code, its domains, the letters of its name."""

    code: str
    domains: list[str]


@dataclass(slots=True)
class Hidden:
    """Candidates per body's code, and the decoys among them by kind."""

    candidates: dict[str, list[str]] = field(default_factory=dict)
    parked: list[str] = field(default_factory=list)
    null: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)
    """The right domains: they have an SOA of their own."""


def hide(seed: int, plain: Sequence[Settled], homeless: Sequence[Settled], count: int) -> Hidden:
    """Hide the domains of some of `plain`; `homeless` have none, and get candidates that are all wrong."""
    random = Random(f"candidates of country {seed}")
    found = Hidden()
    chosen = random.sample(list(plain), min(count, len(plain) // 4))
    neighbours = [body.domains[0] for body in plain if body not in chosen]
    for body in chosen:
        right = body.domains[0]
        decoys = _decoys(body.code, right, random, found, neighbours)
        place = random.randint(0, len(decoys))
        found.candidates[body.code] = [*decoys[:place], right, *decoys[place:]]
        found.zones.append(right)
    for body in homeless:
        name = f"town.nowhere{body.code}.example"
        decoys = _decoys(body.code, name, random, found, neighbours)
        found.silent.append(f"town.mute{body.code}.example")
        found.candidates[body.code] = [name, *decoys, found.silent[-1]]
    return found


def _decoys(code: str, right: str, random: Random, found: Hidden, neighbours: Sequence[str]) -> list[str]:
    """A few wrong candidates, in an order of chance; the names bear the body's code, so that nobody else has them."""
    label, name = right.split(".")[:2]
    parked, null = f"{name}-{code}.example", f"{label}.{name}{code}.example"
    kinds = {
        "absent": f"{label}.{name}-{code}.lg.example",
        "wild": f"{label}.{name}.{WILD}",
        "parked": parked,
        "null": null,
        "neighbour": random.choice(neighbours),
    }
    drawn = random.sample(sorted(kinds), random.randint(2, len(kinds)))
    if "parked" in drawn:
        found.parked.append(parked)
    if "null" in drawn:
        found.null.append(null)
    return [kinds[kind] for kind in drawn]
