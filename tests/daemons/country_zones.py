"""A practice country as data for real servers: a master file for NSD, datasets for rbldnsd.

What a name server cannot be told (SERVFAIL, silence) is made of names whose server is a closed port.
"""

from __future__ import annotations

from survey.names import reverse_name
from survey.practice.country import Country
from survey.practice.facts import ABUSE, IPV6_ZONES
from survey.practice.hiding import WILD

HEAD = "$ORIGIN example.\n$TTL 300\n@ IN SOA ns root 1 3600 600 86400 300\n@ IN NS ns\nns IN A 127.0.0.1\n"
POINTS = {
    ABUSE: ("127.0.0.2", "127.0.0.4", "127.0.0.10"),
    "policy.dnsbl.example": ("127.0.0.10",),
    "white.dnsbl.example": ("127.0.0.1",),
}


def master_file(country: Country) -> str:
    """The zone `example` with every domain and host of the country that a name server can serve."""
    lines = [HEAD]
    for domain, facts in country.domains.items():
        if facts.behaviour == "null":
            lines.append(f"{domain}. IN MX 0 .\n")
        elif facts.behaviour == "none":
            lines.append(f'{domain}. IN TXT "no mail here"\n')
        lines += [f"{domain}. IN MX {preference} {host}.\n" for preference, host in facts.exchangers]
    for host, one in country.hosts.items():
        if one.alias_of is not None:
            lines.append(f"{host}. IN CNAME {one.alias_of}.\n")
        elif one.behaviour == "ok":
            lines += [f"{host}. IN A {address}\n" for address in one.ipv4]
            lines += [f"{host}. IN AAAA {address}\n" for address in one.ipv6]
    hidden = country.hidden
    for name in (*hidden.parked, WILD):
        lines += [f"{name}. IN MX 10 mx.parking.example.\n", f"*.{name}. IN MX 10 mx.parking.example.\n"]
    lines += [f"{name}. IN MX 0 .\n" for name in hidden.null]
    for name, facts in country.declarations.texts.items():
        for text in facts.texts:
            chunks = " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
            lines.append(f"{name}. IN TXT {chunks}\n")
    return "".join(lines)


def networks(country: Country) -> dict[str, str]:
    """The zones that tell addresses' networks and names: in-addr.arpa, ip6.arpa, and the practice country's ASN zones."""
    head = "@ 300 IN SOA ns.example. root.example. 1 3600 600 86400 300\n@ 300 IN NS ns.example.\n"
    lines = {zone: [head] for zone in ("in-addr.arpa", "ip6.arpa")}
    for address, (name, behaviour) in country.pointers.items():
        zone = "ip6.arpa" if ":" in address else "in-addr.arpa"
        if behaviour == "ok":
            lines[zone].append(f"{reverse_name(address)}.{zone}. 300 IN PTR {name}.\n")
    return {zone: "".join(found) for zone, found in lines.items()}


def origins(country: Country) -> str:
    """The records of the zone `example` that tell networks."""
    lines = []
    for address, (asn, prefix) in country.origins.items():
        zone = "origin6.asn.example" if ":" in address else "origin.asn.example"
        lines.append(f'{reverse_name(address)}.{zone}. IN TXT "{asn} | {prefix} | ZZ | practice | 2002-03-16"\n')
    lines += [
        f'as{asn}.asn.example. IN TXT "{asn} | ZZ | x | 2002-03-16 | {name}"\n'
        for asn, name in country.as_names.items()
    ]
    return "".join(lines)


def unanswered(country: Country) -> list[str]:
    """Names whose questions nobody may answer: each gets a server that is not there."""
    names = [d for d, facts in country.domains.items() if facts.behaviour in ("servfail", "refused", "silent")]
    names += [host for host, one in country.hosts.items() if one.behaviour in ("silent", "servfail")]
    names += country.hidden.silent
    # A name server that is not there is silent about everything: only names that are nothing but text can be silenced.
    texts = country.declarations.texts.items()
    named = country.domains.keys() | country.hosts.keys()
    names += [name for name, facts in texts if facts.behaviour != "ok" and name not in named]
    for zone, address in country.pair_behaviour:
        names.append(f"{'.'.join(reversed(address.split('.')))}.{zone}")
    return names


def datasets(country: Country, ttl: int = 300) -> list[tuple[str, str, str]]:
    """(zone, dataset type, text) for rbldnsd: the n-th code of every entry stands in the n-th dataset of its zone."""
    found = []
    for zone in country.healthy:
        entries = dict(country.listed[zone])
        entries["127.0.0.2"] = POINTS.get(zone, ("127.0.0.2",))
        if zone in IPV6_ZONES:
            entries["::ffff:7f00:2"] = POINTS.get(zone, ("127.0.0.2",))
        for number in range(max(map(len, entries.values()))):
            for kind, is_ipv6 in (("ip4set", False), ("ip6trie", True)):
                chosen = {
                    a: codes[number] for a, codes in entries.items() if len(codes) > number and (":" in a) == is_ipv6
                }
                if kind == "ip4set" and number % 2:
                    kind = "ip4trie"
                if chosen:
                    lines = [f"$TTL {ttl}\n"]
                    lines += [
                        f"{address} :{code}:$ is listed, see https://{zone}/\n" for address, code in chosen.items()
                    ]
                    found.append((zone, kind, "".join(lines)))
    return found
