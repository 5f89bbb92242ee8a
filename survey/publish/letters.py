"""Letters to the bodies whose findings are confirmed, and to the operators of servers that several bodies share.

Each letter is made from the ministry's view alone and from a template that people edit in Word
(`templates/{body,operator}-{ja,en}.docx`; the words in double braces are filled in). A letter says what a list
answered, about which address, when; it never names another body. An operator is told the number of bodies that use its
listed servers and no names: it needs none to act, and a company must not learn of a finding before the body does.
Values from outside are escaped as XML and made harmless; file names hold a code, the audience and the language only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pandas as pd
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import SandboxedEnvironment

from ..catalogue import Blocklist
from ..errors import RunError
from ..harmless import harmless
from ..tables import Body, Share
from . import labels, towns
from .audiences import View
from .clock import JAPAN
from .labels import Language, word
from .newsroom import Newsroom, day, moment

TEMPLATES = Path(__file__).resolve().parent / "templates"
_URL = re.compile(r"https?://[^\s<>\"']+")
_PLAIN_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One listing as a letter and a sheet tell it; every text harmless, links http or https only."""

    host: str
    address: str
    list_name: str
    zone: str
    list_operator: str
    answer: str
    text: str
    asked: str
    whose: str
    lookup_url: str
    lookup: str
    delist_url: str
    delist: str
    command: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter: its file, its addressee, what it tells.

    `key` is the body's code, or `operator:<name>` as in `decisions.xlsx`; `bodies` counts those that it is about.
    """

    key: str
    file: str
    template: str
    addressee: str
    entries: tuple[Entry, ...]
    bodies: int
    operators: str
    finding_sha256: str

    @property
    def servers(self) -> list[str]:
        return list(dict.fromkeys(one.host for one in self.entries))


def letters(view: View, lists: Mapping[str, Blocklist], language: Language) -> list[Letter]:
    """One letter per confirmed finding in the order of codes, then one per operator of shared servers.

    `lists` are the catalogue rows of the run by zone. Raises ValueError for a view that is not the ministry's.
    """
    if view.audience != "ministry":
        raise ValueError("letters are made from the ministry's view")
    sharing = {str(host): set(map(str, codes)) for host, codes in view.listings.groupby("host")["code"]}
    regions = towns.region_names(view, language)
    by_code = {str(code): rows for code, rows in view.listings.groupby("code")}
    found = []
    for one in view.findings.loc[view.findings["status"].eq(Body.LISTED)].sort_values("code").to_dict("records"):
        code = str(one["code"])
        rows = by_code[code]
        found.append(
            Letter(
                key=code,
                file=file_name(code, view.audience, language),
                template="body",
                addressee=_addressee({str(name): value for name, value in one.items()}, regions, language),
                entries=tuple(_entries(rows, lists, language, sharing, code)),
                bodies=1,
                operators=_joined(rows, language),
                finding_sha256=str(one["finding_sha256"]),
            )
        )
    shared = view.listings.loc[view.listings["own_or_shared"].eq(Share.SHARED)]
    for number, (name, rows) in enumerate(shared.groupby("operator"), 1):
        once = rows.drop_duplicates(["host", "address", "zone"])
        found.append(
            Letter(
                key=f"operator:{harmless(str(name), 200)}",
                file=f"operator-{number:03d}-{view.audience}-{language}.docx",
                template="operator",
                addressee=_joined(rows, language),
                entries=tuple(_entries(once, lists, language)),
                bodies=int(rows["code"].nunique()),
                operators=_joined(rows, language),
                finding_sha256="",
            )
        )
    return found


def file_name(code: str, audience: str, language: Language) -> str:
    """A name that Windows takes: a plain code as it stands, any other as the start of its hash."""
    safe = code if _PLAIN_CODE.fullmatch(code) else hashlib.sha256(code.encode()).hexdigest()[:16]
    return f"{safe}-{audience}-{language}.docx"


def _addressee(finding: Mapping[str, object], regions: Mapping[str, str], language: Language) -> str:
    """A body as an envelope has it; in English in letters first, where the register tells how it is read."""
    prefecture, name = harmless(str(finding["prefecture"]), 100), harmless(str(finding["name"]), 100)
    written = name if name.startswith(prefecture) else f"{prefecture} {name}"
    kana = finding["kana"] if isinstance(finding["kana"], str) else ""
    letters_ = towns.in_letters(name, kana[:100]) if language == "en" else ""
    if not letters_:
        return written
    region = regions.get(prefecture, prefecture).partition(" (")[0]
    is_region = name == prefecture or not region.isascii()
    return harmless(f"{letters_ if is_region else f'{letters_}, {region}'} ({written})", 300)


def _joined(rows: pd.DataFrame, language: Language) -> str:
    column = "operator_ja" if language == "ja" else "operator"
    return ("、" if language == "ja" else ", ").join(harmless(one, 200) for one in dict.fromkeys(rows[column]))


def _entries(
    rows: pd.DataFrame,
    lists: Mapping[str, Blocklist],
    language: Language,
    sharing: Mapping[str, set[str]] | None = None,
    code: str = "",
) -> list[Entry]:
    """The listings of one letter; whose server it is, is told where it is known who shares it.

    To a body (`code`) an operator that is another body of the survey, or bears its name or domain, is not named.
    """
    found = []
    for one in rows.to_dict("records"):
        zone, address, host = str(one["zone"]), str(one["address"]), str(one["host"])
        about = lists[zone]
        said = one["text"] if isinstance(one["text"], str) else ""
        others = len(sharing[host]) - 1 if sharing else 0
        operator = str(one["operator_ja" if language == "ja" else "operator"])
        is_other = bool(one["operator_codes"]) and code not in one["operator_codes"]
        operator = labels.LETTER["other_body"][language] if code and is_other else operator
        found.append(
            Entry(
                host=harmless(host),
                address=harmless(address),
                list_name=harmless(about.list_name),
                zone=harmless(zone),
                list_operator=harmless(about.operator),
                answer="\n".join(meaning(about, str(code), language) for code in one["codes"]),
                text=labels.LETTER["quoted"][language].format(harmless(said)) if said else labels.NO_TEXT[language],
                asked=moment(one["asked_at"].to_pydatetime(), language),
                whose=_whose(str(one["own_or_shared"]), others, harmless(operator, 200), language),
                lookup_url=link(about.lookup_url),
                lookup=page(about.lookup_url, language),
                delist_url=link(about.delist_url),
                delist=page(about.delist_url, language),
                command=f"nslookup -type=A {question(address, zone)}" if "<" not in zone else "",
                evidence=" ".join(harmless(str(one_id)) for one_id in one["evidence_ids"]),
            )
        )
    return found


def meaning(about: Blocklist, code: str, language: Language) -> str:
    """A return code with its category and what the list says of it."""
    known = [one for one in about.meanings([code]) if one is not None]
    told = "; ".join(f"{word(one.category, language)} – “{harmless(one.meaning)}”" for one in known)
    if language == "ja":
        told = "、".join(f"{word(one.category, 'ja')}（リストの説明「{harmless(one.meaning)}」）" for one in known)
    return f"{harmless(code)}: {told or labels.LETTER['no_meaning'][language]}"


def _whose(share: str, others: int, operator: str, language: Language) -> str:
    """Own or shared, with how many others and who runs it, as far as names tell."""
    if share == Share.OWN:
        return labels.LETTER["own"][language]
    if share != Share.SHARED:
        return labels.LETTER["untold"][language].format(operator)
    if not others:
        return labels.LETTER["provider"][language].format(operator)
    if language == "en" and others == 1:
        return labels.LETTER["shared_one"]["en"].format(1, operator)
    return labels.LETTER["shared"][language].format(others, operator)


def question(address: str, zone: str) -> str:
    """The name that a list is asked about (RFC 5782 §2.1, §2.4)."""
    return f"{ip_address(address).reverse_pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


def link(cell: str) -> str:
    """The http or https address in a catalogue cell; empty where there is none."""
    found = _URL.match(cell.strip())
    return harmless(found.group()) if found else ""


def page(cell: str, language: Language) -> str:
    """A catalogue cell for a reader: the address, and the remark beside it."""
    if not cell.strip():
        return labels.LETTER["no_page"][language]
    url = link(cell)
    remark = cell.strip().removeprefix(url).strip().removeprefix("(").removesuffix(")")
    remark = labels.REMARKS.get(remark, {}).get(language, remark)
    if not url or not remark:
        return url or harmless(remark)
    return f"{url}（{harmless(remark)}）" if language == "ja" else f"{url} ({harmless(remark)})"


def write_letters(
    view: View,
    lists: Mapping[str, Blocklist],
    newsroom: Newsroom,
    folder: Path,
    language: Language,
    *,
    now: datetime,
    templates: Path = TEMPLATES,
) -> list[Path]:
    """Write every letter of a run into a folder; `now` is the day that they bear. Raises RunError for a bad template.

    What `newsroom` lacks stands in the letters as a placeholder; say so to the user (`newsroom.missing()`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    written, environment = [], _Environment()
    for letter in letters(view, lists, language):
        template = templates / f"{letter.template}-{language}.docx"
        properties = {
            "title": labels.LETTER[f"title_{letter.template}"][language],
            "subject": labels.LETTER["audience"][language],
            "author": newsroom.word("name", language),
            "comments": labels.PRACTICE[language] if view.is_practice else "",
        }
        context = _context(view, letter, newsroom, language, now)
        _write(template, context, folder / letter.file, properties, now, environment)
        written.append(folder / letter.file)
    if len({path.name.lower() for path in written}) != len(written):
        raise AssertionError("two letters have one file name")
    return written


def _context(
    view: View, letter: Letter, newsroom: Newsroom, language: Language, now: datetime
) -> dict[str, str | int | Sequence[Entry]]:
    """Every word that a template may use."""
    practice = f"{labels.PRACTICE[language]}　" if view.is_practice else ""
    return {
        "practice": practice,
        "audience": labels.LETTER["audience"][language],
        "as_of": view.as_of(language),
        "key": letter.key if letter.template == "body" else letter.file.split(f"-{view.audience}")[0],
        "today": day(now.astimezone(JAPAN).date(), language),
        "addressee": letter.addressee,
        "newsroom": newsroom.word("name", language),
        "sender": newsroom.word("sender", language),
        "contact": newsroom.word("contact", language),
        "deadline": newsroom.deadline(now, language),
        "servers_n": len(letter.servers),
        "bodies_n": letter.bodies,
        "entries": letter.entries,
        "finding_sha256": letter.finding_sha256,
        "evidence_head": str(view.headline["evidence_head"]),
    }


class _Environment(SandboxedEnvironment):
    """What fills templates in; it compiles each text once, for all letters of a run come from few templates."""

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=StrictUndefined)
        self._compiled: dict[str, Template] = {}

    def from_string(
        self,
        source: str | nodes.Template,
        globals: MutableMapping[str, Any] | None = None,
        template_class: type[Template] | None = None,
    ) -> Template:
        if not isinstance(source, str) or globals or template_class:
            return super().from_string(source, globals, template_class)
        if source not in self._compiled:
            self._compiled[source] = super().from_string(source)
        return self._compiled[source]


def _write(
    template: Path,
    context: Mapping[str, object],
    path: Path,
    properties: Mapping[str, str],
    now: datetime,
    environment: _Environment,
) -> None:
    try:
        document = DocxTemplate(template)
        document.render(dict(context), environment)
    except (TemplateError, OSError, KeyError, ValueError) as error:
        raise RunError(
            f"the template cannot be filled in: {error}",
            where=template.name,
            remedy="restore it from the project's templates, and change only the text around the braces",
            ja="手紙のひな形を使えません。二重波かっこの語を元に戻してください",
        ) from error
    about = document.docx.core_properties
    for name, said in properties.items():
        setattr(about, name, harmless(said, 250))
    about.created = about.modified = now.astimezone(UTC).replace(tzinfo=None)
    document.save(path)
