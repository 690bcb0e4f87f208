"""A run's settings as one frozen value, and the named presets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

from vosengine.errors import EngineError
from vosengine.language import tr

SNAP_KINDS = ("none", "bilateral", "superpixels", "crf")
ALPHA_KINDS = ("snapped", "closed_form")
ITERATIVE_FILTERS = ("none", "largest_blob", "kcf_box")


@dataclass(frozen=True)
class IterativeSettings:
    """Iterative online training (sections 2 and 3 of the paper).

    every: frames between two trainings; steps: optimizer steps of each, on the last `every` results.
    filter: what own results pass before they are trained on: "none" (IT), "largest_blob" (IT+LB) or
    "kcf_box" (IT+Box).
    keep_annotated: train on the annotated frames as well, not on own results alone.
    """

    every: int = 10
    steps: int = 100
    filter: str = "none"
    keep_annotated: bool = True


@dataclass(frozen=True)
class BoxFilteredSettings:
    """OSVOS filtered by object detection: the switches of the paper's table 1, the detector, the thresholds.

    The columns of table 1, with the mean J: clip_to_box 76.0; clip_to_box and temporal 76.4; the appearance
    map alone (neither clip_to_box nor components) 76.7; components 79.1; and the full method, the default,
    temporal and components 80.1. The paper gives no thresholds.

    detector: a name in `vosengine.guides.detector.DETECTORS`.
    clip_to_box: remove what lies outside the selected boxes.
    temporal: only boxes near the previous frame's, and a box from components where nothing is detected.
    components: remove components away from the selected boxes, by two thresholds.
    score: least score of a detection; temporal_iou: least overlap with the previous frame's box.
    low, high: probabilities of weak and strong pixels.
    """

    detector: str = "lite"
    clip_to_box: bool = False
    temporal: bool = True
    components: bool = True
    score: float = 0.5
    temporal_iou: float = 0.3
    low: float = 0.4
    high: float = 0.8


@dataclass(frozen=True)
class MaskTrackSettings:
    """MaskTrack's variants and the switches of the paper's table 1.

    flow: a second stream on the magnitude of the optical flow; crf: a dense CRF over three frames.
    mask_input: the previous mask is given to the network, else none. deform: masks are deformed in online
    training, in all ways or without `non_rigid` (thin-plate splines) or `dilation` (there and in use); they
    go with weights trained alike.
    box_weights: the network that makes masks of boxes (MaskTrackBox), as `Config.weights`; "" for GrabCut.
    """

    flow: bool = False
    crf: bool = False
    mask_input: bool = True
    deform: bool = True
    non_rigid: bool = True
    dilation: bool = True
    box_weights: str = ""


@dataclass(frozen=True)
class EOsvosSettings:
    """e-OSVOS's components of section 3 and table 1; its learned rates are `Config.rates`.

    lovasz: masks are trained with the Lovász-softmax loss, else with pixel-wise cross-entropy.
    augment: the first fine-tuning sees the annotated frames mirrored, zoomed and rotated.
    propagate_boxes: the previous frame's box, moved at random, is among the next frame's proposals.
    adapt_every: frames between two online adaptations, 0 never; adapt_steps: optimizer steps of each.
    reset: each of them starts from the weights that the first fine-tuning gave.
    """

    lovasz: bool = True
    augment: bool = True
    propagate_boxes: bool = True
    adapt_every: int = 0
    adapt_steps: int = 10
    reset: bool = True


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's masks, besides the clip and the annotations.

    method: a name in `vosengine.methods.registry`; trunk: "lite", "vgg16" or "resnet50".
    weights: a bundled checkpoint's name, a .safetensors file, "imagenet" for the trunk's ImageNet weights
    alone, or "" for the method's own.
    steps, batch_size, rate: one-shot fine-tuning (optimizer steps, samples a step, learning rate); 0 steps
    leave the parent network as it is.
    parent_share: share of the parent's weights in the guided method's, averaged after fine-tuning, in [0, 1].
    rates: "hand" takes `rate` and a hand-made schedule, "neuron" the learned neuron-level rates of the
    weights (of guided and e_osvos; the method's own weights are then the meta-learned ones).
    working_side: the longer side, in pixels, of the frames the engine works on (never enlarged).
    crop_area: pixels of the object-centred crop the network sees, 0 for the whole frame.
    crop_margin: side of the crop over the side of the object's box.
    snap: a name in SNAP_KINDS (edge refinement after the network).
    alpha: "closed_form" for soft edges by closed-form matting at the clip's own resolution, "snapped" for
    the snapped probability as it is. The mask, alpha at one half, is the same.
    flip: average the network over the frame and its mirror image.
    memory_every: the guided method remembers every n-th confident result as a reference, 0 never.
    seed: same seed, same masks on the same device.
    """

    method: str = "guided"
    trunk: str = "lite"
    weights: str = ""
    steps: int = 30
    batch_size: int = 4
    rate: float = 3e-4
    parent_share: float = 0.5
    rates: str = "hand"
    working_side: int = 854
    crop_area: int = 384 * 288
    crop_margin: float = 1.8
    snap: str = "bilateral"
    alpha: str = "snapped"
    flip: bool = True
    memory_every: int = 5
    seed: int = 0
    iterative: IterativeSettings = field(default_factory=IterativeSettings)
    box_filtered: BoxFilteredSettings = field(default_factory=BoxFilteredSettings)
    masktrack: MaskTrackSettings = field(default_factory=MaskTrackSettings)
    e_osvos: EOsvosSettings = field(default_factory=EOsvosSettings)


