import pytest
import torch

from vosengine import runtime


def test_the_device_can_be_chosen(monkeypatch):
    monkeypatch.setenv("ROTOSHOT_DEVICE", "cpu")
    assert runtime.device() == torch.device("cpu")
    monkeypatch.delenv("ROTOSHOT_DEVICE")
    assert runtime.device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_device_is_told_in_words(monkeypatch):
    monkeypatch.setenv("ROTOSHOT_DEVICE", "cpu")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert runtime.device_in_use() == ("CPU, 3 threads", 0, 0)


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


def test_a_seed_decides_the_draws_of_its_block_alone(monkeypatch):
    monkeypatch.delattr(torch.cuda, "manual_seed_all")  # what torch.manual_seed does to every card
    before = torch.get_rng_state()
    draws = []
    for seed in (3, 3, (4 << 32) + 1):
        with runtime.seeded(seed):
            draws.append(torch.rand(5))
        assert torch.equal(before, torch.get_rng_state())
    expected = torch.rand(5, generator=torch.Generator().manual_seed(3))
    assert torch.equal(draws[0], expected)
    assert torch.equal(draws[1], expected)
    assert not torch.equal(draws[2], expected)


def test_what_libraries_compile_runs_as_it_is_written_on_cuda_alone():
    compiled = []

    def backend(graph, inputs):
        compiled.append(graph)
        return graph.forward

    twice = torch.compile(lambda x: 2 * x, backend=backend)
    with runtime.uncompiled(torch.device("cuda")):
        assert twice(torch.ones(2)).tolist() == [2, 2]
    assert not compiled
    with runtime.uncompiled(torch.device("cpu")):
        assert twice(torch.ones(2)).tolist() == [2, 2]
    assert len(compiled) == 1


@pytest.mark.gpu
def test_a_seed_reaches_the_card_and_leaves_it_as_it_was():
    before = torch.cuda.get_rng_state()
    draws = []
    for _ in range(2):
        with runtime.seeded(3):
            draws.append(torch.rand(5, device="cuda"))
    assert torch.equal(*draws)
    assert torch.equal(before, torch.cuda.get_rng_state())


@pytest.mark.gpu
def test_mask_rcnn_trains_and_detects_on_cuda_without_a_compiler(monkeypatch):
    from vosengine.weights import load_network

    monkeypatch.setenv("CC", "/no/compiler")
    runtime.prefer_deterministic()
    torch._dynamo.reset()
    counters = torch._dynamo.utils.counters
    counters.clear()
    network = runtime.placed(load_network("mask_rcnn_lite", "mask_rcnn_lite"))
    image, masks = torch.zeros(1, 3, 64, 96, device="cuda"), torch.zeros(1, 64, 96, device="cuda")
    masks[0, 10:40, 20:60] = 1
    losses = []
    for _ in range(2):
        network.zero_grad()
        losses.append(network(image, [masks], 0))
        losses[-1].backward()
    assert torch.equal(*losses)
    with torch.no_grad():
        network.detect(image)
    assert not counters["frames"]


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
