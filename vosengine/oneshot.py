"""OSVOS's test network: a parent trained further on the annotated frames, segmenting frames independently.

Caelles et al., CVPR 2017, section 3.2: the parent network is trained on the annotated frame(s) alone, with
mirroring, zoom and rotation, and so learns which object to find. OSVOS itself is no more than that; iterative
online training and the box-filtered method build upon it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from vosengine.augment import Motion, affine_map, look, look_soft, random_affine
from vosengine.config import Config
from vosengine.crop import whole_frame
from vosengine.finetune import Shot, image_tensor, optimizer_step, stacked, to_network
from vosengine.losses import class_balanced_cross_entropy
from vosengine.networks.osvos import OsvosNet
from vosengine.networks.osvos_lite import OsvosLite
from vosengine.pairs import View
from vosengine.runtime import device, mixed_precision, placed
from vosengine.types import Image, Probability

MOMENTUM = 0.9  # section 3.2, as mirroring and zooming
WEIGHT_DECAY = 0.0002  # the authors' published code, as the rotation
ZOOM_AND_ROTATION = Motion(scale=0.25, shift=0.0, rotation=30, bend=0.0)


class OneShot:
    """A test network for one object: its own copy of the parent, with an optimizer."""

    def __init__(self, parent: OsvosNet | OsvosLite, config: Config) -> None:
        self.config = config
        self.network = placed(copy.deepcopy(parent))
        self.optimizer = new_optimizer(self.network, config.rate)
        self.rng = np.random.default_rng(config.seed)

    def continued(self) -> OneShot:
        """A copy that goes on where this one is: the optimizer remembers its last gradients."""
        copied = type(self)(self.network, self.config)
        copied.optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))  # it would share tensors
        return copied

    def train(self, shots: Sequence[Shot], steps: int) -> Iterator[float]:
        """Optimizer steps on the mirrored, zoomed and rotated shots; yields the loss of each.

        The paper sums over pixels and scales the rate to that; the lite network's optimizer wants the mean.
        """
        reduction = "sum" if isinstance(self.network, OsvosNet) else "mean"
        for _ in range(steps):
            views = [augmented(self.rng, shots) for _ in range(self.config.batch_size)]
            images, masks, _ = stacked(views)
            self.network.train()
            with mixed_precision(device()):
                logits = self.network(to_network(images))
            loss = class_balanced_cross_entropy(logits, masks.to(device()), reduction)
            yield optimizer_step(self.optimizer, loss)

    def probability(self, image: Image) -> Probability:
        """The object's probability (height, width) on any frame."""
        height, width = image.shape[:2]
        window = whole_frame(height, width)
        self.network.eval()
        with torch.no_grad(), mixed_precision(device()):
            logits = self.network(image_tensor(window.cut(image)))
        return window.paste(logits[0, 0].float().sigmoid().cpu().numpy(), height, width)


class OneShotMethod:
    """What methods around a test network share: what is trained, and its one-shot training."""

    def __init__(self, parent: OsvosNet | OsvosLite, config: Config) -> None:
        self.test_network = OneShot(parent, config)

    @property
    def network(self) -> nn.Module:
        """What fine-tuning trains."""
        return self.test_network.network

    def fine_tune(self, shots: Sequence[Shot], steps: int) -> Iterator[float]:
        """Steps on the mirrored, zoomed and rotated annotated frames; yields the loss of each."""
        return self.test_network.train(shots, steps)


def new_optimizer(network: OsvosNet | OsvosLite, rate: float) -> torch.optim.Optimizer:
    """SGD with momentum as in the paper for VGG16; AdamW, which needs far fewer steps, for the lite one."""
    trained = [p for p in network.parameters() if p.requires_grad]
    if isinstance(network, OsvosNet):
        return torch.optim.SGD(trained, lr=rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    return torch.optim.AdamW(trained, lr=rate, weight_decay=1e-4)


def augmented(rng: np.random.Generator, shots: Sequence[Shot]) -> View:
    """One annotated frame mirrored, zoomed and rotated at random, at the network's size, without guidance."""
    shot = shots[int(rng.integers(len(shots)))]
    image, mask = shot.image, shot.mask
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    height, width = mask.shape
    window = whole_frame(height, width)
    zoom = np.array([[width / window.columns, 0.0, 0.0], [0.0, height / window.rows, 0.0]])
    affine = random_affine(rng, (window.columns / 2, window.rows / 2), 0.0, ZOOM_AND_ROTATION)
    at = affine_map(affine, window.rows, window.columns) * zoom.diagonal().astype(np.float32)
    seen = look_soft(np.ascontiguousarray(mask), at)
    return View(look(np.ascontiguousarray(image), at), (seen > 0.5).astype(np.float32), np.zeros_like(seen))
