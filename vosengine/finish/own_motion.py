"""The motion of an object, near its edge as well, where the footage's own is half the background's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.finish.sampling import Numbers
from vosengine.finish.surroundings import Motion
from vosengine.types import Matte

CLOSE = 3.0  # cells of the motion's grid: the Gaussian that carries motion over the edge
ENOUGH = 0.02  # of it inside the object to go by that; else a wider one
UNTRUSTED = 1e-3  # the weight of motion that is not trusted, where there is no other


def own_motion(matte: Matte, motion: Motion, reach: float = 0.0) -> Motion:
    """What the object's inside moves by, carried on over its edge.

    By some cells of the motion's grid, or as many as `reach`. Its trust is the root of the mean square of the
    trust inside; 0 where the object is far.
    """
    inside = inside_on(matte, motion).astype(np.float32)
    near = _blurred(inside, CLOSE)
    close = _spread(motion, inside, CLOSE)
    if reach <= 2 * CLOSE:
        return close
    far, enough = _spread(motion, inside, reach / 2), near > ENOUGH
    flow = np.where(enough[..., None], close.flow, far.flow)
    return Motion(flow, np.where(enough, close.trust, far.trust))


def inside_on(matte: Matte, motion: Motion) -> NDArray[np.bool_]:
    """Where the object is on the motion's grid."""
    height, width = motion.trust.shape
    small = cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small >= 0x8000, np.bool_)


def _spread(motion: Motion, inside: Numbers, deviation: float) -> Motion:
    """Gaussian means of what is inside, weighted by its trust."""
    trusted = motion.trust**2 * inside
    weight = trusted + np.float32(UNTRUSTED) * inside
    total = np.maximum(_blurred(weight, deviation), 1e-9)
    flow = _blurred(motion.flow * weight[..., None], deviation) / total[..., None]
    trust = np.sqrt(_blurred(trusted, deviation) / np.maximum(_blurred(inside, deviation), 1e-6))
    return Motion(np.asarray(flow, np.float32), np.asarray(trust, np.float32))


def _blurred(picture: Numbers, deviation: float) -> Numbers:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), deviation), np.float32)
