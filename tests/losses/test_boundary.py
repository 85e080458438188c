from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mribench.losses.boundary import (
    boundary,
    boundary_and_regions,
    choose_loss,
    signed_distance,
)
from mribench.losses.segmentation import IGNORE, generalised_dice
from mribench.methods.base import LossName
from mribench.methods.unet2d import Settings

SPACING = torch.tensor([[1.5, 0.5, 3.0]])


def make(shape: tuple[int, ...] = (6, 7, 4)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 2, *shape, generator=generator)
    labels = torch.randint(0, 3, (1, *shape), generator=generator, dtype=torch.uint8)
    return logits, labels


def test_distances_are_those_to_the_nearest_voxel_of_the_other_kind() -> None:
    mask = np.random.default_rng(0).random((5, 6, 4)) < 0.3
    spacing = (1.5, 0.5, 3.0)
    found = signed_distance(mask, spacing)
    places = np.argwhere(np.ones_like(mask)) * spacing
    for place, value, inside in zip(places, found.ravel(), mask.ravel(), strict=True):
        others = places[mask.ravel() != inside]
        nearest = np.linalg.norm(others - place, axis=1).min()
        assert value == pytest.approx(-nearest if inside else nearest, rel=1e-5)


def test_a_patch_of_one_kind_has_no_distances() -> None:
    for mask in (np.zeros((4, 5), bool), np.ones((4, 5), bool)):
        assert not signed_distance(mask, (1, 1)).any()


def test_a_prediction_off_the_boundary_costs_by_its_distance_in_mm() -> None:
    labels = torch.zeros((1, 20), dtype=torch.uint8).view(1, 20, 1)
    labels[0, 5:10] = 1
    certain = torch.full((1, 1, 20, 1), -100.0)
    costs = []
    for end in (10, 12, 15):
        logits = certain.clone()
        logits[0, 0, 5:end] = 100
        costs.append(float(boundary(logits, labels, torch.tensor([[2.0, 1.0]]))))
    assert costs[1] - costs[0] == pytest.approx((2 + 4) / 20)
    assert costs[2] - costs[1] == pytest.approx((6 + 8 + 10) / 20)


def test_ignored_voxels_change_nothing_and_gradients_are_finite() -> None:
    logits, labels = make()
    labels[:, :2] = IGNORE
    changed = logits.clone()
    changed[:, :, :2] += 5
    changed.requires_grad_()
    loss = boundary_and_regions(changed, labels, SPACING, 50)
    assert torch.equal(loss, boundary_and_regions(logits, labels, SPACING, 50))
    loss.backward()
    assert changed.grad is not None
    assert changed.grad.isfinite().all()
    assert not changed.grad[:, :, :2].any()


def test_share_falls_from_regions_to_boundary_by_epoch() -> None:
    logits, labels = make()
    regions, edges = generalised_dice(logits, labels), boundary(logits, labels, SPACING)
    for epoch, share in ((0, 1.0), (30, 0.7), (99, 0.01), (500, 0.01)):
        found = boundary_and_regions(logits, labels, SPACING, epoch)
        assert torch.allclose(found, share * regions + (1 - share) * edges)


@pytest.mark.parametrize("name", get_args(LossName))
def test_every_name_of_the_configuration_is_a_loss(name: str) -> None:
    logits, labels = make()
    assert choose_loss(name)(logits, labels, SPACING, 3).isfinite()


def test_a_changing_loss_is_no_monitor() -> None:
    with pytest.raises(ValidationError, match="take monitor: dice"):
        Settings(method="unet2d", variant="native", loss="boundary", monitor="loss")
