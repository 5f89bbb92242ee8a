"""Which local governments' mail servers stand on which blocklists: asked, kept, judged, and told.

import survey
register = survey.load_register("register.xlsx")       # bodies, domains, problems
run = survey.observe("register.xlsx", "runs/2026-11")  # observe, or go on with a run that was cut off
run = survey.open_run("runs/2026-11")                  # read what was observed
run.sentences()                                        # the headline, with its bounds
run.findings                                           # one row per body, with evidence ids
run.figure("by_region")                                # a figure
run.relay_sentences()                                  # what permitted servers said when asked whether they relay
run.why("011002")                                      # the whole chain behind one body
run.show("4711")                                       # one exchange, as dig would show it
waves = survey.compare("runs/2026-03", "runs/2026-11") # what became of bodies and servers from run to run
waves.changed("new", "cleared")                        # who changed, on lists that both runs share
run = survey.practice_run("runs/practice")             # the same on an invented country, on loopback
check = survey.self_check("mail.city.example.jp")      # one server or domain, for whoever looks after it
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .places import located

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd
    from IPython.display import Image

    from .publish.compared import Waves
    from .publish.edition import Edition
    from .publish.labels import Language
    from .register import Register
    from .selfcheck import SelfCheck

__all__ = ["Run", "compare", "load_register", "observe", "open_run", "practice_run", "self_check", "waves_beside"]

# pyarrow's own allocator touches and keeps more memory than the system's; it looks here when it is loaded.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# The rooms are imported where they are used, so that a process that only serves the practice country stays small.


def load_register(path: str | Path) -> Register:
    """Read a register from .xlsx or .csv: tables `bodies`, `domains` and `problems`. Raises RegisterError."""
    from .register import load_register as read  # noqa: PLC0415

    return read(located(path))


def open_run(folder: str | Path) -> Run:
    """Open a run folder. Raises RunError when it is none."""
    return Run(located(folder))


def observe(
    register: str | Path,
    run: str | Path,
    *,
    lists: str = "default",
    resolvers: Sequence[str] = (),
    passes: int = 2,
    processes: int | None = None,
    dask: str | None = None,
) -> Run:
    """Observe a register into a run folder, with a progress bar, or go on where it was cut off.

    With `processes`, or on the workers of the Dask cluster whose address `dask` is, a new run is observed in parts.
    """
    from .__main__ import main  # noqa: PLC0415

    words = ["collect", str(located(register)), "--run", str(located(run)), "--lists", lists, "--passes", str(passes)]
    words += [] if processes is None else ["--processes", str(processes)]
    words += [] if dask is None else ["--dask", dask]
    _done(main([*words, *(word for resolver in resolvers for word in ("--resolver", resolver))]))
    return open_run(run)


def practice_run(run: str | Path, *, seed: int | None = None, season: str | None = None) -> Run:
    """Survey the invented practice country on loopback, in one of its seasons; a finished run is left as it is."""
    from .__main__ import main  # noqa: PLC0415

    words = ["collect", "--practice", "--run", str(located(run))]
    words += [] if seed is None else ["--seed", str(seed)]
    words += [] if season is None else ["--season", season]
    _done(main(words))
    return open_run(run)


def self_check(
    name: str = "",
    *,
    world: Literal["live", "practice"] = "live",
    run: str | Path | None = None,
    lists: str | None = None,
    resolvers: Sequence[str] = (),
    passes: int = 1,
) -> SelfCheck:
    """Ask now, by DNS alone, about one domain, host or address, and say in plain words what was heard.

    `run` is a run of the same world: what a permitted relay dialogue in its evidence heard is shown beside. Without a
    name an example of a practice run is shown. What is heard is kept in `self-check/`, beside the run.
    """
    from contextlib import ExitStack  # noqa: PLC0415

    from .catalogue import load_catalogue, select  # noqa: PLC0415
    from .collect import live_manner  # noqa: PLC0415
    from .commands import asking  # noqa: PLC0415
    from .commands.screen import progress  # noqa: PLC0415
    from .runs import RunFolder  # noqa: PLC0415
    from .selfcheck import check, example_of, question_of  # noqa: PLC0415
    from .sitting import Manner  # noqa: PLC0415

    folder = RunFolder(located(run if run is not None else "runs/none"))
    settings = folder.settings() if folder.settings_path.is_file() else {}
    is_practice, manner = world == "practice", Manner(passes=passes)
    is_of_this_world = settings.get("world") == world
    is_example = is_practice and is_of_this_world and not name.strip()
    question = question_of(example_of(folder) if is_example else name)
    known = settings if is_of_this_world else {"world": world}
    with ExitStack() as stack:
        if is_practice and not resolvers:
            asked = asking.served(asking.country_of(known), stack)
        else:
            asked = asking.resolvers(resolvers)
        return check(
            question,
            folder.path.parent / "self-check",
            select(lists or ("practice" if is_practice else "default"), load_catalogue()),
            asking.world_of(known),
            asked,
            manner=manner if is_practice else live_manner(manner),
            run=folder if is_of_this_world else None,
            is_example=is_example,
            progress=stack.enter_context(progress()),
        )


def compare(*runs: str | Path, successors: str | Path | None = None, without: Sequence[str] = ()) -> Waves:
    """Hold runs, the oldest first, against each other: what is new, still listed, no longer listed, not comparable.

    `successors` says which body follows which, `without` names lists that are set aside. Where health data explain a
    jump, the comparison says so instead. Raises RunError for runs that cannot be compared.
    """
    from .commands.asking import world_of  # noqa: PLC0415
    from .publish.compared import Waves  # noqa: PLC0415

    return Waves(map(located, runs), world_of, located(successors) if successors is not None else None, without)


def waves_beside(run: str | Path) -> list[Path]:
    """The runs of one survey that lie beside a run, the oldest first; a lone run twice, so that it can be compared."""
    from .publish.compared import beside  # noqa: PLC0415

    return beside(located(run))


def _done(code: int) -> None:
    if code == 2:
        from .errors import RunError  # noqa: PLC0415

        raise RunError("the survey could not be made; the line above says why", ja="調査できませんでした。上の行を参照")


class Run:
    """A run folder, read. Every table is an attribute: bodies, domains, mail_servers, listings, findings, …"""

    def __init__(self, folder: Path) -> None:
        from .publish.edition import Edition  # noqa: PLC0415

        self.folder = folder
        self.edition: Edition = Edition.of(folder)
        self.headline: Mapping[str, object] = self.edition.headline

    def __getattr__(self, name: str) -> pd.DataFrame:
        if not name.startswith("_") and name in self.edition.tables:
            return self.edition.tables[name]
        raise AttributeError(f"a run has no {name!r}; its tables are {', '.join(self.edition.tables)}")

    def for_dask(self, table: str) -> dd.DataFrame:
        """A table as a Dask DataFrame, read piece by piece by whoever computes with it: for what outgrows memory.

        Workers of other machines need the run folder under the same path. Needs requirements-dask.txt.
        """
        import dask.dataframe as dd  # noqa: PLC0415 - Dask is an extra

        if table not in self.edition.tables:
            raise AttributeError(f"a run has no {table!r}; its tables are {', '.join(self.edition.tables)}")
        path = self.folder.resolve() / "tables" / f"{table}.parquet"
        found: dd.DataFrame = dd.read_parquet(path, split_row_groups=True)
        return found

    def __repr__(self) -> str:
        return "\n".join(self.sentences())

    def sentences(self, language: Language = "ja") -> list[str]:
        """The headline in sentences, every count with its bounds."""
        from .publish.labels import headline_sentences  # noqa: PLC0415

        return headline_sentences(self.headline, language)

    def by(self, column: str) -> pd.DataFrame:
        """Statuses counted by prefecture or kind: one row per value; they add up to the register."""
        return self.edition.by(column)

    def named_findings(self, *statuses: str) -> pd.DataFrame:
        """Findings with name, prefecture and kind; only these statuses, when some are named."""
        found = self.edition.named_findings()
        return found.loc[found["status"].isin(statuses)].reset_index(drop=True) if statuses else found

    def ranking(self, by: str = "operator") -> pd.DataFrame:
        """Who carries how many bodies, listed ones first: by operator, operator_kind or host; with bounds."""
        return self.edition.ranking(by)

    def senders_by_domain(self) -> pd.DataFrame:
        """Which servers may send: one row per body and domain, what its SPF names and which of it is listed."""
        from .publish.sending import table  # noqa: PLC0415

        return table(self.edition.tables)

    def relay_sentences(self, language: Language = "ja") -> list[str]:
        """What the relay dialogue found, in sentences, with bounds and how many were not asked."""
        from .publish.labels import PRACTICE  # noqa: PLC0415
        from .publish.relay_tables import counts  # noqa: PLC0415
        from .publish.relay_words import relay_sentences  # noqa: PLC0415

        said = relay_sentences(counts(self.edition.tables), language)
        return [PRACTICE[language], *said] if self.edition.is_practice else said

    def relay_verdicts(self, language: Language = "ja") -> pd.DataFrame:
        """One row per verdict and reason of the relay dialogue, with how many addresses."""
        from .publish.relay_tables import verdicts  # noqa: PLC0415

        return verdicts(self.edition.tables, language)

    def relay_forms(self, language: Language = "ja") -> pd.DataFrame:
        """One row per form of the relay dialogue: how many servers did what with it."""
        from .publish.relay_tables import forms  # noqa: PLC0415

        return forms(self.edition.tables, language)

    def relay_dialogues(self, language: Language = "ja") -> pd.DataFrame:
        """One row per address that was asked whether it relays, or that a permission named and was not."""
        from .publish.relay_tables import servers  # noqa: PLC0415

        return servers(self.edition.tables, language)

    def software(self) -> pd.DataFrame:
        """One row per software and version that permitted servers named; those that named none are last, with nulls."""
        from .publish.relay_tables import software  # noqa: PLC0415

        return software(self.edition.tables)

    def figure(self, name: str) -> Image:
        """One of the figures of the report; `publish.charts.FIGURES` has their names."""
        from IPython.display import Image  # noqa: PLC0415

        from .publish import audiences  # noqa: PLC0415
        from .publish.charts import write_run_figures  # noqa: PLC0415

        path = self.folder / "figures" / f"{name}.png"
        if not path.exists():
            view = audiences.view(self.edition, "internal", {}, now=datetime.now(UTC))
            write_run_figures(view, path.parent)
        words = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        image: Image = Image(filename=str(path), width=720, alt=words)  # type: ignore[no-untyped-call]
        return image

    def article(self, language: Language = "ja") -> None:
        """Print sentences for an article, counted as `publish` counts for the public, each with where it comes from.

        Where every body that could be is listed, the count alone would name them: then that is said, and no count.
        """
        from .errors import DecisionNeeded  # noqa: PLC0415
        from .publish import audiences  # noqa: PLC0415
        from .publish.article import sentences  # noqa: PLC0415
        from .publish.publication import load_decisions  # noqa: PLC0415

        decisions = load_decisions(self.folder, self.edition)
        try:
            view = audiences.view(self.edition, "public", decisions, now=datetime.now(UTC))
        except DecisionNeeded as error:
            print(error)
            return
        print("\n\n".join(sentences(self.edition, view, language)))

    def why(self, code_or_name: str, language: Language = "ja") -> None:
        """Print the whole chain behind one body."""
        from .publish.why import why  # noqa: PLC0415

        print(why(self.folder, code_or_name, language))

    def show(self, evidence_id: str) -> None:
        """Print one exchange as dig would show it."""
        from .evidence import Archive  # noqa: PLC0415
        from .exchanges import Exchange  # noqa: PLC0415
        from .showing import show  # noqa: PLC0415

        print(show(Exchange.of(Archive(self.folder).row(evidence_id))))

    def reread(self) -> pd.DataFrame:
        """What today's rules alone would change in this run's findings: one row per body and cause; nothing is kept."""
        from tempfile import TemporaryDirectory  # noqa: PLC0415

        from .catalogue import load_catalogue  # noqa: PLC0415
        from .commands.asking import world_of  # noqa: PLC0415
        from .operators import load_directory  # noqa: PLC0415
        from .reread import reread  # noqa: PLC0415
        from .runs import RunFolder  # noqa: PLC0415

        folder, lists = RunFolder(self.folder), load_catalogue().lists
        with TemporaryDirectory() as aside:
            return reread(folder, world_of(self.edition.run), lists, Path(aside), load_directory()).changes

    def method(self) -> pd.DataFrame:
        """The facts of the run: what was asked, of whom, when, with which versions."""
        import pandas as pd  # noqa: PLC0415

        shown = {name: value for name, value in self.edition.run.items() if not isinstance(value, dict)}
        return pd.DataFrame({"fact": list(shown), "value": [str(value) for value in shown.values()]})
