"""Predicted mattes on disk, read through a small memory; those of former runs stay for undo."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable
from contextlib import suppress
from typing import Any

from numpy.typing import NDArray

from app.cells import KeptMatte, StoredMatte, matte_of
from app.saver import Saver
from vosengine.bounded import Bounded, array_bytes
from vosengine.errors import ProjectError
from vosengine.messages import read_only
from vosengine.project_file import Project
from vosengine.types import Matte

MEMORY_LIMIT = 192 * 2**20  # bytes: some 48 mattes at 1080p
WRITE_LIMIT = 32  # mattes waiting for the disk; whoever adds more waits too


class ArrayMemory:
    """The most recently used arrays, up to a number of bytes; for any thread. Arrays in it are read-only."""

    def __init__(self, byte_limit: int = MEMORY_LIMIT) -> None:
        self._arrays: Bounded[NDArray[Any]] = Bounded(byte_limit, array_bytes)
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes kept."""
        return self._arrays.size

    def get(self, key: Hashable) -> NDArray[Any] | None:
        """The array, if it is still here."""
        with self._lock:
            return self._arrays.get(key)

    def put(self, key: Hashable, array: NDArray[Any]) -> None:
        """Remember an array and forget the oldest where there is no room."""
        read_only(array)
        with self._lock:
            self._arrays.put(key, array)


class MatteStore:
    """The mattes of a project's predictions, those of former runs too. Any thread may read them."""

    def __init__(self, project: Project, saver: Saver, memory: ArrayMemory) -> None:
        self._project = project
        self._saver = saver
        self._memory = memory
        self._lock = threading.Lock()  # guards what follows
        self._unwritten: dict[int, Matte] = {}
        self._doomed: set[int] = set()

    def has_room(self) -> bool:
        """Wait until one more may come; False when the disk takes nothing at the moment."""
        return self._saver.wait_for_room(WRITE_LIMIT)

    def add(self, stored: StoredMatte, matte: Matte) -> None:
        """Take a new matte. The disk follows later."""
        read_only(matte)
        with self._lock:
            self._unwritten[stored.serial] = matte
        self._memory.put(stored.serial, matte)
        object_id, frame, batch = matte_of(stored.serial)
        project = self._project

        def write() -> None:
            text = stored.footprint.text if stored.footprint is not None else ""
            project.write_prediction(
                object_id,
                frame,
                matte,
                stored.quality,
                stored.revision,
                batch,
                origin=stored.origin,
                reason=stored.reason,
                footprint=text,
            )
            with self._lock:
                self._unwritten.pop(stored.serial, None)

        self._saver.submit(write)

    def read(self, stored: KeptMatte) -> Matte | None:
        """A matte, read-only; None when its file is gone or damaged."""
        matte: Matte | None = self._memory.get(stored.serial)
        if matte is None:
            with self._lock:
                matte = self._unwritten.get(stored.serial)
        if matte is None:
            matte = self._project.read_prediction(*matte_of(stored.serial))
        if matte is not None:
            self._memory.put(stored.serial, matte)
        return matte

    def forget(self, serials: Iterable[int]) -> None:
        """No step needs these mattes any more: `clear` will remove them."""
        with self._lock:
            self._doomed.update(serials)

    def doomed(self) -> frozenset[int]:
        """For `clear`, once the project on disk needs them no more either."""
        with self._lock:
            return frozenset(self._doomed)

    def clear(self, doomed: frozenset[int]) -> None:
        """Remove mattes. For the saver's thread."""
        for serial in doomed:
            with suppress(ProjectError):
                self._project.remove_matte(*matte_of(serial))
        with self._lock:
            self._doomed -= doomed
