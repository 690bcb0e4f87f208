"""Files that ship with Rotoshot: icons, style, bundled weights, the demo clip."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource(name: str) -> Path:
    """The path of a bundled file or folder, `name` relative to `resources/` with forward slashes.

    Raises FileNotFoundError when the installation lacks it: a packaging error, not a user's.
    """
    path = Path(str(files(__name__).joinpath(name)))
    if not path.exists():
        raise FileNotFoundError(f"Rotoshot's installation lacks resources/{name}; reinstall it.")
    return path
