"""Edges softened along their motion, as a shutter that stays open softens them.

While the shutter is open, for `share` of a frame's time round its moment, a point of the object moves by
`share` of its way from frame to frame. So coverage becomes its mean along that way.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.finish.sampling import Numbers, places_of, sampled
from vosengine.finish.surroundings import Surroundings
from vosengine.types import Matte, Probability

MOST_SAMPLES = 64
LEAST_TRUST = 0.25  # of a neighbour's flow, on the whole object's mean: below it there is a cut, say
STILL = np.zeros((1, 1, 2), np.float32)
CLOSE, ENOUGH = 2.0, 0.02  # pixels of deviation; what must lie inside of it to go by what is close
LEAST_MOTION = 0.25  # pixels of blur: less is not seen


def motion_blurred(alpha: Probability, velocity: Numbers, share: float) -> Probability:
    """Coverage averaged along the object's motion while the shutter is open.

    alpha: float32 (height, width) in [0, 1]; velocity: the object's, float32 (height, width, 2), in pixels a
    frame; share: in [0, 1], of a frame's time.
    """
    longest = share * float(np.linalg.norm(velocity, axis=2).max(initial=0))
    if longest < LEAST_MOTION:
        return alpha
    rows, columns = _near_edges(alpha, longest / 2)
    places, way = places_of(rows, columns), share * velocity[rows, columns]
    count = min(int(np.ceil(longest)) + 2, MOST_SAMPLES)
    moments = (np.arange(count, dtype=np.float32) + 0.5) / count - 0.5
    total = np.zeros(len(places), np.float32)
    for moment in moments:
        total += sampled(alpha, np.asarray(places - moment * way, np.float32))
    result = alpha.copy()
    result[rows, columns] = total / count
    return result


def object_velocity(matte: Matte, scene: Surroundings) -> Numbers:
    """The object's velocity in pixels a frame, carried on beyond its edge as far as its blur reaches.

    float32 (height, width, 2) on the grid of the scene's motions: the mean of the ways from the frame before
    and to the frame after, each as far as it is trusted. What lies outside the object moves on its own and is
    not looked at. 0 where no neighbour shows the object.
    """
    known = [(offset, scene.motions[offset]) for offset in (-1, 1) if offset in scene.both]
    if not known:
        return STILL
    height, width = known[0][1].trust.shape
    inside = np.asarray(cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA) >= 0x8000)
    weight, summed = np.zeros((height, width), np.float32), np.zeros((height, width, 2), np.float32)
    for offset, (flow, trust) in known:
        if inside.any() and trust[inside].mean() >= LEAST_TRUST:
            weight += trust * inside
            summed += offset * (trust * inside)[..., None] * flow
    return _carried_on(weight, summed, width / matte.shape[1])


def _carried_on(weight: Numbers, summed: Numbers, scale: float) -> Numbers:
    """The mean where there is weight, elsewhere that of what is nearest; `scale` grid cells a pixel."""
    mean, _ = _spread(weight, summed, 0)
    fastest = scale * float(np.linalg.norm(mean, axis=2).max())
    close, enough = _spread(weight, summed, CLOSE)
    far, _ = _spread(weight, summed, fastest / 4 + CLOSE)
    return np.where((enough > ENOUGH)[..., None], close, far)


def _spread(weight: Numbers, summed: Numbers, deviation: float) -> tuple[Numbers, Numbers]:
    """Gaussian means of what is summed, and of the weights."""
    if deviation > 0:
        weight = np.asarray(cv2.GaussianBlur(weight, (0, 0), deviation), np.float32)
        summed = np.asarray(cv2.GaussianBlur(summed, (0, 0), deviation), np.float32)
    return np.asarray(summed / np.maximum(weight, 1e-6)[..., None], np.float32), weight


def _near_edges(alpha: Probability, reach: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of pixels with any other coverage within `reach`."""
    kernel = np.ones((2 * int(np.ceil(reach)) + 3,) * 2, np.uint8)
    differ = cv2.dilate(alpha, kernel) != cv2.erode(alpha, kernel)
    rows, columns = np.nonzero(differ)
    return rows, columns
