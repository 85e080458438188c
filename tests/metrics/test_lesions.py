"""Lesion counts against flooding and scipy's labelling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from masks_for_tests import components, mask_pairs
from scipy import ndimage

from mribench.metrics import lesions
from mribench.metrics.conventions import Lesions

RULES = st.builds(
    Lesions,
    connectivity=st.sampled_from([6, 18, 26]),
    minimum_mm3=st.sampled_from([0.0, 3.0, 4.5]),
    hit=st.sampled_from(["any", "iou"]),
    threshold=st.sampled_from([0.1, 0.25, 0.5]),
)
VOXEL_MM3 = 1.5


def expected_hits(pair, rule):
    """Say for each lesion of the first and of the second mask whether it has a counterpart."""
    sets = [
        [
            lesion
            for lesion in components(mask, rule.connectivity)
            if len(lesion) * VOXEL_MM3 >= rule.minimum_mm3
        ]
        for mask in pair
    ]

    def meets(first, second):
        if rule.hit == "any":
            return bool(first & second)
        return len(first & second) / len(first | second) >= rule.threshold

    return tuple(
        [any(meets(lesion, other) for other in others) for lesion in own]
        for own, others in (sets, sets[::-1])
    )


@given(mask_pairs(), RULES)
def test_hits_are_those_of_comparing_all_pairs_of_lesions(pair, rule):
    reference, prediction = expected_hits(pair, rule)
    found = lesions.find_lesions(*pair, rule, VOXEL_MM3)
    assert sorted(found.reference) == sorted(reference)
    assert sorted(found.prediction) == sorted(prediction)
    if not reference or not prediction:
        return
    recall, precision = np.mean(reference), np.mean(prediction)
    assert lesions.lesion_recall(found) == pytest.approx(recall)
    assert lesions.lesion_precision(found) == pytest.approx(precision)
    harmonic = 2 / (1 / recall + 1 / precision) if recall and precision else 0
    assert lesions.lesion_f1(found, "harmonic") == pytest.approx(harmonic)
    wrong = reference.count(False) + prediction.count(False)
    for form, hits in (
        ("reference_counts", sum(reference)),
        ("prediction_counts", sum(prediction)),
    ):
        assert lesions.lesion_f1(found, form) == pytest.approx(2 * hits / (2 * hits + wrong))


@given(mask_pairs(), st.sampled_from([(6, 1), (18, 2), (26, 3)]))
def test_lesions_are_scipys_components(pair, connectivities):
    ours, theirs = connectivities
    labels, sizes = lesions.label_lesions(pair[0], Lesions(connectivity=ours, hit="any"), 1.0)
    element = ndimage.generate_binary_structure(3, theirs)
    expected, number = ndimage.label(pair[0], element)
    assert len(sizes) == number
    assert sorted(sizes) == sorted(np.bincount(expected.ravel())[1:])
    assert np.array_equal(labels > 0, pair[0])


@pytest.mark.parametrize("connectivity", [6, 18, 26])
@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (3, 1, 1), (1, 3, 1), (3, 1, 3), (1, 9, 9), (7, 7, 7)]
)
def test_single_voxels_in_thin_volumes_are_all_numbered(shape, connectivity):
    mask = np.zeros(shape, bool)
    mask[::2, ::2, ::2] = True
    for order in "CF":
        rule = Lesions(connectivity=connectivity, hit="any")
        labels, sizes = lesions.label_lesions(np.array(mask, order=order), rule, 1.0)
        assert len(sizes) == mask.sum()
        assert len(set(labels[mask])) == mask.sum()


def test_a_small_lesion_counts_on_neither_side():
    mask = np.zeros((9, 3, 3), bool)
    mask[1, 1, 1] = True
    mask[4:7, 1, 1] = True
    rule = Lesions(connectivity=26, hit="any", minimum_mm3=3)
    labels, sizes = lesions.label_lesions(mask, rule, 1.0)
    assert sizes.tolist() == [3]
    assert labels[1, 1, 1] == 0
    assert set(labels[4:7, 1, 1]) == {1}


def test_the_f1_differ_where_one_lesion_meets_two():
    reference = np.zeros((9, 1, 1), bool)
    prediction = reference.copy()
    reference[[0, 2]] = True
    prediction[0:3] = True
    prediction[[5, 7]] = True
    found = lesions.find_lesions(reference, prediction, Lesions(connectivity=6, hit="any"), 1.0)
    assert lesions.lesion_f1(found, "harmonic") == pytest.approx(2 * (1 / 3) / (1 / 3 + 1))
    assert lesions.lesion_f1(found, "reference_counts") == pytest.approx(4 / (4 + 2))
    assert lesions.lesion_f1(found, "prediction_counts") == pytest.approx(2 / (2 + 2))


def test_the_threshold_itself_is_a_hit():
    reference = np.zeros((6, 1, 1), bool)
    prediction = reference.copy()
    reference[0:4], prediction[0:1] = True, True
    for threshold, hit in ((0.25, True), (0.26, False)):
        rule = Lesions(connectivity=6, hit="iou", threshold=threshold)
        assert lesions.find_lesions(reference, prediction, rule, 1.0).reference.tolist() == [hit]
