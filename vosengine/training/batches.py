"""Batches by number: what every training draws from, so that a resumed run goes on with the same ones."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import cv2
from torch.utils.data import Dataset

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
