"""An engine that answers at once: masks it can be caught with, and a gate that holds a job in the middle."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from vosengine.errors import WeightsError
from vosengine.messages import (
    Command,
    Correct,
    DeviceUsed,
    Event,
    Export,
    ExportWritten,
    FineTune,
    GrabCut,
    JobProgressed,
    MaskDrawn,
    MaskPredicted,
    MaskPreviewed,
    ModelReady,
    Propagate,
)
from vosengine.types import Direction

SHAPE = (48, 64)


class FakeEngine:
    """`gate` cleared holds a job in the middle, `pace` slows propagation, `fail` makes fine-tuning fail.

    `qualities`: the estimated J by frame, 0.9 elsewhere; `shifts`: pixels to the right, by frame.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.commands: list[Command] = []
        self.fail = ""  # "", "expected" or "bug"
        self.pace = 0.0  # seconds a frame
        self.qualities: dict[int, float] = {}
        self.shifts: dict[int, int] = {}
        self.gate_propagation_only = False
        self.cold: tuple[int, ...] = ()  # objects that are learned afresh
        self.device: DeviceUsed | None = None  # what it says that it learns on

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        self.commands.append(command)
        match command:
            case FineTune():
                yield from self._fine_tune(job_id, command)
            case Propagate():
                yield from self._propagate(job_id, command)
            case GrabCut():
                yield from self._wait(job_id)
                yield self._grab_cut(job_id, command)
            case Correct():
                yield from self._wait(job_id)
                yield self._corrected(job_id, command)
            case Export():
                yield from self._export(job_id, command)

    def of(self, kind: type) -> list[Command]:
        return [command for command in self.commands if isinstance(command, kind)]

    def _wait(self, job_id: int) -> Iterator[Event]:
        """Steps without end while the gate is shut, so that a cancel is heard."""
        while not self.gate.wait(0.005):
            yield JobProgressed(job_id, 0, 1, "Waiting")

    def _fine_tune(self, job_id: int, command: FineTune) -> Iterator[Event]:
        if self.fail == "expected":
            raise WeightsError("The bundled weights are missing; reinstall Rotoshot.")
        if self.fail == "bug":
            raise ZeroDivisionError("a bug")
        object_ids = tuple(sorted({a.object_id for a in command.annotations}))
        if self.device is not None:
            yield replace(self.device, job_id=job_id)
        for step in range(4):
            yield JobProgressed(job_id, step, 4, "Learning the objects", f"loss {1 / (step + 1):.2f}")
            yield MaskPreviewed(job_id, 1, object_ids[0], frozen(np.full(SHAPE, 20000, np.uint16)))
        if not self.gate_propagation_only:
            yield from self._wait(job_id)
        yield ModelReady(job_id, object_ids, 4, command.revision, self.cold)

    def _propagate(self, job_id: int, command: Propagate) -> Iterator[Event]:
        marked = {(a.object_id, a.frame) for a in command.annotations}
        frames = [f for f in command.span if command.frames is None or f in command.frames]
        if command.direction is Direction.BACKWARD:
            frames.reverse()
        for done, frame in enumerate(frames, start=1):
            time.sleep(self.pace)
            for object_id in sorted({own for own, _ in marked}):
                if (object_id, frame) not in marked:
                    known = [at for own, at in marked if own == object_id]
                    start = min(known, key=lambda at: (abs(at - frame), at))
                    matte = frozen(np.roll(truth(frame), self.shifts.get(frame, 0), axis=1))
                    quality = self.qualities.get(frame, 0.9)
                    yield MaskPredicted(job_id, frame, object_id, matte, quality, command.revision, start)
            yield JobProgressed(job_id, done, len(frames), "Cutting out")
            if done == 2:
                yield from self._wait(job_id)

    def _grab_cut(self, job_id: int, command: GrabCut) -> Event:
        """The bounding box of the foreground marks, grown by two pixels; or the box."""
        mask = np.zeros(command.scribbles.shape, np.uint8)
        rows, columns = np.nonzero(command.scribbles == 2)
        if len(rows):
            mask[max(rows.min() - 2, 0) : rows.max() + 3, max(columns.min() - 2, 0) : columns.max() + 3] = 255
        elif command.box is not None:
            x, y = int(command.box.x), int(command.box.y)
            mask[y : y + int(command.box.height), x : x + int(command.box.width)] = 255
        mask[command.scribbles == 1] = 0
        return MaskDrawn(job_id, command.frame, command.object_id, frozen(mask), command.revision)

    def _corrected(self, job_id: int, command: Correct) -> Event:
        """The mask so far, its foreground marks grown by two pixels, its background marks taken away."""
        grown = cv2.dilate((command.scribbles == 2).astype(np.uint8), np.ones((5, 5), np.uint8))
        mask = np.where(grown > 0, np.uint8(255), command.previous)
        mask[command.scribbles == 1] = 0
        return MaskDrawn(job_id, command.frame, command.object_id, frozen(mask), command.revision)

    def _export(self, job_id: int, command: Export) -> Iterator[Event]:
        yield JobProgressed(job_id, 0, 2, "Writing")
        yield from self._wait(job_id)
        command.destination.mkdir(parents=True, exist_ok=True)
        written: Path = command.destination / "result.txt"
        written.write_text(str([sorted(source.matte_files) for source in command.sources]))
        yield ExportWritten(job_id, (written,), ("Every frame reads back as it was written.",))


def truth(frame: int) -> np.ndarray:
    """The walking square of the footage, as a matte."""
    matte = np.zeros(SHAPE, np.uint16)
    matte[16:32, 8 + 4 * frame : 24 + 4 * frame] = 65535
    return frozen(matte)


def frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
