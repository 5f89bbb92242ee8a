"""Reforms of a practice country: towns merge, split, take a new name or a new code; offices come and go."""

from __future__ import annotations

from .chronicle import Chronicle, named, tags
from .facts import READING, SUFFIX, BodyFacts


def merge(told: Chronicle, bodies: list[BodyFacts], heir: BodyFacts) -> BodyFacts:
    """Towns become one new city with a new code. The heir's server, with its domain, takes mail for the city too."""
    city = told.found(bodies[0], "city")
    before = tags(*bodies)
    for body in bodies:
        told.end(body, city if body is heir else None)
    told.record("merged", before, tags(city))
    return city


def absorb(told: Chronicle, city: BodyFacts, towns: list[BodyFacts]) -> None:
    """Towns go over into a body that is there already and keeps its code; the first one's domain goes with it."""
    before = tags(city, *towns)
    for number, town in enumerate(towns):
        told.end(town, city if number == 0 else None)
    told.record("merged", before, tags(city))


def split(told: Chronicle, town: BodyFacts) -> list[BodyFacts]:
    """A town becomes two, each with a new code; one of them goes on with its server's address."""
    parts = [told.found(town, town.kind, address=told.address(town)), told.found(town, "village")]
    told.end(town)
    told.record("split", tags(town), tags(*parts))
    return parts


def rename(told: Chronicle, body: BodyFacts) -> None:
    """A body takes another name and keeps its code, its domain and its servers."""
    before = tags(body)
    body.name = told.fresh_name(body, body.kind)
    told.record("renamed", before, tags(body))


def become_city(told: Chronicle, town: BodyFacts) -> BodyFacts:
    """A town or village becomes a city: a new code, a new ending, a new domain, and a new name for its server."""
    suffix = SUFFIX[town.kind]
    kanji, kana = town.name.kanji.removesuffix(suffix), town.name.kana.removesuffix(READING[suffix])
    plain = town.name._replace(kanji=kanji, kana=kana)
    city = told.found(town, "city", name=named(plain, "city"), address=told.address(town))
    told.end(town)
    told.record("recoded", tags(town), tags(city))
    return city


def recode(told: Chronicle, body: BodyFacts) -> None:
    """A body takes another code, and everything else of it stays."""
    before = tags(body)
    body.code = told.fresh_code(body)
    told.record("recoded", before, tags(body))


def found_office(told: Chronicle, like: BodyFacts) -> BodyFacts:
    """A national body is founded that goes back to none."""
    office = told.found(like, "national")
    told.record("founded", [], tags(office))
    return office


def close_office(told: Chronicle, office: BodyFacts) -> None:
    """A national body ends, and none goes on with its work."""
    told.end(office)
    told.record("closed", tags(office), [])
