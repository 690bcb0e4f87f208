"""`rotoshot train masktrack`: MaskTrack's network, offline, on still images only.

Perazzi et al., CVPR 2017, sections 3.1 and 4: the network learns to turn a rough mask into an accurate one.
The rough mask of each still is made by deforming the true one, as an object moves between two frames.
VGG16 is trained after the paper with `--trunk vgg16 --steps 20000 --batch-size 10 --rate 1e-3`.

Differences from the paper: each still is deformed anew whenever it is drawn, instead of twice in all; random
zoom and part of the image (DeepLab's crops), mirroring, slight changes of colour; averaged weights.
MaskTrackBox (`--boxes`) also sees the training clips, and both as crops round the object (`training.boxes`).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import cv2
import numpy as np
import torch

from vosengine.augment import affine_map, box_mask, colour_jitter, look, look_soft
from vosengine.crop import whole_frame
from vosengine.deformation import Deformation
from vosengine.errors import DatasetError
from vosengine.finetune import stacked, to_network
from vosengine.guided_training import POWER, GuidedNetwork, as_guidance, guided_loss, new_optimizer
from vosengine.networks.masktrack_lite import MaskTrackLite
from vosengine.pairs import Source, View
from vosengine.runtime import device, mixed_precision, placed
from vosengine.training.batches import ViewBatches
from vosengine.training.boxes import BoxedCrops, box_views
from vosengine.training.datasets import HELD_OUT, load_training_data
from vosengine.training.loop import TrainingState, export_weights, j_by_view, lite_optimizer, run
from vosengine.training.options import add_common_arguments, begin, model_card
from vosengine.types import Image, Probability
from vosengine.weights import load_network

# Sides are multiples of 32; DeepLab crops 321 x 321.
SHAPES = {"lite": ((192, 288), (192, 288), (224, 256), (288, 192)), "vgg16": ((320, 320),)}
ZOOM = (0.8, 2.0)  # times the size at which the whole still is seen
# In use a box gets 384 x 288 pixels: a third of the crops have as many, the others teach more for the time.
BOX_SHAPES = {
    "lite": ((288, 384), (192, 288), (256, 224), (320, 320), (288, 192), (224, 256)),
    "vgg16": ((320, 320),),
}
JITTER = 0.1
VALIDATION_SIDE = 480  # as the lite preset's frames
VALIDATION_FRAMES = 6  # a clip

# From the true mask to the mask the network is given, in {0, 1}.
Guide = Callable[[np.random.Generator, Probability], Probability]


class GuidedStills(ViewBatches):
    """Batch number n of a run: parts of stills, guided by what `guide` makes of the mask."""

    def __init__(
        self,
        stills: Sequence[Source],
        guide: Guide | None,
        size: int,
        steps: int,
        first: int = 0,
        seed: int = 0,
        shapes: Sequence[tuple[int, int]] = SHAPES["lite"],
    ) -> None:
        super().__init__(size, steps, first, seed, shapes)
        self.stills, self.guide = stills, guide

    def sample(self, number: int, height: int, width: int) -> View:
        """Sample `number`: the same number and seed give the same one."""
        rng = np.random.default_rng((self.seed, number))
        image, mask = self.stills[int(rng.integers(len(self.stills)))].decode()
        image, mask = random_part(rng, image, mask, height, width)
        return View(colour_jitter(rng, image, JITTER), mask, guidance_of(self.guide, rng, mask))


def guidance_of(guide: Guide | None, rng: np.random.Generator, mask: Probability) -> Probability:
    """The network's mask input in [-1, 1]; all 0 where it gets none."""
    return as_guidance(mask, mask_input=False) if guide is None else as_guidance(guide(rng, mask))


def random_part(
    rng: np.random.Generator, image: Image, mask: Probability, height: int, width: int
) -> tuple[Image, Probability]:
    """A part of a still, mirrored half of the time, at a random zoom; the image's border is continued."""
    if rng.random() < 0.5:
        image, mask = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(mask[:, ::-1])
    rows, columns = mask.shape
    zoom = np.exp(rng.uniform(*np.log(ZOOM)))
    scale = max(columns / width, rows / height) / zoom
    room = np.array([columns - width * scale, rows - height * scale])
    start = room * np.where(room > 0, rng.random(2), 0.5)
    at = affine_map(np.column_stack((np.eye(2) * scale, start)), height, width)
    return look(image, at), hard(look_soft(mask, at))


def hard(mask: Probability) -> Probability:
    """The mask in {0, 1}."""
    return (np.asarray(mask) > 0.5).astype(np.float32)


def guide_of(arguments: argparse.Namespace) -> Guide | None:
    """What the network is given instead of the true mask; None for nothing."""
    if arguments.no_mask:
        return None
    if arguments.no_deform:
        return Deformation(affine=False, non_rigid=False, dilation=False)
    return Deformation(non_rigid=not arguments.no_non_rigid, dilation=not arguments.no_dilation)


def validation_views(clips: Mapping[str, Sequence[Source]], guide: Guide | None) -> list[View]:
    """Whole frames of clips, guided by the true mask of the frame before as in use (boxes: of the same)."""
    views = []
    for frames in clips.values():
        for number in np.linspace(1, len(frames) - 1, VALIDATION_FRAMES).astype(int):
            (image, mask), (_, previous) = frames[number].decode(), frames[number - 1].decode()
            scale = VALIDATION_SIDE / max(mask.shape)
            window = whole_frame(*(round(side * scale) for side in mask.shape))
            size = (window.columns, window.rows)
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            mask, previous = (hard(cv2.resize(m, size)) for m in (mask, previous))
            views.append(View(image, mask, _validation_guidance(guide, mask, previous)))
    return views


