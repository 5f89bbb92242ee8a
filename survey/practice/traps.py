"""The traps of a practice country: each done to a few bodies, each a mistake that somebody's survey has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .facts import ABUSE, POLICY, PROXY, BodyFacts, DomainFacts, HostFacts

if TYPE_CHECKING:
    from .country import Country

TRAPS = (
    *("null_mx", "no_mail", "implicit", "servfail", "refused", "nxdomain", "silent", "host_silent", "one_host_silent"),
    *("host_servfail", "dangling", "alias", "alias_chain", "literal", "localhost", "private", "big", "no_edns"),
    *("pair_servfail", "pair_unknown", "pair_error", "odd_name", "no_domain", "out_of_scope", "policy_only"),
    *("information_only", "listed_and_silent", "own_and_shared"),
)


def lay(country: Country, trap: str, body: BodyFacts) -> None:
    """Do to one body what the trap's name says."""
    domain = body.domains[0]
    facts = country.domains[domain]
    host = facts.exchangers[0][1]
    match trap:
        case "null_mx" | "no_mail" | "servfail" | "refused" | "nxdomain" | "silent":
            words = {"null_mx": "null", "no_mail": "none"}
            facts.behaviour, facts.exchangers = words.get(trap, trap), []
            del country.hosts[host]
        case "implicit":
            facts.behaviour, facts.exchangers = "implicit", []
            country.hosts[domain] = country.hosts.pop(host)
        case "host_silent" | "host_servfail":
            country.hosts[host].behaviour = trap.removeprefix("host_")
        case "one_host_silent":
            facts.exchangers.append((20, country.new_host(f"mx2.{domain}")))
            country.hosts[f"mx2.{domain}"].behaviour = "silent"
        case "listed_and_silent":
            country.listed[ABUSE][country.hosts[host].ipv4[0]] = ("127.0.0.2",)
            facts.exchangers.append((20, country.new_host(f"mx2.{domain}")))
            country.hosts[f"mx2.{domain}"].behaviour = "silent"
        case "dangling":
            country.hosts[host].behaviour = "nxdomain"
        case "alias" | "alias_chain":
            end = country.new_host(f"real.{domain}")
            country.hosts[host] = HostFacts(alias_of=end)
            if trap == "alias_chain":
                country.hosts[f"hop.{domain}"] = HostFacts(alias_of=end)
                country.hosts[host].alias_of = f"hop.{domain}"
        case "literal" | "localhost":
            facts.exchangers = [(10, "192.0.2.1" if trap == "literal" else "localhost")]
            del country.hosts[host]
        case "private":
            country.hosts[host] = HostFacts(["10.20.30.40"])
        case "big":
            facts.is_big = True
            facts.exchangers += [(20 + n, country.new_host(f"mx{n}.{domain}")) for n in range(2)]
        case "no_edns":
            facts.needs_no_edns = True
        case "pair_servfail":
            country.pair_behaviour[(ABUSE, country.hosts[host].ipv4[0])] = "servfail"
        case "pair_unknown":
            country.listed[ABUSE][country.hosts[host].ipv4[0]] = ("127.0.0.77",)
        case "pair_error":
            country.listed[ABUSE][country.hosts[host].ipv4[0]] = ("127.0.0.2", "127.255.255.254")
        case "odd_name":
            odd = f"m\\.x\\233\\(1.{domain}"
            country.hosts[odd] = country.hosts.pop(host)
            facts.exchangers = [(10, odd)]
        case "no_domain" | "out_of_scope":
            if trap == "out_of_scope":
                body.in_scope, body.scope_reason = False, "役所がない"
            body.domains = []
            del country.domains[domain], country.hosts[host]
            if country.seed == 81:
                # The country of 2002 keeps its number of domains: the body's neighbour has a second one.
                country.domains[f"old.{domain}"] = DomainFacts(
                    exchangers=[(10, country.new_host(f"mail.old.{domain}"))]
                )
                country.bodies[0].domains.append(f"old.{domain}")
        case "policy_only":
            country.listed[POLICY][country.hosts[host].ipv4[0]] = ("127.0.0.10",)
            country.listed[ABUSE][country.hosts[host].ipv4[0]] = ("127.0.0.10",)
        case "own_and_shared":
            facts.exchangers.append((20, "mx1.sc-cloud1.example"))
        case "information_only":
            country.listed[PROXY][country.hosts[host].ipv4[0]] = ("127.0.0.1",)
