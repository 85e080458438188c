"""Making statistics and tables of a study again, as the rules of the workflow do."""

from pathlib import Path

from mribench.config import Study
from mribench.report.settings import table_settings
from mribench.report.study_tables import TableSettings, write_tables
from mribench.statistics.agreement import write_agreement, write_detection
from mribench.statistics.study import study_statistics, write_statistics


def make_tables(study: Study, measured: Path, scans: Path, folder: Path) -> None:
    """Write into a folder what follows from the scores and costs of a study.

    Parameters
    ----------
    study
        The configuration.
    measured
        The folder of ``metrics.csv``, ``volumes.csv``, ``lesion_sizes.csv``, ``costs.csv`` and
        ``failed_cases.tsv``.
    scans
        ``scans.tsv``, or the ``inputs.tsv`` of an archive, with ``splits.tsv`` beside it.
    folder
        Where statistics go, and the tables into its folder ``tables``.
    """
    counts = {name: folder / f"{name}.csv" for name in ("agreement", "detection")}
    write_agreement(measured / "volumes.csv", counts["agreement"])
    write_detection(measured / "lesion_sizes.csv", counts["detection"])
    write_statistics(study_statistics(measured / "metrics.csv", scans, study.evaluation), folder)
    settings = TableSettings.model_validate(table_settings(study))
    known = {**counts, "failed": measured / "failed_cases.tsv"}
    write_tables(folder, measured / "costs.csv", known, settings, folder / "tables")
