"""One town, from its Excel row to its workbook cell: a newcomer's first read.

Follow `town` through the house: the register names it, its MX is asked, its address is asked of every list, the answers
are kept, the tables are read from what was kept, and the workbook says what the tables say.
"""

from __future__ import annotations

from pathlib import Path

import openpyxl

from survey.evidence import Archive
from survey.exchanges import MX, A, Exchange, Exchanges
from survey.messages import decode
from survey.names import reverse_name
from survey.practice.country import Country
from survey.practice.world import PRACTICE
from survey.publish.edition import Edition
from survey.publish.why import why
from survey.publish.workbook import write_workbook
from survey.reading import read_tables
from survey.register import load_register
from survey.runs import RunFolder
from survey.showing import show
from tests.conftest import Surveyed


def test_one_town_walks_from_its_excel_row_to_its_workbook_cell(surveyed: Surveyed, tmp_path: Path) -> None:
    # The town: the first with a server of its own on an open-relay list.
    code = next(c for c, _, relay, share in surveyed.country.truth() if relay == "listed" and share == "own")
    town = next(body for body in surveyed.country.bodies if body.code == code)
    domain = town.domains[0]

    # 1. Its row in the register.
    register = load_register(surveyed.folder / "register.xlsx")
    row = register.bodies.set_index("code").loc[code]
    assert (row["name"], row["prefecture"]) == (town.name.kanji, town.prefecture)
    sheet = openpyxl.load_workbook(surveyed.folder / "register.xlsx").worksheets[0]
    assert sheet.cell(int(row["source_row"]), 1).value == code
    assert register.domains.set_index("code").loc[code, "domain"] == domain

    # 2. What was asked and heard, as it was kept: its MX, its address, and what a list said of that address.
    exchanges = Exchanges(Archive(surveyed.folder).rows())
    mx = exchanges.latest(domain, MX)
    assert mx is not None
    _, host = decode(mx.answer).records[0].value
    heard = exchanges.latest(host, A)
    assert heard is not None
    address = decode(heard.answer).records[0].value
    zones = [zone for zone in ("orbz.dnsbl.example", "ordb.dnsbl.example") if address in surveyed.country.listed[zone]]
    listing = exchanges.latest(f"{reverse_name(address)}.{zones[0]}", A)
    assert listing is not None
    assert [record.value for record in decode(listing.answer).records] == ["127.0.0.2"]
    assert f"{reverse_name(address)}.{zones[0]}. 300 IN A 127.0.0.2" in show(Exchange.of(listing))

    # 3. What the tables say, read from what was kept.
    server = surveyed.tables["mail_servers"].set_index("domain").loc[domain]
    assert (server["host"], server["kind"], server["target"], server["status"]) == (host, "mx", "host", "present")
    finding = surveyed.tables["findings"].set_index("code").loc[code]
    assert (finding["status"], finding["open_relay_listing"], finding["own_or_shared"]) == ("listed", "listed", "own")
    assert finding["servers_listed"] == [host]
    assert finding["lists"] == sorted(zones)
    assert finding["confirmed"]
    assert str(listing.id) in finding["evidence_ids"]
    assert f"{zones[0]}: listed 127.0.0.2 = open relay" in why(surveyed.folder, code)

    # 4. The same tables, read again offline, elsewhere.
    read_tables(RunFolder(surveyed.folder), PRACTICE, into=tmp_path)
    for path in sorted((surveyed.folder / "tables").iterdir()):
        assert path.read_bytes() == (tmp_path / "tables" / path.name).read_bytes(), path.name

    # 5. Its cell in the workbook.
    write_workbook(Edition.of(surveyed.folder), tmp_path / "findings.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "findings.xlsx")["調査結果"].iter_rows(values_only=True))
    cells = next(row for row in rows if row[0] == code)
    assert cells[1:6] == (town.prefecture, town.name.kanji, cells[3], "登録あり", "登録あり")
    assert cells[6] == host
    assert Country.make(81).truth() == surveyed.country.truth()
