"""Files written beside their place and moved into it, so that no reader ever meets half a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from vosengine.errors import EngineError
from vosengine.language import tr


def write_bytes(path: Path, content: bytes, durable: bool = False) -> None:
    """Give `path` this content or leave it as it was; its folder is made when missing.

    `durable` waits until the disk holds the content, so that it survives a loss of power too. Raises
    EngineError with the system's reason.
    """
    beside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
        beside = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.chmod(_default_mode())  # mkstemp makes files that only their owner can read
        beside.replace(path)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise EngineError(
            tr(
                "{path} could not be written ({reason}); free some space or choose a place that can be "
                "written."
            ).format(path=path, reason=reason)
        ) from error


def _default_mode() -> int:
    return 0o666 & ~_UMASK


def _read_umask() -> int:
    # The umask can only be read by setting it, which is safe once, while the module is imported.
    umask = os.umask(0)
    os.umask(umask)
    return umask


_UMASK = _read_umask()
