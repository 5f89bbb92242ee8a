"""Worlds for the tests of waves: pairs of small random ones, and a plain country of towns that can be told what ails it."""

from __future__ import annotations

import datetime
import functools
from random import Random

from survey import standings
from survey.frames import rows_of
from survey.headlines import count
from survey.operators import load_directory
from survey.opt_outs import OptOuts
from survey.shelf import Shelf
from survey.successors import Kin, Successor, kin
from survey.yardstick import Wave
from tests.test_findings import tables_of, world

DIRECTORY = load_directory()
_WAVES = 90


@functools.cache
def wave(seed: int, name: str = "one", then: int = 0, rules: str = "") -> Wave:
    """One random wave; with `then` another one some time later; `rules` are those of every list."""
    found, random = world(seed), Random(f"{seed}-calm")
    rows = {name: list(of_table) for name, of_table in found["rows"].items()}
    for step in range(1 + bool(then)):
        rows = _altered(rows, random if not step else Random(f"{seed}-{then}"), is_later=bool(step))
    tables = shelf_of(tables_of(rows, found["out"]))
    by_zone = {zone: rules + group for zone, group in rows_of(tables["lists"], "zone", "group")}
    return Wave(name, tables, {}, {}, by_zone, by_zone, OptOuts(found["out"]))


def shelf_of(tables: dict) -> Shelf:
    """Tables as a run has them."""
    shelf = Shelf()
    for name, table in tables.items():
        shelf.put(name, table.copy())
    return shelf


def _altered(rows: dict, random: Random, *, is_later: bool) -> dict:
    """A world in which most was heard; a later one with other listings, servers, lists and bodies here and there."""
    maybe = lambda share: random.random() < share  # noqa: E731
    calm = 0.0 if is_later else 0.8
    rows = {**rows}
    rows["addresses"] = [row for row in rows["addresses"] if not (row[3] == "silent" and maybe(calm))]
    hosts = sorted({row[0] for row in rows["addresses"] if row[3] == "present"})
    rows["mail_servers"] = [
        (row[0], 10, random.choice(hosts), "mx", "host", "present", None, row[7])
        if hosts and row[2] is None and row[3] != "null" and maybe(calm)
        else row
        for row in rows["mail_servers"]
    ]
    rows["lists"] = [
        (*row[:2], "abuse", *row[3:]) if row[2] == "context" and maybe(calm) else row for row in rows["lists"]
    ]
    rows["listings"] = [_pair(row, random, calm, 0.25 if is_later else 0.0) for row in rows["listings"]]
    if is_later:
        lost = {row[0] for row in rows["lists"] if maybe(0.15)}
        rows["lists"] = [(*row[:3], "void", *row[4:]) if row[0] in lost else row for row in rows["lists"]]
        rows["listings"] = [
            (*row[:2], "refused", [], [], "list_void", None, False, [], *row[9:]) if row[1] in lost else row
            for row in rows["listings"]
        ]
        gone = {row[0] for row in rows["bodies"] if maybe(0.1)} - {rows["bodies"][0][0]}
        rows["bodies"] = [row for row in rows["bodies"] if row[0] not in gone]
        rows["domains"] = [row for row in rows["domains"] if row[0] not in gone]
        domains = {row[1] for row in rows["domains"]}
        rows["mail_servers"] = [row for row in rows["mail_servers"] if row[0] in domains]
        rows["mail_servers"] = [
            (row[0], None, None, None, None, "silent", "timeout", row[7]) if maybe(0.08) else row
            for row in rows["mail_servers"]
        ]
        rows["domains"] = [(*row[:2], "convention", *row[3:]) if maybe(0.1) else row for row in rows["domains"]]
    return rows


def _pair(row: tuple, random: Random, calm: float, other: float) -> tuple:
    """What a list says of an address, heard more often, and said otherwise some time later."""
    said = ("listed", "clear")
    if row[2] in ("silent", "refused") and row[5] != "list_void" and random.random() < calm:
        row = (*row[:2], "clear", [], [], None, None, False, [], *row[9:])
    if row[2] in said and random.random() < other:
        if row[2] == "listed":
            return (*row[:2], "clear", [], [], None, None, False, [], *row[9:])
        category = random.choice(("open_relay", "spam_source", "dynamic_policy"))
        confirmed = [category] if random.random() < 0.5 else []
        return (*row[:2], "listed", ["127.0.0.2"], [category], None, None, bool(confirmed), confirmed, *row[9:])
    return row


