"""A disk-backed copy of a clip at working resolution, so that stepping through it is instant.

One file a frame: a JPEG (quality 95, full-resolution chroma) followed by the CRC-32 of its bytes, which
JPEG readers ignore. A file that does not check is made again.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import platformdirs

from vosengine.clip.clip import Clip
from vosengine.errors import ClipError
from vosengine.language import tr
from vosengine.types import Image

_QUALITY = [
    cv2.IMWRITE_JPEG_QUALITY,
    95,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]
_REDUCED = cv2.IMREAD_REDUCED_COLOR_4  # decoded at a quarter of the size, three times as fast
_KEPT_BYTES = 48 << 20  # about 40 frames of 854 x 480
_CRC_BYTES = 4
_FORMAT = 1  # part of the folder's name; counts up when the pictures would come out differently
_SOURCE = "source.txt"


class Proxy:
    """The clip's frames at working resolution, from disk where they have been made before.

    `width` and `height` keep the clip's shape with the longer side at most `side`; never enlarged. Any
    thread may call. Proxies live in a folder named after the clip's fingerprint, so they survive restarts
    and are made anew when the source changes; those of the source's earlier content are deleted.
    """

    def __init__(self, clip: Clip, cache_folder: Path | None = None, side: int = 854) -> None:
        """`cache_folder` None means the user's cache folder. Raises ClipError when it cannot be made."""
        scale = min(1.0, side / max(clip.info.width, clip.info.height))
        self.width = max(round(clip.info.width * scale), 1)
        self.height = max(round(clip.info.height * scale), 1)
        self._clip = clip
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Image] = OrderedDict()
        root = cache_folder or platformdirs.user_cache_path("rotoshot", appauthor=False) / "proxies"
        self._folder = root / f"{clip.info.fingerprint}-{side}-{_FORMAT}"
        try:
            _prepare(self._folder, clip.info.path)
        except OSError as error:
            raise _unwritable(root, error) from error

    def image(self, frame: int) -> Image:
        """The frame, uint8 RGB (self.height, self.width, 3); made and stored when it was not yet.

        Raises ClipError when the clip cannot be decoded there. A cache that cannot be written only costs
        time.
        """
        picture = self._from_memory(frame)
        if picture is None:
            picture = self._from_disk(frame)
        if picture is None:
            coded = _encoded(self._made(frame))
            with contextlib.suppress(OSError):  # a full or read-only disk: the picture is still good
                self._store(frame, coded)
            picture = _decoded(coded)
        self._remember(frame, picture)
        return picture.copy()

    def small(self, frame: int, width: int, height: int) -> Image | None:
        """The frame at a small size, uint8 RGB (height, width, 3); None while its proxy is not on disk."""
        picture = self._from_disk(frame, _REDUCED if 4 * width <= self.width else cv2.IMREAD_COLOR)
        if picture is None:
            return None
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)

    def fill(self) -> Iterator[int]:
        """Make all missing proxies in order; yields each frame just made and may be stopped between two.

        Raises ClipError when the cache cannot be written.
        """
        for frame in self._clip.info.span:
            if self.has(frame):
                continue
            try:
                self._store(frame, _encoded(self._made(frame)))
            except OSError as error:
                raise _unwritable(self._folder.parent, error) from error
            yield frame

    def has(self, frame: int) -> bool:
        """Whether the frame's proxy is on disk."""
        return self._file(frame).is_file()

    def _file(self, frame: int) -> Path:
        return self._folder / f"{frame:07d}.jpg"

    def _made(self, frame: int) -> Image:
        picture = self._clip.image(frame)
        if picture.shape[:2] == (self.height, self.width):
            return picture
        return np.asarray(
            cv2.resize(picture, (self.width, self.height), interpolation=cv2.INTER_AREA), np.uint8
        )

    def _from_memory(self, frame: int) -> Image | None:
        with self._lock:
            return self._kept.get(frame)

    def _from_disk(self, frame: int, flags: int = cv2.IMREAD_COLOR) -> Image | None:
        try:
            stored = self._file(frame).read_bytes()
        except OSError:
            return None
        coded, check = stored[:-_CRC_BYTES], stored[-_CRC_BYTES:]
        if zlib.crc32(coded).to_bytes(_CRC_BYTES, "big") != check:
            return None
        return _decoded(coded, flags)

    def _store(self, frame: int, coded: bytes) -> None:
        """Write beside and move into place, so that no reader ever meets half a file."""
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
            file.write(coded + zlib.crc32(coded).to_bytes(_CRC_BYTES, "big"))
        try:
            Path(file.name).replace(self._file(frame))
        except PermissionError:
            Path(file.name).unlink(missing_ok=True)  # Windows: another thread is reading the same proxy

    def _remember(self, frame: int, picture: Image) -> None:
        with self._lock:
            self._kept[frame] = picture
            self._kept.move_to_end(frame)
            while len(self._kept) > max(_KEPT_BYTES // picture.nbytes, 1):
                self._kept.popitem(last=False)


def _encoded(picture: Image) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _QUALITY)[1].tobytes()


def _decoded(coded: bytes, flags: int = cv2.IMREAD_COLOR) -> Image:
    picture = np.asarray(cv2.imdecode(np.frombuffer(coded, np.uint8), flags), np.uint8)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _prepare(folder: Path, source: Path) -> None:
    """Make the folder, note whose proxies it holds, and delete those of the source's earlier content."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _SOURCE).write_text(str(source.resolve()), encoding="utf-8")
    fingerprint = folder.name.split("-")[0]
    for note in folder.parent.glob(f"*/{_SOURCE}"):
        is_same_source = note.read_text(encoding="utf-8", errors="replace") == str(source.resolve())
        if is_same_source and not note.parent.name.startswith(fingerprint):
            shutil.rmtree(note.parent, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> ClipError:
    return ClipError(
        tr("The cache in {folder} cannot be written ({reason}); free space or choose another.").format(
            folder=folder, reason=error.strerror
        )
    )
