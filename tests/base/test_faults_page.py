"""The page of faults says what the tests recorded, and every test that records stands on it."""

import re

import faults

ROWS = [
    faults.Fault("scancel of a job", "it ended", "ran it again", "tests/slurm/test_x.py::test_a"),
    faults.Fault("full disk", "a | b", "stopped", "tests/base/test_y.py::test_b[one]"),
]


def recording_tests(root):
    """Names of the tests that take the fixture."""
    pattern = re.compile(r"^ *def (test_\w+)\([^)]*\brecord_fault\b", re.M)
    return {
        name
        for path in root.glob("tests/*/test_*.py")
        for name in pattern.findall(path.read_text())
    }


def test_rows_are_read_back_each_once(tmp_path):
    for row in [*ROWS, ROWS[0]]:
        faults.append(tmp_path / "faults.jsonl", row)
    assert faults.read(tmp_path / "faults.jsonl") == sorted(ROWS)


def test_page_has_a_table_for_the_cluster_and_one_for_the_rest():
    text = faults.page(ROWS)
    cluster, local = text.split("## On one machine")
    assert (
        "| scancel of a job | it ended | ran it again | `tests/slurm/test_x.py::test_a` |"
        in cluster
    )
    assert "a \\| b" in local


def test_page_in_the_documentation_is_complete(root):
    page = (root / "docs" / "faults.md").read_text()
    shown = set(re.findall(r"::(test_\w+)(?:\[[^`]*\])?`", page))
    assert shown == recording_tests(root), "run `make faults`"
