"""Names of strangers go through every shell command of the workflow and are never run."""

import copy
import shutil

import pytest

from mribench.files import read_table, write_table

pytestmark = pytest.mark.slow

HOSTILE = "a;touch PWNED $(touch PWNED) `touch PWNED` 'q' \"d\" && %s -rf #"


def test_no_name_is_run(copied, tiny_study):
    source = copied.folder / HOSTILE
    shutil.copytree(copied.results(tiny_study) / "dataset/bids", source)
    for label in list(source.rglob("*_label-lesion_mask.nii.gz")):
        case = label.name.split("_")[0]
        target = source / "own labels" / f"{case} $(touch PWNED);`touch PWNED` 'lesion'.nii.gz"
        target.parent.mkdir(exist_ok=True)
        label.rename(target)
    people = source / "participants.tsv"
    rows = [{**row, "site": "$(touch PWNED) `touch PWNED` '\"<u>"} for row in read_table(people)]
    write_table(people, rows, list(rows[0]))
    (source / "sub-a;touch PWNED").mkdir()
    study = copy.deepcopy(tiny_study)
    study |= {"study": "hostile", "title": f"$(touch PWNED) `touch PWNED` {HOSTILE}\nPWNED"}
    study["dataset"] |= {
        "recipe": "bids",
        "source": str(source),
        "label": {"pattern": "own labels/{subject}*.nii.gz"},
        "on_problem": "drop",
    }
    study["methods"].pop("unet2d")
    copied.run(study, "all", "publish")
    assert not list(copied.folder.rglob("PWNED*"))
    assert not list(copied.root.glob("PWNED*"))
    results = copied.results(study)
    problems = read_table(results / "dataset/problems.tsv")
    assert [row["action"] for row in problems if "touch" in row["case"]] == ["drop"]
    page = (results / "report/index.html").read_text()
    assert "&lt;u&gt;" in page
    assert "<u>" not in page
    assert (results / "publish/hostile.zip").exists()
