"""Mattes that are asked for again are read once, and come back as they were."""

from pathlib import Path

import numpy as np

from vosengine.export.matte_memory import MatteMemory


def test_the_mattes_round_a_frame_of_several_objects_are_read_once():
    reads, mattes = [], {}
    for each in range(3):
        for frame in range(20):
            mattes[Path(f"{each}/{frame}")] = matte = np.zeros((90, 160), np.uint16)
            matte[10:30, 10 + 5 * frame : 40 + 5 * frame] = 40000 + frame
    memory = MatteMemory(limit=3 * 11 * 20 * 30 * 2)  # eleven frames of three objects, what is empty left out

    def read(path):
        reads.append(path)
        return mattes[path]

    for middle in range(5, 15):
        for each in range(3):
            for frame in range(middle - 5, middle + 6):
                path = Path(f"{each}/{frame}")
                assert (memory.matte(path, lambda path=path: read(path)) == mattes[path]).all()
    assert len(reads) == len(set(reads)) == 60


def test_an_empty_matte_is_remembered_and_memory_is_bounded():
    memory = MatteMemory(limit=2 * 100)
    full, empty = np.full((10, 10), 65535, np.uint16), np.zeros((10, 10), np.uint16)
    assert not memory.matte(Path("empty"), lambda: empty).any()
    assert memory.matte(Path("empty"), lambda: full).shape == (10, 10)
    assert not memory.matte(Path("empty"), lambda: full).any()
    for name in "abc":
        memory.matte(Path(name), lambda: full)
    assert memory.matte(Path("a"), lambda: empty) is empty  # forgotten, so read again
