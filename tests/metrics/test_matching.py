"""Hit rules, matching, small and merged lesions against sets of voxels and plain loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masks_for_tests import components, full_pairs, mask_pairs
from pydantic import ValidationError
from scipy import ndimage

from mribench.metrics import lesions
from mribench.metrics.components import dilate
from mribench.metrics.conventions import Lesions, Regions

VOXEL_MM3 = 1.5
THRESHOLDS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.6])
CONNECTIVITY = st.sampled_from([6, 18, 26])


def found(pair, rule):
    made = lesions.find_lesions(*pair, rule, VOXEL_MM3)
    return sorted(made.reference), sorted(made.prediction)


def sets_of(pair, rule):
    return [components(mask, rule.connectivity) for mask in pair]


def as_seen_from_both(pair, rule, is_hit):
    sets = sets_of(pair, rule)
    return tuple(
        sorted(is_hit(lesion, others, own) for lesion in own) for own, others in (sets, sets[::-1])
    )


@given(mask_pairs(), CONNECTIVITY, THRESHOLDS)
def test_overlap_asks_all_counterparts_together(pair, connectivity, threshold):
    rule = Lesions(connectivity=connectivity, hit="overlap", threshold=threshold)

    def is_hit(lesion, others, _):
        covered = len(lesion & set().union(*others))
        return covered > 0 and covered >= threshold * len(lesion)

    assert found(pair, rule) == as_seen_from_both(pair, rule, is_hit)


@given(mask_pairs(), CONNECTIVITY, THRESHOLDS)
def test_dice_asks_one_counterpart(pair, connectivity, threshold):
    rule = Lesions(connectivity=connectivity, hit="dice", threshold=threshold)

    def is_hit(lesion, others, _):
        shares = [2 * len(lesion & o) / (len(lesion) + len(o)) for o in others if lesion & o]
        return any(share >= threshold - 1e-12 for share in shares)

    assert found(pair, rule) == as_seen_from_both(pair, rule, is_hit)


@settings(max_examples=200)
@given(mask_pairs(), st.sampled_from([0.0, 0.1, 0.4]), st.sampled_from([0.3, 0.65, 1.0]))
def test_regions_must_not_stray(pair, threshold, share):
    regions = Regions(share=share, outside=0.5)
    rule = Lesions(connectivity=6, hit="regions", threshold=threshold, regions=regions)

    def is_hit(lesion, others, own):
        covered = len(lesion & set().union(*others))
        if covered <= threshold * len(lesion):
            return False
        held = 0
        for other in sorted(others, key=lambda o: -len(o & lesion)):
            if held >= share * covered:
                break
            if len(other - set().union(*own)) > 0.5 * len(other):
                return False
            held += len(other & lesion)
        return True

    # Where two counterparts share equally much, which comes first is nobody's rule.
    for own, others in itertools.permutations(sets_of(pair, rule)):
        for lesion in own:
            shared = [len(lesion & other) for other in others if lesion & other]
            if len(set(shared)) < len(shared):
                return
    assert found(pair, rule) == as_seen_from_both(pair, rule, is_hit)


@given(mask_pairs(), CONNECTIVITY, st.sampled_from(["any", "iou", "dice"]), THRESHOLDS)
def test_one_to_one_takes_the_best_pairs_first(pair, connectivity, hit, threshold):
    rule = Lesions(connectivity=connectivity, hit=hit, threshold=threshold, matching="one_to_one")
    sets = sets_of(pair, rule)
    scores = {}
    for (i, a), (j, b) in itertools.product(*map(enumerate, sets)):
        iou = len(a & b) / len(a | b)
        score = {"any": 1, "iou": iou, "dice": 2 * iou / (1 + iou)}[hit]
        if a & b and score >= threshold - 1e-12:
            scores[i, j] = iou
    if len(set(scores.values())) < len(scores):
        return
    taken = []
    for i, j in sorted(scores, key=scores.get, reverse=True):
        if all(i != a and j != b for a, b in taken):
            taken.append((i, j))
    made = lesions.find_lesions(*pair, rule, VOXEL_MM3)
    assert made.reference.sum() == made.prediction.sum() == len(taken)
    assert sorted(made.iou) == pytest.approx(sorted(scores[p] for p in taken))
    if not sets[0] or not sets[1]:
        return
    quality = np.mean([scores[p] for p in taken]) if taken else 0
    recognition = len(taken) / ((len(sets[0]) + len(sets[1])) / 2)
    assert lesions.panoptic(made, "segmentation_quality") == pytest.approx(quality)
    assert lesions.panoptic(made, "recognition_quality") == pytest.approx(recognition)
    assert lesions.panoptic(made, "panoptic_quality") == pytest.approx(quality * recognition)


@given(mask_pairs(), st.sampled_from(["kept", "dropped"]))
def test_ignored_small_lesions_excuse_what_hits_only_them(pair, at_minimum):
    rule = Lesions(
        connectivity=26, hit="any", minimum_mm3=3.0, at_minimum=at_minimum, small="ignored"
    )
    reference, prediction = sets_of(pair, rule)

    def counts(lesion):
        size = len(lesion) * VOXEL_MM3
        return size > 3 if at_minimum == "dropped" else size >= 3

    large = [lesion for lesion in reference if counts(lesion)]
    expected = []
    for lesion in prediction:
        hit = [other for other in reference if other & lesion]
        if not hit or any(counts(other) for other in hit):
            expected.append(bool(hit))
    assert found(pair, rule) == (
        sorted(any(lesion & other for other in prediction) for lesion in large),
        sorted(expected),
    )


@given(full_pairs(), st.sampled_from([1, 2, 3]))
def test_dilation_is_scipys(pair, times):
    element = ndimage.generate_binary_structure(3, 2)
    expected = ndimage.binary_dilation(np.pad(pair[0], times), element, iterations=times)
    assert np.array_equal(dilate(pair[0], times), expected)


@given(mask_pairs(), st.sampled_from([1, 2]))
def test_merged_lesions_reach_as_far_as_their_dilation(pair, times):
    rule = Lesions(connectivity=26, hit="any", merge=times)
    element = ndimage.generate_binary_structure(3, 2)
    grown = pair[0]
    if grown.any():
        grown = ndimage.binary_dilation(grown, element, iterations=times)
    territories, predicted = components(grown, 26), components(pair[1], 26)
    assert found(pair, rule) == (
        sorted(any(lesion & other for other in predicted) for lesion in territories),
        sorted(any(lesion & other for other in territories) for lesion in predicted),
    )
    made = lesions.find_lesions(*pair, rule, VOXEL_MM3)
    inside = {tuple(map(int, place)) for place in zip(*np.nonzero(pair[0]), strict=True)}
    assert sorted(made.reference_sizes) == sorted(len(t & inside) for t in territories)


@given(mask_pairs(), CONNECTIVITY)
def test_lesion_shares_by_counting(pair, connectivity):
    rule = Lesions(connectivity=connectivity, hit="any")
    reference, prediction = as_seen_from_both(
        pair, rule, lambda lesion, others, _: any(lesion & other for other in others)
    )
    if not reference or not prediction:
        return
    made = lesions.find_lesions(*pair, rule, VOXEL_MM3)
    hits = sum(reference)
    assert lesions.lesion_precision(made, "reference") == pytest.approx(hits / len(prediction))
    assert lesions.lesion_false_rate(made) == pytest.approx(
        prediction.count(False) / len(prediction)
    )
    both = len(reference) + len(prediction)
    assert lesions.lesion_f1(made, "dice") == pytest.approx(2 * hits / both)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"hit": "regions"}, "regions: give it"),
        ({"hit": "any", "regions": {"share": 0.5, "outside": 0.5}}, "regions: give it"),
        ({"hit": "iou", "merge": 1}, "merge: needs the hit 'any'"),
        ({"hit": "overlap", "matching": "one_to_one"}, "matching: one_to_one needs"),
        ({"hit": "any", "size_bins_mm3": [10, 3]}, "from small to large"),
    ],
)
def test_conventions_that_contradict_themselves_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        Lesions(connectivity=6, **keys)
