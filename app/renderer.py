"""The display worker, off the GUI thread: opens clips, decodes and composites, fills the proxy cache."""

from __future__ import annotations

import threading
import traceback
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.compositing import (
    Layer,
    Scene,
    Weighted,
    composite,
    draw_marks,
    draw_skins,
    to_qimage,
    to_weights,
    wiped,
)
from app.thumbnails import ThumbnailWish, cropped
from vosengine.clip import Clip, Proxy, open_clip
from vosengine.errors import EngineError
from vosengine.types import Image

CACHE_BYTES = 256 * 2**20  # decoded frames and display-size mattes kept in memory


class Renderer(QObject):
    """Serves the newest wish of each kind, in the order of `_KINDS`; with none left it fills the proxy cache.

    Signals arrive in the thread that made the renderer; those of a clip left since do not arrive at all.
    """

    opened = Signal(object)  # ClipInfo
    indexed = Signal(int, int)  # done, total frames while a clip is being opened
    failed = Signal(str, str)  # message, traceback ("" for an expected failure)
    rendered = Signal(object, QImage, QImage)  # the Scene, its picture, the bare frame
    full_ready = Signal(int, object)  # frame, Image at full resolution
    thumbnail_ready = Signal(object, QImage)  # the wish's key, its picture
    filled = Signal(int, int)  # proxies stored, frames in all
    _answered = Signal(int, str, tuple)  # clip generation, signal name, its arguments

    _KINDS = ("open", "prepare", "show", "fetch", "thumbnails")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = threading.Condition()  # guards the wishes
        self._wishes: dict[str, Any] = {}
        self._generation = 0
        self._closed = False
        self._answered.connect(self._deliver)
        self._thread = threading.Thread(target=self._work, name="rotoshot-display", daemon=True)
        self._thread.start()

    def open(self, path: Path) -> None:
        """Leave the current clip and open another; answers `opened` or `failed`."""
        self._turn_to(path)

    def leave(self) -> None:
        """Close the current clip."""
        self._turn_to(None)

    def prepare(self, cache_folder: Path) -> None:
        """Keep the opened clip's proxies in `cache_folder` from now on, and fill it when idle."""
        self._wish("prepare", cache_folder)

    def show(self, scene: Scene) -> None:
        """Ask for a picture; answers `rendered` unless a newer scene comes first."""
        self._wish("show", scene)

    def fetch_full(self, frame: int) -> None:
        """Ask for a frame at the clip's own resolution; answers `full_ready`."""
        self._wish("fetch", frame)

    def make_thumbnails(self, wishes: Sequence[ThumbnailWish]) -> None:
        """Ask for small pictures in this order, and no more for those wished before: `thumbnail_ready`."""
        self._wish("thumbnails", tuple(wishes))

    def close(self) -> None:
        """End the worker; waits for the frame it is at."""
        with self._changed:
            self._closed = True
            self._generation += 1
            self._changed.notify()
        self._thread.join()

    def _wish(self, kind: str, what: object) -> None:
        with self._changed:
            self._wishes[kind] = what
            self._changed.notify()

    def _turn_to(self, path: Path | None) -> None:
        with self._changed:
            self._generation += 1
            self._wishes = {"open": (self._generation, path)}
            self._changed.notify()

    def _deliver(self, generation: int, name: str, arguments: tuple[object, ...]) -> None:
        if generation == self._generation:
            getattr(self, name).emit(*arguments)

    # --- the worker's thread ----------------------------------------------------------------------------

    def _work(self) -> None:
        footage: _Footage | None = None
        while (wish := self._next_wish(can_fill=footage is not None and footage.filling)) is not None:
            kind, what = wish
            if kind == "open":
                if footage is not None:
                    footage.close()
                footage = self._opened(*what)
            elif footage is not None:
                self._serve(footage, kind, what)
        if footage is not None:
            footage.close()

    def _next_wish(self, can_fill: bool) -> tuple[str, Any] | None:
        """The wish to serve now; ("fill", None) when there is none; None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._wishes or can_fill)
            if self._closed:
                return None
            kind = next((kind for kind in self._KINDS if kind in self._wishes), "fill")
            wish = self._wishes.pop(kind, None)
            if kind == "thumbnails" and wish[1:]:
                self._wishes[kind] = wish[1:]  # one by one: something more urgent may come in between
            return kind, wish

    def _opened(self, generation: int, path: Path | None) -> _Footage | None:
        if path is None:
            return None

        def report(done: int, total: int) -> None:
            if self._generation != generation:
                raise _AbandonedError
            self._answered.emit(generation, "indexed", (done, total))

        try:
            footage = _Footage(generation, open_clip(path, report))
        except _AbandonedError:
            return None
        except Exception as error:
            self._report(generation, error)
            return None
        self._answered.emit(generation, "opened", (footage.clip.info,))
        return footage

    def _serve(self, footage: _Footage, kind: str, what: Any) -> None:
        try:
            answer = getattr(self, f"_{kind}")(footage, what)
        except Exception as error:  # a damaged frame must not end the worker
            self._report(footage.generation, error)
        else:
            if answer is not None:
                self._answered.emit(footage.generation, *answer)

    def _prepare(self, footage: _Footage, cache_folder: Path) -> None:
        footage.use_cache(cache_folder)

    def _show(self, footage: _Footage, scene: Scene) -> tuple[str, tuple[object, ...]]:
        return "rendered", (scene, *footage.picture(scene))

    def _fetch(self, footage: _Footage, frame: int) -> tuple[str, tuple[object, ...]]:
        return "full_ready", (frame, footage.image(frame, sharp=True))

    def _thumbnails(
        self, footage: _Footage, wishes: tuple[ThumbnailWish, ...]
    ) -> tuple[str, tuple[object, ...]] | None:
        if not wishes:
            return None
        return "thumbnail_ready", (wishes[0].key, footage.thumbnail(wishes[0]))

    def _fill(self, footage: _Footage, _: None) -> tuple[str, tuple[object, ...]]:
        return "filled", (footage.fill_one(), footage.clip.info.frame_count)

    def _report(self, generation: int, error: Exception) -> None:
        expected = isinstance(error, EngineError)
        message = str(error) if expected else f"{type(error).__name__}: {error}"
        trace = "" if expected else "".join(traceback.format_exception(error))
        self._answered.emit(generation, "failed", (message, trace))


class _AbandonedError(Exception):
    """The clip being opened is no longer wanted."""


class _Footage:
    """One opened clip with its proxy and the decoded frames and mattes kept; used by the worker alone."""

    def __init__(self, generation: int, clip: Clip) -> None:
        self.generation = generation
        self.clip = clip
        self.filling = False
        self._proxy: Proxy | None = None
        self._fill: Iterator[int] = iter(())
        self._kept = _ByteBounded(CACHE_BYTES)

    def use_cache(self, folder: Path) -> None:
        """Keep proxies in `folder` and begin to fill it."""
        self._proxy = Proxy(self.clip, folder)
        self._fill = self._proxy.fill()
        self.filling = True

    def picture(self, scene: Scene) -> tuple[QImage, QImage]:
        """The scene's picture and its bare frame."""
        image = self.image(scene.frame, scene.sharp)
        weights = self._weighted(scene.layers, image)
        former: Weighted = ()
        if scene.shows_former:
            former = self._weighted([layer.former for layer in scene.layers if layer.former], image)
        picture = composite(image, scene.view, weights, former, scene.backdrop, scene.look)
        if scene.wipe is not None:
            before = composite(image, scene.view, former, former, scene.backdrop, scene.look)
            picture = wiped(before, picture, scene.wipe)
        if scene.skins:
            picture = draw_skins(picture, self._weighted(scene.skins, image), scene.look)
        if scene.marks is not None:
            picture = draw_marks(picture, scene.marks)
        return to_qimage(picture), to_qimage(image)

    def image(self, frame: int, sharp: bool) -> Image:
        """The frame from the proxy, or as the clip has it."""
        key = ("image", frame, sharp)
        kept = self._kept.get(key)
        if kept is None:
            kept = self.clip.image(frame) if sharp or self._proxy is None else self._proxy.image(frame)
            self._kept.put(key, kept)
        return kept

    def thumbnail(self, wish: ThumbnailWish) -> QImage:
        """The frame round its objects, small; the memory is left to the pictures of the canvas."""
        try:
            image = self.clip.image(wish.frame) if self._proxy is None else self._proxy.image(wish.frame)
        except EngineError:  # a damaged frame: the canvas says so when it is shown
            return QImage()
        loaded = [(layer, layer.load()) for layer in wish.layers]
        height, width = image.shape[:2]
        weights = [(layer, to_weights(m, width, height)) for layer, m in loaded if m is not None]
        return to_qimage(cropped(image, weights, wish.size))

    def _weighted(self, layers: Sequence[Layer], image: Image) -> Weighted:
        """The layers that show anything on the frame, with their weights."""
        height, width = image.shape[:2]
        weights = ((layer, self._weights(layer, width, height)) for layer in layers)
        return [(layer, weight) for layer, weight in weights if weight is not None]

    def _weights(self, layer: Layer, width: int, height: int) -> NDArray[np.uint8] | None:
        key = ("weights", layer.key, width, height)
        kept = self._kept.get(key)
        if kept is None:
            matte = layer.load()
            if matte is None:
                return None
            kept = to_weights(matte, width, height)
            self._kept.put(key, kept)
        return kept

    def fill_one(self) -> int:
        """Store one more proxy; how many frames from the first one on are stored. `filling` tells the end."""
        try:
            return next(self._fill) + 1
        except StopIteration:
            self.filling = False
            return self.clip.info.frame_count
        except EngineError:
            self.filling = False
            raise

    def close(self) -> None:
        self.clip.close()


class _ByteBounded:
    """Arrays by key, the least recently used dropped beyond a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._arrays: OrderedDict[Hashable, NDArray[np.uint8]] = OrderedDict()

    def get(self, key: Hashable) -> NDArray[np.uint8] | None:
        if key in self._arrays:
            self._arrays.move_to_end(key)
        return self._arrays.get(key)

    def put(self, key: Hashable, array: NDArray[np.uint8]) -> None:
        self._arrays[key] = array
        self._size += array.nbytes
        while self._size > self._limit and len(self._arrays) > 1:
            _, dropped = self._arrays.popitem(last=False)
            self._size -= dropped.nbytes