def _validation_guidance(guide: Guide | None, mask: Probability, previous: Probability) -> Probability:
    if isinstance(guide, Deformation):
        return as_guidance(guide.coarsened(previous))
    return as_guidance(box_mask(mask), mask_input=guide is not None)


def mean_j(network: GuidedNetwork, views: Sequence[View]) -> float:
    """Mean J over the views that show an object; 0 without any."""
    scores = []
    for view in views:
        images, masks, guidance = stacked([view])
        with torch.no_grad(), mixed_precision(device()):
            found = network(to_network(images), guidance.to(device())).cpu() > 0
        scores += j_by_view(found, masks > 0.5).tolist()
    return float(np.mean(scores)) if scores else 0.0


class PolyState(TrainingState[GuidedNetwork]):
    """Training with the paper's polynomial learning policy (section 4)."""

    def set_rate(self) -> None:
        """The learning rate of the current step."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * (1 - self.step / self.steps) ** POWER


def new_state(network: GuidedNetwork, rate: float, steps: int) -> TrainingState[GuidedNetwork]:
    """The network with its optimizer and learning policy: the paper's for VGG16."""
    if isinstance(network, MaskTrackLite):
        return TrainingState(network, lite_optimizer(network, network.trunk, rate), steps)
    return PolyState(network, new_optimizer(network, rate), steps)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common_arguments(parser, steps=1500, rate=8e-4)
    parser.add_argument("--trunk", choices=("lite", "vgg16"), default="lite")
    parser.add_argument("--batch-size", type=int, default=8, help="stills a step (default 8; the paper's 10)")
    parser.add_argument("--weights", default="imagenet", help="what to start from (default imagenet)")
    parser.add_argument("--boxes", action="store_true", help="MaskTrackBox: the object's box as mask input")
    parser.add_argument("--no-mask", action="store_true", help="no mask input at all")
    parser.add_argument("--no-deform", action="store_true", help="the true mask itself as mask input")
    parser.add_argument("--no-non-rigid", action="store_true", help="without thin-plate splines")
    parser.add_argument("--no-dilation", action="store_true", help="without coarsening")


def material(
    arguments: argparse.Namespace, stills: Sequence[Source], clips: Mapping[str, Sequence[Source]], first: int
) -> tuple[ViewBatches, list[View]]:
    """What is trained on, from step `first` on, and what is validated on: frames of the held-out clips."""
    held_out = {name: frames for name, frames in clips.items() if name in HELD_OUT}
    size, steps, seed, trunk = arguments.batch_size, arguments.steps, arguments.seed, arguments.trunk
    if arguments.boxes:
        trained = [frames for name, frames in clips.items() if name not in HELD_OUT]
        crops = BoxedCrops(stills, trained, size, steps, first, seed, BOX_SHAPES[trunk])
        return crops, box_views(held_out)
    guide = guide_of(arguments)
    batches = GuidedStills(stills, guide, size, steps, first, seed, SHAPES[trunk])
    return batches, validation_views(held_out, guide)


def recipe_of(arguments: argparse.Namespace) -> str:
    """What a step sees and how the scores were made, for the model card."""
    size = arguments.batch_size
    if arguments.boxes:
        return (
            f"{size} crops round an object of stills and training clips a step, about 384x288 or 288x192, "
            "averaged weights; scores: mean J on crops of frames of held-out clips, given the object's box"
        )
    height, width = SHAPES[arguments.trunk][0]
    return (
        f"{size} stills of about {width}x{height} a step, averaged weights; scores: mean J on "
        "frames of held-out clips, guided by the true mask of the frame before"
    )


def name_of(arguments: argparse.Namespace) -> str:
    """The checkpoint's name: the architecture and how its training differed."""
    switches = ("no_mask", "no_deform", "no_non_rigid", "no_dilation")
    changes = [switch for switch in switches if vars(arguments)[switch]]
    return "_".join(["masktrack", *(["box"] if arguments.boxes else []), arguments.trunk, *changes])


def main(arguments: argparse.Namespace) -> int:
    """Train, log, checkpoint; export the averaged weights at every checkpoint."""
    begin(arguments)
    stills, clips = load_training_data(arguments.data)
    if not stills:
        raise DatasetError(f"No still images under {arguments.data}; it needs images/ with masks/.")
    architecture = f"masktrack_{arguments.trunk}"
    network = cast(GuidedNetwork, placed(load_network(architecture, arguments.weights)))
    state = new_state(network, arguments.rate, arguments.steps)
    if arguments.resume:
        state.resume(arguments.out)
    batches, validation = material(arguments, stills, clips, state.step)

    def export(scores: dict[str, float]) -> None:
        recipe = f"{state.step} steps, {recipe_of(arguments)}"
        card = model_card(arguments, "masktrack", architecture, recipe, scores)
        export_weights(state.average, arguments.out / f"{name_of(arguments)}.safetensors", card)

    run(
        state,
        batches,
        lambda batch: guided_loss(network, *batch, seed=(arguments.seed << 32) + state.step),
        lambda: {"J": mean_j(state.averaged(), validation)},
        export,
        arguments,
    )
    return 0
