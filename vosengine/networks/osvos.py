"""The OSVOS network (Caelles et al., CVPR 2017, section 3.1): VGG16 with side outputs.

Fully-connected layers removed; before each of the last four poolings' stages a 3x3 convolution to 16
channels, upscaled to the image's size, concatenated and fused by a 1x1 convolution. Each side also gives a
score of its own for deep supervision in parent training. With `side_channels=1` it is the streamlined
network of the box-filtered paper (section 3.1): 1x1 convolutions to depth 1, which are their own scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # VGG16, configuration D
SIDE_CHANNELS = 16
# torchvision's VGG16_Weights.IMAGENET1K_FEATURES: the Caffe weights, on 0..255 less the mean
MEAN = (0.48235, 0.45882, 0.40784)
DEVIATION = (1 / 255, 1 / 255, 1 / 255)


class SideOutputs(nn.Module):
    """Side outputs of a trunk's stages, and their fusion."""

    def __init__(self, widths: Sequence[int], channels: int = SIDE_CHANNELS) -> None:
        super().__init__()
        kernel = 3 if channels > 1 else 1
        self.side = nn.ModuleList(nn.Conv2d(w, channels, kernel, padding=kernel // 2) for w in widths)
        self.score = nn.ModuleList(
            nn.Conv2d(channels, 1, 1) if channels > 1 else nn.Identity() for _ in widths
        )
        self.fuse = nn.Conv2d(channels * len(widths), 1, 1)
        generator = torch.Generator().manual_seed(0)  # the same network whatever was built before
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.001, generator=generator)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.constant_(self.fuse.weight, 1 / (channels * len(widths)))

    def forward(
        self, stages: Sequence[Tensor], size: torch.Size, scored: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """The stages' features -> fused logits and, if `scored`, each side's logits, (batch, 1, *size)."""
        # Fusing and upscaling are linear: fused first, one channel a side is upscaled instead of sixteen.
        weights = torch.split(self.fuse.weight, self.fuse.weight.shape[1] // len(self.side), 1)
        fused = self.fuse.bias.view(1, 1, 1, 1).float()  # type: ignore[union-attr]
        scores = []
        for features, side, score, weight in zip(stages, self.side, self.score, weights, strict=True):
            y = side(features)
            fused = fused + upscaled(F.conv2d(y, weight).float(), size)
            if scored:
                scores.append(upscaled(score(y).float(), size))
        return fused, scores


class OsvosNet(nn.Module):
    """`forward` gives the fused logits; `sides` also those of each stage."""

    def __init__(self, side_channels: int = SIDE_CHANNELS) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        inputs = 3
        for number, widths in enumerate(STAGES):
            layers: list[nn.Module] = [nn.MaxPool2d(2, ceil_mode=True)] if number else []
            for outputs in widths:
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            self.stages.append(nn.Sequential(*layers))
        self.outputs = SideOutputs([widths[-1] for widths in STAGES[1:]], side_channels)

    def sides(self, image: Tensor, scored: bool = True) -> tuple[Tensor, list[Tensor]]:
        """Fused logits and, if `scored`, the four side logits, each (batch, 1, height, width)."""
        x = self.stages[0](normalised(image))
        found = []
        for stage in self.stages[1:]:
            x = stage(x)
            found.append(x)
        both: tuple[Tensor, list[Tensor]] = self.outputs(found, image.shape[-2:], scored)
        return both

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 3, height, width) in [-1, 1] -> logits (batch, 1, height, width)."""
        return self.sides(image, scored=False)[0]


def normalised(image: Tensor) -> Tensor:
    """From [-1, 1] to what the ImageNet weights expect."""
    mean = image.new_tensor(MEAN).view(1, 3, 1, 1)
    deviation = image.new_tensor(DEVIATION).view(1, 3, 1, 1)
    return (image / 2 + 0.5 - mean) / deviation


def upscaled(x: Tensor, size: torch.Size) -> Tensor:
    """Bilinear, as the paper's fixed-weight transposed convolutions."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def stage_state(vgg_features: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of `torchvision.models.vgg16().features` as the state of `OsvosNet.stages`."""
    state: dict[str, Tensor] = {}
    position = 0  # in torchvision's flat list of convolutions, activations and poolings
    for number, widths in enumerate(STAGES):
        first = 1 if number else 0
        for layer in range(len(widths)):
            for kind in ("weight", "bias"):
                state[f"{number}.{first + 2 * layer}.{kind}"] = vgg_features[f"{position}.{kind}"]
            position += 2
        position += 1
    return state
