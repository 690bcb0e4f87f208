"""Dense optical flow between two frames (DIS), warping along it, and where it can be trusted.

Flow: Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016, through
OpenCV. Check: Sundaram, Brox, Keutzer, "Dense Point Trajectories by GPU-Accelerated Large Displacement
Optical Flow", ECCV 2010.

Convention: *backward warping*. `flow = dis_flow(source, target)` is defined on the target's pixels and
points to where each came from: target pixel (x, y) shows what the source showed at
(x + flow[y, x, 0], y + flow[y, x, 1]). So `warp(previous_probability, dis_flow(previous, current))` is the
previous frame's probability carried to the current frame.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.types import Image

Flow = NDArray[np.float32]
Warped = TypeVar("Warped", np.uint8, np.uint16, np.float32)

PRESETS: dict[str, int] = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}

# OpenCV's DIS crashes on frames narrower than its 8-pixel patch at the finest scale used (1/4).
SMALLEST_SIDE = 32

# Sundaram et al. 2010: squared disagreement allowed, as a share of the squared motion and in px^2.
MOTION_SHARE = 0.01
TOLERANCE = 0.5


def dis_flow(source: Image, target: Image, preset: str = "medium", flow_side: int = 0) -> Flow:
    """The flow that brings `source` onto `target`: float32 (height, width, 2), pixels (dx, dy).

    preset: "ultrafast", "fast" or "medium", OpenCV's settings of the paper's parameters.
    flow_side: compute on frames whose longer side is at most this many pixels; 0 for the full size. The
        result has the frames' size and is in their pixels all the same.
    Raises ValueError when the sizes differ or the preset is unknown.
    """
    if source.shape != target.shape:
        raise ValueError(f"the frames differ in size: {source.shape} and {target.shape}")
    if preset not in PRESETS:
        raise ValueError(f"no flow preset {preset!r}; choose one of {', '.join(PRESETS)}")
    height, width = target.shape[:2]
    scale = min(1.0, flow_side / max(height, width)) if flow_side else 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    flow = _dis(_gray(target, size), _gray(source, size), PRESETS[preset])
    if size == (width, height):
        return flow
    flow *= np.array([width / size[0], height / size[1]], np.float32)
    return np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def warp(array: NDArray[Warped], flow: Flow) -> NDArray[Warped]:
    """`array` (height, width) or (height, width, channels) sampled bilinearly along the flow.

    Keeps the type; exact where the flow is whole pixels. Beyond the frame's edge the edge repeats, so that
    an object cut by the frame stays cut by it.
    """
    height, width = flow.shape[:2]
    if array.shape[:2] != (height, width):
        raise ValueError(f"the flow's size {flow.shape[:2]} is not the array's {array.shape[:2]}")
    sampled = cv2.remap(array, *_places(flow), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, array.dtype)


def consistency(forward: Flow, backward: Flow, tolerance: float = TOLERANCE) -> NDArray[np.float32]:
    """How far to trust `forward`: float32 (height, width) in [0, 1], 1 where following both returns home.

    forward, backward: `dis_flow(a, b)` and `dis_flow(b, a)`; the answer lies on b's pixels.
    tolerance: squared pixels of disagreement allowed without motion. The paper calls a pixel occluded when
        its disagreement exceeds the allowance; here the confidence falls smoothly and is 0.5 there. Pixels
        that come from outside the frame have confidence 0.
    """
    height, width = forward.shape[:2]
    # Plane by plane: NumPy is slow in sums over an axis of two.
    (fx, fy), (bx, by) = cv2.split(forward), cv2.split(warp(backward, forward))
    disagreement = (fx + bx) ** 2 + (fy + by) ** 2
    motion = (fx**2 + fy**2) + (bx**2 + by**2)
    x, y = _places(forward)
    inside = (x > -1) & (x < width) & (y > -1) & (y < height)
    confidence = 1 / (1 + disagreement / (MOTION_SHARE * motion + tolerance))
    return np.where(inside, confidence, np.float32(0))


def _places(flow: Flow) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each target pixel came from: columns and rows, float32 (height, width)."""
    height, width = flow.shape[:2]
    x, y = (np.asarray(plane, np.float32) for plane in cv2.split(flow))
    x += np.arange(width, dtype=np.float32)
    y += np.arange(height, dtype=np.float32)[:, None]
    return x, y


def _gray(image: Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Grey levels at `size` (width, height)."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if size != (image.shape[1], image.shape[0]):
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return np.asarray(gray, np.uint8)


def _dis(origin: NDArray[np.uint8], destination: NDArray[np.uint8], preset: int) -> Flow:
    """Flow on `origin`'s pixels pointing into `destination`; very small frames are extended first."""
    height, width = origin.shape
    bottom, right = max(0, SMALLEST_SIDE - height), max(0, SMALLEST_SIDE - width)
    padded = [
        cv2.copyMakeBorder(gray, 0, bottom, 0, right, cv2.BORDER_REPLICATE) for gray in (origin, destination)
    ]
    # A solver of its own for each call: OpenCV's keeps the last frame's pyramids and is not thread-safe.
    flow = cv2.DISOpticalFlow.create(preset).calc(padded[0], padded[1], None)  # type: ignore[call-overload]
    return np.asarray(flow[:height, :width], np.float32)
