"""The store: what is observed is given to the keeper, a process of its own, which commits it within a second."""

from __future__ import annotations

import contextlib
import json
import marshal
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from . import keeping
from .errors import EvidenceError
from .exchanges import WireRow
from .keeping import LENGTH, Entry

if sys.platform == "linux":
    import fcntl

_PIPE = 1 << 20


class Store:
    """The evidence of a run, for appending.

    Use as a context manager: leaving it seals and commits what is left and checkpoints the file.
    """

    def __init__(self, path: Path, tool: str, settings: Mapping[str, object], shard: int = 0) -> None:
        self.path = path
        self._begin = (str(path), tool, json.dumps(settings, ensure_ascii=False, sort_keys=True), shard)
        self._queue: queue.SimpleQueue[tuple[Entry, threading.Event | None] | None] = queue.SimpleQueue()
        self._failure = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._send, name="evidence", daemon=True)

    def start(self) -> None:
        """Start the keeper before the store is entered, and without waiting: what is given meanwhile waits for it.

        Nothing should be asked of strangers before `wait` has returned.
        """
        self._thread.start()

    def wait(self) -> None:
        """Until the keeper has opened the file. Raises EvidenceError."""
        self._ready.wait()
        self._raise()

    def __enter__(self) -> Self:
        if self._thread.ident is None:
            self.start()
            self.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at_: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if error is None:
            self._raise()

    def append(self, rows: list[WireRow]) -> None:
        """Keep these exchanges; committed within a second of when the keeper has opened the file."""
        self._raise()
        if rows:
            self._queue.put(((list[tuple[object, ...]](rows), [], False), None))

    def mark(self, kind: str, **detail: object) -> None:
        """Keep that something happened to the survey itself, after every row appended so far."""
        self._raise()
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True)
        self._queue.put((([], [(kind, text)], False), None))

    def flush(self) -> None:
        """Wait until everything given so far is committed and synced."""
        done = threading.Event()
        self._queue.put((([], [], True), done))
        while not done.wait(0.2):
            self._raise()
            if not self._thread.is_alive():
                break
        self._raise()

    def _raise(self) -> None:
        if self._failure:
            raise EvidenceError(
                f"the evidence could not be written: {self._failure}",
                where=str(self.path),
                remedy="free disk space or mend the folder's permissions, then run the same command again",
                ja="証拠を書き込めません。ディスクの空きと権限を確かめ、同じコマンドを再実行してください",
            )

    def _send(self) -> None:
        """The sending thread: starts the keeper, hands it what was given, and hears what it says."""
        try:
            # -I and -S: nothing of the user's or the site's is loaded, so the keeper is there at once.
            command = [sys.executable, "-I", "-S", keeping.__file__]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
                try:
                    self._serve(keeper)
                except (OSError, ValueError) as error:
                    # The keeper says why before it ends. What could not be sent would be tried again by `close`.
                    if keeper.stdin is not None:
                        with contextlib.suppress(OSError):
                            keeper.stdin.close()
                    self._failure = self._failure or self._last_words(keeper) or str(error)
                if not self._failure and keeper.returncode:
                    self._failure = f"the keeper ended with {keeper.returncode}"
        except OSError as error:
            self._failure = str(error)
        except BaseException as error:
            self._failure = self._failure or f"{type(error).__name__}: {error}"
            raise
        finally:
            self._ready.set()

    def _serve(self, keeper: subprocess.Popen[bytes]) -> None:
        if keeper.stdin is None or keeper.stdout is None:
            raise OSError("the keeper has no pipes")
        _widen(keeper.stdin)
        _put(keeper, json.dumps(self._begin).encode())
        if self._heard(keeper) != "ready":
            return
        self._ready.set()
        while (given := self._queue.get()) is not None:
            entry, waiting = given
            _put(keeper, marshal.dumps(entry))
            if waiting is not None and self._heard(keeper) == "kept":
                waiting.set()
        keeper.stdin.close()
        self._failure = self._failure or self._last_words(keeper)
        keeper.wait()

    def _heard(self, keeper: subprocess.Popen[bytes]) -> str:
        """The keeper's next line; a failure is noted."""
        said = keeper.stdout.readline().decode(errors="replace").rstrip("\n") if keeper.stdout is not None else ""
        if not said or said.startswith("failed"):
            self._failure = said.removeprefix("failed ") or "the keeper ended without a word"
        return said

    def _last_words(self, keeper: subprocess.Popen[bytes]) -> str:
        said = keeper.stdout.read().decode(errors="replace") if keeper.stdout is not None else ""
        return next((line.removeprefix("failed ") for line in said.splitlines() if line.startswith("failed")), "")


def _widen(pipe: IO[bytes]) -> None:
    """Let a whole entry stand in the pipe, so that neither side wakes the other for every piece of it."""
    if sys.platform == "linux":
        # Whoever has many pipes may be refused wider ones (pipe(7)).
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


def _put(keeper: subprocess.Popen[bytes], body: bytes) -> None:
    if keeper.stdin is not None:
        # Two calls: what is long is not copied.
        keeper.stdin.write(LENGTH.pack(len(body)))
        keeper.stdin.write(body)
        keeper.stdin.flush()
