"""The presets by the names that people read. No Qt."""

from __future__ import annotations

from app.language import tr
from vosengine.config import PRESETS, Config

PRESET_LABELS = {
    "draft": "Draft",
    "instant": "Instant",
    "balanced": "Balanced",
    "best": "Best",
    "osvos-lite": "OSVOS, bundled",
    "osvos-paper": "OSVOS, VGG16",
    "iterative-lite": "Iterative OSVOS, bundled",
    "iterative-paper": "Iterative OSVOS, VGG16",
    "box-filtered-lite": "Box-filtered OSVOS, bundled",
    "box-filtered-paper": "Box-filtered OSVOS, VGG16",
    "masktrack-lite": "MaskTrack, bundled",
    "masktrack-paper": "MaskTrack, VGG16",
    "e-osvos-lite": "e-OSVOS-10, bundled",
    "e-osvos-lite-50-ona": "e-OSVOS-50-OnA, bundled",
    "e-osvos-paper": "e-OSVOS-100-OnA, ResNet-50",
}


def preset_name(config: Config) -> str:
    """The preset with these settings, "" for none."""
    return next((name for name, known in PRESETS.items() if known == config), "")


def preset_label(config: Config) -> str:
    """What people call these settings."""
    name = preset_name(config)
    return PRESET_LABELS.get(name, name) or tr("settings of your own")
