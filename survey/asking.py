"""Asking for an enquiry: a small survey of what somebody names, through the same rooms and the same wire; DNS only.

The folder holds what was asked and everything that was heard:

    enquiry.toml   what was asked, of whom, when, which versions     lists/   the catalogue rows of the lists asked
    opt-out.csv    who was not to be asked about                     evidence.sqlite

Terms of lists, paces, daily limits, opt-outs and health rounds hold as in a survey. An asking that was cut off goes on
where it stopped; one that is finished is only read again.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import tomli_w

from . import listings, mail, networks, opt_outs, senders
from .catalogue import Blocklist, load_selection, save_selection
from .collect import check_terms, fingerprint
from .enquiries import Enquiry
from .errors import DecisionNeeded, EnquiryError
from .evidence import Archive
from .exchanges import NO_QUESTION, Exchanges, at
from .frames import bundles
from .observing import Observer, past_of, settings_of, void_lists
from .pairs import split
from .resolvers import check_resolvers
from .runs import TOOL, alone, finished_passes, finished_rounds, now, trusted_where, versions
from .shelf import Shelf
from .sitting import Brief, Enquired, Manner, Progress, stored_zone
from .sources import Source, heard_last
from .store import Store
from .worlds import World

SETTINGS = "enquiry.toml"


@dataclass(frozen=True, slots=True)
class _Folder:
    """The paths of one asking, and what it was about."""

    path: Path

    @property
    def opt_out_path(self) -> Path:
        return self.path / "opt-out.csv"

    @property
    def lists_path(self) -> Path:
        return self.path / "lists"

    def settings(self) -> dict[str, object]:
        try:
            return tomllib.loads((self.path / SETTINGS).read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise EnquiryError(
                f"{SETTINGS} cannot be read: {error}",
                where=str(self.path),
                remedy="restore it from a copy",
                ja=f"{SETTINGS} を読めません",
            ) from None

    def write_settings(self, settings: Mapping[str, object]) -> None:
        aside = self.path / f"{SETTINGS}.new"
        aside.write_text(tomli_w.dumps(settings), encoding="utf-8")
        aside.replace(self.path / SETTINGS)


def is_asking(folder: Path) -> bool:
    """Whether a folder holds an asking that was made for an enquiry."""
    return (folder / SETTINGS).is_file()


def settings_of_asking(folder: Path) -> dict[str, object]:
    """What was asked, of whom, when. Raises EnquiryError."""
    return _Folder(folder).settings()


def subjects_of(enquiry: Enquiry) -> Enquired:
    """The names and the addresses of an enquiry; of an IPv6 range none: its addresses cannot be counted off."""
    names = [one.text for one in enquiry.subjects if one.kind == "name"]
    addresses = [address for one in enquiry.subjects for address in one.addresses()]
    return Enquired(tuple(names), tuple(dict.fromkeys(addresses)))


def ask(
    folder: Path,
    enquiry: Enquiry,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    *,
    manner: Manner,
    opt_out: Path = opt_outs.DATA,
    notes: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Source:
    """Ask about everything that an enquiry names, keep what is heard in a folder, and read it.

    Raises EnquiryError when the folder belongs to another enquiry; ResolverError when the resolver is not honest;
    DecisionNeeded when nobody accepted a list's terms, or a daily limit stopped the asking.
    """
    if world.name == "live":
        check_resolvers(resolvers)
        check_terms(selected)
    place = _Folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        _begin(place, enquiry, selected, world, resolvers, manner, notes)
        take = functools.partial(opt_outs.take, opt_out, place.opt_out_path)
        take()
        most = dict[str, int]()
        brief = Brief((), (), (), most, tuple(selected), world, tuple(resolvers), manner, enquired=subjects_of(enquiry))
        has_evidence = any(folder.glob("evidence*.sqlite"))
        archive = Archive(folder) if has_evidence else None
        ended = finished_passes(archive.marks()) if archive else {}
        todo = [number for number in range(1, manner.passes + 1) if number not in ended]
        if todo:
            observer = Observer(brief, past_of(archive, 0, void_lists(archive, selected)), take, progress)
            with Store(folder / "evidence.sqlite", TOOL, settings_of(brief, todo)) as store:
                observer.run(todo, ended, store)
            if observer.over_limit:
                raise DecisionNeeded(
                    f"the daily limit of {', '.join(sorted(observer.over_limit))} is used up; not everything was asked",
                    where=str(folder),
                    remedy="run the same command again tomorrow (UTC); what is in evidence is not asked again",
                    ja="リストの1日の照会上限に達しました。明日（UTC）同じコマンドを再実行すると続きから始まります",
                )
    return read_asking(folder, world)


def _begin(
    place: _Folder,
    enquiry: Enquiry,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    manner: Manner,
    notes: Mapping[str, object] | None,
) -> None:
    """Lay out a new folder, or see that an old one is about the same names and addresses, and the same lists."""
    about = hashlib.sha256("\n".join(one.text for one in enquiry.subjects).encode()).hexdigest()
    same = {
        "subjects_sha256": about,
        "selection_sha256": fingerprint(selected),
        "world": world.name,
        "stored_zones": {one.zone: stored_zone(one) for one in selected},
        "passes": manner.passes,
        **(notes or {}),
    }
    if is_asking(place.path):
        said = place.settings()
        if any(said.get(name) != value for name, value in same.items()):
            raise EnquiryError(
                "this folder holds the evidence of another enquiry",
                where=str(place.path),
                remedy="name another file with --out",
                ja="このフォルダーには別の照会の証拠が入っています。--out で別のファイルを指定してください",
            )
        return
    save_selection(selected, place.lists_path)
    subjects = subjects_of(enquiry)
    settings = {
        "tool": TOOL,
        **same,
        "lists": sorted(one.zone for one in selected),
        "timeout_s": world.timeout_s,
        "tries": world.tries,
        "pause_s": world.pause_s,
        "resolvers": [f"{address}:{port}" for address, port in resolvers],
        "started_at": now(),
        "manner": {key: value for key, value in asdict(manner).items() if value is not None},
        "versions": versions(),
        "names": list(subjects.names),
        "addresses": list(subjects.addresses),
    }
    place.write_settings(settings)


def read_asking(folder: Path, world: World, opt_outs_now: Path | None = None) -> Source:
    """Read an asking from its evidence, offline. Raises EnquiryError."""
    place = _Folder(folder)
    settings, archive = place.settings(), Archive(folder)
    marks, selected = archive.marks(), load_selection(place.lists_path)
    stored = settings.get("stored_zones")
    zones = {str(zone): str(kept) for zone, kept in stored.items()} if isinstance(stored, dict) else {}
    opt_out = opt_outs.joined(opt_outs.load(path) for path in (place.opt_out_path, opt_outs_now) if path is not None)
    subjects = Enquired(tuple(_texts(settings.get("names"))), tuple(_texts(settings.get("addresses"))))
    wanted = trusted_where(archive, f"type <> {NO_QUESTION}")
    pairs, exchanges = split(archive, wanted, {zones.get(one.zone, one.zone) for one in selected})
    shelf = Shelf()
    about = _read_names(shelf, subjects, exchanges, world, opt_out)
    said, lists = listings.read(
        selected,
        about,
        pairs,
        exchanges,
        finished_rounds(marks),
        zones=zones,
        opted_out=frozenset(one for one in about["address"] if opt_out.has_address(one)),
        over_limit=frozenset(str(mark.detail["zone"]) for mark in marks if mark.kind == "daily_limit"),
    )
    shelf.put("listings", said)
    shelf.put("lists", lists())
    ended = finished_passes(marks)
    began = at(min((sitting.started_us for sitting in archive.sittings()), default=0))
    return Source(
        folder,
        False,
        world,
        shelf,
        {one.zone: one for one in selected},
        zones,
        opt_out,
        archive.head(),
        began,
        max([began, *heard_last(shelf), *(at(when) for when in ended.values())]),
        len(ended) >= int(str(settings.get("passes", 1))),
    )


def _read_names(
    shelf: Shelf, subjects: Enquired, exchanges: Exchanges, world: World, opt_out: opt_outs.OptOuts
) -> pd.DataFrame:
    """The tables of names and of their addresses; every address to ask lists about, with what speaks against it."""
    asked = [name for name in subjects.names if not opt_out.has_domain(name)]
    reader = mail.Reader(exchanges, world.askable)
    shelf.put("mail_servers", bundles("mail_servers", reader.mail_servers(asked)))
    reader.hosts(asked)
    shelf.put("addresses", bundles("addresses", reader.addresses()))
    declared, policies = senders.read(asked, exchanges, world.askable, {})
    shelf.put("senders", declared)
    shelf.put("policies", policies())
    present = shelf.take("addresses", "address")["address"].dropna()
    found = dict.fromkeys((*map(str, present), *subjects.addresses))
    found |= dict(senders.subjects(shelf["senders"]))
    rows = [(one, None if world.askable(one) else "special_address") for one in found]
    shelf.put("networks", networks.read((one for one, why in rows if why is None), exchanges, world.asn_zones))
    return pd.DataFrame(rows, columns=["address", "reason"], dtype="str")


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
