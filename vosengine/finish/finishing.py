"""One frame's matte under its edge controls."""

from __future__ import annotations

import cv2
import numpy as np

from vosengine.edge_controls import EdgeControls
from vosengine.finish.growing import grown
from vosengine.finish.motion import STILL, motion_blurred, object_velocity
from vosengine.finish.sampling import in_window
from vosengine.finish.steadying import steadied
from vosengine.finish.surroundings import Surroundings
from vosengine.finish.tone import FULL, toned
from vosengine.types import Matte, Probability
from vosengine.windows import bounding_window

ALONE = Surroundings()
NO_FEATHER = 0.5  # pixels: neighbours would weigh less than a 16-bit step


def finished(matte: Matte, controls: EdgeControls, scene: Surroundings | None = None) -> Matte:
    """The matte under the controls: uint16 (height, width), the same object where they are neutral.

    Without a `scene`, temporal smoothing and motion blur do nothing; `surroundings` collects one.
    `decontaminate` is about colours: see `decontaminated`.
    """
    if controls.is_neutral:
        return matte
    scene = scene or ALONE
    shaped = toned(steadied(matte, scene, controls.smoothing), controls.threshold, controls.contrast)
    velocity = object_velocity(shaped, scene) if controls.motion_blur > 0 else STILL
    reach = max(controls.grow, 0) + controls.feather + controls.motion_blur * float(np.abs(velocity).max())
    window = bounding_window(shaped > 0, int(reach) + 3)
    if window is None:
        return shaped
    alpha: Probability = shaped[window].astype(np.float32) / np.float32(FULL)
    alpha = feathered(grown(alpha, controls.grow), controls.feather)
    if velocity.any():
        alpha = motion_blurred(alpha, in_window(velocity, matte.shape, window), controls.motion_blur)
    result = shaped.copy()
    result[window] = np.rint(alpha.clip(0, 1) * FULL).astype(np.uint16)
    return result


def feathered(alpha: Probability, width: float) -> Probability:
    """A hard edge spread over `width` pixels: by a Gaussian, of which a quarter of that is the deviation."""
    if width < NO_FEATHER:
        return alpha
    blurred = cv2.GaussianBlur(alpha, (0, 0), width / 4, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)
