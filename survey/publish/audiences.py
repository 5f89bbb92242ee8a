"""Who may see what: one definition, and a view in which nothing else exists.

Outputs for the ministry and for the public are made from a `View` and never from a run, so what is not in the view
cannot reach a sheet, a picture or a page by mistake. Columns are allowed by name (`MAY_SEE`); a column that is not
named here is internal.

Counts for both are of the bodies surveyed: a listing that no later pass confirmed counts as unknown, and so does a body
whose domain is only a guess that nobody has reviewed. For the public besides: a body whose gate is not open has the
same row whatever its status; `clear` is never said of a single body; no table is finer than region or kind; and
`disclosure` sees to it that nobody is named by subtraction, whatever is held against what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import pandas as pd

from ..frames import records
from ..tables import Body
from . import disclosure, gate, labels
from .clock import clock
from .confirmed import adjusted, confirmed_at, headline
from .counts import (
    bearers,
    carried,
    confirmed_listings,
    confirmed_servers,
    customers,
    owners,
    ranking,
    reasons,
    software,
)
from .disclosure import OTHERS, SMALL
from .edition import Edition
from .labels import Language
from .tied import tied

Audience = Literal["internal", "ministry", "public"]
AUDIENCES: tuple[Audience, ...] = ("internal", "ministry", "public")

MAY_SEE: Mapping[str, Mapping[str, Sequence[str]]] = {
    "ministry": {
        "findings": (
            *("code", "prefecture", "name", "kana", "kind", "status", "open_relay_listing", "own_or_shared"),
            *("categories", "lists", "servers_listed", "operator", "shared_with", "caveat", "asked_at"),
            "finding_sha256",
        ),
        "servers": (),
        "software": (),
        "listings": (
            *("code", "host", "address", "zone", "codes", "categories", "text", "asked_at"),
            *("own_or_shared", "operator", "operator_ja", "operator_codes", "evidence_ids"),
        ),
        "regions": ("prefecture", "listed", "unknown", "relay_listed", "relay_unknown", "bodies"),
        "kinds": ("kind", "listed", "unknown", "relay_listed", "relay_unknown", "bodies"),
        "operators": (
            *("operator", "operator_ja", "operator_kind", "servers_n", "bodies_n", "listed_n", "unknown_n"),
            "cumulative_share",
        ),
        "lists": ("zone", "list_name", "group", "health", "health_ipv6", "reason", "rounds", "failed_round"),
        "reasons": ("reason", "bodies"),
    },
    "public": {
        "findings": ("code", "prefecture", "name", "kana", "kind", "status", "open_relay_listing"),
        "listings": (),
        "servers": (),
        "software": (),
        "regions": ("prefecture", "listed", "unknown", "bodies"),
        "kinds": ("kind", "listed", "unknown", "bodies"),
        "operators": (
            *("operator", "operator_ja", "operator_kind", "bodies_n", "listed_n", "unknown_n", "cumulative_share"),
        ),
        "lists": ("zone", "list_name", "group", "health", "health_ipv6", "reason", "rounds", "failed_round"),
        "reasons": ("reason", "bodies"),
    },
}
"""Per audience and table the columns that it may see, in their order; the internal audience sees everything."""
SURVEYED = tuple(word for word in Body if word not in (Body.OUT_OF_SCOPE, Body.OPTED_OUT))
"""Statuses of the bodies that were surveyed: the denominator of every count."""
LEAST_OPERATOR = 10
"""Bodies that an operator must serve to have a row of its own in public, named or not."""


@dataclass(frozen=True, slots=True)
class View:
    """What one audience may see of one run, and nothing else.

    `findings` has one row per body; for the public, `status` is null unless the body's gate is open. `listings` has one
    row per confirmed listing of a listed body (ministry). `servers` and `software` (of the servers asked with
    permission) are internal. `fell_out` (code, why) says of each listed body
    whose gate is closed why; it is for the newsroom's screen, never for an output of this audience.
    """

    audience: Audience
    measure: Literal["open_relay", "bodies"]
    """What leads: listings by open-relay lists where one was healthy, otherwise by open-relay and abuse lists.

    For the public, `regions` and `kinds` count this alone; for others `listed` and `unknown` count all headline lists.
    """
    asked_until: datetime
    confirmed_at: datetime | None
    is_practice: bool
    headline: Mapping[str, object]
    findings: pd.DataFrame
    listings: pd.DataFrame
    regions: pd.DataFrame
    kinds: pd.DataFrame
    operators: pd.DataFrame
    lists: pd.DataFrame
    servers: pd.DataFrame
    reasons: pd.DataFrame
    """Why bodies could not be determined: one row per reason, a body with several counts under each."""
    software: pd.DataFrame
    fell_out: pd.DataFrame
    run: Mapping[str, object] = field(default_factory=dict)

    @property
    def heads(self) -> Sequence[str]:
        """The head of the evidence, as far as it is printed."""
        return (str(self.headline["evidence_head"])[: labels.HEAD],)

    def as_of(self, language: Language) -> str:
        """When the last pass ended, as this audience reads it."""
        return self.clock(self.asked_until, language)

    def clock(self, moment: datetime, language: Language) -> str:
        """A moment as this audience reads it."""
        return clock(moment, self.audience, language)


def view(
    edition: Edition,
    audience: Audience,
    decisions: Mapping[str, gate.Decision],
    *,
    now: datetime,
    max_age_h: float = 72.0,
) -> View:
    """What this audience may see of a run. `now` is the moment of publication."""
    found = adjusted(edition) if audience != "internal" else edition.named_findings()
    when = confirmed_at(edition)
    # Of most bodies nobody decides anything: they are not listed.
    decided = found["status"].eq(Body.LISTED) | found["code"].isin(list(decisions)) | (audience == "ministry")
    findings = edition.tables["findings"]
    originals = {one["code"]: one for one in records(findings.loc[findings["code"].isin(found.loc[decided, "code"])])}
    why = {
        code: gate.refusal(
            originals.get(code, {}),
            decisions.get(code),
            is_listed=status == Body.LISTED,
            confirmed_at=when.get(code),
            now=now,
            max_age_h=max_age_h,
        )
        for code, status in found[["code", "status"]].itertuples(index=False, name=None)
    }
    about = {code: gate.finding_sha256(one) for code, one in originals.items()}
    why |= dict.fromkeys(_with_others(edition, found, why, decisions, about, now), "others_open")
    named = {code for code, refused in why.items() if refused is None}
    wanted = {code for code, one in decisions.items() if one.decision == "name"}
    closed = [
        (code, refused)
        for code, refused in why.items()
        if refused is not None and (refused != "not_listed" or code in wanted)
    ]
    measure: Literal["open_relay", "bodies"] = "open_relay" if edition.headline["open_relay_lists_used"] else "bodies"
    regions, kinds = _counts(found, "prefecture"), _counts(found, "kind")
    operators = edition.ranking("operator") if audience == "internal" else ranking(edition, found)
    directory = edition.tables["servers"].drop_duplicates("operator").set_index("operator")
    operators = operators.assign(
        operator_ja=operators["operator"].map(directory["operator_ja"]),
        operator_kind=operators["operator"].map(directory["operator_kind"]),
    )
    listings = edition.tables["listings"]
    why_not = reasons(edition, found, small=SMALL if audience == "public" else 0, others=OTHERS)
    counted = edition.headline if audience == "internal" else headline(edition, found)
    if audience == "ministry":
        found = found.assign(
            asked_at=found["code"].map(when),
            finding_sha256=found["code"].map(about),
        )
        listings = confirmed_listings(edition, set(found.loc[found["status"].eq(Body.LISTED), "code"]))
        borne = {**bearers(edition, listings["operator"]), **bearers(edition, listings["operator_ja"])}
        listings["operator_codes"] = [
            sorted({*borne[one], *borne[other]})
            for one, other in listings[["operator", "operator_ja"]].itertuples(index=False)
        ]
    elif audience == "public":
        servers = confirmed_servers(edition, found)
        served, users = customers(servers), _users(edition)
        large = _large(operators)
        large = large.loc[
            [not _is_tied(servers.loc[servers["operator"].eq(name)], named, users) for name in large["operator"]]
        ]
        told = disclosure.told(
            found.loc[found["status"].isin(SURVEYED)],
            {"prefecture": _leading(regions, measure), "kind": _leading(kinds, measure)},
            leading="open_relay_listing" if measure == "open_relay" else "status",
            named=named,
            operators={name: served[name] for name in large["operator"]},
            whose=owners(servers),
            users=users,
        )
        counted = _without_small(counted, may_share=told.has_shares)
        regions, kinds = told.regions, told.kinds
        operators = _public_operators(large, told.operators, decisions, servers, now)
        found["status"] = found["status"].where(found["code"].isin(named), None)
        found["open_relay_listing"] = found["open_relay_listing"].where(
            found["code"].isin(named) & found["open_relay_listing"].eq(Body.LISTED), None
        )
        listings = listings.iloc[:0]
    tables = {
        "findings": found,
        "listings": listings,
        "regions": regions,
        "kinds": kinds,
        "operators": operators,
        "lists": edition.tables["lists"],
        "servers": edition.tables["servers"].iloc[: None if audience == "internal" else 0],
        "reasons": why_not,
        "software": software(edition).iloc[: None if audience == "internal" else 0],
    }
    if audience != "internal":
        tables = {name: table[list(MAY_SEE[audience][name])].reset_index(drop=True) for name, table in tables.items()}
    moments = [when[code] for code in named if code in when]
    return View(
        audience=audience,
        measure=measure,
        asked_until=edition.asked_until(),
        confirmed_at=min(moments, default=None),
        is_practice=edition.is_practice,
        headline=counted,
        fell_out=pd.DataFrame(sorted(closed), columns=["code", "why"]),
        run={
            "tool": edition.run.get("tool", ""),
            "world": edition.run.get("world", ""),
            "has_dialogue": bool(len(edition.tables["greetings"])),
        },
        **tables,
    )


def _with_others(
    edition: Edition,
    found: pd.DataFrame,
    why: Mapping[str, str | None],
    decisions: Mapping[str, gate.Decision],
    about: Mapping[str, str],
    now: datetime,
) -> set[str]:
    """Bodies whose gate is open but whose listed servers serve others that were not told: MX records are public.

    `about` says per body what its decision must be about: whoever was told of another finding was not told of this.
    """
    told = {
        code
        for code, sha256 in about.items()
        if (one := decisions.get(code)) and one.finding_sha256 == sha256 and gate.notice(one, now) is None
    }
    users = _users(edition)
    open_ = found.loc[[why[code] is None for code in found["code"]], ["code", "servers_listed"]]
    return {
        code
        for code, hosts in open_.itertuples(index=False, name=None)
        if not set().union(*(users.get(host, set()) for host in hosts)) - {code} <= told
    }


def _without_small(counted: Mapping[str, object], *, may_share: bool) -> dict[str, object]:
    """The public headline: who owns the listed servers is left out where a part is one or two bodies, or would tell."""
    names = ("bodies_listed_own", "bodies_listed_shared_only", "bodies_listed_untold")
    if not may_share or any(0 < int(str(counted[name])) <= SMALL for name in names):
        return {**counted, **dict.fromkeys(names)}
    return dict(counted)


def _counts(found: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per region or kind: `listed`, `unknown`, the same by open-relay lists, `bodies`; most listed first.

    `bodies` are those surveyed, as in the headline: who opted out or is out of scope is in no row.
    """
    words = {"": "status", "relay_": "open_relay_listing"}
    everywhere = found[column].drop_duplicates()
    found = found.loc[found["status"].isin(SURVEYED)]
    counts = pd.DataFrame(
        {
            f"{prefix}{word}": found[source].eq(word).groupby(found[column]).sum()
            for prefix, source in words.items()
            for word in (Body.LISTED, Body.UNKNOWN)
        }
        | {"clear": found["status"].eq(Body.CLEAR).groupby(found[column]).sum()}
        | {"bodies": found[column].value_counts()}
    )
    counts = counts.reindex(everywhere).fillna(0).astype(int)
    if int(counts["bodies"].sum()) != len(found):
        raise AssertionError(f"{len(found)} bodies were surveyed, {counts['bodies'].sum()} are counted by {column}")
    table = counts.rename_axis(column).reset_index()
    return table.sort_values(["listed", "bodies", column], ascending=[False, False, True]).reset_index(drop=True)


