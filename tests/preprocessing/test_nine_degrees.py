import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.datasets import load_mni152_template
from scipy.spatial.transform import Rotation

from mribench.files import make_image
from mribench.preprocessing.backends.register_ants import register_linear
from mribench.preprocessing.nine_degrees import nearest_with_nine_degrees
from mribench.preprocessing.transforms import mean_distance, points_of

POINTS = np.random.default_rng(4).normal(0, 1, (3, 300)) * [[60], [80], [50]] + [[5], [-20], [9]]


def nine(angles, scales, shift):
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(scales) @ Rotation.from_rotvec(angles).as_matrix()
    matrix[:3, 3] = shift
    return matrix


def misfit(first, second):
    difference = (first - second)[:3]
    return float(((difference[:, :3] @ POINTS + difference[:, 3:]) ** 2).sum())


angles = st.tuples(*[st.floats(-0.5, 0.5)] * 3)
scales = st.tuples(*[st.floats(0.7, 1.4)] * 3)


@settings(max_examples=25, deadline=None)
@given(angles, scales)
def test_what_has_nine_degrees_stays_as_it_is(turn, stretch):
    matrix = nine(turn, stretch, [3, -40, 12])
    np.testing.assert_allclose(nearest_with_nine_degrees(matrix, POINTS), matrix, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_map_with_nine_degrees_is_nearer(seed):
    random = np.random.default_rng(seed)
    affine = nine(random.normal(0, 0.2, 3), random.uniform(0.85, 1.2, 3), random.normal(0, 20, 3))
    affine[:3, :3] += random.normal(0, 0.05, (3, 3))
    found = nearest_with_nine_degrees(affine, POINTS)
    product = found[:3, :3] @ found[:3, :3].T
    np.testing.assert_allclose(product, np.diag(np.diag(product)), atol=1e-9)
    size = np.sqrt(np.diag(product))
    turn = Rotation.from_matrix(found[:3, :3] / size[:, None]).as_rotvec()
    best = misfit(found, affine)
    assert best > 0
    for step in random.normal(0, 1e-3, (200, 9)):
        other = nine(turn + step[:3], size + step[3:6], found[:3, 3] + 30 * step[6:])
        assert misfit(other, affine) >= best


def test_ants_finds_a_head_of_another_size():
    template = load_mni152_template(resolution=3)
    image = make_image(template.get_fdata().astype(np.float32), template.affine)
    truth = nine([0.05, -0.1, 0.08], [1.08, 0.95, 1.03], [4, -6, 3])
    moving = make_image(np.asanyarray(image.dataobj), truth @ image.affine)
    found = register_linear(image, moving, "affine9")
    assert mean_distance(found, truth, points_of(image, image.get_fdata() > 0.1)) < 1
    product = found[:3, :3] @ found[:3, :3].T
    np.testing.assert_allclose(product, np.diag(np.diag(product)), atol=1e-9)
