"""What goes wrong in practice, over the whole engine and every method, with untrained networks.

Either it works, or there is one sentence to the user (`one_sentence`). What annotations are refused for is
tested in `test_engine`, weights in `test_weights`.
"""

import contextlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from tests.vosengine.methods.scene import HEIGHT, WIDTH, frame
from tests.vosengine.test_downloads import cache  # noqa: F401 - a fixture
from vosengine import messages as m
from vosengine.config import PRESETS, BoxFilteredSettings, preset
from vosengine.downloads import cached_file
from vosengine.engine import Engine
from vosengine.errors import AnnotationError, ClipError, EngineError, WeightsError
from vosengine.methods import registry
from vosengine.types import Annotation, Box, Direction, Span


def cheap(method):
    """The method's lite preset on small frames, untrained, without snapping."""
    config = next(c for c in PRESETS.values() if c.method == method and c.trunk == "lite")
    return replace(
        config,
        weights="random",
        rates="hand",
        steps=1,
        batch_size=1,
        working_side=96,
        crop_area=min(config.crop_area, 64 * 64),
        snap="none",
        box_filtered=BoxFilteredSettings(detector="none"),
        masktrack=replace(config.masktrack, box_weights=config.masktrack.box_weights and "random"),
    )


CONFIG = cheap("osvos")


def footage(folder, images):
    folder.mkdir()
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number:04d}.png"), image[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return footage(tmp_path_factory.mktemp("footage") / "shot", [frame(n)[0] for n in range(4)])


@pytest.fixture(params=list(registry))
def config(request):
    return cheap(request.param)


def drawn(number=0, object_id=1):
    return Annotation(number, object_id, mask=(frame(number)[1] * 255).astype(np.uint8))


def cut_out(clip, annotations, config, folder, span=Span(0, 4), engine=None):  # noqa: B008 - frozen
    """The mattes by frame after fine-tuning and propagating both ways."""
    engine = engine or Engine()
    learned = list(engine.run(1, m.FineTune(clip, annotations, config, cache_folder=folder)))
    assert isinstance(learned[-1], m.ModelReady)
    command = m.Propagate(clip, annotations, span, config, Direction.BOTH, cache_folder=folder)
    found = {e.frame: e.matte for e in engine.run(2, command) if isinstance(e, m.MaskPredicted)}
    engine.close()
    return found


@contextlib.contextmanager
def one_sentence(error, words):
    """The error says one sentence, with these words."""
    with pytest.raises(error, match=words) as caught:
        yield
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert len(text) < 300


def test_a_clip_of_one_frame_is_learned_and_has_nothing_to_predict(tmp_path, config):
    still = footage(tmp_path / "still", [frame(0)[0]])
    engine = Engine()
    assert cut_out(still, (drawn(),), config, tmp_path, Span(0, 1), engine) == {}
    (again,) = engine.run(3, m.Segment(still, 0, 1, (drawn(),), config, cache_folder=tmp_path))
    assert again.matte.shape == (HEIGHT, WIDTH)


def test_an_object_that_leaves_the_frame_leaves_empty_mattes(clip, tmp_path, config, monkeypatch):
    engine = Engine()
    list(engine.run(1, m.FineTune(clip, (drawn(),), config, cache_folder=tmp_path)))

    def background(logits):
        return torch.zeros_like(logits)

    monkeypatch.setattr(torch.Tensor, "sigmoid", background)  # whatever the network
    command = m.Propagate(clip, (drawn(),), Span(0, 4), config, cache_folder=tmp_path)
    found = {e.frame: e.matte for e in engine.run(2, command) if isinstance(e, m.MaskPredicted)}
    assert sorted(found) == [1, 2, 3]
    assert all((matte < 32768).all() for matte in found.values())


def test_an_object_drawn_as_absent_where_a_sweep_starts(clip, tmp_path, config):
    absent = Annotation(3, 1, mask=np.zeros((HEIGHT, WIDTH), np.uint8))
    found = cut_out(clip, (drawn(1), absent), config, tmp_path)
    assert sorted(found) == [0, 2]


@pytest.mark.parametrize("kind", ["speck", "full"])
def test_an_object_of_one_pixel_and_one_that_fills_the_frame(clip, tmp_path, config, kind):
    mask = np.full((HEIGHT, WIDTH), 255 if kind == "full" else 0, np.uint8)
    mask[50, 80] = 255
    found = cut_out(clip, (Annotation(0, 1, mask=mask),), config, tmp_path, Span(0, 2))
    assert found[1].shape == (HEIGHT, WIDTH)


