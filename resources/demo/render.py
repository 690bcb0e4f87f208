"""Renders the demo clip: a cow walks through a meadow; its exact alpha comes with it.

    python -m resources.demo.render --output resources/demo

The shot has what makes cutting out hard: fur, thin horns and a thin tail, a panning, zooming, shaking
camera with parallax, motion blur, a tree that passes before the object, a second cow like it, a passing
cloud and film grain. Everything comes from one seed, so the same OpenCV and NumPy give the same frames.

Each frame is the mean of `SAMPLES` renderings in linear light, each at its own instant of the open
shutter and its own sub-pixel offset: that is motion blur and supersampling at once. The truth is the mean
of the object's visible coverage over the same samples.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from math import sin
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from resources.demo.creature import GINGER, RUSSET, Cow, Matrix, placed
from resources.demo.textures import Array, bark, blurred, far_wood, meadow, near_grass, noise, smoothstep

WIDTH, HEIGHT = 854, 480
FRAMES, RATE = 60, 24
SAMPLES = 16
SHUTTER = 0.5  # of a frame: the 180 degrees of a film camera
HORIZON = 196.0  # screen row where wood and meadow meet
MARGIN = 40  # texels round the frame for shake and roll
SEED = 20

BACKGROUND, FOREGROUND = 1, 2
# What a person would draw on frame 0 in some seconds: (label, width in pixels, points).
STROKES: list[tuple[int, int, list[tuple[int, int]]]] = [
    (FOREGROUND, 7, [(148, 300), (205, 312), (290, 306), (345, 280), (396, 292), (428, 316), (446, 343)]),
    (FOREGROUND, 7, [(152, 345), (176, 378), (240, 362), (310, 376), (338, 350), (376, 330)]),
    (FOREGROUND, 6, [(324, 385), (327, 415), (322, 440)]),
    (FOREGROUND, 5, [(150, 398), (147, 425), (138, 441)]),
    (FOREGROUND, 5, [(176, 398), (182, 438)]),
    (FOREGROUND, 3, [(390, 254), (388, 236), (397, 214)]),
    (FOREGROUND, 3, [(430, 274), (442, 256), (446, 224)]),
    (FOREGROUND, 5, [(126, 352), (116, 376)]),
    (BACKGROUND, 7, [(52, 236), (180, 246), (300, 238), (362, 214)]),
    (BACKGROUND, 7, [(404, 178), (472, 206), (488, 330), (440, 384), (386, 404), (372, 452)]),
    (BACKGROUND, 6, [(70, 300), (78, 400), (96, 458)]),
    (BACKGROUND, 5, [(212, 428), (250, 436), (288, 428)]),
    (BACKGROUND, 3, [(416, 222), (418, 250)]),
    (BACKGROUND, 7, [(60, 90), (420, 110), (640, 80), (790, 130)]),
    (BACKGROUND, 7, [(560, 240), (700, 300), (800, 250), (826, 290)]),
    (BACKGROUND, 7, [(80, 472), (400, 472), (700, 430)]),
]


@dataclass(frozen=True)
class Camera:
    """Where the camera looks at one instant: pan in pixels of the object's plane, zoom, roll, shake."""

    pan: float
    zoom: float
    roll: float
    shake: tuple[float, float]

    @classmethod
    def at(cls, time: float) -> Camera:
        """The camera at `time` frames: a walk beside the animal with a long lens in the hands."""
        pan = 6.4 * time + 26 * sin(time * 0.06)
        shake = (
            1.6 * sin(time * 0.9) + 1.1 * sin(time * 2.3 + 1),
            1.3 * sin(time * 1.1 + 2) + 0.9 * sin(time * 2.9),
        )
        return cls(pan, 1 + 0.0016 * time, 0.005 * sin(time * 0.13), shake)

    def screen(self, depth: float, offset: tuple[float, float]) -> Matrix:
        """From the world at `depth` (1 = the object's plane, less = farther) to screen pixels."""
        zoom = 1 + (self.zoom - 1) * (0.4 + 0.6 * depth)
        centre = placed(
            WIDTH / 2 + self.shake[0] + offset[0], HEIGHT / 2 + self.shake[1] + offset[1], self.roll
        )
        return centre @ np.diag([zoom, zoom, 1]) @ placed(-self.pan * depth - WIDTH / 2, -HEIGHT / 2)


