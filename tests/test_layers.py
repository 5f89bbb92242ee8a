"""The rows of the house: a module imports only from rows above; rooms of one row never import each other."""

from __future__ import annotations

import ast

import pytest

from tests.conftest import ROOT

ROWS = [
    {"errors", "harmless", "places", "calm", "keeping", "columns"},
    {"wave_tables", "published"},
    {"tables", "exchanges", "suffixes", "codes", "spellings", "edited", "spf"},
    {"worlds", "frames", "names"},
    {"records"},
    {"messages"},
    {"answers", "sheets", "return_codes", "conventions", "opt_outs", "successors", "usage", "smtp", "unasked"},
    {"cells", "subjects"},
    {"register", "permissions", "evidence", "store", "catalogue", "showing", "websites", "lookups", "packed"},
    {"enquiries", "enquirers"},
    {"review", "rules", "draft", "spftree", "dmarc", "pairs", "blocklists", "parts"},
    {"standings"},
    {"domains", "mail", "listings", "relays", "senders", "networks", "operators", "wire"},
    {"dossiers"},
    {"findings", "headlines", "shelf"},
    {"yardstick"},
    {"waves"},
    {"wave_servers", "wave_gate", "wave_method", "wave_counts", "history"},
    {"comparison"},
    {"runs"},
    {"reading"},
    {"alongside", "sitting", "resolvers", "sources", "reread"},
    {"replies"},
    {"passes"},
    {"observing"},
    {"gathering"},
    {"processes", "streaming"},
    {"dasking"},
    {"collect", "visits"},
    {"asking", "enquiring"},
    {"fitting"},
    {"publish"},
    {"doctor", "practice", "selfcheck"},
    {"commands"},
    {"__init__", "__main__"},
]
ROW_OF = {room: number for number, row in enumerate(ROWS) for room in row}
PATHS = sorted(path.relative_to(ROOT / "survey") for path in (ROOT / "survey").rglob("*.py"))


def imported(source: str, package: list[str]) -> set[str]:
    """The top rooms of `survey` that a module imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            names = [[*base, *node.module.split(".")]] if node.module else [[*base, a.name] for a in node.names]
            found |= {parts[1] for parts in names if len(parts) > 1}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("survey."):
            found.add(str(node.module).split(".")[1])
    return found


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_module_imports_only_from_rows_above(path):
    room = path.parts[0].removesuffix(".py")
    assert room in ROW_OF, f"{path} has no row: give it one"
    package = ["survey", *path.parts[:-1]]
    for other in imported((ROOT / "survey" / path).read_text(encoding="utf-8"), package):
        if other == room or (room == "__main__" and other == "__init__"):
            continue
        assert ROW_OF[other] < ROW_OF[room] or room == "__init__", f"{path} imports {other}"
        assert other != "practice" or room == "commands", f"{path} imports practice"


def test_the_rule_would_find_a_wrong_import():
    assert imported("from ..publish import labels\n", ["survey", "wire"]) == {"publish"}
    assert imported("def f():\n    from .practice.dns import x\n", ["survey"]) == {"practice"}
