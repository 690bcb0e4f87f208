"""Iterative online training on a small moving object."""

from typing import ClassVar

import cv2
import numpy as np
import pytest
import torch

from tests.vosengine.methods.scene import HEIGHT, WIDTH, frame, j, shots
from vosengine import engine as engine_module
from vosengine import messages as m
from vosengine.config import ITERATIVE_FILTERS, PRESETS, preset
from vosengine.engine import Engine, to_matte
from vosengine.errors import EngineError
from vosengine.finetune import Shot
from vosengine.methods import new_method
from vosengine.methods.iterative import FILTERS, IterativeTrack, largest_component
from vosengine.networks.osvos import OsvosNet
from vosengine.oneshot import OneShot
from vosengine.types import Annotation, Span
from vosengine.weights import load_network

EVERY, STEPS = 2, 3


def config(**changes):
    values = {"batch_size": 1, "rate": 1e-3, "iterative.every": EVERY, "iterative.steps": STEPS}
    return preset("iterative-lite", **(values | changes))


@pytest.fixture(scope="module")
def parent():
    torch.manual_seed(0)
    return load_network("osvos_lite", "imagenet")


@pytest.fixture(scope="module")
def learned(parent):
    method = new_method(parent, config())
    assert len(list(method.fine_tune(shots(0), 40))) == 40
    return method


def sweep(method, numbers, start=0, known=(0,)):
    """The results of a sweep, and how many steps of adaptation followed each."""
    track = method.begin(shots(*known), start)
    found, steps = [], []
    for number in numbers:
        found.append(track.segment(frame(number)[0]))
        steps.append(len(list(track.adapt())))
    return found, steps


def state_of(network):
    return {key: value.clone() for key, value in network.state_dict().items()}


def configured(method, **changes):
    """The same fine-tuned network under other settings."""
    return new_method(method.network, config(**changes))


@pytest.fixture(scope="module")
def swept(learned):
    return sweep(learned, range(1, 4))


def test_it_trains_every_so_many_frames_and_goes_on_finding_the_object(swept):
    found, steps = swept
    assert steps == [0, STEPS, 0]
    assert all(p.shape == (HEIGHT, WIDTH) and p.dtype == np.float32 for p in found)
    assert min(j(p, frame(n)[1]) for n, p in enumerate(found, 1)) > 0.5


def test_adaptation_changes_what_comes_after_it_and_nothing_before(learned, swept):
    still, steps = sweep(configured(learned, **{"iterative.steps": 0}), range(1, 4))
    assert steps == [0] * 3
    for n, (a, b) in enumerate(zip(swept[0], still, strict=True)):
        assert np.array_equal(a, b) == (n < EVERY)


def test_each_sweep_starts_from_the_fine_tuned_network_and_ends_alike(learned, swept):
    before = state_of(learned.network)
    again, _ = sweep(learned, range(1, 4))
    assert all(torch.equal(before[key], value) for key, value in learned.network.state_dict().items())
    assert all(np.array_equal(a, b) for a, b in zip(swept[0], again, strict=True))


def test_another_seed_gives_other_masks(learned, swept):
    other, _ = sweep(configured(learned, seed=6), range(1, 4))
    assert not np.array_equal(other[-1], swept[0][-1])


def test_a_copy_is_trained_without_the_original(learned):
    before = state_of(learned.network)
    copy = learned.copied()
    assert np.array_equal(sweep(copy, [1])[0][0], sweep(learned, [1])[0][0])
    list(copy.fine_tune(shots(0), 1))
    assert all(torch.equal(before[key], value) for key, value in learned.network.state_dict().items())
    assert not all(torch.equal(before[key], value) for key, value in copy.network.state_dict().items())


class Recorded(OneShot):
    """A test network that finds what it is told and records what it is trained on."""

    trained: ClassVar[list[list[Shot]]]
    answers: ClassVar[list[np.ndarray]]

    def train(self, shots, steps):
        self.trained.append(list(shots))
        return iter([0.0] * steps)

    def probability(self, image):
        return self.answers.pop(0)


