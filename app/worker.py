"""Work off the GUI thread: calls in, their results handed back on the thread that made the worker."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from vosengine.errors import EngineError

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class _Job:
    work: Callable[[], Any]
    then: Callable[[Any], None]
    key: Hashable


class Worker(QObject):
    """One thread that does one thing after the other, in order."""

    failed = Signal(str, str)  # message, traceback ("" for an expected failure)
    _answered = Signal(object, object)  # what to call, with what

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = threading.Condition()  # guards everything below
        self._waiting: list[_Job] = []
        self._closed = False
        self._answered.connect(self._hand_back)
        self._thread = threading.Thread(target=self._work, name="rotoshot-worker", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[], Result], then: Callable[[Result], None], key: Hashable = None
    ) -> None:
        """Do `work` on the worker's thread, then hand its result to `then` on the own one.

        A waiting call with the same `key` (unless None) is dropped: only the newest counts. Where `work`
        raises, `failed` tells it and `then` is not called.
        """
        with self._changed:
            self._waiting = [job for job in self._waiting if key is None or job.key != key]
            self._waiting.append(_Job(work, then, key))
            self._changed.notify()

    def close(self) -> None:
        """Drop what waits and end the thread; waits for the call it is at."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _hand_back(self, then: Callable[[Any], None], result: Any) -> None:
        then(result)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._waiting))
                if self._closed:
                    return
                job = self._waiting.pop(0)
            try:
                result = job.work()
            except EngineError as error:
                self.failed.emit(str(error), "")
            except Exception as error:
                self.failed.emit(f"{type(error).__name__}: {error}", traceback.format_exc())
            else:
                self._answered.emit(job.then, result)
