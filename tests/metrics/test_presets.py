"""One prediction, several conventions: the numbers of the presets beside each other."""

import numpy as np
import pytest
from hypothesis import given
from masks_for_tests import SPACINGS, components, label_maps
from scipy import ndimage

from mribench.files import read_image
from mribench.metrics.conventions import Surface, load_preset
from mribench.metrics.score import score_case
from mribench.metrics.surface import border_distances, hausdorff


def scores(reference, prediction, spacing, preset):
    rows = score_case(reference, prediction, spacing, load_preset(preset), {"lesion": 1})
    return {row.metric: row.value for row in rows}


@given(label_maps(values=(0, 0, 1)), SPACINGS)
def test_shifts_counts_true_positives_among_the_predicted_lesions(maps, spacing):
    reference, prediction = (components(labels == 1, 6) for labels in maps)

    def overlapping(own, others):
        return [max([len(a & b) / len(a | b) for b in others] or [0]) >= 0.25 for a in own]

    found, missed = overlapping(prediction, reference), overlapping(reference, prediction)
    true, false, lost = sum(found), found.count(False), missed.count(False)
    expected = true / (true + (false + lost) / 2) if true + false + lost else 1
    assert scores(*maps, spacing, "shifts")["lesion_f1"] == pytest.approx(expected)


def test_shifts_counts_two_pieces_of_a_quarter_as_two_hits():
    reference, prediction = np.zeros((2, 9, 1, 1), np.uint8)
    reference[0:4] = 1
    prediction[[0, 3, 7]] = 1
    # Two hits, one false positive, nothing missed.
    assert scores(reference, prediction, (1, 1, 1), "shifts")["lesion_f1"] == pytest.approx(0.8)


@given(label_maps(values=(0, 0, 1)), SPACINGS)
def test_shifts_scales_false_positives_to_a_load_of_a_thousandth(maps, spacing):
    reference, prediction = (labels == 1 for labels in maps)
    lesion, healthy = reference.sum(), (~reference).sum()
    if not healthy:
        return
    expected = 1.0 if not prediction.any() else 0.0
    if lesion:
        scale = 0.999 * lesion / (0.001 * healthy)
        hits = (reference & prediction).sum()
        wrong = scale * (prediction & ~reference).sum() + (reference & ~prediction).sum()
        expected = 2 * hits / (2 * hits + wrong)
    assert scores(*maps, spacing, "shifts")["ndsc"] == pytest.approx(expected)


def test_metrics_reloaded_uses_distance_maps_of_scipy(random_masks):
    for reference, prediction in random_masks:
        spacing = (0.8, 1.0, 3.0)
        borders = [mask & ~ndimage.binary_erosion(mask) for mask in (reference, prediction)]
        maps = [ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders]
        ways = maps[1][borders[0]], maps[0][borders[1]]
        found = scores(reference, prediction, spacing, "metrics_reloaded")
        assert found["hd95"] == pytest.approx(max(np.percentile(way, 95) for way in ways))
        assert found["masd"] == pytest.approx((ways[0].mean() + ways[1].mean()) / 2)
        assert found["assd"] == pytest.approx(np.concatenate(ways).mean())
        assert found["nsd"] == pytest.approx((np.concatenate(ways) <= 1).mean())


def test_scp_counts_the_hits_of_both_lesion_shares_in_the_reference():
    reference, prediction = np.zeros((2, 12, 1, 1), np.uint8)
    reference[[0, 2, 4]] = 1
    prediction[0:3] = 1
    prediction[9:11] = 1
    found = scores(reference, prediction, (1, 1, 1), "scp")
    # Two of three lesions found, two predicted ones, of which one is true.
    assert found["lesion_tpr"] == pytest.approx(2 / 3)
    assert found["lesion_ppv"] == 1
    assert found["lesion_dice"] == pytest.approx(2 * 2 / (3 + 2))


def test_isbi_counts_false_lesions_among_the_predicted():
    reference, prediction = np.zeros((2, 12, 1, 1), np.uint8)
    reference[0:3] = 1
    prediction[[0, 5, 7, 9]] = 1
    found = scores(reference, prediction, (1, 1, 1), "isbi2015")
    assert (found["ltpr"], found["lfpr"]) == (1, 0.75)
    assert (found["ppv"], found["tpr"]) == (0.25, pytest.approx(1 / 3))
    assert found["vd"] == pytest.approx(100 / 3)


def test_msseg_leaves_out_lesions_of_3_mm3_and_takes_regions():
    reference, prediction = np.zeros((2, 40, 3, 1), np.uint8)
    reference[0:3, 0] = 1
    reference[6:16, 0] = 1
    prediction[6:8, 0] = 1
    prediction[10:14, 0] = 1
    prediction[20:24, 0] = 1
    found = scores(reference, prediction, (1, 1, 1), "msseg2016")
    # The lesion of 3 voxels does not count, nor does the predicted one of 2; of 4 voxels one
    # region is true and one false.
    assert (found["lesion_tpr"], found["lesion_ppv"]) == (1, 0.5)
    assert found["lesion_f1"] == pytest.approx(2 / 3)


@pytest.fixture(scope="module")
def real_pair(real_data):
    """A real lesion mask of 1 mm, and a prediction that is moved, has misses and inventions."""
    (path,) = (real_data / "open_ms_data/cross_sectional/MNI/patient19").glob("GOLD*.nii.gz")
    reference = (np.asarray(read_image(path).dataobj) > 0).astype(np.uint8)
    random = np.random.default_rng(0)
    found = reference.astype(bool)
    found[:, :, 110:] = False
    false = np.zeros(reference.shape, bool)
    for place in random.integers(30, 140, size=(60, 3)):
        false[tuple(slice(p, p + 2) for p in place)] = True
    moved = np.roll(found, (1, 1, 0), axis=(0, 1, 2))
    return reference, (moved | (false & (reference == 0))).astype(np.uint8)


def test_one_prediction_of_a_real_lesion_mask_has_several_f1(real_pair):
    found = {
        name: scores(*real_pair, (1, 1, 1), name)
        for name in ("wmh2017", "metrics_reloaded", "shifts", "msseg2016")
    }
    f1 = {name: values["lesion_f1"] for name, values in found.items()}
    assert len(set(f1.values())) == len(f1)
    assert f1["shifts"] < f1["metrics_reloaded"]
    assert len({values["dice"] for values in found.values()}) == 1


def test_one_prediction_of_a_real_lesion_mask_has_four_hd95(real_pair):
    reference, prediction = (mask > 0 for mask in real_pair)
    by_border = {
        neighbourhood: border_distances(
            reference, prediction, (1, 1, 1), Surface(neighbourhood=neighbourhood)
        )
        for neighbourhood in ("in_plane", 6, 26)
    }
    larger = [hausdorff(distances, 95, "larger") for distances in by_border.values()]
    values = [*larger, hausdorff(by_border[6], 95, "pooled")]
    assert len({round(value, 6) for value in values}) == 4
    # Pooling lets the many near voxels of one border hide the far ones of the other.
    assert values[-1] < min(larger)
