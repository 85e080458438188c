import pytest
import torch
from monai.losses import DiceCELoss, DiceLoss
from torch.nn import functional

from mribench.losses.segmentation import (
    IGNORE,
    LOSSES,
    cross_entropy,
    dice_cross_entropy,
    focal,
    generalised_dice,
    probabilities,
    soft_dice,
    tversky,
    with_background,
)


def make(classes: int, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(classes)
    logits = torch.randn(3, classes, *shape, generator=generator)
    labels = torch.randint(0, classes + 1, (3, *shape), generator=generator, dtype=torch.uint8)
    return logits, labels


def test_one_class_is_a_sigmoid() -> None:
    logits, labels = make(1, (6, 7))
    assert torch.allclose(probabilities(logits), logits.sigmoid())
    expected = functional.binary_cross_entropy_with_logits(logits[:, 0], labels.float())
    assert torch.allclose(cross_entropy(logits, labels), expected)


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("shape", [(8, 9), (4, 5, 6)])
def test_losses_agree_with_monai(classes: int, shape: tuple[int, ...]) -> None:
    logits, labels = make(classes, shape)
    keys = {"softmax": True, "to_onehot_y": True, "include_background": False, "batch": True}
    dice = DiceLoss(**keys)(with_background(logits), labels[:, None].long())
    assert torch.allclose(soft_dice(logits, labels), dice, atol=1e-6)
    entropy = functional.cross_entropy(with_background(logits), labels.long())
    both = DiceLoss(**keys)(with_background(logits), labels[:, None].long()) + entropy
    assert torch.allclose(dice_cross_entropy(logits, labels), both, atol=1e-6)


def test_sum_agrees_with_monai_where_background_counts_alike() -> None:
    logits, labels = make(2, (8, 9))
    peer = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False, batch=True)
    expected = peer(with_background(logits), labels[:, None].long())
    assert torch.allclose(dice_cross_entropy(logits, labels), expected, atol=1e-6)


def test_focal_tversky_and_generalised_dice_are_their_formulas() -> None:
    logits, labels = make(2, (5, 6))
    shares = with_background(logits).softmax(dim=1)
    targets = functional.one_hot(labels.long(), 3).movedim(-1, 1).float()
    right = (shares * targets).sum(dim=1)
    assert torch.allclose(focal(logits, labels), -((1 - right) ** 2 * right.log()).mean())

    axes = (0, 2, 3)
    both = (shares * targets).sum(axes)
    extra, missed = (shares * (1 - targets)).sum(axes), ((1 - shares) * targets).sum(axes)
    index = both / (both + 0.3 * extra + 0.7 * missed)
    assert torch.allclose(tversky(logits, labels), (1 - index[1:]).mean(), atol=1e-5)

    weights = 1 / targets.sum(axes) ** 2
    volumes = (shares + targets).sum(axes)
    expected = 1 - 2 * (weights * both).sum() / (weights * volumes).sum()
    assert torch.allclose(generalised_dice(logits, labels), expected, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_voxels_change_nothing(name: str) -> None:
    logits, labels = make(2, (8, 9))
    labels[:, :3] = IGNORE
    changed = logits.clone()
    changed[:, :, :3] += 5
    assert torch.equal(LOSSES[name](logits, labels), LOSSES[name](changed, labels))
    kept = LOSSES[name](logits[:, :, 3:], labels[:, 3:])
    assert torch.allclose(LOSSES[name](logits, labels), kept, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_is_finite_where_all_is_ignored_or_certain(name: str) -> None:
    for labels in (torch.full((1, 4, 4), IGNORE), torch.zeros((1, 4, 4))):
        logits = torch.full((1, 1, 4, 4), -200.0, requires_grad=True)
        loss = LOSSES[name](logits, labels.to(torch.uint8))
        loss.backward()
        assert loss.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_the_truth_is_the_best_answer(name: str) -> None:
    labels = torch.tensor([[[0, 1], [2, 0]]], dtype=torch.uint8)
    right = torch.where(labels[:, None] == torch.tensor([1, 2]).view(1, 2, 1, 1), 30.0, -30.0)
    assert LOSSES[name](right, labels) < 1e-4
    assert LOSSES[name](-right, labels) > 0.5
