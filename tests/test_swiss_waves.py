"""Six weekly waves of 2,110 recorded municipalities without a real change: noise on the wire changes nobody.

Domains, MX names and their order are as recorded (see tests/daemons/test_swiss.py); addresses and list answers are made
up. Each wave is asked over the survey's own wire, of a server that loses, fails, reorders and caches (`noisy`).
"""

from __future__ import annotations

import dataclasses
import shutil
from ipaddress import IPv4Address, IPv6Address

import pytest

from survey.catalogue import load_catalogue, select
from survey.collect import collect, recheck
from survey.exchanges import CANARY
from survey.names import reverse_name
from survey.practice.world import PRACTICE
from survey.reread import compare_runs
from survey.runs import RunFolder
from survey.sitting import Manner
from survey.wave_counts import count_changes
from tests.daemons.test_swiss import exchangers, is_name, recorded, write_register
from tests.noisy import AAAA, MX, TXT, A, NoisyServer

LISTS = [one for one in select("practice", load_catalogue()) if one.zone.split(".")[0] in ("orbz", "abuse")]
WAVES = 6
WORLD = dataclasses.replace(PRACTICE, timeout_s=0.4)
MANNER = Manner(passes=1, has_context=False)


def is_health_test(name):
    """Whether a question is one of a resolver's or a list's health: where these fail, that is another story."""
    if name.startswith(CANARY):
        return True
    half = next((name.removesuffix(f".{one.zone}") for one in LISTS if name.endswith(one.zone)), "")
    labels = half.split(".")
    if len(labels) == 4:
        return labels[3] == "127" or int(labels[3]) >= 240
    return len(labels) == 32 and (half.endswith("0.0.1.0") or half.endswith("f.f.f.f" + 20 * ".0"))


@pytest.fixture(scope="module")
def country(shared, tmp_path_factory):
    """The recorded municipalities as records of a name server, and their register."""
    rows = recorded(shared)
    register = tmp_path_factory.mktemp("swiss") / "register.xlsx"
    write_register(register, rows)
    records, hosts = {}, {}
    for row in rows:
        domain = row["domain"].strip().lower()
        if not is_name(domain):
            continue
        found = [name for name in exchangers(row) if is_name(name)]
        records[domain, MX] = [(10 * number, name) for number, name in enumerate(found, 1)]
        hosts |= dict.fromkeys(found)
    for number, host in enumerate(sorted(hosts)):
        hosts[host] = [str(IPv4Address(0xC6120000 + 256 + 3 * number + k)) for k in range(1 + number % 3)]
        records[host, A] = [IPv4Address(address).packed for address in hosts[host]]
        if number % 5 == 0:
            six = IPv6Address((0x20010DB8 << 96) + (number << 64) + 25)
            records[host, AAAA] = [six.packed, (six + 1).packed]
    for one in LISTS:
        points = {"abuse": ("127.0.0.2", "127.0.0.4", "127.0.0.10")}.get(one.zone.split(".")[0], ("127.0.0.2",))
        for address in ("127.0.0.2", "::ffff:7f00:2"):
            name = f"{reverse_name(address)}.{one.zone}"
            records[name, A] = [IPv4Address(code).packed for code in points]
    for host in sorted(hosts)[::40]:
        name = f"{reverse_name(hosts[host][0])}.{LISTS[0].zone}"
        records[name, A], records[name, TXT] = [IPv4Address("127.0.0.2").packed], [b"\x06listed"]
    return records, register


def survey_wave(country, folder, seed, **noise):
    records, register = country
    with NoisyServer(records, seed, calm=is_health_test, **noise) as server:
        tables = collect(register, RunFolder(folder), LISTS, WORLD, [server.address], manner=MANNER)
    assert not tables.headline["lists_void"], tables["lists"].to_string()
    return server


@pytest.fixture(scope="module")
def waves(country, tmp_path_factory):
    folder, heard = tmp_path_factory.mktemp("waves"), []
    for week in range(WAVES):
        heard.append(survey_wave(country, folder / f"week{week}", week).noise)
    return [folder / f"week{week}" for week in range(WAVES)], heard


def world_of(_):
    return WORLD


