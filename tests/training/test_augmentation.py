from typing import Any

import pytest
import torch

from mribench.methods.base import Augmentation
from mribench.training.augmentation import augment, mirror
from mribench.training.patches import Batch

NONE = {
    "mirror": False,
    "rotation": 0,
    "scaling": 0,
    "translation": 0,
    "intensity": 0,
    "gamma": 0,
    "noise": 0,
}


def make_batch(*shape: int, count: int = 6) -> Batch:
    """A bright ball on a dark brain; the label is the ball."""
    axes = [torch.arange(size) - size / 2 + 0.5 for size in shape]
    grids = torch.meshgrid(*axes, indexing="ij")
    ball = sum((grid - 3 * place) ** 2 for place, grid in enumerate(grids)) < 30
    images = torch.where(ball, 10.0, 1.0).expand(count, 2, *shape).clone()
    labels = ball.to(torch.uint8).expand(count, *shape).clone()
    axes_count = len(shape)
    origins = torch.arange(axes_count).expand(count, axes_count)
    sizes = torch.tensor(shape).expand(count, axes_count) + 10
    return Batch(images, labels, origins, sizes, torch.ones(count, axes_count))


def changed(batch: Batch, seed: int = 0, axis: int | None = 0, **keys: Any) -> Batch:
    strength = Augmentation(**{**NONE, "probability": 1, **keys})
    return augment(batch, strength, axis, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(40, 32), (24, 28, 20)])
def test_images_and_labels_stay_together(shape: tuple[int, ...]) -> None:
    batch = make_batch(*shape)
    result = changed(batch, mirror=True, rotation=40, scaling=0.2, translation=0.1)
    bright = result.images[:, 0] > 5.5
    agree = (bright == (result.labels == 1)).float().mean()
    assert agree > 0.98
    assert not torch.equal(result.labels, batch.labels)
    assert set(result.labels.unique().tolist()) == {0, 1}


def test_all_strengths_zero_change_nothing() -> None:
    batch = make_batch(20, 30)
    result = changed(batch)
    assert torch.allclose(result.images, batch.images, atol=1e-4)
    assert torch.equal(result.labels, batch.labels)


def test_probability_zero_moves_nothing() -> None:
    batch = make_batch(20, 30)
    result = changed(batch, probability=0, rotation=90, scaling=0.5, translation=0.3)
    assert torch.equal(result.labels, batch.labels)


def test_rotation_is_rigid_in_mm() -> None:
    """A ball in mm, an ellipsoid in voxels, looks the same after any rotation."""
    axes = torch.arange(64) - 31.5
    x, y = torch.meshgrid(axes, 3 * axes[16:48], indexing="ij")
    ball = (x**2 + y**2 < 400).to(torch.uint8)
    spacings = torch.tensor([[1.0, 3.0]]).expand(4, 2)
    labels = ball.expand(4, -1, -1)
    batch = Batch(labels[:, None].float(), labels, spacings * 0, spacings * 0 + 64, spacings)
    result = changed(batch, rotation=90)
    assert (result.labels != labels).float().mean() < 0.02
    assert not torch.equal(result.images, batch.images)


def test_affine_moves_without_scaling_keep_the_size() -> None:
    batch = make_batch(48, 48)
    result = changed(batch, rotation=180, translation=0.05)
    sizes = result.labels.flatten(1).sum(dim=1).float() / batch.labels[0].sum()
    assert sizes.min() > 0.93
    assert sizes.max() < 1.07


def test_mirror_flips_both_and_tells_the_place() -> None:
    batch = make_batch(12, 16, count=2)
    result = mirror(batch, 0, torch.tensor([True, False]))
    assert torch.equal(result.images[0], batch.images[0].flip(1))
    assert torch.equal(result.labels[0], batch.labels[0].flip(0))
    assert torch.equal(result.images[1], batch.images[1])
    assert result.origins.tolist() == [[22 - 0 - 12, 1], [0, 1]]


def test_intensity_changes_stay_inside_the_brain() -> None:
    batch = make_batch(20, 20)
    batch.images[:, :, :5] = 0
    result = changed(batch, intensity=0.3, gamma=0.3, noise=0.2)
    assert (result.images[:, :, :5] == 0).all()
    assert (result.images[:, :, 5:] != batch.images[:, :, 5:]).all()
    assert torch.equal(result.labels, batch.labels)


def test_same_generator_same_result() -> None:
    keys = {"rotation": 20, "noise": 0.2, "mirror": True}
    first, second = (changed(make_batch(20, 20), **keys) for _ in range(2))
    assert torch.equal(first.images, second.images)
    other = changed(make_batch(20, 20), seed=1, **keys)
    assert not torch.equal(first.images, other.images)
