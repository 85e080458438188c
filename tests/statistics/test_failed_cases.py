"""Cases without a score are counted and named, in the tables and on the page."""

from types import SimpleNamespace

from mribench.files import write_json
from mribench.report.leaderboard import failure_notes
from mribench.report.notices import failure_reasons
from mribench.statistics.collect import RunFolder, collect_failures

FAILED = {
    "case": "sub-02",
    "stage": "strip_skull",
    "reason": "found an empty mask; expected a brain",
}


def test_failures_of_all_runs_become_rows_and_notes(tmp_path):
    folders = [RunFolder(name, 0, 0, tmp_path / name) for name in ("a", "b", "c")]
    for folder, entry in zip(folders, (FAILED, FAILED, None), strict=True):
        listing = {"sub-01": {"path": "x.nii.gz"}} | (
            {"sub-02": {"failed": entry}} if entry else {}
        )
        write_json(folder.path / "predictions.json", listing)
    rows = list(collect_failures(folders))
    assert [(row["method"], row["case"], row["stage"]) for row in rows] == [
        ("a", "sub-02", "strip_skull"),
        ("b", "sub-02", "strip_skull"),
    ]
    text = [{key: str(value) for key, value in row.items()} for row in rows]
    assert failure_notes(text)[0] == (
        "a has no scores for 1 case whose preprocessing failed: sub-02 (strip_skull)."
    )
    assert failure_reasons(SimpleNamespace(failed=text)) == [
        "sub-02: strip_skull failed: found an empty mask; expected a brain."
    ]
    assert failure_notes([]) == []
