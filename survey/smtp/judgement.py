"""What one dialogue said, read from its transcript: a status per form, a verdict for the address, and its greeting.

The transcript alone is read; the rules can be changed and applied again years later. A reply's code decides; its text
only tells kinds of refusals apart: of relaying, of ourselves, of the sender. Postfix's default refuses relaying with a
454, so a 4xx that says "relay access denied" is deferred by its code and counts as a refusal in the verdict.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from ..exchanges import Row
from ..tables import Relay, Verdict
from .dialogue import CONTROL
from .forms import FORMS, Probe, Target, planned
from .grammar import Event, events

_REASONS = (
    ("authentication", re.compile(r"authenticat|\b5\.7\.0 must issue|log ?in first", re.I)),
    (
        "relay_denied",
        re.compile(r"relay(ing)?\b.{0,60}(denied|not (permitted|allowed)|prohibited|reject|refuse)", re.I),
    ),
    (
        "relay_denied",
        re.compile(r"(unable to|not permitted to|can ?not|won't|do(es)? not|not allowed to|no) relay", re.I),
    ),
    ("greylisted", re.compile(r"gr[ae]y-?list", re.I)),
    (
        "refused_us",
        re.compile(
            r"client host|helo command rejected|blocked|block ?list|black ?list|deny ?list|dnsbl|\brbl\b|spamhaus|"
            r"reverse (dns|hostname|lookup)|your (ip|host|address|server|connection)|\bptr\b|bad reputation|"
            r"too many (connections|errors)|access denied\.? .{0,40}\bip\b",
            re.I,
        ),
    ),
    ("user_unknown", re.compile(r"user (is )?unknown|unknown user|no such (user|recipient|mailbox)|unrouteable", re.I)),
)
_SPEAKING = ("authentication", "relay_denied")


@dataclass(slots=True)
class Answer:
    """What came of one form: the reply that decided, to which command, and what was said."""

    sender: str | None = None
    recipient: str | None = None
    stage: str | None = None
    code: int | None = None
    text: str = ""

    @property
    def status(self) -> Relay:
        if self.code is None or 300 <= self.code < 400:
            return Relay.SILENT
        if self.code < 300:
            return Relay.ACCEPTED if self.stage == "rcpt" else Relay.SILENT
        return Relay.DEFERRED if self.code < 500 else Relay.REJECTED

    @property
    def reason(self) -> str | None:
        """What kind of refusal this is, by its text; None when it does not say."""
        if self.status not in (Relay.DEFERRED, Relay.REJECTED):
            return None
        if self.code == 421:
            return "told_to_go"
        if self.code == 530:
            return "authentication"
        said = self._own_words()
        found = next((word for word, pattern in _REASONS if pattern.search(said)), None)
        return "sender_refused" if found is None and self.stage == "mail" else found

    def _own_words(self) -> str:
        """The reply without the addresses that it repeats: our own mailbox may be called relay-something."""
        text = re.sub(r"<[^<>]*>", " ", self.text)
        for path in filter(None, (self.recipient, self.sender)):
            text = text.replace(path, " ")
        return re.sub(r"[^\s@]+@\S+", " ", text)

    @property
    def is_refusal(self) -> bool:
        """Whether the server refused for good, or for now with the words of a denied relay."""
        return self.status is Relay.REJECTED or (self.status is Relay.DEFERRED and self.reason == "relay_denied")

    @property
    def is_about_relaying(self) -> bool:
        """Whether a refusal says anything of relaying: of the recipient, and not of us or of the sender."""
        if not self.is_refusal:
            return False
        return self.reason in _SPEAKING or (self.stage == "rcpt" and self.reason != "refused_us")


@dataclass(slots=True)
class Dialogue:
    """One dialogue as its transcript tells it."""

    target: Target
    ending: str = "cut_off"
    greeting: str | None = None
    is_esmtp: bool | None = None
    starttls: str | None = None
    tls: str | None = None
    answers: dict[str, Answer] = field(default_factory=dict)

    def status(self, name: str) -> tuple[Relay, str | None]:
        """Status and reason of one form, whether or not it was asked."""
        answer = self.answers.get(name)
        if answer is None:
            why = {form.name: envelope for form, envelope in planned(self.target)}[name]
            return Relay.NOT_ASKED, why if isinstance(why, str) else self.ending
        return answer.status, answer.reason if answer.status is not Relay.SILENT else self.ending

    @property
    def control(self) -> Relay:
        answer = self.answers.get(CONTROL)
        return Relay.NOT_ASKED if answer is None else answer.status

    def verdict(self) -> tuple[Verdict, str | None]:
        """The verdict for the address, and why it is inconclusive."""
        asked = [answer for name, answer in self.answers.items() if name != CONTROL]
        wanted = [form.name for form, envelope in planned(self.target) if not isinstance(envelope, str)]
        taken = [answer for answer in asked if answer.status is Relay.ACCEPTED]
        if taken:
            if self.control is Relay.ACCEPTED and len(taken) == len(asked):
                return Verdict.INCONCLUSIVE, "accepts_everything"
            return Verdict.MAY_RELAY, None if self.control is not Relay.NOT_ASKED else "no_control"
        refused = [answer for answer in asked if answer.is_refusal]
        if len(refused) == len(wanted) and any(answer.is_about_relaying for answer in refused):
            return Verdict.REJECTS, None
        if not wanted:
            return Verdict.INCONCLUSIVE, "no_form"
        if len(asked) == len(wanted) and len(refused) == len(wanted):
            reasons = {answer.reason for answer in refused}
            return Verdict.INCONCLUSIVE, "refused_us" if "refused_us" in reasons else "sender_refused"
        if self.ending != "finished":
            return Verdict.INCONCLUSIVE, self.ending
        is_grey = any(answer.reason == "greylisted" for answer in asked)
        return Verdict.INCONCLUSIVE, "greylisted" if is_grey else "deferred"

    @property
    def name(self) -> str | None:
        """The name that the server gives itself."""
        first = (self.greeting or "").partition(" ")[0]
        return first if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", first) else None


def read_dialogue(row: Row) -> Dialogue | None:
    """The dialogue that one exchange holds; None when its transcript does not begin as ours do."""
    heard = list(events(row.answer))
    target = _target(heard[0], row.name) if heard else None
    if target is None:
        return None
    found = Dialogue(target)
    verb = sender = ""
    answer: Answer | None = None
    for who, _, text in heard[1:]:
        if who == "C":
            verb = text.partition(" ")[0]
            path = text.partition("<")[2].rpartition(">")[0]
            sender = path if verb == "MAIL" else sender
            if answer is not None and verb in ("MAIL", "RCPT"):
                answer.sender, answer.stage, answer.code, answer.text = sender, verb.lower(), None, ""
                answer.recipient = path if verb == "RCPT" else None
        elif who == "*":
            word, _, rest = text.partition(" ")
            if word == "form":
                answer = found.answers.setdefault(rest, Answer())
            elif word == "tls":
                found.starttls, found.tls = "used", rest
            elif word == "end":
                found.ending = rest
                found.starttls = "failed" if rest == "tls_failed" else found.starttls
        elif not verb:
            found.greeting = text[4:] if found.greeting is None else f"{found.greeting} {text[4:]}"
        elif answer is not None:
            if verb in ("MAIL", "RCPT"):
                _answered(answer, text)
        elif verb in ("EHLO", "HELO"):
            _introduced(found, verb, text)
    return found


def _target(first: Event, address: str) -> Target | None:
    word, _, rest = first.text.partition(" ")
    if first.who != "*" or word != "asked":
        return None
    try:
        note = json.loads(rest)
        forms = tuple(str(name) for name in note["forms"])
        probe = Probe(str(note["mailbox"]), str(note["hello"]), str(note["page"]))
        host, domain = (None if note[name] is None else str(note[name]) for name in ("host", "domain"))
        until = date.fromisoformat(note["until"])
        return Target(address, host, domain, str(note["operator"]), forms, probe, int(note["row"]), until)
    except (ValueError, KeyError, TypeError):
        return None


def note(target: Target, sha256: str) -> str:
    """The first line of a transcript: on whose word the dialogue was held, and who asked."""
    asked = {
        "operator": target.operator,
        "permission": sha256,
        "row": target.row,
        "until": target.until.isoformat(),
        "host": target.host,
        "domain": target.domain,
        "forms": list(target.forms),
        "mailbox": target.probe.mailbox,
        "hello": target.probe.hello,
        "page": target.probe.page,
    }
    return "asked " + json.dumps(asked, ensure_ascii=False)


def _answered(answer: Answer, text: str) -> None:
    """One line of the reply to MAIL or RCPT; the last line gives the code."""
    answer.text = f"{answer.text} {text[4:]}".strip()
    if text[3:4] != "-" and text[:3].isdigit():
        answer.code = int(text[:3])


def _introduced(found: Dialogue, verb: str, text: str) -> None:
    """One line of the reply to EHLO or HELO."""
    if not text.startswith("2"):
        found.is_esmtp = bool(found.is_esmtp)
        return
    if verb == "EHLO":
        found.is_esmtp = True
        found.starttls = found.starttls or "not_offered"
        if text[4:].strip().upper() == "STARTTLS" and found.starttls == "not_offered":
            found.starttls = "refused"


def statuses(found: Dialogue) -> Sequence[tuple[str, Relay, str | None, Answer]]:
    """Every form in its order, with its status, its reason, and what came of it."""
    return [(name, *found.status(name), found.answers.get(name, Answer())) for name in FORMS]
