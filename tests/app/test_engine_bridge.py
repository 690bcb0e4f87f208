import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QThread, QTimer
from pytestqt.qtbot import QtBot

from app.engine_bridge import EngineBridge
from vosengine.messages import Command, Event, JobFinished, JobProgressed, JobQueued, ModelReady, ReleaseModel


class Counter:
    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        self.thread = threading.current_thread()
        for done in range(2000):
            yield JobProgressed(job_id, done, 2000, "Counting")


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def bridge(qtbot: QtBot, counter: Counter) -> Iterator[EngineBridge]:
    bridge = EngineBridge(lambda: counter)
    yield bridge
    bridge.close()
    assert not any(thread.name == "rotoshot-engine" for thread in threading.enumerate())


def test_events_come_on_the_gui_thread_in_order(bridge: EngineBridge, counter: Counter, qtbot: QtBot):
    events: list[Event] = []
    threads: set[QThread] = set()

    def take(event: Event) -> None:
        events.append(event)
        threads.add(QThread.currentThread())

    bridge.received.connect(take)
    job = bridge.submit(ReleaseModel())
    qtbot.waitUntil(lambda: JobFinished(job) in events)
    assert events[0] == JobQueued(job)
    assert events[-1] == JobFinished(job)
    assert threads == {bridge.thread()}
    assert counter.thread is not threading.current_thread()
    progress = [event.done for event in events if isinstance(event, JobProgressed)]
    assert progress == sorted(progress)
    assert progress[-1] == 1999


def test_thousands_of_signals_do_not_lose_references(bridge: EngineBridge, qtbot: QtBot):
    """A PySide6 release that loses a reference to True at each signal aborts here."""
    heard = []
    bridge.received.connect(lambda _: heard.append(True))
    for _ in range(1200):
        bridge.received.emit(True)
    assert len(heard) == 1200


class Burst:
    """Holds its thread's results back until they can all come at once."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        self.gate.wait(20)
        for object_id in range(30):
            yield ModelReady(job_id, (object_id,), 1, 0)


def test_the_window_has_its_turn_while_many_results_come(qtbot: QtBot):
    burst, served, heard = Burst(), [], []
    bridge = EngineBridge(lambda: burst)

    def take(event: Event) -> None:
        if isinstance(event, ModelReady):
            heard.append(event.object_ids[0])
            time.sleep(0.02)

    clock = QTimer(interval=1)
    clock.timeout.connect(lambda: served.append(len(heard)))
    clock.start()
    bridge.received.connect(take)
    bridge.submit(ReleaseModel())
    burst.gate.set()
    time.sleep(0.3)  # until all have come
    qtbot.waitUntil(lambda: len(heard) == 30)
    assert heard == list(range(30))
    assert len(set(served)) > 10  # the clock ticked in between
    bridge.close()


def test_closing_delivers_the_last_events(qtbot: QtBot):
    bridge = EngineBridge(Counter)
    events: list[Event] = []
    bridge.received.connect(events.append)
    job = bridge.submit(ReleaseModel())
    bridge.close()
    assert events[-1].job_id == job
    with pytest.raises(RuntimeError):
        bridge.submit(ReleaseModel())
