"""How well conventions find the domains of local governments: candidates by official name, held against real websites.

    python -m benchmarks.domains --websites FILE [--out candidates.csv]

Candidates come from the official codes, names and readings alone; the file's web addresses only say whether one of them
is right. A site's domain is the host of its address without one leading `www` or `wwwN` label, as A-label, compared
exactly. The last line: the shares of bodies whose domain is among the candidates, among the first six, and the first;
candidates per body; bodies.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from survey.conventions import candidates, official_names
from survey.errors import SurveyError
from survey.websites import read_websites

SHARED = Path(os.environ.get("SURVEY_SHARED", "../shared"))


@dataclass(frozen=True, slots=True)
class Recall:
    """Shares of bodies, 0 to 1, and candidates per body."""

    any: float
    first_six: float
    first: float
    mean_candidates: float
    bodies: int

    def __str__(self) -> str:
        return (
            f"recall_any={self.any:.4f} recall_6={self.first_six:.4f} recall_first={self.first:.4f} "
            f"mean_candidates={self.mean_candidates:.2f} bodies={self.bodies}"
        )


def ranked() -> dict[str, list[str]]:
    """The candidates of every official body, likeliest first."""
    return {body.code: [one.domain for one in candidates(body)] for body in official_names()}


def measure(found: Mapping[str, Sequence[str]], sites: Mapping[str, str]) -> Recall:
    """Hold candidates against the sites of the same codes; a body without candidates counts as missed."""
    ranks = []
    for code, site in sites.items():
        domains = found.get(code, ())
        ranks.append(domains.index(site) if site in domains else None)
    n = len(ranks) or 1
    return Recall(
        any=sum(rank is not None for rank in ranks) / n,
        first_six=sum(rank is not None and rank < 6 for rank in ranks) / n,
        first=sum(rank == 0 for rank in ranks) / n,
        mean_candidates=sum(len(found.get(code, ())) for code in sites) / n,
        bodies=len(ranks),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the candidates, print the result on the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--websites", type=Path, default=SHARED / "register" / "websites-odd-prefectures.csv")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        sites = {one.code: one.domain for one in read_websites(options.websites).sites}
    except SurveyError as error:
        print(f"bench-domains: {error}", file=sys.stderr)
        return 2
    found = ranked()
    result = measure(found, sites)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("code", "rank", "domain"))
            for code in sites:
                writer.writerows((code, rank, domain) for rank, domain in enumerate(found.get(code, ()), 1))
        print(f"candidates: {options.out}")
    print(f"seconds={time.monotonic() - began:.1f}")
    print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
