"""The ranking and the comparisons of a study as tables for people."""

from collections.abc import Mapping, Sequence

from mribench.config import Evaluation
from mribench.metrics.conventions import Metric, load_preset
from mribench.report.leaderboard import CORRECTIONS, metric_heading
from mribench.report.tables import MISSING, Cell, Column, Table, fixed, probability
from mribench.statistics.paired_tests import PAIRED_TESTS

Row = Mapping[str, str]
INTERVALS = {"percentile": "percentile", "bca": "bias-corrected and accelerated (BCa)"}
DECISIONS = {"true": "yes", "false": "no", MISSING: "not testable"}
RANKING_HEADS = (
    ("Metric", False, "group"),
    ("Label", False, "group"),
    ("Method", False, ""),
    ("Rank", True, ""),
    ("Mean", True, ""),
    ("95 % CI low", True, ""),
    ("95 % CI high", True, ""),
    ("SD over cases", True, ""),
    ("Seeds", True, ""),
    ("SD over seeds", True, ""),
    ("Cases", True, ""),
    ("Undefined", True, ""),
    ("Note", False, "note"),
)
COMPARISON_HEADS = (
    ("Metric", False, "group"),
    ("Label", False, "group"),
    ("First", False, ""),
    ("Second", False, ""),
    ("n", True, ""),
    ("First − second", True, ""),
    ("95 % CI low", True, ""),
    ("95 % CI high", True, ""),
    ("Rank-biserial", True, ""),
    ("p", True, ""),
    ("Adjusted p", True, ""),
    ("Significant", False, ""),
    ("Better", False, ""),
    ("Subjects needed", True, ""),
    ("Note", False, "note"),
)


def make_ranking_table(ranking: Sequence[Row], evaluation: Evaluation, title: str) -> Table:
    """Return all means with their uncertainty, one row per metric, label and method."""
    return Table(
        name="ranking",
        title=f"{title}: means and their uncertainty",
        columns=[Column(h, numbers=n, role=r) for h, n, r in RANKING_HEADS],
        rows=[_ranking_row(row) for row in ranking],
        notes=[
            f"95 % CI: {INTERVALS[evaluation.interval]} bootstrap of the mean over the cases, "
            "subjects drawn whole.",
            "SD over seeds: of the mean over the cases; n/a for one seed.",
            "Cases: those that entered the mean; a case counts once, with its mean over the seeds.",
        ],
    )


def _ranking_row(row: Row) -> list[Cell]:
    metric = metric_of_row(row)
    mean, low, high, spread, seed = (
        fixed(row[key], metric.digits) for key in ("mean", "ci_low", "ci_high", "sd", "seed_sd")
    )
    texts = [
        *heading_texts(row, metric, "method"),
        *(row["rank"], mean, low, high, spread, row["seeds"], seed, row["n"], row["undefined"]),
        row["note"],
    ]
    return [Cell(text, best=place == 4 and row["rank"] == "1") for place, text in enumerate(texts)]


def make_comparison_table(comparisons: Sequence[Row], evaluation: Evaluation, title: str) -> Table:
    """Return all pairs of methods, one row per metric, label and pair."""
    correction = CORRECTIONS[evaluation.correction]
    return Table(
        name="comparisons",
        title=f"{title}: pairs of methods",
        columns=[Column(h, numbers=n, role=r) for h, n, r in COMPARISON_HEADS],
        rows=[_comparison_row(row) for row in comparisons],
        notes=[
            f"p: paired {PAIRED_TESTS[evaluation.test].title} over n subjects, two-sided; a case's "
            "value is its mean over the seeds, a subject's difference the mean over its sessions.",
            f"Adjusted p: {correction} correction for the pairs tested under one metric and label; "
            f"significant below {evaluation.alpha:g}.",
            f"95 % CI: {INTERVALS[evaluation.interval]} bootstrap of the mean difference over the "
            "subjects.",
            "Rank-biserial: 1 where the first is higher in every subject, -1 where it is lower.",
            "Subjects needed: to find such a difference in four of five studies, at the level "
            "after correction for all pairs; as uncertain as the difference itself.",
        ],
    )


def _comparison_row(row: Row) -> list[Cell]:
    metric = metric_of_row(row)
    mean, low, high = (
        fixed(row[key], metric.digits, sign=True)
        for key in ("mean_difference", "ci_low", "ci_high")
    )
    effect = fixed(row["rank_biserial"], 2, sign=True)
    tests = probability(row["p"]), probability(row["p_adjusted"]), DECISIONS[row["significant"]]
    names = heading_texts(row, metric, "first", "second")
    ends = row["better"], row["subjects_needed"], row["note"]
    texts = [*names, row["n"], mean, low, high, effect, *tests, *ends]
    return [Cell(text) for text in texts]


def metric_of_row(row: Row) -> Metric:
    """Return the metric that a row of a tidy table is about."""
    return load_preset(row["preset"]).metric(row["metric"])


def heading_texts(row: Row, metric: Metric, *keys: str) -> list[str]:
    """Return the metric's heading, the label, and more columns of a row."""
    return [metric_heading(metric, row["preset"]), row["label"], *(row[key] for key in keys)]
