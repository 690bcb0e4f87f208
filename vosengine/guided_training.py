"""What MaskTrack's offline and online training share: optimizer, learning policy, loss; the network in use.

Perazzi et al., CVPR 2017, section 4, which follows DeepLabv2: SGD, a polynomial learning policy, all layers
trained, the new score layer ten times as fast as the rest. The lite network takes AdamW.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vosengine.crop import whole_frame
from vosengine.finetune import image_tensor, map_tensor, to_network
from vosengine.losses import cross_entropy_and_iou
from vosengine.networks.masktrack import MaskTrackVgg16
from vosengine.networks.masktrack_lite import MaskTrackLite
from vosengine.runtime import device, mixed_precision, seeded
from vosengine.types import Image, Probability

GuidedNetwork = MaskTrackVgg16 | MaskTrackLite
MOMENTUM, WEIGHT_DECAY = 0.9, 0.0005  # section 4
POWER = 0.9  # of the polynomial policy, as DeepLab's
SCORE_RATE, BIAS_RATE = 10, 2  # DeepLab's multiples of the rate


def as_guidance(mask: Probability, mask_input: bool = True) -> Probability:
    """A mask in {0, 1} as the network's input in [-1, 1]; all 0, saying nothing, without mask input."""
    return 2 * mask - 1 if mask_input else np.zeros_like(mask)


def new_optimizer(network: GuidedNetwork, rate: float) -> torch.optim.Optimizer:
    """SGD with momentum as in the paper for VGG16; AdamW, which needs far fewer steps, for the lite one."""
    if isinstance(network, MaskTrackLite):
        trained = [p for p in network.parameters() if p.requires_grad]
        return torch.optim.AdamW(trained, lr=rate, weight_decay=1e-4)
    groups = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            own = rate * SCORE_RATE if layer is network.fc8 else rate
            groups.append({"params": [layer.weight], "lr": own})
            groups.append({"params": [layer.bias], "lr": own * BIAS_RATE, "weight_decay": 0.0})
    return torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)


def guided_loss(
    network: GuidedNetwork, images: Tensor, masks: Tensor, guidance: Tensor, *, seed: int
) -> Tensor:
    """The loss on images uint8 (n, 3, h, w) with masks and guidance (n, 1, h, w).

    Pixel-wise cross-entropy as in the paper for VGG16; with soft IoU for the lite one. `seed` decides what
    VGG16's dropout leaves out.
    """
    where = device()
    with seeded(seed), mixed_precision(where):
        logits: Tensor = network(to_network(images), guidance.to(where))
    loss = cross_entropy_and_iou if isinstance(network, MaskTrackLite) else F.binary_cross_entropy_with_logits
    return loss(logits, masks.to(where))


def guided_probability(network: GuidedNetwork, image: Image, guidance: Probability) -> Probability:
    """The object (height, width) on an image, given the guidance in [-1, 1] of the network's size.

    That size is `whole_frame`'s: the guidance has its rows and columns.
    """
    height, width = image.shape[:2]
    window = whole_frame(height, width)
    network.eval()
    with torch.no_grad(), mixed_precision(device()):
        logits = network(image_tensor(window.cut(image)), map_tensor(guidance))
    return window.paste(logits[0, 0].float().sigmoid().cpu().numpy(), height, width)
