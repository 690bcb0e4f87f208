"""Mask R-CNN as e-OSVOS changes it: its shapes, its norms, its losses and its detections."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.detection import maskrcnn_resnet50_fpn
from torchvision.ops import FrozenBatchNorm2d

from vosengine import weights
from vosengine.networks.mask_rcnn import (
    mask_rcnn_lite,
    mask_rcnn_resnet50,
    pasted,
    targets_of,
)


@pytest.fixture(scope="module")
def lite():
    torch.manual_seed(0)
    network = mask_rcnn_lite()
    weights.load_mobilenet_backbone(network)
    return network


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    return mask_rcnn_resnet50()


@pytest.fixture(scope="module")
def published():
    torch.manual_seed(1)
    return maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)


def scene():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.uniform(-1, 1, (2, 3, 64, 96)).astype(np.float32))
    masks = torch.zeros(2, 64, 96)
    masks[0, 10:40, 20:60] = 1
    masks[1, 30:60, 50:90] = 1
    images[0][:, 10:40, 20:60] = 0.8
    return images, [masks, masks[:1]]


def norms(network):
    kinds = (nn.modules.batchnorm._BatchNorm, FrozenBatchNorm2d)
    assert not [layer for layer in network.modules() if isinstance(layer, kinds)]
    return [layer for layer in network.modules() if isinstance(layer, nn.GroupNorm)]


def test_the_paper_network_is_torchvisions_with_group_norm_and_two_classes(resnet, published):
    own, theirs = resnet.state_dict(), published.state_dict()
    statistics = {
        key for key in theirs if key.endswith(("running_mean", "running_var", "num_batches_tracked"))
    }
    assert own.keys() == theirs.keys() - statistics
    differ = {key for key in own if own[key].shape != theirs[key].shape}
    outputs = ("box_predictor.cls_score", "box_predictor.bbox_pred", "mask_predictor.mask_fcn_logits")
    assert differ == {f"roi_heads.{name}.{kind}" for name in outputs for kind in ("weight", "bias")}
    # torchvision's card gives 44,401,393 parameters for 91 classes: 1024 + 1 weights a class and five
    # outputs, 256 + 1 a mask.
    theirs_count = sum(p.numel() for p in published.parameters())
    assert theirs_count - 89 * (5 * 1025 + 257) == sum(p.numel() for p in resnet.parameters())


@pytest.mark.parametrize("build", [mask_rcnn_lite, mask_rcnn_resnet50])
def test_a_network_is_the_same_whatever_was_built_before(build):
    one = build().state_dict()
    torch.rand(7)
    other = build().state_dict()
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_all_norms_are_group_norms(resnet, lite):
    assert {norm.num_groups for norm in norms(resnet)} == {32}
    assert len(norms(resnet)) == 53  # one behind each convolution of ResNet-50's body
    assert len(norms(lite)) == 8 + 2  # two at each pyramid level, two in the mask head


def test_masks_are_pooled_at_28_and_have_56_pixels(resnet, lite):
    for network, channels in ((resnet, 256), (lite, 64)):
        assert tuple(network.roi_heads.mask_roi_pool.output_size) == (28, 28)
        assert tuple(network.roi_heads.box_roi_pool.output_size) == (7, 7)
        features = {str(n): torch.zeros(1, channels, 16 >> n, 16 >> n) for n in range(4)}
        logits = network._mask_logits(features, [torch.tensor([[4.0, 4, 40, 40]])], [(64, 64)])
        assert logits.shape == (1, 1, 56, 56)


def test_the_loss_has_the_paper_s_parts_and_the_seed_decides_the_sample(lite):
    images, masks = scene()
    state = torch.random.get_rng_state()
    first = lite.losses(images, masks, seed=3)
    assert torch.equal(state, torch.random.get_rng_state()), "the global generator is left as it was"
    assert set(first) == {
        "loss_objectness",
        "loss_rpn_box_reg",
        "loss_classifier",
        "loss_box_reg",
        "loss_mask",
    }
    again, other = lite.losses(images, masks, seed=3), lite.losses(images, masks, seed=4)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    assert torch.equal(lite(images, masks, 3), torch.stack(list(first.values())).sum())


def test_the_paper_network_trains_on_one_frame_and_finds_what_it_is_shown(resnet):
    images, masks = scene()
    box = torch.tensor([[20.0, 10, 60, 40]])
    losses = resnet.losses(images[:1], masks[:1], seed=0)
    assert all(np.isfinite(value.item()) for value in losses.values())
    with torch.no_grad():
        found = resnet.detect(images[:1], box)
    assert found.masks.shape == (len(found.scores), 1, 56, 56)


def test_the_gradient_reaches_everything_but_the_early_blocks(lite):
    images, masks = scene()
    lite.zero_grad()
    lite(images, masks, 0).backward()
    without = {name for name, p in lite.named_parameters() if p.grad is None}
    assert without == {name for name, p in lite.named_parameters() if not p.requires_grad}
    assert {name.split(".")[3] for name in without} == {"0", "1", "2", "3"}


def test_frames_without_objects_teach_boxes_but_no_masks(lite):
    images, _ = scene()
    losses = lite.losses(images[:1], [torch.zeros(1, 64, 96)], seed=0)
    assert losses["loss_mask"].item() == losses["loss_box_reg"].item() == 0
    assert losses["loss_objectness"].item() > 0
    sum(losses.values()).backward()


def test_extra_proposals_are_looked_at_and_results_come_best_first(lite, monkeypatch):
    image = scene()[0][:1]
    looked_at = []
    pool = lite.roi_heads.box_roi_pool.forward
    monkeypatch.setattr(
        lite.roi_heads.box_roi_pool,
        "forward",
        lambda features, boxes, sizes: looked_at.append(boxes[0]) or pool(features, boxes, sizes),
    )
    extra = torch.tensor([[20.0, 10, 60, 40], [1, 2, 30, 33]])
    with torch.no_grad():
        plain, more = lite.detect(image), lite.detect(image, extra)
    assert torch.equal(looked_at[1][-2:], extra)
    assert torch.equal(looked_at[1][:-2], looked_at[0])
    for found in (plain, more):
        count = len(found.scores)
        assert count > 0
        assert found.boxes.shape == (count, 4)
        assert found.masks.shape == (count, 1, 56, 56)
        whole = pasted(found.masks, found.boxes, 64, 96)
        assert torch.equal(found.mask(count - 1, 64, 96), whole[-1])
        assert torch.equal(found.scores, found.scores.sort(descending=True).values)


def test_masks_in_given_boxes_are_those_of_the_detections(lite):
    images, _ = scene()
    with torch.no_grad():
        found = lite.detect(images[:1])
        assert len(found.boxes) > 0
        assert torch.allclose(lite.masks_in(images[:1], found.boxes), found.masks, atol=1e-5)


def test_nothing_found_is_no_masks(lite, monkeypatch):
    monkeypatch.setattr(lite.roi_heads, "score_thresh", 1.0)
    with torch.no_grad():
        found = lite.detect(scene()[0][:1])
    assert found.masks.shape == (0, 1, 56, 56)
    assert found.boxes.shape == (0, 4)
    assert pasted(found.masks, found.boxes, 64, 96).shape == (0, 64, 96)


def test_targets_are_tight_boxes_and_leave_out_what_has_no_area():
    masks = torch.zeros(4, 20, 30)
    masks[0, 3:7, 5:15] = 1
    masks[1, 4, 2:9] = 1  # one row
    masks[3, 0:20, 0:30] = 1
    targets = targets_of(masks)
    assert targets["boxes"].tolist() == [[5, 3, 15, 7], [0, 0, 30, 20]]
    assert targets["labels"].tolist() == [1, 1]
    assert torch.equal(targets["masks"], masks[[0, 3]].to(torch.uint8))


def test_pasting_is_the_inverse_of_cutting_out_the_box():
    ramp = (torch.arange(8) + 0.5).expand(8, 8)[None, None] / 8  # grows from left to right
    boxes = torch.tensor([[2.0, 3, 18, 11], [0, 0, 4, 4]])
    found = pasted(ramp.repeat(2, 1, 1, 1), boxes, 12, 20)
    # 16 columns over 8 pixels: column 2 + k has its middle at (k + 0.5) / 16 of the box
    expected = ((torch.arange(16) + 0.5) / 16).clamp(0.5 / 8, 7.5 / 8)
    assert torch.allclose(found[0, 3:11, 2:18], expected.expand(8, 16), atol=1e-6)
    outside = torch.ones(12, 20, dtype=torch.bool)
    outside[3:11, 2:18] = False
    assert not found[0][outside].any()
    assert found[1, :4, :4].all()
    assert found[1].count_nonzero() == 16


def test_coco_weights_are_taken_where_they_fit(resnet, published, tmp_path, monkeypatch):
    theirs = {
        # the published file has names of an older torchvision
        key.replace("rpn.head.conv.0.0.", "rpn.head.conv.").replace(
            "roi_heads.mask_head.0.0.", "roi_heads.mask_head.mask_fcn1."
        ): value
        for key, value in published.state_dict().items()
        if "layer4.0" in key or not key.startswith("backbone.body")
    }
    torch.save(theirs, tmp_path / "coco.pth")
    monkeypatch.setattr(
        weights, "downloaded", lambda *_: torch.load(tmp_path / "coco.pth", weights_only=True)
    )
    before = resnet.roi_heads.box_predictor.cls_score.weight.clone()
    weights.ARCHITECTURES["mask_rcnn_resnet50"].outside["coco"](resnet)
    own, reference = resnet.state_dict(), published.state_dict()
    for key in (
        "backbone.body.layer4.0.conv2.weight",
        "backbone.body.layer4.0.bn2.weight",
        "backbone.fpn.layer_blocks.3.0.weight",
        "rpn.head.conv.0.0.weight",
        "roi_heads.box_head.fc6.bias",
        "roi_heads.mask_head.0.0.weight",
    ):
        assert torch.equal(own[key], reference[key]), key
    assert torch.equal(resnet.roi_heads.box_predictor.cls_score.weight, before)
