"""Who is not to be asked about: `data/opt-out.csv`, columns subject, since, who, reason; one row per subject.

A subject is a domain (itself and all below it), an address, or a range. A file that cannot be read, or a cell that is
none of these, stops the survey: nobody is asked because of a typing error. A run keeps a copy, into which rows that are
added while it goes on are taken; a row that was there once stays.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import idna

from .edited import Place, read_places

DATA = Path(__file__).resolve().parent.parent / "data" / "opt-out.csv"
_COLUMNS = ("subject", "since", "who", "reason")


@dataclass(frozen=True, slots=True)
class OptOuts:
    """Domains, and addresses or ranges, that are not asked about."""

    domains: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def has_domain(self, domain: str) -> bool:
        """Whether this domain, or one above it, opted out."""
        if not self.domains:
            return False
        labels = domain.split(".")
        return any(".".join(labels[start:]) in self.domains for start in range(len(labels)))

    def has_address(self, address: str) -> bool:
        if not self.networks:
            return False
        found = ip_address(address)
        return any(found in network for network in self.networks if network.version == found.version)


def joined(several: Iterable[OptOuts]) -> OptOuts:
    """Whoever opted out in one of these."""
    found = list(several)
    domains = frozenset(domain for one in found for domain in one.domains)
    return OptOuts(domains, tuple(dict.fromkeys(network for one in found for network in one.networks)))


def load(path: Path) -> OptOuts:
    """Read an opt-out file. Raises CatalogueError, naming file, row and column."""
    domains: set[str] = set()
    networks: list[IPv4Network | IPv6Network] = []
    for place in read_places(path, _COLUMNS):
        subject = place.text("subject").rstrip(".").lower()
        if not subject:
            continue
        try:
            networks.append(ip_network(subject, strict=False))
        except ValueError:
            domains.add(_domain(place, subject))
    return OptOuts(frozenset(domains), tuple(networks))


def _domain(place: Place, subject: str) -> str:
    try:
        if "." in subject:
            return idna.encode(subject, uts46=True).decode() if not subject.isascii() else _plain(subject)
    except (idna.IDNAError, ValueError):
        pass
    raise place.wrong(
        "subject",
        "this is neither a domain nor an address nor a range",
        "write example.jp, 192.0.2.1 or 192.0.2.0/24",
        "ドメイン・アドレス・範囲のいずれでもありません",
    )


def _plain(subject: str) -> str:
    if not all(part and set(part) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_") for part in subject.split(".")):
        raise ValueError(subject)
    return subject


def take(source: Path, kept: Path) -> OptOuts:
    """Take the rows of `source` into a run's own copy, where what was there stays; both together. Raises as `load`."""
    rows = [place.values for place in read_places(kept, _COLUMNS)] if kept.exists() else []
    load(source)
    known = {tuple(row.get(name) or "" for name in _COLUMNS) for row in rows}
    found = [tuple(place.text(name) for name in _COLUMNS) for place in read_places(source, _COLUMNS)]
    fresh = [row for row in dict.fromkeys(found) if row not in known]
    if fresh or not kept.exists():
        aside = kept.with_suffix(".csv.new")
        with aside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            writer.writerows([tuple(row.get(name) or "" for name in _COLUMNS) for row in rows])
            writer.writerows(fresh)
        aside.replace(kept)
    return load(kept)
