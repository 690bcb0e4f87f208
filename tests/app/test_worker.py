"""The worker's order, its keys, and what becomes of work that fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.worker import Worker
from vosengine.errors import AnnotationError


@pytest.fixture
def worker(qtbot: QtBot) -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def test_results_come_in_order_on_the_own_thread(worker: Worker, qtbot: QtBot):
    seen: list[tuple[int, bool, bool]] = []
    here = threading.get_ident()
    for number in range(20):
        worker.submit(
            lambda n=number: (n, threading.get_ident() == here),
            lambda result: seen.append((*result, threading.get_ident() == here)),
        )
    qtbot.waitUntil(lambda: len(seen) == 20)
    assert seen == [(n, False, True) for n in range(20)]


def test_of_what_waits_under_one_key_the_newest_is_done(worker: Worker, qtbot: QtBot):
    gate, seen = threading.Event(), []
    worker.submit(gate.wait, lambda _: None)
    for number in range(5):
        worker.submit(lambda n=number: n, seen.append, "colour")
    worker.submit(lambda: "last", seen.append)
    gate.set()
    qtbot.waitUntil(lambda: "last" in seen)
    assert seen == [4, "last"]


def test_failures_are_told_and_the_rest_is_done(worker: Worker, qtbot: QtBot):
    told: list[tuple[str, str]] = []
    seen: list[str] = []
    worker.failed.connect(lambda message, trace: told.append((message, trace)))

    def refuse() -> None:
        raise AnnotationError("Click inside the frame.")

    worker.submit(refuse, seen.append)
    worker.submit(lambda: 1 / 0, seen.append)
    worker.submit(lambda: "done", seen.append)
    qtbot.waitUntil(lambda: seen == ["done"])
    assert told[0] == ("Click inside the frame.", "")
    assert "ZeroDivisionError" in told[1][1]
