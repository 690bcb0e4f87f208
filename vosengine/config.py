"""A run's settings as one frozen value, and the named presets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from vosengine.errors import EngineError


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's masks, besides the clip and the annotations.

    method: a name in `vosengine.methods.registry`; trunk: "lite" or "vgg16".
    steps, batch_size, rate: one-shot fine-tuning (optimizer steps, samples a step, learning rate).
    working_side: the longer side, in pixels, of the frames the engine works on (never enlarged).
    crop_area: pixels of the object-centred crop the network sees, 0 for the whole frame.
    crop_margin: side of the crop over the side of the object's box.
    snap: "none" or "bilateral" (edge refinement after the network).
    flip: average the network over the frame and its mirror image.
    memory_every: the guided method remembers every n-th confident result as a reference, 0 never.
    seed: same seed, same masks on the same device.
    """

    method: str = "guided"
    trunk: str = "lite"
    weights: str = "lite"
    steps: int = 60
    batch_size: int = 4
    rate: float = 2e-4
    working_side: int = 854
    crop_area: int = 384 * 288
    crop_margin: float = 1.8
    snap: str = "bilateral"
    flip: bool = False
    memory_every: int = 5
    seed: int = 0


PRESETS: dict[str, Config] = {
    "draft": Config(steps=15, rate=3e-4, crop_area=288 * 192, snap="none"),
    "balanced": Config(),
    "best": Config(steps=180, rate=1e-4, flip=True),
    "osvos-lite": Config(method="osvos", steps=100, crop_area=0, working_side=480),
    # Whole 480p frames, one image a step, summed loss: rate and steps are the authors' published code's.
    "osvos-paper": Config(
        method="osvos", trunk="vgg16", weights="vgg16", steps=2000, batch_size=1, rate=1e-8, crop_area=0
    ),
}

PRESET_NOTES: dict[str, str] = {
    "draft": "A quick look: a few fine-tuning steps, no edge snapping.",
    "balanced": "The default: guided by the previous mask, snapped to the edges.",
    "best": "Three times the fine-tuning, gentler, and a mirrored second look: for the final matte.",
    "osvos-lite": "OSVOS with the bundled network: frames independent, no guidance.",
    "osvos-paper": "OSVOS's VGG16 from ImageNet weights, without parent training: wants a GPU.",
}


def preset(name: str, **changes: Any) -> Config:
    """The preset called `name` with some fields changed.

    Raises EngineError for an unknown preset or field, naming the known ones.
    """
    if name not in PRESETS:
        raise EngineError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return _replaced(PRESETS[name], changes)


def config_from_dict(values: dict[str, Any]) -> Config:
    """A config from JSON; unknown fields raise EngineError."""
    return _replaced(Config(), values)


def config_to_dict(config: Config) -> dict[str, Any]:
    """Plain values for JSON."""
    return asdict(config)


def _replaced(config: Config, changes: dict[str, Any]) -> Config:
    known = {f.name for f in fields(Config)}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise EngineError(
            f"Unknown setting {', '.join(unknown)}; the settings are {', '.join(sorted(known))}."
        )
    changed = replace(config, **changes)
    if changed.seed < 0 or changed.batch_size < 1 or changed.steps < 1 or changed.working_side < 32:
        raise EngineError("seed must be at least 0, batch_size and steps 1, working_side 32; change them.")
    if changed.snap not in ("none", "bilateral"):
        raise EngineError(f"There is no snapping {changed.snap!r}; choose none or bilateral.")
    return changed
