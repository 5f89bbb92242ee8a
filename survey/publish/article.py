"""Sentences for an article: every number computed from the run, every sentence with the way back to its evidence.

They say what lists answered, about which servers, when; never that a body "is insecure" or "is an open relay". They are
the newsroom's own: nobody is named in them, and names go through the gate.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..tables import Body, Share
from . import labels, telling
from .audiences import View
from .confirmed import adjusted
from .counts import confirmed_servers
from .disclosure import OTHERS
from .edition import Edition
from .labels import Language


def sentences(edition: Edition, view: View, language: Language) -> list[str]:
    """The article's sentences in one language; after each, the table and rows it was counted from.

    Every count is that of `view`, the public's, so that the article and the tables beside it say the same: an
    unconfirmed listing counts as not determined. Raises ValueError for another audience's view.
    """
    if view.audience != "public":
        raise ValueError("an article is made from the public's view")
    found = adjusted(edition)
    listed = found.loc[found["status"].eq(Body.LISTED)]
    made = [
        _lead(edition, view, language),
        _regions(view, language),
        _shared(edition, view, listed, language),
        _operators(view, language),
        (labels.NOT_CLOSED[language], "—"),
    ]
    head = str(view.headline["evidence_head"])
    when = view.as_of(language)
    last = {
        "ja": f"照会は{when}まで。証拠の先頭 {head}",
        "en": f"Asked until {when}. Evidence head {head}",
    }[language]
    label = [labels.PRACTICE[language]] if edition.is_practice else []
    return [*label, *(f"{text}　〔{source}〕" for text, source in made if text), last]


def _lead(edition: Edition, view: View, language: Language) -> tuple[str, str]:
    domains = f"{edition.tables['domains']['domain'].nunique():,}"
    found = labels.bounded(view.headline, view.measure)
    if found is None:
        raise ValueError("a headline without bodies")
    is_relay = view.measure == "open_relay"
    which = {
        "ja": "第三者中継" if is_relay else "第三者中継または悪用の",
        "en": "open-relay" if is_relay else "open-relay or abuse",
    }[language]
    most = found.listed + found.unknown
    if language == "ja":
        text = (
            f"メールサーバが{which}リストに登録されている自治体・行政機関は{found.listed:,}"
            f"（調査した{found.total:,}団体・{domains}ドメイン中。確認できなかった{found.unknown:,}団体を加えると"
            f"最大{most:,}）。"
        )
    else:
        text = (
            f"The mail servers of {found.listed:,} local governments and government bodies stand on {which} lists "
            f"(of {found.total:,} bodies with {domains} domains; at most {most:,} with the {found.unknown:,} that "
            "could not be determined)."
        )
    column = "open_relay_listing" if is_relay else "status"
    return text, f"findings, confirmed: {column} = listed / unknown"


def _regions(view: View, language: Language) -> tuple[str, str]:
    """The regions with the most listed bodies, of those that have a row of their own."""
    counts = view.regions.loc[view.regions["prefecture"].ne(OTHERS) & view.regions["listed"].gt(0)].head(5)
    names = telling.regions(view, language)
    parts = []
    for name, listed, unknown, bodies in counts.itertuples(index=False, name=None):
        span = labels.Bounded(int(listed), int(unknown), int(bodies)).text(language)
        parts.append(f"{names[name].name}{'' if language == 'ja' else ' '}{span}")
    if not parts:
        return "", ""
    joined = "、".join(parts) if language == "ja" else "; ".join(parts)
    has_others = view.regions["prefecture"].eq(OTHERS).any()
    if language == "ja":
        text = f"{'個別に示せる' if has_others else ''}地域別では、{joined}。"
    else:
        text = f"By region{', of those that can be shown apart' if has_others else ''}: {joined}."
    return text, "findings × bodies: prefecture"


def _shared(edition: Edition, view: View, listed: pd.DataFrame, language: Language) -> tuple[str, str]:
    shared = view.headline["bodies_listed_shared_only"]
    if shared is None or not len(listed):
        return "", ""
    only = int(str(shared))
    servers = confirmed_servers(edition, listed)
    on = servers.loc[servers["status"].eq(Body.LISTED), "bodies_n"]
    most = int(on.max()) if len(on) else 0
    ids = _some(listed.loc[listed["own_or_shared"].eq(Share.SHARED), "evidence_ids"])
    if language == "ja":
        text = (
            f"第三者中継または悪用のリストに登録のある{len(listed):,}団体のうち{only:,}は、ほかと共用するサーバだけが登録されていた。"
            f"登録のある1台を最大{most:,}団体が使っている。"
        )
    else:
        text = (
            f"Of the {len(listed):,} bodies on open-relay or abuse lists, {only:,} are there through shared servers "
            f"only; one listed server serves up to {most:,} bodies."
        )
    return text, f"findings, confirmed: own_or_shared; servers: bodies_n; {ids}"


def _operators(view: View, language: Language) -> tuple[str, str]:
    ranked = view.operators.loc[view.operators["listed_n"].gt(0)].head(10)
    if not len(ranked):
        return "", ""
    share = float(ranked["cumulative_share"].iloc[-1])
    if language == "ja":
        text = f"登録があった団体の{share:.0%}は、公表できる規模の上位{len(ranked)}運用者のサーバを利用していた。"
    else:
        text = (
            f"The servers of the first {len(ranked)} operators of a size that may be shown account for {share:.0%} of "
            "the listed bodies."
        )
    return text, "servers, confirmed: operator"


def _some(ids: Sequence[Sequence[str]] | pd.Series) -> str:
    """Evidence ids of the first rows, enough to begin with."""
    found = [one for row in list(ids)[:3] for one in row[:3]]
    return "evidence " + ", ".join(found) if found else "evidence: —"
