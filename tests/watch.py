"""The wire is watched in every test: no TCP connection leaves loopback, none goes to port 25, and while `only_to` is open
none goes anywhere but there. Who tries fails the test.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterator
from ipaddress import ip_address

_allowed: list[frozenset[tuple[str, int]]] = []
_caught: list[object] = []


class ForbiddenConnection(AssertionError):
    """Something was connected to that nobody permitted."""


def _is_fine(host: str, port: int) -> bool:
    if _allowed:
        return (host, port) in _allowed[-1]
    try:
        return port != 25 and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    sock, address = arguments
    if not isinstance(address, tuple) or getattr(sock, "type", 0) & 0xF != 1:
        return
    if not _is_fine(str(address[0]), int(str(address[1]))):
        _caught.append(address)
        raise ForbiddenConnection(f"a connection to {address}, which nobody permitted")


sys.addaudithook(_watch)


def caught() -> list[object]:
    """The forbidden connections since the last call; whatever swallowed the error, they are known here."""
    found = list(_caught)
    _caught.clear()
    return found


@contextlib.contextmanager
def only_to(places: Collection[tuple[str, int]]) -> Iterator[None]:
    """Let TCP connections go to these (host, port) only."""
    _allowed.append(frozenset(places))
    try:
        yield
    finally:
        _allowed.pop()
