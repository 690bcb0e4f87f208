"""Edges softened along their motion, as a shutter that stays open softens them.

While the shutter is open, for `share` of a frame's time round its moment, a point of the object moves by
`share` of its way from frame to frame. So coverage becomes its mean along that way.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.finish.own_motion import inside_on, own_motion
from vosengine.finish.sampling import Numbers, places_of, sampled
from vosengine.finish.surroundings import Surroundings
from vosengine.types import Matte, Probability

MOST_SAMPLES = 64
LEAST_TRUST = 0.25  # of a neighbour's flow, on the whole object's mean: below it there is a cut, say
STILL = np.zeros((1, 1, 2), np.float32)
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
    total, weight = STILL, np.zeros((1, 1), np.float32)
    for offset in sorted(scene.both & {-1, 1}):
        motion = scene.motions[offset]
        inside = inside_on(matte, motion)
        if inside.any() and motion.trust[inside].mean() >= LEAST_TRUST:
            fastest = float(np.linalg.norm(motion.flow[inside], axis=1).max())
            own = own_motion(matte, motion, fastest / 2 * inside.shape[1] / matte.shape[1])
            total = total + offset * own.trust[..., None] * own.flow
            weight = weight + own.trust
    return np.asarray(total / np.maximum(weight, 1e-6)[..., None], np.float32)


def _near_edges(alpha: Probability, reach: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of pixels with any other coverage within `reach`."""
    kernel = np.ones((2 * int(np.ceil(reach)) + 3,) * 2, np.uint8)
    differ = cv2.dilate(alpha, kernel) != cv2.erode(alpha, kernel)
    rows, columns = np.nonzero(differ)
    return rows, columns
