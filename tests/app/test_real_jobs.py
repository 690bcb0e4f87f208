"""Jobs on the real engine: a queue of three, what they cost, and a kill between learning and propagating."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.document import Document, FrameState
from app.foresight import steps_to_learn
from app.jobs import JobState
from app.main_window import MainWindow
from tests.app.conftest import FIRST_NUMBER, FRAMES, open_and_wait
from tests.app.person import do
from tests.app.test_real_engine import PATIENCE, QUICK, real_window  # noqa: F401 - a fixture
from vosengine.messages import Export

SQUARE = np.zeros((48, 64), np.uint8)
SQUARE[16:32, 8:24] = 255


def test_three_jobs_follow_one_another_and_the_next_run_s_cost_is_known(
    real_window: MainWindow,  # noqa: F811
    footage: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    monkeypatch.setattr("app.progress.LEAST_SECONDS", 0.0)  # so small a clip takes next to no time
    open_and_wait(real_window, footage, qtbot)
    document, jobs = real_window.workspace.document, real_window.workspace.jobs
    assert document is not None
    document.set_config(replace(QUICK, steps=8))
    document.set_mask(1, 0, SQUARE)
    do(real_window, "run")
    real_window.editing.go_to(4)
    do(real_window, "propagate_frame")
    jobs.add_export(
        "PNG",
        lambda: Export(
            document.clip.path, document.stored_sources(), document.clip.span, "png16", tmp_path / "o"
        ),
    )
    qtbot.waitUntil(lambda: jobs.is_empty, timeout=PATIENCE)
    assert [job.state for job in jobs.jobs] == [JobState.DONE] * 3, [job.sentence for job in jobs.jobs]
    assert document.undo_name == "Redo frame"
    written = sorted((tmp_path / "o").rglob("*.png"))
    assert [str(FIRST_NUMBER + frame) in written[frame].name for frame in range(FRAMES)] == [True] * FRAMES
    last = cv2.imdecode(np.fromfile(written[4], np.uint8), cv2.IMREAD_UNCHANGED)
    matte = document.matte(1, 4)
    assert matte is not None
    assert (last == matte).all()
    assert real_window.workspace.runner.device is not None
    assert real_window.settings.device == real_window.workspace.runner.device.device
    assert steps_to_learn(document, 1, document.config) == 0, "all is known"
    real_window.workspace.close_document()
    reopened = Document.open(document.folder)
    assert {reopened.state(1, frame) for frame in range(1, FRAMES)} == {FrameState.PREDICTED}
    assert steps_to_learn(reopened, 1, reopened.config) == 0
    assert steps_to_learn(reopened, 1, QUICK) == QUICK.steps
    reopened.set_mask(1, 2, SQUARE)
    assert steps_to_learn(reopened, 1, reopened.config) == 2, "a quarter, for what is new"
    reopened.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from app.document import Document
from vosengine import messages as m
from vosengine.config import Config
from vosengine.engine import Engine

document, engine = Document.open(Path(sys.argv[1])), Engine()
known = dict(cache_folder=document.cache_folder, models_folder=document.models_folder)

def learn(steps):
    revision = document.runs.begin_learning()
    config = Config(steps=steps, batch_size=1, crop_area=64 * 48)
    tune = m.FineTune(document.clip.path, document.annotations(), config, revision, warm_start=True, **known)
    for _ in engine.run(1, tune):
        pass
    return config

def propagate(config):
    step = document.begin_predictions()
    command = m.Propagate(document.clip.path, document.annotations(), document.clip.span, config,
                          revision=document.revision, **known)
    for event in engine.run(2, command):
        if isinstance(event, m.MaskPredicted):
            document.add_prediction(step, event)
    document.end_predictions(step)
    document.flush()

propagate(learn(1))
learn(2)  # other settings: from the parent
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_after_learning_does_not_forget_that_the_masks_are_of_a_former_model(
    real_window: MainWindow,  # noqa: F811
    footage: Path,
    qtbot: QtBot,
) -> None:
    open_and_wait(real_window, footage, qtbot)
    document = real_window.workspace.document
    assert document is not None
    document.set_mask(1, 0, SQUARE)
    folder = document.folder
    real_window.workspace.close_document()
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    reopened = Document.open(folder)
    assert {reopened.state(1, frame) for frame in range(1, FRAMES)} == {FrameState.STALE}
    assert reopened.outdated(reopened.clip.span) == set(range(1, FRAMES))
    reopened.close()
