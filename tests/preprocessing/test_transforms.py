import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from mribench.errors import StageError
from mribench.preprocessing import transforms as tf

ANGLES = arrays(float, 3, elements=st.floats(-0.5, 0.5))
SHIFTS = arrays(float, 3, elements=st.floats(-50, 50))
POINTS = np.random.default_rng(0).uniform(-80, 80, (3, 20))


def test_rigid_keeps_distances_and_turns_about_the_centre():
    matrix = tf.rigid(np.array([0.2, -0.1, 0.3]), np.zeros(3), np.array([5.0, 6.0, 7.0]))
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(matrix @ [5, 6, 7, 1], [5, 6, 7, 1], atol=1e-12)


@given(angles=ANGLES, shift=SHIFTS)
@settings(max_examples=40, deadline=None)
def test_affine_file_gives_back_the_matrix(tmp_path_factory, angles, shift):
    path = tmp_path_factory.mktemp("xfm") / "a.txt"
    matrix = tf.rigid(angles, shift, np.array([1.0, 2.0, 3.0]))
    tf.write_affine(path, matrix)
    np.testing.assert_allclose(tf.read_affine(path), matrix, atol=1e-13)


def test_affine_file_means_the_same_to_ants(tmp_path):
    ants = pytest.importorskip("ants")
    path = tmp_path / "a.txt"
    matrix = tf.rigid(np.array([0.2, -0.1, 0.3]), np.array([4.0, 5, -6]), np.zeros(3))
    matrix[:3, :3] *= [1.1, 0.9, 1.0]
    tf.write_affine(path, matrix)
    theirs = ants.read_transform(str(path))
    for point in POINTS.T:
        expected = tf.LPS @ matrix @ tf.LPS @ [*point, 1]
        np.testing.assert_allclose(theirs.apply_to_point(point), expected[:3], atol=1e-4)


def test_centre_of_an_itk_file_is_honoured(tmp_path):
    path = tmp_path / "itk.txt"
    path.write_text(
        "#Insight Transform File V1.0\n#Transform 0\n"
        "Transform: MatrixOffsetTransformBase_double_3_3\n"
        "Parameters: 0 -1 0 1 0 0 0 0 1 2 3 4\nFixedParameters: 10 20 30\n"
    )
    # ITK: y = A (x - centre) + centre + t; in LPS, so x and y change sign.
    moved = tf.read_affine(path) @ [-10, -20, 30, 1]
    np.testing.assert_allclose(moved[:3], [-12, -23, 34])


def test_other_kinds_of_itk_transforms_are_refused(tmp_path):
    path = tmp_path / "sub-07_from-A_to-B_mode-image_xfm.txt"
    path.write_text("#Insight Transform File V1.0\nTransform: BSplineTransform_double_3_3\n")
    with pytest.raises(StageError, match=r"sub-07: .*BSplineTransform"):
        tf.read_affine(path)


def test_field_file_gives_back_the_field_and_ants_agrees(tmp_path):
    ants = pytest.importorskip("ants")
    vectors = np.random.default_rng(1).normal(0, 3, (6, 7, 8, 3)).astype(np.float32)
    affine = np.diag([2.0, 3, 4, 1])
    affine[:3, 3] = [-5, 6, 7]
    path = tmp_path / "f.nii.gz"
    tf.write_field(path, tf.Field(vectors, affine))
    again = tf.read_field(path)
    np.testing.assert_array_equal(again.vectors, vectors)
    np.testing.assert_allclose(again.affine, affine)
    theirs = ants.read_transform(str(path))
    for index in ([2, 3, 4], [1.5, 2.25, 3.75]):
        point = (affine @ [*index, 1])[:3]
        mine = again.apply(point[:, None])[:, 0]
        lps = np.array([-1, -1, 1])
        np.testing.assert_allclose(theirs.apply_to_point(point * lps) * lps, mine, atol=1e-4)


@given(angles=ANGLES, shift=SHIFTS)
@settings(max_examples=20, deadline=None)
def test_composed_chain_maps_points_like_its_parts(angles, shift):
    first = tf.rigid(angles, shift, np.zeros(3))
    second = np.diag([1.2, 0.8, 1.0, 1.0])
    field = tf.Field(np.full((2, 2, 2, 3), 1.5), np.eye(4))
    chain = [first, second, field, np.linalg.inv(first)]
    merged = tf.compose(chain)
    assert len(merged) == 3
    np.testing.assert_allclose(tf.apply(merged, POINTS), tf.apply(chain, POINTS), atol=1e-9)


def test_inverting_a_field_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not inverted"):
        tf.read_transform(tmp_path / "f.nii.gz", invert=True)


def test_names_say_case_and_ends(tmp_path):
    path = tmp_path / "sub-01_ses-02_from-ce-gadolinium_T1w_to-FLAIR_mode-image_xfm.txt"
    assert tf.ends(path) == ("ce-gadolinium_T1w", "FLAIR")
    assert tf.case_name(path) == "sub-01_ses-02"
    assert tf.case_name("brain.nii.gz") == "brain"
    with pytest.raises(ValueError, match="mode-image"):
        tf.ends(tmp_path / "sub-01_xfm.txt")


def test_mean_distance_of_a_shift_is_its_length():
    shifted = np.eye(4)
    shifted[:3, 3] = [3, 4, 0]
    assert tf.mean_distance(shifted, np.eye(4), POINTS) == pytest.approx(5)
