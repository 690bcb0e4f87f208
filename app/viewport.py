"""Where the clip lies in the viewer: zoom and pan as plain arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace

SMALLEST_SCALE, LARGEST_SCALE = 0.02, 64.0
FIT_MARGIN = 12  # widget units left free round a fitted frame


@dataclass(frozen=True)
class Viewport:
    """Clip pixel (x, y) lies at widget position (left + x * scale, top + y * scale)."""

    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        """Clip pixels to widget units."""
        return self.left + x * self.scale, self.top + y * self.scale

    def to_clip(self, x: float, y: float) -> tuple[float, float]:
        """Widget units to clip pixels."""
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def zoomed(self, factor: float, x: float, y: float) -> Viewport:
        """Scaled by `factor` within the limits, the clip pixel under widget position (x, y) staying there."""
        scale = min(max(self.scale * factor, SMALLEST_SCALE), LARGEST_SCALE)
        clip_x, clip_y = self.to_clip(x, y)
        return Viewport(scale, x - clip_x * scale, y - clip_y * scale)

    def panned(self, dx: float, dy: float) -> Viewport:
        """Moved by widget units."""
        return replace(self, left=self.left + dx, top=self.top + dy)

    def followed(
        self, before: tuple[float, float], now: tuple[float, float], factor: float = 1.0
    ) -> Viewport:
        """Clip pixel `now` put where `before` lay, scaled by `factor` within the limits about it."""
        x, y = self.to_widget(*before)
        scale = min(max(self.scale * factor, SMALLEST_SCALE), LARGEST_SCALE)
        return Viewport(scale, x - now[0] * scale, y - now[1] * scale)

    def kept_in_sight(self, clip: tuple[int, int], widget: tuple[int, int]) -> Viewport:
        """Moved back so that the frame cannot be lost outside the widget (width, height)."""
        left = _kept(self.left, clip[0] * self.scale, widget[0])
        top = _kept(self.top, clip[1] * self.scale, widget[1])
        return replace(self, left=left, top=top)


def _kept(start: float, length: float, room: float) -> float:
    sight = min(60.0, length)  # at least this much stays visible
    return min(max(start, sight - length), room - sight)


def fitted(clip: tuple[int, int], widget: tuple[int, int]) -> Viewport:
    """The whole frame (width, height), centred, as large as the widget allows."""
    room = [max(side - 2 * FIT_MARGIN, 1) for side in widget]
    scale = min(max(min(room[0] / clip[0], room[1] / clip[1]), SMALLEST_SCALE), LARGEST_SCALE)
    return centred(clip, widget, scale)


def centred(clip: tuple[int, int], widget: tuple[int, int], scale: float) -> Viewport:
    """The frame's centre in the widget's centre at `scale`."""
    return Viewport(scale, (widget[0] - clip[0] * scale) / 2, (widget[1] - clip[1] * scale) / 2)
