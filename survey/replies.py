"""Replies to an enquiry: what each line brought, and the servers that it led to, with what every list said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .enquiries import Enquiry, Item, Outcome
from .sources import Source
from .tables import HEADLINE_CATEGORIES, Listing


@dataclass(frozen=True, slots=True)
class Said:
    """What one list said of one address; `is_counted`: the list was healthy, so that it has a say."""

    zone: str
    status: Listing
    is_counted: bool
    codes: tuple[str, ...]
    categories: tuple[str, ...]
    reason: str | None
    text: str | None
    is_confirmed: bool
    first_heard_at: datetime | None
    """When a listing was heard first in this source; None where it is not listed."""
    asked_at: datetime | None
    evidence_ids: tuple[str, ...]

    @property
    def is_listing(self) -> bool:
        return self.is_counted and self.status is Listing.LISTED

    @property
    def is_headline(self) -> bool:
        """Whether it is a listing as open relay or for abuse; any other is context."""
        return self.is_listing and not HEADLINE_CATEGORIES.isdisjoint(self.categories)


@dataclass(slots=True)
class Server:
    """One line of the answer: an address, by a host name where one was asked about; or a host without an address.

    `status` is listed, clear or unknown; not_asked and opted_out with their reason; no_address for a host without one.
    """

    number: int
    host: str | None
    address: str | None
    status: str
    reason: str | None
    said: tuple[Said, ...] = ()
    roles: set[str] = field(default_factory=set)
    """receives (MX, or the name itself), sends (SPF); nothing for an address that was asked about by itself."""
    subjects: list[str] = field(default_factory=list)
    evidence_ids: list[str] = field(default_factory=list)

    @property
    def role(self) -> str | None:
        return "both" if len(self.roles) > 1 else next(iter(self.roles), None)

    def zones(self, *, headline: bool) -> list[str]:
        """The lists that have it: as open relay or for abuse, or as context."""
        return [one.zone for one in self.said if one.is_listing and one.is_headline is headline]

    def clear_zones(self) -> list[str]:
        """The healthy lists that said it is not listed."""
        return [one.zone for one in self.said if one.is_counted and one.status is Listing.CLEAR]

    def open_zones(self) -> list[Said]:
        """The healthy lists that should have answered and did not: of these nothing follows."""
        open_ = (Listing.SILENT, Listing.REFUSED, Listing.NOT_ASKED)
        return [one for one in self.said if one.is_counted and one.status in open_]


@dataclass(frozen=True, slots=True)
class Reply:
    """What one item brought: `outcome` is a machine word, with its reason, notes, and the servers by number.

    Of a range `known_n` addresses of `size` were asked about; nothing is known of the others.
    """

    item: Item
    outcome: str
    reason: str | None = None
    notes: tuple[str, ...] = ()
    servers: tuple[int, ...] = ()
    known_n: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An enquiry with its replies, one per item, and the servers that they lead to."""

    enquiry: Enquiry
    source: Source
    replies: tuple[Reply, ...]
    servers: tuple[Server, ...]

    def counts(self) -> dict[str, int]:
        """Items by outcome, and servers by status; the outcomes add up to the items."""
        outcomes = [reply.outcome for reply in self.replies]
        statuses = [server.status for server in self.servers]
        found = {f"items_{word}": outcomes.count(word) for word in sorted(set(outcomes))}
        found |= {f"servers_{word}": statuses.count(word) for word in sorted(set(statuses))}
        return {"lines": self.enquiry.lines_n, "items": len(outcomes), "servers": len(statuses), **found}

    @property
    def unusable(self) -> list[Reply]:
        return [reply for reply in self.replies if reply.outcome == Outcome.UNUSABLE]
