"""Decoding a file once, from end to end, to know each of its frames exactly.

Containers lie about frame counts, hide frames behind edit lists and carry frames that decoders drop; only
the decoder's own output is exact. Each picture's checksum is kept, so that a frame reached by seeking is
known to be the one that decoding in order gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

from av import Packet, VideoFrame
from av.buffer import Buffer
from av.error import FFmpegError, InvalidDataError
from av.video.stream import VideoStream

from vosengine.clip.colour import bit_depth, colour_tags, has_alpha, picture_check
from vosengine.clip.decoder import Decoder, frame_key
from vosengine.clip.fingerprint import file_fingerprint
from vosengine.clip.orientation import UPRIGHT, Orientation, from_display_matrix
from vosengine.errors import ClipError
from vosengine.language import tr
from vosengine.types import ClipInfo

Progress = Callable[[int, int], None]

_FALLBACK_RATE = Fraction(25)  # ffmpeg's own for streams without any timing
_MISSING_SECONDS = Fraction(1, 2)  # a declared duration this much longer than the frames tells of a cut file


@dataclass(frozen=True)
class Index:
    """All that is needed to fetch frames by number.

    `keys` are the frames' presentation times in the stream's time base, strictly increasing; empty when the
    file has no usable times, so that frames can only be counted from the start. `checks` are the pictures'
    CRC-32. `entries` are the keys of keyframes, ascending, where decoding may begin; `seek_times` are the
    times to seek to for them (most containers search by decoding time).
    """

    info: ClipInfo
    keys: tuple[int, ...]
    checks: tuple[int, ...]
    entries: tuple[int, ...]
    seek_times: tuple[int, ...]
    orientation: Orientation


def build_index(path: Path, on_progress: Progress | None = None) -> Index:
    """Index a video file.

    `on_progress(done, total)` is called after each packet, `total` being an estimate; what it raises stops
    the work. Raises ClipError when not even one frame can be decoded.
    """
    fingerprint = file_fingerprint(path)
    scan = _scanned(path, 0, on_progress)
    if scan.damage or len(scan.checks) < scan.packets:
        # Several threads report an error late or not at all; one thread tells which frame it belongs to.
        scan = _scanned(path, 1, on_progress)
    if scan.first is None:
        raise ClipError(
            tr("{name} holds no frame that can be decoded; copy or export it again.").format(name=path.name)
        )
    keys = scan.usable_keys()
    return Index(
        info=_info(path, fingerprint, scan, scan.first, keys),
        keys=keys,
        checks=tuple(scan.checks),
        entries=tuple(sorted(scan.entries)),
        seek_times=tuple(scan.entries[key] for key in sorted(scan.entries)),
        orientation=_orientation(scan.first),
    )


def _scanned(path: Path, threads: int, on_progress: Progress | None) -> _Scan:
    decoder = Decoder(path, threads)
    try:
        scan = _Scan(decoder)
        scan.run(on_progress)
        return scan
    finally:
        decoder.close()


class _Scan:
    """One pass over a file and what it found."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.time_base = decoder.stream.time_base or 1 / _FALLBACK_RATE
        self.rate = decoder.stream.average_rate or decoder.stream.guessed_rate
        self.timecode = _timecode(decoder)
        self._searches_by_showing = "matroska" in decoder.container.format.name
        self._declared_packets = _declared_packets(decoder)
        self._declared_seconds = _declared_seconds(decoder)
        self.first: VideoFrame | None = None
        self.keys: list[int | None] = []
        self.checks: list[int] = []
        self.entries: dict[int, int] = {}
        self.packets = 0
        self.damage = ""
        self._ends_within_packet = _ends_within_packet(decoder)
        self._end = 0
        self._last_packet: int | None = None

    def run(self, on_progress: Progress | None) -> None:
        """Read to the end or to the first damage."""
        try:
            for packet in self._decoder.packets():
                self._note(packet)
                if not self._digest(packet):
                    return
                if on_progress is not None:
                    on_progress(self.packets, max(self._declared_packets, self.packets))
        except FFmpegError:
            self.damage = tr("cannot be read")
        self._drain()
        if self._ends_within_packet:
            self._drop_from(self._last_packet)
        if not self.damage and (self._ends_within_packet or self._is_cut_short()):
            self.damage = tr("is cut off")

    def usable_keys(self) -> tuple[int, ...]:
        """The keys when each frame has one and they increase, else none."""
        keys = tuple(key for key in self.keys if key is not None)
        increasing = all(a < b for a, b in pairwise(keys))
        return keys if increasing and len(keys) == len(self.keys) else ()

    def _note(self, packet: Packet[VideoStream]) -> None:
        self.packets += 1
        self._last_packet = packet.pts
        if packet.pts is None:
            return
        self._end = max(self._end, packet.pts + (packet.duration or 0))
        if packet.is_keyframe:
            by_decoding = packet.dts is not None and not self._searches_by_showing
            self.entries[packet.pts] = packet.dts if by_decoding and packet.dts is not None else packet.pts

    def _digest(self, packet: Packet[VideoStream]) -> bool:
        """Decode one packet; False when the clip ends here. Junk before the first sound frame is skipped."""
        try:
            if packet.is_corrupt and self.checks:
                raise InvalidDataError(0, tr("the container marks the packet as corrupt"))
            self._take_all(self._decoder.decode(packet))
        except InvalidDataError:
            if self.checks:
                self._drain()
                self._drop_from(packet.pts)
                self.damage = tr("is damaged")
        return not self.damage

    def _drain(self) -> None:
        try:
            self._take_all(self._decoder.decode(None))
        except FFmpegError:
            self.damage = self.damage or tr("is damaged")

    def _take_all(self, frames: list[VideoFrame]) -> None:
        for frame in frames:
            if self.damage:
                return
            self._take(frame)

    def _take(self, frame: VideoFrame) -> None:
        if frame.is_corrupt:
            self.damage = tr("is damaged") if self.checks else ""
            return
        if self.first is None:
            self.first = frame
        if (frame.width, frame.height) != (self.first.width, self.first.height):
            self.damage = tr("changes its picture size")
            return
        self.keys.append(frame_key(frame))
        self.checks.append(picture_check(frame))

    def _drop_from(self, key: int | None) -> None:
        """Forget frames shown at or after a damaged one; frames are decoded in another order than shown."""
        while key is not None and len(self.keys) > 1 and (self.keys[-1] or 0) >= key:
            self.keys.pop()
            self.checks.pop()

    def _is_cut_short(self) -> bool:
        if self.packets < self._declared_packets:
            return True
        keys = self.usable_keys()
        if self._declared_seconds is None or not keys:
            return False
        gaps = [b - a for a, b in pairwise(keys)]
        tolerance = max(_MISSING_SECONDS, 2 * max(gaps, default=0) * self.time_base)
        return self._end * self.time_base + tolerance < self._declared_seconds


