"""A preview movie: the footage with every object tinted and outlined in its colour."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np

from vosengine.clip import Clip
from vosengine.export.exporting import explained
from vosengine.export.movie import Encoding, Movie
from vosengine.export.plan import ExportProgress, ExportResult, Plan
from vosengine.export.staging import Staging
from vosengine.messages import ExportSource
from vosengine.png import davis_palette
from vosengine.types import Image, Matte, Span

# x264's quality 18 is held to look like the source.
H264 = Encoding("libx264", "rgb24", "yuv420p", {"crf": "18", "preset": "medium"})
TINT = 0.45
# One pixel of outline for as many lines of picture.
LINES_A_PIXEL = 400


def write_overlay(
    clip: Clip, sources: tuple[ExportSource, ...], span: Span, destination: Path, overwrite: bool = False
) -> Generator[ExportProgress, None, ExportResult]:
    """Write an H.264 movie (`destination` ends in .mp4, .mov or .mkv) to look at, not to cut with.

    Yields after each frame; closing the generator earlier leaves nothing behind. A side of odd length grows
    by a pixel, as 4:2:0 needs. Raises ExportError as `export_clip` does.
    """
    plan = Plan(clip, span)
    size = (clip.info.width + clip.info.width % 2, clip.info.height + clip.info.height % 2)
    with explained(destination), Staging((destination,), overwrite, folders=False) as staging:
        with Movie(staging.beside(destination), H264, size, plan.timing) as movie:
            for place, frame in enumerate(span):
                image = clip.image(frame)
                for source in sources:
                    image = overlaid(image, plan.matte(source, frame), overlay_colour(source.object_id))
                movie.write(place, _evened(image))
                yield ExportProgress(place + 1, len(span), f"Writing {destination.name}")
        staging.commit()
    return ExportResult((destination,), (f"{destination.name}: {len(span)} frames of {size[0]}x{size[1]}.",))


def overlay_colour(object_id: int) -> tuple[int, int, int]:
    """The object's DAVIS colour at full brightness, RGB."""
    colour = davis_palette()[object_id % 256].astype(int)
    red, green, blue = (colour * 255 // max(int(colour.max()), 1)).tolist()
    return red, green, blue


def overlaid(image: Image, matte: Matte, colour: tuple[int, int, int]) -> Image:
    """The image tinted by `colour` as far as the matte says, outlined where it passes half."""
    weight = (matte.astype(np.float32) * (TINT / 65535))[..., None]
    tinted = image + weight * (np.array(colour, np.float32) - image)
    result: Image = np.rint(tinted).astype(np.uint8)
    inside = (matte > 32767).astype(np.uint8)
    outlines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    thickness = max(1, round(image.shape[0] / LINES_A_PIXEL))
    cv2.drawContours(result, outlines, -1, colour, thickness)
    return result


def _evened(image: Image) -> Image:
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE).astype(np.uint8)
