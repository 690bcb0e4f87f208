"""Checkpoints: where they are, what they say of themselves, and networks made from them.

A checkpoint is a safetensors file (fp16 or fp32) whose header names its architecture, with a model card of
the same name (`NAME.json`) beside it. Bundled ones lie in `resources/weights`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from vosengine.downloads import downloaded
from vosengine.errors import WeightsError
from vosengine.language import tr
from vosengine.networks.lite import LiteNet
from vosengine.networks.masktrack import MaskTrackVgg16, with_mask_filters
from vosengine.networks.masktrack_lite import MaskTrackLite
from vosengine.networks.osvos import OsvosNet, stage_state
from vosengine.networks.osvos_lite import OsvosLite
from vosengine.neuron_rates import PREFIX


@dataclass(frozen=True)
class Architecture:
    """How to build a network, and loaders of weights made elsewhere by the name a config gives them."""

    build: Callable[[], nn.Module]
    outside: Mapping[str, Callable[[Any], None]]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's file, architecture and model card (empty where there is none)."""

    path: Path
    architecture: str
    card: dict[str, Any]


def bundled_folder() -> Path:
    """Where the bundled checkpoints lie."""
    return Path(str(files("resources"))) / "weights"


def bundled() -> list[Checkpoint]:
    """All bundled checkpoints, by name."""
    return [describe(path) for path in sorted(bundled_folder().glob("*.safetensors"))]


def find(name: str) -> Path:
    """The file of a checkpoint's name, bundled or in the folder ROTOSHOT_WEIGHTS, or the path itself."""
    path = Path(name)
    if path.suffix != ".safetensors":
        own = Path(os.environ.get("ROTOSHOT_WEIGHTS", ""), f"{name}.safetensors")
        path = own if own.is_file() else bundled_folder() / f"{name}.safetensors"
    if not path.is_file():
        known = ", ".join(checkpoint.path.stem for checkpoint in bundled()) or "none"
        raise WeightsError(
            tr("There are no weights {name!r}; give a .safetensors file or a bundled name ({known}).").format(
                name=name, known=known
            )
        )
    return path


def describe(path: Path) -> Checkpoint:
    """Read a checkpoint's header and card. Raises WeightsError for a damaged file."""
    try:
        with safe_open(path, "pt") as file:
            architecture = (file.metadata() or {}).get("architecture", "unknown")
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            tr("{name} is damaged or not a safetensors file; copy or train it again.").format(name=path.name)
        ) from error
    return Checkpoint(path, architecture, _card(path.with_suffix(".json")))


def _card(path: Path) -> dict[str, Any]:
    """A model card; empty where there is none."""
    try:
        card: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise WeightsError(
            tr("The model card {name} is damaged; mend it or move it away.").format(name=path.name)
        ) from error
    return card


def load_network(architecture: str, name: str) -> nn.Module:
    """A network of the `architecture` with the weights `name`, in fp32, in training mode.

    "random" leaves the network as it is built; "imagenet" stands for the trunk's ImageNet weights: bundled
    for the lite trunk, torchvision's, downloaded on first use, for VGG16. Raises WeightsError when the
    weights are missing, damaged or of another architecture.
    """
    if architecture not in ARCHITECTURES:
        raise WeightsError(
            tr("There is no architecture {architecture!r}; choose one of {names}.").format(
                architecture=architecture, names=", ".join(ARCHITECTURES)
            )
        )
    known = ARCHITECTURES[architecture]
    network = known.build()
    if name == "random":
        return network
    if name in known.outside:
        known.outside[name](network)
        return network
    path = find(name)
    checkpoint = describe(path)
    if checkpoint.architecture != architecture:
        raise WeightsError(
            tr("{name} holds a {architecture!r} network, not {wanted!r}; choose matching weights.").format(
                name=path.name, architecture=checkpoint.architecture, wanted=architecture
            )
        )
    state = {key: value for key, value in _tensors(path).items() if not key.startswith(PREFIX)}
    load_state(network, state, path.name)
    return network


def load_rates(name: str) -> dict[str, Tensor]:
    """The learned neuron-level rates that a checkpoint holds beside its network, by parameter name, in fp32.

    Raises WeightsError where it holds none.
    """
    path = find(name)
    state = _tensors(path)
    rates = {
        key.removeprefix(PREFIX): value.float() for key, value in state.items() if key.startswith(PREFIX)
    }
    if not rates:
        raise WeightsError(
            tr(
                "{name} holds no learned rates; choose weights of `rotoshot train meta`, or hand-set rates."
            ).format(name=path.name)
        )
    return rates


