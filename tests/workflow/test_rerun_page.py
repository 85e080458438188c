"""The page of reruns says what the tests recorded, and has a row for each change they make."""

import faults
import reruns
import test_rerun_rows as rows

ROW = reruns.Rerun("a change", "train_model 1", ["train_model, 1 job: a | b"], "tests/x.py::test_a")


def test_rows_become_a_table(tmp_path):
    file = tmp_path / "reruns.jsonl"
    for row in (ROW, ROW, ROW._replace(change="nothing", jobs="nothing", reasons=[])):
        faults.append(file, row)
    table = reruns.page(reruns.read(file)).splitlines()[-2:]
    assert table == [
        "| a change | train_model 1 | train_model, 1 job: a \\| b |",
        "| nothing | nothing | Nothing would run. |",
    ]


def test_page_in_the_documentation_has_every_change(root):
    shown = (root / "docs" / "reruns.md").read_text()
    for change in (*rows.SETTINGS, *rows.EDITS):
        assert f"\n| {change} | " in shown, f"{change}: run `make reruns`"
