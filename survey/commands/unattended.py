"""What a process needs when nobody watches it: cron, Task Scheduler and shutting machines give a program little.

* A standard stream may be closed; then the next file or socket that is opened would get its number, and a stray line
  would be written into it.
* Standard output may be unable to write Japanese (LANG=C, a code page); a survey must not fail of that at its end.
* A machine that shuts down asks programs to end by SIGTERM; a terminal that closes sends SIGHUP, on Windows a break.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType

_STOPS = ("SIGTERM", "SIGHUP", "SIGBREAK")


def prepare() -> None:
    """Make this process fit to run unattended: open streams, writable text, and an end by signal like Ctrl-C."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for name in _STOPS:
        number = getattr(signal, name, None)
        # Whoever started us may have said that a signal is to be ignored (nohup): then it is.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def take_interrupt() -> None:
    """Keep the exit code of a command that was interrupted and has said so.

    Python notes an interrupt that leaves code made from text, as dataclasses are while they are imported, and at its
    end kills itself by SIGINT, whatever became of the interrupt. Other code made from text takes the note away.
    """
    eval("None")  # noqa: S307 - our own text
    for name in _STOPS:
        # At its end Python gives signals back to the system, but for those that are ignored.
        if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) is _do_nothing:
            signal.signal(number, signal.SIG_IGN)


def _open_streams() -> None:
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open as long as we are


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Not SIG_IGN: Python would complain of a request that has come already and was not looked at yet."""


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop once: a second request must not disturb the commit that follows the first."""
    for name in _STOPS:
        if (known := getattr(signal, name, None)) is not None:
            signal.signal(known, _do_nothing)
    raise KeyboardInterrupt
