"""The run folder: what was asked of whom, what was heard, and all tables read from that.

    register.xlsx   the register as it was given      lists/        the catalogue rows of the selected lists
    opt-out.csv     who was not to be asked           run.toml      what was asked, of whom, when, which versions
    review.xlsx     doubtful domains, and what people decided about them
    operators.csv   whose servers are known by name
    evidence*.sqlite                                  tables/*.parquet · headline.json

`reading` makes the tables.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
import pyarrow as pa
import tomli_w
from filelock import FileLock, Timeout

from . import (
    operators,
    opt_outs,
    review,
)
from .answers import word
from .catalogue import Blocklist, save_selection
from .errors import RunError
from .evidence import Archive, Mark
from .exchanges import CANARY, Row
from .frames import to_arrow
from .shelf import Shelf
from .tables import Dns

TOOL = "survey 0.1.0"
_LOCK_S = 1.0
"""How long a command waits for another that only looks whether a folder is free."""
RELAY_TABLES = ("greetings", "relays", "relay_servers")
TABLE_NAMES = (
    *("bodies", "domains", "candidates", "problems", "mail_servers", "addresses", "networks"),
    *("senders", "policies"),
    *("listings", "lists", "servers", "findings", *RELAY_TABLES),
)


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of a run and its headline."""

    frames: Shelf
    headline: Mapping[str, object]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.frames[name]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def settings_path(self) -> Path:
        return self.path / "run.toml"

    @property
    def register_path(self) -> Path:
        found = sorted(self.path.glob("register.*"))
        if not found:
            raise RunError(
                "the run folder has no register",
                where=str(self.path),
                remedy="restore register.xlsx",
                ja="台帳がありません",
            )
        return found[0]

    @property
    def opt_out_path(self) -> Path:
        return self.path / "opt-out.csv"

    @property
    def review_path(self) -> Path:
        return self.path / review.FILE

    @property
    def operators_path(self) -> Path:
        """The known operators, as they were known when the run began."""
        return self.path / "operators.csv"

    @property
    def lists_path(self) -> Path:
        return self.path / "lists"

    @property
    def has_evidence(self) -> bool:
        return any(self.path.glob("evidence*.sqlite"))

    def settings(self) -> dict[str, object]:
        """What run.toml says."""
        try:
            return tomllib.loads(self.settings_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(
                "this is no run folder: it has no run.toml",
                where=str(self.path),
                remedy="make a run with: python -m survey collect REGISTER.xlsx --run DIR",
                ja="run.toml がなく、実行フォルダーではありません",
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise RunError(
                f"run.toml cannot be read: {error}",
                where=str(self.settings_path),
                remedy="restore it from a copy",
                ja="run.toml を読めません",
            ) from error

    def texts(self, name: str) -> list[str]:
        """A list in run.toml, as texts; empty where there is none."""
        found = self.settings().get(name)
        return [str(one) for one in found] if isinstance(found, list) else []

    def write_settings(self, settings: Mapping[str, object]) -> None:
        aside = self.settings_path.with_suffix(".toml.new")
        aside.write_text(tomli_w.dumps(settings), encoding="utf-8")
        aside.replace(self.settings_path)

    def begin(
        self, register: Path, selected: Sequence[Blocklist], opt_out: Path, settings: Mapping[str, object]
    ) -> None:
        """Lay out a new run folder: copies of everything that reading will need; run.toml last."""
        self.path.mkdir(parents=True, exist_ok=True)
        target = self.path / f"register{register.suffix.lower()}"
        if register.resolve() != target.resolve():
            shutil.copyfile(register, target)
        save_selection(selected, self.lists_path)
        shutil.copyfile(operators.DATA, self.operators_path)
        opt_outs.take(opt_out, self.opt_out_path)
        self.write_settings(settings)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else works in this folder meanwhile; the lock goes with the process, however that ends."""
    try:
        with FileLock(folder / ".lock", timeout=_LOCK_S):
            yield
    except Timeout:
        raise RunError(
            "another process is at work in this folder",
            where=str(folder),
            remedy="wait for it to end, or stop it, then run this command again",
            ja="別の処理がこのフォルダーで作業中です。終わるのを待ってから再実行してください",
        ) from None


@contextlib.contextmanager
def undisturbed(folder: Path) -> Iterator[None]:
    """Nobody else is at work in this folder meanwhile, if it is a run's: its tables stay those of one reading."""
    with alone(folder) if (folder / "run.toml").is_file() else contextlib.nullcontext():
        yield


def finished_rounds(marks: Sequence[Mark]) -> dict[int, list[str]]:
    """The zones asked in each finished health round."""
    return {
        int(str(m.detail["number"])): [str(z) for z in _list(m.detail["zones"])] for m in marks if m.kind == "round"
    }


def finished_passes(marks: Sequence[Mark]) -> dict[int, int]:
    """When each finished pass over the whole register, all its parts, ended, in microseconds."""
    return {int(str(mark.detail["number"])): mark.marked_us for mark in marks if mark.kind == "pass"}


def finished_parts(marks: Sequence[Mark], pass_number: int) -> set[int]:
    """The parts of a register whose share in a pass has ended; the pass itself ends when all of them have."""
    found = (mark.detail for mark in marks if mark.kind == "part")
    return {int(str(detail["part"])) for detail in found if detail["number"] == pass_number}


def liars(archive: Archive, where: str = "true") -> set[tuple[int, str]]:
    """The resolvers, by sitting, that answered for a name that does not exist."""
    rounds = archive.rows(f"round > 0 AND type = 1 AND ({where})")
    canaries = [row for row in rounds if row.name.startswith(CANARY)]
    return {(row.sitting, row.server) for row in canaries if word(row, row.name, row.type) is Dns.PRESENT}


def trusted(archive: Archive, where: str = "true") -> Iterator[Row]:
    """Every exchange, but those of a sitting with a resolver that then answered for a name that does not exist.

    Only those that an SQL condition of ours wants, when one is given.
    """
    return archive.rows(trusted_where(archive, where))


def trusted_where(archive: Archive, where: str = "true") -> str:
    """The same as an SQL condition."""
    if not (false := liars(archive, where)):
        return where
    # In hexadecimal, whatever stands there is a text and nothing else.
    lies = ", ".join(f"({sitting}, CAST(x'{server.encode().hex()}' AS TEXT))" for sitting, server in sorted(false))
    return f"({where}) AND (sitting, server) NOT IN (VALUES {lies})"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def is_written(found: Tables, folder: Path) -> bool:
    """Whether just these tables, and this headline, stand under a folder already."""
    try:
        standing = load_tables(folder)
        same = (
            to_arrow(name, standing.frames.take(name)).equals(to_arrow(name, found.frames.take(name)))
            for name in TABLE_NAMES
        )
        return dict(standing.headline) == dict(found.headline) and all(same)
    except (RunError, KeyError, ValueError, pa.ArrowInvalid):
        return False


def load_tables(folder: Path) -> Tables:
    """The tables of a run as they were written; each is read when it is first wanted."""
    try:
        headline = json.loads((folder / "headline.json").read_text(encoding="utf-8"))
        shelf = Shelf(folder / "tables", TABLE_NAMES)
    except FileNotFoundError:
        lost = [name for name in TABLE_NAMES if not (folder / "tables" / f"{name}.parquet").exists()]
        raise RunError(
            f"a table is missing: {(*lost, 'headline.json')[0]}",
            where=str(folder),
            remedy="read the tables again with: python -m survey tables DIR",
            ja="表が足りません。python -m survey tables で読み直してください",
        ) from None
    except KeyError as error:
        raise RunError(
            f"a table was written by another version of the survey: {error.args[0]}",
            where=str(folder),
            remedy="read the tables again with: python -m survey tables DIR",
            ja="別の版の調査プログラムで書かれた表です。python -m survey tables で読み直してください",
        ) from None
    return Tables(shelf, headline)


def now() -> str:
    """This moment, aware, as ISO text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Which versions observe and read."""
    found = {}
    for package in ("dnspython", "pandas", "pyarrow", "openpyxl", "XlsxWriter", "matplotlib", "publicsuffixlist"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