@pytest.fixture
def recorded(monkeypatch, parent):
    monkeypatch.setattr("vosengine.oneshot.OneShot", Recorded)

    def run(answers, numbers=None, **changes):
        Recorded.trained, Recorded.answers = [], list(answers)
        found, _ = sweep(new_method(parent, config(**changes)), numbers or range(1, 1 + len(answers)))
        assert all(np.array_equal(a, b) for a, b in zip(found, answers, strict=True)), "output is unfiltered"
        return Recorded.trained

    return run


def block(*corners, size=8, value=0.9):
    """Squares of `value` with their top left corners at (x, y) on a ground of 0.1."""
    found = np.full((HEIGHT, WIDTH), 0.1, np.float32)
    for x, y in corners:
        found[y : y + size, x : x + size] = value
    return found


def test_the_training_set_is_the_annotated_frames_and_the_last_results(recorded):
    answers = [block((10 * n, 5)) for n in range(1, 6)]
    trained = recorded(answers, **{"iterative.every": 2})
    assert len(trained) == 2
    for n, samples in enumerate(trained):
        assert np.array_equal(samples[0].mask, frame(0)[1])
        assert len(samples) == 3
        for k, sample in enumerate(samples[1:], 2 * n):
            assert np.array_equal(sample.mask, (answers[k] >= 0.5).astype(np.float32))
            assert np.array_equal(sample.image, frame(k + 1)[0])
    own = recorded(answers, **{"iterative.every": 5, "iterative.keep_annotated": False})
    assert [len(samples) for samples in own] == [5]
    assert not any(np.array_equal(sample.mask, frame(0)[1]) for sample in own[0])


def test_empty_results_are_not_trained_on(recorded):
    nothing, something = block(), block((20, 20))
    trained = recorded([nothing, something, nothing, nothing])
    assert [len(samples) for samples in trained] == [2], "one result beside the annotated frame"
    assert np.array_equal(trained[0][1].mask, something > 0.5)


def test_the_largest_blob_alone_is_trained_on(recorded):
    answer = block((20, 20)) + block((60, 60), size=4, value=0.8)
    [samples] = recorded([answer, answer], **{"iterative.filter": "largest_blob"})
    assert np.array_equal(samples[1].mask, block((20, 20)) > 0.5)
    [samples] = recorded([answer, answer])
    assert np.array_equal(samples[1].mask, answer > 0.5)


def test_only_what_is_inside_the_tracked_box_is_trained_on(recorded):
    everything = np.ones((HEIGHT, WIDTH), np.float32)
    [samples] = recorded([everything] * 2, **{"iterative.filter": "kcf_box"})
    for n, sample in enumerate(samples[1:], 1):
        true, (x, y, width, height) = frame(n)[1], cv2.boundingRect(sample.mask.astype(np.uint8))
        assert sample.mask.sum() == width * height, "a full box"
        assert (sample.mask * true).sum() > 0.9 * true.sum()
        assert abs(x + width / 2 - (50 + 4 * n)) <= 2
        assert abs(y + height / 2 - (46 + n)) <= 2


def test_a_lost_box_lets_nothing_through(recorded, monkeypatch):
    monkeypatch.setattr("vosengine.methods.iterative.BoxTracker.update", lambda self, image: None)
    assert recorded([block((20, 20))] * 4, **{"iterative.filter": "kcf_box"}) == []


def test_an_object_absent_from_the_starting_frame_has_no_box():
    image, mask = frame(0)
    kept = FILTERS["kcf_box"](Shot(0, image, np.zeros_like(mask)))(image, mask)
    assert not kept.any()