def _leading(counts: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The same with `listed` and `unknown` of the leading measure alone."""
    if measure == "bodies":
        return counts
    return counts.assign(listed=counts["relay_listed"], unknown=counts["relay_unknown"])


def _large(ranked: pd.DataFrame) -> pd.DataFrame:
    """Operators above a size, in their order.

    Who serves whom is public knowledge: where nearly all whom an operator serves are listed, its row would name them.
    """
    large = ranked.loc[ranked["bodies_n"].ge(LEAST_OPERATOR)]
    listed, unknown = large["listed_n"], large["unknown_n"]
    rest = large["bodies_n"] - listed - unknown
    is_small = listed.between(1, SMALL) | unknown.between(1, SMALL) | rest.between(1, SMALL)
    return large.loc[~is_small & ~(listed.gt(0) & rest.le(SMALL))]


def _users(edition: Edition) -> dict[str, set[str]]:
    """Who is on each mail server, by this name or another with its address: they are listed together."""
    servers = edition.tables["servers"]
    return {host: set(codes) for host, codes in servers[["host", "codes"]].itertuples(index=False)}


def _is_tied(servers: pd.DataFrame, named: set[str], users: Mapping[str, set[str]]) -> bool:
    """Whether an operator's count tells which of its servers are listed, for no others could make it up."""
    served = set().union(*servers["codes"]) - named
    listed = set().union(*servers.loc[servers["status"].eq(Body.LISTED), "codes"]) - named
    return bool(tied(listed, [(served, len(listed))], {host: users[host] for host in servers["host"]}))


def _public_operators(
    large: pd.DataFrame,
    told: Sequence[str],
    decisions: Mapping[str, gate.Decision],
    servers: pd.DataFrame,
    now: datetime,
) -> pd.DataFrame:
    """Those that may be told, in their order; those whose own gate is shut are called A, B, C …"""
    large = large.loc[large["operator"].isin(told)].reset_index(drop=True)
    large["cumulative_share"] = carried(servers, large["operator"])
    may = [gate.names_operator(decisions.get(f"operator:{name}"), now) for name in large["operator"]]
    hidden = [f"{OTHERS}{_letters(number)}" for number in range(len(large))]
    for column in ("operator", "operator_ja"):
        large[column] = [name if ok else cover for name, ok, cover in zip(large[column], may, hidden, strict=True)]
    large.loc[[not ok for ok in may], "operator_kind"] = ""
    return large


def _letters(number: int) -> str:
    """A, B, … Z, AA, AB …"""
    return ("" if number < 26 else _letters(number // 26 - 1)) + chr(ord("A") + number % 26)