OSVOS_LITE = Config(method="osvos", steps=100, batch_size=2, rate=3e-4, crop_area=0, working_side=480)
# Whole 480p frames, one image a step, summed loss: rate and steps are the authors' published code's.
OSVOS_PAPER = Config(
    method="osvos", trunk="vgg16", steps=2000, batch_size=1, rate=1e-8, crop_area=0, snap="superpixels"
)
# Built upon OSVOS-TensorFlow (section 5), whose published fine-tuning takes 500 steps; no further
# post-processing (section 5). ResNet-50 stands for the paper's ResNet-101.
BOX_FILTERED_PAPER = replace(
    OSVOS_PAPER,
    method="box_filtered",
    steps=500,
    snap="none",
    box_filtered=BoxFilteredSettings(detector="faster_rcnn"),
)
# Section 2: 300 steps on the annotated frame, then 100 every 10 frames. No filter was best on DAVIS 2016.
ITERATIVE_PAPER = replace(OSVOS_PAPER, method="iterative", steps=300)
# A tenth of the one-shot steps: with the paper's third the lite network drifts (held-out training sequences).
ITERATIVE_LITE = replace(OSVOS_LITE, method="iterative", iterative=IterativeSettings(steps=10))

MASKTRACK_LITE = Config(
    method="masktrack",
    steps=40,
    batch_size=2,
    rate=3e-4,
    crop_area=0,
    working_side=480,
    masktrack=MaskTrackSettings(box_weights="masktrack_box_lite"),
)
# Section 4: 200 iterations of ten samples, the rate of offline training; no snapping.
MASKTRACK_PAPER = Config(
    method="masktrack", trunk="vgg16", steps=200, batch_size=10, rate=1e-3, crop_area=0, snap="none"
)
# Fine-tuning and online adaptation of e-OSVOS-10; e-OSVOS-50-OnA and -100-OnA differ in both (section 4.3).
E_OSVOS_LITE = Config(
    method="e_osvos", steps=10, batch_size=1, rate=2e-2, rates="neuron", crop_area=0, working_side=384
)
E_OSVOS_OFTEN = EOsvosSettings(adapt_every=5, adapt_steps=10)  # section 4.2
# Without meta-learned weights: the paper's baseline, "parent training + single LR", with all else in place.
E_OSVOS_PAPER = Config(
    method="e_osvos",
    trunk="resnet50",
    steps=100,
    batch_size=1,
    rate=1e-3,
    crop_area=0,
    snap="none",
    e_osvos=E_OSVOS_OFTEN,
)

PRESETS: dict[str, Config] = {
    "draft": Config(steps=15, crop_area=288 * 192, snap="none", flip=False),
    "instant": Config(steps=10, rate=4e-4, flip=False),
    "balanced": Config(),
    "best": Config(steps=90, rate=2e-4, alpha="closed_form"),
    "osvos-lite": OSVOS_LITE,
    "osvos-paper": OSVOS_PAPER,
    "iterative-lite": ITERATIVE_LITE,
    "iterative-paper": ITERATIVE_PAPER,
    "box-filtered-lite": replace(OSVOS_LITE, method="box_filtered"),
    "box-filtered-paper": BOX_FILTERED_PAPER,
    "masktrack-lite": MASKTRACK_LITE,
    "masktrack-paper": MASKTRACK_PAPER,
    "e-osvos-lite": E_OSVOS_LITE,
    "e-osvos-lite-50-ona": replace(E_OSVOS_LITE, steps=50, e_osvos=E_OSVOS_OFTEN),
    "e-osvos-paper": E_OSVOS_PAPER,
}

