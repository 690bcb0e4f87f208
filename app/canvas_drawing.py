"""What the canvas draws over the picture: the stroke under the pen, boxes, outlines, the brush, the grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QPolygonF, QTransform

from app import theme
from app.live_stroke import LiveLook, stroke_brush
from app.pen import PenStroke
from app.tools import Point, Rect
from app.viewport import Viewport
from vosengine.types import Box

GRID_FROM = 12.0  # screen pixels a clip pixel from which on its borders are drawn
SMOOTH_BELOW = 3.0  # image pixels larger than this many screen pixels are shown as squares
HALO, GRID = QColor(0, 0, 0, 160), QColor(128, 128, 128, 90)
APART = 2.5  # widget units between two points of an outline's line
HANDLE = 4.0  # half the side of an outline's start, widget units


class Blit:
    """The picture as it lies in the widget, kept until picture, viewport or size change."""

    def __init__(self) -> None:
        self._pixmap = QPixmap()
        self._key: tuple[object, ...] = ()

    def scaled(
        self, picture: QImage, viewport: Viewport, clip: tuple[int, int], size: QSize, ratio: float
    ) -> QPixmap:
        """A pixmap of the widget's `size` and pixel ratio."""
        ground = theme.colours().canvas
        key = (picture.cacheKey(), viewport, size.toTuple(), ratio, ground)
        if key != self._key:
            blit = QPixmap(size * ratio)
            blit.setDevicePixelRatio(ratio)
            blit.fill(QColor(ground))
            width, height = (side * viewport.scale for side in clip)
            painter = QPainter(blit)
            smooth = width * ratio < picture.width() * SMOOTH_BELOW
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            target = QRectF(viewport.left, viewport.top, width, height)
            painter.drawImage(target, _shrunk(picture, width * ratio))
            painter.end()
            self._pixmap, self._key = blit, key
        return self._pixmap


def _shrunk(picture: QImage, width: float) -> QImage:
    """The picture averaged down when it is shown much smaller, where bilinear sampling would shimmer."""
    if width > picture.width() / 2:
        return picture
    return picture.scaledToWidth(max(round(width), 1), Qt.TransformationMode.SmoothTransformation)


def widget_rect(viewport: Viewport, rect: Rect, margin: float = 2.0) -> QRect:
    """Where clip pixels lie in the widget, with a margin for soft drawing."""
    left, top = viewport.to_widget(rect.left, rect.top)
    right, bottom = viewport.to_widget(rect.right, rect.bottom)
    size = QSizeF(right - left + 2 * margin, bottom - top + 2 * margin)
    return QRectF(QPointF(left - margin, top - margin), size).toAlignedRect()


def brush_rect(at: QPointF, radius: float) -> QRect:
    """What the brush's circle covers, `radius` in widget units."""
    reach = max(radius, 1.5) + 3
    return QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach).toAlignedRect()


def draw_stroke(
    painter: QPainter,
    viewport: Viewport,
    stroke: PenStroke,
    look: LiveLook,
    bare: QImage,
    exposed: QRect,
    ratio: float,
) -> None:
    """The look of what the stroke covers, as far as `exposed` (widget units) reaches."""
    height, width = stroke.coverage.shape
    area = exposed.intersected(widget_rect(viewport, stroke.rect))
    if area.isEmpty():
        return
    layer = QImage(area.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    layer.setDevicePixelRatio(ratio)
    layer.fill(Qt.GlobalColor.transparent)
    shown = QRectF(*viewport.to_clip(area.left(), area.top()), area.width() / viewport.scale,
                   area.height() / viewport.scale)  # fmt: skip
    part = shown.intersected(QRectF(0, 0, width, height)).toAlignedRect()
    part = part.intersected(QRect(0, 0, width, height))
    padded = stroke.padded
    coverage = QImage(padded.data, width, height, padded.strides[0], QImage.Format.Format_Alpha8)
    inner = QPainter(layer)
    inner.setTransform(QTransform(viewport.scale, 0, 0, viewport.scale,
                                  viewport.left - area.left(), viewport.top - area.top()))  # fmt: skip
    inner.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, viewport.scale * ratio < SMOOTH_BELOW)
    for brush in stroke_brush(look, bare, (width, height)):
        inner.fillRect(part, brush)
    inner.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    inner.drawImage(QRectF(part), coverage, QRectF(part))
    inner.end()
    painter.drawImage(area.topLeft(), layer)


