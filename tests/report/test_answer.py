"""The words of the answer follow from the numbers."""

import numpy as np
import pandas as pd
import pytest

from mribench.report.answer import find_lead, headline, make_answer, p_value
from mribench.report.results import Results

ARGUMENTS = (0.05, "wilcoxon", "holm")


@pytest.fixture
def copy(results):
    """The miniature's tables, free to be changed."""
    made = Results(results.folder, results.methods)
    for name in ("metrics", "ranking", "comparisons", "rank_draws"):
        made.__dict__[name] = getattr(results, name).copy()
    return made


def only_dice(copy, **changes):
    """Set columns of the comparison between the two best methods by Dice."""
    pair = set(copy.ranked("dice", "lesion")[:2])
    table = copy.comparisons
    same = [{*names} == pair for names in zip(table["first"], table["second"], strict=True)]
    rows = (table["metric"] == "dice") & np.array(same)
    for name, value in changes.items():
        table[name] = table[name].astype(object)
        table.loc[rows, name] = value
    return copy


def test_leader_has_the_best_mean_whatever_way_is_better(results, preset):
    for metric in preset.metrics:
        means = results.values(metric.name, "lesion").mean()
        best = means.idxmax() if metric.better == "higher" else means.idxmin()
        lead = find_lead(results, metric, "lesion")
        assert lead.first == best
        assert lead.mean == pytest.approx(means[best])


def test_lead_is_first_minus_second_over_common_cases(results, preset):
    for metric in preset.metrics:
        lead = find_lead(results, metric, "lesion")
        both = results.values(metric.name, "lesion")[[lead.first, lead.second]].dropna()
        difference = both[lead.first] - both[lead.second]
        assert lead.difference == pytest.approx(difference.mean())
        assert lead.subjects == len(both)
        assert lead.interval[0] <= lead.difference <= lead.interval[1]


def test_headline_names_leader_size_and_interval(results, preset):
    answer = make_answer(results, list(preset.metrics), *ARGUMENTS)
    lead = find_lead(results, preset.metrics[0], "lesion")
    assert answer.headline.startswith(f"{lead.first} leads by Dice: {lead.mean:.3f} on average")
    assert f"{abs(lead.difference):.3f} " in answer.headline
    assert lead.second in answer.headline
    assert [row[1].text for row in answer.table.rows] == [
        find_lead(results, metric, "lesion").first for metric in preset.metrics
    ]


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        (
            {"p_adjusted": 0.0004, "significant": "true", "note": ""},
            "yes",
            "is significant at 0.05 (adjusted p < 0.001, Wilcoxon test, Holm correction",
        ),
        ({"p_adjusted": 0.3, "significant": "false", "note": ""}, "no", "is not significant"),
        (
            {"p_adjusted": np.nan, "significant": np.nan, "note": "not testable: too few"},
            "no",
            "not testable: too few",
        ),
    ],
)
def test_certainty_follows_the_test(copy, preset, changes, verdict, words):
    answer = make_answer(only_dice(copy, **changes), list(preset.metrics), *ARGUMENTS)
    assert answer.verdict == verdict
    assert words in answer.certainty


def test_certainty_says_how_firmly_the_lead_holds(copy, preset):
    leader = copy.ranked("dice", "lesion")[0]
    answer = make_answer(copy, list(preset.metrics), *ARGUMENTS)
    expected = "It stays first in 90 % of the bootstrap draws of the subjects."
    assert expected in answer.certainty
    draws = copy.rank_draws
    copy.__dict__["rank_draws"] = draws[draws.method != leader]
    assert "first in 0 % of" in make_answer(copy, list(preset.metrics), *ARGUMENTS).certainty
    copy.__dict__["rank_draws"] = draws.iloc[:0]
    assert "draws" not in make_answer(copy, list(preset.metrics), *ARGUMENTS).certainty


def test_one_seed_is_said_to_hide_the_chance_of_trainings(copy, preset):
    words = "With one seed, chance in the trainings is no part of this."
    assert make_answer(copy, list(preset.metrics), *ARGUMENTS).certainty.endswith(words)
    copy.__dict__["metrics"] = pd.concat([copy.metrics, copy.metrics.assign(seed=1)])
    assert words not in make_answer(copy, list(preset.metrics), *ARGUMENTS).certainty


def test_single_method_is_not_called_a_winner(results, preset):
    alone = Results(results.folder, ("scp",))
    for name in ("metrics", "ranking"):
        table = getattr(results, name)
        alone.__dict__[name] = table[table.method == "scp"]
    alone.__dict__["comparisons"] = results.comparisons.iloc[:0]
    answer = make_answer(alone, list(preset.metrics), *ARGUMENTS)
    assert "no other method was scored" in answer.headline
    assert answer.certainty == "Nothing to compare."


def test_metric_without_any_value_has_no_winner(copy, preset):
    copy.ranking.loc[copy.ranking.metric == "dice", ["mean", "rank"]] = np.nan
    answer = make_answer(copy, list(preset.metrics), *ARGUMENTS)
    assert answer.headline == "There is no winner: Dice is undefined for every case."
    assert answer.table.rows[0][1].text == "none"


def test_methods_without_common_case_are_not_compared(copy, preset):
    empty = dict.fromkeys(("mean_difference", "ci_low", "ci_high", "p_adjusted"), np.nan)
    note = "not testable: no case is defined for both"
    answer = make_answer(only_dice(copy, n=0, note=note, **empty), [*preset.metrics], *ARGUMENTS)
    assert "shares no case" in answer.headline
    assert note in answer.certainty


def test_lower_is_better_reads_lower(results, preset):
    lead = find_lead(results, preset.metric("hd95"), "lesion")
    assert lead.difference < 0
    assert " mm lower than " in headline(lead, several=False)
    assert "HD95 of lesion" in headline(lead, several=True)


@pytest.mark.parametrize(("p", "text"), [(0.0001, "< 0.001"), (0.0123, "0.012"), (1.0, "1")])
def test_small_p_values_are_bounds(p, text):
    assert p_value(p) == text
