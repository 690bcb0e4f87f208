"""The papers' ablation tables as data: each row's figures, and the settings that make ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vosengine.config import Config, preset

SCALES = ("lite", "paper")
# The papers' parent networks, which do not come with Rotoshot, and the options of `rotoshot train` for them.
PARENTS = {
    "osvos_vgg16": "parent --trunk vgg16",
    "depth1_vgg16": "parent --trunk vgg16 --side-channels 1",
    "masktrack_vgg16": "masktrack --trunk vgg16",
}


@dataclass(frozen=True)
class Row:
    """One row of a paper's table, under the paper's own label.

    paper: its figures in [0, 1]: J and F on DAVIS-2016's validation set, "J&F" the mean of both on
    DAVIS-2017's. preset: ours, without its "-lite" or "-paper". changes: the settings that make the row of
    the preset; "{trunk}" in a value stands for the preset's trunk. boxes: the first annotation is given as a
    box. training: the options of `rotoshot train` for weights of the row's own. note: what differs in this
    row.
    """

    label: str
    paper: Mapping[str, float]
    preset: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    boxes: bool = False
    training: str = ""
    note: str = ""

    def config(self, scale: str = "lite", changes: Mapping[str, Any] | None = None) -> Config:
        """The row's settings; `changes` are for all rows, and the row's own win. Raises EngineError.

        Where neither names weights, a network of `PARENTS` starts from its own offline training: the
        presets' ImageNet weights are a row of their own. Imports torch.
        """
        from vosengine.methods import architecture_of  # noqa: PLC0415

        name = f"{self.preset}-{scale}"
        own = {setting: _filled_in(value, preset(name)) for setting, value in self.changes.items()}
        config = preset(name, **{**(changes or {}), **own})
        trained = architecture_of(config) in PARENTS and not config.weights
        return replace(config, weights=architecture_of(config)) if trained else config

    def training_commands(self, config: Config) -> list[str]:
        """The commands that make the weights of the row's `config` that can be trained."""
        trained = [PARENTS.get(config.weights, ""), _filled_in(self.training, config)]
        return [f"rotoshot train {options} --data DATA --out OUT" for options in trained if options]


@dataclass(frozen=True)
class Ablation:
    """A paper's table. `differs` says what is not as in the paper in any row; `settings` hold in all rows."""

    source: str
    rows: tuple[Row, ...]
    differs: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def _filled_in(value: Any, config: Config) -> Any:
    return value.format(trunk=config.trunk) if isinstance(value, str) else value


_NO_SNAPPING = {"snap": "none"}  # these papers do not; MaskTrack's CRF is a setting of its own

OSVOS = Ablation(
    "OSVOS, table 1 (BS: boundary snapping, PN: parent network, OS: one-shot learning)",
    (
        Row("OSVOS", {"J": 0.798, "F": 0.806}, "osvos", {"snap": "superpixels"}),
        Row("-BS", {"J": 0.774, "F": 0.781}, "osvos", {"snap": "none"}),
        Row("-PN-BS", {"J": 0.646, "F": 0.667}, "osvos", {"snap": "none", "weights": "imagenet"}),
        Row("-OS-BS", {"J": 0.525, "F": 0.477}, "osvos", {"snap": "none", "steps": 0}),
        Row(
            "-PN-OS-BS",
            {"J": 0.176, "F": 0.203},
            "osvos",
            {"snap": "none", "weights": "imagenet", "steps": 0},
        ),
        Row(
            "bilateral solver instead of contours",
            {},
            "osvos",
            {"snap": "bilateral"},
            note="section 3.3 gives its time alone: 60 ms a frame, contours 400 ms",
        ),
    ),
    "The paper's contour branch was trained on PASCAL-Context, its parent network on DAVIS alone.",
)

ITERATIVE = Ablation(
    "Iterative online training, table 1",
    (
        Row(
            "OSVOS",
            {"J": 0.798, "F": 0.806},
            "osvos",
            note="DAVIS-2017 test-challenge J&F 0.488",
        ),
        Row(
            "IT",
            {"J": 0.804, "F": 0.809},
            "iterative",
            {"iterative.filter": "none"},
            note="DAVIS-2017 test-challenge J&F 0.471",
        ),
        Row(
            "IT+LB",
            {"J": 0.794, "F": 0.806},
            "iterative",
            {"iterative.filter": "largest_blob"},
            note="DAVIS-2017 test-challenge J&F 0.500",
        ),
        Row(
            "IT+Box",
            {"J": 0.777, "F": 0.799},
            "iterative",
            {"iterative.filter": "kcf_box"},
            note="DAVIS-2017 test-challenge J&F 0.509",
        ),
    ),
    "The paper starts from OSVOS's own parent network.",
    {"snap": "superpixels"},
)


def _box_filtered(label: str, J: float, clip: bool, temporal: bool, components: bool, note: str = "") -> Row:
    switches = {"clip_to_box": clip, "temporal": temporal, "components": components}
    changes = {f"box_filtered.{name}": value for name, value in switches.items()}
    return Row(label, {"J": J}, "box-filtered", changes, note=note)


BOX_FILTERED = Ablation(
    # The crosses of the table do not survive in the paper's text. Section 5 gives the appearance net alone
    # 76.7 and says that the temporal and the component filters improve upon plain clipping.
    "OSVOS filtered by object detection, table 1",
    (
        _box_filtered("appearance map", 0.767, clip=False, temporal=False, components=False),
        _box_filtered("+ BBox clipping", 0.760, clip=True, temporal=False, components=False),
        _box_filtered("+ BBox clipping + temporal", 0.764, clip=True, temporal=True, components=False),
        _box_filtered("+ ConnComp filter", 0.791, clip=False, temporal=False, components=True),
        _box_filtered("+ temporal + ConnComp filter", 0.801, clip=False, temporal=True, components=True),
    ),
    "The paper's detector is Faster R-CNN with ResNet-101.",
    _NO_SNAPPING,
)


