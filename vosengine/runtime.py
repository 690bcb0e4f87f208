"""The device, the number format and the process settings a computation runs with."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import torch
from torch import nn

from vosengine.language import trn

Network = TypeVar("Network", bound=nn.Module)
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h
LARGE = 1 << 30


def prepare_process(threads: int | None = None) -> None:
    """Settings for a process that computes: the allocator, determinism, torch's threads.

    Without `threads` torch decides: OMP_NUM_THREADS, else all cores.
    """
    keep_large_blocks()
    prefer_deterministic()
    if threads is not None:
        torch.set_num_threads(threads)


def keep_large_blocks() -> None:
    """Let glibc's allocator keep large blocks instead of returning them: a third of a training step."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option, value in ((M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE), (M_TOP_PAD, 64 << 20)):
            mallopt(option, value)


def prefer_deterministic() -> None:
    """Same seed, same masks on CUDA too, where the default algorithms may differ from run to run."""
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)


def device() -> torch.device:
    """CUDA where there is a card, else the CPU; ROTOSHOT_DEVICE overrides ("cpu", "cuda:1")."""
    name = os.environ.get("ROTOSHOT_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def device_in_use() -> tuple[str, int, int]:
    """`device()` in words, and of a card the bytes taken by this process and all bytes it has; else 0, 0."""
    where = device()
    if where.type != "cuda":
        threads = torch.get_num_threads()
        text = trn("CPU, {count} thread", "CPU, {count} threads", threads)
        return text.format(count=threads), 0, 0
    properties = torch.cuda.get_device_properties(where)
    return properties.name, torch.cuda.memory_reserved(where), properties.total_memory


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generators, the CPU's and that of `device()`, and put them back afterwards.

    For layers and samplers that take no generator of their own.
    """
    where = device()
    cards = [where] if where.type == "cuda" else []
    with torch.random.fork_rng(cards):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed all cards for good
        for card in cards:
            with torch.cuda.device(card):
                torch.cuda.manual_seed(seed)
        yield


def uncompiled(where: torch.device) -> AbstractContextManager[object]:
    """Run what libraries compile as it is written, on CUDA.

    torchvision's deterministic RoIAlign would call torch.compile, which needs a C compiler and takes minutes.
    """
    return torch.compiler.set_stance("force_eager") if where.type == "cuda" else nullcontext()


def placed(network: Network) -> Network:
    """The network on the device, its weights laid out for fast convolutions."""
    return network.to(device()).to(memory_format=torch.channels_last)


def has_fast_bfloat16(where: torch.device) -> bool:
    """Whether bf16 convolutions are faster than fp32 here (matrix instructions)."""
    if where.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


def mixed_precision(where: torch.device) -> AbstractContextManager[None]:
    """Autocast to bf16 where that is faster, else nothing. Never hold it across a `yield`."""
    return torch.autocast(where.type, torch.bfloat16, enabled=has_fast_bfloat16(where))
