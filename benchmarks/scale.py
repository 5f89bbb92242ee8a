"""5,000 practice mail servers in one run, hostile ones among them: time, memory, verdicts; killed once in the middle.

The relay dialogue runs in a process of its own, which is killed (SIGKILL) when about a third of the servers have been
asked, and started again. Measured over the whole: seconds, the largest resident size of the asking process, and connections
per server. Everything is compared with what the servers are. `--servers N` makes it smaller.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from survey.catalogue import load_catalogue, select
from survey.collect import collect
from survey.evidence import Archive
from survey.exchanges import NO_QUESTION
from survey.practice.country import Country
from survey.practice.mailers import ASKER, TRUTH
from survey.practice.session import HOSTILE, KINDS, Mailer
from survey.practice.smtp import MailServers
from survey.practice.world import PRACTICE, serve
from survey.runs import RunFolder, load_tables
from survey.sitting import Manner
from survey.visits import visit

HOSTILE_SHARE = 0.1
CUT_OFF = "cut_off"


def servers(count: int) -> list[Mailer]:
    """That many practice servers, a tenth of them hostile."""
    random = Random(2002)
    friendly = [kind for kind in KINDS if kind not in HOSTILE]
    found = []
    for number in range(count):
        kind = random.choice(HOSTILE if random.random() < HOSTILE_SHARE else friendly)
        address = f"198.19.{number // 250}.{number % 250 + 1}"
        found.append(Mailer(address, f"mail.t{number}.example", (f"t{number}.example",), kind))
    return found


def prepare(folder: Path, mailers: list[Mailer]) -> None:
    """A small surveyed country, and a permission for every server."""
    country = Country.make(4)
    country.write_register(folder / "register.xlsx")
    lists = select("practice", load_catalogue())
    with serve(country) as served:
        run = RunFolder(folder / "run")
        collect(folder / "register.xlsx", run, lists, PRACTICE, [served.resolver], manner=Manner(passes=1))
    columns = ("address", "domain", "operator", "approver", "purpose", "valid_from", "valid_to", "contact", "forms")
    with (folder / "permission.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for one in mailers:
            row = (one.address, one.domains[0], "operator", "we", "scale", "2026-01-01", "2099-12-31", "here", "all")
            writer.writerow(row)


def ask(folder: Path) -> None:
    """The asking process."""
    ports: dict[str, int] = json.loads((folder / "ports.json").read_text())

    def reach(address: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", ports[address]

    patience = replace(PRACTICE.patience, connections=200)
    world = replace(PRACTICE, reach=reach, patience=patience)
    visit(RunFolder(folder / "run"), folder / "permission.csv", world, [], asker=ASKER)


def asked(folder: Path) -> int:
    """How many dialogues are in evidence."""
    return sum(row.type == NO_QUESTION for row in Archive(folder).rows())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--servers", type=int, default=5000)
    parser.add_argument("--ask", type=Path)
    options = parser.parse_args()
    if options.ask:
        ask(options.ask)
        return
    mailers = servers(options.servers)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, mailers)
        with MailServers(mailers) as served:
            ports = {one.address: served.reach(one.address, 25)[1] for one in mailers}
            (folder / "ports.json").write_text(json.dumps(ports))
            command = [sys.executable, "-m", "benchmarks.scale", "--ask", name]
            began = time.perf_counter()
            process = subprocess.Popen(command)
            while process.poll() is None and asked(folder / "run") < len(mailers) // 3:
                time.sleep(0.5)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            before = asked(folder / "run")
            subprocess.run(command, check=True)
            seconds = time.perf_counter() - began
            record = served.record()
        table = load_tables(folder / "run")["relay_servers"].set_index("address")
    most_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    wrong, cut = [], 0
    for one in mailers:
        row = table.loc[one.address]
        found = (str(row["verdict"]), row["reason"] if isinstance(row["reason"], str) else None)
        cut += found[1] == CUT_OFF
        if found != TRUTH[one.kind] and found[1] != CUT_OFF:
            wrong.append((one.address, one.kind, found))
    twice = [address for address, count in record.connections.items() if count > 1]
    figures = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "servers": len(mailers),
        "hostile": sum(one.kind in HOSTILE for one in mailers),
        "seconds": round(seconds, 1),
        "most_mib": round(most_mib),
        "asked_before_the_kill": before,
        "cut_off_by_the_kill": cut,
        "asked_twice": len(twice),
        "wrong_verdicts": len(wrong),
        "verdicts": table.loc[[one.address for one in mailers], "verdict"].value_counts().to_dict(),
    }
    print(json.dumps(figures, indent=2))
    out = Path("runs/scale")
    out.mkdir(parents=True, exist_ok=True)
    (out / "scale.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if twice or wrong or table.loc[[one.address for one in mailers], "verdict"].eq("not_asked").any():
        sys.exit(f"wrong: {wrong[:5]}; asked twice: {twice[:5]}")


if __name__ == "__main__":
    main()
