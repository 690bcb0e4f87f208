"""A cheap name for the content of footage: it changes when the content does, without reading it all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

_SAMPLE_BYTES = 1 << 16


def file_fingerprint(path: Path) -> str:
    """32 hexadecimal digits from a file's size, modification time, and its first, middle and last 64 KiB."""
    status = path.stat()
    digest = hashlib.blake2b(f"{status.st_size} {status.st_mtime_ns}".encode(), digest_size=16)
    with path.open("rb") as file:
        for position in (0, status.st_size // 2, max(status.st_size - _SAMPLE_BYTES, 0)):
            file.seek(position)
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def sequence_fingerprint(files: Sequence[Path]) -> str:
    """32 hexadecimal digits from the files' names, sizes and modification times."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        status = file.stat()
        digest.update(f"{file.name}\0{status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
