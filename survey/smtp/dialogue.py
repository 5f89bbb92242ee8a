"""The relay dialogue, without a socket: replies in, commands out.

`converse` is a generator: it yields what to do next, is sent what came of it, and returns one word for how it ended. It
says who asks and where to complain (NOOP carries a text, RFC 5321 §4.1.1.9), uses STARTTLS where it is offered
(RFC 3207), asks the control and then each permitted form, and leaves with RSET and QUIT. A 421 at any point, a 5xx in
place of a greeting, and a connection that is lost end it at once: nobody is asked twice.

RSET stands between two forms whenever there is something to take back: an accepted recipient, or another sender. A
refused recipient leaves the transaction as it was (RFC 5321 §4.1.1.3), so the next form with the same sender needs no
RSET: Exim hangs up at the eleventh (smtp_accept_max_nonmail), before half of the forms are asked.

A refusal of one recipient is what the dialogue came for, so a 554 to MAIL or RCPT (Postfix's word for a denied relay)
does not end it; a 554 in place of a greeting does.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal, NamedTuple

from .forms import Target, control, planned
from .grammar import Reply, Verb


class Listen(NamedTuple):
    """Wait for the greeting."""


class Say(NamedTuple):
    """Send one command and wait for its reply."""

    verb: Verb
    argument: str = ""


class Secure(NamedTuple):
    """Begin TLS on this connection; nothing of the other side is believed from before."""


class Begin(NamedTuple):
    """A form begins: note its name, and pause first."""

    form: str


class Lost(NamedTuple):
    """What came instead of a reply: closed, timeout, flooded, nonsense, tls_failed, too_long, …"""

    word: str


Step = Listen | Say | Secure | Begin
Heard = Reply | Lost | None
Talk = Generator[Step, Heard, str]
CONTROL = "control"
Ending = Literal["finished", "told_to_go", "refused_at_connect", "deferred_at_connect", "refused_at_hello"]


class _OverError(Exception):
    """The dialogue is over before its end."""

    def __init__(self, word: str) -> None:
        self.word = word


def _say(verb: Verb, argument: str = "") -> Generator[Step, Heard, Reply]:
    reply = yield Say(verb, argument)
    return _checked(reply)


def _checked(heard: Heard) -> Reply:
    if isinstance(heard, Lost):
        raise _OverError(heard.word)
    if heard is None:
        raise _OverError("nonsense")
    if heard.code == 421:
        raise _OverError("told_to_go")
    return heard


def converse(target: Target, token: str) -> Talk:
    """The whole dialogue with one server; `token` makes the control's local part unguessable."""
    try:
        word = yield from _greet(target)
        if word is None:
            sender: str | None = None
            for name, envelope in [(CONTROL, control(target, token)), *((f.name, e) for f, e in planned(target))]:
                if not isinstance(envelope, str):
                    sender = yield from _ask(name, *envelope, sender)
            if sender is not None:
                yield from _back()
            word = "finished"
    except _OverError as over:
        return over.word
    yield Say(Verb.QUIT)
    return word


def _greet(target: Target) -> Generator[Step, Heard, Ending | None]:
    """Greeting, EHLO or HELO, TLS, who we are; a word when the server would rather not."""
    heard = yield Listen()
    greeting = _checked(heard)
    if not greeting.is_good:
        return "deferred_at_connect" if greeting.is_for_now else "refused_at_connect"
    hello = target.probe.hello
    reply = yield from _say(Verb.EHLO, hello)
    if reply.is_good and any(line.strip().upper() == "STARTTLS" for line in reply.lines[1:]):
        ready = yield from _say(Verb.STARTTLS)
        if ready.code == 220:
            secured = yield Secure()
            if isinstance(secured, Lost):
                raise _OverError(secured.word)
            reply = yield from _say(Verb.EHLO, hello)
    if not reply.is_good:
        reply = yield from _say(Verb.HELO, hello)
        if not reply.is_good:
            return "refused_at_hello"
    who = f"relay survey, permitted by the operator; contact {target.probe.mailbox} {target.probe.page}"
    yield from _say(Verb.NOOP, who)
    return None


def _ask(name: str, sender: str, recipient: str, open_: str | None) -> Generator[Step, Heard, str | None]:
    """One form, in the transaction that is open for its sender or in a new one; the sender of the one left open."""
    if open_ is not None and open_ != sender:
        yield from _back()
        open_ = None
    yield Begin(name)
    if open_ is None:
        reply = yield from _say(Verb.MAIL, f"FROM:<{sender}>")
        if not reply.is_good:
            return None
    reply = yield from _say(Verb.RCPT, f"TO:<{recipient}>")
    if not reply.is_good:
        return sender
    yield from _back()
    return None


def _back() -> Generator[Step, Heard, None]:
    """Back to before MAIL: what was said of an envelope is taken back."""
    reply = yield from _say(Verb.RSET)
    if not reply.is_good:
        raise _OverError("told_to_go")
