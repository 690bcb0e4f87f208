"""`python -m vosengine`: the subcommands without the application."""

from __future__ import annotations

import sys

from vosengine.cli import main

if __name__ == "__main__":
    sys.exit(main(program="python -m vosengine"))
