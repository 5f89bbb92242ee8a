"""Real servers for tests: NSD, rbldnsd, unbound and dig, on loopback, on free ports, in a temporary folder.

Each is a context manager: ready when `with` returns, ended by its own process id. A server that does not come up shows
its log. They are unpacked by `make daemons`; nothing of the system is used or touched.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

from tests.conftest import ROOT

UNPACKED = ROOT / ".daemons" / "root"


def program(name: str) -> Path:
    """Where a server's program lies; the test fails or is skipped by name where it is missing."""
    for folder in ("usr/sbin", "usr/bin", "sbin", "bin"):
        path = UNPACKED / folder / name
        if path.exists():
            return path
    message = f"{name} is not here (make daemons)"
    if os.environ.get("SURVEY_REQUIRE_DAEMONS") == "1":
        pytest.fail(message)
    pytest.skip(message)


def environment() -> dict[str, str]:
    """The unpacked packages' own libraries, where the system lacks them."""
    libraries = [str(path) for path in sorted(UNPACKED.glob("usr/lib/*-linux-gnu")) + sorted(UNPACKED.glob("lib/*"))]
    return os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)}


def free_port() -> int:
    """A port of 127.0.0.1 that is free for UDP and TCP just now."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port
    raise AssertionError("no free port")


@contextlib.contextmanager
def running(command: Sequence[str], port: int, probe: str, log: Path) -> Iterator[int]:
    """A server process, from when it answers `probe` until the `with` ends."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment(), cwd=log.parent)
    (log.parent / "pid").write_text(str(process.pid))
    try:
        for _ in range(400):
            if process.poll() is not None:
                break
            with contextlib.suppress(dns.exception.Timeout, OSError):
                query = dns.message.make_query(probe, "A")
                dns.query.udp(query, "127.0.0.1", port=port, timeout=0.2, ignore_unexpected=True)
                yield port
                return
            time.sleep(0.05)
        raise AssertionError(f"{command[0]} did not come up:\n{log.read_text(errors='replace')[-3000:]}")
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server that we started: asked first, then killed."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def nsd(zones: Mapping[str, str | Path], folder: Path) -> Iterator[int]:
    """NSD with these zones (name → master file, or its text); gives its port."""
    binary, port = program("nsd"), free_port()
    home = folder / f"nsd-{port}"
    home.mkdir()
    lines = [
        "server:",
        f"  ip-address: 127.0.0.1@{port}",
        f'  zonesdir: "{home}"\n  database: ""\n  pidfile: "{home}/own-pid"\n  xfrdfile: "{home}/xfrd"',
        f'  zonelistfile: "{home}/zones"\n  username: ""\n  chroot: ""\n  hide-version: yes\n  server-count: 1\n  rrl-ratelimit: 0',
        "remote-control:\n  control-enable: no",
    ]
    for number, (zone, text) in enumerate(zones.items()):
        file = text if isinstance(text, Path) else home / f"{number}.zone"
        if isinstance(text, str):
            file.write_text(text, encoding="utf-8")
        lines.append(f'zone:\n  name: "{zone}"\n  zonefile: "{file}"')
    (home / "nsd.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [str(binary), "-d", "-c", str(home / "nsd.conf"), "-V", "1"]
    with running(command, port, next(iter(zones)), home / "log"):
        yield port


@contextlib.contextmanager
def rbldnsd(datasets: Sequence[tuple[str, str, str]], folder: Path) -> Iterator[int]:
    """rbldnsd with these (zone, dataset type, text); gives its port. A zone may have several datasets."""
    binary, port = program("rbldnsd"), free_port()
    home = folder / f"rbldnsd-{port}"
    home.mkdir()
    words = []
    for number, (zone, kind, text) in enumerate(datasets):
        (home / f"{number}.data").write_text(text, encoding="utf-8")
        words.append(f"{zone}:{kind}:{number}.data")
    home.chmod(0o755)
    folder.chmod(0o755)
    # rbldnsd will not run as root; as root it is told to become nobody, and may not enter private folders any more.
    as_user = ["-u", "nobody"] if os.getuid() == 0 else []
    command = [str(binary), "-n", "-b", f"127.0.0.1/{port}", "-w", str(home), *as_user, *words]
    with running(command, port, f"2.0.0.127.{datasets[0][0]}", home / "log"):
        yield port


@contextlib.contextmanager
def unbound(stubs: Mapping[str, int], folder: Path, extra: str = "") -> Iterator[int]:
    """unbound that asks these servers (zone → port on 127.0.0.1) for their zones; gives its port."""
    binary, port = program("unbound"), free_port()
    home = folder / f"unbound-{port}"
    home.mkdir()
    lines = [
        "server:",
        f"  interface: 127.0.0.1@{port}\n  access-control: 127.0.0.0/8 allow\n  do-daemonize: no\n  use-syslog: no",
        f'  chroot: ""\n  username: ""\n  directory: "{home}"\n  pidfile: "{home}/own-pid"\n  module-config: "iterator"',
        "  do-not-query-localhost: no\n  num-threads: 1\n  outgoing-range: 2000\n  num-queries-per-thread: 1000",
        '  local-zone: "example." nodefault\n  local-zone: "test." nodefault\n  local-zone: "2.0.192.in-addr.arpa." nodefault\n  local-zone: "100.51.198.in-addr.arpa." nodefault\n  local-zone: "113.0.203.in-addr.arpa." nodefault\n  local-zone: "8.b.d.0.1.0.0.2.ip6.arpa." nodefault\n  qname-minimisation: no',
        "  infra-host-ttl: 1\n  unwanted-reply-threshold: 0\n  ip-ratelimit: 0\n  so-rcvbuf: 0",
        extra,
        "remote-control:\n  control-enable: no",
    ]
    for zone, server in stubs.items():
        lines.append(f'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{server}\n  stub-prime: no')
    (home / "unbound.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with running([str(binary), "-d", "-c", str(home / "unbound.conf")], port, next(iter(stubs)), home / "log"):
        yield port


def dig(port: int, *words: str) -> str:
    """What BIND's dig prints."""
    command = [str(program("dig")), "@127.0.0.1", "-p", str(port), *words]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True, timeout=60).stdout
