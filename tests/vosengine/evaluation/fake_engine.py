"""An engine without a network: it predicts the given masks again, frame after frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from vosengine.messages import (
    ClipOpened,
    Command,
    Event,
    FineTune,
    JobFinished,
    JobProgressed,
    JobStarted,
    MaskPredicted,
    ModelReady,
    OpenClip,
    Propagate,
)
from vosengine.types import Annotation, ClipInfo, Mask

Predict = Callable[[int, Annotation], Mask]


def same_mask(frame: int, annotation: Annotation) -> Mask:
    assert annotation.mask is not None
    return annotation.mask


class FakeEngine:
    """Answers the three commands of the protocol and remembers them."""

    def __init__(self, predict: Predict = same_mask, skip: int = 0, cold: tuple[int, ...] = ()) -> None:
        self.commands: list[Command] = []
        self.closed = False
        self._predict = predict
        self._skip = skip
        self._cold = cold

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        self.commands.append(command)
        yield JobStarted(job_id)
        if isinstance(command, OpenClip):
            files = len(list(command.path.iterdir()))
            times = tuple(Fraction(frame, 24) for frame in range(files))
            yield ClipOpened(job_id, ClipInfo(command.path, 32, 24, Fraction(24), times, "fingerprint"))
        elif isinstance(command, FineTune):
            yield JobProgressed(job_id, 1, 1, "Learning")
            yield ModelReady(job_id, tuple(a.object_id for a in command.annotations), 1, 0, self._cold)
        elif isinstance(command, Propagate):
            yield from self._propagate(job_id, command)
        yield JobFinished(job_id)

    def close(self) -> None:
        self.closed = True

    def _propagate(self, job_id: int, command: Propagate) -> Iterator[Event]:
        for frame in asked(command):
            for annotation in command.annotations:
                if frame not in (annotation.frame, self._skip):
                    matte = self._predict(frame, annotation).astype(np.uint16) * np.uint16(257)
                    yield MaskPredicted(job_id, frame, annotation.object_id, matte, 1.0, 0)


def asked(command: Propagate) -> list[int]:
    """The frames that are wanted of the span."""
    return [frame for frame in command.span if command.frames is None or frame in command.frames]


def make_fake_engine() -> FakeEngine:
    return FakeEngine()


class NearestEngine(FakeEngine):
    """Copies the mask of the nearest annotation, a box filled; `quality` estimates J by frame."""

    def __init__(
        self, quality: Callable[[int], float] = lambda frame: 1.0, cold: tuple[int, ...] = ()
    ) -> None:
        super().__init__(cold=cold)
        self._quality = quality

    def _propagate(self, job_id: int, command: Propagate) -> Iterator[Event]:
        for frame in asked(command):
            for object_id in {annotation.object_id for annotation in command.annotations}:
                mine = [a for a in command.annotations if a.object_id == object_id]
                nearest = min(mine, key=lambda a: (abs(a.frame - frame), a.frame))
                if nearest.box is not None or nearest.frame != frame:
                    matte = filled(nearest).astype(np.uint16) * np.uint16(257)
                    yield MaskPredicted(job_id, frame, object_id, matte, self._quality(frame), 0)


def filled(annotation: Annotation) -> Mask:
    """The annotation's mask, of a box all of it; 32x24 as the data set of these tests."""
    if annotation.mask is not None:
        return annotation.mask
    box, mask = annotation.box, np.zeros((24, 32), np.uint8)
    assert box is not None
    mask[int(box.y) : int(box.y + box.height), int(box.x) : int(box.x + box.width)] = 255
    return mask
