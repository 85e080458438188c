"""Agreement of volumes against published examples; lesions by size against counting."""

import numpy as np
import pandas as pd
import pytest

from mribench.metrics.columns import LESION_SIZE_COLUMNS, VOLUME_COLUMNS
from mribench.statistics.agreement import (
    AGREEMENT_COLUMNS,
    DETECTION_COLUMNS,
    agreement,
    bland_altman,
    detection,
    icc_agreement,
    pearson,
)

# Shrout and Fleiss (1979), Table 2: six targets, four judges.
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)
# Bland and Altman (1986), peak flow with two meters: 17 subjects.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_icc_of_shrout_and_fleiss():
    found = icc_agreement(JUDGES.astype(float))
    assert found.value == pytest.approx(0.29, abs=0.005)
    # The R package psych prints 0.019 to 0.76 for these ratings.
    assert (found.low, found.high) == pytest.approx((0.019, 0.761), abs=0.001)


def test_limits_of_bland_and_altman():
    found = bland_altman(np.subtract(WRIGHT, MINI).astype(float))
    assert found.bias == pytest.approx(-2.1, abs=0.05)
    assert found.sd == pytest.approx(38.8, abs=0.05)
    # The paper takes two standard deviations: -79.7 and 75.5.
    assert found.limit_low == pytest.approx(found.bias - 1.96 * found.sd)
    assert found.limit_high == pytest.approx(found.bias + 1.96 * found.sd)
    # Its interval of the mean difference, -22.0 to 17.8.
    assert (found.low, found.high) == pytest.approx((-22.0, 17.8), abs=0.1)


def test_identical_volumes_agree_fully():
    volumes = np.array([[1.0, 1.0], [5.0, 5.0], [9.0, 9.0], [2.0, 2.0]])
    assert icc_agreement(volumes).value == 1
    assert np.isnan(icc_agreement(volumes).low)
    assert pearson(*volumes.T)[0] == pytest.approx(1)
    # A constant shift leaves the correlation and costs agreement.
    shifted = volumes + np.array([0, 3])
    assert pearson(*shifted.T)[0] == pytest.approx(1)
    assert icc_agreement(shifted).value < 0.8


@pytest.mark.parametrize(("number", "error", "shift"), [(15, 1.0, 0.0), (40, 1.0, 0.6)])
def test_the_interval_of_the_icc_covers_by_simulation(number, error, shift):
    random = np.random.default_rng(9)
    true = 4 / (4 + error + shift)
    hits = []
    for _ in range(600):
        cases = random.normal(0, 2, (number, 1))
        ratings = cases + random.normal(0, error, (number, 2))
        # Two raters, drawn at random with the spread that the model gives to raters.
        found = icc_agreement(ratings + random.normal(0, np.sqrt(shift), 2))
        hits.append(found.low <= true <= found.high)
    # With two raters the interval is approximate where the raters differ: 92 % here.
    assert 0.9 <= np.mean(hits) <= 0.985


def volume_table(pairs, seeds=(0,)):
    rows = [
        {"method": "unet", "fold": 0, "seed": seed, "case": f"sub-{n}", "subject": f"sub-{n}"}
        | {"site": "A", "label": "lesion", "preset": "wmh2017"}
        | {"reference_ml": true, "prediction_ml": made + seed}
        for n, (true, made) in enumerate(pairs)
        for seed in seeds
    ]
    return pd.DataFrame(rows, columns=list(VOLUME_COLUMNS))


def test_a_cases_volume_is_its_mean_over_the_seeds():
    (row,) = agreement(volume_table([(1, 1.5), (4, 3), (9, 9.5), (5, 6)], seeds=(0, 1)))
    assert tuple(row) == AGREEMENT_COLUMNS
    assert row["n"] == 4
    assert row["bias_ml"] == pytest.approx(0.75)
    expected = np.corrcoef([1, 4, 9, 5], [2, 3.5, 10, 6.5])[0, 1]
    assert row["pearson"] == pytest.approx(expected)
    assert row["pearson_low"] < expected < row["pearson_high"]


def test_too_few_cases_are_said_to_be_too_few():
    (one,) = agreement(volume_table([(1, 3)]))
    assert (one["bias_ml"], one["icc"], one["note"]) == (2, None, "one case only")
    (same,) = agreement(volume_table([(1, 2), (1, 2), (1, 2)]))
    assert same["pearson"] is None
    assert (same["icc"], same["icc_low"]) == (0, None)
    assert same["note"] == "too few different volumes"
    assert same["bias_ml"] == 1


def test_lesions_are_counted_by_size_over_the_cases():
    rows = [
        {"case": case, "seed": seed, "low_mm3": low, "high_mm3": high, "reference": reference}
        | {"found": hit, "predicted": predicted, "true": true}
        | {"method": "unet", "fold": 0, "subject": case, "site": "A", "label": "a", "preset": "p"}
        for case, seed, low, high, reference, hit, predicted, true in [
            ("sub-1", 0, 0.0, 10.0, 4, 1, 2, 2),
            ("sub-1", 1, 0.0, 10.0, 4, 3, 4, 2),
            ("sub-2", 0, 0.0, 10.0, 1, 1, 0, 0),
            ("sub-2", 1, 0.0, 10.0, 1, 1, 0, 0),
            ("sub-1", 0, 10.0, np.nan, 0, 0, 1, 0),
            ("sub-1", 1, 10.0, np.nan, 0, 0, 1, 0),
        ]
    ]
    small, large = detection(pd.DataFrame(rows, columns=list(LESION_SIZE_COLUMNS)))
    assert set(small) == set(DETECTION_COLUMNS)
    assert (small["reference"], small["found"], small["cases"]) == (5, 3, 2)
    assert small["recall"] == pytest.approx(3 / 5)
    assert small["mean_recall"] == pytest.approx((0.5 + 1) / 2)
    assert small["precision"] == pytest.approx(2 / 3)
    assert (large["high_mm3"], large["recall"], large["mean_recall"]) == (None, None, None)
    assert large["precision"] == 0
