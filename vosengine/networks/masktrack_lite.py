"""MaskTrack's idea on a MobileNetV2 trunk: image and guidance mask in, refined mask out.

The mask joins the image's features at stride 4, where training starts: a mask channel of the first
convolution would need the gradients of the trunk's early blocks, half of a training step on a CPU. It comes
at full detail (the 16 mask pixels of a position are 16 channels), through filters that start as zero-mean
Gaussian noise as the paper's, so that the trunk starts from its ImageNet features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vosengine.networks.lite import WIDTHS, DecoderStage
from vosengine.networks.masktrack import FILTER_DEVIATION
from vosengine.networks.mobilenet_v2 import FROZEN_BLOCKS, TAP_CHANNELS, TAPS, MobileNetV2
from vosengine.networks.osvos import upscaled
from vosengine.runtime import seeded

MASK_STRIDE = 4  # of the features that the mask joins


class MaskTrackLite(nn.Module):
    """Image (batch, 3, height, width) and guidance (batch, 1, height, width), both in [-1, 1], -> logits.

    Sides are multiples of 32; the logits are (batch, 1, height, width), computed at half resolution.
    """

    @seeded(0)  # the same network whatever was built before
    def __init__(self) -> None:
        super().__init__()
        self.trunk = MobileNetV2()
        self.trunk.freeze_early_blocks()
        s2, s4, s8, s16, s32 = TAP_CHANNELS
        w2, w4, w8, w16 = WIDTHS
        self.mask_stem = nn.Conv2d(MASK_STRIDE**2, s4, 3, padding=1, bias=False)
        nn.init.normal_(self.mask_stem.weight, std=FILTER_DEVIATION)
        self.context = nn.Conv2d(s32, w16, 1)
        self.stage16 = DecoderStage(w16 + s16, w16)
        self.stage8 = DecoderStage(w16 + s8, w8)
        self.stage4 = DecoderStage(w8 + s4, w4)
        self.stage2 = DecoderStage(w4 + s2 + 3, w2)
        self.head = nn.Conv2d(w2, 1, 3, padding=1)

    def features(self, image: Tensor, guidance: Tensor) -> list[Tensor]:
        """The trunk's features at strides 2, 4, 8, 16, 32, the mask added at stride 4."""
        x, taps = image, []
        for number, block in enumerate(self.trunk.features):
            x = block(x)
            if number == FROZEN_BLOCKS - 1:
                x = x + self.mask_stem(F.pixel_unshuffle(guidance, MASK_STRIDE))
            if number in TAPS:
                taps.append(x)
        return taps

    def forward(self, image: Tensor, guidance: Tensor) -> Tensor:
        """See the class."""
        s2, s4, s8, s16, s32 = self.features(image, guidance)
        x = upscaled(self.context(s32), s16.shape[-2:])
        x = self.stage16([x, s16])
        x = self.stage8([upscaled(x, s8.shape[-2:]), s8])
        x = self.stage4([upscaled(x, s4.shape[-2:]), s4])
        half = F.avg_pool2d(image, 2)
        x = self.stage2([upscaled(x, s2.shape[-2:]), s2, half])
        logits: Tensor = self.head(x).float()
        return upscaled(logits, torch.Size(image.shape[-2:]))
