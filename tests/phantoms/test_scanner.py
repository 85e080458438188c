import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from mribench.dataset.geometry import Grid
from mribench.dataset.phantoms import scanner
from mribench.dataset.phantoms.scanner import (
    add_noise,
    draw_bias,
    draw_motion,
    sample,
    sample_box,
    scanner_grid,
)

SPACINGS = [(1, 1, 1), (0.5, 0.5, 1), (1, 1, 3), (0.95, 0.95, 3), (0.35, 4.8, 0.35), (2, 2, 2)]


def head_grid(shape=(40, 44, 36)):
    affine = np.eye(4)
    affine[:3, 3] = (-20, -25, -15)
    return Grid(shape, affine)


def blob(shape=(40, 44, 36)):
    array = np.zeros(shape, np.float32)
    array[15:24, 16:27, 13:20] = np.random.default_rng(0).uniform(0.5, 1, (9, 11, 7))
    return array


@pytest.mark.parametrize("spacing", SPACINGS)
def test_grid_has_exactly_the_voxel_size_and_covers_the_head(spacing):
    head = head_grid((189, 226, 197))
    grid = scanner_grid(head, spacing)
    assert grid.spacing == tuple(spacing)
    assert grid.orientation == "RAS"
    extents = [np.array(item.shape) * item.spacing for item in (grid, head)]
    assert (extents[0] >= extents[1] - 1e-6).all()
    centres = [item.affine @ [*((np.array(item.shape) - 1) / 2), 1] for item in (grid, head)]
    np.testing.assert_allclose(centres[0], centres[1], atol=1e-9)


def test_sampling_at_rest_on_the_same_grid_changes_nothing():
    np.testing.assert_allclose(sample(blob(), head_grid(), head_grid(), np.eye(4)), blob())


def test_thick_voxels_hold_the_mean_of_what_is_in_them():
    target = scanner_grid(head_grid(), (2, 1, 3))
    expected = blob().reshape(20, 2, 44, 1, 12, 3).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(sample(blob(), head_grid(), target, np.eye(4)), expected, atol=1e-6)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_sampling_keeps_the_total_under_motion(spacing):
    motion = draw_motion(np.random.default_rng(1), np.array([0.0, -4.0, 1.0]), 3.0)
    target = scanner_grid(head_grid(), spacing)
    total = sample(blob(), head_grid(), target, motion).sum(dtype=float) * np.prod(spacing)
    assert total == pytest.approx(blob().sum(dtype=float), rel=0.02)


def test_sampling_moves_the_content_as_the_motion_says():
    motion = np.eye(4)
    motion[:3, 3] = (3, -2, 4)
    moved = sample(blob(), head_grid(), head_grid(), motion)
    np.testing.assert_allclose(moved, np.roll(blob(), (3, -2, 4), axis=(0, 1, 2)), atol=1e-6)


def test_sampling_in_slabs_or_in_a_box_gives_the_same(monkeypatch):
    motion = draw_motion(np.random.default_rng(2), np.zeros(3), 2.0)
    target = scanner_grid(head_grid(), (1.5, 2, 1))
    whole = sample(blob(), head_grid(), target, motion)
    small = Grid((11, 13, 9), head_grid().affine.copy())
    small.affine[:3, 3] += (14, 15, 12)
    boxed = sample_box(blob()[14:25, 15:28, 12:21], small, target, motion)
    np.testing.assert_allclose(boxed, whole, atol=1e-6)
    monkeypatch.setattr(scanner, "LARGEST_SLAB", 5000)
    np.testing.assert_allclose(sample(blob(), head_grid(), target, motion), whole, atol=1e-6)


@given(seed=st.integers(0, 10_000), largest=st.floats(0, 8))
def test_motion_is_rigid_and_within_its_limit(seed, largest):
    centre = np.array([3.0, -20.0, 8.0])
    motion = draw_motion(np.random.default_rng(seed), centre, largest)
    turn = motion[:3, :3]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    angle = np.rad2deg(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    shift = turn @ centre + motion[:3, 3] - centre
    assert angle <= largest * 1.01 + 1e-4
    assert np.linalg.norm(shift) <= largest + 1e-9


def test_bias_spans_the_amplitude_and_is_smooth():
    grid = scanner_grid(head_grid((190, 220, 200)), (4, 4, 4))
    bias = draw_bias(np.random.default_rng(0), grid, 0.3)
    assert bias.min() == pytest.approx(0.7, abs=1e-3)
    assert bias.max() == pytest.approx(1.3, abs=1e-3)
    assert np.abs(ndimage.laplace(bias)).max() < 0.02


def test_noise_has_the_moments_of_a_rician():
    deviation = 0.05
    empty, bright = (
        add_noise(np.random.default_rng(0), np.full((60, 60, 60), level, np.float32), deviation)
        for level in (0.0, 1.0)
    )
    assert empty.mean() == pytest.approx(deviation * np.sqrt(np.pi / 2), rel=0.01)
    assert bright.std() == pytest.approx(deviation, rel=0.02)
    assert bright.mean() == pytest.approx(1 + deviation**2 / 2, abs=1e-3)
