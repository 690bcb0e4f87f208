"""A box to a mask: the object in it by three of the bundled networks and its colours.

Two networks look into the box, each knowing what the other does not: MaskTrackBox (Perazzi et al., CVPR 2017,
section 3.3) is given the filled box as its mask input, the mask head of Mask R-CNN (He et al., ICCV 2017)
what the box holds. The mean of their answers and what GrabCut makes of it are the first answer. What goes on
outside the box, a post or a passer-by, fades from it: its places look like places outside. The rest guides
the default method's network, which also remembers it: so the object is told from its surroundings by what the
answer looks like as a whole. Each network sees the part of the frame round the box, at the resolution the box
deserves. Nothing outside the box is object.

Where this finds next to nothing, as in a box that holds no object the networks know, the box goes to GrabCut;
a box too narrow even for that is all object.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vosengine.annotations import grab_cut_box
from vosengine.crop import Window, window_around
from vosengine.errors import AnnotationError
from vosengine.finetune import image_tensor, map_tensor
from vosengine.grabcut import probability_to_mask
from vosengine.guided_training import as_guidance
from vosengine.networks.mask_rcnn import pasted
from vosengine.runtime import device, mixed_precision, placed
from vosengine.snap import snap, to_full_resolution
from vosengine.types import Box, Image, Mask, Probability

# Architecture and weights of the networks that look into the box, and of the one that joins their answers.
BOX_NETWORK = "masktrack_lite", "masktrack_box_lite"
MASK_HEAD = "mask_rcnn_lite", "mask_rcnn_lite"
JOINING = "lite", "lite"
NETWORKS = (BOX_NETWORK, MASK_HEAD, JOINING)

MARGIN = 1.5  # side of what the networks see over the box's
FINE, COARSE = 384 * 288, 288 * 192  # pixels of it: more for the one network that was trained on whole frames
LEAST_SHARE = 0.02  # of the box: whoever draws a box does not leave nearly all of it empty
# What goes on outside: the label of a place (of 8 x 8 pixels) as the places like it have it that lie further
# away than APART of them. The larger ALIKENESS is, the fewer are like it. Below STAYS the place fades.
APART, ALIKENESS, STAYS = 2, 20.0, 0.5
WORKING_SIDE = 854  # the networks know no more of a larger frame; its edges are found afterwards

Load = Callable[[str, str], Any]
"""Gives the network of an architecture with the weights of a name."""


def object_in_box(load: Load, image: Image, box: Box) -> Probability:
    """The object (height, width) in a box, 0 outside the box.

    image: (height, width, 3) at working resolution; box: in its pixels, may reach over its border. The same
    input gives the same answer. Raises AnnotationError for a box that covers nothing of the image.
    """
    height, width = image.shape[:2]
    flags = box_flags(box, height, width)
    fine, coarse = (window_around(box, height, width, MARGIN, area) for area in (FINE, COARSE))
    answers = (
        _by_box_network(load(*BOX_NETWORK), image, flags, fine),
        _by_mask_head(load(*MASK_HEAD), image, box, coarse),
    )
    mean = np.asarray(np.mean(answers, axis=0) * flags, np.float32)
    by_colour = probability_to_mask(image, mean, flags > 0) / np.float32(255)
    first = np.asarray((mean + by_colour) / 2, np.float32)
    found = _joined(load(*JOINING), image, first, mean, coarse) * flags
    if (found >= 0.5).sum() < LEAST_SHARE * flags.sum():
        cut = grab_cut_box(image, box)
        return cut if cut.any() else flags
    return found


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
        raise AnnotationError("The box does not cover any of the frame; draw it round the object.")
    return flags


def _at_working_size(image: Image) -> Image:
    scale = WORKING_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _by_box_network(network: Any, image: Image, flags: Probability, window: Window) -> Probability:
    """MaskTrackBox: the filled box as mask input."""
    guidance = as_guidance((window.cut_soft(flags) > 0.5).astype(np.float32))
    seen = image_tensor(window.cut(image)), map_tensor(guidance)
    with torch.no_grad(), mixed_precision(device()):
        logits = placed(network).eval()(*seen)
    return _on_frame(logits, window, flags)


def _by_mask_head(network: Any, image: Image, box: Box, window: Window) -> Probability:
    """Mask R-CNN's mask of the box."""
    zoom = np.array([window.columns / window.width, window.rows / window.height] * 2)
    corners = np.array([box.x, box.y, box.x + box.width, box.y + box.height])
    seen = torch.from_numpy(((corners - (window.x, window.y) * 2) * zoom).astype(np.float32))[None]
    with torch.no_grad(), mixed_precision(device()):
        masks = placed(network).masks_in(image_tensor(window.cut(image)), seen.to(device()))
    found = pasted(masks, seen.to(masks.device), window.rows, window.columns)[0]
    return window.paste(found.cpu().numpy(), *image.shape[:2])


def _joined(network: Any, image: Image, first: Probability, mean: Probability, window: Window) -> Probability:
    """The default method's network, guided by a first answer that it remembers as this frame's mask.

    mean: what decides which parts of the first answer go on outside the box.
    """
    with torch.no_grad(), mixed_precision(device()):
        features = placed(network).eval().encode(image_tensor(window.cut(image)))
        staying = _staying(network, features, map_tensor(window.cut_soft(mean)))
        mask = map_tensor(window.cut_soft(first)) * staying
        logits = network.decode(features, 2 * mask - 1, network.remember(features, mask))
    return _on_frame(logits, window, first)


def _staying(network: Any, features: list[Tensor], mean: Tensor) -> Tensor:
    """How far each pixel of the answer `mean` (1, 1, rows, columns) belongs to what stays in the box: [0, 1].

    Each place is compared with all that are not its neighbours. Places outside the box are background.
    """
    _, s4, s8, s16, *_ = (f.float() for f in features)
    keys = F.normalize(network.matcher.key(s16).float(), dim=1)
    parts = (F.normalize(F.avg_pool2d(s4, 2), dim=1), F.normalize(s8, dim=1), _enlarged(keys, 2))
    places = torch.cat(parts, 1).flatten(2)[0]  # (channels, places)
    alike = (ALIKENESS * (places.T @ places / len(parts) - 1)).exp()
    labels = F.avg_pool2d(mean, 8)
    rows, columns = labels.shape[2:]
    at = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float().to(mean.device)
    weights = alike * (torch.cdist(at, at, p=math.inf) > APART)
    share = weights @ labels.flatten() / weights.sum(1).clamp(min=1e-9)
    return _enlarged((share / STAYS).clamp(max=1).view_as(labels), 8)


def _enlarged(x: Tensor, times: int) -> Tensor:
    return F.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)


def _on_frame(logits: Tensor, window: Window, frame: Probability) -> Probability:
    return window.paste(logits[0, 0].float().sigmoid().cpu().numpy(), *frame.shape)
