"""What a reader must know before trusting the numbers, in one sentence each."""

import pandas as pd

from mribench.metrics.conventions import Metric
from mribench.report.answer import cases
from mribench.report.leaderboard import failure_notes
from mribench.report.results import Results, records


def list_warnings(results: Results, metrics: list[Metric]) -> list[str]:
    """Return all warnings: dropped and failed cases, notes, undefined values, untestable pairs."""
    titles = {metric.name: metric.title for metric in metrics}
    return [
        *data_warnings(results),
        *failure_notes(results.failed),
        *failure_reasons(results),
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


def failure_reasons(results: Results) -> list[str]:
    """Return what went wrong with each case whose preprocessing failed."""
    texts = (f"{row['case']}: {row['stage']} failed: {row['found']}." for row in results.failed)
    return list(dict.fromkeys(texts))


def missing_warnings(results: Results) -> list[str]:
    """Return test cases that a method has no score for, without a failure that explains it."""
    splits, metrics = results.splits, results.metrics
    told = {(row["method"], row["case"]) for row in results.failed}
    wanted = set(splits.loc[splits.role == "test", "case"])
    lines = []
    for name in results.methods:
        scored = set(metrics.loc[metrics.method == name, "case"])
        missing = sorted(case for case in wanted - scored if (name, case) not in told)
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