def paste(target: Array, pixels: Array, matrix: Matrix) -> None:
    """Composites premultiplied RGBA `pixels`, moved by `matrix`, over the RGBA `target` in place."""
    height, width = pixels.shape[:2]
    corners = matrix @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], float)
    x0, y0 = np.maximum(np.floor(corners[:2].min(1)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(corners[:2].max(1)).astype(int) + 2, target.shape[1::-1])
    if x1 <= x0 or y1 <= y0:
        return
    moved = (placed(-x0, -y0) @ matrix)[:2]
    layer = cv2.warpAffine(pixels, moved, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR)
    region = target[y0:y1, x0:x1]
    region *= 1 - layer[..., 3:]
    region += layer


class Scene:
    """Everything in the shot; `sample` renders one instant."""

    def __init__(self, seed: int = SEED) -> None:
        random = np.random.default_rng(seed)
        self.wood = far_wood(random, (int(HORIZON) + 2 * MARGIN, 1300))
        self.meadow = meadow(random, (HEIGHT - int(HORIZON) + 2 * MARGIN, 2000))
        self.cow = Cow(random, GINGER)
        self.other = Cow(random, RUSSET)
        self.tree = blurred(bark(random, (HEIGHT + 4 * MARGIN, 58)), 1.5)
        self.edge = blurred(faded(near_grass(random, (44, 1300), 3600, 17)), 1.3)
        self.tuft = faded(near_grass(random, (90, 1900), 4200, 24))
        self.front = blurred(near_grass(random, (190, 2900), 700, 92), 5.0)
        self.dapple = blurred(noise(random, (HEIGHT, 1600), (150, 190), 4), 3.0)
        self.sway = noise(random, (64, 64), (32, 32), 2)

    def sample(self, time: float, offset: tuple[float, float]) -> tuple[Array, Array]:
        """Linear-light RGB (H, W, 3) and the object's visible coverage (H, W) at `time` frames."""
        camera = Camera.at(time)
        image = self._ground(camera, offset)
        self._shadow(image, camera.screen(0.62, offset) @ placed(880, 303), 82, 9)
        paste_all(image, self._animal(camera.screen(0.62, offset), self.other, *other_pose(time)))
        where, phase = object_pose(time)
        self._shadow(image, camera.screen(1, offset) @ placed(where[0, 2] + 6, 424), 150, 15)
        animal = self._animal(camera.screen(1, offset), self.cow, where, phase)
        front = np.zeros((HEIGHT, WIDTH, 4), np.float32)
        paste(front, self.tuft, camera.screen(1, offset) @ placed(-40, 362))
        paste(front, self.tree, camera.screen(2.2, offset) @ placed(850, -2 * MARGIN, 0.03))
        paste(front, self.front, camera.screen(2.4, offset) @ placed(-60, 318))
        truth = animal[..., 3] * (1 - front[..., 3])
        paste_all(image, animal)
        paste_all(image, front)
        return image[..., :3] * self._light(camera, time, offset), np.asarray(truth, np.float32)

    def _ground(self, camera: Camera, offset: tuple[float, float]) -> Array:
        """Wood and meadow; the meadow's rows slide the faster the nearer they are."""
        image = np.zeros((HEIGHT, WIDTH, 4), np.float32)
        opaque = np.dstack([self.wood, np.ones(self.wood.shape[:2], np.float32)])
        paste(image, opaque, camera.screen(0.3, offset) @ placed(-MARGIN, 16 - 2 * MARGIN))
        x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
        back = np.linalg.inv(camera.screen(0, offset))
        u = (back[0, 0] * x + back[0, 1] * y + back[0, 2]).astype(np.float32)
        v = (back[1, 0] * x + back[1, 1] * y + back[1, 2]).astype(np.float32)
        depth = 0.34 + 0.66 * np.clip((v - HORIZON) / (424 - HORIZON), 0, 1.6)
        u += np.float32(camera.pan) * depth + (depth - 1) * 90 + 190
        ground = cv2.remap(
            self.meadow, u, v - np.float32(HORIZON), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        edge = smoothstep(HORIZON - 3, HORIZON + 9, v + 8 * (cv2.resize(self.sway, (WIDTH, 1)) - 0.5))
        image[..., :3] += (ground - image[..., :3]) * edge[..., None]
        image[..., 3] = 1
        paste(image, self.edge, camera.screen(0.36, offset) @ placed(-MARGIN, HORIZON - 26))
        return image

    def _animal(self, screen: Matrix, cow: Cow, where: Matrix, phase: tuple[float, float]) -> Array:
        """One animal on a layer of its own, its soft parts rippling as it walks."""
        layer = np.zeros((HEIGHT, WIDTH, 4), np.float32)
        for sprite, matrix in cow.posed(*phase):
            paste(layer, sprite.pixels, screen @ where @ matrix)
        x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
        size = np.float32(phase[1] * 1.6)
        x_from = x + size * np.sin(y / 34 + 2 * phase[0])
        y_from = y + size * np.sin(x / 46 - 2 * phase[0] + 1)
        return np.asarray(cv2.remap(layer, x_from, y_from.astype(np.float32), cv2.INTER_LINEAR), np.float32)

    def _shadow(self, image: Array, matrix: Matrix, wide: float, high: float) -> None:
        """A soft contact shadow on the ground."""
        x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
        near = ((x - matrix[0, 2]) / wide) ** 2 + ((y - matrix[1, 2]) / high) ** 2
        image[..., :3] *= (1 - 0.6 * np.exp(-near))[..., None].astype(np.float32)

    def _light(self, camera: Camera, time: float, offset: tuple[float, float]) -> Array:
        """Dappled sun that stays with the world, a cloud that passes, the lens's vignette: (H, W, 3)."""
        screen = camera.screen(1, offset) @ placed(-120, 0)
        dapple = cv2.warpAffine(
            self.dapple, screen[:2], (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT
        ).astype(np.float32)
        sun = 1 - 0.45 * cloud(time)
        amount = (0.5 + 0.95 * smoothstep(0.36, 0.62, dapple)) * sun
        x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
        amount = amount * (1 - 0.16 * (x**2 + y**2))
        warm, cool = np.array([1.06, 1.0, 0.9]), np.array([0.92, 1.0, 1.1])
        tint = cool + (warm - cool) * np.clip(amount, 0, 1)[..., None]
        return np.asarray(amount[..., None] * tint, np.float32)


def cloud(time: float) -> float:
    """How much of the sun the cloud covers at `time` frames, 0 to 1."""
    come, go = smoothstep(26, 42, np.array([time])), smoothstep(50, 66, np.array([time]))
    return float(come[0] - go[0])


def faded(strip: Array) -> Array:
    """A strip of grass whose foot melts into the ground it is pasted on."""
    return strip * smoothstep(0.0, 0.45, np.linspace(1, 0, len(strip), dtype=np.float32))[:, None, None]


def paste_all(image: Array, layer: Array) -> None:
    """A whole-frame layer over `image`, in place."""
    image *= 1 - layer[..., 3:]
    image += layer


def object_pose(time: float) -> tuple[Matrix, tuple[float, float]]:
    """Where the object stands in its plane, and its walk's (phase, stride), at `time` frames."""
    x = 250 + 10.2 * time - 0.035 * time**2 + 8 * sin(time * 0.21)
    y = 326 - 5 * sin(time * 0.07) + 2.5 * sin(time * 0.52)
    tilt = 0.075 * sin(time * 0.105 + 2.6)
    return placed(x, y, tilt, 0.92 + 0.0012 * time), (0.42 * time, 0.75 + 0.25 * sin(time * 0.1))


def other_pose(time: float) -> tuple[Matrix, tuple[float, float]]:
    """The distractor's place and walk: slower, farther off, the other way."""
    return placed(880 - 1.1 * time, 247, 0.02 * sin(time * 0.1)) @ np.diag([-0.56, 0.56, 1]), (
        0.22 * time,
        0.45,
    )


def instants(frame: int, samples: int) -> Iterator[tuple[float, tuple[float, float]]]:
    """The samples of a frame: when, and where in the pixel (a rank-1 lattice, which fills the square)."""
    for k in range(samples):
        time = frame + SHUTTER * (k + 0.5) / samples
        yield time, ((k + 0.5) / samples - 0.5, (k * 0.618034 + 0.25) % 1 - 0.5)


def render_frame(
    scene: Scene, frame: int, samples: int = SAMPLES
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The frame, uint8 RGB (480, 854, 3), and the object's alpha, uint8 (480, 854)."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    truth = np.zeros((HEIGHT, WIDTH), np.float32)
    for time, offset in instants(frame, samples):
        colour, coverage = scene.sample(time, offset)
        image += colour / samples
        truth += coverage / samples
    return developed(image, frame), np.round(np.clip(truth, 0, 1) * 255).astype(np.uint8)


def developed(image: Array, frame: int) -> NDArray[np.uint8]:
    """Linear light as a camera writes it: glow, a shoulder for the highlights, sRGB-like curve, grain."""
    exposed = np.clip(image, 0, None) * 1.25
    exposed = 0.94 * exposed + 0.06 * blurred(exposed, 9)
    curved = (1 - np.exp(-1.35 * exposed)) ** np.float32(1 / 2.2)
    random = np.random.default_rng([SEED, frame])
    grain = blurred(random.standard_normal((HEIGHT, WIDTH, 1), np.float32), 0.7)[..., None]
    noisy = curved + 0.016 * grain * (1.15 - curved)
    return np.asarray(np.round(np.clip(noisy, 0, 1) * 255), np.uint8)


def draw_scribbles() -> NDArray[np.uint8]:
    """The strokes on frame 0: uint8 (480, 854), 0 unmarked, 1 background, 2 foreground."""
    marks = np.zeros((HEIGHT, WIDTH), np.uint8)
    for label, thick, points in STROKES:
        cv2.polylines(marks, [np.array(points, np.int32)], False, label, thick)
    return marks


def writer(path: Path, pixels: str, codec: list[str]) -> subprocess.Popen[bytes]:
    """An ffmpeg that takes raw frames on its standard input."""
    source = ["-f", "rawvideo", "-pix_fmt", pixels, "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *source, *codec]
    return subprocess.Popen(
        [*command, "-fflags", "+bitexact", "-flags:v", "+bitexact", str(path)], stdin=subprocess.PIPE
    )


def store(folder: Path) -> None:
    """Renders all frames into `clip.mp4` (H.264), `truth.mkv` (FFV1, exact) and `scribbles.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    tags = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
    colour = ["-vf", f"scale=out_color_matrix=bt709:out_range=tv,{tags}", "-pix_fmt", "yuv420p"]
    clip = writer(folder / "clip.mp4", "rgb24", [*colour, "-c:v", "libx264", "-crf", "16", "-preset", "slow"])
    truth = writer(
        folder / "truth.mkv", "gray", ["-c:v", "ffv1", "-level", "3", "-coder", "1", "-context", "1"]
    )
    assert clip.stdin is not None
    assert truth.stdin is not None
    scene = Scene()
    for frame in range(FRAMES):
        image, alpha = render_frame(scene, frame)
        clip.stdin.write(image.tobytes())
        truth.stdin.write(alpha.tobytes())
        print(f"frame {frame + 1} of {FRAMES}", flush=True)
    for process in (clip, truth):
        process.communicate()
        if process.returncode:
            raise SystemExit("ffmpeg could not write the clip; its message stands above.")
    cv2.imwrite(str(folder / "scribbles.png"), draw_scribbles())


def main() -> None:
    """Renders into the folder given by `--output`."""
    parser = argparse.ArgumentParser(description="Render the demo clip, its truth and its scribbles.")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent)
    store(parser.parse_args().output)


if __name__ == "__main__":
    main()
