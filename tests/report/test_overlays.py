"""Which cases and slices are shown, and what the colours mean."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mribench.files import make_image
from mribench.report import slices
from mribench.report.case_images import Classes, number_classes
from mribench.report.overlays import choose_cases, cut_view


@given(st.lists(st.floats(0, 1, width=16), min_size=1, max_size=30))
def test_chosen_cases_have_the_ranks_they_claim(values):
    table = pd.Series(values, index=[f"sub-{place:02d}" for place in range(len(values))])
    chosen = choose_cases(table)
    ordered = sorted(values)
    assert table[chosen["worst"]] == ordered[0]
    assert table[chosen["median"]] == ordered[math.ceil(len(values) / 2) - 1]
    assert table[chosen["best"]] == ordered[-1]


def test_undefined_cases_are_not_chosen():
    table = pd.Series([np.nan, 0.2, 0.1], index=["sub-01", "sub-02", "sub-03"])
    assert choose_cases(table) == {"worst": "sub-03", "median": "sub-03", "best": "sub-02"}
    assert choose_cases(table[:1]) == {}


@pytest.mark.parametrize(
    ("spacing", "axis"),
    [((1, 1, 1), 2), ((0.95, 0.95, 3), 2), ((0.35, 4.8, 0.35), 1), ((5, 1, 1), 0)],
)
def test_slices_are_cut_as_they_were_scanned(spacing, axis):
    assert slices.slice_axis(spacing) == axis


def test_slice_shows_the_largest_reference_area():
    reference, prediction = np.zeros((4, 5, 6), np.uint8), np.zeros((4, 5, 6), np.uint8)
    prediction[:, :, 1] = 1
    assert slices.slice_to_show(reference, [reference], 2) == 3
    assert slices.slice_to_show(reference, [reference, prediction], 2) == 1
    reference[0, :2, 4] = 1
    reference[0, 0, 2] = 1
    assert slices.slice_to_show(reference, [prediction], 2) == 4


labels = arrays.arrays(np.uint8, (3, 4), elements=st.integers(0, 2))


@given(labels, labels)
def test_every_voxel_is_one_kind_of_right_or_wrong(reference, prediction):
    kinds = slices.errors(reference, prediction)
    expected = np.zeros_like(kinds)
    for place in np.ndindex(kinds.shape):
        truth, found = reference[place], prediction[place]
        if truth == found:
            expected[place] = 1 if truth else 0
        else:
            expected[place] = 2 if found else 3
    assert np.array_equal(kinds, expected)


def test_left_of_the_picture_is_the_patients_right():
    array = np.zeros((4, 4, 4), np.uint8)
    array[3, 3, 3] = 1
    for axis in (1, 2):
        assert slices.view(array, axis, 3)[0, 0] == 1


def test_colours_survive_in_the_picture():
    grey = np.full((8, 8), 120, np.uint8)
    kinds = np.zeros((8, 8), np.uint8)
    kinds[2, 2], kinds[5, 5] = 1, 3
    shown = slices.palette()[slices.enlarge(grey, kinds, (1.0, 1.0), 80)]
    strongest = [shown[25, 25].argmax(), shown[55, 55].argmax()]
    assert strongest == [1, 2]
    assert len(np.unique(shown[0, 0])) == 1


def test_ignored_voxels_are_neither_right_nor_wrong():
    volume = slices.Volume(np.full((6, 6, 6), 100.0), (1.0, 1.0, 1.0))
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[2, 2, 3], labels[3, 3, 3] = 1, 2
    predicted = {"net": (labels > 0).astype(np.uint8)}
    truth = make_image(labels, np.eye(4))
    view = cut_view(number_classes("sub-01", volume, truth, predicted, Classes((1,), (2,))))
    assert np.bincount(view.errors["net"].ravel(), minlength=4).tolist()[1:] == [1, 0, 0]
