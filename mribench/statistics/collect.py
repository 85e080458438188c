"""Putting the tables of all runs into one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from mribench.config import Model
from mribench.errors import DataError, describe
from mribench.failures import Failure
from mribench.files import read_json, read_table

FAILURE_COLUMNS = ("method", "fold", "seed", "case", "stage", "found")


class Runs(Model):
    """All runs of a study: every method on every fold with every seed."""

    methods: tuple[str, ...]
    """Names of the methods, in the order of the tables."""
    folds: tuple[int, ...]
    """Numbers of the folds."""
    seeds: tuple[int, ...]
    """The seeds."""


class RunFolder(NamedTuple):
    """A run and where its files are."""

    method: str
    fold: int
    seed: int
    path: Path

    @property
    def keys(self) -> dict[str, Any]:
        """The run's columns in a table."""
        return {"method": self.method, "fold": self.fold, "seed": self.seed}


def run_grid(runs: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the methods, folds and seeds of a study's runs, sorted, as :class:`Runs` reads them.

    Sorted, so that the order of the methods in the configuration changes nothing.
    """
    listed = list(runs)
    keys = ("method", "fold", "seed")
    return {f"{key}s": sorted({run[key] for run in listed}) for key in keys}


def run_folders(root: Path, runs: Runs) -> list[RunFolder]:
    """Return all runs of a study in the order of methods, folds and seeds.

    Parameters
    ----------
    root
        The study's folder ``runs``.
    runs
        Which runs there must be.
    """
    return [
        RunFolder(method, fold, seed, root / method / f"fold-{fold}_seed-{seed}")
        for method, fold, seed in product(runs.methods, runs.folds, runs.seeds)
    ]


def collect_metrics(
    folders: Iterable[RunFolder], columns: Sequence[str], name: str = "metrics.csv"
) -> Iterator[dict]:
    """Yield the rows of ``metrics.csv``, or of another table, of all runs, run by run.

    Raises
    ------
    DataError
        If a run's table is missing, has other columns or belongs to another run.
    """
    for folder in folders:
        path = folder.path / name
        require_file(path, folder, "evaluate_predictions")
        rows = read_table(path)
        expected = {key: str(value) for key, value in folder.keys.items()}
        for row in rows:
            if tuple(row) != tuple(columns) or not expected.items() <= row.items():
                raise DataError(_foreign_table(path, folder, row, columns))
        yield from rows


def _foreign_table(
    path: Path, folder: RunFolder, row: Mapping[str, str], columns: Sequence[str]
) -> str:
    known = tuple(row) == tuple(columns)
    return describe(
        subject=folder.method,
        file=path,
        found=f"rows of another run ({row['method']})" if known else f"columns {', '.join(row)}",
        expected=str(folder.keys) if known else f"columns {', '.join(columns)}",
        remedy="score the run again (evaluate_predictions)",
    )


def collect_failures(folders: Iterable[RunFolder]) -> Iterator[dict[str, Any]]:
    """Yield one row per run and test case that has no score because its preprocessing failed."""
    for folder in folders:
        path = folder.path / "predictions.json"
        require_file(path, folder, "predict_cases")
        for case, entry in sorted(read_json(path).items()):
            if "failed" in entry:
                failure = Failure(**entry["failed"])
                yield {**folder.keys, "case": case, "stage": failure.stage, "found": failure.reason}


def collect_costs(folders: Sequence[RunFolder]) -> tuple[list[dict[str, Any]], list[str]]:
    """Read ``cost.json`` of all runs.

    Returns
    -------
    One row per run with nested keys joined by ``_``, and the columns: method, fold,
    seed, then all keys of any run, sorted. What a run does not have is None.
    """
    rows = []
    for folder in folders:
        path = folder.path / "cost.json"
        require_file(path, folder, "measure_cost")
        rows.append({**folder.keys, **flatten(read_json(path))})
    keys = sorted({key for row in rows for key in row} - {"method", "fold", "seed"})
    columns = ["method", "fold", "seed", *keys]
    return [{key: row.get(key) for key in columns} for row in rows], columns


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested dictionaries as one, keys joined by ``_``; lists become ``1x64x64``."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}_"))
        else:
            flat[f"{prefix}{key}"] = "x".join(map(str, value)) if isinstance(value, list) else value
    return flat


def require_file(path: Path, folder: RunFolder, maker: str) -> None:
    """Raise where a run lacks one of its files."""
    if not path.exists():
        raise DataError(
            describe(
                subject=f"{folder.method}, fold {folder.fold}, seed {folder.seed}",
                file=path,
                found="no such file",
                expected=f"the file that {maker} makes",
                remedy="run the study again; its log says why this run failed",
            )
        )
