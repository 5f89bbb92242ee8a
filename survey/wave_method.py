"""What else changed from one wave to the next: how the runs asked and judged, and what their registers say.

A change of the method or the register is no change of the world. Lists that only one wave selected, rules that were
changed, and mergers are kept out of the comparison (`waves`); here they are told, each in a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from .frames import frame, rows_of
from .opt_outs import OptOuts
from .successors import Kin
from .yardstick import Wave

_NONE = "–"


def compare_methods(before: Wave, after: Wave) -> pd.DataFrame:
    """The table `wave_method`: one row per thing that the two runs did differently."""

    def rows() -> Iterator[tuple[object, ...]]:
        for aspect, subject, said in (*_lists(before, after), *_settings(before, after)):
            if said[0] != said[1]:
                yield (before.name, after.name, aspect, subject, *said)

    return frame("wave_method", sorted(rows(), key=lambda row: (str(row[2]), str(row[3]))))


_Aspect = tuple[str, str, list[str]]
"""What was done, about what, and how in either run."""


def _lists(before: Wave, after: Wave) -> Iterator[_Aspect]:
    own = (before.own_rules, after.own_rules)
    for zone in sorted({*own[0], *own[1]}):
        if all(zone in side for side in own):
            yield "rules", zone, [side[zone][:12] for side in own]
        else:
            yield "lists", zone, ["selected" if zone in side else "not_selected" for side in own]


def _settings(before: Wave, after: Wave) -> Iterator[_Aspect]:
    runs = (before.run, after.run)
    yield "tool", "", [str(run.get("tool", _NONE)) for run in runs]
    manners = [_mapping(run.get("manner")) for run in runs]
    yield "passes", "", [str(manner.get("passes", _NONE)) for manner in manners]
    yield "spf_and_networks", "", ["yes" if manner.get("has_context", True) else "no" for manner in manners]
    yield "resolvers", "", [_joined(run.get("resolvers")) for run in runs]
    waits = ("timeout_s", "tries", "pause_s")
    yield "waiting", "", [" / ".join(str(run.get(name, _NONE)) for name in waits) for run in runs]
    kept = [_subjects(wave.opt_outs) for wave in (before, after)]
    for subject in sorted(kept[0] ^ kept[1]):
        yield "opt_outs", subject, ["opted_out" if subject in side else _NONE for side in kept]
    packages = [_mapping(run.get("versions")) for run in runs]
    for package in sorted({*packages[0], *packages[1]}):
        yield "versions", package, [str(side.get(package, _NONE)) for side in packages]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) and value else _NONE


def _subjects(kept: OptOuts) -> set[str]:
    return {*kept.domains, *map(str, kept.networks)}


def compare_registers(
    names: tuple[str, str],
    bodies: tuple[pd.DataFrame, pd.DataFrame],
    domains: tuple[pd.DataFrame, pd.DataFrame],
    kin: Sequence[Kin],
) -> pd.DataFrame:
    """The table `wave_register`: one row per body that two registers have differently; empty where they agree.

    Of `domains` only those count that people gave or reviewed: what we guess is no part of a register.
    """
    known = [
        {code: rest for code, *rest in rows_of(table, "code", "prefecture", "name", "in_scope")} for table in bodies
    ]
    given = [_given(table) for table in domains]

    def rows() -> Iterator[tuple[object, ...]]:
        for family in kin:
            if family.kind in ("same", "recoded"):
                code, now = family.before[0], family.after[0]
                (_, was_called, was_in), (prefecture, called, is_in) = known[0][code], known[1][now]
                about = (code, now, prefecture, was_called, called)
                if family.kind == "recoded":
                    yield (*names, "recoded", *about, code, now)
                elif was_called != called:
                    yield (*names, "renamed", *about, was_called, called)
                if bool(was_in) != bool(is_in):
                    yield (*names, "scope", *about, *("in_scope" if one else "out_of_scope" for one in (was_in, is_in)))
                one, other = given[0].get(code, []), given[1].get(now, [])
                if one != other:
                    yield (*names, "domains", *about, " ".join(one), " ".join(other))
                continue
            told = [" ".join(f"{c} {side[c][1]}" for c in codes) for side, codes in zip(known, family[:2], strict=True)]
            for code in sorted({*family.before, *family.after}):
                is_there = (code in family.before, code in family.after)
                sides = [side[code] if here else [None, None, None] for side, here in zip(known, is_there, strict=True)]
                word = family.kind if family.kind != "alone" else "left" if is_there[0] else "came"
                codes = (code if is_there[0] else None, code if is_there[1] else None)
                yield (*names, word, *codes, sides[1][0] or sides[0][0], sides[0][1], sides[1][1], *told)

    return frame("wave_register", sorted(rows(), key=lambda row: (str(row[3] or row[4]), str(row[2]))))


def _given(domains: pd.DataFrame) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, domain, basis in rows_of(domains, "code", "domain", "basis"):
        if basis in ("given", "reviewed"):
            found.setdefault(code, []).append(domain)
    return {code: sorted(named) for code, named in found.items()}
