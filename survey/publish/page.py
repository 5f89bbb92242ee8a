"""One self-contained page per audience and language: headline with bounds, tables, limits, and "find your town".

It is made from a `View` and from nothing else, so that it cannot hold what its audience may not see. It carries its
style, its script, its pictures and its font; its policy allows no request and no other script. Without the script every
table is still there, whole. The practice label, the audience and "as of" stand on every screen's head and foot and on
every printed page (CSS Paged Media 3, margin boxes; and above the headings of tables, for browsers without those).
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import labels, markup, towns, webfont
from .audiences import LEAST_OPERATOR, View
from .corrections import Corrections
from .disclosure import OTHERS
from .labels import Language, word
from .markup import Cell, Column, text, unbroken
from .page_words import LIMITS, METHOD, NAMING, OUTSIDE, say

_HERE = Path(__file__).parent
_NUMBER = "n"


def write_page(
    view: View,
    path: Path,
    language: Language,
    *,
    corrections: Corrections | None = None,
    figures: Sequence[Path] = (),
) -> None:
    """Write the page of a view as one HTML file.

    `figures` are pictures (.png) with their alternative texts beside them (.txt), made for the same audience and
    language, in the order in which they are shown.
    """
    page = _Page(view, language)
    body = page.body(corrections, figures)
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    face = webfont.face(html.unescape(body))
    style = face + page.print_style() + (_HERE / "page.css").read_text(encoding="utf-8")
    head = (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{markup.policy(script, style)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        + ("" if view.audience == "public" else '<meta name="robots" content="noindex, nofollow">\n')
        + f"<title>{text(page.title())}</title>\n<!-- {webfont.NOTICE} -->\n<style>{style}</style>\n"
        f"<script>{script}</script>\n</head>\n"
    )
    whole = f"{head}<body>\n{body}\n</body>\n</html>\n"
    aside = path.with_name(path.name + ".new")
    aside.write_text(whole, encoding="utf-8", newline="\n")
    aside.replace(path)


@dataclass(frozen=True, slots=True)
class _Page:
    """The parts of one page."""

    view: View
    language: Language

    def say(self, key: str, **places: object) -> str:
        return say(key, self.language, **places)

    def title(self) -> str:
        parts = (self.practice(), self.say("title"), self.say(self.view.audience))
        return " | ".join(part for part in parts if part)

    def practice(self) -> str:
        return labels.PRACTICE[self.language] if self.view.is_practice else ""

    def running(self) -> str:
        """What stands on every printed page."""
        parts = (self.practice(), self.say(self.view.audience), self.say("as_of", when=self.view.as_of(self.language)))
        return " | ".join(part for part in parts if part)

    def evidence(self) -> str:
        return self.say("evidence", head=str(self.view.headline["evidence_head"]))

    def print_style(self) -> str:
        """Running heads and feet of the printed pages."""
        families = f'"{webfont.FAMILY}",sans-serif' if self.language == "ja" else "Arial,sans-serif"
        family = f"font:7.5pt {families}"
        left, right = markup.css_string(self.say(self.view.audience)), markup.css_string(self.practice())
        foot = markup.css_string(f"{self.say('title')} | {self.say('as_of', when=self.view.as_of(self.language))}")
        pages = 'counter(page) " / " counter(pages)'
        boxes = (("top-left", left), ("top-right", right), ("bottom-left", foot), ("bottom-right", pages))
        parts = " ".join(f"@{name}{{content:{content};{family}}}" for name, content in boxes)
        return f"@page{{size:A4;margin:18mm 14mm 16mm;{parts}}}\n"

    def body(self, corrections: Corrections | None, figures: Sequence[Path]) -> str:
        """Everything between the body tags, without the script."""
        sections = {
            "limits": self.limits(),
            "regions": self.counts("prefecture"),
            "kinds": self.counts("kind"),
            "operators": self.operators(),
            "figures": _pictures(figures),
            "lists": self.lists(),
            "corrections": self.corrections(corrections),
            "method": self.method(),
            # The long table comes last, so that paper has everything else on its first pages.
            "find": towns.section(self.view, self.language, self.region_anchors(), self.running()),
        }
        sections = {name: content for name, content in sections.items() if content}
        links = "".join(
            f'<li><a href="#{name}">{text(self.say(name))}</a></li>' for name in ("find", *list(sections)[:-1])
        )
        parts = [
            f'<a class="skip" href="#find">{text(self.say("skip"))}</a>',
            markup.HATCH,
            "<header>",
            self.head(),
            f'<nav aria-label="{text(self.say("contents"))}"><ul>{links}</ul></nav>',
            "</header>\n<main>",
            self.headline(),
            *(
                f'<section id="{name}">\n<h2>{text(self.say(name))}</h2>\n{content}\n</section>'
                for name, content in sections.items()
            ),
            "</main>\n<footer>",
            self.foot(),
            "</footer>",
        ]
        return "\n".join(parts)

    def head(self) -> str:
        label = f'<p class="practice">{text(self.practice())}</p>' if self.practice() else ""
        count = self.leading()
        key = f"h1_{self.view.measure}"
        span = f"{count.listed:,}"
        if count.unknown:
            span = self.say("span", least=count.listed, most=count.listed + count.unknown)
        when = self.say("as_of", when=self.view.as_of(self.language))
        return (
            f'{label}<p class="audience">{text(self.say(self.view.audience))}</p>\n<h1>{text(self.say(key, span=span))}'
            f'</h1>\n<p class="meta">{text(self.say("title"))} | {text(when)}</p>'
        )

    def foot(self) -> str:
        label = f'<p class="practice">{text(self.practice())}</p>' if self.practice() else ""
        made = self.say("made_with", tool=self.view.run.get("tool", ""))
        lines = (self.running(), self.evidence(), made)
        return label + "".join(f'<p class="meta">{text(line)}</p>' for line in lines)

    def leading(self) -> labels.Bounded:
        """The count that leads, with its bounds. Raises ValueError for a headline without it."""
        found = labels.bounded(self.view.headline, self.view.measure)
        if found is None:
            raise ValueError(f"a headline without {self.view.measure}")
        return found

    def headline(self) -> str:
        """The count with its bounds, first as numbers, then in sentences."""
        headline, count = self.view.headline, self.leading()
        listed, unknown, most = count.listed, count.unknown, count.listed + count.unknown
        numbers = (("at_least", listed), ("at_most", most), ("not_determined", unknown), ("surveyed", count.total))
        shown = "".join(f"<div><dt>{text(self.say(key))}</dt><dd>{value:,}</dd></div>" for key, value in numbers)
        bodies = labels.bounded(headline, "bodies")
        lead = "lead" if unknown else "lead_sure"
        sentences = [] if headline.get("finished_at") else [labels.UNFINISHED[self.language]]
        sentences.append(
            self.say(
                lead,
                total=count.total,
                listed=listed,
                unknown=unknown,
                most=most,
                lists=self.say(f"lists_{self.view.measure}"),
            )
        )
        if self.view.measure == "bodies":
            sentences.append(self.say("no_relay"))
        elif bodies:
            least, open_ = bodies.listed, bodies.unknown
            sentences.append(self.say("also", listed=least, most=least + open_, unknown=open_, total=bodies.total))
        shared = headline["bodies_listed_shared_only"]
        if shared is not None and bodies:
            sentences.append(self.say("whose", listed=bodies.listed, shared=int(str(shared))))
        used, void = (len(_texts(headline[f"lists_{name}"])) for name in ("used", "void"))
        sentences.append(self.say("lists_used", used=used, void=void))
        surveyed, everyone = (int(str(headline[name])) for name in ("bodies_surveyed", "bodies"))
        sentences.append(self.say("register", bodies=everyone, surveyed=surveyed))
        if self.view.audience == "public" and self.view.confirmed_at is not None:
            sentences.append(self.say("confirmed_at", when=self.view.clock(self.view.confirmed_at, self.language)))
        return f'<dl class="numbers">{shown}</dl>\n' + "\n".join(f"<p>{text(one)}</p>" for one in sentences)

    def limits(self) -> str:
        place = 0 if self.language == "ja" else 1
        points = (labels.NOT_CLOSED[self.language], *(one[place] for one in LIMITS))
        return "<ul>" + "".join(f"<li>{text(one)}</li>" for one in points) + "</ul>"

    def region_anchors(self) -> Mapping[str, str]:
        """Where each region's counts stand on the page; a region put together with others leads to their row."""
        shown = list(self.view.regions["prefecture"].astype(str))
        anchors = {name: f"region-{number}" for number, name in enumerate(shown)}
        for name in self.view.findings["prefecture"].astype(str).unique():
            if name not in anchors and OTHERS in anchors:
                anchors[name] = anchors[OTHERS]
        return anchors

    def counts(self, by: str) -> str:
        """Regions or kinds: at least, not determined, at most, of how many, with a bar."""
        table = self.view.regions if by == "prefecture" else self.view.kinds
        columns = [Column(self.say("region" if by == "prefecture" else "kind"))]
        columns += [Column(self.say(key), _NUMBER) for key in ("at_least", "not_determined", "at_most", "bodies")]
        prefix = "relay_" if self.view.measure == "open_relay" and "relay_listed" in table.columns else ""
        if prefix:
            columns += [Column(self.say(key), "n minor") for key in ("all_listed", "all_unknown")]
        columns.append(Column(self.say("bar"), "bar"))
        records = [{str(name): value for name, value in one.items()} for one in table.to_dict("records")]
        own_rows = [one for one in records if one[by] != OTHERS]
        longest = max((int(one[f"{prefix}listed"] + one[f"{prefix}unknown"]) for one in own_rows), default=1)
        anchors, names = self.region_anchors(), towns.region_names(self.view, self.language)
        rows = []
        for one in records:
            listed, unknown = int(one[f"{prefix}listed"]), int(one[f"{prefix}unknown"])
            machine = str(one[by])
            anchor = f' id="{anchors[machine]}"' if by == "prefecture" else ""
            said = names.get(machine, machine) if by == "prefecture" else word(machine, self.language)
            name = Cell(text(said))
            picture = markup.bar(listed, unknown, longest)
            if machine == OTHERS:  # a sum, not one region or kind: a bar would dwarf the others
                name, picture = Cell(text(self.say(f"others_{by}"))), Cell("")
            more = [int(one["listed"]), int(one["unknown"])] if prefix else []
            values = [name, listed, unknown, listed + unknown, int(one["bodies"]), *more]
            rows.append(markup.row([*values, picture], columns, attributes=anchor))
        has_others = any(one[by] == OTHERS for one in records)
        notes = [self.say(f"measure_{self.view.measure}"), self.say("key")]
        notes += [self.say("others_note")] if has_others else []
        table_id = "region-table" if by == "prefecture" else "kind-table"
        caption = ("" if self.language == "ja" else " ").join(notes)
        return markup.table(
            table_id,
            self.say("regions" if by == "prefecture" else "kinds"),
            caption,
            columns,
            rows,
            running=self.running(),
        )

    def operators(self) -> str:
        """Operators with the bodies that depend on them; letters for those that are not named."""
        table = self.view.operators
        several = table.loc[table["bodies_n"].ge(2)]
        alone, table = len(table) - len(several), several
        if not len(table):
            return f"<p>{text(self.say('operators_none'))}</p>"
        kinds = [word(one, self.language) if isinstance(one, str) and one else "" for one in table["operator_kind"]]
        columns = [Column(self.say("operator")), *([Column(self.say("operator_kind"), "minor")] if any(kinds) else [])]
        numbers = [name for name in ("servers_n", "bodies_n", "listed_n", "unknown_n") if name in table.columns]
        columns += [Column(self.say(name), "n minor" if name == "servers_n" else _NUMBER) for name in numbers]
        rows = []
        for one, kind in zip(table.to_dict("records"), kinds, strict=True):
            name = one["operator_ja"] if self.language == "ja" else one["operator"]
            name = str(name) if isinstance(name, str) and name else str(one["operator"])
            if name.startswith(OTHERS):
                name = self.say("operator_letter", letter=name.removeprefix(OTHERS))
            values = [name, *([kind] if any(kinds) else [])]
            rows.append(markup.row([*values, *(int(one[number]) for number in numbers)], columns))
        notes = [self.say("measure_bodies")]
        notes += [self.say("operators_note", least=LEAST_OPERATOR)] if self.view.audience == "public" else []
        notes += [self.say("operators_alone", n=alone)] if alone else []
        caption = ("" if self.language == "ja" else " ").join(notes)
        return markup.table("operator-table", self.say("operators"), caption, columns, rows, running=self.running())

    def lists(self) -> str:
        """Every selected list: its group, whether it was healthy, and what failed."""
        columns = [
            *(Column(self.say("list_name")), Column(self.say("zone"), "minor"), Column(self.say("group"))),
            *(Column(self.say("health")), Column(self.say("reason"))),
        ]
        rows = []
        for one in self.view.lists.to_dict("records"):
            group, health, reason = (
                word(one[name], self.language) if isinstance(one[name], str) else ""
                for name in ("group", "health", "reason")
            )
            rows.append(
                markup.row([one["list_name"], one["zone"], *map(Cell, map(unbroken, (group, health))), reason], columns)
            )
        used, void = (len(_texts(self.view.headline[f"lists_{name}"])) for name in ("used", "void"))
        note = self.say("lists_used", used=used, void=void)
        return markup.table("list-table", self.say("lists"), note, columns, rows, running=self.running())

    def corrections(self, log: Corrections | None) -> str:
        """What was put right since the first publication, and how much of it is not told here."""
        more = labels.withheld_corrections(len(log.withheld), self.language) if log else ""
        if log is None or not len(log.shown):
            return f"<p>{text(more or self.say('corrections_none'))}</p>"
        columns = [Column(said[0 if self.language == "ja" else 1]) for said in labels.CORRECTIONS.values()]
        rows = [
            markup.row(list(values), columns)
            for values in log.shown[list(labels.CORRECTIONS)].itertuples(index=False, name=None)
        ]
        return markup.table("correction-table", self.say("corrections"), more, columns, rows, running=self.running())

    def method(self) -> str:
        place = 0 if self.language == "ja" else 2
        points = [*METHOD, *([] if self.view.audience == "internal" else [OUTSIDE])]
        points += [NAMING] if self.view.audience == "public" else []
        parts = [f"<h3>{text(one[place])}</h3><p>{text(one[place + 1])}</p>" for one in points]
        return "\n".join([*parts, f'<p class="meta">{text(self.evidence())}</p>'])


def _texts(value: object) -> Sequence[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _pictures(paths: Sequence[Path]) -> str:
    """Pictures within the page, each with its alternative text."""
    parts = []
    for path in paths:
        data = base64.b64encode(path.read_bytes()).decode()
        alt = text(path.with_suffix(".txt").read_text(encoding="utf-8").strip(), 2000)
        parts.append(f'<figure><img alt="{alt}" src="data:image/png;base64,{data}"></figure>')
    return "\n".join(['<div class="figures">', *parts, "</div>"]) if parts else ""
