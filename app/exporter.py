"""One export at a time: prepared off the GUI thread, then carried out by the engine."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine_bridge import EngineBridge
from app.jobs import Ending, JobState
from app.language import tr, trn
from app.progress import Pace, Progress
from app.worker import Worker
from vosengine.errors import EngineError
from vosengine.messages import END, Event, Export, ExportWritten, JobFailed, JobFinished, JobProgressed
from vosengine.project_io import copy

TRIES = 3  # an edit may take a file away while the export is being prepared


class Exporter(QObject):
    """Drives `messages.Export`. All signals come on the GUI thread."""

    changed = Signal()  # progress
    written = Signal(object)  # ExportWritten
    over = Signal(object)  # Ending

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._worker = bridge, Worker(self)
        self._turn = 0  # of the export that runs; what was prepared for another one is dropped
        self._job = 0
        self._files = 0
        self._folder: Path | None = None
        self._pace = Pace()
        self._cancelling = False
        self.is_running = False
        self.progress = Progress("")
        bridge.received.connect(self._take)

    def start(self, make: Callable[[], Export], folder: Path) -> None:
        """Carry out what `make`, called on a thread of the exporter's own, gives.

        What it exports is what is there then: the mattes are kept in `folder`, disposable and on the
        project's disk, until the export has ended, whatever is edited meanwhile.
        """
        self._turn += 1
        turn, kept = self._turn, folder / str(self._turn)
        self._folder, self.is_running, self._cancelling, self._files = kept, True, False, 0
        self._pace = Pace()
        self._show(Progress(tr("Collecting the masks")))
        self._worker.submit(lambda: prepared(make, kept), lambda ready: self._submit(turn, ready))

    def cancel(self) -> None:
        """Stop soon; nothing is written then."""
        if self._job:
            self._cancelling = True
            self._bridge.cancel(self._job)
            self._show(Progress(tr("Stopping…")))
        elif self.is_running:
            self._end(Ending(JobState.CANCELLED, tr("Cancelled; nothing was written.")))

    def abort(self) -> None:
        """The document is about to close: cancel, and say no more of the job."""
        if self._job:
            self._bridge.cancel(self._job)
        self._come_to_rest()

    def close(self) -> None:
        """End the thread; waits for what it is at."""
        self._worker.close()

    def _submit(self, turn: int, ready: Export | Ending) -> None:
        if turn != self._turn or not self.is_running:
            return
        if isinstance(ready, Ending):
            self._end(ready)
        else:
            self._job = self._bridge.submit(ready)

    def _take(self, event: Event) -> None:
        if not self._job or event.job_id != self._job:
            return
        if isinstance(event, JobProgressed) and not self._cancelling:
            rate, left = self._pace.note(event.done, event.total, time.monotonic())
            self._show(Progress(event.what, event.detail, event.done, event.total, left, rate))
        elif isinstance(event, ExportWritten):
            self._files = len(event.files)
            self.written.emit(event)
        elif isinstance(event, JobFailed):
            self._end(Ending(JobState.FAILED, event.message, "" if event.expected else event.traceback))
        elif isinstance(event, JobFinished):
            count = self._files
            sentence = trn(
                "{count} output written and checked.", "{count} outputs written and checked.", count
            )
            self._end(Ending(JobState.DONE, sentence.format(count=count)))
        elif isinstance(event, END):
            self._end(Ending(JobState.CANCELLED, tr("Cancelled; nothing was written.")))

    def _show(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _end(self, ending: Ending) -> None:
        self._come_to_rest()
        self.over.emit(ending)

    def _come_to_rest(self) -> None:
        folder, self._folder = self._folder, None
        self._job, self.is_running = 0, False
        self._turn += 1
        self.progress = Progress("")
        if folder is not None:
            self._worker.submit(lambda: shutil.rmtree(folder, ignore_errors=True), lambda _: None)


def prepared(make: Callable[[], Export], folder: Path) -> Export | Ending:
    """The export that `make` gives, its mattes kept in `folder`; or why there is none."""
    try:
        for _ in range(TRIES - 1):
            try:
                return kept_in(folder, make())
            except FileNotFoundError:
                shutil.rmtree(folder, ignore_errors=True)
        return kept_in(folder, make())
    except EngineError as error:
        return Ending(JobState.FAILED, str(error))
    except FileNotFoundError:
        return Ending(JobState.FAILED, tr("The masks changed while they were collected; export again."))
    except Exception as error:
        return Ending(JobState.FAILED, f"{type(error).__name__}: {error}", traceback.format_exc())


def kept_in(folder: Path, command: Export) -> Export:
    """The same export with second names for its matte files, which edits cannot take away.

    Raises FileNotFoundError where one is gone already, ProjectError where the folder cannot be written.
    """
    sources = []
    for source in command.sources:
        files = {
            frame: folder / str(source.object_id) / f"{frame:06d}{file.suffix}"
            for frame, file in source.matte_files.items()
        }
        for frame, place in files.items():
            _keep(source.matte_files[frame], place)
        sources.append(replace(source, matte_files=files))
    return replace(command, sources=tuple(sources))


def _keep(file: Path, place: Path) -> None:
    if not file.exists():
        raise FileNotFoundError(file)
    copy(file, place)