def draw_boxes(painter: QPainter, viewport: Viewport, boxes: Sequence[tuple[Box, QColor]]) -> None:
    """Dashed rectangles, in their colours."""
    for box, colour in boxes:
        left, top = viewport.to_widget(box.x, box.y)
        rect = QRectF(left, top, box.width * viewport.scale, box.height * viewport.scale)
        painter.setPen(QPen(HALO, 3))
        painter.drawRect(rect)
        painter.setPen(QPen(colour, 1.5, Qt.PenStyle.DashLine))
        painter.drawRect(rect)


def draw_outline(painter: QPainter, viewport: Viewport, path: Sequence[Point], subtracts: bool) -> None:
    """The line of an outline so far, with a handle where it began, and how it would close."""
    if not path:
        return
    points = _thinned([viewport.to_widget(*point) for point in path])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    colour = QColor(theme.DANGER_ON_PICTURE if subtracts else "white")
    for pen in (QPen(HALO, 3.5), QPen(colour, 1.5)):
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points))
    painter.setPen(QPen(colour, 0.8, Qt.PenStyle.DotLine))
    painter.drawLine(points[-1], points[0])
    painter.setPen(QPen(HALO, 1))
    painter.setBrush(colour)
    start = points[0]
    painter.drawRect(QRectF(start.x() - HANDLE, start.y() - HANDLE, 2 * HANDLE, 2 * HANDLE))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _thinned(places: list[Point]) -> list[QPointF]:
    """A line with no more points than can be told apart: long ones would take their time at each move."""
    kept = places[:1]
    for place in places[1:-1]:
        if math.dist(place, kept[-1]) >= APART:
            kept.append(place)
    return [QPointF(*place) for place in kept + places[-1:]]


def draw_brush(painter: QPainter, at: QPointF, radius: float, softness: float) -> None:
    """The brush at its true size, `radius` in widget units, and where its hard part ends."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    radius = max(radius, 1.5)
    rings = [(radius, 255)] + ([(radius * (1 - softness), 130)] if softness > 0 and radius > 6 else [])
    for ring, strength in rings:
        for colour, width in (
            (QColor(0, 0, 0, strength * 150 // 255), 3.0),
            (QColor(255, 255, 255, strength * 230 // 255), 1.2),
        ):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(at, ring, ring)


def draw_grid(painter: QPainter, viewport: Viewport, size: tuple[int, int], exposed: QRect) -> None:
    """The borders between clip pixels, where `exposed` shows the clip."""
    left, top = viewport.to_clip(exposed.left(), exposed.top())
    right, bottom = viewport.to_clip(exposed.right() + 1, exposed.bottom() + 1)
    columns = range(max(math.floor(left), 0), min(math.ceil(right), size[0]) + 1)
    rows = range(max(math.floor(top), 0), min(math.ceil(bottom), size[1]) + 1)
    if not columns or not rows:
        return
    painter.setPen(QPen(GRID, 0))
    for column in columns:
        ends = viewport.to_widget(column, rows[0]), viewport.to_widget(column, rows[-1])
        painter.drawLine(QPointF(*ends[0]), QPointF(*ends[1]))
    for row in rows:
        ends = viewport.to_widget(columns[0], row), viewport.to_widget(columns[-1], row)
        painter.drawLine(QPointF(*ends[0]), QPointF(*ends[1]))
