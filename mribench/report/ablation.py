"""The ablation: pairs of methods that differ in one key only."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from mribench.config import Evaluation
from mribench.report.leaderboard import (
    DIFFERENT,
    NOT_TESTABLE,
    Row,
    is_untestable,
    metric_heading,
    test_notes,
)
from mribench.report.statistics_tables import metric_of_row
from mribench.report.tables import MISSING, Cell, Column, Table, fixed


class Change(NamedTuple):
    """Two methods and the one key in which they differ, with its two values."""

    base: str
    other: str
    key: str
    before: str
    after: str


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings by dotted key, values as text."""
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flat_settings(value, f"{prefix}{key}.")
        else:
            text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            flat[f"{prefix}{key}"] = text
    return flat


def find_changes(methods: Mapping[str, Mapping[str, Any]], first: str | None) -> list[Change]:
    """Return the pairs of methods that differ in exactly one key.

    Parameters
    ----------
    methods
        The settings of each method, in the order of the configuration; where two differ,
        the earlier one is the base.
    first
        A method that comes before all others, or None.
    """
    flat = {name: flat_settings(settings) for name, settings in methods.items()}
    order = sorted(flat, key=lambda name: name != first)
    changes = []
    for base, other in combinations(order, 2):
        before, after = flat[base], flat[other]
        keys = sorted(before.keys() | after.keys())
        differing = [key for key in keys if before.get(key) != after.get(key)]
        if len(differing) == 1:
            (key,) = differing
            texts = (before.get(key, "none"), after.get(key, "none"))
            changes.append(Change(base, other, key, *texts))
    return sorted(changes, key=lambda change: change.key)


def make_ablation_table(
    methods: Mapping[str, Mapping[str, Any]],
    ranking: Sequence[Row],
    comparisons: Sequence[Row],
    evaluation: Evaluation,
    title: str,
) -> Iterator[Table]:
    """Yield what changing one key does to each metric, where the study has such methods.

    Parameters
    ----------
    methods
        The settings of each method, in the order of the configuration.
    ranking, comparisons
        Rows of ``ranking.csv`` and ``comparisons.csv``, as text.
    evaluation
        Test, correction, level and reference.
    title
        Name of the study for people.
    """
    changes = find_changes(methods, evaluation.reference)
    if not changes:
        return
    kinds = list(dict.fromkeys((row["metric"], row["label"]) for row in ranking))
    examples = {(row["metric"], row["label"]): row for row in ranking}
    several = len({label for _, label in kinds}) > 1
    heads = [Column("Key", role="group"), Column("From"), Column("To")]
    for metric, label in kinds:
        row = examples[metric, label]
        head = metric_heading(metric_of_row(row), row["preset"])
        head = f"Δ {head}" + (f", {label}" if several else "")
        heads.append(Column(head, ("difference", "low", "high"), numbers=True))
    lines = [
        [
            Cell(change.key),
            Cell(f"{change.base} ({change.before})"),
            Cell(f"{change.other} ({change.after})"),
            *(_cell(change, comparisons, metric, label) for metric, label in kinds),
        ]
        for change in changes
    ]
    notes = [
        "Methods that differ in one key only. Δ: mean of the second minus the first, with its "
        "95 % bootstrap interval; bold where the second is significantly better.",
        test_notes(comparisons, evaluation)[0].replace("the best", "the first"),
    ]
    yield Table("ablation", f"{title}: ablation", heads, lines, notes)


def _cell(change: Change, comparisons: Sequence[Row], metric: str, label: str) -> Cell:
    pair = {change.base, change.other}
    row = next(
        row
        for row in comparisons
        if (row["metric"], row["label"]) == (metric, label)
        and {row["first"], row["second"]} == pair
    )
    digits = metric_of_row(row).digits
    if row["mean_difference"] == MISSING:
        return Cell(MISSING, (MISSING,) * 3, mark=NOT_TESTABLE)
    # The comparison is first minus second.
    sign = -1 if row["first"] == change.base else 1
    bounds = [row[key] for key in ("ci_low", "ci_high")][::sign]
    texts = [
        text if text == MISSING else fixed(str(sign * float(text)), digits, sign=True)
        for text in (row["mean_difference"], *bounds)
    ]
    text = texts[0] if MISSING in texts else f"{texts[0]} ({texts[1]} to {texts[2]})"
    found = row["significant"] == "true"
    mark = DIFFERENT if found else NOT_TESTABLE if is_untestable(row) else ""
    return Cell(text, tuple(texts), best=found and row["better"] == change.other, mark=mark)
