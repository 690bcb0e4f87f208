"""MobileNetV2 trunk (Sandler et al., CVPR 2018), batch norms folded into the convolutions.

Input: RGB / 127.5 - 1, (batch, 3, height, width) with sides that are multiples of 32. Output: one feature map
at each of the strides 2, 4, 8, 16, 32. Without running statistics the trunk behaves the same in training and
in use, and fine-tunes on batches of any size.

The bundled ImageNet weights were trained with padding on the right and the bottom of stride-2 convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# expansion, channels, repeats, stride of the first repeat: table 2 of the paper
BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
TAPS = (1, 3, 6, 13, 17)  # the last block before each halving
TAP_CHANNELS = (16, 24, 32, 96, 320)
FROZEN_BLOCKS = 4  # up to stride 4: half the cost of a training step on a CPU


class StridedConv(nn.Conv2d):
    """A 3x3 convolution of stride 2, padded on the right and the bottom only."""

    def __init__(self, inputs: int, outputs: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride=2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) -> (batch, outputs, height / 2, width / 2)."""
        if self.groups == 1 or x.device.type != "cpu":
            return super().forward(F.pad(x, (0, 1, 0, 1)))
        # On CPUs the gradient of a depthwise convolution of stride 2 takes several times as long as the
        # whole one of stride 1, of which it is every second position.
        whole = F.conv2d(x, self.weight, self.bias, padding=1, groups=self.groups)
        return OddPositions.apply(whole)  # type: ignore[no-any-return]


class OddPositions(torch.autograd.Function):
    """x[..., 1::2, 1::2] with a gradient written in one pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """(batch, channels, height, width) -> (batch, channels, height / 2, width / 2)."""
        ctx.like = x.shape
        return x[..., 1::2, 1::2].clone(memory_format=torch.channels_last)  # even of one position: no view

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Zero at the positions left out."""
        full = gradient.new_zeros(ctx.like).contiguous(memory_format=torch.channels_last)
        full[..., 1::2, 1::2] = gradient
        return full


def _conv3(inputs: int, outputs: int, stride: int, groups: int = 1) -> nn.Conv2d:
    if stride == 2:
        return StridedConv(inputs, outputs, groups)
    return nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups)


class InvertedResidual(nn.Module):
    """Expand (1x1), filter by channel (3x3), project (1x1); section 3.3 of the paper."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [nn.Conv2d(inputs, hidden, 1), nn.ReLU6(inplace=True)]
        layers += [_conv3(hidden, hidden, stride, groups=hidden), nn.ReLU6(inplace=True)]
        layers += [nn.Conv2d(hidden, outputs, 1)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) -> (batch, outputs, height / stride, width / stride)."""
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """The trunk; `forward` returns the feature maps at strides 2, 4, 8, 16, 32 (TAP_CHANNELS channels)."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Sequential(StridedConv(3, 32), nn.ReLU6(inplace=True))]
        inputs = 32
        for expansion, outputs, repeats, stride in BLOCKS:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, stride if repeat == 0 else 1, expansion))
                inputs = outputs
        self.features = nn.ModuleList(blocks)

    def freeze_early_blocks(self) -> None:
        """Train only what follows the first blocks, up to stride 4."""
        for block in self.features[:FROZEN_BLOCKS]:
            block.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(batch, 3, height, width) -> five feature maps, finest first."""
        taps = []
        for number, block in enumerate(self.features):
            x = block(x)
            if number in TAPS:
                taps.append(x)
        return taps


def fold_batch_norms(state: Mapping[str, Tensor], epsilon: float = 1e-5) -> dict[str, Tensor]:
    """A `torchvision.models.mobilenet_v2().features` state as a state of `MobileNetV2`.

    Each convolution is followed by a batch norm there: w' = w * gamma / sqrt(var + eps),
    b' = beta - mean * gamma / sqrt(var + eps).
    """
    convs = [key for key, value in state.items() if key.endswith(".weight") and value.ndim == 4]
    folded: dict[str, Tensor] = {}
    for key in convs:
        stem = key.removesuffix(".weight")
        parent, _, last = stem.rpartition(".")
        norm = f"{parent}.{int(last) + 1}"
        scale = state[f"{norm}.weight"].float() / torch.sqrt(state[f"{norm}.running_var"].float() + epsilon)
        target = _folded_key(stem)
        if target is None:
            continue
        folded[f"{target}.weight"] = state[key].float() * scale.view(-1, 1, 1, 1)
        folded[f"{target}.bias"] = (
            state[f"{norm}.bias"].float() - state[f"{norm}.running_mean"].float() * scale
        )
    return folded


def _folded_key(stem: str) -> str | None:
    """`features.2.conv.1.0` (torchvision's nesting) -> `features.2.conv.2` (ours); None for the
    classifier's."""
    parts = stem.split(".")
    block = int(parts[1])
    if block > TAPS[-1]:
        return None
    if block == 0:
        return "features.0.0"
    return f"features.{block}.conv.{2 * int(parts[3])}"
