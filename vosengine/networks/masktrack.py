"""MaskTrack's network (Perazzi et al., CVPR 2017, section 4): DeepLabv2-VGG16 with a fourth input channel.

DeepLab (Chen et al., "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous Convolution,
and Fully Connected CRFs", PAMI 2018) with the large field of view: VGG16 whose last two poolings keep the
resolution, the fifth stage's convolutions dilated by 2, fc6 a 3x3 convolution dilated by 12 to 1024 channels,
fc7 1x1, one score, upscaled bilinearly by 8. The fourth channel is the guidance mask.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vosengine.networks.osvos import STAGES, normalised, upscaled
from vosengine.runtime import seeded

FC_CHANNELS = 1024
FC6_DILATION = 12
STAGE5_DILATION = 2
MASK_RANGE = 127.5  # brings the guidance in [-1, 1] to the range of the Caffe images
# New filters are zero-mean Gaussian noise: the mask's by section 4, the fully-connected ones as DeepLab's.
FILTER_DEVIATION = 0.01


class MaskTrackVgg16(nn.Module):
    """Image (batch, 3, height, width) and guidance (batch, 1, height, width), both in [-1, 1], -> logits.

    The logits are (batch, 1, height, width), computed at an eighth of the resolution.
    """

    @seeded(0)  # the same network whatever was built before
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        inputs = 4
        for number, widths in enumerate(STAGES):
            dilation = STAGE5_DILATION if number == 4 else 1
            # Pooling windows of 3 as DeepLab's; the fourth pooling does not shrink.
            pooling = nn.MaxPool2d(3, stride=1 if number == 4 else 2, padding=1)
            layers: list[nn.Module] = [pooling] if number else []
            for outputs in widths:
                conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)
                layers += [conv, nn.ReLU(inplace=True)]
                inputs = outputs
            self.stages.append(nn.Sequential(*layers))
        self.pool5 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.AvgPool2d(3, stride=1, padding=1))
        self.fc6 = nn.Conv2d(inputs, FC_CHANNELS, 3, padding=FC6_DILATION, dilation=FC6_DILATION)
        self.fc7 = nn.Conv2d(FC_CHANNELS, FC_CHANNELS, 1)
        self.fc8 = nn.Conv2d(FC_CHANNELS, 1, 1)
        self.dropout = nn.Dropout(0.5)
        for layer in (self.fc6, self.fc7, self.fc8):
            nn.init.normal_(layer.weight, std=FILTER_DEVIATION)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.first.weight[:, 3], std=FILTER_DEVIATION)

    @property
    def first(self) -> nn.Conv2d:
        """The convolution that takes RGB and mask."""
        layer = self.stages[0][0]  # type: ignore[index]
        assert isinstance(layer, nn.Conv2d)
        return layer

    def forward(self, image: Tensor, guidance: Tensor) -> Tensor:
        """See the class."""
        x = torch.cat((normalised(image), guidance * MASK_RANGE), 1)
        for stage in self.stages:
            x = stage(x)
        x = self.dropout(torch.relu(self.fc6(self.pool5(x))))
        x = self.dropout(torch.relu(self.fc7(x)))
        return upscaled(self.fc8(x).float(), image.shape[-2:])


def with_mask_filters(stages: dict[str, Tensor], network: MaskTrackVgg16) -> dict[str, Tensor]:
    """The state of VGG16's stages with the network's own filters of the mask behind those of the colours."""
    first = network.first.weight.detach().clone()
    first[:, :3] = stages["0.0.weight"]
    return {**stages, "0.0.weight": first}
