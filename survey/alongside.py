"""Alongside: a process beside one that observes, which reads what is committed meanwhile, and then the tables.

Otherwise one of two cores would be idle while a run is read. It sees nothing but what the keeper has committed, and
makes of it what every reading makes. It is forked, so that all it needs is there at once; that is safe where one thread
runs, and on Linux. Where it cannot be had, and whatever becomes of it, the tables are read as ever, in the end: nothing
depends on it, and what is wrong with a run is found and told then.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from .calm import uninterrupted
from .reading import Reading, discard
from .register import Register
from .runs import RunFolder, Tables, load_tables
from .worlds import World

_LOOK_S = 0.02
_PATIENCE_S = 60.0
"""A run that takes longer gains little, and should not hold a second process in memory for days."""
_SPARING = 10
"""Names are read ahead again only after so many times what it took, for it may be in vain."""
_STUCK_S = 120.0
"""No reading of a run that is observed in one piece takes so long."""
_PR_SET_PDEATHSIG = 1


class Reader:
    """A process that reads a run while this one observes it.

    Use as a context manager, under the run folder's lock: when it is left, nobody reads there any more.
    """

    def __init__(self, folder: RunFolder, world: World, register: Register) -> None:
        self._folder = folder
        self._pipe: Connection | None = None
        self._is_told = False
        if sys.platform != "linux" or threading.active_count() > 1 or multiprocessing.current_process().daemon:
            return
        fork = multiprocessing.get_context("fork")
        ours, theirs = fork.Pipe()
        given = (ours, theirs, os.getpid(), folder, world, register)
        self._process = fork.Process(target=_serve, args=given, name="reader", daemon=True)
        with warnings.catch_warnings():
            # Python counts the idle threads of numpy and pyarrow too; these know what to do when a process is forked.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()
        self._pipe = ours

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at_: TracebackType | None
    ) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
            self._pipe = None
            # What it had not finished is of no use to anybody.
            discard(self._folder.path)

    def committed(self) -> None:
        """Everything is committed: whoever reads may finish."""
        if self._pipe is not None and not self._is_told:
            self._is_told = True
            with contextlib.suppress(OSError):
                self._pipe.send(None)

    def tables(self) -> Tables | None:
        """The tables, now that everything is committed; None where they must be read as ever, for nobody has."""
        with self:
            self.committed()
            is_read = False
            if self._pipe is not None:
                with contextlib.suppress(OSError, EOFError):
                    is_read = self._pipe.poll(_STUCK_S) and self._pipe.recv()
            return load_tables(self._folder.path) if is_read else None


def _serve(
    ours: Connection, pipe: Connection, parent: int, folder: RunFolder, world: World, register: Register
) -> None:
    """Look again and again at what was committed, until told that it is all; then read the tables, and say so."""
    # A terminal's Ctrl-C is for whoever observes; this process goes with it, however it goes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    ours.close()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    with contextlib.suppress(Exception):
        # What is wrong is told by whoever reads in the end.
        pipe.send(_read(pipe, Reading(folder, world, register=register, into=folder.path)))


@uninterrupted()
def _read(pipe: Connection, reading: Reading) -> bool:
    """Read along until told that everything is committed, and then all tables; whether it came to that."""
    until, ahead_at, nap = time.monotonic() + _PATIENCE_S, 0.0, 0.0
    while not pipe.poll(nap):
        now = time.monotonic()
        if reading.is_large or now > until:
            return False
        nap = 0.0 if reading.look() else _LOOK_S
        if reading.seems_named and now >= ahead_at:
            reading.read_names()
            ahead_at = now + (time.monotonic() - now) * _SPARING
    pipe.recv()
    reading.tables()
    return True
