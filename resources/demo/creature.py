"""A shaggy long-horned cow, hair by hair: sprites of its parts, and its pose as it walks.

Units are pixels of the finished clip at scale 1, x to the right (the way it walks), y down. Sprites hold
`TEXELS` texels a unit and are drawn `OVERSAMPLING` times larger than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from resources.demo.textures import Array, Random, linear, noise, shrunk, smoothstep

TEXELS = 2
OVERSAMPLING = 2
SCALE = TEXELS * OVERSAMPLING
LIGHT = np.array([-0.35, -0.8, 0.55], np.float32) / np.linalg.norm([-0.35, -0.8, 0.55])

Matrix = NDArray[np.float64]
Polygon = list[tuple[float, float]]


@dataclass(frozen=True)
class Coat:
    """The colours of one animal's fur, darkest to lightest, linear light."""

    dark: Array
    base: Array
    light: Array


GINGER = Coat(linear(84, 48, 27), linear(166, 101, 56), linear(226, 178, 122))
RUSSET = Coat(linear(76, 45, 29), linear(150, 93, 56), linear(212, 162, 114))


@dataclass(frozen=True)
class Sprite:
    """A part: premultiplied RGBA, and the texel about which it turns."""

    pixels: Array
    pivot: tuple[float, float]


def curve(points: Polygon, count: int = 120) -> NDArray[np.float64]:
    """A closed Catmull-Rom curve through `points`, as (count * n, 2)."""
    p = np.asarray(points, float)
    t = np.linspace(0, 1, count // len(p) + 2, endpoint=False)[:, None]
    a, b, c, d = np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0)
    pieces = [
        0.5
        * (
            2 * b[i]
            + (c[i] - a[i]) * t
            + (2 * a[i] - 5 * b[i] + 4 * c[i] - d[i]) * t**2
            + (3 * b[i] - a[i] - 3 * c[i] + d[i]) * t**3
        )
        for i in range(len(p))
    ]
    return np.concatenate(pieces)


