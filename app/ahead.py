"""Pictures of the coming frames, made while nothing else is to be done, so that they play at their rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject

from app.compositing import Scene
from app.renderer import Renderer
from vosengine.types import Span

MOST = 75  # frames: what the renderer keeps without dropping the first again


class Ahead(QObject):
    """One picture is asked for at a time; `scene_of` a frame says what is to be kept, None for nothing."""

    def __init__(self, renderer: Renderer, scene_of: Callable[[int], Scene | None], parent: QObject) -> None:
        super().__init__(parent)
        self._renderer, self._scene_of = renderer, scene_of
        self._frames: Iterator[int] = iter(())
        renderer.made_ahead.connect(self._ask)

    def start(self, frame: int, span: Span) -> None:
        """Begin after `frame`, go on to the out point and then from the in point."""
        frames = [*range(frame + 1, span.stop), *range(span.start, frame)]
        self._frames = iter(frames[:MOST])
        self._ask()

    def stop(self) -> None:
        """Something else is to be shown."""
        self._frames = iter(())

    def _ask(self) -> None:
        scene = next((found for frame in self._frames if (found := self._scene_of(frame))), None)
        if scene is not None:
            self._renderer.make_ahead(scene)
