"""`rotoshot`: a subcommand of the engine's command line, or else the window."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from vosengine import cli

WINDOW_COMMANDS = {("tour",): "app.tour", ("bench", "window"): "app.window_check"}
NOTE = """Without a command, rotoshot opens its window: rotoshot [CLIP or PROJECT]
  rotoshot tour           the window at work on the demo shot, step by step
  rotoshot bench window   how quickly the window answers"""


def main(argv: Sequence[str] | None = None) -> int:
    """The entry point: returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    for command, module in WINDOW_COMMANDS.items():
        if tuple(words[: len(command)]) == command:
            return int(import_module(module).main(words[len(command) :]))  # Qt, only now
    if words and not opens_window(words):
        return cli.main(words, usage_note=NOTE)
    from app.window_main import run_window  # noqa: PLC0415  # Qt, only when a window is wanted

    return run_window(Path(words[0]) if words else None)


def opens_window(words: Sequence[str]) -> bool:
    """Whether the one argument is a clip or project to show: anything that exists and is no command."""
    return len(words) == 1 and words[0] not in cli.COMMANDS and Path(words[0]).exists()


if __name__ == "__main__":
    multiprocessing.freeze_support()  # a packaged program starts itself again for each process of `evaluate`
    sys.exit(main())
