"""OSVOS: One-Shot Video Object Segmentation.

S. Caelles, K.-K. Maninis, J. Pont-Tuset, L. Leal-Taixe, D. Cremers, L. Van Gool, CVPR 2017.

The parent network is fine-tuned on the annotated frame(s) and then segments every frame independently;
masks are snapped to edges afterwards (`vosengine.snap`). Differences from the paper: upscaling by bilinear
interpolation instead of transposed convolutions with the same fixed weights; the trunk "lite" is offered
beside VGG16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vosengine.finetune import Shot
from vosengine.oneshot import OneShot, OneShotMethod
from vosengine.types import Image, Probability


class Osvos(OneShotMethod):
    """A test network for one object."""

    def begin(self, shots: Sequence[Shot], start: int) -> OsvosTrack:
        """Frames are independent: a sweep is the same from anywhere."""
        return OsvosTrack(self.test_network)

    def copied(self) -> Osvos:
        """The same weights, with a fresh optimizer."""
        return Osvos(self.test_network.network, self.test_network.config)


class OsvosTrack:
    """Segments frames one by one, each on its own."""

    def __init__(self, test_network: OneShot) -> None:
        self.test_network = test_network

    def segment(self, image: Image) -> Probability:
        """The object's probability (height, width) on any frame."""
        return self.test_network.probability(image)

    def adapt(self) -> Iterator[float]:
        """Nothing is learned on the way."""
        return iter(())
