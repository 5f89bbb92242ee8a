"""The wire is watched: while `only_to` is open, a connection to anywhere else fails the test that makes it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterator

_allowed: list[frozenset[tuple[str, int]]] = []
_caught: list[object] = []


class ForbiddenConnection(AssertionError):
    """Something was connected to that nobody permitted."""


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect" or not _allowed:
        return
    address = arguments[1]
    sock = arguments[0]
    if not isinstance(address, tuple) or getattr(sock, "type", 0) & 0xF != 1:
        return
    if tuple(address[:2]) not in _allowed[-1]:
        _caught.append(address)
        raise ForbiddenConnection(f"a connection to {address}, which nobody permitted")


sys.addaudithook(_watch)


@contextlib.contextmanager
def only_to(places: Collection[tuple[str, int]]) -> Iterator[None]:
    """Let TCP connections go to these (host, port) only; whatever swallowed the error, leaving raises it again."""
    _allowed.append(frozenset(places))
    del _caught[:]
    try:
        yield
    finally:
        _allowed.pop()
    if _caught:
        raise ForbiddenConnection(f"connections to {_caught}, which nobody permitted")
