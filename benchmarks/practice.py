"""How long the practice survey takes as a whole, beside pydnsbl's time for its list part, in one run.

Both ask the same server in the same run: the practice country of 2002 on loopback. The survey's time runs from the first
packet to tables on disk, evidence written and synced; pydnsbl asks the same (address, list) pairs of the healthy lists
and keeps nothing. Medians of RUNS; the figures go to runs/bench/bench.json too.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import aiodns
from pydnsbl import DNSBLIpChecker
from pydnsbl.providers import Provider

from survey.catalogue import load_catalogue, select
from survey.collect import collect
from survey.practice.country import HEALTHY, Country
from survey.practice.world import PRACTICE, Served, serve
from survey.runs import RunFolder, Tables
from survey.sitting import Manner

RUNS = int(os.environ.get("RUNS", "5"))
LIMITS_S = {"one pass": 8.0, "two passes": 15.0}


def survey(served: Served, passes: int) -> tuple[float, Tables]:
    """One whole survey into a new folder: seconds, and its tables."""
    with tempfile.TemporaryDirectory() as folder:
        register = Path(folder) / "register.xlsx"
        served.country.write_register(register)
        began = time.perf_counter()
        tables = collect(
            register,
            RunFolder(Path(folder) / "run"),
            select("practice", load_catalogue()),
            PRACTICE,
            [served.resolver],
            manner=Manner(passes=passes),
        )
        return time.perf_counter() - began, tables


def pydnsbl(served: Served, addresses: list[str]) -> float:
    """pydnsbl's own bulk check of the same addresses on the same healthy lists, its defaults but for the server."""

    async def check() -> None:
        loop = asyncio.get_running_loop()
        checker = DNSBLIpChecker(providers=[Provider(zone) for zone in HEALTHY], loop=loop)
        host, port = served.resolver
        checker._resolver = aiodns.DNSResolver(
            nameservers=[host], udp_port=port, tcp_port=port, timeout=5, tries=2, loop=loop
        )
        await asyncio.gather(*(checker.check_async(address) for address in addresses))

    began = time.perf_counter()
    asyncio.run(check())
    return time.perf_counter() - began


def medians(measure: Callable[[], float]) -> dict[str, float]:
    """Least, median and most of RUNS runs, in seconds."""
    times = [measure() for _ in range(RUNS)]
    return {"least_s": min(times), "median_s": statistics.median(times), "most_s": max(times)}


def main() -> None:
    """Measure, print a table, write runs/bench/bench.json."""
    country = Country.make(81)
    with serve(country) as served:
        _, tables = survey(served, 1)
        listings = tables["listings"]
        asked = listings.loc[listings["zone"].isin(HEALTHY) & listings["status"].ne("not_asked")]
        addresses = [address for address in sorted(set(asked["address"])) if ":" not in address]
        figures = {
            "one pass": medians(lambda: survey(served, 1)[0]),
            "two passes": medians(lambda: survey(served, 2)[0]),
            "pydnsbl, list part of one pass": medians(lambda: pydnsbl(served, addresses)),
        }
    print(
        f"{len(country.domains):,} domains, {len(addresses):,} IPv4 addresses x {len(HEALTHY)} healthy lists, medians of {RUNS}"
    )
    for name, figure in figures.items():
        limit = f"  (limit {LIMITS_S[name]:.0f} s)" if name in LIMITS_S else ""
        print(f"{name:34} {figure['median_s']:6.2f} s  ({figure['least_s']:.2f} to {figure['most_s']:.2f}){limit}")
    ratio = figures["one pass"]["median_s"] / figures["pydnsbl, list part of one pass"]["median_s"]
    print(f"whole survey, one pass / pydnsbl's list part: {ratio:.2f}")
    out = Path("runs/bench")
    out.mkdir(parents=True, exist_ok=True)
    record = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "runs": RUNS,
        "practice": figures,
        "ratio_one_pass_to_pydnsbl": ratio,
    }
    (out / "bench.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
