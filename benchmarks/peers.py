"""The survey and its peers, each doing the same job in a process of its own, and what each of them took.

    dnsperf     the limit: every question known beforehand, answers counted and thrown away
    massdns     C; only where MASSDNS names a binary: three runs, and glue of a few lines between them
    pycares, aiodns, pydnsbl, dnspython     Python
    ours        the loop with its evidence written and synced; or `collect`, from the register to tables on disk

The whole job is MX, then A (of the domain itself where there is no MX), then the lists; each name and address once. The
survey asks more than that in the same time: AAAA, SPF, DMARC, networks, health rounds, the words of listings.

Time is told as each client's own steps take, imports aside; the survey's reading of the register is among them. dnsperf
says itself how long it took from its first packet. So ratios are taken from first packets, where both sides note them:
the survey in its evidence, others when they ask for the first time.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from survey.names import reverse_name

from . import client_ours
from .child import ZONES, Family, Job, Pair, Taken, peak_mib
from .generated import Generated, Kind
from .serving import program

PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one client took in one round; `share` below 1 says that time and CPU are extrapolated from a part."""

    seconds: float
    cpu_s: float
    peak_mib: float
    questions: int
    lost: int
    missing: int
    """Listed pairs that it did not find."""
    invented: int
    """Pairs that it calls listed and that are not."""
    share: float = 1.0
    command_s: float | None = None
    """The whole process, from exec to exit, imports and all."""
    from_packet_s: float | None = None
    """The same as `seconds`, but from the first packet, where that was noted."""

    @property
    def per_s(self) -> float:
        return self.questions / self.seconds

    @property
    def per_cpu_s(self) -> float:
        return self.questions / self.cpu_s if self.cpu_s else 0.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What every client of one case is given."""

    made: Generated
    port: int
    folder: Path
    outstanding: int
    truth: frozenset[Pair]
    questions: tuple[int, int]
    """How many questions the list part has, and the whole job."""

    def job(self, client: str, folder: Path, share: float = 1.0) -> Job:
        return Job(
            client=client,
            port=self.port,
            folder=str(folder),
            addresses=str(self.folder / "addresses.txt"),
            register=str(self.folder / "register.csv"),
            outstanding=self.outstanding,
            share=share,
        )


Client = Callable[[Bench], Measured]


def write_inputs(made: Generated, folder: Path) -> tuple[int, int]:
    """The files that clients read: register, addresses, dnsperf's questions; how many of the lists, and in all."""
    made.write_register(folder / "register.csv")
    addresses = made.addresses()
    (folder / "addresses.txt").write_text("\n".join(addresses) + "\n", encoding="ascii")
    asked = list_questions(addresses)
    (folder / "lists.txt").write_text("\n".join(asked) + "\n", encoding="ascii")
    everything = [*name_questions(made), *asked]
    (folder / "whole.txt").write_text("\n".join(everything) + "\n", encoding="ascii")
    return len(asked), len(everything)


def list_questions(addresses: Iterable[str]) -> list[str]:
    """Every address with every list, as dnsperf reads questions."""
    reverses = [reverse_name(address) for address in addresses]
    return [f"{reverse}.{zone} A" for zone in ZONES for reverse in reverses]


def name_questions(made: Generated) -> list[str]:
    """MX of every domain, A of every host."""
    asked = [f"{domain} MX" for domain in made.domains()]
    asked += [f"{made.domain(n)} A" for n in range(made.size) if made.kind(n) is Kind.NONE]
    return [*asked, *(f"{host.name} A" for host in made.hosts())]


# -- clients in Python -----------------------------------------------------------------------------------------


def python(module: str, client: str, share: float = 1.0) -> Client:
    """A client that is a module of this package."""

    def measure(bench: Bench) -> Measured:
        with tempfile.TemporaryDirectory(dir=bench.folder) as name:
            folder = Path(name)
            taken, command_s = run_child(module, bench.job(client, folder, share), folder)
            found = _pairs(json.loads((folder / "listed.json").read_text()))
            # Of a part, time and CPU are extrapolated by questions: a part of the domains shares fewer addresses.
            times = 1.0 if share == 1.0 else bench.questions[client == "whole"] / taken.questions
            return Measured(
                taken.seconds * times,
                taken.cpu_s * times,
                taken.peak_mib,
                round(taken.questions * times),
                taken.lost,
                len(bench.truth - found) if share == 1.0 else 0,
                len(found - bench.truth),
                share,
                command_s if share == 1.0 else None,
                (taken.ended_us - taken.first_us) / 1e6 * times if taken.first_us else None,
            )

    return measure