def test_six_waves_without_a_real_change_give_no_change(waves, tmp_path):
    folders, heard = waves
    for noise in heard:
        # Every kind of noise was there in every wave.
        assert min(noise[word] for word in ("silent", "servfail", "lost", "failing")) > 10, noise
    found, changes = compare_runs(folders, world_of, tmp_path)
    assert found.is_open, [one.conditions for one in found.examined]
    assert len(found.pairs) == WAVES and not len(changes)
    bodies, servers = found.tables["wave_bodies"], found.tables["wave_servers"]
    assert set(bodies["change"]) == {"persisting", "unlisted", "not_comparable"}
    assert set(servers["change"]) == {"persisting", "unlisted", "not_comparable"}
    assert bodies["moved"].isna().all()
    for column in ("servers_came", "servers_left", "domains_came", "domains_left"):
        assert not bodies[column].map(len).any(), column
    assert not servers["is_changed"].fillna(False).astype(bool).any()
    assert not len(found.tables["wave_register"])
    # What cannot be compared is what was not heard, and nothing else; it is there, and it is the least part.
    assert set(bodies["reason"].dropna()) == {"unknown_before", "unknown_after", "unknown_both"}
    assert set(servers["reason"].dropna()) <= {"unknown_before", "unknown_after", "unknown_both"}
    for pair in found.pairs:
        counts = count_changes(pair.tables["wave_bodies"])
        assert counts["bodies"] == 2110 and counts["persisting"] > 30
        assert 20 < counts["not_comparable"] < 500, counts["reasons"]
    history = found.tables["wave_history"]
    assert not history["changes"].map(lambda words: "new" in words or "cleared" in words).any()
    survival = found.tables["wave_survival"]
    assert survival["cleared"].sum() == 0 and set(survival["seen"]) == {"at_start"}


@pytest.mark.parametrize(
    ("way", "condition"), [({"gone": 1191}, "mail_lost"), ({"ill": 1191}, "went_silent")], ids=["none", "servfail"]
)
def test_the_1191_that_lost_all_their_mx_for_two_hours_are_refused_and_mended(way, condition, waves, country, tmp_path):
    folders, _ = waves
    records, _ = country
    domains = sorted(name for name, type_ in records if type_ == MX)
    hit = {word: domains[:number] for word, number in way.items()}
    survey_wave(country, tmp_path / "ill", 99, **hit)
    found, _ = compare_runs([*folders[-2:], tmp_path / "ill"], world_of, tmp_path / "aside")
    assert not found.is_open and not found.examined[0].conditions
    told = {one.name: one for one in found.examined[1].conditions}
    assert told[condition].wave == "ill" and told[condition].found > 1100
    # Two hours later they have it back: asked again, nothing has changed.
    shutil.copytree(tmp_path / "ill", tmp_path / "mended")
    with NoisyServer(records, 100, calm=is_health_test, silent=0.0) as server:
        recheck(RunFolder(tmp_path / "mended"), WORLD, LISTS, [server.address], manner=MANNER)
    found, _ = compare_runs([folders[-1], tmp_path / "mended"], world_of, tmp_path / "aside")
    assert found.is_open
    assert set(found.tables["wave_bodies"]["change"]) == {"persisting", "unlisted", "not_comparable"}


def test_what_a_recheck_finds_gone_again_is_believed(waves, country, tmp_path):
    folders, _ = waves
    records, _ = country
    gone = sorted(name for name, type_ in records if type_ == MX)[::3]
    survey_wave(country, tmp_path / "gone", 99, gone=gone)
    found, _ = compare_runs([folders[-1], tmp_path / "gone"], world_of, tmp_path / "aside")
    assert not found.is_open
    with NoisyServer(records, 100, calm=is_health_test, silent=0.0, gone=gone) as server:
        recheck(RunFolder(tmp_path / "gone"), WORLD, LISTS, [server.address], manner=MANNER)
    found, _ = compare_runs([folders[-1], tmp_path / "gone"], world_of, tmp_path / "aside")
    assert found.waves[1].absent_again >= set(gone) - found.waves[0].absent_again
    assert found.is_open, [one.conditions for one in found.examined]
    # In the real world twelve hours must lie between.
    patient = dataclasses.replace(WORLD, pass_gap_s=3600.0)
    found, _ = compare_runs([folders[-1], tmp_path / "gone"], lambda _: patient, tmp_path / "aside")
    assert not found.is_open
