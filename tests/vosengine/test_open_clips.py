"""What a job under way uses stays open, whatever comes meanwhile."""

import cv2
import pytest

from tests.vosengine.methods.scene import frame
from vosengine.open_clips import KEPT, OpenClips


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(2):
        cv2.imwrite(str(folder / f"{number:04d}.png"), frame(number)[0])
    return folder


def test_a_running_jobs_clip_is_not_closed_by_those_that_come_meanwhile(path, monkeypatch):
    clips, closed = OpenClips(), []

    def opened(job_id, side):
        found = clips.opened(job_id, path, side, None)
        monkeypatch.setattr(found.clip, "close", lambda: closed.append(side))
        return found

    mine = opened(1, 480)
    for job_id, side in enumerate((384, 854, 640), start=2):
        opened(job_id, side)
        clips.let_go(job_id)
    assert closed == [384, 854]
    assert opened(1, 480) is mine
    clips.let_go(1)
    opened(9, 320)
    assert closed == [384, 854, 640]
    assert KEPT == 2
    clips.close()
    assert set(closed) == {384, 854, 640, 480, 320}
