"""The default method: guided by the previous mask, in an object-centred crop.

It joins ideas of the five papers. The network is fine-tuned on the annotated frame (OSVOS); the previous
mask, carried along optical flow, guides it (MaskTrack) where the flow can be trusted and is left unknown
where not; the network sees a crop round the object at the resolution the object deserves (e-OSVOS's boxes);
it matches the frame with the annotated frames and with a few confident results of its own, which are
forgotten again (online adaptation with reset, but in memory instead of in the weights).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import reduce

import cv2
import numpy as np
import torch
from torch import Tensor

from vosengine.augment import bounding_box
from vosengine.config import Config
from vosengine.crop import Window, whole_frame, window_around
from vosengine.finetune import (
    Shot,
    image_tensor,
    map_tensor,
    optimizer_step,
    pair_logits,
    remembered,
    stacked,
)
from vosengine.guides.flow import consistency, dis_flow, warp
from vosengine.losses import cross_entropy_and_iou
from vosengine.networks.lite import LiteNet, Memory
from vosengine.neuron_rates import NeuronSgd
from vosengine.pairs import Mix, PairMaker
from vosengine.quality import expected_j
from vosengine.redetection import is_cut, is_strange, largest_region, resemblance
from vosengine.runtime import device, mixed_precision, placed
from vosengine.types import Box, Image, Probability
from vosengine.weights import load_rates

FLOW_SIDE = 427  # flow on frames of half of 480p: sharp enough for masks, a quarter of the time
NEAREST_SHOTS = 4  # annotated frames remembered at once
SURE_BACKGROUND = -0.7  # guidance below this is background carried along trusted flow
STRAY_SHARE = 0.1  # of the area that touches the guidance: what is smaller and apart from it is dropped
WARM_RATE = 0.25  # of the rate, for a network that is trained further
RECENT = 2  # own results remembered at once
SEARCH_GROWTH = 1.5  # of the sides of a lost object's box, a frame
LOST_SHARE = 0.3  # of the object's usual area: a smaller result may be a remainder, the object elsewhere
OTHER_SIZE = 5.0  # times larger or smaller than usual an object may come back
ALIKE, ALIKE_SHARE = 0.6, 0.9  # resemblance asked of what is found: at first, and of the latest own result's
LEAST_ALIKE, ALIKE_DECAY = 0.5, 0.99  # less is asked with each frame without it: it may look different by now
AREA_RATE = 0.2  # how fast the usual area follows the latest
LEARNED_RATES = "lite_meta"  # the checkpoint of meta-learned initialisation and rates
CONFIDENT = 0.85  # expected J from which an own result is worth remembering
# The annotated frame is moved as a whole: pasting would teach that its own background is another one.
MIX = Mix(
    clip=0,
    pasted=0,
    distractor=0,
    occluder=0.1,
    box_guidance=0.05,
    no_guidance=0.25,
    damaged_guidance=0.3,
    relit=0,
)


class Guided:
    """A fine-tuned lite network for one object."""

    def __init__(self, network: LiteNet, config: Config) -> None:
        self.config = config
        self.network = placed(copy.deepcopy(network))
        self.learned = config.rates == "neuron"
        self.optimizer = new_optimizer(self.network, config)
        self.warm = False

    def fine_tune(self, shots: Sequence[Shot], steps: int) -> Iterator[float]:
        """Steps on deformed pairs of the annotated frames; yields the loss of each. At the end of a first
        training at hand-set rates the weights are averaged with the parent's."""
        config = self.config
        shown = [shot for shot in shots if bounding_box(shot.mask) is not None]
        if not shown:
            return
        pairs = PairMaker(shown, seed=config.seed, mix=MIX, fresh=[shot.fresh for shot in shown])
        rate = config.rate * (WARM_RATE if self.warm else 1.0)
        rows, columns = _crop_shape(shown, config)
        parent = None if self.warm or self.learned else copy.deepcopy(self.network.state_dict())
        ramp = max(1, min(10, steps // 3))
        for step in range(steps):
            if not self.learned:
                for group in self.optimizer.param_groups:
                    group["lr"] = rate * min(1.0, (step + 1) / ramp, 1.2 - step / steps)
            count = max(1, config.batch_size // 2)
            made = [pairs.pair(step * count + n, rows, columns) for n in range(count)]
            images, masks, guidance = stacked([a for a, _ in made] + [b for _, b in made])
            self.network.train()
            with mixed_precision(device()):
                logits = pair_logits(self.network, images, masks, guidance)
            loss = cross_entropy_and_iou(logits, masks.to(device()))
            yield optimizer_step(self.optimizer, loss, clip=0.0 if self.learned else 1.0)
        if parent is not None:
            self._keep(parent, config.parent_share)

    def _keep(self, parent: dict[str, Tensor], share: float) -> None:
        """Average with the parent's weights: what one frame taught, with less of what it unlearned.

        Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
        """
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                value.lerp_(parent[name], share)

    def begin(self, shots: Sequence[Shot], start: int) -> GuidedTrack:
        """A sweep away from the annotated frame `start`."""
        return GuidedTrack(self, shots, start)

    def copied(self) -> Guided:
        """The same weights, with a fresh optimizer, to be trained further at a gentler rate."""
        copied = Guided(self.network, self.config)
        copied.warm = True
        return copied

    def remember(self, image: Image, mask: Probability) -> Memory:
        """The memory of one frame, seen through the object's window."""
        height, width = mask.shape
        window = self.window(bounding_box(mask), height, width)
        return remembered(self.network, image, mask, window)

    def window(self, box: Box | None, height: int, width: int) -> Window:
        """The crop round a box; the whole frame, at the crop's resolution, where there is none."""
        whole = Box(0, 0, width, height)
        if self.config.crop_area <= 0:
            return whole_frame(height, width)
        margin = 1.0 if box is None else self.config.crop_margin
        return window_around(box or whole, height, width, margin, self.config.crop_area)

    def probability(self, image: Image, guidance: Probability, memory: Memory, window: Window) -> Probability:
        """The network on one window: float32 of the frame's size, 0 outside the window."""
        self.network.eval()
        x = image_tensor(window.cut(image))
        g = map_tensor(window.cut_soft(guidance))
        if self.config.flip:  # both in one batch: a tenth cheaper than one after the other
            both = self._logits(torch.cat((x, x.flip(3))), torch.cat((g, g.flip(3))), memory)
            logits = (both[:1] + both[1:].flip(3)) / 2
        else:
            logits = self._logits(x, g, memory)
        return window.paste(logits[0, 0].sigmoid().cpu().numpy(), *guidance.shape)

    def _logits(self, image: Tensor, guidance: Tensor, memory: Memory) -> Tensor:
        with torch.no_grad(), mixed_precision(device()):
            found: Tensor = self.network(image, guidance, memory)
        return found


class GuidedTrack:
    """One sweep: the previous frame, its probability, and what is remembered."""

    def __init__(self, method: Guided, shots: Sequence[Shot], start: int) -> None:
        self.method = method
        known = [shot for shot in shots if bounding_box(shot.mask) is not None] or list(shots)
        shown = sorted(known, key=lambda shot: (abs(shot.frame - start), shot.frame))[:NEAREST_SHOTS]
        self.annotated = reduce(Memory.joined, [method.remember(s.image, s.mask) for s in shown])
        self.recent: list[Memory] = []
        previous = next(shot for shot in shots if shot.frame == start)
        self.image, self.mask = previous.image, previous.mask
        self.box = bounding_box(self.mask)
        self.usual_area = _area(shown[0].mask)
        self.alike = ALIKE
        self.steps = 0

    def segment(self, image: Image) -> Probability:
        """The next frame's probability (height, width)."""
        probability = self._followed(image)
        own = self._own(image, probability)
        area = _area(probability)
        strange = own is not None and is_strange(own, self.annotated)
        if strange or area < LOST_SHARE * self.usual_area:
            probability = self._found_again(image, probability)
        elif expected_j(probability) >= CONFIDENT:
            self._learn(area, own)
        self.image, self.mask = image, probability
        self.box = bounding_box(probability) or self._search_box()
        return probability

    def adapt(self) -> Iterator[float]:
        """Own results are remembered, not trained on."""
        return iter(())

    def _followed(self, image: Image) -> Probability:
        """The object where the guidance says; nothing where there is no guidance."""
        guidance = self._guidance(image)
        box = bounding_box(guidance, 0.0)
        if box is None:
            return np.zeros_like(self.mask)
        window = self.method.window(box, *self.mask.shape)
        probability = self.method.probability(image, guidance, self._memory(), window)
        return without_strays(probability, guidance)

    def _guidance(self, image: Image) -> Probability:
        """The previous probability along the flow, in [-1, 1]; towards 0 (unknown) where the flow is not
        trusted; all 0 without a previous mask and across a cut."""
        unknown = np.zeros_like(self.mask)
        if bounding_box(self.mask) is None:
            return unknown
        flow = dis_flow(self.image, image, flow_side=FLOW_SIDE)
        back = dis_flow(image, self.image, flow_side=FLOW_SIDE)
        trust = consistency(flow, back)
        if is_cut(self.image, image, trust):
            return unknown
        return np.asarray((2 * warp(self.mask, flow) - 1) * (0.25 + 0.75 * trust), np.float32)

    def _found_again(self, image: Image, probability: Probability) -> Probability:
        """The object looked for without guidance: near its last place, then on the whole frame.

        `probability`, the result so far, stays where nothing is found elsewhere that looks like the object.
        """
        boxes = [self._search_box(), None] if self.box else [None]
        unknown = np.zeros_like(probability)
        for window in dict.fromkeys(self.method.window(box, *probability.shape) for box in boxes):
            region = largest_region(self.method.probability(image, unknown, self.annotated, window))
            if region is not None and self._is_believed(image, region, probability):
                guidance = (region >= 0.5).astype(np.float32)
                near = self.method.window(bounding_box(region), *probability.shape)
                return self.method.probability(image, guidance, self._memory(), near)
        self.alike = min(self.alike, max(LEAST_ALIKE, self.alike * ALIKE_DECAY))
        return probability

    def _is_believed(self, image: Image, region: Probability, probability: Probability) -> bool:
        """Whether a region found without guidance is the object: mostly outside the result so far, of a
        plausible size, and it looks like the object."""
        area, elsewhere = _area(region), _area(np.where(probability < 0.5, region, np.float32(0)))
        if 2 * elsewhere < area or not self.usual_area / OTHER_SIZE < area < self.usual_area * OTHER_SIZE:
            return False
        inside, outside = resemblance(self.method.remember(image, region), self.annotated)
        return inside >= max(self.alike, outside)

    def _search_box(self) -> Box | None:
        """Where to look for a lost object: round its last place, wider with each frame."""
        if self.box is None:
            return None
        b, extra = self.box, SEARCH_GROWTH - 1
        x, y = b.x - b.width * extra / 2, b.y - b.height * extra / 2
        height, width = self.mask.shape
        return Box(x, y, b.width * SEARCH_GROWTH, b.height * SEARCH_GROWTH).clipped(width, height)

    def _memory(self) -> Memory:
        return reduce(Memory.joined, self.recent, self.annotated)

    def _learn(self, area: float, own: Memory | None) -> None:
        """From a confident result: the object's usual size; every few frames what it looks like by now."""
        self.usual_area += AREA_RATE * (area - self.usual_area)
        if own is not None:
            self.recent = [*self.recent, own][-RECENT:]
            self.alike = ALIKE_SHARE * resemblance(own, self.annotated)[0]

    def _own(self, image: Image, probability: Probability) -> Memory | None:
        """The memory of an own result, every few frames."""
        self.steps += 1
        every = self.method.config.memory_every
        if not every or self.steps % every or bounding_box(probability) is None:
            return None
        return self.method.remember(image, probability)


def without_strays(probability: Probability, guidance: Probability) -> Probability:
    """Without the small components that appear where the guidance is sure of the background.

    A component stays that reaches the guidance mask or a place where the flow is not trusted (a part may come
    out from behind an occluder there), and so does one that is large beside those. Where none does, all stay.
    """
    count, labels, statistics, _ = cv2.connectedComponentsWithStats((probability >= 0.5).astype(np.uint8))
    touched = np.zeros(count, bool)
    touched[np.unique(labels[guidance > SURE_BACKGROUND])] = True
    touched[0] = False
    areas = statistics[:, cv2.CC_STAT_AREA]
    stray = ~touched & (areas < STRAY_SHARE * areas[touched].sum())
    stray[0] = False
    return np.where(stray[labels], np.float32(0), probability)


def _area(probability: Probability) -> float:
    return float(np.count_nonzero(probability >= 0.5))


def new_optimizer(network: LiteNet, config: Config) -> torch.optim.Optimizer:
    """AdamW at the hand-set rate, or vanilla SGD at the learned rates (e-OSVOS section 3.2.4)."""
    if config.rates == "neuron":
        return NeuronSgd(network, load_rates(config.weights or LEARNED_RATES))
    trained = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.AdamW(trained, lr=config.rate, weight_decay=1e-4, fused=True)


def _crop_shape(shots: Sequence[Shot], config: Config) -> tuple[int, int]:
    """Rows and columns of fine-tuning crops: the shape the network will see the object in."""
    mask = shots[0].mask
    height, width = mask.shape
    box = bounding_box(mask)
    if box is None or config.crop_area <= 0:
        window = whole_frame(height, width)
    else:
        window = window_around(box, height, width, config.crop_margin, config.crop_area)
    return window.rows, window.columns
