"""e-OSVOS: Mask R-CNN fine-tuned to one object in a few steps, at meta-learned rates.

Meinhardt and Leal-Taixé, "Make One-Shot Video Object Segmentation Efficient Again", NeurIPS 2020. The network
starts from a meta-learned initialisation and takes T steps of vanilla SGD on the annotated frame, each neuron
at a learned rate (section 3.2); every few frames it goes on with its own result, from the first frame's
weights again (online adaptation, section 3.3); the previous frame's box is among the next frame's proposals
(bounding box propagation, section 3.3).

The paper leaves open which detection is the object's, and how propagated boxes are moved at random: here the
best-scoring one, and shifts and scalings by up to a fifth. Differences from the paper: a frame without a
detection is not adapted to, and the last box known stays among the proposals; of several annotated frames a
step takes one at random, and online adaptation the one its sweep starts from. With `Config.rates` "hand" all
neurons learn at `Config.rate`: the paper's baseline.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vosengine.augment import bounding_box
from vosengine.config import Config
from vosengine.crop import whole_frame
from vosengine.errors import WeightsError
from vosengine.finetune import Shot, image_tensor, optimizer_step, stacked, to_network
from vosengine.language import tr
from vosengine.losses import lovasz_softmax
from vosengine.neuron_rates import NeuronSgd
from vosengine.oneshot import augmented
from vosengine.pairs import View
from vosengine.runtime import device, mixed_precision, placed
from vosengine.types import Box, Image, Probability
from vosengine.weights import ARCHITECTURES, load_rates

if TYPE_CHECKING:  # torchvision is slow to import
    from vosengine.networks.mask_rcnn import Detections, MaskRCNN

NETWORKS = {"lite": "mask_rcnn_lite", "resnet50": "mask_rcnn_resnet50"}
PARENTS = {"lite": "mask_rcnn_lite", "resnet50": "coco"}
LEARNED = {"lite": "e_osvos_lite", "resnet50": "e_osvos_resnet50"}
MOVED_BOXES = 8
LARGEST_SHIFT, LARGEST_SCALE = 0.2, 0.2  # of a propagated box, over its sides


class EOsvos:
    """A Mask R-CNN for one object."""

    def __init__(self, parent: MaskRCNN, config: Config, rates: Mapping[str, Tensor] | None = None) -> None:
        self.config = config
        self.network = placed(copy.deepcopy(parent))
        self.rates = rates_of(config) if rates is None and config.rates == "neuron" else rates
        self.rng = np.random.default_rng(config.seed)
        if self.rates is None:
            trained = [p for p in self.network.parameters() if p.requires_grad]
            self.optimizer: torch.optim.Optimizer = torch.optim.SGD(trained, lr=config.rate)
        else:
            self.optimizer = NeuronSgd(self.network, self.rates)

    def fine_tune(self, shots: Sequence[Shot], steps: int) -> Iterator[float]:
        """The paper's T iterations on the annotated frames; yields the loss of each."""
        shown = [shot for shot in shots if bounding_box(shot.mask) is not None]
        for _ in range(steps if shown else 0):
            yield self.step([self._view(shown) for _ in range(self.config.batch_size)])

    def step(self, views: Sequence[View]) -> float:
        """One step of SGD (equation 5) on the views; its loss."""
        images, masks, _ = stacked(views)
        seed = int(self.rng.integers(2**31))
        mask_loss = lovasz_softmax if self.config.e_osvos.lovasz else F.binary_cross_entropy_with_logits
        with mixed_precision(device()):
            loss = self.network(to_network(images), list(masks.to(device())), seed, mask_loss)
        return optimizer_step(self.optimizer, loss)

    def _view(self, shots: Sequence[Shot]) -> View:
        if self.config.e_osvos.augment:
            return augmented(self.rng, shots)
        shot = shots[int(self.rng.integers(len(shots)))]
        return plain_view(shot.image, shot.mask)

    def detect(self, image: Image, proposals: NDArray[np.float32] | None) -> Detections:
        """What the network finds on a frame as it sees it (`whole_frame`), also near the given boxes."""
        window = whole_frame(*image.shape[:2])
        extra = None if proposals is None else torch.from_numpy(proposals).to(device())
        with torch.no_grad(), mixed_precision(device()):
            return self.network.detect(image_tensor(window.cut(image)), extra)

    def begin(self, shots: Sequence[Shot], start: int) -> EOsvosTrack:
        """A sweep away from the annotated frame `start`."""
        return EOsvosTrack(self, next(shot for shot in shots if shot.frame == start))

    def copied(self) -> EOsvos:
        """The same weights and rates."""
        return EOsvos(self.network, self.config, self.rates)


