"""Which file holds the present matte of a frame: mattes come in batches, and none takes another's file.

A run writes its mattes as one batch, `FRAME.BATCH.png` (`FRAME.png` of batch 0), beside those of former runs.
The manifest says by stretches of frames which batch is in force, so that a run of any length is undone by
writing the manifest. It cannot know yet what a process was writing when it was killed: the mattes of batches
that are open, or newer than the manifest, are in force before all others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

Stretch = tuple[int, int, int]
"""First frame, the frame after the last, and the batch in force there."""

_NAME = re.compile(r"(\d+)(?:\.(\d+))?\.png")


def file_name(frame: int, batch: int) -> str:
    """Of a matte."""
    return f"{frame:06d}.{batch}.png" if batch else f"{frame:06d}.png"


def parsed(name: str) -> tuple[int, int] | None:
    """The frame and batch of a matte's file name; None for other files."""
    found = _NAME.fullmatch(name)
    return (int(found[1]), int(found[2] or 0)) if found else None


def stretches(batches: Mapping[int, int]) -> tuple[Stretch, ...]:
    """Batches by frame, in short."""
    found: list[Stretch] = []
    for frame in sorted(batches):
        batch = batches[frame]
        if found and found[-1][1:] == (frame, batch):
            found[-1] = found[-1][0], frame + 1, batch
        else:
            found.append((frame, frame + 1, batch))
    return tuple(found)


def in_force(
    known: Iterable[Stretch], found: Iterable[tuple[int, int]], opened: Collection[int], newer: int
) -> dict[int, int]:
    """The batch in force by frame, of the frames and batches `found` as files.

    known: the manifest's stretches. opened: batches that may have grown since; `newer`: the first batch that
    the manifest does not know.
    """
    indexed = {frame: batch for first, stop, batch in known for frame in range(first, stop)}
    chosen: dict[int, int] = {}
    grown: dict[int, int] = {}
    for frame, batch in found:
        if batch >= newer or batch in opened:
            grown[frame] = max(batch, grown.get(frame, 0))
        elif indexed.get(frame) == batch:
            chosen[frame] = batch
    return chosen | grown
