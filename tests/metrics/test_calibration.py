"""Metrics of probabilities against plain loops and MONAI."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mribench.metrics.calibration import Confidence, brier, calibration_error, retention
from mribench.metrics.conventions import load_preset
from mribench.metrics.score import score_case


@st.composite
def confidences(draw, distinct=False):
    """Probabilities with truth and prediction; `distinct` certainties where asked."""
    number = draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    probability = random.random(number)
    if not distinct:
        probability = np.round(probability, draw(st.integers(0, 2)))
    truth = random.random(number) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return Confidence(probability, truth, probability > 0.5)


@given(confidences(), st.sampled_from([2, 5, 10]))
def test_calibration_error_and_brier_bin_by_bin(given_, bins):
    gaps = 0.0
    for place in range(bins):
        inside = [
            n
            for n, p in enumerate(given_.probability)
            if place / bins < p <= (place + 1) / bins or (place == 0 and p == 0)
        ]
        gaps += abs(sum(given_.probability[n] - given_.reference[n] for n in inside))
    number = len(given_.probability)
    near_an_edge = np.abs(given_.probability * bins - np.rint(given_.probability * bins)) < 1e-9
    if not (near_an_edge & (given_.probability > 0) & (given_.probability < 1)).any():
        assert calibration_error(given_, bins) == pytest.approx(gaps / number)
    squares = [(p - t) ** 2 for p, t in zip(given_.probability, given_.reference, strict=True)]
    assert brier(given_) == pytest.approx(sum(squares) / number)


def test_calibration_error_is_monais():
    torch = pytest.importorskip("torch")
    from monai.metrics.calibration import calibration_binning

    random = np.random.default_rng(4)
    probability = random.random((6, 7, 8)).astype(np.float32)
    truth = random.random((6, 7, 8)) < probability**2
    batch = [torch.from_numpy(np.asarray(a, np.float32)[None, None]) for a in (probability, truth)]
    predicted, true, counts = (part.numpy().ravel() for part in calibration_binning(*batch, 15))
    expected = np.nansum(np.abs(predicted - true) * counts) / counts.sum()
    ours = Confidence(probability.ravel(), truth.ravel(), probability.ravel() > 0.5)
    assert calibration_error(ours, 15) == pytest.approx(float(expected), abs=1e-6)


@given(confidences(distinct=True))
def test_retention_replaces_the_least_certain_voxels_by_the_truth(given_):
    number, lesion = len(given_.probability), int(given_.reference.sum())
    order = np.argsort(0.5 - np.abs(given_.probability - 0.5))
    truth, prediction = given_.reference[order], given_.prediction[order]
    shares = [np.log(n) / np.log(50) for n in range(1, 51)]
    curve = []
    for share in shares:
        kept = int(number * share)
        mixed = np.concatenate((prediction[:kept], truth[kept:]))
        scale = 0.999 * lesion / (0.001 * (number - lesion)) if 0 < lesion < number else 1
        hits = (mixed & truth).sum()
        wrong = scale * (mixed & ~truth).sum() + (~mixed & truth).sum()
        curve.append(2 * hits / (2 * hits + wrong) if hits + wrong else 1)
    area = sum(
        (b - a) * (c + d) / 2
        for a, b, c, d in zip(shares, shares[1:], curve, curve[1:], strict=False)
    )
    assert retention(given_, 0.001, 50) == pytest.approx(area)


@given(confidences(), st.integers(0, 10**6))
def test_the_order_of_equally_certain_voxels_changes_nothing(given_, seed):
    order = np.random.default_rng(seed).permutation(len(given_.probability))
    shuffled = Confidence(*(part[order] for part in given_))
    assert retention(shuffled, 0.01, 50) == pytest.approx(retention(given_, 0.01, 50))


def test_retention_rewards_doubt_about_errors():
    truth = np.arange(1000) < 50
    prediction = (np.arange(1000) >= 25) & (np.arange(1000) < 75)
    honest = np.where(prediction == truth, 0.01, 0.45)
    proud = np.where(prediction == truth, 0.45, 0.01)
    areas = [
        retention(Confidence(np.where(prediction, 1 - p, p), truth, prediction), 0.001, 200)
        for p in (honest, proud)
    ]
    assert areas[0] > areas[1]


def test_without_probabilities_the_note_says_so():
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[1:3, 1:3, 1:3] = 1
    preset = load_preset("calibration")
    scores = score_case(mask, mask, (1, 1, 1), preset, {"lesion": 1})
    assert {s.metric: (s.value, s.note) for s in scores} == {
        "ndsc_rauc": (None, "no probabilities"),
        "ece": (None, "no probabilities"),
        "brier": (None, "no probabilities"),
        "dice": (1, ""),
    }


def test_ignored_voxels_have_no_probability():
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[1, 1, 1] = 1
    probability = mask.astype(np.float32)
    probability[3, 3, 3] = 1
    reference = mask.copy()
    reference[3, 3, 3] = 2
    preset = load_preset("calibration")

    def brier_of(ignore):
        scores = score_case(
            reference, mask, (1, 1, 1), preset, {"a": 1}, ignore, {"a": probability}
        )
        return {s.metric: s.value for s in scores}["brier"]

    assert brier_of([2]) == 0
    assert brier_of([]) == pytest.approx(1 / 64)
