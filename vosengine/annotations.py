"""Annotations made ready for the methods: checked against the clip and brought to working resolution."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from vosengine.errors import AnnotationError
from vosengine.finetune import Shot
from vosengine.grabcut import scribbles_to_mask
from vosengine.propagate import Frames
from vosengine.types import Annotation, Box, ClipInfo, Image, Probability


def check(annotations: Sequence[Annotation], info: ClipInfo) -> None:
    """Raise AnnotationError, naming the remedy, for what does not fit the clip."""
    if not annotations:
        raise AnnotationError("There is no annotation; mark the object on one frame first.")
    for annotation in annotations:
        where = f"frame {annotation.frame} of object {annotation.object_id}"
        if annotation.frame not in info.span:
            last = info.frame_count - 1
            raise AnnotationError(
                f"The annotation on {where} is outside the clip; choose a frame from 0 to {last}."
            )
        if annotation.mask is not None and annotation.mask.shape != (info.height, info.width):
            height, width = annotation.mask.shape
            raise AnnotationError(
                f"The mask on {where} has {width}x{height} pixels; give one of {info.width}x{info.height}."
            )
        if annotation.box is not None and annotation.box.clipped(info.width, info.height).area < 4:
            raise AnnotationError(
                f"The box on {where} lies outside the picture or is empty; draw it on the object."
            )
    for object_id in {a.object_id for a in annotations}:
        mine = [a for a in annotations if a.object_id == object_id]
        if all(a.mask is not None and not a.mask.any() for a in mine):
            raise AnnotationError(f"All masks of object {object_id} are empty; mark the object on one frame.")


def shots_by_object(
    annotations: Sequence[Annotation], info: ClipInfo, frames: Frames
) -> dict[int, list[Shot]]:
    """Each object's annotated frames at working resolution, in order of frames.

    A box becomes a mask by GrabCut (OSVOS-like one-shot training needs pixels; MaskTrackBox does likewise
    with a network). Raises AnnotationError for annotations that do not fit the clip.
    """
    check(annotations, info)
    shots: dict[int, list[Shot]] = {}
    images = {frame: frames.image(frame) for frame in {a.frame for a in annotations}}
    for annotation in sorted(annotations, key=lambda a: (a.object_id, a.frame)):
        image = images[annotation.frame]
        mask = _working_mask(annotation, info, frames, image)
        shots.setdefault(annotation.object_id, []).append(Shot(annotation.frame, image, mask))
    return shots


def _working_mask(annotation: Annotation, info: ClipInfo, frames: Frames, image: Image) -> Probability:
    if annotation.mask is not None:
        size = (frames.width, frames.height)
        small = cv2.resize(annotation.mask, size, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32) / np.float32(255)
    assert annotation.box is not None  # Annotation holds one of the two
    b, x, y = annotation.box, frames.width / info.width, frames.height / info.height
    box = Box(b.x * x, b.y * y, b.width * x, b.height * y)
    unmarked = np.zeros(image.shape[:2], np.uint8)
    return np.asarray(scribbles_to_mask(image, unmarked, box=box) / np.float32(255), np.float32)
