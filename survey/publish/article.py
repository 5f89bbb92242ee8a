"""Sentences for an article: every number computed from the run, every sentence with the way back to its evidence.

They say what lists answered, about which servers, when; never that a body "is insecure" or "is an open relay". They are
the newsroom's own: nobody is named in them, and names go through the gate.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from . import labels
from .edition import Edition
from .labels import Language


def sentences(edition: Edition, language: Language) -> list[str]:
    """The article's sentences in one language; after each, the table and rows it was counted from."""
    headline = edition.headline
    listed = edition.tables["findings"].query("status == 'listed'")
    made = [
        _lead(edition, language),
        _regions(edition, language),
        _shared(edition, listed, language),
        _operators(edition, language),
        (labels.NOT_CLOSED[language], "—"),
    ]
    head = str(headline["evidence_head"])
    last = {
        "ja": f"照会は{edition.as_of()}まで。証拠の先頭 {head}",
        "en": f"Asked until {edition.as_of()}. Evidence head {head}",
    }[language]
    label = [labels.PRACTICE[language]] if edition.is_practice else []
    return [*label, *(f"{text}　〔{source}〕" for text, source in made if text), last]


def _lead(edition: Edition, language: Language) -> tuple[str, str]:
    domains = f"{edition.tables['domains']['domain'].nunique():,}"
    relay = labels.bounded(edition.headline, "open_relay")
    found = relay or labels.bounded(edition.headline, "bodies")
    if found is None:
        raise ValueError("a headline without bodies")
    which = {"ja": "第三者中継" if relay else "悪用", "en": "open-relay" if relay else "abuse"}[language]
    most = found.listed + found.unknown
    if language == "ja":
        text = (
            f"メールサーバが{which}リストに登録されている自治体・行政機関は{found.listed:,}"
            f"（調査対象{found.total:,}団体・{domains}ドメイン中。確認できない{found.unknown:,}団体を加えると最大{most:,}）。"
        )
    else:
        text = (
            f"The mail servers of {found.listed:,} local governments and government bodies stand on {which} lists "
            f"(of {found.total:,} bodies with {domains} domains; at most {most:,} with the {found.unknown:,} that "
            "could not be determined)."
        )
    column = "open_relay_listing" if relay else "status"
    return text, f"findings: {column} = listed / unknown"


def _regions(edition: Edition, language: Language) -> tuple[str, str]:
    prefix = "relay_" if edition.headline["open_relay_lists_used"] else ""
    counts = edition.by("prefecture").sort_values([f"{prefix}listed", "prefecture"], ascending=[False, True])
    counts = counts.loc[counts[f"{prefix}listed"] > 0].head(5)
    names = counts["prefecture"]
    spans = [
        labels.Bounded(int(one[f"{prefix}listed"]), int(one[f"{prefix}unknown"]), int(one["bodies"])).text(language)
        for one in counts.to_dict("records")
    ]
    parts = [f"{name} {span}" for name, span in zip(names, spans, strict=True)]
    if not parts:
        return "", ""
    joined = "、".join(parts) if language == "ja" else "; ".join(parts)
    text = f"地域別では、{joined}。" if language == "ja" else f"By region: {joined}."
    return text, "findings × bodies: prefecture"


def _shared(edition: Edition, listed: pd.DataFrame, language: Language) -> tuple[str, str]:
    if not len(listed):
        return "", ""
    only = int(listed["own_or_shared"].eq("shared").sum())
    servers = edition.tables["servers"].query("status == 'listed'")
    most = int(servers["bodies_n"].max()) if len(servers) else 0
    ids = _some(listed.loc[listed["own_or_shared"].eq("shared"), "evidence_ids"])
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
    return text, f"findings: own_or_shared; servers: bodies_n; {ids}"


def _operators(edition: Edition, language: Language) -> tuple[str, str]:
    ranked = edition.ranking("operator")
    ranked = ranked.loc[ranked["listed_n"] > 0].head(10)
    if not len(ranked):
        return "", ""
    share = float(ranked["cumulative_share"].iloc[-1])
    if language == "ja":
        return f"登録団体の{share:.0%}が、上位{len(ranked)}の運用者のサーバによる。", "servers: operator"
    return (
        f"The servers of the first {len(ranked)} operators account for {share:.0%} of the listed bodies.",
        "servers: operator",
    )


def _some(ids: Sequence[Sequence[str]] | pd.Series) -> str:
    """Evidence ids of the first rows, enough to begin with."""
    found = [one for row in list(ids)[:3] for one in row[:3]]
    return "evidence " + ", ".join(found) if found else "evidence: —"
