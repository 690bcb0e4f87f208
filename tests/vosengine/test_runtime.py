import pytest
import torch

from vosengine import runtime


def test_the_device_can_be_chosen(monkeypatch):
    monkeypatch.setenv("ROTOSHOT_DEVICE", "cpu")
    assert runtime.device() == torch.device("cpu")
    monkeypatch.delenv("ROTOSHOT_DEVICE")
    assert runtime.device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_mixed_precision_gives_bfloat16_where_it_is_fast_and_ends_with_its_block():
    where = torch.device("cpu")
    a = torch.ones(4, 4)
    with runtime.mixed_precision(where):
        inside = (a @ a).dtype
    assert inside == (torch.bfloat16 if runtime.has_fast_bfloat16(where) else torch.float32)
    assert (a @ a).dtype == torch.float32


def test_networks_are_placed_for_fast_convolutions():
    layer = runtime.placed(torch.nn.Conv2d(4, 8, 3))
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)


def test_preparing_sets_the_threads():
    before = torch.get_num_threads()
    try:
        runtime.prepare_process(threads=1)
        assert torch.get_num_threads() == 1
        runtime.prepare_process()
        assert torch.get_num_threads() == 1, "torch's own choice stands"
    finally:
        torch.set_num_threads(before)


@pytest.mark.gpu
def test_cuda_gives_the_same_masks_twice_and_nearly_those_of_the_cpu(monkeypatch):
    from tests.vosengine.methods.scene import follow, shots
    from vosengine.config import preset
    from vosengine.methods import new_method
    from vosengine.weights import load_network

    assert torch.cuda.is_available(), "pytest -m gpu needs a CUDA device"
    config = preset("balanced", steps=6, batch_size=2, crop_area=128 * 96)
    found = {}
    for name, where in (("first", "cuda"), ("again", "cuda"), ("cpu", "cpu")):
        monkeypatch.setenv("ROTOSHOT_DEVICE", where)
        runtime.prefer_deterministic()
        method = new_method(load_network("lite", "lite"), config)
        list(method.fine_tune(shots(0), config.steps))
        found[name] = follow(method, 4)
    for first, again, cpu in zip(*found.values(), strict=True):
        assert (first == again).all()
        assert ((first >= 0.5) != (cpu >= 0.5)).mean() < 0.02
