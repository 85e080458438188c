"""Agreement of volumes over the cases, and how many lesions of each size were found."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from mribench.errors import DataError, describe
from mribench.files import require_sealed, write_table
from mribench.metrics.columns import LESION_SIZE_COLUMNS, VOLUME_COLUMNS
from mribench.rounding import significant

SPREAD_COLUMNS = ("bias_ml", "bias_low", "bias_high", "sd_ml", "limit_low", "limit_high")
AGREEMENT_COLUMNS = (
    "label",
    "preset",
    "method",
    "n",
    "pearson",
    "pearson_low",
    "pearson_high",
    "icc",
    "icc_low",
    "icc_high",
    *SPREAD_COLUMNS,
    "note",
)
DETECTION_COLUMNS = (
    "label",
    "preset",
    "method",
    "low_mm3",
    "high_mm3",
    "reference",
    "found",
    "recall",
    "cases",
    "mean_recall",
    "predicted",
    "true",
    "precision",
)
LEVEL = 0.95


class BlandAltman(NamedTuple):
    """Mean and spread of differences (Bland and Altman, Lancet 327:307-310, 1986).

    `low` and `high` bound the 95 % t interval of the mean difference; `limit_low` and
    `limit_high` are the limits of agreement, 1.96 standard deviations around it.
    """

    bias: float
    low: float
    high: float
    sd: float
    limit_low: float
    limit_high: float


def bland_altman(differences: np.ndarray) -> BlandAltman:
    """Return bias and limits of agreement of two or more differences, predicted minus true."""
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    number = len(differences)
    margin = float(stats.t.ppf((1 + LEVEL) / 2, number - 1)) * sd / np.sqrt(number)
    return BlandAltman(bias, bias - margin, bias + margin, sd, bias - 1.96 * sd, bias + 1.96 * sd)


class Correlation(NamedTuple):
    """A correlation and its 95 % interval; a bound is NaN where the data give none."""

    value: float
    low: float
    high: float


def icc_agreement(ratings: np.ndarray) -> Correlation | None:
    """Return the intraclass correlation for absolute agreement of single ratings.

    Two-way random effects, ICC(2,1) of Shrout and Fleiss, Psychological Bulletin 86:420-428
    (1979), with the interval of their section on confidence intervals, written as case A,1 in
    table 7 of McGraw and Wong, Psychological Methods 1:30-46 (1996).

    Parameters
    ----------
    ratings
        One row per case, one column per rater; two or more of each.

    Returns
    -------
    The correlation, or None where nothing varies. Full agreement has no interval.
    """
    number, raters = ratings.shape
    total = ratings.mean()
    between = raters * np.sum((ratings.mean(axis=1) - total) ** 2) / (number - 1)
    columns = number * np.sum((ratings.mean(axis=0) - total) ** 2) / (raters - 1)
    rest = ratings - ratings.mean(axis=1, keepdims=True) - ratings.mean(axis=0) + total
    error = np.sum(rest**2) / ((number - 1) * (raters - 1))
    below = between + (raters - 1) * error + raters * (columns - error) / number
    if below <= 0:
        return None
    value = float((between - error) / below)
    if np.isclose(value, 1, rtol=0, atol=1e-12):
        return Correlation(value, np.nan, np.nan)
    return Correlation(value, *_icc_interval(value, (between, columns, error), ratings.shape))


def _icc_interval(
    value: float, squares: tuple[float, float, float], shape: tuple[int, ...]
) -> tuple[float, float]:
    between, columns, error = squares
    number, raters = shape
    # The degrees of freedom of a sum of two mean squares, after Satterthwaite.
    first = raters * value / (number * (1 - value)) * columns
    second = (1 + raters * value * (number - 1) / (number * (1 - value))) * error
    spread = first**2 / (raters - 1) + second**2 / ((number - 1) * (raters - 1))
    if spread == 0:
        return np.nan, np.nan
    freedom = (first + second) ** 2 / spread
    high_f = stats.f.ppf((1 + LEVEL) / 2, number - 1, freedom)
    low_f = stats.f.ppf((1 + LEVEL) / 2, freedom, number - 1)
    noise = raters * columns + (raters * number - raters - number) * error
    low = number * (between - high_f * error) / (high_f * noise + number * between)
    high = number * (low_f * between - error) / (noise + number * low_f * between)
    return float(low), float(high)


def pearson(first: np.ndarray, second: np.ndarray) -> Correlation | None:
    """Return Pearson's correlation and its 95 % interval by Fisher's transformation.

    The bounds are NaN with fewer than four pairs; None where either does not vary, or with
    fewer than three.
    """
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    found = stats.pearsonr(first, second)
    if len(first) < 4:
        return Correlation(float(found.statistic), np.nan, np.nan)
    low, high = found.confidence_interval(LEVEL)
    return Correlation(float(found.statistic), float(low), float(high))


def agreement(volumes: pd.DataFrame) -> list[dict[str, Any]]:
    """Compare predicted with reference volumes over the cases.

    Parameters
    ----------
    volumes
        Rows of ``volumes.csv``. A case's volume is its mean over the seeds.

    Returns
    -------
    Rows of ``agreement.csv`` by label and method, in the order of the table; what too few
    cases, or cases without any difference, cannot give is None, and the note says so.
    """
    rows = []
    for keys, chosen in volumes.groupby(["label", "preset", "method"], sort=False):
        means = chosen.groupby("case")[["reference_ml", "prediction_ml"]].mean().to_numpy()
        named = dict(zip(("label", "preset", "method"), keys, strict=True))
        rows.append(dict.fromkeys(AGREEMENT_COLUMNS) | named | _agreement_row(means))
    return rows


def _agreement_row(pairs: np.ndarray) -> dict[str, Any]:
    row: dict[str, Any] = {"n": len(pairs), "note": ""}
    if len(pairs) < 2:
        return row | {"bias_ml": _rounded(float(np.diff(pairs).mean())), "note": "one case only"}
    spread = bland_altman(pairs[:, 1] - pairs[:, 0])
    row |= dict(zip(SPREAD_COLUMNS, map(_rounded, spread), strict=True))
    row |= _correlation_cells("icc", icc_agreement(pairs))
    correlation = pearson(*pairs.T)
    if correlation is None:
        return row | {"note": "too few different volumes"}
    return row | _correlation_cells("pearson", correlation)


def _correlation_cells(name: str, found: Correlation | None) -> dict[str, float | None]:
    keys = (name, f"{name}_low", f"{name}_high")
    return dict(zip(keys, map(_rounded, found or (None, None, None)), strict=True))


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else significant(value)


def detection(sizes: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the lesions found by size over all cases.

    Parameters
    ----------
    sizes
        Rows of ``lesion_sizes.csv``.

    Returns
    -------
    Rows of ``detection.csv`` by label, method and size: lesions of the reference and those
    found, as sums over the cases of the means over the seeds; their ratio; the cases with
    such lesions, and the mean over these of the share found; the same of the predicted
    lesions.
    """
    keys = ["label", "preset", "method", "low_mm3", "high_mm3"]
    counts = ["reference", "found", "predicted", "true"]
    cases = sizes.groupby([*keys, "case"], sort=False, dropna=False)[counts].mean()
    rows = []
    for group, chosen in cases.groupby(keys, sort=False, dropna=False):
        total = chosen.sum()
        having = chosen[chosen["reference"] > 0]
        row: dict[str, Any] = dict(zip(keys, group, strict=True)) | {
            name: significant(float(total[name])) for name in counts
        }
        row["high_mm3"] = None if np.isnan(row["high_mm3"]) else row["high_mm3"]
        row["cases"] = len(having)
        row["recall"] = _share(total["found"], total["reference"])
        row["precision"] = _share(total["true"], total["predicted"])
        shares = having["found"] / having["reference"]
        row["mean_recall"] = significant(float(shares.mean())) if len(having) else None
        rows.append(row)
    return rows


