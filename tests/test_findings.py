"""The findings on random worlds: statuses add up everywhere, nobody is listed falsely, silence is never clear.

The rule that the findings are held against is written here anew, pair by pair, from the words of the tables.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from random import Random

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey import findings, headlines, operators, standings
from survey.frames import frame, joined, rows_of
from survey.publish import audiences, charts, style
from survey.publish.edition import Edition
from survey.publish.workbook import write_workbook
from survey.runs import RELAY_TABLES
from survey.tables import BODY_KINDS, HEADLINE_CATEGORIES, RELAY_CATEGORIES, Body

CATEGORIES = (*sorted(HEADLINE_CATEGORIES), "dynamic_policy", "network_escalation", "informational")
GROUPS = ("relay", "abuse", "context")


def world(seed: int) -> dict:
    """Tables of a small random world, in which everything that the words allow may happen."""
    random = Random(seed)
    pick, maybe = random.choice, lambda share: random.random() < share
    zones = [f"list{n}.example" for n in range(random.randint(1, 4))]
    health = {zone: pick(("healthy", "healthy", "healthy", "void")) for zone in zones}
    lists = [
        (zone, zone, pick(GROUPS), health[zone], "not_judged", None, 2, None, 0, 0, False, ["1"]) for zone in zones
    ]
    hosts, addresses, listings = [f"mx{n}.example" for n in range(8)], [], []
    for n, host in enumerate(hosts):
        match pick(("one", "one", "two", "silent", "absent", "special", "half")):
            case "one" | "two" as many:
                for k in range(2 if many == "two" else 1):
                    addresses.append((host, f"198.18.{n // 2 if maybe(0.2) else n}.{k}", 4, "present", None, None, "2"))
            case "half":
                addresses.append((host, f"198.18.{n}.0", 4, "present", None, None, "2"))
                addresses.append((host, None, 6, "silent", "timeout", None, "3"))
            case "silent":
                addresses.append((host, None, 4, "silent", "timeout", None, "3"))
            case "absent":
                addresses.append((host, None, 4, "absent", "nxdomain", None, "3"))
            case "special":
                addresses.append((host, f"10.0.{n}.1", 4, "present", "special_address", None, "3"))
    seen = {row[1]: row[4] for row in addresses if row[1]}
    senders_only = {"198.19.0.5": None, "198.19.1.5": None, "2001:db8::5": None, "10.9.9.9": "special_address"}
    seen |= senders_only
    for address, special in sorted(seen.items()):
        for zone in zones:
            status, why = pick((("listed", None), ("clear", None), ("clear", None), ("clear", None), ("silent", "timeout"),
                                ("refused", "error_code"), ("not_asked", "no_ipv6"), ("not_asked", "daily_limit")))  # fmt: skip
            if maybe(0.6):
                status, why = "clear", None
            if special:
                status, why = "not_asked", "special_address"
            elif health[zone] == "void":
                status, why = "refused", "list_void"
            said = sorted({pick(CATEGORIES) for _ in range(random.randint(1, 2))}) if status == "listed" else []
            confirmed = said[:1] if maybe(0.5) else []
            listings.append((address, zone, status, [], said, why, None, bool(confirmed), confirmed, None, ["4"]))
    bodies, domains, mail_servers = [], [], []
    for n in range(random.randint(1, 14)):
        code, in_scope = f"{n:06d}", maybe(0.9)
        bodies.append((code, f"県{n % 3}", f"町{n}", "マチ", pick(BODY_KINDS), in_scope, None, "s", n + 2))
        for _ in range(pick((0, 1, 1, 1, 2))):
            domain = f"d{n if maybe(0.8) else 0}-{random.randint(0, 1)}.example"
            if (code, domain) not in {row[:2] for row in domains}:
                domains.append((code, domain, "given", domain, n + 2, "high", False, True, [], []))
    for domain in sorted({row[1] for row in domains}):
        match pick(("mx", "mx", "mx", "null", "none", "nxdomain", "silent", "literal")):
            case "mx":
                for host in random.sample(hosts, random.randint(1, 2)):
                    kinds = {row[3] for row in addresses if row[0] == host}
                    target = "dangling" if kinds == {"absent"} else "host"
                    mail_servers.append((domain, 10, host, "mx", target, "present", None, "5"))
            case "null":
                mail_servers.append((domain, 0, None, "null", None, "present", None, "5"))
            case "none":
                mail_servers.append((domain, None, None, "none", None, "absent", "nodata", "5"))
            case "nxdomain":
                mail_servers.append((domain, None, None, "none", None, "absent", "nxdomain", "5"))
            case "silent":
                mail_servers.append((domain, None, None, None, None, "silent", "timeout", "5"))
            case "literal":
                mail_servers.append((domain, 10, "192.0.2.1", "mx", "address_literal", "present", None, "5"))
    senders, policies = [], []
    for domain in sorted({row[1] for row in domains}):
        for place in range(random.randint(1, 3)):
            is_own, status, why, address = True, "present", None, None
            match pick(("mx", "own", "own", "own", "silent", "foreign_silent", "none", "range", "denied", "wrong")):
                case "mx":
                    address = pick(sorted(seen))
                case "own":
                    address = pick(sorted(senders_only))
                case "silent":
                    status, why = "silent", "timeout"
                case "foreign_silent":
                    is_own, status, why = False, "silent", "servfail"
                case "none":
                    status, why = "absent", "no_record"
                case "range":
                    status, why = "not_asked", "range_too_large"
                case "denied":
                    status, why, address = "not_asked", "not_authorised", pick(sorted(seen))
                case "wrong":
                    why = "malformed_record"
            why = "special_address" if status == "present" and address and seen[address] else why
            term = "a:x.example" if address else None
            senders.append(
                (domain, place, domain, term, "a", "+", None, None, address, None, is_own, status, why, ["6"])
            )
        problem = pick((None, None, "loop"))
        text = "v=spf1 a:x.example -all"
        policies.append(
            (
                domain,
                "present",
                None,
                text,
                "-",
                1,
                0,
                problem,
                "absent",
                "no_record",
                *[None] * 5,
                domain,
                None,
                ["6"],
                ["7"],
            )
        )
    rows = {
        "senders": senders,
        "policies": policies,
        "bodies": bodies,
        "domains": domains,
        "mail_servers": mail_servers,
        "addresses": addresses,
        "listings": listings,
        "lists": lists,
        "problems": [],
        "candidates": [],
    }
    out = frozenset(row[1] for row in domains if maybe(0.05))
    return {"tables": tables_of(rows, out), "rows": rows, "out": out, "health": health}


def tables_of(rows: dict, out: frozenset) -> dict:
    """Every table of a world from its observed rows; nothing was asked about domains that opted out."""
    tables = {name: frame(name, found) for name, found in rows.items()}
    tables["mail_servers"] = tables["mail_servers"].loc[~tables["mail_servers"]["domain"].isin(out)]
    observed = [tables[name] for name in ("bodies", "domains", "mail_servers", "addresses")]
    said = standings.read([tables["listings"]], tables["lists"])
    tables["networks"] = frame("networks")
    use = operators.Use(*observed, tables["networks"], operators.load_directory())
    tables["servers"] = use.servers(said)
    for name in ("senders", "policies"):
        tables[name] = tables[name].loc[~tables[name]["domain"].isin(out)]

    def take(name, column, values, *columns):
        return tables[name].loc[tables[name][column].isin(values), list(columns)]

    found = findings.read(tables["bodies"], take, said, tables["lists"], out.__contains__)
    tables["findings"] = joined("findings", found)
    return tables


def rule(found: dict, code: str, wanted: frozenset, zones: set) -> str:
    """The body's status by these lists and categories, from the rows alone."""
    rows = found["rows"]
    if not next(row[5] for row in rows["bodies"] if row[0] == code):
        return "out_of_scope"
    groups = {row[0]: row[2] for row in rows["lists"]}
    named = [row[1] for row in rows["domains"] if row[0] == code]
    asked = [domain for domain in named if domain not in found["out"]]
    if named and not asked:
        return "opted_out"
    is_listed, is_doubtful, answers, without = False, asked != named or not asked, 0, 0
    for _, _, host, kind, _, status, why, _ in [row for row in rows["mail_servers"] if row[0] in asked]:
        is_doubtful |= status == "silent" or (kind == "none" and why == "nxdomain")
        for _, address, _, state, special, _, _ in [row for row in rows["addresses"] if row[0] == host]:
            is_doubtful |= state == "silent"
            for pair in [row for row in rows["listings"] if row[0] == address and not special]:
                is_headline = groups[pair[1]] in ("relay", "abuse")
                if pair[1] not in zones or (pair[2] == "not_asked" and pair[5] == "no_ipv6"):
                    continue
                is_listed |= pair[2] == "listed" and bool(wanted & set(pair[4]))
                is_doubtful |= pair[2] not in ("listed", "clear")
                answers += pair[2] in ("listed", "clear") and is_headline
    for domain in asked:
        kinds = [(row[3], row[6]) for row in rows["mail_servers"] if row[0] == domain]
        without += all(kind == "null" or (kind == "none" and why == "nodata") for kind, why in kinds)
    if is_listed:
        return "listed"
    if is_doubtful:
        return "unknown"
    return "no_mail" if without == len(asked) else "clear" if answers else "unknown"


