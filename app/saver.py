"""Saving on a thread of its own: small writes in order, the newest of each key only."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from app.language import tr
from vosengine.errors import ProjectError

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Unkeyed:
    """A key that equals no other."""


class Saver:
    """Runs writes one after the other.

    A write that fails as a file can (ProjectError, OSError) is kept and tried again every `retry_seconds`
    and at each `flush`; what comes after it waits, so that the order stands. Any other exception is a bug:
    it is reported and the write dropped, lest it hold up the others.
    """

    def __init__(self, on_error: Callable[[str], None] | None = None, retry_seconds: float = 5.0) -> None:
        """on_error: told, on the saver's thread, when saving begins to fail, and "" when it works again."""
        self._on_error = on_error or (lambda _: None)
        self._retry_seconds = retry_seconds
        self._changed = threading.Condition()  # guards everything below
        self._waiting: dict[Hashable, Callable[[], None]] = {}
        self._busy = False
        self._urgent = False
        self._stopped = False
        self._failures = 0
        self._error = ""
        self._saved_at = 0.0
        self._thread = threading.Thread(target=self._work, name="rotoshot-saver", daemon=True)
        self._thread.start()

    @property
    def error(self) -> str:
        """Why saving fails at the moment, in one sentence; "" while it works."""
        return self._error

    @property
    def saved_at(self) -> float:
        """When the last write was done, in seconds since 1970; 0 before the first one."""
        return self._saved_at

    @property
    def pending(self) -> int:
        """Writes not done yet."""
        with self._changed:
            return len(self._waiting) + self._busy

    def submit(self, write: Callable[[], None], key: Hashable = None) -> None:
        """Queue a write. It takes the place of a waiting one with the same key, at the end of the queue."""
        with self._changed:
            if self._stopped:
                raise ProjectError(tr("The project is closed; open it again to change it."))
            key = _Unkeyed() if key is None else key
            self._waiting.pop(key, None)
            self._waiting[key] = write
            self._changed.notify_all()

    def wait_for_room(self, limit: int) -> bool:
        """Wait until fewer than `limit` writes are pending; False when saving fails instead."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < limit or bool(self._error))
            return len(self._waiting) < limit

    def flush(self) -> None:
        """Wait until all writes are done. Raises ProjectError when one fails; it is kept for the next try."""
        with self._changed:
            failures = self._failures
            self._urgent = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: (not self._waiting and not self._busy) or self._failures > failures or self._stopped
            )
            if self._failures > failures:
                raise ProjectError(self._error)

    def close(self, discard: bool = False) -> None:
        """Flush and end the thread. Raises ProjectError, and stays open, when a write fails; `discard` gives
        such writes up instead.
        """
        try:
            self.flush()
        except ProjectError:
            if not discard:
                raise
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while (entry := self._next()) is not None:
            key, write = entry
            error, again = _attempt(write)
            with self._changed:
                if again and key not in self._waiting:  # else a newer write of the same thing waits already
                    self._waiting = {key: write, **self._waiting}
                self._failures += again
                news = error != self._error
                self._error = error if again else ""
                self._saved_at = self._saved_at if again else time.time()
                self._busy = False
                self._changed.notify_all()
            if news:
                self._on_error(error)

    def _next(self) -> tuple[Hashable, Callable[[], None]] | None:
        with self._changed:
            if self._error and not self._urgent:
                self._changed.wait_for(lambda: self._stopped or self._urgent, self._retry_seconds)
            self._changed.wait_for(lambda: self._stopped or bool(self._waiting))
            if self._stopped:
                return None
            self._urgent = False
            self._busy = True
            key = next(iter(self._waiting))
            return key, self._waiting.pop(key)


def _attempt(write: Callable[[], None]) -> tuple[str, bool]:
    """Why the write failed ("" when it did not), and whether to try it again."""
    try:
        write()
    except (ProjectError, OSError) as error:
        return str(error), True
    except Exception as error:
        _log.exception("a change could not be saved")
        text = tr("A change could not be saved because of a fault in Rotoshot ({error!r}).")
        return text.format(error=error), False
    return "", False
