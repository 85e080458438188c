"""What a reader must know before trusting the numbers, in one sentence each."""

import pandas as pd

from mribench.metrics.conventions import Metric
from mribench.report.answer import cases
from mribench.report.results import Results, records


def list_warnings(results: Results, metrics: list[Metric]) -> list[str]:
    """Return all warnings: dropped cases and notes, undefined values, untestable pairs."""
    titles = {metric.name: metric.title for metric in metrics}
    return [
        *data_warnings(results),
        *missing_warnings(results),
        *empty_warnings(results, titles),
        *untested_warnings(results, titles),
    ]


def data_warnings(results: Results) -> list[str]:
    """Return the problems of the data set, the dropped cases counted first."""
    problems = results.problems
    dropped = problems[problems.action == "drop"]
    count = dropped["case"].nunique()
    lines = [f"{cases(count)} dropped because of unusable data."] if count else []
    for row in problems.itertuples(index=False):
        lines.append(
            f"{row.case} ({row.action}): {row.file}: found {row.found}, expected {row.expected}."
        )
    return lines


def missing_warnings(results: Results) -> list[str]:
    """Return test cases that a method has no score for."""
    splits, metrics = results.splits, results.metrics
    wanted = set(splits.loc[splits.role == "test", "case"])
    lines = []
    for name in results.methods:
        missing = sorted(wanted - set(metrics.loc[metrics.method == name, "case"]))
        if missing:
            lines.append(f"{name} has no scores for {cases(len(missing))}: {', '.join(missing)}.")
    return lines


def empty_warnings(results: Results, titles: dict[str, str]) -> list[str]:
    """Return how many cases of each metric have no value, or one set by rule, and why."""
    metrics = results.metrics
    missing = metrics["value"].isna()
    ruled = ~missing & (metrics["note"].fillna("") != "")
    lines = [
        f"{what} is undefined, {note}: {who}. Its means and tests are without these cases."
        for what, note, who in count_notes(metrics[missing], titles)
    ]
    lines += [
        f"{what} has the value that the preset gives to such cases, {note}: {who}."
        for what, note, who in count_notes(metrics[ruled], titles)
    ]
    return lines


def count_notes(rows: pd.DataFrame, titles: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return metric with label, note, and the cases per method, of each kind of note."""
    counted = []
    for keys, group in rows.groupby(["metric", "label", "note"], sort=False):
        metric, label, note = map(str, keys)  # type: ignore[arg-type]
        numbers = group.groupby("method", sort=False)["case"].nunique()
        who = ", ".join(f"{name} {cases(int(number))}" for name, number in numbers.items())
        counted.append((f"{titles[metric]} ({label})", note, who))
    return counted


def untested_warnings(results: Results, titles: dict[str, str]) -> list[str]:
    """Return the pairs of methods that could not be tested, with the reason."""
    rows = results.comparisons[results.comparisons["p_adjusted"].isna()]
    return [
        f"{titles[row['metric']]} ({row['label']}): {row['first']} against {row['second']} is "
        f"{row['note']}."
        for row in records(rows)
    ]
