import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.models import VGG16_Weights
from torchvision.models.vgg import cfgs, make_layers

from vosengine.networks.masktrack import MaskTrackVgg16, with_mask_filters
from vosengine.networks.masktrack_lite import MaskTrackLite
from vosengine.networks.osvos import normalised, stage_state
from vosengine.weights import load_network


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(1)
    return make_layers(cfgs["D"]).eval()


@pytest.fixture(scope="module")
def deeplab(theirs):
    network = MaskTrackVgg16().eval()
    network.stages.load_state_dict(with_mask_filters(stage_state(theirs.state_dict()), network))
    return network


def test_layers_are_those_of_deeplab_large_fov(theirs, deeplab):
    convs = [layer for layer in deeplab.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [tuple(c.weight.shape) for c in convs[-3:]] == [
        (1024, 512, 3, 3),
        (1024, 1024, 1, 1),
        (1, 1024, 1, 1),
    ]
    assert [c.dilation[0] for c in convs] == [1] * 10 + [2] * 3 + [12, 1, 1]
    assert convs[0].weight.shape == (64, 4, 3, 3), "RGB and mask"
    pools = [layer for layer in deeplab.modules() if isinstance(layer, torch.nn.MaxPool2d)]
    assert [(p.kernel_size, p.stride) for p in pools] == [(3, 2), (3, 2), (3, 2), (3, 1), (3, 1)]


def test_parameters_are_deeplab_large_fovs_20_5_millions(deeplab):
    count = sum(p.numel() for p in deeplab.parameters())
    published = 14_714_688 + 4_719_616 + 1_049_600  # VGG16's convolutions, fc6, fc7
    assert count == published + 64 * 9 + 1024 + 1, "and the mask's filters and one score"
    assert round(count / 1e6, 1) == 20.5, "DeepLab, table of fields of view"


def test_scores_are_computed_at_an_eighth_and_upscaled(deeplab):
    seen = []
    hook = deeplab.fc8.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    with torch.no_grad():
        logits = deeplab(torch.zeros(1, 3, 65, 97), torch.zeros(1, 1, 65, 97))
    hook.remove()
    assert seen == [(1, 1, 9, 13)], "DeepLab: (side - 1) / 8 + 1"
    assert logits.shape == (1, 1, 65, 97)


def test_vgg16s_filters_see_the_image_and_noise_sees_the_mask(theirs, deeplab):
    image = torch.rand(1, 3, 16, 24) * 2 - 1
    both = torch.cat((normalised(image), torch.zeros(1, 1, 16, 24)), 1)
    torch.testing.assert_close(deeplab.first(both), theirs[0](normalised(image)))
    noise = deeplab.first.weight[:, 3]
    assert abs(noise.mean()) < 0.002
    assert 0.008 < noise.std() < 0.012, "section 4: Gaussian"


def test_a_fifth_stage_position_sees_what_dilated_filters_see(theirs, deeplab):
    features = torch.rand(1, 512, 11, 11)
    first = deeplab.stages[4][1]
    wide = torch.zeros(512, 512, 5, 5)
    wide[:, :, ::2, ::2] = theirs[24].weight.detach()
    torch.testing.assert_close(
        first(features), F.conv2d(features, wide, theirs[24].bias, padding=2), atol=1e-4, rtol=1e-4
    )


def test_imagenet_weights_are_read_from_a_file_of_torchvisions_layout(theirs, tmp_path, monkeypatch):
    file = tmp_path / "hub" / "checkpoints" / VGG16_Weights.IMAGENET1K_FEATURES.url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    torch.save({f"features.{key}": value for key, value in theirs.state_dict().items()}, file)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("vosengine.downloads.is_intact", lambda file: True)  # not the published file
    network = load_network("masktrack_vgg16", "imagenet")
    torch.testing.assert_close(network.first.weight[:, :3], theirs[0].weight)
    torch.testing.assert_close(network.first.weight[:, 3], MaskTrackVgg16().first.weight[:, 3])
    torch.testing.assert_close(network.stages[4][5].bias, theirs[28].bias)


def test_without_a_mask_the_lite_network_sees_imagenets_features():
    network = load_network("masktrack_lite", "imagenet").eval()
    image = torch.rand(2, 3, 32, 64) * 2 - 1
    with torch.no_grad():
        found = network.features(image, torch.zeros(2, 1, 32, 64))
        for ours, trunk in zip(found, network.trunk(image), strict=True):
            torch.testing.assert_close(ours, trunk)


@pytest.mark.parametrize("build", [MaskTrackLite, MaskTrackVgg16])
def test_the_mask_changes_the_result_and_its_filters_are_trained(build):
    network = build().eval()
    image, mask = torch.rand(1, 3, 32, 64), -torch.ones(1, 1, 32, 64)
    empty = network(image, mask)
    mask[..., 8:24, 16:48] = 1
    full = network(image, mask)
    assert full.shape == (1, 1, 32, 64)
    assert not torch.allclose(empty, full, atol=1e-7)
    full.square().sum().backward()
    stem = network.mask_stem.weight if build is MaskTrackLite else network.first.weight
    assert stem.grad.abs().sum() > 0


@pytest.mark.parametrize("build", [MaskTrackLite, MaskTrackVgg16])
def test_a_network_is_the_same_whatever_was_built_before(build):
    one = build().state_dict()
    torch.rand(7)
    before = torch.get_rng_state()
    other = build().state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(before, torch.get_rng_state()), "and does not disturb others' randomness"


def test_the_lite_trunks_early_blocks_are_not_trained():
    trained = {name for name, p in MaskTrackLite().named_parameters() if p.requires_grad}
    assert not any(name.startswith(f"trunk.features.{n}.") for name in trained for n in range(4))
    assert "mask_stem.weight" in trained
    assert np.isin(["trunk.features.4.conv.0.weight", "head.weight"], list(trained)).all()
