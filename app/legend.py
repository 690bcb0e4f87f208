"""What the timeline's states look like, beside their names while there is room for names."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app import theme
from app.actions import keys_text
from app.findings import Mark
from app.lane_painting import LEGEND, draw_runs, draw_sign
from app.language import tr
from app.widgets import muted

SIGN = QSize(22, 14)  # widget units
BESIDE, BETWEEN = 5, 12


class Legend(QWidget):
    """In a narrow window only the signs; their tooltips tell the names."""

    def __init__(self, next_worst: QAction) -> None:
        """`next_worst`: the action that goes to the worst frame."""
        super().__init__()
        self._next_worst = next_worst
        self._names: dict[Mark, QLabel] = {}
        self._signs: dict[Mark, QWidget] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for mark, name, _ in LEGEND:
            self._signs[mark], self._names[mark] = _Sign(mark), muted(name)
            row.addWidget(self._signs[mark])
            row.addSpacing(BESIDE)
            row.addWidget(self._names[mark])
            row.addSpacing(BETWEEN)
        next_worst.changed.connect(self._explain)
        self._explain()

    def _explain(self) -> None:
        """The keys may be others than before."""
        keys = keys_text(self._next_worst)
        worst = tr("{keys} goes to the worst one.").format(keys=keys)
        for mark, name, meaning in LEGEND:
            tip = f"{meaning} {worst}" if keys and mark is Mark.SUSPICIOUS else meaning
            self._names[mark].setToolTip(tip)
            self._signs[mark].setToolTip(f"{name}: {tip}")
            self._signs[mark].setAccessibleName(name)

    def minimumSizeHint(self) -> QSize:
        """Of the signs alone."""
        return QSize(len(self._signs) * (SIGN.width() + BESIDE + BETWEEN), SIGN.height())

    def sizeHint(self) -> QSize:
        """With the names."""
        names = sum(name.sizeHint().width() for name in self._names.values())
        return self.minimumSizeHint() + QSize(names, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All names or none: half a name says nothing."""
        super().resizeEvent(event)
        for name in self._names.values():
            name.setVisible(event.size().width() >= self.sizeHint().width())


class _Sign(QWidget):
    """One state as the lanes draw it."""

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self._mark = mark
        self.setFixedSize(SIGN)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A short piece of lane."""
        painter = QPainter(self)
        rect = QRectF(self.rect())
        painter.fillRect(rect, QColor(theme.colours().canvas))
        draw_runs(painter, [rect], self._mark, QColor(theme.colours().accent))
        draw_sign(painter, rect.center(), self._mark, 9)
        painter.setPen(QColor(theme.colours().line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(0, 0, -1, -1))
