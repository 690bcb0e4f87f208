"""The OSVOS network on a MobileNetV2 trunk: the same side outputs and fusion, a fiftieth of the arithmetic.

Sides hang on the trunk's features at strides 2, 4, 8, 16 and 32 (VGG16's four at 2 to 16). Input and output
as `networks.osvos`, sides of the image multiples of 32.
"""

from __future__ import annotations

from torch import Tensor, nn

from vosengine.networks.mobilenet_v2 import TAP_CHANNELS, MobileNetV2
from vosengine.networks.osvos import SIDE_CHANNELS, SideOutputs


class OsvosLite(nn.Module):
    """`forward` gives the fused logits; `sides` also those of each stage."""

    def __init__(self, side_channels: int = SIDE_CHANNELS) -> None:
        super().__init__()
        self.trunk = MobileNetV2()
        self.trunk.freeze_early_blocks()
        self.outputs = SideOutputs(TAP_CHANNELS, side_channels)

    def sides(self, image: Tensor, scored: bool = True) -> tuple[Tensor, list[Tensor]]:
        """Fused logits and, if `scored`, the five side logits, each (batch, 1, height, width)."""
        both: tuple[Tensor, list[Tensor]] = self.outputs(self.trunk(image), image.shape[-2:], scored)
        return both

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 3, height, width) in [-1, 1] -> logits (batch, 1, height, width)."""
        return self.sides(image, scored=False)[0]
