"""Parts of the cases: sites, thirds of the lesion load, resolutions."""

import pytest
from tidy_tables import random_values, rows_of, write_metrics

from mribench.config import Evaluation
from mribench.statistics.compare import compare_methods
from mribench.statistics.ranking import rank_methods
from mribench.statistics.strata import (
    STRATA_COLUMNS,
    STRATA_COMPARISON_COLUMNS,
    compare_strata,
    find_strata,
    load_thirds,
    part_of,
    resolutions,
)
from mribench.statistics.tidy import read_metrics, scores_of


def scan(case, load="1.0", spacing="1x1x1", contrast="FLAIR"):
    return {
        "case": case,
        "contrast": contrast,
        "labels_contrast": "FLAIR",
        "load_ml": load,
        "spacing": spacing,
    }


def test_thirds_of_the_load_hold_equal_numbers_and_name_their_bounds():
    found = load_thirds({f"sub-{n}": str(n * n) for n in range(1, 10)})
    levels = list(dict.fromkeys(found.values()))
    assert levels == ["low (1 to 9 ml)", "middle (16 to 36 ml)", "high (49 to 81 ml)"]
    assert [list(found.values()).count(level) for level in levels] == [3, 3, 3]
    assert found["sub-4"] == levels[1]


def test_few_or_equal_loads_are_not_parted():
    assert load_thirds({f"sub-{n}": str(n) for n in range(5)}) == {}
    assert load_thirds({f"sub-{n}": "2.5" for n in range(9)}) == {}
    assert load_thirds({"sub-1": "n/a"}) == {}


@pytest.mark.parametrize(
    ("spacing", "name"),
    [
        ("1x1x1", "1.0 mm"),
        ("1.02x1x1", "1.0 mm"),
        ("0.49x0.49x1", "0.5 mm"),
        ("0.35x4.8x0.35", "2D"),
        ("0.95x0.95x3", "2D"),
        ("2x2x2", "2.0 mm"),
        ("0.55x0.55x1", "0.55 mm"),
    ],
)
def test_resolutions_are_the_papers_clusters(spacing, name):
    assert resolutions({"a": spacing}) == {"a": name}


def test_parts_have_the_numbers_of_their_cases_alone(tmp_path):
    values = random_values(("a", "b"), cases=16)
    rows = rows_of(values)
    for r in rows:
        r["site"] = "AB"[int(r["case"][-1]) % 2]
    metrics = read_metrics(write_metrics(tmp_path, rows))
    scans = [scan(f"sub-{n:03d}", str(n + 1)) for n in range(16)]
    scans += [scan("sub-000", "99", "3x3x3", contrast="T1w")]
    strata = find_strata(metrics, scans)
    assert list(strata) == ["site", "load"]
    scores = list(scores_of(metrics))
    ranked, compared = compare_strata(scores, strata, Evaluation())
    assert [len(ranked), len(compared)] == [2 * 5, 5]
    chosen = [r for r in rows if r["site"] == "B"]
    (alone,) = scores_of(read_metrics(write_metrics(tmp_path, chosen)))
    keys = {"stratum": "site", "level": "B"}
    assert [r for r in ranked if keys.items() <= r.items()] == [
        keys | r for r in rank_methods(alone)
    ]
    (pair,) = (r for r in compared if keys.items() <= r.items())
    assert pair == keys | compare_methods(alone, Evaluation())[0]
    assert tuple(ranked[0]) == STRATA_COLUMNS
    assert tuple(pair) == STRATA_COMPARISON_COLUMNS


def test_a_study_of_one_kind_has_no_strata(tmp_path):
    metrics = read_metrics(write_metrics(tmp_path, rows_of({"a": [0.5, 0.6]})))
    assert find_strata(metrics, [scan("sub-000"), scan("sub-001")]) == {}


def test_a_part_keeps_every_method(tmp_path):
    rows = rows_of({"a": [0.5, 0.6], "b": [0.4, 0.7]})
    (scores,) = scores_of(read_metrics(write_metrics(tmp_path, rows)))
    part = part_of(scores, ["sub-001", "unknown"])
    assert part.methods == ["a", "b"]
    assert list(part.cases.index) == list(part.subjects.index) == ["sub-001"]
