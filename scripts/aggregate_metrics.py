"""Put the metrics, volumes, lesion counts and costs of all runs of a study into one table each.

volumes.csv, lesion_sizes.csv and failed_cases.tsv are written beside the table of metrics. The
runs are read from the folder runs there, in the order of methods, folds and seeds.
"""

import argparse
from pathlib import Path

from mribench import command, provenance
from mribench.files import write_table
from mribench.metrics.columns import LESION_SIZE_COLUMNS, METRIC_COLUMNS, VOLUME_COLUMNS
from mribench.statistics.collect import (
    FAILURE_COLUMNS,
    Runs,
    collect_costs,
    collect_failures,
    collect_metrics,
    run_folders,
)
from mribench.statistics.formats import write_tidy

TABLES = {"volumes.csv": VOLUME_COLUMNS, "lesion_sizes.csv": LESION_SIZE_COLUMNS}


def main(arguments: argparse.Namespace) -> None:
    """Write metrics.csv, volumes.csv, lesion_sizes.csv, failed_cases.tsv and costs.csv."""
    runs = Runs.model_validate(provenance.read_spec(arguments.spec))
    study = arguments.metrics.parent
    folders = run_folders(study / "runs", runs)
    write_tidy(arguments.metrics, collect_metrics(folders, METRIC_COLUMNS), METRIC_COLUMNS)
    for name, columns in TABLES.items():
        write_table(study / name, collect_metrics(folders, columns, name), columns, sealed=True)
    write_table(study / "failed_cases.tsv", collect_failures(folders), FAILURE_COLUMNS, True)
    write_tidy(arguments.costs, *collect_costs(folders))


if __name__ == "__main__":
    made = command.parser(__doc__)
    made.add_argument("--metrics", type=Path, required=True, help="table to write: all metrics")
    made.add_argument("--costs", type=Path, required=True, help="table to write: all costs")
    command.run(main, made)
