"""How soon a correcting stroke is answered on a 1080p frame, beside GrabCut on the whole frame.

The frame is synthetic: an object in front of a ground, a mask of it with a piece missing, a stroke across
that piece. The baseline is GrabCut, with as many iterations, on the whole frame at its own resolution. On a
4K frame a long stroke, across an object of which half is missing, is the most that is to be answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.config import preset
from vosengine.corrections import Correction, corrected_mask
from vosengine.finetune import Shot
from vosengine.grabcut import BACKGROUND, FOREGROUND, ITERATIONS
from vosengine.methods import architecture_of, new_method, weights_of
from vosengine.second_look import Looking, second_look
from vosengine.types import Image, Mask
from vosengine.weights import load_network

WIDTH, HEIGHT = 1920, 1080
LARGE = 2  # times as wide and high: 4K
BASELINE = "whole_frame_seconds"
TRIES = 3  # the quickest counts: others share the machine


def answers(frame: Image, truth: Mask) -> dict[str, float]:
    """Seconds: of the answer while the pen moves, of the one by colours alone once it is lifted, of the one
    with a second look and of its longest step, the same of a long stroke at 4K, and of the baseline.

    frame, truth: of any size of that shape; a method's speed does not hang on the weights it has learned.
    """
    image = np.asarray(cv2.resize(frame, (WIDTH, HEIGHT)), np.uint8)
    whole = cv2.resize(truth, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    previous, scribbles = _stroke_on(np.asarray(whole, np.uint8))
    steps = _quickest_steps(image, previous, scribbles)
    long_steps = _quickest_steps(*_long_stroke_on(image, np.asarray(whole, np.uint8)))
    return {
        "live_seconds": _quickest(lambda: corrected_mask(image, scribbles, previous, live=True)),
        "colours_seconds": _quickest(lambda: corrected_mask(image, scribbles, previous)),
        "second_look_seconds": sum(steps),
        "longest_step_seconds": max(steps),
        "long_stroke_at_4k_seconds": sum(long_steps),
        "longest_step_at_4k_seconds": max(long_steps),
        BASELINE: _quickest(lambda: _whole_frame(image, scribbles, previous), tries=1),
    }


def _stroke_on(truth: Mask) -> tuple[Mask, NDArray[np.uint8]]:
    """The mask without a piece at its right end, and a stroke across that."""
    x, y, width, height = cv2.boundingRect(truth)
    middle = y + height // 2
    previous, scribbles = truth.copy(), np.zeros_like(truth)
    cv2.circle(previous, (x + width, middle), height // 3, 0, -1)
    cv2.line(scribbles, (x + width - height // 3, middle), (x + width - height // 16, middle), FOREGROUND, 12)
    return previous, scribbles


def _long_stroke_on(image: Image, truth: Mask) -> tuple[Image, Mask, NDArray[np.uint8]]:
    """A 4K frame, the mask without its right half, and a stroke all along what is missing."""
    size = LARGE * image.shape[1], LARGE * image.shape[0]
    large = np.asarray(cv2.resize(image, size), np.uint8)
    previous = np.asarray(cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    x, y, width, height = cv2.boundingRect(previous)
    scribbles, middle = np.zeros_like(previous), x + width // 2
    corners = [(middle + width // 8, y + height // 3), (x + width - width // 8, y + height // 2)]
    corners.append((middle + width // 8, y + height - height // 3))
    cv2.polylines(scribbles, [np.array(corners)], False, FOREGROUND, 24)
    scribbles[previous == 0] = 0
    previous[:, middle:] = 0
    return large, previous, scribbles


def _quickest_steps(image: Image, previous: Mask, scribbles: NDArray[np.uint8]) -> list[float]:
    return min((list(_second_look(image, previous, scribbles)) for _ in range(TRIES)), key=sum)


def _second_look(image: Image, previous: Mask, scribbles: NDArray[np.uint8]) -> Iterator[float]:
    """The seconds of each step of the answer, the network's loading not among them."""
    config = preset("balanced")
    method = new_method(load_network(architecture_of(config), weights_of(config)), config)
    assert isinstance(method, Looking)
    size = config.working_side, round(config.working_side * HEIGHT / WIDTH)
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    mask = np.asarray(cv2.resize(previous, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
    method.remember(small, mask)  # what comes first allocates
    start = time.perf_counter()
    correction = Correction(image, scribbles, previous, doubtful=True)
    for _ in second_look(method, [Shot(0, small, mask)], small, correction):
        yield time.perf_counter() - start
        start = time.perf_counter()


def _whole_frame(image: Image, scribbles: NDArray[np.uint8], previous: Mask) -> None:
    labels = np.where(previous > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[scribbles == FOREGROUND], labels[scribbles == BACKGROUND] = cv2.GC_FGD, cv2.GC_BGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image, labels, (0, 0, WIDTH, HEIGHT), *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)


def _quickest(answer: Callable[[], object], tries: int = TRIES) -> float:
    taken = []
    for _ in range(tries):
        start = time.perf_counter()
        answer()
        taken.append(time.perf_counter() - start)
    return min(taken)


def answer_ratios(seconds: dict[str, float]) -> dict[str, float]:
    """How many times quicker each on the same frame is than the baseline."""
    return {
        f"{name}: whole frame / answer": seconds[BASELINE] / value
        for name, value in seconds.items()
        if name != BASELINE and "4k" not in name
    }
