"""The survey as a client: its loop alone for the list part, and `collect`, one pass, for the whole job."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pandas as pd

from survey.collect import collect
from survey.evidence import Archive
from survey.exchanges import SURVEY_ROUND, A, is_usable
from survey.names import encode_name, reverse_name, reverse_wire
from survey.runs import TOOL, RunFolder
from survey.sitting import Manner
from survey.store import Store
from survey.wire.dns import DnsWire, Half

from .child import ZONES, Heard, Job, Pair, run
from .generated import lists, world


def loop(job: Job) -> Heard:
    """Ask every list about every address; the evidence is written and synced when this returns."""
    heard, store = Heard(), Store(Path(job.folder) / "evidence.sqlite", TOOL, {})
    store.start()
    halves = [Half(reverse_name(a), reverse_wire(a), A, 1, SURVEY_ROUND) for a in job.read_addresses()]
    wire = DnsWire([job.server], world(job.timeout_s, job.tries), window=job.outstanding)
    with store, closing(wire):
        for zone in ZONES:
            wire.open_channel(zone, encode_name(zone))
            wire.ask(zone, halves)
        for batch in wire.exchanges():
            store.append(batch.rows)
            heard.questions += len(batch.rows)
            heard.lost += len(batch.given_up)
    return heard


def whole(job: Job) -> Heard:
    """Survey the register in one pass, from the register to tables on disk: what the peers' whole job is."""
    return _collect(job, has_context=False)


def context(job: Job) -> Heard:
    """The same as users do it: with SPF, DMARC and the networks of addresses."""
    return _collect(job, has_context=True)


def _collect(job: Job, *, has_context: bool) -> Heard:
    collect(
        Path(job.register),
        RunFolder(Path(job.folder) / "run"),
        lists(),
        world(job.timeout_s, job.tries),
        [job.server],
        manner=Manner(passes=1, window=job.outstanding, has_context=has_context),
    )
    return Heard()


def read(folder: Path) -> Heard:
    """What the evidence in a folder holds: exchanges, the first one's time, what got no usable answer, listed pairs."""
    # A hash stands for each question: there may be millions.
    heard, answered, asked = Heard(), set[int](), set[int]()
    for row in Archive(folder).rows():
        heard.first_us = min(heard.first_us or row.asked_us, row.asked_us)
        if row.round != SURVEY_ROUND:
            continue
        heard.questions += 1
        asked.add(hash((row.name, row.type)))
        if is_usable(row):
            answered.add(hash((row.name, row.type)))
            reverse, is_list, zone = row.name.partition(".list")
            if is_list and row.type == A and row.answer[6:8] != b"\0\0":
                heard.listed.add((".".join(reversed(reverse.split("."))), f"list{zone}"))
    heard.lost = len(asked - answered)
    return heard


def table(folder: Path, name: str, columns: list[str] | None = None) -> pd.DataFrame:
    """A table of a run, written as one file or in parts."""
    whole = folder / "tables" / f"{name}.parquet"
    return pd.read_parquet(whole if whole.exists() else folder / "tables" / name, columns=columns)


def listed(folder: Path) -> set[Pair]:
    """The pairs that the table `listings` of a run says are listed."""
    found = table(folder, "listings", ["address", "zone", "status"])
    rows = found.loc[found["status"].eq("listed"), ["address", "zone"]]
    return {(str(address), str(zone)) for address, zone in rows.itertuples(index=False)}


if __name__ == "__main__":
    run({"loop": loop, "whole": whole, "context": context})
