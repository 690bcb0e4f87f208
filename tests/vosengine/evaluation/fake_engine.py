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

    def __init__(self, predict: Predict = same_mask, skip: int = 0) -> None:
        self.commands: list[Command] = []
        self.closed = False
        self._predict = predict
        self._skip = skip

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        self.commands.append(command)
        yield JobStarted(job_id)
        if isinstance(command, OpenClip):
            files = len(list(command.path.iterdir()))
            times = tuple(Fraction(frame, 24) for frame in range(files))
            yield ClipOpened(job_id, ClipInfo(command.path, 32, 24, Fraction(24), times, "fingerprint"))
        elif isinstance(command, FineTune):
            yield JobProgressed(job_id, 1, 1, "Learning")
            yield ModelReady(job_id, tuple(a.object_id for a in command.annotations), 1, 0)
        elif isinstance(command, Propagate):
            yield from self._propagate(job_id, command)
        yield JobFinished(job_id)

    def close(self) -> None:
        self.closed = True

    def _propagate(self, job_id: int, command: Propagate) -> Iterator[Event]:
        for frame in command.span:
            for annotation in command.annotations:
                if frame not in (annotation.frame, self._skip):
                    matte = self._predict(frame, annotation).astype(np.uint16) * np.uint16(257)
                    yield MaskPredicted(job_id, frame, annotation.object_id, matte, 1.0, 0)


def make_fake_engine() -> FakeEngine:
    return FakeEngine()
