"""Predicted mattes on disk, read through a small memory; the replaced ones are kept aside for undo."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from app.cells import StoredMatte
from app.saver import Saver
from vosengine.errors import ProjectError
from vosengine.messages import read_only
from vosengine.png import read_matte
from vosengine.project_file import Key, Project
from vosengine.types import Matte

MEMORY_LIMIT = 192 * 2**20  # bytes: some 48 mattes at 1080p
WRITE_LIMIT = 32  # mattes waiting for the disk; whoever adds more waits too


class ArrayMemory:
    """The most recently used arrays, up to a number of bytes; for any thread. Arrays in it are read-only."""

    def __init__(self, byte_limit: int = MEMORY_LIMIT) -> None:
        self._byte_limit = byte_limit
        self._arrays: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()
        self.size = 0

    def get(self, key: Hashable) -> NDArray[Any] | None:
        """The array, if it is still here."""
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
            return self._arrays.get(key)

    def put(self, key: Hashable, array: NDArray[Any]) -> None:
        """Remember an array and forget the oldest where there is no room."""
        read_only(array)
        with self._lock:
            former = self._arrays.pop(key, None)
            self.size += array.nbytes - (0 if former is None else former.nbytes)
            self._arrays[key] = array
            while self.size > self._byte_limit and len(self._arrays) > 1:
                self.size -= self._arrays.popitem(last=False)[1].nbytes


class MatteStore:
    """The mattes of a project's predictions, named by their `StoredMatte.serial` within a session."""

    def __init__(self, project: Project, saver: Saver, memory: ArrayMemory) -> None:
        self._project = project
        self._saver = saver
        self._memory = memory
        self._lock = threading.Lock()  # guards the unwritten
        self._unwritten: dict[int, Matte] = {}

    def add(self, key: Key, stored: StoredMatte, matte: Matte, former: StoredMatte | None) -> bool:
        """Take a new matte; `former`, which it replaces, is kept aside. The disk follows later.

        False, and nothing taken, when the disk takes nothing at the moment.
        """
        if not self._saver.wait_for_room(WRITE_LIMIT):
            return False
        read_only(matte)
        with self._lock:
            self._unwritten[stored.serial] = matte
        self._memory.put(stored.serial, matte)
        keep = None if former is None else self._aside(former)
        project = self._project

        def write() -> None:
            text = stored.footprint.text if stored.footprint is not None else ""
            project.write_prediction(
                *key,
                matte,
                stored.quality,
                stored.revision,
                keep,
                origin=stored.origin,
                reason=stored.reason,
                footprint=text,
            )
            with self._lock:
                self._unwritten.pop(stored.serial, None)

        self._saver.submit(write)
        return True

    def read(self, key: Key, stored: StoredMatte) -> Matte | None:
        """The matte now at `key`, read-only; None when its file is gone or damaged."""
        matte: Matte | None = self._memory.get(stored.serial)
        if matte is None:
            with self._lock:
                matte = self._unwritten.get(stored.serial)
        if matte is None:
            matte = self._project.read_prediction(*key)
        if matte is not None:
            self._memory.put(stored.serial, matte)
        return matte

    def read_aside(self, stored: StoredMatte) -> Matte | None:
        """A matte that was replaced; None when it is no longer kept, or not yet written aside."""
        matte: Matte | None = self._memory.get(stored.serial)
        if matte is None:
            with suppress(ProjectError):
                matte = read_matte(self._aside(stored))
                self._memory.put(stored.serial, matte)
        return matte

    def exchange(self, key: Key, now: StoredMatte | None, then: StoredMatte | None) -> bool:
        """Put a matte kept aside back in its place, or none, and keep the present one aside.

        Call it when nothing waits to be saved. Returns whether `then` is there now: its file may have been
        cleared away with the rest of the cache.
        """
        keep = None if now is None else self._aside(now)
        place = None if then is None else self._aside(then)
        return self._project.exchange_prediction(*key, keep, place)

    def forget(self, stored: StoredMatte) -> None:
        """Remove a matte kept aside that no undo step needs any more."""
        path = self._aside(stored)

        def remove() -> None:
            with suppress(OSError):
                path.unlink(missing_ok=True)

        self._saver.submit(remove)

    def _aside(self, stored: StoredMatte) -> Path:
        return self._project.cache_folder / "undo" / f"{stored.serial}.png"
