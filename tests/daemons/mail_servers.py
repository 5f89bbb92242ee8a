"""Real mail servers for tests: Postfix, Exim and OpenSMTPD on loopback, each out of its own unpacked package.

The packages conflict, want users of their own and fixed paths; so Exim and OpenSMTPD run in a root of their own (chroot),
with the libraries they need and a password file of three lines, and Postfix is told every path and borrows the system's
`daemon` user. Nothing of the system is used or touched; every server ends with its `with`. All of this needs root.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from survey.smtp.grammar import literal
from tests.conftest import ROOT
from tests.daemons.servers import free_port

PROBE_HOST, OUR_DOMAIN = "relay-survey.newsroom.example", "newsroom.example"


def _missing(message: str) -> None:
    if os.environ.get("SURVEY_REQUIRE_DAEMONS") == "1":
        pytest.fail(message)
    pytest.skip(message)


def unpacked(name: str, program: str) -> Path:
    """Where a package is unpacked; the test fails or is skipped by name where it is not, or where we are not root."""
    found = ROOT / ".daemons" / name
    if not (found / program).exists():
        _missing(f"{name} is not here (make daemons)")
    if os.geteuid() != 0:
        _missing(f"{name} can only be started by root")
    return found


def libraries(root: Path) -> dict[str, str]:
    found = [str(path) for path in (*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu"))]
    found += [str(path) for path in root.glob("usr/lib/*-linux-gnu/*") if path.name in ("blas", "lapack")]
    return os.environ | {"LD_LIBRARY_PATH": ":".join(found)}


@dataclass
class Mta:
    """A running mail server: where it listens, its log, and whatever lies in its queue."""

    port: int
    home: Path
    log_files: Sequence[str]
    queue_folders: Sequence[str]

    def log(self) -> str:
        files = [path for pattern in self.log_files for path in self.home.glob(pattern)]
        return "\n".join(path.read_text(errors="replace") for path in files)

    def queued(self) -> list[str]:
        """Every file in every folder where this server keeps messages."""
        found = []
        for folder in self.queue_folders:
            found += [str(path.relative_to(self.home)) for path in (self.home / folder).rglob("*") if path.is_file()]
        return found


@contextlib.contextmanager
def _running(command: Sequence[str], mta: Mta, environment: Mapping[str, str] | None = None) -> Iterator[Mta]:
    """A process group, from when it greets until the `with` ends."""
    with (mta.home / "output").open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=mta.home, start_new_session=True
        )
    try:
        for _ in range(150):
            if process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", mta.port), 2) as stream:
                if stream.recv(3) == b"220":
                    stream.sendall(b"QUIT\r\n")
                    stream.recv(100)
                    break
            time.sleep(0.1)
        if process.poll() is not None:
            raise AssertionError(
                f"{command} did not come up:\n{(mta.home / 'output').read_text(errors='replace')[-2000:]}"
            )
        yield mta
    finally:
        # Postfix's and OpenSMTPD's children leave with their master; the group is only this server's.
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _root(package: Path, programs: Sequence[str], home: Path, users: Mapping[str, int]) -> None:
    """A root to change into: the package, the libraries its programs need, and a password file."""
    shutil.copytree(package, home, symlinks=True, ignore=shutil.ignore_patterns("share", "init.d", "systemd"))
    for program in programs:
        said = subprocess.run(
            ["ldd", package / program], capture_output=True, text=True, check=True, env=libraries(package)
        ).stdout
        for path in map(Path, re.findall(r"(/\S+) \(0x", said)):
            if not path.is_relative_to(package):
                target = home / path.relative_to("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    for folder in ("etc", "dev", "tmp", "run", "log", "spool", "var/run", "var/mail", "var/lib"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "dev/null").touch()
    lines = {"root": 0, "mail": 8, "nobody": 65534} | dict(users)
    (home / "etc/passwd").write_text("".join(f"{u}:x:{n}:{n}::/var/lib:/bin/false\n" for u, n in lines.items()))
    (home / "etc/group").write_text("".join(f"{u}:x:{n}:\n" for u, n in lines.items()))
    home.chmod(0o755)


@contextlib.contextmanager
def postfix(folder: Path, name: str, address: str, settings: Mapping[str, str]) -> Iterator[Mta]:
    """Postfix with its defaults but for `settings`; its domain is `name`.example, its host mail.`name`.example."""
    package = unpacked("postfix", "usr/lib/postfix/sbin/master")
    home, port = folder / name, free_port()
    for path in ("etc", "queue", "data", "log"):
        (home / path).mkdir(parents=True)
    home.chmod(0o755)
    main = {
        "compatibility_level": "3.6",
        "config_directory": f"{home}/etc",
        "daemon_directory": f"{package}/usr/lib/postfix/sbin",
        "command_directory": f"{package}/usr/sbin",
        "shlib_directory": f"{package}/usr/lib/postfix",
        "queue_directory": f"{home}/queue",
        "data_directory": f"{home}/data",
        "mail_owner": "daemon",
        "setgid_group": "mail",
        "import_environment": f"MAIL_CONFIG LANG=C LD_LIBRARY_PATH={package}/usr/lib/postfix",
        "maillog_file": f"{home}/log/mail.log",
        "maillog_file_prefixes": str(home),
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "proxy_interfaces": address,
        "myhostname": f"mail.{name}.example",
        "mydestination": f"{name}.example, mail.{name}.example, localhost",
        "local_recipient_maps": "inline:{ postmaster=x }",
        "alias_maps": "",
        "alias_database": "",
        # We ask from 127.0.0.1, which Postfix would trust; a stranger is not in its networks.
        "mynetworks": "198.51.100.0/24",
        "smtpd_peername_lookup": "no",
    } | dict(settings)
    (home / "etc/main.cf").write_text("".join(f"{key} = {value}\n" for key, value in main.items()))
    services = "cleanup unix n - n - 0 cleanup|qmgr unix n - n 300 1 qmgr|rewrite unix - - n - - trivial-rewrite"
    services += "|proxymap unix - - n - - proxymap|anvil unix - - n - 1 anvil|error unix - - n - - error"
    services += "|bounce unix - - n - 0 bounce|defer unix - - n - 0 bounce|postlog unix-dgram n - n - 1 postlogd"
    text = f"127.0.0.1:{port} inet n - n - - smtpd\n" + services.replace("|", "\n") + "\n"
    (home / "etc/master.cf").write_text(text)
    folders = [
        "active",
        "bounce",
        "corrupt",
        "defer",
        "deferred",
        "flush",
        "hold",
        "incoming",
        "private",
        "saved",
        "trace",
    ]
    for one in folders:
        (home / "queue" / one).mkdir(mode=0o700)
        shutil.chown(home / "queue" / one, "daemon")
    for one, mode in (("maildrop", 0o730), ("public", 0o710)):
        (home / "queue" / one).mkdir()
        shutil.chown(home / "queue" / one, "daemon", "mail")
        (home / "queue" / one).chmod(mode)
    (home / "queue/pid").mkdir()
    shutil.chown(home / "data", "daemon")
    command = [f"{package}/usr/lib/postfix/sbin/master", "-d", "-c", f"{home}/etc"]
    environment = {
        "PATH": os.environ["PATH"],
        "LD_LIBRARY_PATH": f"{package}/usr/lib/postfix",
        "MAIL_CONFIG": f"{home}/etc",
    }
    kept = [f"queue/{one}" for one in (*folders, "maildrop") if one not in ("private", "flush")]
    with _running(command, Mta(port, home, ["log/mail.log"], kept), environment) as mta:
        yield mta


_EXIM = """
primary_hostname = mail.{name}.example
spool_directory = /spool
log_file_path = /log/%slog
pid_file_path = /run/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
domainlist local_domains = {name}.example : mail.{name}.example : [{address}]
hostlist relay_from_hosts = {trusted}
keep_environment =
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
allow_domain_literals = true
queue_only = true
acl_smtp_rcpt = check_rcpt
begin acl
check_rcpt:
  deny domains = +local_domains
       local_parts = ^[.] : ^.*[@%!/|]
       message = restricted characters in address
  accept hosts = +relay_from_hosts
  require domains = +local_domains
          message = relay not permitted
  require verify = recipient
  accept
