"""Procedural textures, all from one seed: noise, a far wood, a meadow, bark, blades of grass.

Colours are linear-light float32 RGB, about [0, 1]; layers are premultiplied RGBA.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Random = np.random.Generator


def linear(*colour: float) -> Array:
    """An sRGB colour given in 0..255 as linear light."""
    return np.asarray((np.asarray(colour) / 255) ** 2.2, np.float32)


def smoothstep(low: float, high: float, values: NDArray[np.floating]) -> Array:
    """Hermite step: 0 below `low`, 1 above `high`."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def noise(random: Random, shape: tuple[int, int], cell: tuple[float, float], octaves: int = 5) -> Array:
    """Fractal value noise in about [0, 1], mean 0.5; `cell` is the coarsest cell (height, width), pixels."""
    total = np.zeros(shape, np.float32)
    weight = 0.0
    for octave in range(octaves):
        rows = max(2, int(np.ceil(shape[0] / cell[0] * 2**octave)) + 2)
        columns = max(2, int(np.ceil(shape[1] / cell[1] * 2**octave)) + 2)
        if rows > shape[0] and columns > shape[1]:
            break
        grid = random.random((min(rows, shape[0]), min(columns, shape[1])), np.float32)
        total += 0.5**octave * cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)
        weight += 0.5**octave
    return total / np.float32(weight)


def mix(first: Array, second: Array, amount: Array) -> Array:
    """Colours blended per pixel by `amount` (height, width)."""
    return np.asarray(first + (second - first) * amount[..., None], np.float32)


def over(front: Array, back: Array) -> Array:
    """Porter-Duff over, both premultiplied RGBA."""
    return np.asarray(front + back * (1 - front[..., 3:]), np.float32)


def with_alpha(colour: Array, alpha: Array) -> Array:
    """Premultiplied RGBA of straight colour and coverage."""
    return np.dstack([colour * alpha[..., None], alpha]).astype(np.float32)


