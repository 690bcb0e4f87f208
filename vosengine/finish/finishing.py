"""One frame's matte under its edge controls, and what that needs from around the frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from vosengine.edge_controls import EdgeControls
from vosengine.finish.growing import grown
from vosengine.finish.tone import FULL, toned
from vosengine.guides.flow import Flow
from vosengine.types import Matte, Probability

Window = tuple[slice, slice]


@dataclass(frozen=True)
class Surroundings:
    """What lies round a frame in time; `vosengine.finish.around` collects it.

    mattes: the object's mattes on neighbouring frames by offset (-5..5 without 0), those that there are.
    motions: by offset, where this frame's pixels are on that frame: as `dis_flow(that, this)` says it, in
        pixels of the clip, on a grid as wide as the clip or coarser.
    drawn: a person drew or approved this frame, so temporal smoothing leaves it alone.
    """

    mattes: Mapping[int, Matte] = field(default_factory=dict)
    motions: Mapping[int, Flow] = field(default_factory=dict)
    drawn: bool = False


ALONE = Surroundings()


def finished(matte: Matte, controls: EdgeControls, scene: Surroundings | None = None) -> Matte:
    """The matte under the controls: uint16 (height, width), the same object where they are neutral.

    Without a `scene`, temporal smoothing and motion blur do nothing. `decontaminate` is about colours: see
    `decontaminated`.
    """
    if controls.is_neutral:
        return matte
    shaped = toned(matte, controls.threshold, controls.contrast)
    window = object_window(shaped, _reach(controls))
    if window is None:
        return shaped
    alpha: Probability = shaped[window].astype(np.float32) / np.float32(FULL)
    alpha = feathered(grown(alpha, controls.grow), controls.feather)
    result = shaped.copy()
    result[window] = np.rint(alpha.clip(0, 1) * FULL).astype(np.uint16)
    return result


def feathered(alpha: Probability, width: float) -> Probability:
    """A hard edge spread over `width` pixels: by a Gaussian, of which a quarter of that is the deviation."""
    if width == 0:
        return alpha
    blurred = cv2.GaussianBlur(alpha, (0, 0), width / 4, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


def object_window(matte: Matte, margin: int) -> Window | None:
    """Rows and columns of all that is not 0 and `margin` round it within the frame; None for nothing."""
    x, y, width, height = cv2.boundingRect((matte > 0).astype(np.uint8))
    if width == 0:
        return None
    return slice(max(0, y - margin), y + height + margin), slice(max(0, x - margin), x + width + margin)


def _reach(controls: EdgeControls) -> int:
    """How far from the object its edge may get, in pixels."""
    return int(max(controls.grow, 0) + controls.feather) + 3
