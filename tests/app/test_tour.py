"""The scripted session: every step does what it says, and one that does not ends it."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from app.__main__ import main
from app.demo_truth import DemoTruth
from app.main_window import MainWindow
from app.settings import Settings
from app.tour import Tour
from app.workspace import Workspace
from tests.app.fake_engine import FakeEngine, frozen
from vosengine.errors import EngineError
from vosengine.messages import Event, GrabCut, JobProgressed, MaskDrawn, MaskPredicted, Propagate

COUNT = 5


class DemoEngine(FakeEngine):
    """Knows the demo's truth: answers to scribbles and propagates masks that lack a corner of it.

    A frame beside one that was marked again is better than before; `idle` propagates nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.truth = DemoTruth()
        self.idle = False

    def _grab_cut(self, job_id: int, command: GrabCut) -> Event:
        mask = self._cut(command.frame, 0.9)
        mask[command.scribbles == 2], mask[command.scribbles == 1] = 255, 0
        return MaskDrawn(job_id, command.frame, command.object_id, frozen(mask), command.revision)

    def _propagate(self, job_id: int, command: Propagate) -> Iterator[Event]:
        marked = {each.frame for each in command.annotations}
        frames = [
            f for f in command.span if f not in marked and (command.frames is None or f in command.frames)
        ]
        for done, frame in enumerate([] if self.idle else frames, start=1):
            start = min(marked, key=lambda at, frame=frame: abs(at - frame))  # type: ignore[misc]
            matte = self._cut(frame, 0.8 + 0.05 * len(marked)).astype(np.uint16) * np.uint16(257)
            quality = 0.9 - 0.1 * (frame == 3)
            yield MaskPredicted(job_id, frame, 1, frozen(matte), quality, command.revision, start)
            yield JobProgressed(job_id, done, len(frames), "Cutting out")

    def _cut(self, frame: int, share: float) -> np.ndarray:
        mask = self.truth.masks[frame].copy()
        left, _, wide, _ = cv2.boundingRect(mask)
        mask[:, left + int(share * wide) :] = 0
        return mask


@pytest.fixture
def tour(themed: QApplication, tmp_path: Path) -> Iterator[tuple[Tour, DemoEngine, list[str]]]:
    engine, lines = DemoEngine(), []
    window = MainWindow(Workspace(lambda: engine), Settings(tour_shown=True))
    window.resize(1280, 720)
    window.show()
    (tmp_path / "shots").mkdir()
    yield Tour(window, tmp_path, tmp_path / "shots", COUNT, lines.append, settle=80), engine, lines
    window.workspace.close(discard=True)
    window.deleteLater()


def test_every_step_is_told_and_shown(tour: tuple[Tour, DemoEngine, list[str]], tmp_path: Path):
    played, _, lines = tour
    played.run()
    steps = [line.split("  ")[0] for line in lines]
    assert steps == [
        "start", "open", "scribble", "paint", "cut out", "judge", "correct", "run again", "look", "approve",
        "export", "close",
    ]  # fmt: skip
    shots = sorted((tmp_path / "shots").iterdir())
    assert [shot.name[:2] for shot in shots] == [f"{number:02d}" for number in range(1, len(shots) + 1)]
    pictures = {shot.name[3:-4]: cv2.imread(str(shot)) for shot in shots}
    assert {picture.shape for picture in pictures.values()} == {(720, 1280, 3)}
    drawn = pictures["scribbling"].astype(int) - pictures["opened"]
    assert np.count_nonzero(drawn[..., 1] - drawn[..., 2] > 30) > 1000  # a green stroke


def test_a_step_without_effect_ends_it(tour: tuple[Tour, DemoEngine, list[str]]):
    played, engine, lines = tour
    played.shots, engine.idle = None, True
    with pytest.raises(EngineError, match="“cut out” failed: 1 of 5 frames have a mask"):
        played.run()
    assert lines[-1].startswith("paint")


def test_wrong_words_are_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["tour", "--size", "wide"])
    assert "WIDTHxHEIGHT" in capsys.readouterr().err
