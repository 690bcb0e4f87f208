"""What is open: the document with its clip, engine and display worker; opening and closing it."""

from __future__ import annotations

import re
from collections.abc import Callable
from glob import escape
from pathlib import Path

from platformdirs import user_documents_path
from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.engine_bridge import EngineBridge, MakeEngine
from app.exporter import Exporter
from app.job_queue import JobQueue
from app.jobs import JobKind
from app.playback import Player
from app.renderer import Renderer
from app.runner import Runner
from app.scribbling import Scribbler
from app.shaping import Shaping
from app.worker import Worker
from vosengine.config import Config
from vosengine.errors import EngineError
from vosengine.manifest import load
from vosengine.messages import ReleaseModel
from vosengine.project_file import suggested_folder
from vosengine.types import ClipInfo

MANIFEST = "project.roto"


class Workspace(QObject):
    """At most one document; everything that lives as long as the window does."""

    document_changed = Signal()  # another document, or none
    changed = Signal(object)  # Change, from the document
    message = Signal(str)  # one sentence for the status bar
    failed = Signal(str, str)  # message, traceback ("" for an expected failure)
    opening = Signal(str)  # name of what is being opened, "" when that ended
    clip_missing = Signal(object)  # Path of the footage that was not found
    saving_failed = Signal(str)  # why changes cannot be saved, "" when they can again

    def __init__(self, make_engine: MakeEngine | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bridge = EngineBridge(make_engine, self)
        self.renderer = Renderer(self)
        self.runner = Runner(self.bridge, self)
        self._exporter = Exporter(self.bridge, self)
        self.jobs = JobQueue(self.runner, self._exporter, self)
        self.scribbler = Scribbler(self.bridge, self.renderer, self)
        self.worker = Worker(self)
        self.shaping = Shaping(self.worker, self.renderer, self)
        self.player = Player(self)
        self.new_config = Config()  # the settings of projects made from now on
        self.accepts_change: Callable[[str], bool] = lambda _: False  # asked with the name of changed footage
        self._document: Document | None = None
        self._waiting: Document | None = None  # opened, its clip is not
        self._unsubscribe: Callable[[], None] = lambda: None
        self.renderer.opened.connect(self._clip_opened)
        self.renderer.failed.connect(self._renderer_failed)
        self.runner.failed.connect(self.failed)
        self.runner.ended.connect(self.message)
        self.jobs.message.connect(self.message)
        self.jobs.failed.connect(self._job_failed)
        self.scribbler.failed.connect(self.failed)
        self.scribbler.unanswered.connect(self.message)
        self.worker.failed.connect(self._worker_failed)
        self.shaping.refused.connect(self.message)

    @property
    def document(self) -> Document | None:
        """The open document; None also while its clip is being opened."""
        return self._document

    def open(self, path: Path) -> None:
        """Open a clip, an image sequence's folder or file, a project's folder or its manifest."""
        self.close_document()
        self.opening.emit(path.name)
        if path.name == MANIFEST or (path / MANIFEST).is_file():
            self._open_project(path.parent if path.name == MANIFEST else path)
        else:
            self.renderer.open(path)

    def relink(self, path: Path) -> None:
        """Take the footage of a waiting project from `path`."""
        self.opening.emit(path.name)
        self.renderer.open(path)

    def close_document(self, discard: bool = False) -> None:
        """Cancel what runs, save and leave the document.

        Raises ProjectError, the document staying open, when it cannot be saved; `discard` gives that up.
        """
        self.player.stop()
        leaving = self._document or self._waiting
        if leaving is not None:
            self.jobs.abort()
            self.shaping.settle()
            leaving.close(discard)
            self.jobs.set_document(None)
        self.scribbler.set_document(None)
        self.shaping.set_document(None)
        self.renderer.leave()
        self._document = self._waiting = None
        self._unsubscribe()
        self._unsubscribe = lambda: None
        if leaving is not None:
            self.bridge.submit(ReleaseModel())
            self.document_changed.emit()

    def close(self, discard: bool = False) -> None:
        """End everything, threads included. Raises ProjectError as `close_document` does, ending nothing."""
        self.close_document(discard)
        self.bridge.close()
        self.renderer.close()
        self.worker.close()
        self._exporter.close()

    # --- opening ------------------------------------------------------------------------------------------

    def _open_project(self, folder: Path) -> None:
        try:
            document = Document.open(folder, self.saving_failed.emit)
        except EngineError as error:
            self._opening_failed(str(error))
            return
        self._waiting = document
        if document.clip_missing:
            self.opening.emit("")
            self.clip_missing.emit(document.clip.path)
        else:
            self.renderer.open(document.clip.path)

    def _clip_opened(self, info: ClipInfo) -> None:
        try:
            document = self._document_for(info)
        except EngineError as error:
            self._opening_failed(str(error))
            return
        self._waiting, self._document = None, document
        self._unsubscribe = document.subscribe(self.changed.emit)
        self.renderer.prepare(document.cache_folder)
        self.jobs.set_document(document)
        self.scribbler.set_document(document)
        self.shaping.set_document(document)
        self.opening.emit("")
        self.document_changed.emit()
        for sentence in (info.damage, *document.messages):
            if sentence:
                self.message.emit(sentence)

    def _document_for(self, info: ClipInfo) -> Document:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            return self._relinked(waiting, info)
        former = former_projects(info)
        if former:
            return self._relinked(Document.open(former[0], self.saving_failed.emit), info)
        folder = suggested_folder(info.path, user_documents_path() / "Rotoshot")
        return Document.create(folder, info, self.saving_failed.emit, self.new_config)

    def _relinked(self, document: Document, info: ClipInfo) -> Document:
        """The document on the footage just opened. Raises ProjectError when it does not fit."""
        try:
            old = document.clip
            if old != info:
                same = (old.fingerprint, old.frame_count) == (info.fingerprint, info.frame_count)
                fits = (old.width, old.height) == (info.width, info.height)
                document.relink(info, fits and not same and self.accepts_change(info.path.name))
        except EngineError:
            document.close()
            raise
        return document

    def _opening_failed(self, message: str, trace: str = "") -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.close()
        self.renderer.leave()
        self.opening.emit("")
        self.failed.emit(message, trace)

    def _worker_failed(self, message: str, trace: str) -> None:
        if trace:
            self.failed.emit(message, trace)
        else:
            self.message.emit(message)

    def _job_failed(self, number: int, message: str, trace: str) -> None:
        job = self.jobs.job(number)
        if job is not None and job.kind is JobKind.EXPORT:  # a run's failure is told by the runner
            self._worker_failed(message, trace)

    def _renderer_failed(self, message: str, trace: str) -> None:
        if self._document is None:
            self._opening_failed(message, trace)
        else:  # a frame that cannot be read must not stop the work on the others
            self._worker_failed(message, trace)


def former_projects(info: ClipInfo) -> list[Path]:
    """The projects about this clip: named after it, beside it or in the user's documents."""
    elsewhere = user_documents_path() / "Rotoshot"
    name = re.sub(r"-\d+$", "", suggested_folder(info.path, elsewhere).stem)
    places = (info.path.parent, elsewhere)
    folders = [folder for place in places for folder in sorted(place.glob(f"{escape(name)}*.rotoshot"))]
    return [folder for folder in folders if (folder / MANIFEST).is_file() and _is_about(folder, info)]


def _is_about(folder: Path, info: ClipInfo) -> bool:
    """Whether the project, which another process may hold open, is about this clip."""
    try:
        clip = load((folder / MANIFEST).read_text("utf-8"), folder).clip
    except (OSError, ValueError, EngineError):  # opening it will mend it or say what to do
        return folder.stem == info.path.stem
    return clip.fingerprint == info.fingerprint or clip.path == info.path