begin routers
local:
  driver = accept
  domains = +local_domains
  local_parts = postmaster
  transport = nowhere
begin transports
nowhere:
  driver = appendfile
  file = /dev/null
"""


@contextlib.contextmanager
def exim(folder: Path, name: str, address: str, *, is_open: bool) -> Iterator[Mta]:
    """Exim with Debian's rules for recipients in short, closed or open to every host."""
    package = unpacked("exim", "usr/sbin/exim4")
    home, port = folder / name, free_port()
    _root(package, ["usr/sbin/exim4"], home, {"Debian-exim": 901})
    trusted = "*" if is_open else ""
    (home / "etc/exim.conf").write_text(_EXIM.format(name=name, port=port, address=address, trusted=trusted))
    for path in ("log", "spool", "run"):
        os.chown(home / path, 901, 901)
    places = ":".join(f"/{path.relative_to(package)}" for path in package.glob("usr/lib/*-linux-gnu"))
    command = ["chroot", str(home), "/usr/sbin/exim4", "-C", "/etc/exim.conf", "-bdf"]
    mta = Mta(port, home, ["log/*log"], ["spool/input", "spool/msglog"])
    with _running(command, mta, {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": places}) as found:
        yield found


@contextlib.contextmanager
def opensmtpd(folder: Path, name: str, address: str, *, is_open: bool) -> Iterator[Mta]:
    """OpenSMTPD that takes mail for its domain's postmaster, and relays for everybody or for nobody."""
    package = unpacked("opensmtpd", "usr/sbin/smtpd")
    home, port = folder / name, free_port()
    _root(package, ["usr/sbin/smtpd"], home, {"opensmtpd": 902, "opensmtpq": 903})
    (home / "var/spool/smtpd").mkdir(parents=True, exist_ok=True)
    (home / "var/spool/smtpd").chmod(0o711)
    (home / "var/lib/opensmtpd/empty").mkdir(parents=True, exist_ok=True)
    rules = f"""
table domains {{ {name}.example, mail.{name}.example }}
table people {{ postmaster@{name}.example }}
listen on 127.0.0.1 port {port} hostname mail.{name}.example
action "deliver" mbox
action "relay" relay
match from any for domain <domains> rcpt-to <people> action "deliver"
"""
    (home / "etc/smtpd.conf").write_text(rules + ('match from any for any action "relay"\n' if is_open else ""))
    (home / "etc/mailname").write_text(f"mail.{name}.example\n")
    (home / "etc/hosts").write_text("127.0.0.1 localhost\n")
    command = ["chroot", str(home), "/usr/sbin/smtpd", "-d", "-v"]
    with _running(command, Mta(port, home, ["output"], ["var/spool/smtpd"])) as mta:
        yield mta


def nmap(port: int, address: str) -> set[str]:
    """The recipients that nmap's smtp-open-relay found a server to take, in its own forms, with its sender."""
    package = unpacked("nmap", "usr/bin/nmap")
    words = [
        *("-n", "-Pn", "-sT", "-vv", "-p", str(port), "--datadir", str(package / "usr/share/nmap")),
        *("--script", "+smtp-open-relay", "--script-args"),
        f"smtp-open-relay.domain={OUR_DOMAIN},smtp-open-relay.ip={address},smtp-open-relay.from=survey-probe,"
        "smtp-open-relay.to=relay-check",
    ]
    said = subprocess.run(
        [package / "usr/bin/nmap", *words, "127.0.0.1"],
        env=libraries(package),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert "smtp-open-relay:" in said, said
    return set(re.findall(r"MAIL FROM:<.*?> -> RCPT TO:<.*>", said))


def swaks(port: int, sender: str, recipient: str) -> bool:
    """Whether swaks, which stops after RCPT, was told yes."""
    package = unpacked("swaks", "usr/bin/swaks")
    command = ["perl", package / "usr/bin/swaks", "--server", "127.0.0.1", "--port", str(port), "--helo", PROBE_HOST]
    command += ["--from", sender or "<>", "--to", recipient, "--quit-after", "RCPT", "--hide-all", "--timeout", "20"]
    code = subprocess.run(command, capture_output=True, timeout=60, check=False).returncode
    assert code in (0, 23, 24), f"swaks ended with {code}"
    return code == 0


def nmap_pairs(name: str, address: str) -> dict[str, str]:
    """nmap's sixteen pairs as it prints them, by our names of the forms."""
    host, at = f"mail.{name}.example", literal(address)
    ours, probe = f"relay-check@{OUR_DOMAIN}", f"survey-probe@{at}"
    pairs = {
        "null_sender": ("", ours),
        "third_party": (f"survey-probe@{OUR_DOMAIN}", ours),
        "own_name_sender": (f"survey-probe@{host}", ours),
        "own_address_sender": (probe, ours),
        "percent_address": (probe, f"relay-check%{OUR_DOMAIN}@{at}"),
        "percent_name": (probe, f"relay-check%{OUR_DOMAIN}@{host}"),
        "quoted": (probe, f'"{ours}"'),
        "quoted_percent": (probe, f'"relay-check%{OUR_DOMAIN}"'),
        "double_at_address": (probe, f"{ours}@{at}"),
        "quoted_address": (probe, f'"{ours}"@{at}'),
        "double_at_name": (probe, f"{ours}@{host}"),
        "route_address": (probe, f"@{at}:{ours}"),
        "route_name": (probe, f"@{host}:{ours}"),
        "bang": (probe, f"{OUR_DOMAIN}!relay-check"),
        "bang_address": (probe, f"{OUR_DOMAIN}!relay-check@{at}"),
        "bang_name": (probe, f"{OUR_DOMAIN}!relay-check@{host}"),
    }
    return {form: f"MAIL FROM:<{sender}> -> RCPT TO:<{recipient}>" for form, (sender, recipient) in pairs.items()}
