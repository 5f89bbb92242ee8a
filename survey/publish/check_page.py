"""A self-check for reading: sections of sentences and tables, as text and as HTML, in Japanese and English.

Both are written from the same sections. Whatever comes from outside is made harmless, bounded and escaped; links lead
to http and https pages of the catalogue only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from ..fitting import Fit
from ..harmless import harmless
from ..replies import Answer, Server
from ..sources import plain_rows
from ..tables import Body
from . import check_words as say
from . import labels
from .clock import clock
from .enquiry_words import NOT_YET as NOT_CONFIRMED
from .enquiry_words import YES, Both
from .labels import Language, word
from .letters import link, meaning, page
from .markup import text
from .relay_tables import said as relay_word

_MOST = 2_000
_STYLE = {
    "listed": "font-weight:bold;background:#1b4965;color:#fff",
    "look": "font-weight:bold;background:#fbe8cf;color:#111",
    "unknown": "font-style:italic;background:#fbe8cf;color:#111",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, a page that it leads to, and a mark that is backed by its words."""

    text: str
    url: str = ""
    mark: str = ""


@dataclass(slots=True)
class Section:
    """A title with sentences, and a table where there is one."""

    title: str
    sentences: list[str] = field(default_factory=list)
    heads: tuple[str, ...] = ()
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    is_list: bool = False


