"""What meta-learning needs to know of a network: its tasks, its loss and its score.

A task is one object of one sequence, its frames split into a training and a test set (e-OSVOS section 3.2.1).
As in section 4.2, training tasks come from single frames too, augmented once for each set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from vosengine.finetune import Shot, pair_logits, stacked, to_network
from vosengine.losses import cross_entropy_and_iou
from vosengine.methods.guided import LEARNED_RATES, MIX
from vosengine.networks.lite import LiteNet
from vosengine.oneshot import augmented
from vosengine.pairs import Mix, PairMaker, Source, View
from vosengine.runtime import device, mixed_precision
from vosengine.training import stills as whole_frames
from vosengine.training.batches import NumberedBatches
from vosengine.training.lite import SHAPES

if TYPE_CHECKING:  # torchvision is slow to import
    from vosengine.networks.mask_rcnn import MaskRCNN

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Task(Generic[Batch]):
    """The training set of one object, as one batch an inner step, and its test set."""

    train: Sequence[Batch]
    test: Batch


class Learner(Protocol):
    """One kind of network to meta-learn.

    architecture: a name in `weights.ARCHITECTURES`; weights: what to start from; learned: what the result is
    called; rate: what all neurons learn at to begin with; second_order: whether its loss has second
    derivatives.
    """

    architecture: str
    weights: str
    learned: str
    rate: float
    second_order: bool

    def tasks(
        self, stills: Sequence[Source], clips: Sequence[Sequence[Source]], seed: int, steps: int
    ) -> TaskSource:
        """Tasks of `steps` training batches; the same seed and number give the same task."""

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """The segmentation loss of one batch, a scalar."""

    def score(self, network: nn.Module, batch: Any) -> Tensor:
        """Mean J of one batch, a scalar."""


class TaskSource(Protocol):
    """Makes task number n of a run."""

    def task(self, number: int) -> Task[Any]:
        """The same number gives the same task."""


class TaskBatches(NumberedBatches[list[Task[Any]]]):
    """Batch number n of a run: `size` tasks."""

    def __init__(self, source: TaskSource, size: int, steps: int, first: int = 0) -> None:
        super().__init__(size, steps, first)
        self.source = source

    def batch(self, step: int) -> list[Task[Any]]:
        """Batch `step`."""
        return [self.source.task(step * self.size + n) for n in range(self.size)]


@dataclass(frozen=True)
class PairBatch:
    """Pairs of views: images (2n, 3, h, w) uint8, masks and guidance (2n, 1, h, w) float32, the first views
    before the second ones. `test` asks for the second views alone, the first ones being their memory."""

    images: Tensor
    masks: Tensor
    guidance: Tensor
    test: bool = False


class LiteTasks:
    """Pairs of views of one object: the first is the annotated frame, the second another frame.

    Training batches are what `methods.guided` fine-tunes on: deformed pairs of the annotated frame alone.
    """

    MIX = Mix(clip=0.5)  # real motion half of the time, stills for their variety of objects

    def __init__(
        self, stills: Sequence[Source], clips: Sequence[Sequence[Source]], seed: int, steps: int, pairs: int
    ) -> None:
        self.maker = PairMaker(stills, clips, seed, self.MIX)
        self.seed, self.steps, self.pairs = seed, steps, pairs

    def task(self, number: int) -> Task[PairBatch]:
        """Annotated frames without the object give no task; the next pair is taken instead."""
        rows, columns = SHAPES[number % len(SHAPES)]
        attempt = 0
        annotated, other = self.maker.pair(number, rows, columns)
        while not annotated.mask.any():
            attempt += 1
            annotated, other = self.maker.pair(number + attempt * 1_000_003, rows, columns)
        shot = Shot(0, annotated.image, annotated.mask)
        fine_tuning = PairMaker([shot], seed=self.seed + number, mix=MIX)
        train = [
            _pair_batch([fine_tuning.pair(step * self.pairs + n, rows, columns) for n in range(self.pairs)])
            for step in range(self.steps)
        ]
        return Task(train, _pair_batch([(annotated, other)], test=True))


def _pair_batch(pairs: Sequence[tuple[View, View]], test: bool = False) -> PairBatch:
    return PairBatch(*stacked([a for a, _ in pairs] + [b for _, b in pairs]), test=test)


class LiteLearner:
    """The default method's network, fine-tuned on `pairs` pairs a step."""

    architecture = weights = "lite"
    learned = LEARNED_RATES
    rate = 0.01  # the best of 0.003, 0.01, 0.03 with five steps
    second_order = True

    def __init__(self, pairs: int = 2) -> None:
        self.pairs = pairs

    def tasks(
        self, stills: Sequence[Source], clips: Sequence[Sequence[Source]], seed: int, steps: int
    ) -> LiteTasks:
        """See `LiteTasks`."""
        return LiteTasks(stills, clips, seed, steps, self.pairs)

    def loss(self, network: nn.Module, batch: PairBatch) -> Tensor:
        """Cross-entropy and soft IoU of the batch's targets."""
        return cross_entropy_and_iou(*_logits_and_truth(cast(LiteNet, network), batch))

    def score(self, network: nn.Module, batch: PairBatch) -> Tensor:
        """Mean J; 1 where an absent object is not found."""
        logits, truth = _logits_and_truth(cast(LiteNet, network), batch)
        found, there = logits > 0, truth > 0.5
        union = (found | there).sum((1, 2, 3))
        j = (found & there).sum((1, 2, 3)) / union.clamp(min=1)
        return j.masked_fill(union == 0, 1.0).mean()


