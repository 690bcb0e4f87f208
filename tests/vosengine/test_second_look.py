"""Corrections with what was learned: the engine's `Correct` on a small sequence."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.vosengine.methods.scene import frame
from vosengine import messages as m
from vosengine.config import preset
from vosengine.corrections import corrected_mask
from vosengine.engine import Engine
from vosengine.grabcut import BACKGROUND, FOREGROUND
from vosengine.open_clips import OpenClips
from vosengine.second_look import SHOTS, shown_elsewhere
from vosengine.types import Annotation, Box

COUNT, AT = 4, 2
CONFIG = preset("balanced", steps=8, batch_size=2, crop_area=128 * 96)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("footage") / "shot"
    folder.mkdir()
    for number in range(COUNT):
        cv2.imwrite(str(folder / f"{number}.png"), frame(number)[0][..., ::-1])
    return folder


@pytest.fixture(scope="module")
def models(clip, tmp_path_factory):
    """A folder with what was learned from the first frame."""
    folder, engine = tmp_path_factory.mktemp("models"), Engine()
    list(engine.run(1, m.FineTune(clip, (drawn(0),), CONFIG, models_folder=folder)))
    engine.close()
    return folder


def drawn(number):
    return Annotation(number, 1, mask=mask_of(frame(number)[1] > 0))


def mask_of(flags):
    return np.where(flags, 255, 0).astype(np.uint8)


def bitten():
    """The truth less the part that lies right of its middle, and a stroke across that part."""
    truth = frame(AT)[1] > 0
    x, y, width, height = cv2.boundingRect(truth.astype(np.uint8))
    middle = x + width // 2, y + height // 2
    previous, scribbles = truth.copy(), np.zeros(truth.shape, np.uint8)
    previous[:, middle[0] :] = False
    cv2.line(scribbles, (middle[0] + 2, middle[1]), (x + width - 4, middle[1]), FOREGROUND, 2)
    return mask_of(previous), scribbles


def correction(clip, models=None, annotations=None, scribbles=None):
    previous, stroke = bitten()
    known = (drawn(0),) if annotations is None else annotations
    marks = stroke if scribbles is None else scribbles
    image = np.ascontiguousarray(frame(AT)[0])
    return m.Correct(clip, AT, 1, image, marks, previous, known, CONFIG, 5, models_folder=models)


def answered(command):
    engine = Engine()
    events = list(engine.run(7, command))
    engine.close()
    return events


def j(mask):
    found, truth = mask > 0, frame(AT)[1] > 0
    return (found & truth).sum() / (found | truth).sum()


def test_what_was_learned_helps_step_by_step(clip, models):
    events = answered(correction(clip, models))
    answer = events[-1]
    assert isinstance(answer, m.MaskDrawn)
    assert (answer.frame, answer.object_id, answer.revision) == (AT, 1, 5)
    assert all(isinstance(event, m.JobProgressed) for event in events[:-1])
    assert len(events) > 4, "a cancel is heard between them"
    previous, scribbles = bitten()
    assert (answer.mask[scribbles == FOREGROUND] == 255).all()
    assert j(answer.mask) > 0.9 > j(previous)


@pytest.mark.parametrize("known", [(), (drawn(AT),), (drawn(0),)])
def test_with_nothing_learned_or_nothing_to_compare_with_colours_answer_alone(clip, known):
    previous, scribbles = bitten()
    (answer,) = answered(correction(clip, None, known))
    assert np.array_equal(answer.mask, corrected_mask(frame(AT)[0], scribbles, previous))


def test_marks_that_agree_with_the_mask_leave_it_as_it_is(clip, models):
    previous, scribbles = bitten()
    agreeing = np.where(scribbles == FOREGROUND, BACKGROUND, 0).astype(np.uint8)
    events = answered(correction(clip, models, scribbles=agreeing))
    assert np.array_equal(events[-1].mask, previous)


def test_drawn_masks_near_the_frame_are_compared_with_before_boxes_and_empty_ones():
    empty = Annotation(AT + 1, 1, mask=np.zeros((8, 8), np.uint8))
    box, other = Annotation(AT - 1, 1, box=Box(0, 0, 4, 4)), Annotation(0, 2, mask=mask_of(np.ones((8, 8))))
    far, near = drawn(9), drawn(0)
    assert shown_elsewhere((far, box, near, other, empty, drawn(AT)), 1, AT) == (near, far)
    assert shown_elsewhere((box, near, other), 1, AT) == (near, box)
    assert len(shown_elsewhere(tuple(drawn(0) for _ in range(9)), 1, AT)) == SHOTS


def test_a_correction_looks_at_the_size_that_its_model_was_learned_at(clip, models, monkeypatch):
    sides, opened = [], OpenClips.opened

    def noted(clips, job_id, path, side, cache_folder):
        sides.append(side)
        return opened(clips, job_id, path, side, cache_folder)

    monkeypatch.setattr(OpenClips, "opened", noted)
    engine, now = Engine(), replace(correction(clip, models), config=replace(CONFIG, working_side=320))
    known = engine._stored(clip, models, CONFIG, {1})
    engine._models = known
    list(engine.run(7, now))
    engine.close()
    assert sides == [CONFIG.working_side]
    assert CONFIG.working_side != 320
