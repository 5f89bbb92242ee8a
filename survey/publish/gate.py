"""The gate before print: who may be named, by people's dated decisions; who may not, and why.

`decisions.xlsx` in the run folder holds one row per decision: `code` (or `operator:<name>` for an operator of servers),
`finding_sha256` (what was decided about, so that a changed finding needs a new decision), `notified_at`,
`notified_how`, `reply`, `deadline`, `approved_by`, `decided_at`, `decision` (name or withhold), `reason`.

A name is public only when all of this holds, and the first that does not is said as a machine word:

* `not_listed`      the finding is listed, on the adjusted count of `audiences`;
* `unconfirmed`     a later pass confirmed what is printed of it;
* `undecided`       a decision to name stands there, with who approved it and when;
* `changed`         the finding is still the one that was decided about;
* `not_notified`    the body was notified, and how stands there; or it was not, and an editor's reason for naming
                    without notice does;
* `dates_wrong`     it was notified before the deadline and before the decision, and none of it lies in the future;
* `deadline_open`   it replied, or the deadline has passed; a reason does not shorten a deadline that was given;
* `too_old`         the oldest confirmation that the row rests on is not older than `max_age_h` hours;
* `others_open`     whoever else uses the listed servers was notified of its own finding as it is now, for to name one
                    is to name them all.

Of several decisions about a code the latest counts; one without a date that withholds always does. Nothing here reads a
clock: `now` is given.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..harmless import harmless
from . import labels
from .people import PeoplesRow, read_rows

COLUMNS = (
    *("code", "finding_sha256", "notified_at", "notified_how", "reply", "deadline"),
    *("approved_by", "decided_at", "decision", "reason"),
)
WORDS = "finding"
"""The column that says in words what was decided about; people may leave it out, and then nothing can be renewed."""
HEADS = {
    "code": "団体コード",
    "finding_sha256": "判定のSHA-256",
    "notified_at": "通知日時",
    "notified_how": "通知方法",
    "reply": "回答",
    "deadline": "回答期限",
    "approved_by": "承認者",
    "decided_at": "決定日時",
    "decision": "決定",
    "reason": "通知せずに公表する理由",
    "finding": "判定の内容",
}
_HASHED = (
    *("code", "status", "open_relay_listing", "own_or_shared", "servers_listed", "lists", "categories"),
    *("confirmed", "confirmed_categories", "confirmed_servers", "evidence_ids"),
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of `decisions.xlsx`, its times aware (a date is the end of that day; in Japan where none is said)."""

    code: str
    finding_sha256: str
    notified_at: datetime | None
    notified_how: str
    reply: str
    deadline: datetime | None
    approved_by: str
    decided_at: datetime | None
    decision: str
    reason: str
    row: int


def finding_sha256(finding: Mapping[str, object]) -> str:
    """What a decision is about: the statuses and the evidence ids of one row of `findings`."""
    values = [_plain(finding.get(name)) for name in _HASHED]
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()


def said(finding: Mapping[str, object]) -> str:
    """The same in words for the newsroom, without evidence ids: findings that say the same have the same words."""
    parts = [labels.word(finding["status"], "ja")]
    relay = finding.get("open_relay_listing")
    parts.append(f"第三者中継リスト {labels.word(relay, 'ja') if isinstance(relay, str) else labels.CANNOT['ja']}")
    if isinstance(finding.get("own_or_shared"), str):
        parts.append(labels.whose(finding["own_or_shared"], "ja"))
    for head, name, is_word in (
        ("登録サーバ", "servers_listed", False),
        ("リスト", "lists", False),
        ("分類", "categories", True),
        ("再確認した分類", "confirmed_categories", True),
        ("再確認したサーバ", "confirmed_servers", False),
    ):
        values = finding.get(name)
        texts = sorted(str(one) for one in values) if isinstance(values, list | tuple) else []
        if texts:
            parts.append(f"{head} {', '.join(labels.word(one, 'ja') if is_word else harmless(one) for one in texts)}")
    return "；".join(parts)


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return str(value) if isinstance(value, str | int) else None


def load_decisions(path: Path, known: Collection[str] = ()) -> dict[str, Decision]:
    """The decision that counts about each code, from `decisions.xlsx`; none where there is no file.

    A code of digits that is none of the `known` has lost its leading zeros, and gets them back. Raises RunError naming
    file, row and column: nobody is named because of a typing error, and nobody by half a file.
    """
    if not path.exists():
        return {}
    found: dict[str, Decision] = {}
    for row in read_rows(path, HEADS, optional=(WORDS,)):
        if code := full_code(row.text("code"), known):
            found[code] = _later(found.get(code), _decision(row, code))
    return found


