"""Which published weights a run needs that are not bundled, and whether they are here already. No torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vosengine.config import Config


@dataclass(frozen=True)
class Published:
    """Weights that torchvision's authors publish: network, data, file, megabytes to download."""

    network: str
    data: str
    file: str
    megabytes: int

    @property
    def is_here(self) -> bool:
        """Whether the file lies in torch's cache."""
        return (cache_folder() / self.file).is_file()


VGG16 = Published("VGG16", "ImageNet", "vgg16_features-amdegroot-88682ab5.pth", 528)
MASK_RCNN = Published("Mask R-CNN", "COCO", "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", 170)
FASTER_RCNN = Published("Faster R-CNN", "COCO", "fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth", 167)


def needed_by(config: Config) -> tuple[Published, ...]:
    """The published weights of a preset's own networks; a `weights` file of one's own counts for none."""
    found = []
    if config.trunk == "vgg16" and config.weights in ("", "imagenet"):
        found.append(VGG16)
    if config.trunk == "resnet50" and config.weights in ("", "coco"):
        found.append(MASK_RCNN)
    if config.method == "box_filtered" and config.box_filtered.detector == "faster_rcnn":
        found.append(FASTER_RCNN)
    return tuple(found)


def missing_for(config: Config) -> tuple[Published, ...]:
    """Those of them that a run would download first."""
    return tuple(each for each in needed_by(config) if not each.is_here)


def cache_folder() -> Path:
    """Where torch keeps what it downloads: `$TORCH_HOME/hub/checkpoints`, else in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = Path(os.environ.get("TORCH_HOME", Path(cache, "torch")))
    return home.expanduser() / "hub" / "checkpoints"