class Canvas:
    """Where one part is drawn: `half` units to each side of the pivot."""

    def __init__(self, half: tuple[float, float]) -> None:
        self.half = half
        self.pixels: Array = np.zeros((int(2 * half[1] * SCALE), int(2 * half[0] * SCALE), 4), np.float32)

    def place(self, points: NDArray[np.float64] | Polygon) -> NDArray[np.float64]:
        """Units to canvas pixels."""
        return np.asarray((np.asarray(points, float) + self.half) * SCALE)

    def silhouette(self, outline: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The filled outline, uint8 {0, 1}."""
        mask = np.zeros(self.pixels.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(self.place(outline)).astype(np.int32)], 1)
        return mask

    def sprite(self) -> Sprite:
        """The finished part."""
        return Sprite(shrunk(self.pixels, OVERSAMPLING), (self.half[0] * TEXELS, self.half[1] * TEXELS))


def relief(mask: NDArray[np.uint8], radius: float) -> Array:
    """Light on a silhouette puffed up to a rounded body `radius` units deep, about [0.15, 1.1]."""
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / (radius * SCALE)
    height = np.sqrt(np.clip(1 - (1 - np.clip(distance, 0, 1)) ** 2, 0, 1)).astype(np.float32)
    height = cv2.GaussianBlur(height, (0, 0), radius * SCALE * 0.12)
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0) * radius * SCALE / 8
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1) * radius * SCALE / 8
    lit = (-slope_x * LIGHT[0] - slope_y * LIGHT[1] + LIGHT[2]) / np.sqrt(slope_x**2 + slope_y**2 + 1)
    return np.asarray(0.2 + 0.95 * np.clip(lit, 0, 1), np.float32)


def fur(
    random: Random,
    canvas: Canvas,
    mask: NDArray[np.uint8],
    coat: Coat,
    flow: tuple[float, float],
    length: float,
    count: int,
    light: Array,
) -> None:
    """Covers `mask` with `count` hairs that lie along `flow` and hang; locks come from slow noise.

    `light` is what `relief` says of the part. One hair in fifteen stands away from the others. Hairs are
    drawn from the downstream end upward, so that each lies over the roots of the next.
    """
    shape = mask.shape
    locks = noise(random, shape, (length * SCALE * 1.4, length * SCALE * 0.5), 3)
    pattern = noise(random, shape, (46 * SCALE, 60 * SCALE), 3)
    canvas.pixels[mask > 0] = [*(coat.dark * 0.55), 1]
    rows, columns = np.nonzero(mask)
    chosen = random.integers(0, len(rows), count)
    roots = np.column_stack([columns[chosen], rows[chosen]]).astype(float)
    roots = roots[np.argsort(-(roots @ np.asarray(flow)) + random.normal(0, 3.0 * SCALE, count))]
    x, y = roots.astype(int).T
    angle = np.arctan2(flow[1], flow[0]) + (locks[y, x] - 0.5) * 2.6 + random.normal(0, 0.13, count)
    angle += np.where(random.random(count) < 1 / 15, random.normal(0, 0.8, count), 0)
    size = length * SCALE * random.uniform(0.45, 1.25, count) * (0.6 + 0.8 * pattern[y, x])
    shade = light[y, x] * (0.45 + 1.1 * smoothstep(0.25, 0.75, locks[y, x])) * random.lognormal(0, 0.2, count)
    strands(canvas.pixels, roots, angle, size, hair_colours(random, coat, pattern[y, x], shade))


def hair_colours(random: Random, coat: Coat, pattern: Array, shade: Array) -> Array:
    """(n, 3): the coat's colour where each hair grows, lit by `shade`."""
    warmth = np.clip(pattern + random.normal(0, 0.14, len(pattern)), 0, 1)[:, None].astype(np.float32)
    low = coat.dark + (coat.base - coat.dark) * np.minimum(warmth * 2, 1)
    return np.asarray(
        (low + (coat.light - coat.base) * np.maximum(warmth * 2 - 1, 0)) * shade[:, None], np.float32
    )


def strands(
    pixels: Array,
    roots: NDArray[np.float64],
    angle: NDArray[np.float64],
    size: NDArray[np.float64],
    colours: Array,
) -> None:
    """Draws hairs that start along `angle` and are bent down by their weight, paler towards the tip."""
    t = np.linspace(0, 1, 6)
    x = roots[:, :1] + size[:, None] * np.cos(angle)[:, None] * t * (1 - 0.3 * t)
    y = roots[:, 1:] + size[:, None] * (np.sin(angle)[:, None] * t * (1 - 0.3 * t) + 0.42 * t**2)
    points = np.round(np.dstack([x, y]) * 16).astype(np.int32)
    lower = np.column_stack([colours * 0.82, np.ones(len(colours))]).tolist()
    upper = np.column_stack([colours * 1.12, np.ones(len(colours))]).tolist()
    for line, dark, pale in zip(points, lower, upper, strict=True):
        cv2.polylines(pixels, [line[:4]], False, dark, 4, cv2.LINE_8, 4)
        cv2.polylines(pixels, [line[3:5]], False, pale, 3, cv2.LINE_8, 4)
        cv2.polylines(pixels, [line[4:]], False, pale, 1, cv2.LINE_8, 4)


def tube(
    canvas: Canvas, spine: NDArray[np.float64], radii: NDArray[np.float64], colours: Array, gloss: float
) -> None:
    """A round, smooth, tapering thing (horn, hoof, muzzle): discs from its dark rim to its highlight."""
    centres = canvas.place(spine) * 16
    for level in np.linspace(0, 1, 9):
        shade = 0.28 + 0.9 * level + gloss * max(0.0, level - 0.8) * 5
        shift = level * 0.42 * radii[:, None] * SCALE * 16 * LIGHT[:2]
        for centre, radius, colour in zip(centres + shift, radii * (1 - 0.85 * level), colours, strict=True):
            at = (round(centre[0]), round(centre[1]))
            cv2.circle(
                canvas.pixels,
                at,
                round(radius * SCALE * 16),
                [*(colour * shade).tolist(), 1],
                -1,
                cv2.LINE_8,
                4,
            )


def body(random: Random, coat: Coat) -> Sprite:
    """The barrel with its long skirt of hair."""
    canvas = Canvas((180, 135))
    outline = curve(
        [
            (-122, -14),
            (-114, -48),
            (-80, -56),
            (-20, -50),
            (40, -56),
            (80, -66),
            (112, -54),
            (124, -16),
            (112, 30),
            (70, 50),
            (0, 46),
            (-70, 44),
            (-112, 30),
        ]
    )
    mask = canvas.silhouette(outline)
    light = relief(mask, 60)
    skirt = mask.copy()
    skirt[: int(canvas.place([(0, 18)])[0, 1])] = 0
    fur(random, canvas, skirt, coat, (-0.25, 0.97), 42, 6000, light)
    fur(random, canvas, mask, coat, (-0.5, 0.86), 27, 30000, light)
    return canvas.sprite()


def leg(random: Random, coat: Coat, far: bool) -> Sprite:
    """A leg, its pivot at the shoulder; a far one lies in the body's shade."""
    canvas = Canvas((44, 118))
    shade = 0.5 if far else 1.0
    tinted = Coat(coat.dark * shade, coat.base * shade, coat.light * shade)
    hoof = np.linspace([0, 98], [1, 106], 12)
    tube(canvas, hoof, np.linspace(8, 10, 12), np.tile(linear(58, 48, 42) * shade, (12, 1)), 0.2)
    mask = canvas.silhouette(
        curve([(-20, -16), (20, -16), (19, 30), (10, 56), (7, 96), (-7, 96), (-9, 58), (-18, 30)])
    )
    fur(random, canvas, mask, tinted, (-0.12, 1.0), 17, 7000, relief(mask, 16))
    return canvas.sprite()


def horn(side: float) -> Sprite:
    """A long upswept horn, pale with a dark tip; `side` +1 the near one, -1 the far, foreshortened one."""
    canvas = Canvas((90, 90))
    t = np.linspace(0, 1, 90)
    reach = 46 if side > 0 else 34
    spine = np.column_stack([side * reach * np.sin(t * 1.75), 14 * np.sin(t * 3.3) - 62 * t**2.2])
    pale, tip = linear(206, 186, 150), linear(58, 46, 40)
    rings = 1 + 0.10 * np.sin(t * 60)[:, None] * (1 - t[:, None])
    colours = (pale + (tip - pale) * smoothstep(0.62, 1.0, t.astype(np.float32))[:, None]) * rings
    tube(
        canvas,
        spine,
        7.0 * (1 - t) ** 0.7 + 1.0,
        colours.astype(np.float32) * (1.0 if side > 0 else 0.75),
        0.35,
    )
    return canvas.sprite()


def head(random: Random, coat: Coat) -> Sprite:
    """Neck, skull, muzzle, ear and the fringe over the eyes; the pivot is where the neck leaves the body."""
    canvas = Canvas((130, 110))
    neck = canvas.silhouette(
        curve([(-34, -40), (10, -52), (52, -44), (62, -10), (44, 24), (6, 48), (-30, 44)])
    )
    fur(random, canvas, neck, coat, (-0.45, 0.9), 34, 11000, relief(neck, 40))
    muzzle(canvas)
    skull = canvas.silhouette(
        curve([(36, -46), (62, -50), (80, -36), (92, -6), (99, 12), (86, 22), (62, 20), (42, -2)])
    )
    fur(random, canvas, skull, coat, (0.42, 0.9), 13, 6500, relief(skull, 24))
    ear = canvas.silhouette(curve([(40, -38), (26, -40), (2, -30), (-6, -22), (12, -20), (36, -24)]))
    fur(random, canvas, ear, coat, (-0.85, 0.5), 22, 1500, relief(ear, 10))
    fringe = canvas.silhouette(curve([(40, -50), (60, -56), (76, -46), (80, -34), (60, -30), (46, -34)]))
    fur(random, canvas, fringe, coat, (0.35, 0.93), 36, 2600, relief(fringe, 18))
    return canvas.sprite()


def muzzle(canvas: Canvas) -> None:
    """Bare skin, a nostril and the line of the mouth."""
    t = np.linspace(0, 1, 40)
    spine = np.column_stack([76 + 24 * t, -6 + 30 * t])
    skin = np.tile(linear(172, 126, 108), (40, 1)) * (1 - 0.25 * t[:, None]).astype(np.float32)
    tube(canvas, spine, 20 - 4.5 * t, skin.astype(np.float32), 0.25)
    for centre, axes, angle in (((107, 17), (4.6, 2.4), 60), ((94, 38), (9.0, 1.1), 18)):
        at = tuple(np.round(canvas.place([centre])[0]).astype(int).tolist())
        size = (round(axes[0] * SCALE), round(axes[1] * SCALE))
        cv2.ellipse(canvas.pixels, at, size, angle, 0, 360, [*(linear(44, 28, 26)).tolist(), 1], -1)


def tail(random: Random, coat: Coat) -> Sprite:
    """A thin tail with a tuft, hanging down from the pivot."""
    canvas = Canvas((80, 150))
    stem = canvas.silhouette(curve([(-3.5, -2), (3.5, -2), (3, 40), (2.5, 66), (-2.5, 66), (-3, 40)]))
    fur(random, canvas, stem, coat, (0.0, 1.0), 11, 1300, relief(stem, 4))
    tuft = canvas.silhouette(curve([(-3, 54), (3, 54), (6, 66), (3, 76), (-3, 76), (-6, 66)]))
    fur(random, canvas, tuft, coat, (0.02, 1.0), 34, 900, relief(tuft, 6))
    return canvas.sprite()


class Cow:
    """All parts of one animal, and where they are as it walks."""

    def __init__(self, random: Random, coat: Coat) -> None:
        self.parts = {
            "tail": tail(random, coat),
            "far_leg": leg(random, coat, far=True),
            "far_horn": horn(-1.0),
            "near_leg": leg(random, coat, far=False),
            "body": body(random, coat),
            "near_horn": horn(1.0),
            "head": head(random, coat),
        }

    def posed(self, phase: float, stride: float) -> list[tuple[Sprite, Matrix]]:
        """Parts back to front, each with its matrix (3, 3) from texels to units.

        `phase` counts strides in radians; `stride` in [0, 1] is how far it steps out.
        """
        swing = 0.42 * stride
        bob = -2.2 * stride * sin(2 * phase)
        nod = 0.05 + 0.11 * stride * sin(2 * phase + 0.7)
        trunk = placed(0, bob, 0.018 * stride * sin(phase))
        skull = trunk @ placed(112, -30, nod)
        legs = [
            ("far_leg", 78, pi),
            ("far_leg", -84, 0.4 * pi),
            ("near_leg", 92, 0.0),
            ("near_leg", -96, 1.4 * pi),
        ]
        pieces = [("tail", trunk @ placed(-119, -34, 0.22 + 0.4 * sin(phase * 0.9) + 0.1 * sin(2.3 * phase)))]
        for name, x, offset in legs:
            angle = swing * sin(phase + offset)
            lift = -7 * stride * max(0.0, cos(phase + offset))
            pieces.append((name, placed(x, 26 + bob * 0.3 + lift, angle)))
        pieces += [
            ("far_horn", skull @ placed(54, -48, 0.18)),
            ("body", trunk),
            ("head", skull),
            ("near_horn", skull @ placed(44, -44, -0.10)),
        ]
        return [(self.parts[name], matrix @ self._texels(name)) for name, matrix in pieces]

    def _texels(self, name: str) -> Matrix:
        x, y = self.parts[name].pivot
        return np.array([[1, 0, -x], [0, 1, -y], [0, 0, TEXELS]], float) / TEXELS


def placed(x: float, y: float, angle: float = 0.0, scale: float = 1.0) -> Matrix:
    """Rotation by `angle` radians and scaling about the origin, then a move to (x, y)."""
    c, s = scale * cos(angle), scale * sin(angle)
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1]], float)
