"""Answering an enquiry: what a source says about the servers that somebody named, and about nothing else.

A server is an address, by one of its host names where the enquirer named that host or a domain that it serves. An
enquiry by address or range shows no host name at all: a host name may say whose mail the server takes. Nowhere does an
answer say who else uses a server, or how many do. Of whoever opted out it says no more than that.

Every item of the enquiry has a reply, in the order of the items; a server that several items lead to stands there once.
The word of a server follows the survey's rule: `listed` when a healthy list has it in an open-relay or abuse category;
else `unknown` when a healthy list did not answer, or none that could list it was asked; else `clear`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

import pandas as pd

from .blocklists import NO_MATTER
from .enquiries import Enquiry, Outcome
from .replies import Answer, Reply, Said, Server
from .senders import Sending, by_domain
from .sources import PlainRow, Source, plain_rows
from .subjects import Subject
from .tables import HEADLINE_GROUPS, Body, Dns, Listing


def answer(enquiry: Enquiry, source: Source) -> Answer:
    """Answer every item of an enquiry from a source. It asks nothing."""
    answering = _Answering(source, enquiry.subjects)
    # Names first: an address that one of them has stands in the line of that name.
    names_first = sorted(enquiry.subjects, key=lambda subject: subject.kind != "name")
    of_subject = {subject.text: answering.reply(subject) for subject in names_first}
    replies = []
    for item in enquiry.items:
        subject = item.subject
        if item.outcome is Outcome.TAKEN and subject is not None:
            outcome, reason, notes, servers, known_n, size = of_subject[subject.text]
            replies.append(Reply(item, outcome, reason, tuple(notes), tuple(servers), known_n, size))
        elif item.outcome is Outcome.REPEATED and subject is not None:
            replies.append(Reply(item, Outcome.REPEATED, None, (), tuple(of_subject[subject.text][3])))
        else:
            replies.append(Reply(item, item.outcome, item.reason))
    if len(replies) != len(enquiry.items):
        raise AssertionError(f"{len(enquiry.items)} items went in, {len(replies)} replies came out")
    return Answer(enquiry, source, tuple(replies), tuple(answering.servers))


_Found = tuple[str, str | None, list[str], list[int], int | None, int | None]
"""Outcome, reason, notes, numbers of servers, addresses asked about, size."""


class _Answering:
    """Makes the lines of one answer; a server stands in it once."""

    def __init__(self, source: Source, subjects: Iterable[Subject]) -> None:
        shelf = source.tables
        self._source = source
        self.servers: list[Server] = []
        self._line: dict[tuple[str | None, str | None], Server] = {}
        names = {one.text for one in subjects if one.kind == "name"}
        mine = {name: shelf.where(name, "domain", sorted(names)) for name in ("mail_servers", "senders", "policies")}
        self._mail, self._senders = _grouped(mine["mail_servers"], "domain"), _grouped(mine["senders"], "domain")
        self._notes: Mapping[str, Sending] = by_domain(mine["senders"], mine["policies"])
        hosts = names | {str(row["host"]) for rows in self._mail.values() for row in rows if row["host"] is not None}
        self._addresses = _grouped(shelf.where("addresses", "host", sorted(hosts)), "host")
        lists = shelf["lists"]
        self._headline_zones = frozenset(lists.loc[lists["group"].isin(HEADLINE_GROUPS), "zone"])
        self._healthy = frozenset(lists.loc[lists["health"].eq("healthy"), "zone"])
        self._known = {one for part in shelf.parts("listings", "address") for one in map(str, part["address"])}
        self._all = sorted(self._known, key=_numeric)
        self._said = self._read_listings(subjects)

    def _read_listings(self, subjects: Iterable[Subject]) -> dict[str, list[Said]]:
        """What every list said of each address that the subjects lead to."""
        wide = [one for one in subjects if one.kind != "name"]
        wanted = {str(row["address"]) for rows in self._addresses.values() for row in rows}
        wanted |= {str(row["address"]) for rows in self._senders.values() for row in rows}
        wanted |= {address for address in self._all if any(one.covers(address) for one in wide)}
        chosen = self._source.tables.where("listings", "address", sorted(wanted))
        first = self._source.first_heard(chosen)
        found: dict[str, list[Said]] = defaultdict(list)
        for row in plain_rows(chosen):
            address, zone, status = str(row["address"]), str(row["zone"]), Listing(row["status"])
            found[address].append(
                Said(
                    zone,
                    status,
                    zone in self._healthy and row["reason"] not in NO_MATTER,
                    tuple(row["codes"]),
                    tuple(row["categories"]),
                    row["reason"],
                    row["text"],
                    bool(row["confirmed"]),
                    first.get((address, zone)) if status is Listing.LISTED else None,
                    row["asked_at"].to_pydatetime() if row["asked_at"] is not None else None,
                    tuple(row["evidence_ids"]),
                )
            )
        return found

    def reply(self, subject: Subject) -> _Found:
        """What the source has to say of one name, address or range."""
        if subject.kind == "name":
            return self._name(subject.text)
        if subject.kind == "address":
            return self._of_address(subject)
        return self._range(subject)

    # -- addresses and ranges ------------------------------------------------------------------------------------

    def _of_address(self, subject: Subject) -> _Found:
        if self._source.opt_out.has_address(subject.text):
            return self._out(subject.text, [self._server(None, subject.text, subject.text).number])
        if subject.text not in self._known:
            if not self._source.askable(subject.text):
                return "not_asked", "special_address", [], [], None, None
            return self._unknown_here()
        numbers = [one.number for one in self._lines_of(subject.text, subject.text)]
        return "answered", None, [], numbers, None, None

    def _range(self, subject: Subject) -> _Found:
        found = [address for address in self._all if subject.covers(address)]
        numbers = [one.number for address in found for one in self._lines_of(address, subject.text)]
        if not found:
            outcome, reason, *_ = self._unknown_here()
            if subject.is_ipv6 and not self._source.is_run:
                outcome, reason = "not_asked", "ipv6_range"
            return outcome, reason, [], [], 0, subject.size
        return "answered", None, [], numbers, len(found), subject.size

    def _lines_of(self, address: str, subject: str) -> list[Server]:
        """The lines of an address: those by a host that was named, or one without a host."""
        named = [line for (host, place), line in self._line.items() if place == address and host is not None]
        for line in named:
            if subject not in line.subjects:
                line.subjects.append(subject)
        return named or [self._server(None, address, subject)]

    def _unknown_here(self) -> _Found:
        return "not_asked", "not_in_run" if self._source.is_run else "unfinished", [], [], None, None

    def _out(self, subject: str, numbers: list[int]) -> _Found:
        return "opted_out", "opt_out", [], numbers, None, None

    # -- names ---------------------------------------------------------------------------------------------------

    def _name(self, name: str) -> _Found:
        if self._source.opt_out.has_domain(name):
            return self._out(name, [])
        rows = self._mail.get(name, [])
        notes: list[str] = []
        lines: list[Server] = []
        reason = None
        for row in rows:
            host = row["host"]
            if row["status"] in (Dns.SILENT, Dns.NOT_ASKED):
                is_address = str(row["reason"]).startswith("address_")
                reason = "address_silent" if is_address else "mx_silent"
            elif row["kind"] == "null":
                reason = "null_mx"
            elif row["kind"] == "none":
                reason = str(row["reason"])
            elif host is not None:
                notes += ["implicit_mx"] if row["kind"] == "implicit" else []
                lines += self._host(str(host), name, "receives", str(row["target"]), row["evidence_id"])
        # A mail domain without an address of its own lacks nothing; a host without one, or without an answer, does.
        own = [row for row in self._addresses.get(name, []) if row["address"] is not None or not rows]
        if own and not any(line.host == name for line in lines):
            lines += self._host(name, name, None, "host", None)
        if not rows and not own and name not in self._addresses:
            return self._unknown_here()
        lines += self._sending(name, lines)
        notes += [reason] if reason is not None and lines else []
        notes += sorted(self._notes[name].notes) if name in self._notes and rows else []
        numbers = list(dict.fromkeys(line.number for line in lines))
        if numbers:
            return "answered", None, list(dict.fromkeys(notes)), numbers, None, None
        outcome = {"mx_silent": "not_heard", "address_silent": "not_heard", "nxdomain": "no_such_name"}
        return outcome.get(str(reason), "no_server"), reason, notes, [], None, None

    def _host(self, host: str, subject: str, role: str | None, target: str, evidence: object) -> list[Server]:
        """The lines of one host: one per address, or one that says why it has none."""
        found = []
        rows = self._addresses.get(host, [])
        for row in rows or [{"address": None, "status": Dns.NOT_ASKED, "reason": target, "evidence_id": None}]:
            line = self._server(host, row["address"], subject, row["status"], row["reason"])
            line.roles |= {role} if role is not None else set()
            ids = (evidence, row["evidence_id"])
            line.evidence_ids += [str(one) for one in ids if one is not None and str(one) not in line.evidence_ids]
            found.append(line)
        return found

    def _sending(self, name: str, lines: list[Server]) -> list[Server]:
        """The lines of the addresses that the domain's own SPF names; those that are mail servers are marked."""
        found = []
        for row in self._senders.get(name, []):
            if not row["is_own"] or row["status"] != Dns.PRESENT or row["address"] is None:
                continue
            same = [line for line in lines if line.address == row["address"]]
            for line in same or [self._server(row["host"], row["address"], name)]:
                line.roles.add("sends")
                line.evidence_ids += [one for one in row["evidence_ids"] if one not in line.evidence_ids]
                found.append(line)
        return found

    # -- lines ---------------------------------------------------------------------------------------------------

    def _server(
        self, host: str | None, address: str | None, subject: str, dns: str = Dns.PRESENT, reason: str | None = None
    ) -> Server:
        """The line of a host and address, made where it is not there yet."""
        line = self._line.get((host, address))
        if line is None:
            said = tuple(sorted(self._said.get(str(address), []), key=_order))
            status, why = self._word(host, address, said, dns, reason)
            is_out = status == Body.OPTED_OUT
            line = Server(len(self.servers), host, address, status, why, () if is_out else said)
            self._line[host, address] = line
            self.servers.append(line)
        if subject not in line.subjects:
            line.subjects.append(subject)
        return line

    def _word(
        self, host: str | None, address: str | None, said: tuple[Said, ...], dns: str, reason: str | None
    ) -> tuple[str, str | None]:
        """The word of one line, and why where it is not one of a list's making."""
        out = self._source.opt_out
        if (address is not None and out.has_address(address)) or (host is not None and out.has_domain(host)):
            return Body.OPTED_OUT, "opt_out"
        if address is None:
            if dns == Dns.SILENT:
                return Body.UNKNOWN, "address_silent"
            return ("no_address", reason) if dns == Dns.ABSENT else ("not_asked", reason)
        if any(one.is_headline for one in said):
            return Body.LISTED, None
        if any(one.reason in ("special_address", "opt_out") for one in said):
            why = next(one.reason for one in said if one.reason in ("special_address", "opt_out"))
            return (Body.OPTED_OUT if why == "opt_out" else "not_asked"), why
        heard = [one for one in said if one.is_counted and one.status in (Listing.LISTED, Listing.CLEAR)]
        open_ = [one for one in said if one.is_counted and one not in heard]
        if open_ or self._headline_zones.isdisjoint(one.zone for one in heard):
            is_refused = any(one.status is Listing.REFUSED for one in open_)
            return Body.UNKNOWN, "listing_refused" if is_refused else "listing_silent"
        return Body.CLEAR, None


def _order(one: Said) -> tuple[int, str]:
    """Listings first, then what was not heard, then what is clear; void lists last."""
    if one.is_headline:
        return 0, one.zone
    if not one.is_counted:
        return 4, one.zone
    return {Listing.LISTED: 1, Listing.CLEAR: 3}.get(one.status, 2), one.zone


def _numeric(address: str) -> tuple[int, bytes]:
    found = ip_address(address)
    return found.version, found.packed


def _grouped(table: pd.DataFrame, column: str) -> dict[str, list[PlainRow]]:
    found: dict[str, list[PlainRow]] = defaultdict(list)
    for row in plain_rows(table):
        found[str(row[column])].append(row)
    return dict(found)
