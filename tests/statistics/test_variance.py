"""Variance components against a mixed model, against known components, and at the edges."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from tidy_tables import only, row

from mribench.statistics.variance import VARIANCE_COLUMNS, components, spread_of_methods


def simulate(random, folds, cases, seeds, deviations):
    """Scores of a balanced study: cases x seeds, and the fold of each case."""
    fold, case, training, residual = (
        random.normal(0, sd, n)
        for sd, n in zip(
            deviations,
            [(folds, 1, 1), (folds, cases, 1), (folds, 1, seeds), (folds, cases, seeds)],
            strict=True,
        )
    )
    values = 0.7 + fold + case + training + residual
    return values.reshape(folds * cases, seeds), np.repeat(np.arange(folds), cases)


@pytest.mark.filterwarnings("ignore:The MLE may be on the boundary")
def test_a_balanced_study_has_the_components_of_the_mixed_model():
    values, folds = simulate(np.random.default_rng(3), 5, 8, 3, (0.06, 0.1, 0.04, 0.03))
    found, note = components(values, folds)
    frame = pd.DataFrame(values).assign(fold=folds, case=range(len(values)))
    frame = frame.melt(["fold", "case"], var_name="seed", value_name="score")
    model = smf.mixedlm(
        "score ~ 1",
        frame,
        groups="fold",
        re_formula="1",
        vc_formula={"case": "0 + C(case)", "seed": "0 + C(seed)"},
    ).fit(reml=True)
    assert note == ""
    # Restricted maximum likelihood equals the analysis of variance where data are balanced
    # and no component is negative (Searle, Casella and McCulloch, 1992, section 6.7).
    assert found["residual"] == pytest.approx(model.scale, rel=0.01)
    assert found["fold"] == pytest.approx(float(model.cov_re.iloc[0, 0]), rel=0.02)
    by_name = dict(zip(model.model.exog_vc.names, model.vcomp, strict=True))
    assert found["case"] == pytest.approx(by_name["case"], rel=0.02)
    assert found["training"] == pytest.approx(by_name["seed"], rel=0.02)


@pytest.mark.parametrize("sizes", [(6, 6, 6, 6), (9, 4, 7, 2)])
def test_the_estimates_are_unbiased(sizes):
    random = np.random.default_rng(4)
    deviations = np.array([0.3, 0.5, 0.4, 0.2])
    folds = np.repeat(np.arange(4), sizes)
    found = []
    for _ in range(3000):
        fold, training = random.normal(0, 0.3, 4), random.normal(0, 0.4, (4, 3))
        values = fold[folds, None] + training[folds] + random.normal(0, 0.2, (len(folds), 3))
        values += random.normal(0, 0.5, (len(folds), 1))
        found.append(
            [components(values, folds)[0][k] for k in ("fold", "case", "training", "residual")]
        )
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(3000)
    assert np.all(np.abs(mean - deviations**2) < 4 * error)


def test_one_seed_leaves_cases_and_folds():
    values, folds = simulate(np.random.default_rng(5), 4, 10, 1, (0.2, 0.1, 0, 0))
    found, note = components(values, folds)
    groups = [values[folds == fold, 0] for fold in range(4)]
    within = np.mean([group.var(ddof=1) for group in groups])
    assert found["case"] == pytest.approx(within)
    means = np.array([group.mean() for group in groups])
    assert found["fold"] == pytest.approx(means.var(ddof=1) - within / 10)
    assert (found["training"], found["residual"]) == (None, None)
    assert note.startswith("one seed")


def test_one_case_per_fold_cannot_tell_folds_from_cases():
    values = np.random.default_rng(6).normal(size=(7, 3))
    found, note = components(values, np.arange(7))
    assert (found["fold"], found["training"]) == (None, None)
    assert found["case"] is not None
    assert note.startswith("one case per fold")


def test_rows_count_what_was_left_out(tmp_path):
    rows = [
        row("a", f"sub-{case}", 0.5 + case / 10 + seed / 100, seed=seed, fold=case % 2)
        for case in range(6)
        for seed in range(2)
    ]
    rows[3]["value"] = None
    (found,) = spread_of_methods(only(tmp_path, rows))
    assert tuple(found) == VARIANCE_COLUMNS
    assert [found[key] for key in ("cases", "left_out", "folds", "seeds")] == [5, 1, 2, 2]
    assert found["residual_sd"] == pytest.approx(0, abs=1e-9)


def test_one_case_has_no_spread(tmp_path):
    (found,) = spread_of_methods(only(tmp_path, [row("a", "sub-1", 0.5)]))
    assert found["case_sd"] is None
    assert found["note"] == "fewer than two cases with a value in every seed"
