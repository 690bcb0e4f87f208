"""The checks every export passes before it is moved into place, each with one plain line for the report.

Each check is a generator that yields once a frame and returns its lines. A failed one raises ExportError;
nothing is then moved into place.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenImageIO
from numpy.typing import NDArray

from vosengine.errors import ExportError
from vosengine.export.plan import Output, Plan
from vosengine.export.readback import MovieFacts, MovieReader, movie_facts, unreadable
from vosengine.export.write import davis_ids
from vosengine.language import tr
from vosengine.png import davis_palette
from vosengine.types import Matte

Check = Generator[None, None, tuple[str, ...]]

# Primaries, transfer, matrix and range.
BT709_LIMITED = ("bt709", "bt709", "bt709", "tv")
FULL_RANGE = ("unknown", "unknown", "unknown", "pc")
SPOKEN: dict[tuple[str, ...], str] = {
    BT709_LIMITED: tr("BT.709 at video levels"),
    FULL_RANGE: tr("full range"),
}
# Ten bits of alpha keep within 0.31 of 255 steps.
PRORES_ALPHA_STEPS = 0.5
# ProRes loses a step or two on average; BT.601 instead of BT.709 moves saturated colours by dozens.
PRORES_COLOUR_STEPS = 3.0
# Matroska stores whole milliseconds.
MATROSKA_TIME = Fraction(1, 2000)


def check_prores(plan: Plan, output: Output, path: Path) -> Check:
    """Count, size, exact times, timecode, BT.709 tags, alpha and colours of a ProRes movie."""
    facts = movie_facts(path)
    lines = _check_header(plan, output, facts, BT709_LIMITED) + _check_timecode(plan, output, facts)
    alpha = colour = 0.0
    with MovieReader(path, "rgba64le", (plan.info.height, plan.info.width, 4)) as stored:
        for frame, pixels in zip(plan.span, stored, strict=False):
            alpha = max(alpha, _largest_error(pixels[..., 3], plan.joined(output.sources, frame)))
            colour = max(colour, _mean_error(pixels[..., :3], plan.foreground(output.sources, frame)))
            yield
        lines += _check_times(plan, output, stored, Fraction(0))
    _require(
        alpha <= PRORES_ALPHA_STEPS,
        tr("the alpha of {name} is off by {alpha:.2f} of 255 steps").format(name=output.name, alpha=alpha),
    )
    _require(
        colour <= PRORES_COLOUR_STEPS,
        tr("the colours of {name} are off by {colour:.1f} of 255 steps").format(
            name=output.name, colour=colour
        ),
    )
    lines.append(
        tr("{name}: straight alpha, at most {alpha:.2f} of 255 steps from the mattes.").format(
            name=output.name, alpha=alpha
        )
    )
    lines.append(
        tr("{name}: colours at most {colour:.2f} of 255 steps off on a frame's average.").format(
            name=output.name, colour=colour
        )
    )
    return tuple(lines)


def check_luma(plan: Plan, output: Output, path: Path) -> Check:
    """Count, size, times to the millisecond, full range and exact mattes of an FFV1 movie."""
    lines = _check_header(plan, output, movie_facts(path), FULL_RANGE)
    with MovieReader(path, "gray16le", (plan.info.height, plan.info.width)) as stored:
        for frame, pixels in zip(plan.span, stored, strict=False):
            _require_same(output, frame, pixels, plan.joined(output.sources, frame))
            yield
        lines += _check_times(plan, output, stored, MATROSKA_TIME)
    return (*lines, tr("{name}: every matte identical at 16 bits.").format(name=output.name))


def check_png16(plan: Plan, output: Output, path: Path) -> Check:
    """Count, frame numbers, size, depth and exact mattes of a folder of 16-bit PNG, by OpenImageIO."""
    line = _check_names(plan, output, path)
    for frame in plan.span:
        pixels = _oiio_pixels(path / plan.frame_file(frame))
        _require_same(output, frame, pixels, plan.joined(output.sources, frame))
        yield
    return (line, tr("{name}: every matte identical at 16 bits.").format(name=output.name))


def check_davis(plan: Plan, output: Output, path: Path) -> Check:
    """Count, frame numbers, size, ids and palette of a folder of palette PNG, by ffmpeg's decoder."""
    line = _check_names(plan, output, path)
    for frame in plan.span:
        ids, palette = _palette_picture(path / plan.frame_file(frame))
        _require_same(output, frame, ids, davis_ids(plan, output, frame))
        _require(
            np.array_equal(palette, davis_palette()),
            tr("{name} lacks the DAVIS palette").format(name=output.name),
        )
        yield
    return (line, tr("{name}: every object id and the DAVIS palette identical.").format(name=output.name))


