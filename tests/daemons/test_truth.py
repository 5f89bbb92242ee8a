"""No false name, proven on servers that we did not write: NSD for the country, rbldnsd for the lists, unbound between.

The traps of the practice country, and lists that change in mid-run: one dies, one starts listing the world, one starts to
refuse. Then 10,000 (address, list) pairs judged again by BIND's dig and by a rule written here, independently.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections import Counter

import pytest

from survey.catalogue import load_catalogue, select
from survey.collect import collect
from survey.errors import ResolverError
from survey.practice.country import Country
from survey.practice.facts import HEALTHY
from survey.practice.world import PRACTICE
from survey.runs import RunFolder
from survey.sitting import Manner
from tests.daemons import country_zones, servers
from tests.daemons.servers import dig, free_port, nsd, rbldnsd, unbound

pytestmark = pytest.mark.daemons

WORLD = dataclasses.replace(PRACTICE, timeout_s=1.5, tries=2)
LISTS = select("practice", load_catalogue())
CHANGING = ("dying", "turning", "tiring")
EVERYBODY = "$TTL 300\n0.0.0.0/1 :{code}:$\n128.0.0.0/1 :{code}:$\n"
ONLY_TEST = "$TTL 300\n127.0.0.2 :127.0.0.2:$\n"


def changing_lists():
    """Three more lists, healthy at first: they hold nobody but their test point."""
    like = next(one for one in LISTS if one.zone.startswith("orbz"))
    zones = [f"{name}.dnsbl.example" for name in CHANGING]
    codes = {zone: tuple(dataclasses.replace(code, zone=zone) for code in like.codes) for zone in zones}
    return tuple(dataclasses.replace(like, zone=zone, asked_zone=zone, codes=codes[zone]) for zone in zones)


@dataclasses.dataclass
class Served:
    """A country on real servers: the resolver's port, and what a test may do to the changing lists."""

    resolver: int
    stubs: dict[str, int]
    folder: object
    changing: dict[str, int]

    def change(self, name: str) -> None:
        """Make one of the changing lists what its name says."""
        home = self.folder / f"rbldnsd-{self.changing[name]}"
        process = int((home / "pid").read_text())
        if name == "dying":
            os.kill(process, signal.SIGKILL)
        else:
            code = {"turning": "127.0.0.2", "tiring": "127.255.255.255"}[name]
            (home / "0.data").write_text(EVERYBODY.format(code=code))
            os.utime(home / "0.data", (time.time() + 5, time.time() + 5))
            os.kill(process, signal.SIGHUP)


@contextlib.contextmanager
def served(country, folder, extra="", ttl=300):
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        silent.bind(("127.0.0.1", 0))
        parked = (
            "$ORIGIN parked.dnsbl.example.\n$TTL 300\n@ IN SOA ns root 1 2 3 4 5\n@ IN NS ns\n* IN A 203.0.113.10\n"
        )
        names = stack.enter_context(
            nsd(
                {
                    "example": country_zones.master_file(country) + country_zones.origins(country),
                    "parked.dnsbl.example": parked,
                    **country_zones.networks(country),
                },
                folder,
            )
        )
        dead = [
            ("world.dnsbl.example", "ip4trie", EVERYBODY.format(code="127.0.0.2")),
            ("refusing.dnsbl.example", "ip4trie", EVERYBODY.format(code="127.255.255.254")),
            ("emptied.dnsbl.example", "ip4set", "192.0.2.255 :127.0.0.2:x\n"),
        ]
        lists = stack.enter_context(rbldnsd([*country_zones.datasets(country, ttl), *dead], folder))
        changing = {
            name: stack.enter_context(rbldnsd([(f"{name}.dnsbl.example", "ip4trie", ONLY_TEST)], folder))
            for name in CHANGING
        }
        stubs = {
            "example": names,
            "parked.dnsbl.example": names,
            "in-addr.arpa": names,
            "ip6.arpa": names,
            "silent.dnsbl.example": silent.getsockname()[1],
        }
        stubs |= dict.fromkeys((*HEALTHY, *(zone for zone, _, _ in dead)), lists)
        stubs |= {f"{name}.dnsbl.example": port for name, port in changing.items()}
        stubs |= dict.fromkeys(country_zones.unanswered(country), free_port())
        yield Served(stack.enter_context(unbound(stubs, folder, extra)), stubs, folder, changing)


def survey(country, folder, resolvers, **changes):
    register = folder / f"register-{len(list(folder.glob('register-*')))}.xlsx"
    country.write_register(register)
    manner = changes.pop("manner", Manner(passes=1, window=100))
    run = folder / f"run-{register.stem}"
    arguments = {"selected": LISTS, "world": WORLD} | changes
    return collect(
        register, RunFolder(run), resolvers=[("127.0.0.1", p) for p in resolvers], manner=manner, **arguments
    )


