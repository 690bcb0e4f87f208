"""The bundled `lite` network: a MobileNetV2 trunk, a memory of annotated frames, a light guided decoder.

Three ideas meet in it. OSVOS's one-shot fine-tuning starts from this network as the parent. MaskTrack's mask
input is the guidance mask, given to the decoder at every stride, so that the trunk keeps its ImageNet
initialisation and its features can serve several objects. Pixel matching against a remembered frame
(space-time memory networks, Oh et al., ICCV 2019; matching scores as in VideoMatch, Hu et al., ECCV 2018)
tells the decoder what the object looked like, so that less must be learned on the spot.

Shapes: image (batch, 3, height, width) in [-1, 1], sides multiples of 32; guidance (batch, 1, height,
width) in [-1, 1], -1 background, 1 object, 0 unknown; logits (batch, 1, height, width), computed at half
resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vosengine.networks.mobilenet_v2 import TAP_CHANNELS, MobileNetV2

KEY_CHANNELS = 64
VALUE_CHANNELS = 64
WIDTHS = (24, 48, 64, 128)  # the decoder at strides 2, 4, 8, 16


@dataclass(frozen=True)
class Memory:
    """What is remembered of reference frames, flattened over their positions at stride 16.

    keys (batch, KEY_CHANNELS, positions), unit length; values (batch, VALUE_CHANNELS, positions);
    coverage (batch, 1, positions): share of the position covered by the object, in [0, 1].
    """

    keys: Tensor
    values: Tensor
    coverage: Tensor

    def joined(self, other: Memory) -> Memory:
        """Both memories as one."""
        return Memory(
            torch.cat((self.keys, other.keys), 2),
            torch.cat((self.values, other.values), 2),
            torch.cat((self.coverage, other.coverage), 2),
        )

    def swapped_halves(self) -> Memory:
        """The memory of a batch of pairs, each half given the other's."""
        half = len(self.keys) // 2
        return Memory(*(torch.cat((m[half:], m[:half])) for m in (self.keys, self.values, self.coverage)))


class Matcher(nn.Module):
    """Writes reference frames into a memory and reads it at the positions of another frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, KEY_CHANNELS, 1)
        self.value = nn.Conv2d(channels + 16, VALUE_CHANNELS, 3, padding=1)
        self.sharpness = nn.Parameter(torch.tensor(math.log(12.0)))

    def remember(self, features: Tensor, mask: Tensor) -> Memory:
        """Features at stride 16 and the mask (batch, 1, height, width) in [0, 1] of reference frames."""
        fine = _channels_last(F.pixel_unshuffle(F.avg_pool2d(mask, 4), 4))
        values = self.value(torch.cat((features, fine.to(features.dtype)), 1))
        return Memory(
            F.normalize(self.key(features).flatten(2), dim=1),
            values.flatten(2),
            F.avg_pool2d(mask, 16).flatten(2).to(features.dtype),
        )

    def forward(self, features: Tensor, memory: Memory) -> Tensor:
        """Readout (batch, VALUE_CHANNELS + 3, rows, columns): values, coverage, best match inside and
        outside."""
        batch, _, rows, columns = features.shape
        query = F.normalize(self.key(features).flatten(2), dim=1)
        similarity = query.transpose(1, 2) @ memory.keys  # (batch, queries, positions), cosine
        attention = torch.softmax(similarity * self.sharpness.exp(), dim=2)
        read = torch.cat((memory.values, memory.coverage), 1) @ attention.transpose(1, 2)
        inside = (similarity - 2 * (1 - memory.coverage)).amax(2)
        outside = (similarity - 2 * memory.coverage).amax(2)
        scores = torch.stack((inside, outside), 1)
        found = torch.cat((read, scores.to(read.dtype)), 1).view(batch, -1, rows, columns)
        return _channels_last(found)


class PlanarGroupNorm(nn.GroupNorm):
    """Group norm that is trained on planes.

    On CPUs torch's gradient of a channels-last map takes more than ten times as long as that of planes with
    moving the map there and back.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width), channels last."""
        if x.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(x)
        return _channels_last(super().forward(x.contiguous()))


class DecoderStage(nn.Module):
    """Joins the coarser stage with the trunk's features and the guidance at one stride."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = PlanarGroupNorm(8, outputs)
        self.conv = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm2 = PlanarGroupNorm(8, outputs)

    def forward(self, parts: list[Tensor]) -> Tensor:
        """Maps of one size -> (batch, outputs, rows, columns)."""
        dtype = parts[0].dtype
        x = F.relu(self.norm1(self.join(torch.cat([part.to(dtype) for part in parts], 1))))
        return F.relu(x + self.norm2(self.conv(x)))


class LiteNet(nn.Module):
    """See the module docstring. `encode` once a frame, then `decode` for each object."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = MobileNetV2()
        self.trunk.freeze_early_blocks()
        s2, s4, s8, s16, s32 = TAP_CHANNELS
        w2, w4, w8, w16 = WIDTHS
        self.matcher = Matcher(s16)
        self.context = nn.Conv2d(s32, w16, 1)
        self.stage16 = DecoderStage(w16 + s16 + VALUE_CHANNELS + 3 + 1, w16)
        self.stage8 = DecoderStage(w16 + s8 + 1, w8)
        self.stage4 = DecoderStage(w8 + s4 + 1, w4)
        self.stage2 = DecoderStage(w4 + s2 + 3 + 1, w2)
        self.head = nn.Conv2d(w2, 1, 3, padding=1)

    def encode(self, image: Tensor) -> list[Tensor]:
        """The trunk's features at strides 2, 4, 8, 16, 32, and last the image at half resolution."""
        return [*self.trunk(image), F.avg_pool2d(image, 2)]

    def remember(self, features: list[Tensor], mask: Tensor) -> Memory:
        """A memory of reference frames with masks (batch, 1, height, width) in [0, 1]."""
        memory: Memory = self.matcher.remember(features[3], mask)
        return memory

    def decode(self, features: list[Tensor], guidance: Tensor, memory: Memory) -> Tensor:
        """Logits (batch, 1, height, width) of one object."""
        s2, s4, s8, s16, s32, half = features
        g2 = F.avg_pool2d(guidance, 2)
        g4 = F.avg_pool2d(g2, 2)
        g8 = F.avg_pool2d(g4, 2)
        g16 = F.avg_pool2d(g8, 2)
        # One channel fits both layouts: unless it is said to be channels last, what it is joined to is not.
        g2, g4, g8, g16 = (g.clone(memory_format=torch.channels_last) for g in (g2, g4, g8, g16))
        x = self.stage16([_doubled(self.context(s32)), s16, self.matcher(s16, memory), g16])
        x = self.stage8([_doubled(x), s8, g8])
        x = self.stage4([_doubled(x), s4, g4])
        x = self.stage2([_doubled(x), s2, half, g2])
        return _doubled(self.head(x).float())

    def forward(self, image: Tensor, guidance: Tensor, memory: Memory) -> Tensor:
        """`encode` and `decode` in one."""
        return self.decode(self.encode(image), guidance, memory)


def _doubled(x: Tensor) -> Tensor:
    found = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    if found.requires_grad:
        # What comes back is a slice of a joined map's gradient, on which torch takes ten times as long.
        found.register_hook(_channels_last)  # type: ignore[no-untyped-call]
    return found


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
