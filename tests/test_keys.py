"""Keys of lists stand nowhere in a run: a keyed list is asked, told about, and every file is searched for its key."""

from __future__ import annotations

import dataclasses
import zipfile

import pyarrow.parquet as pq
import pytest

from survey.catalogue import load_catalogue, rekey, select
from survey.collect import collect, recheck
from survey.evidence import Archive
from survey.exchanges import TXT, Exchange, Exchanges
from survey.names import encode_name, reverse_name, reverse_wire
from survey.practice.country import Country
from survey.practice.dns import Zone, add_listing
from survey.practice.world import PRACTICE, serve
from survey.publish.report import write_report
from survey.publish.why import why
from survey.runs import RunFolder
from survey.showing import show
from survey.sitting import Manner

KEY = "Geheim7Schluessel"
ZONE = "<key>.orbz.dnsbl.example"
ASKED = f"{KEY}.orbz.dnsbl.example"


def keyed_lists():
    lists = select("practice", load_catalogue())
    orbz = next(one for one in lists if one.zone.startswith("orbz"))
    codes = tuple(dataclasses.replace(code, zone=ZONE) for code in orbz.codes)
    return (*lists, dataclasses.replace(orbz, zone=ZONE, asked_zone=ASKED, codes=codes))


def texts_of(path):
    """Everything in a file that could hold a key, unpacked where it is packed."""
    if path.suffix == ".parquet":
        yield str(pq.read_table(path).to_pydict()).encode()
    elif path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    yield path.read_bytes()


def test_a_key_stands_nowhere_in_a_run_folder_nor_on_the_screen(tmp_path, monkeypatch, capsys):
    country = Country.make(4)
    country.write_register(tmp_path / "register.xlsx")
    said = []

    def serve_the_keyed_list(answers):
        answers.zones[encode_name(ASKED.lower())] = Zone()
        held = {**country.listed["orbz.dnsbl.example"], "127.0.0.2": ("127.0.0.2",)}
        for address, codes in held.items():
            words = f"see https://orbz.example/?key={KEY}&ip={address}"
            add_listing(answers, ASKED.lower(), reverse_wire(address), codes, words)

    run = RunFolder(tmp_path / "run")
    with serve(country, change=serve_the_keyed_list) as served:
        arguments = (PRACTICE, [served.resolver])
        progress = lambda done, expected, text: said.append(text)  # noqa: E731
        tables = collect(tmp_path / "register.xlsx", run, keyed_lists(), *arguments, progress=progress)
        monkeypatch.setenv("SURVEY_KEY_ORBZ_DNSBL_EXAMPLE", KEY)
        kept = rekey(keyed_lists())
        recheck(run, PRACTICE, kept, [served.resolver], [country.bodies[0].code], manner=Manner(), progress=progress)
        assert any(encode_name(ASKED.lower()) in question for question in served.counts()), "it was asked with its key"
    assert ZONE in tables.headline["lists_used"]
    listed = tables["listings"].query("zone == @ZONE and status == 'listed'")
    assert len(listed)
    write_report(run.path, with_notebooks=False)
    code = next(one.code for one in tables["findings"].itertuples() if ZONE in one.lists)
    print(why(run.path, code), why(run.path, code, "ja"), *said)
    exchanges = Exchanges(Archive(run.path).rows())
    for question in [one for one in exchanges.questions() if ".xxxx" in one.name]:
        print(show(Exchange.of(exchanges.latest(*question))))
    assert any(question.type == TXT and ".xxxx" in question.name for question in exchanges.questions())
    screen = capsys.readouterr().out.lower()
    assert "key=xxxx" in screen
    assert KEY.lower() not in screen
    paths = [path for path in run.path.rglob("*") if path.is_file()]
    assert len(paths) > 20
    holders = {path.name for path in paths for text in texts_of(path) if KEY.lower().encode() in text.lower()}
    assert holders == set()


def test_a_name_that_is_spelt_like_a_covered_key_does_not_speak_for_the_list(tmp_path):
    """Without the key the list says "no such name" of it; whoever has the name as a mail server may be anybody."""
    country = Country.make(4)
    stranger = next(one for one in country.domains.values() if one.exchangers)
    held = country.listed["orbz.dnsbl.example"]
    covered = f"{'x' * len(KEY)}.orbz.dnsbl.example"
    stranger.exchangers += [(99, f"{reverse_name(address)}.{covered}") for address in held]
    country.write_register(tmp_path / "register.xlsx")

    def serve_the_keyed_list(answers):
        answers.zones[encode_name(ASKED.lower())] = Zone()
        for address, codes in {**held, "127.0.0.2": ("127.0.0.2",)}.items():
            add_listing(answers, ASKED.lower(), reverse_wire(address), codes, "")

    lists = [one for one in keyed_lists() if one.zone == ZONE]
    with serve(country, change=serve_the_keyed_list) as served:
        manner = Manner(passes=1, has_context=False)
        tables = collect(
            tmp_path / "register.xlsx", RunFolder(tmp_path / "run"), lists, PRACTICE, [served.resolver], manner=manner
        )
    assert set(tables["listings"].query("status == 'listed'")["address"]) == set(held) & set(
        tables["addresses"]["address"]
    )
    strange = tables["addresses"]["host"].str.endswith(covered)
    assert set(tables["addresses"].loc[strange, "reason"]) == {"not_asked"}


@pytest.mark.parametrize("key", ["", "a", "has.dot", "has space"])
def test_a_key_that_could_not_be_covered_is_refused(key):
    from survey.errors import CatalogueError

    with pytest.raises(CatalogueError, match="key of 6 to 63"):
        rekey([one for one in keyed_lists() if one.zone == ZONE], {"SURVEY_KEY_ORBZ_DNSBL_EXAMPLE": key})
