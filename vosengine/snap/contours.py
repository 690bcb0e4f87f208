"""OSVOS's contour branch at test time: how likely each pixel lies on a contour of anything in the scene.

Caelles et al., CVPR 2017, section 3.3. The network is trained offline only (`rotoshot train contours`), is
the same for all objects and clips, and is loaded when it is first needed.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from vosengine.crop import Window, crop_size, whole_frame
from vosengine.errors import WeightsError
from vosengine.finetune import image_tensor
from vosengine.language import tr
from vosengine.runtime import device, mixed_precision, placed
from vosengine.types import Image, Probability
from vosengine.weights import load_network

ARCHITECTURE = WEIGHTS = "contours_lite"
LARGEST_AREA = 854 * 480  # the paper's frames; the network sees larger ones reduced, which bounds its memory


def contour_probability(image: Image) -> Probability:
    """The contours of a frame (height, width, 3), as a probability of the same size.

    Raises WeightsError where the contour network is not bundled.
    """
    height, width = image.shape[:2]
    window = whole_frame(height, width)
    if height * width > LARGEST_AREA:
        window = Window(0, 0, width, height, *crop_size(height, width, LARGEST_AREA))
    where = device()
    with torch.no_grad(), mixed_precision(where):
        logits = contour_network(where)(image_tensor(window.cut(image)))
    return window.paste(logits[0, 0].float().sigmoid().cpu().numpy(), height, width)


@lru_cache(maxsize=1)
def contour_network(where: torch.device) -> nn.Module:
    """The bundled contour network on a device, kept for the next frame."""
    try:
        network = load_network(ARCHITECTURE, WEIGHTS)
    except WeightsError as error:
        raise WeightsError(
            tr(
                "Snapping to superpixels needs the contour network, which could not be loaded; choose "
                "another snapping, or train it with `rotoshot train contours`. {error}"
            ).format(error=error)
        ) from error
    return placed(network).to(where).eval()
