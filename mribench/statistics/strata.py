"""The same statistics within parts of the cases: sites, lesion loads, resolutions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mribench.config import Evaluation
from mribench.statistics.compare import COMPARISON_COLUMNS, compare_methods
from mribench.statistics.ranking import RANKING_COLUMNS, rank_methods
from mribench.statistics.tidy import Scores, scores_of

STRATA_COLUMNS = ("stratum", "level", *RANKING_COLUMNS)
STRATA_COMPARISON_COLUMNS = ("stratum", "level", *COMPARISON_COLUMNS)
TRAINED, EVERYWHERE = "trained on ", "all"
LOADS = ("low", "middle", "high")
FEWEST_CASES = 6
THICK_MM = 2.0
CLUSTER_MM = 0.04


def find_strata(
    metrics: pd.DataFrame, scans: Sequence[Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return the ways in which the scored cases fall into parts.

    Parameters
    ----------
    metrics
        From :func:`mribench.statistics.tidy.read_metrics`.
    scans
        Rows of ``scans.tsv``.

    Returns
    -------
    The level of each case, levels in their order, by ``site``, ``load`` and
    ``resolution``; only where there are at least two levels.
    """
    sites = metrics.drop_duplicates("case").set_index("case")["site"].sort_values()
    rows = {row["case"]: row for row in scans if row["contrast"] == row["labels_contrast"]}
    known = sorted(set(sites.index) & rows.keys())
    found = {
        "site": {str(case): str(site) for case, site in sites.items() if site != "n/a"},
        "load": load_thirds({case: rows[case]["load_ml"] for case in known}),
        "resolution": resolutions({case: rows[case]["spacing"] for case in known}),
    }
    return {name: levels for name, levels in found.items() if len(set(levels.values())) > 1}


def load_thirds(loads: Mapping[str, str]) -> dict[str, str]:
    """Return the third of the cases, by lesion load, that each case belongs to.

    The bounds are quantiles of the study's own cases, because categories differ between
    diseases; their values stand in the names. Fewer than six cases are not parted.
    """
    known = pd.Series({case: float(load) for case, load in loads.items() if load != "n/a"})
    if len(known) < FEWEST_CASES or known.nunique() < len(LOADS):
        return {}
    codes = np.searchsorted(known.quantile([1 / 3, 2 / 3]), known, side="left")
    names = {}
    for code in np.unique(codes):
        part = known[codes == code]
        names[code] = f"{LOADS[code]} ({part.min():.3g} to {part.max():.3g} ml)"
    order = np.argsort(codes, kind="stable")
    return {str(known.index[place]): names[codes[place]] for place in order}


def resolutions(spacings: Mapping[str, str]) -> dict[str, str]:
    """Return the resolution of each case: ``2D``, or the voxel size in plane.

    Voxels of 2 mm or more along one axis, and twice as long as along the finest, are
    slices (2D). Of the others, sizes within 0.04 mm of a tenth of a millimetre are named
    by it, after the resolution-adaptive U-Net's data (section 2.2.1); the rest by two
    decimals.
    """
    named = {case: _resolution(spacing) for case, spacing in spacings.items()}
    order = sorted(named.items(), key=lambda pair: (pair[1] == "2D", pair[1], pair[0]))
    return dict(order)


def _resolution(spacing: str) -> str:
    sizes = sorted(map(float, spacing.split("x")))
    if sizes[-1] >= THICK_MM and sizes[-1] >= 2 * sizes[0]:
        return "2D"
    tenth = round(sizes[0], 1)
    close = abs(sizes[0] - tenth) <= CLUSTER_MM + 1e-9
    return f"{tenth:.1f} mm" if close else f"{sizes[0]:.2f} mm"


def training_sets(
    splits: Sequence[Mapping[str, str]], levels: Mapping[str, str]
) -> dict[str, list[int]]:
    """Return the folds that train on the same resolutions, named by these.

    Parameters
    ----------
    splits
        Rows of ``splits.tsv``.
    levels
        The resolution of each case.

    Returns
    -------
    Folds by names such as ``0.5 mm and 2D``; empty where all folds train on the same.
    """
    order = list(dict.fromkeys(levels.values()))
    found: dict[str, list[int]] = {}
    for fold in sorted({int(row["fold"]) for row in splits}):
        cases = {
            row["case"] for row in splits if (row["fold"], row["role"]) == (str(fold), "train")
        }
        trained = {levels[case] for case in cases & levels.keys()}
        name = " and ".join(sorted(trained, key=order.index))
        found.setdefault(name, []).append(fold)
    return found if len(found) > 1 else {}


def compare_training_sets(
    metrics: pd.DataFrame,
    splits: Sequence[Mapping[str, str]],
    levels: Mapping[str, str],
    evaluation: Evaluation,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rank and compare the methods by the resolutions they were trained and tested on.

    Parameters
    ----------
    metrics
        From :func:`mribench.statistics.tidy.read_metrics`.
    splits
        Rows of ``splits.tsv``.
    levels
        The resolution of each case.
    evaluation
        Test, correction, level and interval.

    Returns
    -------
    Rows as of :func:`compare_strata`; the stratum is ``trained on 1.0 mm``, say, the level
    the resolution of the test cases, or ``all``.
    """
    ranked, compared = [], []
    scored = {str(fold) for fold in metrics["fold"].unique()}
    known = [row for row in splits if row["fold"] in scored]
    for name, folds in training_sets(known, levels).items():
        stratum = f"{TRAINED}{name}"
        scores = list(scores_of(metrics[metrics["fold"].isin(folds)]))
        tested = {case: levels[case] for case in levels if case in set(scores[0].cases.index)}
        for chosen in (tested, dict.fromkeys(tested, EVERYWHERE)):
            found = compare_strata(scores, {stratum: chosen}, evaluation)
            ranked += found[0]
            compared += found[1]
    return ranked, compared


def part_of(scores: Scores, cases: Iterable[str]) -> Scores:
    """Return the scores of some of the cases."""
    chosen = set(cases)
    kept = scores.cases.index[scores.cases.index.isin(chosen)]
    return replace(
        scores,
        rows=scores.rows[scores.rows["case"].isin(chosen)],
        cases=scores.cases.loc[kept],
        subjects=scores.subjects.loc[kept],
    )


def compare_strata(
    all_scores: Iterable[Scores], strata: Mapping[str, Mapping[str, str]], evaluation: Evaluation
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rank and compare the methods within each level of each stratum.

    Returns
    -------
    Rows of ``strata.csv`` and ``strata_comparisons.csv``: those of ``ranking.csv`` and
    ``comparisons.csv`` with the stratum and the level in front. Corrections count the
    pairs within one level.
    """
    ranked, compared = [], []
    for scores in all_scores:
        for stratum, levels in strata.items():
            for level in dict.fromkeys(levels.values()):
                part = part_of(scores, (case for case, found in levels.items() if found == level))
                keys = {"stratum": stratum, "level": level}
                ranked += [keys | row for row in rank_methods(part, evaluation.interval)]
                compared += [keys | row for row in compare_methods(part, evaluation)]
    return ranked, compared
