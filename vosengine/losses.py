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


def lovasz_softmax(logits: Tensor, target: Tensor) -> Tensor:
    """The Lovász-softmax loss of object and background (Berman et al., CVPR 2018), a surrogate of 1 - J.

    In [0, 1]; averaged over the classes that occur in a mask, then over the batch.
    """
    probability, truth = logits.sigmoid().flatten(1), (target >= 0.5).flatten(1).to(logits.dtype)
    object_loss = lovasz_extension((truth - probability).abs(), truth)
    background_loss = lovasz_extension((truth - probability).abs(), 1 - truth)
    has_object, has_background = truth.amax(1), 1 - truth.amin(1)
    total = object_loss * has_object + background_loss * has_background
    return (total / (has_object + has_background)).mean()


def lovasz_extension(errors: Tensor, truth: Tensor) -> Tensor:
    """The Jaccard loss's Lovász extension at `errors` (batch, pixels) in [0, 1]: (batch,) values.

    Errors are taken from the largest down, each weighted by how much the Jaccard loss grows when its pixel
    joins the mispredicted ones (equations 8 and 9, algorithm 1 of the paper). `truth` is in {0, 1}.
    """
    errors, order = errors.sort(1, descending=True)
    truth = truth.gather(1, order)
    count = truth.sum(1, keepdim=True)
    jaccard = 1 - (count - truth.cumsum(1)) / (count + (1 - truth).cumsum(1))
    growth = torch.diff(jaccard, dim=1, prepend=torch.zeros_like(count))
    return (errors * growth).sum(1)
