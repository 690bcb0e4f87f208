"""One-shot fine-tuning: what the methods share.

Shots (annotated frames at working resolution), tensors made of them, and one optimizer step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vosengine.crop import Window
from vosengine.networks.lite import LiteNet, Memory
from vosengine.pairs import View
from vosengine.runtime import device, mixed_precision
from vosengine.types import Image, Probability


@dataclass(frozen=True)
class Shot:
    """One annotated frame at working resolution: what an object looks like.

    neighbour: the frame beside it, for methods that look at motion. fresh: new to the network that is trained
    further.
    """

    frame: int
    image: Image
    mask: Probability
    neighbour: Image | None = None
    fresh: bool = False

    def decode(self) -> tuple[Image, Probability]:
        """The frame and its mask, as a training source gives them."""
        return self.image, self.mask


def stacked(views: Sequence[View]) -> tuple[Tensor, Tensor, Tensor]:
    """Views as tensors: images uint8 (n, 3, h, w), masks and guidance float32 (n, 1, h, w)."""
    images = torch.from_numpy(np.stack([v.image for v in views])).permute(0, 3, 1, 2)
    masks = torch.from_numpy(np.stack([v.mask for v in views]))[:, None]
    guidance = torch.from_numpy(np.stack([v.guidance for v in views]))[:, None]
    return images, masks, guidance


def to_network(images: Tensor) -> Tensor:
    """uint8 (n, 3, h, w) -> [-1, 1] on the device, channels last."""
    return (images.to(device()).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def image_tensor(image: Image) -> Tensor:
    """One image (h, w, 3) uint8 as the network's input (1, 3, h, w)."""
    return to_network(torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None])


def map_tensor(values: Probability) -> Tensor:
    """One map (h, w) float32 on the device, (1, 1, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(values))[None, None].to(device())


def optimizer_step(optimizer: torch.optim.Optimizer, loss: Tensor, clip: float = 0.0) -> float:
    """One step down the loss's gradient, its norm clipped where `clip` is above 0; the loss as a number."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if clip:
        trained = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, clip)
    optimizer.step()
    return float(loss.item())


def remembered(network: LiteNet, image: Image, mask: Probability, window: Window) -> Memory:
    """The memory of one frame with its mask, seen through a window."""
    with torch.no_grad(), mixed_precision(device()):
        features = network.encode(image_tensor(window.cut(image)))
        return network.remember(features, map_tensor(window.cut_soft(mask)))


def pair_logits(network: LiteNet, images: Tensor, masks: Tensor, guidance: Tensor) -> Tensor:
    """Logits of a batch of pairs (first views, then second views), each half with the other as its memory."""
    features = network.encode(to_network(images))
    memory = network.remember(features, masks.to(device()))
    return network.decode(features, guidance.to(device()), memory.swapped_halves())
