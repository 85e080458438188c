"""What the methods cost, in numbers and in ratios to a reference method."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from mribench.report.tables import MISSING, Cell, Column, Table

Row = Mapping[str, str]


class Cost(NamedTuple):
    """A column of ``costs.csv``: head, unit for people, and its size in the column's unit."""

    column: str
    head: str
    unit: float = 1.0


COSTS = (
    Cost("parameters", "Parameters (M)", 1e6),
    Cost("multiply_adds", "Multiply-adds (G)", 1e9),
    Cost("peak_gpu_mb", "Peak GPU memory (MB)"),
    Cost("peak_process_mb", "Peak memory (MB)"),
    Cost("training_seconds", "Training (s)"),
    Cost("prediction_seconds_per_case", "Prediction (s per case)"),
)


def mean_costs(costs: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return the mean over the runs of each method, of each cost that was measured."""
    found: dict[str, dict[str, float]] = {}
    for method in dict.fromkeys(row["method"] for row in costs):
        rows = [row for row in costs if row["method"] == method]
        measured = {
            cost.column: [float(row[cost.column]) for row in rows if _is_given(row, cost.column)]
            for cost in COSTS
        }
        found[method] = {column: fmean(values) for column, values in measured.items() if values}
    return found


def _is_given(row: Row, column: str) -> bool:
    return row.get(column, MISSING) != MISSING


def ratio(costs: Mapping[str, Mapping[str, float]], method: str, base: str, column: str) -> str:
    """Return a method's cost as a multiple of another's with two decimals, or ``n/a``."""
    cost, reference = costs[method].get(column), costs[base].get(column)
    return MISSING if cost is None or not reference else f"{cost / reference:.2f}"


def first_network(costs: Sequence[Row], order: Sequence[str]) -> str:
    """Return the first method that computes with a network, or the first of all."""
    means = mean_costs(costs)
    return next((name for name in order if means[name].get("multiply_adds")), order[0])


def make_cost_table(
    costs: Sequence[Row], order: Sequence[str], reference: str | None, title: str
) -> Table:
    """Return parameters, operations, memory and seconds per method.

    Parameters
    ----------
    costs
        Rows of ``costs.csv``, as text.
    order
        The methods as the configuration orders them.
    reference
        The method whose costs count as 1; None takes the first network.
    title
        Name of the study for people.
    """
    means = mean_costs(costs)
    base = reference or first_network(costs, order)
    chosen = [cost for cost in COSTS if any(cost.column in means[name] for name in order)]
    heads = [Column(cost.head, ("value", "ratio"), numbers=True) for cost in chosen]
    lines = [[Cell(name), *(_cell(means, name, base, cost) for cost in chosen)] for name in order]
    return Table(
        name="costs",
        title=f"{title}: costs",
        columns=[Column("Method"), *heads],
        rows=lines,
        notes=[
            f"Means over the runs of a method; in brackets the ratio to {base}.",
            "Parameters and multiply-adds: of one forward pass of a training patch. Seconds and "
            "memory depend on the machine and on what else it did.",
        ],
    )


def _cell(means: Mapping[str, Mapping[str, float]], method: str, base: str, cost: Cost) -> Cell:
    value = means[method].get(cost.column)
    if value is None:
        return Cell(MISSING, (MISSING, MISSING))
    text, share = _three_digits(value / cost.unit), ratio(means, method, base, cost.column)
    return Cell(text if share == MISSING else f"{text} ({share})", (text, share))


def _three_digits(value: float) -> str:
    if value >= 100 or value == 0:
        return f"{value:.0f}"
    decimals = 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{decimals}f}" if value >= 0.0005 else f"{value:.6f}"
