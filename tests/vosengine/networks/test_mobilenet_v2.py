import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import mobilenet_v2

from vosengine.networks.mobilenet_v2 import TAP_CHANNELS, TAPS, MobileNetV2, StridedConv, fold_batch_norms


def with_right_bottom_padding(module: nn.Module) -> None:
    """torchvision's network, its stride-2 convolutions padded as the bundled weights were trained."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and child.stride == (2, 2):
            child.padding = (0, 0)
            setattr(module, name, nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), child))
        else:
            with_right_bottom_padding(child)


def test_folded_trunk_equals_torchvisions_with_its_batch_norms():
    torch.manual_seed(0)
    theirs = mobilenet_v2(weights=None).features.eval()
    for layer in theirs.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.2, 0.2)
            nn.init.uniform_(layer.running_mean, -0.2, 0.2)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    state = {f"features.{key}": value for key, value in theirs.state_dict().items()}
    with_right_bottom_padding(theirs)
    ours = MobileNetV2()
    ours.load_state_dict(fold_batch_norms(state))
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        found = ours(image)
        x = image
        expected = []
        for number, block in enumerate(theirs[:18]):
            x = block(x)
            if number in TAPS:
                expected.append(x)
    assert [f.shape[1] for f in found] == list(TAP_CHANNELS)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("groups", [1, 4])
def test_strided_convolution_and_its_gradients_follow_the_definition(groups):
    torch.manual_seed(1)
    conv = StridedConv(4, 4, groups)
    ours, theirs = (torch.randn(2, 4, 8, 6, generator=torch.Generator().manual_seed(2)) for _ in range(2))
    ours.requires_grad_()
    theirs.requires_grad_()
    expected = F.conv2d(F.pad(theirs, (0, 1, 0, 1)), conv.weight, conv.bias, stride=2, groups=groups)
    found = conv(ours)
    torch.testing.assert_close(found, expected)
    weight_gradients = []
    for result in (found, expected):
        conv.zero_grad()
        (result * torch.arange(result.numel()).view_as(result)).sum().backward()
        weight_gradients.append(conv.weight.grad.clone())
    torch.testing.assert_close(ours.grad, theirs.grad)
    torch.testing.assert_close(*weight_gradients)
