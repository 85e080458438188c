"""The leaderboard: methods against metrics, best first."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from mribench.config import Evaluation
from mribench.metrics.conventions import Metric, load_preset
from mribench.report.tables import MISSING, Cell, Column, Table, fixed
from mribench.statistics.compare import TOO_FEW
from mribench.statistics.paired_tests import PAIRED_TESTS

Row = Mapping[str, str]
ARROWS = {"higher": "↑", "lower": "↓"}
CORRECTIONS = {"holm": "Holm's", "bonferroni": "Bonferroni's"}
DIFFERENT, NOT_TESTABLE = "*", "†"


def make_leaderboard(
    ranking: Sequence[Row], comparisons: Sequence[Row], evaluation: Evaluation, title: str
) -> Table:
    """Return the leaderboard of a study.

    Parameters
    ----------
    ranking, comparisons
        Rows of ``ranking.csv`` and ``comparisons.csv``, as text.
    evaluation
        Test, correction and level, for the notes.
    title
        Name of the study for people.

    Returns
    -------
    One row per method and label with mean and standard deviation over the cases of each
    metric, sorted by the mean of the ranks. The best mean of a metric is bold; a mark
    tells which others differ from it.
    """
    metrics = list(dict.fromkeys((row["metric"], row["preset"]) for row in ranking))
    labels = list(dict.fromkeys(row["label"] for row in ranking))
    table_rows = [
        line
        for label in labels
        for line in _label_rows([r for r in ranking if r["label"] == label], comparisons, metrics)
    ]
    several = len(labels) > 1
    if not several:
        table_rows = [[line[0], *line[2:]] for line in table_rows]
    return Table(
        name="leaderboard",
        title=f"{title}: leaderboard",
        columns=_columns(ranking, metrics, several),
        rows=table_rows,
        notes=[*board_notes(ranking, comparisons, evaluation), *empty_notes(ranking)],
    )


def metric_heading(metric: Metric, preset: str) -> str:
    """Return a metric's title with unit and preset, such as ``HD95 (mm, wmh2017)``."""
    return f"{metric.title} ({', '.join(filter(None, (metric.unit, preset)))})"


def _columns(
    ranking: Sequence[Row], metrics: Sequence[tuple[str, str]], several: bool
) -> list[Column]:
    parts = ("mean", "sd", "seed sd", "n") if has_seeds(ranking) else ("mean", "sd", "n")
    heads = [Column("Method"), *([Column("Label")] if several else [])]
    for name, preset in metrics:
        metric = load_preset(preset).metric(name)
        title = f"{metric_heading(metric, preset)} {ARROWS[metric.better]}"
        heads.append(Column(title, parts, numbers=True))
    return [*heads, Column("Mean rank", numbers=True), Column("Cases", numbers=True)]


def subject_range(comparisons: Sequence[Row]) -> str:
    """Return how many subjects the tests saw: ``12``, or ``4 to 12``."""
    numbers = sorted({int(row["n"]) for row in comparisons})
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def has_seeds(ranking: Sequence[Row]) -> bool:
    """Say whether a method was trained with several seeds."""
    return any(int(row["seeds"]) > 1 for row in ranking)


def _label_rows(
    ranking: Sequence[Row], comparisons: Sequence[Row], metrics: Sequence[tuple[str, str]]
) -> list[list[Cell]]:
    methods = list(dict.fromkeys(row["method"] for row in ranking))
    found = {(row["method"], row["metric"]): row for row in ranking}
    rank = {method: mean_rank(ranking, method) for method in methods}
    seeds = has_seeds(ranking)
    lines = []
    for method in sorted(methods, key=lambda name: rank[name]):
        rows = [found[method, name] for name, _ in metrics]
        cells = [_cell(row, mark_of(row, ranking, comparisons), seeds) for row in rows]
        cases = str(int(rows[0]["n"]) + int(rows[0]["undefined"]))
        label = rows[0]["label"]
        lines.append([Cell(method), Cell(label), *cells, Cell(f"{rank[method]:.2f}"), Cell(cases)])
    return lines


