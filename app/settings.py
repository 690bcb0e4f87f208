"""The user's settings, kept between runs as one JSON file in the system's place for it. No Qt."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from vosengine import atomic
from vosengine.config import PRESETS
from vosengine.project_io import unused

MOST_RECENT = 12
RANGES = {"brush_radius": (0.5, 500.0), "brush_softness": (0.0, 1.0)}
VIEWS = (
    "overlay",
    "outline",
    "matte",
    "checkerboard",
    "black",
    "backdrop",
    "difference",
    "confidence",
)


@dataclass
class Settings:
    """What the application remembers of its user.

    recent_projects: folders, newest first, at most 12. brush_radius in image pixels, brush_softness as a
    share of it. pen_pressure: whether it sets the size. view: one of VIEWS. preset: a name in
    `vosengine.config.PRESETS`. last_folder: where the last file dialog was. shortcuts: action name -> key
    sequence, only those changed from the default. window_geometry, panel_layout: Qt's, as base64 text, ""
    before the first run. backdrop: "#rrggbb". one_per_stretch: whether only the worst of neighbouring
    frames is listed. update_at_once: whether each correction starts a run. extra: keys of other
    editions, kept as they are.
    """

    recent_projects: list[str] = field(default_factory=list)
    brush_radius: float = 12.0
    view: str = "overlay"
    preset: str = "balanced"
    export_template: str = ""
    last_folder: str = ""
    shortcuts: dict[str, str] = field(default_factory=dict)
    window_geometry: str = ""
    panel_layout: str = ""
    backdrop: str = "#00b140"
    one_per_stretch: bool = True
    brush_softness: float = 0.0
    pen_pressure: bool = True
    update_at_once: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def add_recent(self, folder: Path) -> None:
        """Put a project first in the recent list."""
        name = str(folder)
        self.recent_projects = [name, *(each for each in self.recent_projects if each != name)][:MOST_RECENT]


def settings_path() -> Path:
    """The settings file in the system's configuration folder."""
    return user_config_path("rotoshot", appauthor=False) / "settings.json"


def load_settings(path: Path | None = None) -> tuple[Settings, str]:
    """The stored settings, and a sentence for the user when a damaged file was set aside ("" otherwise).

    A missing file gives the defaults; single values that make no sense become their defaults.
    """
    path = path or settings_path()
    try:
        values = json.loads(path.read_text("utf-8"))
        if not isinstance(values, dict):
            raise ValueError("it holds no settings")
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        return Settings(), f"{path} could not be read ({error.strerror or error}); the defaults are used."
    except (ValueError, RecursionError) as error:
        return Settings(), f"{path} is damaged ({error}); the defaults are used{_set_aside(path)}."
    known = {each.name: _sensible(each, values.get(each.name)) for each in fields(Settings)}
    known["extra"] = {name: value for name, value in values.items() if name not in known}
    return Settings(**known), ""


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Write the settings. Raises EngineError when the file cannot be written."""
    values = asdict(settings)
    extra = values.pop("extra")
    text = json.dumps({**extra, **values}, indent=1, ensure_ascii=True)
    atomic.write_bytes(path or settings_path(), text.encode("ascii"))


def _set_aside(path: Path) -> str:
    aside = unused(path.with_name(path.name + ".damaged"))
    try:
        path.replace(aside)
    except OSError:
        return ""
    return f", the file was kept as {aside.name}"


def _sensible(setting: Field[Any], value: Any) -> Any:
    """The stored value where it makes sense, else the default."""
    default = setting.default if setting.default_factory is MISSING else setting.default_factory()
    return value if value is not None and _makes_sense(setting.name, value, default) else default


def _makes_sense(name: str, value: Any, default: Any) -> bool:  # noqa: PLR0911  (one rule a setting)
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        least, most = RANGES[name]
        return least <= value <= most
    if not isinstance(value, type(default)):
        return False
    if name == "backdrop":
        return re.fullmatch("#[0-9a-f]{6}", value) is not None
    if name == "view":
        return value in VIEWS
    if name == "preset":
        return value in PRESETS
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    if name == "shortcuts":
        return all(isinstance(each, str) for each in value.values())
    return True