def test_frames_smaller_than_the_networks_stride(tmp_path, config):
    images = [frame(n)[0][20:40, :12] for n in range(2)]
    mask = np.zeros((20, 12), np.uint8)
    mask[4:14, 3:9] = 255
    small = footage(tmp_path / "small", images)
    found = cut_out(small, (Annotation(0, 1, mask=mask),), config, tmp_path, Span(0, 2))
    assert found[1].shape == (20, 12)


def test_a_box_partly_outside_the_frame_is_enough(clip, tmp_path, config):
    box = Annotation(0, 1, box=Box(-10, -20, 90, 100))
    found = cut_out(clip, (box,), config, tmp_path, Span(0, 2))
    assert sorted(found) == [0, 1]


COLOURED = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotation(0, 1, mask=COLOURED), "160x96x3 pixels; give one of 160x96"),
        (Annotation(-1, 1, mask=COLOURED[..., 0]), "outside the clip; choose a frame from 0 to 3"),
        (Annotation(0, 0, mask=COLOURED[..., 0]), "object 0 is of the background; number objects from 1"),
        (Annotation(0, 1, box=Box(float("nan"), 0, 10, 10)), "outside the picture or is empty"),
        (Annotation(0, 1, box=Box(170, 10, 30, 30)), "outside the picture or is empty"),
        (Annotation(0, 1, box=Box(10, 10, -30, 30)), "outside the picture or is empty"),
    ],
)
@pytest.mark.parametrize("command", [m.FineTune, m.Propagate, m.Segment])
def test_every_job_refuses_annotations_that_do_not_fit(clip, tmp_path, annotation, words, command):
    arguments = {
        m.FineTune: (clip, (annotation,), CONFIG),
        m.Propagate: (clip, (annotation,), Span(0, 4), CONFIG),
        m.Segment: (clip, 1, annotation.object_id, (annotation,), CONFIG),
    }
    with one_sentence(AnnotationError, words):
        list(Engine().run(1, command(*arguments[command], cache_folder=tmp_path)))


def test_an_object_that_was_never_annotated_is_one_sentence(clip, tmp_path):
    with one_sentence(AnnotationError, "no annotation; mark the object on one frame first"):
        list(Engine().run(1, m.Segment(clip, 1, 2, (drawn(),), CONFIG, cache_folder=tmp_path)))


def test_spans_that_are_empty_or_run_out_of_the_clip(clip, tmp_path):
    assert cut_out(clip, (drawn(),), CONFIG, tmp_path, Span(2, 2)) == {}
    with one_sentence(ClipError, r"Frame 4 is outside shot; choose a frame from 0 to 3"):
        cut_out(clip, (drawn(),), CONFIG, tmp_path, Span(0, 9))
    with one_sentence(ClipError, "Frame 9 is outside shot; choose a frame from 0 to 3"):
        list(Engine().run(1, m.Segment(clip, 9, 1, (drawn(),), CONFIG, cache_folder=tmp_path)))


def test_a_checkpoint_of_another_architecture_is_refused_before_any_training(clip, tmp_path):
    wrong = replace(CONFIG, weights="mobilenet_v2")
    with one_sentence(WeightsError, "not 'osvos_lite'; choose matching weights"):
        list(Engine().run(1, m.FineTune(clip, (drawn(),), wrong, cache_folder=tmp_path)))


@pytest.mark.parametrize("name", [name for name, c in PRESETS.items() if c.trunk == "vgg16"])
def test_a_truncated_download_is_removed_and_one_sentence_says_what_to_do(
    clip,
    tmp_path,
    monkeypatch,
    name,
    cache,  # noqa: F811
):
    from torchvision.models import VGG16_Weights

    def unreachable(*arguments, **more):
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    file = cached_file(VGG16_Weights.IMAGENET1K_FEATURES.url)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half of it")
    with one_sentence(WeightsError, "ImageNet weights of VGG16 could not be downloaded"):
        list(Engine().run(1, m.FineTune(clip, (drawn(),), preset(name), cache_folder=tmp_path)))
    assert list(cache.rglob("*.*")) == []


def test_a_detector_that_is_not_there_is_one_sentence(clip, tmp_path):
    unknown = replace(cheap("box_filtered"), box_filtered=BoxFilteredSettings(detector="psychic"))
    with one_sentence(EngineError, "no detector 'psychic'; choose one of none, lite"):
        list(Engine().run(1, m.FineTune(clip, (drawn(),), unknown, cache_folder=tmp_path)))
