"""What the benchmark asks: NSD, rbldnsd and unbound as the tests start them, and dnsdist, which makes a network of them.

dnsdist holds every answer back, loses packets and leaves names unanswered, for every client alike; the kernel of a
container seldom has netem. All programs are unpacked by `make daemons`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.daemons import servers

from .child import ZONES
from .generated import Generated

UNPACKED = servers.UNPACKED.parent
_BUFFER = 4 << 20


@dataclass(frozen=True, slots=True)
class Network:
    """How answers come: held back so long, lost with this probability, and silence about some names."""

    delay_ms: int = 0
    loss: float = 0.0
    has_silent: bool = False


STRAIGHT = Network()


def missing() -> list[str]:
    """The programs that are not here."""
    wanted = {
        "root": ("nsd", "rbldnsd", "unbound"),
        "dnsperf": ("dnsperf",),
        "dnsdist": ("dnsdist",),
    }
    return [name for root, names in wanted.items() for name in names if _find(root, name) is None]


def _find(root: str, name: str) -> Path | None:
    places = (UNPACKED / root / folder / name for folder in ("usr/bin", "usr/sbin"))
    return next((place for place in places if place.exists()), None)


def program(root: str, name: str) -> tuple[str, dict[str, str]]:
    """An unpacked program, and the environment that it wants."""
    found = _find(root, name)
    if found is None:
        raise FileNotFoundError(f"{name} is not here (make daemons)")
    libraries = sorted({str(path.parent) for path in (UNPACKED / root).glob("**/lib/**/*.so*")})
    return str(found), os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)}


@contextlib.contextmanager
def nsd(made: Generated, folder: Path) -> Iterator[int]:
    """NSD with every zone of a world, the lists among them; gives its port."""
    with servers.nsd(dict(made.write_zones(folder / "zones")), folder) as port:
        yield port


@contextlib.contextmanager
def rbldnsd(made: Generated, folder: Path) -> Iterator[int]:
    """rbldnsd with the twelve lists; gives its port."""
    with servers.rbldnsd(made.datasets(), folder) as port:
        yield port


@contextlib.contextmanager
def unbound(names: int, lists: int, folder: Path) -> Iterator[int]:
    """unbound that asks the server at port `names` for names and the one at `lists` for the lists; gives its port."""
    stubs = {"example": names, "in-addr.arpa": names, "ip6.arpa": names} | dict.fromkeys(ZONES, lists)
    # The cache must hold the whole world, or "warm" would mean nothing.
    with servers.unbound(
        stubs, folder, "  msg-cache-size: 256m\n  rrset-cache-size: 256m\n  so-rcvbuf: 4m\n  so-sndbuf: 4m\n"
    ) as port:
        yield port


@contextlib.contextmanager
def dnsdist(server: int, network: Network, silent: Iterable[str], folder: Path) -> Iterator[int]:
    """dnsdist in front of the server at a port, answering as the network does; gives its port.

    What is silent or lost is dropped before the server sees it: the client cannot tell on which way it was lost.
    """
    binary, environment = program("dnsdist", "dnsdist")
    port = servers.free_port()
    home = folder / f"dnsdist-{port}"
    home.mkdir(parents=True)
    lines = [
        f'setLocal("127.0.0.1:{port}", {{reusePort=false}})',
        'setSecurityPollSuffix("")',  # it would ask its maker's server about itself
        "setMaxUDPOutstanding(65535)",
        # Without room for bursts it would lose by itself what it was not told to lose.
        f"setUDPSocketBufferSizes({_BUFFER}, {_BUFFER})",
        "setVerboseHealthChecks(false)",
        f'newServer({{address="127.0.0.1:{server}", sockets=4, healthCheckMode="up"}})',
    ]
    if network.has_silent:
        lines.append("silent = newSuffixMatchNode()")
        lines += [f'silent:add(newDNSName("{name}."))' for name in silent]
        lines.append("addAction(SuffixMatchNodeRule(silent, true), DropAction())")
    if network.loss:
        lines.append(f"addAction(ProbaRule({network.loss}), DropAction())")
    if network.delay_ms:
        lines.append(f"addResponseAction(AllRule(), DelayResponseAction({network.delay_ms}))")
    (home / "dnsdist.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
    command = [binary, "--supervised", "--disable-syslog", "-C", str(home / "dnsdist.conf")]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=home)
    try:
        _await(port, process, home / "log")
        yield port
    finally:
        servers.end(process)


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers anything at all."""
    query = b"\x13\x37\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x00\x00\x06\x00\x01"
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(0.3)
        until = time.monotonic() + 20
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError):
                sock.send(query)
                sock.recv(512)
                return
            time.sleep(0.05)
    raise RuntimeError(f"the server on port {port} did not come up:\n{log.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def network(made: Generated, server: int, how: Network, folder: Path) -> Iterator[int]:
    """The server behind a network; the server itself when that is straight."""
    if how == STRAIGHT:
        yield server
        return
    with dnsdist(server, how, made.silent() if how.has_silent else (), folder) as port:
        yield port


def warm(port: int, questions: Sequence[str]) -> None:
    """Ask a resolver everything once (`name TYPE` each), so that its cache holds the answers."""
    binary, environment = program("dnsperf", "dnsperf")
    # A cold resolver needs its time: few outstanding, and twice, so that nothing stays out of the cache.
    for _ in range(2):
        command = [binary, "-s", "127.0.0.1", "-p", str(port), "-q", "200", "-c", "4", "-n", "1", "-t", "3"]
        subprocess.run(
            command, input="\n".join(questions) + "\n", text=True, env=environment, check=True, capture_output=True
        )
