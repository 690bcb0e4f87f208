"""Mask R-CNN (He et al., ICCV 2017) as e-OSVOS changes it, put together from torchvision's components.

Meinhardt and Leal-Taixé, NeurIPS 2020, section 3.1: all normalisation is group normalisation, so that the
network trains on single frames, and the mask head is trained with the Lovász-softmax loss. The mask head
pools 28 x 28 positions of a box instead of 14 x 14 (supplement, section 1), so its masks have 56 x 56 pixels.

There are two classes, background and object. Images come as they are: torchvision's own transform, which
would rescale them, is left out. Parameters have the names torchvision gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss, project_masks_on_boxes
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.models.resnet import resnet50
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign, masks_to_boxes

from vosengine.losses import lovasz_softmax
from vosengine.networks.mobilenet_v2 import TAP_CHANNELS, MobileNetV2
from vosengine.runtime import seeded, uncompiled

CLASSES = 2
POOLED = 28  # supplement, section 1: twice the default
GROUPS = 32  # Wu and He, "Group Normalization", ECCV 2018
ASPECTS = (0.5, 1.0, 2.0)
# Lite: one pyramid level at each stride 4, 8, 16, 32; proposals from the last three, for frames of 320 x 192.
LITE_CHANNELS = 64
LITE_HIDDEN = 256
LITE_ANCHORS = ((24, 40), (64, 104), (168, 272))

MaskLoss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Detections:
    """What the network found on a frame, best first.

    boxes: (n, 4) as left, top, right, bottom in pixels; scores: (n,) in [0, 1]; masks: probabilities
    (n, 1, 56, 56) of the positions in each box.
    """

    boxes: Tensor
    scores: Tensor
    masks: Tensor

    def mask(self, number: int, height: int, width: int) -> Tensor:
        """One detection's probabilities (height, width) on the frame, 0 outside its box."""
        one = slice(number, number + 1)
        return pasted(self.masks[one], self.boxes[one], height, width)[0]


@dataclass(frozen=True)
class Sampling:
    """How many proposals are looked at: in training and in use, of each frame.

    before, kept: the best of each pyramid level, and of all after non-maximum suppression, (training, use).
    boxes: proposals a training step samples for the box head, a quarter of them on objects.
    detections: at most so many in use.
    """

    before: tuple[int, int]
    kept: tuple[int, int]
    boxes: int
    detections: int


STANDARD = Sampling(before=(2000, 1000), kept=(2000, 1000), boxes=512, detections=100)  # torchvision's
FEW = Sampling(before=(100, 50), kept=(48, 16), boxes=32, detections=5)