PRESET_NOTES: dict[str, str] = {
    "e-osvos-lite": tr("e-OSVOS-10: a bundled Mask R-CNN that learns in ten steps, at learned rates."),
    "e-osvos-lite-50-ona": tr("e-OSVOS-50-OnA: fifty steps, then ten on its own result every five frames."),
    "e-osvos-paper": tr("e-OSVOS-100-OnA's ResNet-50 from COCO weights, not meta-learned: wants a GPU."),
    "draft": tr("A quick look: a few fine-tuning steps, no edge snapping."),
    "instant": tr("Ten fine-tuning steps and one look a frame: close to balanced in half of the time."),
    "balanced": tr("The default: guided by the previous mask, snapped to the edges."),
    "best": tr("Three times the fine-tuning, gentler, and soft edges: for the final matte."),
    "osvos-lite": tr("OSVOS with the bundled network: frames independent, no guidance."),
    "box-filtered-lite": tr("OSVOS filtered by detected boxes, with the bundled networks."),
    "box-filtered-paper": tr("OSVOS's VGG16 at depth 1, filtered by Faster R-CNN's boxes: wants a GPU."),
    "osvos-paper": tr("OSVOS's VGG16 from ImageNet weights, without parent training: wants a GPU."),
    "iterative-lite": tr("OSVOS that goes on learning from its own results, with the bundled network."),
    "iterative-paper": tr("OSVOS's VGG16 trained further every 10 frames on its own results: wants a GPU."),
    "masktrack-lite": tr(
        "MaskTrack with a bundled network: guided by the previous mask alone, whole frames."
    ),
    "masktrack-paper": tr(
        "MaskTrack's DeepLab-VGG16; give it trained weights, else ImageNet's: wants a GPU."
    ),
}


def preset(name: str, **changes: Any) -> Config:
    """The preset called `name` with some fields changed; "iterative.every" names a field of a part.

    Raises EngineError for an unknown preset or field, naming the known ones.
    """
    if name not in PRESETS:
        raise EngineError(
            tr("There is no preset {name!r}; choose one of {names}.").format(
                name=name, names=", ".join(PRESETS)
            )
        )
    return changed(PRESETS[name], changes)


def config_from_dict(values: dict[str, Any]) -> Config:
    """A config from JSON; unknown fields raise EngineError."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": part for inner, part in value.items()}
        else:
            flat[name] = value
    return changed(Config(), flat)


def config_to_dict(config: Config) -> dict[str, Any]:
    """Plain values for JSON."""
    return asdict(config)


def setting_names() -> dict[str, type]:
    """Every setting's dotted name and the type of its value."""
    names: dict[str, type] = {}
    for f in fields(Config):
        value = getattr(Config(), f.name)
        if is_dataclass(value):
            names |= {f"{f.name}.{inner.name}": type(getattr(value, inner.name)) for inner in fields(value)}
        else:
            names[f.name] = type(value)
    return names


def changed(config: Config, changes: dict[str, Any]) -> Config:
    """A config with some settings changed, by dotted name. Raises EngineError as `preset`."""
    unknown = sorted(changes.keys() - setting_names().keys())
    if unknown:
        raise EngineError(
            tr("Unknown setting {names}; the settings are {known}.").format(
                names=", ".join(unknown), known=", ".join(sorted(setting_names()))
            )
        )
    for name, value in changes.items():
        part, dot, inner = name.partition(".")
        new = replace(getattr(config, part), **{inner: value}) if dot else value
        config = replace(config, **{part: new})
    _check(config)
    return config


def _check(config: Config) -> None:
    if config.seed < 0 or config.batch_size < 1 or config.steps < 0 or config.working_side < 32:
        raise EngineError(
            tr("seed and steps must be at least 0, batch_size 1, working_side 32; change them.")
        )
    if not 0 <= config.parent_share <= 1:
        raise EngineError(tr("parent_share must be from 0 to 1; change it."))
    _one_of(config.snap, "snapping", SNAP_KINDS)
    _one_of(config.alpha, tr("kind of alpha"), ALPHA_KINDS)
    _one_of(config.rates, tr("kind of rates"), ("hand", "neuron"))
    _one_of(config.iterative.filter, tr("filter of own results"), ITERATIVE_FILTERS)
    if config.iterative.every < 1 or config.iterative.steps < 0:
        raise EngineError(tr("iterative.every must be at least 1 and iterative.steps 0; change them."))
    if config.e_osvos.adapt_every < 0 or config.e_osvos.adapt_steps < 0:
        raise EngineError(tr("e_osvos.adapt_every and e_osvos.adapt_steps must be at least 0; change them."))
    if not 0 < config.box_filtered.low <= config.box_filtered.high < 1:
        raise EngineError(tr("box_filtered needs 0 < low <= high < 1; change its thresholds."))


def _one_of(value: str, what: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise EngineError(
            tr("There is no {what} {value!r}; choose {names} or {last}.").format(
                what=what, value=value, names=", ".join(known[:-1]), last=known[-1]
            )
        )
