"""`cut` as a user runs it: a process of its own, the real engine, an untrained network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vosengine.cli.fakes import HEIGHT, WIDTH, square


@pytest.fixture
def untrained(tmp_path: Path) -> Path:
    """Weights of a fresh lite network: enough to see that everything fits together."""
    import torch
    from safetensors.torch import save_file

    from vosengine.networks.lite import LiteNet

    torch.manual_seed(0)
    state = {name: value.contiguous() for name, value in LiteNet().state_dict().items()}
    save_file(state, tmp_path / "fresh.safetensors", {"architecture": "lite"})
    return tmp_path / "fresh.safetensors"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vosengine", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def test_a_box_in_a_matte_out(clip, tmp_path, untrained):
    out = tmp_path / "Ausgabe für Jürgen"
    words = ["--object", "Würfel", "--box", "0=4,12,24,24", "--range", "0:2", "--json", "-o", out]
    changes = ["--set", "steps=1", "--set", "batch_size=1", "--set", "crop_area=4096"]
    done = run("cut", clip, *words, *changes, "--set", f"weights={untrained}")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    assert values["objects"] == ["Würfel"]
    assert "Learning the object" in done.stderr
    files = sorted(file for folder in values["files"] for file in Path(folder).glob("*.png"))
    assert len(files) == 2
    mattes = [cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED) for file in files]
    assert {(matte.shape, matte.dtype.name) for matte in mattes} == {((HEIGHT, WIDTH), "uint16")}
    inside, truth = mattes[0] > 0, square(0) > 0  # the box, by GrabCut
    assert (inside & truth).sum() / (inside | truth).sum() > 0.9

    again = run("export", out / "project", "-o", tmp_path / "luma", "--template", "ffv1-luma", "--quiet")
    assert again.returncode == 0, again.stderr
    assert again.stderr == ""
    assert list((tmp_path / "luma").glob("*.mkv"))


def test_damaged_weights_are_one_sentence(clip, tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    words = ["cut", clip, "--box", "0=4,12,24,24", "-o", tmp_path / "out", "--quiet"]
    done = run(*words, "--set", "steps=1", "--set", f"weights={tmp_path / 'bad.safetensors'}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("python -m vosengine: bad.safetensors is damaged")
    assert len(done.stderr.splitlines()) == 1
