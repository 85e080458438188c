"""Tables of rankings and their stability, of the significance map and of the spread."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from mribench.config import Evaluation
from mribench.report.leaderboard import (
    CORRECTIONS,
    DIFFERENT,
    NOT_TESTABLE,
    is_untestable,
    metric_heading,
)
from mribench.report.statistics_tables import metric_of_row
from mribench.report.tables import MISSING, Cell, Column, Table, fixed, probability
from mribench.statistics.paired_tests import PAIRED_TESTS
from mribench.statistics.stability import kendall_tau

Row = Mapping[str, str]
LEADING = (Column("Metric", role="group"), Column("Label", role="group"), Column("Method"))
SCHEMES = {
    "aggregate_then_rank": "By mean",
    "rank_then_aggregate": "By mean rank",
    "test_then_rank": "By tests won",
}
SPREADS = (
    ("case_sd", "SD cases"),
    ("fold_sd", "SD folds"),
    ("training_sd", "SD trainings"),
    ("residual_sd", "SD residual"),
)


def _groups(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        head = metric_heading(metric_of_row(row), row["preset"])
        groups.setdefault((head, row["label"]), []).append(row)
    return groups


def make_scheme_table(schemes: Sequence[Row], title: str) -> Table:
    """Return the ranks of the methods in three ways, with their range over the draws.

    Parameters
    ----------
    schemes
        Rows of ``rank_schemes.csv``, as text.
    title
        Name of the study for people.
    """
    parts = ("rank", "low", "high", "first in draws")
    columns = [*LEADING, *(Column(name, parts, numbers=True) for name in SCHEMES.values())]
    lines, notes = [], []
    for (head, label), rows in _groups(schemes).items():
        found = {(row["scheme"], row["method"]): row for row in rows}
        methods = list(dict.fromkeys(row["method"] for row in rows))
        for method in sorted(methods, key=lambda m: int(found["aggregate_then_rank", m]["rank"])):
            cells = [_scheme_cell(found[scheme, method]) for scheme in SCHEMES]
            lines.append([Cell(head), Cell(label), Cell(method), *cells])
        notes.append(f"{head}, {label}: {_agreement(found, methods)}.")
    return Table(
        name="rank_schemes",
        title=f"{title}: rankings in three ways",
        columns=columns,
        rows=lines,
        notes=[
            "Rank, and in brackets its 95 % range and the share of first places over bootstrap "
            "draws of the subjects.",
            "By mean rank: a case undefined for a method, but not for all, ranks it last there. By "
            "tests won: the number of others that a method beats significantly.",
            *notes,
        ],
    )


def _scheme_cell(row: Row) -> Cell:
    first = fixed(row["draw_first"], 2)
    values = row["rank"], row["draw_rank_low"], row["draw_rank_high"], first
    if row["draw_rank_low"] == MISSING:
        return Cell(row["rank"], values, best=row["rank"] == "1")
    text = f"{values[0]} ({values[1]} to {values[2]}; {first})"
    return Cell(text, values, best=row["rank"] == "1")


def _agreement(found: Mapping[tuple[str, str], Row], methods: Sequence[str]) -> str:
    ranks = {
        scheme: np.array([int(found[scheme, method]["rank"]) for method in methods])
        for scheme in SCHEMES
    }
    parts = []
    for first, second in combinations(SCHEMES, 2):
        (tau,) = kendall_tau(ranks[first][None], ranks[second])
        text = fixed(str(tau), 2) if np.isfinite(tau) else MISSING
        parts.append(f"{SCHEMES[first].lower()} and {SCHEMES[second].lower()} {text}")
    own = [
        f"{name.lower()} {fixed(found[scheme, methods[0]]['kendall_tau'], 2)}"
        for scheme, name in SCHEMES.items()
    ]
    return f"Kendall's tau {', '.join(parts)}; with its draws {', '.join(own)}"


def make_significance_table(
    comparisons: Sequence[Row], evaluation: Evaluation, title: str
) -> Table:
    """Return the significance map: a row and a column per method.

    Parameters
    ----------
    comparisons
        Rows of ``comparisons.csv``, as text.
    evaluation
        Test, correction and level, for the notes.
    title
        Name of the study for people.
    """
    names = [row[key] for row in comparisons for key in ("first", "second")]
    methods = list(dict.fromkeys(names))
    lines = []
    for (head, label), rows in _groups(comparisons).items():
        pairs = {frozenset((row["first"], row["second"])): row for row in rows}
        for method in methods:
            cells = [_map_cell(pairs.get(frozenset((method, other))), method) for other in methods]
            lines.append([Cell(head), Cell(label), Cell(method), *cells])
    return Table(
        name="significance",
        title=f"{title}: significance map",
        columns=[*LEADING, *(Column(name, numbers=True) for name in methods)],
        rows=lines,
        notes=[
            "Adjusted p of row against column, "
            f"paired {PAIRED_TESTS[evaluation.test].title}, "
            f"{CORRECTIONS[evaluation.correction]} correction.",
            f"Bold: the row is better than the column at {evaluation.alpha:g}. "
            f"{DIFFERENT} the column is better. {NOT_TESTABLE} too few subjects for the level.",
        ],
    )


def _map_cell(row: Row | None, method: str) -> Cell:
    if row is None:
        return Cell("")
    if is_untestable(row):
        return Cell(probability(row["p_adjusted"]), mark=NOT_TESTABLE)
    won = row["significant"] == "true"
    better = won and row["better"] == method
    mark = DIFFERENT if won and not better else ""
    return Cell(probability(row["p_adjusted"]), best=better, mark=mark)


def make_variance_table(variance: Sequence[Row], title: str) -> Table:
    """Return the spread over cases, folds and trainings of each method.

    Parameters
    ----------
    variance
        Rows of ``variance.csv``, as text.
    title
        Name of the study for people.
    """
    heads = [*(head for _, head in SPREADS), "Cases", "Folds", "Seeds", "Left out"]
    columns = [*LEADING, *(Column(head, numbers=True) for head in heads)]
    lines = []
    for (head, label), rows in _groups(variance).items():
        for row in rows:
            digits = metric_of_row(row).digits + 1
            texts = [fixed(row[key], digits) for key, _ in SPREADS]
            counts = [row[key] for key in ("cases", "folds", "seeds", "left_out")]
            texts = [head, label, row["method"], *texts, *counts, row["note"]]
            lines.append([Cell(text) for text in texts])
    return Table(
        name="variance",
        title=f"{title}: where the spread comes from",
        columns=[*columns, Column("Note", role="note")],
        rows=lines,
        notes=[
            "Standard deviations of the parts of the variance: between cases of a fold, between "
            "folds, between trainings with other seeds, and what is left.",
            "Left out: cases without a value in every seed.",
        ],
    )
