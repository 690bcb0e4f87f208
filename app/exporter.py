"""One export at a time: prepared off the GUI thread, then carried out by the engine."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine_bridge import EngineBridge
from app.jobs import Ending, JobState
from app.language import tr, trn
from app.progress import Pace, Progress
from app.worker import Worker
from vosengine.edge_controls import SMOOTHING_MOST
from vosengine.messages import END, Event, Export, ExportWritten, JobFailed, JobFinished, JobProgressed
from vosengine.project_io import copy

Edition = Callable[[], int]


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
        self._leftover: set[Path] = set()  # folders that the worker has not removed yet
        self._pace = Pace()
        self._cancelling = False
        self.is_running = False
        self.progress = Progress("")
        bridge.received.connect(self._take)

    def start(self, make: Callable[[], Export], folder: Path, edition: Edition) -> None:
        """Carry out what `make`, called on a thread of the exporter's own, gives.

        What it exports is what is there then: the mattes are kept in `folder`, disposable and on the
        project's disk, until the export has ended, whatever is edited meanwhile. An edit while they are
        being collected makes `edition`, called on any thread, give another number: they are collected anew.
        """
        self.is_running, self._cancelling, self._files = True, False, 0
        self._pace = Pace()
        self._prepare(make, folder, edition)

    def _prepare(self, make: Callable[[], Export], folder: Path, edition: Edition) -> None:
        self._turn += 1
        turn, kept, known = self._turn, folder / str(self._turn), edition()
        self._folder = kept
        self._show(Progress(tr("Collecting the masks")))

        def is_wanted() -> bool:
            return turn == self._turn and known == edition()

        def submit(ready: Export | Ending | None) -> None:
            if turn != self._turn or not self.is_running:
                return
            if known != edition():  # some of the files may be from before, others from after the edit
                self._discard_folder()
                self._prepare(make, folder, edition)
            else:
                self._submit(ready)

        self._worker.submit(lambda: prepared(make, kept, is_wanted), submit)

    def cancel(self) -> None:
        """End it soon; nothing is written then."""
        if self._job:
            self._cancelling = True
            self._bridge.cancel(self._job)
            self._show(Progress(tr("Cancelling…")))
        elif self.is_running:
            self._end(Ending(JobState.CANCELLED, tr("Cancelled; nothing was written.")))

    def abort(self) -> None:
        """The document is about to close: cancel, and say no more of the job."""
        if self._job:
            self._bridge.cancel(self._job)
        self._come_to_rest()

    def fail(self, ending: Ending) -> None:
        """What was started cannot be carried out."""
        self._end(ending)

    def close(self) -> None:
        """End the thread, and remove what it has left; waits for the file that it is at."""
        self._turn += 1
        self._worker.close()
        for folder in self._leftover:
            shutil.rmtree(folder, ignore_errors=True)

    def _submit(self, ready: Export | Ending | None) -> None:
        if isinstance(ready, Ending):
            self._end(ready)
        elif ready is not None:
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
        self._job, self.is_running = 0, False
        self._turn += 1
        self.progress = Progress("")
        self._discard_folder()

    def _discard_folder(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            self._leftover.add(folder)
            self._worker.submit(
                lambda: shutil.rmtree(folder, ignore_errors=True), lambda _: self._leftover.discard(folder)
            )


def prepared(
    make: Callable[[], Export], folder: Path, is_wanted: Callable[[], bool]
) -> Export | Ending | None:
    """The export that `make` gives, its mattes kept in `folder`; or why there is none.

    None, and nothing left, when `is_wanted`, asked before each file, says so.
    """
    try:
        ready = kept_in(folder, make(), is_wanted) if is_wanted() else None
    except FileNotFoundError:
        return Ending(JobState.FAILED, tr("The masks changed while they were collected; export again."))
    except Exception as error:
        return Ending.of_error(error)
    if ready is None:
        shutil.rmtree(folder, ignore_errors=True)
    return ready


def kept_in(folder: Path, command: Export, is_wanted: Callable[[], bool]) -> Export | None:
    """The same export with second names for its matte files, which edits cannot take away.

    Only of those that the frames of its span need. None as soon as it is not wanted any more. Raises
    FileNotFoundError where one is gone already, ProjectError where the folder cannot be written.
    """
    needed, sources = command.span.widened(SMOOTHING_MOST), []
    for source in command.sources:
        files = {}
        for frame, file in source.matte_files.items():
            if not is_wanted():
                return None
            if frame in needed:
                files[frame] = folder / str(source.object_id) / f"{frame:06d}{file.suffix}"
                copy(file, files[frame])
        sources.append(replace(source, matte_files=files))
    return replace(command, sources=tuple(sources))
