"""The catalogue of blocklists: `data/lists.csv`, `data/codes.csv`, `data/selections.csv`, read and checked.

A list's answers have no common meaning (RFC 5782 §2.3): every zone has its own codes, test points and terms. The files
are made to be edited by people; every cell that cannot be used is an error that names file, row and column.

Test points are written `127.0.0.2=127.0.0.2 127.0.0.4`: the address asked, and the codes of which at least one must
come back; several points are separated by `;`. A zone with a key is written `<key>.zone`; the key itself comes from the
environment or an untracked `keys.toml` and never stands in a table, a file of a run, or a message.
"""

from __future__ import annotations

import csv
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from .edited import Place, read_places
from .errors import CatalogueError
from .names import Malformed, encode_name
from .places import ROOT, located
from .return_codes import CODE_COLUMNS, Code, has_every_bit, load_codes, query_error
from .tables import HEADLINE_CATEGORIES, RELAY_CATEGORIES

DATA = Path(__file__).resolve().parent.parent / "data"
USES = (
    *("query", "query_if_healthy", "optional", "needs_key", "needs_registration"),
    *("informational_only", "never_as_blocklist", "historic_only", "never"),
)
_REFUSED_USES = {
    "never": (
        "it must never be asked again: it answers, or has answered, for every address",
        "全アドレスを「登録あり」と答える恐れがあり、照会してはなりません",
    ),
    "historic_only": ("it is gone; only the report of 2002 names it", "既に閉鎖されたリストです"),
    "never_as_blocklist": ("it is a whitelist or plain data, not a blocklist", "ブラックリストではありません"),
}


class TestPoint(NamedTuple):
    """An address that must be listed, and the codes of which at least one must come back."""

    address: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blocklist:
    """One list: whom to ask, what its answers mean, and on what terms."""

    zone: str
    list_name: str
    operator: str
    what_it_lists: str
    status: str
    status_as_of: str
    use: str
    positive: tuple[TestPoint, ...]
    negative: tuple[str, ...]
    positive_ipv6: tuple[TestPoint, ...]
    negative_ipv6: tuple[str, ...]
    ipv6: bool
    commercial_use: str
    daily_limit: int | None
    rate_per_s: float | None
    terms: str
    lookup_url: str
    delist_url: str
    sources: str
    confidence: str
    notes: str
    codes: tuple[Code, ...] = ()
    asked_zone: str = field(default="", repr=False)
    """The zone with its key filled in; never printed."""
    terms_accepted_by: str = ""
    terms_accepted_at: str = ""

    @property
    def ipv4(self) -> bool:
        """Whether the list holds IPv4 addresses; some hold IPv6 addresses alone, and have no IPv4 test point."""
        return bool(self.positive) or not self.positive_ipv6

    @property
    def is_context(self) -> bool:
        """Whether its listings are information only, whatever their codes say."""
        return self.use == "informational_only"

    @property
    def group(self) -> str:
        """relay, abuse or context: what the strongest of its listing codes says."""
        if self.is_context:
            return "context"
        said = {code.category for code in self.codes if code.meaning_kind == "listing"}
        if said & RELAY_CATEGORIES:
            return "relay"
        return "abuse" if said & HEADLINE_CATEGORIES else "context"

    def meanings(self, codes: Sequence[str]) -> list[Code | None]:
        """What the catalogue says of the codes of one answer; None for a code that it does not know.

        An exact code, list, range or pattern wins over bit masks; `other` speaks only for what nothing else fits. What
        is read by bits is known only when every bit that is set is.
        """
        found: list[Code | None] = []
        for address in codes:
            fitting = [code for code in self.codes if code.fits(address)]
            for kinds in (("exact", "list", "range", "pattern"), ("bitmask",), ("other",)):
                chosen = [code for code in fitting if code.match in kinds]
                if chosen:
                    has_unknown_bit = kinds == ("bitmask",) and not has_every_bit(chosen, address)
                    found += [None] if has_unknown_bit else chosen
                    break
            else:
                found.append(query_error(self.zone) if address.startswith("127.255.255.") else None)
        return found


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of a selection: a zone taken or left out, why, and who accepted its terms when."""

    zone: str
    is_taken: bool
    reason_en: str
    reason_ja: str
    terms_accepted_by: str
    terms_accepted_at: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All lists by zone, and the named selections."""

    lists: Mapping[str, Blocklist]
    selections: Mapping[str, tuple[Choice, ...]]


