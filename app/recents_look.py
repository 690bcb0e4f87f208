"""Looks recent projects up without anyone waiting for a drive that does not answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from app.recents import look_up


class RecentsLook(QObject):
    """A thread for each look, for which no one waits, not even at the end of the program."""

    found = Signal(list)  # of Recent
    _looked = Signal(int, list)  # the number of the look, what it found

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._looked.connect(self._tell)

    def look(self, folders: Sequence[str], opened: Mapping[str, float]) -> None:
        """See `look_up`; answers `found`, unless another look comes first."""
        self._number += 1
        arguments = self._number, folders, opened
        threading.Thread(target=self._work, args=arguments, name="recent-projects", daemon=True).start()

    def _work(self, number: int, folders: Sequence[str], opened: Mapping[str, float]) -> None:
        recents = look_up(folders, opened)
        with suppress(RuntimeError):  # the window is gone
            self._looked.emit(number, recents)

    def _tell(self, number: int, recents: list[object]) -> None:
        if number == self._number:
            self.found.emit(recents)
