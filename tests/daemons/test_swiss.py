"""Real input: 2,110 Swiss municipalities as recorded, served by a real NSD, on lists of a real rbldnsd.

MX names are recorded without preference; here the order they stand in is the preference. Addresses and list answers
were not recorded: they are made up, from the documentation and benchmark ranges.
"""

from __future__ import annotations

import csv
import dataclasses
from collections import defaultdict
from ipaddress import IPv4Address

import openpyxl
import pytest

from survey.catalogue import load_catalogue, select
from survey.collect import collect
from survey.names import Malformed, encode_name
from survey.practice.world import PRACTICE
from survey.runs import RunFolder
from survey.sitting import Manner
from tests.daemons.servers import nsd, rbldnsd, unbound

pytestmark = pytest.mark.daemons

LISTS = [one for one in select("practice", load_catalogue()) if one.zone.split(".")[0] in ("orbz", "abuse")]
SOA = "@ 300 IN SOA ns.invalid. root.invalid. 1 3600 600 86400 300\n@ 300 IN NS ns.invalid.\n"


def recorded(shared):
    with (shared / "recorded" / "swiss-municipalities.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def exchangers(row):
    """The recorded MX names of one row, as a name server can serve them, in their order."""
    names = [name.strip().rstrip(".").lower() for name in row["mx"].split(";")]
    return list(dict.fromkeys(name for name in names if name))


def is_name(text):
    try:
        return bool(text) and bool(encode_name(text))
    except Malformed:
        return False


def write_register(path, rows):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["code", "name", "region", "domain"])
    for row in rows:
        sheet.append([row["code"], row["name"], row["region"], row["domain"]])
    book.save(path)


def test_the_recorded_mail_exchangers_of_2110_municipalities_are_found(shared, tmp_path):
    rows = recorded(shared)
    assert len(rows) == 2110
    write_register(tmp_path / "register.xlsx", rows)
    tree: dict[str, set[str]] = defaultdict(set)
    odd, expected = [], {}
    hosts = {}
    for row in rows:
        domain = row["domain"].strip().lower()
        if not is_name(domain):
            odd.append((row["code"], row["domain"]))
            continue
        found = exchangers(row)
        odd += [(row["code"], name) for name in found if not is_name(name)]
        expected[domain] = {name for name in found if is_name(name)}
        top = domain.rpartition(".")[2]
        for number, name in enumerate(name for name in found if is_name(name)):
            tree[top].add(f"{domain}. 300 IN MX {10 * (number + 1)} {name}.\n")
            hosts[name] = None
        if row["spf"]:
            text = "".join(f'"{row["spf"][i : i + 200]}"' for i in range(0, len(row["spf"]), 200))
            tree[top].add(f"{domain}. 300 IN TXT {text}\n" if '"' not in row["spf"] else "")
    for number, host in enumerate(sorted(hosts)):
        hosts[host] = str(IPv4Address(0xC6120000 + 256 + number))
        tree[host.rpartition(".")[2]].add(f"{host}. 300 IN A {hosts[host]}\n")
    zones = {top: SOA + "".join(sorted(lines)) for top, lines in tree.items()}
    listed = sorted(hosts)[::40]
    data = ":127.0.0.2:listed, $\n127.0.0.2\n" + "".join(f"{hosts[host]}\n" for host in listed)
    points = ":127.0.0.2:test\n127.0.0.2\n:127.0.0.4:test\n127.0.0.2\n:127.0.0.10:test\n127.0.0.2\n"
    six = ":127.0.0.2:test\n::ffff:7f00:2\n"
    datasets = [(LISTS[0].zone, "ip4set", data), (LISTS[1].zone, "ip4set", points), (LISTS[1].zone, "ip6trie", six)]
    datasets.sort()
    selected = [dataclasses.replace(one) for one in LISTS]
    # Records include names all over the world: whatever is not recorded does not exist, and nothing leaves this machine.
    others = {"example": SOA, "in-addr.arpa": SOA, "ip6.arpa": SOA, ".": SOA}
    with nsd(zones | others, tmp_path) as names, rbldnsd(datasets, tmp_path) as lists:
        stubs = dict.fromkeys([*zones, *others], names) | {one.zone: lists for one in LISTS}
        with unbound(stubs, tmp_path) as resolver:
            tables = collect(
                tmp_path / "register.xlsx",
                RunFolder(tmp_path / "run"),
                selected,
                dataclasses.replace(PRACTICE, timeout_s=3.0),
                [("127.0.0.1", resolver)],
                manner=Manner(passes=1, window=128),
            )
    assert not tables.headline["lists_void"], tables["lists"].to_string()
    servers = tables["mail_servers"]
    got = {
        domain: {host for host in group["host"] if isinstance(host, str)} for domain, group in servers.groupby("domain")
    }
    assert set(got) == set(expected)
    different = {domain: (got[domain], expected[domain]) for domain in expected if got[domain] != expected[domain]}
    assert not different
    # Rows without a domain or without an MX are named, and are not read as anything else.
    without = {row["code"] for row in rows if not is_name(row["domain"].strip().lower())}
    assert without == {code for code, written in odd if not is_name(written.strip().lower())}
    findings = tables["findings"].set_index("code")
    assert len(findings) == 2110
    assert set(findings.index[findings["caveat"].map(lambda words: "domain_unknown" in words)]) == without
    silent = {domain for domain, names_ in expected.items() if not names_}
    assert set(servers.loc[servers["kind"].eq("none"), "domain"]) == silent
    assert set(servers.loc[servers["status"].eq("silent"), "domain"]) == set()
    for domain, group in servers.loc[servers["kind"].eq("mx")].groupby("domain"):
        assert group["preference"].is_monotonic_increasing, domain
    # The largest shared hosts are those that a plain count of the recorded file gives.
    used: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name in exchangers(row) if is_name(row["domain"].strip().lower()) else ():
            used[name].add(row["code"])
    largest = sorted(used, key=lambda name: (-len(used[name]), name))[:10]
    by_host = tables["servers"].sort_values(["bodies_n", "host"], ascending=[False, True])
    assert [(one.host, one.bodies_n) for one in by_host.head(10).itertuples()] == [(n, len(used[n])) for n in largest]
    assert (tables["servers"].set_index("host").loc[largest, "basis"] == "used_by_several").all()
    # And the lists' findings follow from what rbldnsd was given.
    on_list = {
        code for code, row in zip((r["code"] for r in rows), rows, strict=True) if set(exchangers(row)) & set(listed)
    }
    assert set(findings.index[findings["status"].eq("listed")]) == on_list
    print(f"{len(expected)} domains, {len(hosts)} hosts, odd rows: {odd}")
    # Every recorded SPF record is read as it was recorded, over the wire; those that are malformed are named.
    recorded_spf: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["spf"] and is_name(row["domain"].strip().lower()):
            recorded_spf[row["domain"].strip().lower()].add(row["spf"])
    policies = tables["policies"].set_index("domain")
    assert len(policies) == len(expected)
    heard_spf = {domain: {text} for domain, text in policies["spf_text"].dropna().items()}
    single = {domain: texts for domain, texts in recorded_spf.items() if len(texts) == 1}
    assert {domain: heard_spf.get(domain) for domain in single} == single
    assert set(policies.index[policies["spf_status"].eq("absent")]) == set(expected) - set(recorded_spf)
    malformed = {"avry.ch", "cadempino.ch", "hasliberg.ch", "stansstad.ch"}
    assert set(policies.loc[sorted(malformed), "spf_problem"]) == {"malformed_record"}
    assert not policies["spf_status"].eq("silent").any()
