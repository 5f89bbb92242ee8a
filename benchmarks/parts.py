"""A register in parts, measured: one process, two and eight processes, two Dask workers, one after the other on the practice country.

For each: seconds of the pass, exchanges in its busiest second, bytes of evidence and exchanges per domain, the largest
resident size of a worker and of the gatherer. Then how many exchanges a second one gatherer can take in: opened, checked,
and given to the evidence. `--bodies N` makes it smaller. The name server shares the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import LocalCluster

from survey.catalogue import load_catalogue, select
from survey.collect import collect
from survey.dasking import DaskCrew
from survey.evidence import Archive
from survey.gathering import Crew
from survey.practice.country import Country
from survey.practice.world import PRACTICE, serve
from survey.processes import Processes
from survey.runs import TOOL, RunFolder
from survey.sitting import Manner
from survey.store import Store
from survey.streaming import Parcel, Tally, pack

LISTS = select("practice", load_catalogue())


def peak_mib(pid: int) -> float:
    """The largest resident size of a process so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


class Watch:
    """Looks now and then how large the workers have become."""

    def __init__(self, pids: Callable[[], list[int]]) -> None:
        self._pids, self._due, self.most = pids, 0.0, 0.0

    def __call__(self, done: int, expected: int, text: str) -> None:
        if time.monotonic() > self._due:
            self._due = time.monotonic() + 1.0
            for pid in self._pids():
                try:
                    self.most = max(self.most, peak_mib(pid))
                except OSError:
                    continue


def measure(name: str, folder: Path, country: Country, crew: Callable[[RunFolder], Crew] | None, watch: Watch) -> None:
    """Survey the country in one pass and print one line."""
    with serve(country) as served:
        arguments = (folder / "register.xlsx", RunFolder(folder / name), LISTS, PRACTICE, [served.resolver])
        began = time.monotonic()
        tables = collect(*arguments, manner=Manner(passes=1, window=1000), crew=crew, progress=watch)
        whole_s = time.monotonic() - began
    rows = list(Archive(folder / name).rows())
    seconds = Counter(row.asked_us // 1_000_000 for row in rows)
    asked_s = (max(row.asked_us for row in rows) - min(row.asked_us for row in rows)) / 1e6
    size = sum(path.stat().st_size for path in (folder / name).glob("evidence*.sqlite"))
    domains = tables["domains"]["domain"].nunique()
    lists = tables["lists"]
    zone = "." + str(lists.loc[lists["health"].eq("healthy"), "zone"].iloc[0])
    per_list = sum(row.name.endswith(zone) for row in rows) / domains
    print(
        f"| {name} | {whole_s:.1f} | {asked_s:.1f} | {len(rows):,} | {max(seconds.values()):,} | {len(rows) / domains:.1f} | {per_list:.2f} "
        f"| {size / domains:,.0f} | {size / len(rows):.0f} | {watch.most:.0f} |",
        flush=True,
    )


def take_in(folder: Path, rows: int) -> None:
    """How fast one process opens parcels of 500 exchanges, checks them and gives them to the evidence."""
    known = [tuple(row)[2:] for row in Archive(folder / "one").rows()]
    parcels = []
    for at in range(0, len(known) - 500, max(1, len(known) // 20)):
        blob = pack([known[at : at + 500], []])
        parcels.append(Parcel("t", 0, 500, blob, hashlib.sha256(blob).digest(), 0, 0))
    on_the_way = sum(len(parcel.blob) for parcel in parcels) / sum(parcel.rows for parcel in parcels)
    tally = Tally()
    began = time.monotonic()
    with Store(folder / "taken.sqlite", TOOL, {}) as store:
        for parcel in (parcels * (rows // 500 // len(parcels) + 1))[: rows // 500]:
            opened, _marks = parcel.open()
            store.append(opened)
            tally.add(len(opened), parcel.blob)
        given_s = time.monotonic() - began
    kept_s = time.monotonic() - began
    count = tally.rows
    print(
        f"\ngatherer: {count:,} exchanges given in {given_s:.1f} s ({count / given_s:,.0f}/s), on disk after {kept_s:.1f} s "
        f"({count / kept_s:,.0f}/s); {on_the_way:.0f} bytes each on the way"
    )


@contextmanager
def cluster() -> Iterator[str]:
    """A scheduler and two workers on this machine."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as found:
        yield str(found.scheduler_address)


def main() -> int:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=3515)
    options = parser.parse_args()
    country = Country.make(81)
    country.bodies = country.bodies[: options.bodies]
    cpu = subprocess.run(["nproc"], capture_output=True, text=True, check=False).stdout.strip()
    print(
        f"{len(country.bodies):,} bodies, {len(LISTS)} lists, one pass, {cpu} cores, Python {platform.python_version()}\n"
    )
    print(
        "| who | s, whole | s, asking | exchanges | in the busiest s | per domain | to one list | B/domain | B/exchange | worker MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        country.write_register(folder / "register.xlsx")
        measure("one", folder, country, None, Watch(lambda: [os.getpid()]))
        for number in (2, 8):
            made: list[Processes] = []

            def processes(run: RunFolder, number: int = number, made: list[Processes] = made) -> Crew:
                made.append(Processes(run, number))
                return made[-1]

            def pids(made: list[Processes] = made) -> list[int]:
                return [worker.process.pid or 0 for worker in made[-1]._busy.values()]

            measure(f"{number}-processes", folder, country, processes, Watch(pids))
        with cluster() as address:
            hired: list[DaskCrew] = []

            def dask(run: RunFolder) -> Crew:
                hired.append(DaskCrew(run, address))
                return hired[-1]

            measure("2-dask", folder, country, dask, Watch(lambda: list(hired[-1]._client.run(os.getpid).values())))
        take_in(folder, 1_000_000)
    print(f"gatherer's largest size: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
