"""The tour: five short callouts that point at the real places, one by one, while the work goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.actions import ActionSet, keys_text
from app.language import tr
from app.widgets import KEYBOARD_ACTION, muted

WIDTH, ARROW, RADIUS, GAP = 330, 10, 8, 4
MARGIN = 12  # kept from the window's edge
MARKED, RAN = "marked", "ran"


@dataclass(frozen=True)
class Step:
    """`action`: its button is pointed at, its keys stand for {keys}. `side` of the button: where to lie.

    `ends_with`: what the step asks for, MARKED or RAN, "" where only Next ends it.
    """

    title: str
    text: str
    action: str
    side: str
    ends_with: str = ""


STEPS = (
    Step(
        tr("Mark the object"),
        tr(
            "Draw over the object with the scribble ({keys}): Rotoshot finds its outline. The right button "
            "marks what is not the object. One frame is enough to begin with."
        ),
        "foreground",
        "right",
        ends_with=MARKED,
    ),
    Step(
        tr("Run"),
        tr(
            "Press Run ({keys}). Rotoshot learns the object and cuts it out of every frame; you can go on "
            "working meanwhile."
        ),
        "run",
        "left",
        ends_with=RAN,
    ),
    Step(
        tr("Judge the worst frames"),
        tr(
            "The frames that are probably wrong are listed here with the reason, the worst first. {keys} "
            "goes to the next one."
        ),
        "next_worst",
        "left",
    ),
    Step(
        tr("Correct"),
        tr(
            "Scribble where a frame is wrong ({keys}), then run again: only what the correction concerns is "
            "done anew, and what you drew stays as it is."
        ),
        "correct",
        "left",
    ),
    Step(
        tr("Export"),
        tr(
            "When the shot is good, write the mattes ({keys}): ProRes 4444, PNG and more, each checked by "
            "reading it back."
        ),
        "export",
        "below",
    ),
)


class FirstTour(QWidget):
    """A callout over the window that follows it. It takes no focus and covers little; Esc ends it."""

    ended = Signal()

    def __init__(self, actions: ActionSet, window: QWidget) -> None:
        super().__init__(window)
        self._actions, self._window, self.step = actions, window, -1
        self._watched: list[QWidget] = []
        self._tip: QPoint | None = None  # where the arrow ends, in own coordinates
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._place)
        self.setAccessibleName(tr("Tour"))
        self._title, self._text = QLabel(), QLabel()
        self._title.setProperty("heading", True)
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._count = muted()
        self.skip = self._button(tr("End tour"), tr("End the tour; the Help menu shows it again"))
        self.back = self._button(tr("Back"), tr("Back to the step before"))
        self.next = self._button(tr("Next"), tr("On to the next step"))
        self.next.setProperty("primary", True)
        self.skip.clicked.connect(self.end)
        self.back.clicked.connect(lambda: self._go(self.step - 1))
        self.next.clicked.connect(lambda: self._go(self.step + 1))
        self._lay_out()
        self.hide()

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the canvas
        button.setAutoDefault(True)  # Return presses it
        return button

    def _lay_out(self) -> None:
        heading = QHBoxLayout()
        heading.addWidget(self._title, 1)
        heading.addWidget(self._count)
        buttons = QHBoxLayout()
        for part in (self.skip, self.back, self.next):
            buttons.addWidget(part)
        buttons.insertStretch(1)
        self._column = column = QVBoxLayout(self)
        pad = ARROW + RADIUS + GAP
        column.setContentsMargins(pad, pad, pad, pad)
        column.setSpacing(8)
        column.addLayout(heading)
        column.addWidget(self._text)
        column.addLayout(buttons)

    # --- going through it ---------------------------------------------------------------------------------

    def start(self, focus: bool = False) -> None:
        """From the first step on. `focus`: take the keyboard at once."""
        self._go(0)
        if focus:
            self.next.setFocus(Qt.FocusReason.OtherFocusReason)

    def done(self, what: str) -> None:
        """MARKED or RAN: a step that asks for this is over."""
        if self.step >= 0 and STEPS[self.step].ends_with == what:
            self._go(self.step + 1)

    def end(self) -> None:
        """No more of it."""
        if self.step >= 0:
            self.step = -1
            self._watch([])
            self.hide()
            self.ended.emit()

    def _go(self, step: int) -> None:
        if step >= len(STEPS):
            self.end()
            return
        self.step = step
        self.refresh()
        self.back.setEnabled(step > 0)
        self.next.setText(tr("Next") if step < len(STEPS) - 1 else tr("Done"))
        self._count.setText(tr("{step} of {count}").format(step=step + 1, count=len(STEPS)))
        self._place()
        self.show()
        self.raise_()

    def refresh(self) -> None:
        """The words with the keys as bound now."""
        if self.step >= 0:
            now = STEPS[self.step]
            keys = keys_text(self._actions[now.action]) or tr("Help, Find a command")
            self._title.setText(now.title)
            self._text.setText(now.text.format(keys=keys))

    # --- its place ----------------------------------------------------------------------------------------

    def _buttons(self) -> list[QAbstractButton]:
        """Those that do what the step is about, in tool bars and panels."""
        action, own = self._actions[STEPS[self.step].action], STEPS[self.step].action
        buttons = self._window.findChildren(QAbstractButton)
        return [each for each in buttons if action in each.actions() or each.property(KEYBOARD_ACTION) == own]

    def target(self) -> QWidget | None:
        """The button that the step points at, None where it is not in sight."""
        seen = [each for each in self._buttons() if each.isVisible() and not each.visibleRegion().isEmpty()]
        return max(seen, key=lambda each: each.width() * each.height(), default=None)

    def _place(self) -> None:
        if self.step < 0:
            return
        window, target = self._window, self.target()
        width = max(WIDTH, self._column.minimumSize().width())  # some languages have longer buttons
        size = QSize(width, self._column.totalHeightForWidth(width))
        room = window.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        if target is None:
            at = QPoint(room.center().x() - size.width() // 2, room.bottom() - size.height())
            self._tip = None
        else:
            spot = _spot(target, window)
            at = _beside(spot, size, STEPS[self.step].side, room)
            self._tip = _edge(spot, STEPS[self.step].side) - at
        self.setGeometry(QRect(at, size))
        self._watch([window, *(each for button in self._buttons() for each in _chain(button, window))])
        self.update()

    def _watch(self, widgets: list[QWidget]) -> None:
        for old in self._watched:
            old.removeEventFilter(self)
        self._watched = widgets
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What it points at moved, or the window got an Esc that nothing else wanted."""
        kinds = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide)
        if event.type() in kinds:
            self._soon.start()
        elif watched is self._window and _is_escape(event, QEvent.Type.KeyPress):
            self.end()
            return True
        return False

    def event(self, event: QEvent) -> bool:
        """With the focus here Esc ends the tour, whatever else it would cancel."""
        if _is_escape(event, QEvent.Type.ShortcutOverride):
            event.accept()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A bubble with an arrow."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inset = ARROW + 0.5
        body = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        shape = QPainterPath()
        shape.addRoundedRect(body, RADIUS, RADIUS)
        if self._tip is not None:
            shape = shape.united(_arrow(QPointF(self._tip), body))
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 1.5))
        painter.setBrush(self.palette().color(QPalette.ColorRole.AlternateBase))
        painter.drawPath(shape)


