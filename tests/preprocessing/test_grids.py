import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from mribench.config import Grid as GridSettings
from mribench.dataset.geometry import Grid
from mribench.preprocessing.grids import TEMPLATE, cut_grid, onto_variant, respaced, variant_grid
from mribench.preprocessing.transforms import rigid


@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    old=st.tuples(*[st.floats(0.4, 5)] * 3),
    new=st.tuples(*[st.floats(0.4, 5)] * 3),
)
@settings(max_examples=60, deadline=None)
def test_respaced_keeps_centre_and_directions_and_covers_the_field_of_view(shape, old, new):
    affine = rigid(np.array([0.2, 0.1, -0.3]), np.array([10.0, -20, 30]), np.zeros(3))
    affine[:3, :3] *= old
    grid = Grid(shape, affine)
    made = respaced(grid, new)
    centre = affine @ [*((np.array(shape) - 1) / 2), 1]
    np.testing.assert_allclose(
        made.affine @ [*((np.array(made.shape) - 1) / 2), 1], centre, atol=1e-6
    )
    np.testing.assert_allclose(np.linalg.norm(made.affine[:3, :3], axis=0), new)
    extent = np.array(shape) * old
    covered = np.array(made.shape) * new
    assert (covered >= extent - 2e-3 * np.array(new)).all()
    assert (covered < extent + new).all()


def test_native_grid_is_the_reference_itself():
    grid = Grid((3, 4, 5), np.diag([1.0, 2, 3, 1]))
    assert variant_grid(GridSettings(), grid) is grid


def test_template_grid_at_two_millimetres():
    reference = Grid((3, 4, 5), np.eye(4))
    made = variant_grid(GridSettings(space="template", spacing=2.0), reference)
    assert made.spacing == (2.0, 2.0, 2.0)
    assert made.shape == (99, 117, 95)


@pytest.mark.parametrize(
    ("contrast", "space", "expected"),
    [
        ("FLAIR", "reference", []),
        ("T1w", "reference", [("T1w", "FLAIR")]),
        ("T1w", "template", [("T1w", TEMPLATE)]),
        ("FLAIR", "template", [("T1w", TEMPLATE), ("FLAIR", "T1w")]),
        ("T2w", "template", [("T1w", TEMPLATE), ("FLAIR", "T1w"), ("T2w", "FLAIR")]),
    ],
)
def test_chains_start_at_the_variant_and_end_at_the_contrast(contrast, space, expected):
    assert onto_variant(contrast, "FLAIR", "T1w", space) == expected


def test_chain_without_detour_where_anatomy_is_the_reference():
    assert onto_variant("FLAIR", "T1w", "T1w", "template") == [
        ("T1w", TEMPLATE),
        ("FLAIR", "T1w"),
    ]


@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    size=st.tuples(*[st.integers(1, 60)] * 3),
    centre=st.tuples(*[st.floats(-5, 45)] * 3),
)
@settings(max_examples=60, deadline=None)
def test_cut_grid_keeps_the_lattice_and_meets_the_centre(shape, size, centre):
    affine = rigid(np.array([0.2, 0.1, -0.3]), np.array([10.0, -20, 30]), np.zeros(3))
    affine[:3, :3] *= (1, 2, 3)
    made = cut_grid(Grid(shape, affine), size, np.array(centre))
    assert made.shape == size
    first = np.linalg.inv(affine) @ made.affine
    np.testing.assert_allclose(first[:3, :3], np.eye(3), atol=1e-9)
    np.testing.assert_allclose(first[:3, 3], np.rint(first[:3, 3]), atol=1e-9)
    middle = first[:3, 3] + (np.array(size) - 1) / 2
    assert np.abs(middle - centre).max() <= 0.5 + 1e-5


def test_cutting_at_the_centre_to_the_same_size_changes_nothing():
    grid = Grid((4, 5, 6), np.diag([1.0, 2, 3, 1]))
    made = cut_grid(grid, grid.shape, (np.array(grid.shape) - 1) / 2)
    assert made.shape == grid.shape
    np.testing.assert_array_equal(made.affine, grid.affine)
