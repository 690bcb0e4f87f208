"""One Rotoshot a project: a lock of the operating system, which ends with the process that holds it."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from filelock import FileLock, Timeout

from vosengine import atomic
from vosengine.errors import EngineError, ProjectError
from vosengine.language import tr

LOCK = "project.lock"
CLOCKS_DIFFER = 60.0  # seconds by which a computer may have set its clock since
HOLDER = "project.lock.json"  # beside the lock: Windows lets nobody read a locked file


class ProjectLock:
    """The lock of a project folder, held from construction to `release`.

    was_left: the last holder ended without releasing it.
    """

    def __init__(self, folder: Path) -> None:
        """Raises ProjectError, naming the holder, when the folder is locked or cannot be written."""
        self._holder = folder / HOLDER
        self._lock = FileLock(folder / LOCK, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ProjectError(
                tr("{folder} is open in another Rotoshot ({holder}); close it there first.").format(
                    folder=folder, holder=_held_by(folder)
                )
            ) from None
        except (OSError, NotImplementedError) as error:  # the second: a file system without locks
            reason = getattr(error, "strerror", None) or error
            raise ProjectError(
                tr("{folder} cannot be locked ({reason}); copy it to a place that can be written.").format(
                    folder=folder, reason=reason
                )
            ) from error
        self.was_left = self._holder.exists()
        started = psutil.Process().create_time()
        holder = {"host": socket.gethostname(), "pid": os.getpid(), "started": started}
        with suppress(EngineError):  # only for the sentence others see: a full disk still opens
            atomic.write_bytes(self._holder, json.dumps(holder).encode("ascii"))

    def release(self) -> None:
        """Let others in. May be called twice."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._holder.unlink(missing_ok=True)
            self._lock.release()


class Holder(NamedTuple):
    """A computer and a process of it; started: when, in seconds since 1970, None where nobody noted it."""

    host: str
    process: int
    started: float | None = None

    @property
    def is_gone(self) -> bool:
        """Whether it was on this computer and is no more; its number may be another process's by now."""
        if self.host != socket.gethostname():
            return False
        try:
            started = psutil.Process(self.process).create_time()
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:  # another user's
            return False
        return self.started is not None and abs(started - self.started) > CLOCKS_DIFFER


def holder(folder: Path) -> Holder | None:
    """Who noted themselves as a project's holder; None where there is no note."""
    try:
        found = json.loads((folder / HOLDER).read_text("utf-8"))
        started = found.get("started")
        started = float(started) if isinstance(started, int | float) else None
        return Holder(str(found["host"]), int(found["pid"]), started)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _held_by(folder: Path) -> str:
    found = holder(folder)
    if found is None:
        return tr("on this or another computer")
    return tr("process {process} on {computer}").format(process=found.process, computer=found.host)
