"""OSVOS: One-Shot Video Object Segmentation.

S. Caelles, K.-K. Maninis, J. Pont-Tuset, L. Leal-Taixe, D. Cremers, L. Van Gool, CVPR 2017.

The parent network is fine-tuned on the annotated frame(s) and then segments every frame independently;
masks are snapped to edges afterwards (`vosengine.snap`). Differences from the paper: upscaling by bilinear
interpolation instead of transposed convolutions with the same fixed weights; the trunk "lite" is offered
beside VGG16, with the annotated frames as its memory and no guidance mask.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from vosengine.augment import Motion, affine_map, look, look_soft, random_affine
from vosengine.config import Config
from vosengine.crop import whole_frame
from vosengine.finetune import Shot, image_tensor, pair_logits, remembered, stacked, to_network
from vosengine.losses import class_balanced_cross_entropy
from vosengine.networks.lite import LiteNet, Memory
from vosengine.networks.osvos import OsvosNet
from vosengine.pairs import View
from vosengine.runtime import device, mixed_precision, placed
from vosengine.types import Image, Probability

MOMENTUM = 0.9  # section 3.2, as mirroring and zooming
WEIGHT_DECAY = 0.0002  # the authors' published code, as the rotation
ZOOM_AND_ROTATION = Motion(scale=0.25, shift=0.0, rotation=30, bend=0.0)


class Osvos:
    """A test network for one object."""

    def __init__(self, network: LiteNet | OsvosNet, config: Config) -> None:
        self.config = config
        self.network = placed(copy.deepcopy(network))
        trained = [p for p in self.network.parameters() if p.requires_grad]
        if isinstance(self.network, OsvosNet):
            self.optimizer: torch.optim.Optimizer = torch.optim.SGD(
                trained, lr=config.rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
            )
        else:
            self.optimizer = torch.optim.AdamW(trained, lr=config.rate, weight_decay=1e-4)

    def fine_tune(self, shots: Sequence[Shot], steps: int) -> Iterator[float]:
        """Steps on the mirrored, zoomed and rotated annotated frames; yields the loss of each."""
        rng = np.random.default_rng(self.config.seed)
        pairs = isinstance(self.network, LiteNet)  # which sees each view with another one as its memory
        count = 2 * -(-self.config.batch_size // 2) if pairs else self.config.batch_size
        for _ in range(steps):
            views = [augmented(rng, shots) for _ in range(count)]
            self.network.train()
            loss = self._loss(*stacked(views))
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            yield float(loss.item())

    def _loss(self, images: Tensor, masks: Tensor, unguided: Tensor) -> Tensor:
        """The paper sums over pixels and scales the rate to that; the lite trunk's optimizer wants the
        mean."""
        with mixed_precision(device()):
            if isinstance(self.network, OsvosNet):
                logits = self.network(to_network(images))
            else:
                logits = pair_logits(self.network, images, masks, unguided)
        reduction = "sum" if isinstance(self.network, OsvosNet) else "mean"
        return class_balanced_cross_entropy(logits, masks.to(device()), reduction)

    def begin(self, shots: Sequence[Shot], start: int) -> OsvosTrack:
        """Frames are independent: a sweep is the same from anywhere."""
        return OsvosTrack(self._segmenter(shots))

    def copied(self) -> Osvos:
        """The same weights, with a fresh optimizer."""
        return Osvos(self.network, self.config)

    def _segmenter(self, shots: Sequence[Shot]) -> Callable[[Tensor], Tensor]:
        """The test network as a function of a frame: image tensor -> logits."""
        network = self.network.eval()
        if isinstance(network, OsvosNet):
            return network
        memory = self._memory(network, shots)
        return lambda x: network(x, torch.zeros_like(x[:, :1]), memory)

    def _memory(self, network: LiteNet, shots: Sequence[Shot]) -> Memory:
        memories = [remembered(network, s.image, s.mask, whole_frame(*s.mask.shape)) for s in shots]
        return reduce(Memory.joined, memories)


class OsvosTrack:
    """Segments frames one by one, each on its own."""

    def __init__(self, segmenter: Callable[[Tensor], Tensor]) -> None:
        self.segmenter = segmenter

    def segment(self, image: Image) -> Probability:
        """The object's probability (height, width) on any frame."""
        height, width = image.shape[:2]
        window = whole_frame(height, width)
        with torch.no_grad(), mixed_precision(device()):
            logits = self.segmenter(image_tensor(window.cut(image)))
        return window.paste(logits[0, 0].float().sigmoid().cpu().numpy(), height, width)


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
