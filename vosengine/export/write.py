"""How each template writes its outputs.

Each is a context manager that gives the function adding one frame; the frames of the span come in order.
The output is complete when the context ends without an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosengine.export.movie import Encoding, Movie
from vosengine.export.plan import Output, Plan
from vosengine.png import write_matte, write_palette

Add = Callable[[int], None]

# The encoder takes ten bits a plane; the alpha stays that precise only when it is stored with 16.
PRORES_4444 = Encoding("prores_ks", "rgba64le", "yuva444p10le", {"profile": "4444", "alpha_bits": "16"})
# From level 3 on every slice carries a checksum, so that players notice damage.
FFV1 = Encoding("ffv1", "gray16le", "gray16le", {"level": "3", "slicecrc": "1"})


@contextmanager
def write_prores(plan: Plan, output: Output, path: Path) -> Iterator[Add]:
    """The footage with its objects' matte as straight alpha."""
    size = (plan.info.width, plan.info.height)
    with Movie(path, PRORES_4444, size, plan.timing, timecode=plan.timecode) as movie:

        def add(frame: int) -> None:
            matte = plan.joined(output.sources, frame)
            pixels = np.dstack([plan.foreground(output.sources, frame), matte])
            movie.write(frame - plan.span.start, pixels)

        yield add


@contextmanager
def write_luma(plan: Plan, output: Output, path: Path) -> Iterator[Add]:
    """Its objects' matte as a lossless grey movie."""
    with Movie(path, FFV1, (plan.info.width, plan.info.height), plan.timing) as movie:

        def add(frame: int) -> None:
            movie.write(frame - plan.span.start, plan.joined(output.sources, frame))

        yield add


@contextmanager
def write_png16(plan: Plan, output: Output, path: Path) -> Iterator[Add]:
    """A folder with its objects' matte of each frame."""
    yield lambda frame: write_matte(path / plan.frame_file(frame), plan.joined(output.sources, frame))


@contextmanager
def write_davis(plan: Plan, output: Output, path: Path) -> Iterator[Add]:
    """A folder with the object ids of each frame."""
    yield lambda frame: write_palette(path / plan.frame_file(frame), davis_ids(plan, output, frame))


def davis_ids(plan: Plan, output: Output, frame: int) -> NDArray[np.uint8]:
    """The id of the object with the largest matte, 0 where all are below half; uint8 (height, width).

    Equal mattes go to the object listed first.
    """
    largest = np.full((plan.info.height, plan.info.width), 32767, np.uint16)
    ids = np.zeros(largest.shape, np.uint8)
    for source in output.sources:
        matte = plan.matte(source, frame)
        wins = matte > largest
        ids[wins] = source.object_id
        np.maximum(largest, matte, out=largest)
    return ids
