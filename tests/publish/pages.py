"""What the tests of pages share: a page as elements, and a view in which every text from outside is an attack."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pandas as pd

from survey.publish import gate

NOW = datetime.now(UTC)
ATTACKS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "</style></table><img src=x onerror=alert(3)>",
    '"><svg onload=alert(4)>',
    "' autofocus onfocus='alert(5)",
    "javascript:alert(6)",
    '=HYPERLINK("http://192.0.2.1/";"x")',
    "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe",
    "--><iframe src=http://192.0.2.1/></iframe><!--",
    "{total} {n} ${alert(7)} &lt;b&gt; <!--",
    "\ufffe\u2028\u2029\u0000",
    "長" * 65_536,
    "<b>" * 21_845,
)
VOID = {"meta", "input", "img", "br", "rect", "path"}


@dataclass
class Parsed(HTMLParser):
    """A page's elements: every start tag with its attributes, the texts within each kind of element, what was left open."""

    tags: list = field(default_factory=list)
    open: list = field(default_factory=list)
    texts: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)
            if self.rows and "tr" in self.open:
                self.rows[-1] += data


def parsed(source):
    page = Parsed()
    page.feed(source)
    page.close()
    assert page.open == []
    return page


def hostile(view):
    """The same view with an attack in the place of every text that came from outside."""
    words = {"status", "open_relay_listing", "own_or_shared", "kind", "group", "health"}
    turn = itertools.cycle(ATTACKS)

    def attack(value):
        if isinstance(value, str):
            return next(turn)
        return [next(turn) for _ in value] if isinstance(value, list) else value

    tables = {}
    for name in ("findings", "regions", "kinds", "operators", "lists"):
        table = getattr(view, name).copy()
        for column in table.columns:
            if column not in words and not pd.api.types.is_numeric_dtype(table[column]):
                table[column] = pd.Series([attack(one) for one in table[column]], dtype="object", index=table.index)
        tables[name] = table
    return replace(view, run={"tool": ATTACKS[0]}, **tables)


def decision(edition, code, **changes):
    finding = edition.tables["findings"].set_index("code", drop=False).loc[code].to_dict()
    found = gate.Decision(
        code=code,
        finding_sha256=gate.finding_sha256(finding),
        notified_at=NOW - timedelta(days=9),
        notified_how="郵送",
        reply="",
        deadline=NOW - timedelta(days=2),
        approved_by="デスク",
        decided_at=NOW,
        decision="name",
        reason="",
        row=2,
    )
    return replace(found, **changes)
