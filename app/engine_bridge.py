"""The engine as Qt sees it: commands in, events out as signals on the GUI thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

from vosengine.messages import Command, EngineLike, Event
from vosengine.session import Session

MakeEngine = Callable[[], EngineLike]
TURN = 0.010  # seconds for events of the engine before the window's own have their turn


class EngineBridge(QObject):
    """Owns the session; every event of the engine is emitted as `received` in the bridge's own thread."""

    received = Signal(object)  # vosengine.messages.Event
    _woken = Signal()

    def __init__(self, make_engine: MakeEngine | None = None, parent: QObject | None = None) -> None:
        """Start the engine thread; `make_engine` None takes the real engine, imported in that thread."""
        super().__init__(parent)
        self._waiting: deque[Event] = deque()
        self._woken.connect(self._drain, Qt.ConnectionType.QueuedConnection)
        self._session = Session(make_engine, self._woken.emit)

    def submit(self, command: Command) -> int:
        """Queue a command; its job id."""
        return self._session.submit(command)

    def cancel(self, job_id: int) -> None:
        """End a job soon; an unknown or ended job is left alone."""
        self._session.cancel(job_id)

    def close(self) -> None:
        """Cancel everything, wait for the engine thread and deliver the last events."""
        self._session.close()
        self._drain(float("inf"))

    def _drain(self, turn: float = TURN) -> None:
        """Deliver what waits, in order; what takes longer than a turn goes on after the window's events."""
        self._waiting.extend(self._session.poll())
        end = time.monotonic() + turn
        while self._waiting:
            self.received.emit(self._waiting.popleft())
            if self._waiting and time.monotonic() > end:
                self._woken.emit()
                return
