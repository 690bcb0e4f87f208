"""Shapes whose coverage is known."""

from __future__ import annotations

import numpy as np

from vosengine.types import Matte, Probability


def disk(
    radius: float,
    centre: tuple[float, float] = (60.3, 49.6),
    size: tuple[int, int] = (100, 120),
    soft: float = 1,
) -> Probability:
    """Coverage of a disk round (x, y), its edge a straight ramp over `soft` pixels."""
    y, x = np.mgrid[: size[0], : size[1]]
    distance = np.hypot(x - centre[0], y - centre[1]) - radius
    return np.clip(0.5 - distance / soft, 0, 1).astype(np.float32)


def as_matte(alpha: Probability) -> Matte:
    return np.rint(alpha * 65535).astype(np.uint16)


def radius_of(alpha: Probability | Matte) -> float:
    """Of the disk with as much coverage."""
    full = 65535 if alpha.dtype == np.uint16 else 1
    return float(np.sqrt(alpha.astype(np.float64).sum() / full / np.pi))
