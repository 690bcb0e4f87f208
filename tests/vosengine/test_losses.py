import math

import torch

from vosengine.losses import class_balanced_cross_entropy, cross_entropy_and_iou, soft_iou


def test_class_balanced_cross_entropy_by_hand():
    target = torch.tensor([1.0, 0, 0, 0]).view(1, 1, 2, 2)
    logits = torch.zeros(1, 1, 2, 2)
    # beta = 3/4 weighs the one object pixel, 1/4 each of the three others; each costs log 2
    expected = (0.75 + 3 * 0.25) * math.log(2)
    assert class_balanced_cross_entropy(logits, target).item() == torch.tensor(expected).item()
    assert math.isclose(
        class_balanced_cross_entropy(logits, target, "mean").item(), expected / 4, rel_tol=1e-6
    )


def test_soft_iou_is_0_for_a_perfect_mask_and_near_1_for_a_wrong_one():
    target = torch.zeros(1, 1, 20, 20)
    target[..., 5:15, 5:15] = 1
    right = (target * 2 - 1) * 50
    assert soft_iou(right, target).item() < 1e-6
    assert math.isclose(soft_iou(-right, target).item(), 1 - 1 / 401, rel_tol=1e-5)


def test_gradient_descent_on_the_loss_finds_the_mask():
    target = (torch.arange(64).view(1, 1, 8, 8) % 3 == 0).float()
    logits = torch.zeros_like(target, requires_grad=True)
    for _ in range(60):
        loss = cross_entropy_and_iou(logits, target)
        (gradient,) = torch.autograd.grad(loss, logits)
        logits = (logits - 20 * gradient).detach().requires_grad_()
    assert torch.equal(logits > 0, target > 0.5)
