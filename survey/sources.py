"""What an enquiry is answered from: the tables and the evidence of a run, or those of an asking made for the enquiry.

A source is a folder. Every word of it was read from its evidence; nothing here asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from . import blocklists, opt_outs
from .catalogue import Blocklist, load_selection
from .evidence import Archive
from .exchanges import A, Exchanges, at
from .frames import rows_of
from .opt_outs import OptOuts
from .runs import RunFolder, finished_rounds, load_tables, trusted
from .shelf import Shelf
from .tables import Listing
from .worlds import World

_AT_ONCE = 500
PlainRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A folder that answers: its tables, the lists as they were asked, and when."""

    folder: Path
    is_run: bool
    """A run of a survey; otherwise the lists were asked for this enquiry."""
    world: World
    tables: Shelf
    lists: Mapping[str, Blocklist]
    stored_zones: Mapping[str, str]
    opt_out: OptOuts
    head: str
    began_at: datetime
    ended_at: datetime
    """When the last pass ended; where none has, when the last thing was heard."""
    is_finished: bool

    @property
    def askable(self) -> Callable[[str], bool]:
        return self.world.askable

    @property
    def is_practice(self) -> bool:
        return self.world.name == "practice"

    def first_heard(self, listings: pd.DataFrame) -> dict[tuple[str, str], datetime]:
        """When the evidence first has each of these listings, per (address, zone), by answers that count."""
        of_id = {
            int(one): (address, zone)
            for address, zone, status, ids in rows_of(listings, "address", "zone", "status", "evidence_ids")
            if status == Listing.LISTED
            for one in ids
        }
        if not of_id:
            return {}
        archive = Archive(self.folder)
        rounds = Exchanges(trusted(archive, "round > 0"))
        conditions = blocklists.health(
            list(self.lists.values()), rounds, finished_rounds(archive.marks()), self.stored_zones
        )
        found: dict[tuple[str, str], datetime] = {}
        for wanted in _chunks(sorted(of_id)):
            # The ids are numbers: nothing that a stranger wrote comes into the question.
            for row in archive.rows(f"type = {A} AND id IN ({', '.join(map(str, wanted))})"):
                address, zone = of_id[row.id]
                is_listed = blocklists.judge(self.lists[zone], row).status is Listing.LISTED
                if is_listed and conditions[zone].why_not(row, ":" in address) is None:
                    found[address, zone] = min(at(row.asked_us), found.get((address, zone), at(row.asked_us)))
        return found


def heard_last(shelf: Shelf) -> list[datetime]:
    """When the last list was asked; nothing where none was."""
    moments = (part["asked_at"].max() for part in shelf.parts("listings", "asked_at"))
    return sorted(moment.to_pydatetime() for moment in moments if not pd.isna(moment))[-1:]


def plain_rows(table: pd.DataFrame) -> list[PlainRow]:
    """Rows as plain values; what is missing is None."""
    return [
        {str(name): None if not isinstance(one, list) and pd.isna(one) else one for name, one in row.items()}
        for row in table.to_dict("records")
    ]


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    return (numbers[place : place + _AT_ONCE] for place in range(0, len(numbers), _AT_ONCE))


def source_of_run(folder: RunFolder, world: World, opt_outs_now: Path | None = None) -> Source:
    """A run as a source. Whoever opted out, then or since (`opt_outs_now`), is not spoken about. Raises RunError."""
    settings, found = folder.settings(), load_tables(folder.path)
    stored = settings.get("stored_zones")
    # One that is named must be there: a misspelt path would speak about people who asked not to be asked.
    paths = [folder.opt_out_path] if folder.opt_out_path.exists() else []
    paths += [opt_outs_now] if opt_outs_now is not None else []
    times = [found.headline.get(name) for name in ("started_at", "finished_at", "rechecked_at")]
    moments = [datetime.fromisoformat(str(time)) for time in times if time]
    return Source(
        folder.path,
        True,
        world,
        found.frames,
        {one.zone: one for one in load_selection(folder.lists_path)},
        {str(zone): str(kept) for zone, kept in stored.items()} if isinstance(stored, dict) else {},
        opt_outs.joined(opt_outs.load(path) for path in paths),
        str(found.headline["evidence_head"]),
        min(moments),
        max([*moments, *heard_last(found.frames)]),
        bool(found.headline.get("finished_at")),
    )
