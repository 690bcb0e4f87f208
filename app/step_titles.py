"""Undo steps by the names that people read. In the project a step keeps its English name. No Qt."""

from __future__ import annotations

from app.language import tr
from app.presets import PRESET_LABELS

PRESET = "Preset "  # and the preset's name


def step_title(name: str) -> str:
    """The stored `name` of a step in the user's language; as it is where another edition made it."""
    if name.startswith(PRESET):
        preset = name.removeprefix(PRESET)
        return tr("Preset {name}").format(name=PRESET_LABELS.get(preset, preset))
    return tr(name) if name else ""