def _share(part: float, whole: float) -> float | None:
    return significant(float(part / whole)) if whole else None


def read_counts(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read ``volumes.csv`` or ``lesion_sizes.csv`` of a study.

    Raises
    ------
    DataError
        If the columns are others.
    """
    text = dict.fromkeys(("method", "case", "subject", "site", "label", "preset"), str)
    require_sealed(path)
    table = pd.read_csv(
        path, dtype=text, na_values=["n/a"], keep_default_na=False, encoding="utf-8-sig"
    )
    if tuple(table.columns) != columns:
        raise DataError(
            describe(
                subject=path.parent.name,
                file=path,
                found=f"columns {', '.join(table.columns)}",
                expected=f"columns {', '.join(columns)}",
                remedy="make the table again (aggregate_metrics)",
            )
        )
    return table


def write_agreement(volumes: Path, output: Path) -> None:
    """Write ``agreement.csv`` from ``volumes.csv`` (:func:`agreement`)."""
    rows = agreement(read_counts(volumes, VOLUME_COLUMNS))
    write_table(output, rows, AGREEMENT_COLUMNS, sealed=True)


def write_detection(lesion_sizes: Path, output: Path) -> None:
    """Write ``detection.csv`` from ``lesion_sizes.csv`` (:func:`detection`)."""
    rows = detection(read_counts(lesion_sizes, LESION_SIZE_COLUMNS))
    write_table(output, rows, DETECTION_COLUMNS, sealed=True)