def blurred(image: Array, sigma: float) -> Array:
    """A Gaussian blur: the cheap stand-in for a lens out of focus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def bokeh(image: Array, radius: int) -> Array:
    """Out of focus through a round aperture, in linear light: highlights become discs."""
    side = 2 * radius + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.float32)
    return np.asarray(cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT), np.float32)


def far_wood(random: Random, shape: tuple[int, int]) -> Array:
    """Trees at the far edge of a meadow with light breaking through, out of focus: (H, W, 3)."""
    height, width = shape
    crowns = noise(random, shape, (90, 70), 6)
    depth = noise(random, shape, (200, 150), 3)
    image = mix(
        np.broadcast_to(linear(18, 30, 20), (*shape, 3)),
        np.broadcast_to(linear(104, 128, 62), (*shape, 3)),
        smoothstep(0.38, 0.75, 0.6 * crowns + 0.4 * depth),
    )
    for _ in range(width // 34):
        x, thick = random.uniform(0, width), random.uniform(3, 15)
        shade = linear(*(np.array([58, 50, 42]) * random.uniform(0.5, 1.3)))
        lean = random.normal(0, 14)
        corners = [
            [x - thick, height],
            [x + thick, height],
            [x + lean + thick * 0.6, 0],
            [x + lean - thick * 0.6, 0],
        ]
        cv2.fillPoly(image, [np.array(corners, np.int32)], tuple(map(float, shade)), cv2.LINE_AA)
    leaves = smoothstep(0.52, 0.66, noise(random, shape, (60, 50), 6))
    image = mix(image, np.broadcast_to(linear(66, 92, 44), image.shape), 0.75 * leaves)
    gaps = (
        smoothstep(0.66, 0.72, noise(random, shape, (46, 46), 4))
        * (random.random(shape) > 0.992)
        * random.random(shape)
    )
    low = np.linspace(1, 0, height, dtype=np.float32)[:, None] ** 0.6
    image = image + (gaps * low)[..., None].astype(np.float32) * linear(255, 246, 200) * 75
    haze = smoothstep(0.2, 1.0, np.linspace(0, 1, height, dtype=np.float32))[:, None] * 0.35
    image = mix(image, np.broadcast_to(linear(176, 190, 164), image.shape), np.broadcast_to(haze, shape))
    return bokeh(np.ascontiguousarray(image), 9)


def blades(
    random: Random,
    canvas: Array,
    roots: NDArray[np.float64],
    lengths: NDArray[np.float64],
    colours: Array,
    widths: NDArray[np.int64],
) -> None:
    """Draws curved tapering blades upward from `roots` (n, 2) onto the RGBA `canvas`, in the order given.

    Lines are not antialiased (OpenCV does that on 8-bit images only): draw larger, then `shrunk`.
    """
    count = len(roots)
    lean = random.normal(0, 0.35, count)
    bend = random.normal(0, 0.45, count)
    t = np.linspace(0, 1, 5)
    x = roots[:, :1] + lengths[:, None] * (lean[:, None] * t + bend[:, None] * t**2)
    y = roots[:, 1:] - lengths[:, None] * t * (1 - 0.25 * np.abs(bend[:, None]) * t)
    points = np.round(np.dstack([x, y]) * 16).astype(np.int32)
    opaque = np.column_stack([colours, np.ones(count)])
    for line, colour, width in zip(points, opaque.tolist(), widths.tolist(), strict=True):
        cv2.polylines(canvas, [line[:4]], False, colour, width, cv2.LINE_8, 4)
        cv2.polylines(canvas, [line[3:]], False, colour, max(1, width - 2), cv2.LINE_8, 4)


def shrunk(canvas: Array, factor: int = 2) -> Array:
    """Box-filtered to 1/`factor` of the size: where the antialiasing comes from."""
    size = (canvas.shape[1] // factor, canvas.shape[0] // factor)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.float32)


def grass_colours(random: Random, count: int, dryness: NDArray[np.float64]) -> Array:
    """(count, 3) greens, each drier (straw) where `dryness` in [0, 1] says so, each a little its own."""
    green = linear(74, 98, 40) + (linear(128, 146, 66) - linear(74, 98, 40)) * random.random((count, 1))
    straw = linear(186, 168, 112)
    colours = green + (straw - green) * dryness[:, None]
    return np.asarray(colours * random.lognormal(0, 0.32, (count, 1)), np.float32)


def meadow(random: Random, shape: tuple[int, int]) -> Array:
    """Grass in perspective from the far edge (top row) to the near one: (H, W, 3), blades nearest last."""
    height, width = shape[0] * 2, shape[1] * 2
    patches = noise(random, (height, width), (80, 320), 5)
    near = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    soil = mix(
        np.broadcast_to(linear(86, 102, 52), (height, width, 3)),
        np.broadcast_to(linear(146, 140, 84), (height, width, 3)),
        smoothstep(0.3, 0.7, patches),
    )
    image = with_alpha(soil * (0.8 - 0.4 * near)[..., None], np.ones((height, width), np.float32))
    count = shape[1] * 44
    depth = np.sort(random.random(count) ** 0.62)
    roots = np.column_stack([random.uniform(0, width, count), depth * (height * 1.12)])
    rows = np.clip(roots[:, 1].astype(int), 0, height - 1)
    dryness = np.clip((patches[rows, roots[:, 0].astype(int)] - 0.42) * 3.2, 0, 1)
    colours = grass_colours(random, count, dryness) * (1.05 - 0.35 * depth[:, None]).astype(np.float32)
    lengths = (8 + 88 * depth**1.6) * random.uniform(0.5, 1.4, count)
    blades(random, image, roots, lengths, colours, (1.5 + 4 * depth).astype(np.int64))
    sharp = shrunk(image)[..., :3]
    return mix(blurred(sharp, 2.2), sharp, np.broadcast_to(smoothstep(0.1, 0.45, near[::2]), shape))


def bark(random: Random, shape: tuple[int, int]) -> Array:
    """A tree trunk, a premultiplied layer (H, W, 4): ridged bark, moss on one side, round shading."""
    height, width = shape
    ridges = np.abs(noise(random, shape, (150, 22), 5) - 0.5) * 2
    grooves = smoothstep(0.02, 0.3, ridges)
    fine = noise(random, shape, (12, 5), 4)
    colour = mix(
        np.broadcast_to(linear(30, 25, 21), (*shape, 3)),
        np.broadcast_to(linear(128, 112, 96), (*shape, 3)),
        np.clip(grooves * (0.45 + 0.8 * fine), 0, 1),
    )
    across = np.linspace(-1, 1, width, dtype=np.float32)[None]
    moss = smoothstep(0.5, 0.68, noise(random, shape, (90, 50), 5) + 0.22 * across * -1)
    velvet = linear(38, 48, 20) + linear(104, 122, 58) * (fine * fine * 1.6)[..., None]
    colour = mix(colour, velvet, 0.75 * moss * grooves)
    edge = 0.86 + 0.1 * (noise(random, (height, 1), (60, 1), 4) - 0.5)
    light = np.sqrt(np.clip(1 - (across * 0.98) ** 2, 0, 1)) * (0.62 - 0.42 * across)
    alpha = smoothstep(0, 0.025, edge - np.abs(across))
    return with_alpha(np.asarray(colour * light[..., None] * 1.25, np.float32), alpha)


def near_grass(random: Random, shape: tuple[int, int], count: int, length: float) -> Array:
    """A strip of grass before the object, a premultiplied layer (H, W, 4) rooted at the bottom row."""
    height, width = shape[0] * 2, shape[1] * 2
    roots = np.column_stack([random.uniform(0, width, count), np.full(count, height + 8.0)])
    tufts = noise(random, (2, width), (2, 120), 4)[0][roots[:, 0].astype(int)]
    lengths = 2 * length * (0.25 + 1.2 * tufts) * random.uniform(0.5, 1.35, count)
    colours = grass_colours(random, count, np.clip(random.normal(0.35, 0.3, count), 0, 1))
    canvas = np.zeros((height, width, 4), np.float32)
    blades(random, canvas, roots, lengths, colours, random.integers(2, 6, count))
    return shrunk(canvas)
