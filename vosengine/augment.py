"""Random geometry and colour, shared by offline training and one-shot fine-tuning.

Every function draws from the generator it is given and from nothing else. Images are uint8 RGB, masks and
probabilities float32 in [0, 1]; maps are those of cv2.remap (for each output pixel, where to look).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.types import Box, Image, Probability

Affine = NDArray[np.float64]  # (2, 3), output pixel -> input pixel
Map = NDArray[np.float32]  # (height, width, 2)


@dataclass(frozen=True)
class Motion:
    """How far a random motion may go: relative scale, shift and smooth deformation, and rotation in
    degrees."""

    scale: float = 0.15
    shift: float = 0.1
    rotation: float = 15.0
    bend: float = 0.03


def bounding_box(mask: NDArray[np.number[Any]], threshold: float = 0.5) -> Box | None:
    """The tightest box round the pixels above `threshold`, None where there are none."""
    inside = np.asarray(mask > threshold)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if rows.size == 0:
        return None
    return Box(
        float(columns[0]), float(rows[0]), float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1)
    )


def random_affine(
    rng: np.random.Generator, centre: tuple[float, float], size: float, motion: Motion
) -> Affine:
    """A similarity about `centre`, shifted by up to `motion.shift` times `size` pixels."""
    angle = np.deg2rad(rng.uniform(-motion.rotation, motion.rotation))
    scale = np.exp(rng.uniform(-motion.scale, motion.scale))
    dx, dy = rng.uniform(-motion.shift, motion.shift, 2) * size
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    cx, cy = centre
    return np.array([[cos, -sin, cx - cos * cx + sin * cy + dx], [sin, cos, cy - sin * cx - cos * cy + dy]])


def affine_map(matrix: Affine, height: int, width: int) -> Map:
    """The map of an affine transform."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    m = matrix.astype(np.float32)
    return np.stack((m[0, 0] * x + m[0, 1] * y + m[0, 2], m[1, 0] * x + m[1, 1] * y + m[1, 2]), 2)


def bend(rng: np.random.Generator, height: int, width: int, amount: float) -> Map:
    """Smooth displacements (pixels) of standard deviation `amount` times the shorter side."""
    coarse = rng.normal(0, amount * min(height, width), (4, 4, 2)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def look(image: Image, at: Map) -> Image:
    """The image through a map, its border pixels repeated outside."""
    return np.asarray(
        cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def look_soft(mask: Probability, at: Map) -> Probability:
    """A probability through a map, 0 outside."""
    return np.asarray(
        cv2.remap(mask, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32
    )


def colour_jitter(rng: np.random.Generator, image: Image, strength: float) -> Image:
    """Random gain, offset, gamma and saturation, each within about `strength`."""
    # All but the saturation is a table of 256 values a channel.
    tables = np.arange(256, dtype=np.float32)[:, None] / 255
    tables = tables ** np.float32(np.exp(rng.uniform(-strength, strength)))
    tables = tables * rng.uniform(1 - strength, 1 + strength, 3).astype(np.float32) + np.float32(
        rng.uniform(-strength, strength) / 2
    )
    red, green, blue = (
        cv2.LUT(plane, table) for plane, table in zip(cv2.split(image), tables.T.copy(), strict=True)
    )
    grey = (red + green + blue) / np.float32(3)
    saturation = np.float32(rng.uniform(1 - 2 * strength, 1 + 2 * strength))
    planes = [grey + (plane - grey) * saturation for plane in (red, green, blue)]
    return np.asarray(cv2.merge([np.clip(x * 255 + 0.5, 0, 255).astype(np.uint8) for x in planes]), np.uint8)


def blur(rng: np.random.Generator, image: Image) -> Image:
    """Motion blur along a random direction, or a slight defocus."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.5)), np.uint8)
    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    centre = (length - 1) / 2
    start, stop = np.round(centre - reach).astype(int), np.round(centre + reach).astype(int)
    cv2.line(kernel, tuple(map(int, start)), tuple(map(int, stop)), 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def box_mask(mask: Probability) -> Probability:
    """The mask's bounding box, filled."""
    filled = np.zeros_like(mask)
    box = bounding_box(mask)
    if box is not None:
        filled[int(box.y) : int(box.y + box.height), int(box.x) : int(box.x + box.width)] = 1
    return filled


def deform_mask(rng: np.random.Generator, mask: Probability, motion: Motion) -> Probability:
    """What a propagated mask looks like: moved, bent, grown or shrunk, softened (MaskTrack section 3.1)."""
    box = bounding_box(mask)
    if box is None:
        return mask
    height, width = mask.shape
    size = float(np.sqrt(box.area))
    centre = (box.x + box.width / 2, box.y + box.height / 2)
    at = affine_map(random_affine(rng, centre, size, motion), height, width)
    at = at + bend(rng, height, width, motion.bend * size / min(height, width))
    moved = look_soft(mask, at)
    radius = int(rng.integers(0, max(2, int(size * 0.06)) + 1))
    if radius:
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        moved = np.asarray((cv2.dilate if rng.random() < 0.6 else cv2.erode)(moved, disk), np.float32)
    if rng.random() < 0.7:
        moved = np.asarray(cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.5, 3.0)), np.float32)
    return moved


def damage_mask(rng: np.random.Generator, mask: Probability) -> Probability:
    """What goes wrong with propagated masks: a part lost, or a blob of background taken in."""
    box = bounding_box(mask)
    if box is None:
        return mask
    damaged = mask.copy()
    lost = rng.random() < 0.5
    spread = 0.5 if lost else 0.8
    centre = (
        int(box.x + box.width * (0.5 + rng.uniform(-spread, spread))),
        int(box.y + box.height * (0.5 + rng.uniform(-spread, spread))),
    )
    axes = (
        int(max(2, box.width * rng.uniform(0.1, 0.45))),
        int(max(2, box.height * rng.uniform(0.1, 0.45))),
    )
    cv2.ellipse(damaged, centre, axes, float(rng.uniform(0, 180)), 0, 360, 0.0 if lost else 1.0, -1)
    return damaged
