"""In which world a command asks, whom, and who it is that asks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..errors import ResolverError

if TYPE_CHECKING:
    from ..practice.country import Country
    from ..smtp.forms import Probe
    from ..worlds import World


def world_of(settings: Mapping[str, object]) -> World:
    """The world that a run's settings name."""
    from ..worlds import LIVE  # noqa: PLC0415

    if settings.get("world") == "practice":
        from ..practice.world import PRACTICE  # noqa: PLC0415

        return PRACTICE
    return LIVE


def country_of(settings: Mapping[str, object]) -> Country:
    """The practice country that a run's settings name, as whoever asks it again finds it."""
    from ..practice.seasons import asked_again  # noqa: PLC0415

    return asked_again(settings)


def served(country: Country, stack: ExitStack) -> list[tuple[str, int]]:
    """The practice country's own resolver, served until the stack is left."""
    from ..practice.world import serve  # noqa: PLC0415

    return [stack.enter_context(serve(country)).resolver]


def resolvers(written: Sequence[str]) -> list[tuple[str, int]]:
    """Resolvers as given, or the system's. Raises ResolverError when an address is none, or the system names none."""
    return [_resolver(text) for text in written] or _of_the_system()


def _resolver(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "53")
    try:
        return address.strip("[]"), int(port)
    except ValueError:
        raise ResolverError(
            f"{text!r} is no address of a resolver",
            where="--resolver",
            remedy="write 127.0.0.1, 127.0.0.1:5353 or [::1]:53",
            ja="リゾルバの書き方が違います",
        ) from None


def _of_the_system() -> list[tuple[str, int]]:
    import dns.resolver  # noqa: PLC0415 - reads the system's settings, only needed here

    try:
        found = [(str(address), 53) for address in dns.resolver.Resolver().nameservers]
    except dns.resolver.NoResolverConfiguration:
        found = []
    if not found:
        raise ResolverError(
            "this system names no resolver",
            where="--resolver",
            remedy="run one of your own (make resolver) and name it: --resolver 127.0.0.1:5353",
            ja="リゾルバの設定がありません。make resolver で用意し --resolver で指定してください",
        )
    return found


def asker(options: argparse.Namespace, is_practice: bool) -> Probe:
    """Who asks, where the permission file does not say it: the options, and in practice the practice newsroom."""
    from ..practice.mailers import ASKER  # noqa: PLC0415
    from ..smtp.forms import Probe  # noqa: PLC0415

    known = ASKER if is_practice else Probe("", "", "")
    return Probe(options.mailbox or known.mailbox, options.hello or known.hello, options.page or known.page)
