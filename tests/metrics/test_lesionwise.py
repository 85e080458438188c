"""Preset brats2023 against the organisers' procedure, lesion by lesion in plain loops."""

import numpy as np
import pytest
from hypothesis import given
from masks_for_tests import SPACINGS, border_points, components, directed_distances, label_maps
from scipy import ndimage

from mribench.metrics.conventions import Preset, load_preset
from mribench.metrics.score import score_case

ELEMENT = ndimage.generate_binary_structure(3, 2)


def with_rule(minimum, merge):
    """The preset with a minimum and a dilation that fit small volumes."""
    content = load_preset("brats2023").model_dump()
    content["lesions"] |= {"minimum_mm3": minimum, "merge": merge}
    return Preset.model_validate(content)


def brats(reference, prediction, spacing, minimum, merge):
    """Lesion-wise Dice and HD95 as in the challenge, with borders of voxels."""
    mask = reference == 1
    grown = ndimage.binary_dilation(mask, ELEMENT, iterations=merge) if mask.any() else mask
    inside = {tuple(map(int, place)) for place in zip(*np.nonzero(mask), strict=True)}
    predicted = components(prediction == 1, 26)
    dice, distance, used = [], [], set()
    for territory in components(grown, 26):
        lesion = territory & inside
        partners = [n for n, other in enumerate(predicted) if other & territory]
        used.update(partners)
        if len(lesion) * np.prod(spacing) <= minimum:
            continue
        if not partners:
            dice.append(0.0)
            distance.append(374.0)
            continue
        union = set().union(*(predicted[n] for n in partners))
        dice.append(2 * len(lesion & union) / (len(lesion) + len(union)))
        points = []
        for part in (lesion, union):
            alone = np.zeros(mask.shape, bool)
            alone[tuple(zip(*part, strict=True))] = True
            points.append(border_points(alone, 6, False) * spacing)
        ways = directed_distances(*points), directed_distances(*points[::-1])
        distance.append(max(np.percentile(way, 95) for way in ways))
    false = len(predicted) - len(used)
    if not dice and not false:
        return 1.0, 0.0
    count = len(dice) + false
    return sum(dice) / count, (sum(distance) + 374 * false) / count


@pytest.mark.parametrize("merge", [1, 3])
@given(maps=label_maps(values=(0, 0, 0, 0, 1)), spacing=SPACINGS)
def test_lesionwise_scores_are_those_of_the_challenge(merge, maps, spacing):
    minimum = float(np.prod(spacing))
    rows = score_case(*maps, spacing, with_rule(minimum, merge), {"tumour": 1})
    found = {row.metric: row.value for row in rows}
    dice, distance = brats(*maps, spacing, minimum, merge)
    assert found["lesionwise_dice"] == pytest.approx(dice)
    assert found["lesionwise_hd95"] == pytest.approx(distance)


def test_a_false_and_a_missed_lesion_cost_374_mm_each():
    reference, prediction = np.zeros((2, 40, 12, 12), np.uint8)
    reference[2:6, 2:6, 2:6] = 1
    prediction[2:6, 2:6, 2:6] = 1
    reference[16:20, 2:6, 2:6] = 1
    prediction[32, 2, 2] = 1
    rows = score_case(reference, prediction, (1, 1, 1), load_preset("brats2023"), {"tumour": 1})
    found = {row.metric: row.value for row in rows}
    assert found["lesionwise_dice"] == pytest.approx(1 / 3)
    assert found["lesionwise_hd95"] == pytest.approx(2 * 374 / 3)
