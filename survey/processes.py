"""Processes of this machine that observe parts, one loop each; every one writes the evidence of its part itself.

A process that dies, however it dies, is replaced, and its part goes on from what was committed. When the process that
gathers dies, the others notice within a second, commit what they heard and end. A lock per part keeps a new command
from writing beside them until then.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType

from . import opt_outs
from .errors import SurveyError
from .gathering import News, Order, Report, alone_in_part, evidence_path, past_of_part, remove_locks, report_of
from .observing import Observer, settings_of
from .runs import TOOL, RunFolder
from .sitting import Progress
from .store import Store

_PROGRESS_S, _STOP_S = 0.3, 20.0
_STOPS = (signal.SIGINT, signal.SIGTERM)
_HAS_MASKS = hasattr(signal, "pthread_sigmask")
"""Windows has none."""
_READY = News(0)
"""The first word of a process: from now on it may be asked to stop; before, it has nothing to commit."""


class Processes:
    """A crew of that many processes; each is started when it is first needed."""

    def __init__(self, folder: RunFolder, number: int) -> None:
        self._folder, self._number = folder, number
        self._context = multiprocessing.get_context("spawn")
        self._free: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}

    def places(self) -> int:
        return self._number

    def begin(self, order: Order) -> None:
        self._free = [one for one in self._free if one.process.is_alive()]
        worker = self._free.pop() if self._free else _Worker(self._context, self._folder.path)
        self._busy[order.brief.part] = worker
        # A pipe that is broken already means a process that died: that is found when its news are read.
        with contextlib.suppress(OSError):
            worker.pipe.send(order)

    def news(self, timeout_s: float) -> list[News]:
        found = []
        ready = wait([worker.pipe for worker in self._busy.values()], timeout_s)
        for part, worker in list(self._busy.items()):
            if worker.pipe not in ready:
                continue
            try:
                news: News = worker.pipe.recv()
            except (EOFError, OSError):
                news = News(part, is_lost=True)
                worker.process.join()
                worker.pipe.close()
                del self._busy[part]
            worker.is_ready = True
            if news == _READY:
                continue
            if news.report is not None:
                self._free.append(self._busy.pop(part))
            found.append(news)
        return found

    def stop(self) -> None:
        workers = [*self._free, *self._busy.values()]
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.process.join(_STOP_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
        self._free, self._busy = [], {}
        remove_locks(self._folder.path)


class _Worker:
    """One process, and the pipe to it."""

    def __init__(self, context: multiprocessing.context.SpawnContext, folder: Path) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, folder), daemon=True)
        self.is_ready = False
        with _deaf_to_stops():
            self.process.start()
        theirs.close()

    def stop(self) -> None:
        """Ask it to commit what it heard and end."""
        if not self.is_ready:
            self.process.kill()
        elif self.process.is_alive() and self.process.pid is not None:
            with contextlib.suppress(OSError):
                os.kill(self.process.pid, signal.SIGINT)


@contextlib.contextmanager
def _deaf_to_stops() -> Iterator[None]:
    """A process that is started here hears no request to stop until it says otherwise: its imports stay whole.

    A request that comes to ours meanwhile is heard when the block is left: the other is told all that it must know.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = {number: signal.signal(number, lambda known, frame: heard.append(known)) for number in _STOPS}
    if _HAS_MASKS:
        # Started now if it is not there yet: at its start it takes these signals out of the mask.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        if _HAS_MASKS:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
        if heard:
            signal.raise_signal(heard[0])


def _work(pipe: Connection, folder: Path) -> None:
    """What a process does: observe the parts that it is given, until it is stopped or alone."""
    try:
        for number in _STOPS:
            signal.signal(number, _interrupt)
        if _HAS_MASKS:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        pipe.send(_READY)
        while True:
            order: Order = pipe.recv()
            part = order.brief.part
            try:
                pipe.send(News(part, report=observe(order, RunFolder(folder), _told(pipe, part))))
            except SurveyError as error:
                pipe.send(News(part, error=error))
    except (KeyboardInterrupt, EOFError, BrokenPipeError):
        return


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop once: a second interruption must not disturb the commit that follows the first."""
    for known in _STOPS:
        signal.signal(known, lambda number, frame: None)
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """Interrupt this process when the one that started it is gone, so that it commits what it heard and ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGINT)


def _told(pipe: Connection, part: int) -> Progress:
    """A progress that is told to the gatherer, a few times a second."""
    due = 0.0

    def tell(done: int, expected: int, text: str) -> None:
        nonlocal due
        if (now := time.monotonic()) >= due:
            due = now + _PROGRESS_S
            pipe.send(News(part, done, expected))

    return tell


def observe(order: Order, folder: RunFolder, progress: Progress) -> Report:
    """Observe one part in one pass into its evidence file. Raises RunError when somebody else still writes there."""
    part, todo = order.brief.part, [order.pass_number]
    with alone_in_part(folder.path, part):
        past = past_of_part(folder, order)
        observer = Observer(order.brief, past, lambda: opt_outs.load(folder.opt_out_path), progress)
        with Store(evidence_path(folder.path, part), TOOL, settings_of(order.brief, todo), part) as store:
            observer.run(todo, {}, store)
        return report_of(observer)