class CheckPage:
    """One self-check in one language."""

    def __init__(
        self,
        answer: Answer,
        fits: Sequence[Fit],
        relays: pd.DataFrame,
        greetings: pd.DataFrame,
        language: Language,
        *,
        is_once: bool,
        is_example: bool,
    ) -> None:
        self._answer, self._fits, self._language = answer, fits, language
        self._relays, self._greetings = plain_rows(relays), plain_rows(greetings)
        self._is_once, self._is_example = is_once, is_example
        self.title = self._say(say.TITLE).format(name=answer.enquiry.subjects[0].text)

    def _say(self, pair: Both) -> str:
        return pair[0 if self._language == "ja" else 1]

    def _word(self, machine: object) -> str:
        return "" if machine is None else word(machine, self._language)

    def _joined(self, words: Sequence[str]) -> str:
        return ("、" if self._language == "ja" else ", ").join(words)

    def _heads(self, name: str) -> tuple[str, ...]:
        return tuple(map(self._say, say.HEADS[name]))

    def sections(self) -> list[Section]:
        """The whole check, in the order in which it is read."""
        found = [self._result()]
        if self._answer.servers:
            found += [self._listed(headline=True), self._listed(headline=False), self._others()]
        found += [self._fitting(), self._greeting(), self._unknowable(), self._evidence()]
        return [one for one in found if one.sentences or one.rows]

    def _section(self, name: str, *sentences: str, heads: tuple[str, ...] = ()) -> Section:
        return Section(self._say(say.TITLES[name]), list(sentences), heads)

    def _result(self) -> Section:
        answer, reply = self._answer, self._answer.replies[0]
        found = self._section("result")
        if answer.source.is_practice:
            found.sentences.append(labels.PRACTICE[self._language])
        if self._is_example:
            found.sentences.append(self._say(say.EXAMPLE))
        found.sentences.append(self._say(say.ASKED).format(when=self._when(answer.source.ended_at)))
        if reply.outcome != "answered":
            found.sentences.append(self._say(say.OUTCOMES[reply.outcome]).format(why=self._word(reply.reason)))
            return found
        statuses = [one.status for one in answer.servers]
        listed, clear = statuses.count(Body.LISTED), statuses.count(Body.CLEAR)
        rest = len(statuses) - listed - clear
        counts = {"total": len(statuses), "listed": listed, "clear": clear, "open": rest}
        found.sentences.append(self._say(say.COUNTS).format(**counts))
        if reply.notes:
            found.sentences.append(self._joined([self._word(note) for note in reply.notes]))
        if self._is_once and listed:
            found.sentences.append(self._say(say.ONCE))
        found.sentences.append(labels.NOT_CLOSED[self._language])
        return found

    def _when(self, moment: object) -> str:
        return "" if moment is None else clock(pd.Timestamp(str(moment)).to_pydatetime(), "ministry", self._language)

    def _listed(self, *, headline: bool) -> Section:
        found = self._section("listings" if headline else "context", heads=self._heads("listings"))
        for server in self._answer.servers:
            for one in server.said:
                if not one.is_listing or one.is_headline is not headline:
                    continue
                about = self._answer.source.lists[one.zone]
                found.rows.append(
                    (
                        Cell(_place(server)),
                        Cell(f"{about.list_name}\n{one.zone}", link(about.lookup_url)),
                        Cell("\n".join(meaning(about, code, self._language) for code in one.codes)),
                        Cell(one.text or labels.NO_TEXT[self._language]),
                        Cell(self._when(one.first_heard_at)),
                        Cell(self._say(YES if one.is_confirmed else NOT_CONFIRMED)),
                        Cell(page(about.delist_url, self._language), link(about.delist_url)),
                        Cell(" ".join(one.evidence_ids)),
                    )
                )
        if headline:
            found.sentences.append(self._say(say.TO_DELIST if found.rows else say.NO_LISTING))
        return found

    def _others(self) -> Section:
        found = self._section("others", heads=self._heads("others"))
        for server in self._answer.servers:
            status = self._word(server.status) + (f"（{self._word(server.reason)}）" if server.reason else "")
            quiet = [f"{one.zone}: {self._word(one.reason or one.status)}" for one in server.open_zones()]
            found.rows.append(
                (
                    Cell(server.address or "–"),
                    Cell(server.host or "–"),
                    Cell(status, mark=server.status if server.status in ("listed", "unknown") else ""),
                    Cell(self._joined(server.clear_zones()) or "–"),
                    Cell("\n".join(quiet) or "–"),
                )
            )
        lists = self._answer.source.tables["lists"]
        void = plain_rows(lists.loc[lists["health"].ne("healthy")])
        if void:
            zones = self._joined([f"{one['zone']} ({self._word(one['reason'])})" for one in void])
            found.sentences.append(self._say(say.VOID).format(zones=zones))
        return found

    def _fitting(self) -> Section:
        found = self._section("fits", heads=self._heads("fits"))
        for one in self._fits:
            sentence = say.FITS.get(one.word) or say.FITS[f"{one.topic}_problem"]
            words = self._say(sentence).format(detail=one.detail, problem=self._word(one.word))
            record = f"\n{one.detail}" if one.topic in ("spf", "dmarc") and one.detail else ""
            found.rows.append(
                (
                    Cell(self._say(say.TOPICS[one.topic])),
                    Cell(one.subject),
                    Cell(self._say(say.VERDICTS[one.verdict]), mark="" if one.verdict == "fits" else one.verdict),
                    Cell(words + record),
                    Cell(" ".join(one.evidence_ids)),
                )
            )
        return found

    def _greeting(self) -> Section:
        """What a permitted dialogue that is in evidence already heard; nothing is connected to."""
        known = {one["address"]: one for one in self._greetings}
        found = self._section("greeting", heads=self._heads("greeting"))
        for relay in self._relays:
            heard = known.get(relay["address"], {})
            named = " ".join(str(heard[name]) for name in ("software", "version") if heard.get(name))
            verdict = relay_word(relay["verdict"], self._language)
            why = f"（{relay_word(relay['reason'], self._language)}）" if relay["reason"] else ""
            found.rows.append(
                (
                    Cell(str(relay["address"])),
                    Cell(str(heard.get("banner") or "–")),
                    Cell(named or "–"),
                    Cell(verdict + why),
                    Cell(self._when(relay["asked_at"])),
                    Cell(str(relay["evidence_id"] or "")),
                )
            )
        if not found.rows:
            found.sentences.append(self._say(say.NO_GREETING))
        return found

    def _unknowable(self) -> Section:
        found = self._section("unknowable", *map(self._say, say.UNKNOWABLE))
        found.is_list = True
        return found

    def _evidence(self) -> Section:
        source = self._answer.source
        said = self._say(say.EVIDENCE).format(folder=source.folder.name, head=source.head)
        return self._section("evidence", said)

    # -- as text and as HTML -------------------------------------------------------------------------------------

    def as_text(self) -> str:
        """The check as lines of text."""
        lines = [self.title, "=" * 40]
        for section in self.sections():
            lines += ["", f"■ {section.title}"]
            lines += [f"{'・' if section.is_list else ''}{harmless(one, _MOST)}" for one in section.sentences]
            for row in section.rows:
                cells = [harmless(cell.text, _MOST, keep="\n").replace("\n", "; ") for cell in row]
                lines.append("  " + " | ".join(cell for cell in cells if cell and cell != "–"))
        return "\n".join(lines)

    def as_html(self) -> str:
        """The check as a piece of HTML: no script, no request, every text escaped."""
        parts = [f'<div lang="{self._language}"><h3>{text(self.title)}</h3>']
        for section in self.sections():
            parts.append(f"<h4>{text(section.title)}</h4>")
            if section.is_list:
                parts.append("<ul>" + "".join(f"<li>{text(one, _MOST)}</li>" for one in section.sentences) + "</ul>")
            else:
                parts += [f"<p>{text(one, _MOST)}</p>" for one in section.sentences]
            if section.rows:
                heads = "".join(f'<th style="text-align:left">{text(head)}</th>' for head in section.heads)
                rows = "".join(f"<tr>{''.join(map(_html, row))}</tr>" for row in section.rows)
                table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
                parts.append(f'<div style="overflow-x:auto">{table}</div>')
        return "".join(parts) + "</div>"


def _place(server: Server) -> str:
    return " ".join(filter(None, (server.address, server.host and f"({server.host})")))


def _html(cell: Cell) -> str:
    said = "<br>".join(text(line, _MOST) for line in cell.text.split("\n"))
    if cell.url:
        said = f'<a href="{text(cell.url, _MOST)}" target="_blank" rel="noopener noreferrer">{said}</a>'
    style = f"text-align:left;vertical-align:top;white-space:normal;{_STYLE.get(cell.mark, '')}"
    return f'<td style="{style}">{said}</td>'