class EOsvosTrack:
    """One sweep: the box carried from frame to frame and, with online adaptation, weights of its own."""

    def __init__(self, method: EOsvos, first: Shot) -> None:
        self.settings = method.config.e_osvos
        self.method = method
        self.adapted: EOsvos | None = None  # a copy, made when there is something to adapt to
        self.first = plain_view(first.image, first.mask)
        self.box = corners(bounding_box(self.first.mask))
        self.rng = np.random.default_rng((method.config.seed, first.frame))
        self.frames = 0
        self.latest: View | None = None

    def segment(self, image: Image) -> Probability:
        """The best-scoring detection's mask on the next frame (height, width); 0 where there is none."""
        height, width = image.shape[:2]
        found = (self.adapted or self.method).detect(image, self._proposals())
        self.frames += 1
        self.latest = None
        if not len(found.scores):
            return np.zeros((height, width), np.float32)
        best = int(found.scores.argmax())
        window = whole_frame(height, width)
        mask = found.mask(best, window.rows, window.columns)
        probability = window.paste(mask.float().cpu().numpy(), height, width)
        self.box = found.boxes[best].float().cpu().numpy()
        self.latest = plain_view(image, probability)
        return probability

    def _proposals(self) -> NDArray[np.float32] | None:
        """The previous box and copies of it, moved at random (section 3.3)."""
        if self.box is None or not self.settings.propagate_boxes:
            return None
        return np.concatenate((self.box[None], moved_boxes(self.rng, self.box, MOVED_BOXES)))

    def adapt(self) -> Iterator[float]:
        """Every few frames, steps on the first frame and on the result of this one (section 3.3)."""
        every = self.settings.adapt_every
        if not every or self.frames % every or self.latest is None:
            return
        if self.adapted is None:
            self.adapted = self.method.copied()
        elif self.settings.reset:
            self.adapted.network.load_state_dict(self.method.network.state_dict())
        for _ in range(self.settings.adapt_steps):
            yield self.adapted.step([self.first, self.latest])


def rates_of(config: Config) -> dict[str, Tensor]:
    """The learned rates of the config's weights. Raises WeightsError where these hold none."""
    name = config.weights or LEARNED.get(config.trunk, PARENTS[config.trunk])
    if name in ARCHITECTURES[NETWORKS[config.trunk]].outside:
        raise WeightsError(
            tr(
                "The weights {name!r} hold no learned rates; choose weights of `rotoshot train meta`, or set "
                "rates to hand."
            ).format(name=name)
        )
    return load_rates(name)


def plain_view(image: Image, mask: Probability) -> View:
    """A frame and its hard mask as the network sees them."""
    window = whole_frame(*mask.shape)
    hard = (window.cut_soft(mask) >= 0.5).astype(np.float32)
    return View(window.cut(image), hard, np.zeros_like(hard))


def corners(box: Box | None) -> NDArray[np.float32] | None:
    """Left, top, right, bottom."""
    if box is None:
        return None
    return np.array([box.x, box.y, box.x + box.width, box.y + box.height], np.float32)


def moved_boxes(rng: np.random.Generator, box: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """`count` copies of a box (left, top, right, bottom), shifted and scaled at random: (count, 4)."""
    centre, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    centres = centre + sides * rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT, (count, 2))
    halves = sides / 2 * np.exp(rng.uniform(-LARGEST_SCALE, LARGEST_SCALE, (count, 2)))
    return np.concatenate((centres - halves, centres + halves), 1).astype(np.float32)
