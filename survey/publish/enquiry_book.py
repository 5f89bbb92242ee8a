"""The workbook that an enquirer gets: their servers, their listings, their lines, and the lists; Japanese and English.

It is made from an `Answer` alone, which holds nothing of anybody else. Sheets: what this is and whom to write to; one
row per server; one row per listing with how to be delisted; one row per line of the enquiry; one row per list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..enquirers import Enquirer
from ..enquiries import Outcome
from ..harmless import harmless
from ..replies import Answer, Reply, Said, Server
from ..tables import HEADLINE_CATEGORIES, Body
from . import enquiry_words as say
from . import labels
from .book import Book, new_book, plain, top, width, write_table
from .clock import JAPAN
from .enquiry_words import both
from .labels import word
from .letters import meaning, page, question
from .newsroom import Newsroom

AUDIENCE = "enquirer"
_WIDE, _NAMES = 150, 42
"""Half-width cells of a sentence on the first sheet, and of the names of facts beside them."""

_SCREEN, _LISTING_SCREEN = 5, 4
"""Columns at the right that are for the screen, and are not printed."""


def write_enquiry_book(answer: Answer, enquirer: Enquirer, newsroom: Newsroom, path: Path, *, now: datetime) -> None:
    """Write the workbook of one enquiry."""
    properties = {
        "title": both(say.TITLE),
        "author": newsroom.word("name", "ja") if newsroom.name else "",
        "comments": both((labels.PRACTICE["ja"], labels.PRACTICE["en"])) if answer.source.is_practice else "",
    }
    as_of = _in_a_line(answer.source.ended_at)
    with new_book(path, AUDIENCE, "ja", as_of, properties, is_practice=answer.source.is_practice) as writing:
        _summary(writing, answer, enquirer, newsroom, now)
        _servers(writing, answer)
        _listings(writing, answer)
        _lines(writing, answer)
        _lists(writing, answer)


def _moment(found: datetime | None) -> str:
    """A moment in Japan's time and in UTC, on two lines; empty for none."""
    if found is None:
        return ""
    return f"{found.astimezone(JAPAN):%Y-%m-%d %H:%M}（日本時間）\n{found.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _in_a_line(found: datetime | None) -> str:
    return _moment(found).replace("\n", " / ")


def _both(machine: object) -> str:
    """A machine word in both languages; empty for none."""
    return both((word(machine, "ja"), word(machine, "en"))) if machine is not None else ""


def _several(machine: Iterable[object]) -> str:
    return "\n".join(map(_both, dict.fromkeys(machine)))