def mean_rank(ranking: Sequence[Row], method: str) -> float:
    """Return the mean of a method's ranks; without any value it takes the last place."""
    last = len({row["method"] for row in ranking})
    ranks = [row["rank"] for row in ranking if row["method"] == method]
    return fmean(last if rank == MISSING else int(rank) for rank in ranks)


def _cell(row: Row, mark: str, seeds: bool) -> Cell:
    digits = load_preset(row["preset"]).metric(row["metric"]).digits
    keys = ("mean", "sd", "seed_sd") if seeds else ("mean", "sd")
    values = [fixed(row[key], digits) for key in keys]
    text = f"{values[0]} ± {values[1]}" if row["mean"] != MISSING else MISSING
    if seeds and row["mean"] != MISSING:
        text += f" [{values[2]}]"
    if int(row["undefined"]):
        text += f" (n = {row['n']})"
    return Cell(text, (*values, row["n"]), best=row["rank"] == "1", mark=mark)


def mark_of(row: Row, ranking: Sequence[Row], comparisons: Sequence[Row]) -> str:
    """Return the mark of a method that differs from the best, or cannot be tested against it."""
    same = [r for r in ranking if (r["metric"], r["label"]) == (row["metric"], row["label"])]
    best = next((r["method"] for r in same if r["rank"] == "1"), row["method"])
    if row["rank"] == "1":
        return ""
    for pair in comparisons:
        keys = (pair["metric"], pair["label"], {pair["first"], pair["second"]})
        if keys == (row["metric"], row["label"], {best, row["method"]}):
            if is_untestable(pair):
                return NOT_TESTABLE
            return DIFFERENT if pair["significant"] == "true" else ""
    return ""


def is_untestable(pair: Row) -> bool:
    """Say whether a pair could not have reached the level, alone or after the correction."""
    return pair["significant"] == MISSING or pair["note"].startswith(TOO_FEW)


def board_notes(
    ranking: Sequence[Row], comparisons: Sequence[Row], evaluation: Evaluation
) -> list[str]:
    """Say what the numbers and marks of a leaderboard mean."""
    spread = "Mean ± standard deviation over the cases"
    if has_seeds(ranking):
        spread += "; in brackets the standard deviation, over the seeds, of the mean over the cases"
    notes = [
        f"{spread}; n where not every case is defined.",
        "↑ higher is better, ↓ lower is better; the best mean is bold.",
    ]
    for preset in dict.fromkeys(row["preset"] for row in ranking):
        notes.append(f"{preset}: the conventions of {load_preset(preset).title}.")
    if comparisons:
        notes += test_notes(comparisons, evaluation)
    return notes


def test_notes(comparisons: Sequence[Row], evaluation: Evaluation) -> list[str]:
    """Say what the marks mean, and how many subjects the tests saw."""
    subjects = subject_range(comparisons)
    correction = CORRECTIONS[evaluation.correction]
    text = (
        f"{DIFFERENT} differs from the best: paired {PAIRED_TESTS[evaluation.test].title} over "
        f"{subjects} subjects, p < {evaluation.alpha:g} after {correction} correction for all "
        "pairs of methods."
    )
    if any(map(is_untestable, comparisons)):
        text += f" {NOT_TESTABLE} too few subjects to tell it from the best at this level."
    return [text]


def failure_notes(failed: Sequence[Row]) -> list[str]:
    """Name the cases without a score because their preprocessing failed.

    Parameters
    ----------
    failed
        Rows of ``failed_cases.tsv``, as text.
    """
    notes = []
    for method in dict.fromkeys(row["method"] for row in failed):
        stages = {row["case"]: row["stage"] for row in failed if row["method"] == method}
        named = ", ".join(f"{case} ({stage})" for case, stage in sorted(stages.items()))
        count = "1 case" if len(stages) == 1 else f"{len(stages)} cases"
        notes.append(f"{method} has no scores for {count} whose preprocessing failed: {named}.")
    return notes


def empty_notes(ranking: Sequence[Row]) -> list[str]:
    """Count the cases whose value is undefined or set by the preset's rule."""
    return [
        f"{load_preset(row['preset']).metric(row['metric']).title}, {row['label']}, "
        f"{row['method']}: "
        f"{row['n']} of {int(row['n']) + int(row['undefined'])} cases defined ({row['note']})."
        for row in ranking
        if row["note"]
    ]
