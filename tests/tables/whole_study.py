"""A study's tidy tables, with methods of three papers."""

from pathlib import Path

import numpy as np
import pandas as pd

from mribench.config import Evaluation
from mribench.files import read_table, write_table
from mribench.metrics.columns import LESION_SIZE_COLUMNS, METRIC_COLUMNS, VOLUME_COLUMNS
from mribench.report.study_tables import (
    TableSettings,
    common_tables,
    read_statistics,
    special_tables,
    write_tables,
)
from mribench.report.tables import Table
from mribench.statistics.agreement import agreement, detection
from mribench.statistics.formats import write_tidy
from mribench.statistics.study import study_statistics, write_statistics

METHODS = {
    "base128": {"method": "scp", "head": "base", "n_c": 128, "epochs": 9},
    "scp128": {"method": "scp", "head": "scp", "n_c": 128, "epochs": 9},
    "scp256": {"method": "scp", "head": "scp", "n_c": 256, "epochs": 9},
    "adaptive": {"method": "resolution_unet", "variant": "native", "epochs": 9},
    "sdu": {"method": "sdu_net", "augmentation": {"noise": 0.1}, "epochs": 9},
}
SHIFTS = dict(zip(METHODS, (0.0, 0.05, 0.09, 0.1, 0.02), strict=True))
COSTS = {"parameters": 490000, "multiply_adds": 4.5e8, "training_seconds": 100.0}
SPACINGS = ("1x1x1", "0.5x0.5x1", "0.35x4.8x0.35")


def metric_rows(metrics=("dice", "lesion_recall"), cases=18, seeds=2):
    """Rows of metrics.csv: methods differ by the offsets in SHIFTS."""
    random = np.random.default_rng(0)
    rows = []
    for metric in metrics:
        base = random.normal(0.6, 0.05, cases)
        for method, shift in SHIFTS.items():
            for seed in range(seeds):
                for case, value in enumerate(base + shift + random.normal(0, 0.01, cases)):
                    row = dict.fromkeys(METRIC_COLUMNS, "") | {"value": round(value, 6)}
                    row |= {"method": method, "metric": metric, "seed": seed, "fold": case // 6}
                    row |= {"case": f"sub-{case:02d}", "subject": f"sub-{case:02d}"}
                    row |= {"label": "lesion", "preset": "wmh2017", "site": f"site{'AB'[case % 2]}"}
                    rows.append(row)
    return rows


def write_inputs(folder: Path, rows) -> None:
    """Write metrics.csv, costs.csv and scans.tsv."""
    write_tidy(folder / "metrics.csv", rows, METRIC_COLUMNS)
    costs = [
        {
            "method": method,
            "fold": fold,
            "seed": 0,
            **{k: v * (1 + place) for k, v in COSTS.items()},
        }
        for place, method in enumerate(METHODS)
        for fold in range(3)
    ]
    write_tidy(folder / "costs.csv", costs, list(costs[0]))
    cases = sorted({row["case"] for row in rows})
    scans = [
        {
            "case": case,
            "contrast": "FLAIR",
            "labels_contrast": "FLAIR",
            "load_ml": 1.5 * place,
            "spacing": SPACINGS[place % 3],
        }
        for place, case in enumerate(cases)
    ]
    write_table(folder / "scans.tsv", scans, list(scans[0]))
    write_table(folder / "splits.tsv", split_rows(cases), ("fold", "case", "role"))


def split_rows(cases):
    """Rows of splits.tsv: fold 0 trains on 1 mm, fold 1 on 0.5 mm, fold 2 on both."""
    trained = {0: (0,), 1: (1,), 2: (0, 1)}
    return [
        {"fold": fold, "case": case, "role": "train" if place % 3 in kinds else "validation"}
        for fold, kinds in trained.items()
        for place, case in enumerate(cases)
    ]


def settings(**evaluation):
    """The settings of render_tables."""
    return {
        "title": "Trial & error",
        "evaluation": evaluation,
        "order": list(METHODS),
        "methods": METHODS,
    }


def make_tables(folder: Path, rows=None, chosen=None, detection=None, **evaluation) -> Path:
    """Make statistics and tables; return the folder of the tables."""
    write_inputs(folder, rows or metric_rows())
    statistics = Evaluation.model_validate(evaluation)
    found = study_statistics(folder / "metrics.csv", folder / "scans.tsv", statistics)
    write_statistics(found, folder)
    tables = TableSettings.model_validate(chosen or settings(**evaluation))
    counts = {"detection": detection} if detection else {}
    write_tables(folder, folder / "costs.csv", counts, tables, folder / "tables")
    return folder / "tables"


def volume_rows():
    """Rows of agreement.csv and of detection.csv of two methods, as text."""
    random = np.random.default_rng(1)
    volumes, sizes = [], []
    for method in ("base128", "scp128"):
        for case in range(8):
            keys = {"method": method, "fold": 0, "seed": 0, "case": f"sub-{case}", "site": "A"}
            keys |= {"subject": f"sub-{case}", "label": "lesion", "preset": "wmh2017"}
            true = float(random.uniform(1, 9))
            volumes.append(keys | {"reference_ml": true, "prediction_ml": true + random.normal()})
            for low, high in ((0.0, 10.0), (10.0, np.nan)):
                counts = {"reference": 5, "found": 3, "predicted": 4, "true": 2 + case % 2}
                sizes.append(keys | counts | {"low_mm3": low, "high_mm3": high})
    agreed = agreement(pd.DataFrame(volumes, columns=list(VOLUME_COLUMNS)))
    found = detection(pd.DataFrame(sizes, columns=list(LESION_SIZE_COLUMNS)))
    return [
        [
            {key: "n/a" if value is None else str(value) for key, value in row.items()}
            for row in rows
        ]
        for rows in (agreed, found)
    ]


def all_tables(folder: Path) -> list[Table]:
    """Every table that a study can have."""
    make_tables(folder)
    found = read_statistics(folder)
    found["agreement"], found["detection"] = volume_rows()
    costs = read_table(folder / "costs.csv")
    chosen = TableSettings.model_validate(settings())
    return [*common_tables(found, costs, chosen), *special_tables(found, costs, chosen)]
