"""Voxel counts against plain loops, scipy and MONAI."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from masks_for_tests import full_pairs, mask_pairs
from scipy.spatial.distance import dice as scipy_dice

from mribench.metrics import overlap
from mribench.metrics.volume import log_volume_ratio, volume_difference


def voxel_counts(reference, prediction):
    """Tally voxel by voxel."""
    tally = dict.fromkeys(itertools.product((True, False), repeat=2), 0)
    for wanted, given_ in zip(reference.flat, prediction.flat, strict=True):
        tally[bool(wanted), bool(given_)] += 1
    return tally[True, True], tally[False, True], tally[True, False]


@given(full_pairs())
def test_shares_are_those_of_the_tally(pair):
    hits, false, missed = voxel_counts(*pair)
    assert overlap.counts(*pair) == (hits, false, missed)
    assert overlap.dice(*pair) == pytest.approx(hits / (hits + (false + missed) / 2))
    assert overlap.jaccard(*pair) == pytest.approx(hits / (hits + false + missed))
    assert overlap.precision(*pair) == pytest.approx(hits / (hits + false))
    assert overlap.recall(*pair) == pytest.approx(hits / (hits + missed))


@given(mask_pairs())
def test_dice_is_scipys(pair):
    assume(pair[0].any() or pair[1].any())
    assert overlap.dice(*pair) == pytest.approx(1 - scipy_dice(pair[0].ravel(), pair[1].ravel()))


def test_dice_is_monais(random_masks):
    torch = pytest.importorskip("torch")
    from monai.metrics import compute_dice, compute_iou

    for reference, prediction in random_masks:
        batch = [torch.from_numpy(mask[None, None]) for mask in (prediction, reference)]
        assert overlap.dice(reference, prediction) == pytest.approx(float(compute_dice(*batch)))
        assert overlap.jaccard(reference, prediction) == pytest.approx(float(compute_iou(*batch)))


@given(full_pairs())
def test_normalised_dice_is_dice_of_the_case_brought_to_the_load(pair):
    reference = pair[0]
    assume(not reference.all())
    hits, false, missed = voxel_counts(*pair)
    healthy = reference.size - hits - missed
    rate = false / healthy
    load = 0.01
    # A case of a million voxels with the same rates of misses and of false alarms.
    lesion = 1e6 * load
    brought = 2 * lesion * hits / (hits + missed)
    expected = brought / (brought + rate * (1e6 - lesion) + lesion * missed / (hits + missed))
    assert overlap.normalised_dice(*pair, load, reference.size) == pytest.approx(expected)


def test_normalised_dice_without_healthy_voxels_is_dice():
    full = np.ones((2, 2, 2), bool)
    assert overlap.normalised_dice(full, full, 0.001, 8) == 1


@given(full_pairs())
def test_volume_difference_in_all_forms(pair):
    reference, prediction = pair
    voxels = sum(map(int, prediction.flat)) - sum(map(int, reference.flat))
    signed = volume_difference(*pair, 3.0, "signed", "ml")
    assert signed == pytest.approx(voxels * 0.003)
    assert volume_difference(*pair, 3.0, "absolute", "ml") == abs(signed)
    percent = volume_difference(*pair, 3.0, "signed", "percent")
    assert percent == pytest.approx(100 * voxels / sum(map(int, reference.flat)))
    assert volume_difference(*pair, 3.0, "absolute", "percent") == abs(percent)


@given(full_pairs())
def test_log_volume_ratio_is_even_in_both_directions(pair):
    expected = np.log(pair[1].sum() / pair[0].sum())
    assert log_volume_ratio(*pair, "signed") == pytest.approx(expected)
    assert log_volume_ratio(*pair[::-1], "signed") == pytest.approx(-expected)
    assert log_volume_ratio(*pair, "absolute") == pytest.approx(abs(expected))


def test_overlap_is_that_of_simpleitk(random_masks):
    sitk = pytest.importorskip("SimpleITK")
    for reference, prediction in random_masks:
        images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (reference, prediction)]
        measured = sitk.LabelOverlapMeasuresImageFilter()
        measured.Execute(*images)
        assert overlap.dice(reference, prediction) == pytest.approx(measured.GetDiceCoefficient(1))
        assert overlap.jaccard(reference, prediction) == pytest.approx(
            measured.GetJaccardCoefficient(1)
        )
