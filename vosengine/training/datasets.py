"""Where training images come from: still images with a mask, and short clips with a mask a frame.

Both kinds are read from tars (kept in memory as their compressed bytes) or from folders: `images/NAME.jpg`
+ `masks/NAME.png`, or `JPEGImages/RES/SEQUENCE/NNNNN.jpg` + `Annotations/RES/SEQUENCE/NNNNN.png`.
"""

from __future__ import annotations

import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from vosengine.errors import DatasetError
from vosengine.types import Image, Probability

# Left out of training so that run-time settings can be chosen on them.
HELD_OUT = ("breakdance-flare", "car-turn", "dog-agility", "mallard-fly", "scooter-gray", "swing")


@dataclass(frozen=True)
class Still:
    """One compressed image and its mask."""

    image_bytes: bytes
    mask_bytes: bytes

    def decode(self) -> tuple[Image, Probability]:
        """uint8 RGB (height, width, 3) and float32 (height, width) in {0, 1}."""
        image = cv2.imdecode(np.frombuffer(self.image_bytes, np.uint8), cv2.IMREAD_COLOR_RGB)
        mask = cv2.imdecode(np.frombuffer(self.mask_bytes, np.uint8), cv2.IMREAD_GRAYSCALE)
        if image is None or mask is None:
            raise DatasetError("A training image is damaged; copy the data set again.")
        return np.asarray(image, np.uint8), (mask > 0).astype(np.float32)


def load_training_data(folder: Path) -> tuple[list[Still], dict[str, list[Still]]]:
    """All stills, and all clips by name, under `folder`, in tars or as files; `davis-dev` is never read.

    Raises DatasetError where there is nothing to train on.
    """
    images: dict[str, bytes] = {}
    masks: dict[str, bytes] = {}
    for name, content in _files(folder):
        path = PurePosixPath(name)
        key = "/".join(path.parts[1:]).removesuffix(path.suffix)
        if path.parts[0] in ("images", "JPEGImages"):
            images[key] = content
        elif path.parts[0] in ("masks", "Annotations"):
            masks[key] = content
    stills: list[Still] = []
    clips: dict[str, list[Still]] = defaultdict(list)
    for key in sorted(images.keys() & masks.keys()):
        parent, _, _ = key.rpartition("/")
        (clips[PurePosixPath(parent).name] if parent else stills).append(Still(images[key], masks[key]))
    if not stills and not clips:
        raise DatasetError(
            f"No image and mask pairs under {folder}; it needs images/ with masks/, "
            "or JPEGImages/ with Annotations/."
        )
    return stills, dict(clips)


def kept_apart(
    stills: list[Still], clips: dict[str, list[Still]]
) -> tuple[list[Still], dict[str, list[Still]], list[list[Still]]]:
    """Stills and clips to train on, and what to validate on: the HELD_OUT clips, else every 20th still."""
    held_out = [frames for name, frames in clips.items() if name in HELD_OUT]
    trained = {name: frames for name, frames in clips.items() if name not in HELD_OUT}
    if held_out or not stills:
        return stills, trained, held_out or list(trained.values())
    return [still for n, still in enumerate(stills) if n % 20 or len(stills) == 1], trained, [stills[::20]]


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for tar_path in sorted(folder.rglob("*.tar")):
        if "davis-dev" in tar_path.name:
            continue
        with tarfile.open(tar_path) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield member.name.removeprefix("./"), content.read()
    for kind in ("images", "masks", "JPEGImages", "Annotations"):
        for path in sorted((folder / kind).rglob("*.*")) if (folder / kind).is_dir() else ():
            yield path.relative_to(folder).as_posix(), path.read_bytes()
