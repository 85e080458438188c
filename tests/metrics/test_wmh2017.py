"""Preset wmh2017 against the challenge's procedure, built again with SimpleITK."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from masks_for_tests import SPACINGS, label_maps
from scipy.spatial import KDTree
from scipy.spatial.distance import dice

from mribench.metrics.conventions import load_preset
from mribench.metrics.score import score_case

WMH = {"wmh": 1}


def as_itk(array, spacing):
    """An ITK image of an array (x, y, z), turned in space so that coordinates matter."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    image.SetSpacing([float(size) for size in spacing])
    angle = 0.3
    turn = [np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0, 0, 0, 1]
    image.SetDirection(turn)
    image.SetOrigin((-80.0, 12.5, 7.0))
    return image


def border_in_mm(mask):
    """World coordinates of what an in-plane erosion takes away."""
    eroded = sitk.BinaryErode(mask, (1, 1, 0))
    border = sitk.GetArrayFromImage(mask) - sitk.GetArrayFromImage(eroded)
    places = np.argwhere(border)[:, ::-1]
    return np.array([mask.TransformIndexToPhysicalPoint([int(i) for i in p]) for p in places])


def lesion_numbers(mask):
    """Numbers of the fully connected components, 0 outside."""
    fully = sitk.ConnectedComponentImageFilter()
    fully.SetFullyConnected(True)
    return sitk.GetArrayFromImage(fully.Execute(mask))


def official(reference, prediction, spacing):
    """The five metrics of the challenge; None where its script stops or gives NaN."""
    labels = as_itk(reference, spacing)
    result = sitk.Mask(as_itk(prediction, spacing), labels == 2, 0, 1)
    wanted, given_ = labels == 1, result >= 1
    first, second = sitk.GetArrayFromImage(wanted), sitk.GetArrayFromImage(given_)
    scores = dict.fromkeys(("dice", "hd95", "avd"))
    if first.any() or second.any():
        scores["dice"] = 1 - dice(first.ravel().astype(bool), second.ravel().astype(bool))
    if first.any():
        volumes = float(first.sum()), float(second.sum())
        scores["avd"] = abs(volumes[0] - volumes[1]) / volumes[0] * 100
    if first.any() and second.any():
        points = border_in_mm(wanted), border_in_mm(given_)
        if all(map(len, points)):
            ways = points, points[::-1]
            scores["hd95"] = max(np.percentile(KDTree(b).query(a)[0], 95) for a, b in ways)
    mine, theirs = lesion_numbers(wanted), lesion_numbers(given_)
    touched = len(set(mine[second > 0]) - {0}), len(set(theirs[first > 0]) - {0})
    recall = touched[0] / mine.max() if mine.max() else 1.0
    precision = touched[1] / theirs.max() if theirs.max() else 1.0
    both = precision + recall
    scores["lesion_recall"] = recall
    scores["lesion_f1"] = 2 * precision * recall / both if both else 0.0
    return scores


def ours(reference, prediction, spacing):
    scores = score_case(reference, prediction, spacing, load_preset("wmh2017"), WMH)
    return {score.metric: score.value for score in scores}


def assert_same(found, expected):
    for name, value in expected.items():
        if value is None:
            assert found[name] is None
        else:
            assert found[name] == pytest.approx(value, rel=1e-8), name


@settings(max_examples=200)
@given(label_maps(), SPACINGS)
def test_small_volumes_score_as_in_the_challenge(maps, spacing):
    reference, prediction = maps
    prediction = np.minimum(prediction, 1)
    assert_same(ours(reference, prediction, spacing), official(reference, prediction, spacing))


def test_larger_volumes_score_as_in_the_challenge(random_masks):
    for place, (reference, prediction) in enumerate(random_masks):
        labels = reference.astype(np.uint8)
        labels[:8][labels[:8] == 1] = 2
        spacing = (0.9583, 0.9583, 3.0)
        result = prediction.astype(np.uint8)
        if place % 2:
            labels, result = labels[3:, 2:, 1:], result[3:, 2:, 1:]
        assert_same(ours(labels, result, spacing), official(labels, result, spacing))


def test_other_pathology_is_left_out(random_masks):
    reference = random_masks[0][0].astype(np.uint8)
    reference[20:][reference[20:] == 1] = 2
    scores = ours(reference, (reference > 0).astype(np.uint8), (1, 1, 1))
    assert scores == {"dice": 1, "hd95": 0, "avd": 0, "lesion_recall": 1, "lesion_f1": 1}
