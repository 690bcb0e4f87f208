"""Motion blur against a disk whose coverage under an open shutter is summed over its way."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vosengine.finish.drawn import as_matte, disk
from vosengine.edge_controls import EdgeControls
from vosengine.finish import Motion, Surroundings, finished


def moving(inside: np.ndarray, *velocities: tuple[float, float]) -> Surroundings:
    """The object moves, bands of rows each at its own velocity, before a background that stands still."""
    flow = np.zeros((*inside.shape, 2), np.float32)
    for rows, velocity in zip(
        np.array_split(np.arange(inside.shape[0]), len(velocities)), velocities, strict=True
    ):
        flow[rows] = np.where(inside[rows, :, None] > 0, np.float32(velocity), np.float32(0))
    trust = np.ones(inside.shape, np.float32)
    matte = as_matte(inside)
    return Surroundings({-1: matte, 1: matte}, {-1: Motion(-flow, trust), 1: Motion(flow, trust)})


def blurred(still: np.ndarray, share: float, scene: Surroundings) -> np.ndarray:
    return finished(as_matte(still), EdgeControls(motion_blur=share), scene) / 65535


@pytest.mark.parametrize(
    ("velocity", "share"), [((28, 0), 0.5), ((-12, 9), 1.0), ((56, -9), 0.25), ((56, -9), 1.0)]
)
def test_a_moving_disk_is_covered_as_long_as_it_is_there(velocity, share):
    still = disk(18, soft=4)
    moments = (np.arange(200) + 0.5) / 200 - 0.5
    way = [(60.3 + share * moment * velocity[0], 49.6 + share * moment * velocity[1]) for moment in moments]
    exposed = np.mean([disk(18, centre, soft=4) for centre in way], axis=0)
    found = blurred(still, share, moving(still, velocity))
    assert np.abs(found - exposed).max() < 0.05
    assert np.abs(still - exposed).max() > 0.2
    assert found.sum() == pytest.approx(still.sum(), rel=0.01)


def test_the_part_that_stands_still_stays_sharp():
    still = disk(18)
    found = blurred(still, 0.8, moving(still, (14, 0), (0, 0)))
    assert np.abs(found - still)[57:].max() < 0.02
    assert np.abs(found - still)[:45].max() > 0.3


def test_without_trusted_motion_nothing_is_blurred():
    still = disk(18)
    scene = moving(still, (14, 0))
    lost = {offset: Motion(flow, trust * 0.1) for offset, (flow, trust) in scene.motions.items()}
    for unknown in (None, Surroundings(scene.mattes, lost), Surroundings({}, scene.motions)):
        assert (blurred(still, 1, unknown) * 65535 == as_matte(still)).all()
