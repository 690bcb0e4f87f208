"""A network's part in a correction: where it doubts the mask, and how it sees what was cut.

It is shown the frame twice. First under the mask so far with the marks in it, with the annotated frames in
memory: where it is unsure then, the mask may change. Then under what GrabCut made of it, with that as one
more memory: so it follows the object into what it had missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from vosengine.augment import bounding_box
from vosengine.closest import closeness
from vosengine.corrections import Correction
from vosengine.crop import Window
from vosengine.finetune import Shot
from vosengine.networks.lite import Memory
from vosengine.types import Annotation, Box, Image, Mask, Probability

SHOTS = 2  # annotated frames in memory


@runtime_checkable
class Looking(Protocol):
    """A method that can look at a frame under a given mask, with frames in memory."""

    def remember(self, image: Image, mask: Probability) -> Memory:
        """The memory of one frame."""

    def window(self, box: Box | None, height: int, width: int) -> Window:
        """The crop round a box."""

    def probability(self, image: Image, guidance: Probability, memory: Memory, window: Window) -> Probability:
        """The object on a frame, guided by values in [-1, 1]."""


def shown_elsewhere(annotations: Sequence[Annotation], object_id: int, frame: int) -> tuple[Annotation, ...]:
    """What to remember of an object for a look at `frame`: its nearest annotations on other frames, drawn
    masks rather than boxes; none that are empty."""
    shown = [
        a
        for a in annotations
        if a.object_id == object_id and a.frame != frame and (a.mask is None or a.mask.any())
    ]
    nearest = sorted(shown, key=lambda a: closeness(a.frame, a.mask is None, frame))
    return tuple(nearest[:SHOTS])


def second_look(
    method: Looking, shots: Sequence[Shot], image: Image, correction: Correction
) -> Iterator[Mask | None]:
    """The corrected mask, yielded last; None after each unit of work before.

    shots: annotated frames, at least one. image: the frame at working resolution.
    """
    if not correction.is_needed:
        yield correction.result(None)
        return
    memories: list[Memory] = []
    for shot in shots:
        memories.append(method.remember(shot.image, shot.mask))
        yield None
    guidance = _at_size_of(image, correction.guidance())
    yield None
    seen = _seen(method, image, guidance, memories)
    yield None
    cut = correction.cut(seen)
    yield None
    made = _at_size_of(image, correction.result(cut))
    yield None
    memories.append(method.remember(image, made))
    yield None
    seen = _seen(method, image, made, memories)
    yield None
    yield correction.result(correction.looked_again(cut, seen))


def _seen(method: Looking, image: Image, mask: Probability, memories: Sequence[Memory]) -> Probability:
    window = method.window(bounding_box(mask), *mask.shape)
    return method.probability(image, 2 * mask - 1, reduce(Memory.joined, memories), window)


def _at_size_of(image: Image, mask: Mask) -> Probability:
    size = image.shape[1], image.shape[0]
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)
