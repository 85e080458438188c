"""All tables of a study, from its tidy tables and its methods."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from mribench.config import Evaluation, Model
from mribench.files import read_table
from mribench.report.ablation import make_ablation_table
from mribench.report.cost_table import make_cost_table
from mribench.report.forms import write_forms
from mribench.report.leaderboard import failure_notes, make_leaderboard
from mribench.report.paper_tables import make_paper_tables
from mribench.report.stability_tables import (
    make_scheme_table,
    make_significance_table,
    make_variance_table,
)
from mribench.report.statistics_tables import make_comparison_table, make_ranking_table
from mribench.report.stratum_tables import make_stratum_tables
from mribench.report.tables import Table
from mribench.report.volume_tables import make_agreement_table, make_size_table
from mribench.statistics.formats import read_tidy
from mribench.statistics.study import COLUMNS

Rows = Sequence[Mapping[str, str]]
STATISTICS = ("ranking", "comparisons", "rank_schemes", "variance", "strata", "strata_comparisons")
VOLUMES = {"agreement": make_agreement_table, "detection": make_size_table}


class TableSettings(Model):
    """What the tables read of the configuration."""

    title: str = "Study"
    """Title of the study."""
    evaluation: Evaluation = Evaluation()
    """Test, correction, level, intervals and the reference of the costs."""
    order: tuple[str, ...] = ()
    """The methods as the configuration orders them, which a spec does not keep."""
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The settings of each method."""


def read_statistics(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Read the tables of statistics in a study's folder, by name.

    Raises
    ------
    DataError
        If one is missing or comes from another version of mribench.
    """
    return {
        name: read_tidy(folder / f"{name}.csv", COLUMNS[name], "compare_methods")
        for name in STATISTICS
    }


def common_tables(
    found: Mapping[str, Rows], costs: Rows, settings: TableSettings
) -> Iterator[Table]:
    """Yield the tables that every study has.

    Parameters
    ----------
    found
        From :func:`read_statistics`; may also hold ``failed``, the rows of
        ``failed_cases.tsv``.
    costs
        Rows of ``costs.csv``, as text.
    settings
        What the tables read of the configuration.
    """
    evaluation, title = settings.evaluation, settings.title
    ranking, pairs = found["ranking"], found["comparisons"]
    board = make_leaderboard(ranking, pairs, evaluation, title)
    yield replace(board, notes=[*board.notes, *failure_notes(found.get("failed", ()))])
    yield make_ranking_table(ranking, evaluation, title)
    yield make_comparison_table(pairs, evaluation, title)
    yield make_scheme_table(found["rank_schemes"], title)
    yield make_significance_table(pairs, evaluation, title)
    yield make_variance_table(found["variance"], title)
    order = settings.order or tuple(dict.fromkeys(row["method"] for row in costs))
    yield make_cost_table(costs, order, evaluation.reference, title)


def special_tables(
    found: Mapping[str, Rows], costs: Rows, settings: TableSettings
) -> Iterator[Table]:
    """Yield the tables that only some studies have.

    Parameters as for :func:`common_tables`; `found` may also hold ``agreement`` and
    ``detection``, the rows of these tables as text.
    """
    evaluation, title = settings.evaluation, settings.title
    yield from make_stratum_tables(found["strata"], found["strata_comparisons"], evaluation, title)
    for name, make in VOLUMES.items():
        if found.get(name):
            yield make(found[name], title)
    methods = {name: settings.methods[name] for name in settings.order}
    yield from make_ablation_table(
        methods, found["ranking"], found["comparisons"], evaluation, title
    )
    yield from make_paper_tables(methods, found, costs, evaluation, title)


def write_tables(
    statistics: Path,
    costs: Path,
    counts: Mapping[str, Path],
    settings: TableSettings,
    folder: Path,
) -> None:
    """Write all tables of a study in all forms; those that only some have stand in ``more``.

    Parameters
    ----------
    statistics
        The folder of ``ranking.csv`` and the other tables of statistics.
    costs
        ``costs.csv`` of the study.
    counts
        ``agreement.csv``, ``detection.csv`` and ``failed_cases.tsv`` by name, where there are any.
    settings
        What the tables read of the configuration.
    folder
        Where the tables go.

    Raises
    ------
    DataError
        If a table of statistics is missing or comes from another version of mribench.
    """
    found = read_statistics(statistics) | {name: read_table(counts[name]) for name in counts}
    rows = read_table(costs)
    for table in common_tables(found, rows, settings):
        write_forms(table, folder)
    shutil.rmtree(folder / "more", ignore_errors=True)
    (folder / "more").mkdir()
    for table in special_tables(found, rows, settings):
        write_forms(table, folder / "more")
