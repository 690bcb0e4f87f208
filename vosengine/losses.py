"""Losses on logits (batch, 1, height, width) against targets of the same shape in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def class_balanced_cross_entropy(logits: Tensor, target: Tensor, reduction: str = "sum") -> Tensor:
    """Each class weighted by the other's share of the pixels: OSVOS equation 1 (after Xie and Tu, HED 2015).

    `reduction` "sum" over pixels is the paper's, "mean" divides it by their number.
    """
    beta = 1 - target.mean()
    weight = torch.where(target >= 0.5, beta, 1 - beta)
    return F.binary_cross_entropy_with_logits(logits, target, weight=weight, reduction=reduction)


def soft_iou(logits: Tensor, target: Tensor) -> Tensor:
    """1 - soft J, averaged over the batch (Rahman and Wang, 2016); in [0, 1]."""
    probability = logits.sigmoid()
    intersection = (probability * target).sum((1, 2, 3))
    union = (probability + target - probability * target).sum((1, 2, 3))
    return (1 - (intersection + 1) / (union + 1)).mean()


def cross_entropy_and_iou(logits: Tensor, target: Tensor) -> Tensor:
    """Pixel-wise cross-entropy plus `soft_iou`: sharp everywhere and fair to small objects."""
    return F.binary_cross_entropy_with_logits(logits, target) + soft_iou(logits, target)
