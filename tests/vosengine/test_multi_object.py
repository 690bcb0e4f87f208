"""Several objects through the real engine, with every registered method on a tiny clip.

Where a method's weights are not bundled its network knows ImageNet alone: what is tested is how objects are
kept apart, not how well they are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from vosengine import messages as m
from vosengine.config import PRESETS, Config, preset
from vosengine.engine import Engine, Models
from vosengine.errors import WeightsError
from vosengine.methods import architecture_of, registry, weights_of
from vosengine.types import Annotation, Direction, Image, Mask, Probability, Span
from vosengine.weights import ARCHITECTURES, bundled_folder

HEIGHT, WIDTH, COUNT = 64, 96, 6
LATE = 3  # the frame object 7 is annotated on
STARTS = {1: 0, 4: 0, 7: LATE}
COLOURS = {1: (220, 40, 40), 4: (240, 220, 60), 7: (60, 80, 230)}

CHANGES = {
    "trunk": "lite", "steps": 2, "batch_size": 1, "snap": "none", "rates": "hand",
    "box_filtered.detector": "none",
}  # fmt: skip

Mattes = dict[tuple[int, int], np.ndarray]


def mask_of(object_id: int, frame: int) -> Mask:
    """Three 20x20 squares that move to the right by a pixel a frame."""
    x = {1: 8, 4: 28, 7: 60}[object_id] + frame
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:40, x : x + 20] = 255
    return mask


def picture(frame: int) -> Image:
    rng = np.random.default_rng(0)
    image = rng.integers(40, 110, (HEIGHT, WIDTH, 3), np.uint8)
    for object_id, colour in COLOURS.items():
        image[mask_of(object_id, frame) > 0] = colour
    return image


ANNOTATIONS = tuple(Annotation(frame, i, mask=mask_of(i, frame)) for i, frame in STARTS.items())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage") / "squares"
    folder.mkdir()
    for frame in range(COUNT):
        cv2.imwrite(str(folder / f"{frame:04d}.png"), picture(frame)[..., ::-1])
    return folder


def config_for(method: str) -> Config:
    """The method's lite preset, cut down, with ImageNet weights alone where there are any."""
    name = f"{method.replace('_', '-')}-lite"
    config = preset(name if name in PRESETS else "balanced", **CHANGES)
    config = replace(config, crop_area=min(config.crop_area, 96 * 64))
    assert config.method == method
    bundled = bundled_folder() / f"{weights_of(config)}.safetensors"
    bare = "imagenet" in ARCHITECTURES[architecture_of(config)].outside and not bundled.is_file()
    return replace(config, weights="imagenet") if bare else config


@dataclass
class Runs:
    """What one method predicted, by frame and object."""

    learned: m.ModelReady
    forward: Mattes
    both: Mattes
    alone: Mattes


def propagated(engine: Engine, clip: Path, config: Config, direction: Direction, *ids: int) -> Mattes:
    annotations = tuple(a for a in ANNOTATIONS if not ids or a.object_id in ids)
    command = m.Propagate(clip, annotations, Span(0, COUNT), config, direction)
    events = [e for e in engine.run(2, command) if isinstance(e, m.MaskPredicted)]
    found = {(e.frame, e.object_id): e.matte for e in events}
    assert len(found) == len(events), "a frame came twice"
    return found


@pytest.fixture(scope="module", params=list(registry))
def runs(request: pytest.FixtureRequest, clip: Path) -> Runs:
    config = config_for(request.param)
    engine = Engine()
    try:
        learned = list(engine.run(1, m.FineTune(clip, ANNOTATIONS, config)))[-1]
        assert isinstance(learned, m.ModelReady)
        alone: Mattes = {}
        for object_id in STARTS:
            alone |= propagated(engine, clip, config, Direction.FORWARD, object_id)
        return Runs(
            learned,
            propagated(engine, clip, config, Direction.FORWARD),
            propagated(engine, clip, config, Direction.BOTH),
            alone,
        )
    except WeightsError as error:
        pytest.skip(f"{request.param} cannot run without weights that are not bundled: {error}")
    finally:
        engine.close()


def test_ids_are_kept_and_each_object_is_learned(runs: Runs) -> None:
    assert runs.learned.object_ids == (1, 4, 7)
    assert runs.learned.steps == 6


def test_forward_begins_at_each_objects_own_annotation(runs: Runs) -> None:
    expected = {(frame, i) for i, start in STARTS.items() for frame in range(start + 1, COUNT)}
    assert set(runs.forward) == expected


def test_both_directions_reach_every_frame_that_is_not_annotated(runs: Runs) -> None:
    expected = {(frame, i) for i, start in STARTS.items() for frame in range(COUNT) if frame != start}
    assert set(runs.both) == expected


def test_hard_masks_do_not_overlap_one_another_or_what_is_drawn(runs: Runs) -> None:
    for mattes in (runs.forward, runs.both):
        for frame in range(COUNT):
            masks = [matte >= 32768 for (f, _), matte in mattes.items() if f == frame]
            masks += [mask_of(i, frame) > 0 for i, start in STARTS.items() if start == frame]
            assert np.sum(masks, axis=0).max() <= 1


def test_each_pixel_goes_to_the_object_of_the_largest_probability(runs: Runs) -> None:
    """What each object alone would be says who wins; frame 3, where a mask was drawn, is tested above."""
    for frame in (1, 2, 4, 5):
        ids = [i for f, i in runs.forward if f == frame]
        alone = np.stack([runs.alone[frame, i] for i in ids]).astype(int)
        strongest = alone.max(0)
        for n, object_id in enumerate(ids):
            rivals = np.delete(alone, n, 0).max(0)
            clear = abs(alone[n] - rivals) > 2
            wins = (alone[n] == strongest) & (alone[n] >= 32768)
            assert np.array_equal((runs.forward[frame, object_id] >= 32768)[clear], wins[clear])


class Touching:
    """Two objects that share one noisy edge, found without a network."""

    def __init__(self, object_id: int) -> None:
        self.object_id = object_id

    def begin(self, shots: object, start: int) -> Touching:
        return self

    def segment(self, image: Image) -> Probability:
        noise = np.random.default_rng(1).normal(0, 1, image.shape[:2]).astype(np.float32)
        logits = 12 * cv2.GaussianBlur(noise, (0, 0), 3)
        return np.asarray(1 / (1 + np.exp(-logits if self.object_id == 1 else logits)), np.float32)

    def adapt(self) -> Iterator[float]:
        return iter(())


@pytest.mark.parametrize("alpha", ["snapped", "closed_form"])
@pytest.mark.parametrize("side", [WIDTH, WIDTH // 2])
def test_snapping_and_enlarging_keep_objects_apart(clip: Path, side: int, alpha: str) -> None:
    """Each object is finished on its own: without merging again some pixels would belong to both."""
    config = preset("balanced", snap="bilateral", alpha=alpha, working_side=side)
    engine = Engine()
    engine._models = Models(clip, config, {i: Touching(i) for i in (1, 4, 7)})  # type: ignore[dict-item]
    mattes = propagated(engine, clip, config, Direction.FORWARD)
    engine.close()
    for frame in range(1, COUNT):
        first, second = mattes[frame, 1] >= 32768, mattes[frame, 4] >= 32768
        assert (first.any(), second.any()) == (True, True)
        assert not (first & second).any()
        assert (np.add(mattes[frame, 1], mattes[frame, 4], dtype=np.uint32) <= 65536).all()
        if frame == LATE:
            assert not ((first | second) & (mask_of(7, LATE) > 0)).any()
