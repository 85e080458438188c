import numpy as np
import pytest
from scipy import ndimage

from mribench.dataset.phantoms.deformation import (
    KNOT_MM,
    draw_deformation,
    flow,
    jacobian_determinants,
    rotation,
)
from mribench.dataset.phantoms.sources import template_source


@pytest.mark.parametrize("seed", range(4))
def test_deformation_folds_nowhere_and_stays_below_its_limit(seed):
    age = 30.0 + 15 * seed
    made = draw_deformation(np.random.default_rng(seed), template_source(), age, 4.0)
    length = np.linalg.norm(made.displacement, axis=0)
    assert 1.5 < length.max() <= 4.0 + 1e-4
    assert jacobian_determinants(made.displacement).min() > 0.2


def test_no_deformation_is_the_identity():
    source = template_source()
    made = draw_deformation(np.random.default_rng(0), source, 70.0, 0.0)
    points = made.points((5, 6, 7), 2.0, (1.0, 2.0, 3.0))
    expected = np.indices((5, 6, 7)) * 2.0 + np.array([1, 2, 3]).reshape(3, 1, 1, 1)
    expected += source.grid.affine[:3, 3].reshape(3, 1, 1, 1)
    np.testing.assert_allclose(points, expected, atol=1e-4)


def smooth_velocity():
    noise = np.random.default_rng(4).standard_normal((3, 30, 30, 30))
    velocity = ndimage.gaussian_filter(noise, (0, 4, 4, 4))
    window = np.hanning(30)
    velocity *= window[:, None, None] * window[:, None] * window
    return (velocity * 6 / np.abs(velocity).max()).astype(np.float32)


def test_flow_agrees_with_many_small_steps():
    velocity = smooth_velocity()
    position = np.indices(velocity.shape[1:]).astype(float)
    for _ in range(200):
        step = [
            ndimage.map_coordinates(part, position, order=1, mode="nearest") for part in velocity
        ]
        position += np.stack(step) / KNOT_MM / 200
    expected = (position - np.indices(velocity.shape[1:])) * KNOT_MM
    np.testing.assert_allclose(flow(velocity), expected, atol=0.15)


def test_flow_of_the_opposite_velocity_is_the_inverse():
    velocity = smooth_velocity()
    forward, backward = flow(velocity), flow(-velocity)
    there = np.indices(velocity.shape[1:]) + forward / KNOT_MM
    back = np.stack(
        [ndimage.map_coordinates(part, there, order=1, mode="nearest") for part in backward]
    )
    assert np.abs(forward).max() > 3
    assert np.abs(forward + back).max() < 0.25


def test_rotation_is_proper_and_turns_y_to_z_about_x():
    matrix = rotation((0.3, -0.2, 1.0))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)
    np.testing.assert_allclose(rotation((np.pi / 2, 0, 0)) @ [0, 1, 0], [0, 0, 1], atol=1e-12)