class MaskRCNN(nn.Module):
    """Proposals, boxes and masks from a feature pyramid.

    `proposal_levels` are the pyramid's levels that proposals come from.
    """

    def __init__(
        self,
        backbone: nn.Module,
        rpn: RegionProposalNetwork,
        roi_heads: RoIHeads,
        proposal_levels: Sequence[str],
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads
        self.proposal_levels = tuple(proposal_levels)

    def forward(
        self, images: Tensor, masks: Sequence[Tensor], seed: int, mask_loss: MaskLoss = lovasz_softmax
    ) -> Tensor:
        """The sum of `losses`: L_seg = L_RPN + L_box + L_mask (section 3.1)."""
        return torch.stack(list(self.losses(images, masks, seed, mask_loss).values())).sum()

    def losses(
        self, images: Tensor, masks: Sequence[Tensor], seed: int, mask_loss: MaskLoss = lovasz_softmax
    ) -> dict[str, Tensor]:
        """The parts of the loss on images (batch, 3, height, width) in [-1, 1].

        `masks` holds the objects of each image, (objects, height, width) in {0, 1}. The proposals trained on
        are a random sample, the same one for the same `seed`. `mask_loss` takes logits and targets of shape
        (boxes, 1, 56, 56).
        """
        self.train()
        targets = [targets_of(each) for each in masks]
        features, sizes = self._features(images)
        with uncompiled(images.device):
            with seeded(seed), torch.autocast(images.device.type, enabled=False):
                proposals, losses = self._proposals(images, features, targets)
                sample = self.roi_heads.select_training_samples(proposals, targets)
                losses |= self._box_losses(features, sizes, *sample)
            proposals, matched, labels, _ = sample
            chosen = [found > 0 for found in labels]
            positive = [boxes[c] for boxes, c in zip(proposals, chosen, strict=True)]
            logits = self._mask_logits(features, positive, sizes)
            truth = [
                project_masks_on_boxes(target["masks"], boxes, index[c], logits.shape[-1])
                for target, boxes, index, c in zip(targets, positive, matched, chosen, strict=True)
            ]
        there = (torch.cat(truth)[:, None] >= 0.5).float()
        losses["loss_mask"] = mask_loss(logits, there) if len(there) else logits.sum()
        return losses

    def detect(self, image: Tensor, extra_proposals: Tensor | None = None) -> Detections:
        """Objects of one image (1, 3, height, width), looked for also in the `extra_proposals` (k, 4)."""
        self.eval()
        features, sizes = self._features(image)
        with uncompiled(image.device), torch.autocast(image.device.type, enabled=False):
            proposals, _ = self._proposals(image, features, None)
            if extra_proposals is not None:
                proposals = [torch.cat((proposals[0], extra_proposals.to(proposals[0])))]
            found, _ = self.roi_heads(features, proposals, sizes)
        return Detections(*(found[0][key] for key in ("boxes", "scores", "masks")))

    def masks_in(self, image: Tensor, boxes: Tensor) -> Tensor:
        """Probabilities (k, 1, 56, 56) of the objects in given boxes (k, 4) of one image (1, 3, h, w)."""
        self.eval()
        features, sizes = self._features(image)
        with uncompiled(image.device), torch.autocast(image.device.type, enabled=False):
            return self._mask_logits(features, [boxes], sizes).sigmoid()

    def _features(self, images: Tensor) -> tuple[dict[str, Tensor], list[tuple[int, int]]]:
        """The pyramid's levels in fp32, because boxes need more digits than bf16 has, and the image sizes."""
        height, width = images.shape[-2:]
        levels = self.backbone(images)
        return {name: level.float() for name, level in levels.items()}, [(height, width)] * len(images)

    def _proposals(
        self, images: Tensor, features: dict[str, Tensor], targets: list[dict[str, Tensor]] | None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        sizes = [tuple(images.shape[-2:])] * len(images)
        levels = {name: features[name] for name in self.proposal_levels}
        both: tuple[list[Tensor], dict[str, Tensor]] = self.rpn(ImageList(images, sizes), levels, targets)
        return both

    def _box_losses(
        self,
        features: dict[str, Tensor],
        sizes: list[tuple[int, int]],
        proposals: list[Tensor],
        matched: list[Tensor],
        labels: list[Tensor],
        regression_targets: tuple[Tensor, ...],
    ) -> dict[str, Tensor]:
        heads = self.roi_heads
        pooled = heads.box_head(heads.box_roi_pool(features, proposals, sizes))
        classifier, box_reg = fastrcnn_loss(*heads.box_predictor(pooled), labels, regression_targets)
        return {"loss_classifier": classifier, "loss_box_reg": box_reg}

    def _mask_logits(
        self, features: dict[str, Tensor], boxes: list[Tensor], sizes: list[tuple[int, int]]
    ) -> Tensor:
        """The object's logits (boxes, 1, 56, 56)."""
        heads = self.roi_heads
        pooled = heads.mask_head(heads.mask_roi_pool(features, boxes, sizes))
        logits: Tensor = heads.mask_predictor(pooled)
        return logits[:, 1:].float()


class LiteBackbone(nn.Module):
    """MobileNetV2's features at strides 4 to 32 in a pyramid of 64 channels with group norm."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = MobileNetV2()
        self.trunk.freeze_early_blocks()
        self.fpn = FeaturePyramidNetwork(TAP_CHANNELS[1:], LITE_CHANNELS, norm_layer=partial(nn.GroupNorm, 8))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(batch, 3, height, width) -> levels "0" (stride 4) to "3" (stride 32)."""
        taps = self.trunk(images)[1:]
        levels: dict[str, Tensor] = self.fpn({str(number): tap for number, tap in enumerate(taps)})
        return levels


@seeded(0)  # the same network whatever was built before
def mask_rcnn_lite() -> MaskRCNN:
    """The network for CPUs: MobileNetV2, narrow heads, few proposals."""
    anchors = AnchorGenerator(LITE_ANCHORS, (ASPECTS,) * len(LITE_ANCHORS))
    rpn = _rpn(anchors, LITE_CHANNELS, FEW)
    pool = partial(MultiScaleRoIAlign, ["0", "1", "2", "3"], sampling_ratio=1)
    narrow = (LITE_CHANNELS, LITE_CHANNELS)
    roi_heads = _roi_heads(
        FEW,
        box_roi_pool=pool(output_size=7),
        box_head=TwoMLPHead(LITE_CHANNELS * 7 * 7, LITE_HIDDEN),
        box_predictor=FastRCNNPredictor(LITE_HIDDEN, CLASSES),
        mask_roi_pool=pool(output_size=POOLED),
        mask_head=MaskRCNNHeads(LITE_CHANNELS, narrow, 1, norm_layer=partial(nn.GroupNorm, 8)),
        mask_predictor=MaskRCNNPredictor(LITE_CHANNELS, LITE_CHANNELS // 2, CLASSES),
    )
    return MaskRCNN(LiteBackbone(), rpn, roi_heads, ("1", "2", "3"))


@seeded(0)  # as above
def mask_rcnn_resnet50() -> MaskRCNN:
    """The paper's network: ResNet-50 with group norm, feature pyramid and heads as torchvision's."""
    body = resnet50(weights=None, norm_layer=partial(nn.GroupNorm, GROUPS))
    stages = {f"layer{number}": str(number - 1) for number in (1, 2, 3, 4)}
    backbone = BackboneWithFPN(body, stages, [256, 512, 1024, 2048], 256)
    sizes = ((32,), (64,), (128,), (256,), (512,))  # Lin et al., FPN, CVPR 2017
    rpn = _rpn(AnchorGenerator(sizes, (ASPECTS,) * len(sizes)), 256, STANDARD)
    pool = partial(MultiScaleRoIAlign, ["0", "1", "2", "3"], sampling_ratio=2)
    roi_heads = _roi_heads(
        STANDARD,
        box_roi_pool=pool(output_size=7),
        box_head=TwoMLPHead(256 * 7 * 7, 1024),
        box_predictor=FastRCNNPredictor(1024, CLASSES),
        mask_roi_pool=pool(output_size=POOLED),
        mask_head=MaskRCNNHeads(256, (256,) * 4, 1),
        mask_predictor=MaskRCNNPredictor(256, 256, CLASSES),
    )
    return MaskRCNN(backbone, rpn, roi_heads, ("0", "1", "2", "3", "pool"))


def _rpn(anchors: AnchorGenerator, channels: int, sampling: Sampling) -> RegionProposalNetwork:
    """torchvision's thresholds and batch."""
    head = RPNHead(channels, anchors.num_anchors_per_location()[0])
    (before_train, before_use), (kept_train, kept_use) = sampling.before, sampling.kept
    return RegionProposalNetwork(
        anchors,
        head,
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": before_train, "testing": before_use},
        post_nms_top_n={"training": kept_train, "testing": kept_use},
        nms_thresh=0.7,
    )


def _roi_heads(sampling: Sampling, **parts: Any) -> RoIHeads:
    """torchvision's thresholds."""
    return RoIHeads(
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=sampling.boxes,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=0.05,
        nms_thresh=0.5,
        detections_per_img=sampling.detections,
        **parts,
    )


def targets_of(masks: Tensor) -> dict[str, Tensor]:
    """Masks (objects, height, width) in {0, 1} as torchvision's targets: boxes, labels, masks.

    Objects without a pixel, or on a single row or column, are left out: their box has no area.
    """
    there = masks > 0.5
    there = there[(there.any(1).sum(1) > 1) & (there.any(2).sum(1) > 1)]
    boxes = masks_to_boxes(there)
    boxes[:, 2:] += 1  # from the last pixel to its far edge
    labels = torch.ones(len(boxes), dtype=torch.int64, device=masks.device)
    return {"boxes": boxes.float(), "labels": labels, "masks": there.to(torch.uint8)}


def pasted(masks: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """Masks (n, 1, side, side) stretched over their boxes (n, 4): (n, height, width), 0 outside."""
    if not len(masks):
        return masks.new_zeros(0, height, width)
    left, top, right, bottom = boxes[:, :, None].unbind(1)
    x = (torch.arange(width, device=boxes.device) + 0.5 - left) / (right - left) * 2 - 1
    y = (torch.arange(height, device=boxes.device) + 0.5 - top) / (bottom - top) * 2 - 1
    shape = (len(masks), height, width)
    grid = torch.stack((x[:, None, :].expand(shape), y[:, :, None].expand(shape)), 3)
    inside = (grid.abs() <= 1).all(3)
    return F.grid_sample(masks, grid, padding_mode="border", align_corners=False)[:, 0] * inside
