"""Annotations made ready for the methods: checked against the clip and brought to working resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from vosengine.errors import AnnotationError
from vosengine.finetune import Shot
from vosengine.grabcut import scribbles_to_mask
from vosengine.language import tr
from vosengine.propagate import Frames
from vosengine.types import Annotation, Box, ClipInfo, Image, Probability

BoxToMask = Callable[[Image, Box], Probability]


def check(annotations: Sequence[Annotation], info: ClipInfo) -> None:
    """Raise AnnotationError, naming the remedy, for what does not fit the clip."""
    if not annotations:
        raise AnnotationError(tr("There is no annotation; mark the object on one frame first."))
    for annotation in annotations:
        where = tr("frame {frame} of object {object_id}").format(
            frame=annotation.frame, object_id=annotation.object_id
        )
        if annotation.object_id < 1:
            raise AnnotationError(
                tr("The annotation on {where} is of the background; number objects from 1.").format(
                    where=where
                )
            )
        if annotation.frame not in info.span:
            last = info.frame_count - 1
            raise AnnotationError(
                tr("The annotation on {where} is outside the clip; choose a frame from 0 to {last}.").format(
                    where=where, last=last
                )
            )
        if annotation.mask is not None and annotation.mask.shape != (info.height, info.width):
            height, width, *channels = annotation.mask.shape
            size = "x".join(map(str, (width, height, *channels)))
            raise AnnotationError(
                tr("The mask on {where} has {size} pixels; give one of {width}x{height}.").format(
                    where=where, size=size, width=info.width, height=info.height
                )
            )
        # "Not at least" instead of "less than": a box of NaN is neither.
        if annotation.box is not None and not annotation.box.clipped(info.width, info.height).area >= 4:
            raise AnnotationError(
                tr("The box on {where} lies outside the picture or is empty; draw it on the object.").format(
                    where=where
                )
            )
    for object_id in {a.object_id for a in annotations}:
        mine = [a for a in annotations if a.object_id == object_id]
        if all(a.mask is not None and not a.mask.any() for a in mine):
            raise AnnotationError(
                tr("All masks of object {object_id} are empty; mark the object on one frame.").format(
                    object_id=object_id
                )
            )


def grab_cut_box(image: Image, box: Box) -> Probability:
    """The object in a box (pixels of the image) by GrabCut."""
    unmarked = np.zeros(image.shape[:2], np.uint8)
    return np.asarray(scribbles_to_mask(image, unmarked, box=box) / np.float32(255), np.float32)


def shots_by_object(
    annotations: Sequence[Annotation],
    info: ClipInfo,
    frames: Frames,
    box_to_mask: BoxToMask = grab_cut_box,
    neighbours: bool = False,
) -> dict[int, list[Shot]]:
    """Each object's annotated frames at working resolution, in order of frames.

    A box becomes a mask by `box_to_mask` (one-shot training needs pixels). With `neighbours` each shot has
    the frame after it, the one before at the clip's end. Raises AnnotationError for annotations that do not
    fit the clip.
    """
    check(annotations, info)
    shots: dict[int, list[Shot]] = {}
    images = {frame: frames.image(frame) for frame in {a.frame for a in annotations}}
    beside = {frame: _beside(frame, info, frames) if neighbours else None for frame in images}
    for annotation in sorted(annotations, key=lambda a: (a.object_id, a.frame)):
        frame = annotation.frame
        mask = _working_mask(annotation, info, frames, images[frame], box_to_mask)
        shots.setdefault(annotation.object_id, []).append(Shot(frame, images[frame], mask, beside[frame]))
    return shots


def _beside(frame: int, info: ClipInfo, frames: Frames) -> Image | None:
    """The frame after this one, the one before at the clip's end; None in a clip of one frame."""
    if info.frame_count < 2:
        return None
    return frames.image(frame + 1 if frame + 1 < info.frame_count else frame - 1)


def _working_mask(
    annotation: Annotation, info: ClipInfo, frames: Frames, image: Image, box_to_mask: BoxToMask
) -> Probability:
    if annotation.mask is not None:
        size = (frames.width, frames.height)
        small = cv2.resize(annotation.mask, size, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32) / np.float32(255)
    assert annotation.box is not None  # Annotation holds one of the two
    b, x, y = annotation.box, frames.width / info.width, frames.height / info.height
    return box_to_mask(image, Box(b.x * x, b.y * y, b.width * x, b.height * y))