def pair(seed: int) -> tuple[Wave, Wave, list[Kin]]:
    """Two random waves, mostly of one country, and who is who in them."""
    random = Random(seed)
    first = random.randint(0, _WAVES)
    one = wave(first, "one")
    rules = random.choice(("", "", "", "other"))
    match random.choice(("later", "later", "later", "elsewhere", "again")):
        case "later":
            other = wave(first, "two", random.randint(1, 2), rules)
        case "elsewhere":
            other = wave(random.randint(0, _WAVES), "two", 0, rules)
        case _:
            other = wave(first, "two", 0, rules)
    codes = [sorted(each.tables["bodies"]["code"]) for each in (one, other)]
    return one, other, kin(successors(random, *codes), *codes)


def successors(random: Random, before: list[str], after: list[str]) -> list[Successor]:
    """A few random rows; those that cannot be are left to `kin`."""
    found = []
    for _ in range(random.choice((0, 0, 1, 2))):
        kind = random.choice(("merged", "split", "recoded"))
        one, other = random.choice(before), random.choice(after)
        if one != other:
            found.append(Successor(one, other, kind, datetime.date(2026, 1, 1), "a", "b", "test"))
    return found


ZONES = ("orbz.example", "abuse.example")
MARCH, WEEK_LATER, YEAR_LATER = "2026-03-16T00:00:00+00:00", "2026-03-23T00:00:00+00:00", "2027-03-16T00:00:00+00:00"


@functools.cache
def town(number: int) -> tuple[str, str, str, str]:
    """Code, domain, host and address: every third town is on one of ten providers' hosts, the others on their own."""
    domain = f"city.t{number}.pref{number % 7}.example"
    host = f"mx.provider{number % 10}.example" if number % 3 == 0 else f"mail.{domain}"
    address = f"198.18.0.{number % 10}" if number % 3 == 0 else f"198.18.{1 + number // 250}.{number % 250}"
    return f"{number:06d}", domain, host, address


def survey(
    name: str,
    *,
    gone=(),
    silent=(),
    null=(),
    nowhere=(),
    listed=range(0),
    full=(),
    started: str = MARCH,
    absent_again=(),
    bodies: int = 600,
    domains: dict | None = None,
) -> Wave:
    """A wave of 600 towns: those without an MX, those that did not answer, those whose host has no address, …

    `domains` are towns with another mail domain than usual, with its basis.
    """
    rows = {"bodies": [], "domains": [], "mail_servers": [], "addresses": [], "listings": [], "senders": [], "policies": []}  # fmt: skip
    seen = set()
    for number in range(bodies):
        code, domain, host, address = town(number)
        domain, basis = (domains or {}).get(number, (domain, "given"))
        rows["bodies"].append((code, "県", f"町{number}", "マチ", "town", True, None, "s", number + 2))
        rows["domains"].append((code, domain, basis, domain, number + 2, "high", False, True, [], []))
        if number in gone or number in null or number in silent:
            kind, status, why = (
                ("none", "absent", "nodata") if number in gone
                else ("null", "present", None) if number in null
                else (None, "silent", "servfail")
            )  # fmt: skip
            rows["mail_servers"].append((domain, None, None, kind, None, status, why, "1"))
            continue
        is_nowhere = number in nowhere
        target = "dangling" if is_nowhere else "host"
        rows["mail_servers"].append((domain, 10, host, "mx", target, "present", None, "1"))
        if host in seen:
            continue
        seen.add(host)
        if is_nowhere:
            rows["addresses"].append((host, None, 4, "absent", "nxdomain", None, "2"))
            continue
        rows["addresses"].append((host, address, 4, "present", None, None, "2"))
        for zone in ZONES:
            on = number in listed and zone == ZONES[0]
            said = ("listed", ["127.0.0.2"], ["open_relay"]) if on else ("clear", [], [])
            rows["listings"].append((address, zone, *said, None, None, on, said[2], None, ["3"]))
    asked = len(rows["listings"]) // len(ZONES)
    on = {zone: sum(row[1] == zone and row[2] == "listed" for row in rows["listings"]) for zone in ZONES}
    groups = {ZONES[0]: "relay", ZONES[1]: "abuse"}
    rows["lists"] = [
        (zone, zone, groups[zone], "healthy", "not_judged", None, 2, None, asked, on[zone], zone in full, [])
        for zone in ZONES
    ]
    tables = shelf_of(tables_of(rows | {"problems": [], "candidates": []}, frozenset()))
    counted = [tables[one] for one in ("findings", "servers", "addresses")]
    headline = count(*counted, standings.read([tables["listings"]], tables["lists"]), tables["lists"])
    headline |= {
        "started_at": started,
        "finished_at": started,
        "evidence_head": name.encode().hex().ljust(64, "0")[:64],
    }
    rules = dict.fromkeys(ZONES, "")
    return Wave(name, tables, headline, {}, rules, rules, absent_again=frozenset(absent_again))
