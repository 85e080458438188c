"""The surface that grows from the middle of a brain to its rim."""

import numpy as np
import pytest

from mribench.config import Strip
from mribench.dataset.geometry import Grid
from mribench.files import make_image
from mribench.preprocessing.backends import strip_skull_consensus, strip_skull_deepbet
from mribench.preprocessing.backends.strip_skull_mesh import find_brain
from mribench.preprocessing.brain_surface.growth import brain_within, fill, folding, robust_range
from mribench.preprocessing.brain_surface.sphere import make_sphere

SPHERE = make_sphere(2)


def radii(shape, spacing, centre):
    axes = np.ogrid[tuple(slice(size) for size in shape)]
    return np.sqrt(sum((a * s - c) ** 2 for a, s, c in zip(axes, spacing, centre, strict=True)))


def ball_head(spacing, radius=60.0):
    """A bright ball in dark bone in bright scalp, and where the ball is."""
    shape = tuple(int(176 / size) for size in spacing)
    distance = radii(shape, spacing, (88, 84, 90))
    array = np.where(distance < radius, 100.0, 10.0)
    array[(distance > radius + 10) & (distance < radius + 15)] = 130
    array[distance > radius + 15] = 0
    noise = np.random.default_rng(4).normal(0, 2, shape)
    return np.abs(array + noise), distance < radius


def test_the_sphere_is_closed_and_faces_outwards():
    assert len(SPHERE.vertices) == 162
    assert len(SPHERE.triangles) == 320
    corners = SPHERE.vertices[SPHERE.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((normals * corners.mean(axis=1)).sum(axis=1) > 0).all()
    assert ((SPHERE.rings >= 0).sum(axis=1) == 5).sum() == 12
    for vertex, ring in enumerate(SPHERE.rings):
        assert all(vertex in SPHERE.rings[neighbour] for neighbour in ring[ring >= 0])


def test_a_filled_sphere_has_its_volume_also_where_it_leaves_the_image():
    spacing = np.array([1.0, 1.5, 2.0])
    vertices = 20 * make_sphere(4).vertices + [25, 30, 4]
    found = fill((50, 40, 20), spacing, vertices, make_sphere(4).triangles)
    distance = radii((50, 40, 20), spacing, (25, 30, 4))
    half_diagonal = np.linalg.norm(spacing) / 2
    assert found[distance < 19.5].all()
    assert not found[distance > 20 + half_diagonal].any()


def test_folds_are_counted_and_a_sphere_has_none():
    assert folding(3 * SPHERE.vertices, SPHERE.vertices, SPHERE.rings) < 1e-9
    folded = SPHERE.vertices * np.sign(SPHERE.vertices[:, :1] + 0.3) * [1, 1, 0.2]
    assert folding(folded, SPHERE.vertices, SPHERE.rings) > 10


def test_the_robust_range_ignores_a_long_tail():
    values = np.random.default_rng(0).uniform(0, 100, 100_000)
    values[:50] = 1e6
    low, high = robust_range(values)
    assert abs(low - 2) < 1
    assert abs(high - 98) < 1


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (1.5, 1.5, 4.0)])
def test_a_ball_is_found_from_the_head_and_from_a_first_mask(spacing):
    array, truth = ball_head(spacing)
    inner = ball_head(spacing, 58)[1]
    outer = ball_head(spacing, 61.5 + max(spacing))[1]
    for first in (None, np.roll(truth, 5, axis=0)):
        found = brain_within(array, spacing, 0.5, first)
        assert found[inner].all()
        assert outer[found].all()


def test_a_smaller_fraction_gives_a_larger_brain(head):
    spacing = Grid.of(head.images["T1w"]).spacing
    array = head.images["T1w"].get_fdata()
    sizes = [brain_within(array, spacing, fraction).sum() for fraction in (0.7, 0.4, 0.1)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_an_empty_image_has_no_brain():
    assert not brain_within(np.full((9, 9, 9), 7.0), (1, 1, 1), 0.5).any()
    assert not brain_within(np.zeros((9, 9, 9)), (1, 1, 1), 0.5).any()


def test_mesh_repeats_its_mask():
    spacing = (3.0, 3.0, 3.0)
    image = make_image(ball_head(spacing)[0].astype(np.float32), np.diag([*spacing, 1.0]))
    first, second = (find_brain(image, Strip(backend="mesh"), 1) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_consensus_is_what_two_of_three_say(monkeypatch):
    spacing = (3.0, 3.0, 3.0)
    array, truth = ball_head(spacing)
    image = make_image(array.astype(np.float32), np.diag([*spacing, 1.0]))
    network = np.roll(truth, 2, axis=1)
    monkeypatch.setattr(strip_skull_deepbet, "find_brain", lambda *_: network)
    found = strip_skull_consensus.find_brain(image, Strip(), 1)
    masks = [network, brain_within(array, spacing, 0.5), brain_within(array, spacing, 0.5, network)]
    np.testing.assert_array_equal(found, sum(mask.astype(int) for mask in masks) >= 2)
    assert (found != network).any()


def test_consensus_leaves_an_empty_mask_to_the_check(monkeypatch):
    image = make_image(np.ones((6, 6, 6), np.float32), np.eye(4))
    monkeypatch.setattr(strip_skull_deepbet, "find_brain", lambda *_: np.zeros((6, 6, 6), bool))
    assert not strip_skull_consensus.find_brain(image, Strip(), 1).any()
