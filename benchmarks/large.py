"""A country's companies: 194,953 domains behind a network that loses packets, killed twice and gone on with.

    python -m benchmarks.large [--domains N] [--compare]

The survey runs in a process of its own and is killed (SIGKILL) at two random moments. Measured: seconds per domain beside
those of the world of 2002 through the same network, the largest size of the asking process, and answers lost. What the
tables say is held against the truth; with --compare against those of a run that nobody killed. Figures go to
runs/bench/large.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.runs import TABLE_NAMES

from . import client_ours, serving
from .bench import OUT, SEED, SIZE, machine
from .child import Family, Job
from .generated import Generated, code
from .serving import Network

SIZE_2002 = 194_953
LOSS = 0.005
TRIES = 4
"""At 0.5 % loss one question in 8 million is lost three times running: with a million and more, that is a fourth try."""
OUTSTANDING = 1_000
SLOWER_MOST, PEAK_MOST_MIB = 1.15, 600.0
_TIMED = ("evidence", "asked_at", "rounds")
"""What no two runs have in common: when and how often something was asked, and under which number it was kept."""


@dataclass(slots=True)
class Run:
    """One survey, in one or more lives."""

    seconds: float = 0.0
    peak_mib: float = 0.0
    kills: int = 0
    killed_after_s: tuple[float, ...] = ()


def survey(job: Job, kill_after_s: Sequence[float] = ()) -> Run:
    """Survey a register into the job's folder, killed so many seconds into each life but the last."""
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.json").write_text(json.dumps(asdict(job)), encoding="utf-8")
    run = Run()
    for limit in (*kill_after_s, None):
        began = time.perf_counter()
        with (folder / "output").open("wb") as out:
            command = [sys.executable, "-m", "benchmarks.client_ours", str(folder / "job.json")]
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
            family = Family(process.pid)
            while process.poll() is None:
                family.look()
                if limit is not None and time.perf_counter() - began > limit:
                    os.kill(process.pid, signal.SIGKILL)
                    process.wait()
                    run.kills += 1
                    run.killed_after_s += (round(limit, 1),)
                    break
                time.sleep(0.05)
        run.seconds += time.perf_counter() - began
        run.peak_mib = max(run.peak_mib, family.mib)
        if process.returncode == 0:
            return run
        if process.returncode != -signal.SIGKILL or limit is None:
            said = (folder / "output").read_text(errors="replace")
            raise RuntimeError(f"the survey failed ({process.returncode}):\n{said[-3000:]}")
    return run


def faults(made: Generated, run: Path) -> list[str]:
    """Everything in a run's tables and evidence that is not as the world was made."""
    found = []
    heard = client_ours.read(run)
    if heard.lost:
        found.append(f"{heard.lost:,} questions without an answer")
    for name, pairs in (("evidence", heard.listed), ("listings", client_ours.listed(run))):
        if pairs != made.pairs():
            missing, invented = len(made.pairs() - pairs), len(pairs - made.pairs())
            found.append(f"{name}: {missing:,} listed pairs missing, {invented:,} invented")
    rows = client_ours.table(run, "findings", ["code", "status"])
    said = dict(zip(rows["code"].map(str), rows["status"].map(str), strict=True))
    wrong = [code(n) for n in range(made.size) if said.get(code(n)) != made.status(n)]
    if wrong or len(rows) != made.size:
        found.append(f"findings: {len(rows):,} rows for {made.size:,} companies, {len(wrong):,} wrong, {wrong[:3]}")
    return found


def differences(one: Path, other: Path) -> list[str]:
    """The tables in which two runs differ, but for when and under which number something was heard."""
    found = []
    for name in TABLE_NAMES:
        left, right = (_rows(client_ours.table(run, name)) for run in (one, other))
        if not np.array_equal(left, right):
            here, there = len(np.setdiff1d(left, right)), len(np.setdiff1d(right, left))
            found.append(f"{name}: {len(left):,} and {len(right):,} rows, {here:,} here only, {there:,} there only")
    return found