def _addresses(place: Place, column: str, version: int) -> tuple[str, ...]:
    parts = filter(None, (part.strip() for part in place.text(column).split(";")))
    return tuple(place.address(column, part, version) for part in parts)


def _points(place: Place, column: str, version: int) -> tuple[TestPoint, ...]:
    found = []
    for part in filter(None, (part.strip() for part in place.text(column).split(";"))):
        address, _, codes = part.partition("=")
        expected = tuple(place.address(column, code, 4) for code in codes.split())
        if not expected or not all(code.startswith("127.") for code in expected):
            raise place.wrong(
                column,
                "a test point has no code inside 127/8",
                "write 127.0.0.2=127.0.0.2",
                "検査点の書き方が違います",
            )
        found.append(TestPoint(place.address(column, address.strip(), version), expected))
    return tuple(found)


_LIST_COLUMNS = (
    *("zone", "list_name", "operator", "what_it_lists", "status", "status_as_of", "use", "positive", "negative"),
    *("positive_ipv6", "negative_ipv6", "ipv6", "commercial_use", "daily_limit", "rate_per_s", "terms"),
    *("lookup_url", "delist_url", "sources", "confidence", "notes"),
)
_FACTS = ("country", "shutdown_date", "public_resolvers", "registration")
"""Columns for people, which no rule reads; they stand in lists.csv all the same."""
_CHOICE_COLUMNS = ("selection", "zone", "taken", "reason_en", "reason_ja", "terms_accepted_by", "terms_accepted_at")


def load_catalogue(folder: Path = DATA) -> Catalogue:
    """Read and check the whole catalogue. Raises CatalogueError, naming file, row and column."""
    lists = _load_lists(folder / "lists.csv", folder / "codes.csv")
    selections: dict[str, list[Choice]] = {}
    path = folder / "selections.csv"
    for place in read_places(path, _CHOICE_COLUMNS):
        zone = place.text("zone")
        if zone not in lists:
            raise place.wrong(
                "zone", "the catalogue has no such zone", "add it to lists.csv first", "カタログにないゾーンです"
            )
        choice = Choice(
            zone,
            place.one_of("taken", ("yes", "no")) == "yes",
            *(place.text(name) for name in _CHOICE_COLUMNS[3:]),
        )
        if not choice.reason_en or not choice.reason_ja:
            raise place.wrong(
                "reason_en", "a choice without a reason", "say why, in both languages", "理由がありません"
            )
        selections.setdefault(place.text("selection"), []).append(choice)
    return Catalogue(lists, {name: tuple(choices) for name, choices in selections.items()})


def _load_lists(lists_path: Path, codes_path: Path) -> dict[str, Blocklist]:
    codes = load_codes(codes_path)
    found: dict[str, Blocklist] = {}
    for place in read_places(lists_path, _LIST_COLUMNS):
        unknown = set(place.values) - {*_LIST_COLUMNS, *_FACTS, "terms_accepted_by", "terms_accepted_at"}
        if unknown:
            raise CatalogueError(
                f"columns that nobody knows: {', '.join(sorted(map(str, unknown)))}",
                where=f"{lists_path.name}, row {place.row}",
                remedy="put texts with commas in quotes, and remove columns of your own",
                ja="知らない列があります",
            )
        one = _list(place)
        if one.zone in found:
            raise place.wrong("zone", "this zone stands here twice", "keep one of the rows", "ゾーンが重複しています")
        one = found[one.zone] = replace(one, codes=tuple(codes[one.zone][0]) if one.zone in codes else ())
        fits = [code for point in one.positive for code in point.codes if one.meanings([code]) != [None]]
        if one.positive and one.codes and not fits:
            raise place.wrong(
                "positive", "no code of the test point stands in codes.csv", "add it", "検査点のコードがありません"
            )
    for zone, (_, place) in codes.items():
        if zone not in found:
            raise place.wrong(
                "zone",
                "codes of a zone that lists.csv does not have",
                "add the list first",
                "lists.csv にないゾーンです",
            )
    return found


