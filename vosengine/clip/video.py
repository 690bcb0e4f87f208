"""Frames by number from a video file."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.error import FFmpegError
from numpy.typing import NDArray

from vosengine.clip.clip import Clip
from vosengine.clip.colour import alpha16, picture_check, rgb8, rgb16
from vosengine.clip.decoder import Decoder, frame_key
from vosengine.clip.fingerprint import file_fingerprint
from vosengine.clip.index import Index
from vosengine.errors import ClipError
from vosengine.language import tr
from vosengine.types import Image, Matte

_CURSORS = 2  # one that plays on, one that jumps
_KEPT_BYTES = 64 << 20  # decoded pictures kept: stepping back a frame or two costs nothing
_NEAR_FRAMES = 8  # decoding on this far is not dearer than seeking
_IDLE_AFTER = 16  # pictures fetched elsewhere: then a cursor no longer plays on


class VideoClip(Clip):
    """Footage in one file that ffmpeg decodes."""

    def __init__(self, path: Path, index: Index) -> None:
        super().__init__(index.info)
        self._index = index
        self._lock = threading.Lock()
        self._cursors: list[_Cursor] = []
        self._fetches = 0
        self._kept = _KeptFrames(_KEPT_BYTES)
        self._path = path
        self._closed = False

    def image(self, frame: int) -> Image:
        """See `Clip.image`."""
        with self._lock:
            return self._index.orientation.applied(rgb8(self._decoded(frame)))

    def image16(self, frame: int) -> NDArray[np.uint16]:
        """See `Clip.image16`."""
        with self._lock:
            return self._index.orientation.applied(rgb16(self._decoded(frame)))

    def alpha(self, frame: int) -> Matte | None:
        """See `Clip.alpha`."""
        with self._lock:
            matte = alpha16(self._decoded(frame))
            return None if matte is None else self._index.orientation.applied(matte)

    def close(self) -> None:
        """See `Clip.close`."""
        with self._lock:
            self._closed = True
            for cursor in self._cursors:
                cursor.close()
            self._cursors.clear()
            self._kept.clear()

    def _decoded(self, frame: int) -> VideoFrame:
        self._require(frame)
        if self._closed:
            raise ClipError(tr("{name} has been closed; open it again.").format(name=self._path.name))
        picture = self._kept.get(frame)
        if picture is None:
            try:
                picture = self._cursor_for(frame).fetch(frame)
            except (FFmpegError, OSError) as error:
                raise ClipError(
                    tr("{name} cannot be read any more; put it back or open it again.").format(
                        name=self._path.name
                    )
                ) from error
        return picture

    def _cursor_for(self, frame: int) -> _Cursor:
        """The cursor nearest before the frame, else a new one, else an idle one or the one that jumps more.

        So a cache being filled in order keeps its place while somebody scrubs.
        """
        self._fetches += 1
        reaching = [cursor for cursor in self._cursors if cursor.reaches(frame)]
        if reaching:
            chosen = max(reaching, key=lambda cursor: cursor.next_frame)
        elif len(self._cursors) < _CURSORS:
            chosen = _Cursor(self._path, self._index, self._kept)
            self._cursors.append(chosen)
        else:
            awake = self._fetches - _IDLE_AFTER
            chosen = min(self._cursors, key=lambda cursor: (cursor.last_fetch > awake, cursor.in_order))
        chosen.last_fetch = self._fetches
        return chosen


class _KeptFrames:
    """The pictures decoded last, bounded in bytes (always room for one)."""

    def __init__(self, capacity: int) -> None:
        self._frames: OrderedDict[int, VideoFrame] = OrderedDict()
        self._capacity = capacity

    def get(self, frame: int) -> VideoFrame | None:
        if frame in self._frames:
            self._frames.move_to_end(frame)
        return self._frames.get(frame)

    def put(self, frame: int, picture: VideoFrame) -> None:
        size = max(sum(plane.buffer_size for plane in picture.planes), 1)
        self._frames[frame] = picture
        self._frames.move_to_end(frame)
        while len(self._frames) > max(self._capacity // size, 1):
            self._frames.popitem(last=False)

    def clear(self) -> None:
        self._frames.clear()


class _Cursor:
    """A decoder that knows which frame comes next.

    `next_frame` comes next; `in_order` counts the frames fetched since it last jumped; `last_fetch` numbers
    the clip's fetch that it served last.
    """

    def __init__(self, path: Path, index: Index, kept: _KeptFrames) -> None:
        self._path = path
        self._index = index
        self._kept = kept
        self._number_of = {key: number for number, key in enumerate(index.keys)}
        self._detours: dict[int, int] = {}
        # Beyond damage several threads lose sound frames; there the clip ends, and one thread gets them all.
        self._decoder = Decoder(path, threads=1 if index.info.damage else 0)
        self._pictures = self._decoder.frames()
        self._from_start = True
        self.next_frame = 0
        self.in_order = 0
        self.last_fetch = 0

    def close(self) -> None:
        self._decoder.close()

    def reaches(self, frame: int) -> bool:
        """Whether decoding on is the shortest way to the frame."""
        if not self._index.keys:
            return self.next_frame <= frame
        if not self.next_frame <= frame:
            return False
        entry = bisect_right(self._index.entries, self._index.keys[frame]) - 1
        no_keyframe_between = entry < 0 or self._index.entries[entry] <= self._index.keys[self.next_frame]
        return no_keyframe_between or frame <= self.next_frame + _NEAR_FRAMES

    def fetch(self, frame: int) -> VideoFrame:
        """The frame, bit-identical to decoding in order; ClipError when the file changed meanwhile."""
        if self.reaches(frame):
            self.in_order += 1
            picture = self._advance(frame)
            if picture is not None:
                return picture
        self.in_order = 0
        picture = self._by_seeking(frame)
        if picture is None:
            self._restart()
            picture = self._advance(frame)
        if picture is None:
            raise ClipError(
                tr("{name} changed since it was opened; open it again.").format(name=self._path.name)
            )
        return picture

    def _by_seeking(self, frame: int) -> VideoFrame | None:
        """Decode from the nearest keyframe that leads to the same picture, looking ever further back.

        Some containers land behind the keyframe asked for, and some keyframes only mend the picture bit by
        bit; which earlier one served is remembered.
        """
        if not self._index.keys:
            return None
        nearest = bisect_right(self._index.entries, self._index.keys[frame]) - 1
        position = self._detours.get(nearest, nearest)
        step = 1
        while position >= 0:
            picture = self._from_entry(position, frame)
            if picture is not None:
                self._detours[nearest] = position
                return picture
            position -= step
            step *= 2
        self._detours[nearest] = -1
        return None

    def _from_entry(self, position: int, frame: int) -> VideoFrame | None:
        try:
            self._decoder.seek(self._index.seek_times[position])
        except FFmpegError:
            return None  # some containers cannot seek at all
        self._pictures = self._decoder.frames()
        self._from_start = False
        return self._advance(frame)

    def _restart(self) -> None:
        self._decoder.restart()
        self._pictures = self._decoder.frames()
        self._from_start = True
        self.next_frame = 0

    def _advance(self, frame: int) -> VideoFrame | None:
        """Decode on to the frame; None when it does not come, or comes as another picture."""
        for picture in self._pictures:
            number = self._number_of.get(frame_key(picture) or 0) if self._index.keys else self.next_frame
            if number is None:
                continue
            self.next_frame = number + 1
            if number > frame:
                return None
            if number > frame - _NEAR_FRAMES and self._is_right(picture, number):
                self._kept.put(number, picture)
                if number == frame:
                    return picture
            elif number == frame:
                return None
        return None

    def _is_right(self, picture: VideoFrame, number: int) -> bool:
        """Whether this is the picture the index saw; from an unchanged file's start it is, whatever comes."""
        if picture_check(picture) == self._index.checks[number]:
            return True
        return self._from_start and file_fingerprint(self._path) == self._index.info.fingerprint
