"""The self-check of one server or one domain, for whoever looks after it: ask now, and say it in plain words.

It asks DNS alone, through the same rooms and wire as a survey, and keeps what it hears in a folder of its own. How the
server greets is shown only where a relay dialogue that its operator permitted is in a run's evidence already.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from . import fitting
from .asking import ask
from .catalogue import Blocklist
from .enquiries import Enquiry, Outcome, read_lines
from .enquiring import answer
from .errors import EnquiryError
from .evidence import Archive
from .exchanges import Exchange
from .frames import frame
from .publish.check_page import CheckPage
from .publish.labels import LANGUAGES, Language
from .publish.letters import link
from .replies import Answer
from .runs import RunFolder, Tables, load_tables
from .showing import show
from .sitting import Manner, Progress
from .worlds import World

_COLUMNS = (
    *("address", "host", "role", "status", "list", "zone", "answer", "is_counted", "reason"),
    *("codes", "categories", "text", "confirmed", "first_heard_at", "asked_at", "delist", "evidence_ids"),
)


@dataclass(frozen=True, eq=False)
class SelfCheck:
    """What was found about one name or address: shown in a notebook as a page, printed as text, and as a `table`."""

    answer: Answer
    fits: Sequence[fitting.Fit]
    relays: pd.DataFrame
    """Relay dialogues in a run's evidence, of addresses of this check."""
    greetings: pd.DataFrame
    is_once: bool
    is_example: bool

    def _page(self, language: Language) -> CheckPage:
        return CheckPage(
            self.answer,
            self.fits,
            self.relays,
            self.greetings,
            language,
            is_once=self.is_once,
            is_example=self.is_example,
        )

    def text(self, language: Language = "ja") -> str:
        """The check in plain words."""
        return self._page(language).as_text()

    def __repr__(self) -> str:
        return "\n\n".join(map(self.text, LANGUAGES))

    def _repr_html_(self) -> str:
        return "<hr>".join(self._page(language).as_html() for language in LANGUAGES)

    @property
    def table(self) -> pd.DataFrame:
        """One row per server and list: what it answered, since when, and where to be delisted.

        `status` is the server's, `answer` the list's; what a void list said is not counted.
        """
        rows: list[tuple[object, ...]] = []
        for server in self.answer.servers:
            for one in server.said:
                about = self.answer.source.lists[one.zone]
                rows.append(
                    (
                        *(server.address, server.host, server.role, server.status, about.list_name, one.zone),
                        *(str(one.status), one.is_counted, one.reason),
                        *(list(one.codes), list(one.categories), one.text, one.is_confirmed),
                        *(one.first_heard_at, one.asked_at, link(about.delist_url), list(one.evidence_ids)),
                    )
                )
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    @property
    def fit_table(self) -> pd.DataFrame:
        """One row per question about SPF, PTR and DMARC: topic, subject, verdict, word, detail, evidence_ids."""
        rows = [(one.topic, one.subject, str(one.verdict), one.word, one.detail, one.evidence_ids) for one in self.fits]
        return pd.DataFrame(rows, columns=["topic", "subject", "verdict", "word", "detail", "evidence_ids"])

    def show(self, evidence_id: str) -> None:
        """Print one exchange of the check as dig would show it."""
        print(show(Exchange.of(Archive(self.answer.source.folder).row(str(evidence_id)))))


def question_of(name: str) -> Enquiry:
    """What somebody typed, as an enquiry about one name or address. Raises EnquiryError."""
    enquiry = read_lines([name])
    is_clear = all(item.outcome is not Outcome.UNUSABLE for item in enquiry.items)
    if len(enquiry.subjects) != 1 or enquiry.subjects[0].kind == "range" or not is_clear:
        raise EnquiryError(
            "a self-check is about one name or one address",
            where=name[:100],
            remedy="write one of them; for several, use: python -m survey enquire",
            ja="自己点検は一つの名前かアドレスについて行います。複数なら python -m survey enquire を使ってください",
        )
    return enquiry


def check(
    enquiry: Enquiry,
    home: Path,
    selected: Sequence[Blocklist],
    world: World,
    resolvers: Sequence[tuple[str, int]],
    *,
    manner: Manner,
    run: RunFolder | None = None,
    is_example: bool = False,
    progress: Progress | None = None,
) -> SelfCheck:
    """Ask about one name or address, keep what is heard in a new folder below `home`, and read it.

    `run` is a run of the same world, in whose evidence relay dialogues may be. Raises as `asking.ask` does.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = home / f"{stamp}-{secrets.token_hex(3)}"
    source = ask(folder, enquiry, selected, world, resolvers, manner=manner, progress=progress)
    found = answer(enquiry, source)
    relays, greetings = _dialogues(load_tables(run.path) if run is not None else None, found)
    return SelfCheck(found, fitting.fits(found), relays, greetings, manner.passes == 1, is_example)


def _dialogues(tables: Tables | None, found: Answer) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The relay dialogues of a run with the addresses of a check; those that were not asked are left out."""
    if tables is None:
        return frame("relay_servers"), frame("greetings")
    mine = [one.address for one in found.servers if one.address is not None]
    relays, greetings = tables["relay_servers"], tables["greetings"]
    asked = relays.loc[relays["address"].isin(mine) & relays["verdict"].ne("not_asked")]
    return asked.reset_index(drop=True), greetings.loc[greetings["address"].isin(mine)].reset_index(drop=True)


def example_of(run: RunFolder) -> str:
    """A mail domain of a run that shows much: listed, with a server of its own, and a relay dialogue if there is one.

    For the practice country, where nobody's name is at stake. Raises EnquiryError where there is none.
    """
    tables = load_tables(run.path)
    findings = tables["findings"].loc[tables["findings"]["own_or_shared"].eq("own")]
    relays = tables["relay_servers"]
    asked = set(relays.loc[relays["verdict"].ne("not_asked"), "address"])
    addresses = tables["addresses"].groupby("host")["address"].agg(set).to_dict()
    domains = tables["domains"].drop_duplicates("code").set_index("code")["domain"].to_dict()
    chosen = [
        (status != "listed", not any(addresses.get(host, set()) & asked for host in servers), str(domains[code]))
        for code, status, servers in zip(findings["code"], findings["status"], findings["servers"], strict=True)
        if code in domains
    ]
    if not chosen:
        raise EnquiryError("type a name", where="self_check", remedy="city.example", ja="名前を入力してください")
    return min(chosen)[2]