def load_state(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load a state, with one sentence instead of a list of keys when it does not fit."""
    try:
        network.load_state_dict({key: value.float() for key, value in state.items()})
    except RuntimeError as error:
        raise WeightsError(
            tr("{source} does not fit this network; choose weights made for it.").format(source=source)
        ) from error


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise WeightsError(tr("{name} is damaged; copy or train it again.").format(name=path.name)) from error


def load_mobilenet(network: Any) -> None:
    """The bundled ImageNet weights into a network's MobileNetV2 trunk."""
    load_state(network.trunk, _tensors(find("mobilenet_v2")), "mobilenet_v2")


def load_vgg16(network: nn.Module) -> None:
    """torchvision's VGG16 into a network's stages; see `vgg16_stages`."""
    load_stages(network, vgg16_stages())


def load_vgg16_with_mask(network: Any) -> None:
    """`load_vgg16` where a fourth channel, with filters of its own, stands beside the colours."""
    load_stages(network, with_mask_filters(vgg16_stages(), network))


def load_stages(network: nn.Module, stages: Mapping[str, Tensor]) -> None:
    """A state of VGG16's stages into a network that has more than those."""
    network.load_state_dict({f"stages.{key}": value for key, value in stages.items()}, strict=False)


def vgg16_stages() -> dict[str, Tensor]:
    """torchvision's VGG16 trunk, downloaded with a progress bar to torch's cache on first use."""
    from torchvision.models import VGG16_Weights  # noqa: PLC0415 - slow to import, rarely needed

    instead = tr("choose a preset with the bundled lite network")
    state = downloaded(VGG16_Weights.IMAGENET1K_FEATURES, tr("ImageNet weights of VGG16"), instead)
    features = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
    return stage_state(features)


def load_mobilenet_backbone(network: Any) -> None:
    """`load_mobilenet` where the trunk is part of a backbone."""
    load_mobilenet(network.backbone)


def load_coco(network: nn.Module) -> None:
    """torchvision's Mask R-CNN of COCO wherever shapes match: all but the layers that know its classes.

    Its batch norms' gains and offsets become those of the group norms. The network must be trained further
    before it finds anything: two outputs are new, and the group norms normalise otherwise.
    """
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights  # noqa: PLC0415 - as above

    instead = tr("choose a preset with the bundled lite network")
    state = downloaded(MaskRCNN_ResNet50_FPN_Weights.COCO_V1, tr("COCO weights of Mask R-CNN"), instead)
    own = network.state_dict()
    fitting = {k: v for k, v in state.items() if k not in own or own[k].shape == v.shape}
    network.load_state_dict(fitting, strict=False)


def _mask_rcnn(name: str) -> nn.Module:
    from vosengine.networks import mask_rcnn  # noqa: PLC0415 - torchvision is slow to import

    build: Callable[[], nn.Module] = getattr(mask_rcnn, name)
    return build()


ARCHITECTURES: dict[str, Architecture] = {
    "lite": Architecture(LiteNet, {"imagenet": load_mobilenet}),
    "osvos_lite": Architecture(OsvosLite, {"imagenet": load_mobilenet}),
    "osvos_vgg16": Architecture(OsvosNet, {"imagenet": load_vgg16}),
    "depth1_lite": Architecture(partial(OsvosLite, side_channels=1), {"imagenet": load_mobilenet}),
    "depth1_vgg16": Architecture(partial(OsvosNet, side_channels=1), {"imagenet": load_vgg16}),
    "masktrack_lite": Architecture(MaskTrackLite, {"imagenet": load_mobilenet}),
    "masktrack_vgg16": Architecture(MaskTrackVgg16, {"imagenet": load_vgg16_with_mask}),
    "contours_lite": Architecture(OsvosLite, {"imagenet": load_mobilenet}),
    "contours_vgg16": Architecture(OsvosNet, {"imagenet": load_vgg16}),
    "mask_rcnn_lite": Architecture(
        partial(_mask_rcnn, "mask_rcnn_lite"), {"imagenet": load_mobilenet_backbone}
    ),
    "mask_rcnn_resnet50": Architecture(partial(_mask_rcnn, "mask_rcnn_resnet50"), {"coco": load_coco}),
}
