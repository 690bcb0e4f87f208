"""A clip on disk, and an engine that answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from vosengine import messages
from vosengine.clip import open_clip
from vosengine.export import export_clip
from vosengine.grabcut import FOREGROUND
from vosengine.messages import Command, Event
from vosengine.project_file import soften
from vosengine.types import Mask, Matte

WIDTH, HEIGHT, FRAMES = 64, 48, 4


def square(frame: int) -> Mask:
    """The mask of the square in `write_clip`: 16 pixels wide, 4 to the right a frame."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[16:32, 8 + 4 * frame : 24 + 4 * frame] = 255
    return mask


def write_clip(folder: Path) -> Path:
    """An image sequence of an orange square on blue noise."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for frame in range(FRAMES):
        image = random.integers(60, 90, (HEIGHT, WIDTH, 3), np.uint8)
        image[..., 2] += 120
        image[square(frame) > 0] = (230, 140, 40)
        cv2.imwrite(str(folder / f"shot.{1001 + frame}.png"), image[..., ::-1])
    return folder


class FakeEngine:
    """Predicts what `matte_of` says; exports for real."""

    def __init__(self, matte_of: Callable[[int], Matte] | None = None) -> None:
        self.matte_of = matte_of or (lambda frame: soften(square(frame)))
        self.commands: list[Command] = []
        self.interrupt_at: int | None = None

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        """As the real engine."""
        self.commands.append(command)
        match command:
            case messages.GrabCut():
                mask = np.where(command.scribbles == FOREGROUND, np.uint8(255), np.uint8(0))
                yield messages.MaskDrawn(job_id, command.frame, command.object_id, mask, command.revision)
            case messages.FineTune():
                for step in range(3):
                    yield messages.JobProgressed(job_id, step + 1, 3, "Learning the object", f"loss {step}")
                yield messages.ModelReady(job_id, (1,), 3, 0)
            case messages.Propagate():
                yield from self._propagate(job_id, command)
            case messages.Export():
                yield from self._export(job_id, command)

    def _propagate(self, job_id: int, command: messages.Propagate) -> Iterator[Event]:
        drawn = {(a.object_id, a.frame) for a in command.annotations if a.mask is not None}
        object_ids = sorted({a.object_id for a in command.annotations})
        for frame in command.span:
            if frame == self.interrupt_at:
                raise KeyboardInterrupt
            for object_id in object_ids:
                if (object_id, frame) not in drawn:
                    matte = self.matte_of(frame)
                    yield messages.MaskPredicted(job_id, frame, object_id, matte, 0.9, command.revision)

    def _export(self, job_id: int, command: messages.Export) -> Iterator[Event]:
        with open_clip(command.clip) as clip:
            steps = export_clip(
                clip,
                command.sources,
                command.span,
                command.template,
                command.destination,
                command.overwrite,
                command.combined,
                command.name,
            )
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    yield messages.ExportWritten(job_id, end.value.files, end.value.report)
                    return
                yield messages.JobProgressed(job_id, step.done, step.total, step.what)
