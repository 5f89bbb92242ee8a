"""One measured client: a process of its own, told what to do by a file, that prints what it took as one line of JSON.

Time and CPU run from the client's first own step to its last; imports, reading the job and writing what was found are
left aside. CPU is user and system time of every thread and of processes that the client has waited for.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

ZONES = tuple(f"list{number:02d}.dnsbl.test" for number in range(1, 13))
"""The lists of the benchmark's world; they stand here so that clients import nothing of it."""

Pair = tuple[str, str]
"""An address, and a list on which it stands."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a client is to do."""

    client: str
    port: int
    folder: str
    """Its own; it is empty."""
    addresses: str
    """A file with one address a line."""
    register: str
    """A file with one company a row, its domain in the last column."""
    outstanding: int
    timeout_s: float = 1.0
    tries: int = 3
    share: float = 1.0
    """How much of the work a slow client does; its time is extrapolated."""

    @property
    def server(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def read_addresses(self) -> list[str]:
        """The addresses of the list part."""
        return self._part(Path(self.addresses).read_text(encoding="ascii").split())

    def read_domains(self) -> list[str]:
        """The domains of the whole job."""
        rows = Path(self.register).read_text(encoding="utf-8").split("\n")[1:]
        return self._part([row.rstrip().rpartition(",")[2] for row in rows if row])

    def _part(self, everything: list[str]) -> list[str]:
        return everything[: max(1, round(len(everything) * self.share))]


@dataclass(slots=True)
class Heard:
    """What a client asked and heard."""

    questions: int = 0
    lost: int = 0
    """Questions that got neither records nor a denial."""
    listed: set[Pair] = field(default_factory=set)
    first_us: int = 0
    """When the first packet went out, in microseconds of the wall clock; 0 where nobody noted it."""

    def asks(self) -> None:
        """A question goes out now."""
        self.first_us = self.first_us or now_us()


@dataclass(frozen=True, slots=True)
class Taken:
    """What a job took."""

    seconds: float
    cpu_s: float
    peak_mib: float
    questions: int
    lost: int
    ended_us: int
    """When it ended, in microseconds of the wall clock."""
    first_us: int = 0
    """When its first packet went out; 0 where it did not note it."""


def run(clients: dict[str, Callable[[Job], Heard]]) -> None:
    """Do the job in the file that the command names, and print what it took."""
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = Job(**told)
    client = clients[job.client]
    cpu, began = _cpu(), time.perf_counter()
    heard = client(job)
    seconds, cpu, ended_us = time.perf_counter() - began, _cpu() - cpu, now_us()
    taken = Taken(seconds, cpu, peak_mib(), heard.questions, heard.lost, ended_us, heard.first_us)
    write_pairs(Path(job.folder) / "listed.json", heard.listed)
    print(json.dumps(asdict(taken)))


def write_pairs(path: Path, pairs: Iterable[Pair]) -> None:
    """Keep what was found."""
    path.write_text(json.dumps(sorted(pairs)), encoding="ascii")


def now_us() -> int:
    """Microseconds of the wall clock."""
    return time.time_ns() // 1000


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def peak_mib(process: int | str = "self") -> float:
    """The largest resident size of a process so far.

    Not `ru_maxrss`: that begins with the size of whoever started the process.
    """
    return _size_mib(process, "VmHWM:")


def _size_mib(process: int | str, which: str) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(which)), 0.0)


class Family:
    """The resident size of a process and of all that it began, together; to be looked at while it runs.

    What they share is counted once for each. Between two looks only the largest size of each alone is seen.
    """

    def __init__(self, process: int) -> None:
        self._process = process
        self.mib = 0.0
        """The largest so far."""

    def look(self) -> None:
        """See who is there."""
        todo, together = [self._process], 0.0
        while todo:
            one = todo.pop()
            try:
                together += _size_mib(one, "VmRSS:")
                self.mib = max(self.mib, peak_mib(one) if one == self._process else 0.0)
                for task in Path(f"/proc/{one}/task").iterdir():
                    todo += map(int, (task / "children").read_text(encoding="ascii").split())
            except OSError:  # it has ended meanwhile
                continue
        self.mib = max(self.mib, together)
