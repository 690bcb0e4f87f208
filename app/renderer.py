"""The display worker, off the GUI thread: opens clips, decodes and composites, fills the proxy cache."""

from __future__ import annotations

import logging
import threading
import traceback
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.compositing import (
    CUT_OUT,
    Layer,
    Scene,
    View,
    Weighted,
    composite,
    draw_marks,
    draw_skins,
    to_qimage,
    to_weights,
    wiped,
)
from app.effects import Picture
from app.finished_weights import finished_weights, straight, takes_colour_out
from app.thumbnails import ThumbnailWish, cropped
from app.weight_memory import WeightMemory
from vosengine.bounded import Bounded, array_bytes
from vosengine.clip import Clip, Proxy, open_clip
from vosengine.errors import EngineError
from vosengine.finish import Motions
from vosengine.types import Image

Pictures = Bounded[NDArray[np.uint8]]

READERS = 3  # mattes of several objects that are read side by side
CACHE_BYTES = 256 * 2**20  # decoded frames and full-size mattes kept in memory

_log = logging.getLogger(__name__)


class Renderer(QObject):
    """Serves the newest wish of each kind, in the order of `_KINDS`; with none left it fills the proxy cache.

    Signals arrive in the thread that made the renderer; those of a clip left since do not arrive at all.
    """

    opened = Signal(object)  # ClipInfo
    indexed = Signal(int, int)  # done, total frames while a clip is being opened
    failed = Signal(str, str)  # message, traceback ("" for an expected failure)
    rendered = Signal(object, QImage, QImage)  # the Scene, its picture, the bare frame
    full_ready = Signal(int, object)  # frame, Image at full resolution
    full_failed = Signal(int)  # a frame that cannot be read; `failed` says why
    thumbnail_ready = Signal(object, QImage)  # the wish's key, its picture
    strip_ready = Signal(int, QImage)  # frame, its picture
    read = Signal()  # all that was to be read ahead
    filled = Signal(int, int)  # proxies stored, frames in all
    _answered = Signal(int, str, tuple)  # clip generation, signal name, its arguments

    _KINDS = ("open", "prepare", "show", "fetch", "thumbnails", "strip")
    _ONE_BY_ONE = ("thumbnails", "strip", "ahead")  # something more urgent may come in between

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
        """Ask for a frame at the clip's own resolution; answers `full_ready` or `full_failed`."""
        self._wish("fetch", frame)

    def make_thumbnails(self, wishes: Sequence[ThumbnailWish]) -> None:
        """Ask for small pictures in this order, and no more for those wished before: `thumbnail_ready`."""
        self._wish("thumbnails", tuple(wishes))

    def make_strip(self, frames: Sequence[int], size: tuple[int, int]) -> None:
        """Ask for small pictures (width, height) of bare frames, and no more for those wished before.

        Answers `strip_ready` for those whose proxies are there: none is decoded from the clip for it.
        """
        self._wish("strip", tuple((frame, size) for frame in frames))

    def read_ahead(self, layers: Sequence[Layer]) -> None:
        """Read mattes that will be shown, once there is nothing else to do; answers `read` in the end."""
        self._wish("ahead", tuple(layers))

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
            kinds = self._KINDS if can_fill else (*self._KINDS, "ahead")
            kind = next((kind for kind in kinds if kind in self._wishes), "fill")
            wish = self._wishes.pop(kind, None)
            if kind in self._ONE_BY_ONE and wish[1:]:
                self._wishes[kind] = wish[1:]
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
            if kind == "fetch":
                self._answered.emit(footage.generation, "full_failed", (what,))
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

    def _strip(
        self, footage: _Footage, wishes: tuple[tuple[int, tuple[int, int]], ...]
    ) -> tuple[str, tuple[object, ...]] | None:
        picture = footage.small(*wishes[0]) if wishes else None
        return None if picture is None else ("strip_ready", (wishes[0][0], picture))

    def _ahead(self, footage: _Footage, layers: tuple[Layer, ...]) -> tuple[str, tuple[object, ...]] | None:
        try:
            if layers:
                footage.read(layers[0])
        except Exception:  # of no concern until the frame is shown, which says so
            _log.warning("A matte could not be read ahead", exc_info=True)
        return ("read", ()) if len(layers) == 1 else None

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
        self._kept: Pictures = Bounded(CACHE_BYTES, array_bytes)
        self._motions = Motions(lambda frame: self.image(frame, sharp=False), clip.info)
        self._mattes = WeightMemory()
        self._readers = ThreadPoolExecutor(READERS, "rotoshot-mattes")

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
        filling = self._filling(scene.picture, image) if scene.view is View.PICTURE else None
        grounds = scene.backdrop, filling, scene.look
        picture = composite(self._ground(image, scene, weights), scene.view, weights, former, *grounds)
        if scene.wipe is not None:
            before = composite(self._ground(image, scene, former), scene.view, former, former, *grounds)
            picture = wiped(before, picture, scene.wipe)
        if scene.skins:
            picture = draw_skins(picture, self._weighted(scene.skins, image), scene.look)
        if scene.marks is not None:
            picture = draw_marks(picture, scene.marks)
        return to_qimage(picture), to_qimage(image)

    def _ground(self, image: Image, scene: Scene, weights: Weighted) -> Image:
        """The frame to composite: without the background's colour in what the view cuts out."""
        if scene.view not in CUT_OUT or not any(takes_colour_out(layer) for layer, _ in weights):
            return image
        shown = tuple((layer.key, layer.finish and layer.finish.key) for layer, _ in weights)
        key = ("straight", scene.frame, scene.sharp, shown)
        kept = self._kept.get(key)
        if kept is None:
            kept = straight(image, weights)
            self._kept.put(key, kept)
        return kept

    def image(self, frame: int, sharp: bool) -> Image:
        """The frame from the proxy, or as the clip has it."""
        key = ("image", frame, sharp)
        kept = self._kept.get(key)
        if kept is None:
            kept = self.clip.image(frame) if sharp or self._proxy is None else self._proxy.image(frame)
            self._kept.put(key, kept)
        return kept

    def thumbnail(self, wish: ThumbnailWish) -> QImage:
        """The frame round its objects, small; the memory for frames is left to the pictures of the canvas."""
        try:
            image = self.clip.image(wish.frame) if self._proxy is None else self._proxy.image(wish.frame)
        except EngineError:  # a damaged frame: the canvas says so when it is shown
            return QImage()
        return to_qimage(cropped(image, self._weighted(wish.layers, image), wish.size))

    def small(self, frame: int, size: tuple[int, int]) -> QImage | None:
        """The bare frame at this size; None while it has no proxy."""
        image = self._proxy.small(frame, *size) if self._proxy is not None else None
        return None if image is None else to_qimage(image)

    def read(self, layer: Layer) -> None:
        """Have a layer's matte in memory at the proxy's size."""
        if self._proxy is not None:
            self._weights((layer,), self._proxy.width, self._proxy.height)

    def _filling(self, picture: Picture | None, image: Image) -> Image | None:
        """The user's picture at the size of the frame."""
        if picture is None:
            return None
        height, width = image.shape[:2]
        key = ("filling", weakref.ref(picture), width, height)  # a picture taken back is not kept alive
        kept = self._kept.get(key)
        if kept is None:
            kept = picture.filling(width, height)
            self._kept.put(key, kept)
        return kept

    def _weighted(self, layers: Sequence[Layer], image: Image) -> Weighted:
        """The layers that show anything on the frame, with their weights."""
        height, width = image.shape[:2]
        weights = self._weights(layers, width, height)
        return [(layer, weight) for layer, weight in zip(layers, weights, strict=True) if weight is not None]

    def _weights(self, layers: Sequence[Layer], width: int, height: int) -> list[NDArray[np.uint8] | None]:
        """What the layers show: their mattes, finished where they have a finish."""
        raw = self._raw_weights(layers, width, height)
        pairs = zip(layers, raw, strict=True)
        return [None if weight is None else self._finished(layer, weight) for layer, weight in pairs]

    def _finished(self, layer: Layer, raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
        finish = layer.finish
        if finish is None or finish.controls.is_neutral:
            return raw
        height, width = raw.shape
        key = ("finished", layer.key, finish.key, width, height)
        memory = self._memory_of(width, height)
        kept = memory.get(key)
        if kept is None:
            layers, scale = dict(finish.neighbours), width / self.clip.info.width

            def neighbour(offset: int) -> NDArray[np.uint8] | None:
                return self._raw_weights([layers[offset]], width, height)[0] if offset in layers else None

            kept = finished_weights(raw, finish, scale, neighbour, self._motions)
            memory.put(key, kept)
        return kept

    def _raw_weights(
        self, layers: Sequence[Layer], width: int, height: int
    ) -> list[NDArray[np.uint8] | None]:
        """From memory; those that are not there are read side by side."""
        memory = self._memory_of(width, height)
        keys = [("weights", layer.key, width, height) for layer in layers]
        found = [memory.get(key) for key in keys]
        missing = [place for place, weight in enumerate(found) if weight is None]
        several = self._readers.map if len(missing) > 1 else map
        read = several(partial(_read, width, height), [layers[place] for place in missing])
        for place, weight in zip(missing, read, strict=True):
            found[place] = weight
            if weight is not None:
                memory.put(keys[place], weight)
        return found

    def _memory_of(self, width: int, height: int) -> WeightMemory | Pictures:
        """Where weights of this size are kept."""
        proxy = self._proxy
        is_proxy = proxy is not None and (width, height) == (proxy.width, proxy.height)
        return self._mattes if is_proxy else self._kept

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
        self._readers.shutdown()
        self.clip.close()


def _read(width: int, height: int, layer: Layer) -> NDArray[np.uint8] | None:
    """A layer's weights at display size; None where it shows nothing."""
    matte = layer.load()
    return None if matte is None else to_weights(matte, width, height)
