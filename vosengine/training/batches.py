"""Batches by number: what every training draws from, so that a resumed run goes on with the same ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import cv2
from torch import Tensor
from torch.utils.data import Dataset

from vosengine.finetune import stacked
from vosengine.pairs import View

Batch_co = TypeVar("Batch_co", covariant=True)


class NumberedBatches(Dataset[Batch_co]):
    """The batches of a run of `steps` steps, from step `first` on; `size` samples in each."""

    def __init__(self, size: int, steps: int, first: int = 0) -> None:
        self.size, self.steps, self.first = size, steps, first

    def __len__(self) -> int:
        return max(0, self.steps - self.first)

    def __getitem__(self, number: int) -> Batch_co:
        cv2.setNumThreads(1)  # processes that make samples run beside each other
        return self.batch(self.first + number)

    @abstractmethod
    def batch(self, step: int) -> Batch_co:
        """The batch of a step: the same step gives the same one."""


class ViewBatches(NumberedBatches[tuple[Tensor, Tensor, Tensor]]):
    """Batches of single views: images (size, 3, h, w) uint8, masks and guidance (size, 1, h, w) float32.

    shapes: (h, w) of the batches, in turn; seed: with a sample's number it decides the sample.
    """

    def __init__(
        self, size: int, steps: int, first: int, seed: int, shapes: Sequence[tuple[int, int]]
    ) -> None:
        super().__init__(size, steps, first)
        self.seed, self.shapes = seed, shapes

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Batch `step`."""
        height, width = self.shapes[step % len(self.shapes)]
        return stacked([self.sample(step * self.size + n, height, width) for n in range(self.size)])

    @abstractmethod
    def sample(self, number: int, height: int, width: int) -> View:
        """Sample `number`: the same number and seed give the same one."""