def _list(place: Place) -> Blocklist:
    zone = place.text("zone")
    try:
        encode_name(zone.replace("<key>", "key"))
    except Malformed as error:
        raise place.wrong(
            "zone", f"this is no zone name: {error}", "write it without a final dot", "ゾーン名ではありません"
        ) from None
    limit = place.number("daily_limit", int)
    return Blocklist(
        zone=zone,
        list_name=place.text("list_name"),
        operator=place.text("operator"),
        what_it_lists=place.text("what_it_lists"),
        status=place.one_of("status", ("active", "probably active", "uncertain", "defunct", "practice")),
        status_as_of=place.text("status_as_of"),
        use=place.one_of("use", USES),
        positive=_points(place, "positive", 4),
        negative=_addresses(place, "negative", 4),
        positive_ipv6=_points(place, "positive_ipv6", 6),
        negative_ipv6=_addresses(place, "negative_ipv6", 6),
        ipv6=place.one_of("ipv6", ("yes", "no", "unknown")) == "yes",
        commercial_use=place.one_of("commercial_use", ("yes", "no", "unknown", "paid")),
        daily_limit=int(limit) if limit is not None else None,
        rate_per_s=place.number("rate_per_s", float),
        asked_zone=zone,
        terms=place.text("terms"),
        lookup_url=place.text("lookup_url"),
        delist_url=place.text("delist_url"),
        sources=place.text("sources"),
        confidence=place.text("confidence"),
        notes=place.text("notes"),
        terms_accepted_by=place.text("terms_accepted_by"),
        terms_accepted_at=place.text("terms_accepted_at"),
    )


def select(name_or_file: str, catalogue: Catalogue, keys: Mapping[str, str] | None = None) -> tuple[Blocklist, ...]:
    """The lists of a named selection, or of a file: one zone per line, or a CSV with the columns of selections.csv.

    Raises CatalogueError for lists that must not be asked, by name and with why, and for keys that are missing.
    """
    if name_or_file in catalogue.selections:
        choices = catalogue.selections[name_or_file]
    else:
        choices = _choices(Path(name_or_file), catalogue)
    keys = keys if keys is not None else load_keys()
    found = [_take(choice, catalogue.lists[choice.zone], keys) for choice in choices if choice.is_taken]
    if not found:
        raise CatalogueError(
            "the selection takes no list",
            where=name_or_file,
            remedy="take at least one",
            ja="リストが1つも選ばれていません",
        )
    return tuple(found)


def _choices(path: Path, catalogue: Catalogue) -> tuple[Choice, ...]:
    if not path.is_file():
        raise CatalogueError(
            f"there is no selection and no file {path}",
            where="--lists",
            remedy=f"name one of: {', '.join(catalogue.selections)}, or a file",
            ja="その名前の選択もファイルもありません",
        )
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    if lines and "zone" in lines[0].split(","):
        places = [Place(path, number, row) for number, row in enumerate(csv.DictReader(lines), 2)]
    else:
        places = [Place(path, n, {"zone": line.partition("#")[0]}) for n, line in enumerate(lines, 1)]
    found = []
    for place in places:
        zone = place.text("zone").rstrip(".").lower()
        if not zone or place.text("taken") == "no":
            continue
        if zone not in catalogue.lists:
            raise place.wrong(
                "zone", "the catalogue has no such zone", "add it to data/lists.csv first", "カタログにないゾーンです"
            )
        found.append(Choice(zone, True, *(place.text(name) for name in _CHOICE_COLUMNS[3:])))
    return tuple(found)


