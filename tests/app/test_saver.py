"""The saver's thread: order, the newest of each key, failures kept, faults dropped."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.saver import Saver
from vosengine.errors import ProjectError


@pytest.fixture
def errors() -> list[str]:
    return []


@pytest.fixture
def saver(errors: list[str]):
    made = Saver(errors.append, retry_seconds=60)
    yield made
    made.close(discard=True)


def test_writes_run_in_order_and_only_the_newest_of_a_key(saver: Saver):
    done: list[str] = []
    gate = threading.Event()
    saver.submit(gate.wait)
    for name, key in [("mask 1", "mask"), ("manifest 1", "manifest"), ("free", None), ("mask 2", "mask")]:
        saver.submit(lambda name=name: done.append(name), key)
    saver.submit(lambda: done.append("manifest 2"), "manifest")
    assert saver.pending >= 4
    gate.set()
    saver.flush()
    assert done == ["free", "mask 2", "manifest 2"]
    assert saver.pending == 0


def test_a_failed_write_is_kept_and_what_follows_waits(saver: Saver, errors: list[str]):
    done: list[str] = []
    broken = True

    def write() -> None:
        if broken:
            raise ProjectError("The disk is full.")
        done.append("first")

    saver.submit(write, "a")
    saver.submit(lambda: done.append("second"), "b")
    for _ in range(2):
        with pytest.raises(ProjectError, match="The disk is full"):
            saver.flush()
    assert (done, saver.error, errors) == ([], "The disk is full.", ["The disk is full."])
    assert not saver.wait_for_room(1)
    broken = False
    saver.flush()
    assert done == ["first", "second"]
    assert (saver.error, errors) == ("", ["The disk is full.", ""])
    assert saver.wait_for_room(1)


def test_failing_writes_are_tried_again_by_themselves():
    healed = threading.Event()
    attempts: list[int] = []

    def write() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError("not yet")
        healed.set()

    saver = Saver(retry_seconds=0.01)
    saver.submit(write)
    assert healed.wait(20)
    saver.close()


def test_a_newer_write_of_the_same_thing_replaces_the_failed_one(saver: Saver):
    done: list[str] = []
    saver.submit(lambda: (_ for _ in ()).throw(OSError("no")), "mask")
    with pytest.raises(ProjectError):
        saver.flush()
    saver.submit(lambda: done.append("newer"), "mask")
    saver.flush()
    assert done == ["newer"]


def test_a_fault_is_reported_and_holds_nothing_up(saver: Saver, errors: list[str]):
    done: list[str] = []
    saver.submit(lambda: 1 // 0)
    saver.submit(lambda: done.append("after"))
    saver.flush()
    assert done == ["after"]
    assert "ZeroDivisionError" in errors[0]


def test_closing_saves_first_and_refuses_more(errors: list[str]):
    done: list[str] = []
    saver = Saver(errors.append)
    saver.submit(lambda: done.append("x"))
    saver.close()
    assert done == ["x"]
    assert "rotoshot-saver" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ProjectError, match="closed"):
        saver.submit(lambda: None)


def test_closing_with_unsaved_work_needs_to_be_told_so(errors: list[str]):
    saver = Saver(errors.append)

    def write() -> None:
        raise OSError("unplugged")

    saver.submit(write)
    with pytest.raises(ProjectError, match="unplugged"):
        saver.close()
    saver.submit(lambda: None)
    saver.close(discard=True)


def test_documents_and_tools_import_neither_qt_nor_torch():
    code = (
        "import sys, app.document, app.settings, app.tools\n"
        "print([name for name in ('torch', 'PySide6', 'pyqtgraph', 'av') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    assert subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True) == "[]\n"
