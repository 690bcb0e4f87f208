"""Commands to the engine one after the other, with progress on the console."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from time import perf_counter

from vosengine.cli.console import Console
from vosengine.messages import Command, EngineLike, Event


def make_engine() -> EngineLike:
    """The real engine; its import brings torch, and with it the process settings for long computations."""
    from vosengine.engine import Engine  # noqa: PLC0415
    from vosengine.runtime import prepare_process  # noqa: PLC0415

    prepare_process()
    return Engine()


class Jobs:
    """Runs commands one after the other on one engine, with progress on the console.

    `seconds` adds up, by the command's name, the time spent in the engine.
    """

    def __init__(self, engine: EngineLike, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}
        self._engine = engine
        self._job_ids = itertools.count(1)

    def run(self, command: Command) -> Iterator[Event]:
        """The job's events but its progress. Raises what the job raises."""
        events = self._engine.run(next(self._job_ids), command)
        return self.console.follow(self._timed(type(command).__name__, events))

    def _timed(self, name: str, events: Iterator[Event]) -> Iterator[Event]:
        """The events; what their consumer does between two of them is not counted."""
        while True:
            began = perf_counter()
            event = next(events, None)
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - began
            if event is None:
                return
            yield event
