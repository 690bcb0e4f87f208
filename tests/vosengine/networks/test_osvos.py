import torch
from torchvision.models import vgg16

from vosengine.networks.osvos import STAGES, OsvosNet, normalised, stage_state


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
