"""From the tidy table of all scores to one value per case and method."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mribench.errors import DataError, describe
from mribench.files import require_sealed
from mribench.metrics.columns import METRIC_COLUMNS
from mribench.metrics.conventions import Metric, load_preset
from mribench.statistics.formats import FORMAT_COLUMN, require_form

RUN_AGAIN = "make the table again (aggregate_metrics)"
CELL = ["method", "fold", "seed", "case", "label", "metric"]


@dataclass(frozen=True)
class Scores:
    """All scores of one metric and label.

    Attributes
    ----------
    metric, label, preset
        What was measured.
    rows
        Rows of ``metrics.csv``; an undefined value is NaN.
    cases
        One row per case (sorted), one column per method in the order of the table: the mean
        over the seeds that define a value, NaN where none does.
    subjects
        The subject of each case, on the same index.
    """

    metric: Metric
    label: str
    preset: str
    rows: pd.DataFrame
    cases: pd.DataFrame
    subjects: pd.Series

    @property
    def methods(self) -> list[str]:
        """The methods in the order of the table."""
        return list(self.cases.columns)

    @property
    def keys(self) -> dict[str, str]:
        """The columns that say what was measured."""
        return {"metric": self.metric.name, "label": self.label, "preset": self.preset}

    def reasons(self, method: str, undefined: bool) -> Counter[str]:
        """Count cases by note, among the scores of a method that are (or are not) undefined."""
        rows = self.rows[(self.rows["method"] == method) & (self.rows["note"] != "")]
        rows = rows[rows["value"].isna() == undefined].drop_duplicates(["case", "note"])
        return Counter(rows["note"])

    def absences(self, method: str) -> Counter[str]:
        """Count the cases that have no row for a method in a run that others have.

        A failed run leaves such gaps where tables are put together by hand.
        """
        keys = ["fold", "seed", "case"]
        wanted = self.rows[keys].drop_duplicates()
        found = self.rows.loc[self.rows["method"] == method, keys].drop_duplicates()
        missing = wanted.merge(found, how="left", on=keys, indicator=True)
        missing = missing[missing["_merge"] == "left_only"]
        runs = zip(missing["fold"], missing["seed"], strict=True)
        return Counter(f"in fold {fold}, seed {seed}" for fold, seed in runs)


def read_metrics(path: Path) -> pd.DataFrame:
    """Read ``metrics.csv`` of a study.

    Raises
    ------
    DataError
        If the table was made by another version of mribench, has other columns or no rows, if
        a value is no number, or a score stands twice, or if it was changed since.
    """
    require_sealed(path)
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    versions = set(table.get(FORMAT_COLUMN, ()))
    require_form(path, list(table.columns), versions, METRIC_COLUMNS, "aggregate_metrics")
    if table.empty:
        _refuse(path, "no rows", "at least one score")
    defined = table["value"] != "n/a"
    values = pd.to_numeric(table["value"].where(defined), errors="coerce")
    wrong = defined & ~np.isfinite(values)
    if wrong.any():
        _refuse(path, f"value {table['value'][wrong].iloc[0]!r}", "numbers, or n/a")
    if table.duplicated(CELL).any():
        first = table[table.duplicated(CELL)].iloc[0]
        _refuse(path, "a score twice: " + ", ".join(first[CELL]), "each score once")
    return table.assign(
        value=values, fold=table["fold"].astype(int), seed=table["seed"].astype(int)
    )


def _refuse(path: Path, found: str, expected: str) -> None:
    raise DataError(
        describe(subject="metrics", file=path, found=found, expected=expected, remedy=RUN_AGAIN)
    )


def scores_of(table: pd.DataFrame) -> Iterator[Scores]:
    """Yield the scores of each metric and label, in the order of the table.

    Parameters
    ----------
    table
        From :func:`read_metrics`.

    Raises
    ------
    ConfigError
        If a preset of the table is unknown.
    DataError
        If the preset of the table has no such metric.
    """
    methods = list(table["method"].unique())
    subjects = table.drop_duplicates("case").set_index("case")["subject"].sort_index()
    for keys, rows in table.groupby(["metric", "label", "preset"], sort=False):
        metric, label, preset = map(str, keys)
        means = rows.groupby(["case", "method"])["value"].mean().unstack("method")
        yield Scores(
            metric_of(preset, metric),
            label,
            preset,
            rows,
            means.reindex(index=subjects.index, columns=methods),
            subjects,
        )


def metric_of(preset: str, name: str) -> Metric:
    """Return a metric of a preset.

    Raises
    ------
    DataError
        If the preset does not have it.
    """
    known = [metric.name for metric in load_preset(preset).metrics]
    if name not in known:
        raise DataError(
            describe(
                subject="metrics",
                file=f"preset {preset}",
                found=f"metric {name}",
                expected=f"one of {', '.join(known)}",
                remedy="score the runs again (evaluate_predictions)",
            )
        )
    return load_preset(preset).metric(name)
