"""The RFC 7208 test suite, from the source distribution of pyspf: fetched from PyPI once, never copied into the project.

The suite is (C) its authors under the BSD licence beside it. A test that needs it is skipped by name where it cannot be
fetched, or fails with SURVEY_REQUIRE_DAEMONS=1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
import yaml

from survey.exchanges import ANSWERED, TIMEOUT, Exchanges, Question, Row
from tests.conftest import ROOT

PINNED = "pyspf==2.0.14 --hash=sha256:57a7ef01bda090173aafb6af0106251686ed73f03db4e911fcd34c57fc347186\n"
FOLDER = ROOT / ".daemons" / "pyspf-2.0.14"


@dataclass(frozen=True)
class Case:
    """One case: who sends in whose name from where, in which zone data, and what may come of it."""

    name: str
    chapter: str
    domain: str
    client: str
    results: frozenset[str]
    zone: dict


def suite() -> Path:
    """Where the suite lies; fetched where it does not yet."""
    path = FOLDER / "rfc7208-tests.yml"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "pinned.txt").write_text(PINNED)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", ":all:", "--require-hashes", "-r", str(FOLDER / "pinned.txt"), "-d", str(FOLDER)]
        done = subprocess.run(command, capture_output=True, text=True)
        archives = list(FOLDER.glob("pyspf-*.tar.gz"))
        if done.returncode or not archives:
            message = f"the RFC 7208 test suite could not be fetched from PyPI: {done.stderr[-300:]}"
            if os.environ.get("SURVEY_REQUIRE_DAEMONS") == "1":
                pytest.fail(message)
            pytest.skip(message)
        with tarfile.open(archives[0]) as archive:
            for name in ("rfc7208-tests.LICENSE", "rfc7208-tests.yml"):
                member = archive.extractfile(f"pyspf-2.0.14/test/{name}")
                (FOLDER / name).write_bytes(member.read())
    return path


def cases() -> list[Case]:
    """Every case of the suite, in its order."""
    found = []
    for chapter in yaml.safe_load_all(suite().read_text(encoding="utf-8")):
        zone = {name.lower(): rows for name, rows in chapter["zonedata"].items()}
        for name, case in chapter["tests"].items():
            domain = case["mailfrom"].rpartition("@")[2] or case["helo"]
            results = case["result"] if isinstance(case["result"], list) else [case["result"]]
            client = ip_address(case["host"])
            client = getattr(client, "ipv4_mapped", None) or client
            found.append(Case(name, chapter["description"], domain.lower(), str(client), frozenset(results), zone))
    return found


def answer(zone: dict, question: Question) -> Row:
    """What a name server with the suite's zone data answers, as evidence keeps it."""
    type_ = dns.rdatatype.to_text(question.type)
    # Labels with a colon or a slash are written as they are in the zone data.
    entries = zone.get(question.name.replace("\\", ""))
    name = dns.name.from_text(question.name + ".")
    message = dns.message.make_response(dns.message.make_query(name, type_), recursion_available=True)
    if entries is None:
        message.set_rcode(3)
        return _row(question, message)
    records = [entry for entry in entries if isinstance(entry, dict)]
    has_txt = any("TXT" in record for record in records)
    values = [
        value
        for record in records
        for kind, value in record.items()
        if value != "NONE" and (kind == type_ or (type_ == "TXT" and kind == "SPF" and not has_txt))
    ]
    if not values and "TIMEOUT" in entries:
        return Row(1, 1, 1, 0, *question, "127.0.0.1:53", "udp", 1, TIMEOUT, 0, 0, b"")
    alias = next((record["CNAME"].rstrip(".").lower() for record in records if "CNAME" in record), None)
    if alias is not None:
        message.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", f"{alias}."))
        behind = dns.message.from_wire(answer(zone, Question(alias, question.type)).answer)
        message.answer += behind.answer
    data = [one for value in values if (one := _rdata(type_, value)) is not None]
    if data:
        message.answer.append(dns.rrset.from_rdata_list(name, 300, data))
    return _row(question, message)


def _rdata(type_: str, value: object) -> dns.rdata.Rdata | None:
    kind = dns.rdatatype.from_text(type_)
    if type_ == "TXT":
        parts = [value] if isinstance(value, str) else value
        strings = [part.encode("latin-1") for part in parts]
        wire = b"".join(bytes((len(chunk),)) + chunk for part in strings for chunk in _chunks(part))
        return dns.rdata.from_wire(dns.rdataclass.IN, kind, wire, 0, len(wire)) if wire else None
    text = f"{value[0]} {value[1].replace('@', '')}." if type_ == "MX" else str(value)
    return dns.rdata.from_text(dns.rdataclass.IN, kind, text)


def _chunks(part: bytes) -> list[bytes]:
    return [part[at : at + 255] for at in range(0, len(part), 255)] or [b""]


def _row(question: Question, message: dns.message.Message) -> Row:
    return Row(1, 1, 1, 0, *question, "127.0.0.1:53", "udp", 1, ANSWERED, 0, 0, message.to_wire())


def known_after(zone: dict, needs) -> tuple[Exchanges, int]:
    """Everything that `needs(known)` wants answered from the zone data, and in how many rounds of questions."""
    known, asked = Exchanges(), set()
    for rounds in range(100):
        wanted = [question for question in needs(known) if question not in asked]
        if not wanted:
            return known, rounds
        asked.update(wanted)
        known.add(answer(zone, question) for question in wanted)
    raise AssertionError("it never ends")
