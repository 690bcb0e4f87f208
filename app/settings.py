"""The user's settings, kept between runs as one JSON file in the system's place for it. No Qt."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from app.language import tr
from vosengine import atomic
from vosengine.config import PRESETS
from vosengine.project_io import unused

MOST_RECENT = 12
RANGES = {
    "brush_radius": (0.5, 500.0),
    "brush_softness": (0.0, 1.0),
    "overlay_opacity": (0.1, 0.9),
    "outline_width": (0.5, 4.0),
    "interface_scale": (0.75, 3.0),
}
WHOLE_RANGES = {"timeline_height": (0, 4000), "lane_height": (12, 44)}
THEMES = ("dark", "light", "system")
VIEWS = (
    "overlay",
    "outline",
    "matte",
    "checkerboard",
    "black",
    "backdrop",
    "picture",
    "blurred",
    "greyscale",
    "difference",
    "confidence",
)
VALUE_KINDS: dict[str, type] = {"shortcuts": str, "recent_opened": float}  # of what lies in these
CHOICES: dict[str, Collection[str]] = {"view": VIEWS, "preset": PRESETS, "theme": THEMES}


@dataclass
class Settings:
    """What the application remembers of its user.

    recent_projects: folders, newest first, at most 12. brush_radius in image pixels, brush_softness as a
    share of it. pen_pressure: whether it sets the size. view: one of VIEWS. preset: a name in
    `vosengine.config.PRESETS`. last_folder: where the last file dialog was. shortcuts: action name -> its key
    sequences, "; " between them, only those changed from the default. window_geometry, panel_layout: Qt's, as
    base64 text, "" before the first run. export_presets: by the user's name, see `app.export_choice`.
    backdrop: "#rrggbb". one_per_stretch: whether only the worst of neighbouring frames is listed.
    recent_opened: when the recent projects were opened last, POSIX seconds by folder. recent_commands: what
    was chosen in the command palette, newest first, at most 12. tour_shown: whether the tour has been shown.
    theme: one of THEMES. overlay_opacity, outline_width: of the masks over the clip, the width relative to
    the usual. interface_scale: of the whole window, from the next start on. unit_times: what runs took, see
    `app.costs.Costs`; device: what the last one ran on.
    update_at_once: whether each correction starts a run. extra: keys of other editions, kept as they are.
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
    theme: str = "dark"
    overlay_opacity: float = 0.45
    outline_width: float = 1.0
    interface_scale: float = 1.0
    recent_opened: dict[str, float] = field(default_factory=dict)
    recent_commands: list[str] = field(default_factory=list)
    tour_shown: bool = False
    export_presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    unit_times: dict[str, Any] = field(default_factory=dict)
    device: str = ""
    background_picture: str = ""
    timeline_height: int = 0
    lane_height: int = 20
    film_strip: bool = True
    follow_playhead: bool = True
    update_at_once: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def add_recent(self, folder: Path) -> None:
        """Put a project first in the recent list, opened now."""
        name = str(folder)
        self.recent_projects = first_of(name, self.recent_projects)
        opened = {**self.recent_opened, name: time.time()}
        self.recent_opened = {each: opened[each] for each in self.recent_projects if each in opened}

    def forget_recent(self, folder: str) -> None:
        """Take a project off the recent list."""
        self.recent_projects = [each for each in self.recent_projects if each != folder]
        self.recent_opened.pop(folder, None)

    def add_command(self, key: str) -> None:
        """Put a command first among those chosen in the palette."""
        self.recent_commands = first_of(key, self.recent_commands)


def first_of(name: str, names: list[str]) -> list[str]:
    """The list with `name` at its head and once only, cut to MOST_RECENT."""
    return [name, *(each for each in names if each != name)][:MOST_RECENT]


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
            raise ValueError(tr("it holds no settings"))
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        text = tr("{path} could not be read ({reason}); the defaults are used.")
        return Settings(), text.format(path=path, reason=error.strerror or error)
    except (ValueError, RecursionError) as error:
        return Settings(), _damaged(path, error)
    known = {each.name: _sensible(each, values.get(each.name)) for each in fields(Settings)}
    known["extra"] = {name: value for name, value in values.items() if name not in known}
    return Settings(**known), ""


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Write the settings. Raises EngineError when the file cannot be written."""
    values = asdict(settings)
    extra = values.pop("extra")
    text = json.dumps({**extra, **values}, indent=1, ensure_ascii=True)
    atomic.write_bytes(path or settings_path(), text.encode("ascii"))


def _damaged(path: Path, error: Exception) -> str:
    """A sentence about a file that is set aside where that can be done."""
    aside = unused(path.with_name(path.name + ".damaged"))
    try:
        path.replace(aside)
    except OSError:
        text = tr("{path} is damaged ({error}); the defaults are used.")
    else:
        text = tr("{path} is damaged ({error}); the defaults are used, the file was kept as {name}.")
    return text.format(path=path, error=error, name=aside.name)


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
    if name in WHOLE_RANGES:
        return not isinstance(value, bool) and WHOLE_RANGES[name][0] <= value <= WHOLE_RANGES[name][1]
    if name == "backdrop":
        return re.fullmatch("#[0-9a-f]{6}", value) is not None
    if name in CHOICES:
        return value in CHOICES[name]
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    if name == "export_presets":
        return all(isinstance(each, dict) for each in value.values())
    if name in VALUE_KINDS:
        return all(type(each) is VALUE_KINDS[name] for each in value.values())
    return True