def ours(client: str) -> Client:
    """The survey; what it found is read from its evidence, and for the whole job from its tables too."""

    def measure(bench: Bench) -> Measured:
        with tempfile.TemporaryDirectory(dir=bench.folder) as name:
            folder = Path(name)
            taken, command_s = run_child("client_ours", bench.job(client, folder), folder)
            is_whole = client != "loop"
            kept = folder / "run" if is_whole else folder
            heard = client_ours.read(kept)
            found = client_ours.listed(kept) if is_whole else heard.listed
            return Measured(
                taken.seconds,
                taken.cpu_s,
                taken.peak_mib,
                heard.questions,
                heard.lost,
                len(bench.truth - found),
                len(found - bench.truth),
                command_s=command_s,
                from_packet_s=(taken.ended_us - heard.first_us) / 1e6,
            )

    return measure


def run_child(module: str, job: Job, folder: Path) -> tuple[Taken, float]:
    """Run a client in a process of its own: what it says it took, and the seconds from exec to exit."""
    (folder / "job.json").write_text(json.dumps(asdict(job)), encoding="utf-8")
    command = [sys.executable, "-m", f"benchmarks.{module}", str(folder / "job.json")]
    began = time.perf_counter()
    with (folder / "said").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        family = Family(process.pid)
        while True:
            try:
                process.wait(0.02)
                break
            except subprocess.TimeoutExpired:
                # The processes that a client begins have ended before it reports: their size is seen from here.
                family.look()
                if time.perf_counter() - began > PATIENCE_S:
                    process.kill()
    command_s = time.perf_counter() - began
    said = (folder / "said").read_text(encoding="utf-8", errors="replace")
    if process.returncode:
        raise RuntimeError(f"{module} {job.client} failed:\n{said[-3000:]}")
    taken = Taken(**json.loads(said.splitlines()[-1]))
    return replace(taken, peak_mib=max(family.mib, taken.peak_mib)), command_s


def _pairs(rows: Iterable[Sequence[str]]) -> set[Pair]:
    return {(address, zone) for address, zone in rows}


# -- clients in C ----------------------------------------------------------------------------------------------


def dnsperf(questions: str, outstanding: int | None = None) -> Client:
    """dnsperf with a file of questions, once through. What answers say it does not tell: nothing is compared."""

    def measure(bench: Bench) -> Measured:
        binary, environment = program("dnsperf", "dnsperf")
        command = [binary, "-s", "127.0.0.1", "-p", str(bench.port), "-d", str(bench.folder / questions), "-n", "1"]
        command += ["-q", str(outstanding or bench.outstanding), "-c", "4", "-T", "1", "-t", "3", "-b", "4096"]
        said, cpu_s, mib = run_program(command, environment)
        figures = {
            key: float(found.group(1))
            for key, pattern in (
                ("sent", r"sent:\s+(\d+)"),
                ("lost", r"lost:\s+(\d+)"),
                ("s", r"Run time \(s\):\s+(\S+)"),
            )
            if (found := re.search(pattern, said))
        }
        return Measured(figures["s"], cpu_s, mib, int(figures["sent"]), int(figures["lost"]), 0, 0)

    return measure


def massdns_binary() -> str | None:
    """The massdns that MASSDNS names."""
    return os.environ.get("MASSDNS") or None


def massdns_lists(bench: Bench) -> Measured:
    """massdns about every address on every list: one run."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as name:
        asked = [line.partition(" ")[0] for line in (bench.folder / "lists.txt").read_text().splitlines()]
        began = time.perf_counter()
        run = _Massdns(bench, Path(name))
        found = run.ask("A", asked)
        seconds = time.perf_counter() - began
        return run.measured(seconds, _listed(found), bench.truth)


def massdns_whole(bench: Bench) -> Measured:
    """massdns three times: MX, A, lists, with what joins them. The glue's CPU time counts: it is part of the job."""
    domains = list(bench.made.domains())
    with tempfile.TemporaryDirectory(dir=bench.folder) as name:
        began, own = time.perf_counter(), time.process_time()
        run = _Massdns(bench, Path(name))
        exchangers = run.ask("MX", domains)
        hosts = {line.split()[-1].rstrip(".") for lines in exchangers.values() for line in lines if " MX " in line}
        # A denial without an MX: the domain itself takes its mail, if it has an address (RFC 5321 §5.1).
        hosts |= {domain for domain, lines in exchangers.items() if lines == ["NOERROR"]}
        places = run.ask("A", sorted(hosts - {""}))
        addresses = {line.split()[-1] for lines in places.values() for line in lines if " A " in line}
        found = run.ask("A", [line.partition(" ")[0] for line in list_questions(sorted(addresses))])
        pairs = _listed(found)
        seconds = time.perf_counter() - began
        measured = run.measured(seconds, pairs, bench.truth)
        return replace(measured, cpu_s=measured.cpu_s + time.process_time() - own)


