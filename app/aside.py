"""Looks at places that may not answer, such as a network drive that is gone, without anyone waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

Found = TypeVar("Found")


class Aside(QObject):
    """Each look has a thread of its own, which holds up neither another work nor the end of the program."""

    _answered = Signal(int, object, object)  # the number of the look, what to call, with what

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._answered.connect(self._hand_back)

    def look(self, work: Callable[[], Found], then: Callable[[Found], None]) -> None:
        """Do `work`, then hand its result to `then` on the own thread, unless another look comes first."""
        self._number += 1
        threading.Thread(
            target=self._work, args=(self._number, work, then), name="aside", daemon=True
        ).start()

    def _work(self, number: int, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        found = work()
        with suppress(RuntimeError):  # the window is gone
            self._answered.emit(number, then, found)

    def _hand_back(self, number: int, then: Callable[[Any], None], found: Any) -> None:
        if number == self._number:
            then(found)
