"""Where frames lie along a widget: zoom and scroll as plain arithmetic. No Qt."""

from __future__ import annotations

from app.columns import Columns

WIDEST_FRAME = 48.0  # widget units


class TimeAxis:
    """Frame 0's left edge lies at `origin` when nothing is scrolled.

    frame_count: of the clip. room: widget units for frames. scale: widget units a frame. left: the first
    visible frame, fractional.
    """

    def __init__(self, origin: float) -> None:
        self.origin = origin
        self.frame_count = 0
        self.room = 1.0
        self.scale = 1.0
        self.left = 0.0

    @property
    def smallest_scale(self) -> float:
        """The whole clip in the room there is."""
        return min(self.room / max(self.frame_count, 1), WIDEST_FRAME)

    @property
    def is_fitted(self) -> bool:
        """Whether the whole clip is visible."""
        return self.scale * self.frame_count <= self.room + 1

    @property
    def shown(self) -> float:
        """Visible frames, fractional."""
        return self.room / self.scale

    @property
    def visible(self) -> range:
        """The frames of which something is visible."""
        first = max(int(self.left), 0)
        return range(first, min(int(self.left + self.shown) + 2, self.frame_count))

    @property
    def columns(self) -> Columns:
        """The visible frames by pixel columns."""
        return Columns.of(self.frame_count, self.left, self.scale, self.origin, self.room)

    def show_all(self) -> None:
        """Fit the whole clip."""
        self.scale, self.left = self.smallest_scale, 0.0

    def resize(self, room: float) -> None:
        """Stay fitted, or keep the left frame."""
        fitted = self.is_fitted
        self.room = max(room, 1.0)
        if fitted or self.scale < self.smallest_scale:
            self.show_all()
        else:
            self.scroll_to(self.left)

    def zoom(self, factor: float, x: float) -> None:
        """Zoom about a widget position."""
        frame = self.left + (x - self.origin) / self.scale
        self.scale = min(max(self.scale * factor, self.smallest_scale), WIDEST_FRAME)
        self.scroll_to(frame - (x - self.origin) / self.scale)

    def scroll_to(self, left: float) -> None:
        """Begin at a frame, as far as the clip allows."""
        self.left = min(max(left, 0.0), max(self.frame_count - self.shown, 0.0))

    def follow(self, frame: int) -> bool:
        """Bring a frame into view; whether that moved anything."""
        if self.left <= frame <= self.left + self.shown - 1:
            return False
        before = self.left
        self.scroll_to(frame - self.shown / 2)
        return self.left != before

    def place(self, frame: float) -> float:
        """Widget position of a frame's left edge, wherever that is."""
        return self.origin + (frame - self.left) * self.scale

    def edge(self, frame: float) -> float:
        """Widget position of a frame's left edge, kept within the room."""
        return min(max(self.place(frame), self.origin), self.origin + self.room)

    def middle(self, frame: int) -> float:
        """Widget position of a frame's middle, wherever that is."""
        return self.place(frame + 0.5)

    def frame_at(self, x: float) -> int:
        """The frame at a widget position, within the clip."""
        frame = int((x - self.origin) / self.scale + self.left)
        return min(max(frame, 0), max(self.frame_count - 1, 0))