class _Massdns:
    """massdns with the same time-outs and as many outstanding as every other client."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self._bench, self._folder = bench, folder
        (folder / "resolvers.txt").write_text(f"127.0.0.1:{bench.port}\n", encoding="ascii")
        self.cpu_s = self.peak = 0.0
        self.questions = self.lost = 0

    def ask(self, type_: str, names: Sequence[str]) -> dict[str, list[str]]:
        """Per name that got an answer, its return code and then its records as lines."""
        asked, out = self._folder / f"asked-{self.questions}", self._folder / f"out-{self.questions}"
        asked.write_text("\n".join(names) + "\n", encoding="ascii")
        command = [str(massdns_binary()), "-r", str(self._folder / "resolvers.txt"), "-t", type_, "--root", "-q"]
        command += [
            "-s",
            str(self._bench.outstanding),
            "-i",
            "1000",
            "-c",
            "3",
            "-o",
            "Snqr",
            "-w",
            str(out),
            str(asked),
        ]
        _, cpu_s, mib = run_program(command, dict(os.environ))
        self.cpu_s, self.peak = self.cpu_s + cpu_s, max(self.peak, mib)
        found: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in out.read_text(encoding="ascii").splitlines():
            words = line.split()
            if len(words) >= 5 and words[1].isdigit():
                # resolver, time, return code, question; the answer's records follow, one a line
                lines = [words[2]]
                if words[2] in ("NOERROR", "NXDOMAIN"):
                    found[words[3].rstrip(".").lower()] = lines
            elif words:
                lines.append(line)
        self.questions += len(names)
        self.lost += len(set(names)) - len(found)
        return found

    def measured(self, seconds: float, found: set[Pair], truth: frozenset[Pair]) -> Measured:
        missing, invented = len(truth - found), len(found - truth)
        return Measured(seconds, self.cpu_s, self.peak, self.questions, self.lost, missing, invented)


def _listed(found: Mapping[str, Sequence[str]]) -> set[Pair]:
    pairs = set()
    for name, lines in found.items():
        if len(lines) > 1:
            reverse, _, zone = name.partition(".list")
            pairs.add((".".join(reversed(reverse.split("."))), f"list{zone}"))
    return pairs


def run_program(command: Sequence[str], environment: Mapping[str, str]) -> tuple[str, float, float]:
    """Run a program to its end: what it printed, its CPU seconds, and the largest size seen of it."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=dict(environment))
        peak, until = 0.0, time.monotonic() + PATIENCE_S
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > until:
                process.kill()
            peak = max(peak, peak_mib(process.pid))
            time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed ({process.returncode}):\n{said[-2000:]}")
    return said, usage.ru_utime + usage.ru_stime, peak


# -- who takes part --------------------------------------------------------------------------------------------

SLOW_SHARE = 0.1

LIST_PART: dict[str, Client] = {
    "ours": ours("loop"),
    "dnsperf": dnsperf("lists.txt"),
    "massdns": massdns_lists,
    "pycares": python("client_cares", "pycares"),
    "aiodns": python("client_cares", "aiodns"),
    "pydnsbl": python("client_cares", "pydnsbl"),
    "dnspython": python("client_dnspython", "dnspython", SLOW_SHARE),
}
WHOLE: dict[str, Client] = {
    "ours": ours("whole"),
    "ours, with SPF, DMARC, networks": ours("context"),
    "dnsperf": dnsperf("whole.txt"),
    "massdns": massdns_whole,
    "aiodns + pydnsbl": python("client_cares", "whole"),
    "dnspython + pydnsbl": python("client_dnspython", "whole"),
}