def _is_escape(event: QEvent, kind: QEvent.Type) -> bool:
    return event.type() == kind and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape


def _chain(widget: QWidget | None, window: QWidget) -> Iterator[QWidget]:
    """A widget and, below the window, what it lies in: whatever moves it."""
    while widget is not None and widget is not window:
        yield widget
        widget = widget.parentWidget()


def _spot(target: QWidget, window: QWidget) -> QRect:
    """What is pointed at, in the window: the target, as broad as its panel, which is not to be covered."""
    spot = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
    for panel in _chain(target, window):
        if isinstance(panel, QDockWidget):
            spot.setLeft(panel.mapTo(window, QPoint(0, 0)).x())
            spot.setWidth(panel.width())
    return spot


def _edge(spot: QRect, side: str) -> QPoint:
    """The middle of one side of a rectangle."""
    middle = spot.center()
    edges = {
        "right": QPoint(spot.right() + 1, middle.y()),
        "left": QPoint(spot.left() - 1, middle.y()),
        "below": QPoint(middle.x(), spot.bottom() + 1),
    }
    return edges[side]


def _beside(spot: QRect, size: QSize, side: str, room: QRect) -> QPoint:
    """The upper left corner of a callout of this size, inside `room`."""
    tip = _edge(spot, side)
    corners = {
        "right": QPoint(tip.x(), tip.y() - size.height() // 3),
        "left": QPoint(tip.x() - size.width(), tip.y() - size.height() // 3),
        "below": QPoint(tip.x() - size.width() // 3, tip.y()),
    }
    corner = corners[side]
    x = min(max(corner.x(), room.left()), room.right() - size.width())
    y = min(max(corner.y(), room.top()), room.bottom() - size.height())
    return QPoint(x, y)


def _arrow(tip: QPointF, body: QRectF) -> QPainterPath:
    """From `tip` to the nearest point of the body that has room for its base."""
    reach = RADIUS + ARROW
    x = min(max(tip.x(), body.left() + reach), body.right() - reach)
    y = min(max(tip.y(), body.top() + reach), body.bottom() - reach)
    path = QPainterPath()
    sideways = not body.left() < tip.x() < body.right()
    if sideways:
        edge = body.left() if tip.x() <= body.left() else body.right()
        inside = 1 if edge == body.left() else -1
        corners = [QPointF(edge + inside, y - ARROW), QPointF(edge + inside, y + ARROW)]
    else:
        edge = body.top() if tip.y() <= body.top() else body.bottom()
        inside = 1 if edge == body.top() else -1
        corners = [QPointF(x - ARROW, edge + inside), QPointF(x + ARROW, edge + inside)]
    path.moveTo(tip)
    for corner in corners:
        path.lineTo(corner)
    path.closeSubpath()
    return path
