import pytest
import torch
from torchvision.models import vgg16

from vosengine.networks.osvos import STAGES, OsvosNet, normalised, stage_state
from vosengine.networks.osvos_lite import OsvosLite


def test_trunk_takes_torchvisions_vgg16_weights():
    torch.manual_seed(0)
    theirs = vgg16(weights=None).features.eval()
    ours = OsvosNet().eval()
    ours.stages.load_state_dict(stage_state(theirs.state_dict()))
    image = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        expected = theirs[:-1](image)  # without the last pooling, which OSVOS leaves out
        found = image
        for stage in ours.stages:
            found = stage(found)
    assert sum(len(stage) for stage in STAGES) == 13
    torch.testing.assert_close(found, expected)


def test_fused_and_side_logits_have_the_images_size_for_odd_sizes():
    network = OsvosNet().eval()
    with torch.no_grad():
        fused, sides = network.sides(torch.zeros(1, 3, 45, 67))
    assert fused.shape == (1, 1, 45, 67)
    assert [s.shape for s in sides] == [(1, 1, 45, 67)] * 4


def test_input_is_brought_to_the_caffe_weights_range():
    white = normalised(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([255 * (1 - m) for m in (0.48235, 0.45882, 0.40784)]))


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_the_papers_network_has_its_layers_and_as_many_parameters_as_they_make():
    network = OsvosNet()
    widths = (128, 256, 512, 512)
    vgg16 = 14_714_688  # the convolutions of configuration D (Simonyan and Zisserman, 2015)
    assert count(network.stages) == vgg16
    assert [tuple(conv.weight.shape) for conv in network.outputs.side] == [(16, w, 3, 3) for w in widths]
    assert network.outputs.fuse.weight.shape == (1, 64, 1, 1)
    assert count(network) == vgg16 + sum(9 * 16 * w + 16 for w in widths) + 4 * 17 + 65


def test_depth_1_sides_are_1x1_convolutions_and_their_own_scores():
    network = OsvosNet(side_channels=1)
    assert [tuple(c.weight.shape) for c in network.outputs.side] == [
        (1, w, 1, 1) for w in (128, 256, 512, 512)
    ]
    assert count(network.outputs) == 128 + 256 + 512 + 512 + 4 + 5
    fused, sides = network.sides(torch.zeros(1, 3, 32, 32))
    weights = network.outputs.fuse.weight.flatten()
    torch.testing.assert_close(fused, sum(w * s for w, s in zip(weights, sides, strict=True)))


@pytest.mark.parametrize("channels", [1, 16])
def test_the_lite_networks_sides_hang_on_five_strides(channels):
    network = OsvosLite(channels)
    fused, sides = network.sides(torch.zeros(1, 3, 64, 96))
    assert [conv.weight.shape[:2] for conv in network.outputs.side] == [
        (channels, width) for width in (16, 24, 32, 96, 320)
    ]
    assert [s.shape for s in sides] == [(1, 1, 64, 96)] * 5
    assert fused.shape == (1, 1, 64, 96)
    assert not any(p.requires_grad for block in network.trunk.features[:4] for p in block.parameters())
