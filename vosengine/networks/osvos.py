"""The OSVOS network (Caelles et al., CVPR 2017, section 3.1): VGG16 with side outputs.

Fully-connected layers removed; before each of the last four poolings' stages a 3x3 convolution to 16
channels, upscaled to the image's size, concatenated and fused by a 1x1 convolution. Each side also gives a
score of its own for deep supervision in parent training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # VGG16, configuration D
SIDE_CHANNELS = 16
# torchvision's VGG16_Weights.IMAGENET1K_FEATURES: the Caffe weights, on 0..255 less the mean
MEAN = (0.48235, 0.45882, 0.40784)
DEVIATION = (1 / 255, 1 / 255, 1 / 255)


class OsvosNet(nn.Module):
    """`forward` gives the fused logits; `sides` also those of each stage."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        inputs = 3
        for number, widths in enumerate(STAGES):
            layers: list[nn.Module] = [nn.MaxPool2d(2, ceil_mode=True)] if number else []
            for outputs in widths:
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            self.stages.append(nn.Sequential(*layers))
        widths_out = [widths[-1] for widths in STAGES[1:]]
        self.side = nn.ModuleList(nn.Conv2d(width, SIDE_CHANNELS, 3, padding=1) for width in widths_out)
        self.score = nn.ModuleList(nn.Conv2d(SIDE_CHANNELS, 1, 1) for _ in widths_out)
        self.fuse = nn.Conv2d(SIDE_CHANNELS * len(widths_out), 1, 1)
        generator = torch.Generator().manual_seed(0)  # the same network whatever was built before
        for layer in (*self.side, *self.score, self.fuse):
            nn.init.normal_(layer.weight, std=0.001, generator=generator)
            nn.init.zeros_(layer.bias)

    def sides(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Fused logits and the four side logits, each (batch, 1, height, width)."""
        size = image.shape[-2:]
        x = self.stages[0](normalised(image))
        wide, scores = [], []
        for stage, side, score in zip(self.stages[1:], self.side, self.score, strict=True):
            x = stage(x)
            y = side(x)
            wide.append(_upscaled(y, size))
            scores.append(_upscaled(score(y), size).float())
        return self.fuse(torch.cat(wide, 1)).float(), scores

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 3, height, width) in [-1, 1] -> logits (batch, 1, height, width)."""
        return self.sides(image)[0]


def normalised(image: Tensor) -> Tensor:
    """From [-1, 1] to what the ImageNet weights expect."""
    mean = image.new_tensor(MEAN).view(1, 3, 1, 1)
    deviation = image.new_tensor(DEVIATION).view(1, 3, 1, 1)
    return (image / 2 + 0.5 - mean) / deviation


def _upscaled(x: Tensor, size: torch.Size) -> Tensor:
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