def sending_rule(found: dict, code: str, zones: set) -> tuple[str, list[str]]:
    """The body's status by its own senders alone, from the rows alone; and which of them are listed."""
    rows = found["rows"]
    groups = {row[0]: row[2] for row in rows["lists"]}
    named = [row[1] for row in rows["domains"] if row[0] == code]
    asked = [domain for domain in named if domain not in found["out"]]
    own = [row for row in rows["senders"] if row[0] in asked and row[10]]
    addresses = {row[8] for row in own if row[11] == "present" and row[8] and row[12] != "special_address"}
    is_doubtful = asked != named or not asked or any(row[11] == "silent" for row in own)
    is_doubtful |= any(row[0] in asked and row[6] == "nxdomain" for row in rows["mail_servers"])
    listed, answers = set(), 0
    for pair in rows["listings"]:
        if pair[0] not in addresses or pair[1] not in zones or (pair[2] == "not_asked" and pair[5] == "no_ipv6"):
            continue
        if pair[2] == "listed" and HEADLINE_CATEGORIES & set(pair[4]):
            listed.add(pair[0])
        is_doubtful |= pair[2] not in ("listed", "clear")
        answers += pair[2] in ("listed", "clear") and groups[pair[1]] in ("relay", "abuse")
    if listed:
        return "listed", sorted(listed)
    if is_doubtful:
        return "unknown", []
    return ("no_senders" if not addresses else "clear" if answers else "unknown"), []


