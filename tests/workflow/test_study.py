"""The main job: raw scans in, a results page out, and the same bytes every time."""

import copy
import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
import zipfile

import pytest
import yaml
from digests import digests
from workspace import Workspace

pytestmark = pytest.mark.slow


def jobs(shown):
    """The rules that a dry run would run, with their counts."""
    table = re.search(r"Job stats:\n(.*?)\ntotal", shown, re.S)
    return {} if table is None else dict(re.findall(r"^(\w+) +(\d+)$", table[1], re.M))


def test_ends_with_a_report(finished, small_study):
    results = finished.results(small_study)
    page = (results / "report" / "index.html").read_text()
    for name in small_study["methods"]:
        assert name in page
    with (results / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["method"] for row in rows} == set(small_study["methods"])
    assert {row["case"] for row in rows} == {f"sub-{n:02d}" for n in range(1, 5)}
    for form in ("csv", "md", "tex", "html"):
        assert (results / "tables" / f"leaderboard.{form}").stat().st_size > 100


def test_snakemakes_own_report_holds_tables_figures_and_review(finished, small_study):
    finished.run(small_study, "--report", "report.zip")
    with zipfile.ZipFile(finished.folder / "report.zip") as archive:
        names = [name.rsplit("/", 1)[-1] for name in archive.namelist()]
        shell = archive.read("report/report.html").decode()
    for name in ("leaderboard.html", "comparisons.html", "costs.html", "distribution_dice.png"):
        assert names.count(name) == 1
    assert names.count("index.html") == 4, "one review per case"
    for category in ("Figures", "Preprocessing", "Tables"):
        assert f'"{category}"' in shell
    assert "the notes count the cases that" in shell


def test_derivatives_say_what_made_them(finished, small_study):
    preproc = finished.results(small_study) / "preproc" / "native"
    description = json.loads((preproc / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"]
    images = sorted(preproc.rglob("*.nii.gz"))
    assert images
    for image in images:
        sidecar = json.loads((image.parent / image.name.replace(".nii.gz", ".json")).read_text())
        assert sidecar, image


def test_volumes_of_all_cases_stand_in_one_table(finished, small_study):
    results = finished.results(small_study)
    with (results / "preproc" / "native" / "volumes.tsv").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [row["case"] for row in rows] == [f"sub-{n:02d}" for n in range(1, 5)]
    for row in rows:
        tissues = sum(float(row[name]) for name in ("GM", "WM", "CSF"))
        assert abs(tissues - float(row["intracranial"])) < 1
        assert 15 < float(row["reference_lesion"]) < 45


def test_nothing_is_to_be_done_twice(finished, small_study):
    start = time.perf_counter()
    shown = finished.run(small_study)
    assert "Nothing to be done" in shown
    assert time.perf_counter() - start < 15


def test_two_runs_give_the_same_bytes(finished, workspace, small_study):
    workspace.run(small_study)
    first = digests(finished.results(small_study))
    second = digests(workspace.results(small_study))
    assert len(first) > 100
    assert {name.rsplit(".", 1)[-1] for name in first} >= {"csv", "safetensors", "gz", "npy"}
    assert first == second


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s.update(title="Another title"), {"render_report"}),
        (
            lambda s: s["methods"]["unet2d"].update(epochs=3),
            {"plan_run", "train_model", "predict_cases", "evaluate_predictions", "measure_cost"},
        ),
        (lambda s: s["evaluation"].update(alpha=0.01), {"compare_methods"}),
        (lambda s: s["methods"].pop("unet2d"), {"aggregate_metrics"}),
        (
            lambda s: s["variants"]["native"].update(intensity={"method": "zscore"}),
            set(),
        ),
    ],
    ids=["title", "hyperparameter", "level", "method removed", "default spelled out"],
)
def test_only_what_changed_runs_again(finished, small_study, change, expected):
    study = copy.deepcopy({"evaluation": {}, **small_study})
    change(study)
    planned = set(jobs(finished.run(study, "-n"))) - {"all"}
    below = {
        "aggregate_metrics",
        "assess_agreement",
        "compare_methods",
        "render_tables",
        "plot_figures",
        "write_methods",
        "render_report",
    }
    assert expected <= planned
    assert planned <= expected | below
    if not expected:
        assert not planned


def test_changing_one_method_leaves_the_others_alone(finished, small_study):
    study = copy.deepcopy(small_study)
    study["methods"]["unet2d"]["epochs"] = 3
    assert jobs(finished.run(study, "-n"))["train_model"] == "2"


def test_a_new_method_trains_only_itself(finished, small_study):
    study = copy.deepcopy(small_study)
    study["methods"]["second"] = {"method": "flair_threshold", "variant": "native"}
    planned = jobs(finished.run(study, "-n"))
    assert planned["train_model"] == "2"
    assert not {"correct_bias", "resample_images", "pack_cases"} & set(planned)


@pytest.fixture
def checkout(root, tmp_path):
    """A copy of the tracked files of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, cwd=root, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        target = tmp_path / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    return tmp_path / "checkout"


def test_a_model_segments_raw_images_as_its_study_did(finished, small_study, root, tmp_path):
    results = finished.results(small_study)
    shutil.copytree(results / "runs/unet2d/fold-0_seed-0", tmp_path / "bought")
    listing = json.loads((tmp_path / "bought/predictions.json").read_text())
    case = sorted(listing)[0]
    bids = results / "dataset/bids"
    images = [f"{name}={bids}/{case}/anat/{case}_{name}.nii.gz" for name in ("T1w", "FLAIR")]
    command = ["--run", tmp_path / "bought", "--images", *images, "--out", tmp_path / "out"]
    subprocess.run([sys.executable, "-m", "scripts.apply_model", *command], check=True, cwd=root)
    made = tmp_path / f"out/{case}/anat/{case}_space-FLAIR_dseg.nii.gz"
    assert hashlib.sha256(made.read_bytes()).hexdigest() == listing[case]["checksum"]
    sidecar = json.loads(made.with_name(made.name.replace(".nii.gz", ".json")).read_text())
    weights = hashlib.sha256((tmp_path / "bought/model.safetensors").read_bytes()).hexdigest()
    assert sidecar["Models"][0]["Weights"] == weights
    assert sidecar["Labels"] == {"lesion": 1}
    assert len(sidecar["Sources"]) == 2
    assert made.with_name(made.name.replace("_dseg", "_probseg")).exists()


def test_the_example_of_the_page_runs(root, checkout, finished, small_study):
    page = (root / "docs" / "add_a_method.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.S)[1]
    entry = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.S)[1])
    (checkout / "mribench" / "methods" / "dilated2d.py").write_text(code)
    study = copy.deepcopy(small_study)
    study["methods"] |= entry["methods"]

    folder = checkout.parent / "study"
    shutil.copytree(finished.folder, folder)
    extended = Workspace(checkout, folder)
    shown = extended.run(study)

    trained = re.findall(r"^Job \d+: Train (\w+), fold", shown, re.M)
    assert trained == ["dilated", "dilated"], "only the new method is trained, once per fold"
    assert "dilated" in (extended.results(study) / "tables" / "leaderboard.csv").read_text()
