"""Seasons of the practice country: the same country, later, or as it looks through a network that is ill.

`2002` is the country as `Country.make` builds it. By `2003` relays have been closed and servers listed, towns have
moved to a shared host, merged, split, and taken new names and codes; one list has fallen silent and another is new. By
`2004` the shared host stands on a list, and one list answers "listed" for the whole world. `2003-outage` and
`2003-blackout` are 2003 on a bad day: the MX records of more than half of the domains cannot be seen. In the one there
are errors and no answers, in the other answers that say at once that there is nothing, as when a provider's name
servers are broken.

What happened stands in `Country.history`, who cannot be seen in `Country.ill`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

from ..errors import RunError
from . import papers
from .country import Country
from .years import Years

SEASONS = ("2002", "2003", "2003-outage", "2003-blackout", "2004")
ILLNESSES: Mapping[str, tuple[str, ...]] = {
    "2003-outage": ("servfail", "servfail", "servfail", "silent"),
    "2003-blackout": ("none", "nxdomain"),
}
"""How the domains that cannot be seen answer, by turns."""
ILL_SHARE = 1191 / 2110
"""How many of the domains: the share of municipalities that lost their MX for two hours in a real survey's history."""


def season(name: str | None = None, seed: int | None = None) -> Country:
    """The country of a seed (81) in one season (2002). Raises RunError when there is no such season."""
    name, seed = name or "2002", 81 if seed is None else seed
    if name not in SEASONS:
        raise RunError(
            f"the practice country has no season {name[:40]!r}",
            where="--season",
            remedy=f"name one of: {', '.join(SEASONS)}",
            ja=f"その名前の時期は練習国にありません。{'、'.join(SEASONS)} から選んでください",
        )
    if name == "2002":
        return Country.make(seed)
    years = Years(seed)
    years.pass_2003()
    if name == "2004":
        years.pass_2004()
    if name in ILLNESSES:
        fall_ill(years.country, ILLNESSES[name])
        years.country.season = name
    return years.country


def fall_ill(country: Country, behaviours: tuple[str, ...]) -> None:
    """Let more than half of the mail domains answer so, by turns, whatever is true of them."""
    random = Random(f"illness of country {country.seed}")
    seen = [domain for domain, facts in country.domains.items() if facts.behaviour == "mx"]
    ill = random.sample(seen, round(len(seen) * ILL_SHARE))
    for number, domain in enumerate(ill):
        facts, declared = country.domains[domain], country.declarations.declared[domain]
        facts.behaviour, facts.exchangers = behaviours[number % len(behaviours)], []
        facts.is_big = facts.needs_no_edns = False
        if facts.behaviour == "nxdomain":
            country.declarations.lose(domain)
        elif facts.behaviour != "none":
            declared.is_silent |= declared.uses_mx
    lost = frozenset(ill)
    country.ill = frozenset(body.code for body in country.bodies if lost.intersection(body.domains))


def asked_again(settings: Mapping[str, object]) -> Country:
    """The country of a run's settings (run.toml) as it is later that day: an illness of the network is over by then."""
    name = str(settings.get("season", "2002")).partition("-")[0]
    return season(name, int(str(settings.get("seed", 81))))


def write_papers(country: Country, folder: Path) -> None:
    """Into a new run folder, beside the register: who follows whom, and who is not to be asked about."""
    if country.history:
        papers.write_successors(country, folder / "successors.csv")
    if country.opted_out:
        papers.write_opt_outs(country, folder / "opt-out.csv")
