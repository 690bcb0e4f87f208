"""What an export would write, told before it does."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vosengine.errors import ExportError
from vosengine.export.exporting import outputs_of
from vosengine.export.naming import frame_digits, frame_file
from vosengine.export.staging import refuse_occupied
from vosengine.export.templates import Template, template_named
from vosengine.language import tr
from vosengine.messages import ExportSource
from vosengine.types import ClipInfo, Span

SAMPLES = 40  # mattes whose size is looked at


@dataclass(frozen=True)
class Announced:
    """One output: a movie, or a folder with the pictures `first` to `last`; `count` frames.

    `replaces`: an earlier export is there, and goes; `promised`: one that is yet to run will be, and goes.
    """

    target: Path
    count: int
    replaces: bool
    first: str = ""
    last: str = ""
    promised: bool = False


@dataclass(frozen=True)
class Forecast:
    """The outputs; `size` is an estimate in bytes, None where it hangs on the footage; `free` bytes there.

    `joined`: several objects share the output; `size` is what they would take apart, the most it can be.
    """

    outputs: tuple[Announced, ...]
    size: int | None
    free: int | None
    joined: bool = False


def forecast(
    info: ClipInfo,
    sources: tuple[ExportSource, ...],
    span: Span,
    template: str,
    destination: Path,
    combined: bool | None = None,
    name: str = "",
    promised: Collection[Path] = (),
) -> Forecast:
    """What `export_clip` with the same arguments would write, were it allowed to overwrite.

    `promised`: what exports that are yet to run will write. Raises ExportError for what `export_clip` would
    refuse before it begins, and for folders that cannot be looked into. Looks at the disk: not for a GUI's
    thread.
    """
    try:
        return _forecast(info, sources, span, template_named(template), destination, combined, name, promised)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(
            tr("{folder} cannot be written to ({reason}); choose another folder.").format(
                folder=destination, reason=reason
            )
        ) from error


def _forecast(
    info: ClipInfo,
    sources: tuple[ExportSource, ...],
    span: Span,
    chosen: Template,
    destination: Path,
    combined: bool | None,
    name: str,
    promised: Collection[Path],
) -> Forecast:
    outputs = outputs_of(chosen, info, sources, destination, combined, name)
    digits = frame_digits(info, span)
    pictures = (frame_file(info, span.start, digits), frame_file(info, span.stop - 1, digits))
    announced = []
    for output in outputs:
        refuse_occupied(output.target, True, chosen.folder)
        ends = pictures if chosen.folder else ("", "")
        there = output.target.exists(), *ends, output.target in promised
        announced.append(Announced(output.target, len(span), *there))
    free = _free(announced[0].target)
    if chosen.size is None:
        return Forecast(tuple(announced), None, free)
    sizes = [_estimate(source, span, chosen.size) for source in sources]
    joined = len(sources) > len(outputs)
    _refuse_too_large(max(sizes) if joined else sum(sizes), free)
    return Forecast(tuple(announced), sum(sizes), free, joined)


def in_units(size: float) -> str:
    """Bytes as people read them: `12.3 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit != "MB" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return tr("{size:.1f} GB").format(size=size)


def size_of(path: Path) -> int:
    """Bytes of a file, or of what lies in a folder; 0 for what is gone."""
    files: Iterable[Path] = path.iterdir() if path.is_dir() else (path,)
    size = 0
    for file in files:
        with suppress(OSError):
            size += file.stat().st_size
    return size


def _refuse_too_large(least: int, free: int | None) -> None:
    if free is not None and least > free:
        raise ExportError(
            tr(
                "The export takes about {size}, and {free} are free there; choose another folder or free "
                "some space."
            ).format(size=in_units(least), free=in_units(free))
        )


def _estimate(source: ExportSource, span: Span, share: float) -> int:
    """From some of the mattes; those that are yet to be written count as the others do."""
    files = [file for frame, file in source.matte_files.items() if frame in span]
    sizes = [size for file in files[:: len(files) // SAMPLES + 1] if (size := size_of(file))]
    return round(sum(sizes) / max(len(sizes), 1) * len(files) * share)


def _free(target: Path) -> int | None:
    place = next((folder for folder in target.parents if folder.exists()), None)
    if place is None:
        return None
    with suppress(OSError):
        return shutil.disk_usage(place).free
    return None