def _check_header(plan: Plan, output: Output, facts: MovieFacts, tags: tuple[str, ...]) -> list[str]:
    wanted, found = (plan.info.width, plan.info.height), (facts.width, facts.height)
    _require(
        found == wanted,
        tr("{name} measures {found} instead of {wanted}").format(
            name=output.name, found=found, wanted=wanted
        ),
    )
    _require(
        facts.tags == tags,
        tr("{name} is tagged {tags} instead of {wanted}").format(
            name=output.name, tags=facts.tags, wanted=tags
        ),
    )
    return [
        tr("{name}: {width}x{height}, tagged as {tags}.").format(
            name=output.name, width=found[0], height=found[1], tags=SPOKEN[tags]
        )
    ]


def _check_timecode(plan: Plan, output: Output, facts: MovieFacts) -> list[str]:
    if not plan.timecode:
        return []
    if not facts.timecode:  # QuickTime has no timecode for unusual rates
        return [
            tr("{name}: the timecode {timecode} cannot be stored at this frame rate.").format(
                name=output.name, timecode=plan.timecode
            )
        ]
    _require(
        facts.timecode == plan.timecode,
        tr("{name} starts at timecode {timecode}").format(name=output.name, timecode=facts.timecode),
    )
    return [tr("{name}: starts at timecode {timecode}.").format(name=output.name, timecode=facts.timecode)]


def _check_times(plan: Plan, output: Output, stored: MovieReader, tolerance: Fraction) -> list[str]:
    for _ in stored:
        pass  # what there is beyond the span is too much, but must be counted
    count, times = stored.count, stored.times()
    _require(
        count == len(times) == len(plan.span),
        tr("{name} holds {count} frames, not {expected}").format(
            name=output.name, count=count, expected=len(plan.span)
        ),
    )
    error = max(abs(time - wanted) for time, wanted in zip(times, plan.timing.seconds, strict=True))
    _require(
        error <= tolerance,
        tr("a frame of {name} is shown {seconds:.6f} s off its time").format(
            name=output.name, seconds=float(error)
        ),
    )
    kind = (
        tr("constant {rate} frames a second").format(rate=plan.timing.rate)
        if plan.timing.constant
        else tr("variable frame rate")
    )
    how = tr("exact") if tolerance == 0 else tr("right to the millisecond (Matroska stores no more)")
    return [
        tr("{name}: {count} frames, timestamps {how}, {kind}.").format(
            name=output.name, count=count, how=how, kind=kind
        )
    ]


def _check_names(plan: Plan, output: Output, path: Path) -> str:
    wanted = [plan.frame_file(frame) for frame in plan.span]
    found = sorted(file.name for file in path.iterdir())
    _require(
        found == sorted(wanted),
        tr("{name} holds {count} files, not one for each frame").format(name=output.name, count=len(found)),
    )
    size = f"{plan.info.width}x{plan.info.height}"
    return tr("{name}: {count} frames of {size}, numbered {first} to {last}.").format(
        name=output.name, count=len(found), size=size, first=wanted[0], last=wanted[-1]
    )


def _largest_error(found: NDArray[np.uint16], wanted: Matte) -> float:
    """In steps of an 8-bit scale."""
    return float(np.abs(found.astype(np.int32) - wanted).max()) / 257


def _mean_error(found: NDArray[np.uint16], wanted: NDArray[np.uint16]) -> float:
    """The mean of the worst channel, in steps of an 8-bit scale."""
    return float(np.abs(found.astype(np.int32) - wanted).mean(axis=(0, 1)).max()) / 257


def _require_same(
    output: Output, frame: int, found: NDArray[np.generic], wanted: NDArray[np.generic]
) -> None:
    same = found.dtype == wanted.dtype and np.array_equal(found, wanted)
    _require(
        same, tr("{name} differs from the mattes on frame {frame}").format(name=output.name, frame=frame)
    )


def _oiio_pixels(path: Path) -> NDArray[np.generic]:
    """A one-channel picture at its stored depth, (height, width)."""
    file = OpenImageIO.ImageInput.open(str(path))
    if file is None:
        raise unreadable(path, OpenImageIO.geterror())
    with closing(file):
        pixels = np.asarray(file.read_image(file.spec().format))
        return pixels[..., 0] if file.spec().nchannels == 1 else pixels


def _palette_picture(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Indices (height, width) and colours (256, 3) RGB of a palette PNG."""
    try:
        with av.open(str(path)) as file:
            picture = next(file.decode(video=0))
    except av.FFmpegError as error:
        raise unreadable(path, str(error)) from error
    _require(picture.format.name == "pal8", tr("{name} holds no palette").format(name=path.name))
    indices, argb = picture.to_ndarray()
    return indices, argb[:, 1:]


def _require(kept: bool, failure: str) -> None:
    if not kept:
        raise ExportError(
            tr("The export was read back and {failure}; nothing was kept, please export again.").format(
                failure=failure
            )
        )
