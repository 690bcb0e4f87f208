"""A box to a mask: the object in it, by a network that is given the box.

The network is MaskTrackBox (Perazzi et al., CVPR 2017, section 3.3): its mask input is the filled box. It
looks at the part of the frame round the box, at the resolution the box deserves, more closely and from
further away, and the mean of its answers counts. Nothing outside the box is object.

Where it finds next to nothing, as in a box that holds no object it knows, the box goes to GrabCut; a box too
narrow even for that is all object.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch

from vosengine.annotations import grab_cut_box
from vosengine.crop import Window, window_around
from vosengine.errors import AnnotationError
from vosengine.finetune import image_tensor, map_tensor
from vosengine.guided_training import as_guidance
from vosengine.language import tr
from vosengine.runtime import device, mixed_precision, placed
from vosengine.snap import snap, to_full_resolution
from vosengine.types import Box, Image, Mask, Probability

NETWORK = "masktrack_lite", "masktrack_box_lite"  # architecture and weights

MARGINS = (1.5, 2.1)  # sides of what the network sees over the box's
AREA = 384 * 288  # pixels of it
LEAST_SHARE = 0.02  # of the box: whoever draws a box does not leave nearly all of it empty
WORKING_SIDE = 854  # the network knows no more of a larger frame; its edges are found afterwards

Load = Callable[[str, str], Any]
"""Gives the network of an architecture with the weights of a name."""


def object_in_box(load: Load, image: Image, box: Box) -> Probability:
    """The object (height, width) in a box, 0 outside the box.

    image: (height, width, 3) at working resolution; box: in its pixels, may reach over its border. The same
    input gives the same answer. Raises AnnotationError for a box that covers nothing of the image.
    """
    found, flags = by_box_network(load(*NETWORK), image, box), box_flags(box, *image.shape[:2])
    if (found >= 0.5).sum() < LEAST_SHARE * flags.sum():
        cut = grab_cut_box(image, box)
        return cut if cut.any() else flags
    return found


def by_box_network(network: Any, image: Image, box: Box) -> Probability:
    """As `object_in_box`, by any network that takes the filled box as its mask input, and by it alone."""
    height, width = image.shape[:2]
    flags = box_flags(box, height, width)
    windows = [window_around(box, height, width, margin, AREA) for margin in MARGINS]
    answers = [_seen_in(window, placed(network).eval(), image, flags) for window in windows]
    return np.asarray(np.mean(answers, axis=0) * flags, np.float32)


def mask_in_box(load: Load, image: Image, box: Box) -> Mask:
    """The object in a box on the image's edges, uint8 {0, 255}, at the size of an image of any size.

    Nothing outside the box is set. Raises AnnotationError as `object_in_box`.
    """
    height, width = image.shape[:2]
    small = _at_working_size(image)
    x, y = small.shape[1] / width, small.shape[0] / height
    found = object_in_box(load, small, Box(box.x * x, box.y * y, box.width * x, box.height * y))
    snapped = snap(small, found, "bilateral")
    if small.shape != image.shape:
        snapped = to_full_resolution(image, snapped)
    return np.where(snapped * box_flags(box, height, width) >= 0.5, np.uint8(255), np.uint8(0))


def box_flags(box: Box, height: int, width: int) -> Probability:
    """1 on every pixel (height, width) that the box touches, else 0.

    Raises AnnotationError where that is none.
    """
    inside = box.clipped(width, height)
    flags = np.zeros((height, width), np.float32)
    rows = slice(math.floor(inside.y), math.ceil(inside.y + inside.height))
    flags[rows, math.floor(inside.x) : math.ceil(inside.x + inside.width)] = inside.area > 0
    if not flags.any():
        raise AnnotationError(tr("The box does not cover any of the frame; draw it round the object."))
    return flags


def _seen_in(window: Window, network: Any, image: Image, flags: Probability) -> Probability:
    guidance = as_guidance((window.cut_soft(flags) > 0.5).astype(np.float32))
    with torch.no_grad(), mixed_precision(device()):
        logits = network(image_tensor(window.cut(image)), map_tensor(guidance))
    return window.paste(logits[0, 0].float().sigmoid().cpu().numpy(), *flags.shape)


def _at_working_size(image: Image) -> Image:
    scale = WORKING_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
