"""The panel of jobs: what runs with its progress, what waits behind it, what has ended and how."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.job_queue import JobQueue
from app.jobs import Job, JobState
from app.language import tr, trn
from app.progress import Progress, time_left_text
from app.widgets import ICON, ElidedLabel, joined, muted, set_tone

STATES = {
    JobState.WAITING: tr("waiting"),
    JobState.RUNNING: tr("running"),
    JobState.DONE: tr("done"),
    JobState.FAILED: tr("failed"),
    JobState.CANCELLED: tr("cancelled"),
}
TONES = {JobState.RUNNING: "accent", JobState.DONE: "good", JobState.FAILED: "danger"}
WIDTH, ITEM_PADDING = 230, 2
NUMBER = Qt.ItemDataRole.UserRole


class JobRow(QWidget):
    """Title and state, what it is about, then the bar, or how it ended. All rows are of one height."""

    def __init__(self, dismiss: Callable[[], None]) -> None:
        super().__init__()
        self._title, self._detail, self._figures = ElidedLabel(), ElidedLabel(), ElidedLabel()
        self._title.setProperty("heading", True)
        self._detail.setProperty("muted", True)
        self._figures.setProperty("muted", True)
        self._state = muted()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(7)
        self._bar.setAccessibleName(tr("Progress"))
        kept = self._bar.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self._bar.setSizePolicy(kept)
        self._dismiss = QToolButton()
        self._dismiss.setIcon(theme.icon("cancel"))
        self._dismiss.setIconSize(QSize(16, 16))
        self._dismiss.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._dismiss.clicked.connect(lambda _checked: dismiss())
        self._arrange()

    def _arrange(self) -> None:
        top, texts = QHBoxLayout(), QVBoxLayout()
        top.setSpacing(6)
        top.addWidget(self._title, 1)
        top.addWidget(self._state)
        texts.setSpacing(2)
        texts.addLayout(top)
        for part in (self._detail, self._bar, self._figures):
            texts.addWidget(part)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 2, 5)
        layout.setSpacing(4)
        layout.addLayout(texts, 1)
        layout.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_job(self, job: Job, progress: Progress) -> None:
        """The state of a job; `progress` counts while it runs."""
        running = job.state is JobState.RUNNING
        self._title.show_text(job.title)
        self._detail.show_text(job.detail)
        self._state.setText(STATES[job.state])
        set_tone(self._state, TONES.get(job.state, ""))
        self._bar.setVisible(running)
        self._bar.setRange(0, 0 if running and progress.total == 0 else max(progress.total, 1))
        self._bar.setValue(progress.done if running else 0)
        self._figures.show_text(figures_text(progress) if running else job.sentence)
        self._dismiss.setToolTip(dismissal(job))
        self._dismiss.setAccessibleName(dismissal(job))


def figures_text(progress: Progress) -> str:
    """How far it is and the time left; the stage while that cannot be told."""
    if not progress.total:
        return progress.what
    count = tr("{done} of {total}").format(done=progress.done, total=progress.total)
    return joined(count, time_left_text(progress.seconds_left))


def dismissal(job: Job) -> str:
    """What the button at the end of a row does."""
    if job.state is JobState.RUNNING:
        return tr("Cancel this job; the next one follows")
    return tr("Take this job off the list")


class JobListWidget(QListWidget):
    """The rows; Del cancels or removes, Ctrl+Up and Ctrl+Down move one that waits."""

    def __init__(self, queue: JobQueue) -> None:
        super().__init__()
        self._queue = queue
        self.setAccessibleName(tr("Jobs"))
        self.setStatusTip(tr("Del cancels or removes a job, Ctrl+Up and Ctrl+Down move one that waits"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)

    def sizeHint(self) -> QSize:
        """No wider than the panels beside it."""
        return QSize(WIDTH, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Rows are as wide as the list, at once."""
        super().resizeEvent(event)
        self.doItemsLayout()

    @property
    def number(self) -> int:
        """The selected job's number, 0 for none."""
        item = self.currentItem()
        return int(item.data(NUMBER)) if item is not None else 0

    def event(self, event: QEvent) -> bool:
        """These keys mean jobs here, not the frame."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        if not _is_ours(event):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Delete:
            self._queue.remove(self.number)
        else:
            self._queue.move(self.number, -1 if event.key() == Qt.Key.Key_Up else 1)


def _is_ours(event: QKeyEvent) -> bool:
    control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
    plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
    moves = event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down)
    return (plain and event.key() == Qt.Key.Key_Delete) or (control and moves)


class JobsPanel(QWidget):
    """The list, what the selected job can do, and what becomes of those held back."""

    def __init__(self, queue: JobQueue) -> None:
        super().__init__()
        self._queue = queue
        self.list = JobListWidget(queue)
        self.list.currentRowChanged.connect(lambda _: self._show_buttons())
        self._summary = muted()
        self._summary.setWordWrap(True)
        self._summary.setFixedHeight(2 * self.fontMetrics().lineSpacing() + 2)
        self.resume_button = QPushButton(theme.icon("play"), tr("Go on"))
        self.resume_button.setToolTip(tr("Start the jobs that were held back"))
        self.resume_button.clicked.connect(queue.resume)
        self.clear_button = QPushButton(tr("Clear ended"))
        self.clear_button.setToolTip(tr("Take the jobs that have ended off the list"))
        self.clear_button.clicked.connect(queue.clear_ended)
        self.up = self._mover("up", tr("Let this job run earlier  (Ctrl+Up)"), -1)
        self.down = self._mover("down", tr("Let this job run later  (Ctrl+Down)"), 1)
        self._arrange()
        self._numbers: list[int] = []
        queue.changed.connect(self.refresh)
        queue.progressed.connect(self._show_progress)
        self.refresh()

    def _mover(self, icon: str, tip: str, places: int) -> QToolButton:
        button = QToolButton()
        button.setIcon(theme.icon(icon))
        button.setIconSize(ICON)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(partial(self._move, places))
        return button

    def _move(self, places: int) -> None:
        self._queue.move(self.list.number, places)

    def _arrange(self) -> None:
        above, below = QHBoxLayout(), QHBoxLayout()
        above.addWidget(self._summary, 1)
        above.addWidget(self.up)
        above.addWidget(self.down)
        below.addWidget(self.resume_button, 1)
        below.addWidget(self.clear_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.addLayout(above)
        layout.addWidget(self.list, 1)
        layout.addLayout(below)

    # --- keeping up ---------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the jobs as they are now; the selection stays with its job."""
        jobs = self._queue.jobs
        numbers = [job.number for job in jobs]
        if numbers != self._numbers:
            self._fill(numbers)
        for row, job in enumerate(jobs):
            self._row(row).show_job(job, self._queue.progress)
        self._show_summary()
        self._show_buttons()

    def _fill(self, numbers: list[int]) -> None:
        chosen = self.list.number
        self._numbers = numbers
        self.list.clear()
        for number in numbers:
            item = QListWidgetItem(self.list)
            item.setData(NUMBER, number)
            row = JobRow(partial(self._queue.remove, number))
            item.setSizeHint(QSize(0, row.sizeHint().height() + 2 * ITEM_PADDING))
            self.list.setItemWidget(item, row)
            if number == chosen:
                self.list.setCurrentItem(item)

    def _row(self, row: int) -> JobRow:
        widget = self.list.itemWidget(self.list.item(row))
        assert isinstance(widget, JobRow)
        return widget

    def _show_progress(self) -> None:
        running = self._queue.running
        if running is not None and running.number in self._numbers:
            self._row(self._numbers.index(running.number)).show_job(running, self._queue.progress)

    def _show_summary(self) -> None:
        count = len(self._queue.waiting)
        if self._queue.held and count:
            text = trn("{count} job is held back.", "{count} jobs are held back.", count)
        elif self._queue.running is not None:
            text = trn("Running, {count} job waits.", "Running, {count} jobs wait.", count)
            text = text if count else tr("Running; what you start now waits behind it.")
        else:
            text = tr("Nothing is running.")
        self._summary.setText(text.format(count=count))

    def _show_buttons(self) -> None:
        waiting = [job.number for job in self._queue.waiting]
        chosen = self.list.number
        self.up.setEnabled(chosen in waiting[1:])
        self.down.setEnabled(chosen in waiting[:-1])
        self.resume_button.setEnabled(self._queue.held)
        self.clear_button.setEnabled(any(job.is_over for job in self._queue.jobs))
