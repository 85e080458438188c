"""Other tools give our numbers where they count as we do, and else differ as docs/metrics.md says."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from medpy.metric import binary
from seg_metrics.seg_metrics import computeQualityMeasures

from mribench.metrics import overlap
from mribench.metrics.conventions import Surface
from mribench.metrics.surface import border_distances, hausdorff, surface_distance
from mribench.metrics.volume import volume_difference

SPACING = (0.9, 1.0, 2.5)


@pytest.fixture
def surfaces(monkeypatch):
    """The package surface-distance, whose version 0.1 asks for a name that numpy 2 dropped."""
    monkeypatch.setattr(np, "Inf", np.inf, raising=False)
    return pytest.importorskip("surface_distance")


def test_medpy_counts_the_same_voxels(random_masks):
    for reference, prediction in random_masks:
        assert overlap.dice(reference, prediction) == pytest.approx(
            binary.dc(prediction, reference)
        )
        assert overlap.jaccard(reference, prediction) == pytest.approx(
            binary.jc(prediction, reference)
        )
        shares = overlap.precision(reference, prediction), overlap.recall(reference, prediction)
        theirs = binary.precision(prediction, reference), binary.recall(prediction, reference)
        assert shares == pytest.approx(theirs)
        percent = volume_difference(reference, prediction, 1.0, "signed", "percent")
        assert percent == pytest.approx(100 * binary.ravd(prediction, reference))


@pytest.mark.parametrize(("neighbourhood", "connectivity"), [(6, 1), (18, 2), (26, 3)])
def test_medpy_measures_our_distances_and_pools_both_directions(
    random_masks, neighbourhood, connectivity
):
    rule = Surface(neighbourhood=neighbourhood)
    for reference, prediction in random_masks:
        found = border_distances(reference, prediction, SPACING, rule)
        both = prediction, reference, SPACING, connectivity
        assert hausdorff(found, 100, "larger") == pytest.approx(binary.hd(*both))
        assert hausdorff(found, 95, "pooled") == pytest.approx(binary.hd95(*both))
        assert surface_distance(found, "pooled") == pytest.approx(binary.assd(*both))
        directed = binary.asd(*both), binary.asd(reference, prediction, *both[2:])
        assert surface_distance(found, "averaged") == pytest.approx(np.mean(directed))


def test_the_larger_direction_is_not_the_pooled_percentile(random_masks):
    rule = Surface(neighbourhood=6)
    found = [border_distances(*pair, SPACING, rule) for pair in random_masks]
    assert any(hausdorff(d, 95, "larger") > hausdorff(d, 95, "pooled") for d in found)


def test_surface_distance_measures_between_surface_elements(random_masks, surfaces):
    diagonal = float(np.linalg.norm(SPACING))
    apart = []
    for reference, prediction in random_masks:
        assert overlap.dice(reference, prediction) == pytest.approx(
            surfaces.compute_dice_coefficient(reference, prediction)
        )
        theirs = surfaces.compute_surface_distances(reference, prediction, SPACING)
        found = border_distances(reference, prediction, SPACING, Surface(neighbourhood=6))
        # An element of the surface lies within half a voxel's diagonal of a border voxel.
        ours = hausdorff(found, 100, "larger")
        assert abs(ours - surfaces.compute_robust_hausdorff(theirs, 100)) <= diagonal
        averages = surfaces.compute_average_surface_distance(theirs)
        apart.append(abs(surface_distance(found, "averaged") - np.mean(averages)))
        assert apart[-1] <= diagonal
    assert max(apart) > 0.01


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_surface_distance_and_we_agree_on_a_box_that_moved(surfaces, steps):
    reference = np.zeros((20, 12, 12), bool)
    reference[3:9, 3:9, 3:9] = True
    prediction = np.roll(reference, steps, axis=0)
    theirs = surfaces.compute_surface_distances(reference, prediction, SPACING)
    found = border_distances(reference, prediction, SPACING, Surface(neighbourhood=6))
    assert hausdorff(found, 100, "larger") == pytest.approx(steps * SPACING[0])
    assert surfaces.compute_robust_hausdorff(theirs, 100) == pytest.approx(steps * SPACING[0])


@pytest.mark.parametrize("padding", [2, 0])
def test_seg_metrics_sees_no_border_at_the_edge_of_the_volume(random_masks, padding):
    rule, apart = Surface(neighbourhood=26), []
    for pair in random_masks:
        reference, prediction = (np.pad(mask, padding) for mask in pair)
        # It hands arrays to SimpleITK as they are, which turns their axes around.
        turned = prediction.T.astype(np.uint8), reference.T.astype(np.uint8)
        theirs = computeQualityMeasures(*turned, SPACING)
        for name in ("dice", "jaccard", "precision", "recall"):
            assert theirs[name] == pytest.approx(getattr(overlap, name)(reference, prediction))
        found = border_distances(reference, prediction, SPACING, rule)
        ours = [hausdorff(found, percent, "pooled") for percent in (100, 95)]
        ours.append(surface_distance(found, "pooled"))
        apart.append(np.abs(np.subtract(ours, [theirs[name] for name in ("hd", "hd95", "msd")])))
    assert (np.max(apart) < 1e-5) == (padding > 0)


def test_simpleitk_measures_to_the_whole_mask(random_masks):
    for reference, prediction in random_masks:
        images = [
            sitk.GetImageFromArray(mask.T.astype(np.uint8)) for mask in (reference, prediction)
        ]
        for image in images:
            image.SetSpacing(SPACING)
        shares = sitk.LabelOverlapMeasuresImageFilter()
        shares.Execute(*images[::-1])
        assert overlap.recall(reference, prediction) == pytest.approx(
            1 - shares.GetFalseNegativeError(1)
        )
        assert overlap.precision(reference, prediction) == pytest.approx(
            1 - shares.GetFalseDiscoveryRate(1)
        )
        measured = sitk.HausdorffDistanceImageFilter()
        measured.Execute(*images)
        voxels = [np.argwhere(mask) * SPACING for mask in (reference, prediction)]
        gaps = np.linalg.norm(voxels[0][:, None] - voxels[1][None], axis=2)
        whole = max(gaps.min(axis=0).max(), gaps.min(axis=1).max())
        assert measured.GetHausdorffDistance() == pytest.approx(whole, abs=1e-5)
        found = border_distances(reference, prediction, SPACING, Surface(neighbourhood=6))
        assert hausdorff(found, 100, "larger") >= whole - 1e-9
