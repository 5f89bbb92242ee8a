"""Several waves held against each other: every table of waves, and what the gate says of them.

Each wave is compared with the next; of three or more the first is compared with the last besides, which is what readers
want to know in one line. Nothing here reads or writes a file.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from . import history
from .frames import frame
from .operators import Directory
from .successors import Kin, Successor, kin
from .wave_gate import Examined, examine, is_open
from .wave_method import compare_methods, compare_registers
from .wave_servers import compare_operators, compare_servers
from .wave_tables import WAVE_TABLES
from .waves import compare
from .yardstick import Wave, Yardstick, common, lists_of


@dataclass(frozen=True, slots=True)
class Pair:
    """Two waves held against each other: who is who, the lists compared, and the tables, by their names."""

    before: Wave
    after: Wave
    yardstick: Yardstick
    kin: Sequence[Kin]
    tables: Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Waves, the oldest first: every table of waves but `rule_changes`; the pairs; what the gate saw of each step."""

    waves: tuple[Wave, ...]
    tables: Mapping[str, pd.DataFrame]
    pairs: tuple[Pair, ...]
    """Each wave and the next; of three or more, the first and the last as well."""
    examined: tuple[Examined, ...]
    """One for each wave and the next."""

    @property
    def is_open(self) -> bool:
        """Whether the gate lets this be reported."""
        return is_open(self.examined)

    @property
    def whole(self) -> Pair:
        """The first wave and the last."""
        return self.pairs[-1]


def compare_pair(
    before: Wave, after: Wave, successors: Sequence[Successor], directory: Directory, set_aside: Collection[str] = ()
) -> Pair:
    """Hold two waves against each other."""
    yardstick = common(before, after, set_aside)
    one, other = before.tables, after.tables
    families = kin(successors, one["bodies"]["code"], other["bodies"]["code"])
    bodies, measured = compare(before, after, yardstick, families, directory)
    recoded = {family.before[0]: family.after[0] for family in families if family.kind == "recoded"}
    names = (before.name, after.name)
    registers = [(one[name], other[name]) for name in ("bodies", "domains")]
    tables = {
        "wave_bodies": bodies,
        "wave_servers": compare_servers(before, after, measured, yardstick),
        "wave_operators": compare_operators(*names, measured, recoded),
        "wave_lists": lists_of(before, after, yardstick),
        "wave_register": compare_registers(names, registers[0], registers[1], families),
        "wave_method": compare_methods(before, after),
    }
    return Pair(before, after, yardstick, families, tables)


def compare_waves(
    waves: Sequence[Wave], successors: Sequence[Successor], directory: Directory, set_aside: Collection[str] = ()
) -> Comparison:
    """Hold two waves or more, the oldest first, against each other. `directory` names operators in all of them."""
    pairs = [compare_pair(one, other, successors, directory, set_aside) for one, other in itertools.pairwise(waves)]
    examined: list[Examined] = []
    for pair in pairs:
        earlier = [one.shares for one in examined if not one.conditions]
        examined.append(examine(pair.before, pair.after, pair.tables["wave_bodies"], pair.yardstick, earlier))
    steps = [pair.tables["wave_bodies"] for pair in pairs]
    if len(waves) > 2:
        pairs.append(compare_pair(waves[0], waves[-1], successors, directory, set_aside))
    found = history.lives(waves, steps)
    tables = {name: pd.concat([pair.tables[name] for pair in pairs], ignore_index=True) for name in pairs[0].tables}
    tables |= {
        "waves": frame("waves", _rows(waves)),
        "wave_history": history.history(waves, found),
        "wave_survival": history.survival(waves, found),
    }
    missing = set(WAVE_TABLES) - {*tables, "rule_changes"}
    if missing:
        raise AssertionError(f"tables are missing: {missing}")
    return Comparison(tuple(waves), tables, tuple(pairs), tuple(examined))


def _rows(waves: Sequence[Wave]) -> Iterator[tuple[object, ...]]:
    """Rows of the table `waves`."""
    for number, wave in enumerate(waves, 1):
        said, run = wave.headline, wave.run
        manner = run.get("manner")
        resolvers = run.get("resolvers")
        yield (
            number,
            wave.name,
            history.moment(wave, "started_at"),
            history.asked_until(wave),
            said.get("evidence_head"),
            run.get("tool"),
            manner.get("passes") if isinstance(manner, dict) else None,
            list(resolvers) if isinstance(resolvers, list) else [],
            *(said.get(name, []) for name in ("lists_used", "lists_void")),
            *(said.get(name) for name in ("bodies", "bodies_surveyed", "bodies_listed", "bodies_unknown")),
            wave.is_read_again,
        )
