"""The folder of a comparison: tables, workbook, figures, `waves.json` and `gate.json`, built aside and put in place.

Where the wave gate refuses, nothing is written but its report. The folder never stands in the place of anything else:
it must not exist, or hold an earlier comparison and nothing that somebody added.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..comparison import Comparison, Pair
from ..errors import RunError
from ..frames import rows_of
from ..harmless import harmless
from ..reread import Reread
from ..shelf import Shelf
from ..wave_counts import count_changes
from ..yardstick import Wave
from .folders import MANIFEST, replace_folder, write_manifest
from .labels import LANGUAGES, Language
from .wave_book import write_rule_changes, write_wave_workbook
from .wave_figures import Scene, write_wave_figures
from .wave_gate_words import remedy, seen

GATE, GATE_TEXT, RESULT = "gate.json", "gate.txt", "waves.json"


def check_place(out: Path) -> None:
    """Whether a comparison may be written there. Raises RunError."""
    if not out.exists():
        return
    kept = out / MANIFEST
    is_ours = kept.is_file() and (out / GATE).is_file()
    named = {line.partition("  ")[2] for line in kept.read_text(encoding="utf-8").splitlines()} if is_ours else set()
    strange = [path for path in sorted(out.rglob("*")) if path.is_file() and _name(path, out) not in {*named, MANIFEST}]
    if not is_ours or strange:
        what = f"it holds {_name(strange[0], out)}, which no comparison wrote" if is_ours else "it is no comparison"
        raise RunError(
            f"this folder stands there already, and {what}",
            where=str(out),
            remedy="name a new folder with --out",
            ja="既にあるフォルダーです。--out で新しいフォルダーを指定してください",
        )


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def write_comparison(
    found: Comparison, rule_changes: pd.DataFrame, out: Path, language: Language
) -> Mapping[str, object]:
    """Write a comparison, or the gate's report alone where it refuses; what `waves.json` or `gate.json` says."""
    check_place(out)
    aside = out.with_name(f".{out.name}.new")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(aside)
    aside.mkdir(parents=True)
    gate = gate_report(found)
    _write_json(aside / GATE, gate)
    (aside / GATE_TEXT).write_text("\n".join(gate_lines(found)) + "\n", encoding="utf-8")
    result = gate
    if found.is_open:
        result = report(found, rule_changes)
        _write_json(aside / RESULT, result)
        shelf = Shelf(aside / "tables")
        for name, table in {**found.tables, "rule_changes": rule_changes}.items():
            shelf.put(name, table)
        write_wave_workbook(found, rule_changes, aside / "waves.xlsx", language)
        write_wave_figures(found, aside / "figures", language)
    write_manifest(aside)
    replace_folder(aside, out)
    return result


def check_empty(out: Path) -> None:
    """Whether a folder is new, or holds nothing. Raises RunError."""
    if out.exists() and any(out.iterdir()):
        raise RunError(
            "this folder stands there already, and is not empty",
            where=str(out),
            remedy="name a new folder with --out",
            ja="既にあるフォルダーです。--out で新しいフォルダーを指定してください",
        )


def write_reread(found: Reread, out: Path, language: Language) -> None:
    """Beside the tables of a run that was read again: the table `rule_changes` and the workbook `reread.xlsx`."""
    Shelf(out / "tables").put("rule_changes", found.changes)
    scene = Scene([found.wave])
    as_of = scene.as_of(language)
    write_rule_changes(found.changes, out / "reread.xlsx", language, as_of=as_of, is_practice=scene.is_practice)


def _write_json(path: Path, said: Mapping[str, object]) -> None:
    path.write_text(json.dumps(dict(said), ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")


def gate_report(found: Comparison) -> dict[str, object]:
    """What the gate saw: for each wave and the next its conditions, in numbers and in words, and the usual shares."""
    steps = []
    for one, pair in zip(found.examined, found.pairs, strict=False):
        names = dict(rows_of(pair.tables["wave_bodies"], "code", "name"))
        conditions = [
            {
                **{name: getattr(condition, name) for name in ("name", "wave", "subject", "found", "plausible", "of")},
                "because": dict(condition.because or {}),
                "bodies": [{"code": code, "name": names.get(code)} for code in condition.codes],
                "said": {language: seen(condition, language) for language in LANGUAGES},
                "remedy": {language: remedy(condition, language) for language in LANGUAGES},
            }
            for condition in one.conditions
        ]
        shares = dict(one.shares)
        sides = {"before": _health(pair.before), "after": _health(pair.after)}
        steps.append({**sides, "conditions": conditions, "shares": shares})
    return {"is_open": found.is_open, "is_practice": Scene(found.waves).is_practice, "steps": steps}


def _health(wave: Wave) -> dict[str, object]:
    """What a wave's own data say of how well it was."""
    named = {
        name: wave.headline.get(name) for name in ("finished_at", "bodies_unknown", "bodies_surveyed", "lists_void")
    }
    return {"wave": wave.name, "resolvers": wave.run.get("resolvers"), **named}


def gate_lines(found: Comparison) -> list[str]:
    """What the gate saw, for people, in both languages: every condition, what to do, and whom it is about."""
    lines = []
    for one, pair in zip(found.examined, found.pairs, strict=False):
        names = dict(rows_of(pair.tables["wave_bodies"], "code", "name"))
        lines.append(
            f"{pair.before.name} → {pair.after.name}: " + ("拒否 / refused" if one.conditions else "通過 / passed")
        )
        for condition in one.conditions:
            for language in LANGUAGES:
                lines.append(f"  {seen(condition, language)}")
                lines.append(f"    → {remedy(condition, language)}")
            if condition.codes:
                named = (f"{code} {names.get(code, '')}".strip() for code in condition.codes)
                lines.append("  " + "、".join(harmless(one, 120) for one in named))
    return lines


def report(found: Comparison, rule_changes: pd.DataFrame) -> dict[str, object]:
    """What `waves.json` says: each wave, and each pair of them in counts with their bounds."""
    return {
        "audience": "internal",
        "is_practice": Scene(found.waves).is_practice,
        "is_open": found.is_open,
        "waves": json.loads(found.tables["waves"].to_json(orient="records", date_format="iso")),
        "pairs": [_pair(pair) for pair in found.pairs],
        "rule_changes": len(rule_changes),
    }


def _pair(pair: Pair) -> dict[str, object]:
    servers, register = pair.tables["wave_servers"], pair.tables["wave_register"]
    method = pair.tables["wave_method"]
    return {
        "before": pair.before.name,
        "after": pair.after.name,
        **count_changes(pair.tables["wave_bodies"]),
        "servers": {str(word): int(n) for word, n in servers["change"].value_counts().items()},
        "register": {str(word): int(n) for word, n in register["change"].value_counts().items()},
        "method": [{"aspect": one, "subject": subject} for one, subject in rows_of(method, "aspect", "subject")],
        "lists_compared": sorted(pair.yardstick.zones),
        "lists_left_out": {zone: str(reason) for zone, reason in sorted(pair.yardstick.left_out.items())},
    }
