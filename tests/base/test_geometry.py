"""The geometry gate measures in mm and says what differs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mribench.dataset.geometry import Grid, corner_distance, difference, require_same_grid
from mribench.errors import GeometryError

sizes = st.tuples(*[st.integers(1, 20)] * 3)
shifts = st.tuples(*[st.floats(-5, 5)] * 3)


def grid(shape=(4, 5, 6), spacing=(1.0, 1.0, 3.0), shift=(0, 0, 0)):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = shift
    return Grid(shape, affine)


@given(sizes, shifts)
def test_a_pure_shift_is_measured_exactly(shape, shift):
    distance = corner_distance(grid(shape), grid(shape, shift=shift))
    assert distance == pytest.approx(np.linalg.norm(shift), abs=1e-9)


@given(sizes)
def test_corner_distance_is_the_largest_over_all_voxels(shape):
    generator = np.random.default_rng(0)
    first, second = (
        Grid(shape, np.r_[generator.normal(size=(3, 4)), [[0, 0, 0, 1]]]) for _ in "ab"
    )
    voxels = np.c_[np.indices(shape).reshape(3, -1).T, np.ones(np.prod(shape))]
    brute = np.linalg.norm((voxels @ (first.affine - second.affine).T)[:, :3], axis=1).max()
    assert corner_distance(first, second) == pytest.approx(brute)


def test_difference_in_words():
    assert difference(grid(), grid(shift=(0, 0, 0.005)), 0.01) is None
    assert difference(grid(), grid(shift=(0, 0, 0.5)), 0.01) == (
        "affines that place the same voxel up to 0.5 mm apart"
    )
    assert difference(grid(), grid((4, 5, 7)), 0.01) == "shape (4, 5, 6) against (4, 5, 7) voxels"
    assert grid().spacing == (1.0, 1.0, 3.0)
    assert grid().orientation == "RAS"
    assert grid().voxel_ml == pytest.approx(0.003)


def test_the_gate_names_subject_file_and_remedy():
    with pytest.raises(GeometryError) as caught:
        require_same_grid(
            grid(), grid(shift=(1, 0, 0)), subject="sub-01", file="x.nii.gz", tolerance_mm=0.01
        )
    message = str(caught.value)
    assert message.startswith(
        "sub-01: x.nii.gz: found affines that place the same voxel up to 1 mm"
    )
    assert "resample the file" in message
