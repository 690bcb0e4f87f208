"""MaskTrack: Learning Video Object Segmentation from Static Images.

F. Perazzi, A. Khoreva, R. Benenson, B. Schiele, A. Sorkine-Hornung, CVPR 2017.

Each frame is segmented by a network that sees it together with the coarsened mask of the frame before
(`training.masktrack` trains it offline); online it is fine-tuned on the annotated frames. Variants: a box on
the annotated frame becomes a mask by a network of its own (MaskTrackBox); a second stream sees the magnitude
of the optical flow (+Flow); a dense CRF smooths the results in space and time (+CRF).

Differences from the paper: flow by DIS instead of EpicFlow; the flow stream, which starts from the same
offline-trained network, has an online training of its own; the CRF's window of three frames ends with the
current frame, and its result is not what guides the next; the trunk "lite" is offered beside VGG16.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
from torch import nn
from torch.optim.lr_scheduler import PolynomialLR

from vosengine.augment import Motion, affine_map, look, look_soft, random_affine
from vosengine.config import Config, MaskTrackSettings
from vosengine.crop import whole_frame
from vosengine.deformation import Deformation
from vosengine.finetune import Shot, optimizer_step, stacked
from vosengine.guided_training import (
    POWER,
    GuidedNetwork,
    as_guidance,
    guided_loss,
    guided_probability,
    new_optimizer,
)
from vosengine.guides.flow import dis_flow
from vosengine.pairs import View
from vosengine.runtime import placed
from vosengine.snap.crf import dense_crf
from vosengine.types import Image, Probability

SAMPLES = 1000  # section 3.2: about a thousand from the annotated frames
ROTATION = Motion(scale=0.0, shift=0.0, rotation=15, bend=0.0)  # section 3.2 rotates, without saying how far
CRF_FRAMES = 3  # supplement D
STRONG_MOTION = 99  # percentile of the magnitude that becomes white, whatever a few wild vectors say
LEAST_MOTION = 1.0  # pixels: below that the noise of a still frame would become a picture


class MaskTrack:
    """The networks of one object: one a stream."""

    def __init__(self, parent: GuidedNetwork, config: Config) -> None:
        self.config = config
        self.deformation = deformation_of(config.masktrack)
        names = ("rgb", "flow") if config.masktrack.flow else ("rgb",)
        self.network = nn.ModuleDict({name: placed(copy.deepcopy(parent)) for name in names})

    @property
    def streams(self) -> Mapping[str, GuidedNetwork]:
        """The networks by what they see: "rgb", and "flow" where the flow's magnitude is looked at."""
        return cast("Mapping[str, GuidedNetwork]", self.network)

    def fine_tune(self, shots: Sequence[Shot], steps: int) -> Iterator[float]:
        """Online training (sections 3.2 and 4): steps of each stream; yields their mean loss."""
        optimizers = {name: new_optimizer(net, self.config.rate) for name, net in self.streams.items()}
        schedules = [PolynomialLR(optimizer, steps, POWER) for optimizer in optimizers.values()]
        pictures: dict[int, dict[str, Image]] = {}
        rng = np.random.default_rng(self.config.seed)
        for step in range(steps):
            numbers = rng.integers(SAMPLES, size=self.config.batch_size)
            batch = [self.sample(int(number), shots, pictures) for number in numbers]
            seed = self.config.seed * 1_000_003 + step
            losses = []
            for name, network in self.streams.items():
                network.train()
                loss = guided_loss(network, *stacked([views[name] for views in batch]), seed=seed)
                losses.append(optimizer_step(optimizers[name], loss))
            for schedule in schedules:
                schedule.step()
            yield float(np.mean(losses))

    def begin(self, shots: Sequence[Shot], start: int) -> MaskTrackTrack:
        """A sweep away from the annotated frame `start`."""
        return MaskTrackTrack(self, next(shot for shot in shots if shot.frame == start))

    def copied(self) -> MaskTrack:
        """The same weights, to be trained further."""
        other = MaskTrack(self.streams["rgb"], self.config)
        other.network.load_state_dict(self.network.state_dict())
        return other

    def pictures(self, previous: Image | None, image: Image) -> dict[str, Image]:
        """What each stream sees of a frame, `previous` being a frame beside it."""
        if "flow" not in self.streams:
            return {"rgb": image}
        return {"rgb": image, "flow": flow_magnitude(image if previous is None else previous, image)}

    def sample(
        self, number: int, shots: Sequence[Shot], pictures: dict[int, dict[str, Image]]
    ) -> dict[str, View]:
        """Sample `number` of the augmented set, for each stream: mirrored, rotated, the mask deformed.

        pictures: those of the frames drawn so far; a new one's join them. The views have the network's size.
        """
        rng = np.random.default_rng((self.config.seed, number))
        shot = shots[int(rng.integers(len(shots)))]
        if shot.frame not in pictures:
            pictures[shot.frame] = self.pictures(shot.neighbour, shot.image)
        mask = shot.mask
        window = whole_frame(*mask.shape)
        turn = random_affine(rng, (window.columns / 2, window.rows / 2), 0.0, ROTATION)
        zoom = np.array([window.width / window.columns, window.height / window.rows], np.float32)
        at = affine_map(turn, window.rows, window.columns) * zoom
        if rng.random() < 0.5:
            at = np.ascontiguousarray(at[:, ::-1])
        truth = (look_soft(mask, at) > 0.5).astype(np.float32)
        guidance = as_guidance(self.deformation(rng, truth), self.config.masktrack.mask_input)
        return {
            name: View(look(picture, at), truth, guidance) for name, picture in pictures[shot.frame].items()
        }

    def probability(self, pictures: Mapping[str, Image], previous: Probability) -> Probability:
        """The object's probability, averaged over the streams, given that on the frame before."""
        coarse = self.deformation.coarsened(whole_frame(*previous.shape).cut_soft(previous))
        guidance = as_guidance(coarse, self.config.masktrack.mask_input)
        found = [
            guided_probability(self.streams[name], picture, guidance) for name, picture in pictures.items()
        ]
        return np.asarray(np.mean(found, axis=0), np.float32)


class MaskTrackTrack:
    """One sweep: the previous frame with its probability, and the CRF's window."""

    def __init__(self, method: MaskTrack, start: Shot) -> None:
        self.method = method
        self.window = deque([(start.image, start.mask)], maxlen=CRF_FRAMES)

    def segment(self, image: Image) -> Probability:
        """The next frame's probability (height, width)."""
        previous, mask = self.window[-1]
        probability = self.method.probability(self.method.pictures(previous, image), mask)
        self.window.append((image, probability))
        if not self.method.config.masktrack.crf:
            return probability
        images, probabilities = zip(*self.window, strict=True)
        return dense_crf(images, probabilities)[-1]

    def adapt(self) -> Iterator[float]:
        """Only annotated frames are trained on (section 3.2)."""
        return iter(())


def deformation_of(settings: MaskTrackSettings) -> Deformation:
    """The parts of the deformation that are switched on; `deform` switches all."""
    return Deformation(
        affine=settings.deform,
        non_rigid=settings.deform and settings.non_rigid,
        dilation=settings.deform and settings.dilation,
    )


def flow_magnitude(previous: Image, image: Image) -> Image:
    """The magnitude of the optical flow to a frame as a picture (height, width, 3) uint8 (section 3.3).

    The strongest motion becomes white; three equal channels.
    """
    magnitude = np.linalg.norm(dis_flow(previous, image), axis=2)
    white = max(float(np.percentile(magnitude, STRONG_MOTION)), LEAST_MOTION)
    grey = np.rint(np.minimum(magnitude / white, 1) * 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