def _logits_and_truth(network: LiteNet, batch: PairBatch) -> tuple[Tensor, Tensor]:
    masks, guidance = batch.masks.to(device()), batch.guidance.to(device())
    with mixed_precision(device()):
        if not batch.test:
            return pair_logits(network, batch.images, masks, guidance), masks
        half = len(masks) // 2
        memory = network.remember(network.encode(to_network(batch.images[:half])), masks[:half])
        return network(to_network(batch.images[half:]), guidance[half:], memory), masks[half:]


@dataclass(frozen=True)
class FrameBatch:
    """Frames of one object: images (n, 3, h, w) uint8, masks (n, 1, h, w) float32, and the seed of the
    proposals that are trained on."""

    images: Tensor
    masks: Tensor
    seed: int


class MaskRcnnTasks:
    """Two frames of one object: the annotated one, augmented as in fine-tuning at each step, and another.

    From clips two frames, each at random zoom and rotation; from stills pairs of views, where a second object
    lies beside the first in most: which of them is meant only the annotated frame tells, so that the network
    must learn in the inner steps (section 3.2.3: no zero-shot collapse).
    """

    MIX = Mix(distractor=0.7)
    REACH = 25  # frames between the two

    def __init__(
        self, stills: Sequence[Source], clips: Sequence[Sequence[Source]], seed: int, steps: int
    ) -> None:
        self.clips = [frames for frames in clips if len(frames) > 1]
        self.maker = PairMaker(stills, seed=seed, mix=self.MIX) if stills else None
        self.seed, self.steps = seed, steps

    def task(self, number: int) -> Task[FrameBatch]:
        """Frames without the object are drawn again."""
        rng = np.random.default_rng((self.seed, number))
        annotated, other = self._frames(rng, number)
        while not (annotated.mask.any() and other.mask.any()):
            annotated, other = self._frames(rng, int(rng.integers(2**31)))
        shot = Shot(0, annotated.image, annotated.mask)
        train = [_frame_batch(rng, augmented(rng, [shot])) for _ in range(self.steps)]
        return Task(train, _frame_batch(rng, other))

    def _frames(self, rng: np.random.Generator, number: int) -> tuple[View, View]:
        rows, columns = whole_frames.SHAPES[number % len(whole_frames.SHAPES)]
        if self.maker is not None and not (self.clips and rng.random() < 0.5):
            return self.maker.pair(number, rows, columns)
        frames = self.clips[int(rng.integers(len(self.clips)))]
        first = int(rng.integers(len(frames)))
        second = int(np.clip(first + rng.integers(-self.REACH, self.REACH + 1), 0, len(frames) - 1))
        views = []
        for chosen in (first, second):
            seen = whole_frames.seen(rng, *frames[chosen].decode(), rows, columns, whole_frames.hard_mask)
            views.append(View(*seen, np.zeros_like(seen[1])))
        return views[0], views[1]


def _frame_batch(rng: np.random.Generator, view: View) -> FrameBatch:
    images, masks, _ = stacked([view])
    return FrameBatch(images, masks, int(rng.integers(2**31)))


class MaskRcnnLearner:
    """e-OSVOS's network, fine-tuned on one frame a step."""

    rate = 2e-3
    second_order = False  # torchvision's RoIAlign has first derivatives only

    def __init__(
        self,
        architecture: str = "mask_rcnn_lite",
        weights: str = "mask_rcnn_lite",
        learned: str = "e_osvos_lite",
    ) -> None:
        self.architecture, self.weights, self.learned = architecture, weights, learned

    def tasks(
        self, stills: Sequence[Source], clips: Sequence[Sequence[Source]], seed: int, steps: int
    ) -> MaskRcnnTasks:
        """See `MaskRcnnTasks`."""
        return MaskRcnnTasks(stills, clips, seed, steps)

    def loss(self, network: nn.Module, batch: FrameBatch) -> Tensor:
        """L_RPN + L_box + L_mask (section 3.1)."""
        with mixed_precision(device()):
            loss: Tensor = network(to_network(batch.images), list(batch.masks.to(device())), batch.seed)
        return loss

    def score(self, network: nn.Module, batch: FrameBatch) -> Tensor:
        """J of the best-scoring detection."""
        with mixed_precision(device()):
            detected = cast("MaskRCNN", network).detect(to_network(batch.images))
        truth = batch.masks[0, 0].to(device()) > 0.5
        if not len(detected.scores):
            return torch.zeros(())
        found = detected.mask(int(detected.scores.argmax()), *truth.shape) > 0.5
        return (found & truth).sum() / (found | truth).sum()
