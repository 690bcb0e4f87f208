"""What the subcommands print: progress on stderr, results on stdout."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Self

from tqdm import tqdm

from vosengine.messages import Event, JobProgressed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all jobs share."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout and nothing else"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


class Console:
    """A job's bars and its result. Context manager: leaving it ends the bar that runs."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self._as_json = as_json
        self._quiet = quiet
        self._bar: tqdm[Any] | None = None
        self._what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_bar()

    def result(self, values: dict[str, Any], text: str) -> None:
        """The outcome: `values` with --json, else `text`."""
        self._end_bar()
        print(json.dumps(values) if self._as_json else text, flush=True)

    def follow(self, events: Iterable[Event]) -> Iterator[Event]:
        """Shows the progress among `events` and passes on the others."""
        for event in events:
            if isinstance(event, JobProgressed):
                self.show(event.done, event.total, event.what, event.detail)
            else:
                yield event
        self._end_bar()

    def show(self, done: int, total: int, what: str, detail: str = "") -> None:
        """Moves the bar called `what`; another name ends it and starts a new one."""
        if self._bar is None or self._what != what:
            self._end_bar()
            self._what = what
            # A log file gets a line now and then, a terminal a bar that moves.
            often = 0.2 if sys.stderr.isatty() else 10.0
            self._bar = tqdm(total=total, desc=what, file=sys.stderr, disable=self._quiet, mininterval=often)
        self._bar.total = total
        self._bar.set_postfix_str(detail, refresh=False)
        self._bar.update(done - self._bar.n)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