def full_code(written: str, known: Collection[str]) -> str:
    """A code as the register has it, where Excel made a number of it."""
    return written.zfill(6) if written.isdigit() and written not in known else written


def _later(known: Decision | None, new: Decision) -> Decision:
    """Of two decisions about one code the one that counts: the later; without dates, the one that withholds."""
    if known is None:
        return new
    if known.decided_at is None or new.decided_at is None or known.decided_at == new.decided_at:
        undated = [one for one in (known, new) if one.decided_at is None] or [known, new]
        return next((one for one in undated if one.decision == "withhold"), max(known, new, key=lambda one: one.row))
    return new if new.decided_at > known.decided_at else known


def _decision(row: PeoplesRow, code: str) -> Decision:
    word = _WORDS.get(row.text("decision").lower())
    if word is None:
        raise row.wrong(
            "decision", "this is no decision", "write name or withhold", "name か withhold と書いてください"
        )
    return Decision(
        code,
        row.text("finding_sha256").lower(),
        row.moment("notified_at"),
        row.text("notified_how"),
        row.text("reply"),
        row.moment("deadline"),
        row.text("approved_by"),
        row.moment("decided_at"),
        word,
        row.text("reason"),
        row.number,
    )


_WORDS = {"name": "name", "公表": "name", "withhold": "withhold", "非公表": "withhold", "": "withhold"}


def refusal(
    finding: Mapping[str, object],
    decision: Decision | None,
    *,
    is_listed: bool,
    confirmed_at: datetime | None,
    now: datetime,
    max_age_h: float,
) -> str | None:
    """Why this body may not be named, as a machine word; None when its gate is open."""
    if not is_listed:
        return "not_listed"
    if not finding.get("confirmed_categories") or confirmed_at is None:
        return "unconfirmed"
    if decision is None or decision.decision != "name" or not decision.approved_by or decision.decided_at is None:
        return "undecided"
    if decision.finding_sha256 != finding_sha256(finding):
        return "changed"
    if (why := notice(decision, now)) is not None:
        return why
    return "too_old" if now - confirmed_at > timedelta(hours=max_age_h) else None


def names_operator(decision: Decision | None, now: datetime) -> bool:
    """Whether an operator may be named: all is asked of it that is asked of a body, but for a finding of its own."""
    if decision is None or decision.decision != "name" or not decision.approved_by:
        return False
    return notice(decision, now) is None


def notice(decision: Decision | None, now: datetime) -> str | None:
    """What is missing of telling the body first; None when it was told and had its time, or a reason says why not."""
    if decision is None or decision.decided_at is None:
        return "undecided"
    is_over = decision.deadline is not None and decision.deadline < now
    if decision.notified_at is None:
        if decision.decided_at > now:
            return "dates_wrong"
        if not decision.reason:
            return "not_notified"
        return None if decision.deadline is None or is_over else "deadline_open"
    if not decision.notified_how:
        return "not_notified"
    in_order = decision.notified_at <= decision.decided_at <= now
    if not in_order or (decision.deadline is not None and decision.deadline <= decision.notified_at):
        return "dates_wrong"
    return None if _has_replied(decision.reply) or is_over else "deadline_open"


def _has_replied(said: str) -> bool:
    """Whether a cell of replies holds one: not a sign or a number, nor words that say that none has come."""
    plain = unicodedata.normalize("NFKC", said).casefold()
    has_words = re.search(r"[^\W\d_]", plain) is not None
    return has_words and _NO_REPLY.search(plain) is None


_NO_REPLY = re.compile(
    r"^\W*(なし|無し|無|未|いいえ|まだ|待ち|no|none|n/?a|nil|null|false|true|not yet|x)\W*$"
    r"|未回答|未返|未着|無回答|無返|無応答|音沙汰"
    r"|(回答|返信|返事|返答|返書|連絡|応答|反応)[はがもを]?(まだ|未だ|いまだ)?[\s(]*(な[しいくか]|無[しい]?|待|未|来[なず]|得られ[なず])"
    r"|\bno (reply|replies|response|answer)|\bnot (yet|repl|respon|answer)|\b(pending|(a?wait)ing|unanswered)\b"
)