@pytest.fixture(scope="module")
def country():
    return Country.make(81)


@pytest.fixture(scope="module")
def real(country, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    with served(country, folder) as found:
        changed = set()

        def progress(done, expected, text):
            # In the middle of the pass, when thousands of listings are known and thousands are not.
            for name in CHANGING:
                if done > 20_000 and name not in changed:
                    changed.add(name)
                    found.change(name)

        tables = survey(country, folder, [found.resolver], selected=LISTS + changing_lists(), progress=progress)
        assert changed == set(CHANGING)
        yield found, tables


def test_no_false_listing_and_no_missed_one(real, country):
    _, tables = real
    findings = tables["findings"]
    columns = ["code", "status", "open_relay_listing", "own_or_shared"]
    ours, truth = [tuple(row) for row in findings[columns].itertuples(index=False)], country.truth()
    assert [pair for pair in zip(ours, truth, strict=True) if pair[0] != pair[1]] == []
    assert tables.headline["bodies_listed_open_relay"] == 81
    roles = findings.set_index("code")["listed_role"]
    assert roles.where(roles.notna(), "").to_dict() == {code: role for code, role, _ in country.sending_truth()}


def test_every_dead_and_dying_list_is_void(real):
    _, tables = real
    void = {zone.partition(".")[0] for zone in tables.headline["lists_void"]}
    assert void == {"world", "refusing", "parked", "silent", "emptied", *CHANGING}
    rounds = tables["lists"].set_index("zone")["failed_round"]
    assert rounds["dying.dnsbl.example"] > 1
    assert rounds["turning.dnsbl.example"] > 1
    assert rounds["world.dnsbl.example"] == 1


RULE = {
    "orbz": {"127.0.0.2": "listed"},
    "ordb": {"127.0.0.2": "listed"},
    "abuse": {"127.0.0.2": "listed", "127.0.0.4": "listed", "127.0.0.10": "listed"},
    "policy": {"127.0.0.10": "listed", "127.0.0.11": "listed"},
    "neighbours": {"127.0.0.2": "listed"},
    "white": {"127.0.0.1": "clear"},
}


def rule(zone, status, codes):
    """Written for this test alone: what dig's status and addresses mean."""
    if status == "NXDOMAIN":
        return "clear"
    if status != "NOERROR":
        return "refused" if status == "REFUSED" else "silent"
    name = zone.partition(".")[0]
    words = set()
    for code in codes:
        last = int(code.rpartition(".")[2])
        if code.startswith("127.255.255."):
            return "refused"
        if name == "proxy":
            words |= {"listed"} if last & 2 or last & 64 else {"clear"} if last & 1 else {"refused"}
        else:
            words.add(RULE[name].get(code, "refused"))
    return "listed" if "listed" in words else "refused" if "refused" in words else "clear"


def test_ten_thousand_pairs_are_judged_as_dig_and_an_independent_rule_judge_them(real, tmp_path):
    found, tables = real
    listings = tables["listings"]
    asked = listings.loc[listings["zone"].isin(HEALTHY) & listings["status"].ne("not_asked")]
    pairs = asked.sample(10_000, random_state=5782)
    from survey.names import reverse_name

    names = [f"{reverse_name(one.address)}.{one.zone}" for one in pairs.itertuples()]
    (tmp_path / "batch").write_text("".join(f"{name} A\n" for name in names))
    words = ("-f", str(tmp_path / "batch"), "+noall", "+comments", "+question", "+answer", "+time=3", "+tries=1")
    heard = {}
    for block in dig(found.resolver, *words).split(";; ->>HEADER<<-")[1:]:
        status = re.search(r"status: (\w+)", block)[1]
        name = re.search(r"^;(\S+)\.\s+IN\s+A", block, re.M)[1]
        heard[name] = (status, re.findall(r"\sIN\s+A\s+(\d[\d.]+)$", block, re.M))
    # Of a name whose server is gone dig prints no header: it heard nothing.
    heard |= dict.fromkeys(set(names) - set(heard), ("no answer", []))
    assert sum(status == "no answer" for status, _ in heard.values()) < 10
    different = [
        (name, one.status, heard[name])
        for name, one in zip(names, pairs.itertuples(), strict=True)
        if rule(one.zone, *heard[name]) != one.status
    ]
    assert different == []
    print(Counter(pairs["status"]))


TRAPS = ("world", "refusing", "parked", "white", "emptied")


@pytest.fixture(scope="module")
def honest(real):
    """40 addresses that no honest list holds."""
    listings = real[1]["listings"]
    clear = listings.loc[listings["zone"].eq("orbz.dnsbl.example") & listings["status"].eq("clear"), "address"]
    held = set(listings.loc[listings["status"].eq("listed"), "address"])
    return random.Random(1).sample([address for address in clear if ":" not in address and address not in held], 40)


def print_traps(capsys, tool, said, tables, honest):
    """One line per trap: what the tool says beside the survey, of the 40 honest addresses."""
    listed = tables["listings"].query("status == 'listed' and address in @honest")
    with capsys.disabled():
        print(f"\ntrap       {tool} says listed   the survey says listed   (of {len(honest)} honest addresses)")
        for name, number in said.items():
            mine = int(listed["zone"].eq(f"{name}.dnsbl.example").sum())
            print(f"{name:10} {number:>{len(tool) + 12}} {mine:>24}")
            assert mine == 0


def test_what_pydnsbl_says_of_the_same_traps(real, honest, capsys):
    import aiodns
    from pydnsbl import DNSBLIpChecker
    from pydnsbl.providers import Provider

    found, tables = real

    async def ask(zone):
        loop = asyncio.get_running_loop()
        checker = DNSBLIpChecker(providers=[Provider(zone)], loop=loop)
        checker._resolver = aiodns.DNSResolver(
            nameservers=["127.0.0.1"], udp_port=found.resolver, tcp_port=found.resolver, timeout=2, tries=1, loop=loop
        )
        results = await asyncio.gather(*(checker.check_async(address) for address in honest))
        return sum(result.blacklisted for result in results)

    said = {name: asyncio.run(ask(f"{name}.dnsbl.example")) for name in TRAPS}
    print_traps(capsys, "pydnsbl", said, tables, honest)
    assert said["world"] == said["refusing"] == said["parked"] == 40


def test_what_rblcheck_says_of_the_same_traps(real, honest, tmp_path, capsys):
    """rblcheck knows only the system's resolver on port 53: it gets its own, in a mount namespace of its own."""
    found, tables = real
    rblcheck = servers.program("rblcheck")
    if os.getuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("rblcheck needs root here: a resolver on port 53 and a mount namespace for its resolv.conf")
    address = f"127.{os.getpid() % 200 + 20}.53.1"
    (tmp_path / "resolv.conf").write_text(f"nameserver {address}\noptions timeout:1 attempts:1\n")
    inside = 'mount --bind "$1" /etc/resolv.conf && exec "$2" -c -s "$3" -q -'

    def ask(zone, addresses):
        command = ["unshare", "--mount", "sh", "-c", inside, "sh", str(tmp_path / "resolv.conf"), str(rblcheck), zone]
        asked = "".join(f"{one}\n" for one in addresses)
        told = subprocess.run(command, input=asked, capture_output=True, text=True, env=servers.environment())
        assert told.stderr == ""
        return sum(one in told.stdout.split() for one in addresses)

    with unbound(found.stubs, tmp_path, f"  interface: {address}@53"):
        said = {name: ask(f"{name}.dnsbl.example", honest) for name in TRAPS}
        held = tables["listings"].query("zone == 'orbz.dnsbl.example' and status == 'listed'")["address"]
        held = [one for one in held if ":" not in one][:20]
        assert ask("orbz.dnsbl.example", held) == 20, "rblcheck hears the lists at all"
    print_traps(capsys, "rblcheck", said, tables, honest)
    assert said["world"] == said["refusing"] == said["parked"] == 40


def test_a_resolver_that_rewrites_nxdomain_is_refused(tmp_path):
    country = Country.make(3)
    with served(country, tmp_path) as found:
        lie = '  local-zone: "example." redirect\n  local-data: "example. 300 IN A 198.18.0.1"'
        with unbound(found.stubs, tmp_path, lie) as liar, pytest.raises(ResolverError, match="does not exist"):
            survey(country, tmp_path, [liar])


def test_a_cache_never_confirms_its_own_answer(tmp_path):
    country = Country.make(3)
    with served(country, tmp_path, ttl=15) as found:
        at_once = survey(country, tmp_path, [found.resolver], manner=Manner(passes=2, pass_gap_s=0, window=100))
        later = survey(country, tmp_path, [found.resolver], manner=Manner(passes=2, pass_gap_s=16, window=100))
        with unbound(found.stubs, tmp_path) as second:
            elsewhere = survey(
                country, tmp_path, [found.resolver, second], manner=Manner(passes=2, pass_gap_s=0, window=100)
            )
    listed = later["findings"].query("status == 'listed'")
    assert listed["confirmed"].astype(bool).all()
    # Another resolver within the TTL proves nothing either: two names may lead to one cache.
    assert not elsewhere["findings"].query("status == 'listed'")["confirmed"].astype(bool).all()
    listed = at_once["listings"].query("status == 'listed'")
    long_ago = listed.loc[~listed["confirmed"].astype(bool)]
    # What the second pass asked within the TTL came from unbound's cache: it confirms nothing.
    assert len(long_ago) > 0.5 * len(listed)
    assert servers.program("dig").exists()
