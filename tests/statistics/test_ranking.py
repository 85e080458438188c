"""Means over cases, spread over seeds, ranks, and counts of what is undefined."""

import numpy as np
import pytest
from tidy_tables import only, random_values, row, rows_of

from mribench.statistics.ranking import RANKING_COLUMNS, rank_methods


def ranked(folder, rows):
    return {r["method"]: r for r in rank_methods(only(folder, rows))}


def test_mean_and_sd_are_over_cases(tmp_path):
    values = random_values()
    found = ranked(tmp_path, rows_of(values))
    for method, numbers in values.items():
        summary = found[method]
        assert tuple(summary) == RANKING_COLUMNS
        assert summary["mean"] == pytest.approx(np.mean(numbers))
        assert summary["sd"] == pytest.approx(np.std(numbers, ddof=1))
        assert summary["ci_low"] < summary["mean"] < summary["ci_high"]
        assert (summary["n"], summary["undefined"]) == (12, 0)
        assert (summary["seeds"], summary["seed_sd"]) == (1, None)
    assert list(found) == list(values)


def test_seed_spread_is_that_of_the_studys_means(tmp_path):
    values = random_values(("a",))["a"]
    shifts = [0.0, 0.03, -0.01]
    rows = [
        row
        for seed, shift in enumerate(shifts)
        for row in rows_of({"a": [v + shift for v in values]}, seed=seed)
    ]
    found = ranked(tmp_path, rows)["a"]
    assert found["seeds"] == 3
    assert found["seed_sd"] == pytest.approx(np.std(shifts, ddof=1))
    assert found["mean"] == pytest.approx(np.mean(values) + np.mean(shifts))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))


@pytest.mark.parametrize(
    ("metric", "expected"), [("dice", [1, 3, 1, 4]), ("hd95", [2, 1, 2, None])]
)
def test_ranks_follow_the_direction_and_share_ties(tmp_path, metric, expected):
    values = {"a": [0.3, 0.6], "b": [0.2, 0.2], "c": [0.6, 0.3], "d": [0.1, 0.0]}
    if metric == "hd95":
        values["d"] = [None, None]
    found = ranked(tmp_path, rows_of(values, metric=metric))
    assert [r["rank"] for r in found.values()] == expected


def test_undefined_cases_are_counted_with_their_reason(tmp_path):
    rows = rows_of({"a": [1.0, 2.0, 3.0]}, metric="avd")
    rows.append(row("a", "sub-e", None, metric="avd", note="reference empty"))
    rows.append(row("a", "sub-p", 100.0, metric="avd", note="prediction empty"))
    found = ranked(tmp_path, rows)["a"]
    assert (found["n"], found["undefined"]) == (4, 1)
    assert found["mean"] == pytest.approx(106 / 4)
    assert found["note"] == "undefined: 1 reference empty; by rule: 1 prediction empty"


def test_a_case_undefined_in_one_seed_keeps_the_others(tmp_path):
    rows = rows_of({"a": [1.0, 2.0]}, metric="hd95") + rows_of({"a": [3.0]}, metric="hd95", seed=1)
    rows.append(row("a", "sub-001", None, metric="hd95", seed=1, note="prediction empty"))
    found = ranked(tmp_path, rows)["a"]
    assert (found["n"], found["undefined"], found["mean"]) == (2, 0, 2)
    assert found["note"] == "undefined in some seed: 1 prediction empty"


def test_cases_of_a_failed_run_are_counted(tmp_path):
    values = random_values(("a", "b"), cases=6)
    rows = rows_of(values)
    for place, r in enumerate(rows):
        r["fold"] = place % 2
    lost = [r for r in rows if not (r["method"] == "b" and r["fold"] == 1)]
    found = ranked(tmp_path, lost)
    assert (found["b"]["n"], found["b"]["undefined"]) == (3, 3)
    assert found["b"]["note"] == "not scored: 3 in fold 1, seed 0"
    assert found["a"]["note"] == ""


def test_a_method_without_any_value_has_no_numbers(tmp_path):
    rows = rows_of({"a": [None, None], "b": [1.0, 2.0]}, metric="hd95", note="both empty")
    found = ranked(tmp_path, rows)["a"]
    assert (found["n"], found["undefined"]) == (0, 2)
    assert [found[key] for key in ("mean", "sd", "ci_low", "ci_high", "rank")] == [None] * 5


def test_one_case_has_a_mean_but_no_spread(tmp_path):
    found = ranked(tmp_path, rows_of({"a": [0.5]}))["a"]
    assert (found["mean"], found["sd"], found["ci_low"]) == (0.5, None, None)
