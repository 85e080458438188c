"""The answer in words, made from the numbers: who leads, by how much, and how sure."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mribench.metrics.conventions import Metric
from mribench.report.grids import Grid, make_grid
from mribench.report.measures import number
from mribench.report.results import Results, records

RANKED_BY_MEAN = "aggregate_then_rank"


@dataclass(frozen=True)
class Lead:
    """The first method by one metric and label, against the second.

    `n` cases entered the `mean`. `difference` is the mean of first minus second over the
    `subjects` that both have, `interval` its 95 % interval, `p` the adjusted p value.
    `second` is None where there is only one method, `p` where the pair was not testable, for
    the reason in `note`.
    """

    metric: Metric
    label: str
    first: str
    mean: float
    n: int
    second: str | None = None
    subjects: int = 0
    difference: float = float("nan")
    interval: tuple[float, float] | None = None
    p: float | None = None
    significant: bool = False
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """What the page says first; `verdict` is ``yes``, ``no`` or empty where nothing was tested."""

    headline: str
    certainty: str
    verdict: str
    table: Grid
    explanation: str


def find_lead(results: Results, metric: Metric, label: str) -> Lead:
    """Return who leads by a metric and label, and what the comparison with the second says."""
    chosen = results.ranking.query("metric == @metric.name and label == @label")
    rows = records(chosen.dropna(subset="mean").sort_values("rank", kind="stable"))
    if not rows:
        return Lead(metric, label, "", float("nan"), 0)
    lead = Lead(metric, label, rows[0]["method"], rows[0]["mean"], rows[0]["n"])
    if len(rows) == 1:
        return lead
    return against(lead, rows[1]["method"], results.comparisons)


def against(lead: Lead, second: str, comparisons: pd.DataFrame) -> Lead:
    """Return the lead with its comparison with the second method, whichever way it stands."""
    pair = {lead.first, second}
    row = next(
        row
        for row in records(comparisons)
        if (row["metric"], row["label"]) == (lead.metric.name, lead.label)
        and {row["first"], row["second"]} == pair
    )
    sign = 1 if row["first"] == lead.first else -1
    low, high = sorted((sign * row["ci_low"], sign * row["ci_high"]))
    return replace(
        lead,
        second=second,
        subjects=row["n"],
        difference=sign * row["mean_difference"],
        interval=None if np.isnan(low) else (low, high),
        p=None if np.isnan(row["p_adjusted"]) else row["p_adjusted"],
        significant=row["significant"] == "true",
        note="" if pd.isna(row["note"]) else str(row["note"]),
    )


def make_answer(
    results: Results, metrics: list[Metric], alpha: float, test: str, correction: str
) -> Answer:
    """Return the answer by the main metric (the first one) and a row for each metric.

    Parameters
    ----------
    results
        The study.
    metrics
        The metrics, the main one first.
    alpha, test, correction
        Level, test and correction of the comparisons.
    """
    leads = [find_lead(results, metric, label) for label in results.labels for metric in metrics]
    return Answer(
        headline(leads[0], len(results.labels) > 1),
        certainty(leads[0], alpha, test, correction)
        + rank_text(results.rank_draws, leads[0])
        + seed_text(results.metrics, leads[0]),
        verdict(leads[0]),
        lead_grid(leads, len(results.labels) > 1),
        "Lead: mean of first minus second, with its 95 % bootstrap interval. Adjusted p: "
        f"{test.capitalize()} test, two-sided, {correction.capitalize()} correction over all pairs "
        "of a metric. n: subjects that both have. ↑ higher, ↓ lower is better.",
    )


def headline(lead: Lead, several: bool) -> str:
    """Return one sentence: who leads by the main metric, and by how much."""
    metric = lead.metric
    name = f"{metric.title} of {lead.label}" if several else metric.title
    if not lead.first:
        return f"There is no winner: {name} is undefined for every case."
    mean = f"{with_unit(metric, lead.mean)} on average over {cases(lead.n)}"
    if lead.second is None:
        return f"{lead.first} reaches a {name} of {mean}; no other method was scored."
    size = with_unit(metric, abs(lead.difference))
    word = "higher" if lead.difference > 0 else "lower"
    if not np.isfinite(lead.difference):
        return f"{lead.first} leads by {name}: {mean}; it shares no case with {lead.second}."
    return (
        f"{lead.first} leads by {name}: {mean}, {size} {word} than {lead.second}, the "
        f"second{interval_text(lead)}."
    )


def interval_text(lead: Lead) -> str:
    """Return the interval of the difference in brackets, or nothing."""
    if lead.interval is None:
        return ""
    low, high = (number(lead.metric, value, sign=True) for value in lead.interval)
    return f" (95 % interval of the difference {low} to {high})"


def certainty(lead: Lead, alpha: float, test: str, correction: str) -> str:
    """Return one sentence: whether the lead of the main metric can be told from chance."""
    if lead.second is None:
        return "Nothing to compare."
    if lead.p is None:
        return f"How sure: {lead.note}. The order may be chance."
    tested = f"{test.capitalize()} test, {correction.capitalize()} correction"
    what = f"{p_text(lead.p)}, {tested}, {counted(lead.subjects, 'subject')}"
    if lead.significant:
        return f"How sure: the lead over {lead.second} is significant at {alpha:g} ({what})."
    return (
        f"How sure: not very. The lead over {lead.second} is not significant at {alpha:g} "
        f"({what}); these cases do not separate the two."
    )


def rank_text(draws: pd.DataFrame, lead: Lead) -> str:
    """Return how often the leader stays first when other subjects are drawn, where known."""
    chosen = draws[
        (draws.metric == lead.metric.name)
        & (draws.label == lead.label)
        & (draws.scheme == RANKED_BY_MEAN)
    ]
    if lead.second is None or chosen.empty:
        return ""
    first = chosen[(chosen.method == lead.first) & (chosen["rank"] == 1)]
    share = f"{100 * first.share.sum():.3g} %"
    return f" It stays first in {share} of the bootstrap draws of the subjects."


def seed_text(metrics: pd.DataFrame, lead: Lead) -> str:
    """Return what a test over subjects cannot see where a study has one seed, else nothing."""
    if lead.second is None or metrics.seed.nunique() > 1:
        return ""
    return " With one seed, chance in the trainings is no part of this."


def verdict(lead: Lead) -> str:
    """Return ``yes`` for a significant lead, ``no`` for another one, empty where there is none."""
    if lead.second is None:
        return ""
    return "yes" if lead.significant else "no"


def lead_grid(leads: list[Lead], several: bool) -> Grid:
    """Return one row per metric: leader, mean, second, lead, interval, p, n."""
    texts = ("metric", "first", "second", "lead is")
    heads = (*texts[:2], "mean", "second", "lead (95 % interval)", "adjusted p", "n", texts[3])
    rows = [
        [
            f"{lead.metric.heading} {'↑' if lead.metric.better == 'higher' else '↓'}"
            + (f", {lead.label}" if several else ""),
            lead.first or "none",
            number(lead.metric, lead.mean) if lead.first else "n/a",
            lead.second or "none",
            lead_text(lead),
            "n/a" if lead.p is None else p_value(lead.p),
            str(lead.subjects),
            sureness(lead),
        ]
        for lead in leads
    ]
    return make_grid(heads, rows, texts)


def lead_text(lead: Lead) -> str:
    """Return the difference and, where there is one, its interval."""
    if not np.isfinite(lead.difference):
        return "n/a"
    text = number(lead.metric, lead.difference, sign=True)
    if lead.interval is None:
        return text
    low, high = (number(lead.metric, value, sign=True) for value in lead.interval)
    return f"{text} ({low} to {high})"


def sureness(lead: Lead) -> str:
    """Return the verdict of a row in words."""
    if lead.second is None:
        return "one method"
    if lead.p is None:
        return "not testable"
    return "significant" if lead.significant else "not significant"


def with_unit(metric: Metric, value: float) -> str:
    """Return a value with its unit."""
    return f"{number(metric, value)} {metric.unit}".strip()


def p_text(p: float) -> str:
    """Return ``adjusted p = …`` or, for a very small one, ``adjusted p < 0.001``."""
    return f"adjusted p {'' if p < 0.001 else '= '}{p_value(p)}"


def p_value(p: float) -> str:
    """Return a p value with two significant digits, very small ones as a bound."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def cases(count: int) -> str:
    """Return a count of cases in words."""
    return counted(count, "case")


def counted(count: int, noun: str) -> str:
    """Return a count with its noun in singular or plural."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
