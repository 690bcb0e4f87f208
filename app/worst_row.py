"""How one of the worst frames looks in the list."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app import theme
from app.findings import SUSPICIOUS_BELOW
from app.language import tr

THUMBNAIL = QSize(96, 54)  # widget units
GAP = 6
ROW = QSize(THUMBNAIL.width() + 134, 74)  # beside the thumbnail four lines of words
OUT_OF_DATE = tr("out of date")


@dataclass(frozen=True)
class Row:
    """`number`: the frame's own; `quality`: the estimated J; `thumbnail`: None while it is being made."""

    number: int
    quality: float
    name: str
    colour: QColor
    reason: str
    stale: bool
    thumbnail: QImage | None

    @property
    def words(self) -> str:
        """For tooltips and screen readers."""
        parts = [
            tr("Frame {number}").format(number=self.number),
            self.name,
            tr("estimated J {quality:.2f}").format(quality=self.quality),
            self.reason,
            OUT_OF_DATE if self.stale else "",
        ]
        return ", ".join(part for part in parts if part)

    @property
    def remark(self) -> str:
        """The most important of it: that the estimate counts no more, else its reason, else whose it is."""
        remark = OUT_OF_DATE if self.stale else self.reason or self.name
        return remark[:1].upper() + remark[1:]


class RowPainter(QStyledItemDelegate):
    """Paints `Row`s."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """All rows alike."""
        return ROW

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Thumbnail on the left, words on the right."""
        row = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(row, Row):
            return
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(theme.colours().raised))
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), QColor(theme.colours().accent))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(theme.colours().panel))
        above = (rect.height() - THUMBNAIL.height()) // 2
        picture = QRect(rect.topLeft() + QPoint(GAP, above), THUMBNAIL)
        if row.thumbnail is None:
            painter.fillRect(picture, QColor(theme.colours().canvas))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(picture, row.thumbnail)
        text = rect.adjusted(THUMBNAIL.width() + 2 * GAP + 2, GAP - 1, -GAP, 0)
        _draw_words(painter, QRectF(text), row)
        painter.restore()


def _draw_words(painter: QPainter, text: QRectF, row: Row) -> None:
    plain, bold = QFont(painter.font()), QFont(painter.font())
    bold.setWeight(QFont.Weight.DemiBold)
    line = painter.fontMetrics().height()
    left, top = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignTop
    painter.setFont(bold)
    painter.setPen(QColor(theme.colours().text))
    painter.drawText(text, left | top, str(row.number))
    painter.setFont(plain)
    _draw_estimate(painter, QRectF(text.right() - 42, text.top(), 42, line + 1), row)
    painter.fillRect(QRectF(text.left(), text.top() + line + 5, 3, line - 4), row.colour)
    below = text.adjusted(9, line + 2, 0, 0)
    painter.setPen(QColor(theme.colours().muted))
    painter.drawText(below, left | top | Qt.TextFlag.TextWordWrap, row.remark)


def _draw_estimate(painter: QPainter, rect: QRectF, row: Row) -> None:
    """The estimated J, the louder the worse."""
    suspicious = row.quality < SUSPICIOUS_BELOW
    filled = suspicious and not row.stale
    colour = QColor(theme.colours().warning if suspicious else theme.colours().muted)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(colour if filled else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    painter.setPen(QColor(theme.colours().accent_text) if filled else colour)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, f"{row.quality:.2f}")
