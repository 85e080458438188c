"""Borders and their distances against plain loops, scipy and MONAI."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from masks_for_tests import SPACINGS, border_points, directed_distances, full_pairs
from scipy import ndimage

from mribench.metrics import surface
from mribench.metrics.conventions import Surface

SURFACES = st.builds(
    Surface,
    neighbourhood=st.sampled_from(["in_plane", 6, 18, 26]),
    beyond_image=st.sampled_from(["inside", "outside"]),
)


def as_set(points):
    places = [tuple(map(int, point)) for point in points]
    assert len(set(places)) == len(places)
    return set(places)


@given(full_pairs(), SURFACES)
def test_border_voxels_have_a_neighbour_outside(pair, rule):
    beyond = rule.beyond_image == "inside"
    expected = border_points(pair[0], rule.neighbourhood, beyond)
    assert as_set(surface.border(pair[0], rule)) == as_set(expected)


@given(full_pairs())
def test_border_is_mask_minus_scipys_erosion(pair):
    for connectivity, neighbours in ((1, 6), (2, 18), (3, 26)):
        element = ndimage.generate_binary_structure(3, connectivity)
        eroded = ndimage.binary_erosion(pair[0], element)
        found = surface.border(pair[0], Surface(neighbourhood=neighbours))
        assert as_set(found) == as_set(np.argwhere(pair[0] & ~eroded))


@given(full_pairs(), SPACINGS, SURFACES)
def test_distances_are_those_of_all_pairs_of_points(pair, spacing, rule):
    beyond = rule.beyond_image == "inside"
    points = [border_points(mask, rule.neighbourhood, beyond) * spacing for mask in pair]
    if not all(map(len, points)):
        return
    expected = [directed_distances(*points), directed_distances(*points[::-1])]
    found = surface.border_distances(*pair, spacing, rule)
    for got, wanted in zip(found, expected, strict=True):
        assert np.allclose(np.sort(got), np.sort(wanted))
    pooled = np.concatenate(expected)
    larger = max(np.percentile(part, 95) for part in expected)
    assert surface.hausdorff(found, 95, "larger") == pytest.approx(larger)
    assert surface.hausdorff(found, 95, "pooled") == pytest.approx(np.percentile(pooled, 95))
    assert surface.hausdorff(found, 100, "larger") == pytest.approx(pooled.max())
    assert surface.surface_distance(found, "pooled") == pytest.approx(pooled.mean())
    averaged = (expected[0].mean() + expected[1].mean()) / 2
    assert surface.surface_distance(found, "averaged") == pytest.approx(averaged)


@pytest.mark.parametrize("percentile", [95, 100])
def test_hausdorff_is_monais(random_masks, percentile):
    torch = pytest.importorskip("torch")
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    spacing = (0.9, 1.0, 2.5)
    for reference, prediction in random_masks:
        batch = [torch.from_numpy(mask[None, None]) for mask in (prediction, reference)]
        theirs = compute_hausdorff_distance(
            *batch, include_background=True, percentile=percentile, spacing=spacing
        )
        rule = Surface(neighbourhood=6)
        ours = surface.border_distances(reference, prediction, spacing, rule)
        assert surface.hausdorff(ours, percentile, "larger") == pytest.approx(
            float(theirs), abs=1e-4
        )
        theirs = compute_average_surface_distance(
            *batch, include_background=True, symmetric=True, spacing=spacing
        )
        assert surface.surface_distance(ours, "pooled") == pytest.approx(float(theirs), abs=1e-4)


def test_surface_dice_is_monais(random_masks):
    torch = pytest.importorskip("torch")
    from monai.metrics import compute_surface_dice

    for reference, prediction in random_masks:
        batch = [torch.from_numpy(mask[None, None]) for mask in (prediction, reference)]
        theirs = compute_surface_dice(*batch, [1.1], include_background=True)
        ours = surface.border_distances(reference, prediction, (1, 1, 1), Surface(neighbourhood=6))
        assert surface.surface_dice(ours, 1.1) == pytest.approx(float(theirs), abs=1e-6)


@given(full_pairs(), SPACINGS)
def test_a_mask_is_at_no_distance_from_itself(pair, spacing):
    rule = Surface(neighbourhood=6)
    same = surface.border_distances(pair[0], pair[0], spacing, rule)
    assert surface.hausdorff(same, 100, "larger") == 0
    assert surface.surface_dice(same, 0) == 1


def test_surface_dice_grows_with_the_tolerance():
    reference = np.zeros((12, 5, 5), bool)
    prediction = reference.copy()
    reference[2, 2, 2], prediction[5, 2, 2] = True, True
    apart = surface.border_distances(reference, prediction, (1, 1, 1), Surface(neighbourhood=6))
    assert surface.surface_dice(apart, 2.9) == 0
    assert surface.surface_dice(apart, 3) == 1
