"""The presets by the names that people read. No Qt."""

from __future__ import annotations

from app.language import tr
from vosengine.config import PRESETS, Config

PRESET_LABELS = {
    "draft": tr("Draft"),
    "instant": tr("Instant"),
    "balanced": tr("Balanced"),
    "best": tr("Best"),
    "osvos-lite": tr("OSVOS, bundled"),
    "osvos-paper": tr("OSVOS, VGG16"),
    "iterative-lite": tr("Iterative OSVOS, bundled"),
    "iterative-paper": tr("Iterative OSVOS, VGG16"),
    "box-filtered-lite": tr("Box-filtered OSVOS, bundled"),
    "box-filtered-paper": tr("Box-filtered OSVOS, VGG16"),
    "masktrack-lite": tr("MaskTrack, bundled"),
    "masktrack-paper": tr("MaskTrack, VGG16"),
    "e-osvos-lite": tr("e-OSVOS-10, bundled"),
    "e-osvos-lite-50-ona": tr("e-OSVOS-50-OnA, bundled"),
    "e-osvos-paper": tr("e-OSVOS-100-OnA, ResNet-50"),
}


def preset_name(config: Config) -> str:
    """The preset with these settings, "" for none."""
    return next((name for name, known in PRESETS.items() if known == config), "")


def preset_label(config: Config) -> str:
    """What people call these settings."""
    name = preset_name(config)
    return PRESET_LABELS.get(name, name) or tr("settings of your own")
