"""The engine's generators on a small sequence, as the session and the command line iterate them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.vosengine.methods.scene import frame
from vosengine import messages as m
from vosengine.config import preset
from vosengine.engine import Engine
from vosengine.errors import AnnotationError, ClipError, EngineError, ProjectError
from vosengine.types import Annotation, Box, Direction, Reason, Span

COUNT = 5
CONFIG = preset("balanced", steps=8, batch_size=2, crop_area=128 * 96)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("footage") / "shot"
    folder.mkdir()
    for number in range(COUNT):
        cv2.imwrite(str(folder / f"{1001 + number}.png"), frame(number)[0][..., ::-1])
    return folder


@pytest.fixture
def engine():
    engine = Engine()
    yield engine
    engine.close()


def drawn(number, object_id=1):
    return Annotation(number, object_id, mask=(frame(number)[1] * 255).astype(np.uint8))


def run(engine, command):
    return list(engine.run(7, command))


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def j(matte, number):
    found, truth = matte >= 32768, frame(number)[1] > 0
    return (found & truth).sum() / (found | truth).sum()


def test_opening_gives_the_clip_first_and_then_its_proxies(engine, clip, tmp_path):
    events = run(engine, m.OpenClip(clip, tmp_path))
    assert isinstance(events[0], m.ClipOpened)
    assert events[0].info.frame_count == COUNT
    assert events[0].info.first_number == 1001
    assert [event.done for event in of(events, m.JobProgressed)] == list(range(1, COUNT + 1))


def test_a_shot_goes_in_and_mattes_come_out(engine, clip, tmp_path):
    learned = run(engine, m.FineTune(clip, (drawn(0),), CONFIG, revision=3, cache_folder=tmp_path))
    assert of(learned, m.DeviceUsed)[0].device
    assert of(learned, m.ModelReady) == [m.ModelReady(7, (1,), 8, 3, cold=(1,))]
    assert [event.frame for event in of(learned, m.MaskPreviewed)] == [1], "the frame beside the marked one"
    command = m.Propagate(clip, (drawn(0),), Span(0, COUNT), CONFIG, revision=4, cache_folder=tmp_path)
    events = run(engine, command)
    predicted = of(events, m.MaskPredicted)
    assert [event.frame for event in predicted] == [1, 2, 3, 4]
    for event in predicted:
        assert event.matte.dtype == np.uint16
        assert event.matte.shape == (96, 160)
        assert not event.matte.flags.writeable
        assert (event.revision, event.start) == (4, 0)
        assert 0 < event.quality < 1
        assert event.reason is None or event.reason in Reason
        assert j(event.matte, event.frame) > 0.75
    progress = of(events, m.JobProgressed)
    assert progress[-1].done == 4


def test_annotated_frames_are_not_predicted_and_both_sides_are(engine, clip, tmp_path):
    command = m.Propagate(clip, (drawn(2),), Span(0, COUNT), CONFIG, Direction.BOTH, cache_folder=tmp_path)
    assert [e.frame for e in of(run(engine, command), m.MaskPredicted)] == [3, 4, 1, 0]


def test_two_objects_do_not_overlap(engine, clip, tmp_path):
    other = np.zeros((96, 160), np.uint8)
    other[60:90, 110:150] = 255
    annotations = (drawn(0), Annotation(0, 2, mask=other))
    run(engine, m.FineTune(clip, annotations, CONFIG, cache_folder=tmp_path))
    events = run(engine, m.Propagate(clip, annotations, Span(0, 3), CONFIG, cache_folder=tmp_path))
    mattes = {(e.frame, e.object_id): e.matte for e in of(events, m.MaskPredicted)}
    assert set(mattes) == {(1, 1), (1, 2), (2, 1), (2, 2)}
    for number in (1, 2):
        both = (mattes[number, 1] >= 32768) & (mattes[number, 2] >= 32768)
        assert not both.any()


def test_a_box_is_enough(engine, clip, tmp_path):
    annotations = (Annotation(0, 1, box=Box(26, 22, 48, 48)),)
    run(engine, m.FineTune(clip, annotations, CONFIG, cache_folder=tmp_path))
    events = run(engine, m.Propagate(clip, annotations, Span(0, 3), CONFIG, cache_folder=tmp_path))
    predicted = of(events, m.MaskPredicted)
    assert [e.frame for e in predicted] == [0, 1, 2], "the frame with the box needs a matte too"
    assert min(j(e.matte, e.frame) for e in predicted) > 0.6


def test_a_cancelled_fine_tuning_leaves_the_current_model(engine, clip, tmp_path):
    run(engine, m.FineTune(clip, (drawn(0),), CONFIG, cache_folder=tmp_path))
    command = m.Propagate(clip, (drawn(0),), Span(0, 2), CONFIG, cache_folder=tmp_path)
    before = of(run(engine, command), m.MaskPredicted)[0].matte
    annotations = (drawn(0), drawn(3))
    for warm in (False, True):
        job = engine.run(8, m.FineTune(clip, annotations, CONFIG, warm_start=warm, cache_folder=tmp_path))
        while not isinstance(next(job), m.MaskPreviewed):
            pass
        job.close()
    assert np.array_equal(of(run(engine, command), m.MaskPredicted)[0].matte, before)


def test_released_models_and_those_of_other_settings_are_not_continued(engine, clip, tmp_path):
    command = m.FineTune(clip, (drawn(0),), CONFIG, warm_start=True, cache_folder=tmp_path)
    assert of(run(engine, command), m.ModelReady)[0].steps == 8
    changed = m.FineTune(
        clip, (drawn(0),), preset("balanced", steps=9, batch_size=2), warm_start=True, cache_folder=tmp_path
    )
    assert of(run(engine, changed), m.ModelReady)[0].steps == 9, "other settings start afresh"
    run(engine, m.ReleaseModel())
    assert of(run(engine, command), m.ModelReady)[0].steps == 8


def test_models_stored_on_disk_serve_a_later_engine(engine, clip, tmp_path):
    folder = tmp_path / "models"
    learn = m.FineTune(clip, (drawn(0),), CONFIG, cache_folder=tmp_path, models_folder=folder)
    run(engine, learn)
    command = m.Propagate(clip, (drawn(0),), Span(0, 2), CONFIG, cache_folder=tmp_path, models_folder=folder)
    expected = of(run(engine, command), m.MaskPredicted)[0].matte
    later = Engine()
    assert np.array_equal(of(run(later, command), m.MaskPredicted)[0].matte, expected)
    assert of(run(later, replace(learn, warm_start=True)), m.ModelReady)[0].steps == 0, "all is known"
    other = replace(learn, warm_start=True, config=replace(CONFIG, steps=9))
    assert of(run(Engine(), other), m.ModelReady)[0].steps == 9, "made with other settings"
    (folder / "1.safetensors").write_bytes(b"damaged")
    assert of(run(Engine(), replace(learn, warm_start=True)), m.ModelReady)[0].steps == 8


def test_models_that_cannot_be_stored_are_one_sentence(engine, clip, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    command = m.FineTune(clip, (drawn(0),), CONFIG, cache_folder=tmp_path, models_folder=blocked)
    with pytest.raises(ProjectError, match="make room there and run again"):
        run(engine, command)


def test_one_frame_on_demand_and_snapping(engine, clip, tmp_path):
    run(engine, m.FineTune(clip, (drawn(0),), CONFIG, cache_folder=tmp_path))
    (found,) = run(engine, m.Segment(clip, 1, 1, (drawn(0),), CONFIG, cache_folder=tmp_path))
    assert 0 < found.quality < 1
    assert j(found.matte, 1) > 0.75
    rough = cv2.dilate((frame(1)[1] * 255).astype(np.uint8), np.ones((3, 3), np.uint8))
    (snapped,) = run(engine, m.Snap(clip, 1, 1, rough))
    assert set(np.unique(snapped.mask)) == {0, 255}
    assert j(snapped.mask.astype(np.uint16) * 257, 1) > j(rough.astype(np.uint16) * 257, 1)


def test_scribbles_become_a_mask(engine):
    image, mask = frame(0)
    marks = np.zeros(mask.shape, np.uint8)
    marks[40:52, 40:60] = 2
    marks[2:6, 5:150] = 1
    marks[80:90, 5:150] = 1
    (event,) = run(engine, m.GrabCut(image, marks, 0, 1))
    assert j(event.mask.astype(np.uint16) * 257, 0) > 0.8


def test_a_box_becomes_a_mask_at_once_and_marks_correct_it(engine):
    image, mask = frame(0)
    marks, box = np.zeros(mask.shape, np.uint8), Box(20, 16, 60, 60)
    (event,) = run(engine, m.GrabCut(image, marks, 0, 1, box, previous=np.full_like(marks, 255)))
    assert j(event.mask.astype(np.uint16) * 257, 0) > 0.85
    marks[26:34, 44:56] = 1
    marks[18, 22:78] = 2
    (corrected,) = run(engine, m.GrabCut(image, marks, 0, 1, box))
    assert not corrected.mask[marks == 1].any()
    assert corrected.mask[marks == 2].all()
    stays = (slice(54, 66), slice(40, 60))
    assert np.array_equal(corrected.mask[stays], event.mask[stays])


@pytest.mark.parametrize(
    ("annotations", "sentence"),
    [
        ((), "no annotation; mark the object"),
        ((Annotation(0, 1, mask=np.zeros((96, 160), np.uint8)),), "empty; mark the object"),
        ((Annotation(0, 1, mask=np.ones((10, 16), np.uint8)),), "16x10 pixels; give one of 160x96"),
        (
            (Annotation(9, 1, mask=np.ones((96, 160), np.uint8)),),
            "outside the clip; choose a frame from 0 to 4",
        ),
        ((Annotation(0, 1, box=Box(500, 500, 20, 20)),), "outside the picture or is empty"),
    ],
)
def test_annotations_that_do_not_fit_give_one_sentence(engine, clip, tmp_path, annotations, sentence):
    with pytest.raises(AnnotationError, match=sentence):
        run(engine, m.FineTune(clip, annotations, CONFIG, cache_folder=tmp_path))


def test_a_missing_clip_and_an_unknown_method_give_one_sentence(engine, clip, tmp_path):
    with pytest.raises(ClipError):
        run(engine, m.OpenClip(tmp_path / "nowhere.mov"))
    wrong = preset("balanced", method="magic")
    with pytest.raises(EngineError, match="no method"):
        run(engine, m.FineTune(clip, (drawn(0),), wrong, cache_folder=tmp_path))


def test_an_object_that_is_absent_on_one_annotated_frame_is_learned_from_the_others(engine, clip, tmp_path):
    absent = Annotation(4, 1, mask=np.zeros((96, 160), np.uint8))
    annotations = (drawn(0), absent)
    run(engine, m.FineTune(clip, annotations, CONFIG, cache_folder=tmp_path))
    events = run(engine, m.Propagate(clip, annotations, Span(0, COUNT), CONFIG, cache_folder=tmp_path))
    assert sorted(e.frame for e in of(events, m.MaskPredicted)) == [1, 2, 3]