def test_diagonal_pixels_belong_to_one_blob():
    mask = np.zeros((6, 8), np.float32)
    mask[0, 0] = mask[1, 1] = mask[2, 2] = 1  # three pixels touching at corners
    mask[4, 5:7] = 1
    expected = mask.copy()
    expected[4] = 0
    assert np.array_equal(largest_component(mask), expected)
    assert not largest_component(np.zeros_like(mask)).any()


def test_what_own_results_show_is_learned_and_annotated_frames_hold_against_it(learned):
    image, mask = frame(1)
    stripe = (mask > 0) & (image[..., 1] > 200)
    wrong = np.where(stripe, 0, mask).astype(np.float32)
    found = {}
    for kept in (True, False):
        changes = {"iterative.every": 1, "iterative.steps": 12, "iterative.keep_annotated": kept}
        track = configured(learned, **changes).begin(shots(0), 0)
        before = track.segment(image)
        track.results = [Shot(1, image, wrong)]
        list(track.adapt())
        found[kept] = track.segment(image)
    assert found[False][stripe].mean() < before[stripe].mean() - 0.2
    assert found[True][stripe].mean() > found[False][stripe].mean() + 0.1


def test_vgg16_adapts_as_well():
    torch.manual_seed(0)
    method = new_method(
        OsvosNet(), preset("iterative-paper", rate=1e-7, **{"iterative.every": 1, "iterative.steps": 1})
    )
    track = method.begin(shots(0), 0)
    first = track.segment(frame(1)[0])
    track.results = shots(1)  # random weights find nothing worth training on
    assert len(list(track.adapt())) == 1
    assert not np.array_equal(first, track.segment(frame(1)[0]))


def test_the_papers_constants_and_the_known_filters():
    paper = PRESETS["iterative-paper"]
    assert (paper.trunk, paper.steps) == ("vgg16", 300)
    assert (paper.iterative.every, paper.iterative.steps, paper.iterative.filter) == (10, 100, "none")
    assert tuple(FILTERS) == ITERATIVE_FILTERS
    with pytest.raises(EngineError, match="no filter of own results 'smallest'"):
        config(**{"iterative.filter": "smallest"})
    with pytest.raises(EngineError, match=r"iterative\.every must be at least 1"):
        config(**{"iterative.every": 0})


def test_objects_are_merged_by_the_largest_probability_and_snapped_after_that(tmp_path, monkeypatch):
    """Two objects claim columns 60 to 100: the surer one gets them, and snapping sees them merged."""
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number:04}.png"), frame(number)[0][..., ::-1])
    claims = {1: (slice(0, 100), 0.9), 2: (slice(60, 160), 0.7)}
    annotations = []
    for object_id, (columns, _) in claims.items():
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[: 10 * object_id, columns.start : columns.start + 10] = 255
        annotations.append(Annotation(0, object_id, mask=mask))

    def segment(track, image):
        object_id = 1 if track.annotated[0].mask[:, :10].any() else 2
        columns, strength = claims[object_id]
        found = np.zeros((HEIGHT, WIDTH), np.float32)
        found[:, columns] = strength
        return found

    seen, snapped = [], np.linspace(0, 0.4, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)

    def snap(image, probability, kind):
        seen.append((kind, probability))
        return snapped

    monkeypatch.setattr(IterativeTrack, "segment", segment)
    monkeypatch.setattr(engine_module, "snap", snap)
    engine = Engine()
    command = m.Propagate(tmp_path, tuple(annotations), Span(0, 2), config(weights="imagenet"))
    predicted = [event for event in engine.run(1, command) if isinstance(event, m.MaskPredicted)]
    engine.close()
    assert [event.object_id for event in predicted] == [1, 2]
    assert [kind for kind, _ in seen] == ["bilateral"] * 2
    first, second = (probability >= 0.5 for _, probability in seen)
    assert np.array_equal(first.any(0), np.arange(WIDTH) < 100)
    assert np.array_equal(second.any(0), np.arange(WIDTH) >= 100)
    assert all(np.array_equal(event.matte, to_matte(snapped)) for event in predicted)