def _summary(writing: Book, answer: Answer, enquirer: Enquirer, newsroom: Newsroom, now: datetime) -> None:
    """回答: for whom, when, from which evidence, how much; what the words mean; whom to write to."""
    sheet = writing.sheet("enquiry_summary", header_row=0)
    source, counts = answer.source, answer.counts()
    sheet.set_column(0, 0, _NAMES)
    sheet.set_column(1, 1, _WIDE - _NAMES)
    top(writing, sheet, both(say.TITLE), "")
    contact = "\n".join(dict.fromkeys(newsroom.word("contact", language) for language in labels.LANGUAGES))
    by = "\n".join(dict.fromkeys(newsroom.word("name", language) for language in labels.LANGUAGES))
    asked = dict.fromkeys(map(_in_a_line, (source.began_at, source.ended_at)))
    facts = (
        ("for", enquirer.name),
        ("by", by),
        ("answered_at", _in_a_line(now)),
        ("asked_at", " ～ ".join(asked)),
        ("evidence_head", source.head),
        ("questions", answer.enquiry.sha256),
        ("lines", _counted(counts, "lines", "items")),
        ("servers", _counted(counts, "servers", "servers")),
    )
    row = 2
    for name, value in facts:
        row += 1
        _fact(writing, row, both(say.FACTS[name]), value)
    sentences = [both_lines(one) for one in say.ABOUT]
    sentences.insert(1, both_lines((labels.NOT_CLOSED["ja"], labels.NOT_CLOSED["en"])))
    if source.is_run:
        sentences.insert(0, both_lines(say.OF_A_RUN))
    if not source.is_finished:
        sentences.insert(0, both_lines((labels.UNFINISHED["ja"], labels.UNFINISHED["en"])))
    row += 1
    for sentence in [*sentences, both_lines(say.COMPLAIN)]:
        row += 1
        sheet.merge_range(row, 0, row, 1, "", writing.format("wrap"))
        sheet.write_string(row, 0, sentence, writing.format("wrap"))
        sheet.set_row(row, 15 * sum(-(-width(line) // (_WIDE - 4)) for line in sentence.split("\n")))
    _fact(writing, row + 1, both(say.FACTS["contact"]), contact)


def both_lines(pair: say.Both) -> str:
    """A sentence in Japanese, and in English below it."""
    return "\n".join(pair)


def _fact(writing: Book, row: int, name: str, value: str) -> None:
    sheet = writing.book.worksheets()[-1]
    text = plain(value)
    sheet.write_string(row, 0, name, writing.format("strong"))
    sheet.write_string(row, 1, text, writing.format("wrap"))
    sheet.set_row(row, 15 * sum(max(1, -(-width(line) // (_WIDE - _NAMES - 4))) for line in text.split("\n")))


def _counted(counts: dict[str, int], name: str, group: str) -> str:
    """A count, and what it is made of."""
    parts = {key.removeprefix(f"{group}_"): n for key, n in counts.items() if key.startswith(f"{group}_")}
    total = counts[name] if name != "lines" else counts["items"]
    return f"{total:,}（" + "、".join(f"{_both(machine)} {n:,}" for machine, n in parts.items()) + "）"


def _servers(writing: Book, answer: Answer) -> None:
    """サーバ: one row per server, listed ones first."""
    sheet = writing.sheet("enquiry_servers", header_row=3)
    top(writing, sheet, "サーバ / Servers", both(say.NOTES["servers"]))
    order = {Body.LISTED.value: 0, Body.UNKNOWN.value: 1, Body.CLEAR.value: 2}
    chosen = sorted(answer.servers, key=lambda one: (order.get(one.status, 3), one.number))
    rows = [_server_row(one) for one in chosen]
    heads = say.HEADS["servers"]
    write_table(writing, sheet, 3, "enquiry_servers", heads, rows, most=26, unbroken=range(len(heads))[-_SCREEN:])
    sheet.print_area(0, 0, 3 + max(1, len(rows)), len(heads) - _SCREEN - 1)
    sheet.freeze_panes(4, 3)


def _server_row(one: Server) -> tuple[object, ...]:
    listings = [said for said in one.said if said.is_headline]
    since = min((said.first_heard_at for said in listings if said.first_heard_at is not None), default=None)
    asked = max((said.asked_at for said in one.said if said.asked_at is not None), default=None)
    evidence = [*one.evidence_ids, *(said for entry in one.said for said in entry.evidence_ids)]
    role = {"both": "receives_and_sends"}.get(str(one.role), one.role)
    return (
        one.number + 1,
        one.host or "",
        one.address or "",
        _both(role),
        _both(one.status),
        _both(one.reason),
        "\n".join(one.zones(headline=True)),
        _several(one for said in listings for one in said.categories if one in HEADLINE_CATEGORIES),
        both(say.YES if all(said.is_confirmed for said in listings) else say.NOT_YET) if listings else "",
        len(one.clear_zones()) if one.address is not None else "",
        "\n".join(f"{said.zone}: {_both(said.reason or said.status)}" for said in one.open_zones()),
        _moment(asked),
        _in_a_line(since),
        " ".join(one.zones(headline=False)),
        " ".join(one.clear_zones()),
        " ".join(one.subjects),
        " ".join(dict.fromkeys(evidence)),
    )


def _listings(writing: Book, answer: Answer) -> None:
    """登録の内容: one row per listing, with what it means and how to get off."""
    sheet = writing.sheet("enquiry_listings", header_row=3)
    top(writing, sheet, "登録の内容 / Listings", both(say.NOTES["listings"]))
    found = [(server, said) for server in answer.servers for said in server.said if said.is_listing]
    found.sort(key=lambda pair: (not pair[1].is_headline, pair[0].number, pair[1].zone))
    rows = [_listing_row(answer, server, said) for server, said in found]
    heads = say.HEADS["listings"]
    shown = range(len(heads))[-_LISTING_SCREEN:]
    write_table(writing, sheet, 3, "enquiry_listings", heads, rows, most=26, unbroken=shown)
    sheet.print_area(0, 0, 3 + max(1, len(rows)), len(heads) - _LISTING_SCREEN - 1)
    sheet.freeze_panes(4, 3)


def _listing_row(answer: Answer, server: Server, said: Said) -> tuple[object, ...]:
    about, address = answer.source.lists[said.zone], str(server.address)
    texts = {language: [meaning(about, code, language) for code in said.codes] for language in labels.LANGUAGES}
    return (
        server.number + 1,
        server.host or "",
        address,
        about.list_name,
        both(say.HEADLINE if said.is_headline else say.CONTEXT),
        "\n".join(line for pair in zip(texts["ja"], texts["en"], strict=True) for line in pair),
        said.text or both((labels.NO_TEXT["ja"], labels.NO_TEXT["en"])),
        _moment(said.first_heard_at),
        _moment(said.asked_at),
        both(say.YES if said.is_confirmed else say.NOT_YET),
        _page(about.delist_url),
        said.zone,
        _page(about.lookup_url),
        f"nslookup -type=A {question(address, said.zone)}" if "<" not in said.zone else "",
        " ".join(said.evidence_ids),
    )


def _page(cell: str) -> str:
    """A list's page with the catalogue's remark in both languages."""
    return "\n".join(dict.fromkeys(page(cell, language) for language in labels.LANGUAGES))


def _lines(writing: Book, answer: Answer) -> None:
    """照会の各行: every line and cell, what it was read as, and what it brought."""
    sheet = writing.sheet("enquiry_lines", header_row=3)
    top(writing, sheet, "照会の各行 / Lines of the enquiry", both(say.NOTES["lines"]))
    rows = [_line_row(answer.servers, reply) for reply in answer.replies]
    write_table(writing, sheet, 3, "enquiry_lines", say.HEADS["lines"], rows, most=34)
    sheet.freeze_panes(4, 0)


def _line_row(servers: Sequence[Server], reply: Reply) -> tuple[object, ...]:
    item, subject = reply.item, reply.item.subject
    notes = [_both(one) for one in (reply.reason, item.note, *reply.notes) if one is not None]
    if reply.size is not None and reply.known_n is not None:
        said = say.RANGE_IPV6 if subject is not None and subject.is_ipv6 else say.RANGE
        notes.append(both(said).format(size=reply.size, known=reply.known_n))
    statuses = [servers[number].status for number in reply.servers]
    listed, clear = statuses.count(Body.LISTED), statuses.count(Body.CLEAR)
    is_answer = reply.outcome not in (Outcome.UNUSABLE, Outcome.BESIDE)
    counts: tuple[object, ...] = (listed, clear, len(statuses) - listed - clear) if is_answer else ("", "", "")
    remedy = say.REMEDIES.get(str(reply.reason)) if reply.outcome != Outcome.BESIDE else None
    return (
        item.file,
        item.sheet,
        item.row,
        item.column,
        item.written,
        subject.text if subject is not None and reply.outcome != Outcome.UNUSABLE else "",
        _both(reply.outcome),
        "\n".join(dict.fromkeys(notes)),
        both(remedy) if remedy else "",
        _numbers(reply.servers),
        *counts,
    )


def _numbers(found: Sequence[int], most: int = 12) -> str:
    """The numbers of servers as runs: 3–18, 21; a long list is cut and says how many there are."""
    runs: list[list[int]] = []
    for number in sorted(one + 1 for one in found):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [f"{first}" if first == last else f"{first}–{last}" for first, last in runs[:most]]
    return ", ".join(shown) + (f" … ({len(found)})" if len(runs) > most else "")


def _lists(writing: Book, answer: Answer) -> None:
    """リスト: every list that was asked, whether it counts, and how to be delisted; nothing of what it lists."""
    sheet = writing.sheet("enquiry_lists", header_row=3)
    top(writing, sheet, "リスト / Lists", both(say.NOTES["lists"]))
    rows = []
    for one in answer.source.tables["lists"].sort_values(["health", "zone"]).to_dict("records"):
        about = answer.source.lists[str(one["zone"])]
        rows.append(
            (
                about.list_name,
                about.zone,
                harmless(about.operator),
                _both(one["group"]),
                _both(one["health"]),
                _both(one["reason"]) if isinstance(one["reason"], str) else "",
                _page(about.lookup_url),
                _page(about.delist_url),
            )
        )
    write_table(writing, sheet, 3, "enquiry_lists", say.HEADS["lists"], rows, most=40)
    sheet.freeze_panes(4, 1)
