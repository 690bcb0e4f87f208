import torch

from vosengine.networks.lite import LiteNet, PlanarGroupNorm
from vosengine.networks.mobilenet_v2 import FROZEN_BLOCKS


def inputs(batch=1, height=64, width=96):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(batch, 3, height, width, generator=generator) * 2 - 1
    mask = torch.zeros(batch, 1, height, width)
    mask[:, :, 16:48, 16:48] = 1
    return image, mask


def test_logits_have_the_images_size_and_depend_on_image_guidance_and_memory():
    torch.manual_seed(0)
    network = LiteNet().eval()
    image, mask = inputs()
    with torch.no_grad():
        features = network.encode(image)
        memory = network.remember(features, mask)
        plain = network.decode(features, torch.zeros_like(mask), memory)
        guided = network.decode(features, 2 * mask - 1, memory)
        other = network.decode(features, torch.zeros_like(mask), network.remember(features, 1 - mask))
        moved = network(image.flip(3), torch.zeros_like(mask), memory)
    assert plain.shape == (1, 1, 64, 96)
    for changed in (guided, other, moved):
        assert (changed - plain).abs().max() > 1e-3


def test_matching_finds_the_remembered_object_where_it_is():
    torch.manual_seed(0)
    network = LiteNet().eval()
    features = torch.randn(1, 96, 4, 6)
    mask = torch.zeros(1, 1, 64, 96)
    mask[:, :, 16:48, 32:64] = 1
    with torch.no_grad():
        memory = network.matcher.remember(features, mask)
        readout = network.matcher(features, memory)
    inside, outside = readout[0, -2], readout[0, -1]
    object_here = torch.nn.functional.avg_pool2d(mask, 16)[0, 0] == 1
    assert object_here.sum() == 4
    torch.testing.assert_close(inside[object_here], torch.ones(4))
    torch.testing.assert_close(outside[~object_here], torch.ones(20))
    assert (inside[~object_here] < 0.99).all()


def test_joined_memories_are_read_as_one_and_halves_swap():
    network = LiteNet().eval()
    image, mask = inputs(batch=2)
    with torch.no_grad():
        memory = network.remember(network.encode(image), mask)
    joined = memory.joined(memory)
    assert joined.keys.shape[2] == 2 * memory.keys.shape[2]
    swapped = memory.swapped_halves()
    torch.testing.assert_close(swapped.values[0], memory.values[1])
    torch.testing.assert_close(swapped.swapped_halves().keys, memory.keys)


def test_the_first_blocks_keep_their_weights():
    network = LiteNet()
    image, mask = inputs()
    network(image, mask, network.remember(network.encode(image), mask)).sum().backward()
    frozen = [p for block in network.trunk.features[:FROZEN_BLOCKS] for p in block.parameters()]
    assert all(p.grad is None for p in frozen)
    assert network.trunk.features[FROZEN_BLOCKS].conv[0].weight.grad is not None


def test_group_norm_is_that_of_its_definition_and_so_is_its_gradient():
    torch.manual_seed(0)
    norm = PlanarGroupNorm(2, 4).double()
    x = torch.randn(3, 4, 5, 2, dtype=torch.double).contiguous(memory_format=torch.channels_last)
    groups = x.reshape(3, 2, -1)
    expected = (groups - groups.mean(2, keepdim=True)) / (
        groups.var(2, correction=0, keepdim=True) + norm.eps
    ).sqrt()
    torch.testing.assert_close(norm(x), expected.view_as(x), check_stride=False)
    with torch.no_grad():
        torch.testing.assert_close(norm(x), expected.view_as(x), check_stride=False)
    assert norm(x).stride() == x.stride()
    assert torch.autograd.gradcheck(norm, x.requires_grad_())


def test_what_convolutions_see_is_channels_last():
    network = LiteNet().to(memory_format=torch.channels_last)
    seen = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda layer, given, _: seen.append(given[0]))
    image, mask = (x.contiguous(memory_format=torch.channels_last) for x in inputs(batch=2))
    features = network.encode(image)
    network.decode(features, mask, network.remember(features, mask))
    maps = [x for x in seen if min(x.shape[1:]) > 1]  # a single channel or pixel fits any layout
    assert len(maps) > 50
    assert not [tuple(x.shape) for x in maps if x.stride(1) != 1]
