"""One open video file: packets and frames from a position, and moving that position."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from vosengine.errors import ClipError
from vosengine.language import tr

# ffmpeg's own decoders for these drop the alpha channel that WebM stores beside the picture.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_MOST_THREADS = 4  # each frame thread holds a frame or two


class Decoder:
    """Reads the first picture stream of a file; ClipError when it cannot be opened. Not thread-safe."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """`threads` 0 means as many as the processor has, up to four."""
        self.path = path
        self._threads = threads or min(os.cpu_count() or 1, _MOST_THREADS)
        self._open()

    def _open(self) -> None:
        self.container = _opened(self.path)
        try:
            self.stream = _picture_stream(self.container, self.path)
        except ClipError:
            self.container.close()
            raise
        self._codec = _codec(self.stream)
        self._codec.thread_type = "AUTO"
        self._codec.thread_count = self._threads

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """The stream's packets from the current position to the end of the file, the drain not included."""
        for packet in self.container.demux(self.stream):
            if packet.size > 0:
                yield packet

    def decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        """Frames that become ready with this packet, in display order; None drains the decoder."""
        return self._codec.decode(packet)

    def frames(self) -> Iterator[VideoFrame]:
        """Sound frames in display order from the current position; what cannot be decoded is left out."""
        for packet in self.packets():
            yield from self._sound_frames(packet)
        yield from self._sound_frames(None)

    def _sound_frames(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return [frame for frame in self.decode(packet) if not frame.is_corrupt]
        except InvalidDataError:
            return []

    def seek(self, timestamp: int) -> None:
        """Move to what the container takes for the keyframe at or before `timestamp` (stream's time base)."""
        self.container.seek(timestamp, stream=self.stream)
        self._codec.flush_buffers()

    def restart(self) -> None:
        """Move to the very beginning, exactly as after opening."""
        self.close()
        self._open()

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self.container.close()


def frame_key(frame: VideoFrame) -> int | None:
    """What tells a frame from its neighbours: its presentation time, else its decoding time (plain AVI)."""
    return frame.pts if frame.pts is not None else frame.dts


def _opened(path: Path) -> InputContainer:
    # An absolute path cannot be taken for a URL; the whitelist keeps playlists from reaching the network.
    options = {"protocol_whitelist": "file,crypto,data"}
    try:
        return av.open(str(path.resolve()), container_options=options, metadata_errors="replace")
    except FFmpegError as error:
        raise ClipError(
            tr(
                "{name} cannot be opened as footage ({reason}); check that it plays elsewhere, or copy or "
                "export it again."
            ).format(name=path.name, reason=error.strerror)
        ) from error


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if stream.codec_context is not None and not stream.disposition & cover:
            return stream
    raise ClipError(
        tr("{name} holds no pictures ffmpeg can decode; choose the file with the footage itself.").format(
            name=path.name
        )
    )


def _codec(stream: VideoStream) -> VideoCodecContext:
    name = _ALPHA_DECODERS.get(stream.codec_context.name)
    if name is None or stream.metadata.get("alpha_mode") != "1" or name not in av.codecs_available:
        return stream.codec_context
    codec = cast(VideoCodecContext, VideoCodecContext.create(name, "r"))
    codec.extradata = stream.codec_context.extradata
    return codec