def edition_of(found: dict) -> Edition:
    tables = found["tables"] | {name: frame(name) for name in RELAY_TABLES}
    counted = [tables[name] for name in ("findings", "servers", "addresses")]
    headline = headlines.count(*counted, standings.read([tables["listings"]], tables["lists"]), tables["lists"])
    headline |= {"started_at": "2026-11-24T00:00", "finished_at": None, "evidence_head": "0" * 64, "questions_asked": 1}
    return Edition(tables, headline, {"world": "practice"})


@given(st.integers(0, 2**32))
@settings(max_examples=150)
def test_every_body_is_what_the_rule_makes_of_the_rows(seed):
    found = world(seed)
    healthy = {zone for zone, word in found["health"].items() if word == "healthy"}
    groups = found["tables"]["lists"].set_index("zone")["group"]
    relay = {zone for zone in healthy if groups[zone] == "relay"}
    for one in found["tables"]["findings"].itertuples():
        assert one.status == rule(found, one.code, HEADLINE_CATEGORIES, healthy), one
        if relay and one.status not in ("out_of_scope", "opted_out"):
            said = rule(found, one.code, RELAY_CATEGORIES, relay)
            # A relay code of a list whose strongest codes say something else still counts for the listed word.
            assert one.open_relay_listing in (said, "listed"), one
        elif not relay:
            assert one.open_relay_listing is None or one.open_relay_listing != one.open_relay_listing


@given(st.integers(0, 2**32))
@settings(max_examples=150)
def test_senders_are_counted_apart_and_never_make_a_body_listed(seed):
    found = world(seed)
    healthy = {zone for zone, word in found["health"].items() if word == "healthy"}
    for one in found["tables"]["findings"].itertuples():
        if one.status in ("out_of_scope", "opted_out"):
            continue
        status, listed = sending_rule(found, one.code, healthy)
        assert (one.sending_listing, sorted(one.senders_listed)) == (status, listed), one
        receives = one.status == "listed"
        role = "both" if listed and receives else "sends" if listed else "receives" if receives else None
        assert one.listed_role == role or (role is None and one.listed_role != one.listed_role)
        assert one.status == rule(found, one.code, HEADLINE_CATEGORIES, healthy)
    headline = edition_of(found).headline
    said = found["tables"]["findings"]["sending_listing"].value_counts()
    assert headline["bodies_listed_sending"] == said.get("listed", 0)
    assert headline["bodies_unknown_sending"] == said.get("unknown", 0)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_statuses_add_up_to_the_register_in_every_count(seed):
    edition = edition_of(world(seed))
    headline, bodies = edition.headline, len(edition.tables["bodies"])
    assert headline["bodies"] == bodies == sum(headline[f"bodies_{word}"] for word in Body)
    assert headline["bodies_listed_own"] + headline["bodies_listed_shared_only"] == headline["bodies_listed"]
    for column in ("prefecture", "kind"):
        counts = edition.by(column)
        assert counts["bodies"].sum() == bodies
        for word in Body:
            assert counts[word].sum() == headline[f"bodies_{word}"]
    servers = edition.tables["servers"]["status"].value_counts()
    assert headline["servers_listed"] == servers.get("listed", 0)
    assert headline["servers_listed"] + headline["servers_unknown"] <= headline["mail_servers"] == servers.sum()
    assert headline["addresses_listed"] + headline["addresses_unknown"] <= headline["addresses"]
    for by in ("operator", "operator_kind", "host"):
        ranked = edition.ranking(by)
        assert (ranked["listed_n"] + ranked["unknown_n"] <= ranked["bodies_n"]).all()
        assert ranked["servers_n"].sum() == headline["mail_servers"]
        if headline["servers_listed"]:
            assert ranked["cumulative_share"].iloc[-1] == pytest.approx(1.0)
        # Whoever is counted as listed is found to be listed, by a server of that operator that it uses itself.
        of = dict(rows_of(edition.tables["servers"], "host", by))
        wanted = Counter(
            name
            for status, hosts in rows_of(edition.tables["findings"], "status", "servers_listed")
            if status == "listed"
            for name in {of[host] for host in hosts if host in of}
        )
        assert dict(zip(ranked[by], ranked["listed_n"], strict=True)) == {name: wanted[name] for name in ranked[by]}


