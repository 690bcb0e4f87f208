import math

import torch

from vosengine.losses import (
    class_balanced_cross_entropy,
    cross_entropy_and_iou,
    lovasz_extension,
    lovasz_softmax,
    soft_iou,
)


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


def jaccard_loss(mispredicted, truth):
    """1 - J of the object when these pixels are mispredicted (Berman et al., equation 5): |M| / |{y} u M|."""
    return len(mispredicted) / max(1, len(truth | mispredicted))


def lovasz_by_definition(errors, truth):
    """Definition 2: sum of m_i (D({1..i}) - D({1..i-1})) over the errors m in decreasing order."""
    order = sorted(range(len(errors)), key=lambda i: -errors[i])
    value = 0.0
    for position, pixel in enumerate(order):
        with_it, without = set(order[: position + 1]), set(order[:position])
        value += errors[pixel] * (jaccard_loss(with_it, truth) - jaccard_loss(without, truth))
    return value


def test_lovasz_extension_is_its_definition():
    generator = torch.Generator().manual_seed(0)
    errors = torch.rand(6, 12, generator=generator)
    truth = (torch.rand(6, 12, generator=generator) < 0.4).float()
    found = lovasz_extension(errors, truth)
    for row, labels, value in zip(errors.tolist(), truth.tolist(), found.tolist(), strict=True):
        objects = {i for i, label in enumerate(labels) if label}
        assert math.isclose(value, lovasz_by_definition(row, objects), abs_tol=1e-6)


def test_lovasz_extension_of_hard_errors_is_the_jaccard_loss():
    # 6 pixels, 3 of the object; one of them missed and one of the background taken in: J = 2 / 4
    truth = torch.tensor([[1.0, 1, 1, 0, 0, 0]])
    errors = torch.tensor([[0.0, 0, 1, 1, 0, 0]])
    assert lovasz_extension(errors, truth).item() == 0.5


def test_lovasz_softmax_averages_the_classes_that_occur():
    mask = torch.tensor([1.0, 1, 1, 0, 0, 0, 0, 0]).view(1, 1, 2, 4)
    guess = torch.tensor([1.0, 1, -1, 1, -1, -1, -1, -1]).view(1, 1, 2, 4) * 50
    # object: J 2 / 4; background: 4 of its 5 right, one pixel too many: J 4 / 6
    assert math.isclose(lovasz_softmax(guess, mask).item(), (0.5 + 1 / 3) / 2, rel_tol=1e-6)
    nothing = torch.zeros_like(mask)
    # the background alone occurs: 4 of 8 pixels taken for the object
    half = torch.tensor([50.0, -50]).repeat(4).view(1, 1, 2, 4)
    assert math.isclose(lovasz_softmax(half, nothing).item(), 0.5, rel_tol=1e-6)
    both = lovasz_softmax(torch.cat((guess, half)), torch.cat((mask, nothing)))
    assert math.isclose(both.item(), (5 / 12 + 0.5) / 2, rel_tol=1e-6)


def test_lovasz_softmax_descends_to_the_mask():
    target = (torch.arange(64).view(1, 1, 8, 8) % 3 == 0).float()
    logits = torch.zeros_like(target, requires_grad=True)
    for _ in range(60):
        (gradient,) = torch.autograd.grad(lovasz_softmax(logits, target), logits)
        logits = (logits - 20 * gradient).detach().requires_grad_()
    assert torch.equal(logits > 0, target > 0.5)
