"""One movie file: frames of one encoder with exact times and honest colour tags."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

from vosengine.errors import ExportError
from vosengine.export.timing import Timing
from vosengine.language import tr

# Without these, swscale makes untagged BT.601 of RGB: pure red at ten bits has luma 326 instead of 250.
SCALE = "out_color_matrix=bt709:out_range=tv"
TAGS = "color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"


@dataclass(frozen=True)
class Encoding:
    """An encoder, its options by ffmpeg's names, what it is given and what it stores.

    `given` and `stored` are ffmpeg pixel formats; where they differ, RGB becomes limited-range BT.709.
    """

    codec: str
    given: str
    stored: str
    options: Mapping[str, str] = field(default_factory=dict)


class Movie:
    """A movie being written, complete when its context ends without an exception."""

    def __init__(
        self, path: Path, encoding: Encoding, size: tuple[int, int], timing: Timing, *, timecode: str = ""
    ) -> None:
        """`size` is (width, height)."""
        self._timing = timing
        self._encoding = encoding
        self._durations = dict(zip(timing.starts, timing.durations, strict=True))
        self._container = av.open(str(path), "w")
        if timecode:
            self._container.metadata["timecode"] = timecode
        stream = self._new_stream(encoding, timing)
        stream.width, stream.height = size
        stream.pix_fmt = encoding.stored
        stream.codec_context.time_base = timing.time_base
        _tag(stream.codec_context, converted=encoding.given != encoding.stored)
        self._stream = stream
        self._to_bt709 = None
        if encoding.given != encoding.stored:
            self._to_bt709 = _ToBt709(encoding, size, timing)

    def write(self, place: int, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
        """Add the frame at `place` (from 0, in order), an array as the encoding's `given` format has it."""
        frame = av.VideoFrame.from_ndarray(pixels, format=self._encoding.given)
        frame.pts, frame.time_base = self._timing.starts[place], self._timing.time_base
        self._encode(self._to_bt709(frame) if self._to_bt709 else frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._encode(None)
            self._container.close()
        else:
            with contextlib.suppress(av.FFmpegError, OSError):
                self._container.close()

    def _new_stream(self, encoding: Encoding, timing: Timing) -> av.VideoStream:
        try:
            stream = self._container.add_stream(encoding.codec, timing.rate, dict(encoding.options))
        except av.codec.codec.UnknownCodecError as error:
            self._container.close()
            raise ExportError(
                tr("The installed PyAV has no encoder {codec}; install the package av from PyPI.").format(
                    codec=encoding.codec
                )
            ) from error
        assert isinstance(stream, av.VideoStream)
        return stream

    def _encode(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            # Encoders leave the duration out; muxers would then guess the last frame's.
            if packet.pts is not None:
                packet.duration = self._durations[packet.pts]
            self._container.mux(packet)


class _ToBt709:
    """RGB to limited-range BT.709 YCbCr, said so in the frames."""

    def __init__(self, encoding: Encoding, size: tuple[int, int], timing: Timing) -> None:
        # The graph must live as long as its ends, which do not keep it.
        self._graph = av.filter.Graph()
        self._source = self._graph.add_buffer(
            width=size[0],
            height=size[1],
            format=av.VideoFormat(encoding.given, *size),
            time_base=timing.time_base,
        )
        self._sink = self._graph.add("buffersink")
        steps = (
            self._graph.add("scale", SCALE),
            self._graph.add("setparams", TAGS),
            self._graph.add("format", encoding.stored),
        )
        self._graph.link_nodes(self._source, *steps, self._sink).configure()

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        self._source.push(frame)
        converted = self._sink.pull()
        assert isinstance(converted, av.VideoFrame)
        return converted


def _tag(context: av.VideoCodecContext, converted: bool) -> None:
    if not converted:
        context.color_range = ColorRange.JPEG
        return
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