def _masktrack(label: str, J: float, **switches: Any) -> Row:
    return Row(label, {"J": J}, "masktrack", {f"masktrack.{name}": value for name, value in switches.items()})


def _masktrack_trained(label: str, J: float, setting: str, variant: str) -> Row:
    """A row with weights of its own, a variant of `rotoshot train masktrack`."""
    changes = {f"masktrack.{setting}": False, "weights": f"masktrack_{{trunk}}_{variant}"}
    training = f"masktrack --trunk {{trunk}} --{variant.replace('_', '-')}"
    return Row(label, {"J": J}, "masktrack", changes, training=training)


MASKTRACK = Ablation(
    "MaskTrack, tables 1 and 2",
    (
        _masktrack("MaskTrack+Flow+CRF", 0.803, flow=True, crf=True),
        _masktrack("MaskTrack+Flow", 0.784, flow=True, crf=False),
        _masktrack("MaskTrack", 0.748, flow=False, crf=False),
        Row(
            "MaskTrackBox",
            {"J": 0.737},
            "masktrack",
            {"masktrack.box_weights": "masktrack_box_{trunk}"},
            boxes=True,
            training="masktrack --trunk {trunk} --boxes",
        ),
        Row("No online fine-tuning", {"J": 0.699}, "masktrack", {"steps": 0}),
        Row("No offline training", {"J": 0.576}, "masktrack", {"weights": "imagenet"}),
        _masktrack_trained("No dilation", 0.724, "dilation", "no_dilation"),
        _masktrack_trained("No deformation", 0.171, "deform", "no_deform"),
        _masktrack_trained("No non-rigid deformation", 0.733, "non_rigid", "no_non_rigid"),
        _masktrack_trained("No input", 0.725, "mask_input", "no_mask"),
    ),
    "The paper also gives half of the training data 0.732, training on video 0.720 and boxes as the input of "
    "every frame 0.696, which have no switch here.",
    _NO_SNAPPING,
)


def _e_osvos(label: str, paper: Mapping[str, float], steps: int, **changes: Any) -> Row:
    """`changes` of `rates` and `weights`, or switches of `EOsvosSettings`."""
    general = ("rates", "weights")
    named = {name if name in general else f"e_osvos.{name}": value for name, value in changes.items()}
    training = "meta --network mask_rcnn_{trunk}" if changes.get("rates", "neuron") == "neuron" else ""
    training += " --rates single" if "weights" in changes else ""
    return Row(label, paper, "e-osvos", {"steps": steps, **named}, training=training)


def _component(label: str, JF: float, steps: int = 10, **changes: Any) -> Row:
    """A row of table 1: without spatial random transformations at test time (section 4.3)."""
    return _e_osvos(label, {"J&F": JF}, steps, augment=False, **changes)


_PLAIN = {"lovasz": False, "propagate_boxes": False, "adapt_every": 0}
_BOXES = {"lovasz": True, "propagate_boxes": True, "adapt_every": 0}
_ADAPTED = _BOXES | {"adapt_every": 5}  # section 4.2

E_OSVOS = Ablation(
    "e-OSVOS, table 1, and from e-OSVOS-10 on table 2",
    (
        _component("Mask R-CNN, parent training, single LR", 0.336, rates="hand", **_PLAIN),
        _component("the same, 50 iterations", 0.397, 50, rates="hand", **_PLAIN),
        _component("the same, 100 iterations", 0.416, 100, rates="hand", **_PLAIN),
        _component(
            "+ learn model initialization and single LR",
            0.644,
            rates="neuron",
            weights="e_osvos_{trunk}_single",
            **_PLAIN,
        ),
        _component("+ learn neuron level learning rates", 0.672, rates="neuron", **_PLAIN),
        _component("+ Lovász-Softmax", 0.694, rates="neuron", **_PLAIN | {"lovasz": True}),
        _component("+ bounding box propagation", 0.699, rates="neuron", **_BOXES),
        _component("+ online adaption", 0.712, rates="neuron", **_ADAPTED),
        _component("the same, 50 iterations, no adaption", 0.713, 50, rates="neuron", **_BOXES),
        _component("the same, 100 iterations, no adaption", 0.712, 100, rates="neuron", **_BOXES),
        _component("the same, 50 iterations, adapted", 0.737, 50, rates="neuron", **_ADAPTED),
        _component("the same, 100 iterations, adapted", 0.748, 100, rates="neuron", **_ADAPTED),
        _e_osvos("e-OSVOS-10", {"J": 0.851, "F": 0.848, "J&F": 0.719}, 10, augment=True, **_BOXES),
        _e_osvos("e-OSVOS-50", {"J": 0.855, "F": 0.858, "J&F": 0.733}, 50, augment=True, **_BOXES),
        _e_osvos("e-OSVOS-50-OnA", {"J": 0.859, "F": 0.859, "J&F": 0.756}, 50, augment=True, **_ADAPTED),
        _e_osvos("e-OSVOS-100-OnA", {"J": 0.866, "F": 0.870, "J&F": 0.772}, 100, augment=True, **_ADAPTED),
    ),
    "Group normalization is part of our network in every row, and the meta-learning of the rates used the "
    "loss of the bundled weights; the paper's first row reaches 0.427 in 1000 iterations.",
    _NO_SNAPPING,
)

ABLATIONS: dict[str, Ablation] = {
    "osvos": OSVOS,
    "iterative": ITERATIVE,
    "box_filtered": BOX_FILTERED,
    "masktrack": MASKTRACK,
    "e_osvos": E_OSVOS,
}
