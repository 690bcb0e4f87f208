"""Running again after a correction: what is learned again, what is predicted again, and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vosengine.methods.scene import frame
from vosengine import engine as engine_module
from vosengine import messages as m
from vosengine.config import preset
from vosengine.engine import Engine
from vosengine.lessons import WARM_SHARE
from vosengine.types import Annotation, Box, Direction, Mask, Span

COUNT = 6
CONFIG = preset("balanced", steps=WARM_SHARE, batch_size=2, crop_area=96 * 64)
HAT = Box(110, 60, 40, 30)


def disc(number: int) -> Mask:
    return np.asarray(frame(number)[1] * 255, np.uint8)


def hat(number: int) -> Mask:
    mask = np.zeros((96, 160), np.uint8)
    mask[60:90, 110 - number : 150 - number] = 255
    return mask


BOTH = (Annotation(0, 1, mask=disc(0)), Annotation(0, 2, mask=hat(0)))
CORRECTED = (*BOTH, Annotation(5, 1, mask=disc(5)))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage") / "shot"
    folder.mkdir()
    for number in range(COUNT):
        image = frame(number)[0].copy()
        image[hat(number) > 0] = (40, 220, 60)
        cv2.imwrite(str(folder / f"{number:04d}.png"), image[..., ::-1])
    return folder


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def learn(engine: Engine, clip: Path, annotations: tuple[Annotation, ...], folder: Path | None = None):
    """Continue where possible; the answer and the previews."""
    command = m.FineTune(clip, annotations, CONFIG, warm_start=True, models_folder=folder)
    events = list(engine.run(1, command))
    assert isinstance(events[-1], m.ModelReady)
    return events[-1], [e for e in events if isinstance(e, m.MaskPreviewed)]


def predict(engine: Engine, command: m.Propagate) -> dict[tuple[int, int], m.MaskPredicted]:
    events = [e for e in engine.run(2, command) if isinstance(e, m.MaskPredicted)]
    found = {(e.frame, e.object_id): e for e in events}
    assert len(found) == len(events), "a frame came twice"
    return found


def test_wanted_frames_are_those_of_a_whole_run(engine: Engine, clip: Path) -> None:
    learn(engine, clip, CORRECTED)
    command = m.Propagate(clip, CORRECTED, Span(0, COUNT), CONFIG, Direction.BOTH)
    whole = predict(engine, command)
    some = predict(engine, replace(command, frames=frozenset({3, 5, 99})))
    assert sorted(some) == [(3, 1), (3, 2), (5, 2)]
    for key, event in some.items():
        assert np.array_equal(event.matte, whole[key].matte)
        assert (event.quality, event.start) == (whole[key].quality, whole[key].start)
    assert [some[key].start for key in sorted(some)] == [5, 0, 0]
    assert predict(engine, replace(command, frames=frozenset())) == {}


def test_a_box_is_made_a_mask_only_where_that_is_wanted(engine: Engine, clip: Path) -> None:
    boxed = (Annotation(0, 2, box=HAT),)
    command = m.Propagate(clip, boxed, Span(0, COUNT), CONFIG, frames=frozenset({1}))
    assert sorted(predict(engine, command)) == [(1, 2)]
    both = predict(engine, replace(command, frames=frozenset({0, 1})))
    assert {key: event.start for key, event in both.items()} == {(0, 2): 0, (1, 2): 0}


def test_only_what_has_new_annotations_learns_again(engine: Engine, clip: Path, tmp_path: Path) -> None:
    first, _ = learn(engine, clip, BOTH, tmp_path)
    assert (first.steps, first.cold) == (2 * CONFIG.steps, (1, 2))
    assert engine._models is not None
    before = engine._models.methods
    again, _ = learn(engine, clip, BOTH, tmp_path)
    assert (again.steps, again.cold) == (0, ())
    assert engine._models.methods == before
    corrected, _ = learn(engine, clip, CORRECTED, tmp_path)
    assert (corrected.steps, corrected.cold) == (CONFIG.steps // WARM_SHARE, ())
    assert engine._models.methods[1] is not before[1]
    assert engine._models.methods[2] is before[2]
    later = Engine()
    assert learn(later, clip, CORRECTED, tmp_path)[0].steps == 0, "the folder says what was learned"
    assert learn(later, clip, BOTH, tmp_path)[0].steps == CONFIG.steps // WARM_SHARE, "one was taken away"
    later.close()


def test_a_retouched_mask_is_continued_and_another_object_is_not(engine: Engine, clip: Path) -> None:
    learn(engine, clip, (Annotation(0, 1, mask=disc(0)),))
    grown = cv2.dilate(disc(0), np.ones((3, 3), np.uint8))
    retouched, _ = learn(engine, clip, (Annotation(0, 1, mask=np.asarray(grown, np.uint8)),))
    assert (retouched.steps, retouched.cold) == (CONFIG.steps // WARM_SHARE, ())
    replaced, _ = learn(engine, clip, (Annotation(0, 1, mask=hat(0)),))
    assert (replaced.steps, replaced.cold) == (CONFIG.steps, (1,))
    elsewhere, _ = learn(engine, clip, (Annotation(3, 1, mask=hat(3)),))
    assert elsewhere.cold == (1,), "nothing says that it is the same"


def test_a_cancelled_run_learns_the_correction_the_next_time(engine: Engine, clip: Path) -> None:
    learn(engine, clip, BOTH)
    job = engine.run(3, m.FineTune(clip, CORRECTED, CONFIG, warm_start=True))
    while not isinstance(next(job), m.MaskPreviewed):
        pass
    job.close()  # type: ignore[attr-defined]
    assert learn(engine, clip, CORRECTED)[0].steps == CONFIG.steps // WARM_SHARE


def test_previews_show_frames_beside_the_newest_annotation_and_change_nothing(
    engine: Engine, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    single = CORRECTED[::2]
    command = m.Propagate(clip, single, Span(0, COUNT), CONFIG, Direction.BOTH)
    learn(engine, clip, single[:1])
    learn(engine, clip, single)
    expected = predict(engine, command)
    monkeypatch.setattr(engine_module, "PREVIEW_EVERY", 2)
    other = Engine()
    _, previews = learn(other, clip, single[:1])
    assert [event.frame for event in previews] == [1, 2]
    assert [event.frame for event in learn(other, clip, single)[1]] == [4], "6 lies outside"
    found = predict(other, command)
    assert {key: event.matte.tobytes() for key, event in found.items()} == {
        key: event.matte.tobytes() for key, event in expected.items()
    }
    other.close()