def _rows(table: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """A number for each row that says what it holds, in order."""
    columns = [column for column in table.columns if not any(word in column for word in _TIMED)]
    return np.sort(pd.util.hash_pandas_object(table[columns].map(str), index=False).to_numpy(dtype=np.uint64))


def per_domain(size: int, folder: Path, runs: int) -> float:
    """Seconds per domain of the world of 2002 through the same network: the median of a few runs."""
    made, seconds = Generated.make(size, SEED), []
    folder.mkdir()
    made.write_register(folder / "register.csv")
    with serving.nsd(made, folder) as server, serving.network(made, server, Network(loss=LOSS), folder) as port:
        for number in range(runs):
            seconds.append(survey(_job(folder, port, folder / f"small-{number}")).seconds)
    return statistics.median(seconds) / size


def _job(folder: Path, port: int, to: Path) -> Job:
    return Job("whole", port, str(to), "", str(folder / "register.csv"), OUTSTANDING, tries=TRIES)


def measure(
    domains: int, small: int, runs: int, folder: Path, *, is_compared: bool, kills: Sequence[float] = ()
) -> dict[str, object]:
    """Everything, as one record; `kills` says how many seconds the first lives have, else chance does."""
    small_s = per_domain(small, folder / "small", runs)
    made = Generated.make(domains, SEED)
    made.write_register(folder / "register.csv")
    expected_s, random = small_s * domains, SystemRandom()
    # A large world takes a third of the time per domain; both lives must end before that.
    kills = kills or [expected_s * random.uniform(0.03, 0.12) for _ in range(2)]
    with serving.nsd(made, folder) as server, serving.network(made, server, Network(loss=LOSS), folder) as port:
        killed = survey(_job(folder, port, folder / "killed"), kills)
        wrong = faults(made, folder / "killed" / "run")
        record: dict[str, object] = {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "domains": domains,
            "addresses": made.ipv4_n,
            "loss": LOSS,
            "small_domains": small,
            "small_ms_per_domain": small_s * 1000,
            "killed": asdict(killed),
            "killed_ms_per_domain": killed.seconds / domains * 1000,
            "evidence_mib": _mib(folder / "killed" / "run"),
            "faults": wrong,
        }
        whole, peak = killed, killed.peak_mib
        if is_compared:
            whole = survey(_job(folder, port, folder / "whole"))
            peak = max(peak, whole.peak_mib)
            record["uninterrupted"] = asdict(whole)
            record["uninterrupted_ms_per_domain"] = whole.seconds / domains * 1000
            record["differences"] = differences(folder / "killed" / "run", folder / "whole" / "run")
    slower = whole.seconds / domains / small_s
    which = "uninterrupted" if is_compared else "killed and gone on with"
    record["targets"] = [
        {
            "text": f"time per domain / the small world's, {which}",
            "ratio": slower,
            "bound": SLOWER_MOST,
            "is_met": slower <= SLOWER_MOST,
        },
        {"text": "peak memory, MiB", "ratio": peak, "bound": PEAK_MOST_MIB, "is_met": peak <= PEAK_MOST_MIB},
        {"text": "answers lost, listings wrong", "ratio": len(wrong), "bound": 0, "is_met": not wrong},
    ]
    return record


def _mib(run: Path) -> float:
    return sum(path.stat().st_size for path in run.glob("evidence*")) / 2**20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when an answer was lost or a table is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--domains", type=int, default=int(os.environ.get("DOMAINS") or SIZE_2002))
    parser.add_argument("--small", type=int, default=SIZE, help="size of the world that it is held against")
    parser.add_argument(
        "--compare", action="store_true", help="run it a second time, uninterrupted, and compare tables"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    if absent := serving.missing():
        print(f"scale: {', '.join(absent)} not here; run make daemons", file=sys.stderr)
        return 2
    runs = int(os.environ.get("RUNS", "3"))
    with tempfile.TemporaryDirectory() as name:
        record = measure(options.domains, options.small, runs, Path(name), is_compared=options.compare)
    print(json.dumps(record, indent=2))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "large.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 1 if record["faults"] or record.get("differences") else 0


if __name__ == "__main__":
    sys.exit(main())