def _declared_packets(decoder: Decoder) -> int:
    """How many packets the file's header promises, 0 where it does not say reliably."""
    name = decoder.container.format.name
    if "mp4" in name:  # the sample table, edit lists already applied
        return len(decoder.stream.index_entries)
    return decoder.stream.frames if name == "avi" else 0


def _declared_seconds(decoder: Decoder) -> Fraction | None:
    """When the header says the stream ends; only Matroska's and WebM's is both exact and at the front."""
    if "matroska" not in decoder.container.format.name:
        return None
    tagged = decoder.stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = (Fraction(part) for part in tagged)
        return hours * 3600 + minutes * 60 + seconds
    except ValueError:
        alone = len(decoder.container.streams) == 1 and decoder.container.duration
        return Fraction(decoder.container.duration or 0, 1_000_000) if alone else None


def _ends_within_packet(decoder: Decoder) -> bool:
    """Whether a transport stream stops between its fixed-size packets; decoders often do not notice."""
    size = decoder.path.stat().st_size
    return decoder.container.format.name == "mpegts" and all(size % packet for packet in (188, 192, 204))


def _timecode(decoder: Decoder) -> str:
    places = [decoder.stream.metadata, decoder.container.metadata]
    places += [stream.metadata for stream in decoder.container.streams]
    return next((place["timecode"] for place in places if place.get("timecode")), "")


def _orientation(frame: VideoFrame) -> Orientation:
    matrix = cast(Mapping[str, Buffer], frame.side_data).get("DISPLAYMATRIX")
    return UPRIGHT if matrix is None else from_display_matrix(bytes(matrix))


def _info(path: Path, fingerprint: str, scan: _Scan, first: VideoFrame, keys: tuple[int, ...]) -> ClipInfo:
    count = len(scan.checks)
    declared = scan.rate or _FALLBACK_RATE
    if keys:
        timestamps = tuple((key - keys[0]) * scan.time_base for key in keys)
    else:
        timestamps = tuple(number / declared for number in range(count))
    swapped = _orientation(first).swap_axes
    return ClipInfo(
        path=path,
        width=first.height if swapped else first.width,
        height=first.width if swapped else first.height,
        rate=_average_rate(declared, timestamps),
        timestamps=timestamps,
        fingerprint=fingerprint,
        bit_depth=bit_depth(first.format),
        has_alpha=has_alpha(first.format),
        colour=colour_tags(first),
        damage=_damage_sentence(path, scan.damage, timestamps),
        timecode=scan.timecode,
    )


def _average_rate(declared: Fraction, timestamps: tuple[Fraction, ...]) -> Fraction:
    """The declared rate where the timestamps agree within a frame (they may be rounded), else theirs."""
    steps = len(timestamps) - 1
    if steps < 1 or abs(timestamps[-1] - steps / declared) < 1 / declared:
        return declared
    return steps / timestamps[-1]


def _damage_sentence(path: Path, damage: str, timestamps: tuple[Fraction, ...]) -> str:
    if not damage:
        return ""
    return tr(
        "{name} {damage} after frame {frame} ({seconds:.2f} s), where this clip ends; copy or export the "
        "file again to get the rest."
    ).format(name=path.name, damage=damage, frame=len(timestamps) - 1, seconds=float(timestamps[-1]))
