"""How fast, beside its peers, in one run: the survey's loop and the whole job, on real servers and a made network.

    python -m benchmarks.bench [--small] [--write-readme]

Every client is a process of its own; in each round they take turns, so that the machine's drift hits all alike. Medians
of RUNS rounds (5), with least and most; ratios are taken within a round. MASSDNS names a massdns to measure; without
one, figures of another run stand in and are called so. Everything goes to runs/bench/bench.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from survey.catalogue import load_catalogue, select
from survey.collect import collect
from survey.practice.country import Country
from survey.practice.world import PRACTICE, serve
from survey.runs import RunFolder
from survey.sitting import Manner

from . import peers, serving
from .generated import Generated
from .peers import LIST_PART, WHOLE, Bench, Client, Measured
from .serving import STRAIGHT, Network

OUT = Path("runs/bench")
SIZE, SMALL = 3_557, 200
SEED = 2002
PRACTICE_LIMIT_S = 8.0


@dataclass(frozen=True, slots=True)
class Case:
    """One situation, and who takes part in it."""

    key: str
    english: str
    japanese: str
    clients: Mapping[str, Client]
    network: Network = STRAIGHT
    outstanding: int = 1_000
    by_unbound: bool = False


def _only(*names: str) -> dict[str, Client]:
    return {name: WHOLE[name] for name in names}


_FEW = _only("ours", "massdns", "aiodns + pydnsbl")
CASES = (
    Case("lists", "List part, straight to the server", "リスト照会のみ、サーバーへ直接", LIST_PART),
    Case("straight", "Whole job, straight to the server", "全工程、サーバーへ直接", WHOLE),
    Case("unbound", "Whole job, through warm unbound", "全工程、キャッシュ済みの unbound 経由", _FEW, by_unbound=True),
    Case("loss", "Whole job, 0.5 % of packets lost", "全工程、パケット損失 0.5 %", _FEW, Network(loss=0.005)),
    Case("delay", "Whole job, answers held 20 ms", "全工程、応答遅延 20 ms", WHOLE, Network(20), 500),
    Case(
        "silent",
        "Whole job, 20 ms, 1 % of the names silent",
        "全工程、遅延 20 ms、名前の 1 % が無応答",
        _FEW,
        Network(20, has_silent=True),
        500,
    ),
)
SMALL_CASES = ("lists", "straight", "silent")


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached: our figure against a peer's in the same round."""

    text: str
    japanese: str
    case: str
    peer: str
    figure: str
    """times: how many times as fast as the peer; time: our seconds to its; command: our whole process to its seconds."""
    bound: float
    is_from_packet: bool = True
    """Whether both sides' time runs from the first packet, where that was noted; else from the first own step."""

    @property
    def is_met_above(self) -> bool:
        return self.figure == "times"

    def ratio(self, ours: Measured, peer: Measured) -> float:
        mine, theirs = ((self.is_from_packet and one.from_packet_s) or one.seconds for one in (ours, peer))
        match self.figure:
            case "times":
                return theirs / mine
            case "time":
                return mine / theirs
            case _:
                return (ours.command_s or 0.0) / theirs

    def is_met(self, ratio: float) -> bool:
        return ratio >= self.bound if self.is_met_above else ratio <= self.bound


