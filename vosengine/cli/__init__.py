"""The command line: the engine's generators with a progress bar.

Each subcommand is a module here with `add_arguments(parser)` and `run(arguments) -> exit code`;
it is imported only when it is asked for, so that `--help` needs neither torch nor Qt.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module

from vosengine import __version__
from vosengine.errors import EngineError, UsageError

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

COMMANDS: dict[str, str] = {
    "cut": "cut objects out of a clip: marks in, a project folder and an export out",
    "export": "export the mattes of a project",
    "evaluate": "measure a preset on a DAVIS data set",
    "train": "train the networks that ship with Rotoshot",
    "bench": "measure seconds and memory on this machine",
    "doctor": "say what is installed, and what is wrong",
    "demo": "cut out the bundled demo clip and compare it with the truth",
}
EXIT_CODES = "exit codes: 0 done, 1 failed as the message says, 2 wrong usage, 130 interrupted"


def main(argv: Sequence[str] | None = None, program: str = "rotoshot", usage_note: str = "") -> int:
    """Run a subcommand and return its exit code; `argv` without the program's name."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview(program, usage_note), file=sys.stdout if words else sys.stderr)
        return OK if words else USAGE
    if words[0] == "--version":
        print(f"rotoshot {__version__}")
        return OK
    if words[0] not in COMMANDS:
        what = "command or file" if usage_note else "command"
        print(f"{program}: there is no {what} {words[0]!r}; see {program} --help.", file=sys.stderr)
        return USAGE
    return _run(words[0], words[1:], program)


def overview(program: str, usage_note: str = "") -> str:
    """What `--help` prints."""
    lines = [f"usage: {program} COMMAND ... ({program} COMMAND --help tells more)", ""]
    lines += [usage_note, ""] if usage_note else []
    lines += [f"  {name:<10} {summary}" for name, summary in COMMANDS.items()]
    return "\n".join([*lines, "", EXIT_CODES])


def _run(command: str, words: Sequence[str], program: str) -> int:
    as_json = False
    try:
        module = import_module(f"vosengine.cli.{command}")
        parser = argparse.ArgumentParser(
            prog=f"{program} {command}",
            description=f"{COMMANDS[command][0].upper()}{COMMANDS[command][1:]}.",
            epilog=EXIT_CODES,
        )
        module.add_arguments(parser)
        arguments = parser.parse_args(words)
        as_json = getattr(arguments, "json", None) is True
        return int(module.run(arguments))
    except SystemExit as stop:  # argparse: --help or wrong usage
        return stop.code if isinstance(stop.code, int) else USAGE
    except EngineError as error:
        if as_json:
            print(json.dumps({"error": str(error)}))
        print(f"{program}: {error}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else FAILED
    except KeyboardInterrupt:
        print(f"{program}: interrupted.", file=sys.stderr)
        return INTERRUPTED
