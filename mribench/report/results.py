"""Reading a finished study: its tables, in the shapes that figures and page need."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

import pandas as pd

from mribench.errors import DataError, describe
from mribench.files import read_json, read_table, require_sealed

TEXT = ("method", "case", "subject", "site", "label", "metric", "preset", "note", "significant")


def read_frame(path: Path) -> pd.DataFrame:
    """Read a CSV or TSV of a study; ``n/a`` is missing, names stay text.

    Raises
    ------
    DataError
        If the table is missing or has no header.
    """
    require_sealed(path)
    separator = "\t" if path.suffix == ".tsv" else ","
    try:
        return pd.read_csv(
            path,
            sep=separator,
            na_values=["n/a"],
            keep_default_na=False,
            dtype=dict.fromkeys(TEXT, str),
            encoding="utf-8-sig",
        )
    except (FileNotFoundError, pd.errors.EmptyDataError) as error:
        raise DataError(
            describe(
                subject=path.parent.name,
                file=path,
                found=f"no table ({error})",
                expected="a table with a header, written by the workflow",
                remedy="run `snakemake tables` first",
            )
        ) from error


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dictionaries by column; missing values are nan."""
    return cast(list[dict[str, Any]], frame.to_dict("records"))


def value_of(table: pd.DataFrame, case: str, method: str) -> float:
    """Return the value of a case and method from a table of :meth:`Results.values`."""
    return float(cast(float, table.loc[case, method]))


class Run(NamedTuple):
    """One training: what it trained, and its folder."""

    method: str
    fold: int
    seed: int
    folder: Path


@dataclass(frozen=True)
class Results:
    """What a study has made, read from its folder when first asked for.

    `methods` are the method names as the configuration orders them.
    """

    folder: Path
    methods: tuple[str, ...]

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """One row per method, fold, seed, case, label and metric."""
        return read_frame(self.folder / "metrics.csv")

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """One row per metric, label and method."""
        return read_frame(self.folder / "ranking.csv")

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """One row per metric, label and pair of methods."""
        return read_frame(self.folder / "comparisons.csv")

    @cached_property
    def rank_draws(self) -> pd.DataFrame:
        """One row per metric, label, way of ranking, method and rank, with its share of draws.

        Empty in a study that has not drawn any.
        """
        path = self.folder / "rank_draws.csv"
        columns = ["metric", "label", "scheme", "method", "rank", "share"]
        return read_frame(path) if path.is_file() else pd.DataFrame(columns=columns)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """One row per run."""
        return read_frame(self.folder / "costs.csv")

    @cached_property
    def scans(self) -> pd.DataFrame:
        """One row per image."""
        return read_frame(self.folder / "dataset/scans.tsv")

    @cached_property
    def splits(self) -> pd.DataFrame:
        """One row per fold and case."""
        return read_frame(self.folder / "dataset/splits.tsv")

    @cached_property
    def problems(self) -> pd.DataFrame:
        """One row per problem of the data set."""
        return read_frame(self.folder / "dataset/problems.tsv")

    @cached_property
    def failed(self) -> list[dict[str, str]]:
        """One row per run and test case without a score because its preprocessing failed."""
        return read_table(self.folder / "failed_cases.tsv")

    @cached_property
    def complete_cases(self) -> list[str]:
        """The cases that every method has scores for, sorted."""
        counts = self.metrics.groupby("case")["method"].nunique()
        return sorted(counts.index[counts == len(self.methods)])

    @property
    def labels(self) -> list[str]:
        """The classes that were scored, in the order of the table."""
        return list(self.metrics["label"].unique())

    @property
    def metric_names(self) -> list[str]:
        """The metrics that were computed, in the order of the table."""
        return list(self.metrics["metric"].unique())

    def values(self, metric: str, label: str) -> pd.DataFrame:
        """Return one value per case (rows, sorted) and method (columns), averaged over seeds.

        A case that is undefined in one seed is averaged over the others; one that is
        undefined in all stays missing.
        """
        chosen = self.metrics[(self.metrics.metric == metric) & (self.metrics.label == label)]
        table = chosen.pivot_table(
            index="case", columns="method", values="value", aggfunc="mean", dropna=False
        )
        return table.reindex(columns=list(self.methods)).sort_index()

    def ranked(self, metric: str, label: str) -> list[str]:
        """Return the methods from first to last by the study's ranking of `metric`."""
        chosen = self.ranking[(self.ranking.metric == metric) & (self.ranking.label == label)]
        order = chosen.sort_values(["rank", "method"])["method"]
        return [*order, *(name for name in self.methods if name not in set(order))]

    def runs(self) -> list[Run]:
        """Return every run that the metrics come from, methods in their order."""
        rows = records(self.metrics[["method", "fold", "seed"]].drop_duplicates())
        made = [Run(**row, folder=self.run_folder(**row)) for row in rows]
        return sorted(made, key=lambda run: (self.methods.index(run.method), *run[1:3]))

    def run_folder(self, method: str, fold: int, seed: int) -> Path:
        """Return the folder of one run."""
        return self.folder / "runs" / method / f"fold-{fold}_seed-{seed}"

    def prediction(self, method: str, case: str) -> Path:
        """Return the predicted segmentation of a case, of the first seed that tested it."""
        rows = self.metrics[(self.metrics.method == method) & (self.metrics.case == case)]
        first = records(rows.sort_values(["seed", "fold"]))[0]
        folder = self.run_folder(method, first["fold"], first["seed"])
        listed = read_json(folder / "predictions.json")
        path: Path = folder / listed[case]["path"]
        return path

    def loads(self, cases: Sequence[str]) -> pd.Series:
        """Return the lesion load in ml of the given cases."""
        per_case = self.scans.drop_duplicates("case").set_index("case")["load_ml"]
        return per_case.astype(float).reindex(list(cases))