TARGETS = (
    Target(
        "list part, loop alone: speed / dnsperf's",
        "リスト照会のループ: dnsperf 比の速さ",
        "lists",
        "dnsperf",
        "times",
        0.80,
    ),
    Target(
        "list part, loop alone: speed / pydnsbl's",
        "リスト照会のループ: pydnsbl 比の速さ",
        "lists",
        "pydnsbl",
        "times",
        10.0,
        is_from_packet=False,
    ),
    Target(
        "whole job: speed / that of aiodns + pydnsbl",
        "全工程: aiodns + pydnsbl 比の速さ",
        "straight",
        "aiodns + pydnsbl",
        "times",
        5.0,
    ),
    Target("whole job: time / massdns'", "全工程: massdns 比の時間", "straight", "massdns", "time", 2.0),
    Target("whole command: time / massdns'", "コマンド全体: massdns 比の時間", "straight", "massdns", "command", 3.5),
    Target(
        "whole job, 20 ms: time / massdns'", "全工程、遅延 20 ms: massdns 比の時間", "delay", "massdns", "time", 1.2
    ),
    Target(
        "whole job, 20 ms, silent names: time / massdns'",
        "全工程、遅延 20 ms と無応答: massdns 比の時間",
        "silent",
        "massdns",
        "time",
        0.75,
    ),
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """massdns' figure of another run, with a world of the same size and dnsperf beside it."""

    seconds: float
    by_speed: bool
    """Whether the machine's speed decides, so that it is scaled by dnsperf of this run; else waiting does."""


DNSPERF_THEN, QUESTIONS_THEN = 128_000.0, 50_304
"""dnsperf's questions a second in that run, and how many the list part had."""
STAND_INS = {
    "lists": StandIn(50_304 / 129_000, True),
    "straight": StandIn(0.67, True),
    "unbound": StandIn(1.24, True),
    "delay": StandIn(3.21, False),
    "silent": StandIn(14.2, False),
}


def stand_in(case: str, dnsperf: Measured) -> Measured | None:
    """What stands for massdns in a round in which dnsperf took so long; nothing where no figure is known."""
    known = STAND_INS.get(case)
    if known is None:
        return None
    speed = DNSPERF_THEN / dnsperf.per_s if known.by_speed else 1.0
    return Measured(known.seconds * speed * dnsperf.questions / QUESTIONS_THEN, 0.0, 0.0, 0, 0, 0, 0)


Rounds = dict[str, dict[str, list[Measured]]]
"""Case → client → one figure per round."""


@contextmanager
def benches(made: Generated, cases: Sequence[Case], folder: Path) -> Iterator[dict[str, Bench]]:
    """Everything that the cases ask, running; what each case gives its clients."""
    questions = peers.write_inputs(made, folder)
    truth = {silent: frozenset(made.pairs(with_silent=not silent)) for silent in (False, True)}
    with ExitStack() as stack:
        server = stack.enter_context(serving.nsd(made, folder))
        found = {}
        for case in cases:
            if case.by_unbound:
                lists = stack.enter_context(serving.rbldnsd(made, folder))
                port = stack.enter_context(serving.unbound(server, lists, folder))
                serving.warm(port, (folder / "whole.txt").read_text(encoding="ascii").splitlines())
            else:
                port = stack.enter_context(serving.network(made, server, case.network, folder))
            found[case.key] = Bench(made, port, folder, case.outstanding, truth[case.network.has_silent], questions)
        yield found


def measure(
    made: Generated, cases: Sequence[Case], runs: int, without: Sequence[str], say: Callable[[str], None]
) -> Rounds:
    """All rounds of all cases."""
    rounds: Rounds = {case.key: {} for case in cases}
    with tempfile.TemporaryDirectory() as name, benches(made, cases, Path(name)) as given:
        for number in range(1, runs + 1):
            for case in cases:
                for client, do in case.clients.items():
                    if any(word in client for word in without):
                        continue
                    one = do(given[case.key])
                    rounds[case.key].setdefault(client, []).append(one)
                    say(f"round {number}: {case.english}: {client}: {one.seconds:.2f} s")
    if peers.massdns_binary() is None:
        for key, by_client in rounds.items():
            found = [stand_in(key, one) for one in rounds["lists"]["dnsperf"]]
            if by_client and (known := [one for one in found if one is not None]):
                by_client["massdns"] = known
    return rounds


def practice_country(runs: int) -> dict[str, float]:
    """One pass over the practice country of 2002, which a server in Python serves: its list of traps, on one core."""
    country, seconds = Country.make(81), []
    with serve(country) as served:
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as name:
                register = Path(name) / "register.xlsx"
                country.write_register(register)
                lists = select("practice", load_catalogue())
                run = RunFolder(Path(name) / "run")
                began = time.perf_counter()
                collect(register, run, lists, PRACTICE, [served.resolver], manner=Manner(passes=1))
                seconds.append(time.perf_counter() - began)
    return {**spread(seconds), "limit": PRACTICE_LIMIT_S}


# -- what is said of it ----------------------------------------------------------------------------------------


def spread(values: Sequence[float]) -> dict[str, float]:
    """Least, median and most."""
    return {"least": min(values), "median": statistics.median(values), "most": max(values)}


def summary(rounds: Sequence[Measured]) -> dict[str, object]:
    """One client in one case: medians, least and most, and every round."""
    first = rounds[0]
    found: dict[str, object] = {
        "seconds": spread([one.seconds for one in rounds]),
        "cpu_s": statistics.median(one.cpu_s for one in rounds),
        "peak_mib": max(one.peak_mib for one in rounds),
        "questions": first.questions,
        "per_s": statistics.median(one.per_s for one in rounds),
        "per_cpu_s": statistics.median(one.per_cpu_s for one in rounds),
        "lost": max(one.lost for one in rounds),
        "missing": max(one.missing for one in rounds),
        "invented": max(one.invented for one in rounds),
        "share": first.share,
        "is_stand_in": not first.questions,
        "rounds": [asdict(one) for one in rounds],
    }
    if first.command_s is not None:
        found["command_s"] = spread([one.command_s or 0.0 for one in rounds])
    return found


def judged(rounds: Rounds) -> list[dict[str, object]]:
    """Every target whose figures are there: its ratio in each round, and whether the median meets it."""
    found: list[dict[str, object]] = []
    for target in TARGETS:
        by_client = rounds.get(target.case, {})
        both = zip(by_client.get("ours", ()), by_client.get(target.peer, ()), strict=False)
        ratios = [target.ratio(ours, peer) for ours, peer in both]
        if ratios:
            middle = statistics.median(ratios)
            found.append(
                {
                    "text": target.text,
                    "text_ja": target.japanese,
                    "bound": target.bound,
                    "sense": ">=" if target.is_met_above else "<=",
                    "ratio": spread(ratios),
                    "is_met": target.is_met(middle),
                    "is_stand_in": not by_client[target.peer][0].questions,
                }
            )
    return found


def machine() -> str:
    """What this was measured on."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(
            (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), ""
        )
    except OSError:
        model = ""
    return ", ".join(
        filter(
            None, (f"{platform.system()} {platform.release()} {platform.machine()}", model, f"{os.cpu_count()} cores")
        )
    )


def versions() -> dict[str, str]:
    """Versions of everything that took part."""
    found = {"python": platform.python_version()}
    found |= {name: version(name) for name in ("survey", "pycares", "aiodns", "pydnsbl", "dnspython", "uvloop")}
    for root, name, words in (
        ("root", "nsd", ["-v"]),
        ("root", "rbldnsd", ["-h"]),
        ("root", "unbound", ["-V"]),
        ("dnsdist", "dnsdist", ["--version"]),
        ("dnsperf", "dnsperf", ["-h"]),
    ):
        binary, environment = serving.program(root, name)
        said = subprocess.run([binary, *words], capture_output=True, text=True, env=environment, check=False)
        number = re.search(r"\d+\.\d[\w.]*", said.stdout + said.stderr)
        found[name] = number.group() if number else "?"
    return found


_HEADS = {
    "en": ("", "seconds (least to most)", "whole command", "CPU s", "peak MiB", "questions", "lost"),
    "ja": ("", "秒（最小〜最大）", "コマンド全体", "CPU 秒", "最大 MiB", "質問数", "無回答"),
}


def table(record: Mapping[str, object], language: str = "en") -> str:
    """The record as Markdown, which is readable in a terminal too."""
    lines: list[str] = []
    for case in CASES:
        by_client = _dict(_dict(record["cases"]).get(case.key, {}))
        if not by_client:
            continue
        lines += ["", f"**{case.english if language == 'en' else case.japanese}**", ""]
        lines.append("| " + " | ".join(_HEADS[language]) + " |")
        lines.append("|---|" + "---:|" * 6)
        for client, figures in sorted(
            by_client.items(), key=lambda item: _number(_dict(_dict(item[1])["seconds"])["median"])
        ):
            lines.append(_row(client, _dict(figures), language))
    return "\n".join([*lines, "", targets(record, language)]).strip() + "\n"


def targets(record: Mapping[str, object], language: str = "en") -> str:
    """Every target and whether it is met, as Markdown."""
    lines = ["| target | ratio | bound | |" if language == "en" else "| 目標 | 比 | 限度 | |", "|---|---:|---:|---|"]
    met, missed, stands = ("met", "missed", "stand-in") if language == "en" else ("達成", "未達", "代用値")
    for found in _list(record["targets"]):
        ratio = _dict(found["ratio"])
        verdict = (met if found["is_met"] else missed) + (f" ({stands})" if found["is_stand_in"] else "")
        bound = f"{'≥' if found['sense'] == '>=' else '≤'} {_number(found['bound']):g}"
        spread_ = f"{ratio['median']:.2f} ({ratio['least']:.2f}–{ratio['most']:.2f})"
        text = found["text"] if language == "en" else found["text_ja"]
        lines.append(f"| {text} | {spread_} | {bound} | {verdict} |")
    return "\n".join(lines) + "\n"


def overview(record: Mapping[str, object], language: str = "en") -> str:
    """Median seconds, one row per client and one column per case, as Markdown; `~` extrapolated, `†` a stand-in."""
    is_en = language == "en"
    cases = [case for case in CASES if _dict(record["cases"]).get(case.key)]
    heads = [case.english if is_en else case.japanese for case in cases]
    more = ["CPU s, whole job", "peak MiB, whole job"] if is_en else ["CPU 秒（全工程）", "最大 MiB（全工程）"]
    lines = ["| | " + " | ".join([*heads, *more]) + " |", "|---|" + "---:|" * (len(heads) + 2)]
    by_case = {case.key: _dict(_dict(record["cases"])[case.key]) for case in cases}
    for client in dict.fromkeys(name for found in by_case.values() for name in found):
        cells = [_cell(_dict(by_case[case.key].get(client, {}))) for case in cases]
        whole = _dict(by_case.get("straight", {}).get(client, {}))
        is_measured = bool(whole) and not whole["is_stand_in"]
        cells += [f"{_number(whole[key]):.1f}" if is_measured else "" for key in ("cpu_s", "peak_mib")]
        lines.append(f"| {'**ours**' if client == 'ours' else client} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(figures: Mapping[str, object]) -> str:
    if not figures:
        return ""
    mark = "~" if _number(figures["share"]) < 1 else ""
    return f"{mark}{_number(_dict(figures['seconds'])['median']):.2f}{' †' if figures['is_stand_in'] else ''}"


def _row(client: str, figures: Mapping[str, object], language: str) -> str:
    seconds = _dict(figures["seconds"])
    text = f"{_number(seconds['median']):.2f} ({_number(seconds['least']):.2f}–{_number(seconds['most']):.2f})"
    if figures["is_stand_in"]:
        note = "stand-in: another run's" if language == "en" else "代用値：別の測定"
        return f"| {client} ({note}) | {text} | | | | | |"
    name = f"**{client}**" if client == "ours" else client
    if _number(figures["share"]) < 1:
        part = f"{_number(figures['share']):.0%}"
        name += f" (extrapolated from {part})" if language == "en" else f"（{part} から推計）"
    command = f"{_number(_dict(figures['command_s'])['median']):.2f}" if "command_s" in figures else ""
    cells = (name, text, command, f"{_number(figures['cpu_s']):.2f}", f"{_number(figures['peak_mib']):.0f}")
    return f"| {' | '.join(cells)} | {_number(figures['questions']):,.0f} | {_number(figures['lost']):,.0f} |"


def _dict(value: object) -> Mapping[str, object]:
    assert isinstance(value, Mapping)
    return value


def _list(value: object) -> Sequence[Mapping[str, object]]:
    assert isinstance(value, list)
    return value


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return value


def write_readme(path: Path, record: Mapping[str, object], language: str) -> None:
    """Put the table between a file's `<!-- bench -->` marks."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{path} has no <!-- bench --> … <!-- /bench -->")
    date, where = str(record["measured_at"])[:10], record["machine"]
    runs = record["runs"]
    if language == "en":
        lead = (
            f"{date}, {where}; seconds, medians of {runs}; `~` extrapolated from a part, `†` stands in from another run. "
            "Seconds are from each client's first step, imports aside; ratios of the whole job and to dnsperf are from first packets."
        )
    else:
        lead = (
            f"{date}、{where}。{runs} 回の中央値（秒）。`~` は一部からの推計、`†` は別の測定による代用値。"
            "秒は各クライアントの処理開始から（インポートを除く）、全工程の比と dnsperf との比は最初のパケットから測っています。"
        )
    body = f"\n{lead}\n\n{overview(record, language)}\n{targets(record, language)}\n"
    path.write_text(pattern.sub(lambda found: found.group(1) + body + found.group(2), text), encoding="utf-8")


def bench(size: int, runs: int, *, is_small: bool = False, out: Path = OUT) -> dict[str, object]:
    """Measure everything, write bench.json, and give the record."""
    cases = [case for case in CASES if not is_small or case.key in SMALL_CASES]
    made = Generated.make(size, SEED)
    rounds = measure(
        made,
        cases,
        runs,
        [*(["dnspython"] if is_small else []), *([] if peers.massdns_binary() else ["massdns"])],
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    record: dict[str, object] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "world": {
            "domains": made.size,
            "hosts": made.hosts_n,
            "addresses": made.ipv4_n,
            "listed_pairs": len(made.pairs()),
            "silent_names": sum(1 for _ in made.silent()),
        },
        "runs": runs,
        "cases": {key: {client: summary(all_) for client, all_ in found.items()} for key, found in rounds.items()},
        "targets": judged(rounds),
    }
    if not is_small:
        record["practice_country_s"] = practice_country(runs)
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write; 1 when an answer was lost or invented."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", action="store_true", help=f"{SMALL} domains, one round, without dnspython")
    parser.add_argument("--write-readme", action="store_true", help="put the table into README.md and README.ja.md")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    if absent := serving.missing():
        print(f"bench: {', '.join(absent)} not here; run make daemons", file=sys.stderr)
        return 2
    runs = 1 if options.small else int(os.environ.get("RUNS", "5"))
    size = SMALL if options.small else int(os.environ.get("DOMAINS", str(SIZE)))
    record = bench(size, runs, is_small=options.small, out=options.out)
    print(f"{record['machine']}; {size:,} domains; medians of {runs}\n\n{table(record)}")
    if "practice_country_s" in record:
        practice = _dict(record["practice_country_s"])
        print(f"practice country, one pass: {practice['median']:.2f} s (limit {practice['limit']:.0f} s)")
    if options.write_readme:
        for name, language in (("README.md", "en"), ("README.ja.md", "ja")):
            write_readme(Path(name), record, language)
    wrong = [
        f"{case}: {client}"
        for case, by_client in _dict(record["cases"]).items()
        for client, figures in _dict(by_client).items()
        if client == "ours" and (_dict(figures)["missing"] or _dict(figures)["invented"])
    ]
    if wrong:
        print(f"bench: listed pairs differ from the truth in {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
