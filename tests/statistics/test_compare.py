"""Pairs of methods: corrections, sessions, undefined values, what cannot be tested."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from tidy_tables import only, random_values, row, rows_of

from mribench.config import Evaluation
from mribench.statistics.compare import COMPARISON_COLUMNS, compare_methods


def compared(folder, rows, **keys):
    return compare_methods(only(folder, rows), Evaluation(**keys))


@pytest.mark.parametrize("correction", ["holm", "bonferroni"])
def test_p_values_are_scipys_and_corrected_over_all_pairs(tmp_path, correction):
    values = random_values(("a", "b", "c", "d"))
    rows = compared(tmp_path, rows_of(values), correction=correction)
    pairs = [(r["first"], r["second"]) for r in rows]
    assert pairs == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    differences = [np.array(values[a]) - np.array(values[b]) for a, b in pairs]
    expected = [stats.wilcoxon(d, method="exact").pvalue for d in differences]
    assert [r["p"] for r in rows] == pytest.approx(expected)
    rejected, adjusted, *_ = multipletests(expected, 0.05, correction)
    assert [r["p_adjusted"] for r in rows] == pytest.approx(list(adjusted))
    assert [r["significant"] for r in rows] == ["true" if r else "false" for r in rejected]
    assert [r["mean_difference"] for r in rows] == pytest.approx([d.mean() for d in differences])
    assert all(tuple(r) == COMPARISON_COLUMNS for r in rows)
    for r in rows:
        assert r["ci_low"] < r["mean_difference"] < r["ci_high"]


@pytest.mark.parametrize(
    ("test", "oracle", "form"),
    [
        ("t_test", lambda d: stats.ttest_1samp(d, 0), "t distribution"),
        (
            "permutation",
            lambda d: stats.permutation_test(
                (d,), np.mean, permutation_type="samples", n_resamples=np.inf
            ),
            "exact",
        ),
    ],
)
def test_the_test_is_chosen_by_the_configuration(tmp_path, test, oracle, form):
    values = random_values(("a", "b"))
    (found,) = compared(tmp_path, rows_of(values), test=test)
    expected = oracle(np.array(values["a"]) - np.array(values["b"]))
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["statistic"] == pytest.approx(expected.statistic)
    assert (found["test"], found["form"]) == (test, form)


def test_the_interval_is_chosen_by_the_configuration(tmp_path):
    rows = rows_of(random_values(("a", "b")))
    (plain,), (corrected,) = (compared(tmp_path, rows, interval=k) for k in ("percentile", "bca"))
    assert plain["ci_low"] != corrected["ci_low"]
    assert plain["p"] == corrected["p"]


def test_untested_pairs_still_say_how_many_subjects_they_needed(tmp_path):
    (found,) = compared(tmp_path, rows_of({"a": [0.9, 0.8, 0.9, 0.7], "b": [0.1, 0.2, 0.2, 0.2]}))
    assert found["p"] is None
    assert found["subjects_needed"] >= 6


def test_constant_differences(tmp_path):
    rows = rows_of({"a": [0.75] * 9, "b": [0.5] * 9})
    (found,) = compared(tmp_path, rows)
    assert (found["p"], found["rank_biserial"]) == (2 / 2**9, 1)
    assert found["ci_low"] == found["ci_high"] == found["mean_difference"] == 0.25
    (found,) = compared(tmp_path, rows, test="t_test")
    assert found["p"] is None
    assert "all 9 differences are equal" in found["note"]


def test_holm_by_hand(tmp_path):
    rows = compared(tmp_path, rows_of(random_values()))
    ordered = sorted(rows, key=lambda r: r["p"])
    largest = 0.0
    for place, r in enumerate(ordered):
        largest = max(largest, min(1.0, (len(rows) - place) * r["p"]))
        assert r["p_adjusted"] == pytest.approx(largest)


def test_a_case_counts_once_however_many_seeds(tmp_path):
    values = random_values(("a", "b"))
    spread = [0.01, -0.01, 0.0]
    rows = [
        row
        for seed, shift in enumerate(spread)
        for row in rows_of({m: [v + shift for v in n] for m, n in values.items()}, seed=seed)
    ]
    (once,), (thrice,) = compared(tmp_path, rows_of(values)), compared(tmp_path, rows)
    assert thrice["n"] == 12
    assert thrice == once


def test_sessions_of_a_subject_are_averaged_first(tmp_path):
    random = np.random.default_rng(5)
    rows, differences = [], []
    for subject in range(8):
        sessions = 1 + subject % 3
        gaps = random.normal(0.02, 0.02, sessions).round(6)
        differences.append(gaps.mean())
        for session, gap in enumerate(gaps):
            case = f"sub-{subject}_ses-{session}"
            rows += [row("a", case, 0.8 + gap), row("b", case, 0.8)]
    (found,) = compared(tmp_path, rows)
    assert found["n"] == 8
    assert found["p"] == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)
    assert found["mean_difference"] == pytest.approx(np.mean(differences))


def test_cases_undefined_for_one_are_left_out_and_counted(tmp_path):
    values = random_values(("a", "b"))
    values["b"][3] = None
    (found,) = compared(tmp_path, rows_of(values, metric="hd95"))
    assert (found["n"], found["undefined"]) == (11, 1)
    kept = [place for place in range(12) if place != 3]
    differences = np.array(values["a"])[kept] - np.array([values["b"][place] for place in kept])
    assert found["p"] == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


@pytest.mark.parametrize(("metric", "better"), [("dice", "a"), ("hd95", "b")])
def test_better_follows_the_direction_of_the_metric(tmp_path, metric, better):
    (found,) = compared(tmp_path, rows_of({"a": [3.0] * 7, "b": [1.0] * 7}, metric=metric))
    assert found["better"] == better
    assert found["mean_difference"] == 2
    assert found["rank_biserial"] == 1


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ([0.9] * 5, [0.1] * 5, "the smallest possible p is 0.0625 with 5 non-zero differences"),
        ([0.1 + 0.2] * 9, [0.3] * 9, "all differences are 0"),
        ([None] * 9, [0.3] * 9, "no case is defined for both"),
        ([0.5], [0.4], "the smallest possible p is 1 with 1 non-zero differences"),
    ],
)
def test_what_cannot_be_tested_says_why(tmp_path, first, second, reason):
    (found,) = compared(tmp_path, rows_of({"a": first, "b": second}))
    assert found["note"] == f"not testable: {reason}"
    assert [found[key] for key in ("p", "p_adjusted", "significant", "statistic")] == [None] * 4


def test_untestable_pairs_do_not_enter_the_correction(tmp_path):
    values = random_values(("a", "b"))
    values["c"] = list(values["b"])
    rows = {(r["first"], r["second"]): r for r in compared(tmp_path, rows_of(values))}
    assert rows["b", "c"]["p"] is None
    assert rows["a", "b"]["p_adjusted"] == pytest.approx(min(1, 2 * rows["a", "b"]["p"]))


def test_six_cases_and_three_pairs_are_called_too_few(tmp_path):
    values = {"a": np.arange(6) / 10 + 0.3, "b": np.arange(6) / 11, "c": np.arange(6) / 50 - 1}
    rows = compared(tmp_path, rows_of({m: list(map(float, v)) for m, v in values.items()}))
    assert [r["significant"] for r in rows] == ["false"] * 3
    assert all(r["note"].startswith("too few cases: with 6 non-zero") for r in rows)
    assert all("times 3 pairs 0.0938" in r["note"] for r in rows)


def test_one_method_alone_gives_no_pairs(tmp_path):
    assert compared(tmp_path, rows_of({"a": [0.1, 0.2]})) == []