def _take(choice: Choice, one: Blocklist, keys: Mapping[str, str]) -> Blocklist:
    if one.use in _REFUSED_USES:
        en, ja = _REFUSED_USES[one.use]
        why = f": {one.notes}" if one.notes else ""
        raise CatalogueError(
            f"{one.zone} is not asked: {en}{why}", where="--lists", remedy="take it out", ja=f"{one.zone}: {ja}"
        )
    asked = one.zone
    if one.use == "needs_key" or asked.startswith("<key>."):
        name = key_name(one.zone)
        key = keys.get(name, "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{6,63}", key):
            raise CatalogueError(
                f"{one.zone} needs a key of 6 to 63 letters and digits",
                where="--lists",
                remedy=f"set {name} in the environment or in keys.toml",
                ja=f"キーが必要です。環境変数 {name} か keys.toml に設定してください",
            )
        asked = f"{key}.{one.zone.removeprefix('<key>.')}"
    return replace(
        one,
        asked_zone=asked,
        terms_accepted_by=choice.terms_accepted_by,
        terms_accepted_at=choice.terms_accepted_at,
    )


def rekey(selected: Sequence[Blocklist], keys: Mapping[str, str] | None = None) -> tuple[Blocklist, ...]:
    """The lists of a finished run with their keys filled in again. Raises CatalogueError where one is missing."""
    keys = keys if keys is not None else load_keys()
    return tuple(
        _take(Choice(one.zone, True, "", "", one.terms_accepted_by, one.terms_accepted_at), one, keys)
        for one in selected
    )


def key_name(zone: str) -> str:
    """The name under which a list's key is looked for: SURVEY_KEY_ and the zone, letters and digits only."""
    return "SURVEY_KEY_" + re.sub(r"[^A-Z0-9]+", "_", zone.removeprefix("<key>.").upper())


def load_keys(path: Path | None = None) -> dict[str, str]:
    """Keys of lists from `keys.toml` and the environment; the environment wins.

    The file is looked for where the command runs, then in the project's folder: a scheduler starts elsewhere.
    """
    here = located("keys.toml")
    path = path or (here if here.is_file() else ROOT / here.name)
    found: dict[str, str] = {}
    if path.is_file():
        found |= {str(name): str(key) for name, key in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    return found | {name: key for name, key in os.environ.items() if name.startswith("SURVEY_KEY_")}


def save_selection(selected: Sequence[Blocklist], folder: Path) -> None:
    """Keep the catalogue rows of the selected lists with a run, so that it is read by the rules it was asked under."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lists.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*_LIST_COLUMNS, "terms_accepted_by", "terms_accepted_at"))
        for one in selected:
            writer.writerow(
                [_written(one, name) for name in _LIST_COLUMNS] + [one.terms_accepted_by, one.terms_accepted_at]
            )
    with (folder / "codes.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CODE_COLUMNS)
        for one in selected:
            for code in one.codes:
                values = [getattr(code, name) for name in CODE_COLUMNS]
                writer.writerow([("no", "yes")[v] if isinstance(v, bool) else v for v in values])


def _written(one: Blocklist, name: str) -> str:
    value = getattr(one, name)
    if name == "ipv6":
        return "yes" if value else "no"
    if name in ("positive", "positive_ipv6"):
        return ";".join(f"{point.address}={' '.join(point.codes)}" for point in value)
    if name in ("negative", "negative_ipv6"):
        return ";".join(value)
    return "" if value is None else str(value)


def load_selection(folder: Path) -> tuple[Blocklist, ...]:
    """The lists that a run was asked under; keys are not among them."""
    return tuple(_load_lists(folder / "lists.csv", folder / "codes.csv").values())