@given(st.integers(0, 2**32))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_statuses_add_up_in_every_sheet_and_figure(tmp_path, seed):
    edition = edition_of(world(seed))
    headline = edition.headline
    write_workbook(edition, tmp_path / "findings.xlsx")
    book = openpyxl.load_workbook(tmp_path / "findings.xlsx", data_only=True)
    rows = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    assert len([row for row in rows["調査結果"][4:] if row[0]]) == headline["bodies"]
    total = next(row for row in rows["地域別"] if row[0] == "計 / total")
    words = ("listed", "unknown", "clear", "no_mail", "opted_out", "out_of_scope")
    assert total[1:8] == (*(headline[f"bodies_{word}"] for word in words), headline["bodies"])
    assert total[8] == headline["bodies_surveyed"]
    assert total[9] == headline["bodies_listed"] + headline["bodies_unknown"]
    assert [row[0] for row in rows["確認できず"][4:]].count("団体") == headline["bodies_unknown"]
    summed = next(row[1] for row in rows["要約"] if row[0] == "計 / total")
    assert summed == headline["bodies"]
    bounds = [row for row in rows["要約"] if row[0] and isinstance(row[4], int)]
    assert bounds and all(row[1] + row[3] == row[2] <= row[4] for row in bounds)

    relay = bool(headline["open_relay_lists_used"])
    view = audiences.view(edition, "internal", {}, now=datetime.now(UTC))
    drawn = {
        name: parts(drawing)
        for name, draw in charts.FIGURES.items()
        if name != "software" and (drawing := draw(view, "ja", style.DEFAULT)) is not None
    }
    wanted = "open_relay" if relay else None
    listed = headline["bodies_listed_open_relay"] if wanted else headline["bodies_listed"]
    unknown = headline["bodies_unknown_open_relay"] if wanted else headline["bodies_unknown"]
    assert drawn["by_region"].get("listed", 0) == pytest.approx(listed)
    assert drawn["by_region"].get("unknown", 0) == pytest.approx(unknown)
    # The headline's two bars: by open-relay lists, where one was healthy, and by all that count.
    bars = [("bodies_listed", "bodies_unknown")]
    bars += [("bodies_listed_open_relay", "bodies_unknown_open_relay")] if relay else []
    for word, place in (("listed", 0), ("unknown", 1)):
        assert drawn["headline"].get(word, 0) == pytest.approx(sum(headline[names[place]] for names in bars))
    assert sum(drawn["headline"].values()) == pytest.approx(headline["bodies_surveyed"] * len(bars))
    counts = edition.by("kind")
    prefix = "relay_" if relay else ""
    surveyed = counts["bodies"] - counts["opted_out"] - counts["out_of_scope"]
    for word in ("listed", "unknown"):
        shares = (100 * counts[f"{prefix}{word}"] / surveyed)[surveyed > 0]
        assert drawn["by_kind"].get(word, 0) == pytest.approx(float(shares.sum()))
    servers = int(edition.tables["servers"]["status"].eq("listed").sum())
    whose = sum(drawn["own_or_shared"].values())
    assert whose == pytest.approx(headline["bodies_listed"] + servers)
    assert sum(drawn["not_determined"].values()) >= headline["bodies_unknown"] - 1e-6


def parts(drawing) -> dict[str, float]:
    """What the bars of a figure add up to, by their machine word."""
    found: dict[str, float] = {}
    for patch in drawing.figure.axes[0].patches:
        if word := patch.get_label():
            found[word] = found.get(word, 0) + patch.get_width() / drawing.scale
    return found
